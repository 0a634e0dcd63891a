//! Clusters of Verilated Wayfarer NIUs: the RTL and the firmware image as they are, with the PCIe links, host
//! memories and wires around them.
//!
//! | module | what it is |
//! |---|---|
//! | [`model`] | one NIU: the generated Verilog, Verilated |
//! | [`pcie`], [`memory`], [`profile`] | root complex, link, host memory behind an IOMMU, and how fast they are |
//! | [`host`] | host programs as coroutines on simulated time |
//! | [`network`] | wires and a switch stand-in |
//! | [`trace`] | logs and a hash of what crosses a node's ports |
//! | [`cluster`] | all of it, run cycle by cycle |

pub mod cluster;
pub mod host;
pub mod memory;
pub mod model;
pub mod network;
pub mod pcie;
pub mod profile;
pub mod trace;
