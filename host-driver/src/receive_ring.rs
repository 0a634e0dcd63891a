//! The receiving half of an endpoint: a ring in host memory that the NIU fills.

use crate::transport::{Bar, DmaMemory, Transport};
use abi::endpoint::{PAGE_BYTES, page};
use abi::message::{HEADER_BYTES, receive_descriptor};
use std::rc::Rc;

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Node that sent it.
    pub source_node: u16,
    /// Transmit queue of that node.
    pub source_queue: u8,
    /// The sender's tag.
    pub tag: u8,
    /// The sender marked it for time stamps.
    pub marked: bool,
    /// What it says.
    pub payload: Vec<u8>,
}

/// A receive ring as its only consumer sees it.
pub struct ReceiveRing<T: Transport> {
    transport: T,
    memory: Rc<T::Memory>,
    page: u64,
    entries_log2: u32,
    stride_log2: u32,
    /// Entries taken.
    taken: u16,
    /// Entries given back to the NIU.
    returned: u16,
}

impl<T: Transport> ReceiveRing<T> {
    /// The ring in `memory`, whose consumer index goes to endpoint page `endpoint`.
    pub fn new(
        transport: T,
        memory: Rc<T::Memory>,
        endpoint: u16,
        entries_log2: u32,
        stride_log2: u32,
    ) -> Self {
        let page = u64::from(endpoint) * PAGE_BYTES as u64;
        ReceiveRing {
            transport,
            memory,
            page,
            entries_log2,
            stride_log2,
            taken: 0,
            returned: 0,
        }
    }

    /// Takes the next message, if one is there.
    pub fn take(&mut self) -> Option<Message> {
        let entry = (usize::from(self.taken) % (1 << self.entries_log2)) << self.stride_log2;
        let descriptor = u128::from(self.memory.load64(entry));
        let expected = 1 - u64::from(self.taken >> self.entries_log2) % 2;
        if receive_descriptor::phase::get(descriptor) != expected {
            return None;
        }
        let room = (1 << self.stride_log2) - HEADER_BYTES;
        let length = (receive_descriptor::length::get(descriptor) as usize).min(room);
        let mut payload = vec![0; length];
        self.memory.load(entry + HEADER_BYTES, &mut payload);
        self.taken = self.taken.wrapping_add(1);
        // Every store to the device costs; a quarter of the ring is early enough.
        if self.taken.wrapping_sub(self.returned) >= (1 << self.entries_log2) / 4 {
            self.give_back();
        }
        Some(Message {
            source_node: receive_descriptor::source_node::get(descriptor) as u16,
            source_queue: receive_descriptor::source_queue::get(descriptor) as u8,
            tag: receive_descriptor::tag::get(descriptor) as u8,
            marked: receive_descriptor::marked::get(descriptor) == 1,
            payload,
        })
    }

    /// Tells the NIU which entries are free again.
    pub fn give_back(&mut self) {
        if self.returned != self.taken {
            self.returned = self.taken;
            self.transport.write64(
                Bar::Endpoints,
                self.page + page::receive_consumer::OFFSET as u64,
                self.taken.into(),
            );
        }
    }
}
