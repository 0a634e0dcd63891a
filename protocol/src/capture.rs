//! Stores to an endpoint's page, whether its transmit queue is resident or not (rules 16 to 19).
//!
//! Posted writes can never be held up. So what finds no room is lost and counted, and everything behind it is refused
//! too, until the driver says that it starts again from there.

use crate::{
    index::Index,
    inline_pages::InlineBodies,
    rules::{AllRules, Rule, Rules},
};

/// What the page decoder keeps of every endpoint, resident or not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct EndpointPage<const BITS: u32 = 7, R: Rules = AllRules> {
    rules: R,
    /// First message that the driver has not stored.
    producer: Index<BITS>,
    /// First message that must not be stored yet: the consumer index plus the slots.
    limit: Index<BITS>,
    /// The endpoint's word of the map: its transmit queue is resident.
    resident: bool,
    /// A store was lost, and the driver has not started again yet.
    lost: bool,
    /// Losses so far, modulo 2^`BITS`.
    losses: Index<BITS>,
    /// Its stores in the capture buffer.
    captured: u8,
    /// Most stores that it may have there.
    share: u8,
    /// Where the bodies of its inline messages stand.
    pub inline: InlineBodies<R>,
}

/// What a store's look-up in the map found. The verdict comes later, and another store may lie between them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Found {
    resident: bool,
}

/// What became of a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stored<const BITS: u32 = 7> {
    /// It goes to the queue: to the slot of this index, or, of a producer index, to the launch.
    Direct(Index<BITS>),
    /// It goes to the capture buffer.
    Captured(CapturedStore<BITS>),
    /// It is dropped, and counted as an error: it lies beyond the free slots.
    Rejected,
    /// It is dropped; the driver stores it again.
    Lost,
}

/// A store of a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StoreKind {
    /// An Express message.
    Express,
    /// The head of an inline body: it goes to the message's slot. The rest of the body goes to the page, at once.
    Head,
    /// A producer index.
    Producer,
}

/// A store in the capture buffer. The buffer is one FIFO, shared by all endpoints; it holds the bytes, too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct CapturedStore<const BITS: u32 = 7> {
    /// What it is.
    pub kind: StoreKind,
    /// The producer index before it.
    pub producer: Index<BITS>,
    /// Its message; of a producer index, that index.
    pub index: Index<BITS>,
}

/// What a replay does with the oldest captured store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Replay {
    /// It is carried out on a queue.
    CarryOut,
    /// It is carried out, and what the driver stores from now on is lost.
    CarryOutAndLose,
    /// It is thrown away, and with it everything from its message on.
    Discard,
}

/// The part of the shadow line that tells the driver of losses. It acts once each time that `losses` changes: it stores
/// `lost_from` as a resume store, then all messages from there on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LossReport<const BITS: u32 = 7> {
    /// Losses so far.
    pub losses: Index<BITS>,
    /// The message of the first lost store.
    pub lost_from: Index<BITS>,
}

impl<const BITS: u32, R: Rules> EndpointPage<BITS, R> {
    /// A new endpoint, which is away. `limit` is the first message that must not be stored, `share` the most stores
    /// that it may have in the capture buffer.
    pub fn new(rules: R, limit: Index<BITS>, share: u8) -> Self {
        Self {
            rules,
            producer: Index::new(0),
            limit,
            resident: false,
            lost: false,
            losses: Index::new(0),
            captured: 0,
            share,
            inline: InlineBodies::new(rules),
        }
    }

    /// First message that the driver has not stored.
    pub fn producer(&self) -> Index<BITS> {
        self.producer
    }

    /// What the map says.
    pub fn is_resident(&self) -> bool {
        self.resident
    }

    /// Its stores in the capture buffer.
    pub fn captured(&self) -> u8 {
        self.captured
    }

    /// What the shadow line must say, if a loss stands.
    pub fn loss(&self) -> Option<LossReport<BITS>> {
        self.lost.then_some(LossReport {
            losses: self.losses,
            lost_from: self.producer,
        })
    }

    /// A store came: it reads the map.
    pub fn look_up(&self) -> Found {
        Found {
            resident: self.resident,
        }
    }

    /// Whether a store that found this goes to the queue, if it is taken.
    pub fn is_direct(&self, found: Found) -> bool {
        let first = self.captured > 0 && self.rules.holds(Rule::CapturedFirst);
        found.resident && !first
    }

    /// The verdict on an Express store. `room`: the capture buffer can take one more.
    pub fn on_express(&mut self, found: Found, room: bool) -> Stored<BITS> {
        self.accept(StoreKind::Express, self.producer.plus(1), found, room)
    }

    /// The verdict on a producer index: the messages before it stand in an inline page (`inline`) or in a host ring.
    pub fn on_producer(
        &mut self,
        producer: Index<BITS>,
        inline: bool,
        found: Found,
        room: bool,
    ) -> Stored<BITS> {
        if inline && !self.inline.may_launch(found.resident) {
            self.lose();
            return Stored::Lost;
        }
        let stored = self.accept(StoreKind::Producer, producer, found, room);
        if matches!(stored, Stored::Direct(_) | Stored::Captured(_)) {
            self.inline.on_covered();
        }
        stored
    }

    /// The verdict on the head of the body of message `index`. Without a page it is noted as lost (rule 26).
    pub fn on_head(&mut self, index: Index<BITS>, found: Found, room: bool) -> Stored<BITS> {
        if self.inline.on_store().is_none() {
            return Stored::Lost;
        }
        let direct = self.is_direct(found);
        if !direct && !self.rules.holds(Rule::HeadsCaptured) {
            return Stored::Lost;
        }
        if self.is_refused(direct, room) {
            self.lose();
            return Stored::Lost;
        }
        if direct {
            self.inline.on_head();
            Stored::Direct(index)
        } else {
            self.capture(StoreKind::Head, index)
        }
    }

    /// A resume store came: the driver starts again from `lost_from`. Ignored if that is not where the loss began, so
    /// that a store which is late does no harm (rule 17).
    pub fn on_resume(&mut self, lost_from: Index<BITS>) {
        if self.lost && lost_from == self.producer {
            self.lost = false;
            self.inline.on_resume();
        }
    }

    /// The consumer index moved: there are slots for all messages before `limit`.
    pub fn on_limit(&mut self, limit: Index<BITS>) {
        self.limit = limit;
    }

    /// The oldest captured store, which is this endpoint's, is replayed. Returns whether more of the endpoint's stores
    /// are captured.
    pub fn replay(&mut self, store: &CapturedStore<BITS>, how: Replay) -> bool {
        self.captured = self.captured.saturating_sub(1);
        match how {
            Replay::Discard => self.shed(store.producer),
            Replay::CarryOut | Replay::CarryOutAndLose => {
                self.bring();
                self.inline.on_replay(store.kind);
            }
        }
        if how == Replay::CarryOutAndLose {
            self.lose();
        }
        self.captured > 0
    }

    /// A queue is there for the endpoint, and the map is about to say so.
    pub fn bring(&mut self) {
        if !self.resident {
            self.inline.on_queue();
        }
        self.lost &= self.rules.holds(Rule::LossOutlivesInstall);
    }

    /// The endpoint's word of the map is written. That is possible at any time.
    pub fn set_resident(&mut self, resident: bool) {
        self.resident = resident;
    }

    /// The endpoint's number is given to a new one. Impossible while stores of the former one are captured.
    pub fn renew(&mut self, limit: Index<BITS>) -> bool {
        let free = self.captured == 0 || !self.rules.holds(Rule::FreshWithoutCaptured);
        if free {
            *self = Self::new(self.rules, limit, self.share);
        }
        free
    }

    fn accept(
        &mut self,
        kind: StoreKind,
        producer: Index<BITS>,
        found: Found,
        room: bool,
    ) -> Stored<BITS> {
        let count = producer.since(self.producer);
        if count > self.limit.since(self.producer) && self.rules.holds(Rule::LimitBinds) {
            return Stored::Rejected;
        }
        let direct = self.is_direct(found);
        if self.is_refused(direct, room) {
            self.lose();
            return Stored::Lost;
        }
        let index = match kind {
            StoreKind::Producer => producer,
            StoreKind::Express | StoreKind::Head => self.producer,
        };
        let stored = if direct {
            Stored::Direct(index)
        } else {
            self.capture(kind, index)
        };
        self.producer = producer;
        stored
    }

    fn is_refused(&self, direct: bool, room: bool) -> bool {
        let within = self.captured < self.share || !self.rules.holds(Rule::ShareBounds);
        let lost = self.lost && self.rules.holds(Rule::LossRefusesAll);
        lost || !(direct || room && within)
    }

    fn capture(&mut self, kind: StoreKind, index: Index<BITS>) -> Stored<BITS> {
        // The counter has no more bits than the share needs.
        self.captured = if self.captured == self.share {
            0
        } else {
            self.captured + 1
        };
        Stored::Captured(CapturedStore {
            kind,
            producer: self.producer,
            index,
        })
    }

    fn lose(&mut self) {
        if !self.lost {
            self.lost = true;
            self.losses = self.losses.plus(1);
        }
    }

    /// A captured store is thrown away: the driver starts again from its message, or from the earlier one from which it
    /// starts again anyway. A head has not moved the producer index, and its loss must be one, too.
    fn shed(&mut self, from: Index<BITS>) {
        let stored = self.producer.since(from);
        let behind = stored == 0 || stored > Index::<BITS>::WINDOW;
        if !self.rules.holds(Rule::DiscardRollsBack) {
            if !self.lost {
                self.lose();
                self.producer = from;
            }
        } else if !behind {
            self.producer = from;
            self.lost = true;
            self.losses = self.losses.plus(1);
        } else if self.rules.holds(Rule::DiscardIsLoss) {
            self.lose();
        }
    }
}
