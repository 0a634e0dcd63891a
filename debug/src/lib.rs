//! A debugger's way into the service processor of a simulated NIU: probe-rs on its JTAG pins.
//!
//! [`attach`] gives a probe-rs session, with all that probe-rs can do: halt, step, breakpoints, registers, memory,
//! reset. [`Image`] is the firmware's ELF file: its symbols, and what of it goes into the processor's RAM.
#![forbid(unsafe_code)]

pub mod gdb;
mod image;
mod probe;
mod target;
pub mod traffic;

pub use image::{Image, ImageError, elf_path};
pub use probe::SimulatedProbe;
pub use target::{CHIP, attach, description};
