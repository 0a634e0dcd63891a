//! `WriteOrder` against the order spelled out in serial numbers.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::library::stream::Beat;
use std::collections::VecDeque;

fn unit() -> WriteOrder {
    let mut unit = WriteOrder::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.entered.connect();
    unit.finished.connect();
    unit.sink.valid.connect();
    unit.sink.beat.connect();
    unit.source.ready.connect();
    unit.connect_all();
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    unit
}

/// Packets of one to three beats, each held until the writes that entered before its first offer
/// have finished, and no longer.
#[test]
fn a_packet_waits_for_the_writes_before_it_and_for_no_others() {
    for seed in 1..=8 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        let (mut entered, mut finished) = (0u64, 0u64);
        // Beats of the packet offered that are still to come, and the writes it waits for.
        let mut beats: VecDeque<Beat> = VecDeque::new();
        let mut waits_for: Option<u64> = None;
        let (mut first, mut serial, mut held, mut passed) = (true, 0u64, 0, 0);
        let mut offered = false;
        for cycle in 0..5000u64 {
            if beats.is_empty() {
                first = true;
                let count = 1 + random.below(3);
                for beat in 0..count {
                    serial += 1;
                    beats.push_back(Beat {
                        data: serial.to_bits(),
                        last: beat + 1 == count,
                    });
                }
            }
            offered |= random.chance(60);
            if offered && first {
                waits_for.get_or_insert(entered);
            }
            let enters =
                entered - finished < 7 && random.chance(if cycle / 500 % 2 == 0 { 40 } else { 10 });
            let finishes = entered > finished && random.chance(30);
            let ready = random.chance(70);
            unit.entered.next = enters;
            unit.finished.next = finishes;
            unit.sink.valid.next = offered;
            unit.sink.beat.next = beats[0];
            unit.source.ready.next = ready;
            settle(&mut unit);
            let passes = !first || waits_for.is_none_or(|writes| finished >= writes);
            assert_eq!(
                unit.source.valid.val(),
                offered && passes,
                "seed {seed}, cycle {cycle}"
            );
            if offered {
                assert_eq!(
                    unit.sink.ready.val(),
                    ready && passes,
                    "seed {seed}, cycle {cycle}"
                );
                held += u32::from(!passes);
            }
            if offered && passes && ready {
                assert_eq!(unit.source.beat.val(), beats[0]);
                beats.pop_front();
                passed += 1;
                first = false;
                offered = false;
                waits_for = None;
            }
            entered += u64::from(enters);
            finished += u64::from(finishes);
            clock_cycle!(unit, clock);
        }
        assert!(held > 300 && passed > 1000, "held {held}, passed {passed}");
    }
}

#[test]
fn gate() {
    Gate::new("write_order", WriteOrder::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.chance(1);
            unit.entered.next = random.chance(30);
            unit.finished.next = random.chance(30);
            unit.sink.valid.next = random.chance(70);
            unit.sink.beat.next = random.beat();
            unit.source.ready.next = random.chance(70);
        });
}
