//! The receiving half of an endpoint: a ring in host memory that the NIU fills.

use crate::transport::{Bar, DmaMemory, Transport};
use abi::endpoint::{PAGE_BYTES, page};
use abi::message::{HEADER_BYTES, ReceiveDescriptor};
use std::rc::Rc;

/// A message as it arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Node that sent it.
    pub source_node: u16,
    /// Endpoint of that node that sent it.
    pub source_endpoint: u16,
    /// Receive queue that it was sent to (RQID): the ring's own.
    pub receive_queue_id: u16,
    /// A frame may have been lost on the link since the message before this one: of whatever sender, for whatever ring. Where no
    /// message is marked, none was.
    pub gap: bool,
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
        let descriptor = ReceiveDescriptor::unpack(self.memory.load64(entry));
        let expected = 1 - u64::from(self.taken >> self.entries_log2) % 2;
        if descriptor.phase != expected {
            return None;
        }
        let room = (1 << self.stride_log2) - HEADER_BYTES;
        let length = (descriptor.length as usize).min(room);
        let mut payload = vec![0; length];
        self.memory.load(entry + HEADER_BYTES, &mut payload);
        self.taken = self.taken.wrapping_add(1);
        // Every store to the device costs; a quarter of the ring is early enough.
        if self.taken.wrapping_sub(self.returned) >= (1 << self.entries_log2) / 4 {
            self.give_back();
        }
        Some(Message {
            source_node: descriptor.source_node as u16,
            source_endpoint: descriptor.source_endpoint as u16,
            receive_queue_id: descriptor.receive_queue_id as u16,
            gap: descriptor.gap == 1,
            tag: descriptor.tag as u8,
            marked: descriptor.marked == 1,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::fake::FakeTransport;

    #[test]
    fn a_message_is_what_its_entry_says() {
        let transport = FakeTransport::default();
        let memory = Rc::new(transport.allocate(4 * 64).expect("there is memory"));
        let address = memory.device_address();
        let mut ring = ReceiveRing::new(transport.clone(), memory, 9, 2, 6);
        assert_eq!(ring.take(), None, "no phase bit has changed");
        for lap in 0..3_u64 {
            for entry in 0..4 {
                let descriptor = ReceiveDescriptor {
                    phase: (lap + 1) % 2,
                    marked: 0,
                    gap: u64::from(entry == 1),
                    tag: 0xa5,
                    length: 8 * entry,
                    source_endpoint: 4095,
                    source_node: 1023,
                    receive_queue_id: 77,
                };
                transport.device_writes(address + 64 * entry + 8, lap);
                transport.device_writes(address + 64 * entry, descriptor.pack());
                let message = ring.take().expect("it is there");
                let expected = Message {
                    source_node: 1023,
                    source_endpoint: 4095,
                    receive_queue_id: 77,
                    gap: entry == 1,
                    tag: 0xa5,
                    marked: false,
                    payload: message.payload.clone(),
                };
                assert_eq!(message, expected);
                assert_eq!(message.payload.len() as u64, 8 * entry);
                assert!(entry == 0 || message.payload[0] == lap as u8);
                assert_eq!(ring.take(), None, "the next entry is of the lap before");
            }
        }
        let returned = transport.endpoint_register(9 * 4096 + page::receive_consumer::OFFSET);
        assert_eq!(returned, 12);
    }
}
