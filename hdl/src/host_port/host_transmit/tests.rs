//! `HostTransmit`: three writers, reads and completions, and an order that a host can rely on.

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;
use crate::library::stream::Beat;
use std::collections::VecDeque;

const MESSAGES: usize = 0;
const PROCESSOR: usize = 2;
const COMPLETIONS: usize = 4;

fn unit() -> HostTransmit {
    let mut unit = HostTransmit::default();
    unit.clock.connect();
    unit.reset.connect();
    for sink in [
        &mut unit.message_writes,
        &mut unit.shadow_writes,
        &mut unit.processor_writes,
        &mut unit.interrupt_writes,
        &mut unit.reads,
        &mut unit.completions,
    ] {
        sink.valid.connect();
        sink.beat.connect();
    }
    unit.requester_id.connect();
    unit.maximum_payload.connect();
    unit.master_enable.connect();
    unit.stopped.connect();
    unit.posted_allowed.connect();
    unit.nonposted_allowed.connect();
    unit.completion_allowed.connect();
    unit.source.ready.connect();
    unit.connect_all();
    unit.reset.next = true;
    settle(&mut unit);
    for _ in 0..3 {
        clock_cycle!(unit, clock);
    }
    unit.reset.next = false;
    unit.master_enable.next = true;
    unit.posted_allowed.next = true;
    unit.nonposted_allowed.next = true;
    unit.completion_allowed.next = true;
    unit.source.ready.next = true;
    unit
}

/// A read or completion of one beat that carries a number: bytes 0 and 8 up.
fn packet(format_type: u8, serial: u64) -> (u128, bool) {
    (u128::from(format_type) | u128::from(serial) << 64, true)
}

/// The sinks in the order of `HostTransmit`'s ports, and what they are offered.
#[derive(Default)]
struct Feeds([VecDeque<(u128, bool)>; 5]);

impl Feeds {
    /// Offers the sinks with bits in `offering` their next beats, runs a cycle, and gives the sinks
    /// that took theirs and the beat that left.
    fn step(&mut self, unit: &mut HostTransmit, offering: &[bool; 5]) -> ([bool; 5], Option<Beat>) {
        let sinks = [
            &mut unit.message_writes,
            &mut unit.shadow_writes,
            &mut unit.processor_writes,
            &mut unit.reads,
            &mut unit.completions,
        ];
        for ((sink, feed), offered) in sinks.into_iter().zip(&self.0).zip(offering) {
            sink.valid.next = *offered && !feed.is_empty();
            if let Some(&(data, last)) = feed.front() {
                sink.beat.next = beat(data, last);
            }
        }
        settle(unit);
        let ready = [
            unit.message_writes.ready.val(),
            unit.shadow_writes.ready.val(),
            unit.processor_writes.ready.val(),
            unit.reads.ready.val(),
            unit.completions.ready.val(),
        ];
        let mut taken = [false; 5];
        for (index, feed) in self.0.iter_mut().enumerate() {
            taken[index] = offering[index] && ready[index] && feed.pop_front().is_some();
        }
        let left = unit.source.valid.val() && unit.source.ready.val();
        (taken, left.then(|| unit.source.beat.val()))
    }
}

#[test]
fn latencies_are_as_documented() {
    for (sink, expected) in [
        (MESSAGES, 4),
        (1, 4),
        (PROCESSOR, 5),
        (3, 1),
        (COMPLETIONS, 1),
    ] {
        let mut unit = unit();
        let mut feeds = Feeds::default();
        feeds.0[sink].extend(if sink < 3 {
            write(0x12_3456_7000, 16).beats()
        } else {
            vec![packet(0, 1)]
        });
        let mut cycle = 0;
        while feeds.step(&mut unit, &[true; 5]).1.is_none() {
            clock_cycle!(unit, clock);
            cycle += 1;
        }
        assert_eq!(cycle, expected, "sink {sink}");
    }
}

#[test]
fn a_marked_write_is_seen_once_when_its_first_request_leaves() {
    let mut unit = unit();
    let mut feeds = Feeds::default();
    feeds.0[1].extend(write(0x12_3456_0000, 16).beats());
    let marked = Write {
        marked: true,
        ..write(0x12_3456_7000, 256)
    };
    feeds.0[MESSAGES].extend(marked.beats());
    let mut seen = vec![];
    for _ in 0..60 {
        let (_, left) = feeds.step(&mut unit, &[true; 5]);
        if unit.marked_out.val() {
            let header = number(left.unwrap().data).to_le_bytes();
            seen.push(u64::from_be_bytes(header[8..].try_into().unwrap()));
        }
        clock_cycle!(unit, clock);
    }
    assert_eq!(seen, [marked.address]);
}

/// Everything leaves whole; of each writer in order; and no completion or read that was first offered after a
/// processor's write had its place leaves before all of that write. Nor does a processor's write that was first offered
/// behind another writer's leave before it.
#[test]
fn nothing_passes_the_writes_that_came_before_it() {
    let mut held_back = 0;
    for seed in 1..=12 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        unit.maximum_payload.next = (seed % 2).to_bits();
        let mut feeds = Feeds::default();
        let mut writes: [VecDeque<Write>; 3] = Default::default();
        for (sink, list) in writes.iter_mut().enumerate() {
            for number in 0..40u64 {
                // Short ones: several of them wait between arbiter and host.
                let longest = if random.chance(80) { 8 } else { 100 };
                let words = 1 + random.below(longest);
                let write = write((1 + sink as u64) << 40 | number << 12, 4 * words as usize);
                feeds.0[sink].extend(write.beats());
                list.push_back(write);
            }
        }
        for serial in 0..60 {
            feeds.0[3].push_back(packet(0x20, serial));
            feeds.0[COMPLETIONS].push_back(packet(0x4a, serial));
        }
        let mut offering = [false; 5];
        // Processor's writes taken, come to their places a cycle later, and left; those in their places when the
        // packet at the front of sinks 3 and 4 was first offered. With each of these, messages that had their places:
        // those that were told in `message_written`.
        let (mut taken, mut placed, mut left) = (0, 0, 0);
        let (mut told, mut told_before) = (0, 0);
        let mut front: [Option<[u64; 2]>; 2] = [None; 2];
        let mut must: [VecDeque<[u64; 2]>; 2] = Default::default();
        // Messages and shadow lines taken and left; those taken when the processor's write at the
        // front was first offered.
        let (mut others_taken, mut others_left) = ([0u64; 2], [0u64; 2]);
        let mut processor_front: Option<[u64; 2]> = None;
        let mut processor_must: VecDeque<[u64; 2]> = VecDeque::new();
        let mut within_processor = false;
        let mut beats: Vec<u128> = vec![];
        let mut bytes: [Vec<u8>; 3] = Default::default();
        let credits = if seed % 3 == 0 { 20 } else { 80 };
        for cycle in 0..40_000u64 {
            for (index, offer) in offering.iter_mut().enumerate() {
                *offer |= random.chance(if index < 3 { 60 } else { 15 });
            }
            for (class, place) in front.iter_mut().enumerate() {
                if offering[3 + class] && !feeds.0[3 + class].is_empty() {
                    place.get_or_insert([placed, told_before]);
                }
            }
            unit.posted_allowed.next = random.chance(credits);
            unit.nonposted_allowed.next = random.chance(80);
            unit.completion_allowed.next = random.chance(90);
            unit.source.ready.next = random.chance(80);
            if offering[PROCESSOR] && !within_processor && !feeds.0[PROCESSOR].is_empty() {
                processor_front.get_or_insert(others_taken);
            }
            let others_end = [0, 1].map(|sink| feeds.0[sink].front().is_some_and(|beat| beat.1));
            let ends = feeds.0[PROCESSOR].front().is_some_and(|beat| beat.1);
            let (took, beat) = feeds.step(&mut unit, &offering);
            for (index, took) in took.into_iter().enumerate() {
                offering[index] &= !took;
            }
            for class in 0..2 {
                if took[3 + class] {
                    must[class].push_back(front[class].take().unwrap());
                } else if front[class].is_some_and(|[writes, _]| writes > left) {
                    held_back += 1;
                }
            }
            told_before = told;
            told += u64::from(unit.message_written.val());
            assert!(told <= others_taken[0], "told before it was taken");
            if took[MESSAGES] && others_end[0] {
                assert_eq!(told, others_taken[0], "not told before the next one");
            }
            for sink in 0..2 {
                others_taken[sink] += u64::from(took[sink] && others_end[sink]);
            }
            if took[PROCESSOR] {
                if let Some(others) = processor_front.take() {
                    processor_must.push_back(others);
                } else {
                    assert!(within_processor);
                }
                within_processor = !ends;
            }
            placed = taken;
            if took[PROCESSOR] && ends {
                taken += 1;
            }
            if let Some(beat) = beat {
                beats.push(number(beat.data));
                if beat.last {
                    let beats = std::mem::take(&mut beats);
                    let class = match beats[0] as u8 {
                        0x20 => Some(0),
                        0x4a => Some(1),
                        _ => None,
                    };
                    if let Some(class) = class {
                        let writes = must[class].pop_front().unwrap();
                        let [processors, messages] = writes;
                        assert!(
                            left >= processors && others_left[0] >= messages,
                            "seed {seed}, cycle {cycle}: passed a write"
                        );
                    } else {
                        let request = read_request(&beats, 128 << (seed % 2));
                        let sink = (request.address >> 40) as usize - 1;
                        let write = &writes[sink][0];
                        if sink == PROCESSOR && bytes[sink].is_empty() {
                            let must = processor_must.pop_front().unwrap();
                            for other in 0..2 {
                                assert!(
                                    others_left[other] >= must[other],
                                    "seed {seed}, cycle {cycle}: passed another writer's"
                                );
                            }
                        }
                        assert_eq!(request.address, write.address + bytes[sink].len() as u64);
                        bytes[sink].extend(request.payload);
                        if bytes[sink].len() == write.bytes.len() {
                            assert_eq!(bytes[sink], write.bytes);
                            bytes[sink].clear();
                            writes[sink].pop_front();
                            left += u64::from(sink == PROCESSOR);
                            if sink != PROCESSOR {
                                others_left[sink] += 1;
                            }
                        }
                    }
                }
            }
            clock_cycle!(unit, clock);
            let lists = [&must[0], &must[1]];
            if writes.iter().all(VecDeque::is_empty)
                && feeds.0.iter().all(VecDeque::is_empty)
                && lists.into_iter().all(VecDeque::is_empty)
            {
                break;
            }
        }
        assert!(writes.iter().all(VecDeque::is_empty), "writes remain");
        assert!(feeds.0.iter().all(VecDeque::is_empty), "packets remain");
        assert!(must.iter().all(VecDeque::is_empty), "packets remain inside");
    }
    assert!(held_back > 200, "the order was hardly tried: {held_back}");
}

/// Without Bus Master Enable and without credits: writes and reads are counted and gone, completions leave; with it,
/// what comes after leaves as ever.
#[test]
fn without_bus_master_enable_requests_are_dropped_and_hold_up_no_completion() {
    let mut unit = unit();
    let mut feeds = Feeds::default();
    unit.posted_allowed.next = false;
    unit.nonposted_allowed.next = false;
    for sink in 0..3 {
        feeds.0[sink].extend(write(0x1000 << sink, 40).beats());
    }
    feeds.0[3].push_back(packet(0x20, 1));
    let run = |unit: &mut HostTransmit, feeds: &mut Feeds| {
        let (mut left, mut discarded) = (vec![], 0);
        for _ in 0..60 {
            left.extend(
                feeds
                    .step(unit, &[true; 5])
                    .1
                    .map(|beat| number(beat.data) as u8),
            );
            discarded += u32::from(unit.discarded.val());
            clock_cycle!(*unit, clock);
        }
        (left, discarded)
    };
    assert_eq!(
        run(&mut unit, &mut feeds),
        (vec![], 0),
        "they wait for credits"
    );
    feeds.0[COMPLETIONS].push_back(packet(0x4a, 1));
    assert_eq!(
        run(&mut unit, &mut feeds),
        (vec![], 0),
        "and it waits for them"
    );
    unit.master_enable.next = false;
    assert_eq!(run(&mut unit, &mut feeds), (vec![0x4a], 4));
    unit.master_enable.next = true;
    unit.posted_allowed.next = true;
    unit.nonposted_allowed.next = true;
    feeds.0[3].push_back(packet(0x20, 2));
    assert_eq!(run(&mut unit, &mut feeds), (vec![0x20], 0));
}

/// Stopped at any moment: what was under way leaves whole, then no request does; what waited is gone when nothing is
/// held any more, and each read of it was reported. What comes behind that leaves as ever.
#[test]
fn once_silent_no_request_of_before_ever_leaves() {
    let (mut under_way, mut dropped_reads) = (0, 0);
    for seed in 1..=120u64 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        let mut feeds = Feeds::default();
        for sink in 0..3 {
            for number in 0..20u64 {
                let words = 1 + random.below(40);
                let write = write((1 + sink as u64) << 40 | number << 12, 4 * words as usize);
                feeds.0[sink].extend(write.beats());
            }
        }
        for serial in 0..40 {
            feeds.0[3].push_back(packet(0x20, serial));
            feeds.0[COMPLETIONS].push_back(packet(0x4a, serial));
        }
        let stop = 20 + random.below(60);
        let credits = 20 + random.below(80);
        let mut offering = [false; 5];
        let (mut cycle, mut within, mut silent, mut reads) = (0u64, false, false, (0, 0));
        // After the stop each sink ends the packet that it is in.
        let mut in_packet = [false; 5];
        loop {
            unit.stopped.next = cycle >= stop;
            for (sink, offer) in offering.iter_mut().enumerate() {
                *offer |= random.chance(50) && (cycle < stop || in_packet[sink] || sink == 4);
            }
            unit.posted_allowed.next = random.chance(credits);
            unit.nonposted_allowed.next = random.chance(credits);
            unit.source.ready.next = random.chance(70);
            let ends = [0, 1, 2, 3, 4].map(|sink| feeds.0[sink].front().is_some_and(|b| b.1));
            let (took, left) = feeds.step(&mut unit, &offering);
            for sink in 0..5 {
                offering[sink] &= !took[sink];
                if took[sink] {
                    in_packet[sink] = !ends[sink];
                }
            }
            reads.0 += usize::from(took[3]);
            reads.1 += usize::from(unit.discarded_read.val());
            dropped_reads += usize::from(unit.discarded_read.val());
            if let Some(beat) = left {
                let is_completion = !within && number(beat.data) as u8 == 0x4a;
                assert!(is_completion || !silent, "a request has left");
                reads.1 += usize::from(!within && number(beat.data) as u8 == 0x20);
                under_way += usize::from(within && cycle > stop + 1);
                within = !beat.last;
            }
            silent |= unit.silent.val();
            assert!(
                !silent || unit.silent.val() || cycle < stop,
                "silent no more"
            );
            let held = unit.holds_request.val();
            clock_cycle!(unit, clock);
            cycle += 1;
            if silent && !held && !in_packet[..4].contains(&true) && !offering[..4].contains(&true)
            {
                break;
            }
            assert!(cycle < stop + 400, "something is held for ever");
        }
        assert_eq!(reads.0, reads.1, "a read left, or was reported");
        unit.stopped.next = false;
        unit.posted_allowed.next = true;
        unit.nonposted_allowed.next = true;
        unit.source.ready.next = true;
        for feed in &mut feeds.0 {
            feed.clear();
        }
        feeds.0[MESSAGES].extend(write(0x77 << 32, 16).beats());
        let mut addresses = vec![];
        for _ in 0..60 {
            if let (_, Some(beat)) = feeds.step(&mut unit, &[true; 5]) {
                if !within && number(beat.data) as u8 != 0x4a {
                    let header = number(beat.data).to_le_bytes();
                    addresses.push(u64::from_be_bytes(header[8..].try_into().unwrap()));
                }
                within = !beat.last;
            }
            clock_cycle!(unit, clock);
        }
        assert_eq!(addresses, [0x77 << 32]);
    }
    assert!(
        under_way > 20 && dropped_reads > 20,
        "{under_way} {dropped_reads}"
    );
}

/// An interrupt that is first offered in the cycle behind the last beat of a message's entry, or later, leaves behind
/// that entry, whatever else is written; and four cycles later at an idle host.
#[test]
fn an_interrupt_leaves_behind_the_entries_before_it() {
    const INTERRUPTS: u64 = 9 << 40;
    let mut held_back = 0;
    for seed in 1..=6 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        let mut feeds = Feeds::default();
        let mut offering = [false; 5];
        let (mut messages, mut interrupts) = (0u64, 0u64);
        let (mut taken, mut left) = (0, 0);
        let mut interrupt: VecDeque<(u128, bool)> = VecDeque::new();
        // Messages that must leave before each interrupt that was taken.
        let mut must: VecDeque<u64> = VecDeque::new();
        let mut beats: Vec<u128> = vec![];
        for _ in 0..20_000 {
            for (sink, base) in [(0, 1u64), (1, 2), (2, 3)] {
                if feeds.0[sink].is_empty() && random.chance(30) {
                    let words = 1 + random.below(12) as usize;
                    let number = if sink == 0 { &mut messages } else { &mut 0 };
                    *number += 1;
                    let address = base << 40 | (*number & 0xffff) << 12;
                    feeds.0[sink].extend(write(address, 4 * words).beats());
                }
                offering[sink] |= random.chance(60);
            }
            if interrupt.is_empty() && random.chance(20) {
                interrupts += 1;
                interrupt.extend(write(INTERRUPTS | (interrupts & 0xffff) << 12, 4).beats());
                must.push_back(taken);
            }
            unit.interrupt_writes.valid.next = !interrupt.is_empty();
            if let Some(&(data, last)) = interrupt.front() {
                unit.interrupt_writes.beat.next = beat(data, last);
            }
            unit.posted_allowed.next = random.chance(if seed % 2 == 0 { 20 } else { 90 });
            unit.source.ready.next = random.chance(80);
            let ends = feeds.0[MESSAGES].front().is_some_and(|beat| beat.1);
            let (took, out) = feeds.step(&mut unit, &offering);
            for (index, took) in took.into_iter().enumerate() {
                offering[index] &= !took;
            }
            if !interrupt.is_empty() && unit.interrupt_writes.ready.val() {
                interrupt.pop_front();
            }
            if let Some(beat) = out {
                beats.push(number(beat.data));
                if beat.last {
                    let header = std::mem::take(&mut beats)[0].to_le_bytes();
                    let address = u64::from_be_bytes(header[8..].try_into().unwrap());
                    match address >> 40 {
                        1 => left += 1,
                        9 => {
                            let before = must.pop_front().expect("it was offered");
                            assert!(left >= before, "an interrupt passed {}", before - left);
                            held_back += u32::from(taken > before);
                        }
                        _ => {}
                    }
                }
            }
            taken += u64::from(took[MESSAGES] && ends);
            clock_cycle!(unit, clock);
        }
        assert!(interrupts > 400, "{interrupts} interrupts");
    }
    assert!(held_back > 100, "{held_back}");
    let mut unit = unit();
    let mut cycle = 0;
    let mut interrupt: VecDeque<_> = write(INTERRUPTS, 4).beats().into();
    loop {
        unit.interrupt_writes.valid.next = !interrupt.is_empty();
        if let Some(&(data, last)) = interrupt.front() {
            unit.interrupt_writes.beat.next = beat(data, last);
        }
        settle(&mut unit);
        if unit.source.valid.val() {
            break;
        }
        if !interrupt.is_empty() && unit.interrupt_writes.ready.val() {
            interrupt.pop_front();
        }
        clock_cycle!(unit, clock);
        cycle += 1;
    }
    assert_eq!(cycle, 4);
}

#[test]
fn gate() {
    Gate::new("host_transmit", HostTransmit::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.below(300) == 0;
            unit.requester_id.next = random.bits();
            if cycle % 500 == 0 {
                unit.maximum_payload.next = random.bits();
            }
            for sink in [
                &mut unit.message_writes,
                &mut unit.shadow_writes,
                &mut unit.processor_writes,
                &mut unit.interrupt_writes,
            ] {
                sink.valid.next = random.chance(50);
                let descriptor = u128::from(random.word()) << 12 & !0xfff
                    | u128::from(4 * (1 + random.below(30))) << 64;
                sink.beat.next = if random.chance(50) {
                    beat(descriptor, false)
                } else {
                    random.beat()
                };
            }
            unit.reads.valid.next = random.chance(30);
            unit.reads.beat.next = random.beat();
            unit.completions.valid.next = random.chance(30);
            unit.completions.beat.next = random.beat();
            unit.master_enable.next = random.chance(90);
            unit.stopped.next = random.chance(10);
            unit.posted_allowed.next = random.chance(80);
            unit.nonposted_allowed.next = random.chance(80);
            unit.completion_allowed.next = random.chance(80);
            unit.source.ready.next = random.chance(80);
        });
}
