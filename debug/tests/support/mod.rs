//! A cluster of two nodes with a debugger at node 0's service processor, and traffic from node 1 to a resident queue
//! of node 0 that goes on until the debugger has finished.
#![allow(
    dead_code,
    reason = "each test binary includes this module and uses a part of it"
)]

use host_driver::{Destination, EndpointOptions, Error, ReceiveQueueId};
use probe_rs::Session;
use sim::cluster::{ClusterOptions, Pace, Pins, Tick, debug_port};
use sim::profile::Profile;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use wayfarer_cluster::launch::{Node, Program, firmware_path, launch_debugged, read_firmware};

/// How long a debugger's wish may take, in real time: the machine that runs the test may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The receive queue's identifier.
const RECEIVE_QUEUE: ReceiveQueueId = ReceiveQueueId(5);

/// Longer than any debugger takes, in simulated time.
const LONG: Duration = Duration::from_secs(10);

/// What programs and debugger tell each other.
#[derive(Default)]
pub struct Shared {
    ready: AtomicBool,
    finished: AtomicBool,
    received: AtomicU64,
}

impl Shared {
    /// Messages that have arrived so far.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::SeqCst)
    }
}

/// Has the traffic end, even if the debugger panics.
struct Finish(Arc<Shared>);

impl Drop for Finish {
    fn drop(&mut self) {
        self.0.finished.store(true, Ordering::SeqCst);
    }
}

/// Lets simulated time pass.
pub fn pass(pins: &Pins, cycles: u32) {
    // TMS high: the debug transport stays in reset.
    let tick = Tick {
        tms: true,
        tdi: false,
        cycles,
    };
    pins.run(vec![tick]).expect("the cluster runs");
}

/// Runs the debugger while node 1 sends; returns how many messages node 0 received, all of which came in order.
///
/// # Panics
/// Anything fails, or a message was lost.
pub fn debug(debugger: impl FnOnce(Session, &Shared) + Send) -> u64 {
    let shared = Arc::new(Shared::default());
    let (pins, port) = debug_port(Pace::Waits);
    let profile = Profile::named("bare").unwrap_or_else(|error| panic!("{error}"));
    let firmware = read_firmware(&firmware_path()).unwrap_or_else(|error| panic!("{error}"));
    let options = ClusterOptions {
        maximum_cycles: 2_000_000_000,
        ..ClusterOptions::new(profile, firmware)
    };
    let programs = vec![receiver(Arc::clone(&shared)), sender(Arc::clone(&shared))];
    let counts = std::thread::scope(|scope| {
        let debugged = Arc::clone(&shared);
        let thread = scope.spawn(move || {
            let _finish = Finish(Arc::clone(&debugged));
            while !debugged.ready.load(Ordering::SeqCst) {
                pass(&pins, 1000);
            }
            let session = wayfarer_debug::attach(pins).expect("the debug module answers");
            debugger(session, &debugged);
        });
        let launched = launch_debugged(options, programs, vec![(0, port)]);
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
        let (counts, _) = launched
            .into_results()
            .unwrap_or_else(|error| panic!("{error}"));
        counts
    });
    assert_eq!(counts[0], counts[1], "messages received and sent");
    println!("{} messages", counts[0]);
    counts[0]
}

fn receiver(shared: Arc<Shared>) -> Program<u64, Error> {
    Box::new(move |port| {
        let node = Node::open(port)?;
        let options = EndpointOptions {
            receive_queue_id: RECEIVE_QUEUE,
            ..EndpointOptions::default()
        };
        let mut endpoint = node.endpoint(options, &[1])?;
        node.barrier();
        let mut count = 0;
        loop {
            let message = endpoint.receive_wait(LONG)?;
            assert!(!message.gap(), "a message before {count} was lost");
            let payload = message.payload();
            drop(message);
            if payload[7] == 0xff {
                return Ok(count);
            }
            let number = u64::from_le_bytes(payload[..8].try_into().expect("eight bytes"));
            assert_eq!(number, count, "messages come in order");
            count += 1;
            shared.received.store(count, Ordering::SeqCst);
            shared.ready.store(true, Ordering::SeqCst);
        }
    })
}

fn sender(shared: Arc<Shared>) -> Program<u64, Error> {
    Box::new(move |port| {
        let node = Node::open(port)?;
        let options = EndpointOptions {
            receive_queue_id: RECEIVE_QUEUE,
            ..EndpointOptions::default()
        };
        let mut endpoint = node.endpoint(options, &[0])?;
        node.barrier();
        let mut count = 0_u64;
        while !shared.finished.load(Ordering::SeqCst) {
            endpoint.when_room(LONG, |endpoint| {
                endpoint.send_express(Destination(0), 0, count.to_le_bytes())
            })?;
            count += 1;
            node.port.sleep_ns(5_000);
        }
        endpoint.when_room(LONG, |endpoint| {
            endpoint.send_express(Destination(0), 0, [0xff; 8])
        })?;
        endpoint.flush(LONG)?;
        Ok(count)
    })
}
