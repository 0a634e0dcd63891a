//! What an importer knows of another program's memory.

use crate::endpoint::Endpoint;
use crate::error::{RequestError, SendError};
use crate::numbers::{Destination, EndpointNumber, NodeNumber, VirtualChannel};
use crate::transport::Transport;
use abi::message::{MAXIMUM_REMOTE_BYTES, MAXIMUM_TRANSFER_BYTES};
use abi::queue_state::Translation;

/// What importers may do with exported memory.
///
/// ```
/// use wayfarer_host_driver::Rights;
///
/// assert!(Rights::WRITE.write && !Rights::WRITE.read);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights {
    /// They may write.
    pub write: bool,
    /// They may read.
    pub read: bool,
    /// They may increment its counter.
    pub count: bool,
}

impl Rights {
    /// They may write.
    pub const WRITE: Rights = Rights {
        write: true,
        read: false,
        count: false,
    };
    /// They may read.
    pub const READ: Rights = Rights {
        write: false,
        read: true,
        count: false,
    };
    /// They may do both.
    pub const READ_WRITE: Rights = Rights {
        write: true,
        read: true,
        count: false,
    };
    /// They may increment its counter.
    pub const COUNT: Rights = Rights {
        write: false,
        read: false,
        count: true,
    };

    fn bits(self) -> u8 {
        u8::from(self.write) | u8::from(self.read) << 1 | u8::from(self.count) << 2
    }
}

/// Names exported memory, wherever it is told: in a message, by a name service. The exporter's NIU checks each frame
/// that comes for the memory; the handle is no secret and gives no right.
///
/// ```
/// use wayfarer_host_driver::{NodeNumber, Rights, SegmentHandle};
///
/// let handle = SegmentHandle {
///     node: NodeNumber(3),
///     segment: 7,
///     generation: 1,
///     bytes: 4096,
///     rights: Rights::WRITE,
/// };
/// assert_eq!(SegmentHandle::from_bytes(handle.to_bytes()), Some(handle));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentHandle {
    /// Node of the exporter.
    pub node: NodeNumber,
    /// Segment of that node.
    pub segment: u16,
    /// Tells it from earlier segments of the same number.
    pub generation: u8,
    /// Its size, 1 to 2^32.
    pub bytes: u64,
    /// What importers may do with it.
    pub rights: Rights,
}

impl SegmentHandle {
    /// Size of a handle in a message.
    pub const BYTES: usize = 16;

    /// For a message.
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        bytes[..8].copy_from_slice(&self.bytes.to_le_bytes());
        bytes[8..10].copy_from_slice(&self.node.0.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.segment.to_le_bytes());
        bytes[12] = self.generation;
        bytes[13] = self.rights.bits();
        bytes
    }

    /// From a message; `None` if these bytes are no handle.
    pub fn from_bytes(bytes: [u8; Self::BYTES]) -> Option<Self> {
        let [size @ .., a, b, c, d, generation, rights, 0, 0] = bytes else {
            return None;
        };
        let handle = SegmentHandle {
            node: NodeNumber(u16::from_le_bytes([a, b])),
            segment: u16::from_le_bytes([c, d]),
            generation,
            bytes: u64::from_le_bytes(size),
            rights: Rights {
                write: rights & 1 != 0,
                read: rights & 2 != 0,
                count: rights & 4 != 0,
            },
        };
        let is_legal = (1..=1 << 32).contains(&handle.bytes) && handle.rights.bits() == rights;
        is_legal.then_some(handle)
    }
}

/// Memory of another program that an endpoint may write to and read: a destination that takes remote operations, and no
/// messages ([`TransmitQueue::write_inline`], [`TransmitQueue::write`], [`TransmitQueue::read`]).
/// [`Export`](crate::Export) and [`Buffer`](crate::Buffer) have examples.
///
/// It stays what it is until another translation is loaded for its destination.
///
/// [`TransmitQueue::write_inline`]: crate::TransmitQueue::write_inline
/// [`TransmitQueue::write`]: crate::TransmitQueue::write
/// [`TransmitQueue::read`]: crate::TransmitQueue::read
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    pub(crate) endpoint: EndpointNumber,
    pub(crate) destination: Destination,
    bytes: u64,
    rights: Rights,
}

impl Import {
    /// The destination that leads to it.
    pub fn destination(&self) -> Destination {
        self.destination
    }

    /// Its size.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What may be done with it.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// Whether an endpoint may write so many bytes there, which travel in the message.
    pub(super) fn check_inline(
        &self,
        endpoint: EndpointNumber,
        offset: u32,
        bytes: usize,
    ) -> Result<(), SendError> {
        // Data begin in the alignment of the target.
        let maximum = MAXIMUM_REMOTE_BYTES - offset as usize % 4;
        self.check(endpoint, self.rights.write, offset, bytes, maximum)?;
        if bytes == 0 {
            return Err(self.outside(offset, bytes));
        }
        Ok(())
    }

    /// Whether an endpoint may transfer so many bytes.
    pub(super) fn check_transfer(
        &self,
        endpoint: EndpointNumber,
        is_allowed: bool,
        offset: u32,
        bytes: u32,
    ) -> Result<(), SendError> {
        let bytes = bytes as usize;
        self.check(endpoint, is_allowed, offset, bytes, MAXIMUM_TRANSFER_BYTES)
    }

    /// Whether an endpoint may increment its counter.
    pub(super) fn check_count(&self, endpoint: EndpointNumber) -> Result<(), SendError> {
        self.check(endpoint, self.rights.count, 0, 1, MAXIMUM_REMOTE_BYTES)
    }

    fn check(
        &self,
        endpoint: EndpointNumber,
        is_allowed: bool,
        offset: u32,
        bytes: usize,
        maximum: usize,
    ) -> Result<(), SendError> {
        if endpoint != self.endpoint {
            return Err(SendError::ForeignImport {
                importer: self.endpoint,
            });
        }
        if !is_allowed {
            return Err(SendError::NoRight);
        }
        if bytes > maximum {
            return Err(SendError::TooLong { bytes, maximum });
        }
        if u64::from(offset) + bytes as u64 > self.bytes {
            return Err(self.outside(offset, bytes));
        }
        Ok(())
    }

    fn outside(&self, offset: u32, bytes: usize) -> SendError {
        SendError::OutsideSegment {
            offset,
            bytes,
            size: self.bytes,
        }
    }
}

impl<T: Transport> Endpoint<T> {
    /// Makes `destination` lead to memory that another program exports. Frames go on `virtual_channel`. Whether the
    /// exporter admits this endpoint is not known before it writes.
    ///
    /// # Errors
    /// The destination lies outside the endpoint's window, or the node, segment or channel do not exist.
    pub fn import(
        &self,
        destination: Destination,
        handle: &SegmentHandle,
        virtual_channel: VirtualChannel,
    ) -> Result<Import, RequestError> {
        let entry = Translation {
            node: handle.node.into(),
            receive_queue_id: handle.segment.into(),
            virtual_channel: virtual_channel.into(),
            valid: 1,
            segment: 1,
            rights: handle.rights.bits().into(),
            generation: handle.generation.into(),
        };
        self.load_entry(destination, entry)?;
        Ok(Import {
            endpoint: self.number(),
            destination,
            bytes: handle.bytes,
            rights: handle.rights,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handles_survive_a_message_and_other_bytes_are_none() {
        let handle = SegmentHandle {
            node: NodeNumber(0x3ff),
            segment: 0xab,
            generation: 0xcd,
            bytes: 1 << 32,
            rights: Rights::READ_WRITE,
        };
        let bytes = handle.to_bytes();
        assert_eq!(
            bytes,
            [0, 0, 0, 0, 1, 0, 0, 0, 0xff, 3, 0xab, 0, 0xcd, 3, 0, 0]
        );
        assert_eq!(SegmentHandle::from_bytes(bytes), Some(handle));
        for (place, value) in [(4, 0), (4, 2), (13, 8), (14, 1), (15, 1)] {
            let mut bad = bytes;
            bad[place] = value;
            assert_eq!(SegmentHandle::from_bytes(bad), None, "{place}");
        }
    }
}
