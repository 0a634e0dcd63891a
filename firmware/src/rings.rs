//! The rings in host memory: where the next submission stands, and what the next answer says (`abi::admin`).

use abi::admin::{COMPLETION_BYTES, Completion, SUBMISSION_BYTES, status::Status};
use abi::control::registers::{self, AdminEntries};

/// Largest base-2 logarithm of the rings' entries.
const MAXIMUM_ENTRIES_LOG2: u8 = 8;

/// The admin queue's registers (`abi::control::registers`), read after its event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdminRegisters {
    /// Host address of the submission ring.
    pub submissions: u64,
    /// Host address of the completion ring.
    pub completions: u64,
    /// Base-2 logarithm of the entries; 0: off.
    pub entries_log2: u8,
    /// Changes when the rings start afresh.
    pub generation: u8,
    /// Producer index.
    pub doorbell: u16,
}

impl AdminRegisters {
    /// Reads them again through `register`, which takes an offset in BAR0: the addresses only if the rings are other
    /// ones, as a read of a register takes the processor long.
    ///
    /// The host may be writing them meanwhile: it turns the queue off first and gives a new generation last, so that an
    /// unchanged first word means that all belong together. `None` if they do not; the host's next
    /// doorbell is still to come.
    pub fn refreshed(&self, mut register: impl FnMut(usize) -> u32) -> Option<Self> {
        let before = register(registers::admin_entries::OFFSET);
        let entries = AdminEntries::unpack(before);
        let mut read = AdminRegisters {
            entries_log2: entries.log2 as u8,
            generation: entries.generation as u8,
            ..*self
        };
        if read != *self {
            let mut wide = |low: usize, high: usize| {
                u64::from(register(low)) | (u64::from(register(high)) << 32)
            };
            read.submissions = wide(
                registers::admin_submission_low::OFFSET,
                registers::admin_submission_high::OFFSET,
            );
            read.completions = wide(
                registers::admin_completion_low::OFFSET,
                registers::admin_completion_high::OFFSET,
            );
        }
        read.doorbell = register(registers::admin_doorbell::OFFSET) as u16;
        let after = register(registers::admin_entries::OFFSET);
        (before == after).then_some(read)
    }

    /// Whether there are rings of a legal size.
    pub fn is_on(&self) -> bool {
        (1..=MAXIMUM_ENTRIES_LOG2).contains(&self.entries_log2)
    }
}

/// Both rings, and how far they are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rings {
    /// Where they stand; `is_on`.
    pub registers: AdminRegisters,
    /// Submissions answered.
    pub consumer: u16,
}

impl Rings {
    fn entries(&self) -> u16 {
        1 << self.registers.entries_log2
    }

    /// Host address of the next submission, if there is one. A doorbell beyond the ring's entries counts for none.
    pub fn submission(&self) -> Option<u64> {
        let waiting = self.registers.doorbell.wrapping_sub(self.consumer);
        let index = u64::from(self.consumer % self.entries());
        let address = self.registers.submissions;
        (waiting != 0 && waiting <= self.entries())
            .then(|| address.wrapping_add(index * SUBMISSION_BYTES as u64))
    }

    /// Takes the next submission as answered: host address of the answer, and its first word.
    pub fn answer(&mut self, identifier: u16, status: Status) -> (u64, u64) {
        let index = self.consumer % self.entries();
        let phase = 1 - (self.consumer / self.entries()) % 2;
        self.consumer = self.consumer.wrapping_add(1);
        let word = Completion {
            identifier: identifier.into(),
            status: status.code(),
            consumer: self.consumer.into(),
            phase: phase.into(),
        };
        let offset = u64::from(index) * COMPLETION_BYTES as u64;
        let address = self.registers.completions.wrapping_add(offset);
        (address, word.pack())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registers(entries_log2: u8, doorbell: u16) -> AdminRegisters {
        AdminRegisters {
            submissions: 0x1_0000,
            completions: 0x2_0000,
            entries_log2,
            generation: 1,
            doorbell,
        }
    }

    /// The registers as a driver left them, and how often they are read; the rings change before
    /// the read number `change_at`.
    fn read(known: AdminRegisters, change_at: usize) -> (Option<AdminRegisters>, usize) {
        let mut reads = 0;
        let read = known.refreshed(|offset| {
            reads += 1;
            match offset {
                registers::admin_entries::OFFSET => 0x105 + u32::from(reads >= change_at),
                _ => 7,
            }
        });
        (read, reads)
    }

    #[test]
    fn registers_that_change_meanwhile_are_not_taken() {
        let new = AdminRegisters::default();
        assert_eq!(read(new, 3).0, None, "the host wrote between the reads");
        let steady = read(new, 1).0.expect("nothing changed any more");
        assert_eq!((steady.entries_log2, steady.generation), (6, 1));
        assert_eq!((steady.submissions, steady.doorbell), (0x7_0000_0007, 7));
    }

    #[test]
    fn addresses_are_read_for_other_rings_only() {
        let other = registers(5, 0);
        let known = AdminRegisters {
            doorbell: 7,
            ..other
        };
        assert_eq!(read(other, 99), (Some(known), 3), "only the doorbell");
        for other in [
            registers(4, 0),
            AdminRegisters {
                generation: 2,
                ..other
            },
        ] {
            let (taken, reads) = read(other, 99);
            assert_eq!(taken.expect("steady").submissions, 0x7_0000_0007);
            assert_eq!(reads, 7);
        }
        assert_eq!(read(other, 3).0, None, "the host wrote between the reads");
    }

    #[test]
    fn illegal_sizes_are_off() {
        let on = |log2| registers(log2, 0).is_on();
        assert!(!on(0) && on(1) && on(8) && !on(9) && !on(15));
    }

    #[test]
    fn indices_wrap_with_the_ring_and_with_sixteen_bits() {
        let mut rings = Rings {
            registers: registers(2, 0xffff),
            consumer: 0xfffd,
        };
        assert_eq!(rings.submission(), Some(0x1_0000 + 64));
        let phase = |rings: &mut Rings| rings.answer(1, Status::Done).1 >> 63;
        assert_eq!(
            phase(&mut rings),
            0,
            "the last lap before the wrap is an odd one"
        );
        assert_eq!(rings.submission(), Some(0x1_0000 + 2 * 64));
        phase(&mut rings);
        assert_eq!(rings.submission(), None, "all answered");
        phase(&mut rings);
        rings.registers.doorbell = 4;
        assert_eq!(rings.submission(), Some(0x1_0000), "a full ring");
        rings.registers.doorbell = 5;
        assert_eq!(rings.submission(), None, "more than the ring holds");
        assert_eq!(phase(&mut rings), 1);
    }
}
