//! Behaviour of `OutboxStream` against the packet spelt out.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};

#[test]
fn gate() {
    Gate::new("outbox_stream", OutboxStream::default())
        .clock(|unit| &mut unit.clock)
        .cycles(2000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.start.next = !unit.busy.val() && cycle > 4 && random.chance(20);
            unit.first.next = random.bits();
            unit.offset.next = random.bits();
            unit.beats.next = (1 + random.below(9)).to_bits();
            unit.bytes.next = random.below(144).to_bits();
            unit.outbox.grant.next = random.chance(70);
            unit.outbox.data.next = random.bits();
            unit.source.ready.next = random.chance(70);
        });
}

/// Sends one packet from an outbox of known contents; the beats, and the cycles it took.
fn send(
    random: &mut Random,
    offset: usize,
    beats: usize,
    bytes: usize,
    grant: u64,
    ready: u64,
) -> (Vec<(u128, bool)>, u64) {
    let mut unit = OutboxStream::default();
    unit.connect_all();
    settle(&mut unit);
    unit.start.next = true;
    unit.first.next = 0xfeed_u32.to_bits();
    unit.offset.next = offset.to_bits();
    unit.beats.next = beats.to_bits();
    unit.bytes.next = bytes.to_bits();
    let mut taken = vec![];
    for cycle in 0..2000 {
        unit.source.ready.next = random.chance(ready);
        let may_grant = random.chance(grant);
        settle(&mut unit);
        unit.outbox.grant.next = may_grant && unit.outbox.request.val();
        settle(&mut unit);
        let read = unit.outbox.grant.val().then(|| unit.outbox.address.val());
        if unit.source.valid.val() && unit.source.ready.val() {
            let beat = unit.source.beat.val();
            taken.push((beat.data.to_u128(), beat.last));
        }
        clock_cycle!(unit, clock);
        unit.start.next = false;
        unit.outbox.data.next = match read {
            Some(address) => {
                assert!(address.index() < 512, "a beat of the outbox");
                contents(address.index()).to_bits()
            }
            None => random.bits(),
        };
        settle(&mut unit);
        if !unit.busy.val() {
            return (taken, cycle);
        }
    }
    panic!("never done");
}

/// What stands in a beat of the outbox: no byte is zero.
fn contents(beat: usize) -> u128 {
    0x0101_0101_0101_0101_0101_0101_0101_0101 * (beat as u128 % 255 + 1)
}

#[test]
fn packets_are_the_first_beat_and_the_outbox_with_zeros_behind() {
    let seed = 31;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    for _ in 0..60 {
        let offset = random.below(512) as usize;
        let bytes = random.below(2049) as usize;
        let beats = bytes.div_ceil(16).max(1);
        let (grant, ready) = (20 + random.below(81), 20 + random.below(81));
        let (taken, _) = send(&mut random, offset, beats, bytes, grant, ready);
        let mut expected = vec![(0xfeed, false)];
        for beat in 0..beats {
            let mut lanes = contents((offset + beat) % 512).to_le_bytes();
            for (lane, byte) in lanes.iter_mut().enumerate() {
                if 16 * beat + lane >= bytes {
                    *byte = 0;
                }
            }
            expected.push((u128::from_le_bytes(lanes), beat + 1 == beats));
        }
        assert_eq!(taken, expected, "offset {offset}, {bytes} bytes");
    }
}

#[test]
fn a_free_way_carries_a_beat_a_cycle() {
    let (taken, cycles) = send(&mut Random::new(1), 0, 16, 256, 100, 100);
    assert_eq!(taken.len(), 17);
    assert!(cycles <= 20, "{cycles}");
}
