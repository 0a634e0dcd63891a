//! BAR0: the registers that host and firmware share (`abi::control`), and the way to those of interrupts.

pub mod arbiter;
pub mod counters;
pub mod identity;
pub mod pending_bits;
pub mod plain;
pub mod registers;
pub mod split;
pub mod stage_times;
pub mod writable;

pub use arbiter::RegisterArbiter;
pub use identity::Identity;
pub use registers::ControlRegisters;
pub use split::RegisterSplit;
