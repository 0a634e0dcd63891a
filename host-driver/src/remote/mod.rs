//! Remote memory: a program exports memory, and programs on other nodes write to it and read it without its help.

mod buffer;
mod export;
mod import;
mod segment;
mod transfer;
mod units;

pub use buffer::Buffer;
pub use export::{Access, Export};
pub use import::{Import, Rights, SegmentHandle};
pub use transfer::{Transfer, TransferError};
pub use units::{UnitError, UnitReader, UnitShape, UnitWriter};
