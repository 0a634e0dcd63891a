//! A cluster to look into: all other nodes send numbered messages to a resident queue of the debugged node, which
//! checks them, until it is told to stop.

use host_driver::{Destination, EndpointOptions, Error, ReceiveQueueId};
use sim::cluster::{ClusterOptions, DebugPort, Pins, RunEnded, Tick};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use wayfarer_cluster::launch::{LaunchError, Node, Program, launch_debugged};

/// The receive queue's identifier.
const RECEIVE_QUEUE: ReceiveQueueId = ReceiveQueueId(5);
/// Longer than any run, in simulated time.
const LONG: Duration = Duration::from_secs(100_000);
/// Between two messages of a node.
const INTERVAL_NS: u64 = 20_000;
/// Instead of a number: the last message.
const LAST: u64 = u64::MAX;

/// How the traffic stands; to be shared with the debugger.
#[derive(Debug, Default)]
pub struct Traffic {
    ready: AtomicBool,
    stopped: AtomicBool,
    received: AtomicU64,
}

/// What became of the traffic on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Messages that it sent, or received in their order.
    pub messages: u64,
    /// Messages that did not come when it was their turn.
    pub lost: u64,
    /// Its firmware's log, as the driver reads it at the end.
    pub log: Vec<u8>,
}

/// The debugger's hold of the traffic: dropped, it stops it.
#[derive(Debug)]
pub struct Stop(pub Arc<Traffic>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::SeqCst);
    }
}

impl Traffic {
    /// Messages that have arrived so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }

    /// Lets simulated time pass until the first message has arrived.
    ///
    /// # Errors
    /// The run has ended.
    pub fn await_first(&self, pins: &Pins) -> Result<(), RunEnded> {
        while !self.ready.load(Ordering::SeqCst) {
            // TMS high: the debug transport stays in reset.
            pins.run(vec![Tick {
                tms: true,
                tdi: false,
                cycles: 1000,
            }])?;
        }
        Ok(())
    }
}

/// Runs the cluster with a debugger at node `debugged` until the traffic is stopped.
///
/// # Errors
/// A program fails, or the simulation.
///
/// # Panics
/// There is no such node.
pub fn run(
    options: ClusterOptions,
    debugged: u16,
    port: DebugPort,
    traffic: &Arc<Traffic>,
) -> Result<Vec<Outcome>, LaunchError<Error>> {
    let nodes = options.nodes;
    let programs = (0..nodes)
        .map(|node| match node == debugged {
            true => receiver(Arc::clone(traffic), nodes),
            false => sender(Arc::clone(traffic), debugged),
        })
        .collect();
    let launched = launch_debugged(options, programs, vec![(debugged, port)]);
    Ok(launched.into_results()?.0)
}

fn options() -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: RECEIVE_QUEUE,
        ..EndpointOptions::default()
    }
}

fn receiver(traffic: Arc<Traffic>, nodes: u16) -> Program<Outcome, Error> {
    Box::new(move |port| {
        let node = Node::open(port)?;
        let mut endpoint = node.endpoint(options(), &[])?;
        node.barrier();
        let mut next = vec![0; usize::from(nodes)];
        let (mut messages, mut lost, mut running) = (0, 0, nodes - 1);
        while running > 0 {
            let message = endpoint.receive_wait(LONG)?;
            let source = usize::from(message.source_node().0);
            let mut bytes = [0; 8];
            message.copy_to(0, &mut bytes);
            drop(message);
            let number = u64::from_le_bytes(bytes);
            if number == LAST {
                running -= 1;
                continue;
            }
            lost += u64::from(number != next[source]);
            next[source] = number.wrapping_add(1);
            messages += 1;
            traffic.received.store(messages, Ordering::SeqCst);
            traffic.ready.store(true, Ordering::SeqCst);
        }
        outcome(&node, messages, lost)
    })
}

fn sender(traffic: Arc<Traffic>, to: u16) -> Program<Outcome, Error> {
    Box::new(move |port| {
        let node = Node::open(port)?;
        let mut endpoint = node.endpoint(options(), &[to])?;
        node.barrier();
        let mut messages = 0_u64;
        let mut stopped = false;
        while !stopped {
            stopped = traffic.stopped.load(Ordering::SeqCst);
            let number = if stopped { LAST } else { messages };
            endpoint.when_room(LONG, |endpoint| {
                endpoint.send_express(Destination(0), 0, number.to_le_bytes())
            })?;
            messages += u64::from(!stopped);
            node.port.sleep_ns(INTERVAL_NS);
        }
        endpoint.flush(LONG)?;
        outcome(&node, messages, 0)
    })
}

fn outcome(node: &Node, messages: u64, lost: u64) -> Result<Outcome, Error> {
    let log = node.device.firmware_log()?;
    Ok(Outcome {
        messages,
        lost,
        log,
    })
}
