//! How the driver reaches a device: registers, memory that the device may reach, waiting. [`fake`](crate::fake) is an
//! example of a transport; [`AnyTransport`] hides which one it is.
//!
//! On the fast paths the driver calls [`Transport::write64`], [`Transport::write_combined`], [`Transport::fence`] and
//! the loads of [`DmaMemory`], and nothing else. With a transport that is known when the program is compiled these are
//! plain stores and loads.

mod any;

pub use any::{AnyMemory, AnyTransport};

use std::collections::hash_map::RandomState;
use std::error::Error;
use std::hash::{BuildHasher, Hasher};
use std::task::Waker;
use std::time::Duration;

/// An address space of the device.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::transport::{Bar, Transport};
///
/// assert_eq!(Bar::Control.number(), 0);
/// assert_eq!(FakeDevice::new().read32(Bar::Control, 0)?, 0x5741_5946);
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bar {
    /// BAR0: control registers. Mapped uncached.
    Control,
    /// BAR2: endpoint pages. Mapped uncached, never write-combining.
    Endpoints,
    /// BAR4: inline bodies and the outbox. May be mapped write-combining.
    Memory,
}

impl Bar {
    /// Its number: 0, 2 or 4.
    pub fn number(self) -> u8 {
        match self {
            Bar::Control => 0,
            Bar::Endpoints => 2,
            Bar::Memory => 4,
        }
    }
}

/// The device cannot be reached.
///
/// ```
/// use wayfarer_host_driver::transport::TransportError;
///
/// assert_eq!(TransportError::unreachable("the slot is empty").to_string(), "the slot is empty");
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// The transport has no way to the device.
    #[error(transparent)]
    Unreachable(Box<dyn Error + Send + Sync>),
    /// There is no memory that the device could reach.
    #[error("no {bytes} bytes of memory for the device: {reason}")]
    NoMemory {
        /// How much was asked for.
        bytes: usize,
        /// Why not.
        reason: String,
    },
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
    pub fn unreachable(reason: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        TransportError::Unreachable(reason.into())
    }
}

/// How the device sees a piece of memory.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::transport::{DmaMemory, Layout, Transport};
///
/// let memory = FakeDevice::new().allocate(3 * 4096, Layout::Contiguous)?;
/// assert_eq!(memory.device_address(4096), memory.device_address(0) + 4096);
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Layout {
    /// At consecutive addresses, as the device needs it for rings. An IOMMU makes them so, wherever the pages are in
    /// memory. A transport without an IOMMU needs memory that is contiguous, or has to refuse.
    Contiguous,
    /// Each page of 4 KiB at an address of its own.
    Pages,
}

/// A way to a device. Clones reach the same device.
///
/// *Stores to the device* are [`Transport::write32`] and [`Transport::write64`]. Each of them is one TLP, and the
/// device sees them in the order in which one thread makes them.
///
/// Implement `Send` for a transport (and `Send` and `Sync` for its memory) if several threads may use it: endpoints on
/// it are then `Send`. `Sync` memory means that a load beside a store of another thread, or of the device, gives some
/// mixture of old and new bytes, and is not undefined behaviour.
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::{FakeDevice, FakeMemory};
/// use wayfarer_host_driver::transport::{Bar, Layout, Transport, TransportError};
/// use wayfarer_host_driver::{Destination, Device, EndpointOptions, OpenOptions};
///
/// /// Counts the stores to endpoint pages.
/// #[derive(Clone, Default)]
/// struct Counting {
///     device: FakeDevice,
///     stores: Arc<AtomicUsize>,
/// }
///
/// impl Transport for Counting {
///     type Memory = FakeMemory;
///
///     fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError> {
///         self.device.read32(bar, offset)
///     }
///
///     fn write32(&self, bar: Bar, offset: u64, value: u32) {
///         self.device.write32(bar, offset, value);
///     }
///
///     fn write64(&self, bar: Bar, offset: u64, value: u64) {
///         self.stores.fetch_add(1, Ordering::Relaxed);
///         self.device.write64(bar, offset, value);
///     }
///
///     fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]) {
///         self.device.write_combined(bar, offset, bytes);
///     }
///
///     fn fence(&self) {
///         self.device.fence();
///     }
///
///     fn allocate(&self, bytes: usize, layout: Layout) -> Result<FakeMemory, TransportError> {
///         self.device.allocate(bytes, layout)
///     }
///
///     fn wait(&self, at_most: Duration) {
///         self.device.wait(at_most);
///     }
///
///     fn now(&self) -> Duration {
///         self.device.now()
///     }
/// }
///
/// let transport = Counting::default();
/// let device = Device::with_transport(transport.clone(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// endpoint.send_express(Destination(0), 0, *b"8 bytes!")?;
/// assert_eq!(transport.stores.load(Ordering::Relaxed), 1);
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
pub trait Transport: Clone {
    /// Memory that the device may read and write.
    type Memory: DmaMemory;

    /// One 4-byte load. Slow: never on a fast path. The device answers a load from [`Bar::Control`] when it has carried
    /// out all stores to that BAR before it.
    ///
    /// # Errors
    /// The device answered with an error, or not at all.
    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError>;

    /// One 4-byte store to the device. Of stores to [`Bar::Control`] no more than `abi::control::REGISTER_WRITE_LINES`
    /// may be made without a load from it in between: the device would drop some.
    fn write32(&self, bar: Bar, offset: u64, value: u32);

    /// One 8-byte store to the device, never split.
    fn write64(&self, bar: Bar, offset: u64, value: u64);

    /// Stores to the device that may be merged, split, reordered among each other, and kept back until the next
    /// [`Transport::fence`].
    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]);

    /// Orders what this thread has stored. Everything that it stored with [`Transport::write_combined`] and
    /// [`DmaMemory::store`] before must be visible to the device before any store to the device that this thread makes
    /// after. On x86-64 with a write-combining mapping this is an `sfence`; a transport whose stores are in order
    /// anyway has nothing to do.
    fn fence(&self);

    /// Memory for the device: zeroed, aligned to pages of 4 KiB, not at address 0, reachable for the device and unmoved
    /// until it is dropped.
    ///
    /// # Errors
    /// There is none, or none of that layout.
    fn allocate(&self, bytes: usize, layout: Layout) -> Result<Self::Memory, TransportError>;

    /// One turn of a polling loop. Returns after a short while, or at once, and at the latest after `at_most`.
    fn wait(&self, at_most: Duration);

    /// Has the operating system set up the device's interrupts (MSI-X). Gives the number of vectors, which are then
    /// unmasked; 0, if the transport has no interrupts.
    ///
    /// # Errors
    /// The device cannot be reached.
    fn enable_interrupts(&self) -> Result<u16, TransportError> {
        Ok(0)
    }

    /// Waits until the device has raised an interrupt of this vector, and at most so long, without using the processor.
    /// An interrupt that was raised since this last returned for this vector on this clone, or since the clone was
    /// made, ends the wait at once. So a program that arms a ring, looks for news and then waits misses nothing, and no
    /// clone misses what another one was woken by. May return early without an interrupt.
    ///
    /// A transport without interrupts polls.
    fn wait_for_interrupt(&self, vector: u16, at_most: Duration) {
        let _ = vector;
        self.wait(at_most);
    }

    /// Has `waker` woken once, at the first interrupt that is raised from now on. The caller looks for news again
    /// behind this call. Wakers of several tasks may wait at the same time; one that would wake a task that waits
    /// already ([`Waker::will_wake`]) may be left out.
    ///
    /// A transport without interrupts wakes at once, which makes the task poll.
    fn wake(&self, waker: &Waker) {
        waker.wake_by_ref();
    }

    /// A number that tells this driver from others that open the device at the same moment: at random, unless a run
    /// must be the same each time. The driver adds the address of memory that it has allocated.
    fn token(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    /// A clock that never goes back.
    fn now(&self) -> Duration;
}

/// Memory that the device writes behind the program's back: bytes, never references.
pub trait DmaMemory: 'static {
    /// Where the device sees the byte at this offset. The bytes up to the end of its page follow there; with
    /// [`Layout::Contiguous`], all bytes up to the end.
    fn device_address(&self, offset: usize) -> u64;

    /// Loads 8 aligned bytes at once. Loads after it see at least what the device wrote before those bytes (an acquire
    /// load).
    fn load64(&self, offset: usize) -> u64;

    /// Loads bytes.
    fn load(&self, offset: usize, bytes: &mut [u8]);

    /// Stores bytes. The device sees them after the next [`Transport::fence`].
    fn store(&self, offset: usize, bytes: &[u8]);
}
