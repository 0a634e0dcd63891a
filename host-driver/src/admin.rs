//! The admin queue: submissions and completions in host memory, the firmware on the other side (`abi::admin`).

use crate::error::Error;
use crate::transport::{Bar, DmaMemory, Transport};
use abi::admin::{completion, opcode, status::Status, submission};
use abi::control::registers;

/// Base-2 logarithm of the entries of both rings.
const ENTRIES_LOG2: u32 = 4;
/// How long the firmware may take: its longest task probes the 2048 pages of the largest ring.
const TIMEOUT_NS: f64 = 20_000_000.0;

/// The rings and where they stand.
pub struct AdminQueue<T: Transport> {
    transport: T,
    submissions: T::Memory,
    completions: T::Memory,
    producer: u16,
}

impl<T: Transport> AdminQueue<T> {
    /// Sets up the rings and tells the NIU where they are.
    pub fn new(transport: T) -> Result<Self, Error> {
        let submissions = transport.allocate(abi::admin::SUBMISSION_BYTES << ENTRIES_LOG2)?;
        let completions = transport.allocate(abi::admin::COMPLETION_BYTES << ENTRIES_LOG2)?;
        let write =
            |offset: usize, value: u32| transport.write32(Bar::Control, offset as u64, value);
        let old = transport.read32(Bar::Control, registers::admin_entries::OFFSET as u64)?;
        let old_generation = registers::admin_entries::generation::get(old.into());
        let generation = old_generation.wrapping_add(1);
        // Off, but with the old generation, so that another driver that finds it so takes a new one. Then the doorbell: the
        // old index must never be seen with the new rings.
        let off = registers::admin_entries::generation::set(0, old_generation);
        write(registers::admin_entries::OFFSET, off as u32);
        write(registers::admin_doorbell::OFFSET, 0);
        for (low, high, address) in [
            (
                registers::admin_submission_low::OFFSET,
                registers::admin_submission_high::OFFSET,
                submissions.device_address(),
            ),
            (
                registers::admin_completion_low::OFFSET,
                registers::admin_completion_high::OFFSET,
                completions.device_address(),
            ),
        ] {
            write(low, address as u32);
            write(high, (address >> 32) as u32);
        }
        // The firmware looks at this register at each doorbell; a changed generation makes it start both rings afresh.
        let entries = registers::admin_entries::generation::set(ENTRIES_LOG2.into(), generation);
        write(registers::admin_entries::OFFSET, entries as u32);
        Ok(AdminQueue {
            transport,
            submissions,
            completions,
            producer: 0,
        })
    }

    /// ABI version and source revision of the firmware.
    pub fn identify(&mut self) -> Result<u64, Error> {
        self.call("who it is", opcode::IDENTIFY, &[])
    }

    /// Makes one request and waits for its answer.
    ///
    /// # Errors
    /// The firmware refuses or is silent.
    pub fn call(
        &mut self,
        what: &'static str,
        opcode: usize,
        operands: &[u64],
    ) -> Result<u64, Error> {
        let index = usize::from(self.producer) % (1 << ENTRIES_LOG2);
        let lap = self.producer >> ENTRIES_LOG2;
        let identifier = self.producer;
        let mut entry = [0; abi::admin::SUBMISSION_BYTES];
        let head = submission::identifier::set(
            submission::opcode::set(0, opcode as u64),
            identifier.into(),
        ) as u64;
        entry[..8].copy_from_slice(&head.to_le_bytes());
        for (place, operand) in entry[16..].chunks_exact_mut(8).zip(operands) {
            place.copy_from_slice(&operand.to_le_bytes());
        }
        self.submissions
            .store(index * abi::admin::SUBMISSION_BYTES, &entry);
        self.producer = self.producer.wrapping_add(1);
        self.transport.write32(
            Bar::Control,
            registers::admin_doorbell::OFFSET as u64,
            self.producer.into(),
        );

        let expected_phase = u64::from(lap.is_multiple_of(2));
        let start = self.transport.now_ns();
        loop {
            let word = u128::from(
                self.completions
                    .load64(index * abi::admin::COMPLETION_BYTES),
            );
            if completion::phase::get(word) == expected_phase
                && completion::identifier::get(word) == u64::from(identifier)
            {
                let code = completion::status::get(word);
                return match Status::from_code(code) {
                    Some(Status::Done) => Ok(self
                        .completions
                        .load64(index * abi::admin::COMPLETION_BYTES + 8)),
                    status => Err(Error::Refused { what, status }),
                };
            }
            let waited_ns = self.transport.now_ns() - start;
            if waited_ns > TIMEOUT_NS {
                let heartbeats = self
                    .transport
                    .read32(Bar::Control, registers::heartbeat::OFFSET as u64)?;
                return Err(Error::FirmwareSilent {
                    what,
                    waited_us: (waited_ns / 1000.0) as u64,
                    heartbeats,
                });
            }
            self.transport.wait(TIMEOUT_NS);
        }
    }
}
