//! The short form of the soak: `cargo xtask soak` is the long one.

mod support;

use wayfarer_host_driver::soak::{self, Outcome, SoakOptions};

/// Runs so many messages of a seed; they must all have come, over full rings too.
fn check(profile: &str, nodes: u16, messages: u64, seed: u64) -> Outcome {
    let options = SoakOptions {
        messages,
        cluster: sim::cluster::ClusterOptions {
            nodes,
            ..support::options(profile, seed)
        },
        received: Default::default(),
    };
    let outcome = soak::run(options).unwrap_or_else(|error| panic!("{error}"));
    println!("{outcome:?}");
    assert_eq!(outcome.tally.express + outcome.tally.basic, messages);
    outcome
}

#[test]
fn two_nodes_on_a_wire_lose_double_and_disorder_nothing() {
    let outcome = check("pcie-gen3-x8", 2, 1000, 1);
    assert!(outcome.tally.probes > 0, "no ring was ever full");
}

#[test]
fn four_nodes_on_a_switch_lose_double_and_disorder_nothing() {
    let outcome = check("bare", 4, 2000, 2);
    assert!(outcome.tally.probes > 0, "no ring was ever full");
}
