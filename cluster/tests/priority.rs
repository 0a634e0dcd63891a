//! Transmit queues with and without priority on one node (V20).

mod support;

use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, NodeNumber, ReceiveQueueId, VirtualChannel,
};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Of the first byte of a payload: its queue has priority.
const PRIORITY: u8 = 0x80;
/// Both queues send to this one, so that the order shows.
const RING: ReceiveQueueId = ReceiveQueueId(2);

#[test]
fn messages_with_priority_go_first_and_do_not_keep_the_others_out() {
    let options = support::options("bare", 91);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}

/// To the own node no message waits for credits.
#[test]
fn they_do_so_on_the_way_to_the_own_node() {
    let options = support::options("bare", 92);
    support::run(
        options,
        vec![Box::new(send_to_itself), Box::new(send_to_itself)],
    );
}

/// Two endpoints that send to a node, the second with priority.
fn endpoints(node: &Node, to: u16) -> Result<[Endpoint; 2], Error> {
    let endpoint = |priority| {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(RING.0 + u16::from(priority)),
            priority,
            ..EndpointOptions::default()
        };
        let endpoint = node.device.create_endpoint(options)?;
        let to = NodeNumber(to);
        endpoint.load_translation(Destination(0), to, RING, VirtualChannel::ZERO)?;
        Ok::<_, Error>(endpoint)
    };
    let both = [endpoint(false)?, endpoint(true)?];
    node.barrier();
    Ok(both)
}

/// Launches every inline body of both endpoints.
fn launch(node: &Node, endpoints: &mut [Endpoint; 2]) -> Result<(), Error> {
    let messages = support::inline_bodies(node) as u8;
    for (endpoint, mark) in endpoints.iter_mut().zip([0, PRIORITY]) {
        for message in 0..messages {
            endpoint.compose(Destination(0), message, &[mark | message; 248])?;
        }
    }
    // A long message takes 17 cycles: the second launch comes while the first queue's first messages go.
    for endpoint in endpoints {
        endpoint.launch();
    }
    Ok(())
}

/// Receives what `launch` sends: messages without priority that came before the last one with priority.
fn overtaken(node: &Node, ring: &mut Endpoint) -> Result<u8, Error> {
    let messages = support::inline_bodies(node) as u8;
    let mut came = [0; 2];
    let mut overtaken = 0;
    for _ in 0..2 * messages {
        let payload = ring.receive_wait(PATIENCE)?.into_message().payload;
        let has_priority = payload[0] & PRIORITY != 0;
        let number = &mut came[usize::from(has_priority)];
        assert_eq!(payload, [payload[0] & PRIORITY | *number; 248]);
        *number += 1;
        if has_priority && *number == messages {
            overtaken = came[0];
        }
    }
    println!("{overtaken} of {messages} messages without priority came first");
    Ok(overtaken)
}

fn send(node: &Node) -> Result<(), Error> {
    let mut endpoints = endpoints(node, node.peer())?;
    launch(node, &mut endpoints)?;
    for endpoint in &mut endpoints {
        endpoint.flush(PATIENCE)?;
    }
    node.barrier();
    Ok(())
}

fn receive(node: &Node) -> Result<(), Error> {
    let [mut ring, _] = endpoints(node, node.peer())?;
    let overtaken = overtaken(node, &mut ring)?;
    let messages = support::inline_bodies(node) as u8;
    // By then one of eight turns was the other queue's, and those before the second launch. But queues that wait for
    // credits go in the order in which they began to wait (contract 1, rule 42), and in `minimum`, with four bodies, a
    // node has credits for two of these messages.
    let most = if messages < 8 { messages } else { messages / 2 };
    assert!((1..=most).contains(&overtaken), "{overtaken}");
    node.barrier();
    Ok(())
}

fn send_to_itself(node: &Node) -> Result<(), Error> {
    let mut endpoints = endpoints(node, node.number())?;
    launch(node, &mut endpoints)?;
    let overtaken = overtaken(node, &mut endpoints[0])?;
    for endpoint in &mut endpoints {
        endpoint.flush(PATIENCE)?;
    }
    let messages = support::inline_bodies(node) as u8;
    assert!((1..=messages / 2).contains(&overtaken), "{overtaken}");
    Ok(())
}
