//! The NIU's PCIe side: a root complex and a link at the level of transaction-layer packets.
//!
//! | module | what it is |
//! |---|---|
//! | [`packet`] | packets as bytes: encoding and strict decoding |
//! | [`beats`], [`port`] | packets and signals at the NIU's host port |
//! | [`configuration_space`], [`enumeration`] | what the hard block in front of the NIU holds, and how a host sets it up |
//! | `downstream`, `upstream`, `line`, `credits` | the two directions of the link |
//! | `device_reads`, `host_reads` | answering the device's reads, and following the host's |
//! | [`rules`], [`violation`] | the referee of everything the device sends |
//! | [`host_bridge`] | all of it, stepped once a core cycle |
#![forbid(unsafe_code)]

pub mod beats;
pub mod configuration_space;
mod credits;
mod device_reads;
mod downstream;
pub mod enumeration;
pub mod host_bridge;
mod host_reads;
mod line;
pub mod packet;
pub mod port;
pub mod random;
pub mod rules;
mod upstream;
pub mod violation;

pub use device_reads::ReadFault;
pub use downstream::Class;
pub use host_bridge::{Counters, HostBridge, HostBridgeError};
pub use host_reads::{FIRST_RAW_TAG, ReadError, ReadTicket};
pub use port::{HostPortInputs, HostPortOutputs};
pub use violation::{Violation, ViolationKind};

#[cfg(test)]
mod tests;
