//! An end of the link with random senders and receivers, and the wire between two of them.

use super::super::frame::{
    Header, answer_to, beat, look_up, random_answer, random_bytes, stored, without_crc, word_of,
};
use super::super::link_unit::LinkUnit;
use super::{Words, new_unit, without_epoch};
use crate::bundles::Answer;
use crate::clock_cycle;
use crate::configuration::PEER_QUEUES_LOG2;
use crate::gate::{Random, settle};
use abi::link::{header, kind};
use rust_hdl::prelude::*;
use std::collections::VecDeque;

/// What a random sender still has to send, and what it is sending.
#[derive(Default)]
pub(super) struct Feed {
    pub words: VecDeque<Words>,
    pub position: usize,
    pub offered: bool,
}

impl Feed {
    /// The beat on offer; once on offer it stays.
    pub fn offer(&mut self, random: &mut Random, pause: u64) -> Option<(u128, bool)> {
        let words = self.words.front()?;
        if !self.offered && pause > 0 && random.below(pause) == 0 {
            return None;
        }
        self.offered = true;
        Some((words[self.position], self.position + 1 == words.len()))
    }

    pub fn taken(&mut self) {
        self.offered = false;
        self.position += 1;
        if self.position == self.words[0].len() {
            self.position = 0;
            self.words.pop_front();
        }
    }
}

/// One end of the link with its random surroundings.
pub(super) struct End {
    unit: LinkUnit,
    pub node: u64,
    pub frames: Feed,
    pub loopback: Feed,
    pub packets: Feed,
    pub answers: VecDeque<Answer>,
    /// Beats of the frame under way on this end's transmit wire.
    outgoing: Words,
    /// Beats on their way to this end.
    incoming: VecDeque<(u128, bool)>,
    /// What must come out of the channels and of the loopback, and what came out so far of the present frame.
    expected: [VecDeque<Words>; 3],
    partial: [Words; 3],
    expected_answers: VecDeque<Answer>,
    /// Pings that must come out, from the peer and from the own node.
    expected_pings: [VecDeque<u128>; 2],
    /// RQIDs that are being looked up, for the wire and for the loopback.
    lookups: [Option<u64>; 2],
    pub stalled: bool,
    pub pinged: [usize; 2],
    pub delivered: [usize; 3],
    pub accepted_headers: usize,
    pub dropped: u64,
    pub overruns: u64,
    /// One in so many cycles the receiver is not ready; 0: never ready.
    pub drain: u64,
}

impl End {
    pub fn new(node: u64) -> Self {
        Self {
            unit: new_unit(node),
            node,
            frames: Feed::default(),
            loopback: Feed::default(),
            packets: Feed::default(),
            answers: VecDeque::new(),
            outgoing: Vec::new(),
            incoming: VecDeque::new(),
            expected: Default::default(),
            partial: Default::default(),
            expected_answers: VecDeque::new(),
            expected_pings: Default::default(),
            lookups: [None; 2],
            stalled: false,
            pinged: [0; 2],
            delivered: [0; 3],
            accepted_headers: 0,
            dropped: 0,
            overruns: 0,
            drain: 3,
        }
    }

    pub fn peer(&self) -> u64 {
        1 - self.node
    }

    /// A cycle; returns a frame if its last beat left on the wire.
    pub fn cycle(&mut self, random: &mut Random, pause: u64) -> Option<Words> {
        self.drive(random, pause);
        settle(&mut self.unit);
        self.observe_inputs();
        self.observe_pulses();
        self.observe_streams();
        let unit = &mut self.unit;
        let mut sent = None;
        if unit.link.valid.val() && unit.link.ready.val() {
            self.outgoing.push(word_of(unit.link.beat.val()));
            if unit.link.beat.val().last {
                sent = Some(std::mem::take(&mut self.outgoing));
            }
        }
        clock_cycle!(self.unit, clock);
        sent
    }

    fn drive(&mut self, random: &mut Random, pause: u64) {
        let unit = &mut self.unit;
        let sinks = [
            (&mut unit.frame, &mut self.frames),
            (&mut unit.loopback, &mut self.loopback),
            (&mut unit.packet, &mut self.packets),
        ];
        for (sink, feed) in sinks {
            let offer = feed.offer(random, pause);
            sink.valid.next = offer.is_some();
            let (word, last) = offer.unwrap_or((random.wide(), random.chance(50)));
            sink.beat.next = beat(word, last);
        }
        let offered = unit.frame.beat.next;
        unit.frame_single.next = offered.last;
        let channel = abi::link::header::virtual_channel::SHIFT;
        unit.frame_channel.next = offered.data.get_bit(channel);
        unit.answer_valid.next = !self.answers.is_empty();
        let front = self.answers.front().copied();
        unit.answer.next = front.unwrap_or_else(|| random_answer(random, 0));
        unit.link.ready.next = pause == 0 || random.below(8) != 0;
        let incoming = if pause == 0 || random.below(16) != 0 {
            self.incoming.pop_front()
        } else {
            None
        };
        unit.receive_valid.next = incoming.is_some();
        let (word, last) = incoming.unwrap_or((random.wide(), true));
        unit.receive_beat.next = beat(word, last);
        let drain = |random: &mut Random| self.drain > 0 && random.below(self.drain) == 0;
        unit.channel_0.ready.next = drain(random);
        unit.channel_1.ready.next = drain(random);
        unit.loopback_source.ready.next = drain(random);
        unit.stalled_recently.next = self.stalled;
        // What is looked up is there for one cycle.
        let mut result = |lookup: Option<u64>| {
            lookup.map_or_else(|| (random.chance(50), random.below(256)), look_up)
        };
        let (resident, queue) = result(self.lookups[0].take());
        unit.lookup_resident.next = resident;
        unit.lookup_queue.next = queue.to_bits();
        let (resident, queue) = result(self.lookups[1].take());
        unit.lookup2_resident.next = resident;
        unit.lookup2_queue.next = queue.to_bits();
        unit.lookup2_ready.next = pause == 0 || random.below(4) != 0;
    }

    fn observe_inputs(&mut self) {
        let unit = &mut self.unit;
        if unit.frame.ready.val() && unit.frame.valid.val() {
            self.accepted_headers += usize::from(self.frames.position == 0);
            self.frames.taken();
        }
        if unit.loopback.ready.val() && unit.loopback.valid.val() {
            self.loopback.taken();
        }
        if unit.packet.ready.val() && unit.packet.valid.val() {
            self.packets.taken();
        }
        if unit.answer_ready.val() && unit.answer_valid.val() {
            self.answers.pop_front();
        }
        if unit.lookup_valid.val() {
            self.lookups[0] = Some(unit.lookup_id.val().to_u64());
        }
        if unit.lookup2_valid.val() && unit.lookup2_ready.val() {
            self.lookups[1] = Some(unit.lookup2_id.val().to_u64());
        }
    }

    fn observe_pulses(&mut self) {
        let unit = &self.unit;
        self.overruns += u64::from(unit.overrun.val());
        self.dropped += u64::from(unit.corrupt.val() || unit.version.val() || unit.misrouted.val());
        if unit.received_valid.val() {
            assert_eq!(Some(unit.received.val()), self.expected_answers.pop_front());
        }
        if unit.ping_valid.val() {
            let own = unit.ping.val().node.to_u64() == self.node;
            let ping = self.expected_pings[usize::from(own)].pop_front();
            let answer = ping.map(|ping| answer_to(ping, self.stalled));
            assert_eq!(Some(unit.ping.val()), answer, "node {}", self.node);
            self.pinged[usize::from(own)] += 1;
        }
    }

    fn observe_streams(&mut self) {
        let unit = &self.unit;
        let sources = [&unit.channel_0, &unit.channel_1, &unit.loopback_source];
        for (number, source) in sources.into_iter().enumerate() {
            if source.valid.val() && source.ready.val() {
                self.partial[number].push(word_of(source.beat.val()));
                if source.beat.val().last {
                    let frame = without_epoch(std::mem::take(&mut self.partial[number]));
                    let expected = self.expected[number].pop_front();
                    assert_eq!(Some(frame), expected, "node {} {number}", self.node);
                    self.delivered[number] += 1;
                }
            }
        }
    }

    /// A frame comes in whole from the peer: what must come of it.
    fn expect(&mut self, words: Words) {
        let word = words[0];
        match header::kind::get(word) as usize {
            kind::CREDIT => {}
            kind::PING => self.expected_pings[0].push_back(word),
            kind if kind >> abi::link::ANSWER_SHIFT != 0 => {
                use abi::link::answer;
                self.expected_answers.push_back(Answer {
                    node: answer::source_node::get(word).to_bits(),
                    slot: answer::slot::get(word).to_bits(),
                    generation: answer::generation::get(word).to_bits(),
                    base: answer::base::get(word).to_bits(),
                    bitmap: answer::bitmap::get(word).to_bits(),
                    verdict: (answer::kind::get(word) & 7).to_bits(),
                });
            }
            _ => {
                let channel = header::virtual_channel::get(word) as usize;
                self.expected[channel].push_back(stored(words));
            }
        }
    }

    pub fn receive(&mut self, words: &[u128]) {
        let end = words.len();
        for (position, word) in words.iter().enumerate() {
            self.incoming.push_back((*word, position + 1 == end));
        }
    }

    pub fn random_frame(&mut self, random: &mut Random, kind: usize) {
        let words = random_words(random, kind, self.node, self.peer());
        match kind {
            kind::PACKET => self.packets.words.push_back(words),
            _ => self.frames.words.push_back(words),
        }
    }

    /// A message or ping to the own node.
    pub fn random_loopback(&mut self, random: &mut Random, kind: usize) {
        let words = random_words(random, kind, self.node, self.node);
        match kind {
            kind::PING => self.expected_pings[1].push_back(words[0]),
            _ => self.expected[2].push_back(stored(words.clone())),
        }
        self.loopback.words.push_back(words);
    }

    pub fn idle(&self) -> bool {
        self.frames.words.is_empty()
            && self.loopback.words.is_empty()
            && self.packets.words.is_empty()
            && self.answers.is_empty()
            && self.incoming.is_empty()
            && self.expected.iter().all(VecDeque::is_empty)
            && self.expected_answers.is_empty()
            && self.expected_pings.iter().all(VecDeque::is_empty)
    }
}

/// A message, firmware packet or ping with random contents, the place of its CRC left zero.
fn random_words(random: &mut Random, kind: usize, source: u64, destination: u64) -> Words {
    let channel = random.below(2);
    if kind == kind::PING {
        let about = random_answer(random, 0);
        return vec![super::super::frame::ping(
            channel,
            source,
            destination,
            about,
        )];
    }
    let length = match random.below(4) {
        0 => random.below(249) as usize,
        1 => 8,
        2 => 248,
        _ => random.below(40) as usize,
    };
    let mut header = Header::new(kind, channel, source, destination, length);
    header.0 = header::tag::set(header.0, random.word());
    header.0 = header::slot::set(header.0, random.below(1 << PEER_QUEUES_LOG2));
    header.0 = header::receive_queue_id::set(header.0, random.word());
    header.0 = header::marked::set(header.0, random.word());
    without_crc(header, &random_bytes(random, length))
}

/// The wire: mostly lets frames through, else hurts them in one of many ways.
pub(super) fn carry(words: Words, to: &mut End, random: &mut Random, hurt_one_in: u64) -> bool {
    if hurt_one_in == 0 || random.below(hurt_one_in) != 0 {
        to.receive(&words);
        to.expect(words);
        return false;
    }
    let mut words = words;
    match random.below(5) {
        0 => return true,
        1 if words.len() > 1 => {
            let keep = 1 + random.below(words.len() as u64 - 1) as usize;
            words.truncate(keep);
        }
        2 => {
            for _ in 0..=random.below(30) {
                words.push(random.wide());
            }
        }
        _ => {
            // Each bit once: two flips of one bit would hurt nothing.
            let first = random.below(128 * words.len() as u64) as usize;
            for bit in (first..128 * words.len()).step_by(37).take(3) {
                words[bit / 128] ^= 1 << (bit % 128);
            }
        }
    }
    to.receive(&words);
    true
}
