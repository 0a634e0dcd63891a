//! Stores to an endpoint's page, whether it is resident or not (rules 16 to 19).
//!
//! Posted writes can never be held up. So what finds no room is refused and counted, and everything behind it is
//! refused too, until the driver says that it starts again from there.

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
    /// First message that must not be stored yet.
    limit: Index<BITS>,
    resident: bool,
    /// A store was refused, and the driver has not started again yet.
    lost: bool,
    /// Losses so far, modulo 2^`BITS`. One bit would do: a loss is counted only after the driver has acted on the one
    /// before.
    losses: Index<BITS>,
    /// Where the bodies of its inline messages stand.
    pub inline: InlineBodies<R>,
}

/// What became of a store.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Stored<const BITS: u32 = 7> {
    /// The queue is resident: an Express message goes to the slot of this index, a producer store launches from it on.
    Resident(Index<BITS>),
    /// The store goes to the capture buffer, with this index.
    Captured(Index<BITS>),
    /// It is dropped; the driver stores it again.
    Refused,
}

/// The part of the shadow line that tells the driver of losses. It acts once each time that `losses` changes: it stores
/// `lost_from` as a resume store, then all messages from there on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct LossReport<const BITS: u32 = 7> {
    /// Losses so far.
    pub losses: Index<BITS>,
    /// The message of the first refused store.
    pub lost_from: Index<BITS>,
}

impl<const BITS: u32, R: Rules> EndpointPage<BITS, R> {
    /// A new endpoint. It is not resident, and `limit` is the first message that must not be stored.
    pub fn new(rules: R, limit: Index<BITS>) -> Self {
        Self {
            rules,
            producer: Index::new(0),
            limit,
            resident: false,
            lost: false,
            losses: Index::new(0),
            inline: InlineBodies::new(rules),
        }
    }

    /// First message that the driver has not stored.
    pub fn producer(&self) -> Index<BITS> {
        self.producer
    }

    /// Whether stores go to the slots of a resident queue.
    pub fn is_resident(&self) -> bool {
        self.resident
    }

    /// What the shadow line must say, if a loss stands.
    pub fn loss(&self) -> Option<LossReport<BITS>> {
        self.lost.then_some(LossReport {
            losses: self.losses,
            lost_from: self.producer,
        })
    }

    /// An Express store came. `capture_room`: the capture buffer can take one more.
    pub fn on_express(&mut self, capture_room: bool) -> Stored<BITS> {
        self.accept(1, capture_room)
    }

    /// The driver stored its producer index: the messages before it stand in an inline page (`inline`) or in a host
    /// ring.
    pub fn on_producer(
        &mut self,
        producer: Index<BITS>,
        inline: bool,
        capture_room: bool,
    ) -> Stored<BITS> {
        if inline && !self.lost && !self.inline.may_launch() {
            return self.lose();
        }
        let stored = self.accept(producer.since(self.producer), capture_room);
        if stored != Stored::Refused {
            self.inline.on_covered();
        }
        stored
    }

    /// A resume store came: the driver starts again from `lost_from`. Ignored if that is not where the loss began, so
    /// that a store which is late does no harm (rule 17).
    pub fn on_resume(&mut self, lost_from: Index<BITS>) {
        if self.lost && lost_from == self.producer {
            self.lost = false;
            self.inline.on_resume();
        }
    }

    /// The queue is resident and has slots for all messages before `limit`.
    pub fn on_limit(&mut self, limit: Index<BITS>) {
        self.limit = limit;
    }

    /// Firmware makes the endpoint resident. Returns the cut: stores from there on go to slots; those before are
    /// captured or were never evicted. A loss outlives it (rule 16).
    pub fn install(&mut self, limit: Index<BITS>) -> Index<BITS> {
        self.resident = true;
        self.limit = limit;
        self.lost &= self.rules.holds(Rule::LossOutlivesInstall);
        self.producer
    }

    /// Firmware makes the endpoint non-resident; it may store up to `limit`. Returns the producer index: everything
    /// before it that is not captured stands in the slots.
    pub fn evict(&mut self, limit: Index<BITS>) -> Index<BITS> {
        self.resident = false;
        self.limit = limit;
        self.producer
    }

    /// Takes a store of `count` messages, or refuses it and all behind it.
    fn accept(&mut self, count: u8, capture_room: bool) -> Stored<BITS> {
        if self.lost && self.rules.holds(Rule::LossRefusesAll) {
            return Stored::Refused;
        }
        let allowed = count <= self.limit.since(self.producer);
        if !allowed && self.rules.holds(Rule::LimitBinds) || !self.resident && !capture_room {
            return self.lose();
        }
        let index = self.producer;
        self.producer = index.plus(count);
        if self.resident {
            Stored::Resident(index)
        } else {
            Stored::Captured(index)
        }
    }

    fn lose(&mut self) -> Stored<BITS> {
        if !self.lost {
            self.lost = true;
            self.losses = self.losses.plus(1);
        }
        Stored::Refused
    }
}

/// The messages of a queue that were captured and stand in no slot yet: from `next` up to `end`. While there are any,
/// `next` is the launch limit (rule 18). Part of the record of a resident queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Gap<const BITS: u32 = 7> {
    /// First message without a slot.
    pub next: Index<BITS>,
    /// The cut: first message that the page decoder put into a slot by itself.
    pub end: Index<BITS>,
}

impl<const BITS: u32> Gap<BITS> {
    /// The gap after an installation.
    pub fn new(launched: Index<BITS>, cut: Index<BITS>) -> Self {
        Self {
            next: launched,
            end: cut,
        }
    }

    /// Whether all messages stand in slots.
    pub fn is_closed(&self) -> bool {
        self.next == self.end
    }

    /// First message that must not be launched.
    pub fn launch_limit(&self, rules: impl Rules, producer: Index<BITS>) -> Index<BITS> {
        if self.is_closed() || !rules.holds(Rule::LaunchLimit) {
            producer
        } else {
            self.next
        }
    }

    /// Whether an Express store may go straight to translation instead of its slot: nothing waits before it.
    pub fn short_way(
        &self,
        rules: impl Rules,
        launched: Index<BITS>,
        producer: Index<BITS>,
    ) -> bool {
        let waits = rules.holds(Rule::ShortWayWaits);
        launched == self.launch_limit(rules, producer) && (self.is_closed() || !waits)
    }

    /// The slot of message `next` was filled.
    pub fn on_filled(&mut self) {
        if !self.is_closed() {
            self.next = self.next.plus(1);
        }
    }

    /// Whether the message stands in no slot.
    pub fn contains(&self, index: Index<BITS>) -> bool {
        index.since(self.next) < self.end.since(self.next)
    }
}
