//! A run: the cluster, a program on each node, and what they found.

use super::plan::Plan;
use super::program::{self, Shared, Tally};
use super::scenario::Scenario;
use super::{Failure, SoakError};
use crate::launch::{Ended, Program, launch};
use sim::cluster::{ClusterOptions, Report};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// With more nodes some destinations would be out of reach for Express.
const MAXIMUM_NODES: u16 = 8;

/// What to run.
#[derive(Clone, Debug)]
pub struct SoakOptions {
    /// What it is about.
    pub scenario: Scenario,
    /// Messages of all senders together.
    pub messages: u64,
    /// The cluster; its seed is also the plan's.
    pub cluster: ClusterOptions,
    /// Counts the messages received so far, for whoever shows progress.
    pub received: Arc<AtomicU64>,
}

/// A run without a fault.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What all nodes saw together.
    pub tally: Tally,
    /// What the simulator has to say.
    pub report: Report,
}

/// Sends all messages of the plan that the seed makes, and checks that each comes once, whole, and in its order.
///
/// # Errors
/// The first failure of any node that is not merely another's consequence.
pub fn run(options: SoakOptions) -> Result<Outcome, SoakError> {
    let SoakOptions {
        scenario,
        messages,
        cluster: options,
        received,
    } = options;
    let (seed, nodes) = (options.seed, options.nodes);
    if !(2..=MAXIMUM_NODES).contains(&nodes) {
        let text = format!("a soak has 2 to {MAXIMUM_NODES} nodes, not {nodes}");
        return Err(SoakError::Options(text));
    }
    let plan = Arc::new(Plan::new(
        seed,
        nodes,
        messages,
        scenario.mix().unwrap_or(super::mix::Mix::RANDOM),
    ));
    let shared = Arc::new(Shared {
        received,
        failed: AtomicBool::new(false),
    });
    let program = |_| -> Program<Tally, Failure> {
        let (plan, shared) = (Arc::clone(&plan), Arc::clone(&shared));
        Box::new(move |port| program::run(&port, &plan, &shared))
    };
    let launched = launch(options, (0..nodes).map(program).collect());
    let mut tally = Tally::default();
    let mut failures = Vec::new();
    for (node, ended) in (0..nodes).zip(launched.programs) {
        match ended.map(|Ended { cycle, outcome }| (cycle, outcome)) {
            Some((_, Ok(seen))) => {
                tally.express += seen.express;
                tally.basic += seen.basic;
                tally.bytes += seen.bytes;
                tally.probes += seen.probes;
            }
            Some((cycle, Err(failure))) => failures.push(SoakError::Node {
                seed,
                node,
                cycle,
                failure,
            }),
            None => {}
        }
    }
    let is_cause = |failure: &SoakError| {
        !matches!(
            failure,
            SoakError::Node {
                failure: Failure::Abandoned,
                ..
            }
        )
    };
    if let Some(cause) = failures.iter().position(is_cause) {
        return Err(failures.swap_remove(cause));
    }
    let report = launched
        .report
        .map_err(|error| SoakError::Run { seed, error })?;
    Ok(Outcome { tally, report })
}
