//! Messages to the own node: they go through the same queues and checks as all others, but not onto the wire.

mod support;

use abi::control::counter::Counter;
use abi::message::error::Error as Code;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, FlushError, MessageView, NodeNumber, QueueError,
    QueueReport, ReceiveQueueId, RequestError, SendError, VirtualChannel,
};
use wayfarer_cluster::Clock;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Receive queue of the endpoint that sends, also to itself.
const OWN: u16 = 3;
/// Receive queue of another endpoint of its node, and of one of the other node.
const OTHER: u16 = 4;
/// Destinations of the sender.
const TO_ITSELF: u16 = 0;
const TO_ITS_NEIGHBOUR: u16 = 1;
const TO_THE_PEER: u16 = 2;
const TO_NOBODY: u16 = 3;
/// Messages to each; rings have four entries.
const MESSAGES: u8 = 60;

fn endpoint(node: &Node, receive_queue_id: u16) -> Result<Endpoint, RequestError> {
    node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        ring_entries_log2: 2,
        destinations_log2: 2,
        ..EndpointOptions::default()
    })
}

/// What message `number` to a destination says.
fn payload(destination: u16, number: u8) -> Vec<u8> {
    let length = [8, 248, 8, 100][usize::from(number) % 4];
    vec![number ^ (destination as u8) << 6; length]
}

/// Sends a message if there is room.
fn send(endpoint: &mut Endpoint, destination: u16, number: u8) -> Result<bool, Error> {
    let payload = payload(destination, number);
    let sent = match <[u8; 8]>::try_from(&payload[..]) {
        Ok(payload) => endpoint.send_express(Destination(destination), 1, payload),
        Err(_) => endpoint.send_basic(Destination(destination), 1, &payload),
    };
    match sent {
        Ok(()) => Ok(true),
        Err(SendError::QueueFull) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes what has come for a destination and compares it.
fn take(endpoint: &mut Endpoint, destination: u16, source: u16, taken: &mut u8) {
    while let Some(message) = endpoint.receive().map(MessageView::into_message) {
        assert_eq!(message.payload, payload(destination, *taken), "{taken}");
        assert_eq!(
            (message.source_node.0, message.source_endpoint.0),
            (0, source)
        );
        *taken += 1;
    }
}

#[test]
fn a_node_sends_to_itself_and_to_others_in_order_over_full_rings_and_not_onto_the_wire() {
    let own = |node: &Node| {
        let mut sender = endpoint(node, OWN)?;
        let mut neighbour = endpoint(node, OTHER)?;
        for (destination, to, queue) in [
            (TO_ITSELF, 0, OWN),
            (TO_ITS_NEIGHBOUR, 0, OTHER),
            (TO_THE_PEER, 1, OTHER),
            (TO_NOBODY, 0, 5),
        ] {
            sender.load_translation(
                Destination(destination),
                NodeNumber(to),
                ReceiveQueueId(queue),
                VirtualChannel::ZERO,
            )?;
        }
        node.barrier();
        let (mut sent, mut next) = (0, [0; 3]);
        let number = sender.number().0;
        let (mut by_itself, mut by_neighbour) = (0, 0);
        let start = node.port.now();
        while by_itself < MESSAGES || by_neighbour < MESSAGES {
            // In turn to each of the three.
            while sent < 3 * u32::from(MESSAGES) {
                let destination = (sent % 3) as u16;
                let place = &mut next[usize::from(destination)];
                if !send(&mut sender, destination, *place)? {
                    break;
                }
                *place += 1;
                sent += 1;
            }
            take(&mut sender, TO_ITSELF, number, &mut by_itself);
            take(&mut neighbour, TO_ITS_NEIGHBOUR, number, &mut by_neighbour);
            assert!(node.port.now() - start < PATIENCE, "{next:?}");
            node.port.poll(10_000.0);
        }
        sender.flush(PATIENCE)?;
        sender.send_express(Destination(TO_NOBODY), 0, *b"to whom?")?;
        let Err(FlushError::Queue(error)) = sender.flush(PATIENCE) else {
            panic!("nobody has that receive queue");
        };
        let expected = QueueReport {
            count: 1,
            code: Code::NotResident,
            failed: false,
        };
        assert_eq!(error, QueueError::Reported(expected));
        node.barrier();
        assert!(sender.receive().is_none(), "a message too many");
        assert!(neighbour.receive().is_none(), "a message too many");
        assert_eq!(node.device.counter(Counter::AnswerUnexpected)?, 0);
        Ok(())
    };
    let peer = |node: &Node| {
        let mut endpoint = endpoint(node, OTHER)?;
        node.barrier();
        for message in 0..MESSAGES {
            let received = endpoint.receive_wait(PATIENCE)?.into_message();
            assert_eq!(received.payload, payload(TO_THE_PEER, message));
            assert_eq!(received.source_node.0, 0);
        }
        node.barrier();
        assert!(endpoint.receive().is_none(), "a message too many");
        let received = node.device.counter(Counter::MessagesReceived)?;
        assert_eq!(received, MESSAGES.into());
        // On the wire the sender's messages to itself would come here.
        assert_eq!(node.device.counter(Counter::FrameMisrouted)?, 0);
        Ok(())
    };
    let options = support::options("pcie-gen3-x8", 121);
    support::run(options, vec![Box::new(own), Box::new(peer)]);
}
