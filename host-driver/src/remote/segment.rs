//! Memory that the device knows.

use crate::admin::{AdminQueue, leak};
use crate::deadline::Deadline;
use crate::endpoint::{Endpoint, lock};
use crate::error::RequestError;
use crate::numbers::EndpointNumber;
use crate::transport::{DmaMemory, Layout, Transport};
use abi::admin::{CounterName, SegmentResult, SegmentShape, opcode, status::Status};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Memory that is a segment of the device until this is dropped. If the firmware does not confirm that it is none any
/// more, the memory is kept until the device is settled.
pub(super) struct Segment<T: Transport> {
    transport: T,
    admin: Arc<Mutex<AdminQueue<T>>>,
    pub endpoint: EndpointNumber,
    memory: Arc<T::Memory>,
    pub bytes: u64,
    /// What the firmware knows it by.
    result: u64,
    revoked: bool,
}

impl<T: Transport> Segment<T> {
    /// New memory, zeroed, becomes a segment of this endpoint; the endpoint's number in `shape` is set here.
    pub fn new(
        endpoint: &Endpoint<T>,
        bytes: u64,
        shape: SegmentShape,
        doing: &'static str,
    ) -> Result<Self, RequestError> {
        let transport = endpoint.transport().clone();
        let memory = transport.allocate(bytes as usize, Layout::Contiguous)?;
        let memory = Arc::new(memory);
        let shape = SegmentShape {
            endpoint: endpoint.number().into(),
            ..shape
        };
        let operands = [shape.pack(), memory.device_address(0), bytes];
        let mut admin = lock(endpoint.admin());
        let result = admin.call(doing, opcode::EXPORT, &operands);
        if result.as_ref().is_err_and(RequestError::leaves_in_doubt) {
            admin.park([Arc::clone(&memory)]);
        }
        drop(admin);
        Ok(Segment {
            transport,
            admin: Arc::clone(endpoint.admin()),
            endpoint: endpoint.number(),
            memory,
            bytes,
            result: result?,
            revoked: false,
        })
    }

    /// Arms its counter: `queue_state::counter` and the bytes of the actions.
    pub fn arm(&self, counter: u64, actions: [u64; 2]) -> Result<(), RequestError> {
        let place = self.place();
        let name = CounterName {
            segment: place.segment,
            generation: place.generation,
            endpoint: self.endpoint.into(),
        };
        let operands = [name.pack(), counter, actions[0], actions[1]];
        lock(&self.admin).call("to arm a counter", opcode::ARM_COUNTER, &operands)?;
        Ok(())
    }

    /// Its number and generation.
    pub fn place(&self) -> SegmentResult {
        SegmentResult::unpack(self.result)
    }

    fn assert_inside(&self, range: Range<usize>) {
        let size = self.bytes;
        assert!(
            range.start <= range.end && range.end as u64 <= size,
            "bytes {range:?} of memory of {size} bytes"
        );
    }

    pub fn load64(&self, offset: usize) -> u64 {
        assert!(offset.is_multiple_of(8), "offset {offset} is not aligned");
        self.assert_inside(offset..offset.saturating_add(8));
        self.memory.load64(offset)
    }

    pub fn load(&self, offset: usize, bytes: &mut [u8]) {
        self.assert_inside(offset..offset.saturating_add(bytes.len()));
        self.memory.load(offset, bytes);
    }

    pub fn store(&self, offset: usize, bytes: &[u8]) {
        self.assert_inside(offset..offset.saturating_add(bytes.len()));
        self.memory.store(offset, bytes);
    }

    pub fn wait_until(&self, at_most: Duration, mut ready: impl FnMut() -> bool) -> bool {
        let deadline = Deadline::new(self.transport.now(), at_most);
        loop {
            if ready() {
                return true;
            }
            let Some(left) = deadline.left(self.transport.now()) else {
                return false;
            };
            self.transport.wait(left);
        }
    }

    /// Ends the segment; the memory stays.
    pub fn revoke(&mut self, doing: &'static str) -> Result<(), RequestError> {
        if self.revoked {
            return Ok(());
        }
        let operands = [self.endpoint.into(), self.result];
        let answer = lock(&self.admin).call(doing, opcode::UNEXPORT, &operands);
        match answer {
            // The endpoint was destroyed, and its segments with it.
            Err(RequestError::Refused {
                status: Some(Status::NoSuchEndpoint | Status::BadOperand),
                ..
            }) => {}
            other => {
                other?;
            }
        }
        self.revoked = true;
        Ok(())
    }
}

impl<T: Transport> Drop for Segment<T> {
    fn drop(&mut self) {
        // As with an endpoint, whose `drop` says why.
        if std::thread::panicking() {
            return leak([Arc::clone(&self.memory)]);
        }
        if self.revoke("to end a segment").is_err() {
            lock(&self.admin).park([Arc::clone(&self.memory)]);
        }
    }
}
