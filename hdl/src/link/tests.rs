//! The link against itself, with a wire that hurts frames, and against frames made by software.

use super::frame::{
    Header, acknowledge_frame, beat, credit_frame, random_bytes, seal, without_crc, word_of,
};
use super::link_unit::LinkUnit;
use crate::clock_cycle;
use crate::gate::{Random, settle};
use abi::link::{header, kind};
use rust_hdl::prelude::*;
use std::collections::VecDeque;

type Words = Vec<u128>;
/// Node, queue, slot, status.
type Answer = (u64, u64, u64, u64);

fn new_unit(node: u64) -> LinkUnit {
    let mut unit = LinkUnit::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.node.connect();
    unit.frame.valid.connect();
    unit.frame.beat.connect();
    unit.packet.valid.connect();
    unit.packet.beat.connect();
    unit.acknowledge_valid.connect();
    unit.acknowledge.connect();
    unit.link.ready.connect();
    unit.receive_valid.connect();
    unit.receive_beat.connect();
    unit.channel_0.ready.connect();
    unit.channel_1.ready.connect();
    unit.connect_all();
    unit.node.next = node.to_bits();
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    settle(&mut unit);
    unit
}

/// What a random sender still has to send, and what it is sending.
#[derive(Default)]
struct Feed {
    words: VecDeque<Words>,
    position: usize,
    offered: bool,
}

impl Feed {
    /// The beat on offer; once on offer it stays.
    fn offer(&mut self, random: &mut Random, pause: u64) -> Option<(u128, bool)> {
        let words = self.words.front()?;
        if !self.offered && pause > 0 && random.below(pause) == 0 {
            return None;
        }
        self.offered = true;
        Some((words[self.position], self.position + 1 == words.len()))
    }

    fn taken(&mut self) {
        self.offered = false;
        self.position += 1;
        if self.position == self.words[0].len() {
            self.position = 0;
            self.words.pop_front();
        }
    }
}

/// One end of the link with its random surroundings.
struct End {
    unit: LinkUnit,
    node: u64,
    frames: Feed,
    packets: Feed,
    answers: VecDeque<Answer>,
    /// Beats of the frame under way on this end's transmit wire.
    outgoing: Words,
    /// Beats on their way to this end.
    incoming: VecDeque<(u128, bool)>,
    /// What must come out of the channels, and what came out so far of the present frame.
    expected: [VecDeque<Words>; 2],
    partial: [Words; 2],
    expected_answers: VecDeque<Answer>,
    delivered: usize,
    accepted_headers: usize,
    dropped: u64,
    overruns: u64,
    /// One in so many cycles the receiver is not ready; 0: never ready.
    drain: u64,
}

impl End {
    fn new(node: u64) -> Self {
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

    fn peer(&self) -> u64 {
        1 - self.node
    }

    /// A cycle; returns a frame if its last beat left on the wire.
    fn cycle(&mut self, random: &mut Random, pause: u64) -> Option<Words> {
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

    fn receive(&mut self, words: &[u128]) {
        let end = words.len();
        for (position, word) in words.iter().enumerate() {
            self.incoming.push_back((*word, position + 1 == end));
        }
    }

    fn random_frame(&mut self, random: &mut Random, kind: usize) {
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

    fn idle(&self) -> bool {
        self.frames.words.is_empty()
            && self.packets.words.is_empty()
            && self.answers.is_empty()
            && self.incoming.is_empty()
            && self.expected.iter().all(VecDeque::is_empty)
            && self.expected_answers.is_empty()
    }
}

/// The wire: mostly lets frames through, else hurts them in one of many ways.
fn carry(words: Words, to: &mut End, random: &mut Random, hurt_one_in: u64) -> bool {
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

#[test]
fn random_traffic_over_a_wire_that_hurts_frames() {
    let seed = 0x5eed_0001;
    println!("seed {seed:#x}");
    let mut random = Random::new(seed);
    let mut ends = [End::new(0), End::new(1)];
    let mut hurt = 0;
    for cycle in 0..12_000 {
        let sending = cycle < 6_000;
        let hurt_one_in = if sending { 12 } else { 0 };
        for index in 0..2 {
            if cycle % 1500 == 0 {
                ends[index].drain = [1, 2, 5, 12][random.below(4) as usize];
            }
            if !sending {
                ends[index].drain = 1;
            }
            if sending && ends[index].frames.words.len() < 3 {
                ends[index].random_frame(&mut random, kind::MESSAGE);
            }
            if sending && random.below(30) == 0 && ends[index].packets.words.len() < 2 {
                ends[index].random_frame(&mut random, kind::PACKET);
            }
            if sending && random.below(7) == 0 && ends[index].answers.len() < 4 {
                let answer = (
                    ends[index].peer(),
                    random.below(16),
                    random.below(16),
                    random.below(4),
                );
                ends[index].answers.push_back(answer);
            }
            if let Some(words) = ends[index].cycle(&mut random, 6) {
                hurt += usize::from(carry(words, &mut ends[1 - index], &mut random, hurt_one_in));
            }
        }
    }
    for end in &ends {
        assert!(end.idle(), "node {} is not done", end.node);
        assert_eq!(end.overruns, 0);
        assert!(end.delivered > 100, "{}", end.delivered);
    }
    assert!(hurt > 20);
    assert!(ends[0].dropped + ends[1].dropped > 10);

    // All credit is back: with a receiver that takes nothing, all that credits cover can be sent, and not a beat more.
    for channel in 0..2 {
        ends[1].drain = 0;
        ends[0].accepted_headers = 0;
        for _ in 0..1500 {
            if ends[0].frames.words.is_empty() {
                let frame = Header::new(kind::MESSAGE, channel, 0, 1, 248);
                ends[0]
                    .frames
                    .words
                    .push_back(without_crc(frame, &[7; 248]));
            }
            let words = ends[0].cycle(&mut random, 0);
            if let Some(words) = words {
                carry(words, &mut ends[1], &mut random, 0);
            }
            let words = ends[1].cycle(&mut random, 0);
            if let Some(words) = words {
                carry(words, &mut ends[0], &mut random, 0);
            }
        }
        // 480 beats: 28 frames of 17 beats; a 29th would need 493.
        assert_eq!(ends[0].accepted_headers, 28, "channel {channel}");
        ends[0].frames.words.clear();
        ends[0].frames.offered = false;
    }
    assert_eq!(ends[1].overruns, 0);
}

/// Waits, without traffic, until the unit has credit.
fn with_credit() -> LinkUnit {
    let mut unit = new_unit(1);
    unit.link.ready.next = true;
    send(&mut unit, &credit_frame([480, 480], [0, 0]));
    for _ in 0..4 {
        settle(&mut unit);
        clock_cycle!(unit, clock);
    }
    unit
}

/// Puts beats on the receive wire; after it the last beat's cycle is over.
fn send(unit: &mut LinkUnit, words: &[u128]) {
    for (position, word) in words.iter().enumerate() {
        unit.receive_valid.next = true;
        unit.receive_beat.next = beat(*word, position + 1 == words.len());
        settle(unit);
        clock_cycle!(*unit, clock);
    }
    unit.receive_valid.next = false;
    settle(unit);
}

#[test]
fn the_first_frame_after_reset_tells_all_credit() {
    let mut unit = new_unit(1);
    unit.link.ready.next = true;
    settle(&mut unit);
    assert!(!unit.room_0.val() && !unit.room_1.val());
    clock_cycle!(unit, clock);
    assert!(unit.link.valid.val() && unit.link.beat.val().last);
    let mut word = credit_frame([480, 480], [0, 0])[0];
    word = abi::link::credit::source_node::set(word, 1);
    assert_eq!(word_of(unit.link.beat.val()), seal(vec![word])[0]);
}

#[test]
fn without_credit_nothing_begins() {
    let mut unit = new_unit(1);
    unit.link.ready.next = true;
    unit.frame.valid.next = true;
    unit.frame.beat.next = beat(Header::new(kind::MESSAGE, 1, 1, 0, 8).0, false);
    for _ in 0..20 {
        settle(&mut unit);
        assert!(!unit.frame.ready.val());
        clock_cycle!(unit, clock);
    }
    send(&mut unit, &credit_frame([480, 18], [0, 0]));
    for _ in 0..20 {
        settle(&mut unit);
        assert!(
            !unit.frame.ready.val(),
            "18 beats of credit are not sure to be enough"
        );
        clock_cycle!(unit, clock);
    }
    send(&mut unit, &credit_frame([0, 19], [0, 0]));
    for _ in 0..3 {
        settle(&mut unit);
        clock_cycle!(unit, clock);
    }
    assert!(unit.frame.ready.val());
}

#[test]
fn latencies_are_as_documented() {
    let mut unit = with_credit();
    assert!(unit.room_0.val() && unit.room_1.val());
    let words = without_crc(Header::new(kind::MESSAGE, 0, 1, 0, 8), &[1; 8]);
    unit.frame.valid.next = true;
    unit.frame.beat.next = beat(words[0], false);
    settle(&mut unit);
    assert!(unit.frame.ready.val());
    clock_cycle!(unit, clock);
    assert!(
        unit.link.valid.val(),
        "one cycle from acceptance to the wire"
    );
    assert_eq!(word_of(unit.link.beat.val()), words[0]);
    unit.frame.beat.next = beat(words[1], true);
    settle(&mut unit);
    assert!(unit.frame.ready.val(), "one beat a cycle");
    clock_cycle!(unit, clock);
    assert_eq!(word_of(unit.link.beat.val()), seal(words)[1]);
    unit.frame.valid.next = false;
    settle(&mut unit);
    clock_cycle!(unit, clock);

    let frame = seal(without_crc(Header::new(kind::MESSAGE, 1, 0, 1, 8), &[2; 8]));
    unit.channel_1.ready.next = true;
    send(&mut unit, &frame);
    assert!(unit.channel_1.valid.val(), "one cycle after the last beat");
    assert_eq!(word_of(unit.channel_1.beat.val()), frame[0]);
    clock_cycle!(unit, clock);
    assert!(unit.channel_1.valid.val() && unit.channel_1.beat.val().last);
    assert_eq!(word_of(unit.channel_1.beat.val()), frame[1]);

    send(&mut unit, &acknowledge_frame(0, 1, 5, 0x1c));
    assert!(!unit.received_valid.val());
    clock_cycle!(unit, clock);
    assert!(unit.received_valid.val(), "two cycles after the beat");
    let answer = unit.received.val();
    assert_eq!(answer.node.to_u64(), 0);
    assert_eq!(answer.queue.to_u64(), 5);
    assert_eq!(answer.slot.to_u64(), 12);
    assert_eq!(answer.status.to_u64(), 1);
}

#[test]
fn each_kind_of_bad_frame_is_counted_as_what_it_is() {
    let mut unit = with_credit();
    unit.channel_0.ready.next = true;
    unit.channel_1.ready.next = true;
    let good = Header::new(kind::MESSAGE, 0, 0, 1, 8);
    let of = |header: u128| seal(without_crc(Header(header), &[3; 8]));
    let mut flipped = of(good.0);
    flipped[1] ^= 1 << 77;
    let with_length = |length| of(header::length::set(good.0, length));
    let cases: Vec<(&str, Words, [bool; 4])> = vec![
        ("right", of(good.0), [true, false, false, false]),
        ("flipped bit", flipped, [false, true, false, false]),
        (
            "no kind",
            of(header::kind::set(good.0, 0)),
            [false, true, false, false],
        ),
        (
            "length of another frame",
            with_length(13),
            [false, true, false, false],
        ),
        (
            "length beyond all",
            with_length(255),
            [false, true, false, false],
        ),
        (
            "longest length, too few beats",
            with_length(248),
            [false, true, false, false],
        ),
        (
            "acknowledgement of two beats",
            of(header::kind::set(good.0, kind::ACKNOWLEDGE as u64)),
            [false, true, false, false],
        ),
        (
            "message of one beat",
            seal(vec![good.0 & (u128::MAX >> 32)]),
            [false, true, false, false],
        ),
        (
            "another version",
            of(header::version::set(good.0, 2)),
            [false, false, true, false],
        ),
        (
            "another node",
            of(header::destination_node::set(good.0, 2)),
            [false, false, false, true],
        ),
        (
            "node 64",
            of(header::source_node::set(good.0, 64)),
            [false, false, false, true],
        ),
        (
            "queue 16",
            of(header::source_queue::set(good.0, 16)),
            [false, false, false, true],
        ),
        (
            "acknowledgement for another node",
            acknowledge_frame(0, 2, 0, 0),
            [false, false, false, true],
        ),
    ];
    for (name, words, expected) in cases {
        send(&mut unit, &words);
        let seen = [
            unit.frame_received.val(),
            unit.corrupt.val(),
            unit.version.val(),
            unit.misrouted.val(),
        ];
        assert_eq!(seen, expected, "{name}");
        assert!(!unit.overrun.val());
        assert_eq!(unit.channel_0.valid.val(), name == "right", "{name}");
        for _ in 0..4 {
            clock_cycle!(unit, clock);
            assert!(!unit.received_valid.val(), "{name}");
        }
    }
}

#[test]
fn frames_without_credit_are_dropped_and_those_with_credit_stay() {
    let mut unit = with_credit();
    let frames: Vec<Words> = (0..40)
        .map(|n| {
            seal(without_crc(
                Header::new(kind::MESSAGE, 0, 0, 1, 248),
                &[n; 248],
            ))
        })
        .collect();
    let mut overruns = 0;
    for frame in &frames {
        send(&mut unit, frame);
        overruns += usize::from(unit.overrun.val());
    }
    assert_eq!(overruns, 12, "480 beats hold 28 frames");
    unit.channel_0.ready.next = true;
    settle(&mut unit);
    for frame in &frames[..28] {
        for word in frame {
            assert!(unit.channel_0.valid.val());
            assert_eq!(word_of(unit.channel_0.beat.val()), *word);
            clock_cycle!(unit, clock);
        }
    }
    assert!(!unit.channel_0.valid.val());
}

#[test]
fn a_reset_within_a_frame_costs_that_frame_only() {
    let mut unit = with_credit();
    let frame = seal(without_crc(
        Header::new(kind::MESSAGE, 0, 0, 1, 100),
        &[9; 100],
    ));
    unit.receive_valid.next = true;
    unit.receive_beat.next = beat(frame[0], false);
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    send(&mut unit, &frame[1..]);
    assert!(unit.corrupt.val() && !unit.channel_0.valid.val());
    send(&mut unit, &frame);
    assert!(unit.channel_0.valid.val() && unit.frame_received.val());
}

#[test]
fn acknowledgements_and_frames_wait_for_at_most_one_of_the_other() {
    let mut random = Random::new(77);
    let mut end = End::new(0);
    end.receive(&credit_frame([480, 480], [0, 0]));
    let mut order = Vec::new();
    for _ in 0..120 {
        if end.answers.is_empty() {
            end.answers.push_back((1, 2, 3, 0));
        }
        if end.frames.words.is_empty() {
            let header = Header::new(kind::MESSAGE, 0, 0, 1, 8);
            end.frames.words.push_back(without_crc(header, &[0; 8]));
        }
        if let Some(words) = end.cycle(&mut random, 0) {
            order.push(header::kind::get(words[0]) as usize);
        }
    }
    let settled = &order[10..];
    assert!(settled.len() > 60, "no cycle is lost: {}", settled.len());
    for pair in settled.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

#[test]
fn credit_frames_come_as_space_is_freed_and_at_least_every_interval() {
    let mut unit = with_credit();
    let mut random = Random::new(5);
    let mut ages = Vec::new();
    let mut age = 0;
    for cycle in 0..4000u64 {
        settle(&mut unit);
        age += 1;
        if unit.link.valid.val() {
            let word = word_of(unit.link.beat.val());
            assert_eq!(header::kind::get(word) as usize, kind::CREDIT);
            ages.push((cycle, age, abi::link::credit::limit_1::get(word)));
            age = 0;
        }
        clock_cycle!(unit, clock);
    }
    assert!(ages.len() >= 3);
    assert!(
        ages[1..]
            .iter()
            .all(|(_, age, limit)| *age <= 1030 && *limit == 480),
        "{ages:?}"
    );

    // 64 beats consumed: told at once.
    unit.channel_1.ready.next = true;
    let before = 480;
    for _ in 0..4 {
        let frame = Header::new(kind::MESSAGE, 1, 0, 1, 248);
        send(
            &mut unit,
            &seal(without_crc(frame, &random_bytes(&mut random, 248))),
        );
    }
    let mut told = None;
    for _ in 0..40 {
        settle(&mut unit);
        if unit.link.valid.val() {
            told = Some(abi::link::credit::limit_1::get(word_of(
                unit.link.beat.val(),
            )));
        }
        clock_cycle!(unit, clock);
    }
    assert!(told.is_some_and(|limit| limit >= before + 64), "{told:?}");
}

#[test]
fn the_unit_passes_the_checks_and_emits() {
    let verilog = crate::emit::emit("link_unit", &new_unit(0));
    assert!(verilog.contains("module link_unit("));
}

#[test]
fn gate() {
    let mut incoming: VecDeque<(u128, bool)> = VecDeque::new();
    let mut feeds = [Feed::default(), Feed::default()];
    crate::gate::Gate::new("link_unit", LinkUnit::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .seed(8)
        .run(move |unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.node.next = 1u64.to_bits();
            // A peer that grants a little more every now and then, and whose frames are sometimes hurt.
            if incoming.is_empty() {
                let mut frame = match random.below(4) {
                    0 => credit_frame([cycle / 2, cycle / 3], [random.below(500), 0]),
                    1 => acknowledge_frame(0, 1, random.below(16), random.below(256)),
                    _ => {
                        let length = random.below(249) as usize;
                        let kind = [kind::MESSAGE, kind::PACKET][random.below(2) as usize];
                        let head = Header::new(kind, random.below(2), 0, 1, length);
                        seal(without_crc(head, &random_bytes(random, length)))
                    }
                };
                if random.chance(20) {
                    let at = random.below(frame.len() as u64) as usize;
                    frame[at] ^= 1 << random.below(128);
                }
                let end = frame.len() - 1;
                incoming.extend(
                    frame
                        .into_iter()
                        .enumerate()
                        .map(|(at, word)| (word, at == end)),
                );
            }
            unit.receive_valid.next = random.chance(80);
            if unit.receive_valid.next
                && let Some((word, last)) = incoming.pop_front()
            {
                unit.receive_beat.next = beat(word, last);
            }
            let sinks = [&mut unit.frame, &mut unit.packet];
            for (number, (feed, sink)) in feeds.iter_mut().zip(sinks).enumerate() {
                if sink.valid.val() && sink.ready.val() {
                    feed.taken();
                }
                if feed.words.is_empty() {
                    let length = random.below(60) as usize;
                    let kind = [kind::MESSAGE, kind::PACKET][number];
                    let mut head = Header::new(kind, random.below(2), 1, 0, length);
                    head.0 = header::marked::set(head.0, random.below(2));
                    feed.words
                        .push_back(without_crc(head, &random_bytes(random, length)));
                }
                let offer = feed.offer(random, 4);
                sink.valid.next = offer.is_some();
                let (word, last) = offer.unwrap_or_default();
                sink.beat.next = beat(word, last);
            }
            unit.acknowledge_valid.next = random.chance(20);
            unit.acknowledge.next = crate::bundles::Acknowledgement {
                node: random.bits(),
                queue: random.bits(),
                slot: random.bits(),
                status: random.bits(),
            };
            unit.link.ready.next = random.chance(80);
            unit.channel_0.ready.next = random.chance(70);
            unit.channel_1.ready.next = random.chance(70);
        });
}
