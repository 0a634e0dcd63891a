//! Endpoints whose queues are saved, lent to others, and loaded again, while other endpoints send and receive.

mod support;

use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, NodeNumber, ReceiveQueueId, RequestError,
    VirtualChannel,
};
use sim::cluster::ClusterOptions;
use std::collections::BTreeSet;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Receive queues on either node: of the endpoint that moves and its partner, and of the others' traffic.
const MOVING: u16 = 1;
const OTHERS: u16 = 3;
/// Receive queue of what borrows the queues meanwhile.
const BORROWER: u16 = 5;
/// Entries of the rings of `MOVING`: rings and slots go round several times, and never come to the same place again.
const ENTRIES_LOG2: u8 = 4;
/// Messages each way between two evictions.
const MESSAGES: u64 = 11;
/// Messages of the others while the endpoint is away, each way.
const TRAFFIC: u64 = 48;
const ROUNDS: u64 = 14;

fn options(receive_queue_id: u16, ring_entries_log2: u8) -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        ring_entries_log2,
        destinations_log2: 0,
        inline: receive_queue_id == MOVING,
        ..EndpointOptions::default()
    }
}

fn connected(node: &Node, to: u16, options: EndpointOptions) -> Result<Endpoint, Error> {
    let endpoint = node.device.create_endpoint(options)?;
    endpoint.load_translation(
        Destination(0),
        NodeNumber(node.peer()),
        ReceiveQueueId(to),
        VirtualChannel::ZERO,
    )?;
    Ok(endpoint)
}

/// What message `number` of an endpoint says: every third one is long.
fn payload(number: u64) -> Vec<u8> {
    let length = if number.is_multiple_of(3) { 100 } else { 8 };
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(length, number as u8);
    bytes
}

fn send(endpoint: &mut Endpoint, numbers: std::ops::Range<u64>, long: bool) -> Result<(), Error> {
    for number in numbers {
        let bytes = payload(number);
        endpoint.when_room(PATIENCE, |endpoint| match bytes.first_chunk() {
            Some(eight) if !long || bytes.len() == 8 => {
                endpoint.send_express(Destination(0), 0, *eight)
            }
            _ => endpoint.send_basic(Destination(0), 0, &bytes),
        })?;
    }
    Ok(())
}

fn receive(
    endpoint: &mut Endpoint,
    numbers: std::ops::Range<u64>,
    long: bool,
) -> Result<(), Error> {
    for number in numbers {
        let mut expected = payload(number);
        if !long {
            expected.truncate(8);
        }
        let message = endpoint.receive_wait(PATIENCE)?.into_message();
        assert_eq!(message.payload, expected, "message {number}");
    }
    Ok(())
}

#[test]
fn an_endpoint_goes_on_from_its_saved_records_under_the_traffic_of_others() {
    let moving = |node: &Node| {
        let mut moving = connected(node, MOVING, options(MOVING, ENTRIES_LOG2))?;
        let mut others = connected(node, OTHERS, options(OTHERS, 8))?;
        // First no other queue is free, so that it gets its own again.
        let queues = node.device.identity().transmit_queues;
        let mut rest: Vec<Endpoint> = (2..queues)
            .map(|number| node.device.create_endpoint(options(10 + number, 1)))
            .collect::<Result<_, _>>()?;
        // Then some are, at least two.
        let left = rest.len().saturating_sub(2).min(2);
        let mut used = BTreeSet::new();
        for round in 0..ROUNDS {
            let numbers = round * MESSAGES..(round + 1) * MESSAGES;
            send(&mut moving, numbers.clone(), true)?;
            moving.flush(PATIENCE)?;
            receive(&mut moving, numbers, true)?;
            node.barrier();

            let traffic = round * TRAFFIC..(round + 1) * TRAFFIC;
            send(&mut others, traffic.clone(), false)?;
            moving.evict()?;
            if round == ROUNDS / 3 {
                rest.truncate(left);
            }
            // Its queues serve another endpoint, which leaves other indices behind.
            let mut borrower = connected(node, BORROWER, options(BORROWER, 4))?;
            send(&mut borrower, 0..1 + round % 3, false)?;
            borrower.flush(PATIENCE)?;
            let late = (round % 2 == 1 && rest.len() == left).then_some(borrower);
            moving.install()?;
            drop(late);
            used.insert(moving.transmit_queue());
            receive(&mut others, traffic, false)?;
            others.flush(PATIENCE)?;
            node.barrier();
        }
        assert!(used.len() >= 2, "always the same queue: {used:?}");
        moving.check()?;
        assert!(moving.receive().is_none(), "a message twice");
        Ok(())
    };
    let partner = |node: &Node| {
        let mut partner = connected(node, MOVING, options(MOVING, ENTRIES_LOG2))?;
        let mut others = connected(node, OTHERS, options(OTHERS, 8))?;
        let mut borrowed = node.device.create_endpoint(options(BORROWER, 4))?;
        for round in 0..ROUNDS {
            let numbers = round * MESSAGES..(round + 1) * MESSAGES;
            send(&mut partner, numbers.clone(), true)?;
            receive(&mut partner, numbers, true)?;
            partner.flush(PATIENCE)?;
            node.barrier();

            let traffic = round * TRAFFIC..(round + 1) * TRAFFIC;
            send(&mut others, traffic.clone(), false)?;
            receive(&mut borrowed, 0..1 + round % 3, false)?;
            receive(&mut others, traffic, false)?;
            others.flush(PATIENCE)?;
            node.barrier();
        }
        assert!(partner.receive().is_none(), "a message twice");
        assert!(others.receive().is_none(), "a message twice");
        Ok(())
    };
    let options = ClusterOptions {
        maximum_cycles: 20_000_000,
        ..support::options("bare", 231)
    };
    support::run(options, vec![Box::new(moving), Box::new(partner)]);
}

/// An endpoint with a message in flight stays as it is.
#[test]
fn an_endpoint_whose_messages_are_in_flight_is_not_evicted() {
    let sender = |node: &Node| {
        let mut endpoint = connected(node, MOVING, options(MOVING, 4))?;
        node.barrier();
        // The ring of the receiver has two entries.
        send(&mut endpoint, 0..5, false)?;
        let error = endpoint.evict().expect_err("three messages have no room");
        assert!(matches!(error, RequestError::Refused { .. }), "{error}");
        node.barrier();
        send(&mut endpoint, 5..7, false)?;
        endpoint.flush(PATIENCE)?;
        endpoint.evict()?;
        endpoint.evict().expect_err("it is evicted already");
        endpoint.install()?;
        send(&mut endpoint, 7..9, false)?;
        endpoint.flush(PATIENCE)?;
        // Evicted endpoints are destroyed like others.
        endpoint.evict()?;
        Ok(())
    };
    let receiver = |node: &Node| {
        let mut endpoint = connected(node, MOVING, options(MOVING, 1))?;
        node.barrier();
        node.barrier();
        receive(&mut endpoint, 0..9, false)
    };
    support::run(
        support::options("bare", 232),
        vec![Box::new(sender), Box::new(receiver)],
    );
}
