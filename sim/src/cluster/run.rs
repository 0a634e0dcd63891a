//! Running a cluster.

use super::debug_port::DebugPort;
use super::exchange::{Delivery, Letter, Network, Progress};
use super::idle::Skip;
use super::node::{Node, NodeParts};
use super::options::ClusterOptions;
use super::post::Post;
use super::report::{NodeReport, Report, RunError};
use super::worth;
use crate::host::{HostPort, HostSide, ProgramBody};
use crate::memory::HostMemory;
use crate::model::{CLOCK_PERIOD_PS, NODES, NiuModel};
use crate::network::Wire;
use crate::pcie::HostBridge;
use crate::trace::{LinkLog, TraceHash, packet_log};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A cluster and the programs that will run on it.
pub struct Cluster {
    options: ClusterOptions,
    programs: Vec<Vec<ProgramBody>>,
    debug_ports: Vec<Option<DebugPort>>,
}

impl Cluster {
    /// A cluster without programs.
    ///
    /// # Panics
    /// With fewer than 2 nodes, or more than the NIU takes messages from.
    pub fn new(options: ClusterOptions) -> Self {
        assert!(
            (2..=NODES).contains(&options.nodes),
            "a cluster of this configuration has 2 to {NODES} nodes, not {}",
            options.nodes
        );
        let programs = (0..options.nodes).map(|_| Vec::new()).collect();
        let debug_ports = (0..options.nodes).map(|_| None).collect();
        Cluster {
            options,
            programs,
            debug_ports,
        }
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

    /// Connects a debugger to a node's service processor.
    pub fn debug(&mut self, node: u16, port: DebugPort) -> &mut Self {
        self.debug_ports[usize::from(node)] = Some(port);
        self
    }

    /// Runs until every program has ended.
    ///
    /// # Errors
    /// An option outside its range, the cycle limit, a breach of PCIe by the NIU, or a trace file
    /// that cannot be written.
    ///
    /// # Panics
    /// If a program panics.
    pub fn run(self) -> Result<Report, RunError> {
        let Cluster {
            options,
            programs,
            debug_ports,
        } = self;
        options.check()?;
        let mut parts = make_parts(&options, programs)?;
        for (part, port) in parts.iter_mut().zip(debug_ports) {
            part.debug_port = port;
        }
        let threads = options.threads.clamp(1, parts.len());
        let threads = match options.all_threads {
            true => threads,
            false => worth::threads(threads),
        };
        let mut shares: Vec<Vec<NodeParts>> = (0..threads).map(|_| Vec::new()).collect();
        for part in parts {
            shares[part.number % threads].push(part);
        }
        let start = Instant::now();
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let amounts: Vec<usize> = shares.iter().map(Vec::len).collect();
            let mut shares = shares.into_iter().zip(Post::connect(&amounts));
            let own = shares.next();
            let others: Vec<_> = shares
                .map(|(share, post)| scope.spawn(|| run_share(share, &options, post)))
                .collect();
            let own = own.map(|(share, post)| run_share(share, &options, post));
            let others = others.into_iter().map(|other| {
                other
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            own.into_iter().chain(others).collect()
        });
        finish(outcomes, start.elapsed())
    }
}

fn make_parts(
    options: &ClusterOptions,
    programs: Vec<Vec<ProgramBody>>,
) -> Result<Vec<NodeParts>, RunError> {
    let mut parts = Vec::new();
    let firmware: Arc<[u8]> = options.firmware.clone().into();
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
        let model = NiuModel::new(random, waveform.as_deref())?;
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
            reset: false,
            gathered: Vec::new(),
        };
        let mut wire = Wire::new(options.wire_delay_cycles, options.wire_cycles_per_beat);
        wire.set_faults(options.faults.get(number).cloned().unwrap_or_default());
        wire.set_tampering(options.tampering.get(number).copied().flatten());
        let log = log_path("link")
            .map(|path| LinkLog::new(&path))
            .transpose()?;
        parts.push(NodeParts {
            number,
            model,
            firmware: Arc::clone(&firmware),
            side,
            programs,
            wire,
            log,
            debug_port: None,
            skip: match options.waveforms {
                Some(_) => Skip::Never,
                None => options.skip,
            },
        });
    }
    Ok(parts)
}

/// How the run ended for a share of its nodes.
struct Outcome {
    progress: Progress,
    cycles: u64,
    nodes: Vec<(usize, NodeReport)>,
}

/// Runs a share of the nodes, stretch by stretch; after each the threads tell each other all that left their nodes.
fn run_share(share: Vec<NodeParts>, options: &ClusterOptions, post: Post<Letter>) -> Outcome {
    let mut nodes: Vec<Node> = share.into_iter().map(Node::new).collect();
    let count = usize::from(options.nodes);
    let mut network = Network::new(count);
    let mut deliveries: Vec<Delivery> = (0..count).map(|_| Delivery::default()).collect();
    let mut progress = Progress::Running;
    // What a node sends in a cycle arrives `wire_delay_cycles` later: so long each may run by itself.
    let stretch = options.wire_delay_cycles + 1;
    let mut cycle = 0;
    while progress == Progress::Running && cycle < options.maximum_cycles {
        let (from, to) = (cycle, (cycle + stretch).min(options.maximum_cycles));
        let own = nodes.iter_mut().map(|node| {
            let delivery = std::mem::take(&mut deliveries[node.number()]);
            node.run(from, to, delivery)
        });
        let Some(mut letters) = post.exchange(own.collect()) else {
            // Another thread has panicked: what this one says does not matter any more.
            break;
        };
        letters.sort_unstable_by_key(|letter| letter.node);
        (deliveries, progress) = network.exchange(letters, from, to, options.wire_delay_cycles);
        cycle = to;
    }
    Outcome {
        progress,
        cycles: cycle,
        nodes: nodes
            .iter()
            .map(|node| (node.number(), node.report()))
            .collect(),
    }
}

fn finish(outcomes: Vec<Outcome>, wall: Duration) -> Result<Report, RunError> {
    let mut nodes = Vec::new();
    let (mut progress, mut cycles) = (Progress::Failed, 0);
    for outcome in outcomes {
        (progress, cycles) = (outcome.progress, outcome.cycles);
        nodes.extend(outcome.nodes);
    }
    nodes.sort_unstable_by_key(|(number, _)| *number);
    for (node, report) in &nodes {
        if let Some(violation) = report.violations.first() {
            return Err(RunError::Violation {
                node: *node,
                violation: violation.clone(),
            });
        }
    }
    if progress != Progress::Finished {
        return Err(RunError::Stalled(cycles));
    }
    let nodes: Vec<NodeReport> = nodes.into_iter().map(|(_, report)| report).collect();
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
