//! What is sent: endpoints, their shapes, and the messages of each, all drawn from the seed.

use crate::endpoint::EndpointOptions;
use abi::endpoint::EXPRESS_TAG_BITS;
use abi::message::{HEADER_BYTES, MAXIMUM_PAYLOAD_BYTES};
use sim::pcie::random::Random;
use std::fmt;

/// Bytes of an Express message.
const EXPRESS_BYTES: usize = 8;
/// Virtual channels; destinations come in groups of so many, one for each.
pub const CHANNELS: u16 = 2;
/// The longest pause in a plan, in nanoseconds.
const LONGEST_PAUSE_NS: u64 = 2000;

/// An endpoint of the cluster: its node, and which of the node's endpoints it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointName {
    /// The node.
    pub node: u16,
    /// In the order of creation.
    pub endpoint: u16,
}

impl fmt::Display for EndpointName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "endpoint {}.{}", self.node, self.endpoint)
    }
}

/// A message as it is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedMessage {
    /// Where it goes.
    pub destination: EndpointName,
    /// Virtual channel: 0 or 1. Order holds within one.
    pub virtual_channel: u8,
    /// Express (V3), else Basic (V1).
    pub express: bool,
    /// Basic: launched together with what follows, if that is Basic too.
    pub batched: bool,
    /// Tag; its lowest bit is the virtual channel.
    pub tag: u8,
    /// Sender, destination, sequence number, then bytes of a generator; shorter messages have the beginning of that.
    pub payload: Vec<u8>,
    /// The sender sleeps so long before it, and takes nothing in meanwhile; mostly 0.
    pub pause_ns: u64,
}

/// All messages of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    seed: u64,
    messages: u64,
    /// All endpoints, by node and endpoint.
    names: Vec<EndpointName>,
    shapes: Vec<EndpointOptions>,
}

/// What a sequence of random numbers is for; each has its own.
#[derive(Clone, Copy)]
enum Purpose {
    Count,
    Shape,
    Message,
}

fn sequence(seed: u64, purpose: Purpose, which: [u64; 2]) -> Random {
    let mut random = Random::new(seed);
    for word in [purpose as u64, which[0], which[1]] {
        random = Random::new(random.next_u64() ^ word);
    }
    random
}

impl Plan {
    /// The plan of `seed`, of `messages` messages, for a cluster of so many nodes.
    pub fn new(seed: u64, nodes: u16, messages: u64) -> Self {
        let mut names = Vec::new();
        for node in 0..nodes {
            let count = 2 + sequence(seed, Purpose::Count, [node.into(), 0]).below(2);
            names.extend((0..count as u16).map(|endpoint| EndpointName { node, endpoint }));
        }
        let shapes = names.iter().map(|name| shape(seed, *name)).collect();
        Plan {
            seed,
            messages,
            names,
            shapes,
        }
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// All endpoints of the cluster.
    pub fn endpoints(&self) -> &[EndpointName] {
        &self.names
    }

    /// The endpoints of a node.
    pub fn endpoints_of(&self, node: u16) -> impl Iterator<Item = EndpointName> + '_ {
        self.names
            .iter()
            .copied()
            .filter(move |name| name.node == node)
    }

    /// How an endpoint is to be created.
    pub fn shape(&self, name: EndpointName) -> EndpointOptions {
        self.shapes[self.position(name)]
    }

    /// The endpoints that `sender` may send to: those of all other nodes.
    pub fn destinations(&self, sender: EndpointName) -> Vec<EndpointName> {
        self.names
            .iter()
            .copied()
            .filter(|name| name.node != sender.node)
            .collect()
    }

    /// Messages that an endpoint sends: an equal share, the first ones one more if it does not divide.
    pub fn count(&self, sender: EndpointName) -> u64 {
        let endpoints = self.names.len() as u64;
        self.messages / endpoints
            + u64::from((self.position(sender) as u64) < self.messages % endpoints)
    }

    /// The messages of an endpoint, in order.
    pub fn messages(&self, sender: EndpointName) -> Messages<'_> {
        let destinations = self.destinations(sender);
        Messages {
            plan: self,
            sender,
            next: 0,
            sequence_numbers: vec![0; destinations.len() * usize::from(CHANNELS)],
            destinations,
        }
    }

    fn position(&self, name: EndpointName) -> usize {
        self.names
            .binary_search(&name)
            .unwrap_or_else(|_| panic!("the plan has no {name}"))
    }
}

fn shape(seed: u64, name: EndpointName) -> EndpointOptions {
    let mut random = sequence(
        seed,
        Purpose::Shape,
        [name.node.into(), name.endpoint.into()],
    );
    EndpointOptions {
        // Unique on the node by its lowest bits, and within the smallest configuration's identifiers.
        receive_queue_id: (random.below(1 << 2) as u16) << 2 | name.endpoint,
        // Mostly small, so that rings are full again and again.
        ring_entries_log2: 1 + random.below(6) as u8,
        entry_bytes_log2: 4 + random.below(5) as u8,
        destinations_log2: 5,
        virtual_channel_1: true,
        priority: random.below(4) == 0,
        // The smallest configuration has two pages for them.
        inline: name.endpoint < 2,
        give_up: 0,
    }
}

/// The messages of an endpoint, in order.
pub struct Messages<'a> {
    plan: &'a Plan,
    sender: EndpointName,
    destinations: Vec<EndpointName>,
    sequence_numbers: Vec<u32>,
    next: u64,
}

impl Messages<'_> {
    /// The next message for `receiver` on a virtual channel; those to others are skipped.
    pub fn next_for(
        &mut self,
        receiver: EndpointName,
        virtual_channel: u8,
    ) -> Option<PlannedMessage> {
        while let Some((mut random, target)) = self.draw() {
            let destination = self.destinations[target / usize::from(CHANNELS)];
            if destination == receiver && target % usize::from(CHANNELS) == virtual_channel.into() {
                return Some(self.make(&mut random, target));
            }
            self.sequence_numbers[target] += 1;
        }
        None
    }

    /// What the message's other properties are drawn from, and its target: destination and channel.
    fn draw(&mut self) -> Option<(Random, usize)> {
        if self.next == self.plan.count(self.sender) {
            return None;
        }
        let sender = self.plan.position(self.sender) as u64;
        let mut random = sequence(self.plan.seed, Purpose::Message, [sender, self.next]);
        self.next += 1;
        let target = random.below(self.sequence_numbers.len() as u64) as usize;
        Some((random, target))
    }

    fn make(&mut self, random: &mut Random, target: usize) -> PlannedMessage {
        let destination = self.destinations[target / usize::from(CHANNELS)];
        let virtual_channel = (target % usize::from(CHANNELS)) as u8;
        let sequence_number = self.sequence_numbers[target];
        self.sequence_numbers[target] += 1;
        let express = random.below(2) == 0 || !self.plan.shape(self.sender).inline;
        let room = (1 << self.plan.shape(destination).entry_bytes_log2) - HEADER_BYTES;
        let length = match random.below(4) {
            _ if express => EXPRESS_BYTES,
            // Often the ends.
            0 => [0, room.min(MAXIMUM_PAYLOAD_BYTES)][random.below(2) as usize],
            _ => random.below(room.min(MAXIMUM_PAYLOAD_BYTES) as u64 + 1) as usize,
        };
        let tag_bits = if express { EXPRESS_TAG_BITS as u32 } else { 8 };
        let tag = (random.below(1 << (tag_bits - 1)) as u8) << 1 | virtual_channel;
        let mut payload = vec![
            (self.sender.node << 4 | self.sender.endpoint) as u8,
            (destination.node << 4 | destination.endpoint) as u8,
        ];
        payload.extend(sequence_number.to_le_bytes());
        while payload.len() < length {
            payload.extend(random.next_u64().to_le_bytes());
        }
        payload.truncate(length);
        PlannedMessage {
            destination,
            virtual_channel,
            express,
            batched: !express && random.below(2) == 0,
            tag,
            payload,
            pause_ns: if random.below(16) == 0 {
                random.below(LONGEST_PAUSE_NS)
            } else {
                0
            },
        }
    }
}

impl Iterator for Messages<'_> {
    type Item = PlannedMessage;

    fn next(&mut self) -> Option<PlannedMessage> {
        let (mut random, target) = self.draw()?;
        Some(self.make(&mut random, target))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_expect_just_what_senders_send() {
        let plan = Plan::new(7, 4, 999);
        let mut total = 0;
        for &sender in plan.endpoints() {
            let sent: Vec<_> = plan.messages(sender).collect();
            total += sent.len();
            let mut expected = 0;
            for receiver in plan.destinations(sender) {
                for channel in 0..CHANNELS as u8 {
                    let mut messages = plan.messages(sender);
                    let to_receiver: Vec<_> =
                        std::iter::from_fn(|| messages.next_for(receiver, channel)).collect();
                    let same = |message: &&PlannedMessage| {
                        message.destination == receiver && message.virtual_channel == channel
                    };
                    assert!(sent.iter().filter(same).eq(&to_receiver));
                    expected += to_receiver.len();
                }
            }
            assert_eq!(expected, sent.len());
        }
        assert_eq!(total, 999);
    }

    #[test]
    fn every_kind_occurs_and_fits_its_receiver() {
        let plan = Plan::new(3, 4, 4000);
        let mut lengths = std::collections::BTreeSet::new();
        let (mut express, mut paused) = (0, 0);
        for &sender in plan.endpoints() {
            for message in plan.messages(sender) {
                assert_ne!(
                    message.destination.node, sender.node,
                    "a plan leads to other nodes only"
                );
                let entry = 1 << plan.shape(message.destination).entry_bytes_log2;
                assert!(message.payload.len() + HEADER_BYTES <= entry);
                express += u32::from(message.express);
                paused += u32::from(message.pause_ns > 0);
                lengths.insert(message.payload.len());
            }
        }
        // Half of the messages, and all of endpoints without inline bodies.
        assert!((1800..2800).contains(&express), "{express}");
        assert!((150..350).contains(&paused), "{paused}");
        assert!(lengths.contains(&0) && lengths.len() > 100, "{lengths:?}");
    }

    #[test]
    fn another_seed_is_another_plan() {
        let messages = |seed| {
            let plan = Plan::new(seed, 2, 40);
            let sender = plan.endpoints()[0];
            plan.messages(sender).collect::<Vec<_>>()
        };
        assert_eq!(messages(1), messages(1));
        assert_ne!(messages(1), messages(2));
    }
}
