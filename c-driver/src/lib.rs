//! An example driver for the NIU in C: `c/driver.c`, with `c/driver.h` as its interface. It needs
//! nothing but what `docs/` and the generated header `abi/include/wayfarer.h` say, and so tests both.
//!
//! `c/ping.c`, `c/mistakes.c` and `c/silence.c` are programs that use it. This crate runs them on a simulated cluster:
//! [`Program`] calls one with a transport that reaches the simulated device. `c/losses.c` plays a NIU itself
//! ([`losses`]).
#![deny(unsafe_code)]

mod simulated;

pub use simulated::{CheckFailed, PingCounts, Program, losses};
