//! Credit: what is told of it, what waits for it, and what happens without.

use super::super::frame::{Header, credit_frame, random_bytes, seal, stored, without_crc, word_of};
use super::{COVERED, COVERED_FRAMES, MESSAGE_BEATS, Words, new_unit, send, with_credit};
use crate::clock_cycle;
use crate::configuration::{CREDIT_INTERVAL_CYCLES, CREDIT_STEP_BEATS};
use crate::gate::{Random, settle};
use abi::link::{header, kind};

#[test]
fn the_first_frame_after_reset_tells_all_credit() {
    let mut unit = new_unit(1);
    unit.link.ready.next = true;
    settle(&mut unit);
    assert!(!unit.room_0.val() && !unit.room_1.val());
    clock_cycle!(unit, clock);
    assert!(unit.link.valid.val() && unit.link.beat.val().last);
    let mut word = credit_frame([COVERED as u64; 2], [0, 0])[0];
    word = abi::link::credit::source_node::set(word, 1);
    assert_eq!(word_of(unit.link.beat.val()), seal(vec![word])[0]);
}

#[test]
fn without_credit_nothing_begins() {
    let mut unit = new_unit(1);
    unit.link.ready.next = true;
    unit.frame.valid.next = true;
    super::offer(&mut unit, Header::new(kind::MESSAGE, 1, 1, 0, 8).0, false);
    for _ in 0..20 {
        settle(&mut unit);
        assert!(!unit.frame.ready.val());
        clock_cycle!(unit, clock);
    }
    send(&mut unit, &credit_frame([480, 19], [0, 0]));
    for _ in 0..20 {
        settle(&mut unit);
        assert!(
            !unit.frame.ready.val(),
            "19 beats of credit are not sure to be enough"
        );
        clock_cycle!(unit, clock);
    }
    send(&mut unit, &credit_frame([0, 20], [0, 0]));
    for _ in 0..3 {
        settle(&mut unit);
        clock_cycle!(unit, clock);
    }
    assert!(unit.frame.ready.val());
}

#[test]
fn a_ping_needs_no_credit_and_takes_none() {
    let mut unit = new_unit(1);
    unit.link.ready.next = true;
    unit.frame.valid.next = true;
    let ping = Header::new(kind::PING, 1, 1, 0, 0).0;
    super::offer(&mut unit, ping, true);
    let mut pings = 0;
    let mut credit = None;
    for _ in 0..2 * CREDIT_INTERVAL_CYCLES {
        settle(&mut unit);
        if unit.link.valid.val() {
            let word = word_of(unit.link.beat.val());
            match header::kind::get(word) as usize {
                kind::PING => {
                    assert_eq!(word, seal(vec![ping])[0]);
                    assert!(unit.link.beat.val().last);
                    pings += 1;
                }
                _ => credit = Some(word),
            }
        }
        clock_cycle!(unit, clock);
    }
    assert!(pings > CREDIT_INTERVAL_CYCLES, "{pings}");
    let credit = credit.expect("a credit frame goes between pings");
    assert_eq!(abi::link::credit::sent_1::get(credit), 0);
}

#[test]
fn frames_without_credit_are_dropped_and_those_with_credit_stay() {
    let mut unit = with_credit();
    let frames: Vec<Words> = (0..COVERED_FRAMES as u8 + 12)
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
    assert_eq!(overruns, 12, "{COVERED} beats hold {COVERED_FRAMES} frames");
    unit.channel_0.ready.next = true;
    settle(&mut unit);
    for frame in &frames[..COVERED_FRAMES] {
        for word in stored(frame.clone()) {
            assert!(unit.channel_0.valid.val());
            assert_eq!(word_of(unit.channel_0.beat.val()), word);
            clock_cycle!(unit, clock);
        }
    }
    assert!(!unit.channel_0.valid.val());
}

#[test]
fn credit_frames_come_as_space_is_freed_and_at_least_every_interval() {
    let mut unit = with_credit();
    let mut random = Random::new(5);
    let mut ages = Vec::new();
    let mut age = 0;
    for cycle in 0..4 * CREDIT_INTERVAL_CYCLES {
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
            .all(|(_, age, limit)| *age <= CREDIT_INTERVAL_CYCLES + 6 && *limit == COVERED as u64),
        "{ages:?}"
    );

    // A step consumed: told at once.
    unit.channel_1.ready.next = true;
    let before = COVERED as u64;
    let frames = CREDIT_STEP_BEATS.div_ceil(MESSAGE_BEATS);
    for _ in 0..frames {
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
    assert!(
        told.is_some_and(|limit| limit >= before + CREDIT_STEP_BEATS as u64),
        "{told:?}"
    );
}
