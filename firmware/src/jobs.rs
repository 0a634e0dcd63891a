//! Requests that take several commands. A job derives its next command from a step counter instead of storing a list.
//!
//! Why the commands stand in this order: contract 3, rule 14.

use crate::command::Command;
use crate::endpoints::{Endpoint, EndpointTable, Limits, Memory, PAGE_BYTES, Record};
use abi::admin::{EndpointResult, status::Status};
use abi::queue_state::{
    RECEIVE_CONTROL, RECEIVE_RING, REGION_ENDPOINT_MAP, REGION_INTERRUPT, REGION_RECEIVE_MAP,
    REGION_RECEIVE_QUEUE, REGION_TRANSLATION, REGION_TRANSMIT_QUEUE, ReceiveArmed, ReceiveIndices,
    TRANSMIT_CONTROL, TRANSMIT_SHADOW, TransmitProgress, TransmitStores, WORDS_LOG2,
};

/// Where probes of host memory land in the inbox.
const PROBE_INBOX_OFFSET: usize = 64;
/// Probes under way at once: as many reads as the hardware carries out at once.
const PROBES_UNDER_WAY: u16 = 4;
/// Where records land in the inbox.
const RECORD_INBOX_OFFSET: usize = 128;
/// Where records stand in the outbox until they are loaded: of a transmit queue, and behind it of a receive queue.
/// The submission of the next request is read behind the commands that read them.
const RECORD_OUTBOX_OFFSET: usize = 0x200;

/// What is being done for a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Issuing one command.
    Issue(Command),
    /// Nothing any more.
    Answer,
    /// Reading one double word of each page an endpoint will write to: a write to a bad address would vanish.
    Probe(Probes),
    /// Writing a new endpoint's state.
    SetUp {
        /// The endpoint's transmit queue.
        queue: u8,
        /// Its memory.
        memory: Memory,
        /// Commands done.
        done: usize,
    },
    /// Having messages for an identifier delivered to an endpoint.
    Bind {
        /// The endpoint's transmit queue.
        queue: u8,
        /// Commands done.
        done: usize,
    },
    /// Erasing an endpoint's state.
    TearDown {
        /// The endpoint's transmit queue.
        queue: u8,
        /// Commands done.
        done: usize,
    },
    /// Saving an endpoint's records and disabling its queues.
    Evict(Eviction),
    /// Loading an endpoint's records into its new queues.
    Install {
        /// The endpoint's transmit queue.
        queue: u8,
        /// Its records.
        records: [Record; 2],
        /// Commands done.
        done: usize,
    },
}

/// How far an eviction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eviction {
    /// The endpoint's transmit queue.
    pub queue: u8,
    /// Commands done.
    pub done: usize,
    /// A record is being saved.
    pub saving: bool,
    /// The records that were saved: of the transmit, of the receive queue.
    pub records: [Record; 2],
    /// Messages are in flight: the endpoint stays.
    pub busy: bool,
}

/// What came of a job's step.
pub enum Progress {
    /// The job takes this command, and goes on after it.
    Issue(Command),
    /// The job writes this record to the outbox, takes this command, and goes on after it.
    Load(usize, Record, Command),
    /// The job goes on at once.
    Again,
    /// The job waits.
    Wait,
    /// The job is done, with this result.
    Done(u64),
    /// The job cannot be done.
    Failed(Status),
}

impl Job {
    /// Creates the endpoint of a transmit queue, for which everything is reserved.
    pub fn create(queue: u8, memory: Memory) -> Self {
        Job::Probe(Probes {
            queue,
            memory,
            next: memory.shadow,
            issued: 0,
            answered: 0,
            trouble: None,
        })
    }

    /// Whether a step would bring something about.
    pub fn goes_on(&self) -> bool {
        match self {
            Job::Probe(probes) => probes.may_issue() || probes.outcome().is_some(),
            Job::Evict(eviction) => !eviction.saving,
            _ => true,
        }
    }

    /// One step, other than a probe. `save_token`: of a record that is saved.
    pub fn step<const QUEUES: usize>(
        &mut self,
        endpoints: &mut EndpointTable<QUEUES>,
        save_token: u16,
    ) -> Progress {
        let (command, result) = match self {
            Job::Issue(command) => {
                let command = *command;
                *self = Job::Answer;
                (Some(command), 0)
            }
            Job::Answer => (None, 0),
            Job::Probe(_) => return self.end_probes(endpoints),
            Job::SetUp {
                queue,
                memory,
                done,
            } => {
                let Some(endpoint) = endpoints.of_queue(*queue) else {
                    return Progress::Failed(Status::NoSuchEndpoint);
                };
                let command = set_up(endpoint, memory, *done);
                *done += 1;
                (command, created(endpoint))
            }
            Job::Bind { queue, done } => {
                let endpoint = endpoints.of_queue(*queue);
                let command = endpoint.and_then(|endpoint| bind(endpoint, *done));
                *done += 1;
                (command, 0)
            }
            Job::TearDown { queue, done } => {
                let endpoint = endpoints.of_queue(*queue);
                let command = endpoint.and_then(|endpoint| tear_down(endpoint, *done));
                *done += 1;
                if command.is_none() {
                    endpoints.remove(*queue);
                }
                (command, 0)
            }
            Job::Evict(eviction) => {
                if eviction.saving {
                    return Progress::Wait;
                }
                let Some(endpoint) = endpoints.of_queue(eviction.queue) else {
                    return Progress::Failed(Status::NoSuchEndpoint);
                };
                let command = evict(endpoint, eviction, save_token);
                eviction.done += 1;
                if command.is_none() {
                    if eviction.busy {
                        return Progress::Failed(Status::InUse);
                    }
                    let [transmit, receive] = eviction.records;
                    endpoints.evict(eviction.queue, transmit, receive);
                }
                (command, 0)
            }
            Job::Install {
                queue,
                records,
                done,
            } => {
                let Some(endpoint) = endpoints.of_queue(*queue) else {
                    return Progress::Failed(Status::NoSuchEndpoint);
                };
                *done += 1;
                if let number @ 1..=2 = *done {
                    let record = records[number - 1];
                    return load(endpoint, number == 2, record);
                }
                (install(endpoint, &records[1], *done), created(endpoint))
            }
        };
        command.map_or(Progress::Done(result), Progress::Issue)
    }

    /// Goes on with what the probes have come to, if none is to be issued.
    fn end_probes<const QUEUES: usize>(
        &mut self,
        endpoints: &mut EndpointTable<QUEUES>,
    ) -> Progress {
        let Job::Probe(probes) = self else {
            return Progress::Again;
        };
        match probes.outcome() {
            Some(Ok(())) => {
                let (queue, memory) = (probes.queue, probes.memory);
                *self = Job::SetUp {
                    queue,
                    memory,
                    done: 0,
                };
                Progress::Again
            }
            // A creation that failed leaves nothing behind: no state was written yet.
            Some(Err(status)) => {
                endpoints.remove(probes.queue);
                Progress::Failed(status)
            }
            None => Progress::Wait,
        }
    }
}

/// How far the probes of an endpoint's memory are: one of the shadow line and one of each of the ring's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probes {
    queue: u8,
    memory: Memory,
    next: u64,
    issued: u16,
    answered: u16,
    /// The first of the probes that went wrong, whatever order they were answered in, and how.
    trouble: Option<(u16, Status)>,
}

impl Probes {
    fn total(&self) -> u16 {
        1 + self.memory.ring_pages
    }

    fn may_issue(&self) -> bool {
        self.trouble.is_none()
            && self.issued < self.total()
            && self.issued - self.answered < PROBES_UNDER_WAY
    }

    /// The next probe, if it is time for one.
    #[inline]
    pub fn next(&mut self, first_token: u16) -> Option<Command> {
        if !self.may_issue() {
            return None;
        }
        let (address, token) = (self.next, first_token + self.issued);
        self.next = match self.issued {
            0 => self.memory.ring,
            // Behind the last page, which may be the last of all, there is none to be probed.
            _ => address.wrapping_add(PAGE_BYTES),
        };
        self.issued += 1;
        Some(Command::read_host(address, 4, PROBE_INBOX_OFFSET, token))
    }

    /// The one with this number was answered.
    #[inline]
    pub fn answered(&mut self, number: u16, trouble: Option<Status>) {
        self.answered += 1;
        if let Some(status) = trouble
            && self.trouble.is_none_or(|(earlier, _)| number < earlier)
        {
            self.trouble = Some((number, status));
        }
    }

    /// Whether all is well, once no more answers are to come.
    fn outcome(&self) -> Option<Result<(), Status>> {
        match self.trouble {
            _ if self.answered < self.issued => None,
            Some((_, status)) => Some(Err(status)),
            None => (self.issued == self.total()).then_some(Ok(())),
        }
    }
}

/// Result of `CREATE_ENDPOINT`.
fn created(endpoint: &Endpoint) -> u64 {
    let result = EndpointResult {
        endpoint: endpoint.number.into(),
        transmit_queue: endpoint.transmit_queue.into(),
        window_base: endpoint.window_base.into(),
    };
    result.pack()
}

/// Index of a word of a queue in its region.
fn word(queue: u8, word: usize) -> usize {
    (usize::from(queue) << WORDS_LOG2) + word
}

/// The set-up command with this number: what the queue refers to, the queue, then the way in.
#[inline(never)]
fn set_up(endpoint: &Endpoint, memory: &Memory, done: usize) -> Option<Command> {
    let (transmit, receive) = (endpoint.transmit_queue, endpoint.receive_queue);
    let (region, index, data) = match done {
        0 => {
            let base = usize::from(endpoint.window_base);
            let entries = 1 << endpoint.shape.window_log2;
            return Some(Command::clear_queue_state(
                REGION_TRANSLATION,
                base,
                entries,
            ));
        }
        1 => (
            REGION_TRANSMIT_QUEUE,
            word(transmit, TRANSMIT_SHADOW),
            memory.shadow,
        ),
        2 => (
            REGION_RECEIVE_QUEUE,
            word(receive, RECEIVE_RING),
            memory.ring,
        ),
        3 => (
            REGION_INTERRUPT,
            receive.into(),
            endpoint.receive_interrupt(0, 0),
        ),
        4 => (
            REGION_TRANSMIT_QUEUE,
            word(transmit, TRANSMIT_CONTROL),
            endpoint.transmit_control(),
        ),
        5 => (REGION_ENDPOINT_MAP, endpoint.number.into(), endpoint.map()),
        _ => return None,
    };
    Some(Command::write_queue_state(region, index, data))
}

/// The binding command with this number: the queue, then the way in.
#[inline(never)]
fn bind(endpoint: &Endpoint, done: usize) -> Option<Command> {
    let identifier = endpoint.receive_queue_id?;
    let (region, index, data) = match done {
        0 => (
            REGION_RECEIVE_QUEUE,
            word(endpoint.receive_queue, RECEIVE_CONTROL),
            endpoint.receive_control(identifier),
        ),
        1 => (
            REGION_RECEIVE_MAP,
            identifier.into(),
            endpoint.receive_map(),
        ),
        _ => return None,
    };
    Some(Command::write_queue_state(region, index, data))
}

/// The tear-down command with this number: the ways in, then the queues. Addresses stay as they are: what is just on
/// its way out must not lose its own.
#[inline(never)]
fn tear_down(endpoint: &Endpoint, done: usize) -> Option<Command> {
    let is_bound = endpoint.receive_queue_id.is_some();
    let (region, index) = match done + usize::from(!is_bound) {
        0 => (
            REGION_RECEIVE_MAP,
            endpoint.receive_queue_id.unwrap_or_default().into(),
        ),
        1 => (REGION_ENDPOINT_MAP, endpoint.number.into()),
        2 => (
            REGION_TRANSMIT_QUEUE,
            word(endpoint.transmit_queue, TRANSMIT_CONTROL),
        ),
        3 => (
            REGION_RECEIVE_QUEUE,
            word(endpoint.receive_queue, RECEIVE_CONTROL),
        ),
        _ => return None,
    };
    Some(Command::write_queue_state(region, index, 0))
}

/// The eviction command with this number: the ways in, then the records, once nothing changes them any more. The
/// transmit queue's is saved before the queue is disabled, to see whether it is idle: no store reaches it any more,
/// so it stays so. If it is not, the way in is opened again.
#[cold]
#[inline(never)]
fn evict(endpoint: &Endpoint, eviction: &mut Eviction, save_token: u16) -> Option<Command> {
    let (transmit, receive) = (endpoint.transmit_queue, endpoint.receive_queue);
    let clear = |region, index| Command::write_queue_state(region, index, 0);
    if eviction.busy {
        let page = endpoint.number.into();
        return (eviction.done == 2)
            .then(|| Command::write_queue_state(REGION_ENDPOINT_MAP, page, endpoint.map()));
    }
    let command = match eviction.done {
        0 => clear(REGION_ENDPOINT_MAP, endpoint.number.into()),
        1 => Command::save_record(false, transmit, RECORD_INBOX_OFFSET, save_token),
        2 => match endpoint.receive_queue_id {
            Some(identifier) => clear(REGION_RECEIVE_MAP, identifier.into()),
            None => clear(REGION_RECEIVE_QUEUE, word(receive, RECEIVE_CONTROL)),
        },
        3 => clear(REGION_TRANSMIT_QUEUE, word(transmit, TRANSMIT_CONTROL)),
        4 => clear(REGION_RECEIVE_QUEUE, word(receive, RECEIVE_CONTROL)),
        5 => Command::save_record(true, receive, RECORD_INBOX_OFFSET, save_token),
        _ => return None,
    };
    eviction.saving = matches!(eviction.done, 1 | 5);
    Some(command)
}

impl Eviction {
    /// Where the record stands that was saved.
    pub const INBOX_OFFSET: usize = RECORD_INBOX_OFFSET;

    /// Of the endpoint that has this transmit queue.
    pub fn new(queue: u8) -> Self {
        Eviction {
            queue,
            done: 0,
            saving: false,
            records: [[0; 4]; 2],
            busy: false,
        }
    }

    /// A record was saved.
    pub fn saved(&mut self, record: Record) {
        self.saving = false;
        // The first one is the transmit queue's.
        if self.done == 2 {
            let consumer = TransmitProgress::unpack(record[1]).consumer;
            self.busy = consumer != TransmitStores::unpack(record[2]).producer;
            self.records[0] = record;
        } else {
            self.records[1] = record;
        }
    }
}

/// Loads one of an endpoint's records. A receive queue without an identifier has only its ring: its
/// control word is zero.
fn load(endpoint: &Endpoint, receive: bool, record: Record) -> Progress {
    let (queue, offset) = match receive {
        false => (endpoint.transmit_queue, RECORD_OUTBOX_OFFSET),
        true => (
            endpoint.receive_queue,
            RECORD_OUTBOX_OFFSET + size_of::<Record>(),
        ),
    };
    Progress::Load(offset, record, Command::load_record(receive, queue, offset))
}

/// The command with this number of an installation, behind the records: the interrupt, then the ways in. `receive`: the
/// record of the receive queue.
fn install(endpoint: &Endpoint, receive: &Record, done: usize) -> Option<Command> {
    let (region, index, data) = match (done, endpoint.receive_queue_id) {
        (3, _) => {
            let delivered = ReceiveIndices::unpack(receive[1]).producer;
            let armed = ReceiveArmed::unpack(receive[2]).armed;
            (
                REGION_INTERRUPT,
                endpoint.receive_queue.into(),
                endpoint.receive_interrupt(delivered, armed),
            )
        }
        (4, _) => (REGION_ENDPOINT_MAP, endpoint.number.into(), endpoint.map()),
        (5, Some(identifier)) => (
            REGION_RECEIVE_MAP,
            identifier.into(),
            endpoint.receive_map(),
        ),
        _ => return None,
    };
    Some(Command::write_queue_state(region, index, data))
}

/// The next command of the tear-down of all endpoints of this firmware, of which one has `done` commands behind it.
/// So its time depends on how many there are, and not on how many there could be.
#[inline(never)]
pub fn tear_down_known<const QUEUES: usize>(
    endpoints: &mut EndpointTable<QUEUES>,
    done: &mut usize,
) -> Option<Command> {
    loop {
        let Some(endpoint) = endpoints.any() else {
            endpoints.remove_all_evicted();
            return None;
        };
        if let Some(command) = tear_down(endpoint, *done) {
            return Some(command);
        }
        let queue = endpoint.transmit_queue;
        endpoints.remove(queue);
        *done = 0;
    }
}

/// The command with this number of the tear-down of everything that an earlier firmware may have set up.
#[inline(never)]
pub fn tear_down_all(limits: &Limits, done: usize) -> Option<Command> {
    let clear = match done {
        0 => Command::clear_queue_state(REGION_RECEIVE_MAP, 0, limits.receive_queue_ids),
        1 => Command::clear_queue_state(REGION_ENDPOINT_MAP, 0, limits.endpoints),
        2 => Command::clear_controls(REGION_TRANSMIT_QUEUE, limits.transmit_queues),
        3 => Command::clear_controls(REGION_RECEIVE_QUEUE, limits.receive_queues),
        _ => return None,
    };
    Some(clear)
}
