//! The admin queue: one submission after the other, every one checked before anything is done (`abi::admin`).

mod jobs;
mod probes;
mod segments;

use crate::command::{Command, trouble};
use crate::layout::{COMPLETION_OUTBOX, SUBMISSION_INBOX};
use crate::policy::Policy;
use crate::port::{Port, inbox64, set_outbox64};
use crate::residency::{Request, Residency};
use crate::rings::{AdminRegisters, Rings};
use crate::tables::{Limits, PAGE_BYTES, check};
use abi::admin::{
    COMPLETION_BYTES, CounterName, MISS_RING_BYTES, SUBMISSION_BYTES, SegmentShape, Submission,
    TABLE_ENTRY_BYTES, opcode::Opcode, residency_counter::ResidencyCounter,
    residency_policy::ResidencyPolicy, status::Status,
};
use abi::command::completion_status::CompletionStatus;
use abi::queue_state::{
    REGION_ENDPOINT_MAP, REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE, REGION_TRANSMIT_QUEUE,
};
use jobs::{Gift, Job, Operation};
use probes::{END_TOKEN, FIRST_TOKEN, Pages, Probes};
use segments::Segments;

/// First token of this protocol's commands: of the read of a submission.
pub const FIRST: u16 = 0x40;
/// Behind its last token.
pub const END: u16 = END_TOKEN;
const FETCH_TOKEN: u16 = FIRST;
/// Token of the marker behind everything that was under way.
const MARKER_TOKEN: u16 = 0x41;
/// Outbox slots of completions, used in turn, so that none is overwritten while it leaves.
const COMPLETION_SLOTS: usize = 16;
/// Byte offset of the operands of a submission.
const OPERANDS: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing under way.
    Idle,
    /// New rings: every endpoint is being erased, so many commands were issued.
    Clearing { done: usize },
    /// The NIU may make requests to the host again: everything is erased.
    Resuming,
    /// A marker is to be issued behind all that an earlier driver or firmware left under way.
    Marking,
    /// The marker is under way; completions before it are stale.
    Settling,
    /// A submission is being read.
    Fetching,
    /// A submission is being carried out.
    Working { identifier: u16, job: Job },
}

/// The admin protocol.
///
/// New rings (another generation, or any after none) are a new driver: whatever is under way is dropped, every queue
/// disabled, a stop of the NIU's requests for these rings ended, and a marker waited for, before its first submission
/// is read.
#[derive(Clone, Debug)]
pub struct Admin {
    state: State,
    rings: Option<Rings>,
    /// Endpoints of a firmware before this one may be alive.
    orphaned: bool,
    /// Outbox slot of the next answer.
    slot: usize,
    segments: Segments,
    /// Source revision of the firmware.
    revision: u32,
}

impl Admin {
    /// The first firmware since the hardware's reset, of source revision `revision`.
    pub const fn new(revision: u32) -> Self {
        Admin {
            state: State::Idle,
            rings: None,
            orphaned: false,
            slot: 0,
            segments: Segments::new(),
            revision,
        }
    }

    /// A firmware follows one that was stopped.
    pub fn resume(&mut self, registers: AdminRegisters) {
        self.rings = registers.is_on().then_some(Rings {
            registers,
            consumer: registers.doorbell,
        });
        self.state = State::Marking;
        self.orphaned = true;
    }

    /// The admin queue's registers as they were last told; off if nothing is known of them.
    pub fn registers(&self) -> AdminRegisters {
        let rings = self.rings.as_ref();
        rings.map_or_else(AdminRegisters::default, |rings| rings.registers)
    }

    /// Whether the other protocols must leave everything as it is: endpoints are not known, or are being erased.
    #[inline]
    pub fn is_unsettled(&self) -> bool {
        self.orphaned
            || matches!(
                self.state,
                State::Clearing { .. } | State::Resuming | State::Marking | State::Settling
            )
    }

    /// Whether endpoints of an earlier firmware may be alive.
    #[inline]
    pub fn is_orphaned(&self) -> bool {
        self.orphaned
    }

    /// Whether another protocol may begin something.
    #[inline]
    pub fn is_idle(&self) -> bool {
        match &self.state {
            State::Idle => true,
            State::Working { job, .. } => job.is_delegated(),
            _ => false,
        }
    }

    /// Whether room for a command would bring something about.
    #[inline]
    pub fn wants_room(&self) -> bool {
        match &self.state {
            State::Idle => self.rings.as_ref().and_then(Rings::submission).is_some(),
            State::Settling | State::Fetching => false,
            State::Working { job, .. } => job.goes_on(),
            State::Clearing { .. } | State::Resuming | State::Marking => true,
        }
    }

    /// The doorbell rang. Whether all that was is dropped, and all endpoints are gone.
    #[inline(never)]
    pub fn ring(&mut self, registers: AdminRegisters) -> bool {
        let known = self.rings.as_mut();
        match known.filter(|known| known.registers.generation == registers.generation) {
            // Off: what is under way goes on, and its answer goes nowhere.
            _ if !registers.is_on() => self.rings = None,
            Some(rings) => rings.registers = registers,
            None => {
                self.rings = Some(Rings {
                    registers,
                    consumer: 0,
                });
                self.state = State::Clearing { done: 0 };
                return true;
            }
        }
        false
    }

    /// Goes on up to the next command.
    #[inline]
    pub fn proceed<
        const QUEUES: usize,
        const ENDPOINTS: usize,
        const IDENTIFIERS: usize,
        P: Policy,
    >(
        &mut self,
        residency: &mut Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>,
        port: &mut impl Port,
    ) {
        // The probes of a ring are many: their way is short.
        if let State::Working {
            job:
                Job::ProbeEndpoint(probes, _)
                | Job::ProbeGiven(probes, _)
                | Job::ProbeSegment(probes, _),
            ..
        } = &mut self.state
            && let Some(command) = probes.next()
        {
            return port.issue(command);
        }
        self.proceed_with_others(residency, port);
    }

    #[inline(never)]
    fn proceed_with_others<
        const QUEUES: usize,
        const ENDPOINTS: usize,
        const IDENTIFIERS: usize,
        P: Policy,
    >(
        &mut self,
        residency: &mut Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>,
        port: &mut impl Port,
    ) {
        match self.state {
            State::Idle => self.fetch(port),
            State::Settling | State::Fetching => {}
            State::Clearing { done } => {
                self.state = State::Clearing { done: done + 1 };
                match clear_all(&residency.tables.limits(), done) {
                    Some(command) if self.orphaned || residency.tables.given().is_some() => {
                        port.issue(command);
                    }
                    _ => {
                        residency.clear();
                        self.segments.clear(self.registers().generation);
                        self.orphaned = false;
                        self.state = State::Resuming;
                    }
                }
            }
            State::Resuming => {
                self.state = State::Marking;
                // Without rings, the next driver's end the stop.
                if let Some(rings) = &self.rings {
                    port.issue(Command::resume(rings.registers.generation));
                }
            }
            State::Marking => {
                self.state = State::Settling;
                port.issue(Command::marker(MARKER_TOKEN));
            }
            State::Working { identifier, job } => {
                let job = match job {
                    Job::ProbeSegment(..)
                    | Job::Unexport(_)
                    | Job::ArmCounter(_)
                    | Job::ClearSegments(..) => {
                        self.segments.work(job, port)
                    }
                    _ => residency.work(job, port),
                };
                self.go_on(identifier, job, port);
            }
        }
    }

    /// Takes a job's next state; answers if it is the last.
    fn go_on(&mut self, identifier: u16, job: Job, port: &mut impl Port) {
        match job {
            Job::Done(result) => self.answer(identifier, Status::Done, result, port),
            Job::Failed(status) => self.answer(identifier, status, 0, port),
            _ => self.state = State::Working { identifier, job },
        }
    }

    /// A command completed; a token that nobody waits for is of something dropped.
    #[inline(never)]
    pub fn completed<
        const QUEUES: usize,
        const ENDPOINTS: usize,
        const IDENTIFIERS: usize,
        P: Policy,
    >(
        &mut self,
        token: u16,
        status: Option<CompletionStatus>,
        residency: &mut Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>,
        port: &mut impl Port,
    ) {
        let trouble = trouble(status);
        match (token, &mut self.state) {
            (MARKER_TOKEN, State::Settling) => self.state = State::Idle,
            (FETCH_TOKEN, State::Fetching) => match trouble {
                None => self.begin(residency, port),
                // Nobody knows what it was called, but its place in the ring is answered.
                Some(status) => self.answer(0, status, 0, port),
            },
            (
                FIRST_TOKEN..END_TOKEN,
                State::Working {
                    job:
                        Job::ProbeEndpoint(probes, _)
                        | Job::ProbeGiven(probes, _)
                        | Job::ProbeSegment(probes, _),
                    ..
                },
            ) => probes.answered(token, trouble),
            (_, &mut State::Working { identifier, job }) => {
                let job = residency.command_completed(token, trouble, job, port);
                self.go_on(identifier, job, port);
            }
            _ => {}
        }
    }

    /// Reads the next submission.
    fn fetch(&mut self, port: &mut impl Port) {
        let Some(address) = self.rings.as_ref().and_then(Rings::submission) else {
            return;
        };
        self.state = State::Fetching;
        let inbox = SUBMISSION_INBOX;
        let read = Command::read_host(address, SUBMISSION_BYTES, inbox);
        port.issue(read.completes(FETCH_TOKEN));
    }

    /// Checks the submission in the inbox and decides what it takes.
    fn begin<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>(
        &mut self,
        residency: &mut Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>,
        port: &mut impl Port,
    ) {
        let head = Submission::unpack(inbox64(port, SUBMISSION_INBOX));
        let identifier = head.identifier as u16;
        let operands =
            [0, 8, 16, 24].map(|offset| inbox64(port, SUBMISSION_INBOX + OPERANDS + offset));
        let opcode = Opcode::from_code(head.opcode).ok_or(Status::UnknownOpcode);
        let job = opcode.and_then(|opcode| self.check(opcode, operands, residency));
        self.go_on(identifier, job.unwrap_or_else(Job::Failed), port);
    }

    fn check<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>(
        &mut self,
        opcode: Opcode,
        operands: [u64; 4],
        residency: &mut Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>,
    ) -> Result<Job, Status> {
        if opcode == Opcode::Identify {
            let version = (abi::ABI_VERSION_MAJOR as u64) << 16 | abi::ABI_VERSION_MINOR as u64;
            return Ok(Job::Done(version << 32 | u64::from(self.revision)));
        }
        if self.orphaned {
            return Err(Status::Failed);
        }
        match opcode {
            Opcode::CreateEndpoint => {
                let vectors = residency.tables.limits().interrupt_vectors;
                let (shape, memory) = check(operands, vectors)?;
                let pieces = [(memory.shadow, 1), (memory.ring, memory.ring_pages)];
                let creation = residency.reserve(shape, memory)?;
                return Ok(Job::ProbeEndpoint(probes(pieces), creation));
            }
            Opcode::GiveMemory => return give(operands, residency),
            Opcode::ResidencyStatistic => {
                let counter = ResidencyCounter::from_code(operands[0]);
                let counter = counter.ok_or(Status::BadOperand)?;
                return Ok(Job::Done(residency.statistics.get(counter).into()));
            }
            Opcode::Export => {
                let endpoint = SegmentShape::unpack(operands[0]).endpoint;
                let exists = residency.tables.exists(endpoint);
                exists.ok_or(Status::NoSuchEndpoint)?;
                return self.segments.reserve(operands);
            }
            Opcode::ArmCounter => {
                let endpoint = CounterName::unpack(operands[0]).endpoint;
                let exists = residency.tables.exists(endpoint);
                exists.ok_or(Status::NoSuchEndpoint)?;
                return self.segments.arm(operands);
            }
            _ => {}
        }
        let tables = &residency.tables;
        let endpoint = tables.exists(operands[0]).ok_or(Status::NoSuchEndpoint)?;
        let transmit = tables.transmit_of(endpoint);
        let receive = tables.receive_of(endpoint);
        let ask = |requests: [Request; 2], describes| Job::Ask {
            endpoint,
            asked: None,
            next: requests.map(Some),
            describes,
        };
        Ok(match opcode {
            Opcode::Unexport => self.segments.find(endpoint, operands[1])?,
            Opcode::DestroyEndpoint if self.segments.is_used() => Job::ClearSegments(endpoint, 0),
            Opcode::DestroyEndpoint => Job::Look(Operation::Destroy(endpoint)),
            Opcode::BindReceiveQueue => Job::Look(Operation::Bind(endpoint, operands[1])),
            Opcode::LoadTranslation => {
                Job::Look(Operation::Load(endpoint, operands[1], operands[2]))
            }
            Opcode::EvictEndpoint => {
                if transmit.resident().is_none() && receive.resident().is_none() {
                    return Err(Status::NoSuchEndpoint);
                }
                let requests = [
                    Request::EvictTransmit(endpoint),
                    Request::EvictReceive(endpoint),
                ];
                ask(requests, false)
            }
            _ => {
                if transmit.resident().is_some() && receive.resident().is_some() {
                    return Err(Status::NoSuchEndpoint);
                }
                let requests = [
                    Request::InstallTransmit(endpoint),
                    Request::InstallReceive(endpoint),
                ];
                ask(requests, true)
            }
        })
    }

    #[inline(never)]
    fn answer(&mut self, identifier: u16, status: Status, result: u64, port: &mut impl Port) {
        self.state = State::Idle;
        let Some(rings) = self.rings.as_mut() else {
            return;
        };
        let (address, word) = rings.answer(identifier, status);
        let offset = COMPLETION_OUTBOX + self.slot * COMPLETION_BYTES;
        self.slot = (self.slot + 1) % COMPLETION_SLOTS;
        set_outbox64(port, offset, word);
        set_outbox64(port, offset + 8, result);
        port.issue(Command::write_host(address, COMPLETION_BYTES, offset));
    }
}

fn probes(pieces: [(u64, u16); 2]) -> Probes {
    Probes::new(pieces.map(|(start, count)| Pages { start, count }))
}

/// Checks the operands of `GIVE_MEMORY`.
fn give<const QUEUES: usize, const ENDPOINTS: usize, const IDENTIFIERS: usize, P: Policy>(
    [table, ring, policy, _]: [u64; 4],
    residency: &Residency<QUEUES, ENDPOINTS, IDENTIFIERS, P>,
) -> Result<Job, Status> {
    let table_bytes = (residency.tables.limits().endpoints * TABLE_ENTRY_BYTES) as u64;
    let is_legal = |address: u64, bytes: u64| {
        address != 0 && address.is_multiple_of(PAGE_BYTES) && address.checked_add(bytes).is_some()
    };
    let is_first = residency.tables.given().is_none();
    if !is_first || !is_legal(table, table_bytes) || !is_legal(ring, MISS_RING_BYTES as u64) {
        return Err(Status::BadOperand);
    }
    let pages = |bytes: u64| bytes.div_ceil(PAGE_BYTES) as u16;
    let pieces = [
        (ring, pages(MISS_RING_BYTES as u64)),
        (table, pages(table_bytes)),
    ];
    let policy = ResidencyPolicy::from_code(policy).ok_or(Status::BadOperand)?;
    let gift = Gift {
        table,
        ring,
        policy,
    };
    Ok(Job::ProbeGiven(probes(pieces), gift))
}

/// The command with this number of those that erase everything.
fn clear_all(limits: &Limits, done: usize) -> Option<Command> {
    let clear = match done {
        0 => Command::clear_queue_state(REGION_RECEIVE_MAP, 0, limits.receive_queue_ids),
        1 => Command::clear_queue_state(REGION_ENDPOINT_MAP, 0, limits.endpoints),
        2 => Command::clear_controls(REGION_TRANSMIT_QUEUE, limits.transmit_queues),
        3 => Command::clear_controls(REGION_RECEIVE_QUEUE, limits.receive_queues),
        4 => segments::clear_all(),
        5 => segments::clear_counters(),
        _ => return None,
    };
    Some(clear)
}
