//! A program that looks at several rings in turn misses nothing that arrives between its looks.

mod support;

use host_driver::{Destination, Endpoint, EndpointOptions, Error, ReceiveQueueId};
use wayfarer_cluster::Clock;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Longer than a message takes.
const PAUSE_NS: u64 = 100_000;

/// Two endpoints that lead to their like on the other node.
fn endpoints(node: &Node) -> Result<[Endpoint; 2], Error> {
    let endpoint = |receive_queue_id| {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(receive_queue_id),
            ..EndpointOptions::default()
        };
        node.endpoint(options, &[node.peer()])
    };
    let endpoints = [endpoint(1)?, endpoint(2)?];
    node.barrier();
    Ok(endpoints)
}

#[test]
fn a_message_that_lands_between_two_looks_ends_the_poll() {
    let receive = |node: &Node| {
        let [mut first, mut second] = endpoints(node)?;
        for _ in 0..3 {
            // Nothing more is on its way.
            node.port.sleep_ns(PAUSE_NS);
            node.port.poll(1.0);
            assert!(first.receive().is_none());
            node.barrier();
            node.port.sleep_ns(PAUSE_NS);
            assert!(second.receive().is_none());
            let start_ns = node.port.now_ns();
            node.port.poll_for(PATIENCE);
            let waited_ns = node.port.now_ns() - start_ns;
            assert!(waited_ns < 1000.0, "slept for {waited_ns} ns");
            assert!(first.receive().is_some(), "it was there before the poll");
            // All is seen now: the next poll waits as long as it may.
            node.port.poll(1.0);
            assert!(second.receive().is_none());
            let start_ns = node.port.now_ns();
            node.port.poll(PAUSE_NS as f64);
            let waited_ns = node.port.now_ns() - start_ns;
            assert!(waited_ns >= PAUSE_NS as f64, "woke after {waited_ns} ns");
            node.barrier();
        }
        Ok(())
    };
    let send = |node: &Node| {
        let [mut first, _second] = endpoints(node)?;
        for _ in 0..3 {
            node.barrier();
            first.send_express(Destination(0), 0, *b"between!")?;
            node.barrier();
        }
        Ok(())
    };
    let options = support::options("pcie-gen3-x8", 81);
    support::run(options, vec![Box::new(receive), Box::new(send)]);
}
