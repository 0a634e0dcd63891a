//! What a sink has taken in, guest by guest.

use super::guest::{Guest, GuestMessage, GuestName, Label, Request};
use super::plan::{GuestPlan, PLACES};
use host_driver::Message;
use std::collections::BTreeMap;

/// The messages of a guest to one of its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stream {
    /// Messages taken.
    pub taken: u16,
    /// The sequence number behind the last one taken.
    pub end: u16,
    /// Messages taken before the first that is missing.
    pub unbroken: u16,
}

impl Stream {
    fn take(&mut self, sequence: u16) {
        self.taken += 1;
        if sequence == self.unbroken {
            self.unbroken += 1;
        }
        self.end = sequence + 1;
    }
}

/// What came of a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Arrival {
    /// The endpoint that it came from.
    pub queue: u16,
    /// By target; those of other sinks stay empty.
    pub streams: Vec<Stream>,
}

/// What a message meant.
pub(super) struct Taken {
    /// The message as it was sent.
    pub message: GuestMessage,
    /// The guest, if it asks for replies.
    pub asks: Option<(Guest, Request)>,
}

/// All that a sink has taken in.
pub(super) struct Arrivals<'a> {
    plan: &'a GuestPlan,
    node: u16,
    /// Guests from whose places something may still come.
    guests: BTreeMap<GuestName, Guest>,
    arrivals: BTreeMap<GuestName, Arrival>,
}

impl<'a> Arrivals<'a> {
    /// A sink of this node, which has taken nothing yet.
    pub fn new(plan: &'a GuestPlan, node: u16) -> Self {
        Arrivals {
            plan,
            node,
            guests: BTreeMap::new(),
            arrivals: BTreeMap::new(),
        }
    }

    /// All of them.
    pub fn finish(self) -> BTreeMap<GuestName, Arrival> {
        self.arrivals
    }

    /// Whether a last guest of every place of every other node has been heard.
    pub fn is_complete(&self) -> bool {
        (0..self.plan.nodes()).all(|node| self.has_heard_last(node))
    }

    /// Whether a last guest of every place of a node has been heard, if it is another node.
    pub fn has_heard_last(&self, node: u16) -> bool {
        let name = |place, number| GuestName {
            node,
            place,
            number,
        };
        let is_heard = |place| {
            let mut of_place = self.arrivals.range(name(place, 0)..=name(place, u16::MAX));
            let newest = of_place.next_back();
            newest.is_some_and(|(newest, _)| self.plan.is_last(*newest))
        };
        node == self.node || (0..PLACES).all(is_heard)
    }

    /// Takes a message, if it is one that was sent, and that is not behind one that has come.
    ///
    /// # Errors
    /// What should have come instead, in words.
    pub fn take(&mut self, message: &Message) -> Result<Taken, String> {
        let label = Label::of(&message.payload).ok_or("a message with a label")?;
        let name = label.guest;
        let exists = name.node == message.source_node.0
            && name.node != self.node
            && name.node < self.plan.nodes()
            && name.place < PLACES
            && !label.is_reply;
        if !exists {
            return Err("a message of a guest of the node that it comes from".into());
        }
        let node = self.node;
        let (guest, arrival) = self.guest(name, message.source_endpoint.0);
        let target = usize::from(label.target);
        let expected = guest.message(target, label.sequence);
        let Some(expected) = expected.filter(|_| guest.targets[target].node == node) else {
            return Err(format!("a message of {name} for this node"));
        };
        if message.marked || (message.tag, &message.payload) != (expected.tag, &expected.payload) {
            return Err(format!(
                "message {} of {name}, as it was sent",
                label.sequence
            ));
        }
        if message.source_endpoint.0 != arrival.queue {
            return Err(format!("{name} with queue {}, as before", arrival.queue));
        }
        let stream = &mut arrival.streams[target];
        if label.sequence < stream.end {
            return Err(format!("message {} of {name} or a later one", stream.end));
        }
        stream.take(label.sequence);
        let asked = |request: &Request| request.target == target && label.sequence == 0;
        let asks = guest.request.filter(asked);
        Ok(Taken {
            message: expected.clone(),
            asks: asks.map(|request| (guest.clone(), request)),
        })
    }

    /// The guest, and what has come of it.
    fn guest(&mut self, name: GuestName, queue: u16) -> (&Guest, &mut Arrival) {
        // Of the guest before something may still be under way on the other channel.
        let is_gone = |other: &GuestName| {
            (other.node, other.place) == (name.node, name.place) && other.number + 1 < name.number
        };
        self.guests.retain(|other, _| !is_gone(other));
        let plan = self.plan;
        let guest = self.guests.entry(name).or_insert_with(|| plan.guest(name));
        let arrival = self.arrivals.entry(name).or_insert_with(|| Arrival {
            queue,
            streams: vec![Stream::default(); guest.targets.len()],
        });
        (guest, arrival)
    }
}
