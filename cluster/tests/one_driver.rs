//! A device has one driver at a time; one that died can be superseded.

mod support;

use host_driver::{
    Destination, Device, Endpoint, EndpointOptions, NodeNumber, OpenError, OpenOptions,
    ReceiveQueueId, RequestError, VirtualChannel,
};
use sim::cluster::Cluster;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const RECEIVE_QUEUE_ID: u16 = 5;
const PATIENCE: Duration = Duration::from_millis(10);
const TAKE_OVER: OpenOptions = OpenOptions {
    take_over: true,
    firmware_patience: PATIENCE,
    ..OpenOptions::DEFAULT
};

fn endpoint(device: &Device) -> Endpoint {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(RECEIVE_QUEUE_ID),
        ..EndpointOptions::default()
    };
    device.create_endpoint(options).expect("the name is free")
}

/// The firmware knows the endpoint and does what its driver asks.
fn works(endpoint: &Endpoint) {
    endpoint
        .load_translation(
            Destination(0),
            NodeNumber(1),
            ReceiveQueueId(RECEIVE_QUEUE_ID),
            VirtualChannel::ZERO,
        )
        .expect("the endpoint is alive");
}

#[test]
fn a_second_driver_is_refused_until_the_first_is_gone() {
    let mut cluster = Cluster::new(support::options("bare", 72));
    cluster.program(0, |_| {
        for _ in 0..2 {
            let device = Device::open("sim:0").expect("nobody has it");
            let first = endpoint(&device);
            assert!(matches!(Device::open("sim:0"), Err(OpenError::InUse)));
            works(&first);
            // The endpoint alone still has the device.
            drop(device);
            assert!(matches!(Device::open("sim:0"), Err(OpenError::InUse)));
            works(&first);
        }
    });
    cluster.program(1, |_| {});
    cluster.run().expect("the cluster runs");
}

/// Nanoseconds by which the second of two drivers opens the device later: up to longer than opening it takes.
const DELAYS_NS: [u64; 9] = [0, 300, 700, 1500, 3000, 5000, 6000, 8000, 20_000];

#[test]
fn of_two_drivers_that_open_at_the_same_moment_exactly_one_has_the_device() {
    for delay_ns in DELAYS_NS {
        let mut cluster = Cluster::new(support::options("pcie-gen3-x8", 75));
        let winners: Arc<Mutex<Vec<u64>>> = Arc::default();
        for number in 0..2 {
            let winners = Arc::clone(&winners);
            cluster.program(0, move |port| {
                port.sleep_ns(10_000 + number * delay_ns);
                match Device::open("sim:0") {
                    Ok(device) => {
                        works(&endpoint(&device));
                        winners.lock().expect("nobody panics").push(number);
                        // The device stays open until the other driver has tried.
                        port.gather(&[]);
                    }
                    Err(OpenError::InUse) => drop(port.gather(&[])),
                    Err(error) => panic!("driver {number}, {delay_ns} ns later: {error}"),
                }
            });
        }
        cluster.program(1, |_| {});
        cluster.run().expect("the cluster runs");
        let winners = winners.lock().expect("nobody panics").clone();
        println!("{delay_ns} ns later: {winners:?}");
        assert_eq!(winners.len(), 1, "{delay_ns} ns later: {winners:?}");
    }
}

#[test]
fn a_driver_that_died_is_superseded() {
    let mut cluster = Cluster::new(support::options("bare", 73));
    cluster.program(0, |_| {
        let died = Device::open("sim:0").expect("nobody has it");
        let endpoint_of_dead = endpoint(&died);
        std::mem::forget((endpoint_of_dead, died));
        assert!(matches!(Device::open("sim:0"), Err(OpenError::InUse)));

        let superseded = Device::open_with("sim:0", TAKE_OVER).expect("it is replaced");
        let end_of_superseded = endpoint(&superseded);
        // This one lives: it is told, and does no harm.
        let device = Device::open_with("sim:0", TAKE_OVER).expect("it is replaced");
        let own = endpoint(&device);
        let lost = superseded.create_endpoint(EndpointOptions::default());
        assert!(matches!(lost, Err(RequestError::TakenOver)));
        drop((end_of_superseded, superseded));
        works(&own);
        drop((own, device));
        Device::open("sim:0").expect("it was given back");
    });
    cluster.program(1, |_| {});
    cluster.run().expect("the cluster runs");
}
