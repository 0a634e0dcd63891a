//! A queue that two programs lay out themselves in remote memory: a ring in the reader's memory, with units of any size
//! (T9, T10).
//!
//! | place in the reader's export | contents | written by |
//! |---|---|---|
//! | 0 | units that are there, modulo 2^64 | the writer, last |
//! | 64 | a ring of sizes in bytes, 4 bytes each | the writer |
//! | behind it, at a multiple of 64 | a ring of bytes | the writer |
//!
//! The writer's own export holds one word: how many units the reader is done with. Both numbers are told late: the
//! writer tells of many units with one write if it likes, and the reader when a quarter of a ring is free again or it
//! finds nothing. Each side goes on with what it knows of the other, so neither ever waits for the other's memory.

mod reader;
mod writer;

pub use reader::UnitReader;
pub use writer::UnitWriter;

use crate::error::{RequestError, SendError};
use abi::message::MAXIMUM_REMOTE_BYTES;

/// Where the number of units stands, in either export.
const COUNT: usize = 0;
/// Where the ring of sizes begins.
const SIZES: usize = 64;
/// What a unit takes in the ring of sizes.
const SIZE_BYTES: usize = 4;
/// Size of the writer's export.
const DONE_BYTES: u64 = 64;
/// The ring of bytes begins at a multiple of it.
const ALIGNMENT: usize = 64;
/// Base-2 logarithm of the most bytes and units of a ring: the export is no larger than 2^32 bytes, and a unit's place
/// is a `u32`.
const MOST_LOG2: u8 = 24;

/// Sizes of a queue's two rings, which both sides must know.
///
/// ```
/// use wayfarer_host_driver::UnitShape;
///
/// let shape = UnitShape { bytes_log2: 12, units_log2: 6 };
/// assert_eq!(shape.export_bytes(), 64 + 64 * 4 + 4096);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnitShape {
    /// Base-2 logarithm of the ring's bytes, 6 to 24: no unit is longer.
    pub bytes_log2: u8,
    /// Base-2 logarithm of the units that stand in the ring at once, 0 to 24.
    pub units_log2: u8,
}

impl UnitShape {
    /// Bytes of the reader's export.
    pub fn export_bytes(&self) -> u64 {
        (self.data() + self.bytes()) as u64
    }

    fn bytes(&self) -> usize {
        1 << self.bytes_log2
    }

    fn units(&self) -> u64 {
        1 << self.units_log2
    }

    /// Where a unit's size stands.
    fn size_place(&self, unit: u64) -> usize {
        SIZES + SIZE_BYTES * (unit % self.units()) as usize
    }

    /// Where the ring of bytes begins.
    fn data(&self) -> usize {
        (SIZES + (SIZE_BYTES << self.units_log2)).next_multiple_of(ALIGNMENT)
    }

    /// Offsets and lengths of the two pieces of a unit that begins at this byte of the endless ring.
    fn pieces(&self, start: u64, bytes: usize) -> [(usize, usize); 2] {
        let place = (start % self.bytes() as u64) as usize;
        let first = bytes.min(self.bytes() - place);
        [(self.data() + place, first), (self.data(), bytes - first)]
    }

    fn check(&self) -> Result<(), UnitError> {
        let is_legal = (6..=MOST_LOG2).contains(&self.bytes_log2) && self.units_log2 <= MOST_LOG2;
        is_legal.then_some(()).ok_or(UnitError::BadShape)
    }
}

/// Bytes of the next write of a unit, which begins here: it ends at a multiple of 4, so that the next one is aligned.
fn next_write(place: usize, left: usize) -> usize {
    left.min((MAXIMUM_REMOTE_BYTES - 4) - place % 4)
}

/// Why a unit was not queued or taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnitError {
    /// The rings' sizes are out of range.
    #[error("rings of 2^6 to 2^24 bytes and of 1 to 2^24 units are possible")]
    BadShape,
    /// The other side's export is not what the shape says, or gives no right to write.
    #[error("the other side's memory does not fit this queue's shape")]
    WrongMemory,
    /// The unit is longer than the ring.
    #[error("a unit of {bytes} bytes, but the ring has {maximum}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The ring's.
        maximum: usize,
    },
    /// The ring has no room for the unit: the reader is not done with others, or has not said so yet.
    #[error("the ring has no room until the reader takes more")]
    Full,
    /// The other side has written what cannot be: more units than the rings have room for, or a size beyond the ring.
    /// The queue is of no use any more.
    #[error(
        "the other side's numbers cannot be: {count} units, of which the next has {bytes} bytes"
    )]
    Corrupt {
        /// Units that it tells of.
        count: u64,
        /// Size of the next one.
        bytes: u64,
    },
    /// A remote write was not sent. What was written of the unit is not seen by the reader, and it may be tried again.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The firmware refused the memory.
    #[error(transparent)]
    Request(#[from] RequestError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_unit_lie_in_the_ring_and_end_where_it_begins_anew() {
        let shape = UnitShape {
            bytes_log2: 6,
            units_log2: 2,
        };
        assert_eq!(shape.data(), 128);
        assert_eq!(shape.pieces(0, 64), [(128, 64), (128, 0)]);
        assert_eq!(shape.pieces(64 + 60, 10), [(188, 4), (128, 6)]);
        assert_eq!(shape.size_place(6), 64 + 8);
    }

    #[test]
    fn writes_of_a_unit_are_as_long_as_they_may_be_and_end_aligned() {
        for place in 0..64 {
            let bytes = next_write(place, 1 << 20);
            assert!(bytes + place % 4 <= MAXIMUM_REMOTE_BYTES, "{place}");
            assert_eq!((place + bytes) % 4, 0, "{place}");
            assert_eq!(next_write(place, 7), 7);
        }
    }

    #[test]
    fn shapes_out_of_range_are_refused() {
        for (bytes_log2, units_log2, is_legal) in [
            (5, 0, false),
            (25, 0, false),
            (6, 25, false),
            (24, 24, true),
        ] {
            let shape = UnitShape {
                bytes_log2,
                units_log2,
            };
            assert_eq!(shape.check().is_ok(), is_legal, "{shape:?}");
        }
    }
}
