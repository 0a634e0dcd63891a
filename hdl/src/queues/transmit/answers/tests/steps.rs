//! The two halves of an operation against the reference, from any state.

use super::super::advance::Advance;
use super::super::examine::Examine;
use super::super::operation::Operation;
use super::super::record::Mode;
use super::super::round_rules::RoundRules;
use super::reference::{LONGEST_PAUSE, Reference, State, TIMEOUT, Told};
use crate::gate::{Random, clock_cycle, settle};
use rust_hdl::prelude::*;

struct Halves {
    examine: Examine,
    advance: Advance,
}

impl Halves {
    fn new() -> Self {
        let rules = RoundRules::new(LONGEST_PAUSE.ilog2() as usize, TIMEOUT.ilog2() as usize);
        let (mut examine, mut advance) = (Examine::new(rules), Advance::default());
        examine.connect_all();
        advance.connect_all();
        Self { examine, advance }
    }

    /// One operation by itself.
    fn apply(&mut self, queue: &Reference, operation: Operation, hold: bool) -> (Reference, Told) {
        let (examine, advance) = (&mut self.examine, &mut self.advance);
        let row = operation.row.to_u64();
        examine.enters.next = true;
        examine.entering.next = operation;
        clock_cycle!(*examine, clock);
        examine.enters.next = false;
        examine.record.next = queue.record();
        examine.row.next = queue.row(row);
        examine.launched.next = (queue.launched() & 255).to_bits();
        examine.hold_timeouts.next = hold;
        clock_cycle!(*examine, clock);
        assert!(examine.valid.val());
        advance.valid.next = true;
        advance.operation.next = examine.operation.val();
        advance.old_record.next = examine.old_record.val();
        advance.new_row.next = examine.new_row.val();
        advance.done.next = examine.done.val();
        advance.findings.next = examine.findings.val();
        clock_cycle!(*advance, clock);
        advance.valid.next = false;
        assert!(advance.writes.val());
        assert_eq!(advance.write_queue.val(), operation.queue);
        assert_eq!(advance.write_row.val().to_u64(), row & 7);
        let (record, new_row) = (advance.record.val(), advance.row.val());
        clock_cycle!(*advance, clock);
        let progress = advance.progress.val();
        assert!(progress.valid && progress.queue == operation.queue);
        assert_eq!(progress.consumer, record.consumer);
        assert_eq!(progress.balance, record.balance);
        assert_eq!(
            (progress.errors, progress.error),
            (record.errors, record.error)
        );
        assert_eq!(progress.failed, record.failed);
        assert_eq!(
            progress.closed,
            record.mode != Mode::Open || record.failed || !record.enabled
        );
        let resend = advance.resend.val();
        let is_resend = advance.resend_valid.val();
        assert!(!is_resend || resend.generation == record.generation);
        let send = advance.send.val();
        let told = Told {
            resend: is_resend.then(|| (resend.index.to_u64(), resend.restart, resend.ping)),
            send: advance
                .send_valid
                .val()
                .then(|| (send.row.to_u64(), send.ping, send.opens)),
            walk: advance
                .walk_valid
                .val()
                .then(|| advance.walk.val().row.to_u64()),
            reopens: advance.reopen_decided.val() && advance.reopens.val(),
            accepted: advance.accepted.val().to_u64(),
            refused: advance.refused.val().to_u64(),
            unexpected: advance.unexpected.val().to_u64(),
            probed: advance.probed.val(),
            pinged: advance.pinged.val(),
            timed_out: advance.timed_out.val(),
            tell: progress.tell,
            report: progress.report,
        };
        assert_eq!(
            advance.send_decided.val(),
            operation.sends || operation.pings
        );
        assert_eq!(
            advance.reopen_decided.val(),
            operation.opens || operation.enables
        );
        let mut expected = queue.clone();
        let expected_told = expected.apply(&operation, hold);
        assert_eq!(record, expected.record(), "{queue:?}\n{operation:?}");
        assert_eq!(new_row, expected.row(row), "{queue:?}\n{operation:?}");
        for other in 0..8 {
            if other != row & 7 {
                assert_eq!(queue.row(other), expected.row(other), "the other rows stay");
            }
        }
        assert_eq!(told, expected_told, "{queue:?}\n{operation:?}");
        (expected, told)
    }
}

/// An operation that may concern the queue.
pub fn any_operation(random: &mut Random, queue: &Reference) -> Operation {
    let mut operation = Operation {
        queue: random.bits(),
        row: ((queue.consumer / 8 + random.below(10)) & 15).to_bits(),
        ..Operation::default()
    };
    if random.chance(30) {
        operation.row = ((queue.consumer / 8) & 15).to_bits();
    }
    if random.chance(30) {
        operation.row = ((queue.launched() / 8) & 15).to_bits();
    }
    if random.chance(30) {
        operation.row = queue.step.to_bits();
    }
    match random.below(8) {
        0..=3 => {
            operation.verdict = true;
            operation.messages = random.bits();
            operation.code = random.below(7).to_bits();
            if random.chance(20) {
                // A remote operation failed at its target.
                operation.code = (11 + random.below(5)).to_bits();
            }
            operation.generation = queue.generation.to_bits();
            if random.chance(10) {
                operation.generation = random.bits();
            }
            if random.chance(20) {
                operation.own = true;
                operation.code = (1 + random.below(10)).to_bits();
            }
        }
        4 => operation.ticks = true,
        5 => {
            operation.sends = true;
            operation.opens = random.chance(30);
        }
        6 => operation.pings = true,
        _ => operation.disables = random.chance(20),
    }
    operation
}

#[test]
fn any_operation_on_any_queue_does_what_the_reference_does() {
    let seed = 1;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut halves = Halves::new();
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for _ in 0..32_000 {
        let mut queue = Reference::any(&mut random);
        for _ in 0..random.below(4) {
            let operation = any_operation(&mut random, &queue);
            let (after, told) = halves.apply(&queue, operation, random.chance(10));
            for (name, is_seen) in [
                ("probe", told.probed),
                (
                    "burst",
                    told.resend.is_some() && !told.probed && !told.pinged,
                ),
                ("ping", told.pinged),
                ("next ping", told.send.is_some_and(|(_, ping, _)| ping)),
                ("end of burst", told.send.is_some_and(|(_, _, opens)| opens)),
                ("reopen", told.reopens),
                ("accepted", told.accepted > 0),
                ("refused", told.refused > 0),
                ("unexpected", told.unexpected > 0),
                ("failed", told.timed_out),
                ("walk", told.walk.is_some()),
                ("wrap", after.consumer < queue.consumer),
                ("given up", after.error == 9 && queue.error != 9),
                (
                    "eight at once",
                    after.consumer.wrapping_sub(queue.consumer) == 8,
                ),
                ("saturated", after.errors == 0xFFF),
                ("narrow", after.narrow && !queue.narrow),
                ("wide", !after.narrow && queue.narrow),
            ] {
                *seen.entry(name).or_default() += u32::from(is_seen);
            }
            queue = after;
        }
    }
    println!("{seen:?}");
    assert!(seen.values().all(|count| *count > 5), "{seen:?}");
}

#[test]
fn a_reset_clears_whatever_stood_there() {
    let seed = 2;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let (mut examine, mut advance) = (Examine::default(), Advance::default());
    examine.connect_all();
    advance.connect_all();
    for _ in 0..200 {
        let (old, row) = (Reference::any(&mut random), random.below(8));
        let enables = row == 7;
        examine.enters.next = true;
        examine.entering.next = Operation {
            row: row.to_bits(),
            resets: true,
            enables,
            own: true,
            generation: 77.into(),
            code: 5.into(),
            ..Operation::default()
        };
        clock_cycle!(examine, clock);
        examine.record.next = old.record();
        examine.row.next = old.row(row);
        examine.launched.next = random.bits();
        clock_cycle!(examine, clock);
        advance.valid.next = true;
        advance.operation.next = examine.operation.val();
        advance.old_record.next = examine.old_record.val();
        advance.new_row.next = examine.new_row.val();
        advance.done.next = examine.done.val();
        advance.findings.next = examine.findings.val();
        clock_cycle!(advance, clock);
        settle(&mut advance);
        let empty = Reference {
            consumer: 0,
            messages: Vec::<State>::new().into(),
            mode: Mode::Open,
            step: 0,
            timer: 0,
            errors: 0,
            error: 0,
            failed: false,
            enabled: enables,
            generation: 77,
            give_up: 5,
            narrow: false,
            patience: 0,
        };
        assert_eq!(advance.record.val(), empty.record());
        assert!(advance.row.val().done == 0 && advance.row.val().refused == 0);
        clock_cycle!(advance, clock);
        assert!(!advance.resend_valid.val() && !advance.send_valid.val());
        assert!(!advance.walk_valid.val() && !advance.progress.val().tell);
        assert_eq!(
            advance.reopen_decided.val() && advance.reopens.val(),
            enables
        );
    }
}
