//! What stands in the miss ring, as far as it was reported.

use abi::admin::MISS_RING_ENTRIES_LOG2;

/// Entries of the miss ring.
const ENTRIES: usize = 1 << MISS_RING_ENTRIES_LOG2;
/// In the place of an identifier: the entry is done with.
const DONE: u16 = u16::MAX;

/// The identifiers of the entries that were reported and not given back, in the ring's order.
#[derive(Clone, Debug)]
pub struct Reports {
    identifiers: [u16; ENTRIES],
    /// Entries given back since the queue was enabled, modulo 2^16.
    start: u16,
    /// Entries reported.
    end: u16,
}

impl Reports {
    pub const fn new() -> Self {
        Reports {
            identifiers: [0; ENTRIES],
            start: 0,
            end: 0,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Number of the entry that is reported next, modulo 2^16.
    pub fn end(&self) -> u16 {
        self.end
    }

    /// Number of the first entry that is not given back.
    pub fn start(&self) -> u16 {
        self.start
    }

    /// Place in the ring of an entry.
    pub fn place(number: u16) -> usize {
        usize::from(number) % ENTRIES
    }

    /// Takes note of an entry. There are never more than the ring has.
    pub fn push(&mut self, identifier: u16) {
        self.identifiers[Reports::place(self.end)] = identifier;
        self.end = self.end.wrapping_add(1);
    }

    /// Identifier of an entry; `None` if it is done with.
    pub fn get(&self, number: u16) -> Option<u16> {
        let identifier = self.identifiers[Reports::place(number)];
        (identifier != DONE).then_some(identifier)
    }

    /// The first entry that is not given back is done with.
    pub fn finish_first(&mut self) {
        self.identifiers[Reports::place(self.start)] = DONE;
    }

    /// All entries for this identifier are done with: how many were not.
    pub fn forget(&mut self, identifier: u16) -> u16 {
        let mut count = 0;
        let mut number = self.start;
        while number != self.end {
            let place = &mut self.identifiers[Reports::place(number)];
            if *place == identifier {
                *place = DONE;
                count += 1;
            }
            number = number.wrapping_add(1);
        }
        count
    }

    /// Passes the entries at the start that are done with: the new start, if there are any.
    pub fn pass(&mut self) -> Option<u16> {
        let before = self.start;
        while self.start != self.end && self.get(self.start).is_none() {
            self.start = self.start.wrapping_add(1);
        }
        (self.start != before).then_some(self.start)
    }
}
