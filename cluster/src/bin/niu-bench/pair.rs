//! Two nodes with an endpoint each that know of each other.

use crate::nodes::{self, Body, Run};
use anyhow::Result;
use host_driver::{Endpoint, Error};
use sim::cluster::ClusterOptions;
use wayfarer_cluster::launch::Node;

/// Base-2 logarithm of the entries of both receive rings.
const RING_ENTRIES_LOG2: u8 = 6;

/// One side of a pair.
pub struct Side<'a> {
    /// Device and port of this side.
    pub node: &'a Node,
    /// Its endpoint; destination 0 is the other side's.
    pub endpoint: Endpoint,
}

impl Side<'_> {
    /// The simulated time.
    pub fn now_ns(&self) -> f64 {
        self.node.port.now_ns()
    }
}

/// Runs `left` on node 0 and `right` on node 1; gives what each of them found.
pub fn run<R: Send + 'static>(
    options: ClusterOptions,
    left: impl FnOnce(&mut Side<'_>) -> Result<R, Error> + Send + 'static,
    right: impl FnOnce(&mut Side<'_>) -> Result<R, Error> + Send + 'static,
) -> Result<(R, R, Run)> {
    let (results, run) = nodes::run(options, vec![body(left), body(right)])?;
    let Ok([left, right]) = <[R; 2]>::try_from(results) else {
        unreachable!("two programs leave two results")
    };
    Ok((left, right, run))
}

fn body<R>(program: impl FnOnce(&mut Side<'_>) -> Result<R, Error> + Send + 'static) -> Body<R> {
    Box::new(|node| {
        let endpoint = nodes::endpoint(node, 0, RING_ENTRIES_LOG2, &[node.peer()])?;
        let mut side = Side { node, endpoint };
        node.barrier();
        let outcome = program(&mut side);
        // Neither side destroys its endpoint while the other may still send.
        node.barrier();
        outcome
    })
}
