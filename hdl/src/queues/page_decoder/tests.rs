use super::*;
use crate::configuration::{ENDPOINTS_LOG2, TRANSMIT_SLOTS};
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::queues::test_support::{configuration, control};
use abi::endpoint::EXPRESS_OFFSET;
use abi::endpoint::page::{resume, transmit_producer};
use abi::message::error;
use abi::queue_state::{REGION_ENDPOINT_MAP, endpoint_map, transmit_control};

/// The map's word of an endpoint whose queues and page have these numbers.
fn map_word(transmit: u64, receive: u64, page: Option<u64>) -> u64 {
    let mut word = endpoint_map::transmit_queue::set(0, transmit);
    word = endpoint_map::transmit_resident::set(word, 1);
    word = endpoint_map::exists::set(word, 1);
    word = endpoint_map::receive_queue::set(word, receive);
    word = endpoint_map::receive_resident::set(word, 1);
    if let Some(page) = page {
        word = endpoint_map::page::set(word, page);
        word = endpoint_map::page_resident::set(word, 1);
    }
    word as u64
}

/// An aligned 8-byte store to a page of BAR2.
pub fn page_store(endpoint: u64, offset: u64, data: u64) -> HostWrite {
    let upper = offset & 8 != 0;
    HostWrite {
        space: 1u64.to_bits(),
        address: (endpoint << 12 | offset & !15).to_bits(),
        data: (u128::from(data) << if upper { 64 } else { 0 }).to_bits(),
        enables: (if upper { 0xff00u64 } else { 0xff }).to_bits(),
        single: true,
        last: true,
    }
}

/// A whole beat of an inline body.
pub fn body_store(endpoint: u64, body: u64, beat: u64, data: u128) -> HostWrite {
    HostWrite {
        space: 2u64.to_bits(),
        address: (endpoint << 12 | body << 8 | beat << 4).to_bits(),
        data: data.to_bits(),
        enables: 0xffffu64.to_bits(),
        single: false,
        last: true,
    }
}

/// What a slot holds beside the number of the endpoint that composed it.
pub fn without_owner(slot: u128) -> u128 {
    slot & !(0xffff << crate::bundles::slot::OWNER_SHIFT)
}

/// What the block did in a cycle.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Slot {
        address: u64,
        data: u128,
    },
    Pool {
        address: u64,
        data: u128,
    },
    Accepted {
        queue: u64,
        express: bool,
        more: bool,
    },
    Consumer {
        queue: u64,
        index: u64,
        armed: bool,
    },
    Missed {
        endpoint: u64,
    },
    Torn,
    Overflowed,
    InlineLost,
    Part {
        queue: u64,
        producer: u64,
        errors: u64,
        error: u64,
    },
}

struct Bench {
    unit: DefaultPageDecoder,
    seen: Vec<Seen>,
}

impl Bench {
    fn new() -> Self {
        let mut unit = DefaultPageDecoder::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut bench = Bench {
            unit,
            seen: Vec::new(),
        };
        bench.idle(1 << ENDPOINTS_LOG2);
        bench
    }

    fn cycle(&mut self) {
        settle(&mut self.unit);
        let unit = &self.unit;
        if unit.slot_valid.val() {
            self.seen.push(Seen::Slot {
                address: unit.slot_address.val().to_u64(),
                data: without_owner(unit.slot_data.val().to_u128()),
            });
        }
        if unit.pool_valid.val() {
            self.seen.push(Seen::Pool {
                address: unit.pool_address.val().to_u64(),
                data: unit.pool_data.val().to_u128(),
            });
        }
        let outcome = unit.outcome.val();
        if outcome.accepted {
            self.seen.push(Seen::Accepted {
                queue: outcome.queue.to_u64(),
                express: outcome.express,
                more: outcome.more,
            });
        }
        if unit.consumer_valid.val() {
            self.seen.push(Seen::Consumer {
                queue: unit.consumer_queue.val().to_u64(),
                index: unit.consumer_index.val().to_u64(),
                armed: unit.consumer_armed.val(),
            });
        }
        if unit.nonresident_store.val() {
            self.seen.push(Seen::Missed {
                endpoint: unit.store_event.val().index.to_u64(),
            });
        }
        for (pulse, what) in [
            (unit.torn_store.val(), Seen::Torn),
            (unit.overflowed.val(), Seen::Overflowed),
            (unit.inline_lost.val(), Seen::InlineLost),
        ] {
            if pulse {
                self.seen.push(what);
            }
        }
        let part = unit.stores.val();
        if part.valid {
            self.seen.push(Seen::Part {
                queue: part.queue.to_u64(),
                producer: part.producer.to_u64(),
                errors: part.errors.to_u64(),
                error: part.error.to_u64(),
            });
        }
        clock_cycle!(self.unit, clock);
        self.unit.write_valid.next = false;
        self.unit.configuration.next = Default::default();
        self.unit.queue_configuration.next = Default::default();
        self.unit.progress.next = Default::default();
    }

    fn idle(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.cycle();
        }
    }

    fn map(&mut self, endpoint: u64, word: u64) {
        self.unit.configuration.next = configuration(REGION_ENDPOINT_MAP, endpoint, word);
        self.cycle();
    }

    /// Gives a queue to a new endpoint.
    fn enable(&mut self, queue: u64, endpoint: u64) {
        let word = transmit_control::endpoint::set(1, endpoint) as u64;
        self.unit.queue_configuration.next = control(queue, word);
        self.unit.answers_settle.next = true;
        self.cycle();
        self.idle(6);
        self.unit.answers_settle.next = false;
        self.idle(4);
        assert!(!self.unit.settling.val());
        let replayed = self.replay(ReplayRequest {
            endpoint: endpoint.to_bits(),
            word: (endpoint_map::fresh::set(0, 1) as u64).to_bits(),
            ..Default::default()
        });
        assert!(!replayed.busy && replayed.maps);
        self.idle(4);
        self.seen.clear();
    }

    fn replay(&mut self, request: ReplayRequest) -> Replayed {
        self.unit.replay.next = ReplayRequest {
            valid: true,
            ..request
        };
        for _ in 0..10 {
            self.cycle();
            let replayed = self.unit.replayed.val();
            if replayed.done {
                self.unit.replay.next = Default::default();
                self.cycle();
                return replayed;
            }
        }
        panic!("no answer to {request:?}");
    }

    fn consumer(&mut self, queue: u64, consumer: u64) {
        self.unit.progress.next.valid = true;
        self.unit.progress.next.queue = queue.to_bits();
        self.unit.progress.next.consumer = consumer.to_bits();
        self.unit.progress.next.failed = false;
        self.cycle();
    }

    fn write(&mut self, write: HostWrite) {
        self.unit.write_valid.next = true;
        self.unit.write.next = write;
        self.cycle();
    }

    /// What was seen since the last call, once all stores are through.
    fn take(&mut self) -> Vec<Seen> {
        self.idle(6);
        std::mem::take(&mut self.seen)
    }
}

fn slot_address(queue: u64, slot: u64) -> u64 {
    queue * TRANSMIT_SLOTS as u64 + slot % TRANSMIT_SLOTS as u64
}

#[test]
fn express_stores_in_every_second_cycle_fill_one_slot_after_the_other() {
    let mut bench = Bench::new();
    bench.map(9, map_word(3, 2, None));
    bench.enable(3, 9);
    for message in 0..TRANSMIT_SLOTS as u64 + 2 {
        bench.write(page_store(
            9,
            EXPRESS_OFFSET as u64 + 5 * 32 + 2 * 8,
            1000 + message,
        ));
        bench.cycle();
    }
    let seen = bench.take();
    let slots: Vec<_> = seen
        .iter()
        .filter(|seen| matches!(seen, Seen::Slot { .. }))
        .collect();
    assert_eq!(slots.len(), TRANSMIT_SLOTS);
    for (message, slot) in slots.into_iter().enumerate() {
        let header = 5 | 8 << 16 | 2u128 << 32;
        let data = header | (1000 + message as u128) << 64;
        assert_eq!(
            *slot,
            Seen::Slot {
                address: slot_address(3, message as u64),
                data
            }
        );
    }
    let overflows = seen
        .iter()
        .filter(|seen| **seen == Seen::Overflowed)
        .count();
    assert_eq!(overflows, 2, "two more than there are slots");
    let last = seen
        .iter()
        .rev()
        .find(|seen| matches!(seen, Seen::Part { .. }));
    let (producer, error) = (TRANSMIT_SLOTS as u64, error::OVERFLOW as u64);
    assert_eq!(
        last,
        Some(&Seen::Part {
            queue: 3,
            producer,
            errors: 2,
            error
        })
    );
}

#[test]
fn an_outcome_comes_three_cycles_behind_its_store_and_the_offer_one() {
    let mut bench = Bench::new();
    bench.map(1, map_word(2, 2, None));
    bench.enable(2, 1);
    bench.unit.write_valid.next = true;
    bench.unit.write.next = page_store(1, EXPRESS_OFFSET as u64, 7);
    let mut offers = Vec::new();
    let mut outcomes = Vec::new();
    for cycle in 0..6 {
        settle(&mut bench.unit);
        if bench.unit.offer.val().valid {
            offers.push((cycle, bench.unit.offer.val().queue.to_u64()));
        }
        if bench.unit.outcome.val().accepted {
            outcomes.push(cycle);
        }
        bench.cycle();
    }
    assert_eq!(offers, [(1, 2)]);
    assert_eq!(outcomes, [3]);
}

#[test]
fn a_body_goes_to_its_page_and_its_head_to_the_slot_of_its_index() {
    let mut bench = Bench::new();
    bench.map(4, map_word(1, 1, Some(1)));
    bench.enable(1, 4);
    // Three messages first, so that body 0 is that of index 16.
    for _ in 0..3 {
        bench.write(page_store(4, EXPRESS_OFFSET as u64, 0));
        bench.cycle();
    }
    bench.take();
    // A head changes what the endpoint has stored.
    let part = Seen::Part {
        queue: 1,
        producer: 3,
        errors: 0,
        error: 0,
    };
    bench.write(body_store(4, 3, 0, 0x77));
    bench.write(body_store(4, 3, 1, 0x78));
    bench.write(body_store(4, 0, 0, 0x79));
    assert_eq!(
        bench.take(),
        [
            Seen::Slot {
                address: slot_address(1, 3),
                data: 0x77
            },
            Seen::Pool {
                address: 0x130,
                data: 0x77
            },
            Seen::Pool {
                address: 0x131,
                data: 0x78
            },
            part.clone(),
            Seen::Slot {
                address: slot_address(1, 16),
                data: 0x79
            },
            Seen::Pool {
                address: 0x100,
                data: 0x79
            },
            part,
        ]
    );
    // A producer store that brings two messages.
    bench.write(page_store(4, 0, 5));
    let seen = bench.take();
    assert_eq!(
        seen[0],
        Seen::Accepted {
            queue: 1,
            express: false,
            more: true
        }
    );
    assert_eq!(
        seen[1],
        Seen::Part {
            queue: 1,
            producer: 5,
            errors: 0,
            error: 0
        }
    );
}

#[test]
fn producer_indices_beyond_the_slots_or_going_back_are_refused_whole() {
    let slots = TRANSMIT_SLOTS as u64;
    let mut bench = Bench::new();
    bench.map(4, map_word(1, 1, Some(0)));
    bench.enable(1, 4);
    bench.write(page_store(4, 0, slots));
    assert!(matches!(bench.take()[0], Seen::Accepted { .. }));
    bench.consumer(1, 2);
    let refused = [slots - 1, 0, 1, slots + 3, 0xffff];
    for index in refused {
        bench.write(page_store(4, 0, index));
        assert_eq!(bench.take()[0], Seen::Overflowed, "{index}");
    }
    bench.write(page_store(4, 0, slots + 2));
    let seen = bench.take();
    assert!(matches!(seen[0], Seen::Accepted { .. }), "{seen:?}");
    let errors = refused.len() as u64;
    let error = error::OVERFLOW as u64;
    assert_eq!(
        seen[1],
        Seen::Part {
            queue: 1,
            producer: slots + 2,
            errors,
            error
        }
    );
}

#[test]
fn bodies_without_a_page_are_lost_and_the_next_producer_index_says_so_once() {
    let mut bench = Bench::new();
    bench.map(4, map_word(1, 1, None));
    bench.enable(1, 4);
    bench.write(body_store(4, 0, 0, 1));
    let seen = bench.take();
    assert_eq!(seen[0], Seen::InlineLost);
    bench.write(page_store(4, 0, 1));
    let error = error::INLINE_LOST as u64;
    assert_eq!(
        bench.take(),
        [Seen::Part {
            queue: 1,
            producer: 0,
            errors: 1,
            error
        }]
    );
    bench.write(page_store(4, 0, 1));
    assert!(matches!(bench.take()[0], Seen::Accepted { .. }));
}

/// A new endpoint does not pay for a body that the last one with its number lost.
#[test]
fn a_new_endpoint_has_lost_no_body() {
    let mut bench = Bench::new();
    bench.map(1, map_word(2, 0, None));
    bench.enable(2, 1);
    bench.write(body_store(1, 0, 0, 7));
    bench.idle(6);
    assert!(bench.take().contains(&Seen::InlineLost));
    bench.map(1, map_word(2, 0, Some(1)));
    bench.enable(2, 1);
    bench.write(body_store(1, 0, 0, 8));
    bench.write(page_store(1, transmit_producer::OFFSET as u64, 1));
    bench.idle(6);
    let accepted = Seen::Accepted {
        queue: 2,
        express: false,
        more: false,
    };
    assert!(bench.take().contains(&accepted));
}

#[test]
fn stores_to_nobody_and_torn_stores_are_told_and_change_nothing() {
    let mut bench = Bench::new();
    bench.write(page_store(7, EXPRESS_OFFSET as u64, 1));
    assert_eq!(bench.take(), [Seen::Missed { endpoint: 7 }]);
    bench.map(7, map_word(2, 3, None));
    bench.enable(2, 7);
    bench.write(HostWrite {
        single: false,
        ..page_store(7, EXPRESS_OFFSET as u64, 1)
    });
    let error = error::TORN_STORE as u64;
    assert_eq!(
        bench.take(),
        [
            Seen::Torn,
            Seen::Part {
                queue: 2,
                producer: 0,
                errors: 1,
                error
            }
        ]
    );
    for armed in [false, true] {
        bench.write(page_store(7, 8, 0xe_2345 | u64::from(armed) << 16));
        let (queue, index) = (3, 0x2345);
        let seen = Seen::Consumer {
            queue,
            index,
            armed,
        };
        assert_eq!(bench.take(), [seen]);
    }
    // An error counts even if another store of the queue follows in the next cycle.
    bench.write(HostWrite {
        single: false,
        ..page_store(7, 0, 1)
    });
    bench.write(HostWrite {
        single: false,
        ..page_store(7, 0, 1)
    });
    let seen = bench.take();
    assert_eq!(
        seen.last(),
        Some(&Seen::Part {
            queue: 2,
            producer: 0,
            errors: 3,
            error
        })
    );
}

/// The word that is cleared last is read as it stood before the reset in that very cycle.
#[test]
fn no_store_meets_what_the_map_held_before_a_reset() {
    let last = (1 << ENDPOINTS_LOG2) - 1;
    let mut bench = Bench::new();
    bench.map(last, map_word(2, 3, Some(1)));
    bench.unit.reset.next = true;
    bench.cycle();
    bench.unit.reset.next = false;
    bench.idle((1 << ENDPOINTS_LOG2) - 4);
    for _ in 0..8 {
        bench.write(page_store(last, EXPRESS_OFFSET as u64, 1));
    }
    assert_eq!(bench.take(), vec![Seen::Missed { endpoint: last }; 8]);
}

#[test]
fn the_completer_sees_the_map_between_stores() {
    let mut bench = Bench::new();
    bench.map(7, map_word(2, 3, Some(1)));
    bench.unit.page_request.next = true;
    bench.unit.page_endpoint.next = 7u64.to_bits();
    bench.unit.write_valid.next = true;
    bench.unit.write.next = page_store(1, 0, 0);
    settle(&mut bench.unit);
    assert!(!bench.unit.page_grant.val());
    bench.cycle();
    settle(&mut bench.unit);
    assert!(bench.unit.page_grant.val());
    bench.cycle();
    settle(&mut bench.unit);
    assert!(bench.unit.page_resident.val());
    assert_eq!(bench.unit.page.val().to_u64(), 1);
}

#[test]
fn gate() {
    Gate::new("page_decoder", DefaultPageDecoder::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000 + (1 << ENDPOINTS_LOG2))
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            // A test's endpoints begin with an index in every RAM.
            let swept = 2 + (1 << ENDPOINTS_LOG2);
            let quiet = cycle < swept;
            unit.configuration.next = Default::default();
            unit.queue_configuration.next = Default::default();
            unit.progress.next = Default::default();
            unit.write_valid.next = false;
            unit.page_request.next = random.chance(20);
            unit.page_endpoint.next = random.below(16).to_bits();
            unit.answers_settle.next = random.chance(50);
            unit.capture_room.next = random.chance(80);
            if quiet {
                return;
            }
            // The oldest store stays while a request stands.
            if !unit.replay.val().valid {
                unit.captured_empty.next = random.chance(20);
                unit.captured.next = CapturedStore {
                    express: random.chance(40),
                    body: random.chance(40),
                    endpoint: random.below(16).to_bits(),
                    producer: random.below(80).to_bits(),
                    index: random.below(80).to_bits(),
                    enables: random.bits(),
                    data: random.bits(),
                };
            }
            let cleared = swept + 16 * 20;
            if unit.replayed.val().done {
                unit.replay.next = Default::default();
            } else if !unit.replay.val().valid && (cycle < cleared || random.chance(20)) {
                let page = random.chance(70).then(|| random.below(2));
                let mut word = map_word(random.below(4), random.below(4), page);
                if cycle < cleared {
                    word = endpoint_map::fresh::set(0, 1) as u64;
                }
                let endpoint = if cycle < cleared {
                    (cycle - swept) / 20
                } else if random.chance(60) {
                    unit.captured.val().endpoint.to_u64()
                } else {
                    random.below(16)
                };
                unit.replay.next = ReplayRequest {
                    valid: true,
                    has_store: cycle >= cleared && random.chance(70),
                    discards: random.chance(20),
                    loses: random.chance(10),
                    gives_back: cycle >= cleared && random.chance(10),
                    consumer: random.bits(),
                    endpoint: endpoint.to_bits(),
                    queue: random.below(4).to_bits(),
                    word: word.to_bits(),
                };
            }
            if cycle < cleared {
                return;
            }
            if random.chance(10) {
                let page = random.chance(70).then(|| random.below(2));
                let mut word = map_word(random.below(4), random.below(4), page);
                if random.chance(40) {
                    word = endpoint_map::transmit_resident::set(word.into(), 0) as u64;
                }
                if random.chance(40) {
                    word = endpoint_map::receive_resident::set(word.into(), 0) as u64;
                }
                if random.chance(10) {
                    word = endpoint_map::exists::set(word.into(), 0) as u64;
                }
                unit.configuration.next =
                    configuration(REGION_ENDPOINT_MAP, random.below(16), word);
            }
            if random.chance(5) && !unit.settling.val() {
                let word =
                    transmit_control::endpoint::set(random.below(2).into(), random.below(16));
                unit.queue_configuration.next = control(random.below(4), word as u64);
            }
            unit.progress.next.valid = random.chance(10);
            unit.progress.next.queue = random.below(4).to_bits();
            unit.progress.next.consumer = random.below(80).to_bits();
            unit.progress.next.failed = random.chance(5);
            unit.write_valid.next = random.chance(60);
            unit.write.next = random_write(random);
        });
}

fn random_write(random: &mut Random) -> HostWrite {
    let endpoint = random.below(16);
    match random.below(7) {
        0 => body_store(endpoint, random.below(16), random.below(16), random.wide()),
        1 => page_store(endpoint, 0, random.below(80)),
        2 => page_store(endpoint, 8, random.word()),
        3 => page_store(endpoint, 16, random.word()),
        6 => page_store(endpoint, resume::OFFSET as u64, random.below(80)),
        4 => HostWrite {
            single: false,
            ..page_store(endpoint, random.below(512) * 8, random.word())
        },
        _ => page_store(endpoint, 2048 + random.below(256) * 8, random.word()),
    }
}
