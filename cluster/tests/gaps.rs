//! What a receiver learns of frames that were lost on the link.

mod support;

use host_driver::{Destination, Endpoint, EndpointOptions, Error, ReceiveQueueId, RequestError};
use sim::cluster::ClusterOptions;
use sim::network::{Frames, Tamper, Tampering};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Receive queues whose messages all arrive, and one of whose messages only the first does.
const GOOD: [u16; 2] = [1, 2];
const BAD: u16 = 3;
/// Messages to each of the good ones behind each loss.
const MESSAGES: u64 = 3;
/// Frames that are lost, if the bad queue has as many slots.
const MOST_LOSSES: u64 = 5;

/// One slot more has the message that arrives.
fn losses(node: &Node) -> u64 {
    MOST_LOSSES.min(u64::from(node.device.identity().transmit_slots) - 1)
}

fn endpoints(node: &Node) -> Result<Vec<Endpoint>, RequestError> {
    let endpoint = |queue| {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(queue),
            inline: false,
            ..EndpointOptions::default()
        };
        // The last destination leads to the own node.
        node.endpoint(options, &[node.peer(), node.number()])
    };
    [GOOD[0], GOOD[1], BAD].map(endpoint).into_iter().collect()
}

fn send(node: &Node) -> Result<(), Error> {
    let mut ends = endpoints(node)?;
    node.barrier();
    for loss in 0..=losses(node) {
        for message in 0..MESSAGES {
            for endpoint in &mut ends[..2] {
                endpoint.send_express(
                    Destination(0),
                    0,
                    (loss * MESSAGES + message).to_le_bytes(),
                )?;
                endpoint.flush(PATIENCE)?;
            }
        }
        // The first one of these arrives.
        ends[2].send_express(Destination(0), 0, *b"the last")?;
        node.port.sleep_ns(3_000);
    }
    node.barrier();
    Ok(())
}

fn receive(node: &Node) -> Result<(), Error> {
    let mut ends = endpoints(node)?;
    node.barrier();
    node.barrier();
    for endpoint in &mut ends[..2] {
        for number in 0..MESSAGES * (losses(node) + 1) {
            let received = endpoint.receive_wait(PATIENCE)?.into_message();
            assert_eq!(received.payload, number.to_le_bytes());
            // Nothing is lost before the second of the bad ones.
            let behind = number >= 2 * MESSAGES && number.is_multiple_of(MESSAGES);
            assert_eq!(received.gap, behind, "message {number}");
        }
        assert!(endpoint.receive().is_none());
    }
    let only = ends[2].receive_wait(PATIENCE)?.into_message();
    assert_eq!((&only.payload[..], only.gap), (&b"the last"[..], false));
    assert!(ends[2].receive().is_none(), "the others were lost");
    // To this ring, too, and for messages that come without a wire, and once.
    for marked in [true, false] {
        ends[2].send_express(Destination(1), 0, *b"to mysel")?;
        let received = ends[2].receive_wait(PATIENCE)?.into_message();
        assert_eq!(
            (&received.payload[..], received.gap),
            (&b"to mysel"[..], marked)
        );
    }
    Ok(())
}

#[test]
fn the_first_message_of_each_ring_behind_a_lost_frame_is_marked_and_no_other() {
    for (profile, seed) in [("bare", 301), ("pcie-gen3-x8", 302)] {
        let lost = Tampering {
            frames: Frames::MessagesFor(BAD),
            spared: 1,
            tamper: Tamper::Corrupt,
        };
        let options = ClusterOptions {
            tampering: vec![Some(lost), None],
            ..support::options(profile, seed)
        };
        support::run(options, vec![Box::new(send), Box::new(receive)]);
    }
}
