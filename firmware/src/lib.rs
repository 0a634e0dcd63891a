//! The service processor's protocols as pure state machines: no registers, no clock, no memory of anybody else.
//!
//! [`Firmware::step`] takes what happened and says what to do. The image (`firmware/image`) carries that out on the
//! hardware, tests on a slow reference of it; both drive the same code.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

mod admin;
mod command;
mod endpoints;
mod jobs;
mod log_ring;
mod rings;

pub use admin::{Action, Firmware, Input, SUBMISSION_WORDS};
pub use command::Command;
pub use endpoints::Limits;
pub use log_ring::LogRing;
pub use rings::AdminRegisters;
