//! Simulated clusters.

pub mod memory;
pub mod pcie;
pub mod profile;
