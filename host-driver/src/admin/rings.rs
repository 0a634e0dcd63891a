//! The rings of the admin queue: where they stand, which requests were made, which were answered.

use crate::deadline::Deadline;
use crate::error::OpenError;
use crate::transport::{Bar, DmaMemory, Layout, Transport, TransportError};
use abi::admin::{Completion, Submission};
use abi::control::registers::{self, AdminEntries, Quiesce, Status};
use std::sync::Arc;
use std::time::Duration;

/// Base-2 logarithm of the entries of both rings.
const ENTRIES_LOG2: u32 = 4;
/// Requests that may be without an answer at once.
pub(super) const ENTRIES: u16 = 1 << ENTRIES_LOG2;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// Code of `abi::admin::status`.
    pub status: u64,
    /// The result, if it was carried out.
    pub result: u64,
}

/// Memory for both rings.
pub(super) struct RingMemory<T: Transport> {
    submissions: Arc<T::Memory>,
    completions: Arc<T::Memory>,
}

impl<T: Transport> RingMemory<T> {
    /// Allocates it. The device is not told of it.
    pub fn new(transport: &T) -> Result<Self, TransportError> {
        let allocate = |entry_bytes: usize| {
            transport.allocate(entry_bytes << ENTRIES_LOG2, Layout::Contiguous)
        };
        Ok(RingMemory {
            submissions: Arc::new(allocate(abi::admin::SUBMISSION_BYTES)?),
            completions: Arc::new(allocate(abi::admin::COMPLETION_BYTES)?),
        })
    }

    /// Where the device will see it.
    pub fn address(&self) -> u64 {
        self.submissions.device_address(0)
    }
}

/// Both rings, in use.
pub(super) struct Rings<T: Transport> {
    transport: T,
    submissions: Arc<T::Memory>,
    completions: Arc<T::Memory>,
    /// What tells these rings from others that the device is given later.
    generation: u64,
    /// Requests made, modulo 2^16.
    producer: u16,
    /// Requests taken by the firmware, as its answers tell.
    consumer: u16,
}

impl<T: Transport> Rings<T> {
    /// Whether the admin queue of the device is on: a driver has it.
    pub fn are_in_use(transport: &T) -> Result<bool, TransportError> {
        Ok(entries(transport)?.log2 != 0)
    }

    /// Sets up rings and tells the NIU where they are. Whoever had others has lost the device, and the NIU touches none
    /// of their memory any more. `may_go_on` is asked at the last moment.
    ///
    /// # Errors
    /// [`OpenError::NotQuiet`]; [`OpenError::InUse`] if it may not.
    pub fn new(
        transport: T,
        memory: RingMemory<T>,
        may_go_on: impl FnOnce() -> Result<bool, TransportError>,
    ) -> Result<Self, OpenError> {
        let old_generation = entries(&transport)?.generation;
        let generation = next(old_generation);
        quiesce(&transport, generation)?;
        if !may_go_on()? {
            return Err(OpenError::InUse);
        }
        let RingMemory {
            submissions,
            completions,
        } = memory;
        turn_off(&transport, old_generation);
        let write =
            |offset: usize, value: u32| transport.write32(Bar::Control, offset as u64, value);
        for (low, high, address) in [
            (
                registers::admin_submission_low::OFFSET,
                registers::admin_submission_high::OFFSET,
                submissions.device_address(0),
            ),
            (
                registers::admin_completion_low::OFFSET,
                registers::admin_completion_high::OFFSET,
                completions.device_address(0),
            ),
        ] {
            write(low, address as u32);
            write(high, (address >> 32) as u32);
        }
        // The firmware looks at this register at each doorbell; a changed generation makes it start both rings afresh.
        let entries = AdminEntries {
            log2: ENTRIES_LOG2.into(),
            generation,
        };
        write(registers::admin_entries::OFFSET, entries.pack());
        Ok(Rings {
            transport,
            submissions,
            completions,
            generation,
            producer: 0,
            consumer: 0,
        })
    }

    /// Whether the device still has these rings, and no others.
    pub fn are_own(&self) -> Result<bool, TransportError> {
        Ok(entries(&self.transport)?.generation == self.generation)
    }

    /// Stops the NIU's requests to this host. Behind this it touches no memory, whether the firmware answers or not.
    ///
    /// # Errors
    /// [`OpenError::NotQuiet`].
    pub fn quiesce(&self) -> Result<(), OpenError> {
        quiesce(&self.transport, next(self.generation))
    }

    /// Tells the device to leave the rings alone. It does so at once if no request is without an answer: without one
    /// the firmware never looks at them.
    pub fn turn_off(&self) {
        turn_off(&self.transport, self.generation);
    }

    /// What the device may touch while it has the rings.
    pub fn memory(&self) -> [Arc<T::Memory>; 2] {
        [Arc::clone(&self.submissions), Arc::clone(&self.completions)]
    }

    /// Whether every request was answered.
    pub fn are_answered(&mut self) -> bool {
        self.take_stock();
        self.unanswered() == 0
    }

    /// Requests without an answer.
    fn unanswered(&self) -> u16 {
        self.producer.wrapping_sub(self.consumer)
    }

    /// Whether every entry holds a request without an answer. A producer index that ran further ahead would count for
    /// none with the firmware, and so would all after it. Late answers make room.
    pub fn are_full(&mut self) -> bool {
        self.take_stock();
        self.unanswered() >= ENTRIES
    }

    /// Looks for late answers.
    fn take_stock(&mut self) {
        let first = self.consumer;
        for ahead in 0..self.unanswered() {
            self.answer(first.wrapping_add(ahead));
        }
    }

    /// Makes a request; gives its index. The ring is not full.
    pub fn submit(&mut self, opcode: usize, operands: &[u64]) -> u16 {
        let position = self.producer;
        let mut entry = [0; abi::admin::SUBMISSION_BYTES];
        let head = Submission {
            opcode: opcode as u64,
            identifier: position.into(),
        };
        entry[..8].copy_from_slice(&head.pack().to_le_bytes());
        for (place, operand) in entry[16..].chunks_exact_mut(8).zip(operands) {
            place.copy_from_slice(&operand.to_le_bytes());
        }
        let index = usize::from(position % ENTRIES);
        self.submissions
            .store(index * abi::admin::SUBMISSION_BYTES, &entry);
        self.producer = position.wrapping_add(1);
        self.transport.fence();
        self.transport.write32(
            Bar::Control,
            registers::admin_doorbell::OFFSET as u64,
            self.producer.into(),
        );
        position
    }

    /// The answer to the request at this index, once it is there. It stands in the request's place, whatever identifier
    /// it bears: firmware that could not read the request knows none.
    pub fn answer(&mut self, position: u16) -> Option<Answer> {
        let offset = usize::from(position % ENTRIES) * abi::admin::COMPLETION_BYTES;
        let completion = Completion::unpack(self.completions.load64(offset));
        let phase = u64::from((position / ENTRIES).is_multiple_of(2));
        let taken = position.wrapping_add(1);
        if completion.phase != phase || completion.consumer != u64::from(taken) {
            return None;
        }
        // Requests are taken in order: one before it that has no answer was lost with a firmware that was stopped.
        self.consumer = taken;
        Some(Answer {
            status: completion.status,
            result: self.completions.load64(offset + 8),
        })
    }
}

/// The generation of the rings behind those of another. It has eight bits: read back, it must be what we compare with.
fn next(generation: u64) -> u64 {
    (generation + 1) % (1 << registers::admin_entries::generation::WIDTH)
}

/// How long the NIU's last requests may take. Reads that a host never answers time out after 17 ms.
pub(super) const QUIET_PATIENCE: Duration = Duration::from_millis(50);
/// Between two looks at whether they are over.
const QUIET_STEP: Duration = Duration::from_nanos(500);

/// Stops the NIU's requests to this host until the firmware has cleared everything for rings of this generation. Behind
/// this the NIU touches no memory that it was told of before. It needs no firmware.
fn quiesce<T: Transport>(transport: &T, generation: u64) -> Result<(), OpenError> {
    let request = Quiesce { generation };
    let offset = registers::quiesce::OFFSET as u64;
    transport.write32(Bar::Control, offset, request.pack());
    let deadline = Deadline::new(transport.now(), QUIET_PATIENCE);
    loop {
        let status = transport.read32(Bar::Control, registers::status::OFFSET as u64)?;
        if Status::unpack(status).quiet == 1 {
            return Ok(());
        }
        let now = transport.now();
        let Some(left) = deadline.left(now) else {
            return Err(OpenError::NotQuiet {
                waited: deadline.waited(now),
                status,
            });
        };
        transport.wait(left.min(QUIET_STEP));
    }
}

/// What the device was told of the rings last.
fn entries<T: Transport>(transport: &T) -> Result<AdminEntries, TransportError> {
    let word = transport.read32(Bar::Control, registers::admin_entries::OFFSET as u64)?;
    Ok(AdminEntries::unpack(word))
}

/// Turns the admin queue off, but with the generation it had, so that whoever finds it so takes a new one. Then the
/// doorbell: the firmware looks, and the old index is never seen with new rings.
fn turn_off<T: Transport>(transport: &T, generation: u64) {
    let off = AdminEntries {
        log2: 0,
        generation,
    };
    for (offset, value) in [
        (registers::admin_entries::OFFSET, off.pack()),
        (registers::admin_doorbell::OFFSET, 0),
    ] {
        transport.write32(Bar::Control, offset as u64, value);
    }
}
