//! The soft core's buses: Wishbone B4, classic cycles and bursts of reads.
//!
//! Contract: while `cycle` and `strobe` are high, address, data and direction stay, until `acknowledge` is high for
//! one cycle; that ends the access. A target does not acknowledge what was not asked. With `continues` the master
//! promises to ask for the next address in the cycle after the acknowledge, so that a target may answer that access
//! in its first cycle; it may as well ignore `continues`.

use rust_hdl::prelude::*;

/// Asking end.
#[derive(LogicInterface, Default)]
#[join = "WishboneTarget"]
pub struct WishboneMaster {
    /// A bus cycle is under way.
    pub cycle: Signal<Out, Bit>,
    /// An access is wanted.
    pub strobe: Signal<Out, Bit>,
    /// It is a write.
    pub write: Signal<Out, Bit>,
    /// Address of the 32-bit word.
    pub address: Signal<Out, Bits<30>>,
    /// What to write.
    pub write_data: Signal<Out, Bits<32>>,
    /// Which bytes to write.
    pub select: Signal<Out, Bits<4>>,
    /// A read of the word behind this one follows: not the last access of a burst (cycle type "incrementing").
    pub continues: Signal<Out, Bit>,
    /// With `acknowledge`: what was read.
    pub read_data: Signal<In, Bits<32>>,
    /// The access is over.
    pub acknowledge: Signal<In, Bit>,
}

/// Answering end.
#[derive(LogicInterface, Default)]
#[join = "WishboneMaster"]
pub struct WishboneTarget {
    /// A bus cycle is under way.
    pub cycle: Signal<In, Bit>,
    /// An access is wanted.
    pub strobe: Signal<In, Bit>,
    /// It is a write.
    pub write: Signal<In, Bit>,
    /// Address of the 32-bit word.
    pub address: Signal<In, Bits<30>>,
    /// What to write.
    pub write_data: Signal<In, Bits<32>>,
    /// Which bytes to write.
    pub select: Signal<In, Bits<4>>,
    /// A read of the word behind this one follows: not the last access of a burst (cycle type "incrementing").
    pub continues: Signal<In, Bit>,
    /// With `acknowledge`: what was read.
    pub read_data: Signal<Out, Bits<32>>,
    /// The access is over.
    pub acknowledge: Signal<Out, Bit>,
}
