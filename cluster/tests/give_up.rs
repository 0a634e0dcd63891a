//! Endpoints that give up messages to a ring that stays full, instead of waiting for as long as it takes.

mod support;

use abi::control::counter::Counter;
use abi::message::error::Error as Code;
use host_driver::{
    Destination, Endpoint, EndpointOptions, FlushError, MessageView, NodeNumber, QueueError,
    ReceiveQueueId, RequestError, VirtualChannel,
};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Receive queue of a ring that nobody empties, and of one that is empty.
const DEAD: u16 = 1;
const LIVE: u16 = 2;
/// Entries of the former.
const DEAD_ENTRIES_LOG2: u8 = 1;
/// Messages to it that find no room, if the queue has slots for them.
const MOST_LOST: u16 = 3;

fn ring(
    node: &Node,
    receive_queue_id: u16,
    ring_entries_log2: u8,
) -> Result<Endpoint, RequestError> {
    node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        ring_entries_log2,
        destinations_log2: 1,
        give_up: 3,
        ..EndpointOptions::default()
    })
}

#[test]
fn a_message_is_given_up_after_so_many_refusals_and_later_ones_go_on() {
    let send = |node: &Node| {
        let mut endpoint = ring(node, LIVE, 8)?;
        // All of it is sent at once: what finds room, what is lost, and one message more.
        let slots = u16::from(node.device.identity().transmit_slots);
        let lost = MOST_LOST.min(slots - (1 << DEAD_ENTRIES_LOG2) - 1);
        endpoint.load_translation(
            Destination(0),
            NodeNumber(node.peer()),
            ReceiveQueueId(DEAD),
            VirtualChannel::ZERO,
        )?;
        endpoint.load_translation(
            Destination(1),
            NodeNumber(node.peer()),
            ReceiveQueueId(LIVE),
            VirtualChannel::ZERO,
        )?;
        node.barrier();
        for message in 0..(1 << DEAD_ENTRIES_LOG2) + u64::from(lost) {
            endpoint.send_express(Destination(0), 0, message.to_le_bytes())?;
        }
        endpoint.send_express(Destination(1), 0, *b"goes on.")?;
        let mut given_up = 0;
        while given_up < lost {
            match endpoint.flush(PATIENCE) {
                Err(FlushError::Queue(QueueError::Reported(error))) => {
                    assert_eq!((error.code, error.failed), (Code::ReceiverFull, false));
                    given_up += error.count;
                }
                other => panic!("{given_up} of {lost} were given up: {other:?}"),
            }
        }
        assert_eq!(given_up, lost);
        endpoint.flush(PATIENCE)?;
        node.barrier();
        let refused = node.device.counter(Counter::MessagesRefused)?;
        assert_eq!(refused, lost.into());
        // Each of them was tried again at least twice.
        assert!(node.device.counter(Counter::Probes)? >= 2 * u32::from(lost));
        node.barrier();
        Ok(())
    };
    let receive = |node: &Node| {
        let mut dead = ring(node, DEAD, DEAD_ENTRIES_LOG2)?;
        let mut live = ring(node, LIVE, 8)?;
        node.barrier();
        let message = live.receive_wait(PATIENCE)?.into_message();
        assert_eq!(message.payload, b"goes on.");
        node.barrier();
        for number in 0..1_u64 << DEAD_ENTRIES_LOG2 {
            let message = dead
                .receive()
                .map(MessageView::into_message)
                .expect("these found room");
            assert_eq!(message.payload, number.to_le_bytes());
        }
        dead.give_back();
        node.barrier();
        assert!(dead.receive().is_none(), "a message that was given up");
        Ok(())
    };
    let options = support::options("bare", 151);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}
