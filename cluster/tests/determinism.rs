//! Everything in a run follows from its options: equal runs have equal trace hashes, on any number of threads.

mod support;

use sim::cluster::{ClusterOptions, Skip};
use wayfarer_cluster::soak::{self, Outcome, Scenario, SoakOptions};

/// A short soak on these options; every message is checked.
fn run(cluster: ClusterOptions) -> Outcome {
    const MESSAGES: u64 = 60;
    let outcome = run_scenario(Scenario::Random, MESSAGES, cluster);
    assert_eq!(outcome.tally.messages(), MESSAGES);
    outcome
}

fn run_scenario(scenario: Scenario, messages: u64, cluster: ClusterOptions) -> Outcome {
    let options = SoakOptions {
        scenario,
        messages,
        cluster,
        received: Default::default(),
    };
    let outcome = soak::run(options).unwrap_or_else(|error| panic!("{error}"));
    println!("{outcome:?}");
    outcome
}

fn options(seed: u64) -> ClusterOptions {
    ClusterOptions {
        all_threads: true,
        ..support::options("pcie-gen3-x8", seed)
    }
}

/// What must not differ between equal runs.
fn essence(outcome: &Outcome) -> (u64, u64, Vec<u64>) {
    let report = &outcome.report;
    let nodes = report.nodes.iter().map(|node| node.trace_hash).collect();
    (report.trace_hash, report.cycles, nodes)
}

#[test]
fn a_seed_is_a_trace() {
    let first = run(options(11));
    let again = run(options(11));
    let other = run(options(12));
    assert_eq!(essence(&first), essence(&again));
    assert_ne!(first.report.trace_hash, other.report.trace_hash);
}

#[test]
fn two_threads_see_what_one_sees() {
    let mut hashes = Vec::new();
    for wire_delay_cycles in [0, 25] {
        let [one, two] = [1, 2].map(|threads| {
            run(ClusterOptions {
                threads,
                wire_delay_cycles,
                ..options(13)
            })
        });
        assert_eq!(
            essence(&one),
            essence(&two),
            "wire delay {wire_delay_cycles}"
        );
        hashes.push(one.report.trace_hash);
    }
    assert_ne!(hashes[0], hashes[1], "a longer wire is another run");
}

#[test]
fn cycles_left_out_make_no_difference() {
    for wire_delay_cycles in [0, 25] {
        let run = |skip, threads| {
            run(ClusterOptions {
                skip,
                threads,
                wire_delay_cycles,
                ..options(16)
            })
        };
        let all = run(Skip::Never, 1);
        let idle = |outcome: &Outcome| -> u64 {
            let nodes = outcome.report.nodes.iter();
            nodes.map(|node| node.idle_cycles).sum()
        };
        assert_eq!(idle(&all), 0);
        for (skip, threads) in [(Skip::Idle, 1), (Skip::Idle, 2), (Skip::Check, 1)] {
            let other = run(skip, threads);
            assert_eq!(essence(&all), essence(&other), "{skip:?}");
            assert!(idle(&other) > other.report.cycles / 2, "{skip:?}");
            let asleep: u64 = other
                .report
                .nodes
                .iter()
                .map(|node| node.asleep_cycles)
                .sum();
            assert_eq!(asleep > 0, skip == Skip::Idle, "{skip:?}: {asleep}");
        }
    }
}

#[test]
fn threads_make_no_difference_on_a_switch() {
    // The nodes do not divide evenly among the threads. Threads meet once in a wire's delay: with none, three of them
    // on two processors would spend their time waiting for the third.
    let [one, three] = [1, 3].map(|threads| {
        run(ClusterOptions {
            nodes: 4,
            threads,
            wire_delay_cycles: 25,
            ..options(14)
        })
    });
    assert_eq!(essence(&one), essence(&three));
}

#[test]
fn a_reset_falls_into_the_same_cycle_again() {
    if !support::has_pages_for_guests() {
        return;
    }
    let [one, two] = [1, 2].map(|threads| {
        let options = ClusterOptions {
            threads,
            wire_delay_cycles: 25,
            ..options(15)
        };
        run_scenario(Scenario::Reboot, 150, options)
    });
    assert_eq!(essence(&one), essence(&two));
}

#[test]
fn messages_arrive_whatever_memories_hold_at_first() {
    let mut hashes = Vec::new();
    for seed in [21, 22, 23] {
        let outcome = run(ClusterOptions {
            random_initial_values: true,
            ..options(seed)
        });
        hashes.push(outcome.report.trace_hash);
    }
    let again = run(ClusterOptions {
        random_initial_values: true,
        ..options(21)
    });
    assert_eq!(
        hashes[0], again.report.trace_hash,
        "random values follow from the seed too"
    );
}
