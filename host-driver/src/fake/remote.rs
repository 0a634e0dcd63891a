//! Remote memory of a fake device: segments, and what is written to them.

use super::hardware::{Message, Way};
use super::state::{PAGE_BYTES, State};
use abi::admin::{SegmentResult, SegmentShape, status::Status};
use abi::control::registers;
use abi::message::error::Error as Code;
use abi::message::{
    HEADER_BYTES, MAXIMUM_PAYLOAD_BYTES, Remote, TRANSFER_BYTES, TransferLength, TransferLocal,
    form, operation,
};
use abi::queue_state::{SEGMENT_PAGE_BYTES, SEGMENTS, Translation};

/// A segment.
pub(super) struct Segment {
    pub shape: SegmentShape,
    address: u64,
    bytes: u64,
    generation: u8,
}

/// All segments; those that nobody has keep their generation.
#[derive(Default)]
pub(super) struct Segments {
    segments: Vec<(u8, Option<Segment>)>,
}

impl Segments {
    pub fn clear(&mut self) {
        self.segments.clear();
    }

    /// Those of an endpoint end.
    pub fn end_of(&mut self, endpoint: u16) {
        for (_, segment) in &mut self.segments {
            segment.take_if(|segment| segment.shape.endpoint == u64::from(endpoint));
        }
    }
}

impl State {
    /// An endpoint's memory becomes a segment.
    pub fn export(&mut self, shape: u64, address: u64, bytes: u64) -> Result<u64, Status> {
        let shape = SegmentShape::unpack(shape);
        if !self.endpoints.contains_key(&(shape.endpoint as u16)) {
            return Err(Status::NoSuchEndpoint);
        }
        let is_aligned = address.is_multiple_of(SEGMENT_PAGE_BYTES as u64);
        if address == 0 || !is_aligned || !(1..=1 << 32).contains(&bytes) {
            return Err(Status::BadOperand);
        }
        if [address, address + bytes - 1].map(|at| self.bytes(at, 1).is_none()) != [false; 2] {
            return Err(Status::AddressRefused);
        }
        let segments = &mut self.segments.segments;
        let free = segments.iter().position(|(_, segment)| segment.is_none());
        let number = free.unwrap_or(segments.len());
        if number == segments.len() {
            segments.push((0, None));
        }
        if number == SEGMENTS {
            return Err(Status::NoResources);
        }
        let (generation, place) = &mut segments[number];
        *generation = generation.wrapping_add(1);
        *place = Some(Segment {
            shape,
            address,
            bytes,
            generation: *generation,
        });
        let result = SegmentResult {
            segment: number as u64,
            generation: (*generation).into(),
        };
        Ok(result.pack())
    }

    /// A segment of this endpoint ends.
    pub fn unexport(&mut self, endpoint: u16, operand: u64) -> Result<u64, Status> {
        let fields = SegmentResult::unpack(operand);
        let place = self.segments.segments.get_mut(fields.segment as usize);
        let ended = place.and_then(|(_, segment)| {
            segment.take_if(|segment| {
                segment.shape.endpoint == u64::from(endpoint)
                    && u64::from(segment.generation) == fields.generation
            })
        });
        ended.map(|_| 0).ok_or(Status::BadOperand)
    }

    /// What becomes of an operation that this endpoint has sent to a segment. A real device refuses transfers to its
    /// own node; this one has no other.
    pub(super) fn way_to_segment(
        &self,
        number: u16,
        message: &Message,
        entry: &Translation,
    ) -> Way {
        self.operation(number, message, entry)
            .unwrap_or_else(Way::Refuse)
    }

    fn operation(&self, number: u16, message: &Message, entry: &Translation) -> Result<Way, Code> {
        let bytes = message.payload.len();
        let is_transfer = message.form == form::TRANSFER as u64;
        let is_operation = bytes > HEADER_BYTES && bytes.is_multiple_of(4);
        let is_whole = match message.form as usize {
            form::REMOTE => is_operation && bytes <= MAXIMUM_PAYLOAD_BYTES,
            form::TRANSFER => bytes == TRANSFER_BYTES,
            _ => false,
        };
        if !is_whole {
            return Err(Code::TooLong);
        }
        let (head, data) = message.payload.split_at(HEADER_BYTES);
        let remote = Remote::unpack(u64::from_le_bytes(head.try_into().unwrap_or_default()));
        let segment = self.admitting(number, entry)?;
        let is_allowed = match remote.operation as usize {
            operation::WRITE => segment.shape.remote_write == 1,
            operation::READ => is_transfer && segment.shape.remote_read == 1,
            _ => false,
        };
        if !is_allowed {
            return Err(Code::SegmentRights);
        }
        let inside = |bytes: usize| match remote.offset + bytes as u64 <= segment.bytes {
            true => Ok(segment.address + remote.offset),
            false => Err(Code::SegmentRange),
        };
        if !is_transfer {
            let (before, trail) = (remote.offset as usize % 4, remote.trail as usize);
            let data = data.get(before..data.len().saturating_sub(trail));
            let data = data.filter(|data| !data.is_empty());
            let data = data.ok_or(Code::SegmentRange)?;
            return Ok(Way::Write(inside(data.len())?, data.to_vec()));
        }
        let word = |at: usize| {
            data[at..]
                .first_chunk()
                .map_or(0, |it| u64::from_le_bytes(*it))
        };
        let local = TransferLocal::unpack(word(0));
        let bytes = TransferLength::unpack(word(8)).bytes as usize;
        let buffer = self.owned(number, local.segment)?;
        if local.offset + bytes as u64 > buffer.bytes {
            return Err(Code::SegmentRange);
        }
        let (far, near) = (inside(bytes)?, buffer.address + local.offset);
        let (from, to) = match remote.operation as usize {
            operation::READ => (far, near),
            _ => (near, far),
        };
        Ok(Way::Write(to, self.device_reads_far(from, bytes)))
    }

    /// The segment that a translation names, if it admits this endpoint.
    fn admitting(&self, number: u16, entry: &Translation) -> Result<&Segment, Code> {
        let own = self.register(registers::node::OFFSET);
        let segment = self.segment(entry.receive_queue_id);
        let segment = segment.filter(|_| entry.node == own.into());
        let admits = |shape: &SegmentShape| {
            (shape.any_node == 1 || shape.node == own.into())
                && (shape.any_endpoint == 1 || shape.importer == u64::from(number))
        };
        let segment = segment.filter(|it| admits(&it.shape));
        let segment = segment.ok_or(Code::BadSegment)?;
        if u64::from(segment.generation) != entry.generation {
            return Err(Code::StaleSegment);
        }
        Ok(segment)
    }

    /// A segment for the transfers of this endpoint.
    fn owned(&self, number: u16, segment: u64) -> Result<&Segment, Code> {
        let segment = self.segment(segment);
        let is_own = |shape: &SegmentShape| shape.local == 1 && shape.endpoint == number.into();
        segment
            .filter(|it| is_own(&it.shape))
            .ok_or(Code::BadSegment)
    }

    fn segment(&self, number: u64) -> Option<&Segment> {
        let segment = self.segments.segments.get(number as usize);
        segment.and_then(|(_, segment)| segment.as_ref())
    }

    /// The device reads consecutive addresses.
    fn device_reads_far(&self, address: u64, bytes: usize) -> Vec<u8> {
        let byte = |at| self.bytes(address + at, 1).map_or(0xff, |byte| byte[0]);
        (0..bytes as u64).map(byte).collect()
    }

    /// The device writes to consecutive addresses.
    pub fn device_writes_far(&mut self, address: u64, bytes: &[u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let at = address + done as u64;
            let part = (PAGE_BYTES - at as usize % PAGE_BYTES).min(bytes.len() - done);
            self.device_writes(at, &bytes[done..done + part]);
            done += part;
        }
    }
}
