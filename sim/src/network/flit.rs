//! What a wire carries.

use smallvec::SmallVec;

/// One beat on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flit {
    /// The sixteen bytes, byte 0 lowest.
    pub data: u128,
    /// Last beat of its frame.
    pub last: bool,
}

/// Beats, each with the cycle in which it arrives, in order. A single one, as of a cycle, needs no memory of its own.
pub type Beats = SmallVec<[(u64, Flit); 1]>;
