//! One transmit queue sends to several nodes and on both channels without waiting, and each of its ways keeps its
//! order.

mod support;

use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, NodeNumber, ReceiveQueueId, VirtualChannel,
};
use sim::cluster::ClusterOptions;
use wayfarer_cluster::launch::{Node, PATIENCE};

const RECEIVE_QUEUE_ID: u16 = 6;
/// Nodes that receive: 1 and 2. Destinations: each of them on each channel.
const RECEIVERS: u16 = 2;
const WAYS: u16 = 2 * RECEIVERS;
/// Core cycles of a wire: a microsecond at 125 MHz.
const WIRE_DELAY_CYCLES: u64 = 125;

/// Messages on each way.
const MESSAGES: u64 = 200;
/// Core cycles from a message to its answer, at most: four wires, as a switch lies between, and the NIUs. A queue that
/// waited for its answers before it sent to another node would take as long for each message.
const ROUND_TRIP_CYCLES: f64 = 1000.0;

fn endpoint(node: &Node, ring_entries_log2: u8) -> Result<Endpoint, Error> {
    let endpoint = node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(RECEIVE_QUEUE_ID),
        ring_entries_log2,
        destinations_log2: 2,
        ..EndpointOptions::default()
    })?;
    for way in 0..WAYS {
        let (receiver, channel) = (1 + way / 2, (way % 2) as u8);
        endpoint.load_translation(
            Destination(way),
            NodeNumber(receiver),
            ReceiveQueueId(RECEIVE_QUEUE_ID),
            VirtualChannel(channel),
        )?;
    }
    node.barrier();
    Ok(endpoint)
}

/// Sends in turn to all; cycles that a message took, and cycles that it may take: all slots are filled in a round trip.
fn send(node: &Node, ring_entries_log2: u8) -> Result<[f64; 2], Error> {
    let mut endpoint = endpoint(node, ring_entries_log2)?;
    let start = node.port.cycle();
    for message in 0..MESSAGES {
        for way in 0..WAYS {
            endpoint.when_room(PATIENCE, |endpoint| {
                endpoint.send_express(Destination(way), (way % 2) as u8, message.to_le_bytes())
            })?;
        }
    }
    endpoint.flush(PATIENCE)?;
    let cycles = (node.port.cycle() - start) as f64;
    node.barrier();
    let each = cycles / (MESSAGES * u64::from(WAYS)) as f64;
    let slots = f64::from(node.device.identity().transmit_slots);
    Ok([each, 10.0 + ROUND_TRIP_CYCLES / slots])
}

/// Takes all messages; on each channel they are in order.
fn receive(node: &Node, ring_entries_log2: u8) -> Result<[f64; 2], Error> {
    let mut endpoint = endpoint(node, ring_entries_log2)?;
    let mut next = [0_u64; 2];
    while next != [MESSAGES; 2] {
        let message = endpoint.receive_wait(PATIENCE)?.into_message();
        let expected = &mut next[usize::from(message.tag)];
        assert_eq!(message.payload, expected.to_le_bytes());
        *expected += 1;
    }
    endpoint.give_back();
    node.barrier();
    assert!(endpoint.receive().is_none(), "a message too many");
    Ok([0.0; 2])
}

/// Cycles that a message took, and cycles that it may take.
fn run(ring_entries_log2: u8, seed: u64) -> [f64; 2] {
    let options = ClusterOptions {
        nodes: 1 + RECEIVERS,
        wire_delay_cycles: WIRE_DELAY_CYCLES,
        ..support::options("bare", seed)
    };
    let mut programs: Vec<support::Body<[f64; 2]>> =
        vec![Box::new(move |node| send(node, ring_entries_log2))];
    for _ in 0..RECEIVERS {
        programs.push(Box::new(move |node| receive(node, ring_entries_log2)));
    }
    let (cycles, _) = support::run(options, programs);
    println!("{:.2} core cycles a message", cycles[0][0]);
    cycles[0]
}

#[test]
fn messages_to_many_nodes_and_channels_do_not_wait_for_each_other() {
    let [cycles, most] = run(10, 131);
    assert!(cycles < most, "{cycles} core cycles a message");
}

/// Rings of two entries are full again and again, so that probes and refused messages behind them go on all ways.
#[test]
fn each_way_keeps_its_order_over_full_rings() {
    run(1, 132);
}
