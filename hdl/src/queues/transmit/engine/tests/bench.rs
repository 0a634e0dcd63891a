//! What stands around the engine in its tests: stores, slots, bodies, a link and receivers, in a few lines each.

use super::*;
use crate::bundles::ConfigurationWrite;
use crate::configuration::TRANSMIT_QUEUES;
use crate::gate::{clock_cycle, settle};
use crate::queues::test_support::{configuration, control};
use abi::link::header;
use abi::message::transmit_header;
use abi::queue_state::{
    REGION_ENDPOINT_MAP, REGION_TRANSLATION, endpoint_map, translation, transmit_control,
};
use std::collections::{BTreeMap, VecDeque};

/// Destinations below it lead to node `destination + 4`, on virtual channel 0.
pub const CHANNEL_1: u64 = 6;
/// Leads to the own node.
pub const OWN: u64 = 7;
/// Leads to a segment.
pub const SEGMENT: u64 = 8;
/// Its frames bear this in the place of the tag.
pub const SEGMENT_GENERATION: u64 = 0xa5;
/// Has no translation.
pub const UNLOADED: u64 = 9;
/// Lies outside the window.
pub const OUTSIDE: u64 = 16;
const NODE: u64 = 3;
const GENERATION: u64 = 5;

/// A destination that a message can be sent to.
pub fn destination(random: &mut Random) -> u64 {
    random.below(8)
}

/// A frame that left.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub cycle: u64,
    pub kind: u64,
    pub tag: u64,
    pub queue: u64,
    pub index: u64,
    pub restart: bool,
    pub own_node: bool,
    /// It went to the transfer engine.
    pub transfer: bool,
    pub destination: u64,
    pub payload: Vec<u8>,
}

/// A transfer engine of a few lines: a transfer runs for some cycles behind its descriptor, then its queue goes on.
#[derive(Default)]
pub struct Transfers {
    /// It has room for so many.
    pub rows: usize,
    /// Cycles that each one takes.
    pub cycles: u64,
    /// A descriptor is under way.
    comes: bool,
    /// Queue of each transfer that runs, and the cycle of its end.
    running: Vec<(u64, u64)>,
    unparking: VecDeque<u64>,
}

impl Transfers {
    fn has_room(&self) -> bool {
        !self.comes && self.running.len() < self.rows
    }
}

/// A message as it was composed.
#[derive(Clone, Debug)]
struct Composed {
    destination: u64,
    form: usize,
    payload: Vec<u8>,
}

#[derive(Default)]
struct Queue {
    composed: Vec<Composed>,
    /// Covered by a producer store.
    producer: u64,
    launched: u64,
    /// Messages whose frame has left, or that were skipped.
    left: u64,
    answered: u64,
}

pub struct Bench {
    pub unit: TransmitEngine,
    cycle: u64,
    slots: BTreeMap<u64, u128>,
    pool: BTreeMap<u64, u128>,
    queues: BTreeMap<u64, Queue>,
    /// Stores under way: cycle of the offer, queue, express, producer index before, messages brought.
    stores: VecDeque<(u64, u64, bool, u64, u64)>,
    pub last_offer: u64,
    /// How often the link takes a beat, percent.
    pub ready: u64,
    pub rooms: [bool; 2],
    pub skipped: Vec<(u64, u64, u64)>,
    pub transfers: Transfers,
    frame: Vec<u128>,
    frame_cycle: u64,
    random: Random,
}

fn slot_place(queue: u64, index: u64) -> u64 {
    queue * TRANSMIT_SLOTS as u64 + index % TRANSMIT_SLOTS as u64
}

/// The endpoint of a queue.
fn endpoint(queue: u64) -> u64 {
    40 + queue
}

/// A slot that this queue's endpoint has composed.
fn owned(queue: u64, slot: u128) -> u128 {
    slot | u128::from(endpoint(queue)) << crate::bundles::slot::OWNER_SHIFT
}

impl Bench {
    pub fn new(seed: u64) -> Self {
        let mut unit = TransmitEngine::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit.node.next = NODE.to_bits();
        // Until the bits of the queues are cleared.
        for _ in 0..TRANSMIT_QUEUES {
            clock_cycle!(unit, clock);
        }
        let mut bench = Bench {
            unit,
            cycle: 0,
            slots: BTreeMap::new(),
            pool: BTreeMap::new(),
            queues: BTreeMap::new(),
            stores: VecDeque::new(),
            last_offer: 0,
            ready: 100,
            rooms: [true, true],
            skipped: Vec::new(),
            transfers: Transfers {
                rows: 2,
                cycles: 30,
                ..Transfers::default()
            },
            frame: Vec::new(),
            frame_cycle: 0,
            random: Random::new(seed),
        };
        for entry in 0..=SEGMENT {
            let mut word = translation::node::set(0, if entry == OWN { NODE } else { entry + 4 });
            word = translation::receive_queue_id::set(word, 100 + entry);
            word = translation::virtual_channel::set(word, u64::from(entry == CHANNEL_1));
            word = translation::valid::set(word, 1);
            if entry == SEGMENT {
                word = translation::segment::set(word, 1);
                word = translation::generation::set(word, SEGMENT_GENERATION);
            }
            bench.unit.configuration.next = configuration(REGION_TRANSLATION, entry, word as u64);
            bench.step();
        }
        bench
    }

    pub fn enable(&mut self, queue: u64, priority: u64) {
        let mut word = transmit_control::enabled::set(0, 1);
        word = transmit_control::virtual_channel_limit::set(word, 1);
        word = transmit_control::priority::set(word, priority);
        word = transmit_control::generation::set(word, GENERATION);
        word = transmit_control::endpoint::set(word, endpoint(queue));
        word = transmit_control::window_mask::set(word, 15);
        self.unit.queue_configuration.next = control(queue, word as u64);
        let mut map = endpoint_map::transmit_resident::set(0, 1);
        map = endpoint_map::transmit_queue::set(map, queue);
        map = endpoint_map::page::set(map, queue);
        self.unit.configuration.next =
            configuration(REGION_ENDPOINT_MAP, endpoint(queue), map as u64);
        self.tell(queue, 0);
        self.unit.stores.next.valid = true;
        self.unit.stores.next.queue = queue.to_bits();
        self.unit.stores.next.producer = 0u64.to_bits();
        self.queues.insert(queue, Queue::default());
        self.step();
        self.run(4);
    }

    /// The queue has a slot and a body for another message.
    pub fn free(&self, queue: u64) -> bool {
        let queue = &self.queues[&queue];
        (queue.composed.len() as u64) < queue.answered + TRANSMIT_SLOTS.min(16) as u64
    }

    /// Another endpoint has composed the message that the queue's slot for this index holds.
    pub fn disown(&mut self, queue: u64, index: u64) {
        let slot = self.slots.get_mut(&slot_place(queue, index));
        *slot.expect("it is composed") ^= 1 << crate::bundles::slot::OWNER_SHIFT;
    }

    /// Writes a message to its slot and body.
    pub fn compose(&mut self, queue: u64, destination: u64, length: usize) {
        self.compose_form(queue, destination, length, abi::message::form::MESSAGE);
    }

    /// Writes a message of any form to its slot and body.
    pub fn compose_form(&mut self, queue: u64, destination: u64, length: usize, form: usize) {
        let payload: Vec<u8> = (0..length).map(|_| self.random.word() as u8).collect();
        let index = self.queues[&queue].composed.len() as u64;
        let mut head = transmit_header::destination::set(0, destination);
        head = transmit_header::length::set(head, length as u64);
        head = transmit_header::form::set(head, form as u64);
        let mut body = [0u8; 272];
        body[..8].copy_from_slice(&(head as u64).to_le_bytes());
        body[8..8 + length].copy_from_slice(&payload);
        for (beat, bytes) in body.chunks(16).enumerate().take(16) {
            let data = u128::from_le_bytes(bytes.try_into().expect("16 bytes"));
            self.pool
                .insert(queue << 8 | (index % 16) << 4 | beat as u64, data);
            if beat == 0 {
                self.slots
                    .insert(slot_place(queue, index), owned(queue, data));
            }
        }
        let queue = self.queues.get_mut(&queue).expect("it is enabled");
        queue.composed.push(Composed {
            destination,
            form,
            payload,
        });
    }

    /// Stores the producer index that covers all that is composed.
    pub fn produce(&mut self, queue: u64) {
        let state = self.queues.get_mut(&queue).expect("it is enabled");
        let before = state.producer;
        state.producer = state.composed.len() as u64;
        let brings = state.producer - before;
        self.store(queue, false, before, brings);
    }

    pub fn express(&mut self, queue: u64, destination: u64, data: u64) {
        let state = self.queues.get_mut(&queue).expect("it is enabled");
        let before = state.producer;
        assert_eq!(
            before,
            state.composed.len() as u64,
            "everything before is covered"
        );
        state.composed.push(Composed {
            destination,
            form: abi::message::form::MESSAGE,
            payload: data.to_le_bytes().to_vec(),
        });
        state.producer += 1;
        self.store(queue, true, before, 1);
    }

    fn store(&mut self, queue: u64, express: bool, before: u64, brings: u64) {
        // Two stores lie at least two cycles apart.
        let earliest = self.stores.back().map_or(0, |store| store.0 + 2);
        self.last_offer = self.cycle.max(earliest);
        self.stores
            .push_back((self.last_offer, queue, express, before, brings));
    }

    fn tell(&mut self, queue: u64, answered: u64) {
        self.unit.progress.next.valid = true;
        self.unit.progress.next.queue = queue.to_bits();
        self.unit.progress.next.balance = (answered & 0xff).to_bits();
        self.unit.progress.next.closed = false;
    }

    /// Some of the messages that left are answered.
    pub fn answer_some(&mut self, random: &mut Random) {
        let queue = random.below(self.queues.len() as u64);
        let state = self
            .queues
            .get_mut(&queue)
            .expect("queues are numbered from 0");
        state.answered += random.below(state.left - state.answered + 1);
        let answered = state.answered;
        self.tell(queue, answered);
    }

    /// What runs never ends.
    pub fn forget_transfers(&mut self) {
        self.transfers.running.clear();
    }

    pub fn resend(&mut self, queue: u64, index: u64, restart: bool, ping: bool) {
        self.resend_of(queue, index, restart, ping, GENERATION);
    }

    pub fn resend_of(
        &mut self,
        queue: u64,
        index: u64,
        restart: bool,
        ping: bool,
        generation: u64,
    ) {
        self.unit.resend_valid.next = true;
        self.unit.resend.next.queue = queue.to_bits();
        self.unit.resend.next.index = index.to_bits();
        self.unit.resend.next.restart = restart;
        self.unit.resend.next.ping = ping;
        self.unit.resend.next.generation = generation.to_bits();
        settle(&mut self.unit);
        assert!(self.unit.resend_ready.val());
        self.step();
        self.unit.resend_valid.next = false;
    }

    /// Runs for so many cycles; the frames whose last beat left.
    pub fn run(&mut self, cycles: u64) -> Vec<Sent> {
        (0..cycles).filter_map(|_| self.step()).collect()
    }

    fn express_slot(&self, queue: u64, index: u64) -> u128 {
        let composed = &self.queues[&queue].composed[index as usize];
        let mut head = transmit_header::destination::set(0, composed.destination);
        head = transmit_header::length::set(head, 8);
        let data = u64::from_le_bytes(composed.payload[..].try_into().expect("8 bytes"));
        owned(queue, head | u128::from(data) << 64)
    }

    fn step(&mut self) -> Option<Sent> {
        let now = self.cycle;
        // The stores under way: offered, then their part is read, then judged, then told.
        self.unit.offer.next = Default::default();
        self.unit.outcome.next = Default::default();
        let mut slot_write = None;
        for &(offer, queue, express, before, brings) in &self.stores {
            if now == offer {
                self.unit.offer.next.valid = true;
                self.unit.offer.next.express = express;
                self.unit.offer.next.queue = queue.to_bits();
            }
            if now == offer + 1 {
                self.unit.producer_before.next = (before & 0xffff).to_bits();
            }
            if now == offer + 2 {
                self.unit.outcome.next.accepted = true;
                self.unit.outcome.next.express = express;
                self.unit.outcome.next.more = !express && brings > 1;
                self.unit.outcome.next.queue = queue.to_bits();
                if express {
                    let slot = self.express_slot(queue, before);
                    self.unit.outcome.next.slot = slot.to_bits();
                    slot_write = Some((slot_place(queue, before), slot));
                }
            }
            if now == offer + 3 {
                self.unit.stores.next.valid = true;
                self.unit.stores.next.queue = queue.to_bits();
                self.unit.stores.next.producer = ((before + brings) & 0xffff).to_bits();
            }
        }
        while self.stores.front().is_some_and(|store| store.0 + 3 <= now) {
            self.stores.pop_front();
        }
        self.unit.slot_written.next = slot_write.is_some();
        self.unit.room_0.next = self.rooms[0];
        self.unit.room_1.next = self.rooms[1];
        self.unit.skip_ready.next = true;
        self.unit.frame.ready.next = self.random.chance(self.ready);
        self.unit.own_frame.ready.next = self.random.chance(self.ready);
        self.unit.transfer.ready.next = self.random.chance(self.ready);
        let transfers = &mut self.transfers;
        self.unit.transfer_room.next = transfers.has_room();
        self.unit.unpark.next.valid = !transfers.unparking.is_empty();
        let unparking = transfers.unparking.front().copied();
        self.unit.unpark.next.queue = unparking.unwrap_or(0).to_bits();
        settle(&mut self.unit);

        let unit = &self.unit;
        let read_slot = unit.slot_address.val().to_u64();
        let slot = unit
            .slot_read
            .val()
            .then(|| *self.slots.get(&read_slot).unwrap_or(&0));
        let read_beat = unit.pool_address.val().to_u64();
        let launch = unit.launch.val();
        if launch.valid && !launch.again {
            let queue = self
                .queues
                .get_mut(&launch.queue.to_u64())
                .expect("it is enabled");
            assert_eq!(
                launch.index.to_u64(),
                queue.launched & 0xffff,
                "launched in order"
            );
            queue.launched += 1;
            assert!(
                queue.launched <= queue.producer,
                "sent before it was produced"
            );
        }
        if unit.skip_valid.val() {
            let skip = unit.skip.val();
            let index = skip.index.to_u64();
            self.skipped
                .push((skip.queue.to_u64(), index, skip.error.to_u64()));
            if let Some(queue) = self.queues.get_mut(&skip.queue.to_u64()) {
                queue.left += u64::from(!skip.again);
            }
        }
        let transfers = &mut self.transfers;
        if unit.unpark_ready.val() {
            transfers.unparking.pop_front();
        }
        let commit = unit.transfer_commit.val();
        if commit.valid {
            assert!(transfers.has_room(), "there was no room");
            let queue = commit.queue.to_u64();
            assert!(!transfers.running.iter().any(|row| row.0 == queue));
            transfers.comes = true;
        }
        let ended = transfers.running.iter().position(|row| row.1 <= now);
        if let Some(row) = ended {
            let (queue, _) = transfers.running.swap_remove(row);
            transfers.unparking.push_back(queue);
        }
        let mut sent = None;
        for (valid, ready, beat, own_node, transfer) in [
            (
                unit.frame.valid.val(),
                unit.frame.ready.val(),
                unit.frame.beat.val(),
                false,
                false,
            ),
            (
                unit.own_frame.valid.val(),
                unit.own_frame.ready.val(),
                unit.own_frame.beat.val(),
                true,
                false,
            ),
            (
                unit.transfer.valid.val(),
                unit.transfer.ready.val(),
                unit.transfer.beat.val(),
                false,
                true,
            ),
        ] {
            if !(valid && ready) {
                continue;
            }
            if self.frame.is_empty() {
                self.frame_cycle = now;
            }
            self.frame.push(beat.data.to_u128());
            if beat.last {
                let beats = std::mem::take(&mut self.frame);
                let mut frame = decode(&beats, self.frame_cycle, own_node);
                frame.transfer = transfer;
                if transfer {
                    assert_eq!(beats.len(), 3);
                    self.transfers.comes = false;
                    let end = now + self.transfers.cycles;
                    self.transfers.running.push((frame.queue, end));
                } else {
                    let runs = |row: &(u64, u64)| row.0 == frame.queue;
                    assert!(
                        !self.transfers.running.iter().any(runs),
                        "a transfer of queue {} is under way",
                        frame.queue
                    );
                }
                if let Some(queue) = self.queues.get_mut(&frame.queue) {
                    queue.left += 1;
                }
                sent = Some(frame);
            }
        }
        let bodies = self.body(read_beat);
        if let Some((place, data)) = slot_write {
            self.slots.insert(place, data);
        }
        clock_cycle!(self.unit, clock);
        if let Some(slot) = slot {
            self.unit.slot_data.next = slot.to_bits();
        }
        self.unit.pool_data.next = bodies.to_bits();
        self.unit.configuration.next = ConfigurationWrite::default();
        self.unit.queue_configuration.next = Default::default();
        self.unit.progress.next.valid = false;
        self.unit.stores.next.valid = false;
        self.cycle += 1;
        sent
    }

    fn body(&self, address: u64) -> u128 {
        *self.pool.get(&address).unwrap_or(&0)
    }

    /// Every message that was produced left once, in the order of its queue, as it was composed.
    pub fn check(&self, sent: &[Sent]) {
        for (&number, queue) in &self.queues {
            let of_queue: Vec<&Sent> = sent.iter().filter(|sent| sent.queue == number).collect();
            assert_eq!(of_queue.len() as u64, queue.producer, "queue {number}");
            for (index, sent) in of_queue.into_iter().enumerate() {
                let composed = &queue.composed[index];
                assert_eq!(sent.index, index as u64 % 128, "queue {number}");
                assert_eq!(
                    sent.destination, composed.destination,
                    "queue {number}, message {index}"
                );
                let is_transfer = composed.form == abi::message::form::TRANSFER;
                let told = match is_transfer {
                    true => &composed.payload[..24],
                    false => &composed.payload[..],
                };
                assert_eq!(sent.payload, told, "queue {number}, message {index}");
                assert_eq!(sent.own_node, composed.destination == OWN);
                assert_eq!(sent.transfer, is_transfer);
                let (kind, tag) = match composed.form {
                    abi::message::form::MESSAGE => (abi::link::kind::MESSAGE, 0),
                    _ => (abi::link::kind::BULK, SEGMENT_GENERATION),
                };
                assert_eq!((sent.kind, sent.tag), (kind as u64, tag));
                assert!(!sent.restart || composed.form == abi::message::form::MESSAGE);
            }
        }
    }
}

fn decode(beats: &[u128], cycle: u64, own_node: bool) -> Sent {
    let head = beats[0];
    let kind = header::kind::get(head);
    let unit = match kind == abi::link::kind::BULK as u64 {
        true => 4,
        false => 1,
    };
    let length = unit * header::length::get(head) as usize;
    let is_ping = kind == abi::link::kind::PING as u64;
    let mut payload = Vec::new();
    for beat in &beats[1..] {
        payload.extend(beat.to_le_bytes());
    }
    if !is_ping {
        assert_eq!(
            beats.len() - 1,
            (length + abi::link::CRC_BYTES).div_ceil(16),
            "beats of {length} bytes"
        );
        payload.truncate(length);
    }
    assert_eq!(header::generation::get(head), GENERATION);
    assert_eq!(header::source_node::get(head), NODE);
    assert_eq!(
        header::source_endpoint::get(head),
        40 + header::slot::get(head)
    );
    Sent {
        cycle,
        kind,
        tag: header::tag::get(head),
        queue: header::slot::get(head),
        index: header::index::get(head),
        restart: header::restart::get(head) == 1,
        own_node,
        transfer: false,
        destination: header::receive_queue_id::get(head) - 100,
        payload,
    }
}

/// Words of the translation table and the endpoint map, now and then.
pub fn random_configuration(random: &mut Random) -> ConfigurationWrite {
    if !random.chance(20) {
        return ConfigurationWrite::default();
    }
    let region = if random.chance(50) {
        REGION_TRANSLATION
    } else {
        REGION_ENDPOINT_MAP
    };
    configuration(region, random.below(16), random.word())
}

/// Control words, now and then.
pub fn random_control(random: &mut Random) -> QueueWord {
    let mut word = control(
        random.below(4),
        random.word() | u64::from(random.chance(90)),
    );
    word.control = random.chance(5);
    word.second = random.bits();
    word
}

/// A slot whose message is mostly short and legal.
pub fn random_slot(random: &mut Random) -> u128 {
    let length = if random.chance(70) {
        random.below(9)
    } else if random.chance(50) {
        4 * random.below(64)
    } else {
        random.below(260)
    };
    let mut word = transmit_header::destination::set(random.wide(), random.below(20));
    word = transmit_header::length::set(word, length);
    // Often of the same endpoint as most control words.
    word & !(0xffff << crate::bundles::slot::OWNER_SHIFT)
}
