//! One queue whose messages go to two nodes in turn, against one whose messages all go to the same: on hosts that add
//! no time, with a short wire and a long one.

use crate::Arguments;
use crate::nodes::{self, Body, endpoint};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use crate::streams::{Load, Taken, cycles_per_message, stream};
use anyhow::Result;
use host_driver::Error;
use sim::cluster::ClusterOptions;
use wayfarer_cluster::launch::Node;

/// Delays of the wire in core cycles.
pub const WIRES_CYCLES: [u64; 2] = [0, 125];
/// Numbers of destinations.
const DESTINATIONS: [u16; 2] = [1, 2];
/// Base-2 logarithm of the receive rings' entries.
const RING_ENTRIES_LOG2: u8 = 8;

/// What the node saw of a stream to so many destinations, for each, and how many slots the sender has. It sends so many
/// laps of them.
fn measure(node: &Node, laps: usize) -> Result<(Vec<Taken>, usize), Error> {
    let slots = usize::from(node.device.identity().transmit_slots);
    let destinations: &[u16] = if node.number() == 0 { &[1, 2] } else { &[0] };
    let mut endpoints = [endpoint(node, 0, RING_ENTRIES_LOG2, destinations)?];
    node.barrier();
    let messages = laps * slots;
    let mut found = Vec::new();
    for destinations in DESTINATIONS {
        let receives = (1..=destinations).contains(&node.number());
        let load = Load {
            send: if node.number() == 0 { messages } else { 0 },
            receive: if receives {
                messages / usize::from(destinations)
            } else {
                0
            },
            destinations,
            ..Load::new(Mechanism::Express, 8)
        };
        found.push(stream(node, &mut endpoints, load)?);
        node.barrier();
    }
    Ok((found, slots))
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let laps = if arguments.quick { 6 } else { 20 };
    for wire_cycles in WIRES_CYCLES {
        let options = ClusterOptions {
            nodes: 3,
            wire_delay_cycles: wire_cycles,
            ..platform.cluster(&platform.bare)
        };
        let body = |_| -> Body<_> { Box::new(move |node| measure(node, laps)) };
        let (found, run) = nodes::run(options, (0..3).map(body).collect())?;
        report.simulated(&run);
        for (index, destinations) in DESTINATIONS.into_iter().enumerate() {
            let [_, (near, slots), (far, _)] = &found[..] else {
                unreachable!("three programs leave three results")
            };
            let rate = near[index].and(&far[index]).steady_rate(*slots);
            let row = Row {
                nodes: 3,
                destinations: Some(destinations),
                wire_cycles: Some(wire_cycles),
                cycles_per_message: Some(cycles_per_message(rate)),
                ..Row::new("alternating", Mechanism::Express, 8)
            };
            report.add_on(&platform.bare, row.at_rate(rate));
        }
    }
    Ok(())
}
