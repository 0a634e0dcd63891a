//! The queue against a slow, obvious one, on random inputs.

use super::*;
use crate::gate::Random;
use std::collections::VecDeque;

/// The slow, obvious queue: messages have numbers and stand in one list or the other.
#[derive(Default)]
struct Reference {
    enabled: bool,
    failed: bool,
    consumer: u16,
    composed: VecDeque<u64>,
    unanswered: VecDeque<u64>,
    next_message: u64,
    busy: bool,
    stale: bool,
    hold: usize,
    waits: [bool; 3],
    answerless_ticks: usize,
    /// The second tick without an answer was in the cycle before.
    failing: bool,
    errors: u64,
    last_error: usize,
    /// A message was accepted, or failed: told one cycle later.
    answered_well: bool,
    erred: bool,
    dirty: bool,
    report: bool,
    /// A store's error counts one cycle later.
    store_error: Option<usize>,
    /// A producer index brings this many messages one cycle later.
    stored: Option<u16>,
}

impl Reference {
    fn used(&self) -> u16 {
        (self.composed.len() + self.unanswered.len()) as u16
    }

    fn eligible(&self) -> bool {
        !self.failed
            && !self.composed.is_empty()
            && !self.busy
            && self.hold == 0
            && self.waits == [false; 3]
    }

    fn error(&mut self, code: usize) {
        self.last_error = code;
        self.erred = true;
    }

    /// The shadow line tells one more error.
    fn count_error(&mut self) {
        self.errors = (self.errors + 1).min(0xffff);
        self.dirty = true;
    }

    fn compose(&mut self, count: u16) {
        for _ in 0..count {
            self.composed.push_back(self.next_message);
            self.next_message += 1;
        }
    }

    /// What one cycle changes; the answer is looked at before the engine's outcome, as both saw the state before.
    fn step(&mut self, inputs: &Inputs) -> [bool; 5] {
        let mut pulses = [false; 5];
        let was_drained = self.unanswered.is_empty();
        self.hold = self.hold.saturating_sub(1);
        self.waits = [
            self.waits[0] && !was_drained,
            self.waits[1] && !inputs.room[0],
            self.waits[2] && !inputs.room[1],
        ];
        if inputs.shadow_taken {
            self.dirty = false;
            self.report = false;
        }
        self.dirty |= std::mem::take(&mut self.answered_well);
        if std::mem::take(&mut self.erred) {
            self.count_error();
            self.report = true;
        }
        if let Some(code) = self.store_error.take() {
            pulses[0] = code == error::OVERFLOW;
            self.last_error = code;
            self.count_error();
        }
        if let Some(more) = self.stored.take() {
            self.compose(more);
        }
        let mine = !inputs.other_queue;
        let accepting = self.enabled && !self.failed;
        let used = self.used();
        let consumer = self.consumer;
        let live = !self.failed;
        if mine && inputs.torn {
            self.store_error = Some(error::TORN_STORE);
        }
        if mine && inputs.express {
            if accepting && used < SLOTS {
                self.compose(1);
            } else {
                self.store_error = Some(error::OVERFLOW);
            }
        }
        if let (true, Some(index)) = (mine, inputs.producer) {
            let more = index.wrapping_sub(consumer.wrapping_add(used));
            if accepting && more <= SLOTS - used {
                self.stored = Some(more);
            } else {
                self.store_error = Some(error::OVERFLOW);
            }
        }
        let was_stale = self.stale;
        let was_busy = self.busy;
        let ended = mine
            && (inputs.launched
                || inputs.skipped.is_some()
                || inputs.wait_for_drain
                || inputs.wait_for_channel.is_some());
        if mine && inputs.granted {
            self.busy = true;
        }
        let answer = inputs
            .answer
            .filter(|&(slot, _)| mine && !was_drained && live && slot % 16 == consumer % 16);
        if ended {
            self.busy = false;
            self.stale = false;
            self.waits = [
                inputs.wait_for_drain,
                inputs.wait_for_channel == Some(false),
                inputs.wait_for_channel == Some(true),
            ];
            if !was_stale && inputs.launched {
                let message = self.composed.pop_front().unwrap();
                self.unanswered.push_back(message);
            }
            if let (false, Some(code)) = (was_stale, inputs.skipped) {
                self.composed.pop_front().unwrap();
                self.consumer = consumer.wrapping_add(1);
                self.error(code);
            }
        }
        let mut answered = false;
        match answer {
            Some((_, status::ACCEPTED)) => {
                pulses[1] = true;
                answered = true;
                self.unanswered.pop_front();
                self.consumer = consumer.wrapping_add(1);
                self.answered_well = true;
            }
            Some((_, code @ (status::NOT_RESIDENT | status::ENTRY_TOO_SMALL))) => {
                pulses[2] = true;
                answered = true;
                self.unanswered.pop_front();
                self.consumer = consumer.wrapping_add(1);
                self.error(if code == status::NOT_RESIDENT {
                    error::NOT_RESIDENT
                } else {
                    error::ENTRY_TOO_SMALL
                });
            }
            Some((_, status::FULL)) => {
                pulses[3] = true;
                answered = true;
                while let Some(message) = self.unanswered.pop_back() {
                    self.composed.push_front(message);
                }
                self.hold = crate::configuration::RESTART_CYCLES + 1;
                self.stale = (was_busy || mine && inputs.granted) && !ended;
            }
            _ => {}
        }
        let failing = std::mem::take(&mut self.failing);
        if failing && live && !(mine && inputs.answer.is_some()) {
            pulses[4] = true;
            self.failed = true;
            self.error(error::ACKNOWLEDGE_TIMEOUT);
        }
        if was_drained || answered {
            self.answerless_ticks = 0;
        } else if inputs.tick {
            self.answerless_ticks += 1;
            self.failing = self.answerless_ticks >= 2;
        }
        if let (true, Some(enabled)) = (mine, inputs.control) {
            let stale = (was_busy || inputs.granted) && !ended;
            *self = Reference {
                enabled,
                stale,
                busy: self.busy,
                ..Reference::default()
            };
        }
        pulses
    }
}

fn random_inputs(random: &mut Random, reference: &Reference) -> Inputs {
    let mut inputs = Inputs {
        room: [random.chance(80), random.chance(80)],
        tick: random.chance(2),
        shadow_taken: random.chance(20),
        other_queue: random.chance(5),
        torn: random.chance(1),
        ..Inputs::default()
    };
    if random.below(700) == 0 {
        inputs.control = Some(random.chance(80));
    }
    // Behind a producer index comes no store.
    if !inputs.torn && reference.stored.is_none() {
        match random.below(10) {
            0..3 => inputs.express = true,
            3 => {
                let free = SLOTS - reference.used();
                let composed = reference.consumer.wrapping_add(reference.used());
                let more = random.below(u64::from(free) + 2) as u16;
                inputs.producer = Some(composed.wrapping_add(if random.chance(5) {
                    random.word() as u16
                } else {
                    more
                }));
            }
            _ => {}
        }
    }
    if !inputs.other_queue {
        if reference.busy {
            match random.below(20) {
                0..9 => inputs.launched = true,
                9 => inputs.wait_for_channel = Some(random.chance(50)),
                10 if reference.unanswered.is_empty() => {
                    inputs.skipped = Some(error::OUTSIDE_WINDOW);
                }
                10 => inputs.wait_for_drain = true,
                _ => {}
            }
        } else if reference.eligible() {
            inputs.granted = random.chance(70);
        }
    }
    if random.chance(30) {
        let slot = if random.chance(95) {
            reference.consumer
        } else {
            random.word() as u16
        };
        let status = match random.below(100) {
            0..90 => status::ACCEPTED,
            90..93 => status::FULL,
            93..96 => status::NOT_RESIDENT,
            96..99 => status::ENTRY_TOO_SMALL,
            _ => 7,
        };
        inputs.answer = Some((slot, status));
    }
    inputs
}

#[test]
fn it_does_what_two_lists_of_messages_do() {
    for seed in 1..=4 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        let mut reference = Reference::default();
        settle(&mut unit);
        let first = Inputs {
            control: Some(true),
            ..Inputs::quiet()
        };
        cycle(&mut unit, first);
        reference.step(&first);
        let mut accepted = 0;
        for time in 0..20_000 {
            let inputs = random_inputs(&mut random, &reference);
            let pulses = cycle(&mut unit, inputs);
            let expected = reference.step(&inputs);
            let place = format!("seed {seed}, cycle {time}, {inputs:?}");
            assert_eq!(pulses, expected, "{place}");
            accepted += u32::from(pulses[1]);
            assert_eq!(unit.eligible.val(), reference.eligible(), "{place}");
            assert_eq!(
                unit.drained.val(),
                reference.unanswered.is_empty(),
                "{place}"
            );
            assert_eq!(
                unit.consumer_index.val(),
                u64::from(reference.consumer),
                "{place}"
            );
            let launched = reference
                .consumer
                .wrapping_add(reference.unanswered.len() as u16);
            assert_eq!(unit.launch_slot.val(), u64::from(launched % 16), "{place}");
            let composed = reference.consumer.wrapping_add(reference.used());
            assert_eq!(unit.compose_slot.val(), u64::from(composed % 16), "{place}");
            assert_eq!(unit.error_count.val(), reference.errors, "{place}");
            assert_eq!(
                unit.last_error.val(),
                reference.last_error as u64,
                "{place}"
            );
            assert_eq!(unit.failed.val(), reference.failed, "{place}");
            assert_eq!(unit.dirty.val(), reference.dirty, "{place}");
            assert_eq!(unit.report.val(), reference.report, "{place}");
        }
        assert!(
            accepted > 500,
            "the random traffic went nowhere: {accepted}"
        );
    }
}
