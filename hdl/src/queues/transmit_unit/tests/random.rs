//! Random traffic against lists of messages, and random inputs for the gate.

use super::super::*;
use super::bench::*;
use crate::bundles::{ConfigurationWrite, HostWrite};
use crate::gate::Random;
use crate::queues::test_support::configuration;
use abi::link::{header, status};
use std::collections::{BTreeSet, VecDeque};

/// A message as its program meant it.
#[derive(Clone, Debug)]
struct Message {
    destination: u64,
    tag: u64,
    payload: Vec<u8>,
    /// The NIU must skip it.
    bad: bool,
}

/// Destinations 0 to 2 lead to nodes 1 to 3, on virtual channel 1 for odd ones; 7 is invalid, 8 and more are outside the window.
fn way(destination: u64) -> (u64, u64) {
    (destination % 3 + 1, destination % 2)
}

/// The programs, one a queue: messages that their queue has not yet got rid of, and the producer index.
struct Programs {
    waiting: Vec<VecDeque<Message>>,
    producers: Vec<u16>,
    bad: u64,
}

impl Programs {
    /// Composes a few messages in a queue, if its shadow line says that there is room.
    fn compose(&mut self, bench: &mut Bench, random: &mut Random, queue: u64) {
        let index = queue as usize;
        let line = bench
            .shadows
            .get(&shadow_address(queue))
            .copied()
            .unwrap_or_default();
        let consumer = abi::message::shadow::consumer::get(u128::from(line)) as u16;
        let free = 16 - self.producers[index].wrapping_sub(consumer);
        if free == 0 {
            return;
        }
        // Mostly the same destination, so that messages follow each other without waiting.
        let destination = if random.chance(70) {
            queue % 3
        } else {
            random.below(7)
        };
        if random.chance(50) {
            let (tag, value) = (random.below(4), random.word());
            bench.express(queue, destination, tag, value);
            self.producers[index] = self.producers[index].wrapping_add(1);
            let payload = value.to_le_bytes().to_vec();
            self.waiting[index].push_back(Message {
                destination,
                tag,
                payload,
                bad: false,
            });
            return;
        }
        for _ in 0..=random.below(u64::from(free.min(4))) {
            let mut message = Message {
                destination,
                tag: random.below(256),
                payload: (0..random.below(249))
                    .map(|_| random.word() as u8)
                    .collect(),
                bad: false,
            };
            let mut length = message.payload.len() as u64;
            if random.chance(8) {
                message.bad = true;
                match random.below(3) {
                    0 => length = 249 + random.below(1000),
                    1 => message.destination = 8 << random.below(13),
                    _ => message.destination = 7,
                }
                self.bad += 1;
            }
            let slot = u64::from(self.producers[index]) % 16;
            let word = slot_header(message.destination, length, message.tag);
            bench.compose(queue, slot, word, &message.payload);
            self.producers[index] = self.producers[index].wrapping_add(1);
            self.waiting[index].push_back(message);
            if self.producers[index].wrapping_sub(consumer) == 16 {
                break;
            }
        }
        bench.store(queue, 0, u64::from(self.producers[index]));
    }

    /// The queue's next good message leaves the list.
    fn take(&mut self, queue: u64) -> Message {
        let list = &mut self.waiting[queue as usize];
        while list.front().is_some_and(|message| message.bad) {
            list.pop_front();
        }
        list.pop_front().expect("a message that nobody composed")
    }
}

/// Judges a frame as its receiver does; `skipping` holds the (node, queue) pairs that must restart.
fn receive(
    programs: &mut Programs,
    skipping: &mut BTreeSet<(u64, u64)>,
    frame: &Frame,
    random: &mut Random,
) -> Option<usize> {
    let pair = (header::destination_node::get(frame.header), frame.queue());
    if frame.restart() {
        skipping.remove(&pair);
    }
    if skipping.contains(&pair) {
        return None;
    }
    if random.chance(3) {
        skipping.insert(pair);
        return Some(status::FULL);
    }
    let message = programs.take(frame.queue());
    assert_eq!(frame.payload, message.payload, "{message:?}");
    assert_eq!(header::tag::get(frame.header), message.tag);
    let (node, channel) = way(message.destination);
    assert_eq!(pair.0, node);
    assert_eq!(header::virtual_channel::get(frame.header), channel);
    let id = receive_queue_id(frame.queue(), message.destination);
    assert_eq!(header::receive_queue_id::get(frame.header), id);
    Some(match random.below(100) {
        0 => status::NOT_RESIDENT,
        1 => status::ENTRY_TOO_SMALL,
        _ => status::ACCEPTED,
    })
}

#[test]
fn every_message_arrives_once_and_in_order() {
    let seed = 31;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut bench = Bench::new();
    for queue in 0..16 {
        for destination in 0..8 {
            let (node, channel) = way(destination);
            bench.lead(queue, destination, node, channel, destination != 7);
        }
        bench.open(queue);
    }
    let mut programs = Programs {
        waiting: vec![VecDeque::new(); 16],
        producers: vec![0; 16],
        bad: 0,
    };
    let mut skipping = BTreeSet::new();
    let (mut seen, mut refused) = (0, 0);
    for cycle in 0u64.. {
        let quiet = cycle > 6000;
        assert!(cycle < 20_000, "{:?}", programs.waiting);
        if !quiet && bench.stores.len() < 40 {
            programs.compose(&mut bench, &mut random, cycle % 16);
        }
        if random.chance(20) {
            bench.stores.push_front(None);
        }
        // Credits never go while a header is on offer; within a frame anything may happen.
        bench.ready = quiet || random.chance(90);
        if !bench.unit.frame.valid.val() && random.chance(5) {
            bench.rooms = [quiet || random.chance(80), quiet || random.chance(80)];
        }
        if quiet {
            bench.rooms = [true; 2];
        }
        bench.step();
        while seen < bench.frames.len() {
            let frame = bench.frames[seen].clone();
            seen += 1;
            if let Some(status) = receive(&mut programs, &mut skipping, &frame, &mut random) {
                refused +=
                    u64::from(status == status::NOT_RESIDENT || status == status::ENTRY_TOO_SMALL);
                let earliest = bench
                    .answers
                    .back()
                    .map_or(0, |(due, _)| due.saturating_sub(bench.cycle));
                bench.answer(&frame, status, earliest.max(10 + random.below(30)));
            }
        }
        let done = programs
            .waiting
            .iter()
            .all(|list| list.iter().all(|message| message.bad));
        let told = (0..16).all(|queue| {
            let line = bench
                .shadows
                .get(&shadow_address(queue))
                .copied()
                .unwrap_or_default();
            line as u16 == programs.producers[queue as usize]
        });
        if quiet && done && told {
            break;
        }
    }
    println!(
        "{} frames, {} restarts",
        seen,
        bench.pulses("restarted").len()
    );
    assert!(bench.pulses("message_accepted").len() > 200);
    assert!(bench.pulses("restarted").len() > 5);
    assert_eq!(bench.pulses("message_refused").len() as u64, refused);
    let errors: usize = ["too_long", "outside_window", "invalid_translation"]
        .iter()
        .map(|name| bench.pulses(name).len())
        .sum();
    assert_eq!(errors as u64, programs.bad);
    assert!(bench.pulses("transmit_overflow").is_empty());
    assert!(bench.pulses("acknowledge_unexpected").is_empty());
}

/// Queue, slot and destination of the headers seen, for answers that mean something.
#[derive(Default)]
pub struct Answers(VecDeque<(u64, u64, u64)>);

/// Inputs for the gate: a configured unit, then stores, answers and reads of every kind.
pub fn drive(answers: &mut Answers, unit: &mut TransmitUnit<5>, random: &mut Random, cycle: u64) {
    // Taken before a new header is looked at: no answer comes in the cycle of its own message.
    let answer = if random.chance(40) {
        answers.0.pop_front()
    } else {
        None
    };
    let beat = unit.frame.beat.val().data.to_u128();
    let place = (
        header::source_queue::get(beat),
        header::slot::get(beat),
        header::destination_node::get(beat),
    );
    let is_header = header::version::get(beat) == 1 && header::source_node::get(beat) == NODE;
    if unit.frame.valid.val() && is_header && answers.0.back() != Some(&place) {
        answers.0.push_back(place);
    }
    unit.reset.next = cycle < 2;
    unit.configuration.next = match cycle {
        0..2 => ConfigurationWrite::default(),
        2..130 => {
            let entry = cycle - 2;
            let (node, channel) = way(entry % 8);
            let valid = u64::from(entry % 8 != 7);
            configuration(3, entry, node | entry << 16 | channel << 32 | valid << 33)
        }
        130..162 => {
            let index = cycle - 130;
            let queue = index / 2;
            let control = 1 | (queue % 4 / 2) << 1 | 7 << 16 | (queue * 8) << 32;
            configuration(
                1,
                index,
                if index.is_multiple_of(2) {
                    control
                } else {
                    0x1000 + 64 * queue
                },
            )
        }
        // `EndpointPage` has cleared its map.
        258..290 => {
            let endpoint = cycle - 258;
            configuration(0, endpoint, (endpoint % 16) | 0x8080)
        }
        _ if random.below(500) == 0 => {
            let queue = random.below(16);
            configuration(1, queue * 2, 3 | 7 << 16 | (queue * 8) << 32)
        }
        _ => ConfigurationWrite::default(),
    };
    unit.node.next = NODE.to_bits();
    let upper = random.chance(50);
    let kind = random.below(8);
    let offset = match kind {
        0..4 => 2048 + random.below(5) * 32 + random.below(2) * 16,
        4 if random.chance(20) => 0,
        5 => 16,
        _ => random.below(256) * 16,
    };
    unit.write_valid.next = cycle > 500 && random.chance(30);
    unit.write.next = HostWrite {
        space: if kind == 6 { 2u64 } else { 1 }.to_bits(),
        address: (random.below(20) * 4096 + offset).to_bits(),
        data: (random.wide() & !0xffff_0000_0000_0000_fff0 | u128::from(random.below(40)) << 64)
            .to_bits(),
        enables: if upper { 0xff00u64 } else { 0x00ff }.to_bits(),
        single: kind != 6 && random.chance(95),
        last: random.chance(80),
    };
    unit.command_valid.next = random.chance(20);
    unit.command_address.next = random.bits();
    unit.command_data.next = random.bits();
    unit.command_enables.next = random.bits();
    unit.completer.request.next = random.chance(30);
    unit.completer.address.next = random.below(1 << 12).to_bits();
    // Seldom, because a header that comes with the credits of this very cycle escapes the eye above, and its answer never comes.
    if random.chance(3) {
        unit.room_0.next = random.chance(90);
        unit.room_1.next = random.chance(90);
    }
    unit.frame.ready.next = random.chance(80);
    unit.shadow.ready.next = random.chance(60);
    let (queue, slot, node) =
        answer.unwrap_or((random.below(20), random.below(16), 1 + random.below(3)));
    unit.acknowledge_valid.next = answer.is_some() || random.chance(5);
    unit.acknowledgement.next = crate::bundles::Acknowledgement {
        node: node.to_bits(),
        queue: queue.to_bits(),
        slot: slot.to_bits(),
        status: if random.chance(80) {
            0
        } else {
            random.below(4)
        }
        .to_bits(),
    };
}
