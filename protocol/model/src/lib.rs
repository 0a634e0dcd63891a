//! An explicit-state model of the protocol, over the step functions that are shipped.
#![forbid(unsafe_code)]

pub mod broken;
pub mod endpoint;
pub mod experiments;
pub mod explore;
pub mod interrupts;
pub mod link;
pub mod misses;
pub mod sending;
pub mod sink;
pub mod source;
pub mod whole;
