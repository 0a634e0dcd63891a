//! The transmit side: from stores to frames, and back from answers to shadow lines.

pub mod answers;
pub mod signals;
pub mod translation;
