//! Transmit queues with and without priority on one node (V20).

mod support;

use host_driver::{Destination, Endpoint, EndpointOptions, Error, MessageView, ReceiveQueueId};
use wayfarer_cluster::launch::{Node, PATIENCE};

#[test]
fn messages_with_priority_go_first_and_do_not_keep_the_others_out() {
    let options = support::options("bare", 91);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}

/// Two endpoints, the second with priority.
fn endpoints(node: &Node) -> Result<[Endpoint; 2], Error> {
    let endpoint = |priority| {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(2 + u16::from(priority)),
            priority,
            ..EndpointOptions::default()
        };
        node.endpoint(options, &[node.peer()])
    };
    let both = [endpoint(false)?, endpoint(true)?];
    node.barrier();
    Ok(both)
}

fn send(node: &Node) -> Result<(), Error> {
    let mut endpoints = endpoints(node)?;
    let messages = support::inline_bodies(node) as u8;
    for endpoint in &mut endpoints {
        for message in 0..messages {
            endpoint.compose(Destination(0), message, &[message; 248])?;
        }
    }
    // A long message takes 17 cycles: the second launch comes while the first queue's first messages go.
    for endpoint in &mut endpoints {
        endpoint.launch();
    }
    for endpoint in &mut endpoints {
        endpoint.flush(PATIENCE)?;
    }
    node.barrier();
    Ok(())
}

fn receive(node: &Node) -> Result<(), Error> {
    let [mut other, mut first] = endpoints(node)?;
    // Every inline body of both endpoints.
    let messages = support::inline_bodies(node) as u8;
    for message in 0..messages {
        assert_eq!(
            first.receive_wait(PATIENCE)?.into_message().payload,
            [message; 248]
        );
    }
    // By then one of eight turns was the other queue's, and those before the second launch.
    let mut overtaken = 0;
    while let Some(message) = other.receive().map(MessageView::into_message) {
        assert_eq!(message.payload, [overtaken; 248]);
        overtaken += 1;
    }
    println!("{overtaken} of {messages} messages without priority came first");
    assert!((1..=messages / 2).contains(&overtaken), "{overtaken}");
    for message in overtaken..messages {
        assert_eq!(
            other.receive_wait(PATIENCE)?.into_message().payload,
            [message; 248]
        );
    }
    node.barrier();
    Ok(())
}
