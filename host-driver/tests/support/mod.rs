//! What tests of whole clusters share: firmware, options, host programs that return results.
#![allow(
    dead_code,
    reason = "each test binary includes this module and uses a part of it"
)]

use sim::cluster::{Cluster, ClusterOptions, Report};
use sim::host::HostPort;
use sim::profile::Profile;
use std::path::Path;
use std::sync::{Arc, Mutex};
use wayfarer_host_driver::{Device, Endpoint, EndpointOptions, Error};

/// How long any one thing may take, in simulated nanoseconds.
pub const PATIENCE_NS: f64 = 10_000_000.0;
/// Core cycles after which a run counts as hung, unless a test sets another limit.
pub const MAXIMUM_CYCLES: u64 = 4_000_000;

/// The firmware image as `cargo xtask firmware` leaves it.
///
/// # Panics
/// It has not been built.
pub fn firmware() -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/generated/firmware.bin");
    std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "cannot read the firmware image {}: {error}; `cargo xtask test` builds it, as does `cargo xtask firmware`",
            path.display()
        )
    })
}

/// A two-node cluster on a built-in profile. The seed is printed, for a failed test's output.
///
/// # Panics
/// The profile is unknown or the firmware has not been built.
pub fn options(profile: &str, seed: u64) -> ClusterOptions {
    println!("profile {profile}, seed {seed}");
    let profile = Profile::named(profile).unwrap_or_else(|error| panic!("{error}"));
    ClusterOptions {
        seed,
        maximum_cycles: MAXIMUM_CYCLES,
        ..ClusterOptions::new(profile, firmware())
    }
}

/// A node as the host program on it sees it.
pub struct Node {
    /// Its NIU, open.
    pub device: Device,
    /// The simulated machine.
    pub port: HostPort,
}

impl Node {
    /// Opens the NIU of the node that the running host program runs on.
    fn open(port: HostPort) -> Result<Self, Error> {
        let device = Device::open(&format!("sim:{}", port.node()))?;
        Ok(Node { device, port })
    }

    /// The node's number.
    pub fn number(&self) -> u16 {
        self.port.node()
    }

    /// In a cluster of two, the other node's number.
    pub fn peer(&self) -> u16 {
        1 - self.number()
    }

    /// Waits until the programs of all nodes have come to a barrier.
    pub fn barrier(&self) {
        self.port.gather(&[]);
    }

    /// An endpoint of these options whose destination `d` leads to the same RQID on `destinations[d]`, on channel 0.
    pub fn endpoint(
        &self,
        options: EndpointOptions,
        destinations: &[u16],
    ) -> Result<Endpoint, Error> {
        let endpoint = self.device.create_endpoint(options)?;
        for (destination, &node) in destinations.iter().enumerate() {
            endpoint.load_translation(destination as u16, node, options.receive_queue_id, 0)?;
        }
        Ok(endpoint)
    }
}

/// What a host program does.
pub type Body<R> = Box<dyn FnOnce(&Node) -> Result<R, Error> + Send>;

/// Runs a host program on each node, `bodies[n]` on node `n`; gives their results and the run's report.
///
/// # Panics
/// A program fails or panics, the NIU breaks a rule of PCIe, or the run does not end.
pub fn run<R: Send + 'static>(options: ClusterOptions, bodies: Vec<Body<R>>) -> (Vec<R>, Report) {
    assert_eq!(bodies.len(), usize::from(options.nodes), "a body a node");
    let mut cluster = Cluster::new(options);
    let slots: Vec<Slot<R>> = bodies
        .into_iter()
        .enumerate()
        .map(|(node, body)| add(&mut cluster, node as u16, body))
        .collect();
    let report = cluster.run().unwrap_or_else(|error| panic!("{error}"));
    let results = slots
        .into_iter()
        .map(|slot| {
            slot.lock()
                .unwrap_or_else(|poison| poison.into_inner())
                .take()
                .expect("a program that ends has left its result")
        })
        .collect();
    (results, report)
}

type Slot<R> = Arc<Mutex<Option<R>>>;

fn add<R: Send + 'static>(cluster: &mut Cluster, node: u16, body: Body<R>) -> Slot<R> {
    let slot: Slot<R> = Arc::default();
    let result = Arc::clone(&slot);
    cluster.program(node, move |port| {
        // An error ends the run here, with its reason: the other programs would wait at a barrier for ever.
        let outcome = Node::open(port)
            .and_then(|node| body(&node))
            .unwrap_or_else(|error| panic!("the host program of node {node} failed: {error}"));
        *result.lock().unwrap_or_else(|poison| poison.into_inner()) = Some(outcome);
    });
    slot
}
