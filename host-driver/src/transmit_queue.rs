//! The sending half of an endpoint: slots in NIU memory, one store to launch, the shadow line to see how far the NIU is.

use crate::error::{Error, QueueError};
use crate::transport::{Bar, DmaMemory, Transport};
use abi::endpoint::{
    EXPRESS_DESTINATION_SHIFT, EXPRESS_OFFSET, EXPRESS_TAG_SHIFT, PAGE_BYTES, page,
};
use abi::message::{
    HEADER_BYTES, MAXIMUM_PAYLOAD_BYTES, MAXIMUM_TRANSMIT_SLOTS, TRANSMIT_SLOT_BYTES,
    error::Error as Code, shadow, transmit_header,
};
use std::rc::Rc;

/// A transmit queue as its only producer sees it. Indices count for ever, modulo 2^16; slots are used in turn.
pub struct TransmitQueue<T: Transport> {
    transport: T,
    shadow: Rc<T::Memory>,
    page: u64,
    /// Where its slots stand in BAR4, and how many there are.
    slots: u64,
    slot_count: u16,
    /// Slots composed: Express messages and Basic messages alike.
    composed: u16,
    /// Slots launched; Basic messages are launched in batches.
    launched: u16,
    /// Slots the NIU was done with when we last looked.
    consumer: u16,
    /// Errors already reported.
    errors_seen: u16,
    /// Code of the last error that was reported.
    last_error: Code,
    /// The shadow line said *failed* when we last looked.
    failed: bool,
}

impl<T: Transport> TransmitQueue<T> {
    /// The transmit queue behind endpoint page `endpoint`, with `slot_count` slots in page `queue` of BAR4.
    pub fn new(
        transport: T,
        shadow: Rc<T::Memory>,
        endpoint: u16,
        queue: u16,
        slot_count: u16,
    ) -> Self {
        TransmitQueue {
            transport,
            shadow,
            page: u64::from(endpoint) * PAGE_BYTES as u64,
            slots: u64::from(queue) * (TRANSMIT_SLOT_BYTES * MAXIMUM_TRANSMIT_SLOTS) as u64,
            slot_count,
            composed: 0,
            launched: 0,
            consumer: 0,
            errors_seen: 0,
            last_error: Code::None,
            failed: false,
        }
    }

    /// Looks at the shadow line: how far the NIU has come, and what it has to complain of. An error is reported once, but a
    /// queue that has failed each time.
    pub fn refresh(&mut self) -> Result<(), Error> {
        let word = u128::from(self.shadow.load64(0));
        self.advance(shadow::consumer::get(word) as u16)?;
        let errors = shadow::errors::get(word) as u16;
        let code = Code::from_code(shadow::last_error::get(word)).unwrap_or(Code::None);
        self.failed = shadow::failed::get(word) == 1;
        // The count stands still when it is full; then only another code tells of another error.
        let beyond_counting = errors == u16::MAX && code != self.last_error;
        if errors == self.errors_seen && !beyond_counting && !self.failed {
            return Ok(());
        }
        let count = errors.wrapping_sub(self.errors_seen);
        self.errors_seen = errors;
        self.last_error = code;
        Err(Error::Queue(QueueError {
            count: count.max(beyond_counting.into()),
            code,
            failed: self.failed,
        }))
    }

    /// Takes the consumer index of the shadow line for its own, if it can be one: it never goes back, nor beyond what was
    /// launched.
    fn advance(&mut self, consumer: u16) -> Result<(), Error> {
        let done = consumer.wrapping_sub(self.consumer);
        if done > self.launched.wrapping_sub(self.consumer) {
            return Err(Error::ShadowLine {
                consumer,
                earlier: self.consumer,
                launched: self.launched,
            });
        }
        self.consumer = consumer;
        Ok(())
    }

    /// Free slots, as far as is known without looking.
    fn free(&self) -> u16 {
        self.slot_count - self.outstanding()
    }

    /// Takes a slot, if there is one.
    fn take_slot(&mut self) -> Result<u16, Error> {
        // A queue that has failed sends nothing any more: composing for it would lose the message without a word.
        if self.failed || self.free() == 0 {
            self.refresh()?;
            if self.free() == 0 {
                // What was composed must go now, or there would never be room.
                self.launch();
                return Err(Error::QueueFull);
            }
        }
        let slot = self.composed % self.slot_count;
        self.composed = self.composed.wrapping_add(1);
        Ok(slot)
    }

    /// Sends an Express message: one store (V3). Messages composed before are launched first, so order holds.
    pub fn send_express(
        &mut self,
        destination: u16,
        tag: u8,
        payload: [u8; 8],
    ) -> Result<(), Error> {
        if usize::from(destination) >= 1 << abi::endpoint::EXPRESS_DESTINATION_BITS
            || usize::from(tag) >= 1 << abi::endpoint::EXPRESS_TAG_BITS
        {
            return Err(Error::NoSuchExpressTarget { destination, tag });
        }
        self.launch();
        self.take_slot()?;
        self.launched = self.composed;
        let offset = EXPRESS_OFFSET
            + (usize::from(destination) << EXPRESS_DESTINATION_SHIFT)
            + (usize::from(tag) << EXPRESS_TAG_SHIFT);
        self.transport.write64(
            Bar::Endpoints,
            self.page + offset as u64,
            u64::from_le_bytes(payload),
        );
        Ok(())
    }

    /// Composes a Basic message in the next slot (V1); `launch` sends it, as does the want of a free slot.
    pub fn compose(
        &mut self,
        destination: u16,
        tag: u8,
        payload: &[u8],
        marked: bool,
    ) -> Result<(), Error> {
        if payload.len() > MAXIMUM_PAYLOAD_BYTES {
            return Err(Error::TooLong {
                bytes: payload.len(),
                maximum: MAXIMUM_PAYLOAD_BYTES,
            });
        }
        let slot = self.take_slot()?;
        let mut header = transmit_header::destination::set(0, destination.into());
        header = transmit_header::length::set(header, payload.len() as u64);
        header = transmit_header::tag::set(header, tag.into());
        header = transmit_header::marked::set(header, marked.into());
        let mut bytes = [0; TRANSMIT_SLOT_BYTES];
        bytes[..HEADER_BYTES].copy_from_slice(&(header as u64).to_le_bytes());
        bytes[HEADER_BYTES..HEADER_BYTES + payload.len()].copy_from_slice(payload);
        // Whole 16-byte lanes; the rest of the slot keeps what it held.
        let used = (HEADER_BYTES + payload.len()).next_multiple_of(16);
        self.transport.write_combined(
            Bar::Memory,
            self.slots + u64::from(slot) * TRANSMIT_SLOT_BYTES as u64,
            &bytes[..used],
        );
        Ok(())
    }

    /// Launches what was composed.
    pub fn launch(&mut self) {
        if self.launched != self.composed {
            self.launched = self.composed;
            self.transport.write64(
                Bar::Endpoints,
                self.page + page::transmit_producer::OFFSET as u64,
                self.composed.into(),
            );
        }
    }

    /// Marks the next Express message for time stamps.
    pub fn mark_next_express(&self) {
        self.transport
            .write64(Bar::Endpoints, self.page + page::mark::OFFSET as u64, 1);
    }

    /// Messages sent that their receivers have not yet taken.
    pub fn outstanding(&self) -> u16 {
        self.composed.wrapping_sub(self.consumer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::fake::FakeTransport;

    const SLOTS: u16 = 8;

    /// A queue, and the address of its shadow line.
    fn queue() -> (TransmitQueue<FakeTransport>, FakeTransport, u64) {
        let transport = FakeTransport::default();
        let shadow = transport.allocate(64).expect("there is memory");
        let address = shadow.device_address();
        let queue = TransmitQueue::new(transport.clone(), Rc::new(shadow), 0, 0, SLOTS);
        (queue, transport, address)
    }

    fn line(consumer: u16, errors: u16, code: Code, failed: bool) -> u64 {
        let mut word = shadow::consumer::set(0, consumer.into());
        word = shadow::errors::set(word, errors.into());
        word = shadow::last_error::set(word, code.code());
        shadow::failed::set(word, failed.into()) as u64
    }

    fn complaint(result: Result<(), Error>) -> QueueError {
        match result {
            Err(Error::Queue(error)) => error,
            other => panic!("no complaint of the queue: {other:?}"),
        }
    }

    #[test]
    fn a_failed_queue_refuses_every_message_as_long_as_the_line_says_so() {
        let (mut queue, transport, shadow) = queue();
        queue.compose(0, 0, b"before", false).expect("room");
        queue.launch();
        transport.device_writes(shadow, line(0, 1, Code::TornStore, true));
        let first = complaint(queue.refresh());
        assert_eq!((first.count, first.failed), (1, true));
        for _ in 0..2 * SLOTS {
            let express = complaint(queue.send_express(0, 0, [0; 8]));
            let basic = complaint(queue.compose(0, 0, b"behind", false));
            let look = complaint(queue.refresh());
            for error in [express, basic, look] {
                assert_eq!(
                    (error.count, error.code, error.failed),
                    (0, Code::TornStore, true)
                );
            }
        }
        assert_eq!(queue.outstanding(), 1, "nothing was composed");
        transport.device_writes(shadow, line(1, 1, Code::TornStore, false));
        queue.compose(0, 0, b"again", false).expect("it is over");
    }

    #[test]
    fn a_full_count_of_errors_does_not_hide_another_kind() {
        let (mut queue, transport, shadow) = queue();
        for (code, count) in [(Code::TornStore, u16::MAX), (Code::TooLong, 1)] {
            transport.device_writes(shadow, line(0, u16::MAX, code, false));
            let error = complaint(queue.refresh());
            assert_eq!((error.code, error.count), (code, count));
            queue.refresh().expect("said already");
        }
    }

    #[test]
    fn a_nonsensical_shadow_line_is_an_error_and_no_room() {
        let (mut queue, transport, shadow) = queue();
        for _ in 0..SLOTS {
            queue.compose(0, 0, b"message", false).expect("room");
        }
        queue.launch();
        transport.device_writes(shadow, line(5, 0, Code::None, false));
        queue.refresh().expect("five slots are done");
        // Beyond what was launched, and backwards.
        for consumer in [SLOTS + 1, 0x8000, 4] {
            transport.device_writes(shadow, line(consumer, 0, Code::None, false));
            let error = queue.refresh().expect_err("nonsense");
            assert!(matches!(error, Error::ShadowLine { consumer: told, .. } if told == consumer));
            assert_eq!(queue.free(), 5, "what was known still holds");
        }
    }
}
