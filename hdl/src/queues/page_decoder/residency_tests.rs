//! The decoder with its capture buffer, while endpoints lose and get queues.

use super::reference::{Reference, Shown};
use super::tests::{body_store, page_store};
use super::*;
use crate::configuration::TRANSMIT_SLOTS;
use crate::gate::{Random, clock_cycle, settle};
use crate::queues::capture_buffer::CaptureBuffer;
use crate::queues::test_support::{configuration, control};
use abi::endpoint::EXPRESS_OFFSET;
use abi::endpoint::page::{mark, receive_consumer, resume, transmit_producer};
use abi::queue_state::{REGION_ENDPOINT_MAP, endpoint_map, transmit_control};
use std::collections::VecDeque;

const ENDPOINTS: u64 = 16;
/// The first ones have drivers that keep to the protocol; to the others come stores of all kinds.
const DRIVERS: u64 = 6;
const QUEUES: u64 = 4;
/// Receive queues of endpoints, and one that is nobody's.
const RECEIVE_QUEUES: u64 = 3;
const MISS_QUEUE: u64 = 7;
const LIMIT: usize = 20;

/// Sends numbered messages, and acts on losses.
#[derive(Default)]
struct Driver {
    /// Next message to store, the end of those that it has stored so far, and how many were delivered.
    next: u64,
    stored: u64,
    delivered: u64,
    losses: u64,
    /// Where it must start again.
    lost_from: Option<u64>,
    /// Stores that belong together.
    stores: VecDeque<HostWrite>,
}

/// A transmit queue as an engine sees it.
#[derive(Default)]
struct Queue {
    owner: Option<u64>,
    slots: Vec<u128>,
    given: u16,
    launched: u16,
    consumer: u16,
    used: u64,
}

struct Bench {
    unit: PageDecoder<4, 2>,
    buffer: CaptureBuffer<5, 6, LIMIT>,
    reference: Reference,
    random: Random,
    cycle: u64,
    drivers: Vec<Driver>,
    queues: Vec<Queue>,
    /// The endpoints' words of the map.
    words: Vec<u64>,
    consumers: Vec<u16>,
    reports: VecDeque<u64>,
    expected_reports: VecDeque<u64>,
    last_store: u64,
    /// Percentages.
    store_rate: u64,
    garbage_rate: u64,
    engine_rate: u64,
    replay_answer: Option<(bool, bool)>,
    starting: Option<(u64, u16)>,
    loading: Option<u64>,
    answers_settle: bool,
    /// What happened last.
    trace: VecDeque<String>,
    /// What each receive queue was given last, and by which way: by a store, or behind it.
    consumed: Vec<Option<u16>>,
    extras: Vec<(u64, u16)>,
    /// The wish for an interrupt that came with the last of `extras`; how many of them wanted one.
    wish: Option<bool>,
    wishes: u64,
    losses: u64,
    sheds: u64,
    captures: u64,
    resumes: u64,
}

fn message(endpoint: u64, number: u64) -> u64 {
    0xabc0_0000_0000_0000 | endpoint << 40 | number
}

impl Bench {
    fn new(seed: u64) -> Self {
        let mut unit = PageDecoder::default();
        let mut buffer = CaptureBuffer::default();
        unit.connect_all();
        buffer.connect_all();
        unit.reset.next = true;
        buffer.reset.next = true;
        clock_cycle!(unit, clock);
        clock_cycle!(buffer, clock);
        unit.reset.next = false;
        buffer.reset.next = false;
        for _ in 0..ENDPOINTS + 4 {
            clock_cycle!(unit, clock);
            clock_cycle!(buffer, clock);
        }
        let queue = || Queue {
            slots: vec![0; TRANSMIT_SLOTS],
            ..Default::default()
        };
        Self {
            unit,
            buffer,
            reference: Reference::new(ENDPOINTS as usize, LIMIT),
            random: Random::new(seed),
            cycle: 0,
            drivers: (0..DRIVERS).map(|_| Driver::default()).collect(),
            queues: (0..QUEUES).map(|_| queue()).collect(),
            words: vec![0; ENDPOINTS as usize],
            consumers: vec![0; ENDPOINTS as usize],
            reports: VecDeque::new(),
            expected_reports: VecDeque::new(),
            last_store: 0,
            store_rate: 0,
            garbage_rate: 0,
            engine_rate: 0,
            replay_answer: None,
            starting: None,
            loading: None,
            answers_settle: false,
            trace: VecDeque::new(),
            consumed: vec![None; 8],
            extras: Vec::new(),
            wish: None,
            wishes: 0,
            losses: 0,
            sheds: 0,
            captures: 0,
            resumes: 0,
        }
    }

    fn note(&mut self, what: String) {
        self.trace.push_back(format!("{}: {what}", self.cycle));
        if self.trace.len() > 60 {
            self.trace.pop_front();
        }
    }

    // The host.

    fn next_store(&mut self) -> Option<HostWrite> {
        if !self.random.chance(self.store_rate) {
            return None;
        }
        if self.random.chance(self.garbage_rate) {
            return Some(self.garbage());
        }
        let endpoint = self.random.below(DRIVERS);
        self.driver_store(endpoint)
    }

    fn driver_store(&mut self, endpoint: u64) -> Option<HostWrite> {
        let consumer = self.consumers[endpoint as usize];
        let random = &mut self.random;
        let driver = &mut self.drivers[endpoint as usize];
        if let Some(store) = driver.stores.pop_front() {
            return Some(store);
        }
        let page = |offset: usize, data| page_store(endpoint, offset as u64, data);
        if let Some(from) = driver.lost_from.take() {
            driver.next = from;
            self.resumes += 1;
            return Some(page(resume::OFFSET, from));
        }
        if random.chance(5) {
            return Some(page(receive_consumer::OFFSET, random.below(1 << 17)));
        }
        let waiting = (driver.next as u16).wrapping_sub(consumer);
        let room = TRANSMIT_SLOTS as u64 - u64::from(waiting);
        if room == 0 {
            return None;
        }
        if random.chance(60) {
            let (destination, tag) = (random.below(64), random.below(4));
            let offset = EXPRESS_OFFSET as u64 + destination * 32 + tag * 8;
            let store = page_store(endpoint, offset, message(endpoint, driver.next));
            driver.next += 1;
            driver.stored = driver.stored.max(driver.next);
            return Some(store);
        }
        // Bodies, in any order, then the index. Some heads come in two parts.
        let count = (1 + random.below(3)).min(room);
        let mut bodies: Vec<u64> = (driver.next..driver.next + count).collect();
        if random.chance(50) {
            bodies.reverse();
        }
        for number in bodies {
            let data = u128::from(message(endpoint, number)) << 64 | 0x77;
            let head = body_store(endpoint, number % 16, 0, data);
            if random.chance(30) {
                let parts = [0x00ffu64, 0xff00].map(|enables| HostWrite {
                    enables: enables.to_bits(),
                    ..head
                });
                driver.stores.extend(parts);
            } else {
                driver.stores.push_back(head);
            }
            if random.chance(50) {
                driver
                    .stores
                    .push_back(body_store(endpoint, number % 16, 1, random.wide()));
            }
        }
        driver.next += count;
        driver.stored = driver.stored.max(driver.next);
        let index = driver.next & 0xffff;
        driver
            .stores
            .push_back(page(transmit_producer::OFFSET, index));
        driver.stores.pop_front()
    }

    fn garbage(&mut self) -> HostWrite {
        let random = &mut self.random;
        let endpoint = DRIVERS + random.below(ENDPOINTS - DRIVERS);
        let producer = u64::from(self.reference.endpoints[endpoint as usize].producer);
        let near = |random: &mut Random| (producer + random.below(12)).wrapping_sub(3) & 0xffff;
        match random.below(12) {
            0..4 => page_store(endpoint, 2048 + random.below(256) * 8, random.word()),
            4 => {
                let index = near(random);
                page_store(endpoint, transmit_producer::OFFSET as u64, index)
            }
            5 => page_store(
                endpoint,
                transmit_producer::OFFSET as u64,
                random.below(1 << 16),
            ),
            6 => page_store(endpoint, receive_consumer::OFFSET as u64, random.word()),
            7 => page_store(endpoint, mark::OFFSET as u64, random.word()),
            8 => page_store(endpoint, resume::OFFSET as u64, producer),
            9 => {
                let index = near(random);
                page_store(endpoint, resume::OFFSET as u64, index)
            }
            10 => HostWrite {
                single: random.chance(50),
                last: random.chance(80),
                enables: random.bits(),
                ..page_store(endpoint, random.below(512) * 8, random.word())
            },
            _ => HostWrite {
                enables: if random.chance(50) {
                    random.bits()
                } else {
                    0xffffu64.to_bits()
                },
                last: random.chance(80),
                ..body_store(
                    endpoint,
                    (producer + random.below(8)) & 15,
                    random.below(4) / 2,
                    random.wide(),
                )
            },
        }
    }

    // The engine.

    fn engine(&mut self) {
        self.unit.progress.next = Default::default();
        let number = self.random.below(QUEUES);
        if !self.random.chance(self.engine_rate) {
            return;
        }
        let queue = &mut self.queues[number as usize];
        let Some(owner) = queue.owner else {
            // What is told of nobody's queue is forgotten, unless the answer path is done with its control word.
            let settles = self.answers_settle || self.loading != Some(number);
            if settles && self.random.chance(20) {
                self.unit.progress.next.valid = true;
                self.unit.progress.next.queue = number.to_bits();
                self.unit.progress.next.consumer = self.random.bits();
                self.note(format!("queue {number} of nobody"));
            }
            return;
        };
        if queue.launched != queue.given && self.random.chance(60) {
            let slot = queue.slots[queue.launched as usize % TRANSMIT_SLOTS];
            if owner < DRIVERS {
                let driver = &mut self.drivers[owner as usize];
                assert_eq!(driver.delivered as u16, queue.launched, "endpoint {owner}");
                let expected = message(owner, driver.delivered);
                assert_eq!(
                    (slot >> 64) as u64,
                    expected,
                    "endpoint {owner}, cycle {}",
                    self.cycle
                );
                driver.delivered += 1;
            }
            queue.launched = queue.launched.wrapping_add(1);
        } else if queue.consumer != queue.launched {
            let gained = queue.launched.wrapping_sub(queue.consumer);
            let step = 1 + self.random.below(u64::from(gained)) as u16;
            queue.consumer = queue.consumer.wrapping_add(step);
            self.unit.progress.next.valid = true;
            self.unit.progress.next.queue = number.to_bits();
            self.unit.progress.next.consumer = u64::from(queue.consumer).to_bits();
            self.unit.progress.next.failed = false;
            self.reference.endpoints[owner as usize].consumer = queue.consumer;
            self.consumers[owner as usize] = queue.consumer;
            let consumer = queue.consumer;
            self.note(format!("queue {number} of {owner} at {consumer}"));
        }
    }

    // A cycle.

    fn cycle(&mut self) {
        let unit = &mut self.unit;
        let buffer = &mut self.buffer;
        settle(buffer);
        unit.capture_room.next = buffer.room.val();
        unit.captured.next = buffer.oldest.val();
        unit.captured_empty.next = buffer.empty.val();
        self.engine();
        let mut store = self.next_store();
        let is_consumer = |write: &HostWrite| {
            write.space == 1u64.to_bits() && write.address.to_u64() & 0xfff < 16
        };
        // Two packets are two cycles apart.
        if store.is_some_and(|store| is_consumer(&store)) && self.cycle < self.last_store + 2 {
            let store = store.take().expect("there is one");
            let endpoint = store.address.to_u64() >> 12;
            if endpoint < DRIVERS {
                self.drivers[endpoint as usize].stores.push_front(store);
            }
        }
        self.unit.write_valid.next = store.is_some();
        if let Some(store) = store {
            self.last_store = self.cycle;
            self.unit.write.next = store;
            let (space, address) = (store.space.to_u64(), store.address.to_u64());
            let data = store.data.to_u128();
            self.note(format!(
                "store {space} {address:#x} {data:#x} {}",
                store.single
            ));
            self.reference.store(self.cycle, &store);
        }
        settle(&mut self.unit);
        if self.unit.replay_enters.val() {
            let request = self.unit.replay.val();
            let answer = self.reference.replay(self.cycle, &request);
            let (store, throws) = (request.has_store, request.discards);
            let (endpoint, word) = (request.endpoint.to_u64(), request.word.to_u64());
            self.note(format!(
                "replay {store} {throws} {endpoint} {word:#x}: {answer:?}"
            ));
            self.replay_answer = Some(answer);
        }
        self.reference.end();
        self.compare();
        let unit = &mut self.unit;
        let buffer = &mut self.buffer;
        buffer.write.next = unit.captures.val();
        buffer.store.next = unit.capture.val();
        buffer.read.next = unit.takes_captured.val();
        buffer.report_ready.next = buffer.report_valid.val();
        if buffer.report_valid.val() {
            self.reports.push_back(buffer.report.val().to_u64());
        }
        clock_cycle!(*unit, clock);
        clock_cycle!(*buffer, clock);
        self.unit.configuration.next = Default::default();
        self.unit.queue_configuration.next = Default::default();
        self.cycle += 1;
    }

    /// What is shown in this cycle is what the reference says.
    fn compare(&mut self) {
        let unit = &self.unit;
        let mut shown = Vec::new();
        let data = unit.slot_data.val().to_u128();
        if unit.slot_valid.val() {
            let address = unit.slot_address.val().to_u64();
            let (queue, slot) = (
                address / TRANSMIT_SLOTS as u64,
                address % TRANSMIT_SLOTS as u64,
            );
            let enables = unit.slot_enables.val().to_u64();
            let mask = (0..16).filter(|byte| enables >> byte & 1 != 0);
            let mask = mask.fold(0u128, |mask, byte| mask | 0xff << (8 * byte));
            let kept = &mut self.queues[queue as usize].slots[slot as usize];
            *kept = *kept & !mask | data & mask;
            shown.push(Shown::Slot {
                queue,
                slot,
                enables,
                data,
            });
        }
        if unit.pool_valid.val() {
            shown.push(Shown::Pool {
                address: unit.pool_address.val().to_u64(),
                enables: unit.pool_enables.val().to_u64(),
                data: unit.pool_data.val().to_u128(),
            });
        }
        let outcome = unit.outcome.val();
        if outcome.accepted {
            shown.push(Shown::Accepted {
                queue: outcome.queue.to_u64(),
                express: outcome.express,
                more: outcome.more,
            });
        }
        if unit.captures.val() {
            let capture = unit.capture.val();
            self.captures += 1;
            self.expected_reports.push_back(capture.endpoint.to_u64());
            shown.push(Shown::Captured {
                endpoint: capture.endpoint.to_u64(),
                index: capture.index.to_u64(),
            });
        }
        if unit.nonresident_store.val() {
            let event = unit.store_event.val();
            assert_eq!(
                event.kind.to_u64(),
                abi::event::kind::NON_RESIDENT_STORE as u64
            );
            shown.push(Shown::Missed {
                endpoint: event.index.to_u64(),
            });
        }
        for (pulse, what) in [
            (unit.stray_store.val(), Shown::Stray),
            (unit.lost_store.val(), Shown::Lost),
            (unit.torn_store.val(), Shown::Torn),
            (unit.overflowed.val(), Shown::Overflowed),
            (unit.inline_lost.val(), Shown::InlineLost),
            (unit.composed.val(), Shown::Composed),
        ] {
            if pulse {
                shown.push(what);
            }
        }
        let part = unit.stores.val();
        let mut is_start = false;
        if part.valid {
            let queue = part.queue.to_u64();
            let producer = part.producer.to_u64() as u16;
            let part = Shown::Part {
                queue,
                producer,
                errors: part.errors.to_u64(),
                error: part.error.to_u64(),
                losses: part.losses.to_u64(),
                tell: part.tell,
            };
            let is_expected = self
                .reference
                .shown
                .get(&self.cycle)
                .is_some_and(|all| all.iter().any(|shown| matches!(shown, Shown::Part { .. })));
            let kept = &mut self.queues[queue as usize];
            kept.given = producer;
            if is_expected {
                if let (
                    Some(owner),
                    Shown::Part {
                        losses, tell: true, ..
                    },
                ) = (kept.owner, &part)
                    && owner < DRIVERS
                {
                    let driver = &mut self.drivers[owner as usize];
                    if driver.losses != *losses {
                        driver.losses = *losses;
                        driver.lost_from = Some(u64::from(producer));
                        driver.stores.clear();
                        self.losses += 1;
                    }
                }
                shown.push(part);
            } else {
                // A queue begins.
                assert_eq!(
                    self.starting,
                    Some((queue, producer)),
                    "cycle {}",
                    self.cycle
                );
                is_start = true;
                self.starting = None;
            }
        }
        let mut expected = self.reference.shown.remove(&self.cycle).unwrap_or_default();
        expected.sort();
        shown.sort();
        if shown != expected {
            self.trace.iter().for_each(|line| println!("{line}"));
            println!("{:x?}", self.reference.endpoints);
        }
        assert_eq!(shown, expected, "cycle {} (start {is_start})", self.cycle);
        // Consumer indices: those of stores at once, the others behind.
        let direct = self
            .reference
            .given
            .pop_front_if(|(cycle, ..)| *cycle == self.cycle);
        if let Some((_, queue, index, armed)) = direct {
            assert!(unit.consumer_valid.val(), "cycle {}", self.cycle);
            assert!(unit.consumer_asks.val() && !unit.consumer_late.val());
            assert_eq!(unit.consumer_armed.val(), armed);
            assert_eq!(unit.consumer_queue.val().to_u64(), queue);
            assert_eq!(unit.consumer_index.val().to_u64() as u16, index);
            self.consumed[queue as usize] = Some(index);
        } else if unit.consumer_valid.val() {
            let queue = unit.consumer_queue.val().to_u64();
            let index = unit.consumer_index.val().to_u64() as u16;
            self.consumed[queue as usize] = Some(index);
            let asks = unit.consumer_asks.val();
            self.wish = asks.then_some(unit.consumer_armed.val());
            self.extras.push((queue, index));
        }
    }

    fn idle(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.cycle();
        }
    }

    // The firmware.

    fn write_map(&mut self, endpoint: u64, word: u64) {
        self.unit.configuration.next = configuration(REGION_ENDPOINT_MAP, endpoint, word);
        self.words[endpoint as usize] = endpoint_map::fresh::set(word.into(), 0) as u64;
        self.reference.map(endpoint, word);
        self.note(format!("map {endpoint}: {word:#x}"));
        self.cycle();
    }

    fn replay(&mut self, request: ReplayRequest) -> (bool, bool) {
        self.replay_answer = None;
        self.unit.replay.next = ReplayRequest {
            valid: true,
            ..request
        };
        let mut waited = 0;
        while !self.unit.replayed.val().done {
            self.cycle();
            waited += 1;
            assert!(waited < 500, "no answer to {request:?}");
        }
        let replayed = self.unit.replayed.val();
        if let Some(answer) = self.replay_answer {
            assert_eq!((replayed.busy, replayed.maps), answer, "{request:?}");
        } else {
            assert!(!replayed.maps);
        }
        self.cycle();
        self.unit.replay.next = Default::default();
        let pause = 2 + self.random.below(4);
        self.idle(pause);
        // The executor writes the map.
        if replayed.maps {
            let word = request.word.to_u64();
            let endpoint = request.endpoint.to_u64();
            let queue = endpoint_map::receive_queue::get(word.into());
            let comes = endpoint_map::receive_resident::get(word.into()) != 0;
            self.extras.clear();
            self.write_map(endpoint, word);
            self.idle(12);
            if comes {
                let kept = self.reference.endpoints[endpoint as usize].kept;
                let quiet = self
                    .reference
                    .given
                    .iter()
                    .all(|(_, given, ..)| *given != queue);
                if quiet {
                    assert_eq!(
                        self.consumed[queue as usize],
                        Some(kept),
                        "endpoint {endpoint}"
                    );
                }
                // What the queue's program asked for while it was away, and never again.
                if !self.extras.is_empty() {
                    let wish = self.reference.endpoints[endpoint as usize].wish.take();
                    assert_eq!(self.wish, wish, "endpoint {endpoint}");
                    self.wishes += u64::from(wish == Some(true));
                }
            }
            self.extras.clear();
        }
        (replayed.busy, replayed.maps)
    }

    fn word_with(&self, endpoint: u64, queue: u64) -> u64 {
        let word = u128::from(self.words[endpoint as usize]);
        let word = endpoint_map::transmit_queue::set(word, queue);
        endpoint_map::transmit_resident::set(word, 1) as u64
    }

    fn load(&mut self, queue: u64, endpoint: u64) {
        let word = transmit_control::endpoint::set(1, endpoint) as u64;
        let consumer = self.reference.endpoints[endpoint as usize].consumer;
        let mut write = control(queue, word);
        write.second = (1 << 33 | u64::from(consumer)).to_bits();
        self.unit.queue_configuration.next = write;
        self.starting = Some((queue, consumer));
        self.loading = Some(queue);
        self.note(format!("load {queue} for {endpoint} at {consumer}"));
        self.unit.answers_settle.next = false;
        self.cycle();
        self.idle(2);
        self.unit.answers_settle.next = true;
        self.answers_settle = true;
        let wait = self.random.below(10);
        self.idle(wait);
        self.unit.answers_settle.next = false;
        self.answers_settle = false;
        let mut waited = 0;
        while self.unit.settling.val() || self.starting.is_some() {
            self.cycle();
            waited += 1;
            assert!(waited < 500, "queue {queue} does not begin");
        }
        let it = &mut self.queues[queue as usize];
        (it.given, it.launched, it.consumer) = (consumer, consumer, consumer);
        it.owner = Some(endpoint);
        self.loading = None;
        let it = &mut self.queues[queue as usize];
        it.used = self.cycle;
        self.idle(2);
    }

    fn queue_of(&self, endpoint: u64) -> Option<u64> {
        let queue = self
            .queues
            .iter()
            .position(|queue| queue.owner == Some(endpoint));
        queue.map(|queue| queue as u64)
    }

    /// Takes the queue from its endpoint, if it is idle.
    fn evict(&mut self, queue: u64) -> bool {
        let endpoint = self.queues[queue as usize].owner.expect("it has one");
        let word = self.words[endpoint as usize];
        let away = endpoint_map::transmit_resident::set(word.into(), 0) as u64;
        self.write_map(endpoint, away);
        self.idle(8);
        let it = &self.queues[queue as usize];
        if it.given != it.consumer {
            let wanted = ReplayRequest {
                endpoint: endpoint.to_bits(),
                word: word.to_bits(),
                queue: self.random.bits(),
                ..Default::default()
            };
            self.replay(wanted);
            return false;
        }
        self.queues[queue as usize].owner = None;
        self.unit.queue_configuration.next = control(queue, 0);
        self.cycle();
        self.idle(3);
        true
    }

    fn free_queue(&mut self) -> Option<u64> {
        if let Some(free) = self.queues.iter().position(|queue| queue.owner.is_none()) {
            return Some(free as u64);
        }
        let victim = if self.random.chance(50) {
            (0..QUEUES).min_by_key(|queue| self.queues[*queue as usize].used)?
        } else {
            self.random.below(QUEUES)
        };
        self.evict(victim).then_some(victim)
    }

    /// The endpoint gets a queue, or has one.
    fn install(&mut self, endpoint: u64) -> Option<u64> {
        if let Some(queue) = self.queue_of(endpoint) {
            return Some(queue);
        }
        let queue = self.free_queue()?;
        self.load(queue, endpoint);
        Some(queue)
    }

    fn bring_back(&mut self, endpoint: u64) {
        if let Some(queue) = self.install(endpoint) {
            let wanted = ReplayRequest {
                endpoint: endpoint.to_bits(),
                word: self.word_with(endpoint, queue).to_bits(),
                queue: self.random.bits(),
                loses: self.random.chance(3),
                ..Default::default()
            };
            self.replay(wanted);
        }
    }

    /// Answers the oldest report.
    fn answer(&mut self, sheds: u64) {
        let Some(endpoint) = self.reports.front().copied() else {
            return;
        };
        let exists = endpoint_map::exists::get(self.words[endpoint as usize].into()) != 0;
        let request = ReplayRequest {
            has_store: true,
            endpoint: endpoint.to_bits(),
            ..Default::default()
        };
        if !exists || self.random.chance(sheds) {
            self.sheds += u64::from(exists);
            let wanted = ReplayRequest {
                discards: true,
                endpoint: self.random.bits(),
                ..request
            };
            let (_, maps) = self.replay(wanted);
            assert!(!maps);
        } else {
            let Some(queue) = self.install(endpoint) else {
                return;
            };
            self.queues[queue as usize].used = self.cycle;
            let wanted = ReplayRequest {
                queue: queue.to_bits(),
                word: self.word_with(endpoint, queue).to_bits(),
                loses: self.random.chance(3),
                ..request
            };
            self.replay(wanted);
        }
        self.reports.pop_front();
        assert_eq!(self.expected_reports.pop_front(), Some(endpoint));
    }

    /// A replay that names the wrong endpoint, or finds nothing, does nothing.
    fn wrong_replay(&mut self) {
        if let Some(endpoint) = self.reports.front() {
            let wanted = ReplayRequest {
                has_store: true,
                endpoint: ((endpoint + 1) % ENDPOINTS).to_bits(),
                ..Default::default()
            };
            let answer = self.replay(wanted);
            assert_eq!(answer, (true, false));
        }
    }

    fn receive(&mut self) {
        let endpoint = self.random.below(ENDPOINTS);
        let word = u128::from(self.words[endpoint as usize]);
        if endpoint_map::exists::get(word) == 0 {
            return;
        }
        if endpoint_map::receive_resident::get(word) != 0 {
            self.write_map(
                endpoint,
                endpoint_map::receive_resident::set(word, 0) as u64,
            );
            self.idle(8);
            return;
        }
        let used = |queue: u64| {
            self.words.iter().any(|word| {
                let word = u128::from(*word);
                endpoint_map::receive_resident::get(word) != 0
                    && endpoint_map::receive_queue::get(word) == queue
            })
        };
        let Some(queue) = (0..RECEIVE_QUEUES).find(|queue| !used(*queue)) else {
            return;
        };
        let word = endpoint_map::receive_resident::set(word, 1);
        let word = endpoint_map::receive_queue::set(word, queue) as u64;
        self.consumed[queue as usize] = None;
        let wanted = ReplayRequest {
            endpoint: endpoint.to_bits(),
            word: word.to_bits(),
            queue: self.random.bits(),
            ..Default::default()
        };
        self.replay(wanted);
    }

    fn give_back(&mut self) {
        let index = self.random.below(1 << 16) as u16;
        self.consumed[MISS_QUEUE as usize] = None;
        let wanted = ReplayRequest {
            gives_back: true,
            queue: MISS_QUEUE.to_bits(),
            consumer: u64::from(index).to_bits(),
            ..Default::default()
        };
        self.replay(wanted);
        self.idle(6);
        assert_eq!(self.consumed[MISS_QUEUE as usize], Some(index));
    }

    fn create(&mut self, endpoint: u64) -> bool {
        let mut word = endpoint_map::exists::set(0, 1);
        word = endpoint_map::fresh::set(word, 1);
        if endpoint < DRIVERS || self.random.chance(60) {
            word = endpoint_map::page::set(word, endpoint);
            word = endpoint_map::page_resident::set(word, 1);
        }
        // What the answer path tells in the very cycle holds it up.
        let rate = std::mem::take(&mut self.engine_rate);
        self.idle(3);
        let request = ReplayRequest {
            endpoint: endpoint.to_bits(),
            word: (word as u64).to_bits(),
            ..Default::default()
        };
        let (busy, _) = self.replay(request);
        self.engine_rate = rate;
        !busy
    }

    /// An endpoint of no driver goes, with its queue; perhaps its number is used again.
    fn destroy(&mut self) {
        let endpoint = DRIVERS + self.random.below(ENDPOINTS - DRIVERS);
        if endpoint_map::exists::get(self.words[endpoint as usize].into()) != 0 {
            self.write_map(endpoint, 0);
            self.idle(8);
            if let Some(queue) = self.queue_of(endpoint) {
                self.queues[queue as usize].owner = None;
                self.unit.queue_configuration.next = control(queue, 0);
                self.cycle();
                self.idle(3);
            }
        } else {
            let captured = self.reference.captured(endpoint);
            assert_eq!(self.create(endpoint), captured == 0);
        }
    }

    fn work(&mut self) {
        match self.random.below(100) {
            0..60 => self.answer(5),
            60..65 => {
                let queue = self.random.below(QUEUES);
                if self.queues[queue as usize].owner.is_some() {
                    self.evict(queue);
                }
            }
            65..72 => {
                let endpoint = self.random.below(ENDPOINTS);
                if endpoint_map::exists::get(self.words[endpoint as usize].into()) != 0 {
                    self.bring_back(endpoint);
                }
            }
            72..80 => self.receive(),
            80..83 => self.give_back(),
            83..86 => self.wrong_replay(),
            86..89 => self.destroy(),
            _ => {
                let cycles = self.random.below(60);
                self.idle(cycles);
            }
        }
    }
}

/// Whatever queues go and come, each store does what the reference says, and each message of a driver that keeps to the
/// protocol is launched once, in order.
#[test]
fn stores_reach_the_queues_in_order_while_these_go_and_come() {
    let seeds = std::env::var("WAYFARER_SEED")
        .ok()
        .map(|seed| seed.parse().expect("a number"));
    for seed in seeds.map_or(1..4, |seed: u64| seed..seed + 1) {
        println!("seed {seed}");
        let mut bench = Bench::new(seed);
        for endpoint in 0..ENDPOINTS {
            assert!(bench.create(endpoint));
        }
        bench.engine_rate = 60;
        for step in 0..4000 {
            // Seldom, often, and hardly ever.
            bench.store_rate = [5, 20, 60, 1][step / 40 % 4];
            bench.garbage_rate = [20, 60, 0][step / 160 % 3];
            bench.work();
        }
        // All that is lost is stored again, and all comes through.
        bench.garbage_rate = 0;
        for turn in 0..4000 {
            bench.store_rate = if turn < 40 { 20 } else { 4 };
            bench.engine_rate = 90;
            let endpoint = turn % DRIVERS;
            bench.bring_back(endpoint);
            while !bench.reports.is_empty() && bench.random.chance(95) {
                bench.answer(0);
            }
            bench.idle(20);
        }
        bench.store_rate = 0;
        for endpoint in 0..DRIVERS {
            let driver = &bench.drivers[endpoint as usize];
            println!(
                "endpoint {endpoint}: {} of {}",
                driver.delivered, driver.stored
            );
            assert!(
                driver.delivered > 500
                    && driver.stored - driver.delivered <= 2 * TRANSMIT_SLOTS as u64
            );
        }
        println!(
            "{} captured, {} losses, {} sheds, {} resumes, {} wishes",
            bench.captures, bench.losses, bench.sheds, bench.resumes, bench.wishes
        );
        assert!(
            bench.captures > 1000 && bench.losses > 20 && bench.sheds > 20 && bench.resumes > 20
        );
        assert!(bench.wishes > 5, "{}", bench.wishes);
    }
}
