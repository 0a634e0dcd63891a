//! Behaviour of `TransmitQueue`, case by case, and its gate.

use super::*;
use crate::configuration::TRANSMIT_SLOTS;
use crate::gate::{clock_cycle, settle};
use crate::queues::test_support::control;
use abi::link::status;
use abi::message::error;

mod random;

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
