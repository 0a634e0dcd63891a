//! The receiving half of an endpoint: a ring in host memory, which the NIU writes and the driver reads.

use crate::asynchronous::Messages;
use crate::deadline::Deadline;
use crate::error::NothingReceived;
use crate::message::MessageView;
use crate::numbers::EndpointNumber;
use crate::open_options::Waiting;
use crate::transport::{AnyTransport, Bar, DmaMemory, Transport};
use crate::waiting::{Turn, turn};
use abi::endpoint::page::ReceiveConsumer;
use abi::endpoint::{PAGE_BYTES, page};
use abi::message::{HEADER_BYTES, ReceiveDescriptor};
use std::sync::Arc;
use std::time::Duration;

/// The receiving half of an [`Endpoint`](crate::Endpoint): a receive ring as its only consumer sees it.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// endpoint.load_translation(Destination(0), NodeNumber(0), ReceiveQueueId(0), VirtualChannel::ZERO)?;
/// endpoint.send_express(Destination(0), 0, *b"question")?;
/// let (transmit, receive) = endpoint.split();
/// // An answer goes out while the message still stands in the ring.
/// let message = receive.receive().expect("it has arrived");
/// transmit.send_basic(Destination(0), 0, &message.payload())?;
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
pub struct ReceiveRing<T: Transport = AnyTransport> {
    pub(crate) transport: T,
    pub(crate) waiting: Waiting,
    /// Raised when a message comes for a ring that is armed.
    vector: u16,
    memory: Arc<T::Memory>,
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
    pub(crate) fn new(
        transport: T,
        waiting: Waiting,
        vector: u16,
        memory: Arc<T::Memory>,
        endpoint: EndpointNumber,
        entries_log2: u32,
        stride_log2: u32,
    ) -> Self {
        let page = u64::from(endpoint) * PAGE_BYTES as u64;
        ReceiveRing {
            transport,
            waiting,
            vector,
            memory,
            page,
            entries_log2,
            stride_log2,
            taken: 0,
            returned: 0,
        }
    }

    /// Offset of the next entry in the ring.
    fn entry(&self) -> usize {
        (usize::from(self.taken) % (1 << self.entries_log2)) << self.stride_log2
    }

    /// The descriptor of the next message, if it is there.
    pub(crate) fn arrived(&self) -> Option<ReceiveDescriptor> {
        let descriptor = ReceiveDescriptor::unpack(self.memory.load64(self.entry()));
        let expected = 1 - u64::from(self.taken >> self.entries_log2) % 2;
        (descriptor.phase == expected).then_some(descriptor)
    }

    /// The next message, which has this descriptor.
    pub(crate) fn view(&mut self, descriptor: ReceiveDescriptor) -> MessageView<'_, T> {
        let room = (1 << self.stride_log2) - HEADER_BYTES;
        MessageView::new(self, descriptor, room)
    }

    /// Loads bytes of the next message's payload.
    pub(crate) fn load_payload(&self, offset: usize, bytes: &mut [u8]) {
        self.memory
            .load(self.entry() + HEADER_BYTES + offset, bytes);
    }

    /// The next message's entry is read.
    pub(crate) fn advance(&mut self) {
        self.taken = self.taken.wrapping_add(1);
        // Every store to the device costs; a quarter of the ring is early enough.
        if self.taken.wrapping_sub(self.returned) >= (1 << self.entries_log2) / 4 {
            self.give_back();
        }
    }

    /// The next message, if one has arrived. It stands in the ring until the view is dropped.
    pub fn receive(&mut self) -> Option<MessageView<'_, T>> {
        let descriptor = self.arrived()?;
        Some(self.view(descriptor))
    }

    /// The next message; waits for it.
    ///
    /// # Errors
    /// [`NothingReceived`] after `at_most`.
    pub fn receive_wait(
        &mut self,
        at_most: Duration,
    ) -> Result<MessageView<'_, T>, NothingReceived> {
        let start = self.transport.now();
        let deadline = Deadline::new(start, at_most);
        loop {
            if let Some(descriptor) = self.arrived() {
                return Ok(self.view(descriptor));
            }
            let now = self.transport.now();
            let Some(left) = deadline.left(now) else {
                return Err(NothingReceived { waited: at_most });
            };
            self.take_turn(turn(self.waiting, now.saturating_sub(start), left));
        }
    }

    /// Waits for the next message, once.
    pub(crate) fn take_turn(&mut self, turn: Turn) {
        match turn {
            Turn::Poll(left) => self.transport.wait(left),
            Turn::Block(left) => {
                self.arm();
                // What came before the store is here, or raises the interrupt at once.
                if self.arrived().is_none() {
                    self.transport.wait_for_interrupt(self.vector, left);
                }
            }
        }
    }

    /// Gives all entries read so far back to the NIU, and asks for an interrupt: one, when the next message is there,
    /// or at once if it is there already. A program that waits by itself arms the ring, looks
    /// ([`ReceiveRing::receive`]), and blocks ([`Transport::wait_for_interrupt`]) if there is nothing; so it misses no
    /// message. Giving entries back otherwise takes the wish back.
    pub fn arm(&mut self) {
        self.store_consumer(1);
    }

    /// The vector of the ring's interrupt.
    pub fn interrupt_vector(&self) -> u16 {
        self.vector
    }

    fn store_consumer(&mut self, armed: u64) {
        self.returned = self.taken;
        let index = self.taken.into();
        let consumer = ReceiveConsumer { index, armed };
        self.transport.write64(
            Bar::Endpoints,
            self.page + page::receive_consumer::OFFSET as u64,
            consumer.pack(),
        );
    }

    /// All messages as they arrive, as a stream that never ends: the asynchronous [`ReceiveRing::receive_wait`].
    pub fn messages(&mut self) -> Messages<'_, T> {
        Messages::new(self)
    }

    /// Gives all entries read so far back to the NIU now, not only when a quarter of the ring has come together.
    pub fn give_back(&mut self) {
        if self.returned != self.taken {
            self.store_consumer(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake::FakeDevice;
    use crate::numbers::{NodeNumber, ReceiveQueueId};
    use crate::transport::Layout;
    use crate::{Message, NothingReceived};

    /// A ring of 4 entries of 64 bytes, and its address.
    fn ring(transport: &FakeDevice) -> (ReceiveRing<FakeDevice>, u64) {
        let memory = transport.allocate(4 * 64, Layout::Contiguous);
        let memory = Arc::new(memory.expect("there is memory"));
        let address = memory.device_address(0);
        let endpoint = EndpointNumber(9);
        let waiting = Waiting::Polling;
        let ring = ReceiveRing::new(transport.clone(), waiting, 0, memory, endpoint, 2, 6);
        (ring, address)
    }

    #[test]
    fn a_message_is_what_its_entry_says() {
        let transport = FakeDevice::new();
        let (mut ring, address) = ring(&transport);
        assert!(ring.receive().is_none(), "no phase bit has changed");
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
                let message = ring.receive().expect("it is there").into_message();
                let expected = Message {
                    source_node: NodeNumber(1023),
                    source_endpoint: EndpointNumber(4095),
                    receive_queue_id: ReceiveQueueId(77),
                    gap: entry == 1,
                    tag: 0xa5,
                    marked: false,
                    payload: message.payload.clone(),
                };
                assert_eq!(message, expected);
                assert_eq!(message.payload.len() as u64, 8 * entry);
                assert!(entry == 0 || message.payload[0] == lap as u8);
                assert!(
                    ring.receive().is_none(),
                    "the next entry is of the lap before"
                );
            }
        }
        let returned = transport.endpoint_register(9 * 4096 + page::receive_consumer::OFFSET);
        assert_eq!(returned, 12);
    }

    #[test]
    fn an_entry_is_handed_back_when_its_view_is_dropped_and_not_before() {
        let transport = FakeDevice::new();
        let (mut ring, address) = ring(&transport);
        let descriptor = ReceiveDescriptor {
            phase: 1,
            length: 8,
            ..ReceiveDescriptor::default()
        };
        transport.device_writes(address + 8, u64::from_le_bytes(*b"the body"));
        transport.device_writes(address, descriptor.pack());
        let consumer = 9 * 4096 + page::receive_consumer::OFFSET;
        let view = ring.receive().expect("it is there");
        let mut half = [0; 4];
        assert_eq!(view.copy_to(4, &mut half), 4);
        assert_eq!(&half, b"body");
        assert_eq!(view.copy_to(6, &mut half), 2, "it ends there");
        assert_eq!(transport.endpoint_register(consumer), 0);
        drop(view);
        assert_eq!(transport.endpoint_register(consumer), 1);
        let nothing = ring.receive_wait(Duration::from_micros(1)).map(|_| ());
        let waited = Duration::from_micros(1);
        assert_eq!(nothing, Err(NothingReceived { waited }));
    }
}
