//! Behaviour of `TransmitQueue`, directed and against two queues of message numbers.

use super::*;
use crate::configuration::TRANSMIT_SLOTS;
use crate::gate::{Random, clock_cycle, settle};
use crate::queues::test_support::control;
use abi::link::status;
use abi::message::error;
use std::collections::VecDeque;

const NUMBER: u64 = 5;
/// Slots of the queue.
const SLOTS: u16 = TRANSMIT_SLOTS as u16;

fn unit() -> TransmitQueue {
    let mut unit = TransmitQueue::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.number.connect();
    unit.configuration.connect();
    unit.store.connect();
    unit.outcome.connect();
    unit.answer_valid.connect();
    unit.answer.connect();
    unit.room_0.connect();
    unit.room_1.connect();
    unit.tick.connect();
    unit.shadow_taken.connect();
    unit.connect_all();
    unit.number.next = NUMBER.to_bits();
    unit.room_0.next = true;
    unit.room_1.next = true;
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    unit
}

/// What happens in one cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Inputs {
    control: Option<bool>,
    express: bool,
    producer: Option<u16>,
    torn: bool,
    granted: bool,
    launched: bool,
    skipped: Option<usize>,
    wait_for_drain: bool,
    wait_for_channel: Option<bool>,
    answer: Option<(u16, usize)>,
    room: [bool; 2],
    tick: bool,
    shadow_taken: bool,
    other_queue: bool,
}

impl Inputs {
    fn quiet() -> Inputs {
        Inputs {
            room: [true; 2],
            ..Inputs::default()
        }
    }

    fn apply(&self, unit: &mut TransmitQueue) {
        let queue = if self.other_queue { NUMBER ^ 4 } else { NUMBER };
        unit.configuration.next = match self.control {
            Some(enabled) => control(queue, enabled.into()),
            None => QueueWord::default(),
        };
        unit.store.next = TransmitStore {
            express: self.express,
            producer: self.producer.is_some(),
            torn: self.torn,
            queue: queue.to_bits(),
            index: self.producer.unwrap_or_default().to_bits(),
        };
        unit.outcome.next = LaunchOutcome {
            granted: self.granted,
            launched: self.launched,
            skipped: self.skipped.is_some(),
            wait_for_drain: self.wait_for_drain,
            wait_for_channel: self.wait_for_channel.is_some(),
            channel: self.wait_for_channel.unwrap_or_default(),
            queue: queue.to_bits(),
            error: self.skipped.unwrap_or_default().to_bits(),
        };
        let (slot, status) = self.answer.unwrap_or_default();
        unit.answer_valid.next = self.answer.is_some() && !self.other_queue;
        unit.answer.next = Answer {
            slot: (slot % 16).to_bits(),
            accepted: status == status::ACCEPTED,
            full: status == status::FULL,
            not_resident: status == status::NOT_RESIDENT,
            too_small: status == status::ENTRY_TOO_SMALL,
        };
        unit.room_0.next = self.room[0];
        unit.room_1.next = self.room[1];
        unit.tick.next = self.tick;
        unit.shadow_taken.next = self.shadow_taken;
    }
}

/// One cycle; returns the pulses (overflowed, accepted, refused, restarted, timed out) of it.
fn cycle(unit: &mut TransmitQueue, inputs: Inputs) -> [bool; 5] {
    inputs.apply(unit);
    settle(unit);
    let pulses = [
        unit.overflowed.val(),
        unit.accepted.val(),
        unit.refused.val(),
        unit.restarted.val(),
        unit.timed_out.val(),
    ];
    clock_cycle!(*unit, clock);
    pulses
}

fn enable(unit: &mut TransmitQueue) {
    cycle(
        unit,
        Inputs {
            control: Some(true),
            ..Inputs::quiet()
        },
    );
}

/// Stores a producer index; takes two cycles.
fn store_producer(unit: &mut TransmitQueue, index: u16) {
    let stored = Inputs {
        producer: Some(index),
        ..Inputs::quiet()
    };
    assert!(!overflows(unit, stored));
}

/// Whether the queue refuses this store; takes two cycles.
fn overflows(unit: &mut TransmitQueue, inputs: Inputs) -> bool {
    assert!(!cycle(unit, inputs)[0]);
    cycle(unit, Inputs::quiet())[0]
}

/// Grants the queue and, two cycles later, launches its message.
fn launch(unit: &mut TransmitQueue) {
    assert!(unit.eligible.val());
    cycle(
        unit,
        Inputs {
            granted: true,
            ..Inputs::quiet()
        },
    );
    assert!(!unit.eligible.val(), "a granted queue asks no more");
    cycle(unit, Inputs::quiet());
    cycle(
        unit,
        Inputs {
            launched: true,
            ..Inputs::quiet()
        },
    );
}

fn answer(unit: &mut TransmitQueue, slot: u16, status: usize) -> [bool; 5] {
    cycle(
        unit,
        Inputs {
            answer: Some((slot, status)),
            ..Inputs::quiet()
        },
    )
}

#[test]
fn a_disabled_queue_takes_nothing_and_counts_it() {
    let mut unit = unit();
    assert!(overflows(
        &mut unit,
        Inputs {
            express: true,
            ..Inputs::quiet()
        }
    ));
    assert!(!unit.eligible.val());
    assert_eq!(unit.error_count.val(), 1);
    assert_eq!(unit.last_error.val(), error::OVERFLOW as u64);
    cycle(&mut unit, Inputs::quiet());
    assert!(unit.dirty.val());
    assert!(!unit.report.val(), "a bad store is nothing for firmware");
}

#[test]
fn an_express_store_is_eligible_in_the_next_cycle() {
    let mut unit = unit();
    enable(&mut unit);
    Inputs {
        express: true,
        ..Inputs::quiet()
    }
    .apply(&mut unit);
    settle(&mut unit);
    assert!(unit.express_accepted.val() && !unit.eligible.val());
    clock_cycle!(unit, clock);
    assert!(unit.eligible.val());
}

#[test]
fn all_slots_and_no_more_also_across_the_wrap_of_the_indices() {
    let mut unit = unit();
    enable(&mut unit);
    // Go round until the 16-bit indices are about to wrap: as many messages at a time as there are slots.
    let mut consumer = 0u16;
    for _ in 0..65504 / SLOTS {
        let producer = consumer.wrapping_add(SLOTS);
        cycle(
            &mut unit,
            Inputs {
                producer: Some(producer),
                ..Inputs::quiet()
            },
        );
        while consumer != producer {
            cycle(
                &mut unit,
                Inputs {
                    granted: true,
                    ..Inputs::quiet()
                },
            );
            cycle(
                &mut unit,
                Inputs {
                    launched: true,
                    ..Inputs::quiet()
                },
            );
            answer(&mut unit, consumer, status::ACCEPTED);
            consumer = consumer.wrapping_add(1);
        }
    }
    assert_eq!(unit.consumer_index.val(), 65504);
    for step in 0..48 / SLOTS {
        let base = consumer;
        for slot in 0..SLOTS {
            assert_eq!(
                unit.compose_slot.val(),
                u64::from(base.wrapping_add(slot) % 16)
            );
            assert!(!overflows(
                &mut unit,
                Inputs {
                    express: true,
                    ..Inputs::quiet()
                }
            ));
        }
        assert!(
            overflows(
                &mut unit,
                Inputs {
                    express: true,
                    ..Inputs::quiet()
                }
            ),
            "full"
        );
        assert!(
            overflows(
                &mut unit,
                Inputs {
                    producer: Some(base.wrapping_add(SLOTS + 1)),
                    ..Inputs::quiet()
                }
            ),
            "beyond the slots"
        );
        assert!(
            overflows(
                &mut unit,
                Inputs {
                    producer: Some(base.wrapping_add(SLOTS - 1)),
                    ..Inputs::quiet()
                }
            ),
            "backwards"
        );
        for slot in 0..SLOTS {
            launch(&mut unit);
            assert!(answer(&mut unit, base.wrapping_add(slot), status::ACCEPTED)[1]);
        }
        consumer = base.wrapping_add(SLOTS);
        assert!(!unit.eligible.val() && unit.drained.val(), "step {step}");
        assert_eq!(unit.consumer_index.val(), u64::from(consumer));
    }
    assert_eq!(consumer, 16, "wrapped");
    assert_eq!(unit.error_count.val(), u64::from(3 * (48 / SLOTS)));
}

#[test]
fn a_full_ring_takes_the_queue_back_and_holds_it() {
    let mut unit = unit();
    enable(&mut unit);
    store_producer(&mut unit, 3);
    for _ in 0..3 {
        launch(&mut unit);
    }
    assert!(answer(&mut unit, 0, status::ACCEPTED)[1]);
    assert!(answer(&mut unit, 1, status::FULL)[3]);
    assert_eq!(unit.launch_slot.val(), 1);
    assert!(unit.drained.val());
    assert!(
        !answer(&mut unit, 1, status::ACCEPTED)[1],
        "nothing is unanswered any more"
    );
    let mut waited = 1;
    while !unit.eligible.val() {
        cycle(&mut unit, Inputs::quiet());
        waited += 1;
    }
    assert_eq!(waited, crate::configuration::RESTART_CYCLES + 1);
    for slot in 1..3 {
        launch(&mut unit);
        assert!(answer(&mut unit, slot, status::ACCEPTED)[1]);
    }
    assert!(!unit.eligible.val());
}

#[test]
fn a_grant_that_a_refusal_overtakes_does_not_count() {
    let mut unit = unit();
    enable(&mut unit);
    store_producer(&mut unit, 2);
    launch(&mut unit);
    cycle(
        &mut unit,
        Inputs {
            granted: true,
            ..Inputs::quiet()
        },
    );
    answer(&mut unit, 0, status::FULL);
    cycle(
        &mut unit,
        Inputs {
            launched: true,
            ..Inputs::quiet()
        },
    );
    assert_eq!(unit.launch_slot.val(), 0);
    assert!(unit.drained.val());
    for _ in 0..300 {
        cycle(&mut unit, Inputs::quiet());
    }
    launch(&mut unit);
    assert_eq!(unit.launch_slot.val(), 1);
}

#[test]
fn a_missing_answer_fails_the_queue_until_it_is_enabled_again() {
    let mut unit = unit();
    enable(&mut unit);
    cycle(
        &mut unit,
        Inputs {
            express: true,
            ..Inputs::quiet()
        },
    );
    launch(&mut unit);
    let tick = Inputs {
        tick: true,
        ..Inputs::quiet()
    };
    assert!(!cycle(&mut unit, tick)[4]);
    assert!(!cycle(&mut unit, tick)[4]);
    assert!(cycle(&mut unit, Inputs::quiet())[4], "the cycle after");
    cycle(&mut unit, Inputs::quiet());
    assert!(unit.failed.val() && unit.report.val() && unit.dirty.val());
    assert_eq!(unit.last_error.val(), error::ACKNOWLEDGE_TIMEOUT as u64);
    assert!(!cycle(&mut unit, tick)[4]);
    assert!(!cycle(&mut unit, Inputs::quiet())[4], "once");
    assert!(!answer(&mut unit, 0, status::ACCEPTED)[1], "too late");
    assert!(overflows(
        &mut unit,
        Inputs {
            express: true,
            ..Inputs::quiet()
        }
    ));
    enable(&mut unit);
    assert!(!unit.failed.val() && !unit.eligible.val());
    assert_eq!(unit.error_count.val(), 0);
    assert!(!overflows(
        &mut unit,
        Inputs {
            express: true,
            ..Inputs::quiet()
        }
    ));
    assert!(unit.eligible.val());
}

#[test]
fn it_waits_for_a_channel_only_as_long_as_that_channel_has_no_room() {
    let mut unit = unit();
    enable(&mut unit);
    cycle(
        &mut unit,
        Inputs {
            express: true,
            ..Inputs::quiet()
        },
    );
    let no_1 = Inputs {
        room: [true, false],
        ..Inputs::quiet()
    };
    cycle(
        &mut unit,
        Inputs {
            granted: true,
            ..no_1
        },
    );
    cycle(
        &mut unit,
        Inputs {
            wait_for_channel: Some(true),
            ..no_1
        },
    );
    for _ in 0..10 {
        cycle(&mut unit, no_1);
        assert!(!unit.eligible.val());
    }
    cycle(&mut unit, Inputs::quiet());
    assert!(unit.eligible.val());
}

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

#[test]
fn it_passes_the_gate() {
    crate::gate::Gate::new("transmit_queue", TransmitQueue::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .seed(9)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2 || random.below(1000) == 0;
            unit.number.next = NUMBER.to_bits();
            let mut inputs = Inputs {
                room: [random.chance(80), random.chance(80)],
                tick: random.chance(2),
                shadow_taken: random.chance(20),
                other_queue: random.chance(5),
                ..Inputs::default()
            };
            if cycle == 3 || random.below(300) == 0 {
                inputs.control = Some(cycle == 3 || random.chance(80));
            }
            match random.below(12) {
                0..4 => inputs.express = true,
                4 => {
                    let consumer = unit.consumer_index.val().to_u64() as u16;
                    inputs.producer = Some(consumer.wrapping_add(random.below(20) as u16));
                }
                5 => inputs.producer = Some(random.word() as u16),
                6 => inputs.torn = true,
                _ => {}
            }
            // An engine that knows nothing but that a grant has one outcome, and drops only drained queues' messages.
            match random.below(8) {
                0 => inputs.granted = unit.eligible.val(),
                1..5 => inputs.launched = unit.launch_slot.val() != unit.compose_slot.val(),
                5 => inputs.wait_for_drain = true,
                6 => inputs.wait_for_channel = Some(random.chance(50)),
                _ => {}
            }
            if random.chance(40) {
                let slot = unit.consumer_index.val().to_u64() as u16;
                let status = if random.chance(80) {
                    0
                } else {
                    random.below(6) as usize
                };
                inputs.answer = Some((slot, status));
            }
            inputs.apply(unit);
        });
}
