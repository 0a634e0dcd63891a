//! Many senders, small rings, a host that reads when it likes: nothing is lost, doubled or reordered.

use super::tests::{enable, new_unit};
use crate::clock_cycle;
use crate::gate::{Random, settle};
use crate::link::frame::{Header, beat, random_bytes, seal, without_crc, word_of};
use abi::link::{header, kind, status};
use abi::message::receive_descriptor as descriptor;
use rust_hdl::prelude::*;
use std::collections::VecDeque;

/// A receive ring in host memory, and the program that reads it.
struct Ring {
    queue: u64,
    id: u64,
    address: u64,
    entries: usize,
    stride: usize,
    memory: Vec<u8>,
    /// Entries written.
    producer: usize,
    /// Entries read.
    consumer: usize,
    /// The last consumer index stored to the NIU.
    told: usize,
}

impl Ring {
    fn new(queue: u64, id: u64, address: u64, entries_log2: u64, stride_log2: u64) -> Self {
        let (entries, stride) = (1 << entries_log2, 1 << stride_log2);
        Self {
            queue,
            id,
            address,
            entries,
            stride,
            memory: vec![0; entries * stride],
            producer: 0,
            consumer: 0,
            told: 0,
        }
    }

    /// A write packet arrives in host memory.
    fn write(&mut self, address: u64, data: &[u8]) {
        let at = (address - self.address) as usize;
        assert_eq!(
            at / self.stride,
            self.producer % self.entries,
            "not the next entry"
        );
        assert!(
            self.producer - self.told < self.entries,
            "an entry is written over"
        );
        self.memory[at..at + data.len()].copy_from_slice(data);
        if at.is_multiple_of(self.stride) {
            self.producer += 1;
        }
    }

    /// The next message, if its phase bit says that it is there.
    fn poll(&mut self) -> Option<(u128, Vec<u8>)> {
        let at = self.consumer % self.entries * self.stride;
        let entry = &self.memory[at..at + self.stride];
        let word = u128::from(u64::from_le_bytes(entry[..8].try_into().expect("8 bytes")));
        let phase = 1 - (self.consumer / self.entries % 2) as u64;
        if descriptor::phase::get(word) != phase {
            return None;
        }
        self.consumer += 1;
        let length = descriptor::length::get(word) as usize;
        Some((word, entry[8..8 + length].to_vec()))
    }
}

/// What must become of a message.
struct Message {
    id: u64,
    tag: u64,
    payload: Vec<u8>,
    fate: usize,
    delivered: bool,
}

/// A transmit queue of some node, as slow and simple as can be.
struct Sender {
    node: u64,
    queue: u64,
    channel: usize,
    messages: Vec<Message>,
    launched: usize,
    answered: usize,
    restart: bool,
    hold_until: usize,
    restarts: usize,
}

impl Sender {
    fn frame(&mut self) -> Vec<u128> {
        let message = &self.messages[self.launched];
        let length = message.payload.len();
        let mut word = Header::new(kind::MESSAGE, self.channel as u64, self.node, 1, length).0;
        word = header::source_queue::set(word, self.queue);
        word = header::receive_queue_id::set(word, message.id);
        word = header::tag::set(word, message.tag);
        word = header::slot::set(word, self.launched as u64);
        word = header::restart::set(word, u64::from(self.restart));
        let frame = seal(without_crc(Header(word), &message.payload));
        self.restart = false;
        self.launched += 1;
        frame
    }

    fn answer(&mut self, slot: u64, answer: usize, cycle: usize) {
        assert!(self.answered < self.launched, "an answer to nothing");
        assert_eq!(slot, self.answered as u64 % 16);
        if answer == status::FULL {
            self.launched = self.answered;
            self.restart = true;
            self.hold_until = cycle + 40;
            self.restarts += 1;
        } else {
            assert_eq!(answer, self.messages[self.answered].fate);
            self.answered += 1;
        }
    }

    /// The host read a message of this queue from ring `id`: it must be the next that was accepted there.
    fn check(&mut self, id: u64, word: u128, payload: &[u8]) {
        let message = self
            .messages
            .iter_mut()
            .find(|message| {
                message.id == id && message.fate == status::ACCEPTED && !message.delivered
            })
            .expect("no more messages than were sent");
        assert_eq!(descriptor::tag::get(word), message.tag, "out of order");
        assert_eq!(payload, message.payload);
        message.delivered = true;
    }
}

#[test]
fn order_holds_and_nothing_is_lost_with_full_rings_and_many_senders() {
    let seed = 0x0007_1e57;
    println!("seed {seed:#x}");
    let mut random = Random::new(seed);
    let mut unit = new_unit();
    let mut rings = [
        Ring::new(0, 0x100, 0xffff_f000, 1, 8),
        Ring::new(7, 0x101, 0x1_2345_0000, 2, 6),
        Ring::new(15, 0xffff, 0xfedc_ba98_0000_0000, 3, 4),
    ];
    for ring in &rings {
        let (entries, stride) = (ring.entries.ilog2().into(), ring.stride.ilog2().into());
        enable(
            &mut unit,
            ring.queue,
            ring.id,
            ring.address,
            entries,
            stride,
        );
    }
    let mut senders: Vec<Sender> = (0..6u64)
        .map(|number| {
            let messages = (0..40)
                .map(|_| {
                    let ring = random.below(20) as usize;
                    // Mostly to the sender's own ring, sometimes to another, sometimes to nobody.
                    let ring = if ring < 3 {
                        Some(ring)
                    } else {
                        Some(number as usize % 3)
                    }
                    .filter(|_| random.below(25) != 0);
                    let longest = ring.map_or(248, |ring| rings[ring].stride - 8);
                    let length = if random.chance(5) {
                        random.below(249) as usize
                    } else {
                        random.below(longest as u64 + 1) as usize
                    };
                    Message {
                        id: ring.map_or(0x55, |ring| rings[ring].id),
                        tag: random.below(256),
                        payload: random_bytes(&mut random, length),
                        fate: match ring {
                            None => status::NOT_RESIDENT,
                            Some(_) if length > longest => status::ENTRY_TOO_SMALL,
                            Some(_) => status::ACCEPTED,
                        },
                        delivered: false,
                    }
                })
                .collect();
            Sender {
                node: [0, 0, 5, 63, 63, 20][number as usize],
                queue: [0, 15, 0, 15, 14, 7][number as usize],
                channel: number as usize % 2,
                messages,
                launched: 0,
                answered: 0,
                restart: false,
                hold_until: 0,
                restarts: 0,
            }
        })
        .collect();

    let mut wires: [VecDeque<(u128, bool)>; 2] = Default::default();
    let mut offered = [false; 2];
    let mut packet: Option<(u64, usize, Vec<u8>)> = None;
    let (mut bad_stores, mut bad_pulses) = (0, 0);
    let mut cycle = 0;
    while senders
        .iter()
        .any(|sender| sender.answered < sender.messages.len())
        || rings.iter().any(|ring| ring.consumer < ring.producer)
    {
        cycle += 1;
        assert!(cycle < 60_000, "no progress");
        let sender = &mut senders[random.below(6) as usize];
        if sender.launched < sender.messages.len()
            && sender.launched - sender.answered < 16
            && cycle >= sender.hold_until
            && wires[sender.channel].len() < 30
        {
            let frame = sender.frame();
            let end = frame.len() - 1;
            wires[sender.channel].extend(
                frame
                    .into_iter()
                    .enumerate()
                    .map(|(at, word)| (word, at == end)),
            );
        }
        for (channel, sink) in [&mut unit.channel_0, &mut unit.channel_1]
            .into_iter()
            .enumerate()
        {
            offered[channel] |= !wires[channel].is_empty() && !random.chance(10);
            sink.valid.next = offered[channel];
            let (word, last) = wires[channel]
                .front()
                .copied()
                .filter(|_| offered[channel])
                .unwrap_or((random.wide(), random.chance(50)));
            sink.beat.next = beat(word, last);
        }
        unit.write_packets.ready.next = random.chance(80);
        unit.acknowledge_ready.next = random.chance(50);
        unit.consumer_valid.next = false;
        let ring = &mut rings[random.below(3) as usize];
        unit.consumer_queue.next = ring.queue.to_bits();
        if ring.consumer > ring.told && random.chance(10) {
            ring.told = ring.consumer;
            unit.consumer_valid.next = true;
            unit.consumer_index.next = (ring.told as u64).to_bits();
        } else if random.chance(2) {
            bad_stores += 1;
            unit.consumer_valid.next = true;
            let beyond = ring.producer as u64 + 4 + random.below(30_000);
            unit.consumer_index.next = beyond.to_bits();
        }
        settle(&mut unit);

        for (channel, sink) in [&unit.channel_0, &unit.channel_1].into_iter().enumerate() {
            if sink.valid.val() && sink.ready.val() {
                wires[channel].pop_front();
                offered[channel] = false;
            }
        }
        bad_pulses += usize::from(unit.bad_consumer.val());
        if unit.write_packets.valid.val() && unit.write_packets.ready.val() {
            let beat = unit.write_packets.beat.val();
            let word = word_of(beat);
            match &mut packet {
                None => packet = Some((word as u64, (word >> 64) as usize, Vec::new())),
                Some((address, length, data)) => {
                    data.extend(word.to_le_bytes());
                    if beat.last {
                        let address = *address;
                        let ring = rings
                            .iter_mut()
                            .find(|ring| {
                                (ring.address..ring.address + ring.memory.len() as u64)
                                    .contains(&address)
                            })
                            .expect("writes go to rings");
                        ring.write(address, &data[..*length]);
                        packet = None;
                    }
                }
            }
        }
        if unit.acknowledge_valid.val() && unit.acknowledge_ready.val() {
            let answer = unit.acknowledge.val();
            senders
                .iter_mut()
                .find(|sender| {
                    sender.node == answer.node.to_u64() && sender.queue == answer.queue.to_u64()
                })
                .expect("answers go to senders")
                .answer(answer.slot.to_u64(), answer.status.to_u64() as usize, cycle);
        }
        let ring = &mut rings[random.below(3) as usize];
        if random.chance(8)
            && let Some((word, payload)) = ring.poll()
        {
            let (node, queue) = (
                descriptor::source_node::get(word),
                descriptor::source_queue::get(word),
            );
            senders
                .iter_mut()
                .find(|sender| sender.node == node && sender.queue == queue)
                .expect("messages come from senders")
                .check(ring.id, word, &payload);
        }
        clock_cycle!(unit, clock);
    }
    for sender in &senders {
        let lost = sender
            .messages
            .iter()
            .filter(|message| message.fate == status::ACCEPTED && !message.delivered)
            .count();
        assert_eq!(lost, 0, "queue {} of node {}", sender.queue, sender.node);
    }
    let restarts: usize = senders.iter().map(|sender| sender.restarts).sum();
    println!("{cycle} cycles, {restarts} restarts, {bad_stores} bad stores");
    assert!(restarts > 20 && bad_stores > 10);
    assert!(
        bad_pulses.abs_diff(bad_stores) <= 1,
        "the last one may be under way"
    );
}
