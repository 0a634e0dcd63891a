//! What comes of a run.

use crate::pcie::HostBridgeError;
use std::time::Duration;

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
    /// Core cycles in which nothing happened in the NIU, and that were left out unless the options say otherwise.
    pub idle_cycles: u64,
    /// Of these, core cycles in which the service processor slept and was left out too.
    pub asleep_cycles: u64,
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
        "the run did not end within {0} cycles: a host program waits for something that never comes, or \
         `maximum_cycles` is too small"
    )]
    Stalled(u64),
    /// An option lies outside its range.
    #[error("`{option}` is {value}, but must be {least} to {most}")]
    Option {
        /// Which one.
        option: &'static str,
        /// What it is.
        value: u64,
        /// The least it may be.
        least: u64,
        /// The most it may be.
        most: u64,
    },
    /// The firmware image does not fit in the service processor's RAM.
    #[error(
        "the firmware image has {bytes} bytes, but the service processor's RAM holds {maximum} at most"
    )]
    FirmwareTooLong {
        /// Its size.
        bytes: usize,
        /// Size of the RAM.
        maximum: usize,
    },
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
