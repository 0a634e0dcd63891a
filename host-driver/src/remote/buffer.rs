//! Memory of this program that transfers come from and go to.

use super::segment::Segment;
use crate::endpoint::Endpoint;
use crate::error::{RequestError, SendError};
use crate::numbers::EndpointNumber;
use crate::transport::{AnyTransport, Transport};
use abi::admin::SegmentShape;

/// Memory of this program that its endpoint's transfers come from and go to: [`TransmitQueue::write`] and
/// [`TransmitQueue::read`]. Nobody else has a right to it.
///
/// Bytes are loaded and stored one call at a time, since the NIU reads and writes them while transfers are under way.
/// What is stored before a transfer is begun goes with it. What a transfer has read is there when it is done
/// ([`TransmitQueue::is_done`]).
///
/// Dropping a buffer while transfers are under way ends them: they fail, and the memory is given back when the NIU has
/// confirmed that it touches it no more.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Access, Destination, Device, EndpointOptions, OpenOptions, Rights, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// let mut export = endpoint.export(1 << 20, Rights::READ_WRITE, Access::ANY)?;
/// let import = endpoint.import(Destination(1), &export.handle(), VirtualChannel::ZERO)?;
/// let mut buffer = endpoint.register(65536)?;
/// buffer.store(3, b"a block of any size");
///
/// let patience = Duration::from_millis(1);
/// let (queue, _) = endpoint.split();
/// let write = queue.write(&import, 1001, &buffer, 3, 19)?;
/// queue.wait_done(&write, patience)?;
/// let read = queue.read(&import, 1003, &buffer, 4096, 5)?;
/// queue.wait_done(&read, patience)?;
///
/// let mut bytes = [0; 5];
/// buffer.load(4096, &mut bytes);
/// assert_eq!(&bytes, b"block");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// [`TransmitQueue::write`]: crate::TransmitQueue::write
/// [`TransmitQueue::read`]: crate::TransmitQueue::read
/// [`TransmitQueue::is_done`]: crate::TransmitQueue::is_done
pub struct Buffer<T: Transport = AnyTransport> {
    segment: Segment<T>,
}

impl<T: Transport> Endpoint<T> {
    /// Registers new memory, zeroed, of so many bytes, 1 to 2^32, for transfers of this endpoint.
    ///
    /// # Errors
    /// There is no such memory; the firmware refuses: the size is out of range, or all segments of the device are in
    /// use.
    pub fn register(&self, bytes: u64) -> Result<Buffer<T>, RequestError> {
        let shape = SegmentShape {
            local: 1,
            ..SegmentShape::default()
        };
        let segment = Segment::new(self, bytes, shape, "to register memory")?;
        Ok(Buffer { segment })
    }
}

impl<T: Transport> Buffer<T> {
    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.segment.bytes
    }

    /// Loads bytes.
    ///
    /// # Panics
    /// They do not lie in the buffer.
    pub fn load(&self, offset: usize, bytes: &mut [u8]) {
        self.segment.load(offset, bytes);
    }

    /// Stores bytes. A transfer that reads them at the same time may take any of them before or after.
    ///
    /// # Panics
    /// They do not lie in the buffer.
    pub fn store(&mut self, offset: usize, bytes: &[u8]) {
        self.segment.store(offset, bytes);
    }

    /// Ends the registration; the memory stays. Transfers that are under way fail.
    ///
    /// # Errors
    /// The firmware does not confirm it.
    pub fn unregister(&mut self) -> Result<(), RequestError> {
        self.segment.revoke("to unregister memory")
    }

    /// Number of the segment, if a transfer of this endpoint may use these bytes of it.
    pub(super) fn check(
        &self,
        endpoint: EndpointNumber,
        offset: u32,
        bytes: u32,
    ) -> Result<u64, SendError> {
        if endpoint != self.segment.endpoint {
            return Err(SendError::ForeignBuffer {
                owner: self.segment.endpoint,
            });
        }
        if u64::from(offset) + u64::from(bytes) > self.bytes() {
            return Err(SendError::OutsideBuffer {
                offset,
                bytes,
                size: self.bytes(),
            });
        }
        Ok(self.segment.place().segment)
    }
}
