//! The firmware's part of installation and eviction: which command comes when. The hardware carries out each command as
//! one step.
//!
//! Firmware keeps one of these for each endpoint that is resident, or on its way. It decides for itself whom to install
//! and whom to evict; that needs no rule.

use crate::{
    capture::Gap,
    index::Index,
    ring::Ring,
    rules::{AllRules, Rule, Rules},
    sender::SavedSender,
};

/// Where a transmit queue stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum TransmitState {
    /// Its record and slots are in host memory.
    #[default]
    Away,
    /// The record is being loaded, and the map flipped after it.
    Installing,
    /// It has a slot of the NIU. Captured stores are filled in.
    Resident,
    /// It launches nothing more; answers are awaited (rule 6).
    Stopping,
    /// The map is being flipped.
    Evicting,
    /// Slots are being copied to host memory (rule 19).
    Saving,
}

/// What happened to a transmit queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransmitEvent<const BITS: u32 = 7> {
    /// It is to become resident.
    Wanted,
    /// [`TransmitAction::Install`] is done; the page decoder returned the cut.
    Installed {
        /// First message that the page decoder puts into a slot by itself.
        cut: Index<BITS>,
    },
    /// A store of the endpoint was moved from the capture buffer to host memory.
    Captured,
    /// [`TransmitAction::Fill`] is done.
    Filled,
    /// It is to leave its slot.
    Unwanted,
    /// It is stopped and nothing is unanswered.
    Answered,
    /// [`TransmitAction::Evict`] is done.
    Evicted {
        /// Producer index when the map was flipped.
        producer: Index<BITS>,
        /// The record.
        saved: SavedSender<BITS>,
    },
    /// [`TransmitAction::Save`] is done.
    Saved,
}

/// A command for the hardware.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransmitAction<const BITS: u32 = 7> {
    /// Load the record and the slots of the messages from its consumer index up to its launched index, which were
    /// refused. Then flip the map, which returns the cut.
    Install(SavedSender<BITS>),
    /// Copy this message's captured store into its slot, and move the launch limit behind it.
    Fill(Index<BITS>),
    /// Launch nothing more, and tell when nothing is unanswered.
    Stop,
    /// Flip the map, and return producer index and record.
    Evict,
    /// Copy to host memory the slots of these messages, except those in the gap: they were never filled.
    Save {
        /// First message that is not done.
        from: Index<BITS>,
        /// First message that was not stored.
        to: Index<BITS>,
        /// Messages that stand in host memory already.
        gap: Gap<BITS>,
    },
}

/// A transmit queue's way in and out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TransmitResidency<const BITS: u32 = 7, R: Rules = AllRules> {
    rules: R,
    state: TransmitState,
    saved: SavedSender<BITS>,
    gap: Gap<BITS>,
    filling: bool,
}

impl<const BITS: u32, R: Rules> TransmitResidency<BITS, R> {
    /// A new endpoint, which is not resident.
    pub fn new(rules: R) -> Self {
        Self {
            rules,
            state: TransmitState::Away,
            saved: SavedSender::default(),
            gap: Gap::default(),
            filling: false,
        }
    }

    /// Whether the queue holds a slot of the NIU, or is on its way in or out.
    pub fn has_slot(&self) -> bool {
        self.state != TransmitState::Away
    }

    /// Takes one event. `captured` tells whether host memory has the captured store of a message. Events that do not
    /// fit the state are ignored.
    pub fn step(
        &mut self,
        event: TransmitEvent<BITS>,
        captured: impl Fn(Index<BITS>) -> bool,
    ) -> Option<TransmitAction<BITS>> {
        use TransmitState::{Away, Evicting, Installing, Resident, Saving, Stopping};
        match (self.state, event) {
            (Away, TransmitEvent::Wanted) => {
                self.state = Installing;
                Some(TransmitAction::Install(self.saved))
            }
            (Installing, TransmitEvent::Installed { cut }) => {
                self.state = Resident;
                self.gap = Gap::new(self.saved.launched, cut);
                self.fill(captured)
            }
            (Resident, TransmitEvent::Captured) => self.fill(captured),
            (Resident | Stopping, TransmitEvent::Filled) => {
                self.filling = false;
                self.gap.on_filled();
                self.fill(captured)
            }
            (Resident, TransmitEvent::Unwanted) => {
                self.state = Stopping;
                Some(TransmitAction::Stop)
            }
            (Stopping, TransmitEvent::Answered) if !self.filling => {
                self.state = Evicting;
                Some(TransmitAction::Evict)
            }
            (Evicting, TransmitEvent::Evicted { producer, saved }) => {
                self.state = Saving;
                self.saved = saved;
                let skip = self.rules.holds(Rule::SaveSkipsGap);
                let refused = self.rules.holds(Rule::SaveRefused);
                Some(TransmitAction::Save {
                    from: if refused {
                        saved.consumer
                    } else {
                        saved.launched
                    },
                    to: producer,
                    gap: if skip { self.gap } else { Gap::default() },
                })
            }
            (Saving, TransmitEvent::Saved) => {
                self.state = Away;
                self.gap = Gap::default();
                None
            }
            _ => None,
        }
    }

    /// The next fill, in index order and one at a time (rule 18).
    fn fill(&mut self, captured: impl Fn(Index<BITS>) -> bool) -> Option<TransmitAction<BITS>> {
        if self.state != TransmitState::Resident || self.filling {
            return None;
        }
        let missing = self.gap.end.since(self.gap.next);
        let considered = if self.rules.holds(Rule::FillInOrder) {
            missing.min(1)
        } else {
            missing
        };
        let index = (0..considered)
            .map(|distance| self.gap.next.plus(distance))
            .find(|&index| captured(index))?;
        self.filling = true;
        Some(TransmitAction::Fill(index))
    }
}

/// Where a receive queue stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum ReceiveState {
    #[default]
    Resident,
    Evicting,
    Away,
    Installing,
}

/// What happened to a receive queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReceiveEvent {
    /// It is to leave its slot.
    Unwanted,
    /// [`ReceiveAction::Evict`] is done; the record as saved.
    Evicted(Ring),
    /// It is to become resident.
    Wanted,
    /// [`ReceiveAction::Install`] is done.
    Installed {
        /// Messages that went to the miss ring.
        count: u16,
    },
    /// [`ReceiveAction::Fill`] is done.
    Filled,
}

/// A command for the hardware.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReceiveAction {
    /// Flip the map and return the record, in one step.
    Evict,
    /// Load the record with the count added, and flip the map, in one step.
    Install(Ring),
    /// Copy the queue's oldest message in the miss ring to this place of its ring, and wake the host as an arrival
    /// does.
    Fill {
        /// Index of the entry.
        place: u16,
    },
}

/// A receive queue's way in and out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReceiveResidency<R: Rules = AllRules> {
    rules: R,
    state: ReceiveState,
    saved: Ring,
    /// Next place to fill, and the end of the gap.
    gap: (u16, u16),
}

impl<R: Rules> ReceiveResidency<R> {
    /// A resident queue with so many entries.
    pub fn new(rules: R, capacity: u16) -> Self {
        Self {
            rules,
            state: ReceiveState::Resident,
            saved: Ring::new(capacity),
            gap: (0, 0),
        }
    }

    /// Whether missed messages have still to be filled in.
    pub fn has_gap(&self) -> bool {
        self.gap.0 != self.gap.1
    }

    /// Takes one event. Events that do not fit the state are ignored: a queue with a gap is not evicted, for one (rule
    /// 24).
    pub fn step(&mut self, event: ReceiveEvent) -> Option<ReceiveAction> {
        use ReceiveState::{Away, Evicting, Installing, Resident};
        let filled = !self.has_gap() || !self.rules.holds(Rule::EvictWithoutGap);
        match (self.state, event) {
            (Resident, ReceiveEvent::Unwanted) if filled => {
                self.state = Evicting;
                Some(ReceiveAction::Evict)
            }
            (Evicting, ReceiveEvent::Evicted(ring)) => {
                self.state = Away;
                self.saved = ring;
                None
            }
            (Away, ReceiveEvent::Wanted) => {
                self.state = Installing;
                Some(ReceiveAction::Install(self.saved))
            }
            (Installing, ReceiveEvent::Installed { count }) => {
                self.state = Resident;
                let begin = if self.has_gap() {
                    self.gap.0
                } else {
                    self.saved.producer
                };
                self.gap = (begin, self.saved.producer.wrapping_add(count));
                self.fill()
            }
            (_, ReceiveEvent::Filled) if self.has_gap() => {
                self.gap.0 = self.gap.0.wrapping_add(1);
                self.fill()
            }
            _ => None,
        }
    }

    fn fill(&self) -> Option<ReceiveAction> {
        let place = self.gap.0;
        self.has_gap().then_some(ReceiveAction::Fill { place })
    }
}
