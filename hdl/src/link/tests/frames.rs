//! Single frames: how long they take, and what becomes of bad ones.

use super::super::frame::{
    Header, answer_frame, answer_to, beat, ping, random_answer, seal, stored, without_crc, word_of,
};
use super::{Words, epoch_of, send, with_credit};
use crate::bundles::Answer;
use crate::clock_cycle;
use crate::configuration::{NODES_LOG2, PEER_QUEUES_LOG2};
use crate::gate::{Random, settle};
use abi::link::{header, kind};
use abi::message::error;
use rust_hdl::prelude::*;

#[test]
fn latencies_are_as_documented() {
    let mut unit = with_credit();
    assert!(unit.room_0.val() && unit.room_1.val());
    let words = without_crc(Header::new(kind::MESSAGE, 0, 1, 0, 8), &[1; 8]);
    unit.frame.valid.next = true;
    super::offer(&mut unit, words[0], false);
    settle(&mut unit);
    assert!(unit.frame.ready.val());
    clock_cycle!(unit, clock);
    assert!(
        unit.link.valid.val(),
        "one cycle from acceptance to the wire"
    );
    assert_eq!(word_of(unit.link.beat.val()), words[0]);
    super::offer(&mut unit, words[1], true);
    settle(&mut unit);
    assert!(unit.frame.ready.val(), "one beat a cycle");
    clock_cycle!(unit, clock);
    assert_eq!(word_of(unit.link.beat.val()), seal(words)[1]);
    unit.frame.valid.next = false;
    settle(&mut unit);
    clock_cycle!(unit, clock);

    let mut head = Header::new(kind::MESSAGE, 1, 0, 1, 8);
    head.0 = header::receive_queue_id::set(head.0, 0x2b5);
    let frame = seal(without_crc(head, &[2; 8]));
    unit.channel_1.ready.next = true;
    send(&mut unit, &frame);
    assert!(unit.channel_1.valid.val(), "one cycle after the last beat");
    assert_eq!(
        word_of(unit.channel_1.beat.val()),
        stored(frame.clone())[0],
        "with what its RQID leads to"
    );
    clock_cycle!(unit, clock);
    assert!(unit.channel_1.valid.val() && unit.channel_1.beat.val().last);
    assert_eq!(word_of(unit.channel_1.beat.val()), frame[1]);
    clock_cycle!(unit, clock);

    let answer = random_answer(&mut Random::new(3), 1);
    send(&mut unit, &answer_frame(0, answer));
    assert!(!unit.received_valid.val());
    clock_cycle!(unit, clock);
    assert!(unit.received_valid.val(), "two cycles after the beat");
    let from_node_0 = Answer {
        node: 0.into(),
        ..answer
    };
    assert_eq!(unit.received.val(), from_node_0);
    assert!(!unit.ping_valid.val());

    let word = ping(0, 0, 1, answer);
    send(&mut unit, &seal(vec![word]));
    clock_cycle!(unit, clock);
    assert!(unit.ping_valid.val(), "two cycles after the beat");
    for stalled in [false, true] {
        unit.stalled_recently.next = stalled;
        settle(&mut unit);
        assert_eq!(unit.ping.val(), answer_to(word, stalled));
    }
    assert!(!unit.received_valid.val());
}

/// Of a status only an error of one message reaches the transmit queues; a count goes to the transfer engine.
#[test]
fn a_bulk_answer_becomes_the_error_of_one_message() {
    let mut unit = with_credit();
    let mut random = Random::new(4);
    for (status, counted) in (0..16).flat_map(|status| [(status, 0), (status, 1)]) {
        let mut answer = random_answer(&mut random, 1);
        answer.verdict = (kind::BULK_ANSWER as u64 & 7).to_bits();
        let bitmap = abi::link::BulkStatus { status, counted }.pack();
        answer.bitmap = u64::from(bitmap).to_bits();
        send(&mut unit, &answer_frame(0, answer));
        assert!(unit.frame_received.val());
        clock_cycle!(unit, clock);
        let is_error = status >= error::BAD_SEGMENT as u64 && counted == 0;
        assert_eq!(unit.received_valid.val(), is_error, "{status} {counted}");
        let expected = Answer {
            node: 0u64.to_bits(),
            bitmap: 1u64.to_bits(),
            verdict: status.to_bits(),
            ..answer
        };
        assert!(!is_error || unit.received.val() == expected);
        let is_told = counted == 1 && (status <= 1 || status >= error::BAD_SEGMENT as u64);
        assert_eq!(unit.counted_valid.val(), is_told, "{status} {counted}");
        let expected = Answer {
            bitmap: answer.bitmap,
            ..expected
        };
        assert!(!is_told || unit.counted.val() == expected);
    }
}

/// Sends Express messages both ways without a pause, until credits are told.
#[test]
fn frames_of_two_beats_leave_and_come_in_back_to_back() {
    let mut unit = with_credit();
    let mut head = Header::new(kind::MESSAGE, 0, 1, 0, 8);
    head.0 = header::receive_queue_id::set(head.0, 7);
    let out = without_crc(head, &[1; 8]);
    let incoming: Words = (0..30)
        .flat_map(|n| seal(without_crc(Header::new(kind::MESSAGE, 1, 0, 1, 8), &[n; 8])))
        .collect();
    unit.channel_1.ready.next = true;
    let mut received = Vec::new();
    for cycle in 0..64 {
        unit.frame.valid.next = cycle < 60;
        super::offer(&mut unit, out[cycle % 2], cycle % 2 == 1);
        unit.receive_valid.next = cycle < 60;
        let word = incoming.get(cycle).copied().unwrap_or_default();
        unit.receive_beat.next = beat(word, cycle % 2 == 1);
        settle(&mut unit);
        assert_eq!(unit.frame.ready.val(), cycle < 60, "cycle {cycle}");
        assert_eq!(unit.link.valid.val(), (1..61).contains(&cycle));
        if unit.channel_1.valid.val() {
            received.push((cycle, word_of(unit.channel_1.beat.val())));
        }
        clock_cycle!(unit, clock);
    }
    let expected: Vec<(usize, u128)> = incoming.into_iter().enumerate().collect();
    let received: Vec<(usize, u128)> = received
        .into_iter()
        .map(|(c, word)| (c - 2, word))
        .collect();
    assert_eq!(received, expected, "each beat two cycles after it came");
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
    let bulk = |words, bytes| {
        let head = Header::new(kind::BULK, 0, 0, 1, words);
        seal(without_crc(head, &vec![5; bytes]))
    };
    let answer_to_node_2 = random_answer(&mut Random::new(9), 2);
    let with_length = |length| of(header::length::set(good.0, length));
    let mut cases: Vec<(&str, Words, [bool; 4])> = vec![
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
            "answer of two beats",
            of(header::kind::set(good.0, kind::FULL as u64)),
            [false, true, false, false],
        ),
        (
            "ping of two beats",
            of(header::kind::set(good.0, kind::PING as u64)),
            [false, true, false, false],
        ),
        (
            "reserved kind",
            of(header::kind::set(good.0, kind::PACKED as u64)),
            [false, true, false, false],
        ),
        (
            "reserved kind of one beat",
            seal(vec![header::kind::set(good.0, kind::NACK as u64)]),
            [false, true, false, false],
        ),
        (
            "bulk answer of two beats",
            of(header::kind::set(good.0, kind::BULK_ANSWER as u64)),
            [false, true, false, false],
        ),
        ("right", bulk(2, 8), [true, false, false, false]),
        ("right", bulk(3, 12), [true, false, false, false]),
        ("right", bulk(66, 264), [true, false, false, false]),
        (
            "bulk without sub-header",
            bulk(1, 4),
            [false, true, false, false],
        ),
        ("bulk of nothing", bulk(0, 8), [false, true, false, false]),
        (
            "bulk beyond a block",
            bulk(67, 268),
            [false, true, false, false],
        ),
        (
            "bulk with a beat too few",
            bulk(4, 12),
            [false, true, false, false],
        ),
        (
            "bulk with a beat too many",
            bulk(3, 13),
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
            "answer for another node",
            answer_frame(0, answer_to_node_2),
            [false, false, false, true],
        ),
        (
            "ping for another node",
            seal(vec![ping(0, 0, 2, answer_to_node_2)]),
            [false, false, false, true],
        ),
    ];
    let highest = of(header::source_node::set(good.0, (1 << NODES_LOG2) - 1));
    let source = highest[0];
    let slot = header::slot::set(source, (1 << PEER_QUEUES_LOG2) - 1);
    cases.push(("right", of(slot), [true, false, false, false]));
    if NODES_LOG2 < 10 {
        let node = header::source_node::set(good.0, 1 << NODES_LOG2);
        cases.push(("impossible node", of(node), [false, false, false, true]));
    }
    if PEER_QUEUES_LOG2 < 8 {
        let slot = header::slot::set(good.0, 1 << PEER_QUEUES_LOG2);
        cases.push(("impossible slot", of(slot), [false, false, false, true]));
        let bulk = header::kind::set(header::length::set(slot, 2), kind::BULK as u64);
        cases.push(("right", of(bulk), [true, false, false, false]));
        let packet = header::kind::set(slot, kind::PACKET as u64);
        cases.push(("right", of(packet), [true, false, false, false]));
    }
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
        for _ in 0..20 {
            clock_cycle!(unit, clock);
            assert!(
                !unit.received_valid.val() && !unit.ping_valid.val(),
                "{name}"
            );
        }
    }
}

/// Back to back: a frame that is lost, for whatever reason, lies between two epochs, and nothing
/// else does. Many that are lost in a row count once.
#[test]
fn a_lost_frame_lies_between_two_epochs() {
    let good = |channel: u64| {
        let head = Header::new(kind::MESSAGE, channel, 0, 1, 8);
        seal(without_crc(head, &[3; 8]))
    };
    let of = |header: u128| seal(without_crc(Header(header), &[3; 8]));
    let header = Header::new(kind::MESSAGE, 0, 0, 1, 8).0;
    let mut flipped = good(1);
    flipped[0] ^= 1 << 120;
    let mut cut = good(0);
    cut.pop();
    let answer = answer_frame(0, random_answer(&mut Random::new(3), 1));
    let mut lost_answer = answer.clone();
    lost_answer[0] ^= 1 << 50;
    for (name, bad, is_lost) in [
        ("nothing", vec![], false),
        ("an answer", answer, false),
        ("flipped bit", flipped, true),
        ("cut", cut, true),
        ("lost answer", lost_answer, true),
        ("version", of(header::version::set(header, 9)), true),
        (
            "another node",
            of(header::destination_node::set(header, 7)),
            true,
        ),
    ] {
        let mut unit = with_credit();
        for channel in [0, 1, 0] {
            send(&mut unit, &good(channel));
        }
        for _ in 0..3 {
            if !bad.is_empty() {
                send(&mut unit, &bad);
            }
        }
        for channel in [1, 0, 1] {
            send(&mut unit, &good(channel));
        }
        clock_cycle!(unit, clock);
        let mut epochs = [vec![], vec![]];
        unit.channel_0.ready.next = true;
        unit.channel_1.ready.next = true;
        for _ in 0..20 {
            settle(&mut unit);
            for (source, epochs) in [&unit.channel_0, &unit.channel_1]
                .into_iter()
                .zip(&mut epochs)
            {
                if source.valid.val() && !source.beat.val().last {
                    epochs.push(epoch_of(word_of(source.beat.val())));
                }
            }
            clock_cycle!(unit, clock);
        }
        let behind = u64::from(is_lost);
        assert_eq!(
            epochs,
            [vec![0, 0, behind], vec![0, behind, behind]],
            "{name}"
        );
        assert_eq!(unit.gap_epoch.val().to_u64(), behind);
    }
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
