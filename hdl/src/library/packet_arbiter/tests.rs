//! Random packets through the arbiter, against what every stream must keep.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use std::collections::VecDeque;

/// A sink's beats to come: (source and number of the packet in the data, last).
type Waiting = VecDeque<(u128, bool)>;

#[test]
fn packets_stay_whole_in_order_and_nobody_starves() {
    let seed = 8;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = PacketArbiter::<3>::default();
    for sink in &mut unit.sinks {
        sink.valid.connect();
        sink.beat.connect();
    }
    unit.source.ready.connect();
    unit.clock.connect();
    unit.reset.connect();
    unit.connect_all();

    let mut waiting: [Waiting; 3] = Default::default();
    for (sink, beats) in waiting.iter_mut().enumerate() {
        for packet in 0..200u128 {
            let length = 1 + random.below(4);
            for beat in 0..length {
                beats.push_back((
                    packet << 16 | (sink as u128) << 8 | u128::from(beat),
                    beat + 1 == length,
                ));
            }
        }
    }
    let mut expected = waiting.clone();
    let mut offered = [false; 3];
    let (mut owner, mut held): (Option<usize>, Option<u128>) = (None, None);
    let mut starts_while_waiting = [0; 3];
    let (mut bubbles, mut idle) = (0, 0);
    settle(&mut unit);
    while expected.iter().any(|beats| !beats.is_empty()) {
        for sink in 0..3 {
            // `valid`, once high, stays until the beat is taken.
            offered[sink] |= random.chance(60);
            let valid = offered[sink] && !waiting[sink].is_empty();
            unit.sinks[sink].valid.next = valid;
            let (data, last) = waiting[sink].front().copied().unwrap_or_default();
            unit.sinks[sink].beat.next = Beat {
                data: data.to_bits(),
                last,
            };
        }
        unit.source.ready.next = random.chance(70);
        settle(&mut unit);

        let valid: Vec<bool> = unit.sinks.iter().map(|sink| sink.valid.val()).collect();
        if owner.is_none() && valid.iter().any(|valid| *valid) && !unit.source.valid.val() {
            assert!(!valid[0], "sink 0 waits although nobody has a turn");
            idle += 1;
            assert!(idle < 2, "a packet waits although the output is free");
        } else {
            idle = 0;
        }
        let data = unit.source.beat.val().data.to_u128();
        if unit.source.valid.val() {
            let sink = (data >> 8 & 0xff) as usize;
            assert!(owner.is_none_or(|owner| owner == sink), "a packet was cut");
            assert!(
                held.is_none_or(|held| held == data),
                "the beat changed while not ready"
            );
            if owner.is_none() {
                for other in (0..3).filter(|other| *other != sink) {
                    starts_while_waiting[other] += u64::from(valid[other]);
                    assert!(starts_while_waiting[other] <= 2, "sink {other} starves");
                }
                starts_while_waiting[sink] = 0;
            }
            owner = Some(sink);
            held = Some(data);
        } else if valid.iter().any(|valid| *valid) {
            bubbles += 1;
        }
        for sink in 0..3 {
            let taken = unit.sinks[sink].valid.val() && unit.sinks[sink].ready.val();
            let due = unit.source.valid.val() && unit.source.ready.val() && owner == Some(sink);
            assert_eq!(taken, due, "a sink was acknowledged wrongly");
            if taken {
                let beat = waiting[sink].pop_front().unwrap();
                assert_eq!(expected[sink].pop_front(), Some(beat));
                assert_eq!((data, unit.source.beat.val().last), beat);
                offered[sink] = false;
                held = None;
                if beat.1 {
                    owner = None;
                }
            }
        }
        clock_cycle!(unit, clock);
    }
    assert!(bubbles > 0, "no packet paused: the test is too kind");
}

#[test]
fn packets_follow_each_other_without_bubbles() {
    let mut unit = PacketArbiter::<2>::default();
    for sink in &mut unit.sinks {
        sink.valid.connect();
        sink.beat.connect();
    }
    unit.connect_all();
    settle(&mut unit);
    let mut order = Vec::new();
    for _ in 0..6 {
        for (index, sink) in unit.sinks.iter_mut().enumerate() {
            sink.valid.next = true;
            sink.beat.next = Beat {
                data: index.to_bits(),
                last: true,
            };
        }
        unit.source.ready.next = true;
        settle(&mut unit);
        assert!(unit.source.valid.val());
        order.push(unit.source.beat.val().data.to_u128());
        clock_cycle!(unit, clock);
    }
    assert_eq!(order, [0, 1, 0, 1, 0, 1]);
}

#[test]
fn only_sink_0_has_no_wait_at_an_idle_arbiter() {
    for (sink, expected) in [(0, 0), (1, 1), (2, 1)] {
        let mut unit = PacketArbiter::<3>::default();
        for sink in &mut unit.sinks {
            sink.valid.connect();
            sink.beat.connect();
        }
        unit.connect_all();
        for _ in 0..3 {
            settle(&mut unit);
            clock_cycle!(unit, clock);
        }
        unit.sinks[sink].valid.next = true;
        settle(&mut unit);
        let mut waited = 0;
        while !unit.source.valid.val() {
            clock_cycle!(unit, clock);
            settle(&mut unit);
            waited += 1;
        }
        assert_eq!(waited, expected, "sink {sink}");
    }
}

#[test]
fn gate() {
    Gate::new("packet_arbiter", PacketArbiter::<3>::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, _| {
            unit.reset.next = random.chance(1);
            for sink in &mut unit.sinks {
                sink.valid.next = random.chance(50);
                sink.beat.next = random.beat();
            }
            unit.source.ready.next = random.chance(70);
        });
}
