//! A transport whose type is not known before the program runs: what [`Device::open`](crate::Device::open) gives.

use super::{Bar, DmaMemory, Layout, Transport, TransportError};
use std::any::Any;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

/// Any transport, behind a pointer. It costs an indirect call for each store and load: 3.8 ns for an Express message to
/// plain memory, against 2.7 ns without, where an uncached store to a device takes some hundred. A program that knows
/// its transport when it is compiled avoids that call with [`Device::with_transport`](crate::Device::with_transport).
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::transport::AnyTransport;
/// use wayfarer_host_driver::{Device, OpenOptions};
///
/// let transport = AnyTransport::new(FakeDevice::new());
/// assert!(transport.downcast_ref::<FakeDevice>().is_some());
/// let device: Device = Device::with_transport(transport, OpenOptions::default())?;
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
///
/// An `AnyTransport` is not `Send`, because a simulated device belongs to the host program that opened it.
#[derive(Clone)]
pub struct AnyTransport {
    inner: Rc<dyn Erased>,
}

impl AnyTransport {
    /// Hides the type of a transport.
    pub fn new(transport: impl Transport + 'static) -> Self {
        AnyTransport {
            inner: Rc::new(transport),
        }
    }

    /// The transport, if it is of this type.
    pub fn downcast_ref<T: Transport + 'static>(&self) -> Option<&T> {
        self.inner.as_any().downcast_ref()
    }
}

/// [`Transport`] without its associated type.
trait Erased {
    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError>;
    fn write32(&self, bar: Bar, offset: u64, value: u32);
    fn write64(&self, bar: Bar, offset: u64, value: u64);
    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]);
    fn fence(&self);
    fn allocate(&self, bytes: usize, layout: Layout) -> Result<AnyMemory, TransportError>;
    fn wait(&self, at_most: Duration);
    fn enable_interrupts(&self) -> Result<u16, TransportError>;
    fn wait_for_interrupt(&self, vector: u16, at_most: Duration);
    fn wake(&self, waker: &Waker);
    fn token(&self) -> u64;
    fn now(&self) -> Duration;
    fn as_any(&self) -> &dyn Any;
}

impl<T: Transport + 'static> Erased for T {
    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError> {
        Transport::read32(self, bar, offset)
    }

    fn write32(&self, bar: Bar, offset: u64, value: u32) {
        Transport::write32(self, bar, offset, value);
    }

    fn write64(&self, bar: Bar, offset: u64, value: u64) {
        Transport::write64(self, bar, offset, value);
    }

    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]) {
        Transport::write_combined(self, bar, offset, bytes);
    }

    fn fence(&self) {
        Transport::fence(self);
    }

    fn allocate(&self, bytes: usize, layout: Layout) -> Result<AnyMemory, TransportError> {
        let memory = Transport::allocate(self, bytes, layout)?;
        Ok(AnyMemory {
            inner: Box::new(memory),
        })
    }

    fn wait(&self, at_most: Duration) {
        Transport::wait(self, at_most);
    }

    fn enable_interrupts(&self) -> Result<u16, TransportError> {
        Transport::enable_interrupts(self)
    }

    fn wait_for_interrupt(&self, vector: u16, at_most: Duration) {
        Transport::wait_for_interrupt(self, vector, at_most);
    }

    fn wake(&self, waker: &Waker) {
        Transport::wake(self, waker);
    }

    fn token(&self) -> u64 {
        Transport::token(self)
    }

    fn now(&self) -> Duration {
        Transport::now(self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Transport for AnyTransport {
    type Memory = AnyMemory;

    fn read32(&self, bar: Bar, offset: u64) -> Result<u32, TransportError> {
        self.inner.read32(bar, offset)
    }

    fn write32(&self, bar: Bar, offset: u64, value: u32) {
        self.inner.write32(bar, offset, value);
    }

    fn write64(&self, bar: Bar, offset: u64, value: u64) {
        self.inner.write64(bar, offset, value);
    }

    fn write_combined(&self, bar: Bar, offset: u64, bytes: &[u8]) {
        self.inner.write_combined(bar, offset, bytes);
    }

    fn fence(&self) {
        self.inner.fence();
    }

    fn allocate(&self, bytes: usize, layout: Layout) -> Result<AnyMemory, TransportError> {
        self.inner.allocate(bytes, layout)
    }

    fn wait(&self, at_most: Duration) {
        self.inner.wait(at_most);
    }

    fn enable_interrupts(&self) -> Result<u16, TransportError> {
        self.inner.enable_interrupts()
    }

    fn wait_for_interrupt(&self, vector: u16, at_most: Duration) {
        self.inner.wait_for_interrupt(vector, at_most);
    }

    fn wake(&self, waker: &Waker) {
        self.inner.wake(waker);
    }

    fn token(&self) -> u64 {
        self.inner.token()
    }

    fn now(&self) -> Duration {
        self.inner.now()
    }
}

/// Memory of any transport: what [`AnyTransport`] allocates.
pub struct AnyMemory {
    inner: Box<dyn DmaMemory>,
}

impl DmaMemory for AnyMemory {
    fn device_address(&self, offset: usize) -> u64 {
        self.inner.device_address(offset)
    }

    fn load64(&self, offset: usize) -> u64 {
        self.inner.load64(offset)
    }

    fn load(&self, offset: usize, bytes: &mut [u8]) {
        self.inner.load(offset, bytes);
    }

    fn store(&self, offset: usize, bytes: &[u8]) {
        self.inner.store(offset, bytes);
    }
}
