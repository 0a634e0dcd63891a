//! Memory of this program that others write to and read.

use super::import::{Rights, SegmentHandle};
use super::segment::Segment;
use crate::endpoint::Endpoint;
use crate::error::RequestError;
use crate::numbers::{EndpointNumber, NodeNumber};
use crate::transport::{AnyTransport, Bar, Transport};
use abi::admin::SegmentShape;
use abi::control::registers;
use std::time::Duration;

/// Whom an export admits.
///
/// ```
/// use wayfarer_host_driver::{Access, EndpointNumber, NodeNumber};
///
/// let one = Access { node: Some(NodeNumber(2)), endpoint: Some(EndpointNumber(0)) };
/// assert_ne!(one, Access::ANY);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The only node that is admitted; `None`: all are.
    pub node: Option<NodeNumber>,
    /// The only endpoint of each admitted node; `None`: all are.
    pub endpoint: Option<EndpointNumber>,
}

impl Access {
    /// Everybody.
    pub const ANY: Access = Access {
        node: None,
        endpoint: None,
    };
}

/// Memory of this program that other programs write to and read. Several exports of an endpoint, each for another
/// importer, take the place of an access list.
///
/// Bytes are loaded and stored one call at a time; there is never a reference to them, since peers write at any time. A
/// load may see a part of what one write brings. Writes of one importer appear in the order in which it makes them: a
/// program that waits for a flag, written last, sees all that was written before ([`Export::wait_until`]).
///
/// When [`Export::revoke`] has returned, or the endpoint is destroyed, nothing more is written or read. Dropping an
/// export revokes it. If the firmware does not confirm that, the memory is kept until the device is settled.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Access, Destination, Device, EndpointOptions, OpenOptions, Rights, SegmentHandle, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// // The exporter.
/// let endpoint = device.create_endpoint(EndpointOptions::default())?;
/// let mut export = endpoint.export(4096, Rights::WRITE, Access::ANY)?;
/// let handle = export.handle().to_bytes(); // goes to the importer in a message
///
/// // The importer, mostly another program on another node.
/// # let receive_queue_id = wayfarer_host_driver::ReceiveQueueId(1);
/// # let options = EndpointOptions { receive_queue_id, ..EndpointOptions::default() };
/// # let mut importer = device.create_endpoint(options)?;
/// let handle = SegmentHandle::from_bytes(handle).expect("a handle");
/// let import = importer.import(Destination(1), &handle, VirtualChannel::ZERO)?;
/// let (queue, _) = importer.split();
/// queue.write_inline(&import, 101, b"written without help")?;
/// let flag = queue.write_inline(&import, 0, &1_u64.to_le_bytes())?;
/// queue.wait_done(&flag, Duration::from_millis(1))?;
///
/// // The exporter again: the flag tells that the bytes are there.
/// assert!(export.wait_until(Duration::from_millis(1), |export| export.load64(0) == 1));
/// let mut bytes = [0; 20];
/// export.load(101, &mut bytes);
/// assert_eq!(&bytes, b"written without help");
/// export.revoke()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Export<T: Transport = AnyTransport> {
    pub(super) segment: Segment<T>,
    handle: SegmentHandle,
}

impl<T: Transport> Endpoint<T> {
    /// Exports new memory, zeroed, of so many bytes, 1 to 2^32.
    ///
    /// # Errors
    /// There is no such memory; the firmware refuses: the size is out of range, or all segments of the device are in
    /// use.
    pub fn export(
        &self,
        bytes: u64,
        rights: Rights,
        access: Access,
    ) -> Result<Export<T>, RequestError> {
        let node = self
            .transport()
            .read32(Bar::Control, registers::node::OFFSET as u64)?;
        let shape = SegmentShape {
            remote_write: rights.write.into(),
            remote_read: rights.read.into(),
            remote_atomic: rights.count.into(),
            any_node: access.node.is_none().into(),
            any_endpoint: access.endpoint.is_none().into(),
            node: access.node.unwrap_or_default().into(),
            importer: access.endpoint.unwrap_or_default().into(),
            ..SegmentShape::default()
        };
        let segment = Segment::new(self, bytes, shape, "to export memory")?;
        let place = segment.place();
        Ok(Export {
            segment,
            handle: SegmentHandle {
                node: NodeNumber(node as u16),
                segment: place.segment as u16,
                generation: place.generation as u8,
                bytes,
                rights,
            },
        })
    }
}

impl<T: Transport> Export<T> {
    /// What importers need to know.
    pub fn handle(&self) -> SegmentHandle {
        self.handle
    }

    /// Its size in bytes.
    pub fn bytes(&self) -> u64 {
        self.handle.bytes
    }

    /// Loads 8 aligned bytes at once. Loads after it see at least what was written before those bytes.
    ///
    /// # Panics
    /// The offset is no multiple of 8, or the bytes do not lie in the export.
    pub fn load64(&self, offset: usize) -> u64 {
        self.segment.load64(offset)
    }

    /// Loads bytes.
    ///
    /// # Panics
    /// They do not lie in the export.
    pub fn load(&self, offset: usize, bytes: &mut [u8]) {
        self.segment.load(offset, bytes);
    }

    /// Stores bytes. A peer that writes there at the same time may win in any byte.
    ///
    /// # Panics
    /// They do not lie in the export.
    pub fn store(&mut self, offset: usize, bytes: &[u8]) {
        self.segment.store(offset, bytes);
    }

    /// Waits until `ready`, and says whether it came about in time.
    pub fn wait_until(&self, at_most: Duration, mut ready: impl FnMut(&Self) -> bool) -> bool {
        self.segment.wait_until(at_most, || ready(self))
    }

    /// Ends the export; the memory stays. When this has returned without an error, nobody writes to it or reads it any
    /// more. Operations that come later fail with `BAD_SEGMENT`, or `STALE_SEGMENT` once the number is in use again.
    ///
    /// # Errors
    /// The firmware does not confirm it. The export may still stand.
    pub fn revoke(&mut self) -> Result<(), RequestError> {
        self.segment.revoke("to end an export")
    }
}
