//! `PacketReceive` against the reference, for every alignment and for random traffic, right and wrong.

use super::reference::*;
use super::*;
use crate::gate::Gate;
use crate::host_port::packet_encoder::*;
use crate::host_port::test_support::*;

/// What came out of a run, each thing in order and with its cycle.
#[derive(Default)]
struct Run {
    /// Cycle in which each input beat came in.
    fed: Vec<u64>,
    lanes: Vec<(u64, Lanes)>,
    reads: Vec<Read>,
    completion: Vec<(u64, (u128, bool, bool))>,
    packets: u64,
    malformed: u64,
    unsupported: u64,
    receive_last: Vec<u64>,
}

fn lanes_of(write: HostWrite) -> Lanes {
    let data = number(write.data).to_le_bytes();
    let mut bytes = [None; 16];
    for lane in 0..16 {
        if write.enables.get_bit(lane) {
            bytes[lane] = Some(data[lane]);
        }
    }
    Lanes {
        space: write.space.to_u64(),
        address: write.address.to_u64(),
        bytes,
        single: write.single,
        last: write.last,
    }
}

fn read_of(request: ReadRequest) -> Read {
    Read {
        answer: request.length.to_u64() != 0,
        supported: (!request.unsupported)
            .then(|| (request.space.to_u64(), request.address.to_u64())),
        length: request.length.to_u64(),
        enables: (
            request.first_enables.to_u64(),
            request.last_enables.to_u64(),
        ),
        requester: request.requester.to_u64(),
        tag: request.tag.to_u64(),
        locked: request.locked,
        class_and_attributes: (request.traffic_class.to_u64(), request.attributes.to_u64()),
    }
}

fn unit() -> PacketReceive {
    let mut unit = PacketReceive::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.receive_valid.connect();
    unit.receive_beat.connect();
    unit.bar0.connect();
    unit.bar2.connect();
    unit.bar4.connect();
    unit.memory_enable.connect();
    unit.maximum_payload.connect();
    unit.read_request_ready.connect();
    unit.connect_all();
    unit.bar0.next = BAR0.to_bits();
    unit.bar2.next = (BAR2 | 0xc).to_bits();
    unit.bar4.next = (BAR4 | 0xc).to_bits();
    unit.memory_enable.next = true;
    unit.maximum_payload.next = LONGEST_PAYLOAD.to_bits();
    unit
}

/// Feeds packets with pauses of the given likelihood; reads are taken with the other one.
fn run(packets: &[Vec<(u128, bool)>], pause: u64, take: u64, seed: u64) -> Run {
    run_with(LONGEST_PAYLOAD, packets, pause, take, seed)
}

/// Code of the longest maximum payload, 4096 bytes.
const LONGEST_PAYLOAD: u64 = 5;

/// The same with a maximum payload.
fn run_with(
    maximum_payload: u64,
    packets: &[Vec<(u128, bool)>],
    pause: u64,
    take: u64,
    seed: u64,
) -> Run {
    let mut unit = unit();
    unit.maximum_payload.next = maximum_payload.to_bits();
    let mut random = Random::new(seed);
    let mut run = Run::default();
    let mut input = packets.iter().flatten();
    let mut quiet = 0;
    for cycle in 0u64.. {
        let reset = cycle < 3;
        let offered = if reset || random.chance(pause) {
            None
        } else {
            input.next()
        };
        quiet = if reset || offered.is_some() {
            0
        } else {
            quiet + 1
        };
        unit.reset.next = reset;
        unit.receive_valid.next = offered.is_some();
        let (data, last) = offered
            .copied()
            .unwrap_or((random.word().into(), random.chance(50)));
        unit.receive_beat.next = beat(data, last);
        unit.read_request_ready.next = random.chance(take);
        settle(&mut unit);
        if offered.is_some() {
            run.fed.push(cycle);
        }
        if unit.write_valid.val() {
            run.lanes.push((cycle, lanes_of(unit.write.val())));
        }
        if unit.read_request_valid.val() && unit.read_request_ready.val() {
            run.reads.push(read_of(unit.read_request.val()));
        }
        if unit.completion_valid.val() {
            let beat = unit.completion.val();
            let malformed = beat.last && unit.completion_malformed.val();
            let told = (number(beat.data), beat.last, malformed);
            run.completion.push((cycle, told));
        }
        run.packets += u64::from(unit.packet.val());
        run.malformed += u64::from(unit.malformed.val());
        run.unsupported += u64::from(unit.unsupported.val());
        if unit.receive_last.val() {
            run.receive_last.push(cycle);
        }
        if quiet > 100 {
            break;
        }
        unit.clock.next = true.into();
        settle(&mut unit);
        unit.clock.next = false.into();
        settle(&mut unit);
    }
    run
}

/// Compares a run with the outcomes of its packets.
fn check(packets: &[Vec<(u128, bool)>], maximum_payload: u64, run: &Run) {
    let bytes = 128 << maximum_payload.min(LONGEST_PAYLOAD);
    let outcomes: Vec<Outcome> = packets
        .iter()
        .map(|packet| outcome(packet, bytes))
        .collect();
    let mut lanes = run.lanes.iter();
    for (packet, outcome) in packets.iter().zip(&outcomes) {
        for expected in &outcome.lanes {
            let (_, lane) = lanes
                .next()
                .unwrap_or_else(|| panic!("no lanes for {packet:x?}"));
            assert_eq!(lane, expected, "lanes of {packet:x?}");
        }
    }
    assert_eq!(lanes.next(), None, "lanes of nothing");
    let mut reads = run.reads.iter();
    for expected in outcomes.iter().flat_map(|outcome| &outcome.reads) {
        let mut read = reads.next().expect("a read is missing").clone();
        if !read.answer {
            assert!(!expected.answer, "a read will not be answered");
            read = expected.clone();
        }
        assert_eq!(&read, expected);
    }
    assert_eq!(reads.next(), None, "a read too many");
    let completion: Vec<_> = run.completion.iter().map(|(_, beat)| *beat).collect();
    let expected: Vec<_> = outcomes.iter().flat_map(|o| o.completion.clone()).collect();
    assert_eq!(completion, expected, "completions");
    let count = |test: fn(&Outcome) -> bool| outcomes.iter().filter(|o| test(o)).count() as u64;
    assert_eq!(run.packets, packets.len() as u64, "packets");
    assert_eq!(run.malformed, count(|o| o.malformed), "malformed");
    assert_eq!(run.unsupported, count(|o| o.unsupported), "unsupported");
    assert_eq!(
        run.receive_last.len() as u64,
        count(|o| o.receive_last),
        "receive_last"
    );
}

fn run_and_check(packets: &[Vec<(u128, bool)>], pause: u64, take: u64, seed: u64) -> Run {
    println!("seed {seed}");
    let run = run(packets, pause, take, seed);
    check(packets, LONGEST_PAYLOAD, &run);
    run
}

fn shuffle<T>(items: &mut [T], random: &mut Random) {
    for index in (1..items.len()).rev() {
        items.swap(index, random.below(index as u64 + 1) as usize);
    }
}

#[test]
fn an_express_store_is_out_one_cycle_after_its_second_beat() {
    for long in [false, true] {
        for offset in [0x800, 0x808] {
            let base = if long { BAR2 } else { BAR4 };
            let store = MemoryRequest::write(long, base + offset, vec![1, 2, 3, 4, 5, 6, 7, 8]);
            let run = run_and_check(&[store.beats()], 0, 100, 1);
            let (cycle, lanes) = &run.lanes[0];
            assert_eq!(run.lanes.len(), 1);
            assert!(lanes.single && lanes.last);
            assert_eq!(lanes.address, 0x800);
            let lane = (offset % 16) as usize;
            assert_eq!(lanes.bytes[lane..lane + 2], [Some(1), Some(2)]);
            assert_eq!(lanes.bytes.iter().flatten().count(), 8);
            assert_eq!(*cycle, run.fed[1] + 1, "latency");
            assert_eq!(run.receive_last, [run.fed[1] + 1]);
        }
    }
}

#[test]
fn every_alignment_and_length_back_to_back_and_with_pauses() {
    let mut random = Random::new(11);
    let mut packets = vec![];
    for long in [false, true] {
        for lane in 0..4 {
            for length in 1..=13 {
                for digest in [false, true] {
                    let payload = random_bytes(&mut random, 4 * length);
                    let base = if long { BAR2 } else { BAR4 };
                    let mut write = MemoryRequest::write(long, base + 0x40 + 4 * lane, payload);
                    write.digest = digest;
                    packets.push(write.beats());
                }
            }
        }
    }
    assert_eq!(packets.len(), 208);
    for seed in 0..3 {
        shuffle(&mut packets, &mut random);
        let run = run_and_check(&packets, [0, 0, 40][seed as usize], 100, seed);
        if seed < 2 {
            let beats: usize = packets.iter().map(Vec::len).sum();
            assert_eq!(run.fed.last().unwrap() - run.fed[0] + 1, beats as u64);
            assert!(run.lanes.last().unwrap().0 <= run.fed.last().unwrap() + 2);
        }
    }
}

#[test]
fn longest_writes() {
    let mut random = Random::new(12);
    let mut packets = vec![];
    for (long, base) in [(false, BAR4), (true, BAR2)] {
        for (offset, length) in [(0, 1024), (4, 1023), (8, 1022), (12, 1021), (0, 1023)] {
            let payload = random_bytes(&mut random, 4 * length);
            packets.push(MemoryRequest::write(long, base + offset, payload).beats());
        }
    }
    run_and_check(&packets, 0, 100, 12);
}

#[test]
fn every_pair_of_byte_enables() {
    let mut packets = vec![];
    for length in 1..=3 {
        for enables in 0..=255u8 {
            let payload: Vec<u8> = (0..4 * length as u8).map(|n| n ^ enables).collect();
            let address = BAR4 + u64::from(enables % 4) * 4;
            let mut write = MemoryRequest::write(false, address, payload);
            write.first_enables = enables & 15;
            write.last_enables = enables >> 4;
            packets.push(write.beats());
        }
    }
    run_and_check(&packets, 0, 100, 13);
}

#[test]
fn every_kind_of_packet() {
    let mut packets = vec![];
    for format_type in 0..=255 {
        let mut request = MemoryRequest::write(true, BAR2 + 16, vec![0; 8]);
        request.format_type = format_type;
        if format_type & 0x40 == 0 {
            request.payload.clear();
        }
        packets.push(request.beats());
    }
    run_and_check(&packets, 10, 100, 14);
}

/// Writes, completions, messages and atomic operations; reads of any length have no payload.
#[test]
fn more_data_than_the_maximum_payload_is_malformed() {
    for maximum_payload in 0..8 {
        let limit = 32 << maximum_payload.min(5);
        let mut random = Random::new(30 + maximum_payload);
        let mut packets = vec![];
        for length in [1, 31, 32, 33, limit - 1, limit, limit + 1, 2 * limit, 1024] {
            let length = (length as usize).min(1024);
            let payload = random_bytes(&mut random, 4 * length);
            for (base, format_type) in [
                (BAR0, 0x40),
                (BAR2, 0x60),
                (BAR4, 0x40),
                (BAR4, 0x74),
                (BAR4, 0x4c),
            ] {
                let mut request = MemoryRequest::write(base == BAR2, base, payload.clone());
                request.format_type = format_type;
                packets.push(request.beats());
            }
            packets.push(beats_of(&completion_bytes(length, 0, 3, &payload)));
            packets.push(MemoryRequest::read(true, BAR2, length, 3).beats());
        }
        let run = run_with(maximum_payload, &packets, 10, 100, 30 + maximum_payload);
        check(&packets, maximum_payload, &run);
        // Of the last three lengths, as far as there are such; each of six kinds.
        let beyond = if limit < 1024 { 3 } else { 0 };
        let too_long_of_the_others = [31, 32, 33].iter().filter(|&&n| n > limit).count() as u64;
        assert_eq!(run.malformed, 6 * (beyond + too_long_of_the_others));
    }
}

/// A packet of any kind, more or less wrong with some likelihood.
fn random_packet(random: &mut Random) -> Vec<(u128, bool)> {
    if random.chance(20) {
        let length = random.below(20) as usize;
        let payload = random_bytes(random, 4 * length);
        let mut bytes = completion_bytes(length, 0, random.word() as u8, &payload);
        bytes[2] |= (random.chance(10) as u8) << 6;
        if random.chance(30) {
            bytes[2] |= 0x80;
            bytes.extend([0xd1, 0x6e, 0x57, 0x00]);
        }
        let mut beats = beats_of(&bytes);
        distort(&mut beats, random);
        return beats;
    }
    let (base, size) = [
        (BAR0, 0x4000),
        (BAR2, BAR2_BYTES),
        (BAR4, BAR4_BYTES),
        (0x1000, 0x1000),
    ][random.below(4) as usize];
    let address = base + random.below(size / 4) * 4;
    let long = base == BAR2 || random.chance(50);
    let room = (4096 - address % 4096) / 4 + u64::from(random.chance(5));
    let length = (1 + random.below(20)).min(room) as usize;
    let mut request = if random.chance(30) {
        MemoryRequest::read(long, address, length, random.word() as u8)
    } else {
        MemoryRequest::write(long, address, random_bytes(random, 4 * length))
    };
    request.traffic_class = random.below(8) as u8;
    request.attributes = random.below(4) as u8;
    request.requester = random.word() as u16;
    request.digest = random.chance(20);
    request.poisoned = random.chance(5);
    if random.chance(40) {
        request.first_enables = [0x8, 0xc, 0xe, random.below(16) as u8][random.below(4) as usize];
        if length > 1 {
            request.last_enables =
                [0x1, 0x3, 0x7, random.below(16) as u8][random.below(4) as usize];
        }
    }
    if random.chance(3) {
        request.format_type = random.word() as u8;
    }
    let mut beats = request.beats();
    distort(&mut beats, random);
    beats
}

/// Sometimes cuts a packet short or lets it run on.
fn distort(beats: &mut Vec<(u128, bool)>, random: &mut Random) {
    if random.chance(85) {
        return;
    }
    beats.last_mut().unwrap().1 = false;
    if random.chance(50) {
        beats.truncate(1 + random.below(beats.len() as u64) as usize);
    } else {
        for _ in 0..1 + random.below(4) {
            beats.push((random.word().into(), false));
        }
    }
    beats.last_mut().unwrap().1 = true;
}

#[test]
fn random_traffic_right_and_wrong() {
    for seed in 100..104 {
        let mut random = Random::new(seed);
        let packets: Vec<_> = (0..400).map(|_| random_packet(&mut random)).collect();
        run_and_check(&packets, [0, 30][seed as usize % 2], 100, seed);
    }
}

#[test]
fn reads_wait_eight_deep_and_a_ninth_is_counted() {
    let packets: Vec<_> = (0..9)
        .map(|tag| MemoryRequest::read(true, BAR2 + 8, 2, tag).beats())
        .collect();
    let run = run(&packets, 0, 0, 1);
    assert_eq!((run.packets, run.malformed), (9, 1));
    let run = run_and_check(&packets, 0, 70, 2);
    assert_eq!(run.reads.len(), 9);
}

#[test]
fn nothing_is_hit_while_memory_space_is_disabled() {
    let mut unit = unit();
    unit.memory_enable.next = false;
    let store = MemoryRequest::write(true, BAR2, vec![0; 8]).beats();
    let mut unsupported = 0;
    for cycle in 0..6 {
        let offered = store.get(cycle);
        unit.receive_valid.next = offered.is_some();
        let (data, last) = offered.copied().unwrap_or_default();
        unit.receive_beat.next = beat(data, last);
        settle(&mut unit);
        unsupported += u64::from(unit.unsupported.val());
        assert!(!unit.write_valid.val());
        unit.clock.next = true.into();
        settle(&mut unit);
        unit.clock.next = false.into();
        settle(&mut unit);
    }
    assert_eq!(unsupported, 1);
}

#[test]
fn gate() {
    let mut packets = Random::new(200);
    let mut waiting = vec![];
    Gate::new("packet_receive", unit())
        .clock(|unit| &mut unit.clock)
        .cycles(3000)
        .seed(200)
        .run(|unit, random, cycle| {
            if waiting.is_empty() {
                waiting = random_packet(&mut packets);
                waiting.reverse();
            }
            // Reset in the middle of things, too.
            unit.reset.next = cycle < 2 || random.chance(1);
            unit.memory_enable.next = !random.chance(1);
            unit.maximum_payload.next = (cycle / 300 % 8).to_bits();
            unit.read_request_ready.next = random.chance(30);
            unit.receive_valid.next = random.chance(80);
            unit.receive_beat.next = random.beat();
            if unit.receive_valid.next {
                let (data, last) = waiting.pop().unwrap();
                unit.receive_beat.next = beat(data, last);
            }
        });
}
