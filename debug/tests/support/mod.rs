//! A cluster of two nodes with a debugger at node 0's service processor, and traffic from node 1 to a resident queue
//! of node 0 that goes on until the debugger has finished.
#![allow(
    dead_code,
    reason = "each test binary includes this module and uses a part of it"
)]

use probe_rs::Session;
use sim::cluster::{ClusterOptions, Pace, debug_port};
use sim::profile::Profile;
use std::sync::Arc;
use std::time::Duration;
use wayfarer_cluster::launch::{firmware_path, read_firmware};
use wayfarer_debug::traffic::{self, Stop, Traffic};

/// How long a debugger's wish may take, in real time: the machine that runs the test may be busy.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What the run came to.
pub struct Run {
    /// Messages that node 0 received.
    pub received: u64,
    /// The log of its firmware.
    pub log: Vec<u8>,
}

/// Runs the debugger while node 1 sends.
///
/// # Panics
/// Anything fails, or a message was lost.
pub fn debug(debugger: impl FnOnce(Session, &Traffic) + Send) -> Run {
    let traffic = Arc::new(Traffic::default());
    let (pins, port) = debug_port(Pace::Waits);
    let profile = Profile::named("bare").unwrap_or_else(|error| panic!("{error}"));
    let firmware = read_firmware(&firmware_path()).unwrap_or_else(|error| panic!("{error}"));
    let options = ClusterOptions {
        maximum_cycles: 2_000_000_000,
        ..ClusterOptions::new(profile, firmware)
    };
    let outcomes = std::thread::scope(|scope| {
        let stop = Stop(Arc::clone(&traffic));
        let thread = scope.spawn(move || {
            stop.0.await_first(&pins).expect("the cluster runs");
            let session = wayfarer_debug::attach(pins).expect("the debug module answers");
            debugger(session, &stop.0);
        });
        let outcomes = traffic::run(options, 0, port, &traffic);
        if let Err(panic) = thread.join() {
            std::panic::resume_unwind(panic);
        }
        outcomes.unwrap_or_else(|error| panic!("{error}"))
    });
    println!("{} messages", outcomes[0].messages);
    assert_eq!(outcomes[0].lost, 0, "messages out of order");
    assert_eq!(outcomes[0].messages, outcomes[1].messages, "received, sent");
    Run {
        received: outcomes[0].messages,
        log: outcomes[0].log.clone(),
    }
}
