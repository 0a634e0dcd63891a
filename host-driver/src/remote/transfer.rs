//! Operations on remote memory, and what became of them.

use super::buffer::Buffer;
use super::import::Import;
use crate::deadline::Deadline;
use crate::error::{QueueError, SendError};
use crate::transmit_queue::TransmitQueue;
use crate::transport::Transport;
use abi::message::error::Error as Code;
use abi::message::{
    HEADER_BYTES, Remote, TRANSFER_BYTES, TransferLength, TransferLocal, TransmitHeader, form,
    operation,
};
use std::time::Duration;

/// An operation on remote memory that was begun: its place among the messages of its queue.
/// [`TransmitQueue::is_done`] says what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it tells what becomes of the operation"]
pub struct Transfer {
    pub(crate) number: u64,
}

/// Why an operation on remote memory did not succeed, or is not known to have.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Access, Destination, Device, EndpointOptions, OpenOptions, Rights, TransferError, VirtualChannel,
/// };
/// use wayfarer_host_driver::abi::message::error::Error as Code;
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// let mut export = endpoint.export(64, Rights::WRITE, Access::ANY)?;
/// let import = endpoint.import(Destination(1), &export.handle(), VirtualChannel::ZERO)?;
/// export.revoke()?;
/// let (queue, _) = endpoint.split();
/// let write = queue.write_inline(&import, 0, b"too late")?;
/// let error = queue.wait_done(&write, Duration::from_millis(1));
/// assert!(matches!(error, Err(TransferError::Failed { code: Code::BadSegment, among: 1 })));
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransferError {
    /// It failed, or one of those did that were in flight with it. Any part of what it was to write or read is done.
    #[error("the operation failed, or another one of {among} in flight: {}", .code.meaning())]
    Failed {
        /// Why: `BadSegment` (no such segment, or not for this endpoint), `StaleSegment` (the number has another owner
        /// since), `SegmentRights`, `SegmentRange`, `TransferFailed` (a host's memory could not be read), or what
        /// fails a message.
        code: Code,
        /// Messages and operations of the queue that were in flight when the NIU reported it, among which it does not
        /// tell: 1 if it is surely this one.
        among: u16,
    },
    /// It was not done when the limit was reached.
    #[error("after {waited:?} the operation is not done")]
    Outstanding {
        /// How long.
        waited: Duration,
    },
    /// The transmit queue is not in order, or reports an error of something else.
    #[error(transparent)]
    Queue(#[from] QueueError),
}

/// Double words that a write of so many bytes takes, and the padding before and behind the bytes.
fn shape(offset: u32, bytes: usize) -> (usize, usize, usize) {
    let before = offset as usize % 4;
    let words = (before + bytes).div_ceil(4);
    (words, before, 4 * words - before - bytes)
}

impl<T: Transport> TransmitQueue<T> {
    /// Writes up to 240 bytes (237 to an offset that is no multiple of 4) to imported memory, by a message of this
    /// queue: the bytes stand in an inline body. Up to 48 aligned bytes take one store of 64 bytes, and the one that
    /// launches.
    ///
    /// Writes and messages to one node on one virtual channel take effect in the order in which they are sent: what
    /// is sent behind a write never appears before it. One thing does not hold: a message whose receiver had no room
    /// takes effect late, and writes behind it do not wait.
    ///
    /// # Errors
    /// As [`TransmitQueue::send_basic`]; [`SendError::OutsideSegment`], [`SendError::NoRight`] and
    /// [`SendError::ForeignImport`] before anything is sent. What the exporter's NIU finds is told of the operation
    /// ([`TransmitQueue::is_done`]).
    pub fn write_inline(
        &mut self,
        import: &Import,
        offset: u32,
        bytes: &[u8],
    ) -> Result<Transfer, SendError> {
        self.write_body_of(import, offset, bytes, false)
    }

    /// [`TransmitQueue::write_inline`] whose way through both NIUs is recorded ([`crate::Device::stage_time`]).
    ///
    /// # Errors
    /// As there.
    pub fn write_inline_marked(
        &mut self,
        import: &Import,
        offset: u32,
        bytes: &[u8],
    ) -> Result<Transfer, SendError> {
        self.write_body_of(import, offset, bytes, true)
    }

    fn write_body_of(
        &mut self,
        import: &Import,
        offset: u32,
        bytes: &[u8],
        marked: bool,
    ) -> Result<Transfer, SendError> {
        import.check_inline(self.endpoint(), offset, bytes.len())?;
        let (words, before, trail) = shape(offset, bytes.len());
        let header = TransmitHeader {
            destination: import.destination.into(),
            length: (HEADER_BYTES + 4 * words) as u64,
            marked: marked.into(),
            form: form::REMOTE as u64,
            ..TransmitHeader::default()
        };
        let remote = Remote {
            offset: offset.into(),
            operation: operation::WRITE as u64,
            trail: trail as u64,
        };
        self.compose_with(header, |payload| {
            let (head, data) = payload.split_at_mut(HEADER_BYTES);
            head.copy_from_slice(&remote.pack().to_le_bytes());
            let (padding, data) = data.split_at_mut(before);
            padding.fill(0);
            let (data, padding) = data.split_at_mut(bytes.len());
            data.copy_from_slice(bytes);
            padding.fill(0);
        })?;
        self.launch();
        Ok(Transfer {
            number: self.taken - 1,
        })
    }

    /// Writes bytes of a buffer to imported memory, up to 2^30 at any two offsets. The NIU reads the buffer, so this
    /// costs the program a message of 32 bytes.
    ///
    /// The queue sends nothing else until the bytes are sent; other queues go on. What is sent behind a write never
    /// appears before it, with the one exception that [`TransmitQueue::write_inline`] tells. The buffer must keep its
    /// bytes until the operation is done. Memory of the own node fails with `BadSegment`: use `write_inline`.
    ///
    /// # Errors
    /// As [`TransmitQueue::write_inline`]; [`SendError::OutsideBuffer`] and [`SendError::ForeignBuffer`].
    pub fn write(
        &mut self,
        import: &Import,
        offset: u32,
        buffer: &Buffer<T>,
        local: u32,
        bytes: u32,
    ) -> Result<Transfer, SendError> {
        import.check_transfer(self.endpoint(), import.rights().write, offset, bytes)?;
        self.transfer(operation::WRITE, import, offset, buffer, local, bytes)
    }

    /// Reads bytes of imported memory to a buffer, up to 2^30 at any two offsets. They are there when the operation is
    /// done. It may see a part of what is written there at the same time.
    ///
    /// # Errors
    /// As [`TransmitQueue::write`].
    pub fn read(
        &mut self,
        import: &Import,
        offset: u32,
        buffer: &Buffer<T>,
        local: u32,
        bytes: u32,
    ) -> Result<Transfer, SendError> {
        import.check_transfer(self.endpoint(), import.rights().read, offset, bytes)?;
        self.transfer(operation::READ, import, offset, buffer, local, bytes)
    }

    fn transfer(
        &mut self,
        operation: usize,
        import: &Import,
        offset: u32,
        buffer: &Buffer<T>,
        local: u32,
        bytes: u32,
    ) -> Result<Transfer, SendError> {
        let segment = buffer.check(self.endpoint(), local, bytes)?;
        let header = TransmitHeader {
            destination: import.destination.into(),
            length: TRANSFER_BYTES as u64,
            form: form::TRANSFER as u64,
            ..TransmitHeader::default()
        };
        let remote = Remote {
            offset: offset.into(),
            operation: operation as u64,
            trail: 0,
        };
        let local = TransferLocal {
            offset: local.into(),
            segment,
        };
        let length = TransferLength {
            bytes: bytes.into(),
        };
        let words = [remote.pack(), local.pack(), length.pack(), 0];
        self.compose_with(header, |payload| {
            for (place, word) in payload.chunks_mut(8).zip(words) {
                place.copy_from_slice(&word.to_le_bytes());
            }
        })?;
        self.launch();
        Ok(Transfer {
            number: self.taken - 1,
        })
    }

    /// Whether the NIU is done with an operation: what it writes is on its way to the memory ahead of everything that
    /// is sent later, and what it reads is in the buffer. Asks the shadow line. Must be asked before 64 more messages
    /// are sent; after that only [`TransmitQueue::check`] told of a failure.
    ///
    /// # Errors
    /// [`TransferError::Failed`]; [`TransferError::Queue`] if the queue has failed, or for an error that is surely not
    /// this operation's: that is reported here once, instead of by [`TransmitQueue::check`].
    pub fn is_done(&mut self, transfer: &Transfer) -> Result<bool, TransferError> {
        let told = self.check();
        let is_done = transfer.number < self.taken - u64::from(self.outstanding());
        let suspicion = self.suspicion(transfer.number);
        match (told, suspicion) {
            (Err(QueueError::Reported(report)), Some(_)) if !report.failed => {}
            (told, _) => told?,
        }
        match suspicion {
            Some((code, among)) if is_done => Err(TransferError::Failed { code, among }),
            _ => Ok(is_done),
        }
    }

    /// Waits until the NIU is done with an operation.
    ///
    /// # Errors
    /// As [`TransmitQueue::is_done`], and [`TransferError::Outstanding`].
    pub fn wait_done(
        &mut self,
        transfer: &Transfer,
        at_most: Duration,
    ) -> Result<(), TransferError> {
        let deadline = Deadline::new(self.transport.now(), at_most);
        while !self.is_done(transfer)? {
            let now = self.transport.now();
            let Some(left) = deadline.left(now) else {
                let waited = deadline.waited(now);
                return Err(TransferError::Outstanding { waited });
            };
            self.transport.wait(left);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
