//! Reads of one double word of each page that is to be written to: a write to a bad address would vanish.

use crate::command::Command;
use crate::layout::PROBE_INBOX;
use crate::tables::PAGE_BYTES;
use abi::admin::status::Status;

/// Token of the first probe; the others count on.
pub const FIRST_TOKEN: u16 = 0x1000;
/// Behind the last one: a table of `abi::endpoint::PAGES` entries has fewer pages, and so has the largest ring.
pub const END_TOKEN: u16 = 0x4000;
/// Probes under way at once: as many reads as the hardware carries out at once.
const UNDER_WAY: u16 = 4;

/// Pages of host memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pages {
    /// An address in the first one.
    pub start: u64,
    /// How many.
    pub count: u16,
}

/// How far the probes of two pieces of host memory are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probes {
    pieces: [Pages; 2],
    next: u64,
    issued: u16,
    answered: u16,
    /// The first of the probes that went wrong, whatever order they were answered in, and how.
    trouble: Option<(u16, Status)>,
}

impl Probes {
    /// None was issued yet.
    pub fn new(pieces: [Pages; 2]) -> Self {
        Probes {
            pieces,
            next: pieces[0].start,
            issued: 0,
            answered: 0,
            trouble: None,
        }
    }

    fn total(&self) -> u16 {
        self.pieces[0].count + self.pieces[1].count
    }

    /// Whether it is time for one.
    #[inline]
    pub fn may_issue(&self) -> bool {
        self.trouble.is_none()
            && self.issued < self.total()
            && self.issued - self.answered < UNDER_WAY
    }

    /// The next probe, if it is time for one.
    #[inline]
    pub fn next(&mut self) -> Option<Command> {
        if !self.may_issue() {
            return None;
        }
        let (address, token) = (self.next, FIRST_TOKEN + self.issued);
        self.issued += 1;
        self.next = match self.issued == self.pieces[0].count {
            true => self.pieces[1].start,
            // Behind the last page, which may be the last of all, there is none to be probed.
            false => address.wrapping_add(PAGE_BYTES),
        };
        Some(Command::read_host(address, 4, PROBE_INBOX).completes(token))
    }

    /// The one with this token was answered.
    #[inline]
    pub fn answered(&mut self, token: u16, trouble: Option<Status>) {
        let number = token - FIRST_TOKEN;
        self.answered += 1;
        if let Some(status) = trouble
            && self.trouble.is_none_or(|(earlier, _)| number < earlier)
        {
            self.trouble = Some((number, status));
        }
    }

    /// Whether all is well, once no more answers are to come.
    pub fn outcome(&self) -> Option<Result<(), Status>> {
        match self.trouble {
            _ if self.answered < self.issued => None,
            Some((_, status)) => Some(Err(status)),
            None => (self.issued == self.total()).then_some(Ok(())),
        }
    }
}
