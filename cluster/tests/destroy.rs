//! Endpoints that end while messages for them are on their way: memory given back is not written any more.

mod support;

use abi::control::counter::Counter;
use abi::message::error::Error as Code;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, MessageView, ReceiveQueueId, RequestError,
};
use sim::pcie::Class;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Endpoints that end, one after the other.
const ROUNDS: u64 = 8;
/// Withholding begins so much later in each round, ...
const WITHHOLDING_STEP_NS: u64 = 4000;
/// ... and lasts longer than the firmware takes to end an endpoint. Senders give up after milliseconds only.
const WITHHOLDING_NS: u64 = 40_000;
/// Enough for four messages to arrive, and no more: the fifth is tried again after pauses that double from its first
/// refusal on.
const FILLING_NS: u64 = 4_000;
/// When, after the request to end the endpoint, what is sent in a burst comes: soon after withholding begins, and all
/// of it before the firmware disables the queue.
const BURST_NS: u64 = 6_000;
/// There is room for the fifth message from here on. When it comes, a shadow line follows, ...
const ROOM_NS: u64 = 7_500;
/// ... and so much later the last message.
const LAST_NS: u64 = 1_000;
/// The longest message: two write packets, the second far behind the first.
const BYTES: usize = 248;

/// On a host that is slower than the link, and on one that is not.
#[test]
fn no_message_is_written_to_a_ring_whose_endpoint_has_ended() {
    for (profile, seed) in [("pcie-gen1-x1", 81), ("pcie-gen3-x8", 82)] {
        run(profile, seed, send, receive);
    }
}

/// The host has no credits for messages from before the firmware disables the queue until its answer waits with them.
///
/// Fails when the NIU lets the answer go although a message is still held by the receive engine, which read its ring's
/// address before: without the state `Settle` of `CommandExecutor`, or with its `receive_holds` stuck at 0. The order
/// of writes in `HostTransmit` does not cover that, as it knows only of messages that it has been offered.
#[test]
fn no_message_that_waits_for_credits_is_written_to_a_ring_whose_endpoint_has_ended() {
    // On hosts where the driver gives memory back before the next write is there.
    for (profile, seed) in [("bare", 83), ("pcie-gen1-x1", 84)] {
        run(profile, seed, send, receive_and_withhold);
    }
}

/// What waits for credits: messages that have left the receive engine, a shadow line behind them, a last message behind
/// that, and the answer to the destruction.
///
/// The last message waits at the arbiter of `HostTransmit`, where the answer comes too and may go first: only `Settle`
/// keeps it back until the message is taken. (It failed on an NIU with registers between engine and arbiter, when the
/// answer did not wait for what they held.)
#[test]
fn nor_is_one_that_waits_behind_a_shadow_line() {
    for (profile, seed) in [("bare", 86), ("pcie-gen1-x1", 87)] {
        run(profile, seed, send_burst, receive_burst);
    }
}

/// What one node does.
type Part = fn(&Node) -> Result<(), Error>;

/// Runs a sender and this receiver; what the NIU writes to memory that was given back fails the test.
fn run(profile: &str, seed: u64, send: Part, receive: Part) {
    let options = support::options(profile, seed);
    let (_, report) = support::run(options, vec![Box::new(send), Box::new(receive)]);
    let faults: Vec<u64> = report.nodes.iter().map(|node| node.iommu_faults).collect();
    assert_eq!(
        faults,
        [0, 0],
        "{profile}: writes to memory that was given back"
    );
}

/// The ring has room for all that comes while the firmware ends the endpoint.
fn endpoint(node: &Node) -> Result<Endpoint, RequestError> {
    endpoint_with_ring(node, 10)
}

fn endpoint_with_ring(node: &Node, ring_entries_log2: u8) -> Result<Endpoint, RequestError> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(5),
        ring_entries_log2,
        ..EndpointOptions::default()
    };
    node.endpoint(options, &[node.peer()])
}

/// Sends in each round until it is told that there is no such queue any more.
fn send(node: &Node) -> Result<(), Error> {
    for round in 0..ROUNDS {
        let mut endpoint = endpoint(node)?;
        node.barrier();
        let end = loop {
            if let Err(error) = endpoint.when_room(PATIENCE, |endpoint| {
                endpoint.send_basic(Destination(0), 0, &[round as u8; BYTES])
            }) {
                break error;
            }
        };
        let end = Error::from(end);
        let end = end.queue_report().ok_or(end)?;
        assert_eq!(end.code, Code::NotResident, "{end}");
        node.barrier();
    }
    Ok(())
}

/// Ends each endpoint a little later than the one before, in the midst of its messages.
fn receive(node: &Node) -> Result<(), Error> {
    receive_with(node, |_| {})
}

/// Withholds credits at each end, a little later each time: over the rounds, from the request to the queue's last
/// moments.
fn receive_and_withhold(node: &Node) -> Result<(), Error> {
    receive_with(node, |round| {
        let delay_ns = round * WITHHOLDING_STEP_NS;
        node.port.with_side(|side| {
            side.bridge
                .withhold_credits(Class::Posted, delay_ns, WITHHOLDING_NS);
        });
    })
}

/// Does something else before each end.
fn receive_with(node: &Node, before_end: impl Fn(u64)) -> Result<(), Error> {
    for round in 0..ROUNDS {
        let mut endpoint = endpoint(node)?;
        node.barrier();
        for _ in 0..20 + round {
            assert_eq!(
                endpoint.receive_wait(PATIENCE)?.into_message().payload,
                [round as u8; BYTES]
            );
        }
        before_end(round);
        drop(endpoint);
        node.barrier();
        assert!(node.device.counter(Counter::ReceiveMiss)? > 0);
    }
    Ok(())
}

/// Sends bursts of growing length, so that in one of them the writes under way leave no room for the shadow line behind
/// them.
fn send_burst(node: &Node) -> Result<(), Error> {
    // One slot has the message before the burst, one the message behind it: nothing of this waits for a slot.
    let longest = u64::from(node.device.identity().transmit_slots) - 2;
    for round in 0..ROUNDS {
        let mut endpoint = endpoint_with_ring(node, 2)?;
        node.barrier();
        // The ring is full by then, and one more message waits.
        node.barrier();
        let start_ns = node.port.now_ns();
        let wait_until = |after_ns: u64| {
            let passed_ns = node.port.now_ns() - start_ns;
            node.port
                .sleep_ns(after_ns.saturating_sub(passed_ns as u64));
        };
        wait_until(BURST_NS);
        endpoint.send_basic(Destination(0), 0, &[round as u8; 40])?;
        for _ in 0..round.min(longest) {
            endpoint.send_express(Destination(0), 0, [round as u8; 8])?;
        }
        wait_until(ROOM_NS);
        for _ in 0..4 {
            let message = endpoint.receive().map(MessageView::into_message);
            assert!(message.is_some(), "the ring is full");
        }
        endpoint.give_back();
        endpoint.receive_wait(PATIENCE)?.into_message();
        node.port.sleep_ns(LAST_NS);
        endpoint.send_express(Destination(0), 0, [round as u8; 8])?;
        node.barrier();
    }
    Ok(())
}

/// Fills the other's ring, and has one message more under way when the endpoint ends: it is accepted at `ROOM_NS`.
fn receive_burst(node: &Node) -> Result<(), Error> {
    for _ in 0..ROUNDS {
        let mut endpoint = endpoint(node)?;
        node.barrier();
        for message in 0..5 {
            endpoint.when_room(PATIENCE, |endpoint| {
                endpoint.send_express(Destination(0), 0, [message; 8])
            })?;
        }
        node.port.sleep_ns(FILLING_NS);
        node.barrier();
        node.port.with_side(|side| {
            side.bridge
                .withhold_credits(Class::Posted, BURST_NS - 1000, WITHHOLDING_NS);
        });
        drop(endpoint);
        node.barrier();
    }
    Ok(())
}
