//! A cluster: nodes, each a NIU with its host, and the network between them, run cycle by cycle.

mod barrier;
mod exchange;
mod node;
mod options;
mod run;

pub use options::ClusterOptions;
pub use run::{Cluster, NodeReport, Report, RunError};
