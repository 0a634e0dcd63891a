//! Requests that take many commands, as lists that are never written down: a job knows its next command from a count.

use crate::command::Command;
use crate::endpoints::{Endpoint, EndpointTable, PAGE_BYTES};
use abi::admin::{endpoint_result, status::Status};
use abi::queue_state::{
    REGION_ENDPOINT_MAP, REGION_RECEIVE_QUEUE, REGION_TRANSLATION, REGION_TRANSMIT_QUEUE,
    endpoint_map,
};

/// Where probes of host memory land in the inbox.
const PROBE_INBOX_OFFSET: usize = 64;
/// Probes under way at once: as many reads as the hardware carries out at once.
const PROBES_UNDER_WAY: u16 = 4;

/// What is being done for a submission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Issuing one command.
    Issue(Command),
    /// Nothing any more.
    Answer,
    /// Waiting until no answer to an earlier endpoint's messages can come any more, which would count for the new one's.
    Rest {
        /// Endpoint number.
        number: usize,
    },
    /// Reading one double word of each page an endpoint will write to: a write to a bad address would vanish.
    Probe(Probes),
    /// Writing a new endpoint's state.
    SetUp {
        /// Endpoint number.
        number: usize,
        /// Commands done.
        done: usize,
    },
    /// Erasing an endpoint's state.
    TearDown {
        /// Endpoint number.
        number: usize,
        /// Commands done.
        done: usize,
    },
}

/// What came of a job's step.
pub enum Progress {
    /// The job takes this command, and goes on after it.
    Issue(Command),
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
    /// Whether a step would bring something about.
    pub fn goes_on(&self) -> bool {
        match self {
            Job::Probe(probes) => probes.may_issue() || probes.outcome().is_some(),
            _ => true,
        }
    }

    /// One step. `now`: processor cycles, low half; `probe_token`: of the first probe.
    pub fn step(&mut self, endpoints: &mut EndpointTable, now: u32, probe_token: u16) -> Progress {
        match self {
            Job::Issue(command) => {
                let command = *command;
                *self = Job::Answer;
                Progress::Issue(command)
            }
            Job::Answer => Progress::Done(0),
            Job::Rest { number } if endpoints.is_resting(*number, now) => Progress::Wait,
            Job::Rest { number } => match endpoints.get(*number as u64) {
                Ok(endpoint) => {
                    *self = Job::Probe(Probes::new(*number, endpoint));
                    Progress::Again
                }
                Err(status) => Progress::Failed(status),
            },
            Job::Probe(probes) => match probes.outcome() {
                Some(Ok(())) => {
                    let number = probes.number;
                    *self = Job::SetUp { number, done: 0 };
                    Progress::Again
                }
                // A creation that failed leaves nothing behind: no state was written yet.
                Some(Err(status)) => {
                    endpoints.cancel(probes.number);
                    Progress::Failed(status)
                }
                None => probes
                    .next(probe_token)
                    .map_or(Progress::Wait, Progress::Issue),
            },
            Job::SetUp { number, done } => {
                let Ok(endpoint) = endpoints.get(*number as u64) else {
                    return Progress::Failed(Status::NoSuchEndpoint);
                };
                let result = created(*number, endpoint.window_base);
                let command = set_up(*number, endpoint, *done);
                *done += 1;
                command.map_or(Progress::Done(result), Progress::Issue)
            }
            Job::TearDown { number, done } => match tear_down(*number, *done) {
                Some(command) => {
                    *done += 1;
                    Progress::Issue(command)
                }
                None => {
                    endpoints.remove(*number, now);
                    Progress::Done(0)
                }
            },
        }
    }
}

/// How far the probes of an endpoint's memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probes {
    number: usize,
    ring: u64,
    next: u64,
    total: u16,
    issued: u16,
    answered: u16,
    /// The first of the probes that went wrong, whatever order they were answered in, and how.
    trouble: Option<(u16, Status)>,
}

impl Probes {
    /// None of them is issued yet: one of the shadow line and one of each of the ring's pages.
    fn new(number: usize, endpoint: &Endpoint) -> Self {
        Probes {
            number,
            ring: endpoint.shape.ring,
            next: endpoint.shape.shadow,
            total: 1 + endpoint.shape.ring_pages(),
            issued: 0,
            answered: 0,
            trouble: None,
        }
    }

    fn may_issue(&self) -> bool {
        self.trouble.is_none()
            && self.issued < self.total
            && self.issued - self.answered < PROBES_UNDER_WAY
    }

    /// The next probe, if it is time for one.
    fn next(&mut self, first_token: u16) -> Option<Command> {
        if !self.may_issue() {
            return None;
        }
        let (address, token) = (self.next, first_token + self.issued);
        self.next = match self.issued {
            0 => self.ring,
            // Behind the last page, which may be the last of all, there is none to be probed.
            _ => address.wrapping_add(PAGE_BYTES),
        };
        self.issued += 1;
        Some(Command::read_host(address, 4, PROBE_INBOX_OFFSET, token))
    }

    /// The one with this number was answered.
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
            None => (self.issued == self.total).then_some(Ok(())),
        }
    }
}

/// Result of `CREATE_ENDPOINT`.
fn created(number: usize, window_base: u16) -> u64 {
    let mut result = endpoint_result::endpoint::set(0, number as u64);
    result = endpoint_result::transmit_queue::set(result, number as u64);
    endpoint_result::window_base::set(result, window_base.into()) as u64
}

/// The set-up command with this number: the window first, the way in last.
fn set_up(number: usize, endpoint: &Endpoint, done: usize) -> Option<Command> {
    let mut map = endpoint_map::transmit_queue::set(0, number as u64);
    map = endpoint_map::transmit_resident::set(map, 1);
    map = endpoint_map::receive_queue::set(map, number as u64);
    map = endpoint_map::receive_resident::set(map, 1);
    let (region, index, data) = match done {
        0 => {
            let base = usize::from(endpoint.window_base);
            let entries = 1 << endpoint.shape.window_log2;
            let clear = Command::clear_queue_state(REGION_TRANSLATION, base, entries, 1);
            return Some(clear);
        }
        1 => (REGION_TRANSMIT_QUEUE, number * 2 + 1, endpoint.shape.shadow),
        2 => (REGION_RECEIVE_QUEUE, number * 2 + 1, endpoint.shape.ring),
        3 => (
            REGION_TRANSMIT_QUEUE,
            number * 2,
            endpoint.transmit_control(),
        ),
        4 => (REGION_ENDPOINT_MAP, number, map as u64),
        _ => return None,
    };
    Some(Command::write_queue_state(region, index, data))
}

/// The tear-down command with this number: the way in first. Addresses and translations of a disabled queue mean nothing.
fn tear_down(number: usize, done: usize) -> Option<Command> {
    tear_down_range(number, 1, done)
}

/// The command with this number of the tear-down of everything, whether this firmware knows of it or an earlier one did.
pub fn tear_down_all(endpoints: usize, done: usize) -> Option<Command> {
    tear_down_range(0, endpoints, done)
}

/// Addresses stay as they are: what is just on its way out must not lose its own.
fn tear_down_range(first: usize, count: usize, done: usize) -> Option<Command> {
    let (region, stride) = match done {
        _ if count == 0 => return None,
        0 => (REGION_ENDPOINT_MAP, 1),
        1 => (REGION_TRANSMIT_QUEUE, 2),
        2 => (REGION_RECEIVE_QUEUE, 2),
        _ => return None,
    };
    let index = first * stride;
    Some(Command::clear_queue_state(region, index, count, stride))
}
