//! The admin queue: one submission after the other, every one checked before anything is done (`abi::admin`).

use crate::command::Command;
use crate::endpoints::{EndpointTable, Shape};
use crate::jobs::{self, Job};
use abi::admin::{
    COMPLETION_BYTES, SUBMISSION_BYTES, completion, endpoint_result, opcode::Opcode,
    status::Status, submission,
};
use abi::command::completion_status::CompletionStatus;
use abi::queue_state::{REGION_RECEIVE_QUEUE, REGION_TRANSLATION};

/// Tokens of reads of submissions: this plus the rings' generation, so that a read for an old driver is told apart.
const FETCH_TOKENS: u16 = 0x100;
/// Token of a probe.
const PROBE_TOKEN: u16 = 2;
/// Inbox offset of the submission.
const SUBMISSION_INBOX_OFFSET: usize = 0;
/// Outbox offsets of completions, used in turn, so that none is overwritten while it leaves.
const COMPLETION_OUTBOX_SLOTS: u16 = 16;

/// The admin queue's registers (`abi::control::registers`), read after its event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdminRegisters {
    /// Host address of the submission ring.
    pub submissions: u64,
    /// Host address of the completion ring.
    pub completions: u64,
    /// Base-2 logarithm of the entries; 0: off.
    pub entries_log2: u8,
    /// Changes when the rings start afresh.
    pub generation: u8,
    /// Producer index.
    pub doorbell: u16,
}

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
    Room,
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

/// What one step asks for.
pub type Actions = heapless::Vec<Action, 2>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing under way.
    Idle,
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
#[derive(Clone, Debug)]
pub struct Firmware {
    state: State,
    registers: AdminRegisters,
    consumer: u16,
    endpoints: EndpointTable,
    /// Result of `IDENTIFY`: ABI version and source revision.
    identity: u64,
}

impl Firmware {
    /// Firmware that calls itself `revision`.
    pub fn new(revision: u32) -> Self {
        let version = (u32::from(abi::ABI_VERSION_MAJOR) << 16) | u32::from(abi::ABI_VERSION_MINOR);
        Firmware {
            state: State::Idle,
            registers: AdminRegisters::default(),
            consumer: 0,
            endpoints: EndpointTable::default(),
            identity: (u64::from(version) << 32) | u64::from(revision),
        }
    }

    /// Whether [`Input::Room`] would bring something about.
    pub fn wants_room(&self) -> bool {
        matches!(self.state, State::Working { .. } | State::Answering { .. })
            || (self.state == State::Idle && self.has_submission())
    }

    /// Takes one input; says what to do for it.
    pub fn step(&mut self, input: Input) -> Actions {
        match (input, self.state) {
            (Input::Doorbell(registers), _) => self.ring(registers),
            (
                Input::Completed {
                    token: FETCH_TOKEN,
                    status,
                },
                State::Fetching,
            ) => match status {
                Some(CompletionStatus::Done) => {
                    return one(Action::ReadInbox {
                        offset: SUBMISSION_INBOX_OFFSET,
                    });
                }
                // The ring itself cannot be read, so there is nobody to tell: skip the entry.
                _ => {
                    self.consumer = self.consumer.wrapping_add(1);
                    self.state = State::Idle;
                }
            },
            (Input::Inbox(entry), State::Fetching) => self.begin(&entry),
            (
                Input::Completed {
                    token: PROBE_TOKEN,
                    status,
                },
                State::Probing {
                    identifier,
                    number,
                    done,
                },
            ) => {
                self.state = match status {
                    Some(CompletionStatus::Done) => State::Working {
                        identifier,
                        job: Job::Probe {
                            number,
                            done: done + 1,
                        },
                    },
                    Some(CompletionStatus::Refused) => {
                        self.give_up(identifier, number, Status::AddressRefused)
                    }
                    _ => self.give_up(identifier, number, Status::Failed),
                };
            }
            (Input::Room, State::Idle) if self.has_submission() => return self.fetch(),
            (Input::Room, State::Working { identifier, job }) => return self.work(identifier, job),
            (
                Input::Room,
                State::Answering {
                    identifier,
                    status,
                    result,
                },
            ) => return self.answer(identifier, status, result),
            _ => {}
        }
        Actions::new()
    }

    fn ring(&mut self, registers: AdminRegisters) {
        let restarted = registers.generation != self.registers.generation;
        self.registers = registers;
        if restarted {
            // A new driver: the old one's endpoints stay until they are destroyed, its open request is carried out, and the
            // answer falls into the new ring's first entry with an identifier nobody waits for. So drop what is only being read.
            self.consumer = 0;
            if self.state == State::Fetching {
                self.state = State::Idle;
            }
        }
    }

    fn entries(&self) -> u16 {
        1 << self.registers.entries_log2.min(8)
    }

    fn has_submission(&self) -> bool {
        let waiting = self.registers.doorbell.wrapping_sub(self.consumer);
        self.registers.entries_log2 != 0 && waiting != 0 && waiting <= self.entries()
    }

    /// Reads the next submission.
    fn fetch(&mut self) -> Actions {
        self.state = State::Fetching;
        let index = u64::from(self.consumer % self.entries());
        let address = self
            .registers
            .submissions
            .wrapping_add(index * SUBMISSION_BYTES as u64);
        one(Action::Issue(Command::read_host(
            address,
            SUBMISSION_BYTES,
            SUBMISSION_INBOX_OFFSET,
            FETCH_TOKEN,
        )))
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
            Err(status) => State::Answering {
                identifier,
                status,
                result: 0,
            },
        };
    }

    fn check(&mut self, opcode: Opcode, operands: &[u64]) -> Result<Begun, Status> {
        Ok(Begun::Job(match opcode {
            Opcode::Identify => return Ok(Begun::Result(self.identity)),
            Opcode::CreateEndpoint => {
                let shape = Shape::from_operands(operands[0], operands[1], operands[2])?;
                Job::Probe {
                    number: self.endpoints.create(shape)?,
                    done: 0,
                }
            }
            Opcode::DestroyEndpoint => {
                self.endpoints.get(operands[0])?;
                Job::TearDown {
                    number: operands[0] as usize,
                    done: 0,
                }
            }
            Opcode::BindReceiveQueue => {
                let data = self
                    .endpoints
                    .bind(operands[0], operands[1])?
                    .receive_control();
                Job::Write {
                    region: REGION_RECEIVE_QUEUE,
                    index: operands[0] as usize * 2,
                    data,
                }
            }
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
    fn work(&mut self, identifier: u16, job: Job) -> Actions {
        let done = |result| State::Answering {
            identifier,
            status: Status::Done,
            result,
        };
        let go_on = |job| State::Working { identifier, job };
        let endpoint = |number: usize| self.endpoints.get(number as u64);
        let (command, next) = match job {
            Job::Write {
                region,
                index,
                data,
            } => (
                Some(Command::write_queue_state(region, index, data)),
                done(0),
            ),
            Job::Probe { number, done } => match endpoint(number)
                .ok()
                .and_then(|it| jobs::probe(it, done, PROBE_TOKEN))
            {
                Some(command) => (
                    Some(command),
                    State::Probing {
                        identifier,
                        number,
                        done,
                    },
                ),
                None => (None, go_on(Job::SetUp { number, done: 0 })),
            },
            Job::SetUp {
                number,
                done: count,
            } => match endpoint(number)
                .ok()
                .and_then(|it| jobs::set_up(number, it, count))
            {
                Some(command) => (
                    Some(command),
                    go_on(Job::SetUp {
                        number,
                        done: count + 1,
                    }),
                ),
                None => {
                    let base = endpoint(number).map_or(0, |endpoint| endpoint.window_base);
                    let mut result = endpoint_result::endpoint::set(0, number as u64);
                    result = endpoint_result::transmit_queue::set(result, number as u64);
                    result = endpoint_result::window_base::set(result, base.into());
                    (None, done(result as u64))
                }
            },
            Job::TearDown {
                number,
                done: count,
            } => {
                match endpoint(number)
                    .ok()
                    .and_then(|it| jobs::tear_down(number, it, count))
                {
                    Some(command) => (
                        Some(command),
                        go_on(Job::TearDown {
                            number,
                            done: count + 1,
                        }),
                    ),
                    None => {
                        self.endpoints.remove(number);
                        (None, done(0))
                    }
                }
            }
        };
        self.state = next;
        command.map_or_else(Actions::new, |command| one(Action::Issue(command)))
    }

    /// A creation that failed leaves nothing behind: no state was written yet.
    fn give_up(&mut self, identifier: u16, number: usize, status: Status) -> State {
        self.endpoints.remove(number);
        State::Answering {
            identifier,
            status,
            result: 0,
        }
    }

    fn answer(&mut self, identifier: u16, status: Status, result: u64) -> Actions {
        let index = self.consumer % self.entries();
        let phase = 1 - (self.consumer / self.entries()) % 2;
        let offset = usize::from(self.consumer % COMPLETION_OUTBOX_SLOTS) * COMPLETION_BYTES;
        self.consumer = self.consumer.wrapping_add(1);
        let mut word = completion::identifier::set(0, identifier.into());
        word = completion::status::set(word, status.code());
        word = completion::consumer::set(word, self.consumer.into());
        word = completion::phase::set(word, phase.into());
        let address = self
            .registers
            .completions
            .wrapping_add(u64::from(index) * COMPLETION_BYTES as u64);
        self.state = State::Idle;
        let mut actions = one(Action::WriteOutbox {
            offset,
            words: [word as u64, result],
        });
        let _ = actions.push(Action::Issue(Command::write_host(
            address,
            COMPLETION_BYTES,
            offset,
        )));
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

fn one(action: Action) -> Actions {
    let mut actions = Actions::new();
    let _ = actions.push(action);
    actions
}
