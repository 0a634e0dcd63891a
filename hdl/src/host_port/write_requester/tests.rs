//! Behaviour of `WriteRequester` against host memory as a map of bytes.

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;
use crate::library::stream::Beat;

const REQUESTER: u16 = 0x1234;

/// What left, with the cycle of each beat, and the cycle in which each input beat was taken.
struct Run {
    taken: Vec<u64>,
    sent: Vec<(u64, u128, bool)>,
    /// Beats that had left at each `finished`, its own included.
    finished: Vec<usize>,
}

impl Run {
    /// The packets, each with the cycle of its first beat.
    fn packets(&self) -> Vec<(u64, Vec<u128>)> {
        let mut packets = vec![];
        let mut current: Option<(u64, Vec<u128>)> = None;
        for &(cycle, data, last) in &self.sent {
            let packet = current.get_or_insert((cycle, vec![]));
            packet.1.push(data);
            if last {
                packets.push(current.take().unwrap());
            }
        }
        assert!(current.is_none(), "a packet has no end");
        packets
    }
}

/// Feeds the writes, offering and taking beats with the given probabilities in percent.
fn run(writes: &[Write], maximum_payload: u64, offer: u64, take: u64, seed: u64) -> Run {
    let mut unit = WriteRequester::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.requester_id.connect();
    unit.maximum_payload.connect();
    unit.sink.valid.connect();
    unit.sink.beat.connect();
    unit.source.ready.connect();
    unit.connect_all();
    unit.requester_id.next = REQUESTER.to_bits();
    unit.maximum_payload.next = maximum_payload.to_bits();
    let mut random = Random::new(seed);
    let input: Vec<(u128, bool)> = writes.iter().flat_map(Write::beats).collect();
    let mut run = Run {
        taken: vec![],
        sent: vec![],
        finished: vec![],
    };
    let mut offering = false;
    let mut held: Option<Beat> = None;
    let mut idle = 0;
    settle(&mut unit);
    for cycle in 0u64.. {
        let reset = cycle < 4;
        let place = run.taken.len();
        offering = !reset && place < input.len() && (offering || random.chance(offer));
        unit.reset.next = reset;
        unit.sink.valid.next = offering;
        unit.sink.beat.next = if offering {
            beat(input[place].0, input[place].1)
        } else {
            beat(u128::from(random.word()), random.chance(50))
        };
        unit.source.ready.next = random.chance(take);
        settle(&mut unit);
        if !reset {
            idle += 1;
            if let Some(held) = held {
                assert!(unit.source.valid.val(), "an offer was withdrawn");
                assert_eq!(unit.source.beat.val(), held, "an offered beat changed");
            }
            held = None;
            if unit.source.valid.val() {
                if unit.source.ready.val() {
                    let beat = unit.source.beat.val();
                    run.sent.push((cycle, number(beat.data), beat.last));
                    idle = 0;
                } else {
                    held = Some(unit.source.beat.val());
                }
            }
            if unit.finished.val() {
                run.finished.push(run.sent.len());
            }
            if offering && unit.sink.ready.val() {
                run.taken.push(cycle);
                offering = false;
                idle = 0;
            }
        }
        if idle > 60 {
            break;
        }
        clock_cycle!(unit, clock);
    }
    assert_eq!(run.taken.len(), input.len(), "seed {seed}: input remains");
    run
}

/// Every write arrives whole, in order, in requests no longer than allowed.
fn check(writes: &[Write], maximum_payload: u64, run: &Run) {
    let maximum_bytes = 128usize << maximum_payload.min(5);
    let mut packets = run.packets().into_iter();
    let mut finished = run.finished.iter();
    let mut beats_before = 0;
    for write in writes {
        let mut address = write.address;
        let mut bytes = vec![];
        let mut tag = u8::from(write.marked);
        let mut written = vec![];
        while bytes.len() < write.bytes.len() {
            let (_, beats) = packets.next().expect("a request is missing");
            let request = read_request(&beats, maximum_bytes);
            assert!(request.write);
            assert_eq!(request.address, address);
            assert_eq!(request.requester, REQUESTER);
            assert_eq!(
                request.tag, tag,
                "only the first request of a marked packet"
            );
            tag = 0;
            beats_before += beats.len();
            address += request.payload.len() as u64;
            let last = request.payload.len() / 4 - 1;
            written.extend((0..=last).flat_map(|word| {
                let enables = match word {
                    0 => request.enables[0],
                    _ if word == last => request.enables[1],
                    _ => 0xf,
                };
                (0..4).map(move |byte| enables >> byte & 1 == 1)
            }));
            bytes.extend(request.payload);
        }
        assert_eq!(bytes, write.bytes, "{:#x}", write.address);
        let end = write.bytes.len();
        for (at, is_written) in written.into_iter().enumerate() {
            let is_skipped = (at < 4 && write.skips[0] >> at & 1 == 1)
                || (at + 4 >= end && write.skips[1] >> (at + 4 - end) & 1 == 1);
            assert_eq!(
                is_written, !is_skipped,
                "byte {at} of {end}: {:?}",
                write.skips
            );
        }
        assert_eq!(finished.next(), Some(&beats_before), "with its last beat");
    }
    assert!(finished.next().is_none());
    assert!(packets.next().is_none(), "requests too many");
}

fn random_write(random: &mut Random) -> Write {
    let length = match random.below(4) {
        0 => 4 * (1 + random.below(8)),
        1 => 4 * (1 + random.below(64)),
        2 => 16 * (1 + random.below(16)),
        _ => 4 * (1 + random.below(1024)),
    };
    let page = match random.below(4) {
        0 => random.below(1 << 20),
        1 => (1 << 20) - 1,
        2 => random.word() >> 12,
        _ => (random.word() >> 12) | 0xf_ffff,
    };
    let offset = match random.below(3) {
        0 => 16 * random.below(256),
        1 => 4096 - 4 * (1 + random.below(4)),
        _ => 4 * random.below(1024),
    };
    // Not across the end of the address space.
    let page = page.min((1 << 52) - 3);
    let [first, last] = [0, 0].map(|_: u8| random.below(4) as u8);
    let mut skips = [(1 << first) - 1, !(0xf >> last) & 0xf];
    if length == 4 {
        // At least one byte is written.
        skips = [
            if first + last > 3 {
                0
            } else {
                skips[0] | skips[1]
            },
            0,
        ];
    }
    if random.chance(50) {
        skips = [0; 2];
    }
    Write {
        marked: random.chance(20),
        skips,
        ..write(page << 12 | offset, length as usize)
    }
}

#[test]
fn random_writes_arrive_whole_under_back_pressure() {
    for seed in 0..24 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let writes: Vec<Write> = (0..12).map(|_| random_write(&mut random)).collect();
        let maximum_payload = seed % 8;
        let percent = [100, 70, 30];
        let offer = percent[random.below(3) as usize];
        let take = percent[random.below(3) as usize];
        let run = run(&writes, maximum_payload, offer, take, seed);
        check(&writes, maximum_payload, &run);
    }
}

#[test]
fn an_entry_write_is_sixteen_beats_in_sixteen_cycles_and_its_descriptor_two() {
    let writes = [write(0x12_3456_7010, 240), write(0x12_3456_7000, 16)];
    let run = run(&writes, 1, 100, 100, 1);
    check(&writes, 1, &run);
    let cycles: Vec<u64> = run.sent.iter().map(|beat| beat.0).collect();
    let first = run.taken[0] + 2;
    assert_eq!(cycles, (first..first + 18).collect::<Vec<_>>());
    assert_eq!(run.packets()[1].0, first + 16);
}

#[test]
fn a_short_header_leaves_two_cycles_after_the_descriptor_with_its_first_double_word() {
    let writes = [write(0x1000, 16), write(0x2000, 16), write(0x3000, 16)];
    let run = run(&writes, 1, 100, 100, 1);
    check(&writes, 1, &run);
    let cycles: Vec<u64> = run.sent.iter().map(|beat| beat.0).collect();
    let first = run.taken[0] + 2;
    assert_eq!(cycles, (first..first + 6).collect::<Vec<_>>());
}

#[test]
fn cuts_cost_only_their_headers() {
    // 4096 bytes at maximum payload 128: 32 requests of 9 beats.
    let writes = [write(0x12_3456_7000, 4096)];
    let run = run(&writes, 0, 100, 100, 1);
    check(&writes, 0, &run);
    let cycles: Vec<u64> = run.sent.iter().map(|beat| beat.0).collect();
    let first = run.taken[0] + 2;
    assert_eq!(cycles, (first..first + 32 * 9).collect::<Vec<_>>());
}

#[test]
fn the_page_number_carries_from_the_short_header_to_the_long() {
    for before in [4, 8, 12, 16, 20] {
        let writes = [write((1 << 32) - before, 64), write(0xffff_fffc, 8)];
        let run = run(&writes, 1, 100, 100, 1);
        check(&writes, 1, &run);
        let formats: Vec<u8> = run.packets().iter().map(|p| p.1[0] as u8).collect();
        assert_eq!(formats, [0x40, 0x60, 0x40, 0x60]);
    }
}

#[test]
fn gate() {
    // Any beats at all, and now and then a descriptor of a short write near a page's end.
    Gate::new("write_requester", WriteRequester::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.chance(1);
            if cycle % 500 == 0 {
                unit.maximum_payload.next = random.bits();
            }
            unit.requester_id.next = random.bits();
            unit.sink.valid.next = random.chance(80);
            let page = random.word() >> (12 * random.below(5)) << 12;
            let address = page | (4096 - 4 * (1 + random.below(40)));
            let descriptor = u128::from(address) | u128::from(4 * (1 + random.below(30))) << 64;
            unit.sink.beat.next = if random.chance(50) {
                beat(descriptor, false)
            } else {
                random.beat()
            };
            unit.source.ready.next = random.chance(80);
        });
}
