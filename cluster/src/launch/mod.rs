//! Host programs on a simulated cluster, one a node: what `niu-bench`, `niu-soak`, the example and the tests start
//! theirs with.

mod firmware;
mod node;

pub use firmware::{FirmwareError, firmware_path, read_firmware};
pub use node::Node;

use crate::transport::register;
use sim::cluster::{Cluster, ClusterOptions, DebugPort, Report, RunError};
use sim::host::HostPort;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long any one thing may take that a program waits for, in simulated time, unless it knows better.
pub const PATIENCE: Duration = Duration::from_millis(10);

/// What a host program does with its machine.
pub type Program<R, E> = Box<dyn FnOnce(HostPort) -> Result<R, E> + Send>;

/// A program that has come to its end.
#[derive(Clone, Debug)]
pub struct Ended<R, E> {
    /// Core cycle then.
    pub cycle: u64,
    /// What it returned.
    pub outcome: Result<R, E>,
}

/// What became of a run.
#[derive(Debug)]
pub struct Launched<R, E> {
    /// For each node; none where the run ended before the program.
    pub programs: Vec<Option<Ended<R, E>>>,
    /// What the simulator has to say.
    pub report: Result<Report, RunError>,
}

/// A run that did not give what it was made for.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError<E> {
    /// A program returned an error.
    #[error("the host program of node {node} failed in cycle {cycle}: {error}")]
    Program {
        /// Where.
        node: usize,
        /// When.
        cycle: u64,
        /// Why.
        error: E,
    },
    /// The simulation did not come to its end.
    #[error(transparent)]
    Run(#[from] RunError),
}

/// Runs `programs[n]` on node `n`, where the driver can open its NIU by name, until all have ended or the run cannot go
/// on. A program that returns an error ends like any other; one that panics ends the run.
///
/// # Panics
/// A program panics, or there is not one program a node.
pub fn launch<R, E>(options: ClusterOptions, programs: Vec<Program<R, E>>) -> Launched<R, E>
where
    R: Send + 'static,
    E: Send + 'static,
{
    launch_debugged(options, programs, Vec::new())
}

/// The same, with a debugger at the service processors of some nodes.
///
/// # Panics
/// As [`launch`], or there is no such node.
pub fn launch_debugged<R, E>(
    options: ClusterOptions,
    programs: Vec<Program<R, E>>,
    debug_ports: Vec<(u16, DebugPort)>,
) -> Launched<R, E>
where
    R: Send + 'static,
    E: Send + 'static,
{
    assert_eq!(programs.len(), options.nodes.into(), "one program a node");
    register();
    let mut cluster = Cluster::new(options);
    let slots: Vec<Slot<R, E>> = programs
        .into_iter()
        .enumerate()
        .map(|(node, program)| add(&mut cluster, node as u16, program))
        .collect();
    for (node, port) in debug_ports {
        cluster.debug(node, port);
    }
    let report = cluster.run();
    let take = |slot: Slot<R, E>| {
        slot.lock()
            .unwrap_or_else(|poison| poison.into_inner())
            .take()
    };
    Launched {
        programs: slots.into_iter().map(take).collect(),
        report,
    }
}

type Slot<R, E> = Arc<Mutex<Option<Ended<R, E>>>>;

fn add<R, E>(cluster: &mut Cluster, node: u16, program: Program<R, E>) -> Slot<R, E>
where
    R: Send + 'static,
    E: Send + 'static,
{
    let slot: Slot<R, E> = Arc::default();
    let result = Arc::clone(&slot);
    cluster.program(node, move |port| {
        let outcome = program(port.clone());
        let cycle = port.cycle();
        *result.lock().unwrap_or_else(|poison| poison.into_inner()) =
            Some(Ended { cycle, outcome });
    });
    slot
}

impl<R, E> Launched<R, E> {
    /// The programs' results in the order of nodes, and the report.
    ///
    /// # Errors
    /// The first program that failed (the others' failures may follow from it), else what ended the run.
    pub fn into_results(self) -> Result<(Vec<R>, Report), LaunchError<E>> {
        let mut results = Vec::new();
        let mut failures = Vec::new();
        for (node, ended) in self.programs.into_iter().enumerate() {
            match ended {
                Some(Ended {
                    outcome: Ok(result),
                    ..
                }) => results.push(result),
                Some(Ended {
                    outcome: Err(error),
                    cycle,
                }) => failures.push((cycle, node, error)),
                // Then the run has failed.
                None => {}
            }
        }
        let first = failures.into_iter().min_by_key(|(cycle, ..)| *cycle);
        if let Some((cycle, node, error)) = first {
            return Err(LaunchError::Program { node, cycle, error });
        }
        Ok((results, self.report?))
    }
}
