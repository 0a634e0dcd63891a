//! The Wayfarer datapath in rust-hdl, and the generator of its Verilog.
//!
//! `docs/microarchitecture.md` is the map: which block does what, and what each side of a port may rely on. Modules
//! follow the way of the data: `host_port`, `queues`, `bulk`, `link`; beside it stand `processor`, `control` and
//! `interrupts`.
#![forbid(unsafe_code)]
// rust-hdl's derives write public methods without documentation.
#![allow(missing_docs)]
// A kernel's nested conditions stay apart: `&&` binds differently in Verilog.
#![allow(clippy::collapsible_if)]

pub mod bulk;
pub mod bundles;
pub mod configuration;
pub mod control;
pub mod emit;
pub mod gate;
pub mod host_port;
pub mod interrupts;
pub mod library;
pub mod link;
pub mod niu;
pub mod processor;
pub mod queues;
pub mod triggers;
