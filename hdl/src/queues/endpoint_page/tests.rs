//! Behaviour of `EndpointPage`, against a decoder of stores that is written from the map in `abi::endpoint`.

use super::*;
use crate::bundles::ConfigurationWrite;
use crate::gate::{Random, clock_cycle, settle};
use crate::queues::test_support::configuration;

fn unit() -> EndpointPage {
    let mut unit = EndpointPage::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.write_valid.connect();
    unit.write.connect();
    unit.configuration.connect();
    unit.express_accepted.connect();
    unit.express_slot.connect();
    unit.connect_all();
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    for _ in 0..abi::endpoint::PAGES {
        settle(&mut unit);
        clock_cycle!(unit, clock);
    }
    unit
}

/// Puts resident queues behind an endpoint.
fn map(unit: &mut EndpointPage, endpoint: u64, transmit: Option<u64>, receive: Option<u64>) {
    use abi::queue_state::endpoint_map;
    let mut word = 0;
    if let Some(queue) = transmit {
        word = endpoint_map::transmit_queue::set(word, queue);
        word = endpoint_map::transmit_resident::set(word, 1);
    }
    if let Some(queue) = receive {
        word = endpoint_map::receive_queue::set(word, queue);
        word = endpoint_map::receive_resident::set(word, 1);
    }
    unit.configuration.next = configuration(0, endpoint, word as u64);
    settle(unit);
    clock_cycle!(*unit, clock);
    unit.configuration.next = ConfigurationWrite::default();
}

/// A beat of a host write.
#[derive(Clone, Copy, Debug)]
struct Store {
    space: u64,
    address: u64,
    data: u128,
    enables: u64,
    single: bool,
    last: bool,
}

/// One aligned 8-byte store to BAR2.
fn store(address: u64, value: u64) -> Store {
    let upper = address & 8 != 0;
    Store {
        space: 1,
        address: address & !0xf,
        data: u128::from(value) << if upper { 64 } else { 0 },
        enables: if upper { 0xff00 } else { 0x00ff },
        single: true,
        last: true,
    }
}

/// What a store led to: in its own cycle, and in the next.
#[derive(Debug, Default, PartialEq)]
struct Effect {
    express: Option<u64>,
    producer: Option<(u64, u64)>,
    torn_queue: Option<u64>,
    slot: Option<(u64, u128, u64)>,
    consumer: Option<(u64, u64)>,
    missed: Option<(u64, u64)>,
    torn: bool,
    composed: bool,
}

/// Applies a store; the transmit queues answer an Express message with `accept`.
fn apply(unit: &mut EndpointPage, store: Store, accept: Option<u64>) -> Effect {
    unit.write_valid.next = true;
    unit.write.next = HostWrite {
        space: store.space.to_bits(),
        address: store.address.to_bits(),
        data: store.data.to_bits(),
        enables: store.enables.to_bits(),
        single: store.single,
        last: store.last,
    };
    settle(unit);
    clock_cycle!(*unit, clock);
    unit.write_valid.next = false;
    settle(unit);
    let told = unit.store.val();
    unit.express_accepted.next = told.express && accept.is_some();
    unit.express_slot.next = accept.unwrap_or(9).to_bits();
    settle(unit);
    let queue = told.queue.to_u64();
    let mut effect = Effect {
        express: told.express.then_some(queue),
        producer: told.producer.then_some((queue, told.index.to_u64())),
        torn_queue: told.torn.then_some(queue),
        ..Effect::default()
    };
    clock_cycle!(*unit, clock);
    settle(unit);
    let told = unit.store.val();
    assert!(
        !told.express && !told.producer && !told.torn,
        "nothing was stored"
    );
    effect.slot = unit.slot_valid.val().then(|| {
        (
            unit.slot_address.val().to_u64(),
            unit.slot_data.val().to_u128(),
            unit.slot_enables.val().to_u64(),
        )
    });
    effect.consumer = unit.receive_consumer_valid.val().then(|| {
        (
            unit.receive_consumer_queue.val().to_u64(),
            unit.receive_consumer_index.val().to_u64(),
        )
    });
    let event = unit.store_event.val();
    effect.missed = unit.nonresident_store.val().then(|| {
        assert_eq!(event.kind, abi::event::kind::NON_RESIDENT_STORE as u64);
        (event.index.to_u64(), event.data.to_u64())
    });
    effect.torn = unit.torn_store.val();
    effect.composed = unit.composed.val();
    effect
}

#[test]
fn no_page_has_a_queue_after_reset() {
    let mut unit = unit();
    for endpoint in 0..256 {
        map(
            &mut unit,
            endpoint,
            Some(endpoint % 16),
            Some(endpoint % 16),
        );
    }
    let missed = |endpoint| Effect {
        missed: Some((endpoint, 5)),
        ..Effect::default()
    };
    assert_ne!(apply(&mut unit, store(0xff000, 5), None), missed(0xff));
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    // While the map is cleared, and afterwards. A store takes two cycles here.
    for endpoint in (0..256).rev().chain(0..256) {
        let effect = apply(&mut unit, store(endpoint << 12, 5), None);
        assert_eq!(effect, missed(endpoint), "{endpoint}");
    }
}

fn express_address(endpoint: u64, destination: u64, tag: u64) -> u64 {
    endpoint * 4096 + 2048 + destination * 32 + tag * 8
}

#[test]
fn an_express_store_becomes_a_slot_of_sixteen_bytes() {
    let mut unit = unit();
    map(&mut unit, 0xa5, Some(11), None);
    let effect = apply(
        &mut unit,
        store(express_address(0xa5, 37, 3), 0x1122_3344_5566_7788),
        Some(6),
    );
    let header = 37 | 8 << 16 | 3 << 32;
    assert_eq!(
        effect,
        Effect {
            express: Some(11),
            slot: Some((
                11 * 256 + 6 * 16,
                header | 0x1122_3344_5566_7788 << 64,
                0xffff
            )),
            ..Effect::default()
        }
    );
    let refused = apply(&mut unit, store(express_address(0xa5, 1, 0), 1), None);
    assert_eq!(
        refused,
        Effect {
            express: Some(11),
            ..Effect::default()
        },
        "no slot, no write"
    );
}

#[test]
fn a_mark_is_for_the_next_express_message_of_its_endpoint() {
    let mut unit = unit();
    map(&mut unit, 1, Some(0), None);
    map(&mut unit, 2, Some(3), None);
    assert_eq!(apply(&mut unit, store(0x1010, 1), None), Effect::default());
    assert!(!apply(&mut unit, store(express_address(2, 0, 0), 0), Some(0)).composed);
    let marked = apply(&mut unit, store(express_address(1, 0, 0), 0), Some(0));
    assert!(marked.composed);
    assert_eq!(
        abi::message::transmit_header::marked::get(marked.slot.unwrap().1),
        1
    );
    assert!(
        !apply(&mut unit, store(express_address(1, 0, 0), 0), Some(0)).composed,
        "once"
    );
}

#[test]
fn a_burst_into_a_page_is_one_torn_store() {
    let mut unit = unit();
    map(&mut unit, 7, Some(4), None);
    for beat in 0..4 {
        let effect = apply(
            &mut unit,
            Store {
                space: 1,
                address: 0x7800 + 16 * beat,
                data: 5,
                enables: 0xffff,
                single: false,
                last: beat == 3,
            },
            Some(0),
        );
        let torn = beat == 3;
        let expected = Effect {
            torn,
            torn_queue: torn.then_some(4),
            ..Effect::default()
        };
        assert_eq!(effect, expected);
    }
}

/// What a store must lead to, written from the documents.
struct Reference {
    transmit: Vec<Option<u64>>,
    receive: Vec<Option<u64>>,
    marked: Option<u64>,
}

impl Reference {
    fn expect(&mut self, store: Store, accept: Option<u64>) -> Effect {
        let mut effect = Effect::default();
        if store.space == 2 && store.address < 0x1_0000 {
            effect.slot = Some((store.address / 16, store.data, store.enables));
        }
        if store.space != 1 {
            return effect;
        }
        let endpoint = store.address / 4096;
        let transmit = self.transmit[endpoint as usize];
        let receive = self.receive[endpoint as usize];
        let upper = store.enables & 0x100 != 0;
        let value = if upper { store.data >> 64 } else { store.data } as u64;
        let offset = store.address % 4096 + if upper { 8 } else { 0 };
        let missed = Some((endpoint, value & 0xffff_ffff));
        match offset {
            0 if store.single => match transmit {
                Some(queue) => effect.producer = Some((queue, value & 0xffff)),
                None => effect.missed = missed,
            },
            8 if store.single => match receive {
                Some(queue) => effect.consumer = Some((queue, value & 0xffff)),
                None => effect.missed = missed,
            },
            16 if store.single => match transmit {
                Some(_) if value & 1 == 1 => self.marked = Some(endpoint),
                Some(_) => self.marked = None,
                None => effect.missed = missed,
            },
            2048.. if store.single => match transmit {
                Some(queue) => {
                    effect.express = Some(queue);
                    let marked = self.marked == Some(endpoint);
                    if marked {
                        self.marked = None;
                    }
                    if let Some(slot) = accept {
                        use abi::message::transmit_header as header;
                        let mut word = header::destination::set(0, (offset - 2048) / 32);
                        word = header::length::set(word, 8);
                        word = header::tag::set(word, offset / 8 % 4);
                        word = header::marked::set(word, u64::from(marked));
                        let data = word | u128::from(value) << 64;
                        effect.slot = Some((queue * 256 + slot * 16, data, 0xffff));
                        effect.composed = marked;
                    }
                }
                None => effect.missed = missed,
            },
            _ if store.last && store.enables != 0 => {
                effect.torn = true;
                effect.torn_queue = transmit;
            }
            _ => {}
        }
        effect
    }
}

#[test]
fn every_store_means_what_the_map_says() {
    let seed = 77;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = unit();
    let mut reference = Reference {
        transmit: vec![None; 256],
        receive: vec![None; 256],
        marked: None,
    };
    for time in 0..4000 {
        let endpoint = random.below(256);
        if random.chance(25) {
            let mut queue = || random.chance(70).then(|| random.below(16));
            let (transmit, receive) = (queue(), queue());
            map(&mut unit, endpoint, transmit, receive);
            reference.transmit[endpoint as usize] = transmit;
            reference.receive[endpoint as usize] = receive;
            continue;
        }
        let value = random.word();
        let store = match random.below(10) {
            0 => store(endpoint * 4096, value),
            1 => store(endpoint * 4096 + 8, value),
            2 => store(endpoint * 4096 + 16, value),
            3 => store(endpoint * 4096 + random.below(512) * 8, value),
            4..7 => store(
                express_address(endpoint, random.below(64), random.below(4)),
                value,
            ),
            7 => Store {
                space: 1,
                address: random.below(1 << 16) * 16,
                data: random.wide(),
                enables: if random.chance(10) {
                    0
                } else {
                    random.below(1 << 16)
                },
                single: false,
                last: random.chance(50),
            },
            _ => Store {
                space: [0, 2][random.below(2) as usize],
                address: random.below(1 << 13) * 16,
                data: random.wide(),
                enables: random.below(1 << 16),
                single: false,
                last: random.chance(50),
            },
        };
        let accept = random.chance(70).then(|| random.below(16));
        let expected = reference.expect(store, accept);
        assert_eq!(
            apply(&mut unit, store, accept),
            expected,
            "seed {seed}, step {time}: {store:x?}"
        );
    }
}
