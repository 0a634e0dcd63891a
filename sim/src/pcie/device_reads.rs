//! Memory reads of the device: memory latency, and completions cut and ordered in any legal way (2.3.1.1).

use abi::pcie::completion_status::CompletionStatus;

use super::downstream::{Class, Downstream};
use super::packet::{Completion, Header, Request};
use super::random::Random;
use super::rules::RuleError;
use crate::memory::HostMemory;
use crate::profile::{CompletionSplit, RootComplexProfile};

/// Completions made ahead of the line, in bytes: as little as keeps the line busy, so that data is taken late.
const AHEAD_BYTES: usize = 512;

/// What to do with one read of the device instead of answering it as it deserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFault {
    /// Answer as it deserves; the next fault is for the next read.
    Spared,
    /// Never answer.
    Unanswered,
    /// Answer with this status.
    Status(CompletionStatus),
    /// Answer with poisoned data.
    Poisoned,
    /// Send a malformed completion first, with other data and a beat more than its header says;
    /// then answer as it deserves.
    PrecededByLonger,
    /// The same with a beat less.
    PrecededByShorter,
}

/// What a malformed completion says.
const JUNK: u8 = 0xbd;

#[derive(Clone, Copy, Debug)]
struct Pending {
    request: Request,
    /// Where the data is; `None` when the request is refused.
    source: Result<u64, CompletionStatus>,
    ready_ps: u64,
    done: u16,
    poisoned: bool,
    /// Beats that a malformed completion has more than its header says. It goes before the first one.
    malformed: Option<isize>,
}

#[derive(Debug)]
pub(super) struct DeviceReads {
    completer: u16,
    boundary: u64,
    latency_ps: u64,
    split: CompletionSplit,
    interleave: bool,
    random: Random,
    pending: Vec<Pending>,
    tags_in_use: [bool; 256],
    payload: Vec<u8>,
}

impl DeviceReads {
    pub fn new(profile: &RootComplexProfile, completer: u16, seed: u64) -> DeviceReads {
        DeviceReads {
            completer,
            boundary: u64::from(profile.read_completion_boundary_bytes),
            latency_ps: profile.memory_read_latency_ns * 1000,
            split: profile.completion_split,
            interleave: profile.completion_interleave,
            random: Random::new(seed),
            pending: Vec::new(),
            tags_in_use: [false; 256],
            payload: Vec::new(),
        }
    }

    pub fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// A read has arrived whose first byte is at host address `source`.
    ///
    /// # Errors
    /// The tag is in use.
    pub fn accept(
        &mut self,
        request: Request,
        source: Result<u64, CompletionStatus>,
        fault: Option<ReadFault>,
        now_ps: u64,
    ) -> Result<(), RuleError> {
        let in_use = &mut self.tags_in_use[usize::from(request.tag)];
        if *in_use {
            return Err(RuleError::TagInUse(request.tag));
        }
        if fault == Some(ReadFault::Unanswered) {
            return Ok(());
        }
        *in_use = true;
        let source = match fault {
            Some(ReadFault::Status(status)) => Err(status),
            _ => source,
        };
        let poisoned = fault == Some(ReadFault::Poisoned);
        let malformed = match fault {
            Some(ReadFault::PrecededByLonger) => Some(1),
            Some(ReadFault::PrecededByShorter) => Some(-1),
            _ => None,
        };
        self.pending.push(Pending {
            request,
            source,
            ready_ps: now_ps + self.latency_ps,
            done: 0,
            poisoned,
            malformed,
        });
        Ok(())
    }

    /// The device is reset: it waits for nothing any more.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.tags_in_use = [false; 256];
    }

    /// The device has the last completion of the read with this tag.
    pub fn tag_freed(&mut self, tag: u8) {
        self.tags_in_use[usize::from(tag)] = false;
    }

    /// Makes completions whose data is there, as far as the line can use them.
    pub fn step(
        &mut self,
        now_ps: u64,
        maximum_payload_bytes: u32,
        memory: &HostMemory,
        down: &mut Downstream,
    ) {
        while down.waiting_bytes() < AHEAD_BYTES {
            // Memory latency is the same for all, so that the ready ones are the first in the list.
            let ready = self
                .pending
                .iter()
                .take_while(|pending| pending.ready_ps <= now_ps)
                .count();
            let index = match ready {
                0 => return,
                _ if self.interleave => self.random.below(ready as u64) as usize,
                _ => 0,
            };
            self.complete(index, now_ps, maximum_payload_bytes, memory, down);
        }
    }

    /// Sends the next completion of one read.
    fn complete(
        &mut self,
        index: usize,
        now_ps: u64,
        maximum_payload_bytes: u32,
        memory: &HostMemory,
        down: &mut Downstream,
    ) {
        let Pending {
            request,
            source,
            done,
            poisoned,
            ..
        } = self.pending[index];
        let remaining = request.byte_count() - done;
        let next = request.first_byte() + u64::from(done);
        self.payload.clear();
        let mut bytes = remaining;
        if let Ok(source) = source {
            bytes = self.piece(next, remaining, maximum_payload_bytes);
            let skip = (next % 4) as usize;
            self.payload
                .resize((skip + usize::from(bytes)).next_multiple_of(4), 0);
            // A request that enables no byte still gets a double word, whatever it holds.
            memory.read(
                source + u64::from(done),
                &mut self.payload[skip..skip + usize::from(bytes)],
            );
        }
        let header = Header::Completion(Completion {
            length: (self.payload.len() / 4) as u16,
            status: source.err().unwrap_or(CompletionStatus::Successful),
            byte_count: remaining,
            lower_address: (next & 0x7f) as u8,
            completer: self.completer,
            requester: request.requester,
            tag: request.tag,
            traffic_class: request.traffic_class,
            attributes: request.attributes,
            poisoned,
        });
        if let Some(beats) = self.pending[index].malformed.take() {
            let mut packet = down.buffer();
            header.encode(&vec![JUNK; self.payload.len()], &mut packet);
            let length = packet.len().saturating_add_signed(16 * beats).max(16);
            packet.resize(length, JUNK);
            down.push(Class::Completion, packet, now_ps, None);
        }
        let mut packet = down.buffer();
        header.encode(&self.payload, &mut packet);
        let finished = bytes == remaining;
        down.push(
            Class::Completion,
            packet,
            now_ps,
            finished.then_some(request.tag),
        );
        if finished {
            self.pending.remove(index);
        } else {
            self.pending[index].done += bytes;
        }
    }

    /// How many bytes the next completion carries.
    fn piece(&mut self, next: u64, remaining: u16, maximum_payload_bytes: u32) -> u16 {
        let end = next + u64::from(remaining);
        // The payload counts in double words from the one that holds the first byte.
        let furthest = (next & !3) + u64::from(maximum_payload_bytes);
        let first_cut = (next / self.boundary + 1) * self.boundary;
        let last_cut = furthest / self.boundary * self.boundary;
        let cut = match self.split {
            CompletionSplit::Whole if end <= furthest => end,
            CompletionSplit::Whole => last_cut,
            CompletionSplit::Boundary => first_cut,
            CompletionSplit::Random => {
                let cuts = (last_cut.max(first_cut) - first_cut) / self.boundary + 1;
                first_cut + self.boundary * self.random.below(cuts)
            }
        };
        (cut.min(end) - next) as u16
    }
}
