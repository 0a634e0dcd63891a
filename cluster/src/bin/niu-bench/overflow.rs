//! What a receiver that takes nothing costs others of the same two nodes, by what becomes of the messages that find its
//! ring full (V18): one way of a victim's Express message, while another endpoint of its node sends to that ring as
//! fast as it is let.

use crate::Arguments;
use crate::nodes::{self, Body, PATIENCE, receive_queue_id};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, NodeNumber, QueueError, ReceiveFull,
    ReceiveQueueId, RequestError, SendError, VirtualChannel,
};
use wayfarer_cluster::launch::Node;

/// Numbers of the endpoints on both nodes.
const VICTIM: u16 = 0;
const STALLED: u16 = 1;
/// The stalled ring is as small as can be.
const STALLED_ENTRIES_LOG2: u8 = 1;
/// Between two of the victim's messages.
const PAUSE_NS: u64 = 2_000;

/// What becomes of messages beyond the stalled ring; none: there are none.
const POLICIES: [Option<(&str, ReceiveFull, u8)>; 4] = [
    None,
    Some(("refuse", ReceiveFull::Refuse, 0)),
    Some(("give-up", ReceiveFull::Refuse, 1)),
    Some(("drop", ReceiveFull::Drop, 0)),
];

fn endpoint(
    node: &Node,
    number: u16,
    ring_entries_log2: u8,
    receive_full: ReceiveFull,
    give_up: u8,
) -> Result<Endpoint, RequestError> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id(number)),
        ring_entries_log2,
        destinations_log2: 0,
        inline: false,
        receive_full,
        give_up,
        ..EndpointOptions::default()
    };
    let endpoint = node.device.create_endpoint(options)?;
    endpoint.load_translation(
        Destination(0),
        NodeNumber(node.peer()),
        ReceiveQueueId(receive_queue_id(number)),
        VirtualChannel::ZERO,
    )?;
    Ok(endpoint)
}

/// Sends to the stalled ring until the queue is full; messages may be given up. How many were sent.
fn flood(offender: &mut Endpoint) -> Result<u64, Error> {
    let mut sent = 0;
    loop {
        match offender.send_express(Destination(0), 0, [0xdd; 8]) {
            Ok(()) => sent += 1,
            Err(SendError::QueueFull) => return Ok(sent),
            Err(SendError::Queue(QueueError::Reported(error))) if !error.failed => {}
            Err(error) => return Err(error.into()),
        }
        if sent == 64 {
            return Ok(sent);
        }
    }
}

/// What a node found for each policy: the sender, how many messages were sent to the stalled ring; the receiver, the
/// mean latency of the victim's.
fn measure(node: &Node, rounds: u32) -> Result<Vec<f64>, Error> {
    let sends = node.number() == 0;
    let mut found = Vec::new();
    for policy in POLICIES {
        let (_, receive_full, give_up) = policy.unwrap_or_default();
        let mut victim = endpoint(node, VICTIM, 4, ReceiveFull::Refuse, 0)?;
        let mut stalled = endpoint(node, STALLED, STALLED_ENTRIES_LOG2, receive_full, give_up)?;
        node.barrier();
        let mut sum = 0.0;
        for _ in 0..rounds {
            if sends {
                if policy.is_some() {
                    sum += flood(&mut stalled)? as f64;
                }
                let sent_ns = node.port.now_ns().to_bits().to_le_bytes();
                victim.send_express(Destination(0), 0, sent_ns)?;
                victim.flush(PATIENCE)?;
                node.port.sleep_ns(PAUSE_NS);
            } else {
                let message = victim.receive_wait(PATIENCE)?.into_message();
                let sent_ns = message.payload.first_chunk().copied().unwrap_or_default();
                sum += node.port.now_ns() - f64::from_bits(u64::from_le_bytes(sent_ns));
            }
        }
        found.push(if sends { sum } else { sum / f64::from(rounds) });
        // Nobody destroys an endpoint that may still be sent to, but for the stalled ring's sender.
        if sends {
            drop(stalled);
            node.barrier();
        } else {
            node.barrier();
            drop(stalled);
        }
        node.barrier();
    }
    Ok(found)
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let rounds = if arguments.quick { 40 } else { 400 };
    let body = |_| -> Body<_> { Box::new(move |node| measure(node, rounds)) };
    let options = platform.cluster(&platform.profile);
    let (found, run) = nodes::run(options, (0..2).map(body).collect())?;
    report.simulated(&run);
    let [sent, one_way_ns] = &found[..] else {
        unreachable!("each node finds what is its part")
    };
    for ((policy, &sent), &one_way_ns) in POLICIES.iter().zip(sent).zip(one_way_ns) {
        let alone_ns = found[1][0];
        report.add(Row {
            one_way_ns: Some(one_way_ns),
            policy: Some(policy.map_or("alone", |(name, _, _)| name).to_owned()),
            penalty_ns: policy.map(|_| one_way_ns - alone_ns),
            stalled_messages: policy.map(|_| sent / f64::from(rounds)),
            ..Row::new("overflow", Mechanism::Express, 8)
        });
    }
    Ok(())
}
