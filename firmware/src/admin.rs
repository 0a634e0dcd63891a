//! The admin queue: one submission after the other, every one checked before anything is done (`abi::admin`).

use crate::command::Command;
use crate::endpoints::{EndpointTable, Limits, Shape};
use crate::jobs::{self, Job};
use crate::rings::{AdminRegisters, Rings};
use abi::admin::{
    COMPLETION_BYTES, SUBMISSION_BYTES, endpoint_result, opcode::Opcode, status::Status, submission,
};
use abi::command::completion_status::CompletionStatus;
use abi::queue_state::{REGION_RECEIVE_QUEUE, REGION_TRANSLATION};

/// Token of the read of a submission.
const FETCH_TOKEN: u16 = 1;
/// Token of a probe.
const PROBE_TOKEN: u16 = 2;
/// Token of the marker behind everything that was under way.
const MARKER_TOKEN: u16 = 3;
/// Inbox offset of the submission.
const SUBMISSION_INBOX_OFFSET: usize = 0;
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
    Inbox([u64; SUBMISSION_BYTES / 8]),
    /// The command queue has room, and nothing else is to be told.
    Room {
        /// Processor cycles, low half.
        now: u32,
    },
}

/// What to do, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Issue a command.
    Issue(Command),
    /// Read 64 bytes of the inbox and tell them with [`Input::Inbox`].
    ReadInbox {
        /// Byte offset.
        offset: usize,
    },
    /// Write 16 bytes to the outbox.
    WriteOutbox {
        /// Byte offset.
        offset: usize,
        /// The bytes.
        words: [u64; COMPLETION_BYTES / 8],
    },
}

/// What one step asks for; at most one command, and that last.
pub type Actions = heapless::Vec<Action, 2>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing under way.
    Idle,
    /// New rings: every queue is being disabled.
    Clearing { done: usize },
    /// A marker is to be issued behind all that an earlier driver or firmware left under way.
    Marking,
    /// The marker is under way; completions before it are stale.
    Settling,
    /// A submission is being read.
    Fetching,
    /// A submission is being carried out, one command for each [`Input::Room`].
    Working { identifier: u16, job: Job },
    /// A probe is under way.
    Probing {
        identifier: u16,
        number: usize,
        done: u64,
    },
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
/// disabled, and a marker waited for, before its first submission is read.
#[derive(Clone, Debug)]
pub struct Firmware {
    state: State,
    rings: Option<Rings>,
    endpoints: EndpointTable,
    /// Endpoints of a firmware before this one may be alive.
    orphaned: bool,
    /// Outbox slot of the next answer.
    outbox_slot: usize,
    /// Result of `IDENTIFY`: ABI version and source revision.
    identity: u64,
}

impl Firmware {
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

    /// Firmware that follows one that was stopped. `registers`: the admin queue's, as they are now.
    ///
    /// Endpoints live on, but nobody knows them any more. So that they are not disturbed, all that the driver can have of
    /// this firmware is its identity, until it sets up new rings; submissions that the earlier firmware may have taken are
    /// not answered.
    pub fn resumed(revision: u32, limits: Limits, registers: AdminRegisters) -> Self {
        let rings = registers.is_on().then_some(Rings {
            registers,
            consumer: registers.doorbell,
        });
        Firmware {
            state: State::Marking,
            rings,
            orphaned: true,
            ..Firmware::new(revision, limits)
        }
    }

    /// Whether [`Input::Room`] would bring something about.
    pub fn wants_room(&self) -> bool {
        match self.state {
            State::Idle => self.submission().is_some(),
            State::Settling | State::Fetching | State::Probing { .. } => false,
            State::Clearing { .. }
            | State::Marking
            | State::Working { .. }
            | State::Answering { .. } => true,
        }
    }

    /// Takes one input; says what to do for it.
    pub fn step(&mut self, input: Input) -> Actions {
        match (input, self.state) {
            (Input::Doorbell(registers), _) => self.ring(registers),
            (Input::Completed { token, status }, state) => {
                return self.completed(token, status, state);
            }
            (Input::Inbox(entry), State::Fetching) => self.begin(&entry),
            (Input::Room { .. }, State::Idle) => return self.fetch(),
            (Input::Room { now }, State::Clearing { done }) => return self.clear(done, now),
            (Input::Room { .. }, State::Marking) => {
                self.state = State::Settling;
                return issue(Command::marker(MARKER_TOKEN));
            }
            (Input::Room { now }, State::Working { identifier, job }) => {
                return self.work(identifier, job, now);
            }
            (
                Input::Room { .. },
                State::Answering {
                    identifier,
                    status,
                    result,
                },
            ) => return self.answer(identifier, status, result),
            (Input::Inbox(_) | Input::Room { .. }, _) => {}
        }
        Actions::new()
    }

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
    fn completed(&mut self, token: u16, status: Option<CompletionStatus>, state: State) -> Actions {
        let trouble = match status {
            Some(CompletionStatus::Done) => None,
            Some(CompletionStatus::Refused) => Some(Status::AddressRefused),
            _ => Some(Status::Failed),
        };
        self.state = match (token, state, trouble) {
            (MARKER_TOKEN, State::Settling, _) => State::Idle,
            (FETCH_TOKEN, State::Fetching, None) => {
                let offset = SUBMISSION_INBOX_OFFSET;
                return one(Action::ReadInbox { offset });
            }
            // Nobody knows what it was called, but its place in the ring is answered.
            (FETCH_TOKEN, State::Fetching, Some(status)) => refuse(0, status),
            (
                PROBE_TOKEN,
                State::Probing {
                    identifier,
                    number,
                    done,
                },
                trouble,
            ) => match trouble {
                None => State::Working {
                    identifier,
                    job: Job::Probe {
                        number,
                        done: done + 1,
                    },
                },
                // A creation that failed leaves nothing behind: no state was written yet.
                Some(status) => {
                    self.endpoints.cancel(number);
                    refuse(identifier, status)
                }
            },
            _ => state,
        };
        Actions::new()
    }

    /// Host address of the next submission.
    fn submission(&self) -> Option<u64> {
        self.rings.as_ref().and_then(Rings::submission)
    }

    /// Disables the next queue, of whichever driver.
    fn clear(&mut self, done: usize, now: u32) -> Actions {
        if let Some(command) = jobs::tear_down_all(self.endpoints.limits().endpoints, done) {
            self.state = State::Clearing { done: done + 1 };
            return issue(command);
        }
        self.endpoints.remove_all(self.orphaned, now);
        self.orphaned = false;
        self.state = State::Marking;
        Actions::new()
    }

    /// Reads the next submission.
    fn fetch(&mut self) -> Actions {
        let Some(address) = self.submission() else {
            return Actions::new();
        };
        self.state = State::Fetching;
        issue(Command::read_host(
            address,
            SUBMISSION_BYTES,
            SUBMISSION_INBOX_OFFSET,
            FETCH_TOKEN,
        ))
    }

    /// Checks a submission and decides what it takes.
    fn begin(&mut self, entry: &[u64; SUBMISSION_BYTES / 8]) {
        let head = u128::from(entry[0]);
        let identifier = submission::identifier::get(head) as u16;
        let opcode = Opcode::from_code(submission::opcode::get(head)).ok_or(Status::UnknownOpcode);
        self.state = match opcode.and_then(|opcode| self.check(opcode, &entry[2..])) {
            Ok(Begun::Result(result)) => State::Answering {
                identifier,
                status: Status::Done,
                result,
            },
            Ok(Begun::Job(job)) => State::Working { identifier, job },
            Err(status) => refuse(identifier, status),
        };
    }

    fn check(&mut self, opcode: Opcode, operands: &[u64]) -> Result<Begun, Status> {
        if self.orphaned && opcode != Opcode::Identify {
            return Err(Status::Failed);
        }
        Ok(Begun::Job(match opcode {
            Opcode::Identify => return Ok(Begun::Result(self.identity)),
            Opcode::CreateEndpoint => {
                let shape = Shape::from_operands(operands[0], operands[1], operands[2])?;
                Job::Rest {
                    number: self.endpoints.create(shape)?,
                }
            }
            Opcode::DestroyEndpoint => {
                self.endpoints.get(operands[0])?;
                Job::TearDown {
                    number: operands[0] as usize,
                    done: 0,
                }
            }
            Opcode::BindReceiveQueue => match self.endpoints.bind(operands[0], operands[1])? {
                Some(data) => Job::Write {
                    region: REGION_RECEIVE_QUEUE,
                    index: operands[0] as usize * 2,
                    data,
                },
                None => return Ok(Begun::Result(0)),
            },
            Opcode::LoadTranslation => {
                let index =
                    self.endpoints
                        .translation_index(operands[0], operands[1], operands[2])?;
                Job::Write {
                    region: REGION_TRANSLATION,
                    index,
                    data: operands[2],
                }
            }
        }))
    }

    /// The next command of a job.
    fn work(&mut self, identifier: u16, job: Job, now: u32) -> Actions {
        let (command, next) = match job {
            Job::Write {
                region,
                index,
                data,
            } => (
                Some(Command::write_queue_state(region, index, data)),
                Next::Done(0),
            ),
            Job::Rest { number } if self.endpoints.is_resting(number, now) => {
                (None, Next::Job(job))
            }
            Job::Rest { number } => (None, Next::Job(Job::Probe { number, done: 0 })),
            Job::Probe { number, done } => {
                let endpoint = self.endpoints.get(number as u64).ok();
                let command = endpoint.and_then(|it| jobs::probe(it, done, PROBE_TOKEN));
                if let Some(command) = command {
                    self.state = State::Probing {
                        identifier,
                        number,
                        done,
                    };
                    return issue(command);
                }
                (None, Next::Job(Job::SetUp { number, done: 0 }))
            }
            Job::SetUp { number, done } => {
                let endpoint = self.endpoints.get(number as u64).ok();
                match endpoint.and_then(|it| jobs::set_up(number, it, done)) {
                    Some(command) => (
                        Some(command),
                        Next::Job(Job::SetUp {
                            number,
                            done: done + 1,
                        }),
                    ),
                    None => {
                        let base = endpoint.map_or(0, |endpoint| endpoint.window_base);
                        (None, Next::Done(created(number, base)))
                    }
                }
            }
            Job::TearDown { number, done } => match jobs::tear_down(number, done) {
                Some(command) => (
                    Some(command),
                    Next::Job(Job::TearDown {
                        number,
                        done: done + 1,
                    }),
                ),
                None => {
                    self.endpoints.remove(number, now);
                    (None, Next::Done(0))
                }
            },
        };
        self.state = match next {
            Next::Job(job) => State::Working { identifier, job },
            Next::Done(result) => State::Answering {
                identifier,
                status: Status::Done,
                result,
            },
        };
        command.map_or_else(Actions::new, issue)
    }

    fn answer(&mut self, identifier: u16, status: Status, result: u64) -> Actions {
        self.state = State::Idle;
        let Some(rings) = &mut self.rings else {
            return Actions::new();
        };
        let (address, word) = rings.answer(identifier, status);
        let offset = self.outbox_slot * COMPLETION_BYTES;
        self.outbox_slot = (self.outbox_slot + 1) % COMPLETION_OUTBOX_SLOTS;
        let mut actions = one(Action::WriteOutbox {
            offset,
            words: [word, result],
        });
        let write = Command::write_host(address, COMPLETION_BYTES, offset);
        let _ = actions.push(Action::Issue(write));
        actions
    }
}

/// What a checked submission takes.
enum Begun {
    /// Nothing more: this is its result.
    Result(u64),
    /// Commands.
    Job(Job),
}

/// How a job goes on.
enum Next {
    Job(Job),
    /// It is done, with this result.
    Done(u64),
}

/// Result of `CREATE_ENDPOINT`.
fn created(number: usize, window_base: u16) -> u64 {
    let mut result = endpoint_result::endpoint::set(0, number as u64);
    result = endpoint_result::transmit_queue::set(result, number as u64);
    endpoint_result::window_base::set(result, window_base.into()) as u64
}

fn refuse(identifier: u16, status: Status) -> State {
    State::Answering {
        identifier,
        status,
        result: 0,
    }
}

fn issue(command: Command) -> Actions {
    one(Action::Issue(command))
}

fn one(action: Action) -> Actions {
    let mut actions = Actions::new();
    let _ = actions.push(action);
    actions
}
