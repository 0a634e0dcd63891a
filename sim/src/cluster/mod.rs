//! A cluster: nodes, each a NIU with its host, and the network between them, run cycle by cycle.

mod debug_port;
mod exchange;
mod idle;
mod node;
mod options;
mod post;
mod report;
mod run;
mod worth;

pub use debug_port::{DebugPort, Pace, Pins, RunEnded, Tick, debug_port};
pub use idle::Skip;
pub use options::{ClusterOptions, MAXIMUM_WIRE_CYCLES};
pub use report::{NodeReport, Report, RunError};
pub use run::Cluster;
