//! Behaviour of the transmit side as a whole.

mod bench;
mod random;

use super::*;
use crate::gate::Gate;
use abi::link::status;
use abi::message::{error, shadow};
use bench::*;

/// Queues 0 and on, open, all destinations leading to node 7 on virtual channel 0.
fn bench(queues: u64) -> Bench {
    let mut bench = Bench::new();
    for queue in 0..queues {
        for destination in 0..8 {
            bench.lead(queue, destination, 7, 0, true);
        }
        bench.open(queue);
    }
    bench
}

fn shadow_of(bench: &Bench, queue: u64) -> u128 {
    u128::from(
        bench
            .shadows
            .get(&shadow_address(queue))
            .copied()
            .unwrap_or_default(),
    )
}

#[test]
fn an_express_store_is_a_frame_seven_cycles_later() {
    let mut bench = bench(4);
    bench.store(3, 0x010, 1);
    bench.express(3, 5, 2, 0xfeed_beef_0123_4567);
    let stored = bench.cycle + 2;
    bench.steps(20);
    assert_eq!(bench.frames.len(), 1);
    let frame = bench.frames[0].clone();
    assert_eq!(frame.offered, stored + 7);
    assert_eq!(frame.ended, stored + 8);
    assert_eq!(frame.payload, 0xfeed_beef_0123_4567u64.to_le_bytes());
    let mut header = abi::link::header::kind::set(0, abi::link::kind::MESSAGE as u64);
    header = abi::link::header::restart::set(header, 1);
    header = abi::link::header::marked::set(header, 1);
    header = abi::link::header::version::set(header, abi::link::VERSION as u64);
    header = abi::link::header::destination_node::set(header, 7);
    header = abi::link::header::source_node::set(header, NODE);
    header = abi::link::header::receive_queue_id::set(header, receive_queue_id(3, 5));
    header = abi::link::header::source_queue::set(header, 3);
    header = abi::link::header::tag::set(header, 2);
    header = abi::link::header::length::set(header, 8);
    assert_eq!(frame.header, header);
    bench.answer(&frame, status::ACCEPTED, 0);
    let answered = bench.cycle;
    bench.steps(10);
    assert_eq!(shadow::consumer::get(shadow_of(&bench, 3)), 1);
    for (name, cycle) in [
        ("composed", stored + 2),
        ("granted", stored + 5),
        ("translated", stored + 6),
        ("message_sent", stored + 7),
        ("acknowledged", answered),
        ("message_accepted", answered + 2),
    ] {
        assert_eq!(bench.pulses(name), [cycle], "{name}");
    }
}

#[test]
fn a_basic_message_streams_without_a_gap() {
    let mut bench = bench(1);
    let payload: Vec<u8> = (0..248).map(|byte| byte as u8 ^ 0x5a).collect();
    bench.compose(0, 0, slot_header(1, 248, 0xc3), &payload);
    bench.store(0, 0, 1);
    let stored = bench.cycle + bench.stores.len() as u64 - 2;
    bench.steps(50);
    assert_eq!(bench.frames[0].payload, payload);
    assert_eq!(bench.frames[0].offered, stored + 8);
    assert_eq!(bench.frames[0].ended, stored + 8 + 16);
}

/// Cycles between the headers of consecutive frames.
fn distances(bench: &Bench) -> Vec<u64> {
    bench
        .frames
        .windows(2)
        .map(|pair| pair[1].offered - pair[0].offered)
        .collect()
}

#[test]
fn one_queue_sends_an_express_message_every_five_cycles() {
    let mut bench = bench(1);
    for number in 0..16 {
        bench.express(0, 0, 0, number);
    }
    bench.steps(120);
    assert_eq!(bench.frames.len(), 16);
    assert_eq!(distances(&bench), [5; 15]);
}

#[test]
fn many_queues_take_turns_and_keep_the_rate() {
    let mut bench = bench(16);
    bench.ready = false;
    for number in 0..4 {
        for queue in 0..16 {
            bench.express(queue, 0, 0, number);
        }
    }
    bench.steps(80);
    bench.ready = true;
    bench.steps(400);
    assert_eq!(bench.frames.len(), 64);
    assert!(distances(&bench)[1..].iter().all(|distance| *distance == 5));
    // The first grant came before the others asked; from then on every round of 16 has every queue once.
    let order: Vec<u64> = bench.frames.iter().map(Frame::queue).collect();
    for round in order[..48].chunks(16) {
        let mut queues = round.to_vec();
        queues.sort_unstable();
        assert_eq!(queues, (0..16).collect::<Vec<_>>(), "{order:?}");
    }
}

#[test]
fn the_longest_messages_follow_each_other_without_a_gap() {
    let mut bench = bench(1);
    for slot in 0..16 {
        bench.compose(0, slot, slot_header(0, 248, 0), &[slot as u8; 248]);
    }
    bench.store(0, 0, 16);
    bench.steps(16 * 17 + 16 * 17 + 30);
    assert_eq!(bench.frames.len(), 16);
    assert_eq!(distances(&bench), [17; 15]);
    for (slot, frame) in bench.frames.iter().enumerate() {
        assert_eq!(frame.payload, [slot as u8; 248]);
        assert_eq!(frame.slot(), slot as u64);
    }
}

#[test]
fn a_long_queue_does_not_starve_a_short_one() {
    let mut bench = bench(2);
    for slot in 0..16 {
        bench.compose(0, slot, slot_header(0, 248, 0), &[1; 248]);
    }
    bench.store(0, 0, 16);
    bench.steps(16 * 16 + 40);
    bench.express(1, 0, 0, 9);
    let stored = bench.cycle;
    bench.steps(60);
    let frame = bench
        .frames
        .iter()
        .find(|frame| frame.queue() == 1)
        .expect("it came");
    assert!(
        frame.offered < stored + 40,
        "after {}",
        frame.offered - stored
    );
}

#[test]
fn bad_messages_are_skipped_in_order_counted_and_told() {
    let mut bench = bench(1);
    bench.lead(0, 6, 7, 0, false);
    bench.compose(0, 0, slot_header(0, 3, 0), b"one");
    bench.compose(0, 1, slot_header(0, 249, 0), b"");
    bench.compose(0, 2, slot_header(8, 3, 0), b"");
    bench.compose(0, 3, slot_header(6, 3, 0), b"");
    bench.compose(0, 4, slot_header(0, 3, 0), b"two");
    bench.store(0, 0, 5);
    bench.steps(100);
    assert_eq!(
        bench.frames.len(),
        1,
        "the others wait for the first one's answer"
    );
    let frame = bench.frames[0].clone();
    bench.answer(&frame, status::ACCEPTED, 0);
    bench.steps(100);
    assert_eq!(bench.frames.len(), 2);
    assert_eq!(bench.frames[1].payload, b"two");
    for name in ["too_long", "outside_window", "invalid_translation"] {
        assert_eq!(bench.pulses(name).len(), 1, "{name}");
    }
    let line = shadow_of(&bench, 0);
    assert_eq!(shadow::consumer::get(line), 4);
    assert_eq!(shadow::errors::get(line), 3);
    assert_eq!(
        shadow::last_error::get(line),
        error::INVALID_TRANSLATION as u64
    );
    let last = bench.events.last().expect("firmware is told");
    assert_eq!(last.code, error::INVALID_TRANSLATION as u64);
}

#[test]
fn another_node_or_channel_waits_for_the_answers_of_the_one_before() {
    let mut bench = bench(2);
    bench.lead(0, 1, 8, 0, true);
    bench.lead(0, 2, 8, 1, true);
    for destination in [0, 0, 1, 1, 2] {
        bench.express(0, destination, 0, 0);
    }
    bench.steps(100);
    for expected in [2, 4, 5] {
        assert_eq!(bench.frames.len(), expected);
        bench.express(1, 0, 0, 0);
        bench.steps(20);
        let other = bench.frames.pop().expect("the other queue goes on");
        assert_eq!(other.queue(), 1);
        for frame in bench
            .frames
            .clone()
            .iter()
            .rev()
            .take(if expected == 5 { 1 } else { 2 })
            .rev()
        {
            bench.answer(frame, status::ACCEPTED, 0);
        }
        bench.steps(100);
    }
    let restarts: Vec<bool> = bench.frames.iter().map(Frame::restart).collect();
    assert_eq!(restarts, [true, false, true, false, true]);
    assert_eq!(shadow::consumer::get(shadow_of(&bench, 0)), 5);
}

#[test]
fn a_channel_without_credits_holds_up_only_its_own_messages() {
    let mut bench = bench(2);
    bench.lead(0, 1, 7, 1, true);
    bench.rooms = [true, false];
    bench.express(0, 1, 0, 0);
    bench.express(1, 0, 0, 0);
    bench.steps(60);
    assert_eq!(bench.frames.len(), 1);
    assert_eq!(bench.frames[0].queue(), 1);
    bench.rooms = [false, true];
    bench.steps(20);
    assert_eq!(bench.frames.len(), 2);
    assert_eq!(bench.frames[1].queue(), 0);
}

#[test]
fn a_torn_store_reaches_the_shadow_line_and_sends_nothing() {
    let mut bench = bench(1);
    bench.express(0, 0, 0, 1);
    let torn = bench.stores.iter_mut().flatten().last().unwrap();
    torn.single = false;
    torn.enables = 0x000fu64.to_bits();
    bench.steps(30);
    assert!(bench.frames.is_empty());
    assert_eq!(bench.pulses("torn_store").len(), 1);
    let line = shadow_of(&bench, 0);
    assert_eq!(shadow::errors::get(line), 1);
    assert_eq!(shadow::last_error::get(line), error::TORN_STORE as u64);
}

/// Of another node, for another slot, for a queue without unanswered messages, for a queue that is not there.
#[test]
fn an_answer_that_nobody_waits_for_is_counted_and_moves_no_queue() {
    let mut bench = bench(2);
    bench.express(0, 0, 0, 0);
    bench.express(0, 0, 0, 1);
    bench.steps(30);
    let frame = bench.frames[0].clone();
    let node = abi::link::header::destination_node::get(frame.header);
    for (turn, (node, queue, slot)) in [(node ^ 1, 0, 0), (node, 0, 1), (node, 1, 0), (node, 16, 0)]
        .into_iter()
        .enumerate()
    {
        bench.answers.push_back((
            bench.cycle,
            Acknowledgement {
                node: node.to_bits(),
                queue: u64::to_bits(queue),
                slot: u64::to_bits(slot),
                status: status::ACCEPTED.to_bits(),
            },
        ));
        bench.steps(10);
        assert_eq!(bench.pulses("acknowledge_unexpected").len(), turn + 1);
        assert!(bench.pulses("message_accepted").is_empty());
    }
    for frame in bench.frames.clone() {
        bench.answer(&frame, status::ACCEPTED, 0);
    }
    bench.steps(20);
    assert_eq!(bench.pulses("message_accepted").len(), 2);
    assert_eq!(bench.pulses("acknowledge_unexpected").len(), 4);
    assert_eq!(shadow::consumer::get(shadow_of(&bench, 0)), 2);
}

#[test]
fn an_unanswered_queue_fails_visibly_and_works_again_when_enabled() {
    let mut bench = bench(2);
    bench.express(1, 0, 0, 0);
    bench.express(0, 0, 0, 0);
    bench.steps(20);
    let frame = bench
        .frames
        .iter()
        .find(|frame| frame.queue() == 0)
        .unwrap()
        .clone();
    bench.answer(&frame, status::ACCEPTED, 0);
    // TICK is 6 here: a round of ticks takes 1024 cycles.
    bench.steps(2 * 1024 + 20);
    assert_eq!(bench.pulses("acknowledge_timeout").len(), 1);
    assert_eq!(shadow::failed::get(shadow_of(&bench, 1)), 1);
    assert_eq!(shadow::failed::get(shadow_of(&bench, 0)), 0);
    bench.express(0, 0, 0, 0);
    bench.express(1, 0, 0, 0);
    bench.steps(20);
    assert_eq!(bench.frames.len(), 3, "only the failed queue is silent");
    assert_eq!(bench.pulses("transmit_overflow").len(), 1);
    bench.enable(1);
    bench.express(1, 0, 0, 0);
    bench.steps(20);
    assert_eq!(bench.frames.len(), 4);
    assert_eq!(bench.frames[3].slot(), 0);
}

#[test]
fn it_passes_the_gate() {
    let mut answers = random::Answers::default();
    let (mut sent, mut shadows) = (0, 0);
    Gate::new("transmit_unit", TransmitUnit::<5>::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .seed(41)
        .run(|unit, random, cycle| {
            random::drive(&mut answers, unit, random, cycle);
            sent += u64::from(unit.message_sent.val());
            shadows += u64::from(unit.shadow_written.val());
        });
    println!("{sent} sent, {shadows} shadow lines");
    assert!(
        sent > 300 && shadows > 300,
        "the vectors exercise too little"
    );
}
