//! Two nodes with an endpoint each that know of each other.

use anyhow::Result;
use sim::cluster::{ClusterOptions, Report};
use sim::host::HostPort;
pub use wayfarer_host_driver::launch::PATIENCE_NS;
use wayfarer_host_driver::launch::{Node, Program, launch};
use wayfarer_host_driver::{Endpoint, EndpointOptions, Error};

/// Both endpoints' receive queue.
const RECEIVE_QUEUE_ID: u16 = 100;

/// One side of a pair.
pub struct Side {
    /// The node.
    pub node: Node,
    /// Its endpoint; destination 0 is the other side's.
    pub endpoint: Endpoint,
}

impl Side {
    fn open(port: HostPort) -> Result<Self, Error> {
        let node = Node::open(port)?;
        let options = EndpointOptions {
            receive_queue_id: RECEIVE_QUEUE_ID,
            ring_entries_log2: 6,
            destinations_log2: 1,
            ..EndpointOptions::default()
        };
        let endpoint = node.endpoint(options, &[node.peer()])?;
        node.barrier();
        Ok(Side { node, endpoint })
    }

    /// The simulated time.
    pub fn now_ns(&self) -> f64 {
        self.node.port.now_ns()
    }
}

/// What a run was and took.
pub struct Run {
    /// The simulation.
    pub report: Report,
    /// Source revision that the NIU's hardware tells.
    pub hardware_revision: u32,
}

/// Runs `left` on node 0 and `right` on node 1; gives what each of them found.
pub fn run<R: Send + 'static>(
    options: ClusterOptions,
    left: impl FnOnce(&mut Side) -> Result<R, Error> + Send + 'static,
    right: impl FnOnce(&mut Side) -> Result<R, Error> + Send + 'static,
) -> Result<(R, R, Run)> {
    let programs = vec![program(left), program(right)];
    let (results, report) = launch(options, programs).into_results()?;
    let Ok([(left, hardware_revision), (right, _)]) = <[(R, u32); 2]>::try_from(results) else {
        unreachable!("two programs leave two results")
    };
    Ok((
        left,
        right,
        Run {
            report,
            hardware_revision,
        },
    ))
}

/// A side's program: gives its result and the revision of its NIU.
fn program<R>(
    body: impl FnOnce(&mut Side) -> Result<R, Error> + Send + 'static,
) -> Program<(R, u32), Error> {
    Box::new(|port| {
        let mut side = Side::open(port)?;
        let outcome = body(&mut side);
        // Neither side destroys its endpoint while the other may still send.
        side.node.barrier();
        Ok((outcome?, side.node.device.identity().hardware_revision))
    })
}
