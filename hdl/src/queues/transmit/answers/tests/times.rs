//! Pauses, pings and time-outs.

use super::bench::{Bench, ROUND, TIMEOUT};
use super::*;
use abi::link::kind;
use abi::message::error;

#[test]
fn a_refused_message_is_probed_after_pauses_that_double() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 1);
    bench.answer(1, kind::FULL, 0, 1);
    let mut start = bench.cycle;
    // One round, two, four; then four is the longest.
    for rounds in [1, 2, 4, 4, 4] {
        let limit = (rounds + 1) * ROUND + 40;
        let probe = bench.until(limit, "probe", |seen| seen.resend.is_some());
        assert!(probe.cycle - start >= rounds * ROUND, "after whole rounds");
        let resend = probe.resend.expect("it is there");
        assert!(resend.restart && !resend.ping && resend.index == 0);
        assert_eq!(resend.generation, 5);
        assert!(bench.told(1).closed);
        bench.steps(30);
        start = bench.cycle;
        bench.answer(1, kind::FULL, 0, 1);
    }
    bench.until(6 * ROUND, "probe", |seen| seen.resend.is_some());
    bench.steps(5);
    bench.answer(1, kind::ACCEPTED, 0, 1);
    bench.until(60, "reopening", |seen| seen.reopened == Some(1));
    assert!(!bench.told(1).closed && bench.told(1).consumer == 1);
}

/// With nothing unanswered until the first of them: only that one says `restart`, as the probe did.
#[test]
fn behind_an_accepted_probe_the_others_follow_in_order() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 40);
    bench.answer(1, kind::FULL, 0, 1);
    bench.step();
    for base in [1, 13, 25] {
        bench.answer(1, kind::BEHIND, base, 0xFFF);
        bench.step();
    }
    // Three are accepted: they went another way.
    bench.answer(1, kind::ACCEPTED, 37, 7);
    bench.until(4 * ROUND, "probe", |seen| seen.resend.is_some());
    bench.steps(5);
    let from = bench.log.len();
    bench.answer(1, kind::ACCEPTED, 0, 1);
    let end = bench.until(800, "reopening", |seen| seen.reopened == Some(1));
    let resends: Vec<(u64, Resend)> = bench.log[from..]
        .iter()
        .filter_map(|seen| Some((seen.cycle, seen.resend?)))
        .collect();
    let indices: Vec<u64> = resends
        .iter()
        .map(|(_, sent)| sent.index.to_u64())
        .collect();
    assert_eq!(indices, (1..37).collect::<Vec<_>>());
    for (number, (_, sent)) in resends.iter().enumerate() {
        assert_eq!(sent.restart, number == 0);
    }
    let (first, last) = (resends[0].0, resends[35].0);
    println!("36 messages in {} cycles", last - first);
    assert!(last - first <= 36 * 8 + 40);
    assert!(end.cycle - last < 60);
    assert_eq!(bench.told(1).balance.to_u64(), 40 - 36);
}

/// While the engine holds the last of them, the queue stays closed.
#[test]
fn a_queue_opens_only_when_the_engine_has_sent_all() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 3);
    bench.answer(1, kind::FULL, 0, 7);
    bench.until(4 * ROUND, "probe", |seen| seen.resend.is_some());
    bench.steps(5);
    bench.answer(1, kind::ACCEPTED, 0, 1);
    bench.until(60, "first", |seen| seen.resend.is_some());
    bench.until(60, "last", |seen| seen.resend.is_some());
    bench.unit.resend_ready.next = false;
    bench.steps(3 * ROUND);
    assert!(bench.told(1).closed);
    bench.unit.resend_ready.next = true;
    bench.until(ROUND, "reopening", |seen| seen.reopened == Some(1));
}

#[test]
fn a_silent_node_is_pinged_four_times_and_fails_the_queue() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 20);
    bench.answer(1, kind::ACCEPTED, 0, 0xFFF);
    let start = bench.cycle;
    let from = bench.log.len();
    let end = bench.until(3 * TIMEOUT * ROUND, "failure", |seen| seen.timed_out);
    let rounds = (end.cycle - start) / ROUND;
    assert!(
        (2 * TIMEOUT - 1..=2 * TIMEOUT).contains(&rounds),
        "{rounds}"
    );
    assert_eq!(bench.pings(from), [12; 4]);
    assert!(end.progress.failed && end.progress.tell && end.progress.report);
    assert!(end.progress.closed);
    assert_eq!(end.progress.error.index(), error::ANSWER_TIMEOUT);
    assert_eq!(
        (end.progress.errors, end.progress.consumer),
        (1.into(), 12.into())
    );
    // It stays so, and no answer counts any more.
    let from = bench.log.len();
    bench.answer(1, kind::ACCEPTED, 12, 1);
    bench.steps(3 * TIMEOUT * ROUND);
    assert!(bench.log[from..].iter().any(|seen| seen.unexpected));
    assert!(!bench.log[from..].iter().any(|seen| seen.timed_out));
    assert_eq!(
        (bench.told(1).consumer, bench.pings(from).len()),
        (12.into(), 0)
    );
}

#[test]
fn a_queue_waits_for_a_node_that_says_wait() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 2);
    let from = bench.log.len();
    for _ in 0..6 {
        let limit = 2 * TIMEOUT * ROUND;
        let ping = bench.until(limit, "ping", |seen| seen.resend.is_some());
        assert!(
            ping.resend
                .is_some_and(|resend| resend.ping && resend.index == 0)
        );
        bench.steps(20);
        bench.answer(1, kind::WAITING, 0, 1);
    }
    bench.steps(20);
    assert_eq!(bench.pings(from).len(), 6);
    bench.answer(1, kind::ACCEPTED, 0, 3);
    bench.steps(4 * TIMEOUT * ROUND);
    assert!(!bench.told(1).failed && bench.told(1).consumer == 2);
}

#[test]
fn a_lost_message_fails_the_queue_but_not_before_its_time() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 2);
    bench.answer(1, kind::LOST, 0, 1);
    bench.steps(200);
    assert!(!bench.told(1).failed, "nobody asked");
    bench.until(2 * TIMEOUT * ROUND, "ping", |seen| seen.resend.is_some());
    // For a message that was answered in between, it says nothing.
    bench.answer(1, kind::LOST, 5, 1);
    bench.steps(40);
    assert!(!bench.told(1).failed);
    bench.answer(1, kind::LOST, 0, 1);
    let end = bench.until(40, "failure", |seen| seen.timed_out);
    assert!(end.progress.failed && end.progress.report);
}

#[test]
fn time_outs_stand_still_while_they_are_held() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 2);
    bench.unit.hold_timeouts.next = true;
    let from = bench.log.len();
    bench.steps(5 * TIMEOUT * ROUND);
    assert!(bench.pings(from).is_empty() && !bench.told(1).failed);
    // Pauses go on: they hurry nobody.
    bench.answer(1, kind::FULL, 0, 3);
    bench.until(3 * ROUND, "probe", |seen| seen.probed);
    bench.unit.hold_timeouts.next = false;
    bench.until(2 * TIMEOUT * ROUND, "ping", |seen| seen.pinged);
}

/// The message at the head was refused, and so were those behind it, up to one far behind: that one is asked for.
#[test]
fn a_ping_is_for_the_first_unanswered_message() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 64);
    bench.answer(1, kind::FULL, 0, 0xFFF);
    bench.step();
    for base in [12, 24, 36] {
        bench.answer(1, kind::BEHIND, base, 0xFFF);
        bench.step();
    }
    bench.answer(1, kind::BEHIND, 48, 0x7FF);
    bench.step();
    bench.answer(1, kind::BEHIND, 60, 0xF);
    let from = bench.log.len();
    bench.until(2 * TIMEOUT * ROUND, "ping", |seen| seen.resend.is_some());
    assert_eq!(bench.pings(from), [59]);
    bench.answer(1, kind::ACCEPTED, 59, 1);
    let probe = bench.until(3 * ROUND, "probe", |seen| seen.resend.is_some());
    assert!(
        probe
            .resend
            .is_some_and(|resend| resend.restart && resend.index == 0)
    );
}

/// Messages 64 to 127 are of the other lap.
#[test]
fn a_ping_finds_its_message_in_either_lap() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    for first in [0, 32, 64] {
        bench.launch_all(1, first, 32);
        for base in [0, 8, 16, 24] {
            bench.answer(1, kind::ACCEPTED, first + base, 0xFF);
            bench.steps(10);
        }
    }
    bench.steps(20);
    assert_eq!(bench.told(1).consumer, 96);
    bench.launch_all(1, 96, 64);
    let from = bench.log.len();
    bench.until(2 * TIMEOUT * ROUND, "ping", |seen| seen.resend.is_some());
    assert_eq!(bench.pings(from), [96]);
}

#[test]
fn a_queue_without_an_owner_does_nothing() {
    let mut bench = Bench::sixteen();
    bench.launch_all(2, 0, 2);
    bench.answer(2, kind::ACCEPTED, 0, 3);
    bench.steps(3 * TIMEOUT * ROUND);
    assert!(
        bench
            .log
            .iter()
            .all(|seen| seen.resend.is_none() && !seen.timed_out)
    );
    assert_eq!(bench.log.iter().filter(|seen| seen.unexpected).count(), 2);
    assert!(bench.told(2).closed && bench.told(2).consumer == 0);
    bench.enable(2);
    bench.launch_all(2, 0, 2);
    bench.steps(20);
    bench.unit.configuration.next = control(2, 0);
    bench.steps(20);
    bench.answer(2, kind::ACCEPTED, 0, 3);
    bench.steps(40);
    assert!(bench.told(2).closed && bench.told(2).consumer == 0);
}

#[test]
fn only_the_acceptance_of_the_marked_message_is_told_as_a_stage() {
    let mut bench = Bench::sixteen();
    bench.enable(1);
    bench.launch_all(1, 0, 3);
    bench.launch(1, 3, 1);
    bench.unit.launch.next.marked = true;
    bench.step();
    bench.launch_all(1, 4, 3);
    bench.answer(1, kind::ACCEPTED, 0, 7);
    bench.steps(30);
    bench.answer(1, kind::FULL, 3, 1);
    bench.step();
    bench.answer(1, kind::BEHIND, 4, 7);
    bench.steps(30);
    assert!(!bench.log.iter().any(|seen| seen.answered));
    bench.until(4 * ROUND, "probe", |seen| seen.probed);
    bench.steps(5);
    bench.answer(1, kind::ACCEPTED, 3, 1);
    bench.until(100, "reopening", |seen| seen.reopened == Some(1));
    bench.answer(1, kind::ACCEPTED, 4, 7);
    bench.steps(40);
    assert_eq!(bench.log.iter().filter(|seen| seen.answered).count(), 1);
    // A lap later, there is another message with this index.
    for first in (7..160).step_by(8) {
        bench.launch_all(1, first, 8);
        bench.answer(1, kind::ACCEPTED, first, 0xFF);
        bench.steps(12);
    }
    bench.steps(30);
    assert_eq!(bench.told(1).consumer, 167);
    assert_eq!(bench.log.iter().filter(|seen| seen.answered).count(), 1);
}

/// Answers with twelve messages each, one a cycle: the buffer holds 512 of them, and says what it drops.
#[test]
fn too_many_answers_are_counted() {
    let mut bench = Bench::sixteen();
    for _ in 0..700 {
        bench.answer(1, kind::ACCEPTED, 0, 0xFFF);
        bench.step();
    }
    let dropped = bench.log.iter().filter(|seen| seen.overflow).count();
    assert!((100..700 - 512).contains(&dropped), "{dropped}");
}
