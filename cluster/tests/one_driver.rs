//! A device has one driver at a time; one that died can be superseded.

mod support;

use sim::cluster::Cluster;
use host_driver::{Device, Endpoint, EndpointOptions, Error, OpenOptions};

const RECEIVE_QUEUE_ID: u16 = 5;
const PATIENCE_NS: f64 = 10_000_000.0;
const TAKE_OVER: OpenOptions = OpenOptions {
    take_over: true,
    firmware_patience_ns: PATIENCE_NS,
};

fn endpoint(device: &Device) -> Endpoint {
    let options = EndpointOptions {
        receive_queue_id: RECEIVE_QUEUE_ID,
        ..EndpointOptions::default()
    };
    device.create_endpoint(options).expect("the name is free")
}

/// The firmware knows the endpoint and does what its driver asks.
fn works(endpoint: &Endpoint) {
    endpoint
        .load_translation(0, 1, RECEIVE_QUEUE_ID, 0)
        .expect("the endpoint is alive");
}

#[test]
fn a_second_driver_is_refused_until_the_first_is_gone() {
    let mut cluster = Cluster::new(support::options("bare", 72));
    cluster.program(0, |_| {
        for _ in 0..2 {
            let device = Device::open("sim:0").expect("nobody has it");
            let first = endpoint(&device);
            assert!(matches!(Device::open("sim:0"), Err(Error::InUse)));
            works(&first);
            // The endpoint alone still has the device.
            drop(device);
            assert!(matches!(Device::open("sim:0"), Err(Error::InUse)));
            works(&first);
        }
    });
    cluster.program(1, |_| {});
    cluster.run().expect("the cluster runs");
}

#[test]
fn a_driver_that_died_is_superseded() {
    let mut cluster = Cluster::new(support::options("bare", 73));
    cluster.program(0, |_| {
        let died = Device::open("sim:0").expect("nobody has it");
        let endpoint_of_dead = endpoint(&died);
        std::mem::forget((endpoint_of_dead, died));
        assert!(matches!(Device::open("sim:0"), Err(Error::InUse)));

        let superseded = Device::open_with("sim:0", TAKE_OVER).expect("it is replaced");
        let end_of_superseded = endpoint(&superseded);
        // This one lives: it is told, and does no harm.
        let device = Device::open_with("sim:0", TAKE_OVER).expect("it is replaced");
        let own = endpoint(&device);
        let lost = superseded.create_endpoint(EndpointOptions::default());
        assert!(matches!(lost, Err(Error::TakenOver)));
        drop((end_of_superseded, superseded));
        works(&own);
        drop((own, device));
        Device::open("sim:0").expect("it was given back");
    });
    cluster.program(1, |_| {});
    cluster.run().expect("the cluster runs");
}
