//! Host programs on the nodes of a cluster, and what their run was and took.

use anyhow::Result;
use host_driver::{Endpoint, EndpointOptions, Error, OpenOptions, ReceiveQueueId, RequestError};
use sim::cluster::{ClusterOptions, Report};
pub use wayfarer_cluster::launch::PATIENCE;
use wayfarer_cluster::launch::{Node, Program, launch};

/// RQID of a node's first endpoint; the others' follow.
const FIRST_RECEIVE_QUEUE_ID: u16 = 8;

/// What a run was and took.
pub struct Run {
    /// The simulation.
    pub report: Report,
    /// Source revision that the NIUs' hardware tells.
    pub hardware_revision: u32,
}

/// What a host program does. Whoever may still be sent to keeps its endpoints until the others are done (a barrier).
pub type Body<R> = Box<dyn FnOnce(&Node) -> Result<R, Error> + Send>;

/// Runs `bodies[n]` on node `n`; gives what each of them found.
pub fn run<R: Send + 'static>(
    options: ClusterOptions,
    bodies: Vec<Body<R>>,
) -> Result<(Vec<R>, Run)> {
    run_with(options, OpenOptions::default(), bodies)
}

/// The same; the devices are opened with these options.
pub fn run_with<R: Send + 'static>(
    options: ClusterOptions,
    open: OpenOptions,
    bodies: Vec<Body<R>>,
) -> Result<(Vec<R>, Run)> {
    let programs = bodies.into_iter().map(|body| program(open, body)).collect();
    let (results, report) = launch(options, programs).into_results()?;
    let hardware_revision = results.first().map_or(0, |(_, revision)| *revision);
    let results = results.into_iter().map(|(result, _)| result).collect();
    Ok((
        results,
        Run {
            report,
            hardware_revision,
        },
    ))
}

/// A node's program: gives its result and the revision of its NIU.
fn program<R: 'static>(open: OpenOptions, body: Body<R>) -> Program<(R, u32), Error> {
    Box::new(move |port| {
        let node = Node::open_with(port, open)?;
        Ok((body(&node)?, node.device.identity().hardware_revision))
    })
}

/// RQID of a node's endpoint.
pub fn receive_queue_id(number: u16) -> u16 {
    FIRST_RECEIVE_QUEUE_ID + number
}

/// The node's endpoint number `number`, with inline bodies if there are pages for so many endpoints, whose destination
/// `d` leads to the endpoint of the same number on `destinations[d]`.
pub fn endpoint(
    node: &Node,
    number: u16,
    ring_entries_log2: u8,
    destinations: &[u16],
) -> Result<Endpoint, RequestError> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id(number)),
        ring_entries_log2,
        destinations_log2: 2,
        inline: number < node.device.identity().inline_pages.into(),
        ..EndpointOptions::default()
    };
    node.endpoint(options, destinations)
}
