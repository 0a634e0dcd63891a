//! A receive queue that is resident or away, and the miss ring (rules 20 to 24).

use crate::{
    ring::Ring,
    rules::{AllRules, Rule, Rules},
};

/// Where the identifier of a receive queue leads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Row {
    /// To its queue of the NIU.
    Resident,
    /// To the miss ring, which takes so many more messages for it. With none the row is closed: FULL.
    Away {
        /// How many.
        allowance: u8,
    },
}

/// What the look-up at the header found. It only starts the work: the row is read again when the message is committed
/// (rule 21).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Found(Row);

/// Where a message is put.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Put {
    /// Entry of the ring, by index.
    Entry(u16),
    /// The next entry of the miss ring.
    Miss,
    /// Nowhere: FULL.
    Refused,
}

/// A receive queue. Its endpoint's part stays when it is away; the record is there only while a queue of the NIU holds
/// it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReceiveQueue<R: Rules = AllRules> {
    rules: R,
    row: Row,
    /// Record of the queue that holds it. A queue that is disabled keeps it until another is loaded.
    record: Ring,
    /// A queue of the NIU is enabled with this identifier.
    enabled: bool,
    /// The endpoint's word of the map: consumer indices go to the record.
    resident: bool,
    /// The consumer index as the host last stored it (rule 22).
    kept: u16,
}

impl<R: Rules> ReceiveQueue<R> {
    /// A resident queue with an empty ring.
    pub fn new(rules: R, capacity: u16) -> Self {
        Self {
            rules,
            row: Row::Resident,
            record: Ring::new(capacity),
            enabled: true,
            resident: true,
            kept: 0,
        }
    }

    /// A queue that is away from the start, with an empty ring.
    pub fn away(rules: R, capacity: u16) -> Self {
        Self {
            row: Row::Away {
                allowance: allowance(rules, &Ring::new(capacity)),
            },
            enabled: false,
            resident: false,
            ..Self::new(rules, capacity)
        }
    }

    /// Whether consumer indices go to the record.
    pub fn is_resident(&self) -> bool {
        self.resident
    }

    /// Whether a queue of the NIU holds it.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    /// A message's header came.
    pub fn look_up(&self) -> Found {
        Found(self.row)
    }

    /// Whether a message that is committed now finds room. `miss_room`: the miss ring can take one more, and a report
    /// of it.
    pub fn has_room(&self, found: Found, miss_room: bool) -> bool {
        let mut copy = *self;
        copy.commit(found, miss_room) != Put::Refused
    }

    /// A message is committed: it is put where its look-up said, if that still holds. If not it is refused, and its
    /// sender tries again. The caller has asked [`has_room`](Self::has_room) and the receiver's bit in the same step.
    pub fn commit(&mut self, found: Found, miss_room: bool) -> Put {
        let row = if self.rules.holds(Rule::DecideAtCommit) {
            self.row
        } else {
            found.0
        };
        match (found.0, row) {
            (Row::Resident, _) => {
                let entry = self.enabled.then(|| self.record.push()).flatten();
                entry.map_or(Put::Refused, Put::Entry)
            }
            (Row::Away { .. }, Row::Away { allowance }) if allowance > 0 && miss_room => {
                self.row = Row::Away {
                    allowance: allowance - 1,
                };
                Put::Miss
            }
            (Row::Away { .. }, _) => Put::Refused,
        }
    }

    /// The host stored its consumer index, and the store's look-up found the queue resident or not. Returns whether
    /// firmware is told.
    pub fn on_consumer(&mut self, consumer: u16, found_resident: bool) -> bool {
        if found_resident || self.rules.holds(Rule::ConsumerKept) {
            self.kept = consumer;
        }
        if found_resident && self.resident {
            // An index that was never delivered is ignored.
            self.record.consume(consumer);
        }
        !found_resident
    }

    /// The endpoint's word of the map is written. An index that was kept goes to the record (rule 22).
    pub fn set_resident(&mut self, resident: bool) {
        self.resident = resident;
        if resident {
            self.record.consume(self.kept);
        }
    }

    /// The identifier's row is written.
    pub fn set_row(&mut self, row: Row) {
        self.row = row;
    }

    /// The record as it is.
    pub fn save(&self) -> Ring {
        self.record
    }

    /// The queue of the NIU is taken from it.
    pub fn disable(&mut self) {
        self.enabled = false;
    }

    /// It gets a queue of the NIU, with this record.
    pub fn load(&mut self, record: Ring) {
        self.record = record;
        self.enabled = true;
    }
}

/// How many messages the miss ring may take for a queue that leaves with this record: the room of its ring, so that
/// copying them never waits for the host.
pub fn allowance(rules: impl Rules, record: &Ring) -> u8 {
    let room = if rules.holds(Rule::AllowanceIsRoom) {
        record.room()
    } else {
        record.capacity
    };
    u8::try_from(room).unwrap_or(u8::MAX)
}
