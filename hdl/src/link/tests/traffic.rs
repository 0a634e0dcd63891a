//! Random traffic: between two ends, and in the gate.

use super::super::frame::{
    Header, answer_frame, beat, credit_frame, ping, random_answer, random_bytes, seal, without_crc,
};
use super::super::link_unit::LinkUnit;
use super::end::{End, Feed, carry};
use super::{COVERED_FRAMES, new_unit};
use crate::gate::Random;
use abi::link::{header, kind};
use rust_hdl::prelude::*;
use std::collections::VecDeque;

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
                ends[index].stalled = random.chance(50);
            }
            if !sending {
                ends[index].drain = 1;
            }
            if sending && ends[index].frames.words.len() < 3 {
                let kind = if random.chance(10) {
                    kind::PING
                } else {
                    kind::MESSAGE
                };
                ends[index].random_frame(&mut random, kind);
                if random.chance(30) {
                    ends[index].random_loopback(&mut random, kind);
                }
            }
            if sending && random.below(30) == 0 && ends[index].packets.words.len() < 2 {
                ends[index].random_frame(&mut random, kind::PACKET);
            }
            if sending && random.below(7) == 0 && ends[index].answers.len() < 4 {
                let answer = random_answer(&mut random, ends[index].peer());
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
        let [channel_0, channel_1, loopback] = end.delivered;
        assert!(channel_0 + channel_1 > 100, "{:?}", end.delivered);
        assert!(loopback > 20, "{loopback}");
        assert!(
            end.pinged.iter().all(|&pings| pings > 5),
            "{:?}",
            end.pinged
        );
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
        assert_eq!(
            ends[0].accepted_headers, COVERED_FRAMES,
            "channel {channel}"
        );
        ends[0].frames.words.clear();
        ends[0].frames.offered = false;
    }
    assert_eq!(ends[1].overruns, 0);
}

#[test]
fn answers_and_frames_wait_for_at_most_one_of_the_other() {
    let mut random = Random::new(77);
    let mut end = End::new(0);
    end.receive(&credit_frame([480, 480], [0, 0]));
    let mut order = Vec::new();
    for _ in 0..120 {
        if end.answers.is_empty() {
            end.answers.push_back(random_answer(&mut random, 1));
        }
        if end.frames.words.is_empty() {
            let header = Header::new(kind::MESSAGE, 0, 0, 1, 8);
            end.frames.words.push_back(without_crc(header, &[0; 8]));
        }
        if let Some(words) = end.cycle(&mut random, 0) {
            order.push(header::kind::get(words[0]) >> abi::link::ANSWER_SHIFT);
        }
    }
    let settled = &order[10..];
    assert!(settled.len() > 60, "no cycle is lost: {}", settled.len());
    for pair in settled.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
}

#[test]
fn the_unit_passes_the_checks_and_emits() {
    let verilog = crate::emit::emit("link_unit", &new_unit(0));
    assert!(verilog.contains("module link_unit("));
}

#[test]
fn gate() {
    let mut incoming: VecDeque<(u128, bool)> = VecDeque::new();
    let mut feeds = [Feed::default(), Feed::default(), Feed::default()];
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
                    1 if random.chance(30) => {
                        seal(vec![ping(random.below(2), 0, 1, random_answer(random, 0))])
                    }
                    1 => {
                        let mut answer = random_answer(random, 1);
                        answer.verdict = random.below(8).to_bits();
                        answer_frame(0, answer)
                    }
                    _ => {
                        let kinds = [kind::MESSAGE, kind::PACKET, kind::BULK];
                        let kind = kinds[random.below(3) as usize];
                        let is_bulk = kind == kind::BULK;
                        let most = if is_bulk { 67 } else { 249 };
                        let told = random.below(most) as usize;
                        let length = if is_bulk { 4 * told } else { told };
                        let mut head = Header::new(kind, random.below(2), 0, 1, told);
                        head.0 = header::receive_queue_id::set(head.0, random.word());
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
            let sinks = [&mut unit.frame, &mut unit.loopback, &mut unit.packet];
            for (number, (feed, sink)) in feeds.iter_mut().zip(sinks).enumerate() {
                if sink.valid.val() && sink.ready.val() {
                    feed.taken();
                }
                if feed.words.is_empty() {
                    let length = random.below(60) as usize;
                    let kind = [kind::MESSAGE, kind::MESSAGE, kind::PACKET][number];
                    let mut head = Header::new(kind, random.below(2), 1, 0, length);
                    head.0 = header::marked::set(head.0, random.below(2));
                    let is_ping = number < 2 && random.chance(20);
                    feed.words.push_back(if is_ping {
                        vec![ping(0, 1, number as u64, random_answer(random, 0))]
                    } else {
                        without_crc(head, &random_bytes(random, length))
                    });
                }
                let offer = feed.offer(random, 4);
                sink.valid.next = offer.is_some();
                let (word, last) = offer.unwrap_or_default();
                sink.beat.next = beat(word, last);
            }
            unit.answer_valid.next = random.chance(20);
            unit.answer.next = random_answer(random, 0);
            unit.stalled_recently.next = random.chance(50);
            unit.gap_recorded.next = random.chance(5);
            unit.lookup_resident.next = random.chance(50);
            unit.lookup_queue.next = random.bits();
            unit.lookup2_ready.next = random.chance(70);
            unit.lookup2_resident.next = random.chance(50);
            unit.lookup2_queue.next = random.bits();
            unit.loopback_source.ready.next = random.chance(70);
            unit.link.ready.next = random.chance(80);
            unit.channel_0.ready.next = random.chance(70);
            unit.channel_1.ready.next = random.chance(70);
        });
}
