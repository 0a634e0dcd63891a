//! What it costs that a queue is away: one way of an Express message whose sender's transmit queue, or whose receiver's
//! receive queue, has to be brought back first, or is lent for this message only, against one with both resident (V15,
//! V16). Nothing else happens meanwhile: a message is sent when the one before has long arrived.
//!
//! And how many messages a second firmware serves, for a few endpoints in turn that are emulated: each message is
//! captured and carried out by itself, or delivered from the miss ring by itself.

use crate::Arguments;
use crate::nodes::{self, Body, PATIENCE, receive_queue_id};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, NodeNumber, ReceiveQueueId, VirtualChannel,
};
use wayfarer_cluster::launch::Node;

/// Endpoints of a node that take turns: more than it has queues.
const ENDPOINTS: u16 = 64;
/// Base-2 logarithm of the destinations of the endpoint that sends to all of them.
const DESTINATIONS_LOG2: u8 = 6;
/// Between two messages: time to bring queues back, and to send others away ahead of the next.
const PAUSE_NS: u64 = 200_000;

/// Messages under way at once where the rate is measured.
const WINDOW: usize = 24;
/// Endpoints that take turns where the rate is measured.
const IN_TURN: u16 = 8;
/// Base-2 logarithm of the entries of the ring that takes the messages of all senders.
const RING_LOG2: u8 = 8;

/// What is away.
const SIDES: [Option<&str>; 3] = [None, Some("transmit"), Some("receive")];

/// An endpoint of this number, with so many destinations: those of the same numbers, from 0 on. Number 0 is resident
/// throughout.
fn endpoint(
    node: &Node,
    number: u16,
    destinations: u16,
    emulated: bool,
) -> Result<Endpoint, Error> {
    let endpoint = node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id(number)),
        ring_entries_log2: if number == 0 { RING_LOG2 } else { 4 },
        emulated: emulated && number != 0,
        destinations_log2: if destinations > 1 {
            DESTINATIONS_LOG2
        } else {
            0
        },
        inline: false,
        ..EndpointOptions::default()
    })?;
    for destination in 0..destinations {
        endpoint.load_translation(
            Destination(destination),
            NodeNumber(node.peer()),
            ReceiveQueueId(receive_queue_id(destination)),
            VirtualChannel::ZERO,
        )?;
    }
    Ok(endpoint)
}

/// What was measured.
#[derive(Default)]
struct Measured {
    /// One way, in the order of `SIDES`.
    one_way_ns: Vec<f64>,
    /// Of the transmit side and of the receive side, if queues are lent.
    messages_per_s: Vec<f64>,
}

/// Node 0 sends: its message says when. Node 1 tells how long each of them took.
fn measure(node: &Node, rounds: u16, emulated: bool) -> Result<Measured, Error> {
    let identity = node.device.identity();
    let most = identity.receive_queue_ids.min(identity.endpoints) as u16;
    let count = ENDPOINTS.min(most.saturating_sub(receive_queue_id(2)));
    let sends = node.number() == 0;
    let mut endpoints = (0..count)
        .map(|number| endpoint(node, number, u16::from(sends), emulated))
        .collect::<Result<Vec<_>, _>>()?;
    // Sends to all others; on node 1 it is not used.
    let mut to_all = endpoint(node, count, if sends { count } else { 0 }, false)?;
    let mut measured = Measured::default();
    for side in SIDES {
        let mut sum_ns = 0.0;
        // The first ones bring what is resident throughout.
        for round in 0..rounds + 2 {
            node.barrier();
            node.port.sleep_ns(PAUSE_NS);
            let number = 1 + round % (count - 1);
            let receiver = if side == Some("receive") { number } else { 0 };
            if sends {
                let sent_ns = node.port.now_ns().to_bits().to_le_bytes();
                match side {
                    Some("transmit") => {
                        let sender = &mut endpoints[usize::from(number)];
                        sender.send_express(Destination(0), 0, sent_ns)?;
                        sender.flush(PATIENCE)?;
                    }
                    _ => {
                        to_all.send_express(Destination(receiver), 0, sent_ns)?;
                        to_all.flush(PATIENCE)?;
                    }
                }
            } else {
                let receiver = &mut endpoints[usize::from(receiver)];
                let message = receiver.receive_wait(PATIENCE)?.into_message();
                let sent_ns = message.payload.first_chunk().copied().unwrap_or_default();
                if round >= 2 {
                    sum_ns += node.port.now_ns() - f64::from_bits(u64::from_le_bytes(sent_ns));
                }
            }
        }
        measured.one_way_ns.push(sum_ns / f64::from(rounds));
    }
    for side in SIDES.into_iter().flatten().filter(|_| emulated) {
        node.barrier();
        node.port.sleep_ns(PAUSE_NS);
        let numbers: Vec<u16> = (0..4 * rounds)
            .map(|n| 1 + n % IN_TURN.min(count - 1))
            .collect();
        if !sends {
            let mut begin_ns = 0.0;
            for (round, &number) in numbers.iter().enumerate() {
                let receiver = if side == "receive" { number } else { 0 };
                endpoints[usize::from(receiver)].receive_wait(PATIENCE)?;
                if round == WINDOW {
                    begin_ns = node.port.now_ns();
                }
            }
            let span_ns = node.port.now_ns() - begin_ns;
            let messages = numbers.len() - 1 - WINDOW;
            measured
                .messages_per_s
                .push(messages as f64 / span_ns * 1e9);
            continue;
        }
        for (round, &number) in numbers.iter().enumerate() {
            if side == "receive" {
                to_all.when_room(PATIENCE, |to_all| {
                    to_all.send_express(Destination(number), 0, [0; 8])
                })?;
                continue;
            }
            if let Some(before) = round.checked_sub(WINDOW) {
                endpoints[usize::from(numbers[before])].flush(PATIENCE)?;
            }
            endpoints[usize::from(number)].send_express(Destination(0), 0, [0; 8])?;
        }
    }
    node.barrier();
    Ok(measured)
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let rounds = if arguments.quick { 20 } else { 120 };
    for emulated in [false, true] {
        let body = |_| -> Body<_> { Box::new(move |node| measure(node, rounds, emulated)) };
        let options = platform.cluster(&platform.profile);
        let (found, run) = nodes::run(options, (0..2).map(body).collect())?;
        report.simulated(&run);
        let Measured {
            one_way_ns,
            messages_per_s,
        } = &found[1];
        for (place, (side, &way_ns)) in SIDES.into_iter().zip(one_way_ns).enumerate() {
            let way = match (side, emulated) {
                (None, true) => continue,
                (None, false) => "resident",
                (Some(_), false) => "install",
                (Some(_), true) => "emulate",
            };
            let rate = place
                .checked_sub(1)
                .and_then(|of_side| messages_per_s.get(of_side));
            report.add(Row {
                one_way_ns: Some(way_ns),
                way: Some(way),
                side,
                penalty_ns: side.map(|_| way_ns - one_way_ns[0]),
                messages_per_s: rate.copied(),
                ..Row::new("non-resident", Mechanism::Express, 8)
            });
        }
    }
    Ok(())
}
