//! Behaviour of `FramePayload` against frames built from bytes.

use super::*;
use crate::gate::{Random, clock_cycle, settle};

/// What a frame's payload beats must be, byte by byte.
fn expected(payload: &[u8]) -> Vec<(u128, bool)> {
    let beats = (payload.len() + abi::link::CRC_BYTES).div_ceil(16);
    let mut bytes = payload.to_vec();
    bytes.resize(beats * 16, 0);
    bytes
        .chunks(16)
        .enumerate()
        .map(|(index, beat)| {
            (
                u128::from_le_bytes(beat.try_into().unwrap()),
                index + 1 == beats,
            )
        })
        .collect()
}

/// Runs one payload through; returns the cycles after `start` in which the beats were taken.
fn run(unit: &mut FramePayload, payload: &[u8], take: u64, random: &mut Random) -> Vec<u64> {
    let body = random.below(1024);
    // The slot: eight bytes of header, the payload, and garbage behind it.
    let mut slot_bytes = [0u8; 256];
    slot_bytes.fill_with(|| random.word() as u8);
    slot_bytes[8..8 + payload.len()].copy_from_slice(payload);
    let beat = |index: usize| -> u128 {
        u128::from_le_bytes(slot_bytes[index * 16..index * 16 + 16].try_into().unwrap())
    };
    let want = expected(payload);
    let mut taken = vec![];
    let mut got = vec![];
    let mut read_data = random.wide();
    // The first cycle behind a reset is no start.
    clock_cycle!(*unit, clock);
    for cycle in 0..2000 {
        unit.start.next = cycle == 0;
        unit.will_start.next = cycle == 0;
        unit.first.next = if cycle == 0 {
            (beat(0) >> 64) as u64
        } else {
            random.word()
        }
        .to_bits();
        unit.second.next = if cycle == 0 { beat(1) } else { random.wide() }.to_bits();
        unit.length.next = if cycle == 0 {
            payload.len() as u64
        } else {
            random.below(249)
        }
        .to_bits();
        unit.body.next = if cycle == 0 { body } else { random.below(1024) }.to_bits();
        unit.read_data.next = read_data.to_bits();
        unit.source.ready.next = random.chance(take);
        settle(unit);
        read_data = random.wide();
        if unit.read_request.val() {
            let address = unit.read_address.val().to_u64();
            assert_eq!(address / 16, body);
            read_data = beat((address % 16) as usize);
        }
        if unit.source.valid.val() && unit.source.ready.val() {
            let beat = unit.source.beat.val();
            got.push((beat.data.to_u128(), beat.last));
            taken.push(cycle);
        }
        clock_cycle!(*unit, clock);
        unit.start.next = false;
        unit.will_start.next = false;
        if got.len() == want.len() {
            break;
        }
    }
    assert_eq!(got, want, "{} bytes", payload.len());
    settle(unit);
    assert!(!unit.source.valid.val());
    taken
}

fn unit() -> FramePayload {
    let mut unit = FramePayload::default();
    unit.connect_all();
    unit.reset.next = true;
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    unit
}

#[test]
fn every_length_comes_out_whole_one_beat_a_cycle() {
    let mut random = Random::new(11);
    let mut unit = unit();
    for length in 0..=abi::message::MAXIMUM_PAYLOAD_BYTES {
        let payload: Vec<u8> = (0..length).map(|_| random.word() as u8).collect();
        let taken = run(&mut unit, &payload, 100, &mut random);
        let beats = (length as u64 + 4).div_ceil(16);
        assert_eq!(taken, (2..=beats + 1).collect::<Vec<_>>(), "{length} bytes");
    }
}

#[test]
fn a_slow_taker_gets_the_same() {
    let seed = 12;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = unit();
    for _ in 0..150 {
        let payload: Vec<u8> = (0..random.below(249))
            .map(|_| random.word() as u8)
            .collect();
        let take = 5 + random.below(90);
        run(&mut unit, &payload, take, &mut random);
    }
}

#[test]
fn it_passes_the_gate() {
    let mut busy = 0;
    crate::gate::Gate::new("frame_payload", FramePayload::default())
        .clock(|unit| &mut unit.clock)
        .cycles(2000)
        .seed(13)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.first.next = random.bits();
            unit.second.next = random.bits();
            unit.length.next = random.below(249).to_bits();
            unit.body.next = random.bits();
            unit.read_data.next = random.bits();
            unit.source.ready.next = random.chance(85);
            // A new frame only when the last beat of the one before was certainly taken.
            busy = if busy > 0 { busy - 1 } else { 0 };
            unit.start.next = cycle > 2 && busy == 0 && !unit.source.valid.val();
            unit.will_start.next = unit.start.next || (busy == 0 && random.chance(50));
            if unit.start.next {
                busy = 20;
            }
        });
}
