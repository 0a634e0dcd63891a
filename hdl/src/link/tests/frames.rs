//! Single frames: how long they take, and what becomes of bad ones.

use super::super::frame::{Header, acknowledge_frame, beat, seal, without_crc, word_of};
use super::{Words, send, with_credit};
use crate::clock_cycle;
use crate::gate::settle;
use abi::link::{header, kind};

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
