//! Where the host is the narrow place: the link's buffers fill, and credits hold the senders back.

mod support;

use abi::control::counter::Counter;
use host_driver::{Destination, Endpoint, EndpointOptions, Error, ReceiveQueueId, RequestError};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Senders, if there are pages for their inline bodies: four pages hold 1088 beats of the longest messages, twice a
/// channel's buffer in the default configuration.
const MOST_ENDPOINTS: u8 = 4;
/// Times that all bodies are filled; so often that a beat lost or won with each frame would show.
const ROUNDS: usize = 6;
/// The longest message.
const BYTES: usize = 248;

#[test]
fn a_slow_host_holds_back_several_queues_and_loses_nothing() {
    // The link brings ten times what this host's PCI Express takes.
    let options = support::options("pcie-gen1-x1", 61);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}

/// This node's endpoints; each leads to its like on the other node.
fn endpoints(node: &Node) -> Result<Vec<Endpoint>, RequestError> {
    let endpoint = |number| {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(number),
            ..EndpointOptions::default()
        };
        node.endpoint(options, &[node.peer()])
    };
    let count = node.device.identity().inline_pages.min(MOST_ENDPOINTS);
    let endpoints = (0..count.into()).map(endpoint).collect();
    node.barrier();
    endpoints
}

fn payload(endpoint: usize, message: usize) -> [u8; BYTES] {
    std::array::from_fn(|byte| (byte * 3 + message * 17 + endpoint * 59) as u8)
}

/// Composes messages in all bodies before it launches them, because its own host is as slow as the other.
fn send(node: &Node) -> Result<(), Error> {
    let mut endpoints = endpoints(node)?;
    let bodies = support::inline_bodies(node);
    for round in 0..ROUNDS {
        for (number, endpoint) in endpoints.iter_mut().enumerate() {
            for body in 0..bodies {
                endpoint.compose(Destination(0), 0, &payload(number, round * bodies + body))?;
            }
        }
        endpoints.iter_mut().for_each(Endpoint::launch);
        for endpoint in &mut endpoints {
            endpoint.flush(PATIENCE)?;
        }
    }
    finish(node)
}

fn receive(node: &Node) -> Result<(), Error> {
    let mut endpoints = endpoints(node)?;
    for message in 0..ROUNDS * support::inline_bodies(node) {
        for (number, endpoint) in endpoints.iter_mut().enumerate() {
            let received = endpoint.receive_wait(PATIENCE)?.into_message();
            assert_eq!(
                received.payload,
                payload(number, message),
                "message {message}"
            );
        }
    }
    finish(node)
}

/// Nothing was lost on the way, not even to be sent again.
fn finish(node: &Node) -> Result<(), Error> {
    node.barrier();
    for counter in [
        Counter::FrameOverrun,
        Counter::FrameCorrupt,
        Counter::AnswerTimeout,
        Counter::Probes,
        Counter::PingsSent,
    ] {
        assert_eq!(node.device.counter(counter)?, 0, "{counter:?}");
    }
    node.barrier();
    Ok(())
}
