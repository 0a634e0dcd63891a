//! The side that reads units.

use super::{COUNT, DONE_BYTES, SIZE_BYTES, UnitError, UnitShape};
use crate::endpoint::Endpoint;
use crate::error::SendError;
use crate::numbers::{Destination, VirtualChannel};
use crate::remote::{Access, Export, Import, Rights, SegmentHandle};
use crate::transmit_queue::TransmitQueue;
use crate::transport::{AnyTransport, Transport};
use std::time::Duration;

/// The reading side of a queue of units, whose ring stands in this program's memory (T9, T10).
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Access, Destination, Device, EndpointOptions, OpenOptions, UnitReader, UnitShape, UnitWriter,
/// };
///
/// let shape = UnitShape { bytes_log2: 12, units_log2: 6 };
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// // The reader. Its handle goes to the writer in a message, and the writer's comes back.
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// let mut reader = UnitReader::new(&endpoint, shape, Access::ANY)?;
///
/// // The writer, mostly another program on another node.
/// # let receive_queue_id = wayfarer_host_driver::ReceiveQueueId(1);
/// # let options = EndpointOptions { receive_queue_id, ..EndpointOptions::default() };
/// # let mut writing = device.create_endpoint(options)?;
/// let mut writer = UnitWriter::new(&writing, Destination(1), &reader.handle(), shape, Access::ANY)?;
/// # reader.connect(&endpoint, Destination(1), &writer.handle())?;
/// let patience = Duration::from_millis(1);
/// let (queue, _) = writing.split();
/// writer.push(queue, b"a unit", patience)?;
/// writer.push(queue, b"and another one, of another size", patience)?;
/// writer.publish(queue, patience)?;
/// # queue.flush(patience)?;
///
/// // The reader again.
/// assert!(reader.wait(patience));
/// let (queue, _) = endpoint.split();
/// let mut unit = Vec::new();
/// assert!(reader.take(queue, &mut unit)?);
/// assert_eq!(unit, b"a unit");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UnitReader<T: Transport = AnyTransport> {
    shape: UnitShape,
    ring: Export<T>,
    /// Where the writer learns how many units are done with.
    done: Option<Import>,
    /// Units taken, and where the next one begins in the endless ring.
    units: u64,
    start: u64,
    /// Units that are there, as far as was looked.
    count: u64,
    /// What the writer was told: units, and the bytes with them.
    told: u64,
    bytes_told: u64,
}

impl<T: Transport> UnitReader<T> {
    /// A reader with an empty ring. `writer`: whom its memory admits; it should be one endpoint.
    ///
    /// # Errors
    /// [`UnitError::BadShape`]; [`UnitError::Request`] if there is no such memory, or no segment.
    pub fn new(
        endpoint: &Endpoint<T>,
        shape: UnitShape,
        writer: Access,
    ) -> Result<Self, UnitError> {
        shape.check()?;
        Ok(UnitReader {
            shape,
            ring: endpoint.export(shape.export_bytes(), Rights::WRITE, writer)?,
            done: None,
            units: 0,
            start: 0,
            count: 0,
            told: 0,
            bytes_told: 0,
        })
    }

    /// What the writer must know.
    pub fn handle(&self) -> SegmentHandle {
        self.ring.handle()
    }

    /// Tells this writer from now on what is done with: its writes go to `destination` of the endpoint. Without it the
    /// writer stops when the ring is full for the first time.
    ///
    /// # Errors
    /// [`UnitError::WrongMemory`] if that is no writer's handle; [`UnitError::Request`].
    pub fn connect(
        &mut self,
        endpoint: &Endpoint<T>,
        destination: Destination,
        writer: &SegmentHandle,
    ) -> Result<(), UnitError> {
        if writer.bytes != DONE_BYTES || !writer.rights.write {
            return Err(UnitError::WrongMemory);
        }
        self.done = Some(endpoint.import(destination, writer, VirtualChannel::ZERO)?);
        Ok(())
    }

    /// Whether a unit is there. A load of this program's own memory, and only if the last look found none.
    pub fn has_unit(&mut self) -> bool {
        if self.count == self.units {
            self.count = self.ring.load64(COUNT);
        }
        self.count != self.units
    }

    /// Waits until a unit is there, and says whether one came in time.
    pub fn wait(&mut self, at_most: Duration) -> bool {
        let units = self.units;
        self.has_unit()
            || self
                .ring
                .wait_until(at_most, |ring| ring.load64(COUNT) != units)
    }

    /// Takes the next unit, in place of what `unit` holds; whether there was one. Tells the writer when a quarter of a
    /// ring is free again, and when there is no unit, by a remote write of `queue`, if that has room. A writer may wait
    /// for all of the ring: a program that stops taking calls this until there is none.
    ///
    /// # Errors
    /// [`UnitError::Corrupt`]: the writer's numbers cannot be. [`UnitError::Send`]: the unit was taken, but the queue
    /// is not in order.
    pub fn take(
        &mut self,
        queue: &mut TransmitQueue<T>,
        unit: &mut Vec<u8>,
    ) -> Result<bool, UnitError> {
        let is_there = self.has_unit();
        if is_there {
            self.copy(unit)?;
        }
        let is_due = 4 * (self.units - self.told) >= self.shape.units()
            || 4 * (self.start - self.bytes_told) >= self.shape.bytes() as u64;
        if is_due || !is_there {
            match self.tell(queue) {
                Err(UnitError::Send(SendError::QueueFull)) => {}
                other => other?,
            }
        }
        Ok(is_there)
    }

    /// The next unit, which is there.
    fn copy(&mut self, unit: &mut Vec<u8>) -> Result<(), UnitError> {
        let mut size = [0; SIZE_BYTES];
        self.ring.load(self.shape.size_place(self.units), &mut size);
        let bytes = u64::from(u32::from_le_bytes(size));
        let there = self.count.wrapping_sub(self.units);
        if there > self.shape.units() || bytes > self.shape.bytes() as u64 {
            let count = self.count;
            return Err(UnitError::Corrupt { count, bytes });
        }
        unit.resize(bytes as usize, 0);
        let mut rest = unit.as_mut_slice();
        for (place, bytes) in self.shape.pieces(self.start, rest.len()) {
            let (piece, others) = rest.split_at_mut(bytes);
            self.ring.load(place, piece);
            rest = others;
        }
        self.units += 1;
        self.start += bytes;
        Ok(())
    }

    /// Tells the writer what is done with. Nothing is sent if it knows, or is not connected.
    ///
    /// # Errors
    /// The write was not sent.
    pub fn tell(&mut self, queue: &mut TransmitQueue<T>) -> Result<(), UnitError> {
        if let Some(done) = self.done.filter(|_| self.told != self.units) {
            let _ = queue.write_inline(&done, COUNT as u32, &self.units.to_le_bytes())?;
            (self.told, self.bytes_told) = (self.units, self.start);
        }
        Ok(())
    }
}
