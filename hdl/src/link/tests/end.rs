//! An end of the link with random senders and receivers, and the wire between two of them.

use super::super::frame::{Header, beat, random_bytes, without_crc, word_of};
use super::super::link_unit::LinkUnit;
use super::{Words, new_unit};
use crate::clock_cycle;
use crate::gate::{Random, settle};
use abi::link::{header, kind};
use rust_hdl::prelude::*;
use std::collections::VecDeque;

/// Node, queue, slot, status.
type Answer = (u64, u64, u64, u64);

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
    pub packets: Feed,
    pub answers: VecDeque<Answer>,
    /// Beats of the frame under way on this end's transmit wire.
    outgoing: Words,
    /// Beats on their way to this end.
    incoming: VecDeque<(u128, bool)>,
    /// What must come out of the channels, and what came out so far of the present frame.
    expected: [VecDeque<Words>; 2],
    partial: [Words; 2],
    expected_answers: VecDeque<Answer>,
    pub delivered: usize,
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
            packets: Feed::default(),
            answers: VecDeque::new(),
            outgoing: Vec::new(),
            incoming: VecDeque::new(),
            expected: Default::default(),
            partial: Default::default(),
            expected_answers: VecDeque::new(),
            delivered: 0,
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
        let unit = &mut self.unit;
        let frame = self.frames.offer(random, pause);
        unit.frame.valid.next = frame.is_some();
        let (word, last) = frame.unwrap_or((random.wide(), false));
        unit.frame.beat.next = beat(word, last);
        let packet = self.packets.offer(random, pause);
        unit.packet.valid.next = packet.is_some();
        let (word, last) = packet.unwrap_or((random.wide(), false));
        unit.packet.beat.next = beat(word, last);
        unit.acknowledge_valid.next = !self.answers.is_empty();
        let answer = self.answers.front().copied().unwrap_or_default();
        unit.acknowledge.next = crate::bundles::Acknowledgement {
            node: answer.0.to_bits(),
            queue: answer.1.to_bits(),
            slot: answer.2.to_bits(),
            status: answer.3.to_bits(),
        };
        unit.link.ready.next = pause == 0 || random.below(8) != 0;
        let incoming = if pause == 0 || random.below(16) != 0 {
            self.incoming.pop_front()
        } else {
            None
        };
        unit.receive_valid.next = incoming.is_some();
        let (word, last) = incoming.unwrap_or((random.wide(), true));
        unit.receive_beat.next = beat(word, last);
        unit.channel_0.ready.next = self.drain > 0 && random.below(self.drain) == 0;
        unit.channel_1.ready.next = self.drain > 0 && random.below(self.drain) == 0;
        settle(unit);

        if unit.frame.ready.val() && unit.frame.valid.val() {
            self.accepted_headers += usize::from(self.frames.position == 0);
            self.frames.taken();
        }
        if unit.packet.ready.val() && unit.packet.valid.val() {
            self.packets.taken();
        }
        if unit.acknowledge_ready.val() && unit.acknowledge_valid.val() {
            self.answers.pop_front();
        }
        self.overruns += u64::from(unit.overrun.val());
        self.dropped += u64::from(unit.corrupt.val() || unit.version.val() || unit.misrouted.val());
        if unit.received_valid.val() {
            let received = unit.received.val();
            let got = (
                received.node.to_u64(),
                received.queue.to_u64(),
                received.slot.to_u64(),
                received.status.to_u64(),
            );
            assert_eq!(Some(got), self.expected_answers.pop_front());
        }
        for (channel, source) in [&unit.channel_0, &unit.channel_1].into_iter().enumerate() {
            if source.valid.val() && source.ready.val() {
                self.partial[channel].push(word_of(source.beat.val()));
                if source.beat.val().last {
                    let frame = std::mem::take(&mut self.partial[channel]);
                    let expected = self.expected[channel].pop_front();
                    assert_eq!(
                        Some(frame),
                        expected,
                        "node {} channel {channel}",
                        self.node
                    );
                    self.delivered += 1;
                }
            }
        }
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

    /// A frame comes in whole from the peer: what is to be seen of it.
    fn expect(&mut self, words: Words) {
        match header::kind::get(words[0]) as usize {
            kind::CREDIT => {}
            kind::ACKNOWLEDGE => {
                let word = words[0];
                let slot_status = abi::link::acknowledgement::slot_status::get(word);
                self.expected_answers.push_back((
                    abi::link::acknowledgement::source_node::get(word),
                    abi::link::acknowledgement::queue::get(word),
                    slot_status & 15,
                    slot_status >> 4,
                ));
            }
            _ => {
                let channel = header::virtual_channel::get(words[0]) as usize;
                self.expected[channel].push_back(words);
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
        let length = match random.below(4) {
            0 => random.below(249) as usize,
            1 => 8,
            2 => 248,
            _ => random.below(40) as usize,
        };
        let mut header = Header::new(kind, random.below(2), self.node, self.peer(), length);
        header.0 = header::tag::set(header.0, random.word());
        header.0 = header::slot::set(header.0, random.word());
        header.0 = header::marked::set(header.0, random.word());
        let words = without_crc(header, &random_bytes(random, length));
        if kind == kind::MESSAGE {
            self.frames.words.push_back(words);
        } else {
            self.packets.words.push_back(words);
        }
    }

    pub fn idle(&self) -> bool {
        self.frames.words.is_empty()
            && self.packets.words.is_empty()
            && self.answers.is_empty()
            && self.incoming.is_empty()
            && self.expected.iter().all(VecDeque::is_empty)
            && self.expected_answers.is_empty()
    }
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
            for _ in 0..=random.below(3) {
                let at = random.below(words.len() as u64) as usize;
                words[at] ^= 1 << random.below(128);
            }
        }
    }
    to.receive(&words);
    true
}
