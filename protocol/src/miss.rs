//! A receive queue that is resident or not, as the table of receive queue identifiers knows it (rules 20 to 24).

use crate::{
    ring::Ring,
    rules::{AllRules, Rule, Rules},
};

/// Where messages of the queue go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Map {
    /// Into the ring, by this record.
    Resident(Ring),
    /// Whole into the miss ring, in host memory.
    Away {
        /// Messages that went there.
        count: u16,
        /// Most messages that may go there: the ring's room when the queue was evicted. So filling the ring later never
        /// waits for the host.
        limit: u16,
    },
}

/// What the look-up at the header found. It only starts the work: the map is read again when the message is committed
/// (rule 21).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Found(Map);

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

/// Messages for one RQID, with their queue resident or away.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReceiveQueue<R: Rules = AllRules> {
    rules: R,
    /// Where its messages go.
    pub map: Map,
    /// The consumer index as the host last stored it. Kept for every endpoint, resident or not (rule 22).
    consumer: u16,
}

impl<R: Rules> ReceiveQueue<R> {
    /// A resident queue with an empty ring.
    pub fn new(rules: R, capacity: u16) -> Self {
        Self {
            rules,
            map: Map::Resident(Ring::new(capacity)),
            consumer: 0,
        }
    }

    /// A message's header came.
    pub fn look_up(&self) -> Found {
        Found(self.map)
    }

    /// Whether a message that is committed now finds room. `miss_room`: the miss ring can take one more.
    pub fn has_room(&self, found: Found, miss_room: bool) -> bool {
        match self.decide(found) {
            Map::Resident(ring) => ring.room() > 0,
            Map::Away { count, limit } => count < limit && miss_room,
        }
    }

    /// A message is committed: it is put where the map says now, not where it said when the header came. The caller has
    /// asked [`has_room`](Self::has_room) and the receiver's bit in the same step.
    pub fn commit(&mut self, found: Found, miss_room: bool) -> Put {
        let mut map = self.decide(found);
        let put = match &mut map {
            Map::Resident(ring) => ring.push().map_or(Put::Refused, Put::Entry),
            Map::Away { count, limit } if *count < *limit && miss_room => {
                *count += 1;
                Put::Miss
            }
            Map::Away { .. } => Put::Refused,
        };
        if put != Put::Refused {
            self.map = map;
        }
        put
    }

    /// The host stored its consumer index. Returns whether it was taken. Whether it is valid is known only with the
    /// record; while the queue is away it is checked at the installation.
    pub fn on_consumer(&mut self, consumer: u16) -> bool {
        match &mut self.map {
            Map::Resident(ring) => {
                let valid = ring.consume(consumer);
                if valid {
                    self.consumer = consumer;
                }
                valid
            }
            Map::Away { .. } => {
                if self.rules.holds(Rule::ConsumerKept) {
                    self.consumer = consumer;
                }
                true
            }
        }
    }

    /// Firmware evicts the queue: the map is flipped and the record saved in one step (rule 20). `None` if it is away
    /// already.
    pub fn evict(&mut self) -> Option<Ring> {
        let Map::Resident(ring) = self.map else {
            return None;
        };
        let limit = if self.rules.holds(Rule::MissLimitIsRoom) {
            ring.room()
        } else {
            ring.capacity
        };
        self.map = Map::Away { count: 0, limit };
        Some(ring)
    }

    /// Firmware installs the queue with the record that it saved: the count is added and the map flipped in one step
    /// (rule 23). Returns the count: so many places from the saved producer index on are a gap, to be filled from the
    /// miss ring. `None` if the queue is resident already.
    pub fn install(&mut self, saved: Ring) -> Option<u16> {
        let Map::Away { count, .. } = self.map else {
            return None;
        };
        let mut ring = saved;
        if !ring.consume(self.consumer) {
            self.consumer = ring.consumer;
        }
        ring.producer = ring.producer.wrapping_add(count);
        self.map = Map::Resident(ring);
        Some(count)
    }

    fn decide(&self, found: Found) -> Map {
        if self.rules.holds(Rule::DecideAtCommit) {
            self.map
        } else {
            found.0
        }
    }
}
