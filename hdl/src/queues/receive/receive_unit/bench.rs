//! The unit among a link, a host and a firmware that tests play.

use super::SizedReceiveUnit;
use crate::bulk::unit::BulkUnit;
use crate::bundles::{Answer, Event, write_packet};
use crate::clock_cycle;
use crate::gate::{Random, settle};
use crate::queues::receive::test_frames::{Frame, beat, with_last, word_of};
use crate::queues::test_support::configuration;
use abi::queue_state::{
    RECEIVE_CONTROL, RECEIVE_RING, REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE, WORDS_LOG2,
    receive_control, receive_map,
};
use rust_hdl::prelude::*;
use std::collections::VecDeque;

/// 16 queues, 64 RQIDs, 16 nodes with 8 queues each: clear soon after a reset.
pub type Small = Bench<4, 6, 4, 3, 8>;

/// A write to host memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub address: u64,
    pub data: Vec<u8>,
}

/// An answer, spelled out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    pub node: u64,
    pub slot: u64,
    pub generation: u64,
    /// The message's index, modulo 128.
    pub index: u64,
    /// `abi::link::kind`.
    pub verdict: usize,
}

/// What happened, each with its cycle.
#[derive(Default, Debug)]
pub struct Seen {
    pub writes: Vec<Write>,
    /// Cycles in which a descriptor beat was offered first.
    pub described: Vec<usize>,
    pub marks: Vec<bool>,
    pub said: Vec<Said>,
    /// Answers handed to the link, and to this node itself.
    pub answers: Vec<(usize, Answer)>,
    pub local_answers: Vec<(usize, Answer)>,
    pub events: Vec<(usize, u64, u64)>,
    pub inbox: Vec<(u64, u128, u64)>,
    /// RQIDs reported, and how many writes had their place in the order by then.
    pub missed: Vec<(u64, usize)>,
    /// RQIDs whose allowance was lowered.
    pub lowered: Vec<u64>,
    /// Headers, in the order in which they were taken.
    pub taken: Vec<u128>,
    pub pulses: Vec<(&'static str, usize)>,
}

impl Seen {
    /// Names of the pulses, in order.
    pub fn names(&self) -> Vec<&'static str> {
        self.pulses.iter().map(|(name, _)| *name).collect()
    }

    /// Index and verdict of all that was said.
    pub fn verdicts(&self) -> Vec<(u64, usize)> {
        self.said
            .iter()
            .map(|said| (said.index, said.verdict))
            .collect()
    }

    pub fn cycles_of(&self, pulse: &str) -> Vec<usize> {
        let all = self.pulses.iter().filter(|(name, _)| *name == pulse);
        all.map(|(_, cycle)| *cycle).collect()
    }
}

pub struct Bench<
    const QUEUES_LOG2: usize,
    const IDS_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
> {
    pub unit: SizedReceiveUnit<QUEUES_LOG2, IDS_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>,
    /// Remote memory, if the test has some; without, its frames are thrown away.
    pub bulk: Option<BulkUnit>,
    pub random: Random,
    pub cycle: usize,
    pub seen: Seen,
    /// Beats of channel 0, channel 1 and loopback that wait.
    pub streams: [VecDeque<(u128, bool)>; 3],
    offered: [bool; 3],
    in_frame: [bool; 3],
    /// How often a beat is offered, and a write packet's beat and an answer are taken, in percent.
    pub offers: u64,
    pub writes_taken: u64,
    pub answers_taken: u64,
    pub link_idle: bool,
    /// How often a report of a miss is taken, in percent.
    pub reports_taken: u64,
    /// The last beat of a packet waits for its place in the order; packets that have theirs.
    waits: bool,
    pub ordered: usize,
    /// Read address, so far, of the write packet under way, and its length.
    packet: Option<(u64, usize, Vec<u8>)>,
    descriptor_offered: bool,
}

impl<
    const QUEUES_LOG2: usize,
    const IDS_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
> Bench<QUEUES_LOG2, IDS_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>
{
    /// The number of this node.
    pub const NODE: u64 = 2;

    /// A unit that was reset and is ready; everything that it offers is taken.
    pub fn new(seed: u64) -> Self {
        println!("seed {seed:#x}");
        let mut unit = SizedReceiveUnit::default();
        connect(&mut unit);
        unit.node.next = Self::NODE.to_bits();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut cycles = 0;
        while !unit.ready.val() {
            clock_cycle!(unit, clock);
            cycles += 1;
        }
        assert!(cycles <= 1 << IDS_LOG2.max(QUEUES_LOG2));
        Self {
            unit,
            bulk: None,
            random: Random::new(seed),
            cycle: 0,
            seen: Seen::default(),
            streams: Default::default(),
            offered: [false; 3],
            in_frame: [false; 3],
            offers: 100,
            writes_taken: 100,
            answers_taken: 100,
            link_idle: true,
            reports_taken: 100,
            waits: false,
            ordered: 0,
            packet: None,
            descriptor_offered: false,
        }
    }

    /// Lets a frame wait on a stream.
    pub fn send(&mut self, stream: usize, frame: Frame, payload: &[u8]) {
        self.streams[stream].extend(with_last(&[frame.beats(payload)]));
    }

    /// Gives the unit remote memory, whose segments are cleared.
    pub fn attach_bulk(&mut self) {
        let mut bulk = BulkUnit::default();
        bulk.clock.connect();
        bulk.reset.connect();
        bulk.node.connect();
        bulk.configuration.connect();
        bulk.bulk_frames.valid.connect();
        bulk.bulk_frames.beat.connect();
        bulk.write_packets.ready.connect();
        bulk.accepted_ready.connect();
        bulk.collected_valid.connect();
        bulk.collected.connect();
        bulk.answer_ready.connect();
        bulk.local_collected_valid.connect();
        bulk.local_collected.connect();
        bulk.connect_all();
        bulk.node.next = Self::NODE.to_bits();
        bulk.answer_ready.next = true;
        bulk.reset.next = true;
        clock_cycle!(bulk, clock);
        bulk.reset.next = false;
        self.bulk = Some(bulk);
        self.steps(520);
    }

    /// One cycle.
    pub fn step(&mut self) {
        let unit = &mut self.unit;
        let sinks = [&mut unit.channel_0, &mut unit.channel_1, &mut unit.loopback];
        for (stream, sink) in sinks.into_iter().enumerate() {
            let waits = !self.streams[stream].is_empty();
            self.offered[stream] |= waits && self.random.chance(self.offers);
            sink.valid.next = self.offered[stream];
            // What is not valid has no meaning.
            let junk = (self.random.wide(), self.random.chance(50));
            let (word, last) = self.streams[stream].front().copied().unwrap_or(junk);
            sink.beat.next = if self.offered[stream] {
                beat(word, last)
            } else {
                beat(junk.0, junk.1)
            };
        }
        unit.channel_1_likely.next = self.offered[1] || self.random.chance(100 - self.offers);
        // A register takes the beats: a packet's last one has its place in the order when it leaves that, at the latest
        // when there is to be room for others.
        unit.written.next = self.waits && self.random.chance(self.writes_taken);
        unit.write_packets.ready.next =
            self.random.chance(self.writes_taken) && (!self.waits || unit.written.next);
        unit.missed_ready.next = self.random.chance(self.reports_taken);
        unit.answer_ready.next = self.random.chance(self.answers_taken);
        unit.link_idle.next = self.link_idle;
        unit.bulk_frames.ready.next = true;
        settle(unit);
        if let Some(bulk) = &mut self.bulk {
            join(unit, bulk);
        }
        let sinks = [&unit.channel_0, &unit.channel_1, &unit.loopback];
        for (stream, sink) in sinks.into_iter().enumerate() {
            if sink.valid.val() && sink.ready.val() {
                let (word, last) = self.streams[stream].pop_front().expect("it was offered");
                if !self.in_frame[stream] {
                    self.seen.taken.push(word);
                }
                self.in_frame[stream] = !last;
                self.offered[stream] = false;
            }
        }
        self.observe();
        clock_cycle!(self.unit, clock);
        if let Some(bulk) = &mut self.bulk {
            clock_cycle!(*bulk, clock);
            bulk.configuration.next = Default::default();
        }
        self.unit.configuration.next = Default::default();
        self.unit.consumer_valid.next = false;
        self.unit.ping_valid.next = false;
        self.cycle += 1;
    }

    fn observe(&mut self) {
        let (unit, seen, cycle) = (&self.unit, &mut self.seen, self.cycle);
        if unit.missed_valid.val() && unit.missed_ready.val() {
            seen.missed
                .push((unit.missed_id.val().to_u64(), self.ordered));
        }
        if unit.engine.lower.val() {
            seen.lowered.push(unit.engine.lowered_id.val().to_u64());
        }
        if unit.written.val() {
            self.waits = false;
            self.ordered += 1;
        }
        if unit.write_packets.valid.val()
            && unit.write_packets.ready.val()
            && unit.write_packets.beat.val().last
        {
            self.waits = true;
        }
        if unit.write_packets.valid.val() {
            let beat = unit.write_packets.beat.val();
            let word = word_of(beat.data);
            if self.packet.is_none() && !self.descriptor_offered {
                seen.described.push(cycle);
                self.descriptor_offered = true;
            }
            if unit.write_packets.ready.val() {
                match &mut self.packet {
                    None => {
                        assert!(!beat.last, "a descriptor beat ends no packet");
                        let length = usize::from((word >> write_packet::LENGTH_SHIFT) as u16);
                        assert!(length > 0 && length.is_multiple_of(4));
                        seen.marks.push(word >> write_packet::MARKED_BIT & 1 == 1);
                        self.packet = Some((word as u64, length, Vec::new()));
                        self.descriptor_offered = false;
                    }
                    Some((address, length, data)) => {
                        data.extend(word.to_le_bytes());
                        assert_eq!(beat.last, data.len() >= *length);
                        if beat.last {
                            data.truncate(*length);
                            let data = std::mem::take(data);
                            seen.writes.push(Write {
                                address: *address,
                                data,
                            });
                            self.packet = None;
                        }
                    }
                }
            }
        }
        for (valid, answer, local) in [
            (
                unit.answer_valid.val() && unit.answer_ready.val(),
                unit.answer.val(),
                false,
            ),
            (unit.local_answer_valid.val(), unit.local_answer.val(), true),
        ] {
            if valid {
                assert_eq!(answer.node.to_u64() == Self::NODE, local);
                seen.said.extend(spell(answer));
                if local {
                    seen.local_answers.push((cycle, answer));
                } else {
                    seen.answers.push((cycle, answer));
                }
            }
        }
        for (valid, event) in [
            (unit.packet_event_valid.val(), unit.packet_event.val()),
            (unit.miss_event_valid.val(), unit.miss_event.val()),
        ] {
            if valid {
                seen.events.push(event_of(event));
            }
        }
        if unit.inbox_valid.val() {
            seen.inbox.push((
                unit.inbox_address.val().to_u64(),
                word_of(unit.inbox_data.val()),
                unit.inbox_enables.val().to_u64(),
            ));
        }
        for (name, pulse) in [
            ("checked", unit.checked.val()),
            ("matched", unit.matched.val()),
            ("request_out", unit.request_out.val()),
            ("received", unit.message_received.val()),
            ("miss", unit.receive_miss.val()),
            ("full", unit.receive_full.val()),
            ("behind", unit.receive_behind.val()),
            ("small", unit.entry_too_small.val()),
            ("full and dropped", unit.message_dropped.val()),
            ("packet", unit.packet_received.val()),
            ("dropped", unit.packet_dropped.val()),
            ("bad", unit.bad_consumer.val()),
            ("missed", unit.missed_message.val()),
        ] {
            if pulse {
                seen.pulses.push((name, cycle));
            }
        }
    }

    pub fn steps(&mut self, cycles: usize) {
        for _ in 0..cycles {
            self.step();
        }
    }

    /// Runs until all that waits has come in and nothing has happened for a while; what was seen since the last call.
    pub fn run(&mut self) -> Seen {
        self.cycle = 0;
        let mut quiet = 0;
        while quiet < 60 {
            self.step();
            let idle =
                self.streams.iter().all(VecDeque::is_empty) && !self.unit.write_packets.valid.val();
            quiet = if idle { quiet + 1 } else { 0 };
            assert!(self.cycle < 100_000, "no end");
        }
        std::mem::take(&mut self.seen)
    }

    /// Firmware writes a word of queue state, as fast as it can.
    pub fn configure(&mut self, region: usize, index: u64, data: u64) {
        self.unit.configuration.next = configuration(region, index, data);
        self.step();
        self.step();
    }

    /// Firmware writes a queue's control word.
    pub fn control(
        &mut self,
        queue: u64,
        id: u64,
        entries_log2: u64,
        stride_log2: u64,
        enabled: u64,
    ) {
        let mut word = receive_control::enabled::set(0, enabled);
        word = receive_control::entries_log2::set(word, entries_log2);
        word = receive_control::stride_log2::set(word, stride_log2);
        word = receive_control::receive_queue_id::set(word, id);
        let index = (queue << WORDS_LOG2) + RECEIVE_CONTROL as u64;
        self.configure(REGION_RECEIVE_QUEUE, index, word as u64);
    }

    /// Makes a receive queue resident.
    pub fn enable(
        &mut self,
        queue: u64,
        id: u64,
        address: u64,
        entries_log2: u64,
        stride_log2: u64,
    ) {
        let index = (queue << WORDS_LOG2) + RECEIVE_RING as u64;
        self.configure(REGION_RECEIVE_QUEUE, index, address);
        self.control(queue, id, entries_log2, stride_log2, 1);
        self.map(id, Some(queue));
        self.steps(3);
    }

    /// Has messages that find the ring of a queue full dropped; the ring begins anew, with room for two of 8 bytes.
    pub fn drop_beyond_two(&mut self, queue: u64, id: u64) {
        let mut word = receive_control::enabled::set(0, 1);
        word = receive_control::entries_log2::set(word, 1);
        word = receive_control::stride_log2::set(word, 4);
        word = receive_control::receive_queue_id::set(word, id);
        word = receive_control::drops::set(word, 1);
        let index = (queue << WORDS_LOG2) + RECEIVE_CONTROL as u64;
        self.configure(REGION_RECEIVE_QUEUE, index, word as u64);
        self.steps(3);
    }

    /// Gives a queue the miss ring, whose entries have 256 bytes, and an RQID that must not matter.
    pub fn enable_misses(&mut self, queue: u64, address: u64, entries_log2: u64, id: u64) {
        let index = (queue << WORDS_LOG2) + RECEIVE_RING as u64;
        self.configure(REGION_RECEIVE_QUEUE, index, address);
        let mut word = receive_control::enabled::set(0, 1);
        word = receive_control::entries_log2::set(word, entries_log2);
        word = receive_control::stride_log2::set(word, 8);
        word = receive_control::receive_queue_id::set(word, id);
        word = receive_control::takes_misses::set(word, 1);
        let index = (queue << WORDS_LOG2) + RECEIVE_CONTROL as u64;
        self.configure(REGION_RECEIVE_QUEUE, index, word as u64);
        self.steps(3);
    }

    /// Firmware lets the queue that takes misses accept so many messages for an RQID.
    pub fn allow(&mut self, id: u64, queue: u64, count: u64, stride_log2: u64) {
        self.configure(REGION_RECEIVE_MAP, id, allowance(queue, count, stride_log2));
    }

    /// Firmware writes a word of the map.
    pub fn map(&mut self, id: u64, queue: Option<u64>) {
        let mut word = receive_map::queue::set(0, queue.unwrap_or(0));
        word = receive_map::resident::set(word, queue.is_some().into());
        self.configure(REGION_RECEIVE_MAP, id, word as u64);
    }

    /// The link looks an RQID up.
    pub fn look_up(&mut self, id: u64) -> Option<u64> {
        self.unit.lookup_valid.next = true;
        self.unit.lookup_id.next = id.to_bits();
        self.step();
        self.unit.lookup_valid.next = false;
        let resident = self.unit.lookup_resident.val();
        resident.then(|| self.unit.lookup_queue.val().to_u64())
    }

    /// The host stores a consumer index.
    pub fn give_back(&mut self, queue: u64, index: u64) {
        self.unit.consumer_valid.next = true;
        self.unit.consumer_queue.next = queue.to_bits();
        self.unit.consumer_index.next = (index & 0xffff).to_bits();
        self.step();
        self.step();
    }
}

/// The word of the map that leads to the queue that takes misses.
pub fn allowance(queue: u64, count: u64, stride_log2: u64) -> u64 {
    let mut word = receive_map::queue::set(0, queue);
    word = receive_map::resident::set(word, 1);
    word = receive_map::allowance::set(word, count);
    receive_map::stride_log2::set(word, stride_log2) as u64
}

/// Lets each see what the other says in this cycle.
fn join<
    const QUEUES_LOG2: usize,
    const IDS_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
>(
    unit: &mut SizedReceiveUnit<QUEUES_LOG2, IDS_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>,
    bulk: &mut BulkUnit,
) {
    for _ in 0..4 {
        bulk.bulk_frames.valid.next = unit.bulk_frames.valid.val();
        bulk.bulk_frames.beat.next = unit.bulk_frames.beat.val();
        bulk.write_packets.ready.next = unit.bulk_packets.ready.val();
        bulk.accepted_ready.next = unit.bulk_accepted_ready.val();
        settle(bulk);
        unit.bulk_frames.ready.next = bulk.bulk_frames.ready.val();
        unit.bulk_busy.next = bulk.busy.val();
        unit.bulk_packets.valid.next = bulk.write_packets.valid.val();
        unit.bulk_packets.beat.next = bulk.write_packets.beat.val();
        unit.bulk_accepted_valid.next = bulk.accepted_valid.val();
        unit.bulk_accepted.next = bulk.accepted.val();
        settle(unit);
    }
}

/// Connects all inputs.
pub fn connect<
    const QUEUES_LOG2: usize,
    const IDS_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
>(
    unit: &mut SizedReceiveUnit<QUEUES_LOG2, IDS_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>,
) {
    unit.clock.connect();
    unit.reset.connect();
    unit.node.connect();
    unit.channel_0.valid.connect();
    unit.channel_0.beat.connect();
    unit.channel_1.valid.connect();
    unit.channel_1.beat.connect();
    unit.channel_1_likely.connect();
    unit.loopback.valid.connect();
    unit.loopback.beat.connect();
    unit.bulk_frames.ready.connect();
    unit.bulk_busy.connect();
    unit.bulk_packets.valid.connect();
    unit.bulk_packets.beat.connect();
    unit.bulk_accepted_valid.connect();
    unit.bulk_accepted.connect();
    unit.configuration.connect();
    unit.lookup_valid.connect();
    unit.lookup_id.connect();
    unit.lookup2_id.connect();
    unit.gap_epoch.connect();
    unit.consumer_valid.connect();
    unit.consumer_queue.connect();
    unit.consumer_index.connect();
    unit.write_packets.ready.connect();
    unit.written.connect();
    unit.missed_ready.connect();
    unit.answer_ready.connect();
    unit.link_idle.connect();
    unit.ping_valid.connect();
    unit.ping.connect();
    unit.connect_all();
    settle(unit);
}

/// What an answer says, message by message.
pub fn spell(answer: Answer) -> Vec<Said> {
    let bitmap = answer.bitmap.to_u64();
    let bits = (0..abi::link::ANSWER_MESSAGES as u64).filter(|bit| bitmap >> bit & 1 == 1);
    bits.map(|bit| Said {
        node: answer.node.to_u64(),
        slot: answer.slot.to_u64(),
        generation: answer.generation.to_u64(),
        index: (answer.base.to_u64() + bit) % 128,
        verdict: answer.verdict.to_u64() as usize | 1 << abi::link::ANSWER_SHIFT,
    })
    .collect()
}

fn event_of(event: Event) -> (usize, u64, u64) {
    assert_eq!(event.code.to_u64(), 0);
    (
        event.kind.to_u64() as usize,
        event.index.to_u64(),
        event.data.to_u64(),
    )
}
