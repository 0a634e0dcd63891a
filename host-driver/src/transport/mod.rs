//! How the driver reaches a device: registers, memory that the device may reach, waiting. Dispatch is static: the fast paths
//! compile to plain stores and loads on every transport.

mod any;
#[cfg(test)]
pub(crate) mod fake;

pub use any::{AnyMemory, AnyTransport};

/// An address space of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// BAR0: control registers.
    Control,
    /// BAR2: endpoint pages.
    Endpoints,
    /// BAR4: inline bodies and the outbox, mapped write-combining.
    Memory,
}

/// The device cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The transport has no way to the device.
    #[error(transparent)]
    Unreachable(Box<dyn std::error::Error + Send + Sync>),
    /// The device answered a read with an error, or not at all.
    #[error("a read of {bytes} bytes at {bar:?} offset {offset:#x} failed: {reason}")]
    Read {
        /// Where.
        bar: Bar,
        /// Where in it.
        offset: u64,
        /// How much.
        bytes: usize,
        /// Why.
        reason: String,
    },
}

impl TransportError {
    /// The transport has no way to the device, for a reason that it knows.
    pub fn unreachable(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        TransportError::Unreachable(reason.into())
    }
}

/// A way to a device. Clones reach the same device.
pub trait Transport: Clone {
    /// Memory that the device may read and write.
    type Memory: DmaMemory;

    /// One 4-byte load. Slow: never on a fast path.
    ///
    /// # Errors
    /// The device answered with an error, or not at all.
    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError>;

    /// One 4-byte store, in order after all stores before it. Of stores to [`Bar::Control`] no more than
    /// `abi::control::REGISTER_WRITE_LINES` may be made without a load from it in between: the device would drop some.
    fn write32(&self, bar: Bar, offset: u64, value: u32);

    /// One 8-byte store, in order after all stores before it, never split.
    fn write64(&self, bar: Bar, offset: u64, value: u64);

    /// Stores that may be merged and reordered among each other, but are complete before any later store.
    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]);

    /// Memory for the device, zeroed, aligned to pages, contiguous as the device sees it.
    ///
    /// # Errors
    /// There is none.
    fn allocate(&self, bytes: usize) -> Result<Self::Memory, TransportError>;

    /// Waits a little for the device to write something: a turn of a polling loop, or an interrupt where there is one.
    fn wait(&self, at_most_ns: f64);

    /// A clock, in nanoseconds.
    fn now_ns(&self) -> f64;
}

/// Memory that the device writes behind our back: bytes, never references.
pub trait DmaMemory: 'static {
    /// Where the device sees it.
    fn device_address(&self) -> u64;

    /// Loads 8 aligned bytes; loads after it see at least what the device wrote before those bytes.
    fn load64(&self, offset: usize) -> u64;

    /// Loads bytes.
    fn load(&self, offset: usize, bytes: &mut [u8]);

    /// Stores bytes; a later store to the device is ordered after them.
    fn store(&self, offset: usize, bytes: &[u8]);
}
