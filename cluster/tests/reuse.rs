//! Transmit queues that change hands while answers to messages of their former owners are on their way.

mod support;

use abi::control::counter::Counter;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, MessageView, NodeNumber, ReceiveQueueId,
    VirtualChannel,
};
use sim::cluster::ClusterOptions;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// A wire on which answers to a former owner come when the next one sends.
const LONG_WIRE_CYCLES: u64 = 25_000;

/// Core cycles of the wire: the answer to what the former owner sent comes when the next one has long sent, too. But
/// there and back takes less time than a queue waits before it pings.
fn wire_delay_cycles() -> u64 {
    LONG_WIRE_CYCLES.min(2 * support::answer_timeout_cycles() / 5)
}
/// Receive queue of the ring that is full while the former owner sends, and of the one for its successor.
const FULL: u16 = 1;
const EMPTY: u16 = 2;
/// Entries of the former.
const ENTRIES_LOG2: u8 = 1;
/// Messages of each owner: the last of the former one's finds the ring full, and is tried again and again.
const MESSAGES: u64 = (1 << ENTRIES_LOG2) + 1;
/// Owners, one after another.
const ROUNDS: u64 = 6;

fn options(receive_queue_id: u16, inline: bool) -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        ring_entries_log2: 8,
        destinations_log2: 0,
        inline,
        ..EndpointOptions::default()
    }
}

/// What a message of an owner says.
fn payload(owner: u64, message: u64) -> [u8; 8] {
    (1000 * owner + message).to_le_bytes()
}

fn send_all(endpoint: &mut Endpoint, owner: u64) -> Result<(), Error> {
    for message in 0..MESSAGES {
        endpoint.send_express(Destination(0), 0, payload(owner, message))?;
    }
    Ok(())
}

#[test]
fn an_answer_to_a_former_owners_message_is_nothing_to_the_next_owner() {
    let send = |node: &Node| {
        // All queues but one are in use, so that the next owner gets the same one.
        let queues = node.device.identity().transmit_queues;
        let _others: Vec<Endpoint> = (1..queues)
            .map(|number| node.device.create_endpoint(options(2 + number, false)))
            .collect::<Result<_, _>>()?;
        let mut queue = None;
        for round in 0..ROUNDS {
            let mut former = node.endpoint(options(FULL, false), &[])?;
            former.load_translation(
                Destination(0),
                NodeNumber(node.peer()),
                ReceiveQueueId(FULL),
                VirtualChannel::ZERO,
            )?;
            assert_eq!(
                *queue.get_or_insert(former.transmit_queue()),
                former.transmit_queue()
            );
            node.barrier();
            send_all(&mut former, 2 * round)?;
            // The last one is being tried again; at some time in the following there is room for it.
            let there_and_back = 2 * wire_delay_cycles();
            let cycle_ns = 1e9 / f64::from(node.device.identity().clock_hertz);
            node.port
                .sleep_ns((1.5 * there_and_back as f64 * cycle_ns) as u64);
            node.barrier();
            node.port
                .sleep_ns((round as f64 / ROUNDS as f64 * there_and_back as f64 * cycle_ns) as u64);
            drop(former);
            let mut next = node.endpoint(options(EMPTY, false), &[])?;
            assert_eq!(queue, Some(next.transmit_queue()), "the same queue");
            next.load_translation(
                Destination(0),
                NodeNumber(node.peer()),
                ReceiveQueueId(EMPTY),
                VirtualChannel::ZERO,
            )?;
            send_all(&mut next, 2 * round + 1)?;
            next.flush(PATIENCE)?;
            node.barrier();
        }
        let stale = node.device.counter(Counter::AnswerUnexpected)?;
        println!("{stale} answers to former owners");
        // On a shorter wire the answer is there before the firmware has made the next owner.
        if wire_delay_cycles() == LONG_WIRE_CYCLES {
            assert_ne!(stale, 0, "no answer was ever late");
        }
        Ok(())
    };
    let receive = |node: &Node| {
        let mut empty = node.device.create_endpoint(options(EMPTY, true))?;
        for round in 0..ROUNDS {
            let mut full = node.device.create_endpoint(EndpointOptions {
                ring_entries_log2: ENTRIES_LOG2,
                ..options(FULL, true)
            })?;
            node.barrier();
            for message in 0..MESSAGES - 1 {
                let received = full.receive_wait(PATIENCE)?.into_message();
                assert_eq!(received.payload, payload(2 * round, message));
            }
            node.barrier();
            full.give_back();
            for message in 0..MESSAGES {
                let received = empty.receive_wait(PATIENCE)?.into_message();
                assert_eq!(received.payload, payload(2 * round + 1, message));
            }
            node.barrier();
            assert!(empty.receive().is_none(), "a message twice");
            // What the former owner had in flight came once or not at all.
            if let Some(received) = full.receive().map(MessageView::into_message) {
                assert_eq!(received.payload, payload(2 * round, MESSAGES - 1));
            }
            assert!(full.receive().is_none(), "a message twice");
        }
        Ok(())
    };
    let options = ClusterOptions {
        wire_delay_cycles: wire_delay_cycles(),
        maximum_cycles: 20_000_000,
        ..support::options("bare", 171)
    };
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}
