//! Host programs on simulated time.
//!
//! A host program is ordinary driver code, run as a coroutine: whatever takes time on a real machine (a store to the
//! device, a poll, a wait) suspends it until the simulated clock has come that far. Programs are resumed in a fixed
//! order, so a run depends on its seed and nothing else.

mod port;
mod program;
mod schedule;
mod wake;

/// Cycles that a NIU is held in reset.
pub const RESET_CYCLES: u64 = 16;

pub use port::{HostPort, HostSide, NotInSimulation, current};
pub use program::{Program, ProgramBody};
pub use schedule::Schedule;
pub use wake::Wake;

#[cfg(test)]
mod tests;
