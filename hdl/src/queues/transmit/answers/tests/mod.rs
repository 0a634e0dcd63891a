//! The answer path as a whole.

mod bench;
mod proofs;
mod rates;
mod reference;
mod steps;
mod times;
mod world;

use super::*;
use crate::bundles::Answer;
use crate::gate::{Gate, Random, ecp5_size};
use crate::queues::test_support::control;
use world::{QUIET, Rules, Seen, World};

/// Sixteen queues.
pub type Sixteen = TransmitAnswers<4, 6, 10, 7>;

#[test]
fn gate() {
    let mut launched = [0u64; 16];
    Gate::new("transmit_answers", Sixteen::new(3, RoundRules::new(2, 3)))
        .clock(|unit| &mut unit.clock)
        .cycles(6000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            let queue = random.below(4);
            unit.configuration.next = if cycle > 30 && random.below(200) == 0 {
                launched[queue as usize] = 0;
                control(queue, random.word() & 0xFFF0 | u64::from(random.chance(90)))
            } else {
                QueueWord::default()
            };
            let queue = random.below(4);
            let index = launched[queue as usize];
            let again = random.chance(10);
            let launch = cycle > 40 && random.chance(30);
            if launch && !again {
                launched[queue as usize] += 1;
            }
            unit.launch.next = Launch {
                valid: launch,
                queue: queue.to_bits(),
                index: (index & 0xFFFF).to_bits(),
                again,
                node: random.below(2).to_bits(),
                marked: random.chance(20),
            };
            unit.skip_valid.next = random.chance(5);
            unit.skip.next = Skip {
                queue: queue.to_bits(),
                index: (index & 0xFFFF).to_bits(),
                again: false,
                error: random.below(6).to_bits(),
            };
            for local in [false, true] {
                let queue = random.below(4);
                let base = launched[queue as usize].wrapping_sub(random.below(20)) & 127;
                let answer = Answer {
                    node: random.below(2).to_bits(),
                    slot: queue.to_bits(),
                    generation: random.below(2).to_bits(),
                    base: base.to_bits(),
                    bitmap: random.bits::<12>() & random.bits::<12>(),
                    verdict: random.below(7).to_bits(),
                };
                let valid = cycle > 40 && random.chance(if local { 2 } else { 20 });
                if local {
                    unit.local_answer_valid.next = valid;
                    unit.local_answer.next = answer;
                } else {
                    unit.answer_valid.next = valid;
                    unit.answer.next = answer;
                }
            }
            unit.hold_timeouts.next = random.chance(5);
            unit.resend_ready.next = random.chance(50);
            unit.reopen_ready.next = random.chance(50);
        });
}

fn run<const Q: usize, const S: usize, const W: usize, const R: usize>(
    cycles: u64,
    rules: Rules,
) -> Seen {
    let mut world = World::<Q, S, W, R>::new(rules);
    world.run(cycles);
    assert_eq!(world.seen.overflows, 0);
    world.seen
}

#[test]
fn all_is_delivered_once_and_in_order() {
    let seen = run::<2, 6, 8, 5>(20_000, QUIET);
    assert_eq!(seen.accepted, seen.delivered);
    assert_eq!((seen.unexpected, seen.probes), (0, 0));
    assert!(seen.delivered > 6000);
}

const FULL_RINGS: Rules = Rules {
    seed: 2,
    ring: 3,
    drain: 2,
    ..QUIET
};

#[test]
fn full_rings_refuse_and_all_arrives_in_order_all_the_same() {
    let seen = run::<2, 6, 8, 5>(40_000, FULL_RINGS);
    assert_eq!((seen.accepted, seen.unexpected), (seen.delivered, 0));
    assert!(seen.full > 100 && seen.behind > 100 && seen.probes > 100 && seen.resent > 500);
}

#[test]
fn few_slots_and_one_queue() {
    let seen = run::<1, 3, 4, 4>(
        30_000,
        Rules {
            seed: 3,
            queues: 1,
            joined: 1,
            ..FULL_RINGS
        },
    );
    assert!(seen.full > 20 && seen.probes > 20);
}

#[test]
fn final_refusals_are_errors_of_their_messages_alone() {
    let seen = run::<4, 6, 10, 7>(
        30_000,
        Rules {
            seed: 4,
            queues: 8,
            bad: 10,
            absent: 10,
            drain: 4,
            ..FULL_RINGS
        },
    );
    assert!(seen.skipped > 200 && seen.refused > seen.skipped + 100);
    assert_eq!(seen.unexpected, 0);
}

#[test]
fn messages_are_given_up_one_by_one() {
    let seen = run::<2, 4, 6, 5>(
        30_000,
        Rules {
            seed: 5,
            drain: 0,
            give_up: 2,
            ..FULL_RINGS
        },
    );
    assert!(seen.given_up > 20, "no host takes anything");
    // Each of them needs two probes.
    assert!(seen.probes >= 2 * seen.given_up);
}

#[test]
fn lies_of_those_who_were_not_asked_change_nothing() {
    let seen = run::<2, 6, 8, 5>(
        30_000,
        Rules {
            seed: 6,
            lies: 100,
            drain: 6,
            ..FULL_RINGS
        },
    );
    assert!(seen.unexpected > 5000);
    assert_eq!(seen.accepted, seen.delivered);
}

/// A node that answers anything, and several times, harms nobody's messages to others.
#[test]
fn a_liar_harms_only_messages_to_itself() {
    let seen = run::<2, 6, 8, 5>(
        30_000,
        Rules {
            seed: 7,
            liar: Some(2),
            drain: 6,
            ..FULL_RINGS
        },
    );
    assert!(seen.unexpected > 1000);
}

#[test]
fn answers_to_an_earlier_owner_never_count_for_the_next() {
    let seen = run::<3, 6, 9, 6>(
        60_000,
        Rules {
            seed: 8,
            queues: 6,
            owners: 30,
            drain: 4,
            wire: 60,
            ..FULL_RINGS
        },
    );
    assert!(seen.owners > 100 && seen.unexpected > 200 && seen.stale_resends > 0);
}

#[test]
fn sixty_four_queues() {
    let seen = run::<6, 6, 12, 9>(
        20_000,
        Rules {
            seed: 9,
            queues: 64,
            nodes: 8,
            ..FULL_RINGS
        },
    );
    assert!(seen.probes > 100 && seen.delivered > 3000);
}

#[test]
fn two_hundred_and_fifty_six_queues() {
    let seen = run::<8, 6, 14, 11>(
        20_000,
        Rules {
            seed: 10,
            queues: 256,
            nodes: 8,
            drain: 4,
            ..FULL_RINGS
        },
    );
    assert!(seen.probes > 50 && seen.delivered > 3000);
}

/// What it takes of the device hardly depends on the number of queues, but for the ways in block RAM.
#[test]
fn size() {
    let of = |name: &str, (luts, block_rams): (usize, usize)| {
        println!("{name}: {luts} LUT4, {block_rams} block RAMs");
        (luts, block_rams)
    };
    let few = of(
        "32",
        ecp5_size("answers_32", TransmitAnswers::<5, 6, 11, 8>::default()),
    );
    let many = of(
        "256",
        ecp5_size("answers_256", TransmitAnswers::<8, 6, 14, 11>::default()),
    );
    // Yosys maps the same logic now to more, now to fewer LUTs.
    assert!(few.0 <= 1850 && few.1 <= 8, "{few:?}");
    assert!(many.0 <= 1850 && many.1 <= 17, "{many:?}");
}
