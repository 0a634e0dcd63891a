//! Random traffic with every message checked: what `niu-soak` and the tests run.
//!
//! All of it follows from a seed, on both sides: a receiver draws the plans of the senders itself, and so knows which
//! message must come next from each queue, and when there are none left. Whatever is lost, doubled, out of order,
//! damaged or misdirected is an error that names the seed.

mod damage;
mod guests;
mod mix;
mod plan;
mod program;
mod run;
mod scenario;

pub use guests::{GuestName, GuestPlan, Habits, Target, Verdict};
pub use mix::{Mix, Range, Targets};
pub use plan::{EndpointName, Plan, PlannedMessage, Role};
pub use program::Tally;
pub use run::{Outcome, SoakOptions, run};
pub use scenario::{Scenario, Traffic};

use host_driver::transport::TransportError;
use host_driver::{
    Error, FlushError, NothingReceived, OpenError, QueueError, RequestError, SendError,
};
use std::time::Duration;

/// Why a soak did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum SoakError {
    /// The options cannot be run.
    #[error("{0}")]
    Options(String),
    /// A check failed, or the driver returned an error.
    #[error("seed {seed}, node {node}, cycle {cycle}: {failure}")]
    Node {
        /// Seed of the run.
        seed: u64,
        /// Node on which it was noticed.
        node: u16,
        /// Core cycle then.
        cycle: u64,
        /// What happened.
        failure: Failure,
    },
    /// What the nodes saw does not fit together.
    #[error("seed {seed}: {difference}")]
    Difference {
        /// Seed of the run.
        seed: u64,
        /// What does not fit.
        difference: String,
    },
    /// A NIU wrote to memory that it was no longer to reach.
    #[error(
        "seed {seed}, node {node}: the NIU accessed memory {count} times that was not mapped for it"
    )]
    Memory {
        /// Seed of the run.
        seed: u64,
        /// Whose NIU it was.
        node: usize,
        /// How often.
        count: u64,
    },
    /// The simulation itself did not come to its end.
    #[error("seed {seed}: {error}")]
    Run {
        /// Seed of the run.
        seed: u64,
        /// Why.
        error: sim::cluster::RunError,
    },
}

/// What a host program noticed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The driver returned an error.
    #[error(transparent)]
    Driver(Error),
    /// A message other than the one whose turn it is.
    #[error("{receiver} got {got} where {expected} was expected")]
    Unexpected {
        /// The receiving endpoint.
        receiver: String,
        /// What came.
        got: String,
        /// What should have come.
        expected: String,
    },
    /// Nothing moves any more.
    #[error("nothing has moved for {waited:?}; still to come: {missing}")]
    Stalled {
        /// How long.
        waited: Duration,
        /// What is missing.
        missing: String,
    },
    /// A counter of the NIU that must be zero is not.
    #[error("the NIU counted {count} of: {meaning}")]
    Counter {
        /// How many.
        count: u32,
        /// Of what.
        meaning: &'static str,
    },
    /// The program of another node failed; this one stopped for that.
    #[error("stopped because another node failed")]
    Abandoned,
}

macro_rules! driver_errors {
    ($($error:ident),*) => {
        $(impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Failure::Driver(error.into())
            }
        })*
    };
}

driver_errors!(
    Error,
    FlushError,
    NothingReceived,
    OpenError,
    QueueError,
    RequestError,
    SendError,
    TransportError
);
