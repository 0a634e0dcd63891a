//! How the soft core fetches.
//!
//! Contract: in the cycle after one with `fetch`, `word` is the 32-bit word of `address`; it stays until the cycle
//! after the next `fetch`. So a fetch never waits, and what is fetched is never older than the RAM.

use rust_hdl::prelude::*;

/// The soft core.
#[derive(LogicInterface, Default)]
#[join = "InstructionTarget"]
pub struct InstructionMaster {
    /// A word is fetched.
    pub fetch: Signal<Out, Bit>,
    /// Address of the 32-bit word.
    pub address: Signal<Out, Bits<30>>,
    /// What was fetched last.
    pub word: Signal<In, Bits<32>>,
}

/// The RAM.
#[derive(LogicInterface, Default)]
#[join = "InstructionMaster"]
pub struct InstructionTarget {
    /// A word is fetched.
    pub fetch: Signal<In, Bit>,
    /// Address of the 32-bit word.
    pub address: Signal<In, Bits<30>>,
    /// What was fetched last.
    pub word: Signal<Out, Bits<32>>,
}
