//! Remote memory: a program exports memory, and programs on other nodes write to it without its help.

mod export;
mod import;
mod transfer;

pub use export::{Access, Export};
pub use import::{Import, Rights, SegmentHandle};
pub use transfer::{Transfer, TransferError};
