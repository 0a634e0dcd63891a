//! Messages to the own node.

use super::super::frame::{
    Header, answer_frame, answer_to, beat, look_up, ping, random_answer, seal, stored, without_crc,
    word_of,
};
use super::{new_unit, send};
use crate::clock_cycle;
use crate::gate::{Random, settle};
use abi::link::{header, kind};
use rust_hdl::prelude::*;

#[test]
fn a_message_to_the_own_node_passes_in_one_cycle_and_never_sees_the_wire() {
    let mut unit = new_unit(5);
    unit.link.ready.next = true;
    unit.loopback_source.ready.next = true;
    unit.lookup2_ready.next = true;
    settle(&mut unit);
    // The first credit frame.
    clock_cycle!(unit, clock);
    clock_cycle!(unit, clock);
    let mut head = Header::new(kind::MESSAGE, 0, 5, 5, 8);
    head.0 = header::receive_queue_id::set(head.0, 0x123);
    head.0 = header::marked::set(head.0, 1);
    let words = without_crc(head, &[6; 8]);
    let expected = stored(words.clone());
    // Two messages back to back.
    for beats in 0..5 {
        unit.loopback.valid.next = beats < 4;
        unit.loopback.beat.next = beat(words[beats % 2], beats % 2 == 1);
        settle(&mut unit);
        assert_eq!(unit.loopback.ready.val(), beats < 4);
        assert_eq!(unit.lookup2_valid.val(), beats == 0 || beats == 2);
        assert_eq!(unit.frame_out.val(), beats == 0 || beats == 2);
        assert_eq!(unit.frame_in.val(), beats == 1 || beats == 3);
        assert_eq!(unit.loopback_source.valid.val(), beats > 0);
        if beats > 0 {
            let got = word_of(unit.loopback_source.beat.val());
            assert_eq!(got, expected[(beats - 1) % 2]);
        }
        assert!(!unit.link.valid.val());
        let (resident, queue) = look_up(unit.lookup2_id.val().to_u64());
        let looks_up = unit.lookup2_valid.val();
        clock_cycle!(unit, clock);
        unit.lookup2_resident.next = looks_up && resident;
        unit.lookup2_queue.next = (if looks_up { queue } else { 0 }).to_bits();
    }
}

#[test]
fn a_header_waits_for_its_lookup_and_keeps_the_result() {
    let mut unit = new_unit(5);
    let words = without_crc(Header::new(kind::MESSAGE, 0, 5, 5, 8), &[6; 8]);
    unit.loopback.valid.next = true;
    unit.loopback.beat.next = beat(words[0], false);
    for _ in 0..3 {
        settle(&mut unit);
        assert!(unit.lookup2_valid.val() && !unit.loopback.ready.val());
        clock_cycle!(unit, clock);
    }
    unit.lookup2_ready.next = true;
    settle(&mut unit);
    assert!(unit.loopback.ready.val());
    clock_cycle!(unit, clock);
    unit.lookup2_resident.next = true;
    unit.lookup2_queue.next = 0xa5u64.to_bits();
    unit.loopback.valid.next = false;
    let expected = words[0]
        | 0xa5 << crate::bundles::stored_header::RECEIVE_QUEUE_SHIFT
        | 1 << crate::bundles::stored_header::RESIDENT_BIT;
    for _ in 0..3 {
        settle(&mut unit);
        assert_eq!(word_of(unit.loopback_source.beat.val()), expected);
        clock_cycle!(unit, clock);
        // The result is there for one cycle.
        unit.lookup2_resident.next = false;
        unit.lookup2_queue.next = 0.into();
    }
}

#[test]
fn a_ping_to_the_own_node_is_answered_at_once_but_behind_one_from_the_wire() {
    let seed = 8;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = new_unit(5);
    let own = ping(1, 5, 5, random_answer(&mut random, 0));
    unit.loopback.valid.next = true;
    unit.loopback.beat.next = beat(own, true);
    for stalled in [false, true] {
        unit.stalled_recently.next = stalled;
        settle(&mut unit);
        assert!(unit.ping_valid.val() && unit.loopback.ready.val());
        assert_eq!(unit.ping.val(), answer_to(own, stalled));
        assert!(!unit.lookup2_valid.val());
    }
    unit.loopback.valid.next = false;
    let other = ping(0, 2, 5, random_answer(&mut random, 0));
    send(&mut unit, &seal(vec![other]));
    unit.loopback.valid.next = true;
    clock_cycle!(unit, clock);
    assert!(unit.ping_valid.val() && !unit.loopback.ready.val());
    assert_eq!(unit.ping.val(), answer_to(other, true));
    clock_cycle!(unit, clock);
    assert!(unit.ping_valid.val() && unit.loopback.ready.val());
    assert_eq!(unit.ping.val(), answer_to(own, true));
}

#[test]
fn the_link_is_idle_while_an_answer_holds_up_nothing() {
    let mut unit = super::with_credit();
    assert!(unit.link_idle.val());
    let words = without_crc(Header::new(kind::MESSAGE, 0, 1, 0, 8), &[1; 8]);
    for position in 0..6 {
        unit.frame.valid.next = true;
        super::offer(&mut unit, words[position % 2], position % 2 == 1);
        settle(&mut unit);
        assert_eq!(unit.link_idle.val(), position == 0);
        clock_cycle!(unit, clock);
    }
    // An answer between two frames leaves the link as busy as it was.
    unit.answer_valid.next = true;
    unit.answer.next = random_answer(&mut Random::new(1), 0);
    super::offer(&mut unit, words[0], false);
    settle(&mut unit);
    assert!(unit.answer_ready.val() && !unit.frame.ready.val());
    clock_cycle!(unit, clock);
    assert!(!unit.link_idle.val());
    let mut expected = answer_frame(1, unit.answer.val());
    assert_eq!(word_of(unit.link.beat.val()), expected.remove(0));
    unit.answer_valid.next = false;
    unit.frame.valid.next = false;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    assert!(unit.link_idle.val());
    // A wire that takes nothing is not idle.
    unit.answer_valid.next = true;
    unit.link.ready.next = false;
    for _ in 0..3 {
        settle(&mut unit);
        clock_cycle!(unit, clock);
    }
    assert!(!unit.link_idle.val());
}
