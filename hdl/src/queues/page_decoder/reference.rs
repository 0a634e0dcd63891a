//! What a page decoder does, store by store, in plain words.

use crate::bundles::{HostWrite, ReplayRequest};
use crate::configuration::TRANSMIT_SLOTS;
use abi::endpoint::{EXPRESS_OFFSET, OPERATION_OFFSET};
use abi::endpoint::page::{mark, receive_consumer, resume, transmit_producer};
use abi::message::error;
use abi::queue_state::endpoint_map;
use std::collections::{BTreeMap, VecDeque};

/// In a slot: the endpoint that composed it.
fn owner(endpoint: u64) -> u128 {
    u128::from(endpoint) << crate::bundles::slot::OWNER_SHIFT
}

/// What the block shows in a cycle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shown {
    Slot {
        queue: u64,
        slot: u64,
        enables: u64,
        data: u128,
    },
    Pool {
        address: u64,
        enables: u64,
        data: u128,
    },
    Accepted {
        queue: u64,
        express: bool,
        more: bool,
    },
    Captured {
        endpoint: u64,
        index: u64,
    },
    Missed {
        endpoint: u64,
    },
    Stray,
    Lost,
    Torn,
    Overflowed,
    InlineLost,
    Composed,
    Part {
        queue: u64,
        producer: u16,
        errors: u64,
        error: u64,
        losses: u64,
        tell: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    Express,
    Body,
    Producer,
}

#[derive(Clone, Copy, Debug)]
pub struct Captured {
    pub endpoint: u64,
    pub kind: Kind,
    producer: u16,
    index: u16,
    enables: u64,
    data: u128,
    /// It stands behind one that was lost.
    stale: bool,
}

/// An endpoint, and its word of the map.
#[derive(Clone, Debug, Default)]
pub struct Endpoint {
    pub exists: bool,
    pub transmit: Option<u64>,
    pub receive: Option<u64>,
    pub page: Option<u64>,
    pub producer: u16,
    pub consumer: u16,
    pub failed: bool,
    errors: u64,
    error: usize,
    inline_lost: bool,
    pub lost: bool,
    losses: u64,
    heads: bool,
    heads_lost: bool,
    pub kept: u16,
    /// The wish for an interrupt that was stored last; none if the interrupts know it.
    pub wish: Option<bool>,
}

pub struct Reference {
    pub endpoints: Vec<Endpoint>,
    pub buffer: VecDeque<Captured>,
    /// Stores in the buffer behind each cycle's store.
    levels: Vec<usize>,
    limit: usize,
    mark: Option<u64>,
    /// By cycle.
    pub shown: BTreeMap<u64, Vec<Shown>>,
    /// Consumer indices that resident queues must be given at once, in order: cycle, queue, index, interrupt wanted.
    pub given: VecDeque<(u64, u64, u16, bool)>,
}

impl Reference {
    pub fn new(endpoints: usize, limit: usize) -> Self {
        Self {
            endpoints: vec![Endpoint::default(); endpoints],
            buffer: VecDeque::new(),
            levels: Vec::new(),
            limit,
            mark: None,
            shown: BTreeMap::new(),
            given: VecDeque::new(),
        }
    }

    pub fn captured(&self, endpoint: u64) -> usize {
        let of_it = self
            .buffer
            .iter()
            .filter(|store| store.endpoint == endpoint);
        of_it.count()
    }

    fn show(&mut self, cycle: u64, shown: Shown) {
        self.shown.entry(cycle).or_default().push(shown);
    }

    /// A word of the map is written in this cycle, before its store.
    pub fn map(&mut self, endpoint: u64, word: u64) {
        let word = u128::from(word);
        let part = |set: u64, number: u64| (set != 0).then_some(number);
        let it = &mut self.endpoints[endpoint as usize];
        it.exists = endpoint_map::exists::get(word) != 0;
        it.transmit = part(
            endpoint_map::transmit_resident::get(word),
            endpoint_map::transmit_queue::get(word),
        );
        it.receive = part(
            endpoint_map::receive_resident::get(word),
            endpoint_map::receive_queue::get(word),
        );
        it.page = part(
            endpoint_map::page_resident::get(word),
            endpoint_map::page::get(word),
        );
    }

    /// Ends a cycle.
    pub fn end(&mut self) {
        self.levels.push(self.buffer.len());
    }

    /// The FIFO says so three cycles behind what it knows.
    fn has_room(&self, cycle: u64) -> bool {
        let level = cycle
            .checked_sub(3)
            .map_or(0, |cycle| self.levels[cycle as usize]);
        level < self.limit
    }

    fn slot(
        &mut self,
        cycle: u64,
        (queue, endpoint): (u64, u64),
        index: u16,
        enables: u64,
        data: u128,
    ) {
        // The slot says who composed it.
        let enables = enables | 0xc0;
        let data = super::tests::without_owner(data) | owner(endpoint);
        let slot = u64::from(index) % TRANSMIT_SLOTS as u64;
        self.show(
            cycle + 3,
            Shown::Slot {
                queue,
                slot,
                enables,
                data,
            },
        );
    }

    fn tell(&mut self, cycle: u64, queue: u64, endpoint: u64, producer: u16, tell: bool) {
        let it = &self.endpoints[endpoint as usize];
        let part = Shown::Part {
            queue,
            producer,
            errors: it.errors,
            error: it.error as u64,
            losses: it.losses,
            tell,
        };
        self.show(cycle + 4, part);
    }

    fn lose(&mut self, cycle: u64, endpoint: u64) {
        let it = &mut self.endpoints[endpoint as usize];
        it.lost = true;
        it.losses = (it.losses + 1) % 16;
        self.show(cycle + 3, Shown::Lost);
        self.show(cycle + 3, Shown::Missed { endpoint });
    }

    fn refuse(&mut self, endpoint: u64, error: usize) {
        let it = &mut self.endpoints[endpoint as usize];
        it.errors = (it.errors + 1).min(0xfff);
        it.error = error;
    }

    fn capture(&mut self, cycle: u64, captured: Captured) {
        let (endpoint, index) = (captured.endpoint, u64::from(captured.index));
        self.buffer.push_back(captured);
        self.show(cycle + 3, Shown::Captured { endpoint, index });
    }

    /// A store enters in this cycle.
    pub fn store(&mut self, cycle: u64, write: &HostWrite) {
        let address = write.address.to_u64();
        let endpoint = address >> 12 & (self.endpoints.len() as u64 - 1);
        match write.space.to_u64() {
            1 => self.page(cycle, endpoint, write),
            2 => self.body(cycle, endpoint, write),
            _ => (),
        }
    }

    fn page(&mut self, cycle: u64, endpoint: u64, write: &HostWrite) {
        let enables = write.enables.to_u64();
        let upper = enables & 0x100 != 0;
        let offset = (write.address.to_u64() & 0xff0) + if upper { 8 } else { 0 };
        let lane = (write.data.to_u128() >> if upper { 64 } else { 0 }) as u64;
        let it = self.endpoints[endpoint as usize].clone();
        let takes = it.exists || it.transmit.is_some();
        let is = |register: usize| write.single && offset == register as u64;
        let is_express = write.single && offset >= OPERATION_OFFSET as u64;
        if is(receive_consumer::OFFSET) {
            if it.exists || it.receive.is_some() {
                self.endpoints[endpoint as usize].kept = lane as u16;
                let away = it.receive.is_none();
                self.endpoints[endpoint as usize].wish = away.then_some(lane >> 16 & 1 == 1);
            }
            match it.receive {
                Some(queue) => {
                    let armed = lane >> 16 & 1 == 1;
                    self.given.push_back((cycle + 3, queue, lane as u16, armed));
                }
                None => self.show(cycle + 3, Shown::Missed { endpoint }),
            }
            if !it.exists && it.receive.is_none() {
                self.show(cycle + 3, Shown::Stray);
            }
            return;
        }
        let is_known =
            is_express || is(transmit_producer::OFFSET) || is(mark::OFFSET) || is(resume::OFFSET);
        if !is_known {
            if write.last && enables != 0 {
                self.show(cycle + 1, Shown::Torn);
                if takes {
                    self.refuse(endpoint, error::TORN_STORE);
                    self.tell_store(cycle, endpoint, true);
                }
            }
            return;
        }
        if !takes {
            self.show(cycle + 3, Shown::Stray);
            self.show(cycle + 3, Shown::Missed { endpoint });
        } else if is_express {
            self.express(cycle, endpoint, offset, lane);
        } else if is(transmit_producer::OFFSET) {
            self.producer(cycle, endpoint, lane as u16);
        } else if is(mark::OFFSET) {
            self.mark = (lane & 1 != 0).then_some(endpoint);
        } else {
            if lane as u16 == it.producer {
                let it = &mut self.endpoints[endpoint as usize];
                (it.lost, it.heads, it.heads_lost) = (false, false, false);
            }
            self.tell_store(cycle, endpoint, false);
        }
    }

    /// Stores go past the queue while it is away, or stores wait for it.
    fn is_away(&self, endpoint: u64) -> bool {
        self.endpoints[endpoint as usize].transmit.is_none() || self.captured(endpoint) > 0
    }

    /// Nothing of it is lost, and there is room to capture.
    fn is_open(&self, cycle: u64, endpoint: u64) -> bool {
        !self.endpoints[endpoint as usize].lost
            && (!self.is_away(endpoint) || (self.has_room(cycle) && self.captured(endpoint) < 127))
    }

    fn tell_store(&mut self, cycle: u64, endpoint: u64, tell: bool) {
        if !self.is_away(endpoint) {
            let it = &self.endpoints[endpoint as usize];
            self.tell(
                cycle,
                it.transmit.expect("not away"),
                endpoint,
                it.producer,
                tell,
            );
        }
    }

    fn express(&mut self, cycle: u64, endpoint: u64, offset: u64, lane: u64) {
        let marked = self.mark == Some(endpoint);
        if marked {
            self.mark = None;
        }
        let it = self.endpoints[endpoint as usize].clone();
        let is_operation = offset < EXPRESS_OFFSET as u64;
        let destinations = if is_operation { 31 } else { 63 };
        let destination = offset >> abi::endpoint::EXPRESS_DESTINATION_SHIFT & destinations;
        let destination = u128::from(destination) | u128::from(is_operation) << 41;
        let tag = u128::from(offset >> abi::endpoint::EXPRESS_TAG_SHIFT & 3);
        let data = destination
            | 8 << 16
            | tag << 32
            | u128::from(marked) << 40
            | owner(endpoint)
            | u128::from(lane) << 64;
        let has_room =
            it.producer.wrapping_sub(it.consumer) % 128 != TRANSMIT_SLOTS as u16 && !it.failed;
        let away = self.is_away(endpoint);
        if !has_room {
            self.refuse(endpoint, error::OVERFLOW);
            self.show(cycle + 3, Shown::Overflowed);
            self.tell_store(cycle, endpoint, true);
        } else if !self.is_open(cycle, endpoint) {
            if !it.lost {
                self.lose(cycle, endpoint);
            }
            self.tell_store(cycle, endpoint, !it.lost);
        } else {
            self.endpoints[endpoint as usize].producer = it.producer.wrapping_add(1);
            if marked {
                self.show(cycle + 3, Shown::Composed);
            }
            if away {
                let captured = Captured {
                    endpoint,
                    kind: Kind::Express,
                    producer: it.producer,
                    index: it.producer,
                    enables: 0xffff,
                    data,
                    stale: false,
                };
                self.capture(cycle, captured);
            } else {
                let queue = it.transmit.expect("not away");
                self.slot(cycle, (queue, endpoint), it.producer, 0xffff, data);
                self.show(
                    cycle + 3,
                    Shown::Accepted {
                        queue,
                        express: true,
                        more: false,
                    },
                );
                self.tell_store(cycle, endpoint, false);
            }
        }
    }

    fn producer(&mut self, cycle: u64, endpoint: u64, index: u16) {
        let it = self.endpoints[endpoint as usize].clone();
        let brings = index.wrapping_sub(it.producer);
        let reaches = index.wrapping_sub(it.consumer);
        let legal = reaches <= TRANSMIT_SLOTS as u16 && brings < 1 << 15 && !it.failed;
        let away = self.is_away(endpoint);
        if !legal {
            self.refuse(endpoint, error::OVERFLOW);
            self.show(cycle + 3, Shown::Overflowed);
            self.tell_store(cycle, endpoint, true);
        } else if brings == 0 {
            self.tell_store(cycle, endpoint, false);
        } else if it.inline_lost {
            self.refuse(endpoint, error::INLINE_LOST);
            self.endpoints[endpoint as usize].inline_lost = false;
            self.tell_store(cycle, endpoint, true);
        } else if it.heads_lost
            || (it.heads && it.transmit.is_none())
            || !self.is_open(cycle, endpoint)
        {
            if !it.lost {
                self.lose(cycle, endpoint);
            }
            self.tell_store(cycle, endpoint, !it.lost);
        } else {
            self.endpoints[endpoint as usize].producer = index;
            if away {
                let captured = Captured {
                    endpoint,
                    kind: Kind::Producer,
                    producer: it.producer,
                    index,
                    enables: 0,
                    data: 0,
                    stale: false,
                };
                self.capture(cycle, captured);
            } else {
                let queue = it.transmit.expect("not away");
                self.endpoints[endpoint as usize].heads = false;
                self.show(
                    cycle + 3,
                    Shown::Accepted {
                        queue,
                        express: false,
                        more: brings > 1,
                    },
                );
                self.tell_store(cycle, endpoint, false);
            }
        }
    }

    fn body(&mut self, cycle: u64, endpoint: u64, write: &HostWrite) {
        let address = write.address.to_u64();
        let (enables, data) = (write.enables.to_u64(), write.data.to_u128());
        let it = self.endpoints[endpoint as usize].clone();
        let takes = it.exists || it.transmit.is_some();
        let Some(page) = it.page.filter(|_| takes) else {
            if write.last {
                self.show(cycle + 1, Shown::InlineLost);
            }
            if takes {
                self.endpoints[endpoint as usize].inline_lost = true;
                self.tell_store(cycle, endpoint, false);
            }
            return;
        };
        self.show(
            cycle + 3,
            Shown::Pool {
                address: page << 8 | address >> 4 & 0xff,
                enables,
                data,
            },
        );
        if address >> 4 & 15 != 0 {
            return;
        }
        let ahead = (address >> 8 & 15).wrapping_sub(u64::from(it.producer)) & 15;
        let index = it.producer.wrapping_add(ahead as u16) % TRANSMIT_SLOTS as u16;
        if !self.is_away(endpoint) {
            self.endpoints[endpoint as usize].heads = true;
            let queue = it.transmit.expect("not away");
            self.slot(cycle, (queue, endpoint), index, enables, data);
            self.tell_store(cycle, endpoint, false);
        } else if self.is_open(cycle, endpoint) {
            let captured = Captured {
                endpoint,
                kind: Kind::Body,
                producer: it.producer,
                index,
                enables,
                data,
                stale: false,
            };
            self.capture(cycle, captured);
        } else if !it.lost {
            self.lose(cycle, endpoint);
        }
    }

    /// A replay enters in this cycle. Is it busy, and is the map to be written?
    pub fn replay(&mut self, cycle: u64, request: &ReplayRequest) -> (bool, bool) {
        let word = u128::from(request.word.to_u64());
        let queue = if request.has_store {
            request.queue.to_u64()
        } else {
            endpoint_map::transmit_queue::get(word)
        };
        let resident = !request.discards && endpoint_map::transmit_resident::get(word) != 0;
        let fresh = endpoint_map::fresh::get(word) != 0;
        let oldest = request
            .has_store
            .then(|| self.buffer.pop_front().expect("there is one"));
        let endpoint = oldest.map_or(request.endpoint.to_u64(), |store| store.endpoint);
        let left = self.captured(endpoint);
        let index = endpoint as usize;
        let comes = resident && self.endpoints[index].transmit.is_none();
        // Heads in slots of a queue that it has no more.
        if comes && self.endpoints[index].heads {
            self.endpoints[index].heads = false;
            self.endpoints[index].heads_lost = true;
        }
        let mut told = None;
        if let Some(store) = oldest.filter(|store| !store.stale) {
            let covers_lost = store.kind == Kind::Producer
                && (self.endpoints[index].heads_lost
                    || (self.endpoints[index].heads && self.endpoints[index].transmit.is_none()));
            if request.discards || covers_lost {
                if self.endpoints[index].exists {
                    let moves = self.endpoints[index].producer != store.producer;
                    self.endpoints[index].producer = store.producer;
                    let of_it = self
                        .buffer
                        .iter_mut()
                        .filter(|store| store.endpoint == endpoint);
                    of_it.for_each(|store| store.stale = true);
                    if !self.endpoints[index].lost || moves {
                        self.lose(cycle, endpoint);
                    }
                }
            } else {
                match store.kind {
                    Kind::Body => {
                        self.endpoints[index].heads = true;
                        self.slot(
                            cycle,
                            (queue, endpoint),
                            store.index,
                            store.enables,
                            store.data,
                        );
                    }
                    Kind::Express => {
                        self.slot(
                            cycle,
                            (queue, endpoint),
                            store.index,
                            store.enables,
                            store.data,
                        );
                        told = Some(store.index.wrapping_add(1));
                    }
                    Kind::Producer => {
                        self.endpoints[index].heads = false;
                        told = Some(store.index);
                    }
                }
            }
        }
        if told.is_some() {
            self.show(
                cycle + 3,
                Shown::Accepted {
                    queue,
                    express: false,
                    more: false,
                },
            );
        }
        if request.loses && !self.endpoints[index].lost {
            self.lose(cycle, endpoint);
        }
        let clears = fresh && left == 0;
        if clears {
            let it = &mut self.endpoints[index];
            *it = Endpoint {
                exists: it.exists,
                transmit: it.transmit,
                receive: it.receive,
                page: it.page,
                ..Default::default()
            };
        }
        let it = &self.endpoints[index];
        let to = if resident { Some(queue) } else { it.transmit };
        let must_say = left == 0 && (it.lost || it.errors > 0);
        if let Some(producer) = told {
            self.tell(cycle, queue, endpoint, producer, must_say);
        } else if let Some(to) = to.filter(|_| left == 0) {
            self.tell(cycle, to, endpoint, it.producer, must_say);
        }
        let busy = (request.has_store && left > 0) || (fresh && !clears);
        (busy, !request.discards && (!fresh || clears))
    }
}
