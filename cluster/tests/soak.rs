//! The short form of the soak: `cargo xtask soak` is the long one.

mod support;

use sim::cluster::ClusterOptions;
use wayfarer_cluster::soak::{self, Outcome, Scenario, SoakOptions, Verdict};
use wayfarer_configuration::Configuration;

/// Runs about so many messages of a scenario.
fn run(scenario: Scenario, profile: &str, nodes: u16, messages: u64, seed: u64) -> Outcome {
    let options = SoakOptions {
        scenario,
        messages,
        cluster: ClusterOptions {
            nodes,
            wire_delay_cycles: scenario.wire_delay_cycles(),
            ..support::options(profile, seed)
        },
        received: Default::default(),
    };
    let outcome = soak::run(options).unwrap_or_else(|error| panic!("{error}"));
    println!("{outcome:?}");
    outcome
}

/// Runs so many messages of a scenario; they must all have come.
fn check(scenario: Scenario, profile: &str, nodes: u16, messages: u64, seed: u64) -> Outcome {
    let outcome = run(scenario, profile, nodes, messages, seed);
    assert_eq!(outcome.tally.messages(), messages);
    outcome
}

/// Runs a scenario in which endpoints come and go; nothing if there are too few pages for their bodies.
fn check_guests(
    scenario: Scenario,
    profile: &str,
    nodes: u16,
    messages: u64,
    seed: u64,
) -> Option<Verdict> {
    if !support::has_pages_for_guests() {
        return None;
    }
    let outcome = run(scenario, profile, nodes, messages, seed);
    Some(outcome.verdict.expect("there were guests"))
}

/// The same, with the scenario's own number of nodes and so that rings are full now and then.
fn check_with_full_rings(scenario: Scenario, profile: &str, messages: u64, seed: u64) {
    let outcome = check(scenario, profile, scenario.nodes(), messages, seed);
    assert!(outcome.tally.probes > 0, "no ring was ever full");
}

#[test]
fn two_nodes_on_a_wire_lose_double_and_disorder_nothing() {
    let outcome = check(Scenario::Random, "pcie-gen3-x8", 2, 1000, 1);
    assert!(outcome.tally.probes > 0, "no ring was ever full");
}

#[test]
fn four_nodes_on_a_switch_lose_double_and_disorder_nothing() {
    check_with_full_rings(Scenario::Random, "bare", 2000, 2);
}

#[test]
fn eight_nodes_lose_double_and_disorder_nothing() {
    check_with_full_rings(Scenario::EightNodes, "pcie-gen3-x8", 1000, 3);
}

#[test]
fn queues_that_send_to_several_nodes_in_turn_lose_double_and_disorder_nothing() {
    check_with_full_rings(Scenario::Alternating, "bare", 1500, 4);
}

#[test]
fn queues_that_use_both_channels_in_turn_lose_double_and_disorder_nothing() {
    check_with_full_rings(Scenario::Channels, "bare", 1500, 5);
}

#[test]
fn messages_of_every_length_both_ways_are_whole() {
    let outcome = check(Scenario::Sizes, "bare", Scenario::Sizes.nodes(), 1500, 6);
    let [basic, bytes] = [outcome.tally.basic, outcome.tally.bytes];
    assert!(bytes > 60 * basic, "{bytes} bytes in {basic} messages");
}

#[test]
fn rings_that_nobody_empties_for_long_disturb_nobody_and_lose_nothing() {
    check_with_full_rings(Scenario::DeadRings, "pcie-gen3-x8", 2000, 7);
}

#[test]
fn queues_that_change_owners_under_traffic_mix_nothing_up() {
    let Some(verdict) = check_guests(Scenario::Owners, "pcie-gen3-x8", 2, 3500, 8) else {
        return;
    };
    assert!(verdict.early > 4, "none left with messages unanswered");
    // Endpoints get other pages each time, but there are only so many queues behind them.
    let queues = Configuration::chosen().expect("the NIU was made from it");
    let queues = queues.value("queues.transmit") as usize;
    assert!(
        verdict.guests as usize > 2 * queues,
        "no queue changed its owner"
    );
}

#[test]
fn damaged_frames_fail_queues_visibly_and_disturb_no_other() {
    let Some(verdict) = check_guests(Scenario::Damage, "bare", 2, 700, 9) else {
        return;
    };
    assert!(verdict.failed > 1, "no queue failed");
    assert!(2 * verdict.failed < verdict.guests, "most queues failed");
}

#[test]
fn a_node_that_reboots_disturbs_none_that_does_not_send_to_it() {
    let Some(verdict) = check_guests(Scenario::Reboot, "pcie-gen3-x8", 3, 1000, 10) else {
        return;
    };
    assert!(verdict.reset > 0, "no endpoint was lost");
}
