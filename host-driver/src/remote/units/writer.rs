//! The side that writes units.

use super::{COUNT, DONE_BYTES, UnitError, UnitShape, next_write};
use crate::endpoint::Endpoint;
use crate::error::SendError;
use crate::numbers::{Destination, VirtualChannel};
use crate::remote::{Access, Export, Import, Rights, SegmentHandle};
use crate::transmit_queue::TransmitQueue;
use crate::transport::{AnyTransport, Transport};
use std::collections::VecDeque;
use std::time::Duration;

/// The writing side of a queue of units in another program's memory (T9, T10). [`UnitReader`](crate::UnitReader) has an
/// example.
///
/// Units appear to the reader in order, each whole, once [`UnitWriter::publish`] has told of them. Everything travels
/// as remote writes of one transmit queue on one virtual channel, which take effect in order: use the same queue for
/// every call.
pub struct UnitWriter<T: Transport = AnyTransport> {
    shape: UnitShape,
    ring: Import,
    /// Where the reader tells how many units it is done with.
    done: Export<T>,
    /// Units written, and where the next one begins in the endless ring.
    units: u64,
    end: u64,
    /// Units that the reader was told of.
    told: u64,
    /// The reader is done with so many, as far as is known, and with the bytes up to here.
    units_done: u64,
    bytes_done: u64,
    /// Sizes of those that it is not done with.
    sizes: VecDeque<u32>,
}

impl<T: Transport> UnitWriter<T> {
    /// A writer to the ring that `ring` names, which the reader has made with the same shape. Writes go to
    /// `destination` of the endpoint. `reader`: whom the writer's own memory admits.
    ///
    /// # Errors
    /// [`UnitError::BadShape`], [`UnitError::WrongMemory`]; [`UnitError::Request`] if the firmware has no segment or
    /// refuses the destination.
    pub fn new(
        endpoint: &Endpoint<T>,
        destination: Destination,
        ring: &SegmentHandle,
        shape: UnitShape,
        reader: Access,
    ) -> Result<Self, UnitError> {
        shape.check()?;
        if ring.bytes != shape.export_bytes() || !ring.rights.write {
            return Err(UnitError::WrongMemory);
        }
        Ok(UnitWriter {
            shape,
            ring: endpoint.import(destination, ring, VirtualChannel::ZERO)?,
            done: endpoint.export(DONE_BYTES, Rights::WRITE, reader)?,
            units: 0,
            end: 0,
            told: 0,
            units_done: 0,
            bytes_done: 0,
            sizes: VecDeque::new(),
        })
    }

    /// What the reader must know ([`UnitReader::connect`](crate::UnitReader::connect)).
    pub fn handle(&self) -> SegmentHandle {
        self.done.handle()
    }

    /// Writes a unit, which the reader does not see before [`UnitWriter::publish`]. Waits for no longer than `at_most`
    /// for each place in the transmit queue, and not at all for the ring.
    ///
    /// # Errors
    /// [`UnitError::TooLong`]; [`UnitError::Full`]; [`UnitError::Corrupt`]; [`UnitError::Send`], after which the same
    /// unit or another one may be tried.
    pub fn push(
        &mut self,
        queue: &mut TransmitQueue<T>,
        unit: &[u8],
        at_most: Duration,
    ) -> Result<(), UnitError> {
        let maximum = self.shape.bytes();
        if unit.len() > maximum {
            let bytes = unit.len();
            return Err(UnitError::TooLong { bytes, maximum });
        }
        if !self.has_room(unit.len()) {
            self.learn()?;
            if !self.has_room(unit.len()) {
                return Err(UnitError::Full);
            }
        }
        let mut rest = unit;
        for (mut place, bytes) in self.shape.pieces(self.end, unit.len()) {
            let (mut piece, others) = rest.split_at(bytes);
            rest = others;
            while !piece.is_empty() {
                let (now, later) = piece.split_at(next_write(place, piece.len()));
                self.write(queue, place, now, at_most)?;
                place += now.len();
                piece = later;
            }
        }
        let size = unit.len() as u32;
        let place = self.shape.size_place(self.units);
        self.write(queue, place, &size.to_le_bytes(), at_most)?;
        self.sizes.push_back(size);
        self.units += 1;
        self.end += u64::from(size);
        Ok(())
    }

    /// Tells the reader of all units that were written. Nothing is sent if it knows. Waits for no longer than `at_most`
    /// for a place in the transmit queue.
    ///
    /// # Errors
    /// The write was not sent: to be called again.
    pub fn publish(
        &mut self,
        queue: &mut TransmitQueue<T>,
        at_most: Duration,
    ) -> Result<(), UnitError> {
        if self.told != self.units {
            self.write(queue, COUNT, &self.units.to_le_bytes(), at_most)?;
            self.told = self.units;
        }
        Ok(())
    }

    /// Units that were written and that the reader, as far as is known, is not done with.
    pub fn outstanding(&self) -> u64 {
        self.units - self.units_done
    }

    fn write(
        &self,
        queue: &mut TransmitQueue<T>,
        place: usize,
        bytes: &[u8],
        at_most: Duration,
    ) -> Result<(), SendError> {
        let ring = &self.ring;
        let _ = queue.when_room(at_most, |queue| {
            queue.write_inline(ring, place as u32, bytes)
        })?;
        Ok(())
    }

    fn has_room(&self, bytes: usize) -> bool {
        self.outstanding() < self.shape.units()
            && self.end - self.bytes_done + bytes as u64 <= self.shape.bytes() as u64
    }

    /// Takes in what the reader has told since.
    fn learn(&mut self) -> Result<(), UnitError> {
        let count = self.done.load64(COUNT);
        if !(self.units_done..=self.told).contains(&count) {
            return Err(UnitError::Corrupt { count, bytes: 0 });
        }
        while self.units_done != count {
            self.units_done += 1;
            self.bytes_done += u64::from(self.sizes.pop_front().unwrap_or_default());
        }
        Ok(())
    }
}
