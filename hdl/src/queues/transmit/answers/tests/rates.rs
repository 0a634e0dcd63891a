//! How fast answers are worked off.

use super::bench::{Bench, Seen, answer};
use super::*;
use abi::link::kind;
use abi::message::error;

/// From the cycle in which the answer comes in to the cycle in which progress is told.
#[test]
fn latencies() {
    let mut bench = Bench::sixteen();
    bench.enable(3);
    bench.launch_all(3, 0, 4);
    bench.steps(20);
    let start = bench.cycle;
    bench.answer(3, kind::ACCEPTED, 0, 1);
    let told = bench.until(40, "progress", |seen| seen.progress.consumer == 1);
    assert_eq!(told.cycle - start, 11, "answer");
    let start = bench.cycle;
    bench.unit.local_answer_valid.next = true;
    bench.unit.local_answer.next = answer(3, kind::ACCEPTED, 1, 1);
    let told = bench.until(40, "progress", |seen| seen.progress.consumer == 2);
    assert_eq!(told.cycle - start, 10, "local answer");
    let start = bench.cycle;
    bench.unit.skip_valid.next = true;
    bench.unit.skip.next = Skip {
        queue: 3.into(),
        index: 2.into(),
        again: false,
        error: error::TOO_LONG.to_bits(),
    };
    let told = bench.until(40, "progress", |seen| seen.progress.consumer == 3);
    assert_eq!(told.cycle - start, 8, "skip");
    assert!(told.progress.tell && told.progress.report);
}

/// Streams of queues: in each cycle that `period` divides, one of `queues` sends and one is answered, each answer with
/// `joined` messages. Returns the most cycles that passed from the answer to a message until the consumer index passed
/// it.
fn worst_lag(queues: u64, period: u64, joined: u64, cycles: u64) -> u64 {
    let mut bench = Bench::<5, 6, 11, 8>::new();
    for queue in 0..queues {
        bench.enable(queue);
    }
    let mut launched = vec![0u64; queues as usize];
    let mut answered = vec![0u64; queues as usize];
    let mut passed = vec![0u64; queues as usize];
    // Cycle in which each message was answered.
    let mut when = vec![Vec::new(); queues as usize];
    let (mut sender, mut receiver, mut worst) = (0, 0, 0);
    for cycle in 0..cycles + 200 {
        if cycle < cycles && cycle.is_multiple_of(period) {
            let queue = sender % queues;
            sender += 1;
            let index = &mut launched[queue as usize];
            assert!(
                *index - passed[queue as usize] < 64,
                "the window is full in cycle {cycle}, {worst} cycles at worst"
            );
            bench.launch(queue, *index, 1);
            *index += 1;
        }
        // Some 20 cycles later.
        if cycle.is_multiple_of(period * joined) {
            let queue = (receiver % queues) as usize;
            let (first, next) = (answered[queue], answered[queue] + joined);
            if launched[queue] >= next + 20 / queues || cycle >= cycles && launched[queue] >= next {
                bench.answer(queue as u64, kind::ACCEPTED, first, (1 << joined) - 1);
                answered[queue] = next;
                when[queue].extend((first..next).map(|_| bench.cycle));
                receiver += 1;
            }
        }
        let seen = bench.step();
        assert!(!seen.overflow && !seen.unexpected);
        let queue = seen.progress.queue.index();
        if seen.progress.valid && queue < queues as usize {
            let consumer = seen.progress.consumer.to_u64();
            while passed[queue] & 0xFFFF != consumer {
                let lag = seen.cycle - when[queue][passed[queue] as usize];
                worst = worst.max(lag);
                passed[queue] += 1;
            }
        }
    }
    assert!(
        passed
            .iter()
            .zip(&launched)
            .all(|(passed, launched)| *passed + 12 > *launched)
    );
    println!("{queues} queues, every {period} cycles, {joined} at once: {worst} cycles at worst");
    worst
}

/// One answer a message, and a message every two cycles.
#[test]
fn one_queue_is_answered_every_two_cycles() {
    assert!(worst_lag(1, 2, 1, 3000) <= 24);
}

#[test]
fn two_queues_in_turn_are_answered_every_two_cycles() {
    assert!(worst_lag(2, 2, 1, 3000) <= 24);
}

#[test]
fn many_queues_are_answered_every_two_cycles() {
    assert!(worst_lag(3, 2, 1, 3000) <= 20);
    assert!(worst_lag(32, 2, 1, 3000) <= 20);
}

/// Whole windows, answered in turn, one message an answer and an answer a cycle.
#[test]
fn bursts_of_answers_are_worked_off_faster_than_messages_can_be_sent() {
    for queues in [1, 2, 3, 8, 16] {
        let mut bench = Bench::sixteen();
        for queue in 0..queues {
            bench.enable(queue);
            bench.launch_all(queue, 0, 64);
        }
        let start = bench.cycle;
        for index in 0..64 {
            for queue in 0..queues {
                bench.answer(queue, kind::ACCEPTED, index, 1);
                bench.step();
            }
        }
        bench.steps(500);
        let passed = |seen: &&Seen| seen.progress.valid && seen.progress.consumer == 64;
        let mut ends = Vec::new();
        for queue in 0..queues {
            let mut all = bench.log.iter();
            let is_its = |seen: &&Seen| passed(seen) && seen.progress.queue.to_u64() == queue;
            ends.push(all.find(is_its).expect("all are accepted").cycle - start);
        }
        let last = ends.into_iter().max().unwrap_or(0);
        println!("{queues} queues: {} answers in {last} cycles", 64 * queues);
        assert!(last <= 64 * queues * 3 / 2 + 12);
    }
}

/// Answers out of order: all but the first of a window, then the first.
#[test]
fn the_consumer_index_passes_a_window_in_one_go() {
    let mut bench = Bench::sixteen();
    bench.enable(2);
    bench.launch_all(2, 0, 64);
    for base in [1, 13, 25, 37, 49] {
        bench.answer(2, kind::ACCEPTED, base, 0xFFF);
        bench.steps(12);
    }
    bench.answer(2, kind::ACCEPTED, 61, 7);
    bench.steps(40);
    assert_eq!(bench.told(2).consumer, 0);
    let start = bench.cycle;
    bench.answer(2, kind::ACCEPTED, 0, 1);
    let end = bench.until(100, "progress", |seen| seen.progress.consumer == 64);
    println!("64 messages passed in {} cycles", end.cycle - start);
    assert!(end.cycle - start <= 11 + 8 * 8);
}
