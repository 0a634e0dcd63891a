//! What the driver does while the firmware is silent, and after.

mod support;

use host_driver::{
    Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, RequestError,
    VirtualChannel,
};
use sim::cluster::{Cluster, ClusterOptions};
use sim::host::HostPort;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wayfarer_cluster::launch::PATIENCE;

/// Little more than what an endpoint takes, so that not much silence need be simulated.
const IMPATIENT: OpenOptions = OpenOptions {
    firmware_patience: support::cycles(250_000),
    ..OpenOptions::DEFAULT
};
/// Enough to open the device, but not to create an endpoint whose ring has many pages to be probed.
const HASTY: OpenOptions = OpenOptions {
    firmware_patience: support::cycles(240_000),
    ..OpenOptions::DEFAULT
};
/// More requests than the admin queue holds.
const REQUESTS: usize = 20;

/// Lets the processor go and waits until its firmware has started.
fn let_go(device: &Device, port: &HostPort) {
    let heartbeats = || {
        let offset = abi::control::registers::heartbeat::OFFSET as u64;
        port.load(0, offset, 4).expect("a register")
    };
    let before = heartbeats();
    device.hold_processor(false).expect("the device answers");
    while heartbeats() == before {
        port.sleep_ns(5000);
    }
    // Behind its first heartbeat it looks at the admin queue, and takes what stands there for served.
    port.sleep_ns(100_000);
}

#[test]
fn requests_that_nobody_answers_are_refused_in_the_end_and_the_device_can_be_opened_anew() {
    let mut cluster = Cluster::new(ClusterOptions {
        maximum_cycles: 20_000_000,
        ..support::options("bare", 71)
    });
    cluster.program(0, |port| {
        let device = Device::open_with("sim:0", IMPATIENT).expect("the firmware answers");
        let options = EndpointOptions::default();
        let endpoint = device.create_endpoint(options).expect("there is room");
        device.hold_processor(true).expect("the device answers");
        let mut refused = 0;
        for request in 0..REQUESTS {
            match endpoint.load_translation(
                Destination(0),
                NodeNumber(1),
                ReceiveQueueId(0),
                VirtualChannel::ZERO,
            ) {
                Err(RequestError::FirmwareSilent { .. }) => {
                    assert_eq!(refused, 0, "request {request}")
                }
                Err(RequestError::AdminQueueFull { .. }) => refused += 1,
                other => panic!("request {request}: {other:?}"),
            }
        }
        assert_eq!(refused, REQUESTS - 16);
        let_go(&device, &port);
        let kept = port.with_side(|side| side.allocations.len());
        drop(endpoint);
        let still_kept = port.with_side(|side| side.allocations.len());
        assert_eq!(kept, still_kept, "nobody could be asked to destroy it");
        drop(device);
        let kept = port.with_side(|side| side.allocations.len());
        assert_eq!(kept, 0, "the firmware has forgotten it");
        let device = Device::open("sim:0").expect("the firmware answers again");
        let endpoint = device.create_endpoint(options).expect("the first is gone");
        endpoint
            .load_translation(
                Destination(0),
                NodeNumber(1),
                ReceiveQueueId(0),
                VirtualChannel::ZERO,
            )
            .expect("it is legal");
    });
    cluster.program(1, |_| {});
    cluster.run().expect("the cluster runs");
}

/// Messages keep coming for an endpoint whose driver ends while the processor is held.
#[test]
fn a_driver_that_ends_while_the_firmware_is_silent_frees_its_memory_and_the_next_one_lets_the_firmware_go()
 {
    let mut cluster = Cluster::new(support::options("bare", 76));
    let over = Arc::new(AtomicBool::new(false));
    let is_over = Arc::clone(&over);
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(5),
        ..EndpointOptions::default()
    };
    cluster.program(0, move |port| {
        let pieces = || port.with_side(|side| side.allocations.len());
        let device = Device::open_with("sim:0", IMPATIENT).expect("the firmware answers");
        let mut endpoint = device.create_endpoint(options).expect("there is room");
        port.gather(&[]);
        for _ in 0..20 {
            let message = endpoint.receive_wait(PATIENCE).expect("they keep coming");
            assert_eq!(message.len(), 8);
        }
        device.hold_processor(true).expect("the device answers");
        drop(endpoint);
        assert_eq!(pieces(), 6, "nobody could be asked to destroy it");
        drop(device);
        assert_eq!(pieces(), 0, "the NIU is quiet");
        port.sleep_ns(100_000);
        let device = Device::open("sim:0").expect("the processor is let go");
        drop(device.create_endpoint(options).expect("the first is gone"));
        over.store(true, Ordering::Relaxed);
    });
    cluster.program(1, move |port| {
        let device = Device::open("sim:1").expect("nobody has it");
        let mut endpoint = device.create_endpoint(options).expect("there is room");
        endpoint
            .load_translation(
                Destination(0),
                NodeNumber(0),
                ReceiveQueueId(5),
                VirtualChannel::ZERO,
            )
            .expect("it is legal");
        port.gather(&[]);
        while !is_over.load(Ordering::Relaxed) {
            // What becomes of the messages is the other test's business.
            let _ = endpoint.send_express(Destination(0), 0, *b"go on...");
            port.sleep_ns(2000);
        }
    });
    let report = cluster.run().expect("the cluster runs");
    assert_eq!(report.nodes[0].iommu_faults, 0);
}

#[test]
fn memory_of_an_endpoint_that_comes_about_too_late_is_kept_as_long_as_it_may() {
    let mut cluster = Cluster::new(support::options("pcie-gen3-x8", 74));
    cluster.program(0, |port| {
        // Pieces of memory that the device may reach.
        let pieces = || port.with_side(|side| side.allocations.len());
        // The firmware clears its tables first.
        port.sleep_ns(3_000_000);
        let device = Device::open_with("sim:0", HASTY).expect("it is quick enough for that");
        let rings = pieces();
        let options = EndpointOptions {
            ring_entries_log2: 13,
            ..EndpointOptions::default()
        };
        let late = device.create_endpoint(options);
        assert!(matches!(late, Err(RequestError::FirmwareSilent { .. })));
        port.sleep_ns(6_000_000);
        assert_eq!(pieces(), rings + 2, "the endpoint is there by now");
        drop(device);
        assert_eq!(pieces(), 0, "it is gone, and the rings are");
        let device = Device::open("sim:0").expect("it was given back");
        drop(device.create_endpoint(options).expect("there is room"));
        assert_eq!(pieces(), rings);
    });
    cluster.program(1, |_| {});
    let report = cluster.run().expect("the cluster runs");
    assert_eq!(report.nodes[0].iommu_faults, 0);
}
