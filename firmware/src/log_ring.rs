//! The log ring: bytes in NIU memory that the host may read even when the firmware is dead.

/// Where the next byte of a log goes; the ring holds the last `SIZE` bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogRing<const SIZE: usize> {
    written: u32,
}

impl<const SIZE: usize> LogRing<SIZE> {
    /// An empty ring.
    pub const fn new() -> Self {
        LogRing { written: 0 }
    }

    /// Takes a byte: the offset at which to store it, and the new count of bytes written, to be stored after it.
    pub const fn push(&mut self) -> (usize, u32) {
        let offset = self.written as usize % SIZE;
        self.written = self.written.wrapping_add(1);
        (offset, self.written)
    }
}
