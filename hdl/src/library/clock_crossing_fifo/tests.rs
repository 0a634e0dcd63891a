//! Words cross in order, whatever the clocks do.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use std::collections::VecDeque;

/// Random ticks of either clock, `write_percent` of them the writer's.
fn crosses(seed: u64, write_percent: u64) {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = ClockCrossingFifo::<Bits<16>, 4, 5>::default();
    unit.connect_all();
    let mut inside = VecDeque::new();
    let (mut fulls, mut empties, mut count) = (0, 0, 0u64);
    settle(&mut unit);
    for step in 0..8000 {
        let (writing, reading) = if step / 500 % 2 == 0 {
            (90, 20)
        } else {
            (15, 90)
        };
        if random.chance(write_percent) {
            let write = random.chance(writing);
            unit.write.next = write;
            unit.data_in.next = (count & 0xFFFF).to_bits();
            settle(&mut unit);
            assert!(
                inside.len() < 16 || unit.full.val(),
                "room where there is none"
            );
            fulls += u64::from(write && unit.full.val());
            if write && !unit.full.val() {
                inside.push_back(count & 0xFFFF);
                count += 1;
            }
            clock_cycle!(unit, write_clock);
        } else {
            let read = random.chance(reading);
            unit.read.next = read;
            settle(&mut unit);
            empties += u64::from(read && unit.empty.val());
            if !unit.empty.val() {
                assert_eq!(Some(&unit.data_out.val().to_u64()), inside.front());
                if read {
                    inside.pop_front();
                }
            }
            clock_cycle!(unit, read_clock);
        }
    }
    assert!(
        fulls > 0 && empties > 0 && count > 500,
        "the corners were not reached"
    );
}

#[test]
fn words_cross_in_order() {
    for (seed, write_percent) in [(10, 50), (11, 30), (12, 70)] {
        crosses(seed, write_percent);
    }
}

#[test]
fn equal_clocks_carry_a_word_a_cycle() {
    let mut unit = ClockCrossingFifo::<Bits<8>, 3, 4>::default();
    unit.connect_all();
    unit.write.next = true;
    unit.read.next = true;
    settle(&mut unit);
    let mut first = None;
    for cycle in 0..100 {
        assert!(!unit.full.val());
        if !unit.empty.val() {
            first.get_or_insert(cycle);
        }
        assert_eq!(
            unit.empty.val(),
            first.is_none(),
            "a pause in cycle {cycle}"
        );
        clock_cycle!(unit, write_clock);
        clock_cycle!(unit, read_clock);
    }
    assert_eq!(
        first,
        Some(2),
        "latency with the read edge just behind the write edge"
    );
}

#[test]
fn gate() {
    for divisor in [1, 2, 3] {
        Gate::new(
            "clock_crossing_fifo",
            ClockCrossingFifo::<Bits<16>, 4, 5>::default(),
        )
        .clock(|unit| &mut unit.write_clock)
        .slow_clock(divisor, |unit| &mut unit.read_clock)
        .seed(divisor)
        .cycles(2000)
        .run(|unit, random, cycle| {
            unit.write_reset.next = cycle < 12;
            unit.read_reset.next = cycle < 12;
            unit.write.next = cycle > 12 && random.chance(60);
            unit.read.next = random.chance(60);
            unit.data_in.next = random.bits();
        });
    }
}
