//! Tools to test blocks.

mod random;
mod step;

pub use crate::clock_cycle;
pub use random::Random;
pub use step::settle;
