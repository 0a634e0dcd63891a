//! `Completer` against a requester that knows 2.2.9 and nothing of the hardware.

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;
use std::collections::VecDeque;

const COMPLETER: u16 = 0x0300;

/// The outbox in BAR4: the first byte, and the first behind it.
const OUTBOX: u64 = 1 << ENDPOINT_SPACE_LOG2;
const OUTBOX_END: u64 = OUTBOX + abi::command::OUTBOX_BYTES as u64;

/// Registers stand everywhere in BAR0 but at 0x3c, at 0x80 to 0xbc, and from 0x800 on.
fn register(address: u64) -> Option<u32> {
    let absent = address == 0x3c || (0x80..0xc0).contains(&address) || address >= 0x800;
    (!absent).then(|| Random::new(address).word() as u32)
}

/// Sixteen bytes of memory.
fn memory(beat: u64) -> u128 {
    let mut random = Random::new(beat + 0x1_0000);
    random.wide()
}

/// What stands at a double word that can be read.
fn double_word(space: u64, address: u64) -> Option<u32> {
    match (space, address) {
        (0, _) => register(address),
        (2, 0..OUTBOX_END) => Some((memory(address / 16) >> (address % 16 * 8)) as u32),
        _ => None,
    }
}

fn request(space: u64, address: u64, length: u64, first: u64, last: u64) -> ReadRequest {
    let hash = Random::new(address ^ length << 32).word();
    ReadRequest {
        space: space.to_bits(),
        address: address.to_bits(),
        length: length.to_bits(),
        first_enables: first.to_bits(),
        last_enables: last.to_bits(),
        requester: (hash & 0xffff).to_bits(),
        tag: (hash >> 16 & 0xff).to_bits(),
        traffic_class: (hash >> 24 & 7).to_bits(),
        attributes: (hash >> 28 & 3).to_bits(),
        unsupported: false,
        locked: false,
    }
}

/// Completions of a run, in bytes, and the pulses.
#[derive(Default)]
struct Run {
    completions: VecDeque<Vec<u8>>,
    registers_read: Vec<u64>,
    freed: u64,
    unsupported: u64,
    /// Cycles from taking the first request to its header.
    latency: u64,
    /// Cycles within a packet in which nothing was offered.
    gaps: u64,
}

fn unit() -> Completer {
    let mut unit = Completer::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.read_request_valid.connect();
    unit.read_request.connect();
    unit.registers_busy.connect();
    unit.registers.done.connect();
    unit.registers.hit.connect();
    unit.registers.read_data.connect();
    unit.memory.grant.connect();
    unit.memory.data.connect();
    unit.completer_id.connect();
    unit.source.ready.connect();
    unit.connect_all();
    unit.completer_id.next = COMPLETER.to_bits();
    unit
}

/// `slowest`: cycles until a register answers, at most; `percent`: how often memory grants and the sink takes.
fn run(requests: &[ReadRequest], slowest: u64, percent: u64, seed: u64) -> Run {
    let mut unit = unit();
    let mut random = Random::new(seed);
    let mut run = Run::default();
    let mut requests: VecDeque<_> = requests.iter().copied().collect();
    let mut answer: Option<(u64, u64)> = None;
    let mut granted: Option<u64> = None;
    let mut packet: Vec<u8> = vec![];
    let mut held: Option<(u128, bool)> = None;
    let mut busy = 0u64;
    let mut taken = None;
    let mut quiet = 0;
    for cycle in 0u64.. {
        let reset = cycle < 3;
        unit.reset.next = reset;
        unit.read_request_valid.next = !reset && !requests.is_empty();
        unit.read_request.next = requests.front().copied().unwrap_or(request(2, 0, 1, 15, 0));
        if busy == 0 && random.chance(100 - percent) {
            busy = random.below(20);
        }
        busy = busy.saturating_sub(1);
        unit.registers_busy.next = busy != 0;
        let done = answer.filter(|&(due, _)| due == cycle);
        unit.registers.done.next = done.is_some();
        let value = done.and_then(|(_, address)| register(address));
        unit.registers.hit.next = value.is_some();
        unit.registers.read_data.next = value.unwrap_or(random.word() as u32).to_bits();
        unit.memory.data.next = wide(granted.map_or(random.word().into(), memory));
        unit.memory.grant.next = false;
        unit.source.ready.next = random.chance(percent);
        settle(&mut unit);
        unit.memory.grant.next = unit.memory.request.val() && random.chance(percent);
        settle(&mut unit);

        granted = unit
            .memory
            .grant
            .val()
            .then(|| unit.memory.address.val().to_u64());
        if done.is_some() {
            answer = None;
        }
        assert!(!unit.registers.write.val());
        if unit.registers.read.val() {
            assert_eq!(answer, None, "one access at a time");
            let address = unit.registers.address.val().to_u64();
            run.registers_read.push(address);
            answer = Some((cycle + 1 + random.below(slowest), address));
        }
        if unit.read_request_ready.val() {
            assert!(unit.read_request_valid.val() && busy == 0);
            requests.pop_front();
            taken.get_or_insert(cycle);
        }
        run.freed += u64::from(unit.nonposted_free.val());
        run.unsupported += u64::from(unit.unsupported.val());
        let offered = unit.source.beat.val();
        let offered = (number(offered.data), offered.last);
        if unit.source.valid.val() {
            assert!(
                held.is_none_or(|held| held == offered),
                "an offered beat changed"
            );
            held = Some(offered);
            if run.completions.is_empty() && packet.is_empty() && run.latency == 0 {
                run.latency = cycle - taken.unwrap();
            }
            if unit.source.ready.val() {
                held = None;
                packet.extend(offered.0.to_le_bytes());
                if offered.1 {
                    run.completions.push_back(std::mem::take(&mut packet));
                }
            }
        } else {
            assert_eq!(held, None, "an offer was withdrawn");
            run.gaps += u64::from(!packet.is_empty());
        }
        quiet = if requests.is_empty() && !unit.source.valid.val() {
            quiet + 1
        } else {
            0
        };
        if quiet > 300 {
            break;
        }
        unit.clock.next = true.into();
        settle(&mut unit);
        unit.clock.next = false.into();
        settle(&mut unit);
    }
    assert!(packet.is_empty(), "a completion has no end");
    run
}

/// Byte addresses that a request asks for: from the first to the last enabled byte, all between them included.
fn wanted_bytes(request: &ReadRequest) -> Vec<u64> {
    let length = request.length.to_u64();
    let enabled: Vec<u64> = (0..length)
        .flat_map(|n| {
            let enables = match n {
                0 => request.first_enables.to_u64(),
                n if n + 1 == length => request.last_enables.to_u64(),
                _ => 15,
            };
            let address = request.address.to_u64() + 4 * n;
            (0..4).filter_map(move |byte| (enables >> byte & 1 == 1).then_some(address + byte))
        })
        .collect();
    match (enabled.first(), enabled.last()) {
        (Some(&first), Some(&last)) => (first..=last).collect(),
        // Zero-length: one byte is counted.
        _ => vec![request.address.to_u64()],
    }
}

/// Takes the completions of one request off the front and checks all of 2.2.9 that applies. True if
/// it ended as unsupported.
fn check(request: &ReadRequest, completions: &mut VecDeque<Vec<u8>>) -> bool {
    let wanted = wanted_bytes(request);
    let nothing = request.length.to_u64() == 1 && request.first_enables.to_u64() == 0;
    let space = request.space.to_u64();
    let mut left = &wanted[..];
    while !left.is_empty() {
        let bytes = completions.pop_front().expect("a completion is missing");
        let refused = match bytes[0] {
            0x0a => {
                assert!(!request.locked, "a locked read is refused with CplLk");
                true
            }
            0x0b => {
                assert!(request.locked, "no locked read");
                true
            }
            0x4a => false,
            other => panic!("format and type {other:#x}"),
        };
        assert_eq!(u64::from(bytes[1]), request.traffic_class.to_u64() << 4);
        assert_eq!(u64::from(bytes[2]) & !3, request.attributes.to_u64() << 4);
        let length = usize::from(bytes[2] & 3) << 8 | usize::from(bytes[3]);
        assert_eq!(bytes[4..6], COMPLETER.to_be_bytes());
        assert_eq!(bytes[6] >> 5, if refused { 1 } else { 0 }, "status");
        assert_eq!(bytes[6] & 0x10, 0, "BCM");
        let byte_count = match usize::from(bytes[6] & 15) << 8 | usize::from(bytes[7]) {
            0 => 4096,
            count => count,
        };
        let requester = request.requester.to_u64() as u16;
        assert_eq!(bytes[8..10], requester.to_be_bytes());
        assert_eq!(u64::from(bytes[10]), request.tag.to_u64());
        assert_eq!(byte_count, left.len(), "byte count");
        assert_eq!(u64::from(bytes[11]), left[0] & 0x7f, "lower address");

        // What belongs into a completion that starts here.
        let start = left[0] & !3;
        let end = ((start | (abi::pcie::READ_COMPLETION_BOUNDARY_BYTES as u64 - 1)) + 1)
            .min((wanted[wanted.len() - 1] | 3) + 1);
        let words: Vec<_> = (start..end)
            .step_by(4)
            .map(|address| double_word(space, address))
            .collect();
        let out_of_reach = !(space == 0 || space == 2 && request.address.to_u64() < OUTBOX_END);
        let absent = !nothing && (out_of_reach || words.contains(&None));
        assert_eq!(
            refused,
            request.unsupported || absent,
            "refused at {start:#x}"
        );
        if refused {
            assert_eq!((length, bytes.len()), (0, 16));
            return true;
        }
        assert_eq!(length, words.len(), "length");
        assert_eq!(bytes.len(), (12 + 4 * length).next_multiple_of(16));
        for (index, &address) in left.iter().enumerate() {
            if address >= end {
                left = &left[index..];
                break;
            }
            if !nothing {
                let byte = double_word(space, address & !3).unwrap().to_le_bytes();
                let place = 12 + (address - start) as usize;
                assert_eq!(bytes[place], byte[(address & 3) as usize], "{address:#x}");
            }
            if index + 1 == left.len() {
                left = &[];
                break;
            }
        }
    }
    false
}

fn run_and_check(requests: &[ReadRequest], slowest: u64, percent: u64, seed: u64) -> Run {
    println!("seed {seed}");
    let mut run = run(requests, slowest, percent, seed);
    let mut refused = 0;
    for request in requests
        .iter()
        .filter(|request| request.length.to_u64() != 0)
    {
        refused += u64::from(check(request, &mut run.completions) && !request.unsupported);
    }
    assert!(run.completions.is_empty(), "a completion too many");
    assert_eq!(run.freed, requests.len() as u64, "buffers freed");
    assert_eq!(run.unsupported, refused, "unsupported");
    assert_eq!(run.gaps, 0, "pauses within a completion");
    run
}

#[test]
fn one_register_and_one_double_word_of_memory() {
    let run = run_and_check(&[request(0, 0x4, 1, 15, 0)], 1, 100, 1);
    assert_eq!(run.registers_read, [4]);
    assert_eq!(run.latency, 6);
    let run = run_and_check(&[request(2, 0x104, 1, 15, 0)], 1, 100, 1);
    assert_eq!(run.latency, 6);
}

#[test]
fn every_pair_of_byte_enables() {
    let mut requests = vec![];
    for first in 0..16 {
        requests.push(request(2, 0x10, 1, first, 0));
        requests.push(request(0, 0x10, 1, first, 0));
        for last in 1..16 {
            if first != 0 {
                requests.push(request(2, 0x38, 2, first, last));
                requests.push(request(2, 0x3c, 2, first, last));
            }
        }
    }
    run_and_check(&requests, 1, 100, 2);
}

#[test]
fn a_zero_length_read_is_answered_anywhere_and_touches_nothing() {
    // A register, holes of BAR0, endpoint pages, slots, the outbox and what is behind it.
    let places = [
        (0, 0x4),
        (0, 0x80),
        (0, 0xffc),
        (1, 0),
        (1, 0x800),
        (1, 0xf_fffc),
        (2, 0x104),
        (2, 0x1_0000),
        (2, 0x1_2000),
        (2, 0x1_fffc),
    ];
    let mut requests = places.map(|(space, address)| request(space, address, 1, 0, 0));
    let run = run_and_check(&requests, 1, 100, 3);
    assert!(run.registers_read.is_empty());
    assert_eq!(run.unsupported, 0);
    // Beside the BARs there is nobody to answer.
    requests[3].unsupported = true;
    run_and_check(&requests, 1, 100, 3);
}

#[test]
fn every_start_and_length_around_the_boundary() {
    let mut requests = vec![];
    for start in 0..32 {
        for length in [1, 2, 3, 4, 5, 15, 16, 17, 28, 31, 32, 33, 34, 64, 66] {
            let last = if length == 1 { 0 } else { 15 };
            requests.push(request(2, OUTBOX + 4 * start, length, 15, last));
        }
    }
    run_and_check(&requests, 1, 100, 4);
}

#[test]
fn the_longest_read() {
    run_and_check(&[request(2, OUTBOX - 0x1000, 1024, 15, 15)], 1, 100, 5);
    run_and_check(&[request(2, OUTBOX + 0x1004, 1023, 8, 1)], 1, 60, 6);
}

#[test]
fn a_read_that_runs_into_a_hole_ends_as_unsupported_at_the_boundary_before() {
    // 0x3c is absent: the second part of the first read, the first of the second.
    for (address, length, completions) in [(0x40, 20, 2), (0x0, 16, 1), (0x7c, 2, 2)] {
        let request = request(0, address, length, 15, 15);
        let run = run(&[request], 1, 100, 7);
        assert_eq!(run.completions.len(), completions, "{address:#x}");
        assert_eq!(run.unsupported, 1);
    }
}

#[test]
fn what_cannot_be_read_and_what_needs_no_answer() {
    let mut refused_before = request(2, 0, 4, 15, 15);
    refused_before.unsupported = true;
    let requests = [
        refused_before,
        request(1, 0x800, 2, 15, 15),
        request(0, 0, 0, 15, 15),
        request(2, OUTBOX_END, 1, 15, 0),
        request(2, 2 * OUTBOX - 4, 1, 15, 0),
        request(2, OUTBOX_END - 4, 1, 15, 0),
        request(2, OUTBOX - 4, 1, 15, 0),
    ];
    let run = run_and_check(&requests, 1, 100, 8);
    assert_eq!(run.unsupported, 3);
}

#[test]
fn random_reads_with_everything_slow() {
    for seed in 20..26 {
        let mut random = Random::new(seed);
        let requests: Vec<_> = (0..40)
            .map(|_| {
                let space = [0, 0, 2, 2, 2, 1][random.below(6) as usize];
                let size = [0x4000, OUTBOX, 2 * OUTBOX][space as usize];
                let address =
                    random.below(size / 4) * 4 % if random.chance(50) { 0x200 } else { size };
                let room = (4096 - address % 4096) / 4;
                let length = (1 + random.below(40)).min(room);
                let first = [15, 8, 12, 14][random.below(4) as usize];
                let last = [15, 1, 3, 7][random.below(4) as usize];
                let mut request = request(
                    space,
                    address,
                    length,
                    first,
                    if length == 1 { 0 } else { last },
                );
                request.locked = random.chance(5);
                request.unsupported = request.locked || random.chance(5);
                request
            })
            .collect();
        run_and_check(
            &requests,
            1 + seed % 4,
            [100, 70, 30][seed as usize % 3],
            seed,
        );
    }
}

#[test]
fn gate() {
    Gate::new("completer", unit())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.below(500) == 0;
            let space = random.below(3);
            let address = random.below(0x4800) * 4;
            let first = random.below(16);
            let mut next = request(space, address, random.below(40), first, random.below(16));
            next.unsupported = random.chance(10);
            next.locked = next.unsupported && random.chance(50);
            unit.read_request.next = next;
            unit.read_request_valid.next = random.chance(50);
            unit.registers_busy.next = random.chance(20);
            unit.registers.done.next = random.chance(60);
            unit.registers.hit.next = random.chance(97);
            unit.registers.read_data.next = random.bits();
            unit.memory.grant.next = random.chance(70);
            unit.memory.data.next = random.bits();
            unit.source.ready.next = random.chance(70);
        });
}
