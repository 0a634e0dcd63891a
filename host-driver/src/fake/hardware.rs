//! The messages of a fake device: stores to the endpoint pages become entries of receive rings.

use super::firmware::TRANSMIT_SLOTS_LOG2;
use super::state::{PAGE_BYTES, State, Store};
use abi::admin::EndpointShape;
use abi::control::registers;
use abi::endpoint::{
    EXPRESS_DESTINATION_SHIFT, EXPRESS_OFFSET, EXPRESS_TAG_BITS, EXPRESS_TAG_SHIFT, page,
};
use abi::message::error::Error as Code;
use abi::message::{
    HEADER_BYTES, INLINE_BODIES, INLINE_BODY_BYTES, MAXIMUM_PAYLOAD_BYTES, ReceiveDescriptor,
    SHADOW_BYTES, SHADOW_LOSSES_OFFSET, Shadow, ShadowLosses, TransmitHeader, form, shadow_losses,
};
use abi::queue_state::Translation;
use std::collections::{BTreeMap, VecDeque};

pub(super) struct Endpoint {
    pub inline: bool,
    /// `None`: it is away.
    pub queue: Option<u16>,
    pub window_log2: u64,
    pub receive_queue_id: Option<u16>,
    pub translations: BTreeMap<u16, Translation>,
    ring: u64,
    entries_log2: u64,
    stride_log2: u64,
    /// Entries written, and given back.
    written: u16,
    returned: u16,
    /// Where the shadow line stands, and what it says.
    shadow_address: u64,
    shadow: Shadow,
    losses: ShadowLosses,
    /// Nothing is accepted until the driver starts again.
    lost: bool,
    /// The line does not tell of all losses and errors yet.
    is_untold: bool,
    /// Messages launched, and those that are still to be delivered.
    launched: u16,
    waiting: VecDeque<Message>,
    mark: bool,
}

#[derive(Clone)]
pub(super) struct Message {
    pub destination: u16,
    /// `abi::message::form`.
    pub form: u64,
    tag: u8,
    marked: bool,
    pub payload: Vec<u8>,
}

impl Endpoint {
    pub fn new(shape: EndpointShape, ring: u64, shadow_address: u64) -> Self {
        Endpoint {
            inline: shape.inline == 1,
            queue: None,
            window_log2: shape.window_log2,
            receive_queue_id: None,
            translations: BTreeMap::new(),
            ring,
            entries_log2: shape.entries_log2,
            stride_log2: shape.stride_log2,
            written: 0,
            returned: 0,
            shadow_address,
            shadow: Shadow::default(),
            losses: ShadowLosses::default(),
            lost: false,
            is_untold: false,
            launched: 0,
            waiting: VecDeque::new(),
            mark: false,
        }
    }

    fn is_full(&self) -> bool {
        self.written.wrapping_sub(self.returned) >> self.entries_log2 != 0
    }
}

/// What is to be done with a message.
pub(super) enum Way {
    To(u16),
    /// Remote memory is written.
    Write(u64, Vec<u8>),
    /// The ring is full.
    Wait,
    Refuse(Code),
}

impl State {
    /// A store of 8 bytes to the endpoint pages.
    pub fn store_to_page(&mut self, offset: u64, value: u64) {
        self.log(Store::Page(offset, value));
        self.endpoint_stores.insert(offset, value);
        let (number, offset) = (offset as usize / PAGE_BYTES, offset as usize % PAGE_BYTES);
        let Some(endpoint) = self.endpoints.get_mut(&(number as u16)) else {
            return;
        };
        // A mark is for the next Express store, whatever becomes of that.
        let marked = offset >= EXPRESS_OFFSET && std::mem::take(&mut endpoint.mark);
        let producer = match offset {
            page::transmit_producer::OFFSET => Some(value as u16),
            EXPRESS_OFFSET.. => Some(endpoint.launched.wrapping_add(1)),
            _ => None,
        };
        if producer.is_some_and(|producer| !self.accepts(number as u16, producer)) {
            return self.deliver();
        }
        let Some(endpoint) = self.endpoints.get_mut(&(number as u16)) else {
            return;
        };
        match offset {
            page::receive_consumer::OFFSET => endpoint.returned = value as u16,
            page::mark::OFFSET => endpoint.mark = true,
            page::resume::OFFSET => endpoint.lost &= endpoint.launched != value as u16,
            page::transmit_producer::OFFSET => self.launch(number, value as u16),
            EXPRESS_OFFSET.. => {
                let place = offset - EXPRESS_OFFSET;
                endpoint.launched = endpoint.launched.wrapping_add(1);
                endpoint.waiting.push_back(Message {
                    destination: (place >> EXPRESS_DESTINATION_SHIFT) as u16,
                    form: form::MESSAGE as u64,
                    tag: (place >> EXPRESS_TAG_SHIFT) as u8 & ((1 << EXPRESS_TAG_BITS) - 1),
                    marked,
                    payload: value.to_le_bytes().to_vec(),
                });
            }
            _ => {}
        }
        self.deliver();
    }

    /// Whether a store that moves the producer index there is accepted.
    fn accepts(&mut self, number: u16, producer: u16) -> bool {
        if self.loses(number) {
            return false;
        }
        let Some(endpoint) = self.endpoints.get_mut(&number) else {
            return false;
        };
        let consumer = endpoint.shadow.consumer as u16;
        let ahead = producer.wrapping_sub(consumer);
        let legal = endpoint.launched.wrapping_sub(consumer)..=1 << TRANSMIT_SLOTS_LOG2;
        if !legal.contains(&ahead) {
            endpoint.shadow.store_errors += 1;
            endpoint.shadow.store_error = Code::Overflow.code();
            endpoint.is_untold = true;
        }
        legal.contains(&ahead)
    }

    /// Whether a store to an endpoint is lost, as the program has asked for, or behind another one.
    pub fn loses(&mut self, number: u16) -> bool {
        let Some(endpoint) = self.endpoints.get_mut(&number) else {
            return false;
        };
        if endpoint.lost || !self.lose.as_mut().is_some_and(|lose| lose()) {
            return endpoint.lost;
        }
        endpoint.lost = true;
        endpoint.is_untold = true;
        endpoint.losses = ShadowLosses {
            losses: (endpoint.losses.losses + 1) % (1 << shadow_losses::losses::WIDTH),
            lost_from: endpoint.launched.into(),
        };
        true
    }

    fn write_shadow_line(&mut self, number: u16) {
        let Some(endpoint) = self.endpoints.get_mut(&number) else {
            return;
        };
        endpoint.is_untold = false;
        let mut line = [0; SHADOW_BYTES];
        let (first, second) = line.split_at_mut(SHADOW_LOSSES_OFFSET);
        first.copy_from_slice(&endpoint.shadow.pack().to_le_bytes());
        second.copy_from_slice(&endpoint.losses.pack().to_le_bytes());
        let address = endpoint.shadow_address;
        self.device_writes(address, &line);
    }

    /// Reads the inline bodies up to a producer index.
    fn launch(&mut self, number: usize, producer: u16) {
        let Some(endpoint) = self.endpoints.get(&(number as u16)) else {
            return;
        };
        let first = endpoint.launched;
        let count = producer.wrapping_sub(first);
        let bodies = (0..count).map(|ahead| {
            let body = usize::from(first.wrapping_add(ahead)) % INLINE_BODIES;
            let bytes = self.niu_bytes(
                number * PAGE_BYTES + body * INLINE_BODY_BYTES,
                INLINE_BODY_BYTES,
            );
            let (head, rest) = bytes.split_at(HEADER_BYTES);
            let head = u64::from_le_bytes(head.try_into().unwrap_or_default());
            let head = TransmitHeader::unpack(head);
            Message {
                destination: head.destination as u16,
                form: head.form,
                tag: head.tag as u8,
                marked: head.marked == 1,
                payload: rest[..(head.length as usize).min(MAXIMUM_PAYLOAD_BYTES)].to_vec(),
            }
        });
        let bodies: Vec<Message> = bodies.collect();
        if let Some(endpoint) = self.endpoints.get_mut(&(number as u16)) {
            endpoint.waiting.extend(bodies);
            endpoint.launched = producer;
        }
    }

    /// Delivers what can be delivered.
    pub fn deliver(&mut self) {
        if self.hold_messages {
            return;
        }
        let numbers: Vec<u16> = self.endpoints.keys().copied().collect();
        for number in numbers {
            if self.endpoints.get(&number).is_some_and(|it| it.is_untold) {
                self.write_shadow_line(number);
            }
            while self.deliver_one(number) {}
        }
    }

    /// Takes the next message of a queue, if it does not have to wait.
    fn deliver_one(&mut self, sender: u16) -> bool {
        let Some(endpoint) = self.endpoints.get(&sender) else {
            return false;
        };
        let Some(message) = endpoint.waiting.front().cloned() else {
            return false;
        };
        let refused = match self.way(sender, endpoint, &message) {
            Way::Wait => return false,
            Way::Refuse(code) => Some(code),
            Way::To(receiver) => {
                self.write_entry(sender, receiver, &message);
                None
            }
            Way::Write(address, bytes) => {
                self.device_writes_far(address, &bytes);
                None
            }
        };
        let Some(endpoint) = self.endpoints.get_mut(&sender) else {
            return false;
        };
        endpoint.waiting.pop_front();
        endpoint.shadow.consumer = (endpoint.shadow.consumer + 1) % (1 << 16);
        if let Some(code) = refused {
            endpoint.shadow.message_errors += 1;
            endpoint.shadow.message_error = code.code();
        }
        self.write_shadow_line(sender);
        true
    }

    fn way(&self, number: u16, sender: &Endpoint, message: &Message) -> Way {
        if u64::from(message.destination) >> sender.window_log2 != 0 {
            return Way::Refuse(Code::OutsideWindow);
        }
        let Some(entry) = sender.translations.get(&message.destination) else {
            return Way::Refuse(Code::InvalidTranslation);
        };
        let to_segment = message.form != form::MESSAGE as u64;
        if to_segment != (entry.segment == 1) {
            return Way::Refuse(Code::InvalidTranslation);
        }
        if to_segment {
            return self.way_to_segment(number, message, entry);
        }
        let own = self.register(registers::node::OFFSET);
        let is_target =
            |other: &Endpoint| other.receive_queue_id == Some(entry.receive_queue_id as u16);
        let mut targets = self.endpoints.iter().filter(|(_, other)| is_target(other));
        match targets.next() {
            _ if entry.node != own.into() => Way::Refuse(Code::NotResident),
            None => Way::Refuse(Code::NotResident),
            Some((_, target)) if message.payload.len() + HEADER_BYTES > 1 << target.stride_log2 => {
                Way::Refuse(Code::EntryTooSmall)
            }
            Some((_, target)) if target.is_full() => Way::Wait,
            Some((number, _)) => Way::To(*number),
        }
    }

    fn write_entry(&mut self, sender: u16, receiver: u16, message: &Message) {
        let node = self.register(registers::node::OFFSET);
        let Some(target) = self.endpoints.get_mut(&receiver) else {
            return;
        };
        let index = u64::from(target.written) % (1 << target.entries_log2);
        let lap = target.written >> target.entries_log2;
        target.written = target.written.wrapping_add(1);
        let address = target.ring + (index << target.stride_log2);
        let descriptor = ReceiveDescriptor {
            phase: u64::from(lap % 2 == 0),
            marked: message.marked.into(),
            gap: 0,
            tag: message.tag.into(),
            length: message.payload.len() as u64,
            source_endpoint: sender.into(),
            source_node: node.into(),
            receive_queue_id: target.receive_queue_id.unwrap_or_default().into(),
        };
        self.device_writes(address + HEADER_BYTES as u64, &message.payload);
        self.device_writes(address, &descriptor.pack().to_le_bytes());
    }
}
