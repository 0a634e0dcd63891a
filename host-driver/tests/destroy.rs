//! Endpoints that end while messages for them are on their way: memory given back is not written any more.

mod support;

use abi::control::counter::Counter;
use abi::message::error::Error as Code;
use wayfarer_host_driver::launch::{Node, PATIENCE_NS};
use wayfarer_host_driver::{Endpoint, EndpointOptions, Error};

/// Endpoints that end, one after the other.
const ROUNDS: u64 = 8;
/// The longest message: two write packets, the second far behind the first.
const BYTES: usize = 248;

/// On a host that is slower than the link, and on one that is not.
#[test]
fn no_message_is_written_to_a_ring_whose_endpoint_has_ended() {
    for (profile, seed) in [("pcie-gen1-x1", 81), ("pcie-gen3-x8", 82)] {
        let options = support::options(profile, seed);
        let (_, report) = support::run(options, vec![Box::new(send), Box::new(receive)]);
        let faults: Vec<u64> = report.nodes.iter().map(|node| node.iommu_faults).collect();
        assert_eq!(
            faults,
            [0, 0],
            "{profile}: writes to memory that was given back"
        );
    }
}

/// The ring has room for all that comes while the firmware ends the endpoint.
fn endpoint(node: &Node) -> Result<Endpoint, Error> {
    let options = EndpointOptions {
        receive_queue_id: 5,
        ring_entries_log2: 10,
        ..EndpointOptions::default()
    };
    node.endpoint(options, &[node.peer()])
}

/// Sends in each round until it is told that there is no such queue any more.
fn send(node: &Node) -> Result<(), Error> {
    for round in 0..ROUNDS {
        let mut endpoint = endpoint(node)?;
        node.barrier();
        let end = loop {
            if let Err(error) = endpoint.when_room(PATIENCE_NS, |endpoint| {
                endpoint.send_basic(0, 0, &[round as u8; BYTES])
            }) {
                break error;
            }
        };
        let Error::Queue(end) = end else {
            return Err(end);
        };
        assert_eq!(end.code, Code::NotResident, "{end}");
        node.barrier();
    }
    Ok(())
}

/// Ends each endpoint a little later than the one before, in the midst of its messages.
fn receive(node: &Node) -> Result<(), Error> {
    for round in 0..ROUNDS {
        let mut endpoint = endpoint(node)?;
        node.barrier();
        for _ in 0..20 + round {
            assert_eq!(
                endpoint.receive_wait(PATIENCE_NS)?.payload,
                [round as u8; BYTES]
            );
        }
        drop(endpoint);
        node.barrier();
        assert!(node.device.counter(Counter::ReceiveMiss)? > 0);
    }
    Ok(())
}
