//! Endpoints that come and go beside a ring that takes messages without a pause.

mod support;

use host_driver::{Destination, Endpoint, EndpointOptions, Error, MessageView, ReceiveQueueId};
use sim::cluster::ClusterOptions;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Endpoints made and ended meanwhile.
const ROUNDS: usize = 3;
/// Takes what comes while an endpoint is made and ended.
const RING_ENTRIES_LOG2: u8 = 11;
/// The node that receives. The two others send as much together as its host can take twice, so that its NIU always has
/// another message waiting.
const RECEIVER: u16 = 1;
const PAYLOAD: [u8; 248] = [0x5a; 248];

/// A change of queue state waits until no address of before is in use; a message that comes after must not prolong
/// that. With the wait extended to "no message before the arbiter of writes", the first endpoint was made only when the
/// ring was full.
#[test]
fn endpoints_are_made_and_ended_while_another_ring_fills_without_a_pause() {
    let options = ClusterOptions {
        nodes: 3,
        ..support::options("pcie-gen1-x1", 91)
    };
    support::run(
        options,
        vec![Box::new(send), Box::new(receive), Box::new(send)],
    );
}

fn endpoint(node: &Node) -> Result<Endpoint, Error> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(5),
        ring_entries_log2: RING_ENTRIES_LOG2,
        ..EndpointOptions::default()
    };
    let destinations = if node.number() == RECEIVER {
        &[0, 2][..]
    } else {
        &[RECEIVER]
    };
    let endpoint = node.endpoint(options, destinations)?;
    node.barrier();
    Ok(endpoint)
}

/// Sends until it gets a message itself.
fn send(node: &Node) -> Result<(), Error> {
    let mut endpoint = endpoint(node)?;
    while endpoint.receive().is_none() {
        endpoint.when_room(PATIENCE, |endpoint| {
            endpoint.send_basic(Destination(0), 0, &PAYLOAD)
        })?;
    }
    node.barrier();
    Ok(())
}

fn receive(node: &Node) -> Result<(), Error> {
    let mut endpoint = endpoint(node)?;
    assert_eq!(
        endpoint.receive_wait(PATIENCE)?.into_message().payload,
        PAYLOAD
    );
    for round in 0..ROUNDS {
        let other = EndpointOptions {
            receive_queue_id: ReceiveQueueId(6),
            ..EndpointOptions::default()
        };
        drop(node.endpoint(other, &[])?);
        let mut waiting = 0;
        while let Some(message) = endpoint.receive().map(MessageView::into_message) {
            assert_eq!(message.payload, PAYLOAD);
            waiting += 1;
        }
        endpoint.give_back();
        println!("round {round}: {waiting} messages came meanwhile");
        assert!(
            (100..1 << RING_ENTRIES_LOG2).contains(&waiting),
            "{waiting} messages: the senders paused, or filled the ring"
        );
    }
    for sender in 0..2 {
        endpoint.send_express(Destination(sender), 0, *b"the end.")?;
    }
    // What the other has sent by then must not find the ring full.
    node.barrier();
    Ok(())
}
