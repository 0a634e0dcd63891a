//! How fast the NIUs take messages at best: streams between hosts that add no time, so that the host port's beats and
//! the link's are the only other limits.

use crate::Arguments;
use crate::nodes::{self, Body, endpoint};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use crate::streams::{Load, cycles_per_message, stream};
use anyhow::Result;
use host_driver::{Error, RequestError};
use wayfarer_cluster::launch::Node;

/// Entries are given back a quarter of the ring at a time: a store of two beats for 64 messages.
const RING_ENTRIES_LOG2: u8 = 8;
/// Forms and payload bytes.
const SHAPES: [(Mechanism, usize); 2] = [(Mechanism::Express, 8), (Mechanism::Basic, 248)];

/// A stream: from node 0 to node 1, or both ways.
#[derive(Clone, Copy, Debug)]
struct Shape {
    mechanism: Mechanism,
    bytes: usize,
    queues: usize,
    ways: usize,
}

/// What a node saw of each shape: messages a second.
type Found = Vec<(Shape, f64)>;

/// All shapes, on a node with so many queues, of which some have inline bodies.
fn shapes(queues: usize, inline: usize) -> Vec<Shape> {
    let mut all = Vec::new();
    for (mechanism, bytes) in SHAPES {
        let most = match mechanism {
            Mechanism::Express => queues,
            _ => queues.min(inline),
        };
        for queues in [1, most] {
            for ways in [1, 2] {
                all.push(Shape {
                    mechanism,
                    bytes,
                    queues,
                    ways,
                });
            }
        }
    }
    all
}

/// Runs all shapes one after the other, with one queue and with as many as there are, up to `most`.
fn measure(node: &Node, most: usize, messages: usize) -> Result<Found, Error> {
    let identity = node.device.identity();
    // One receive queue takes misses: with more endpoints than the others, queues would come and go.
    let receive_queues = identity.receive_queues.saturating_sub(1);
    let resident = identity.transmit_queues.min(receive_queues);
    let queues = most.min(resident.into());
    let mut endpoints = (0..queues as u16)
        .map(|number| endpoint(node, number, RING_ENTRIES_LOG2, &[node.peer()]))
        .collect::<Result<Vec<_>, RequestError>>()?;
    node.barrier();
    let mut found = Vec::new();
    for shape in shapes(queues, identity.inline_pages.into()) {
        let all = messages * shape.queues.isqrt();
        let count = |does: bool| if does { all } else { 0 };
        let load = Load {
            send: count(node.number() == 0 || shape.ways == 2),
            receive: count(node.number() == 1 || shape.ways == 2),
            in_turn: 1,
            ..Load::new(shape.mechanism, shape.bytes)
        };
        let taken = stream(node, &mut endpoints[..shape.queues], load)?;
        let slots = shape.queues * usize::from(identity.transmit_slots);
        found.push((shape, taken.steady_rate(slots)));
        node.barrier();
    }
    Ok(found)
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let (most, messages) = if arguments.quick {
        (4, 200)
    } else {
        (16, 1000)
    };
    let body = || -> Body<Found> { Box::new(move |node| measure(node, most, messages)) };
    let (mut found, run) = nodes::run(platform.cluster(&platform.bare), vec![body(), body()])?;
    report.simulated(&run);
    let (right, left) = (
        found.pop().unwrap_or_default(),
        found.pop().unwrap_or_default(),
    );
    for ((shape, forth), (_, back)) in right.into_iter().zip(left) {
        let (name, rate, slower) = match shape.ways {
            1 => ("limits", forth, forth),
            _ => ("limits-bidirectional", forth + back, forth.min(back)),
        };
        let row = Row {
            queues: Some(shape.queues),
            cycles_per_message: Some(cycles_per_message(slower)),
            ..Row::new(name, shape.mechanism, shape.bytes)
        };
        report.add_on(&platform.bare, row.at_rate(rate));
    }
    Ok(())
}
