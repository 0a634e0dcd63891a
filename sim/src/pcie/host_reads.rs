//! Reads of the device by the host: tags, completions put together and checked, timeouts.

use std::collections::{BTreeMap, VecDeque};

use abi::pcie::completion_status::CompletionStatus;

use super::packet::{Completion, Request};
use super::rules::{ENDPOINT_READ_COMPLETION_BOUNDARY, Progress, ReadProgress, RuleError};

/// Tags the host uses for its own reads: 0 up to this.
const HOST_TAGS: u8 = 32;
/// Completions with this tag or a higher one answer raw packets of a test and are handed to it.
pub const FIRST_RAW_TAG: u8 = 0xc0;

/// Names a read until its result is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReadTicket(u64);

/// Why a read of the device brought no data. The processor sees all ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The device knows no such register.
    #[error("the device answered the read with Unsupported Request")]
    UnsupportedRequest,
    /// The device could not answer.
    #[error("the device answered the read with Completer Abort")]
    CompleterAbort,
    /// Configuration Request Retry Status, which no memory read may get.
    #[error("the device answered the read with Configuration Retry")]
    ConfigurationRetry,
    /// The data came marked as bad.
    #[error("the device's data was poisoned")]
    Poisoned,
    /// No answer in time.
    #[error("the device did not answer the read in time")]
    Timeout,
}

#[derive(Debug)]
struct Ticket {
    data: Vec<u8>,
    parts_left: usize,
    error: Option<ReadError>,
}

/// One request of a read: a read that crosses 4 KiB has two or more.
#[derive(Debug)]
struct Part {
    ticket: ReadTicket,
    progress: ReadProgress,
    /// Place of the part's first byte in the ticket's data.
    start: usize,
    deadline_ps: u64,
}

#[derive(Clone, Copy, Debug)]
struct Unsent {
    ticket: ReadTicket,
    request: Request,
    start: usize,
}

#[derive(Debug)]
pub(super) struct HostReads {
    requester: u16,
    completer: u16,
    timeout_ps: u64,
    next_ticket: u64,
    tickets: BTreeMap<ReadTicket, Ticket>,
    unsent: VecDeque<Unsent>,
    parts: [Option<Part>; HOST_TAGS as usize],
    /// Tags of reads that were given up: a late answer may still come, so they are not used again before it.
    given_up: [bool; HOST_TAGS as usize],
    outstanding: usize,
    earliest_deadline_ps: u64,
}

impl HostReads {
    pub fn new(requester: u16, completer: u16, timeout_ps: u64) -> HostReads {
        HostReads {
            requester,
            completer,
            timeout_ps,
            next_ticket: 0,
            tickets: BTreeMap::new(),
            unsent: VecDeque::new(),
            parts: [const { None }; HOST_TAGS as usize],
            given_up: [false; HOST_TAGS as usize],
            outstanding: 0,
            earliest_deadline_ps: u64::MAX,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.outstanding == 0 && self.unsent.is_empty()
    }

    /// Begins a read of `bytes` bytes at `address`.
    pub fn begin(&mut self, address: u64, bytes: u16) -> ReadTicket {
        let ticket = ReadTicket(self.next_ticket);
        self.next_ticket += 1;
        let (mut done, total) = (0, usize::from(bytes));
        let mut parts_left = 0;
        while parts_left == 0 || done < total {
            let at = address + done as u64;
            let length = (total - done).min(4096 - (at % 4096) as usize);
            let request = Request {
                requester: self.requester,
                ..Request::for_bytes(at, length)
            };
            self.unsent.push_back(Unsent {
                ticket,
                request,
                start: done,
            });
            parts_left += 1;
            done += length;
        }
        self.tickets.insert(
            ticket,
            Ticket {
                data: vec![0; total],
                parts_left,
                error: None,
            },
        );
        ticket
    }

    /// The next request to send, if one waits and a tag is free.
    pub fn next_request(&mut self, now_ps: u64) -> Option<Request> {
        let tag = match self.unsent.is_empty() {
            true => return None,
            false => (0..HOST_TAGS).find(|tag| {
                let index = usize::from(*tag);
                self.parts[index].is_none() && !self.given_up[index]
            })?,
        };
        let Unsent {
            ticket,
            request,
            start,
        } = self.unsent.pop_front()?;
        let request = Request { tag, ..request };
        let progress =
            ReadProgress::new(request, self.completer, ENDPOINT_READ_COMPLETION_BOUNDARY);
        let deadline_ps = now_ps + self.timeout_ps;
        self.parts[usize::from(tag)] = Some(Part {
            ticket,
            progress,
            start,
            deadline_ps,
        });
        self.outstanding += 1;
        self.earliest_deadline_ps = self.earliest_deadline_ps.min(deadline_ps);
        Some(request)
    }

    /// A completion of the device.
    ///
    /// # Errors
    /// The first rule it breaks; the read then waits on.
    pub fn complete(
        &mut self,
        completion: &Completion,
        payload: &[u8],
        maximum_payload_bytes: u32,
    ) -> Result<(), RuleError> {
        let tag = usize::from(completion.tag);
        let unexpected = RuleError::Unexpected {
            requester: completion.requester,
            tag: completion.tag,
        };
        if completion.requester != self.requester || tag >= usize::from(HOST_TAGS) {
            return Err(unexpected);
        }
        let Some(part) = &mut self.parts[tag] else {
            return if std::mem::take(&mut self.given_up[tag]) {
                Ok(())
            } else {
                Err(unexpected)
            };
        };
        let progress = part.progress.accept(completion, maximum_payload_bytes)?;
        let (piece, done) = match progress {
            Progress::Failed(status) => {
                self.finish(tag, Some(error_of(status)));
                return Ok(());
            }
            Progress::Part(piece) => (piece, false),
            Progress::Done(piece) => (piece, true),
        };
        if let Some(ticket) = self.tickets.get_mut(&part.ticket) {
            let start = part.start + piece.offset;
            // A read of no bytes is answered with a byte that is nobody's.
            let end = (start + piece.bytes).min(ticket.data.len());
            ticket.data[start..end]
                .copy_from_slice(&payload[piece.skip..piece.skip + (end - start)]);
            if completion.poisoned {
                ticket.error = Some(ReadError::Poisoned);
            }
        }
        if done {
            self.finish(tag, None);
        }
        Ok(())
    }

    /// Gives up reads whose time is over; returns how many.
    pub fn expire(&mut self, now_ps: u64) -> u64 {
        if now_ps < self.earliest_deadline_ps {
            return 0;
        }
        let mut expired = 0;
        for tag in 0..usize::from(HOST_TAGS) {
            if self.parts[tag]
                .as_ref()
                .is_some_and(|part| part.deadline_ps <= now_ps)
            {
                self.finish(tag, Some(ReadError::Timeout));
                self.given_up[tag] = true;
                expired += 1;
            }
        }
        self.earliest_deadline_ps = self
            .parts
            .iter()
            .flatten()
            .map(|part| part.deadline_ps)
            .min()
            .unwrap_or(u64::MAX);
        expired
    }

    /// The device is reset: it answers none of the reads that are under way.
    pub fn reset(&mut self) {
        for tag in 0..usize::from(HOST_TAGS) {
            self.finish(tag, Some(ReadError::Timeout));
            self.given_up[tag] = false;
        }
        while let Some(unsent) = self.unsent.pop_front() {
            if let Some(ticket) = self.tickets.get_mut(&unsent.ticket) {
                ticket.parts_left -= 1;
                ticket.error = Some(ReadError::Timeout);
            }
        }
        self.earliest_deadline_ps = u64::MAX;
    }

    /// The result of a read, once.
    pub fn result(&mut self, ticket: ReadTicket) -> Option<Result<Vec<u8>, ReadError>> {
        if self.tickets.get(&ticket)?.parts_left > 0 {
            return None;
        }
        let Ticket { data, error, .. } = self.tickets.remove(&ticket)?;
        Some(error.map_or(Ok(data), Err))
    }

    fn finish(&mut self, tag: usize, error: Option<ReadError>) {
        let Some(part) = self.parts[tag].take() else {
            return;
        };
        self.outstanding -= 1;
        if let Some(ticket) = self.tickets.get_mut(&part.ticket) {
            ticket.parts_left -= 1;
            ticket.error = ticket.error.or(error);
        }
    }
}

fn error_of(status: CompletionStatus) -> ReadError {
    match status {
        CompletionStatus::ConfigurationRetry => ReadError::ConfigurationRetry,
        CompletionStatus::CompleterAbort => ReadError::CompleterAbort,
        CompletionStatus::UnsupportedRequest | CompletionStatus::Successful => {
            ReadError::UnsupportedRequest
        }
    }
}
