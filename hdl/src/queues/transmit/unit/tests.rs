//! The transmit side behind its page decoder, against receivers made of a few lines: rings that fill, refusals,
//! answers in bitmaps that overtake each other.

use super::*;
use crate::bundles::HostWrite;
use crate::configuration::{ENDPOINTS_LOG2, TRANSMIT_SLOTS};
use crate::gate::{Random, clock_cycle, settle};
use crate::queues::page_decoder::DefaultPageDecoder;
use crate::queues::test_support::configuration;
use abi::endpoint::{EXPRESS_OFFSET, page};
use abi::link::{answer, header, kind};
use abi::message::transmit_header;
use abi::queue_state::{
    REGION_ENDPOINT_MAP, REGION_TRANSLATION, REGION_TRANSMIT_QUEUE, TRANSMIT_CONTROL,
    TRANSMIT_PROGRESS, TRANSMIT_STORES, endpoint_map, translation, transmit_control,
    transmit_progress, transmit_stores,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const NODE: u64 = 3;
const GENERATION: u64 = 9;
const NODES: std::ops::Range<u64> = 4..7;

/// A receiving node: a ring, and the bits of scale's rule 9.
#[derive(Default)]
struct Node {
    room: u64,
    refused: BTreeSet<(u64, u64)>,
    delivered: BTreeMap<u64, Vec<u64>>,
}

fn control_word(endpoint: u64) -> u64 {
    let mut word = transmit_control::enabled::set(0, 1);
    word = transmit_control::virtual_channel_limit::set(word, 1);
    word = transmit_control::generation::set(word, GENERATION);
    word = transmit_control::endpoint::set(word, endpoint + 1);
    transmit_control::window_mask::set(word, 7) as u64
}

struct Bench {
    pages: DefaultPageDecoder,
    unit: TransmitUnit,
    nodes: BTreeMap<u64, Node>,
    frame: Vec<u128>,
    /// Answers under way: when they arrive, and what they say.
    answers: VecDeque<(u64, Answer)>,
    consumers: BTreeMap<u64, u64>,
    sent: u64,
    cycle: u64,
    random: Random,
    /// The link takes nothing.
    stalled: bool,
    /// Queues are disabled that wait for answers.
    disables: bool,
    frames: Vec<Vec<u128>>,
}

impl Bench {
    fn new(seed: u64, queues: u64) -> Self {
        let mut pages = DefaultPageDecoder::default();
        let mut unit = TransmitUnit::default();
        pages.connect_all();
        unit.connect_all();
        let mut bench = Bench {
            pages,
            unit,
            nodes: NODES.map(|node| (node, Node::default())).collect(),
            frame: Vec::new(),
            answers: VecDeque::new(),
            consumers: BTreeMap::new(),
            sent: 0,
            cycle: 0,
            random: Random::new(seed),
            stalled: false,
            disables: false,
            frames: Vec::new(),
        };
        bench.pages.reset.next = true;
        bench.unit.reset.next = true;
        bench.step();
        bench.pages.reset.next = false;
        bench.unit.reset.next = false;
        bench.unit.node.next = NODE.to_bits();
        for _ in 0..(1 << ENDPOINTS_LOG2) + 300 {
            // `ShadowWriter` and `ReadyQueues` clear their bits meanwhile.
            assert!(
                !bench.unit.progress.val().tell,
                "nothing is told of a queue without an owner"
            );
            bench.step();
        }
        for entry in 0..8u64 {
            let mut word = translation::node::set(0, NODES.start + entry % 3);
            word = translation::receive_queue_id::set(word, entry);
            word = translation::virtual_channel::set(word, entry / 4);
            word = translation::valid::set(word, 1);
            bench.write_state(REGION_TRANSLATION, entry, word as u64);
        }
        for queue in 0..queues {
            bench.write_queue(queue, TRANSMIT_CONTROL, control_word(queue));
            bench.wait_settled();
            bench.map_queue(queue, queue);
        }
        bench
    }

    fn write_queue(&mut self, queue: u64, word: usize, data: u64) {
        self.write_state(REGION_TRANSMIT_QUEUE, queue * 4 + word as u64, data);
    }

    /// The endpoint of this number less one has this queue.
    fn map_queue(&mut self, endpoint: u64, queue: u64) {
        let mut map = endpoint_map::transmit_resident::set(0, 1);
        map = endpoint_map::transmit_queue::set(map, queue);
        map = endpoint_map::page::set(map, endpoint);
        map = endpoint_map::page_resident::set(map, 1);
        self.write_state(REGION_ENDPOINT_MAP, endpoint + 1, map as u64);
    }

    /// Until the command executor would go on.
    fn wait_settled(&mut self) {
        for _ in 0..4 {
            self.step();
        }
        let mut cycles = 0;
        while self.unit.holds_address.val() || self.pages.settling.val() {
            self.step();
            cycles += 1;
            assert!(cycles < 500, "a control word never takes effect");
        }
    }

    fn write_state(&mut self, region: usize, index: u64, word: u64) {
        let write = configuration(region, index, word);
        self.pages.configuration.next = write;
        self.unit.configuration.next = write;
        self.step();
    }

    /// An Express store to an endpoint; takes two cycles.
    fn express(&mut self, queue: u64, destination: u64, data: u64) {
        self.pages.write_valid.next = true;
        self.pages.write.next = HostWrite {
            space: 1u64.to_bits(),
            address: ((queue + 1) << 12 | EXPRESS_OFFSET as u64 | destination << 5).to_bits(),
            data: u128::from(data).to_bits(),
            enables: 0xffu64.to_bits(),
            single: true,
            last: true,
        };
        self.step();
        self.step();
    }

    /// A message of 64 bytes `fill` as an inline body; the queue's messages are numbered by `index`.
    fn inline_message(&mut self, queue: u64, index: u64, fill: u8) {
        let head = transmit_header::length::set(0, 64);
        self.inline_body(queue, index, fill, head);
    }

    fn inline_body(&mut self, queue: u64, index: u64, fill: u8, head: u128) {
        for beat in 0..5u64 {
            let mut data = u128::from_le_bytes([fill; 16]);
            if beat == 0 {
                data = data >> 64 << 64 | head;
            }
            self.pages.write_valid.next = true;
            self.pages.write.next = HostWrite {
                space: 2u64.to_bits(),
                address: ((queue + 1) << 12 | (index % 16) << 8 | beat << 4).to_bits(),
                data: data.to_bits(),
                enables: 0xffffu64.to_bits(),
                single: false,
                last: beat == 4,
            };
            self.step();
        }
        self.pages.write_valid.next = true;
        self.pages.write.next = HostWrite {
            space: 1u64.to_bits(),
            address: ((queue + 1) << 12 | page::transmit_producer::OFFSET as u64).to_bits(),
            data: u128::from(index + 1).to_bits(),
            enables: 0xffu64.to_bits(),
            single: true,
            last: true,
        };
        self.step();
        self.step();
    }

    fn receive(&mut self, beats: &[u128]) {
        let head = beats[0];
        let verdicts = |code: usize| (code & 7) as u64;
        let (queue, index) = (header::slot::get(head), header::index::get(head));
        let channel = header::virtual_channel::get(head);
        let node = header::destination_node::get(head);
        let state = self
            .nodes
            .get_mut(&node)
            .expect("messages go to the nodes there are");
        if header::kind::get(head) == kind::PING as u64 {
            return self.answer(node, queue, index, verdicts(kind::WAITING));
        }
        self.sent += 1;
        let verdict =
            if state.refused.contains(&(queue, channel)) && header::restart::get(head) == 0 {
                kind::BEHIND
            } else if state.room == 0 {
                state.refused.insert((queue, channel));
                kind::FULL
            } else {
                state.room -= 1;
                state.refused.remove(&(queue, channel));
                let data = beats[1] as u64;
                state
                    .delivered
                    .entry(data >> 32)
                    .or_default()
                    .push(data & 0xffff_ffff);
                kind::ACCEPTED
            };
        self.answer(node, queue, index, verdicts(verdict));
    }

    fn answer(&mut self, node: u64, queue: u64, index: u64, verdict: u64) {
        if let Some((_, last)) = self.answers.back_mut() {
            let distance = (index + 128 - last.base.to_u64()) % 128;
            let same = last.node.to_u64() == node
                && last.slot.to_u64() == queue
                && last.verdict.to_u64() == verdict;
            if same && distance < 12 && self.random.chance(80) {
                last.bitmap = (last.bitmap.to_u64() | 1 << distance).to_bits();
                return;
            }
        }
        let answer = Answer {
            node: node.to_bits(),
            slot: queue.to_bits(),
            generation: GENERATION.to_bits(),
            base: index.to_bits(),
            bitmap: 1u64.to_bits(),
            verdict: verdict.to_bits(),
        };
        let delay = 20 + self.random.below(60);
        self.answers.push_back((self.cycle + delay, answer));
    }

    fn step(&mut self) {
        self.unit.room_0.next = true;
        self.unit.room_1.next = true;
        self.unit.frame.ready.next = self.random.chance(90) && !self.stalled;
        self.unit.own_frame.ready.next = true;
        self.unit.shadow.ready.next = true;
        self.unit.answer_valid.next = false;
        let due = self.answers.iter().position(|(at, _)| *at <= self.cycle);
        if let Some((_, answer)) = due.and_then(|at| self.answers.remove(at)) {
            self.unit.answer_valid.next = true;
            self.unit.answer.next = answer;
        }
        for _ in 0..2 {
            settle(&mut self.pages);
            self.unit.offer.next = self.pages.offer.val();
            self.unit.producer_before.next = self.pages.producer_before.val();
            self.unit.outcome.next = self.pages.outcome.val();
            self.unit.stores.next = self.pages.stores.val();
            self.unit.slot_valid.next = self.pages.slot_valid.val();
            self.unit.slot_address.next = self.pages.slot_address.val();
            self.unit.slot_enables.next = self.pages.slot_enables.val();
            self.unit.pool_valid.next = self.pages.pool_valid.val();
            self.unit.pool_address.next = self.pages.pool_address.val();
            self.unit.pool_enables.next = self.pages.pool_enables.val();
            self.unit.slot_data.next = self.pages.slot_data.val();
            self.unit.pool_data.next = self.pages.pool_data.val();
            settle(&mut self.unit);
            self.pages.progress.next = self.unit.progress.val();
            self.pages.answers_settle.next = self.unit.answers_settle.val();
            self.pages.queue_configuration.next = self.unit.queue_configuration.val();
        }
        settle(&mut self.pages);
        let progress = self.unit.progress.val();
        if progress.valid {
            self.consumers
                .insert(progress.queue.to_u64(), progress.consumer.to_u64());
            assert!(
                !progress.failed,
                "cycle {}: queue {:?} failed",
                self.cycle, progress.queue
            );
        }
        let unexpected = self.unit.answer_unexpected.val() && !self.disables;
        assert!(!unexpected, "cycle {}", self.cycle);
        let mut whole = None;
        if self.unit.frame.valid.val() && self.unit.frame.ready.val() {
            let beat = self.unit.frame.beat.val();
            self.frame.push(beat.data.to_u128());
            if beat.last {
                whole = Some(std::mem::take(&mut self.frame));
            }
        }
        clock_cycle!(self.pages, clock);
        clock_cycle!(self.unit, clock);
        if let Some(beats) = whole {
            self.receive(&beats);
            self.frames.push(beats);
        }
        self.cycle += 1;
        self.pages.write_valid.next = false;
        self.pages.configuration.next = Default::default();
        self.unit.configuration.next = Default::default();
    }
}

#[test]
fn answers_have_the_places_that_the_bundle_says() {
    // The bench builds answers by hand; the link reads them from these fields.
    assert_eq!(answer::base::WIDTH, 7);
    assert_eq!(answer::bitmap::WIDTH, 12);
}

/// Without refusals: messages that alternate among three nodes leave every second cycle, and every slot comes back.
#[test]
fn many_destinations_cost_nothing() {
    let mut bench = Bench::new(1, 1);
    for node in bench.nodes.values_mut() {
        node.room = 1000;
    }
    let count = 300.min(TRANSMIT_SLOTS as u64 * 5);
    let mut stored = 0;
    let start = bench.cycle;
    while stored < count {
        let consumer = bench.consumers.get(&0).copied().unwrap_or(0);
        if stored - consumer < TRANSMIT_SLOTS as u64 {
            bench.express(0, stored % 3, stored);
            stored += 1;
        } else {
            bench.step();
        }
    }
    let cycles = bench.cycle - start;
    for _ in 0..400 {
        bench.step();
    }
    assert_eq!(bench.consumers[&0], count);
    println!("{count} messages in {cycles} cycles");
}

/// Rings that fill and are emptied now and then: every message arrives once, in the order of its
/// queue, node and channel.
#[test]
fn refusals_lose_double_and_disorder_nothing() {
    for seed in 1..4 {
        println!("seed {seed}");
        let queues = 3;
        let mut bench = Bench::new(seed, queues);
        let mut random = Random::new(seed + 100);
        let mut stored = BTreeMap::<u64, u64>::new();
        let mut ways = BTreeMap::<(u64, u64), u64>::new();
        for round in 0..60_000u64 {
            let queue = random.below(queues);
            let count = stored.get(&queue).copied().unwrap_or(0);
            let consumer = bench.consumers.get(&queue).copied().unwrap_or(0);
            if round < 40_000 && random.chance(10) && count - consumer < TRANSMIT_SLOTS as u64 {
                let destination = random.below(6);
                // What is delivered is named by queue and way, and numbered along it.
                let way = ways.entry((queue, destination)).or_default();
                bench.express(queue, destination, (queue << 8 | destination) << 32 | *way);
                *way += 1;
                stored.insert(queue, count + 1);
            } else {
                bench.step();
            }
            if random.chance(2) {
                let node = NODES.start + random.below(3);
                let room = if round < 40_000 { random.below(8) } else { 100 };
                bench.nodes.get_mut(&node).expect("it is there").room = room;
            }
        }
        let total: u64 = stored.values().sum();
        for (queue, count) in &stored {
            assert_eq!(bench.consumers[queue], *count, "queue {queue}");
        }
        let mut delivered = 0;
        for node in bench.nodes.values() {
            for (way, numbers) in &node.delivered {
                let expected: Vec<u64> = (0..numbers.len() as u64).collect();
                assert_eq!(*numbers, expected, "way {way:#x}");
                delivered += numbers.len() as u64;
            }
        }
        assert_eq!(delivered, total);
        assert!(
            bench.sent > total + 100,
            "{} frames for {total} messages: no refusals?",
            bench.sent
        );
    }
}

/// A message whose body is read late keeps its body: what disables its queue waits for it, as what gives its page to
/// another endpoint comes behind.
#[test]
fn a_queue_is_not_disabled_before_the_bodies_of_its_messages_are_read() {
    for busy in [false, true] {
        let mut bench = Bench::new(5, 2);
        for node in bench.nodes.values_mut() {
            node.room = 1000;
        }
        bench.stalled = true;
        bench.disables = true;
        bench.inline_message(0, 0, 0x11);
        bench.inline_message(0, 1, 0x22);
        if busy {
            // Another queue has messages behind these.
            for number in 0..8 {
                bench.express(1, 1, number);
            }
        }
        for _ in 0..20 {
            bench.step();
        }
        bench.write_state(REGION_ENDPOINT_MAP, 1, 0);
        bench.write_state(REGION_TRANSMIT_QUEUE, TRANSMIT_CONTROL as u64, 0);
        for _ in 0..4 {
            bench.step();
        }
        // The executor's next command clears the page.
        let mut cleared = None;
        for cycle in 0..400 {
            bench.stalled = cycle < 100;
            if cleared.is_none() && !bench.unit.holds_address.val() {
                cleared = Some(cycle);
                for beat in 0..32u64 {
                    bench.unit.command_valid.next = true;
                    bench.unit.command_address.next = beat.to_bits();
                    bench.unit.command_data.next = u128::MAX.to_bits();
                    bench.unit.command_enables.next = 0xffffu64.to_bits();
                    bench.step();
                }
                bench.unit.command_valid.next = false;
            }
            bench.step();
        }
        println!("busy {busy}: the page was cleared after {cleared:?} cycles");
        assert!(cleared.is_some());
        let bodies: Vec<_> = bench
            .frames
            .iter()
            .filter(|frame| frame.len() > 2)
            .map(|frame| frame[1..5].to_vec())
            .collect();
        let body = |fill| vec![u128::from_le_bytes([fill; 16]); 4];
        assert_eq!(bodies, [body(0x11), body(0x22)], "busy {busy}");
    }
}

/// Traffic of several endpoints with refusals; what is delivered is numbered by endpoint and way.
struct Traffic {
    bench: Bench,
    random: Random,
    /// Messages of each endpoint, and of each of its ways.
    stored: BTreeMap<u64, u64>,
    ways: BTreeMap<(u64, u64), u64>,
    /// The queue of each endpoint that may send.
    queues: BTreeMap<u64, u64>,
}

impl Traffic {
    fn step(&mut self, senders: &[u64]) {
        let endpoint = senders[self.random.below(senders.len() as u64) as usize];
        let count = self.stored.get(&endpoint).copied().unwrap_or(0);
        if self.random.chance(20) && self.unanswered(endpoint) < TRANSMIT_SLOTS as u64 {
            let destination = self.random.below(6);
            let way = self.ways.entry((endpoint, destination)).or_default();
            let name = (endpoint << 8 | destination) << 32 | *way;
            *way += 1;
            self.stored.insert(endpoint, count + 1);
            self.bench.express(endpoint, destination, name);
        } else {
            self.bench.step();
        }
        if self.random.chance(4) {
            let node = NODES.start + self.random.below(3);
            let room = self.random.below(12);
            self.bench.nodes.get_mut(&node).expect("it is there").room = room;
        }
    }

    fn unanswered(&self, endpoint: u64) -> u64 {
        let queue = self.queues[&endpoint];
        let consumer = self.bench.consumers.get(&queue).copied().unwrap_or(0);
        self.stored.get(&endpoint).copied().unwrap_or(0) - consumer
    }
}

/// Of an idle queue nothing is lost, doubled or out of order when its record is saved, used by another owner, and
/// loaded to the same queue or to another one, while the others go on sending.
#[test]
fn an_idle_queue_goes_on_from_its_saved_record_under_the_traffic_of_others() {
    for seed in 1..5 {
        println!("seed {seed}");
        let mut traffic = Traffic {
            bench: Bench::new(seed, 3),
            random: Random::new(seed + 200),
            stored: BTreeMap::new(),
            ways: BTreeMap::new(),
            queues: (0..3).map(|queue| (queue, queue)).collect(),
        };
        // From queue to queue, in part back to the same one, at any place of a lap.
        for target in [3, 0, 0, 3, 3, 0] {
            let queue = traffic.queues[&0];
            for _ in 0..100 + traffic.random.below(400) {
                traffic.step(&[0, 1, 2]);
            }
            let mut rounds = 0;
            while traffic.unanswered(0) > 0 {
                traffic.step(&[1, 2]);
                rounds += 1;
                assert!(rounds < 50_000, "endpoint 0 never comes to rest");
            }
            let count = traffic.stored.get(&0).copied().unwrap_or(0);
            traffic.bench.write_state(REGION_ENDPOINT_MAP, 1, 0);
            traffic.step(&[1, 2]);
            traffic.bench.write_queue(queue, TRANSMIT_CONTROL, 0);
            traffic.bench.wait_settled();
            traffic.bench.unit.save.next.valid = true;
            traffic.bench.unit.save.next.queue = queue.to_bits();
            rounds = 0;
            while !traffic.bench.unit.saved.val().done {
                traffic.step(&[1, 2]);
                rounds += 1;
                assert!(rounds < 1000, "the record is never saved");
            }
            let saved = traffic.bench.unit.saved.val();
            let (progress, stores) = (saved.second.to_u64(), saved.third.to_u64());
            traffic.bench.unit.save.next.valid = false;
            assert_eq!(transmit_progress::consumer::get(progress.into()), count);
            assert_eq!(transmit_stores::producer::get(stores.into()), count);

            // Another owner.
            traffic
                .bench
                .write_queue(queue, TRANSMIT_CONTROL, control_word(7));
            traffic.bench.wait_settled();
            for _ in 0..traffic.random.below(50) {
                traffic.step(&[1, 2]);
            }
            traffic.bench.write_queue(queue, TRANSMIT_CONTROL, 0);
            traffic.bench.wait_settled();

            for (word, data) in [
                (TRANSMIT_PROGRESS, progress),
                (TRANSMIT_STORES, stores),
                (TRANSMIT_CONTROL, control_word(0)),
            ] {
                traffic.bench.write_queue(target, word, data);
            }
            traffic.bench.wait_settled();
            traffic.bench.map_queue(0, target);
            assert_eq!(traffic.bench.consumers[&target], count);
            traffic.queues.insert(0, target);
        }
        let mut rounds = 0;
        while (0..3).any(|endpoint| traffic.unanswered(endpoint) > 0) || rounds < 200 {
            for node in traffic.bench.nodes.values_mut() {
                node.room = 100;
            }
            traffic.bench.step();
            rounds += 1;
            assert!(rounds < 50_000, "messages are lost");
        }
        let mut delivered = BTreeMap::new();
        for node in traffic.bench.nodes.values() {
            for (way, numbers) in &node.delivered {
                let expected: Vec<u64> = (0..numbers.len() as u64).collect();
                assert_eq!(*numbers, expected, "way {way:#x}");
                delivered.insert(*way, numbers.len() as u64);
            }
        }
        let sent: BTreeMap<u64, u64> = traffic
            .ways
            .iter()
            .map(|((endpoint, destination), count)| (endpoint << 8 | destination, *count))
            .collect();
        assert_eq!(delivered, sent);
    }
}

/// A transfer is a message whose answer the transfer engine gives: it waits, it ends with or without an error, and the
/// consumer index passes it in its turn.
#[test]
fn what_becomes_of_a_transfer_is_an_answer_to_its_message() {
    use crate::bundles::TransferDone;
    let mut bench = Bench::new(21, 2);
    for node in bench.nodes.values_mut() {
        node.room = 1000;
    }
    let node = NODES.start + 1;
    let mut word = translation::node::set(0, node);
    word = translation::receive_queue_id::set(word, 77);
    word = translation::segment::set(word, 1);
    word = translation::valid::set(word, 1);
    bench.write_state(REGION_TRANSLATION, 7, word as u64);
    bench.unit.transfer_room.next = true;
    bench.unit.transfer.ready.next = true;
    let mut head = transmit_header::length::set(0, abi::message::TRANSFER_BYTES as u64);
    head = transmit_header::form::set(head, abi::message::form::TRANSFER as u64);
    head = transmit_header::destination::set(head, 7);
    let mut errors = Vec::new();
    for (index, code) in [0, 14, 0, 15, 11].into_iter().enumerate() {
        let index = 2 * index as u64;
        bench.inline_body(0, index, 0x33, head);
        bench.express(0, 1, 5);
        let mut descriptor = Vec::new();
        for _ in 0..30 {
            if bench.unit.transfer.valid.val() {
                descriptor.push(bench.unit.transfer.beat.val().data.to_u128());
            }
            bench.step();
        }
        assert_eq!(descriptor.len(), 3);
        let told = |value| (header::slot::get(value), header::index::get(value));
        assert_eq!(told(descriptor[0]), (0, index));
        let frames = bench.frames.len();
        for code in [5, code] {
            bench.unit.done.next = TransferDone {
                valid: true,
                node: node.to_bits(),
                queue: 0u64.to_bits(),
                generation: GENERATION.to_bits(),
                index: index.to_bits(),
                code: u64::to_bits(code),
            };
            settle(&mut bench.unit);
            assert!(bench.unit.done_ready.val());
            bench.step();
            bench.unit.done.next.valid = false;
            for _ in 0..60 {
                let progress = bench.unit.progress.val();
                if progress.valid && progress.report {
                    errors.push(progress.error.to_u64());
                }
                bench.step();
            }
            // Each message waits for the end of what is in front of it.
            let consumer = bench.consumers.get(&0).copied().unwrap_or(0);
            assert_eq!(consumer, if code == 5 { index } else { index + 1 });
        }
        assert_eq!(bench.frames.len(), frames, "the queue is parked");
        bench.unit.unpark.next.valid = true;
        bench.unit.unpark.next.queue = 0u64.to_bits();
        settle(&mut bench.unit);
        assert!(bench.unit.unpark_ready.val());
        bench.step();
        bench.unit.unpark.next.valid = false;
        for _ in 0..150 {
            bench.step();
        }
        assert_eq!(bench.frames.len(), frames + 1);
        assert_eq!(bench.consumers[&0], index + 2);
    }
    assert_eq!(errors, [14, 15, 11]);
}
