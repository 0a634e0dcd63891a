//! Requests that take commands.
//!
//! Why the commands stand in this order: contract 3, rules 14 and 23.

use super::probes::Probes;
use super::segments::{Arming, Export};
use crate::command::{Alarm, Command};
use crate::layout::{
    ENTRY_BYTES, ENTRY_INBOX, ENTRY_OUTBOX, INDICES, MISS_RECORD_INBOX, PLACE, RECEIVE_CONTROL,
    RING, TRANSMIT_CONTROL,
};
use crate::policy::Policy;
use crate::port::{Port, inbox64, set_outbox64};
use crate::residency::{Request, Residency, allowance, entry_place, with_interrupts};
use crate::tables::{Memory, Place, Shape, page_word};
use abi::admin::{
    EndpointResult, MISS_RING_ENTRIES_LOG2, residency_policy::ResidencyPolicy, status::Status,
};
use abi::message::MAXIMUM_STRIDE_LOG2;
use abi::queue_state::{
    EndpointMap, MAXIMUM_RECEIVE_QUEUE_IDS, RECEIVE_CONTROL as CONTROL_OF_RECEIVE, RECEIVE_RING,
    REGION_ENDPOINT_MAP, REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE, REGION_TRANSLATION,
    REGION_TRANSMIT_QUEUE, ReceiveControl, ReceiveIndices, SEGMENTS,
    TRANSMIT_CONTROL as CONTROL_OF_TRANSMIT, TRANSMIT_SHADOW, Translation, TransmitControl,
    WORDS_LOG2,
};

/// Token of an entry that is read from the table.
pub const LOOK_TOKEN: u16 = 0x42;
/// Token of the first word of the map of a new endpoint.
pub const FRESH_TOKEN: u16 = 0x43;
/// Token of the record of the queue that takes misses.
pub const BARRIER_TOKEN: u16 = 0x44;
/// `transmit_queue` of a result: the endpoint is away.
const AWAY: u64 = 0xffff;

/// What is being done for a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Probing the memory of a new endpoint.
    ProbeEndpoint(Probes, Creation),
    /// Probing what the host gives.
    ProbeGiven(Probes, Gift),
    /// Probing the memory of a segment.
    ProbeSegment(Probes, Export),
    /// A segment ends.
    Unexport(u8),
    /// A segment's counter is armed, or ends.
    ArmCounter(Arming),
    /// The segments of an endpoint end, from this one on, and then the endpoint.
    ClearSegments(u16, u16),
    /// Writing a new endpoint's word of the map: it must be a number without captured stores.
    Number(Creation),
    /// Nothing to be done but to wait for a command.
    Wait(Waiting),
    /// Waiting for the residency protocol, then asking it for something more.
    Ask {
        /// Number of the endpoint.
        endpoint: u16,
        /// What was asked for.
        asked: Option<Request>,
        /// What is still to be asked for.
        next: [Option<Request>; 2],
        /// The answer describes the endpoint.
        describes: bool,
    },
    /// Reading the entry of an endpoint.
    Look(Operation),
    /// Done, with this result.
    Done(u64),
    /// It cannot be done.
    Failed(Status),
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The word of the map of a new endpoint.
    Fresh(Creation),
    /// An entry of the table.
    Entry(Operation),
    /// The record of the queue that takes misses.
    Barrier(Departure),
    /// The reports of this many messages in the miss ring.
    Reports(Departure, u16),
}

/// Host memory for the endpoint table and the miss ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gift {
    /// Address of the table.
    pub table: u64,
    /// Address of the miss ring.
    pub ring: u64,
    /// Whose queues are lent.
    pub policy: ResidencyPolicy,
}

/// A new endpoint, for which everything is reserved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Creation {
    /// What it is like.
    pub shape: Shape,
    /// What the host gave for it.
    pub memory: Memory,
    /// First entry of its window.
    pub window_base: u16,
    /// One more than its page for inline bodies; 0: none.
    pub page: u8,
    /// Its transmit queue, if it is not away.
    pub transmit: Option<u8>,
    /// Its receive queue, if it is not away.
    pub receive: Option<u8>,
    /// Page in BAR2.
    pub number: u16,
    /// Numbers tried.
    pub tried: u16,
}

/// An endpoint on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departure {
    endpoint: u16,
    identifier: u16,
}

/// What is done with an endpoint whose entry must be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It ends.
    Destroy(u16),
    /// It gets an identifier.
    Bind(u16, u64),
    /// It gets a translation: destination and entry.
    Load(u16, u64, u64),
    /// The host is told about it.
    Describe(u16),
}

impl Operation {
    /// Number of the endpoint.
    pub fn endpoint(&self) -> u16 {
        match *self {
            Operation::Destroy(endpoint)
            | Operation::Bind(endpoint, _)
            | Operation::Load(endpoint, _, _)
            | Operation::Describe(endpoint) => endpoint,
        }
    }
}

impl Job {
    /// Whether a step would bring something about, or may.
    pub fn goes_on(&self) -> bool {
        match self {
            Job::ProbeEndpoint(probes, _)
            | Job::ProbeGiven(probes, _)
            | Job::ProbeSegment(probes, _) => probes.may_issue() || probes.outcome().is_some(),
            Job::Wait(Waiting::Reports(..)) => true,
            Job::Wait(_) => false,
            _ => true,
        }
    }

    /// Whether the residency protocol carries it out.
    pub fn is_delegated(&self) -> bool {
        matches!(self, Job::Ask { .. })
    }
}

/// Index of a word of a queue in its region.
fn word(queue: u8, word: usize) -> usize {
    (usize::from(queue) << WORDS_LOG2) + word
}

/// What of an entry of the table admin requests need.
struct Entry {
    control: TransmitControl,
    receive: ReceiveControl,
    indices: u64,
}

impl Entry {
    fn window_log2(&self) -> u8 {
        (self.control.window_mask + 1).ilog2() as u8
    }

    fn identifier(&self) -> Option<u16> {
        (self.receive.enabled == 1).then_some(self.receive.receive_queue_id as u16)
    }
}

impl<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>
    Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>
{
    /// Reserves what a new endpoint needs. Its number comes later.
    ///
    /// # Errors
    /// `NoResources`.
    #[inline(never)]
    pub(super) fn reserve(&mut self, shape: Shape, memory: Memory) -> Result<Creation, Status> {
        let tables = &mut self.tables;
        tables.given().ok_or(Status::NoResources)?;
        let number = tables.free_number().ok_or(Status::NoResources)?;
        let window = tables.take_window(shape.window_log2);
        let window_base = window.ok_or(Status::NoResources)?;
        let page = match shape.inline {
            true => tables.take_page(),
            false => Some(0),
        };
        let Some(page) = page else {
            tables.return_window(window_base, shape.window_log2);
            return Err(Status::NoResources);
        };
        let (mut transmit, mut receive) = (None, None);
        if !shape.emulated {
            transmit = tables.take_transmit_for_new();
            receive = tables.take_receive_for_new();
        }
        Ok(Creation {
            shape,
            memory,
            window_base,
            page,
            transmit,
            receive,
            number,
            tried: 0,
        })
    }

    /// Gives everything back: a creation that failed leaves nothing behind.
    #[inline(never)]
    fn release(&mut self, creation: &Creation) {
        let tables = &mut self.tables;
        tables.return_window(creation.window_base, creation.shape.window_log2);
        tables.return_page(creation.page);
        if let Some(queue) = creation.transmit {
            tables.return_transmit(queue);
        }
        if let Some(queue) = creation.receive {
            tables.return_receive(queue);
        }
    }

    /// One step of a job: what it is from now on.
    #[inline(never)]
    pub(super) fn work(&mut self, job: Job, port: &mut impl Port) -> Job {
        match job {
            Job::ProbeEndpoint(probes, creation) => match probes.outcome() {
                Some(Ok(())) => Job::Number(creation),
                Some(Err(status)) => {
                    self.release(&creation);
                    Job::Failed(status)
                }
                None => job,
            },
            Job::ProbeGiven(probes, gift) => match probes.outcome() {
                Some(Ok(())) => self.take_gift(gift, port),
                Some(Err(status)) => Job::Failed(status),
                None => job,
            },
            Job::Number(creation) => {
                let map = EndpointMap {
                    exists: 1,
                    fresh: 1,
                    ..EndpointMap::default()
                };
                let map = map.pack() | page_word(creation.page);
                let base = usize::from(creation.window_base);
                let entries = 1 << creation.shape.window_log2;
                port.issue(Command::clear_queue_state(
                    REGION_TRANSLATION,
                    base,
                    entries,
                ));
                port.issue(Command::fresh(creation.number, map, FRESH_TOKEN));
                Job::Wait(Waiting::Fresh(creation))
            }
            Job::Look(operation) => {
                let entry = self.tables.entry(operation.endpoint());
                let read = Command::read_host(entry, ENTRY_BYTES, ENTRY_INBOX);
                port.issue(read.completes(LOOK_TOKEN));
                Job::Wait(Waiting::Entry(operation))
            }
            Job::Ask { .. } => self.go_on_asking(job),
            Job::Wait(Waiting::Reports(departure, misses)) => {
                if (self.misses_reported().wrapping_sub(misses) as i16) < 0 {
                    return job;
                }
                self.forget_misses(departure.identifier, port);
                self.end(departure.endpoint, Some(departure.identifier))
            }
            // Those of segments are carried out elsewhere.
            _ => job,
        }
    }

    /// A command of a job completed: what it is from now on.
    #[inline(never)]
    pub(super) fn command_completed(
        &mut self,
        token: u16,
        trouble: Option<Status>,
        job: Job,
        port: &mut impl Port,
    ) -> Job {
        match (token, job) {
            (FRESH_TOKEN, Job::Wait(Waiting::Fresh(creation))) => match trouble {
                None => self.set_up(&creation, port),
                Some(_) => self.try_next_number(creation),
            },
            (LOOK_TOKEN, Job::Wait(Waiting::Entry(operation))) => match trouble {
                None => match self.found(operation.endpoint(), port) {
                    Some(entry) => self.operate(operation, &entry, port),
                    None => Job::Failed(Status::Failed),
                },
                Some(status) => Job::Failed(status),
            },
            (BARRIER_TOKEN, Job::Wait(Waiting::Barrier(departure))) => {
                let indices = ReceiveIndices::unpack(inbox64(port, MISS_RECORD_INBOX + 8));
                let misses = match trouble {
                    None => indices.producer as u16,
                    Some(_) => self.misses_reported(),
                };
                Job::Wait(Waiting::Reports(departure, misses))
            }
            _ => job,
        }
    }

    /// Stores to a former endpoint of this number are still captured: another number.
    fn try_next_number(&mut self, creation: Creation) -> Job {
        let tried = creation.tried + 1;
        let number = self.tables.free_number();
        match number.filter(|_| usize::from(tried) < self.tables.limits().endpoints) {
            Some(number) => Job::Number(Creation {
                number,
                tried,
                ..creation
            }),
            None => {
                self.release(&creation);
                Job::Failed(Status::NoResources)
            }
        }
    }

    /// The queue that takes misses is set up.
    fn take_gift(&mut self, gift: Gift, port: &mut impl Port) -> Job {
        let Some(given) = self.tables.give(gift.table, gift.ring) else {
            return Job::Failed(Status::NoResources);
        };
        self.choose(gift.policy);
        let control = ReceiveControl {
            enabled: 1,
            entries_log2: MISS_RING_ENTRIES_LOG2 as u64,
            stride_log2: MAXIMUM_STRIDE_LOG2 as u64,
            takes_misses: 1,
            ..ReceiveControl::default()
        };
        for (place, data) in [
            (RECEIVE_RING, gift.ring),
            (CONTROL_OF_RECEIVE, control.pack()),
        ] {
            let index = word(given.queue, place);
            port.issue(Command::write_queue_state(
                REGION_RECEIVE_QUEUE,
                index,
                data,
            ));
        }
        Job::Done(0)
    }

    /// Writes a new endpoint's entry of the table, and the queues that it has.
    fn set_up(&mut self, creation: &Creation, port: &mut impl Port) -> Job {
        let Creation {
            shape,
            memory,
            number,
            page,
            ..
        } = *creation;
        let control = TransmitControl {
            enabled: 1,
            virtual_channel_limit: shape.virtual_channel_1.into(),
            priority: shape.priority.into(),
            give_up: shape.give_up.into(),
            generation: 0,
            endpoint: number.into(),
            window_mask: (1 << shape.window_log2) - 1,
            window_base: creation.window_base.into(),
        };
        let receive_control = ReceiveControl {
            entries_log2: shape.entries_log2.into(),
            stride_log2: shape.stride_log2.into(),
            drops: shape.drops.into(),
            ..ReceiveControl::default()
        };
        let entry = [
            memory.shadow,
            0,
            0,
            control.pack(),
            0,
            0,
            0,
            0,
            memory.ring,
            with_interrupts(shape.interrupt),
            entry_place(memory.ring, 0, shape.entries_log2, shape.stride_log2).pack(),
            receive_control.pack(),
            u64::from(shape.interrupt),
        ];
        for (place, word) in entry.into_iter().enumerate() {
            set_outbox64(port, ENTRY_OUTBOX + 8 * place, word);
        }
        let address = self.tables.entry(number);
        port.issue(Command::write_host(address, ENTRY_BYTES, ENTRY_OUTBOX));
        if let Some(queue) = creation.transmit {
            let generation = self.tables.next_generation(queue);
            port.keep(queue, generation);
            let control = TransmitControl {
                generation: generation.into(),
                ..control
            };
            for (place, data) in [
                (TRANSMIT_SHADOW, memory.shadow),
                (CONTROL_OF_TRANSMIT, control.pack()),
            ] {
                let index = word(queue, place);
                port.issue(Command::write_queue_state(
                    REGION_TRANSMIT_QUEUE,
                    index,
                    data,
                ));
            }
        }
        if let Some(queue) = creation.receive {
            let index = word(queue, RECEIVE_RING);
            let ring = Command::write_queue_state(REGION_RECEIVE_QUEUE, index, memory.ring);
            port.issue(ring);
            port.issue(Command::interrupt(queue, shape.interrupt, Alarm::Off, 0));
        }
        self.tables.set_page(number, page);
        self.tables.set_emulated(number, shape.emulated);
        let place = |queue: Option<u8>| queue.map_or(Place::AWAY, Place::queue);
        self.tables.move_transmit(number, place(creation.transmit));
        self.tables.move_receive(number, place(creation.receive));
        if let Some(queue) = creation.receive {
            let (entries_log2, stride_log2) = (shape.entries_log2, shape.stride_log2);
            self.tables.describe_receive(
                queue,
                None,
                entries_log2,
                stride_log2,
                shape.drops,
                shape.interrupt,
            );
        }
        if creation.transmit.is_some() || creation.receive.is_some() {
            let map = self.tables.map(number);
            port.issue(Command::map(number, map));
        }
        Job::Done(self.describe(number, creation.window_base))
    }

    /// Result of a creation or an installation.
    fn describe(&self, endpoint: u16, window_base: u16) -> u64 {
        let queue = self.tables.transmit_of(endpoint).resident();
        let result = EndpointResult {
            endpoint: endpoint.into(),
            transmit_queue: queue.map_or(AWAY, u64::from),
            window_base: window_base.into(),
        };
        result.pack()
    }

    /// The entry that stands in the inbox; `None` if it is not what was written to the table.
    fn found(&self, endpoint: u16, port: &impl Port) -> Option<Entry> {
        let entry = Entry {
            control: TransmitControl::unpack(inbox64(port, ENTRY_INBOX + TRANSMIT_CONTROL)),
            receive: ReceiveControl::unpack(inbox64(port, ENTRY_INBOX + RECEIVE_CONTROL)),
            indices: inbox64(port, ENTRY_INBOX + INDICES),
        };
        let limits = self.tables.limits();
        let window_end = entry.control.window_base + entry.control.window_mask;
        let is_good = entry.control.endpoint == u64::from(endpoint)
            && entry.control.enabled == 1
            && (entry.control.window_mask + 1).is_power_of_two()
            && window_end < limits.translation_entries as u64
            && entry
                .identifier()
                .is_none_or(|identifier| self.tables.endpoint_of(identifier) == Some(endpoint));
        is_good.then_some(entry)
    }

    /// Does what needed the entry.
    fn operate(&mut self, operation: Operation, entry: &Entry, port: &mut impl Port) -> Job {
        match operation {
            Operation::Describe(endpoint) => {
                Job::Done(self.describe(endpoint, entry.control.window_base as u16))
            }
            Operation::Load(_, destination, translation) => {
                match translation_index(entry, destination, translation) {
                    Some(index) => {
                        let region = REGION_TRANSLATION;
                        port.issue(Command::write_queue_state(region, index, translation));
                        Job::Done(0)
                    }
                    None => Job::Failed(Status::BadOperand),
                }
            }
            Operation::Bind(endpoint, identifier) => {
                match self.bind(endpoint, identifier, entry, port) {
                    Ok(()) => Job::Done(0),
                    Err(status) => Job::Failed(status),
                }
            }
            Operation::Destroy(endpoint) => self.tear_down(endpoint, entry, port),
        }
    }

    /// Gives an endpoint its identifier. Binding it again would forget what was delivered.
    fn bind(
        &mut self,
        endpoint: u16,
        identifier: u64,
        entry: &Entry,
        port: &mut impl Port,
    ) -> Result<(), Status> {
        let is_legal = identifier < self.tables.limits().receive_queue_ids as u64;
        match entry.identifier() {
            Some(bound) if u64::from(bound) == identifier => return Ok(()),
            None if is_legal => {}
            _ => return Err(Status::BadOperand),
        }
        let identifier = identifier as u16;
        if self.tables.endpoint_of(identifier).is_some() {
            return Err(Status::InUse);
        }
        let control = ReceiveControl {
            enabled: 1,
            receive_queue_id: identifier.into(),
            ..entry.receive
        };
        set_outbox64(port, ENTRY_OUTBOX, control.pack());
        let address = self
            .tables
            .entry(endpoint)
            .wrapping_add(RECEIVE_CONTROL as u64);
        port.issue(Command::write_host(address, 8, ENTRY_OUTBOX));
        self.tables.set_endpoint_of(identifier, Some(endpoint));
        let place = self.tables.receive_of(endpoint);
        if let Some(queue) = place.resident() {
            let index = word(queue, CONTROL_OF_RECEIVE);
            let data = control.pack();
            port.issue(Command::write_queue_state(
                REGION_RECEIVE_QUEUE,
                index,
                data,
            ));
            let map = self.tables.map(endpoint);
            port.issue(Command::map(endpoint, map));
            port.issue(self.tables.lead(identifier, queue));
        } else if place.is_away() {
            let (entries, stride) = (control.entries_log2 as u8, control.stride_log2 as u8);
            let allowance = allowance(entry.indices, entries);
            // An empty ring.
            port.issue(self.tables.divert(identifier, stride, allowance, false));
        }
        Ok(())
    }

    /// Erases an endpoint: the ways in, then the queues. Addresses stay as they are: what is just on its way out must
    /// not lose its own.
    fn tear_down(&mut self, endpoint: u16, entry: &Entry, port: &mut impl Port) -> Job {
        let tables = &mut self.tables;
        let identifier = entry.identifier();
        let mut clear = |region, index| port.issue(Command::write_queue_state(region, index, 0));
        if let Some(identifier) = identifier {
            clear(REGION_RECEIVE_MAP, identifier.into());
        }
        clear(REGION_ENDPOINT_MAP, endpoint.into());
        if let Some(queue) = tables.transmit_of(endpoint).resident() {
            clear(REGION_TRANSMIT_QUEUE, word(queue, CONTROL_OF_TRANSMIT));
        }
        let receive = tables.receive_of(endpoint).resident();
        if let Some(queue) = receive {
            clear(REGION_RECEIVE_QUEUE, word(queue, CONTROL_OF_RECEIVE));
        }
        tables.return_window(entry.control.window_base as u16, entry.window_log2());
        let page = tables.set_page(endpoint, 0);
        tables.return_page(page);
        if let (None, Some(identifier), Some(given)) = (receive, identifier, tables.given()) {
            let offset = MISS_RECORD_INBOX;
            port.issue(Command::save_record(
                true,
                given.queue,
                offset,
                BARRIER_TOKEN,
            ));
            return Job::Wait(Waiting::Barrier(Departure {
                endpoint,
                identifier,
            }));
        }
        self.end(endpoint, identifier)
    }

    /// There is no such endpoint any more.
    fn end(&mut self, endpoint: u16, identifier: Option<u16>) -> Job {
        self.tables.move_transmit(endpoint, Place::NONE);
        self.tables.move_receive(endpoint, Place::NONE);
        if let Some(identifier) = identifier {
            self.tables.set_endpoint_of(identifier, None);
        }
        Job::Done(0)
    }

    /// Goes on with what the residency protocol is asked for.
    fn go_on_asking(&mut self, job: Job) -> Job {
        let Job::Ask {
            endpoint,
            asked,
            next: [next, last],
            describes,
        } = job
        else {
            return job;
        };
        if asked.is_some() {
            match self.take_outcome() {
                None => return job,
                Some(Err(status)) => return Job::Failed(status),
                Some(Ok(())) => {}
            }
        }
        match next {
            Some(request) => {
                self.ask(request);
                Job::Ask {
                    endpoint,
                    asked: next,
                    next: [last, None],
                    describes,
                }
            }
            None if describes => Job::Look(Operation::Describe(endpoint)),
            None => Job::Done(0),
        }
    }
}

/// Index of the translation entry behind an endpoint's destination, for an entry that may be loaded there: `None` if
/// the destination lies outside the window, the node, identifier, segment or channel do not exist, or a reserved bit is
/// set.
fn translation_index(entry: &Entry, destination: u64, translation: u64) -> Option<usize> {
    let fields = Translation::unpack(translation);
    // The hardware's own segments cannot be named.
    let leads = match fields.segment {
        0 => {
            fields.receive_queue_id < MAXIMUM_RECEIVE_QUEUE_IDS as u64
                && (fields.rights, fields.generation) == (0, 0)
        }
        _ => fields.receive_queue_id < SEGMENTS as u64,
    };
    let legal = destination <= entry.control.window_mask
        && leads
        && (fields.virtual_channel == 0 || entry.control.virtual_channel_limit == 1)
        && fields.pack() == translation;
    legal.then_some(entry.control.window_base as usize + destination as usize)
}

/// Where a receive queue's ring stands in the entry; the shadow line's address is its first word.
const _: () = assert!(RING == 8 * 8 && PLACE == 10 * 8 && ENTRY_BYTES == 13 * 8);
