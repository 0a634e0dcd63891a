//! The admin queue: one submission after the other, every one checked before anything is done (`abi::admin`).

use crate::command::Command;
use crate::endpoints::{EndpointTable, Limits, Memory, RECORD_WORDS, Record, check};
use crate::jobs::{self, Eviction, Job, Progress};
use crate::rings::{AdminRegisters, Rings};
use abi::admin::{COMPLETION_BYTES, SUBMISSION_BYTES, Submission, opcode::Opcode, status::Status};
use abi::command::completion_status::CompletionStatus;
use abi::queue_state::REGION_TRANSLATION;

/// Token of the read of a submission.
const FETCH_TOKEN: u16 = 1;
/// Token of the marker behind everything that was under way.
const MARKER_TOKEN: u16 = 2;
/// Token of a record that is saved.
const SAVE_TOKEN: u16 = 3;
/// Token of the first probe of an endpoint's memory; those behind it count on.
const PROBE_TOKEN: u16 = 4;
/// Inbox offset of the submission.
const SUBMISSION_INBOX_OFFSET: usize = 0;
/// Words of a submission that mean something to some opcode: the head, one without a meaning, four operands.
pub const SUBMISSION_WORDS: usize = 6;
/// Outbox slots of completions, used in turn, so that none is overwritten while it leaves.
const COMPLETION_OUTBOX_SLOTS: usize = 16;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The admin doorbell rang.
    Doorbell(AdminRegisters),
    /// A command completed.
    Completed {
        /// Its token.
        token: u16,
        /// How it ended; `None` if the hardware gave a number that this firmware does not know.
        status: Option<CompletionStatus>,
    },
    /// Answer to [`Action::ReadInbox`].
    Inbox([u64; SUBMISSION_WORDS]),
    /// The command queue has room, and nothing else is to be told.
    Room,
}

/// What to do. At most one command each, and only after [`Input::Room`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Issue a command.
    Issue(Command),
    /// Read a submission in the inbox and tell it with [`Input::Inbox`].
    ReadInbox {
        /// Byte offset.
        offset: usize,
    },
    /// Write 16 bytes to the outbox, then issue the command that sends them.
    Answer {
        /// Byte offset.
        offset: usize,
        /// The bytes.
        words: [u64; COMPLETION_BYTES / 8],
        /// The command.
        command: Command,
    },
    /// Write a record to the outbox, then issue the command that loads it.
    Load {
        /// Byte offset.
        offset: usize,
        /// The record.
        words: Record,
        /// The command.
        command: Command,
    },
    /// Remember a transmit queue's generation where a firmware after this one finds it.
    Keep {
        /// The queue.
        transmit_queue: u8,
        /// The generation of its new owner.
        generation: u8,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing under way.
    Idle,
    /// New rings: every endpoint is being erased. Commands done, of an endpoint or of all orphans.
    Clearing { done: usize },
    /// The NIU may make requests to the host again: everything is erased.
    Resuming,
    /// A marker is to be issued behind all that an earlier driver or firmware left under way.
    Marking,
    /// The marker is under way; completions before it are stale.
    Settling,
    /// A submission is being read.
    Fetching,
    /// A submission is being carried out, one command for each [`Input::Room`].
    Working { identifier: u16, job: Job },
    /// An answer is to be written.
    Answering {
        identifier: u16,
        status: Status,
        result: u64,
    },
}

/// All protocols of the service processor.
///
/// New rings (another generation, or any after none) are a new driver: whatever is under way is dropped, every queue
/// disabled, a stop of the NIU's requests for these rings ended, and a marker waited for, before its first submission
/// is read. `QUEUES`: most resident queues a side.
#[derive(Clone, Debug)]
pub struct Firmware<const QUEUES: usize> {
    state: State,
    rings: Option<Rings>,
    endpoints: EndpointTable<QUEUES>,
    /// Endpoints of a firmware before this one may be alive.
    orphaned: bool,
    /// Outbox slot of the next answer.
    outbox_slot: usize,
    /// Result of `IDENTIFY`: ABI version and source revision.
    identity: u64,
}

impl<const QUEUES: usize> Firmware<QUEUES> {
    /// The first firmware since the hardware's reset, of source revision `revision`.
    pub fn new(revision: u32, limits: Limits) -> Self {
        let version = (u32::from(abi::ABI_VERSION_MAJOR) << 16) | u32::from(abi::ABI_VERSION_MINOR);
        Firmware {
            state: State::Idle,
            rings: None,
            endpoints: EndpointTable::new(limits),
            orphaned: false,
            outbox_slot: 0,
            identity: (u64::from(version) << 32) | u64::from(revision),
        }
    }

    /// New firmware follows one that was stopped. `registers`: the admin queue's, as they are now; off while the
    /// NIU's requests are stopped, so that the rings that the host sets up then are new ones. `generations`: what
    /// [`Action::Keep`] said of each transmit queue last, 0 if nothing.
    ///
    /// Endpoints live on, but nobody knows them any more. So that they are not disturbed, all that
    /// the driver can have of this firmware is its identity, until it sets up new rings;
    /// submissions that the earlier firmware may have taken are not answered.
    pub fn resume(&mut self, registers: AdminRegisters, generations: [u8; QUEUES]) {
        self.rings = registers.is_on().then_some(Rings {
            registers,
            consumer: registers.doorbell,
        });
        self.state = State::Marking;
        self.orphaned = true;
        self.endpoints.set_generations(generations);
    }

    /// The admin queue's registers as they were last told; off if nothing is known of them.
    pub fn registers(&self) -> AdminRegisters {
        let rings = self.rings.as_ref();
        rings.map_or_else(AdminRegisters::default, |rings| rings.registers)
    }

    /// Whether [`Input::Room`] would bring something about.
    pub fn wants_room(&self) -> bool {
        match &self.state {
            State::Idle => self.submission().is_some(),
            State::Settling | State::Fetching => false,
            State::Working { job, .. } => job.goes_on(),
            State::Clearing { .. } | State::Resuming | State::Marking | State::Answering { .. } => {
                true
            }
        }
    }

    /// Takes one input; says what to do for it.
    // Each kind of input is a function of its own, which the caller calls directly: the processor's cache is small,
    // and one function for all would save every register for each.
    #[inline(always)]
    pub fn step(&mut self, input: Input) -> Option<Action> {
        match input {
            Input::Doorbell(registers) => self.ring(registers),
            Input::Completed { token, status } => return self.completed(token, status),
            Input::Inbox(entry) => {
                if self.state == State::Fetching {
                    return self.begin(&entry);
                }
                self.take_record(&entry);
            }
            Input::Room => return self.proceed(),
        }
        None
    }

    /// Goes on up to the next command. The probes of a ring are many: their way is short.
    #[inline(always)]
    fn proceed(&mut self) -> Option<Action> {
        if let State::Working {
            job: Job::Probe(probes),
            ..
        } = &mut self.state
            && let Some(command) = probes.next(PROBE_TOKEN)
        {
            return Some(Action::Issue(command));
        }
        self.proceed_with_others()
    }

    /// Goes on up to the next command that is no probe.
    #[inline(never)]
    fn proceed_with_others(&mut self) -> Option<Action> {
        loop {
            match &mut self.state {
                State::Idle => return self.fetch(),
                State::Settling | State::Fetching => return None,
                State::Clearing { .. } => {
                    if let Some(command) = self.clear() {
                        return Some(Action::Issue(command));
                    }
                }
                State::Resuming => {
                    self.state = State::Marking;
                    // Without rings, the next driver's end the stop.
                    if let Some(rings) = &self.rings {
                        let generation = rings.registers.generation;
                        return Some(Action::Issue(Command::resume(generation)));
                    }
                }
                State::Marking => {
                    self.state = State::Settling;
                    return Some(Action::Issue(Command::marker(MARKER_TOKEN)));
                }
                State::Working { identifier, job } => {
                    let identifier = *identifier;
                    match job.step(&mut self.endpoints, SAVE_TOKEN) {
                        Progress::Issue(command) => return Some(Action::Issue(command)),
                        Progress::Load(offset, words, command) => {
                            return Some(Action::Load {
                                offset,
                                words,
                                command,
                            });
                        }
                        Progress::Again => {}
                        Progress::Wait => return None,
                        Progress::Done(result) => {
                            self.state = State::Answering {
                                identifier,
                                status: Status::Done,
                                result,
                            };
                        }
                        Progress::Failed(status) => self.state = refuse(identifier, status),
                    }
                }
                State::Answering {
                    identifier,
                    status,
                    result,
                } => {
                    let (identifier, status, result) = (*identifier, *status, *result);
                    self.state = State::Idle;
                    return self.answer(identifier, status, result);
                }
            }
        }
    }

    /// Goes on with erasing all endpoints.
    #[inline(never)]
    fn clear(&mut self) -> Option<Command> {
        let State::Clearing { done } = &mut self.state else {
            return None;
        };
        let command = match self.orphaned {
            true => jobs::tear_down_all(&self.endpoints.limits(), *done),
            false => jobs::tear_down_known(&mut self.endpoints, done),
        };
        *done += 1;
        if command.is_none() {
            self.orphaned = false;
            self.state = State::Resuming;
        }
        command
    }

    #[inline(never)]
    fn ring(&mut self, registers: AdminRegisters) {
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
            }
        }
    }

    /// A command completed; a token that nobody waits for is of something dropped.
    #[inline(always)]
    fn completed(&mut self, token: u16, status: Option<CompletionStatus>) -> Option<Action> {
        let trouble = match status {
            Some(CompletionStatus::Done) => None,
            Some(CompletionStatus::Refused) => Some(Status::AddressRefused),
            _ => Some(Status::Failed),
        };
        match (token, &mut self.state, trouble) {
            (MARKER_TOKEN, State::Settling, _) => self.state = State::Idle,
            (FETCH_TOKEN, State::Fetching, None) => {
                let offset = SUBMISSION_INBOX_OFFSET;
                return Some(Action::ReadInbox { offset });
            }
            // Nobody knows what it was called, but its place in the ring is answered.
            (FETCH_TOKEN, State::Fetching, Some(status)) => self.state = refuse(0, status),
            (
                SAVE_TOKEN,
                State::Working {
                    job: Job::Evict(_), ..
                },
                None,
            ) => {
                let offset = Eviction::INBOX_OFFSET;
                return Some(Action::ReadInbox { offset });
            }
            (
                PROBE_TOKEN..,
                State::Working {
                    job: Job::Probe(probes),
                    ..
                },
                trouble,
            ) => probes.answered(token - PROBE_TOKEN, trouble),
            _ => {}
        }
        None
    }

    /// A record that was saved stands in the inbox.
    #[inline(never)]
    fn take_record(&mut self, entry: &[u64; SUBMISSION_WORDS]) {
        if let State::Working {
            job: Job::Evict(eviction),
            ..
        } = &mut self.state
        {
            eviction.saved(core::array::from_fn(|number: usize| {
                const { assert!(RECORD_WORDS <= SUBMISSION_WORDS) };
                entry[number]
            }));
        }
    }

    /// Host address of the next submission.
    fn submission(&self) -> Option<u64> {
        self.rings.as_ref().and_then(Rings::submission)
    }

    /// Reads the next submission.
    #[inline(never)]
    fn fetch(&mut self) -> Option<Action> {
        let address = self.submission()?;
        self.state = State::Fetching;
        Some(Action::Issue(Command::read_host(
            address,
            SUBMISSION_BYTES,
            SUBMISSION_INBOX_OFFSET,
            FETCH_TOKEN,
        )))
    }

    /// Checks a submission and decides what it takes.
    #[inline(never)]
    fn begin(&mut self, entry: &[u64; SUBMISSION_WORDS]) -> Option<Action> {
        let head = Submission::unpack(entry[0]);
        let identifier = head.identifier as u16;
        let opcode = Opcode::from_code(head.opcode).ok_or(Status::UnknownOpcode);
        let mut action = None;
        self.state = match opcode.and_then(|opcode| self.check(opcode, &entry[2..])) {
            Ok(Begun::Result(result)) => State::Answering {
                identifier,
                status: Status::Done,
                result,
            },
            Ok(Begun::Job(job)) => State::Working { identifier, job },
            Ok(Begun::Installation {
                transmit_queue,
                generation,
                records,
            }) => {
                action = Some(Action::Keep {
                    transmit_queue,
                    generation,
                });
                let job = Job::Install {
                    queue: transmit_queue,
                    records,
                    done: 0,
                };
                State::Working { identifier, job }
            }
            Ok(Begun::Creation {
                transmit_queue,
                generation,
                memory,
            }) => {
                action = Some(Action::Keep {
                    transmit_queue,
                    generation,
                });
                let job = Job::create(transmit_queue, memory);
                State::Working { identifier, job }
            }
            Err(status) => refuse(identifier, status),
        };
        action
    }

    fn check(&mut self, opcode: Opcode, operands: &[u64]) -> Result<Begun, Status> {
        if self.orphaned && opcode != Opcode::Identify {
            return Err(Status::Failed);
        }
        Ok(Begun::Job(match opcode {
            Opcode::Identify => return Ok(Begun::Result(self.identity)),
            Opcode::CreateEndpoint => {
                let vectors = self.endpoints.limits().interrupt_vectors;
                let (shape, memory) =
                    check(operands[0], operands[1], operands[2], operands[3], vectors)?;
                let endpoint = self.endpoints.create(shape)?;
                return Ok(Begun::Creation {
                    transmit_queue: endpoint.transmit_queue,
                    generation: endpoint.generation,
                    memory,
                });
            }
            Opcode::DestroyEndpoint => match self.endpoints.get(operands[0]) {
                Ok(endpoint) => Job::TearDown {
                    queue: endpoint.transmit_queue,
                    done: 0,
                },
                Err(_) => {
                    self.endpoints.remove_evicted(operands[0])?;
                    return Ok(Begun::Result(0));
                }
            },
            Opcode::EvictEndpoint => {
                let queue = self.endpoints.get(operands[0])?.transmit_queue;
                if !self.endpoints.may_evict() {
                    return Err(Status::NoResources);
                }
                Job::Evict(Eviction::new(queue))
            }
            Opcode::InstallEndpoint => {
                let (endpoint, transmit, receive) = self.endpoints.install(operands[0])?;
                return Ok(Begun::Installation {
                    transmit_queue: endpoint.transmit_queue,
                    generation: endpoint.generation,
                    records: [transmit, receive],
                });
            }
            Opcode::BindReceiveQueue => match self.endpoints.bind(operands[0], operands[1])? {
                Some(queue) => Job::Bind { queue, done: 0 },
                None => return Ok(Begun::Result(0)),
            },
            Opcode::LoadTranslation => {
                let index =
                    self.endpoints
                        .translation_index(operands[0], operands[1], operands[2])?;
                Job::Issue(Command::write_queue_state(
                    REGION_TRANSLATION,
                    index,
                    operands[2],
                ))
            }
        }))
    }

    #[inline(never)]
    fn answer(&mut self, identifier: u16, status: Status, result: u64) -> Option<Action> {
        let (address, word) = self.rings.as_mut()?.answer(identifier, status);
        let offset = self.outbox_slot * COMPLETION_BYTES;
        self.outbox_slot = (self.outbox_slot + 1) % COMPLETION_OUTBOX_SLOTS;
        Some(Action::Answer {
            offset,
            words: [word, result],
            command: Command::write_host(address, COMPLETION_BYTES, offset),
        })
    }
}

/// What a checked submission takes.
enum Begun {
    /// Nothing more: this is its result.
    Result(u64),
    /// Commands.
    Job(Job),
    /// An endpoint is to be created, for which everything is reserved.
    Creation {
        transmit_queue: u8,
        generation: u8,
        memory: Memory,
    },
    /// An evicted endpoint has got queues.
    Installation {
        transmit_queue: u8,
        generation: u8,
        records: [Record; 2],
    },
}

fn refuse(identifier: u16, status: Status) -> State {
    State::Answering {
        identifier,
        status,
        result: 0,
    }
}
