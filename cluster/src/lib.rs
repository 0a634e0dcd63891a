//! Host programs on simulated clusters of NIUs.
//!
//! The driver opens a simulated device (`Device::open("sim:0")`) once [`register`] has told it how. [`launch`] starts a
//! program on each node of a cluster, and [`soak`] runs random traffic with every message checked. `niu-bench` and
//! `niu-soak` are made of these.
#![forbid(unsafe_code)]

mod clock;
pub mod launch;
pub mod soak;
mod transport;

pub use clock::Clock;
pub use transport::{OtherNode, SimulatedMemory, SimulatedTransport, register};
