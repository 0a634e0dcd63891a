//! What the host asks an endpoint to be like, checked.

use abi::admin::{EndpointInterrupt, EndpointShape, status::Status};
use abi::message::{MAXIMUM_ENTRIES_LOG2, MAXIMUM_STRIDE_LOG2, MINIMUM_STRIDE_LOG2};
use abi::queue_state::MAXIMUM_TRANSLATION_ENTRIES;

/// Base-2 logarithm of the largest translation table's entries.
const TABLE_LOG2: u8 = MAXIMUM_TRANSLATION_ENTRIES.ilog2() as u8;
/// Pages of host memory.
pub const PAGE_BYTES: u64 = 4096;

/// What an endpoint is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Base-2 logarithm of the receive ring's entries.
    pub entries_log2: u8,
    /// Base-2 logarithm of an entry's bytes.
    pub stride_log2: u8,
    /// Base-2 logarithm of the translation window.
    pub window_log2: u8,
    /// Whether it may send on virtual channel 1.
    pub virtual_channel_1: bool,
    /// Its transmit queue has priority (V20).
    pub priority: bool,
    /// It has a page for inline bodies.
    pub inline: bool,
    /// Messages that find its receive ring full are dropped (V18).
    pub drops: bool,
    /// It is lent queues for each message only (V16).
    pub emulated: bool,
    /// Answers `FULL` to a message after which it is given up; 0: never.
    pub give_up: u8,
    /// `endpoint_interrupt`, as the host gave it.
    pub interrupt: u32,
}

/// What of host memory an endpoint uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Address of the receive ring.
    pub ring: u64,
    /// Pages that the ring touches; the largest ring has 2048.
    pub ring_pages: u16,
    /// Address of the shadow line.
    pub shadow: u64,
}

/// Checks the operands of `CREATE_ENDPOINT`, of an NIU with so many interrupt vectors.
///
/// # Errors
/// `BadOperand`: a size is out of range, an address misaligned, a reserved bit set, or there is no such vector.
#[inline(never)]
pub fn check(operands: [u64; 4], vectors: usize) -> Result<(Shape, Memory), Status> {
    let [word, ring, shadow, interrupt] = operands;
    let fields = EndpointShape::unpack(word);
    let shape = Shape {
        entries_log2: fields.entries_log2 as u8,
        stride_log2: fields.stride_log2 as u8,
        window_log2: fields.window_log2 as u8,
        virtual_channel_1: fields.virtual_channel_1 == 1,
        priority: fields.priority == 1,
        inline: fields.inline == 1,
        drops: fields.drops == 1,
        emulated: fields.emulated == 1,
        give_up: fields.give_up as u8,
        interrupt: interrupt as u32,
    };
    let wanted = EndpointInterrupt::unpack(interrupt);
    if wanted.pack() != interrupt || wanted.vector >= vectors as u64 {
        return Err(Status::BadOperand);
    }
    let sizes = (1..=MAXIMUM_ENTRIES_LOG2 as u8).contains(&shape.entries_log2)
        && (MINIMUM_STRIDE_LOG2 as u8..=MAXIMUM_STRIDE_LOG2 as u8).contains(&shape.stride_log2)
        && shape.window_log2 <= TABLE_LOG2;
    if !sizes || fields.pack() != word {
        return Err(Status::BadOperand);
    }
    let ring_bytes = 1 << (shape.entries_log2 + shape.stride_log2);
    let addresses = ring.is_multiple_of(PAGE_BYTES)
        && ring != 0
        && ring.checked_add(ring_bytes).is_some()
        && shadow.is_multiple_of(64)
        && shadow != 0;
    if !addresses {
        return Err(Status::BadOperand);
    }
    let memory = Memory {
        ring,
        ring_pages: ring_bytes.div_ceil(PAGE_BYTES) as u16,
        shadow,
    };
    Ok((shape, memory))
}
