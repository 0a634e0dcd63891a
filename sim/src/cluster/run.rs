//! Running a cluster.

use super::barrier::{BreakOnPanic, SpinBarrier};
use super::exchange::{Mailbox, Network, Progress};
use super::node::{Node, NodeParts};
use super::options::ClusterOptions;
use crate::host::{HostPort, HostSide, ProgramBody};
use crate::memory::HostMemory;
use crate::model::{CLOCK_PERIOD_PS, NiuModel};
use crate::network::{SwitchModel, Wire};
use crate::pcie::{HostBridge, HostBridgeError};
use crate::trace::{LinkLog, TraceHash, packet_log};
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A cluster and the programs that will run on it.
pub struct Cluster {
    options: ClusterOptions,
    programs: Vec<Vec<ProgramBody>>,
}

/// A run that came to its end.
#[derive(Clone, Debug)]
pub struct Report {
    /// Core cycles simulated.
    pub cycles: u64,
    /// Hash of everything that crossed any port, in order: equal runs have equal hashes.
    pub trace_hash: u64,
    /// Wall time of the simulation itself.
    pub wall: Duration,
    /// For each node.
    pub nodes: Vec<NodeReport>,
}

/// What a node saw.
#[derive(Clone, Debug, Default)]
pub struct NodeReport {
    /// Hash of what crossed the node's ports.
    pub trace_hash: u64,
    /// Device accesses that the IOMMU refused.
    pub iommu_faults: u64,
    /// Breaches of the PCIe specification by the NIU, in words.
    pub violations: Vec<String>,
}

/// A run that did not.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The cycle limit came first.
    #[error(
        "the run did not end within {0} cycles: a host program waits for something that never comes, or `maximum_cycles` is too small"
    )]
    Stalled(u64),
    /// The NIU broke the rules of PCIe.
    #[error("node {node} broke the PCIe specification: {violation}")]
    Violation {
        /// Which node.
        node: usize,
        /// What it did.
        violation: String,
    },
    /// The profile is not possible.
    #[error(transparent)]
    Bridge(#[from] HostBridgeError),
    /// A trace could not be written.
    #[error("cannot write a trace")]
    Trace(#[from] std::io::Error),
}

impl Cluster {
    /// A cluster without programs.
    ///
    /// # Panics
    /// With fewer than 2 or more than 64 nodes.
    pub fn new(options: ClusterOptions) -> Self {
        assert!(
            (2..=64).contains(&options.nodes),
            "a cluster has 2 to 64 nodes, not {}",
            options.nodes
        );
        let programs = (0..options.nodes).map(|_| Vec::new()).collect();
        Cluster { options, programs }
    }

    /// Adds a host program to a node. Programs of a node run in the order in which they were added.
    pub fn program(
        &mut self,
        node: u16,
        body: impl FnOnce(HostPort) + Send + 'static,
    ) -> &mut Self {
        self.programs[usize::from(node)].push(Box::new(body));
        self
    }

    /// Runs until every program has ended.
    ///
    /// # Errors
    /// The cycle limit, a breach of PCIe by the NIU, or a trace file that cannot be written.
    ///
    /// # Panics
    /// If a program panics.
    pub fn run(self) -> Result<Report, RunError> {
        let Cluster { options, programs } = self;
        let parts = make_parts(&options, programs)?;
        let nodes = parts.len();
        let threads = options.threads.clamp(1, nodes);
        let shared = Shared {
            mailboxes: (0..nodes).map(|_| Mutex::default()).collect(),
            reports: (0..nodes).map(|_| Mutex::default()).collect(),
            barrier: SpinBarrier::new(threads),
            ended: AtomicBool::new(false),
        };
        let mut shares: Vec<Vec<(usize, NodeParts)>> = (0..threads).map(|_| Vec::new()).collect();
        for (number, part) in parts.into_iter().enumerate() {
            shares[number % threads].push((number, part));
        }
        let start = Instant::now();
        let outcome = std::thread::scope(|scope| {
            let mut shares = shares.into_iter();
            let own = shares.next().unwrap_or_default();
            let others: Vec<_> = shares
                .map(|share| scope.spawn(|| follow(share, &options, &shared)))
                .collect();
            let outcome = lead(own, &options, &shared);
            for other in others {
                if let Err(panic) = other.join() {
                    std::panic::resume_unwind(panic);
                }
            }
            outcome
        });
        let reports = shared
            .reports
            .into_iter()
            .map(|report| report.into_inner().unwrap_or_default())
            .collect();
        finish(outcome, reports, start.elapsed())
    }
}

/// What the threads of a run share.
struct Shared {
    mailboxes: Vec<Mutex<Mailbox>>,
    reports: Vec<Mutex<NodeReport>>,
    barrier: SpinBarrier,
    ended: AtomicBool,
}

fn make_parts(
    options: &ClusterOptions,
    programs: Vec<Vec<ProgramBody>>,
) -> Result<Vec<NodeParts>, RunError> {
    let mut parts = Vec::new();
    for (number, programs) in programs.into_iter().enumerate() {
        let waveform = options
            .waveforms
            .as_ref()
            .map(|folder| folder.join(format!("node-{number}.fst")));
        let seed = options
            .seed
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .wrapping_add(number as u64);
        let random = if options.random_initial_values {
            (seed as u32) | 1
        } else {
            0
        };
        let mut model = NiuModel::new(random, waveform.as_deref())?;
        model.load_firmware(&options.firmware);
        let log_path = |of: &str| {
            let folder = options.packet_logs.as_ref();
            folder.map(|folder| folder.join(format!("node-{number}.{of}.txt")))
        };
        let mut bridge = HostBridge::new(&options.profile, CLOCK_PERIOD_PS, seed)?;
        bridge.set_listener(log_path("pcie").map(|path| packet_log(&path)).transpose()?);
        let side = HostSide {
            bridge,
            memory: HostMemory::new(),
            allocations: BTreeMap::new(),
            node: number as u16,
            nodes: options.nodes,
            cycle: 0,
            cycle_picoseconds: CLOCK_PERIOD_PS,
            costs: options.profile.host.clone(),
            gathered: Vec::new(),
        };
        let mut wire = Wire::new(options.wire_delay_cycles, options.wire_cycles_per_beat);
        wire.set_faults(options.faults.get(number).cloned().unwrap_or_default());
        wire.set_tampering(options.tampering.get(number).copied().flatten());
        let log = log_path("link")
            .map(|path| LinkLog::new(&path))
            .transpose()?;
        parts.push(NodeParts {
            model,
            side,
            programs,
            wire,
            log,
        });
    }
    Ok(parts)
}

/// Runs a share of the nodes, stretch by stretch; `between` decides after each whether to go on.
fn run_share(
    share: Vec<(usize, NodeParts)>,
    options: &ClusterOptions,
    shared: &Shared,
    mut between: impl FnMut(u64, u64) -> bool,
) {
    let _guard = BreakOnPanic(&shared.barrier);
    let mut nodes: Vec<(usize, Node)> = share
        .into_iter()
        .map(|(number, parts)| (number, Node::new(parts)))
        .collect();
    // What a node sends in a cycle arrives `wire_delay_cycles` later: so long each may run by itself.
    let stretch = options.wire_delay_cycles + 1;
    let mut from = 0;
    loop {
        for (number, node) in &mut nodes {
            let mut mailbox = shared.mailboxes[*number]
                .lock()
                .unwrap_or_else(|poison| poison.into_inner());
            node.run(from, from + stretch, &mut mailbox);
        }
        if !between(from, from + stretch) {
            break;
        }
        from += stretch;
    }
    for (number, node) in nodes {
        let side = node.side().borrow();
        let report = NodeReport {
            trace_hash: node.hash(),
            iommu_faults: side.bridge.iommu().fault_count(),
            violations: side
                .bridge
                .violations()
                .iter()
                .map(ToString::to_string)
                .collect(),
        };
        *shared.reports[number]
            .lock()
            .unwrap_or_else(|poison| poison.into_inner()) = report;
    }
}

/// The thread that also carries out the exchanges.
fn lead(
    share: Vec<(usize, NodeParts)>,
    options: &ClusterOptions,
    shared: &Shared,
) -> (Progress, u64) {
    let mut network = if options.nodes == 2 {
        Network::Wires
    } else {
        Network::Switch(SwitchModel::new(options.nodes.into()))
    };
    let mut outcome = (Progress::Running, 0);
    run_share(share, options, shared, |from, to| {
        if !shared.barrier.wait() {
            return false;
        }
        let mut locks: Vec<_> = shared
            .mailboxes
            .iter()
            .map(|mailbox| mailbox.lock().unwrap_or_else(|poison| poison.into_inner()))
            .collect();
        let mut mailboxes: Vec<&mut Mailbox> = locks.iter_mut().map(|lock| &mut **lock).collect();
        let progress = network.exchange(&mut mailboxes, from, to, options.wire_delay_cycles);
        drop(locks);
        outcome = (progress, to);
        let over = progress != Progress::Running || to >= options.maximum_cycles;
        shared.ended.store(over, Ordering::Release);
        shared.barrier.wait() && !over
    });
    outcome
}

/// The other threads.
fn follow(share: Vec<(usize, NodeParts)>, options: &ClusterOptions, shared: &Shared) {
    run_share(share, options, shared, |_, _| {
        shared.barrier.wait() && shared.barrier.wait() && !shared.ended.load(Ordering::Acquire)
    });
}

fn finish(
    outcome: (Progress, u64),
    nodes: Vec<NodeReport>,
    wall: Duration,
) -> Result<Report, RunError> {
    for (node, report) in nodes.iter().enumerate() {
        if let Some(violation) = report.violations.first() {
            return Err(RunError::Violation {
                node,
                violation: violation.clone(),
            });
        }
    }
    match outcome {
        (Progress::Finished, cycles) => {
            let mut hash = TraceHash::default();
            for node in &nodes {
                hash.add_word(node.trace_hash);
            }
            Ok(Report {
                cycles,
                trace_hash: hash.value(),
                wall,
                nodes,
            })
        }
        (_, cycles) => Err(RunError::Stalled(cycles)),
    }
}
