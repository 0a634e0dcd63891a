//! The C driver on a simulated cluster of two nodes.

use sim::cluster::ClusterOptions;
use sim::profile::Profile;
use wayfarer_c_driver::{CheckFailed, PingCounts, Program};
use wayfarer_cluster::launch::{firmware_path, launch, read_firmware};

/// Core cycles after which a run counts as hung.
const MAXIMUM_CYCLES: u64 = 10_000_000;
/// Payloads of Basic messages have 0 to 248 bytes; an Express message follows each.
const MESSAGES: u32 = 249;

/// Both nodes.
fn options(profile: &str, seed: u64) -> ClusterOptions {
    println!("profile {profile}, seed {seed}");
    let profile = Profile::named(profile).unwrap_or_else(|error| panic!("{error}"));
    let firmware = read_firmware(&firmware_path()).unwrap_or_else(|error| panic!("{error}"));
    ClusterOptions {
        seed,
        maximum_cycles: MAXIMUM_CYCLES,
        ..ClusterOptions::new(profile, firmware)
    }
}

#[test]
fn two_nodes_exchange_messages_of_all_sizes() {
    for (seed, profile) in [(201, "pcie-gen3-x8"), (202, "bare")] {
        let programs = launch(
            options(profile, seed),
            vec![
                Box::new(|port| Program::new(port).ping()),
                Box::new(|port| Program::new(port).ping()),
            ],
        );
        let (counts, _) = programs
            .into_results()
            .unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(counts.len(), 2);
        for (node, counts) in counts.into_iter().enumerate() {
            println!("node {node}: {counts:?}");
            let expected = PingCounts {
                express_sent: MESSAGES,
                basic_sent: MESSAGES,
                express_received: MESSAGES,
                basic_received: MESSAGES,
                niu_received: 2 * MESSAGES,
                // These depend on the host's speed.
                queue_full: counts.queue_full,
                niu_ring_full: counts.niu_ring_full,
            };
            assert_eq!(counts, expected, "node {node}");
        }
    }
}

/// Runs a program on node 0, and none on node 1.
fn alone(seed: u64, program: fn(&Program) -> Result<(), CheckFailed>) {
    let programs = launch(
        options("pcie-gen3-x8", seed),
        vec![
            Box::new(move |port| program(&Program::new(port))),
            Box::new(|_| Ok(())),
        ],
    );
    programs
        .into_results()
        .unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn mistakes_are_answered_as_the_documents_say() {
    alone(203, Program::mistakes);
}

#[test]
fn a_driver_can_end_without_the_firmware_and_the_next_one_finds_a_device_that_works() {
    alone(204, Program::silence);
}
