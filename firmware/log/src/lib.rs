//! Reads what the firmware logs.
//!
//! The firmware writes defmt frames: the number of a text, and the arguments. The texts stand in its ELF file. The host
//! reads the frames from the log ring in NIU memory, a debugger from the processor's RAM; both are read with a
//! [`Table`].
#![forbid(unsafe_code)]

mod frame;
mod table;

pub use frame::{Record, frames};
pub use table::{Table, TableError};

pub use defmt_parser::Level;
