//! Remote memory: a program exports memory, and programs on other nodes write to it and read it without its help.

mod buffer;
mod counter;
mod export;
mod import;
mod segment;
mod transfer;

pub use buffer::Buffer;
pub use counter::Action;
pub use export::{Access, Export};
pub use import::{Import, Rights, SegmentHandle};
pub use transfer::{Transfer, TransferError};
