//! What tests of whole clusters share: firmware, options, host programs that return results.
#![allow(
    dead_code,
    reason = "each test binary includes this module and uses a part of it"
)]

use host_driver::Error;
use sim::cluster::{ClusterOptions, Report};
use sim::profile::Profile;
use std::time::Duration;
use wayfarer_cluster::launch::{Node, Program, firmware_path, launch, read_firmware};
use wayfarer_configuration::Configuration;

/// Core cycles after which a run counts as hung, unless a test sets another limit.
pub const MAXIMUM_CYCLES: u64 = 4_000_000;

/// The firmware image as `cargo xtask firmware` leaves it.
///
/// # Panics
/// It has not been built.
pub fn firmware() -> Vec<u8> {
    read_firmware(&firmware_path()).unwrap_or_else(|error| panic!("{error}"))
}

/// A two-node cluster on a built-in profile; the driver can open its devices. The seed is printed, for a failed test's
/// output.
///
/// # Panics
/// The profile is unknown or the firmware has not been built.
pub fn options(profile: &str, seed: u64) -> ClusterOptions {
    wayfarer_cluster::register();
    println!("profile {profile}, seed {seed}");
    let profile = Profile::named(profile).unwrap_or_else(|error| panic!("{error}"));
    ClusterOptions {
        seed,
        maximum_cycles: MAXIMUM_CYCLES,
        ..ClusterOptions::new(profile, firmware())
    }
}

/// How long so many core cycles take: what the firmware needs is told in cycles.
pub const fn cycles(cycles: u64) -> Duration {
    Duration::from_nanos(cycles * 1_000_000_000 / sim::model::CLOCK_HERTZ)
}

/// The same in nanoseconds.
pub const fn cycles_ns(cycles: u64) -> f64 {
    cycles as f64 * 1e9 / sim::model::CLOCK_HERTZ as f64
}

/// Basic messages that an endpoint may have in flight.
pub fn inline_bodies(node: &Node) -> usize {
    usize::from(node.device.identity().transmit_slots).min(abi::message::INLINE_BODIES)
}

/// Core cycles without an answer after which a queue pings; after as long again it fails.
///
/// # Panics
/// The configuration that the NIU was made from cannot be read.
pub fn answer_timeout_cycles() -> u64 {
    let configuration = Configuration::chosen().expect("the NIU was made from it");
    configuration.value("queues.answer_timeout_cycles")
}

/// Whether the soak's endpoints that come and go have pages for their inline bodies, four on each node. Says so if not.
pub fn has_pages_for_guests() -> bool {
    let has = sim::model::INLINE_PAGES >= 4;
    if !has {
        println!("not run: each node has four endpoints with inline bodies");
    }
    has
}

/// What a host program does.
pub type Body<R> = Box<dyn FnOnce(&Node) -> Result<R, Error> + Send>;

/// Runs a host program on each node, `bodies[n]` on node `n`; gives their results and the run's report.
///
/// # Panics
/// A program fails or panics, the NIU breaks a rule of PCIe, or the run does not end.
pub fn run<R: Send + 'static>(options: ClusterOptions, bodies: Vec<Body<R>>) -> (Vec<R>, Report) {
    let programs = bodies.into_iter().map(program).collect();
    let launched = launch(options, programs);
    launched
        .into_results()
        .unwrap_or_else(|error| panic!("{error}"))
}

fn program<R: 'static>(body: Body<R>) -> Program<R, Error> {
    Box::new(|port| {
        let node = port.node();
        let outcome = Node::open(port)
            .map_err(Error::from)
            .and_then(|node| body(&node));
        // A panic ends the run here, with its reason: returned, the error would have the other programs run out of
        // patience.
        Ok(outcome
            .unwrap_or_else(|error| panic!("the host program of node {node} failed: {error}")))
    })
}
