//! Interrupts of receive queues (rules 36 to 44).
//!
//! A program arms its queue, looks, and blocks. The queue raises a vector; the vector sends one message, when it is
//! neither masked nor at rest. Vectors that are raised wait in a FIFO, each once.

use crate::rules::{AllRules, Rule, Rules};

/// What a receive queue keeps for its interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Alarm<R: Rules = AllRules> {
    rules: R,
    delivered: u16,
    armed: bool,
    /// The host has taken the entries before this one, as far as the queue knows.
    consumer: u16,
    place: Place,
}

/// Where a receive queue is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Place {
    Resident,
    Away {
        /// The last store that came meanwhile: index, and whether an interrupt is wanted.
        kept: Option<(u16, bool)>,
        /// It has left with entries in its ring.
        held_entries: bool,
    },
}

impl<R: Rules> Alarm<R> {
    /// A queue without entries, not armed.
    pub fn new(rules: R) -> Self {
        Self {
            rules,
            delivered: 0,
            armed: false,
            consumer: 0,
            place: Place::Resident,
        }
    }

    /// Entries delivered.
    pub fn delivered(&self) -> u16 {
        self.delivered
    }

    /// An entry was handed to the host's writes. Returns whether the vector is raised.
    pub fn on_delivered(&mut self) -> bool {
        self.delivered = self.delivered.wrapping_add(1);
        core::mem::take(&mut self.armed) && self.rules.holds(Rule::EntryRaises)
    }

    /// The host has taken the entries before `index`, and wants an interrupt or none. Returns whether the vector is
    /// raised.
    pub fn on_store(&mut self, index: u16, armed: bool) -> bool {
        if let Place::Away { kept, .. } = &mut self.place {
            *kept = Some((index, armed));
            return false;
        }
        self.consumer = index;
        let covered = index == self.delivered || !self.rules.holds(Rule::ArmTests);
        self.armed = armed && covered;
        armed && !covered
    }

    /// A queue of the NIU holds it.
    pub fn is_resident(&self) -> bool {
        self.place == Place::Resident
    }

    /// The queue goes away. No entry is on its way to it.
    pub fn on_eviction(&mut self) {
        self.armed &= self.rules.holds(Rule::ArmedSaved);
        self.place = Place::Away {
            kept: None,
            held_entries: self.consumer != self.delivered,
        };
    }

    /// Whether firmware must bring it back although no message waits for it.
    pub fn must_come_back(&self) -> bool {
        let stored = |place| {
            matches!(
                place,
                Place::Away {
                    kept: Some(_),
                    held_entries: true,
                }
            )
        };
        stored(self.place) && self.rules.holds(Rule::StoreBringsBack)
    }

    /// The queue comes back, with so many entries that were copied to its ring. Returns whether the vector is raised.
    pub fn on_installation(&mut self, copied: u16) -> bool {
        let Place::Away { kept, .. } = self.place else {
            return false;
        };
        self.place = Place::Resident;
        self.delivered = self.delivered.wrapping_add(copied);
        let mut raises = false;
        if copied > 0 && self.rules.holds(Rule::CopiesRaise) {
            raises = core::mem::take(&mut self.armed);
        }
        if let Some((index, armed)) = kept.filter(|_| self.rules.holds(Rule::WishKept)) {
            raises |= self.on_store(index, armed);
        }
        raises
    }
}

/// An interrupt vector.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Vector<R: Rules = AllRules> {
    rules: R,
    /// Rests behind each message.
    moderated: bool,
    pending: bool,
    /// Stands in the FIFO.
    waits: bool,
    /// Was taken from it and is looked at.
    looks: bool,
    /// What was found before the bit fell.
    found: bool,
    masked: bool,
    resting: bool,
}

impl<R: Rules> Vector<R> {
    /// A vector that is masked, as after reset.
    pub fn new(rules: R, moderated: bool) -> Self {
        Self {
            rules,
            moderated,
            pending: false,
            waits: false,
            looks: false,
            found: false,
            masked: true,
            resting: false,
        }
    }

    /// It was raised and no message was sent since.
    pub fn is_pending(&self) -> bool {
        self.pending
    }

    /// It has the mask bit.
    pub fn is_masked(&self) -> bool {
        self.masked
    }

    /// It may not send yet.
    pub fn is_resting(&self) -> bool {
        self.resting
    }

    /// It stands in the FIFO.
    pub fn is_waiting(&self) -> bool {
        self.waits && !self.looks
    }

    /// It is looked at.
    pub fn is_looked_at(&self) -> bool {
        self.looks
    }

    /// A queue raises it.
    pub fn on_raise(&mut self) {
        self.pending = true;
        self.waits = true;
    }

    /// It is taken from the FIFO.
    pub fn on_turn(&mut self) {
        self.looks = true;
        self.found = self.may_send() && !self.rules.holds(Rule::BitFallsFirst);
        if self.rules.holds(Rule::BitFallsFirst) {
            self.waits = false;
        }
    }

    fn may_send(&self) -> bool {
        self.pending && !self.masked && !self.resting
    }

    /// It is looked at. Returns whether its message is sent.
    pub fn on_look(&mut self) -> bool {
        self.looks = false;
        let mut sends = self.may_send();
        if !self.rules.holds(Rule::BitFallsFirst) {
            self.waits = false;
            sends &= self.found;
        }
        self.found = false;
        if sends || !self.rules.holds(Rule::PendingStays) {
            self.pending = false;
        }
        self.resting |= sends && self.moderated;
        sends
    }

    /// The host masks or unmasks it.
    pub fn on_mask(&mut self, masked: bool) {
        self.masked = masked;
        self.waits |= !masked && self.rules.holds(Rule::UnmaskLooks);
    }

    /// Its rest is over.
    pub fn on_rest_end(&mut self) {
        self.resting = false;
        self.waits |= self.rules.holds(Rule::RestEndLooks);
    }
}
