//! Remote memory of a fake device: segments, and what is written to them.

use super::hardware::{Message, Way};
use super::state::{PAGE_BYTES, State};
use abi::admin::{SegmentResult, SegmentShape, status::Status};
use abi::control::registers;
use abi::message::error::Error as Code;
use abi::message::{HEADER_BYTES, MAXIMUM_PAYLOAD_BYTES, Remote, form, operation};
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

    /// What becomes of an operation that this endpoint has sent to a segment.
    pub(super) fn way_to_segment(
        &self,
        number: u16,
        message: &Message,
        entry: &Translation,
    ) -> Way {
        let bytes = message.payload.len();
        let is_whole = bytes > HEADER_BYTES && bytes.is_multiple_of(4);
        if message.form != form::REMOTE as u64 || !is_whole || bytes > MAXIMUM_PAYLOAD_BYTES {
            return Way::Refuse(Code::TooLong);
        }
        let (head, data) = message.payload.split_at(HEADER_BYTES);
        let remote = Remote::unpack(u64::from_le_bytes(head.try_into().unwrap_or_default()));
        let own = self.register(registers::node::OFFSET);
        let segments = &self.segments.segments;
        let segment = segments.get(entry.receive_queue_id as usize);
        let segment = segment.and_then(|(_, segment)| segment.as_ref());
        let Some(segment) = segment.filter(|_| entry.node == own.into()) else {
            return Way::Refuse(Code::BadSegment);
        };
        let shape = &segment.shape;
        let admits = (shape.any_node == 1 || shape.node == own.into())
            && (shape.any_endpoint == 1 || shape.importer == u64::from(number));
        if !admits {
            return Way::Refuse(Code::BadSegment);
        }
        if u64::from(segment.generation) != entry.generation {
            return Way::Refuse(Code::StaleSegment);
        }
        if remote.operation != operation::WRITE as u64 || shape.remote_write == 0 {
            return Way::Refuse(Code::SegmentRights);
        }
        let (before, trail) = (remote.offset as usize % 4, remote.trail as usize);
        match data.get(before..data.len().saturating_sub(trail)) {
            Some(data)
                if !data.is_empty() && remote.offset + data.len() as u64 <= segment.bytes =>
            {
                Way::Write(segment.address + remote.offset, data.to_vec())
            }
            _ => Way::Refuse(Code::SegmentRange),
        }
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
