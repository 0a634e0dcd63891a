//! The stand-in keeps what it promises.

use super::*;
use crate::{Destination, Device, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId};
use crate::{Endpoint, QueueError, VirtualChannel};
use abi::message::error::Error as Code;

fn endpoint(device: &Device<FakeDevice>, receive_queue_id: u16) -> Endpoint<FakeDevice> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        ring_entries_log2: 2,
        ..EndpointOptions::default()
    };
    let endpoint = device.create_endpoint(options).expect("there is room");
    for (number, queue) in [1, 2].into_iter().enumerate() {
        let (destination, queue) = (Destination(number as u16), ReceiveQueueId(queue));
        endpoint
            .load_translation(destination, NodeNumber(0), queue, VirtualChannel::ZERO)
            .expect("it is legal");
    }
    endpoint
}

fn open() -> (FakeDevice, Device<FakeDevice>) {
    let fake = FakeDevice::new();
    let device = Device::with_transport(fake.clone(), OpenOptions::default());
    (fake, device.expect("nobody has it"))
}

#[test]
fn a_ring_that_is_full_holds_its_sender_back_until_entries_are_given_back() {
    let (_, device) = open();
    let mut sender = endpoint(&device, 1);
    let mut receiver = endpoint(&device, 2);
    for message in 0..12_u64 {
        sender
            .send_express(Destination(1), 2, message.to_le_bytes())
            .expect("the queue has room");
    }
    sender.check().expect("nothing is refused");
    assert_eq!(sender.outstanding(), 8, "four are in the ring");
    for message in 0..12_u64 {
        let taken = receiver.receive().expect("it has arrived").into_message();
        assert_eq!((taken.tag, taken.source_endpoint), (2, sender.number()));
        assert_eq!(taken.payload, message.to_le_bytes());
    }
    assert!(receiver.receive().is_none());
    sender.flush(Duration::ZERO).expect("all were taken");
}

#[test]
fn messages_that_cannot_be_delivered_are_reported() {
    let (_, device) = open();
    let mut sender = endpoint(&device, 1);
    for (destination, code) in [
        (1, Code::NotResident),
        (2, Code::InvalidTranslation),
        (16, Code::OutsideWindow),
    ] {
        sender
            .send_basic(Destination(destination), 0, b"lost")
            .expect("the queue has room");
        let Err(QueueError::Reported(report)) = sender.check() else {
            panic!("destination {destination} is not reported");
        };
        assert_eq!((report.count, report.code), (1, code));
    }
}

#[test]
fn an_inline_body_that_no_fence_follows_is_not_seen() {
    let (fake, device) = open();
    let mut sender = endpoint(&device, 1);
    let page = u64::from(sender.number()) * 4096;
    // What a driver without a fence would do: a body of one byte for destination 0, and the producer index.
    fake.write_combined(Bar::Memory, page, &0x1_0000_u64.to_le_bytes());
    fake.write_combined(Bar::Memory, page + 8, b"!");
    fake.write64(Bar::Endpoints, page, 1);
    let message = sender.receive().expect("the body of zeros is a message");
    assert!(message.is_empty());
}

#[test]
fn scattered_memory_has_an_address_a_page() {
    let fake = FakeDevice::new();
    let memory = fake.allocate(8192, Layout::Pages).expect("there is some");
    let second = memory.device_address(4096);
    assert_ne!(second, memory.device_address(0) + 4096);
    memory.store(4092, b"over the edge");
    let mut bytes = [0; 13];
    memory.load(4092, &mut bytes);
    assert_eq!(&bytes, b"over the edge");
    fake.device_writes(second, u64::from_le_bytes(*b"replaced"));
    memory.load(4092, &mut bytes);
    assert_eq!(&bytes, b"overreplacede");
    drop(memory);
    assert_eq!(fake.pieces_of_memory(), 0);
}
