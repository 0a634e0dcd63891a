//! Segments: memory of the host that other nodes may write to and read (`abi::queue_state::segment_place`).

use super::jobs::{Job, Operation};
use super::probes::{Pages, Probes};
use crate::command::Command;
use crate::port::Port;
use abi::admin::{CounterName, SegmentResult, SegmentShape, status::Status};
use abi::queue_state::counter_action;
use abi::queue_state::{
    COUNTER_ACTION, COUNTER_CONTROL, COUNTER_WORDS_LOG2, Counter, REGION_COUNTER, REGION_SEGMENT,
    SEGMENT_EXTENT, SEGMENT_PAGE_BYTES, SEGMENT_PLACE, SEGMENT_WORDS_LOG2,
    SEGMENTS, SegmentExtent, SegmentPlace,
};

/// Bits of a host address that a segment can have.
const ADDRESS_BITS: u32 = 57;

/// A segment that is being set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Export {
    segment: u8,
    place: u64,
    extent: u64,
}

/// A segment's counter that is to be armed, or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arming {
    segment: u8,
    counter: u64,
    actions: [u64; 2],
}

/// Whose each segment is. A number that is free is used again as late as possible, and with another generation.
#[derive(Clone, Debug)]
pub struct Segments {
    /// Endpoint and one more; 0: free.
    owner: [u16; SEGMENTS],
    generation: [u8; SEGMENTS],
    /// Segments that are not free.
    used: u16,
    /// Where the search for a free one begins.
    next: u8,
}

impl Segments {
    /// None was ever used.
    pub const fn new() -> Self {
        Segments {
            owner: [0; SEGMENTS],
            generation: [0; SEGMENTS],
            used: 0,
            next: 0,
        }
    }

    /// All segments are free, for rings of this generation. The segments' generations then begin far from where they
    /// began with the rings before, so that importers of then do not meet their own.
    pub fn clear(&mut self, rings: u8) {
        self.owner.fill(0);
        self.generation.fill(rings.reverse_bits());
        self.used = 0;
    }

    /// Checks the operands of `EXPORT` but for the endpoint, and reserves a segment.
    ///
    /// # Errors
    /// `BadOperand`, `NoResources`.
    #[inline(never)]
    pub fn reserve(&mut self, operands: [u64; 4]) -> Result<Job, Status> {
        let [shape, address, bytes, _] = operands;
        let fields = SegmentShape::unpack(shape);
        let end = address.checked_add(bytes);
        let is_legal = fields.pack() == shape
            && address != 0
            && address.is_multiple_of(SEGMENT_PAGE_BYTES as u64)
            && (1..=1 << 32).contains(&bytes)
            && end.is_some_and(|end| end <= 1 << ADDRESS_BITS);
        if !is_legal {
            return Err(Status::BadOperand);
        }
        let segment = self.take(fields.endpoint as u16)?;
        let place = SegmentPlace {
            valid: 1,
            remote_write: fields.remote_write,
            remote_read: fields.remote_read,
            remote_atomic: fields.remote_atomic,
            local: fields.local,
            any_node: fields.any_node,
            any_endpoint: fields.any_endpoint,
            endpoint: fields.importer,
            page: address / SEGMENT_PAGE_BYTES as u64,
        };
        let extent = SegmentExtent {
            last: bytes - 1,
            generation: self.generation[usize::from(segment)].into(),
            owner: fields.endpoint,
            node: fields.node,
            ..SegmentExtent::default()
        };
        let export = Export {
            segment,
            place: place.pack(),
            extent: extent.pack(),
        };
        let ends = [address, address + (bytes - 1) / 4 * 4];
        let pages = ends.map(|start| Pages { start, count: 1 });
        Ok(Job::ProbeSegment(Probes::new(pages), export))
    }

    fn take(&mut self, endpoint: u16) -> Result<u8, Status> {
        if usize::from(self.used) == SEGMENTS {
            return Err(Status::NoResources);
        }
        let mut segment = self.next;
        while self.owner[usize::from(segment)] != 0 {
            segment = segment.wrapping_add(1);
        }
        self.next = segment.wrapping_add(1);
        self.used += 1;
        self.owner[usize::from(segment)] = endpoint + 1;
        let generation = &mut self.generation[usize::from(segment)];
        *generation = generation.wrapping_add(1);
        Ok(segment)
    }

    fn free(&mut self, segment: u8) {
        self.owner[usize::from(segment)] = 0;
        self.used -= 1;
    }

    /// Checks the second operand of `UNEXPORT`.
    ///
    /// # Errors
    /// `BadOperand` unless it is a segment of the endpoint.
    #[inline(never)]
    pub fn find(&self, endpoint: u16, operand: u64) -> Result<Job, Status> {
        let fields = SegmentResult::unpack(operand);
        let segment = u8::try_from(fields.segment).map_err(|_| Status::BadOperand)?;
        let is_there = fields.pack() == operand
            && self.owner[usize::from(segment)] == endpoint + 1
            && u64::from(self.generation[usize::from(segment)]) == fields.generation;
        is_there
            .then_some(Job::Unexport(segment))
            .ok_or(Status::BadOperand)
    }

    /// Checks the operands of `ARM_COUNTER` but for the endpoint.
    ///
    /// # Errors
    /// `BadOperand` unless it is a segment of the endpoint and a counter that there can be.
    #[inline(never)]
    pub fn arm(&self, operands: [u64; 4]) -> Result<Job, Status> {
        let [name, counter, action_0, action_1] = operands;
        let named = CounterName::unpack(name);
        let result = SegmentResult {
            segment: named.segment,
            generation: named.generation,
        };
        let endpoint = named.endpoint as u16;
        let Job::Unexport(segment) = self.find(endpoint, result.pack())? else {
            return Err(Status::BadOperand);
        };
        let fields = Counter::unpack(counter);
        let is_action = |action: u64, place: u64| match action as usize {
            counter_action::NOTHING => place == 0,
            counter_action::STORE => true,
            counter_action::COUNT => place < SEGMENTS as u64,
            _ => false,
        };
        let is_legal = named.pack() == name
            && fields.pack() == counter
            && fields.owner == 0
            && (fields.armed == 0 || fields.threshold != 0)
            && is_action(fields.action_0, fields.place_0)
            && is_action(fields.action_1, fields.place_1);
        if !is_legal {
            return Err(Status::BadOperand);
        }
        let counter = Counter {
            owner: endpoint.into(),
            ..fields
        };
        Ok(Job::ArmCounter(Arming {
            segment,
            counter: counter.pack(),
            actions: [action_0, action_1],
        }))
    }

    /// There are any.
    pub fn is_used(&self) -> bool {
        self.used != 0
    }

    /// One step of a job that concerns segments: what it is from now on.
    #[inline(never)]
    pub fn work(&mut self, job: Job, port: &mut impl Port) -> Job {
        match job {
            Job::ProbeSegment(probes, export) => match probes.outcome() {
                Some(Ok(())) => set_up(&export, port),
                Some(Err(status)) => {
                    self.free(export.segment);
                    Job::Failed(status)
                }
                None => job,
            },
            Job::Unexport(segment) => {
                self.free(segment);
                port.issue(write(segment, SEGMENT_PLACE, 0));
                port.issue(write_counter(segment, COUNTER_CONTROL, 0));
                Job::Done(0)
            }
            Job::ArmCounter(arming) => {
                let Arming {
                    segment,
                    counter,
                    actions,
                } = arming;
                // Nothing is carried out with half of the new words.
                port.issue(write_counter(segment, COUNTER_CONTROL, 0));
                for (action, bytes) in actions.into_iter().enumerate() {
                    port.issue(write_counter(segment, COUNTER_ACTION + action, bytes));
                }
                port.issue(write_counter(segment, COUNTER_CONTROL, counter));
                Job::Done(0)
            }
            Job::ClearSegments(endpoint, from) => self.clear_next(endpoint, from, port),
            _ => job,
        }
    }

    /// Ends an endpoint's next segment; behind the last one, the endpoint itself.
    fn clear_next(&mut self, endpoint: u16, from: u16, port: &mut impl Port) -> Job {
        let end = Job::Look(Operation::Destroy(endpoint));
        let owners = self.owner.iter().skip(usize::from(from));
        let next = owners
            .zip(from..)
            .find(|(owner, _)| **owner == endpoint + 1);
        let Some((_, segment)) = next else {
            return end;
        };
        self.free(segment as u8);
        port.issue(write(segment as u8, SEGMENT_PLACE, 0));
        port.issue(write_counter(segment as u8, COUNTER_CONTROL, 0));
        Job::ClearSegments(endpoint, segment + 1)
    }
}

fn set_up(export: &Export, port: &mut impl Port) -> Job {
    port.issue(write(export.segment, SEGMENT_EXTENT, export.extent));
    port.issue(write(export.segment, SEGMENT_PLACE, export.place));
    let result = SegmentResult {
        segment: export.segment.into(),
        generation: SegmentExtent::unpack(export.extent).generation,
    };
    Job::Done(result.pack())
}

fn write(segment: u8, word: usize, data: u64) -> Command {
    let index = (usize::from(segment) << SEGMENT_WORDS_LOG2) + word;
    Command::write_queue_state(REGION_SEGMENT, index, data)
}

fn write_counter(segment: u8, word: usize, data: u64) -> Command {
    let index = (usize::from(segment) << COUNTER_WORDS_LOG2) + word;
    Command::write_queue_state(REGION_COUNTER, index, data)
}

/// The command that ends all counters.
pub const fn clear_counters() -> Command {
    Command::clear_queue_state(REGION_COUNTER, 0, SEGMENTS << COUNTER_WORDS_LOG2)
}

/// The command that erases all segments.
pub const fn clear_all() -> Command {
    Command::clear_queue_state(REGION_SEGMENT, 0, SEGMENTS << SEGMENT_WORDS_LOG2)
}
