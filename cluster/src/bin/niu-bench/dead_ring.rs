//! What queues whose receiver takes nothing cost the others: the rate of a queue that sends to a third node, and the
//! beats of the link that their repeated frames take.

use crate::Arguments;
use crate::alternating::WIRES_CYCLES;
use crate::nodes::{self, Body, endpoint, receive_queue_id};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use crate::streams::{Load, cycles_per_message, stream};
use abi::control::counter::Counter;
use abi::link;
use anyhow::Result;
use host_driver::{
    Destination, Endpoint, Error, NodeNumber, ReceiveQueueId, SendError, VirtualChannel,
};
use sim::cluster::ClusterOptions;
use wayfarer_cluster::launch::Node;

/// The longest message.
const BYTES: usize = 248;
/// Beats of its frame: header, payload, CRC.
const FRAME_BEATS: usize = (BYTES + link::HEADER_BYTES + link::CRC_BYTES).div_ceil(16);
/// Base-2 logarithm of the entries of the victim's ring, and of the one that nobody empties.
const RING_ENTRIES_LOG2: u8 = 8;
const DEAD_RING_ENTRIES_LOG2: u8 = 1;
/// Number of the victim's endpoints.
const VICTIM: u16 = 0;
/// Number of the first dead queue's endpoint, and of the one with the ring that nobody empties.
const DEAD: u16 = 1;
/// Long enough for a queue's first messages to be accepted, and for the sender to see it.
const FILL_NS: u64 = 10_000;
/// Stages: no dead queue, one, many.
const STAGES: usize = 3;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Effort {
    /// Dead queues, where there are as many.
    most_queues: usize,
    /// Laps of its slots that the victim sends in each stage.
    laps: usize,
    /// Messages that it sends beside dead queues, at least.
    least_messages: usize,
    /// How long dead queues repeat their messages before the victim sends.
    settle_ns: u64,
    /// Whether by then the pauses between repetitions have reached their limit of 1 ms, and the victim sends for longer
    /// than that.
    settled: bool,
}

const QUICK: Effort = Effort {
    most_queues: 4,
    laps: 20,
    least_messages: 0,
    settle_ns: 20_000,
    settled: false,
};
/// Pauses that double have their limit after as long a time; the victim sends for twice the limit.
const FULL: Effort = Effort {
    most_queues: 16,
    laps: 60,
    least_messages: 13_000,
    settle_ns: 1_300_000,
    settled: true,
};

impl Effort {
    /// Messages of the victim in each stage.
    fn messages(self, node: &Node) -> [usize; STAGES] {
        let slots = usize::from(node.device.identity().transmit_slots);
        let alone = self.laps * slots;
        let beside = alone.max(self.least_messages);
        [alone, beside, beside]
    }
}

/// Beside what the victim sent in a stage.
#[derive(Clone, Copy, Debug)]
struct Beside {
    /// Dead queues.
    queues: usize,
    /// The dead queues' frames, a core cycle.
    frames_per_cycle: f64,
}

/// What a node found, stage by stage.
#[derive(Clone, Debug)]
enum Found {
    /// The sender.
    Sent(Vec<Beside>),
    /// The dead receiver.
    Nothing,
    /// The victim's receiver: messages a second.
    Taken(Vec<f64>),
}

/// Node 0: the victim's queue and the dead ones.
fn send(node: &Node, effort: Effort) -> Result<Found, Error> {
    let mut victim = [endpoint(node, VICTIM, RING_ENTRIES_LOG2, &[2])?];
    node.barrier();
    let identity = node.device.identity();
    // Messages of that length need inline bodies.
    let beside_victim = identity.transmit_queues.min(identity.inline_pages.into()) - 1;
    let beside_victim = usize::from(beside_victim);
    let stages = [0, 1, effort.most_queues.min(beside_victim)];
    let mut found = Vec::new();
    let mut dead: Vec<Endpoint> = Vec::new();
    for (queues, messages) in stages.into_iter().zip(effort.messages(node)) {
        for number in dead.len()..queues {
            dead.push(dead_queue(node, DEAD + number as u16)?);
        }
        if queues > 0 {
            node.port.sleep_ns(effort.settle_ns);
        }
        node.barrier();
        let frames = || node.device.counter(Counter::MessagesSent);
        let (start, before) = (node.port.cycle(), frames()?);
        let load = Load {
            send: messages,
            ..Load::new(Mechanism::Basic, BYTES)
        };
        stream(node, &mut victim, load)?;
        let (cycles, frames) = (node.port.cycle() - start, frames()?.wrapping_sub(before));
        // The victim has nothing to repeat.
        let of_dead = frames.saturating_sub(messages as u32);
        found.push(Beside {
            queues,
            frames_per_cycle: f64::from(of_dead) / cycles as f64,
        });
    }
    node.barrier();
    Ok(Found::Sent(found))
}

/// A queue that holds nothing but messages for the ring that nobody empties, as many as it can.
fn dead_queue(node: &Node, number: u16) -> Result<Endpoint, Error> {
    let mut queue = endpoint(node, number, DEAD_RING_ENTRIES_LOG2, &[])?;
    queue.load_translation(
        Destination(0),
        NodeNumber(1),
        ReceiveQueueId(receive_queue_id(DEAD)),
        VirtualChannel::ZERO,
    )?;
    // The first messages of all may find room; then the second turn fills their slots.
    for _ in 0..2 {
        loop {
            match queue.send_basic(Destination(0), 0, &[0xdd; BYTES]) {
                Ok(()) => {}
                Err(SendError::QueueFull) => break,
                Err(error) => return Err(error.into()),
            }
        }
        node.port.sleep_ns(FILL_NS);
    }
    Ok(queue)
}

/// Node 1: the ring that nobody empties.
fn neglect(node: &Node) -> Result<Found, Error> {
    let _ring = endpoint(node, DEAD, DEAD_RING_ENTRIES_LOG2, &[])?;
    // The start, each stage, the end.
    for _ in 0..STAGES + 2 {
        node.barrier();
    }
    Ok(Found::Nothing)
}

/// Node 2: takes what comes from the victim.
fn receive(node: &Node, effort: Effort) -> Result<Found, Error> {
    let mut victim = [endpoint(node, VICTIM, RING_ENTRIES_LOG2, &[])?];
    node.barrier();
    let mut found = Vec::new();
    for messages in effort.messages(node) {
        node.barrier();
        let load = Load {
            receive: messages,
            ..Load::new(Mechanism::Basic, BYTES)
        };
        let taken = stream(node, &mut victim, load)?;
        found.push(taken.steady_rate(node.device.identity().transmit_slots.into()));
    }
    node.barrier();
    Ok(Found::Taken(found))
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let effort = if arguments.quick { QUICK } else { FULL };
    for wire_cycles in WIRES_CYCLES {
        let options = ClusterOptions {
            nodes: 3,
            wire_delay_cycles: wire_cycles,
            ..platform.cluster(&platform.bare)
        };
        let bodies: Vec<Body<Found>> = vec![
            Box::new(move |node| send(node, effort)),
            Box::new(neglect),
            Box::new(move |node| receive(node, effort)),
        ];
        let (found, run) = nodes::run(options, bodies)?;
        report.simulated(&run);
        let [Found::Sent(beside), _, Found::Taken(victim)] = &found[..] else {
            unreachable!("each node finds what is its part")
        };
        for (stage, &rate) in beside.iter().zip(victim).skip(1) {
            let row = Row {
                nodes: 3,
                queues: Some(stage.queues),
                wire_cycles: Some(wire_cycles),
                cycles_per_message: Some(cycles_per_message(rate)),
                victim_share: Some(rate / victim[0]),
                probe_share: effort
                    .settled
                    .then_some(stage.frames_per_cycle * FRAME_BEATS as f64),
                ..Row::new("dead-ring", Mechanism::Basic, BYTES)
            };
            report.add_on(&platform.bare, row.at_rate(rate));
        }
    }
    Ok(())
}
