//! The service processor's protocols as pure state machines: no registers, no clock, no memory of anybody else.
//!
//! [`Firmware::step`] takes what happened, and does through a [`Port`] what it takes. The image (`firmware/image`)
//! gives it the hardware's, tests a slow reference of it; both drive the same code.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod admin;
mod command;
mod firmware;
mod layout;
mod log_ring;
mod policy;
mod port;
mod residency;
mod rings;
mod tables;

pub use command::Command;
pub use firmware::{Firmware, Input};
pub use log_ring::LogRing;
pub use policy::{Chosen, LeastRecentlyUsed, Pinned, Policy, Random, RoundRobin};
pub use port::{CHAIN, Port};
pub use residency::Statistics;
pub use rings::AdminRegisters;
pub use tables::Limits;
