//! A run: the cluster, a program on each node, and what they found.

use super::damage;
use super::guests::{self, GuestPlan, Habits, Ledger, Verdict, judge};
use super::mix::Mix;
use super::plan::Plan;
use super::program::{self, Shared, Tally};
use super::scenario::{Scenario, Traffic};
use super::{Failure, SoakError};
use crate::launch::{Ended, Launched, Program, launch};
use sim::cluster::{ClusterOptions, Report};
use sim::host::HostPort;
use sim::model::{INLINE_PAGES, NODES};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

/// With more nodes some destinations would be out of reach for Express.
const MAXIMUM_NODES: u16 = 8;

/// What to run.
#[derive(Clone, Debug)]
pub struct SoakOptions {
    /// What it is about.
    pub scenario: Scenario,
    /// Messages of all senders together; about so many, where endpoints come and go.
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
    /// What became of the endpoints that came and went, where there were such.
    pub verdict: Option<Verdict>,
    /// What the simulator has to say.
    pub report: Report,
}

/// Sends all messages of the plan that the seed makes, and checks that each comes once, whole, and in its order.
///
/// # Errors
/// The first failure of any node that is not merely another's consequence.
pub fn run(options: SoakOptions) -> Result<Outcome, SoakError> {
    let nodes = options.cluster.nodes;
    let most = MAXIMUM_NODES.min(NODES);
    if !(2..=most).contains(&nodes) {
        let text = format!("a soak has 2 to {most} nodes, not {nodes}");
        return Err(SoakError::Options(text));
    }
    match options.scenario.traffic() {
        Traffic::Mix(mix) => run_mix(options, mix),
        Traffic::Guests(habits) => run_guests(options, habits),
    }
}

/// Endpoints that stay.
fn run_mix(options: SoakOptions, mix: Mix) -> Result<Outcome, SoakError> {
    let cluster = &options.cluster;
    let plan = Plan::new(cluster.seed, cluster.nodes, options.messages, mix);
    let body = move |port: &HostPort, shared: &Shared| program::run(port, &plan, shared);
    let (seen, report) = run_nodes(options, body)?;
    let mut tally = Tally::default();
    seen.into_iter().for_each(|seen| tally.add(seen));
    Ok(Outcome {
        tally,
        verdict: None,
        report,
    })
}

/// Endpoints that come and go.
fn run_guests(mut options: SoakOptions, habits: Habits) -> Result<Outcome, SoakError> {
    if INLINE_PAGES < guests::INLINE_PAGES_NEEDED {
        let text = format!(
            "endpoints that come and go need {} inline pages; this NIU has {INLINE_PAGES}",
            guests::INLINE_PAGES_NEEDED
        );
        return Err(SoakError::Options(text));
    }
    let (seed, nodes) = (options.cluster.seed, options.cluster.nodes);
    let plan = Arc::new(GuestPlan::new(seed, nodes, options.messages, habits));
    let mut faults = 0;
    if habits.damage {
        options.cluster.faults = damage::faults(seed, nodes, options.messages);
        faults = options.cluster.faults.iter().map(Vec::len).sum();
    }
    let of_nodes = Arc::clone(&plan);
    let body = move |port: &HostPort, shared: &Shared| guests::run(port, &of_nodes, shared);
    let (seen, report) = run_nodes(options, body)?;
    let mut tally = Tally::default();
    let mut ledgers: Vec<Ledger> = Vec::new();
    for (seen, ledger) in seen {
        tally.add(seen);
        ledgers.push(ledger);
    }
    let differ = |difference| SoakError::Difference { seed, difference };
    let verdict = judge(&plan, &ledgers).map_err(differ)?;
    if habits.damage && verdict.failed > damage::most_failures(faults) {
        return Err(differ(format!(
            "{} queues failed of {faults} damaged beats",
            verdict.failed
        )));
    }
    Ok(Outcome {
        tally,
        verdict: Some(verdict),
        report,
    })
}

/// Runs `body` on each node; gives what each of them found.
fn run_nodes<R: Send + 'static>(
    options: SoakOptions,
    body: impl Fn(&HostPort, &Shared) -> Result<R, Failure> + Send + Sync + 'static,
) -> Result<(Vec<R>, Report), SoakError> {
    let shared = Arc::new(Shared {
        received: options.received,
        failed: AtomicBool::new(false),
    });
    let body = Arc::new(body);
    let program = |_| -> Program<R, Failure> {
        let (body, shared) = (Arc::clone(&body), Arc::clone(&shared));
        Box::new(move |port| body(&port, &shared))
    };
    let (seed, nodes) = (options.cluster.seed, options.cluster.nodes);
    let launched = launch(options.cluster, (0..nodes).map(program).collect());
    results(seed, launched)
}

/// What the nodes found, if none of them failed.
fn results<R>(seed: u64, launched: Launched<R, Failure>) -> Result<(Vec<R>, Report), SoakError> {
    let mut found = Vec::new();
    let mut failures = Vec::new();
    for (node, ended) in (0..).zip(launched.programs) {
        match ended.map(|Ended { cycle, outcome }| (cycle, outcome)) {
            Some((_, Ok(seen))) => found.push(seen),
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
    let faulty = report.nodes.iter().position(|node| node.iommu_faults > 0);
    if let Some(node) = faulty {
        let count = report.nodes[node].iommu_faults;
        return Err(SoakError::Memory { seed, node, count });
    }
    Ok((found, report))
}
