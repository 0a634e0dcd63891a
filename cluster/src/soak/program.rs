//! The host program of a node: sends what the plan says, takes in what comes and compares it with what must.

use super::Failure;
use super::plan::{CHANNELS, EndpointName, Messages, Plan, PlannedMessage, Role};
use crate::clock::Clock;
use abi::control::counter::Counter;
use host_driver::{
    Deadline, Destination, Device, Endpoint, Message, MessageView, NodeNumber, SendError,
    VirtualChannel,
};
use sim::host::HostPort;
use std::collections::BTreeMap;
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// Simulated time without any message sent or received after which a run has failed.
pub(super) const PATIENCE: Duration = Duration::from_millis(20);
/// A poll comes back after so long in any case, to see whether another node has failed.
pub(super) const LONGEST_POLL: Duration = Duration::from_micros(100);

/// What the programs of a run share besides the simulated machines.
pub(super) struct Shared {
    /// Messages received so far.
    pub received: Arc<AtomicU64>,
    /// A program has failed; the others stop.
    pub failed: AtomicBool,
}

/// Counters that stay zero while nobody does anything wrong.
const ERRORS: &[Counter] = &[
    Counter::HostMalformed,
    Counter::HostUnsupported,
    Counter::CompletionUnexpected,
    Counter::CompletionError,
    Counter::CompletionTimeout,
    Counter::RegisterOverflow,
    Counter::TornStore,
    Counter::NonResidentStore,
    Counter::TransmitOverflow,
    Counter::TooLong,
    Counter::OutsideWindow,
    Counter::InvalidTranslation,
    Counter::MessagesRefused,
    Counter::AnswerTimeout,
    Counter::FrameCorrupt,
    Counter::FrameVersion,
    Counter::FrameMisrouted,
    Counter::ReceiveMiss,
    Counter::EntryTooSmall,
    Counter::CommandInvalid,
    Counter::BadConsumer,
    Counter::FrameOverrun,
];

/// Looks whether a counter has moved that must not, but for those that are allowed to.
pub(super) fn check_counters(device: &Device, allowed: &[Counter]) -> Result<(), Failure> {
    for &counter in ERRORS.iter().filter(|counter| !allowed.contains(counter)) {
        let count = device.counter(counter)?;
        if count != 0 {
            let meaning = counter.meaning();
            return Err(Failure::Counter { count, meaning });
        }
    }
    Ok(())
}

/// What a node saw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Express messages received.
    pub express: u64,
    /// Basic messages received.
    pub basic: u64,
    /// Payload received.
    pub bytes: u64,
    /// Messages sent again alone, to see whether the receiver's ring has room by now.
    pub probes: u64,
}

impl Tally {
    /// A message was received.
    pub(super) fn count(&mut self, express: bool, bytes: usize) {
        if express {
            self.express += 1;
        } else {
            self.basic += 1;
        }
        self.bytes += bytes as u64;
    }

    /// Messages received.
    pub fn messages(&self) -> u64 {
        self.express + self.basic
    }

    /// What two nodes saw together.
    pub(super) fn add(&mut self, other: Tally) {
        self.express += other.express;
        self.basic += other.basic;
        self.bytes += other.bytes;
        self.probes += other.probes;
    }
}

/// Who may send here: the messages of one sender on one channel.
struct Source<'a> {
    name: EndpointName,
    virtual_channel: u8,
    messages: Messages<'a>,
    expected: Option<PlannedMessage>,
}

/// An endpoint with its part of the plan.
struct Party<'a> {
    name: EndpointName,
    role: Role,
    endpoint: Endpoint,
    destinations: Vec<EndpointName>,
    messages: Messages<'a>,
    /// The message to be sent next; its pause is over.
    next: Option<PlannedMessage>,
    /// By sending node, its endpoint, and channel.
    sources: BTreeMap<(u16, u16, u8), Source<'a>>,
}

/// Runs the program of the node that `port` belongs to.
pub(super) fn run(port: &HostPort, plan: &Plan, shared: &Shared) -> Result<Tally, Failure> {
    let opened = Device::open(&format!("sim:{}", port.node()))
        .map_err(Failure::from)
        .and_then(|device| Ok((open(&device, port, plan)?, device)));
    shared.failed.fetch_or(opened.is_err(), Ordering::Relaxed);
    let (mut parties, device) = opened?;
    let mut tally = Tally::default();
    let outcome = exchange_all(port, &mut parties, shared, &mut tally);
    if outcome.is_err() {
        // The others would wait for messages that never come.
        shared.failed.store(true, Ordering::Relaxed);
    }
    // Nobody destroys an endpoint that another may still send to.
    port.gather(&[]);
    outcome?;
    check_counters(&device, &[])?;
    tally.probes = device.counter(Counter::Probes)?.into();
    Ok(tally)
}

/// Creates the node's endpoints and tells all nodes which transmit queues they have.
fn open<'a>(device: &Device, port: &HostPort, plan: &'a Plan) -> Result<Vec<Party<'a>>, Failure> {
    let mut parties = Vec::new();
    for name in plan.endpoints_of(port.node()) {
        let endpoint = device.create_endpoint(plan.shape(name))?;
        let destinations = plan.destinations(name);
        for (number, destination) in destinations.iter().enumerate() {
            for channel in 0..CHANNELS {
                endpoint.load_translation(
                    Destination(number as u16 * CHANNELS + channel),
                    NodeNumber(destination.node),
                    plan.shape(*destination).receive_queue_id,
                    VirtualChannel(channel as u8),
                )?;
            }
        }
        let mut messages = plan.messages(name);
        parties.push(Party {
            name,
            role: plan.role(name),
            endpoint,
            destinations,
            next: messages.next(),
            messages,
            sources: BTreeMap::new(),
        });
    }
    let own: Vec<u8> = parties
        .iter()
        .flat_map(|party| party.endpoint.number().0.to_le_bytes())
        .collect();
    let numbers = port.gather(&own);
    for party in &mut parties {
        for name in plan.destinations(party.name) {
            let of_node = numbers.get(usize::from(name.node));
            let place = 2 * usize::from(name.endpoint);
            // A node that failed has ended without telling; its failure will be noticed soon.
            let Some(&[low, high]) = of_node.and_then(|numbers| numbers.get(place..place + 2))
            else {
                return Err(Failure::Abandoned);
            };
            let number = u16::from_le_bytes([low, high]);
            for virtual_channel in 0..CHANNELS as u8 {
                let mut messages = plan.messages(name);
                let expected = messages.next_for(party.name, virtual_channel);
                let source = Source {
                    name,
                    virtual_channel,
                    messages,
                    expected,
                };
                party
                    .sources
                    .insert((name.node, number, virtual_channel), source);
            }
        }
    }
    Ok(parties)
}

/// Exchanges the live endpoints' messages, then those of the dead, and looks for what should not have come.
fn exchange_all(
    port: &HostPort,
    parties: &mut [Party<'_>],
    shared: &Shared,
    tally: &mut Tally,
) -> Result<(), Failure> {
    if parties.iter().any(|party| party.role == Role::Dead) {
        exchange(port, parties, Awake::Live, shared, tally)?;
        // The dead stay so until no node has anything else to do.
        port.gather(&[]);
    }
    exchange(port, parties, Awake::All, shared, tally)?;
    close(parties)
}

/// Which endpoints take in what comes, and have to be done with their part of the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awake {
    Live,
    All,
}

impl Awake {
    fn includes(self, party: &Party<'_>) -> bool {
        self == Awake::All || party.role == Role::Live
    }
}

/// Sends, and receives with the endpoints that are awake, until these are done with the plan. Never waits to send
/// without taking in what comes: all nodes could do that at once, and none would go on.
fn exchange(
    port: &HostPort,
    parties: &mut [Party<'_>],
    awake: Awake,
    shared: &Shared,
    tally: &mut Tally,
) -> Result<(), Failure> {
    let mut deadline = Deadline::new(port.now(), PATIENCE);
    loop {
        let mut moved = false;
        for party in &mut *parties {
            while awake.includes(party)
                && let Some(message) = party.endpoint.receive().map(MessageView::into_message)
            {
                party.check(message, tally)?;
                shared.received.fetch_add(1, Ordering::Relaxed);
                moved = true;
            }
            moved |= party.send(port)?;
        }
        let mut busy = parties.iter().filter(|party| awake.includes(party));
        if busy.all(Party::is_done) {
            return Ok(());
        }
        if shared.failed.load(Ordering::Relaxed) {
            return Err(Failure::Abandoned);
        }
        if moved {
            deadline = Deadline::new(port.now(), PATIENCE);
        } else {
            let Some(left) = deadline.left(port.now()) else {
                return Err(Failure::Stalled {
                    waited: deadline.waited(port.now()),
                    missing: missing(parties),
                });
            };
            port.poll_for(left.min(LONGEST_POLL));
        }
    }
}

/// Waits until all that was sent has been taken, and looks for what should not have come.
fn close(parties: &mut [Party<'_>]) -> Result<(), Failure> {
    for party in &mut *parties {
        party.endpoint.flush(PATIENCE)?;
    }
    for party in parties {
        if let Some(message) = party.endpoint.receive().map(MessageView::into_message) {
            return Err(party.unexpected(&message, "nothing more".into()));
        }
    }
    Ok(())
}

fn missing(parties: &[Party<'_>]) -> String {
    let mut text = String::new();
    for party in parties {
        if let Some(next) = &party.next {
            let _ = write!(
                text,
                "{} has yet to send {}; ",
                party.name,
                describe_planned(party.name, next)
            );
        }
        for source in party.sources.values() {
            if let Some(expected) = &source.expected {
                let _ = write!(
                    text,
                    "{} waits for {}; ",
                    party.name,
                    describe_planned(source.name, expected)
                );
            }
        }
    }
    text
}

impl Party<'_> {
    fn is_done(&self) -> bool {
        self.next.is_none()
            && self
                .sources
                .values()
                .all(|source| source.expected.is_none())
    }

    /// Sends the next message if there is one and room for it.
    fn send(&mut self, port: &HostPort) -> Result<bool, Failure> {
        let Some(message) = &self.next else {
            return Ok(false);
        };
        let position = self
            .destinations
            .iter()
            .position(|name| *name == message.destination);
        let destination =
            position.unwrap_or_default() as u16 * CHANNELS + u16::from(message.virtual_channel);
        let sent = match <[u8; 8]>::try_from(&message.payload[..]) {
            Ok(payload) if message.express => {
                self.endpoint
                    .send_express(Destination(destination), message.tag, payload)
            }
            _ => self
                .endpoint
                .compose(Destination(destination), message.tag, &message.payload),
        };
        match sent {
            Ok(()) => {}
            Err(SendError::QueueFull) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let batched = message.batched;
        self.next = self.messages.next();
        if !batched || self.next.is_none() {
            self.endpoint.launch();
        }
        match &self.next {
            Some(next) if next.pause_ns > 0 => port.sleep_ns(next.pause_ns),
            _ => {}
        }
        Ok(true)
    }

    /// Compares a message with the one that must be next from its queue and channel.
    fn check(&mut self, message: Message, tally: &mut Tally) -> Result<(), Failure> {
        let channel = message.tag & 1;
        let key = (message.source_node.0, message.source_endpoint.0, channel);
        let Some(source) = self.sources.get_mut(&key) else {
            return Err(self.unexpected(&message, "a known sender".into()));
        };
        let Some(expected) = source.expected.take() else {
            let nothing = format!("nothing more from {} on channel {channel}", source.name);
            return Err(self.unexpected(&message, nothing));
        };
        let flagged = message.marked || message.gap;
        if flagged || (message.tag, &message.payload) != (expected.tag, &expected.payload) {
            let expected = describe_planned(source.name, &expected);
            return Err(self.unexpected(&message, expected));
        }
        source.expected = source.messages.next_for(self.name, source.virtual_channel);
        tally.count(expected.express, expected.payload.len());
        Ok(())
    }

    fn unexpected(&self, message: &Message, expected: String) -> Failure {
        Failure::unexpected(&self.name, message, expected)
    }
}

fn describe_planned(sender: EndpointName, message: &PlannedMessage) -> String {
    let kind = if message.express {
        "an Express"
    } else {
        "a Basic"
    };
    let text = describe(message.tag, &message.payload);
    format!(
        "{kind} message of {sender} to {}{text}",
        message.destination
    )
}

impl Failure {
    /// A message came where another was expected, or none.
    pub(super) fn unexpected(receiver: &dyn Display, message: &Message, expected: String) -> Self {
        Failure::Unexpected {
            receiver: receiver.to_string(),
            got: format!(
                "a message of node {} queue {}{}",
                message.source_node.0,
                message.source_endpoint.0,
                describe(message.tag, &message.payload)
            ),
            expected,
        }
    }
}

/// Tag, length and payload; a payload begins with sender, destination and sequence number.
fn describe(tag: u8, payload: &[u8]) -> String {
    let mut text = format!(", tag {tag:#04x}, {} bytes:", payload.len());
    for byte in payload {
        let _ = write!(text, " {byte:02x}");
    }
    text
}
