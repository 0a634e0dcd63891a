//! What is sent: endpoints, their shapes, and the messages of each, all drawn from the seed.

use super::mix::{Mix, Targets};
use abi::endpoint::EXPRESS_TAG_BITS;
use abi::message::{HEADER_BYTES, MAXIMUM_PAYLOAD_BYTES};
use host_driver::{EndpointOptions, ReceiveQueueId};
use sim::model::TRANSLATION_ENTRIES;
use sim::pcie::random::Random;
use std::fmt;

/// Bytes of an Express message.
const EXPRESS_BYTES: usize = 8;
/// Virtual channels; destinations come in groups of so many, one for each.
pub const CHANNELS: u16 = 2;
/// The longest pause in a plan, in nanoseconds.
const LONGEST_PAUSE_NS: u64 = 2000;
/// Base-2 logarithm of each endpoint's window of destinations, where the translation table has room for such.
const DESTINATIONS_LOG2: u8 = 5;
/// So many nodes may have three live endpoints each.
const NODES_WITH_MORE: u16 = 6;
/// Messages that go to one destination before the next is drawn, where the channels come in turn.
const MESSAGES_OF_A_RUN: u64 = 24;
/// Messages of a dead endpoint: more than its slots and a few rings hold.
const DEAD_MESSAGES: u64 = 120;

/// An endpoint of the cluster: its node, and which of the node's endpoints it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndpointName {
    /// On which it is.
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

/// What an endpoint is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sends to such endpoints of other nodes and takes in what comes.
    Live,
    /// Sends to such endpoints of other nodes, and takes nothing in before the live ones are done.
    Dead,
}

/// All messages of a run.
#[derive(Clone, Debug)]
pub struct Plan {
    seed: u64,
    messages: u64,
    mix: Mix,
    /// All endpoints, by node and endpoint.
    names: Vec<EndpointName>,
    shapes: Vec<EndpointOptions>,
}

/// Live endpoints of a node, at most, and the base-2 logarithm of each endpoint's window: as many as a translation
/// table of so many entries serves, down to one.
fn most_live(nodes: u16, dead: u16, entries: usize) -> (u16, u8) {
    // With more, an endpoint's window would not reach them all.
    let most = if nodes <= NODES_WITH_MORE { 3 } else { 2 };
    let shape = |live: u16| {
        let destinations = (nodes - 1) * live.max(dead) * CHANNELS;
        let least = destinations.next_power_of_two().ilog2() as u8;
        [(live, DESTINATIONS_LOG2), (live, least)]
    };
    let fits = |&(live, window): &(u16, u8)| usize::from(live + dead) << window <= entries;
    let mut shapes = (1..=most).rev().flat_map(shape);
    shapes.find(fits).unwrap_or((1, DESTINATIONS_LOG2))
}

/// What a sequence of random numbers is for; each has its own.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Count,
    Shape,
    Message,
    Run,
    Guest,
    Reply,
    Reset,
    Fault,
}

/// The sequence for a purpose, and for one of all the things that have it.
pub(super) fn sequence(seed: u64, purpose: Purpose, which: [u64; 2]) -> Random {
    let mut random = Random::new(seed);
    for word in [purpose as u64, which[0], which[1]] {
        random = Random::new(random.next_u64() ^ word);
    }
    random
}

impl Plan {
    /// The plan of `seed`, of `messages` messages of this mix, for a cluster of so many nodes.
    pub fn new(seed: u64, nodes: u16, messages: u64, mix: Mix) -> Self {
        let (most, window_log2) = most_live(nodes, mix.dead_endpoints, TRANSLATION_ENTRIES);
        let mut names = Vec::new();
        for node in 0..nodes {
            let more = sequence(seed, Purpose::Count, [node.into(), 0]).below(2) as u16;
            let count = most.min(2 + more) + mix.dead_endpoints;
            names.extend((0..count).map(|endpoint| EndpointName { node, endpoint }));
        }
        let shape = |name: &EndpointName| shape(seed, *name, mix, window_log2);
        let shapes = names.iter().map(shape).collect();
        Plan {
            seed,
            messages,
            mix,
            names,
            shapes,
        }
    }

    /// What everything is drawn from.
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

    /// What an endpoint is there for: the first of a node are dead, if any is.
    pub fn role(&self, name: EndpointName) -> Role {
        if name.endpoint < self.mix.dead_endpoints {
            Role::Dead
        } else {
            Role::Live
        }
    }

    /// The endpoints that `sender` may send to: those of all other nodes that are there for the same.
    pub fn destinations(&self, sender: EndpointName) -> Vec<EndpointName> {
        let role = self.role(sender);
        let is_destination =
            |name: &EndpointName| name.node != sender.node && self.role(*name) == role;
        self.names.iter().copied().filter(is_destination).collect()
    }

    /// Messages that an endpoint sends: an equal share, the first ones one more if it does not divide; no more than a
    /// few, if it is dead.
    pub fn count(&self, sender: EndpointName) -> u64 {
        let all = self.names.len() as u64;
        let dead = self
            .names
            .iter()
            .filter(|name| self.role(**name) == Role::Dead);
        let dead = dead.count() as u64;
        let of_dead = DEAD_MESSAGES.min(self.messages / all);
        match self.role(sender) {
            Role::Dead => of_dead,
            Role::Live => {
                let (messages, senders) = (self.messages - dead * of_dead, all - dead);
                let before = &self.names[..self.position(sender)];
                let live = before.iter().filter(|name| self.role(**name) == Role::Live);
                messages / senders + u64::from((live.count() as u64) < messages % senders)
            }
        }
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

fn shape(seed: u64, name: EndpointName, mix: Mix, destinations_log2: u8) -> EndpointOptions {
    let mut random = sequence(
        seed,
        Purpose::Shape,
        [name.node.into(), name.endpoint.into()],
    );
    EndpointOptions {
        // Unique on the node by its lowest bits, and within the smallest configuration's identifiers.
        receive_queue_id: ReceiveQueueId((random.below(1 << 2) as u16) << 2 | name.endpoint),
        ring_entries_log2: mix.ring_entries_log2.draw(&mut random),
        entry_bytes_log2: mix.entry_bytes_log2.draw(&mut random),
        destinations_log2,
        virtual_channel_1: true,
        priority: random.below(4) == 0,
        // The smallest configuration has two pages for them.
        inline: name.endpoint < 2,
        give_up: 0,
        ..EndpointOptions::default()
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
        let target = self.target(sender, &mut random);
        self.next += 1;
        Some((random, target))
    }

    /// Where the next message goes: the destination's place among all, times the channels, and the channel.
    fn target(&self, sender: u64, random: &mut Random) -> usize {
        let (destinations, channels) = (&self.destinations, usize::from(CHANNELS));
        let any = |random: &mut Random, count: usize| random.below(count as u64) as usize;
        match self.plan.mix.targets {
            Targets::Any => any(random, destinations.len() * channels),
            Targets::NodesInTurn => {
                let mut nodes: Vec<u16> = destinations.iter().map(|name| name.node).collect();
                nodes.dedup();
                let node = nodes[(self.next % nodes.len() as u64) as usize];
                let first = destinations.partition_point(|name| name.node < node);
                let end = destinations.partition_point(|name| name.node <= node);
                (first + any(random, end - first)) * channels + any(random, channels)
            }
            Targets::ChannelsInTurn => {
                let run = [sender, self.next / MESSAGES_OF_A_RUN];
                let mut run = sequence(self.plan.seed, Purpose::Run, run);
                let channel = (self.next % u64::from(CHANNELS)) as usize;
                any(&mut run, destinations.len()) * channels + channel
            }
        }
    }

    fn make(&mut self, random: &mut Random, target: usize) -> PlannedMessage {
        let destination = self.destinations[target / usize::from(CHANNELS)];
        let virtual_channel = (target % usize::from(CHANNELS)) as u8;
        let sequence_number = self.sequence_numbers[target];
        self.sequence_numbers[target] += 1;
        let mix = &self.plan.mix;
        let express = random.below(8) < mix.express_of_8 || !self.plan.shape(self.sender).inline;
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
            pause_ns: if random.below(64) < mix.pauses_of_64 {
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
    use crate::soak::Scenario;
    use crate::soak::scenario::Traffic;

    /// The mixes of all scenarios that have one.
    fn mixes() -> impl Iterator<Item = Mix> {
        let mix = |scenario: Scenario| match scenario.traffic() {
            Traffic::Mix(mix) => Some(mix),
            Traffic::Guests(_) => None,
        };
        Scenario::ALL.into_iter().filter_map(mix)
    }

    fn plan(seed: u64, nodes: u16, messages: u64) -> Plan {
        Plan::new(seed, nodes, messages, Mix::RANDOM)
    }

    #[test]
    fn windows_fit_the_translation_table_and_reach_all_destinations() {
        for (nodes, dead, entries, expected) in [
            (2, 0, 4096, (3, 5)),
            (4, 1, 128, (3, 5)),
            (8, 0, 128, (2, 5)),
            (4, 1, 64, (2, 4)),
            (2, 0, 16, (2, 2)),
            (3, 0, 16, (2, 3)),
            (4, 0, 16, (1, 3)),
            (4, 1, 16, (1, 3)),
        ] {
            assert_eq!(most_live(nodes, dead, entries), expected, "{nodes} nodes");
        }
    }

    #[test]
    fn receivers_expect_just_what_senders_send() {
        for mix in mixes() {
            let plan = Plan::new(7, 4, 999, mix);
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
            assert_eq!(total, 999, "{mix:?}");
        }
    }

    #[test]
    fn every_kind_occurs_and_fits_its_receiver() {
        let plan = plan(3, 4, 4000);
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

    /// Neighbouring messages of all senders of a plan.
    fn neighbours(plan: &Plan) -> Vec<[PlannedMessage; 2]> {
        let mut pairs = Vec::new();
        for &sender in plan.endpoints() {
            let messages: Vec<_> = plan.messages(sender).collect();
            let pair = |pair: &[PlannedMessage]| [pair[0].clone(), pair[1].clone()];
            pairs.extend(messages.windows(2).map(pair));
        }
        pairs
    }

    #[test]
    fn targets_come_in_turn_where_the_mix_says_so() {
        let nodes = Mix {
            targets: Targets::NodesInTurn,
            ..Mix::RANDOM
        };
        for [before, message] in neighbours(&Plan::new(5, 3, 600, nodes)) {
            assert_ne!(before.destination.node, message.destination.node);
        }
        let channels = Mix {
            targets: Targets::ChannelsInTurn,
            ..Mix::RANDOM
        };
        let pairs = neighbours(&Plan::new(5, 3, 600, channels));
        let (mut stays, mut goes) = (0, 0);
        for [before, message] in &pairs {
            assert_ne!(before.virtual_channel, message.virtual_channel);
            *if before.destination == message.destination {
                &mut stays
            } else {
                &mut goes
            } += 1;
        }
        assert!(goes > 5 && stays > 10 * goes, "{stays} {goes}");
    }

    #[test]
    fn the_dead_send_to_the_dead_and_no_more_than_a_few() {
        let mix = Mix {
            dead_endpoints: 1,
            ..Mix::RANDOM
        };
        let plan = Plan::new(6, 4, 4000, mix);
        let mut messages = [0, 0];
        for &sender in plan.endpoints() {
            let role = plan.role(sender);
            for message in plan.messages(sender) {
                assert_eq!(plan.role(message.destination), role);
                messages[role as usize] += 1;
            }
        }
        assert_eq!(messages, [4000 - 4 * DEAD_MESSAGES, 4 * DEAD_MESSAGES]);
    }

    #[test]
    fn another_seed_is_another_plan() {
        let messages = |seed| {
            let plan = plan(seed, 2, 40);
            let sender = plan.endpoints()[0];
            plan.messages(sender).collect::<Vec<_>>()
        };
        assert_eq!(messages(1), messages(1));
        assert_ne!(messages(1), messages(2));
    }
}
