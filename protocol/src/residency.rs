//! The firmware's part of installation and eviction: which command comes when. The hardware carries out each command as
//! one step.
//!
//! Firmware keeps one of these for each endpoint. It decides for itself whom to install and whom to evict; that needs
//! no rule.

use crate::{
    capture::Replay,
    index::Index,
    miss::{Row, allowance},
    ring::Ring,
    rules::{AllRules, Rule, Rules},
};

/// Where a transmit queue stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum TransmitState {
    /// Its record is in host memory.
    #[default]
    Away,
    /// The record is being loaded.
    Loading,
    /// It has a slot of the NIU.
    Present,
    /// The map is being written, so that stores are captured.
    Leaving,
    /// The record is being read.
    Saving,
}

/// What happened to a transmit queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransmitEvent<const BITS: u32 = 7> {
    /// It is to become resident; a slot is free.
    Wanted,
    /// [`TransmitAction::Load`] is done.
    Loaded,
    /// The oldest captured store is one of its endpoint's.
    Captured,
    /// The same, and so it was too often: the driver stores as fast as firmware replays.
    Endless,
    /// The same, and no slot can be had.
    NoSlot,
    /// A store of its endpoint was lost.
    Lost,
    /// [`TransmitAction::Replay`] is done.
    Replayed {
        /// More of the endpoint's stores are captured.
        more: bool,
    },
    /// It is to leave its slot.
    Unwanted,
    /// [`TransmitAction::Leave`] is done.
    Left,
    /// [`TransmitAction::Save`] is done.
    Saved {
        /// The consumer index, if the queue is idle: nothing unanswered, and nothing to launch.
        idle: Option<Index<BITS>>,
    },
}

/// A command for the hardware.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TransmitAction<const BITS: u32 = 7> {
    /// Load the record: the queue goes on at this consumer index and has nothing to launch.
    Load(Index<BITS>),
    /// Replay the oldest captured store, then have the map say that the queue is resident; not with
    /// [`Replay::Discard`].
    Replay(Replay),
    /// Have the map say that the queue is resident. The shadow line tells of a loss.
    Map,
    /// Have the map say that the queue is away.
    Leave,
    /// Read the record, behind the queue's last shadow line. If the queue is idle, its slot is free.
    Save,
}

/// A transmit queue's way in and out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TransmitResidency<const BITS: u32 = 7, R: Rules = AllRules> {
    rules: R,
    state: TransmitState,
    saved: Index<BITS>,
    /// The last replay said that more stores of the endpoint are captured.
    more: bool,
    /// Stores of the endpoint are thrown away until no more are captured.
    shedding: bool,
}

impl<const BITS: u32, R: Rules> TransmitResidency<BITS, R> {
    /// A new endpoint, which is away.
    pub fn new(rules: R) -> Self {
        Self {
            rules,
            state: TransmitState::Away,
            saved: Index::new(0),
            more: false,
            shedding: false,
        }
    }

    /// Whether the queue holds a slot of the NIU, or is on its way in or out.
    pub fn has_slot(&self) -> bool {
        self.state != TransmitState::Away
    }

    /// Whether captured stores of the endpoint are thrown away.
    pub fn is_shedding(&self) -> bool {
        self.shedding
    }

    /// Whether it may be installed, if it is away.
    pub fn may_load(&self) -> bool {
        self.state == TransmitState::Away && !self.shedding
    }

    /// Whether it may be evicted (rule 19): not while a replay has said that more stores are captured. A head that was
    /// replayed would be gone, and the producer index that covers it is behind it in the capture buffer.
    pub fn may_leave(&self) -> bool {
        let replayed = !self.more || !self.rules.holds(Rule::EvictReplayed);
        self.state == TransmitState::Present && replayed
    }

    /// Takes one event. Events that do not fit the state are ignored.
    pub fn step(&mut self, event: TransmitEvent<BITS>) -> Option<TransmitAction<BITS>> {
        use TransmitState::{Away, Leaving, Loading, Present, Saving};
        match (self.state, event) {
            (Away, TransmitEvent::Wanted) if !self.shedding => {
                self.state = Loading;
                Some(TransmitAction::Load(self.saved))
            }
            (Loading, TransmitEvent::Loaded) => {
                self.state = Present;
                Some(TransmitAction::Map)
            }
            (Present, TransmitEvent::Captured) => Some(TransmitAction::Replay(Replay::CarryOut)),
            (Present, TransmitEvent::Endless) => {
                Some(TransmitAction::Replay(Replay::CarryOutAndLose))
            }
            (Away, TransmitEvent::Captured) if self.shedding => {
                Some(TransmitAction::Replay(Replay::Discard))
            }
            (Away, TransmitEvent::NoSlot) => {
                self.shedding = true;
                Some(TransmitAction::Replay(Replay::Discard))
            }
            (Present, TransmitEvent::Lost) => Some(TransmitAction::Map),
            (_, TransmitEvent::Replayed { more }) => {
                self.more = more;
                self.shedding &= more && self.rules.holds(Rule::ShedToTheEnd);
                None
            }
            (Present, TransmitEvent::Unwanted) if self.may_leave() => {
                if self.rules.holds(Rule::LeaveBeforeSave) {
                    self.state = Leaving;
                    Some(TransmitAction::Leave)
                } else {
                    self.state = Saving;
                    Some(TransmitAction::Save)
                }
            }
            (Leaving, TransmitEvent::Left) => {
                self.state = Saving;
                Some(TransmitAction::Save)
            }
            (Saving, TransmitEvent::Saved { idle: None }) => {
                self.state = Present;
                Some(TransmitAction::Map)
            }
            (Saving, TransmitEvent::Saved { idle: Some(saved) }) => {
                self.state = Away;
                self.saved = saved;
                let late = !self.rules.holds(Rule::LeaveBeforeSave);
                late.then_some(TransmitAction::Leave)
            }
            _ => None,
        }
    }
}

/// Where a receive queue stands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum ReceiveState {
    #[default]
    Present,
    /// The queue is being disabled.
    Disabling,
    /// The record is being read.
    Saving,
    /// The row is being written.
    Opening,
    Away,
    /// The row is being closed.
    Closing,
    /// Entries of the miss ring are being copied.
    Copying,
    /// The record is being loaded.
    Loading,
    /// Row, then map are being written.
    Mapping,
}

/// What happened to a receive queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReceiveEvent {
    /// It is to leave its slot.
    Unwanted,
    /// It is to become resident; a slot is free.
    Wanted,
    /// The command is done.
    Done,
    /// [`ReceiveAction::Save`] is done.
    Saved(Ring),
    /// The host stored a consumer index that has found the queue away.
    Consumer,
    /// Nothing more of it stands in the miss ring that was not copied. Firmware knows that only when as many messages
    /// were reported as the miss ring has taken.
    Drained,
}

/// A command for the hardware.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReceiveAction {
    /// Have the map say that the queue is away, and disable it.
    Disable,
    /// Read the record.
    Save,
    /// Write the identifier's row.
    SetRow(Row),
    /// Copy the identifier's oldest entry of the miss ring to this place of its own ring, and wake the host as an
    /// arrival does.
    Copy {
        /// Index of the entry.
        place: u16,
    },
    /// Load this record.
    Load(Ring),
    /// Have the map say that the queue is resident.
    Map,
}

/// A receive queue's way in and out.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReceiveResidency<R: Rules = AllRules> {
    rules: R,
    state: ReceiveState,
    saved: Ring,
    /// Entries copied since it was saved.
    copied: u16,
}

impl<R: Rules> ReceiveResidency<R> {
    /// A resident queue with so many entries, or one that is away from the start.
    pub fn new(rules: R, capacity: u16, resident: bool) -> Self {
        Self {
            rules,
            state: if resident {
                ReceiveState::Present
            } else {
                ReceiveState::Away
            },
            saved: Ring::new(capacity),
            copied: 0,
        }
    }

    /// Whether it is away, and not on its way.
    pub fn is_away(&self) -> bool {
        self.state == ReceiveState::Away
    }

    /// Whether it is resident, and not on its way.
    pub fn is_present(&self) -> bool {
        self.state == ReceiveState::Present
    }

    /// Whether entries of the miss ring are being copied.
    pub fn is_copying(&self) -> bool {
        self.state == ReceiveState::Copying
    }

    /// An index that the host stores while the queue is away must bring it back: it left without room, so its senders
    /// are refused and no miss tells of them (rule 22).
    pub fn is_starved(&self) -> bool {
        self.is_away() && self.saved.room() == 0 && self.rules.holds(Rule::StarvedReturns)
    }

    /// Takes one event. Events that do not fit the state are ignored.
    pub fn step(&mut self, event: ReceiveEvent) -> Option<ReceiveAction> {
        use ReceiveState::{
            Away, Closing, Copying, Disabling, Loading, Mapping, Opening, Present, Saving,
        };
        let in_order = self.rules.holds(Rule::DisableBeforeSave);
        let (state, action) = match (self.state, event) {
            (Present, ReceiveEvent::Unwanted) if in_order => (Disabling, ReceiveAction::Disable),
            (Present, ReceiveEvent::Unwanted) => (Saving, ReceiveAction::Save),
            (Present, ReceiveEvent::Consumer) if self.rules.holds(Rule::EventMapsAgain) => {
                return Some(ReceiveAction::Map);
            }
            (Disabling, ReceiveEvent::Done) if in_order => (Saving, ReceiveAction::Save),
            (Saving, ReceiveEvent::Saved(record)) => {
                self.saved = record;
                self.copied = 0;
                if in_order {
                    (Opening, self.open())
                } else {
                    (Disabling, ReceiveAction::Disable)
                }
            }
            (Disabling, ReceiveEvent::Done) => (Opening, self.open()),
            (Opening, ReceiveEvent::Done) => {
                self.state = Away;
                return None;
            }
            (Away, ReceiveEvent::Wanted) if self.rules.holds(Rule::CloseBeforeCopy) => {
                (Closing, ReceiveAction::SetRow(Row::Away { allowance: 0 }))
            }
            (Away, ReceiveEvent::Wanted) => (Copying, self.copy()),
            (Closing, ReceiveEvent::Done) => (Copying, self.copy()),
            (Copying, ReceiveEvent::Done) => {
                self.copied += 1;
                (Copying, self.copy())
            }
            (Copying, ReceiveEvent::Drained) => {
                let mut record = self.saved;
                if self.rules.holds(Rule::RecordCountsCopies) {
                    record.producer = record.producer.wrapping_add(self.copied);
                }
                self.copied = 0;
                (Loading, ReceiveAction::Load(record))
            }
            (Loading, ReceiveEvent::Done) => (Mapping, ReceiveAction::SetRow(Row::Resident)),
            (Mapping, ReceiveEvent::Done) => {
                self.state = Present;
                return Some(ReceiveAction::Map);
            }
            _ => return None,
        };
        self.state = state;
        Some(action)
    }

    fn open(&self) -> ReceiveAction {
        let allowance = allowance(self.rules, &self.saved);
        ReceiveAction::SetRow(Row::Away { allowance })
    }

    fn copy(&self) -> ReceiveAction {
        ReceiveAction::Copy {
            place: self.saved.producer.wrapping_add(self.copied),
        }
    }
}
