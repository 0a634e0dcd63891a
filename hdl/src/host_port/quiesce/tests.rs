//! `Quiesce`: what ends a stop, and what does not.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use abi::queue_state::{REGION_PACKET_RELEASE, REGION_RESUME, REGION_SHIFT};

fn unit() -> Quiesce {
    let mut unit = Quiesce::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.request.connect();
    unit.generation.connect();
    unit.configuration.connect();
    unit.silent.connect();
    unit.reads_outstanding.connect();
    unit.holds_request.connect();
    unit.connect_all();
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    unit
}

fn write(valid: bool, region: usize, index: u64, word: u64) -> ConfigurationWrite {
    ConfigurationWrite {
        valid,
        index: ((region << REGION_SHIFT) as u64 | index).to_bits(),
        data: word.to_bits(),
    }
}

/// Cycles with steady inputs; then stopped, quiet and resuming.
fn run(unit: &mut Quiesce, cycles: usize) -> (bool, bool, bool) {
    for _ in 0..cycles {
        settle(unit);
        clock_cycle!(*unit, clock);
        unit.request.next = false;
        unit.configuration.next.valid = false;
    }
    settle(unit);
    (unit.stopped.val(), unit.quiet.val(), unit.resuming.val())
}

#[test]
fn a_stop_is_quiet_when_all_is_over_and_ends_for_its_own_generation_alone() {
    let mut unit = unit();
    unit.holds_request.next = true;
    unit.generation.next = 7u8.to_bits();
    unit.configuration.next = write(true, REGION_RESUME, 0, 7);
    assert_eq!(run(&mut unit, 3), (false, false, false), "nothing to end");
    unit.request.next = true;
    assert_eq!(run(&mut unit, 1), (true, false, false));
    unit.silent.next = true;
    unit.reads_outstanding.next = true;
    assert_eq!(run(&mut unit, 5), (true, false, false), "a read");
    unit.silent.next = false;
    unit.reads_outstanding.next = false;
    assert_eq!(run(&mut unit, 5), (true, false, false), "a write");
    unit.silent.next = true;
    assert_eq!(run(&mut unit, 1), (true, true, false));
    unit.silent.next = false;
    assert_eq!(run(&mut unit, 5), (true, true, false), "for good");
    for (region, word) in [(REGION_RESUME, 6), (REGION_PACKET_RELEASE, 7)] {
        unit.configuration.next = write(true, region, 0, word);
        assert_eq!(run(&mut unit, 3), (true, true, false), "not for us");
    }
    unit.configuration.next = write(true, REGION_RESUME, 3, 7);
    assert_eq!(run(&mut unit, 1), (true, true, true));
    assert_eq!(run(&mut unit, 5), (true, true, true), "requests wait");
    unit.holds_request.next = false;
    assert_eq!(run(&mut unit, 1), (false, false, false));
}

#[test]
fn a_stop_that_is_asked_for_anew_does_not_end_meanwhile() {
    // The new request comes before, with and behind the word that would end the stop.
    for cycle in 0..4 {
        let mut unit = unit();
        unit.generation.next = 1u8.to_bits();
        unit.silent.next = true;
        unit.request.next = true;
        assert_eq!(run(&mut unit, 2), (true, true, false));
        for now in 0..6 {
            if now == cycle {
                unit.request.next = true;
                unit.generation.next = 2u8.to_bits();
            }
            if now == 1 {
                unit.configuration.next = write(true, REGION_RESUME, 0, 1);
            }
            let ended = cycle > 2 && now == 2;
            assert_eq!(run(&mut unit, 1).0, !ended, "{cycle} {now}");
        }
    }
}

/// However the inputs come: no stop ends but through quiet, and while it is quiet, only by a
/// resumption that waited for all requests.
#[test]
fn no_stop_ends_before_it_was_quiet() {
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = unit();
    let (mut before, mut ends) = ((false, false, false), 0);
    for _ in 0..20_000 {
        unit.request.next = random.chance(5);
        unit.generation.next = random.below(2).to_bits();
        unit.configuration.next = write(random.chance(20), REGION_RESUME, 0, random.below(2));
        unit.silent.next = random.chance(30);
        unit.reads_outstanding.next = random.chance(50);
        let holds = random.chance(50);
        unit.holds_request.next = holds;
        let request = unit.request.next;
        let after = run(&mut unit, 1);
        if before.0 && !after.0 {
            assert_eq!(before, (true, true, true));
            assert!(!holds && !request);
            ends += 1;
        }
        assert!(!after.1 || after.0, "quiet, but not stopped");
        assert!(!before.1 || after.1 || !after.0, "quiet no more");
        assert!(!request || after.0, "a request without effect");
        before = after;
    }
    assert!(ends > 100, "{ends}");
}

#[test]
fn gate() {
    Gate::new("quiesce", Quiesce::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.below(500) == 0;
            unit.request.next = random.chance(5);
            unit.generation.next = random.below(4).to_bits();
            let region = if random.chance(80) {
                REGION_RESUME
            } else {
                random.below(16) as usize
            };
            unit.configuration.next =
                write(random.chance(30), region, random.below(16), random.below(4));
            unit.silent.next = random.chance(50);
            unit.reads_outstanding.next = random.chance(50);
            unit.holds_request.next = random.chance(50);
        });
}
