//! What it costs to wait for a message in each way: its latency, and interrupts.

use crate::Arguments;
use crate::nodes::{self, Body, PATIENCE, receive_queue_id};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, OpenOptions, ReceiveQueueId, Waiting,
};
use std::time::Duration;
use wayfarer_cluster::launch::Node;

/// Base-2 logarithm of the ring's entries: no message has to wait for room.
const RING_ENTRIES_LOG2: u8 = 10;
/// From one message to the next: less than a wake-up takes, and much more.
const GAPS_NS: [u64; 2] = [1_000, 50_000];
/// Moderation, where there is some.
const INTERVAL: Duration = Duration::from_micros(20);

/// How the receiver waits, and what of moderation.
#[derive(Clone, Copy, Debug)]
struct Way {
    name: &'static str,
    waiting: Waiting,
    interval: Duration,
}

/// What node 1 found; node 0 finds nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    one_way_ns: f64,
    interrupts_per_message: f64,
}

fn endpoint(node: &Node, way: Way) -> Result<Endpoint, Error> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id(0)),
        ring_entries_log2: RING_ENTRIES_LOG2,
        destinations_log2: 1,
        interrupt_interval: way.interval,
        ..EndpointOptions::default()
    };
    Ok(node.endpoint(options, &[node.peer()])?)
}

/// Sends the time, now and then.
fn send(node: &Node, way: Way, gap_ns: u64, messages: u32) -> Result<Found, Error> {
    let mut endpoint = endpoint(node, way)?;
    node.barrier();
    for _ in 0..messages {
        node.port.sleep_ns(gap_ns);
        endpoint.when_room(PATIENCE, |endpoint| {
            let now_ns = node.port.now_ns();
            endpoint.send_express(Destination(0), 0, now_ns.to_le_bytes())
        })?;
    }
    node.barrier();
    Ok(Found::default())
}

/// Waits for each message, and compares its time with the clock.
fn receive(node: &Node, way: Way, messages: u32) -> Result<Found, Error> {
    let mut endpoint = endpoint(node, way)?;
    let vector = endpoint.split().1.interrupt_vector();
    node.barrier();
    let before = node.port.interrupts(vector);
    let mut sum_ns = 0.0;
    for _ in 0..messages {
        let message = endpoint.receive_wait(PATIENCE)?.into_message();
        let sent_ns = message
            .payload
            .first_chunk()
            .copied()
            .map(f64::from_le_bytes);
        sum_ns += node.port.now_ns() - sent_ns.unwrap_or_default();
    }
    let interrupts = node.port.interrupts(vector) - before;
    node.barrier();
    Ok(Found {
        one_way_ns: sum_ns / f64::from(messages),
        interrupts_per_message: interrupts as f64 / f64::from(messages),
    })
}

/// The benchmark: each way with each gap, on a cluster of its own.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let messages = if arguments.quick { 40 } else { 400 };
    // As long as a wake-up takes: then a wait costs twice the better of the other two at most.
    let spin = Duration::from_nanos(platform.profile.host.interrupt_wakeup_ns);
    let way = |name, waiting| Way {
        name,
        waiting,
        interval: Duration::ZERO,
    };
    let ways = [
        way("poll", Waiting::Polling),
        way("block", Waiting::Interrupt),
        way("hybrid", Waiting::Hybrid { spin }),
        Way {
            interval: INTERVAL,
            ..way("block, moderated", Waiting::Interrupt)
        },
    ];
    for gap_ns in GAPS_NS {
        for way in ways {
            let open = OpenOptions {
                waiting: way.waiting,
                ..OpenOptions::DEFAULT
            };
            let bodies: Vec<Body<Found>> = vec![
                Box::new(move |node| send(node, way, gap_ns, messages)),
                Box::new(move |node| receive(node, way, messages)),
            ];
            let options = platform.cluster(&platform.profile);
            let (found, run) = nodes::run_with(options, open, bodies)?;
            report.simulated(&run);
            report.add(Row {
                waiting: Some(way.name.into()),
                gap_ns: Some(gap_ns),
                one_way_ns: Some(found[1].one_way_ns),
                interrupts_per_message: Some(found[1].interrupts_per_message),
                ..Row::new("waiting", Mechanism::Express, 8)
            });
        }
    }
    Ok(())
}
