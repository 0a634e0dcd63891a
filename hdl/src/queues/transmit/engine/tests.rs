//! The engine between a page decoder and answers made of a few lines.

mod bench;

use super::*;
use crate::configuration::{TRANSMIT_QUEUES, TRANSMIT_SLOTS};
use crate::gate::{Gate, Random};
use bench::{Bench, Sent};

#[test]
fn an_express_store_leaves_four_cycles_after_its_offer() {
    let mut bench = Bench::new(1);
    bench.enable(2, 0);
    bench.express(2, 5, 77);
    let sent = bench.run(20);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].cycle - bench.last_offer, 4);
    assert_eq!(
        (sent[0].queue, sent[0].index, sent[0].restart),
        (2, 0, true)
    );
    assert_eq!(sent[0].payload, 77u64.to_le_bytes());
    assert_eq!(sent[0].destination, 5);
}

#[test]
fn express_stores_of_one_queue_and_of_many_leave_every_second_cycle() {
    for queues in [1, 2, TRANSMIT_QUEUES as u64] {
        let mut bench = Bench::new(2);
        for queue in 0..queues {
            bench.enable(queue, 0);
        }
        let count = 40.min(queues * TRANSMIT_SLOTS as u64);
        let mut sent = Vec::new();
        for message in 0..count {
            bench.express(message % queues, 1, message);
            sent.extend(bench.run(2));
        }
        sent.extend(bench.run(40));
        assert_eq!(sent.len() as u64, count);
        for pair in sent.windows(2) {
            assert_eq!(pair[1].cycle - pair[0].cycle, 2, "{queues} queues");
        }
    }
}

#[test]
fn a_backlog_of_one_queue_leaves_every_second_cycle() {
    let mut bench = Bench::new(3);
    bench.enable(1, 0);
    bench.ready = 0;
    for message in 0..8.min(TRANSMIT_SLOTS as u64) {
        bench.express(1, 1, message);
        bench.run(2);
    }
    bench.run(10);
    bench.ready = 100;
    let sent = bench.run(60);
    assert_eq!(sent.len(), 8.min(TRANSMIT_SLOTS));
    for (message, pair) in sent.windows(2).enumerate() {
        assert_eq!(pair[1].cycle - pair[0].cycle, 2, "behind message {message}");
    }
}

#[test]
fn long_messages_follow_each_other_within_two_cycles() {
    let mut bench = Bench::new(4);
    bench.enable(1, 0);
    for _ in 0..6.min(TRANSMIT_SLOTS) {
        bench.compose(1, 3, 248);
    }
    bench.produce(1);
    let sent = bench.run(200);
    assert_eq!(sent.len(), 6.min(TRANSMIT_SLOTS));
    for pair in sent.windows(2) {
        let cycles = pair[1].cycle - pair[0].cycle;
        assert!((17..=19).contains(&cycles), "{cycles} cycles");
    }
}

#[test]
fn messages_that_fail_a_check_are_skipped_in_order() {
    let mut bench = Bench::new(5);
    bench.enable(1, 0);
    bench.compose(1, 3, 20);
    bench.compose(1, 3, 249);
    bench.compose(1, 3, 4);
    bench.compose(1, bench::OUTSIDE, 4);
    bench.compose(1, bench::UNLOADED, 4);
    bench.compose(1, 3, 4);
    bench.disown(1, 5);
    bench.produce(1);
    let sent = bench.run(100);
    let indices: Vec<u64> = sent.iter().map(|sent| sent.index).collect();
    assert_eq!(indices, [0, 2]);
    use abi::message::error::{INLINE_LOST, INVALID_TRANSLATION, OUTSIDE_WINDOW, TOO_LONG};
    let expected = [
        (1, TOO_LONG),
        (3, OUTSIDE_WINDOW),
        (4, INVALID_TRANSLATION),
        (5, INLINE_LOST),
    ];
    assert_eq!(
        bench.skipped,
        expected.map(|(index, error)| (1, index, error as u64))
    );
}

/// A remote operation is a BULK frame with the segment's generation; only segments and whole double words behind a
/// sub-header will do, and only for operations.
#[test]
fn remote_operations_go_to_segments_and_messages_to_receive_queues() {
    use abi::message::error::{INVALID_TRANSLATION, TOO_LONG};
    use abi::message::form::{MESSAGE, REMOTE, TRANSFER};
    let mut bench = Bench::new(13);
    bench.enable(0, 0);
    let legal = [12, 16, 20, 56, 60, 64, 244, 248];
    let cases = legal.map(|length| (bench::SEGMENT, length, REMOTE, None));
    let illegal = [
        (bench::SEGMENT, 8, REMOTE, Some(TOO_LONG)),
        (bench::SEGMENT, 4, REMOTE, Some(TOO_LONG)),
        (bench::SEGMENT, 0, REMOTE, Some(TOO_LONG)),
        (bench::SEGMENT, 13, REMOTE, Some(TOO_LONG)),
        (bench::SEGMENT, 14, REMOTE, Some(TOO_LONG)),
        (bench::SEGMENT, 252, REMOTE, Some(TOO_LONG)),
        (bench::SEGMENT, 0, TRANSFER, Some(TOO_LONG)),
        (bench::SEGMENT, 24, TRANSFER, Some(TOO_LONG)),
        (bench::SEGMENT, 33, TRANSFER, Some(TOO_LONG)),
        (bench::SEGMENT, 36, TRANSFER, Some(TOO_LONG)),
        (3, 32, TRANSFER, Some(INVALID_TRANSLATION)),
        (bench::OWN, 32, TRANSFER, Some(INVALID_TRANSLATION)),
        (bench::SEGMENT, 32, 3, Some(TOO_LONG)),
        (bench::SEGMENT, 32, MESSAGE, Some(INVALID_TRANSLATION)),
        (bench::OWN, 32, REMOTE, Some(INVALID_TRANSLATION)),
        (3, 32, REMOTE, Some(INVALID_TRANSLATION)),
        (3, 32, MESSAGE, None),
        (bench::SEGMENT, 16, REMOTE, None),
    ];
    let mut random = Random::new(13);
    let (mut sent, mut expected, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (destination, length, form, error)) in cases.into_iter().chain(illegal).enumerate()
    {
        while !bench.free(0) {
            sent.extend(bench.run(1));
            bench.answer_some(&mut random);
        }
        bench.compose_form(0, destination, length, form);
        bench.produce(0);
        sent.extend(bench.run(30));
        match error {
            Some(error) => skipped.push((0, index as u64, error as u64)),
            None => expected.push((index as u64, form, length)),
        }
    }
    let seen: Vec<_> = sent
        .iter()
        .map(|sent| match sent.kind == abi::link::kind::BULK as u64 {
            true => {
                assert_eq!(sent.tag, bench::SEGMENT_GENERATION);
                assert!(!sent.restart, "the bit says that a frame is counted");
                (sent.index, REMOTE, sent.payload.len())
            }
            false => (sent.index, MESSAGE, sent.payload.len()),
        })
        .collect();
    assert_eq!(seen, expected);
    assert_eq!(bench.skipped, skipped);
    // A ping is one for whatever form the message has.
    let last = (legal.len() + illegal.len()) as u64 - 1;
    bench.resend(0, last, false, true);
    let ping = bench.run(40);
    assert_eq!(ping[0].kind, abi::link::kind::PING as u64);
    assert_eq!((ping[0].index, ping[0].destination), (last, bench::SEGMENT));
}

/// The descriptor of a transfer goes to the transfer engine; what its queue sends behind it waits for its end, and what
/// others send does not.
#[test]
fn a_transfer_parks_its_queue_and_no_other() {
    use abi::message::form::TRANSFER;
    let mut bench = Bench::new(14);
    bench.enable(1, 0);
    bench.enable(2, 0);
    bench.transfers.cycles = 100;
    bench.express(1, 3, 1);
    let mut sent = bench.run(3);
    bench.compose_form(1, bench::SEGMENT, 32, TRANSFER);
    bench.compose(1, 3, 4);
    bench.compose(1, 3, 4);
    bench.produce(1);
    for _ in 0..4 {
        bench.express(2, 3, 1);
        sent.extend(bench.run(3));
    }
    sent.extend(bench.run(300));
    bench.check(&sent);
    let order: Vec<_> = sent.iter().map(|sent| (sent.queue, sent.index)).collect();
    let behind = order
        .iter()
        .position(|&place| place == (1, 2))
        .expect("it left");
    assert!(order[..behind].contains(&(2, 3)), "{order:?}");
    let of = |index| {
        sent.iter()
            .find(|sent| (sent.queue, sent.index) == (1, index))
    };
    let [transfer, next] = [1, 2].map(|index| of(index).expect("it left"));
    let waited = next.cycle - transfer.cycle;
    assert!((100..120).contains(&waited), "{waited} cycles");
}

/// A transfer without room waits as if it had not been looked at, and those who wait get the room in turn.
#[test]
fn transfers_without_room_wait_in_turn() {
    use abi::message::form::TRANSFER;
    let mut bench = Bench::new(15);
    bench.transfers.rows = 1;
    for queue in 0..4 {
        bench.enable(queue, 0);
    }
    for queue in 0..4 {
        for _ in 0..3 {
            bench.compose_form(queue, bench::SEGMENT, 32, TRANSFER);
        }
        bench.compose(queue, 3, 100);
        bench.produce(queue);
    }
    let sent = bench.run(1200);
    bench.check(&sent);
    for turn in sent
        .iter()
        .filter(|sent| sent.transfer)
        .collect::<Vec<_>>()
        .chunks(4)
    {
        let queues: std::collections::BTreeSet<_> = turn.iter().map(|sent| sent.queue).collect();
        assert_eq!(queues.len(), 4, "{sent:?}");
    }
}

/// A receiver that says FULL for a transfer lies: it is not begun again. A ping for it is one.
#[test]
fn a_transfer_is_never_sent_again() {
    let mut bench = Bench::new(16);
    bench.enable(1, 0);
    bench.compose_form(1, bench::SEGMENT, 32, abi::message::form::TRANSFER);
    bench.produce(1);
    assert_eq!(bench.run(200).len(), 1);
    bench.resend(1, 0, false, true);
    let ping = bench.run(40);
    assert_eq!(ping[0].kind, abi::link::kind::PING as u64);
    assert!(!ping[0].transfer);
    bench.resend(1, 0, true, false);
    assert_eq!(bench.run(100), []);
    let too_long = abi::message::error::TOO_LONG as u64;
    assert_eq!(bench.skipped, [(1, 0, too_long)]);
}

/// A queue that is disabled while it is parked is not parked for its next owner.
#[test]
fn a_queue_that_begins_anew_is_not_parked() {
    let mut bench = Bench::new(17);
    bench.enable(1, 0);
    bench.transfers.cycles = u64::MAX / 2;
    bench.compose_form(1, bench::SEGMENT, 32, abi::message::form::TRANSFER);
    bench.produce(1);
    assert_eq!(bench.run(50).len(), 1);
    bench.express(1, 3, 7);
    assert_eq!(bench.run(50), []);
    bench.forget_transfers();
    bench.enable(1, 0);
    bench.express(1, 3, 8);
    let sent = bench.run(50);
    assert_eq!((sent.len(), sent[0].payload[0]), (1, 8));
}

#[test]
fn a_queue_without_credits_does_not_hold_up_the_other_channel() {
    let mut bench = Bench::new(6);
    bench.enable(1, 0);
    bench.enable(2, 0);
    bench.rooms = [false, true];
    for message in 0..3 {
        bench.express(1, 1, message);
        bench.run(3);
        bench.express(2, bench::CHANNEL_1, message);
        bench.run(3);
    }
    let sent = bench.run(30);
    assert!(sent.iter().all(|sent| sent.queue == 2), "{sent:?}");
    bench.rooms = [true, true];
    let late = bench.run(60);
    let indices: Vec<(u64, u64)> = late.iter().map(|sent| (sent.queue, sent.index)).collect();
    assert_eq!(indices, [(1, 0), (1, 1), (1, 2)]);
}

#[test]
fn a_message_is_sent_again_when_asked_and_a_ping_is_one_beat() {
    let mut bench = Bench::new(7);
    bench.enable(1, 0);
    bench.compose(1, 3, 40);
    bench.compose(1, 3, 8);
    bench.produce(1);
    let first = bench.run(60);
    assert_eq!(first.len(), 2);
    bench.resend(1, 0, true, false);
    let again = bench.run(40);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].payload, first[0].payload);
    assert!(again[0].restart);
    bench.resend(1, 1, false, true);
    let ping = bench.run(40);
    assert_eq!(
        (ping[0].kind, ping[0].index),
        (abi::link::kind::PING as u64, 1)
    );
    assert_eq!(ping[0].payload, []);
}

#[test]
fn messages_to_the_own_node_never_reach_the_link() {
    let mut bench = Bench::new(8);
    bench.enable(1, 0);
    bench.express(1, bench::OWN, 5);
    bench.express(1, 1, 6);
    let sent = bench.run(30);
    assert_eq!(sent.len(), 2);
    assert!(sent[0].own_node && !sent[1].own_node);
}

/// Stores of every kind to many queues, a slow link, credits that come and go, messages sent again: every accepted
/// message leaves once, in the order of its queue, with its own bytes.
#[test]
fn every_message_leaves_once_and_in_order() {
    for seed in 20..24 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut bench = Bench::new(seed);
        let queues = 4;
        for queue in 0..queues {
            bench.enable(queue, queue % 2);
        }
        let mut sent: Vec<Sent> = Vec::new();
        for round in 0..1500 {
            if round % 100 == 0 {
                bench.ready = [100, 100, 60, 20][random.below(4) as usize];
            }
            bench.rooms = [random.chance(80), random.chance(80)];
            let queue = random.below(queues);
            match random.below(4) {
                0 if bench.free(queue) => {
                    for _ in 0..=random.below(3) {
                        if bench.free(queue) && random.chance(30) {
                            let length = 12 + 4 * random.below(60) as usize;
                            let (form, length) = match random.chance(30) {
                                true => (abi::message::form::TRANSFER, 32),
                                false => (abi::message::form::REMOTE, length),
                            };
                            bench.compose_form(queue, bench::SEGMENT, length, form);
                        } else if bench.free(queue) {
                            bench.compose(
                                queue,
                                bench::destination(&mut random),
                                random.below(249) as usize,
                            );
                        }
                    }
                    bench.produce(queue);
                }
                1..=2 if bench.free(queue) => {
                    bench.express(queue, bench::destination(&mut random), random.word());
                }
                _ => {}
            }
            sent.extend(bench.run(1 + random.below(6)));
            bench.answer_some(&mut random);
        }
        bench.ready = 100;
        bench.rooms = [true, true];
        sent.extend(bench.run(3000));
        bench.check(&sent);
        assert!(sent.len() > 400, "{} messages", sent.len());
    }
}

#[test]
fn gate() {
    let mut offered = std::collections::VecDeque::from([false; 3]);
    Gate::new("transmit_engine", TransmitEngine::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(move |unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.node.next = 3u64.to_bits();
            unit.configuration.next = bench::random_configuration(random);
            unit.queue_configuration.next = bench::random_control(random);
            unit.progress.next.valid = random.chance(20);
            unit.progress.next.queue = random.below(4).to_bits();
            unit.progress.next.balance = random.bits();
            unit.progress.next.closed = random.chance(20);
            unit.stores.next.valid = random.chance(30);
            unit.stores.next.queue = random.below(4).to_bits();
            unit.stores.next.producer = random.below(64).to_bits();
            let offers = random.chance(40);
            unit.offer.next.valid = offers;
            unit.offer.next.express = random.chance(60);
            unit.offer.next.queue = random.below(4).to_bits();
            offered.push_back(offers);
            let settled = offered.pop_front().unwrap_or_default();
            unit.producer_before.next = random.below(8).to_bits();
            unit.outcome.next.accepted = settled && random.chance(80);
            unit.outcome.next.express = random.chance(60);
            unit.outcome.next.more = random.chance(20);
            unit.outcome.next.queue = random.below(4).to_bits();
            unit.outcome.next.slot = bench::random_slot(random).to_bits();
            unit.slot_written.next = random.chance(20);
            unit.slot_data.next = bench::random_slot(random).to_bits();
            unit.pool_data.next = random.bits();
            unit.resend_valid.next = random.chance(10);
            unit.resend.next.queue = random.below(4).to_bits();
            unit.resend.next.index = random.below(64).to_bits();
            unit.resend.next.restart = random.chance(50);
            unit.resend.next.ping = random.chance(30);
            unit.resend.next.generation = random.below(4).to_bits();
            unit.reopen_valid.next = random.chance(10);
            unit.reopen_queue.next = random.below(4).to_bits();
            unit.room_0.next = random.chance(80);
            unit.room_1.next = random.chance(80);
            unit.skip_ready.next = random.chance(80);
            unit.frame.ready.next = random.chance(80);
            unit.own_frame.ready.next = random.chance(80);
            unit.transfer.ready.next = random.chance(80);
            unit.transfer_room.next = random.chance(70);
            unit.unpark.next.valid = cycle > 70 && random.chance(20);
            unit.unpark.next.queue = random.below(4).to_bits();
        });
}

/// What was asked for an earlier owner of the queue is dropped, and the next request goes through.
#[test]
fn a_resend_of_another_generation_is_dropped() {
    let mut bench = Bench::new(9);
    bench.enable(1, 0);
    bench.express(1, 1, 6);
    bench.run(20);
    bench.resend_of(1, 0, true, false, 4);
    assert_eq!(bench.run(30), []);
    bench.resend(1, 0, true, false);
    assert_eq!(bench.run(30).len(), 1);
}

/// Stores as fast as they can come while the link stutters: messages change between the short way and the ready
/// queues all the time, and none is sent before it was stored.
#[test]
fn the_two_ways_through_the_pipeline_never_overtake_a_store() {
    for seed in 30..34 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut bench = Bench::new(seed);
        let queues = 1 + seed % 3;
        for queue in 0..queues {
            bench.enable(queue, 0);
        }
        let mut sent = Vec::new();
        for round in 0..4000 {
            if round % 50 == 0 {
                bench.ready = 40 + random.below(61);
            }
            let queue = random.below(queues);
            if bench.free(queue) {
                if random.chance(80) {
                    bench.express(queue, bench::destination(&mut random), random.word());
                } else {
                    bench.compose(
                        queue,
                        bench::destination(&mut random),
                        random.below(9) as usize,
                    );
                    bench.produce(queue);
                }
            }
            sent.extend(bench.run(2 + u64::from(random.chance(20))));
            bench.answer_some(&mut random);
        }
        bench.ready = 100;
        sent.extend(bench.run(2000));
        bench.check(&sent);
        assert!(sent.len() > 1000, "{} messages", sent.len());
    }
}

/// Two queues with a backlog: of eight turns one is that of the queue without priority.
#[test]
fn a_backlog_with_priority_goes_first() {
    let mut bench = Bench::new(10);
    bench.enable(1, 0);
    bench.enable(2, 1);
    bench.ready = 0;
    let messages = 16.min(TRANSMIT_SLOTS as u64);
    for queue in [1, 2] {
        for _ in 0..messages {
            bench.compose(queue, 3, 100);
        }
    }
    bench.produce(1);
    bench.produce(2);
    bench.run(20);
    bench.ready = 100;
    let sent = bench.run(600);
    assert_eq!(sent.len() as u64, 2 * messages);
    let last = sent
        .iter()
        .rposition(|sent| sent.queue == 2)
        .expect("it sent");
    let others = sent[..last].iter().filter(|sent| sent.queue == 1).count();
    // What was in the pipeline before the second store, and one of eight.
    let order: Vec<u64> = sent.iter().map(|sent| sent.queue).collect();
    assert!((1..=6).contains(&others), "{others} of {order:?}");
}
