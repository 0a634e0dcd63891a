//! What the state machines ask of whoever drives them.

use crate::command::Command;

/// The effects of a step. They take place in the order of the calls.
pub trait Port {
    /// Issues a command on the command queue. A step issues at most [`CHAIN`].
    fn issue(&mut self, command: Command);

    /// Four bytes of the inbox.
    fn inbox(&self, offset: usize) -> u32;

    /// Writes four bytes of the outbox.
    fn set_outbox(&mut self, offset: usize, word: u32);

    /// Remembers a transmit queue's generation where a firmware after this one finds it.
    fn keep(&mut self, transmit_queue: u8, generation: u8);
}

/// Most commands that a step issues.
pub const CHAIN: usize = 7;

/// Eight bytes of the inbox.
#[inline(never)]
pub(crate) fn inbox64(port: &impl Port, offset: usize) -> u64 {
    u64::from(port.inbox(offset)) | (u64::from(port.inbox(offset + 4)) << 32)
}

/// Writes eight bytes of the outbox.
#[inline(never)]
pub(crate) fn set_outbox64(port: &mut impl Port, offset: usize, word: u64) {
    port.set_outbox(offset, word as u32);
    port.set_outbox(offset + 4, (word >> 32) as u32);
}
