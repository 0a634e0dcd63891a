//! Triggered operations: a dissemination barrier that no processor takes part in between a program's arrival and its
//! leave; increments that are refused.

mod support;

use abi::admin::status::Status;
use host_driver::{
    Access, Action, Destination, Endpoint, EndpointOptions, Error, Export, Import, NodeNumber,
    ReceiveQueueId, RequestError, Rights, SegmentHandle, SendError, VirtualChannel,
};
use sim::cluster::ClusterOptions;
use sim::pcie::random::Random;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// A wire of 128 ns with 16 bytes every two cycles: 8 Gb/s.
const WIRE_CYCLES: u64 = 16;
const CYCLES_A_BEAT: u64 = 2;

/// RQID of the program's ring.
const PROGRAM: ReceiveQueueId = ReceiveQueueId(3);
const OWN: Destination = Destination(0);

fn options(receive_queue_id: u16) -> EndpointOptions {
    EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        destinations_log2: 4,
        ..EndpointOptions::default()
    }
}

/// One node's part of a barrier: two sets of counters in turn, since a partner may be one barrier ahead.
struct Barrier {
    /// What the program sends and receives with.
    program: Endpoint,
    /// What the counters send with.
    _triggers: Endpoint,
    _counters: Vec<Export>,
    starts: [Import; 2],
    crossed: u64,
}

fn import(endpoint: &Endpoint, at: usize, handle: &SegmentHandle) -> Result<Import, RequestError> {
    endpoint.import(Destination(at as u16), handle, VirtualChannel::ZERO)
}

impl Barrier {
    fn new(node: &Node) -> Result<Self, Error> {
        let nodes = usize::from(node.port.nodes());
        let own = usize::from(node.number());
        let rounds = nodes.ilog2() as usize;
        let program = node.endpoint(options(PROGRAM.0), &[node.number()])?;
        let triggers = node.device.create_endpoint(options(4))?;
        triggers.load_translation(
            OWN,
            NodeNumber(node.number()),
            PROGRAM,
            VirtualChannel::ZERO,
        )?;
        // For each set: the start, then the rounds.
        let mut counters = Vec::new();
        for _ in 0..2 * (rounds + 1) {
            counters.push(triggers.export(64, Rights::COUNT, Access::ANY)?);
        }
        let handles: Vec<u8> = counters
            .iter()
            .flat_map(|counter| counter.handle().to_bytes())
            .collect();
        let all = node.port.gather(&handles);
        let handle = |node: usize, counter: usize| {
            let at = counter * SegmentHandle::BYTES;
            let bytes = &all[node][at..at + SegmentHandle::BYTES];
            SegmentHandle::from_bytes(bytes.try_into().expect("a handle's size"))
        };
        let mut starts = Vec::new();
        for set in 0..2 {
            let first = set * (rounds + 1);
            for step in 0..=rounds {
                let actions = if step < rounds {
                    let partner = (own + (1 << step)) % nodes;
                    let handle = handle(partner, first + step + 1).expect("a handle");
                    let partner = import(&triggers, 1 + set * rounds + step, &handle)?;
                    let segment = counters[first + step + 1].handle().segment;
                    [Action::Increment(partner), Action::Count { segment }]
                } else {
                    let payload = [set as u8; 8];
                    let tell = Action::Send {
                        destination: OWN,
                        tag: 0,
                        payload,
                    };
                    [tell, Action::Nothing]
                };
                let threshold = if step == 0 { 1 } else { 2 };
                counters[first + step].arm(threshold, actions)?;
            }
            let own = handle(own, first).expect("a handle");
            starts.push(import(&program, 1 + set, &own)?);
        }
        node.barrier();
        Ok(Barrier {
            program,
            _triggers: triggers,
            _counters: counters,
            starts: [starts[0], starts[1]],
            crossed: 0,
        })
    }

    fn cross(&mut self) {
        let set = (self.crossed % 2) as usize;
        self.crossed += 1;
        let (queue, ring) = self.program.split();
        queue
            .when_room(PATIENCE, |queue| queue.increment(&self.starts[set]))
            .expect("the queue is in order");
        let told = ring.receive_wait(PATIENCE).expect("the barrier ends");
        assert_eq!(told.payload(), [set as u8; 8], "which set");
    }
}

fn cluster(nodes: u16, seed: u64) -> ClusterOptions {
    ClusterOptions {
        nodes,
        wire_delay_cycles: WIRE_CYCLES,
        wire_cycles_per_beat: CYCLES_A_BEAT,
        ..support::options("pcie-gen3-x8", seed)
    }
}

/// Many barriers with random pauses, then some at once; mean time of these, in ns.
fn cross_often(nodes: u16, seed: u64) -> f64 {
    const BARRIERS: usize = 40;
    const TIMED: usize = 20;
    let entered: Arc<Vec<AtomicUsize>> = Arc::new((0..BARRIERS).map(|_| AtomicUsize::new(0)).collect());
    let bodies = (0..nodes)
        .map(|_| {
            let entered = Arc::clone(&entered);
            let body: support::Body<f64> = Box::new(move |node: &Node| {
                let mut random = Random::new(seed + u64::from(node.number()));
                let mut barrier = Barrier::new(node)?;
                for entered in entered.iter() {
                    node.port.spend_ns(random.below(5000));
                    entered.fetch_add(1, Ordering::SeqCst);
                    barrier.cross();
                    let entered = entered.load(Ordering::SeqCst);
                    assert_eq!(entered, usize::from(nodes), "one left before all had entered");
                }
                let begin = node.port.now_ns();
                for _ in 0..TIMED {
                    barrier.cross();
                }
                let took = (node.port.now_ns() - begin) / TIMED as f64;
                node.barrier();
                Ok(took)
            });
            body
        })
        .collect();
    let (times, _) = support::run(cluster(nodes, seed), bodies);
    let worst = times.into_iter().fold(0.0, f64::max);
    println!("{nodes} nodes: {worst:.0} ns a barrier");
    worst
}

#[test]
fn nobody_leaves_a_barrier_of_two_nodes_before_both_have_entered() {
    cross_often(2, 71);
}

#[test]
fn nobody_leaves_a_barrier_of_four_nodes_before_all_have_entered() {
    cross_often(4, 72);
}

#[test]
fn a_barrier_of_eight_nodes_takes_no_more_than_three_microseconds() {
    let ns = cross_often(8, 73);
    assert!(ns <= 3000.0, "{ns} ns");
}

/// An increment of a segment that gives no right to it, and of one that is revoked, is refused and told.
#[test]
fn an_increment_without_a_right_is_refused_and_told() {
    let body = |node: &Node| {
        let mut endpoint = node.endpoint(options(PROGRAM.0), &[node.number()])?;
        let forbidden = endpoint.export(64, Rights::WRITE, Access::ANY)?;
        // What the handle says is not what the segment allows.
        let handle = SegmentHandle {
            rights: Rights::COUNT,
            ..forbidden.handle()
        };
        let forbidden_import = import(&endpoint, 1, &handle)?;
        let mut revoked = endpoint.export(64, Rights::COUNT, Access::ANY)?;
        let revoked_import = import(&endpoint, 2, &revoked.handle())?;
        revoked.arm(1, [Action::Nothing; 2])?;
        let zero = revoked.arm(0, [Action::Nothing; 2]);
        assert!(
            matches!(
                zero,
                Err(RequestError::Refused {
                    status: Some(Status::BadOperand),
                    ..
                })
            ),
            "{zero:?}"
        );
        revoked.revoke()?;
        for import in [forbidden_import, revoked_import] {
            let (queue, _) = endpoint.split();
            queue.increment(&import)?;
            node.port.sleep_ns(20_000);
            let told = queue.check();
            assert!(told.is_err(), "a refused increment is told");
        }
        let unfit = endpoint.split().0.increment(&Import::clone(&forbidden_import));
        assert!(!matches!(unfit, Err(SendError::NoRight)));
        Ok(())
    };
    let idle = |_: &Node| Ok(());
    support::run(cluster(2, 74), vec![Box::new(body), Box::new(idle)]);
}
