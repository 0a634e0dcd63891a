//! The sending half of an endpoint: slots in NIU memory, one store to launch, the shadow line to see how far the NIU is.

use crate::error::{Error, QueueError};
use crate::transport::{Bar, DmaMemory, Transport};
use abi::endpoint::{
    EXPRESS_DESTINATION_SHIFT, EXPRESS_OFFSET, EXPRESS_TAG_SHIFT, PAGE_BYTES, page,
};
use abi::message::{
    HEADER_BYTES, MAXIMUM_PAYLOAD_BYTES, TRANSMIT_SLOT_BYTES, TRANSMIT_SLOTS, error::Error as Code,
    shadow, transmit_header,
};

/// A transmit queue as its only producer sees it. Indices count for ever, modulo 2^16; slots are used in turn.
pub struct TransmitQueue<T: Transport> {
    transport: T,
    shadow: T::Memory,
    page: u64,
    slots: u64,
    /// Slots composed: Express messages and Basic messages alike.
    composed: u16,
    /// Slots launched; Basic messages are launched in batches.
    launched: u16,
    /// Slots the NIU was done with when we last looked.
    consumer: u16,
    errors_seen: u16,
    failed: bool,
}

impl<T: Transport> TransmitQueue<T> {
    /// The transmit queue behind endpoint page `endpoint`, with slots in page `queue` of BAR4.
    pub fn new(transport: T, shadow: T::Memory, endpoint: u16, queue: u16) -> Self {
        TransmitQueue {
            transport,
            shadow,
            page: u64::from(endpoint) * PAGE_BYTES as u64,
            slots: u64::from(queue) * (TRANSMIT_SLOT_BYTES * TRANSMIT_SLOTS) as u64,
            composed: 0,
            launched: 0,
            consumer: 0,
            errors_seen: 0,
            failed: false,
        }
    }

    /// Looks at the shadow line: how far the NIU has come, and what it has to complain of.
    pub fn refresh(&mut self) -> Result<(), QueueError> {
        let word = u128::from(self.shadow.load64(0));
        self.consumer = shadow::consumer::get(word) as u16;
        let errors = shadow::errors::get(word) as u16;
        let failed = shadow::failed::get(word) == 1;
        if errors == self.errors_seen && failed == self.failed {
            return Ok(());
        }
        let count = errors.wrapping_sub(self.errors_seen);
        self.errors_seen = errors;
        self.failed = failed;
        let code = Code::from_code(shadow::last_error::get(word)).unwrap_or(Code::None);
        Err(QueueError {
            count,
            code,
            failed,
        })
    }

    /// Free slots, as far as is known without looking.
    fn free(&self) -> u16 {
        TRANSMIT_SLOTS as u16 - self.composed.wrapping_sub(self.consumer)
    }

    /// Takes a slot, if there is one.
    fn take_slot(&mut self) -> Result<u16, Error> {
        if self.free() == 0 {
            self.refresh()?;
            if self.free() == 0 {
                return Err(Error::QueueFull);
            }
        }
        let slot = self.composed % TRANSMIT_SLOTS as u16;
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

    /// Composes a Basic message in the next slot (V1); `launch` sends it.
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
