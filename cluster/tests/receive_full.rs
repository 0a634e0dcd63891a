//! Endpoints whose receive ring is full, and that have messages beyond it dropped.

mod support;

use abi::control::counter::Counter;
use host_driver::{
    Destination, Endpoint, EndpointOptions, NodeNumber, ReceiveFull, ReceiveQueueId, RequestError,
    VirtualChannel,
};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Receive queue of a ring that is full for a while, and of one that never is.
const DROPPING: u16 = 1;
const LIVE: u16 = 2;
/// Entries of the former.
const ENTRIES: u64 = 1 << ENTRIES_LOG2;
const ENTRIES_LOG2: u8 = 1;
/// Messages to it that find no room.
const LOST: u64 = 100;

fn ring(
    node: &Node,
    receive_queue_id: u16,
    ring_entries_log2: u8,
    receive_full: ReceiveFull,
) -> Result<Endpoint, RequestError> {
    node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        ring_entries_log2,
        destinations_log2: 1,
        receive_full,
        ..EndpointOptions::default()
    })
}

/// The sender is never refused, so it sends to another ring at once; the receiver sees the gap and how many were lost.
#[test]
fn messages_beyond_a_full_ring_are_dropped_and_nobody_waits_for_it() {
    let send = |node: &Node| {
        let mut endpoint = ring(node, LIVE, 8, ReceiveFull::Refuse)?;
        for (destination, id) in [(0, DROPPING), (1, LIVE)] {
            endpoint.load_translation(
                Destination(destination),
                NodeNumber(node.peer()),
                ReceiveQueueId(id),
                VirtualChannel::ZERO,
            )?;
        }
        node.barrier();
        for number in 0..ENTRIES + LOST {
            endpoint.send_express(Destination(0), 0, number.to_le_bytes())?;
            endpoint.flush(PATIENCE)?;
        }
        endpoint.send_express(Destination(1), 0, *b"goes on.")?;
        endpoint.flush(PATIENCE)?;
        node.barrier();
        // The receiver has taken what was in its ring.
        node.barrier();
        endpoint.send_express(Destination(0), 0, *b"a gap...")?;
        endpoint.send_express(Destination(0), 0, *b"no gap..")?;
        endpoint.flush(PATIENCE)?;
        assert_eq!(node.device.counter(Counter::MessagesRefused)?, 0);
        node.barrier();
        Ok(())
    };
    let receive = |node: &Node| {
        let mut dropping = ring(node, DROPPING, ENTRIES_LOG2, ReceiveFull::Drop)?;
        let mut live = ring(node, LIVE, 8, ReceiveFull::Refuse)?;
        node.barrier();
        let message = live.receive_wait(PATIENCE)?.into_message();
        assert_eq!(message.payload, b"goes on.");
        node.barrier();
        for number in 0..ENTRIES {
            let message = dropping.receive_wait(PATIENCE)?.into_message();
            assert_eq!(message.payload, number.to_le_bytes());
            assert!(!message.gap);
        }
        assert!(dropping.receive().is_none(), "a message that was dropped");
        dropping.give_back();
        let dropped = node.device.counter(Counter::MessagesDropped)?;
        assert_eq!(u64::from(dropped), LOST);
        node.barrier();
        for (payload, gap) in [(b"a gap...", true), (b"no gap..", false)] {
            let message = dropping.receive_wait(PATIENCE)?.into_message();
            assert_eq!(&message.payload, payload);
            assert_eq!(message.gap, gap);
        }
        node.barrier();
        Ok(())
    };
    let options = support::options("bare", 181);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}

/// A full ring that is away drops too, and has room again as soon as its host takes entries.
#[test]
fn a_full_ring_that_is_away_drops_messages_as_a_resident_one_does() {
    let send = |node: &Node| {
        let mut endpoint = ring(node, LIVE, 8, ReceiveFull::Refuse)?;
        endpoint.load_translation(
            Destination(0),
            NodeNumber(node.peer()),
            ReceiveQueueId(DROPPING),
            VirtualChannel::ZERO,
        )?;
        node.barrier();
        for number in 0..ENTRIES {
            endpoint.send_express(Destination(0), 0, number.to_le_bytes())?;
        }
        endpoint.flush(PATIENCE)?;
        node.barrier();
        // The ring is full, and its queue has left.
        node.barrier();
        for number in 0..LOST {
            endpoint.send_express(Destination(0), 0, number.to_le_bytes())?;
            endpoint.flush(PATIENCE)?;
        }
        node.barrier();
        // The receiver has taken what was in its ring.
        node.barrier();
        endpoint.send_express(Destination(0), 0, *b"a gap...")?;
        endpoint.flush(PATIENCE)?;
        node.barrier();
        Ok(())
    };
    let receive = |node: &Node| {
        let mut dropping = ring(node, DROPPING, ENTRIES_LOG2, ReceiveFull::Drop)?;
        node.barrier();
        node.barrier();
        dropping.evict()?;
        node.barrier();
        node.barrier();
        let dropped = node.device.counter(Counter::MessagesDropped)?;
        assert_eq!(u64::from(dropped), LOST);
        for number in 0..ENTRIES {
            let message = dropping.receive_wait(PATIENCE)?.into_message();
            assert_eq!(message.payload, number.to_le_bytes());
        }
        dropping.give_back();
        // Time to bring the queue back, for which the entries that were given back are the reason.
        node.port.sleep_ns(200_000);
        node.barrier();
        let message = dropping.receive_wait(PATIENCE)?.into_message();
        assert_eq!(message.payload, b"a gap...");
        assert!(message.gap);
        node.barrier();
        Ok(())
    };
    let options = support::options("bare", 182);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}
