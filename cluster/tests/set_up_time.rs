//! How long the firmware takes to set things up: every program and every simulation pays for it.

use host_driver::{
    Destination, Device, EndpointOptions, NodeNumber, ReceiveQueueId, VirtualChannel,
};
use sim::cluster::Cluster;
use std::sync::{Arc, Mutex};

mod support;

/// A step of a program's set-up, and the core cycles it may take: a fifth above what was measured in the slowest
/// configuration.
const LIMITS: [(&str, f64); 5] = [
    ("open the device", 230_000.0),
    ("create an endpoint (window 64, ring 64 KiB)", 44_000.0),
    ("load a translation", 10_000.0),
    ("destroy the endpoint", 11_500.0),
    ("the longest of many later creations and ends", 42_000.0),
];
/// Rounds of creation and end: each queue is used again and again, and never has to rest.
const ROUNDS: usize = 40;

#[test]
fn set_up_is_quick() {
    let options = support::options("pcie-gen3-x8", 1);
    let cycle_ns = 1e9 / sim::model::CLOCK_HERTZ as f64;
    let mut cluster = Cluster::new(options);
    let times: Arc<Mutex<Vec<f64>>> = Arc::default();
    let (taken, times_of_rounds) = (Arc::clone(&times), Arc::clone(&times));
    cluster.program(0, move |port| {
        let mut last_ns = port.now_ns();
        let mut lap = || {
            let now_ns = port.now_ns();
            let cycles = (now_ns - last_ns) / cycle_ns;
            last_ns = now_ns;
            taken.lock().expect("no program panicked").push(cycles);
        };
        let device = Device::open("sim:0").expect("the device opens");
        lap();
        let options = EndpointOptions {
            destinations_log2: 6,
            ..EndpointOptions::default()
        };
        let endpoint = device.create_endpoint(options).expect("there is room");
        lap();
        endpoint
            .load_translation(
                Destination(0),
                NodeNumber(1),
                ReceiveQueueId(0),
                VirtualChannel::ZERO,
            )
            .expect("it is legal");
        lap();
        drop(endpoint);
        lap();
        let options = EndpointOptions {
            ring_entries_log2: 2,
            ..options
        };
        let longest = (0..ROUNDS).map(|_| {
            let start_ns = port.now_ns();
            drop(device.create_endpoint(options).expect("there is room"));
            port.now_ns() - start_ns
        });
        let longest = longest.fold(0.0, f64::max) / cycle_ns;
        times_of_rounds
            .lock()
            .expect("no program panicked")
            .push(longest);
    });
    cluster.program(1, |_| {});
    cluster.run().expect("the cluster runs");
    let times = times.lock().expect("no program panicked");
    assert_eq!(times.len(), LIMITS.len());
    for (&cycles, (what, limit)) in times.iter().zip(LIMITS) {
        println!("{cycles:6.0} core cycles to {what} (at most {limit})");
    }
    for (&cycles, (what, limit)) in times.iter().zip(LIMITS) {
        assert!(cycles <= limit, "{cycles} core cycles to {what}");
    }
}
