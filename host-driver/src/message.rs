//! Messages that have arrived: in their ring, and taken out of it.

use crate::numbers::{EndpointNumber, NodeNumber, ReceiveQueueId};
use crate::receive_ring::ReceiveRing;
use crate::transport::{AnyTransport, Transport};
use abi::message::ReceiveDescriptor;

/// A message as it arrived, copied out of its ring.
///
/// ```
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{
///     Destination, Device, EndpointNumber, EndpointOptions, Message, NodeNumber, OpenOptions,
///     ReceiveQueueId, VirtualChannel,
/// };
///
/// let device = Device::with_transport(FakeDevice::new(), OpenOptions::default())?;
/// let mut endpoint = device.create_endpoint(EndpointOptions::default())?;
/// endpoint.load_translation(Destination(0), NodeNumber(0), ReceiveQueueId(0), VirtualChannel::ZERO)?;
/// endpoint.send_basic(Destination(0), 3, b"hello")?;
/// let message = endpoint.receive().expect("it has arrived").into_message();
/// let expected = Message {
///     source_node: NodeNumber(0),
///     source_endpoint: EndpointNumber(0),
///     receive_queue_id: ReceiveQueueId(0),
///     gap: false,
///     tag: 3,
///     marked: false,
///     payload: b"hello".to_vec(),
/// };
/// assert_eq!(message, expected);
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Node that sent it.
    pub source_node: NodeNumber,
    /// Endpoint of that node that sent it.
    pub source_endpoint: EndpointNumber,
    /// Receive queue that it was sent to (RQID): the ring's own.
    pub receive_queue_id: ReceiveQueueId,
    /// A frame may have been lost on the link since the message before this one: of whatever sender, for whatever ring.
    /// Where no message is marked, none was.
    pub gap: bool,
    /// The sender's tag.
    pub tag: u8,
    /// The sender marked it for time stamps.
    pub marked: bool,
    /// What it says.
    pub payload: Vec<u8>,
}

/// A message where it arrived: in its entry of the receive ring. The entry goes back to the NIU when the view is
/// dropped, together with others. Meanwhile the ring has no other view. A view that is forgotten (`std::mem::forget`)
/// is received again.
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
/// endpoint.send_express(Destination(0), 1, *b"12345678")?;
/// let message = endpoint.receive().expect("it has arrived");
/// let mut first = [0; 4];
/// message.copy_to(0, &mut first);
/// assert_eq!((message.tag(), message.len(), &first), (1, 8, b"1234"));
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
pub struct MessageView<'ring, T: Transport = AnyTransport> {
    ring: &'ring mut ReceiveRing<T>,
    descriptor: ReceiveDescriptor,
    length: usize,
}

impl<'ring, T: Transport> MessageView<'ring, T> {
    pub(crate) fn new(
        ring: &'ring mut ReceiveRing<T>,
        descriptor: ReceiveDescriptor,
        room: usize,
    ) -> Self {
        MessageView {
            ring,
            descriptor,
            length: (descriptor.length as usize).min(room),
        }
    }

    /// Node that sent it.
    pub fn source_node(&self) -> NodeNumber {
        NodeNumber(self.descriptor.source_node as u16)
    }

    /// Endpoint of that node that sent it.
    pub fn source_endpoint(&self) -> EndpointNumber {
        EndpointNumber(self.descriptor.source_endpoint as u16)
    }

    /// Receive queue that it was sent to (RQID): the ring's own.
    pub fn receive_queue_id(&self) -> ReceiveQueueId {
        ReceiveQueueId(self.descriptor.receive_queue_id as u16)
    }

    /// As [`Message::gap`].
    pub fn gap(&self) -> bool {
        self.descriptor.gap == 1
    }

    /// The sender's tag.
    pub fn tag(&self) -> u8 {
        self.descriptor.tag as u8
    }

    /// The sender marked it for time stamps.
    pub fn marked(&self) -> bool {
        self.descriptor.marked == 1
    }

    /// Bytes of its payload.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether it has no payload.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Copies its payload from an offset on, as far as there is payload and room. Gives the bytes copied.
    pub fn copy_to(&self, offset: usize, bytes: &mut [u8]) -> usize {
        let count = self.length.saturating_sub(offset).min(bytes.len());
        self.ring.load_payload(offset, &mut bytes[..count]);
        count
    }

    /// A copy of its payload.
    pub fn payload(&self) -> Vec<u8> {
        let mut payload = vec![0; self.length];
        self.ring.load_payload(0, &mut payload);
        payload
    }

    /// Copies the message out of its entry, and hands the entry back.
    pub fn into_message(self) -> Message {
        Message {
            source_node: self.source_node(),
            source_endpoint: self.source_endpoint(),
            receive_queue_id: self.receive_queue_id(),
            gap: self.gap(),
            tag: self.tag(),
            marked: self.marked(),
            payload: self.payload(),
        }
    }
}

impl<T: Transport> Drop for MessageView<'_, T> {
    fn drop(&mut self) {
        self.ring.advance();
    }
}
