//! A device that loses stores, at any place: each message is delivered once, in order.

use std::time::Duration;
use wayfarer_host_driver::fake::FakeDevice;
use wayfarer_host_driver::{
    Destination, Device, Endpoint, EndpointOptions, NodeNumber, OpenOptions, ReceiveQueueId,
    SendError, VirtualChannel,
};

/// Numbers at random (xorshift).
#[derive(Clone)]
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn one_of(&mut self, many: u64) -> bool {
        self.below(many) == 0
    }
}

/// Message `number`: Express, or Basic with so many bytes.
fn payload(number: u64, basic: Option<usize>) -> Vec<u8> {
    let bytes = number.to_le_bytes().into_iter().cycle();
    bytes.take(basic.unwrap_or(8)).collect()
}

fn endpoint(device: &Device<FakeDevice>, receive_queue_id: u16) -> Endpoint<FakeDevice> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(receive_queue_id),
        ring_entries_log2: 4,
        ..EndpointOptions::default()
    };
    let endpoint = device.create_endpoint(options).expect("there is room");
    endpoint
        .load_translation(
            Destination(0),
            NodeNumber(0),
            ReceiveQueueId(1),
            VirtualChannel::ZERO,
        )
        .expect("it is legal");
    endpoint
}

/// Sends so many messages while one store in `lost_one_of` is lost; losses are told at any time later.
fn run(seed: u64, messages: u64, lost_one_of: u64) {
    println!("seed {seed}: {messages} messages, one store in {lost_one_of} is lost");
    let mut random = Random::new(seed);
    let fake = FakeDevice::new();
    let mut losing = Random::new(seed ^ 0x5555);
    fake.lose_stores(move || losing.one_of(lost_one_of));
    let device = Device::with_transport(fake.clone(), OpenOptions::default());
    let device = device.expect("nobody has it");
    let mut sender = endpoint(&device, 0);
    let mut receiver = endpoint(&device, 1);
    // What was sent and has not arrived: payload, tag, mark.
    let mut expected = std::collections::VecDeque::new();
    let (mut sent, mut received, mut turns) = (0, 0, 0_u64);
    while received < messages {
        turns += 1;
        assert!(
            turns < 100 * messages,
            "nothing gets on: {received} have arrived"
        );
        if random.one_of(6) {
            fake.hold_messages(random.one_of(2));
        }
        for _ in 0..random.below(8).min(messages - sent) {
            let basic = random.one_of(2).then(|| random.below(249) as usize);
            let (payload, tag) = (payload(sent, basic), random.below(4) as u8);
            let express = |payload: &[u8]| payload.try_into().expect("8 bytes");
            let to = Destination(0);
            let way = random.below(4);
            let result = match (basic, way) {
                (None, 0) => sender.send_express_marked(to, tag, express(&payload)),
                (None, _) => sender.send_express(to, tag, express(&payload)),
                (Some(_), 0) => sender.send_basic_marked(to, tag, &payload),
                (Some(_), 1) => sender.send_basic(to, tag, &payload),
                (Some(_), _) => sender.compose(to, tag, &payload),
            };
            match result {
                Ok(()) => expected.push_back((payload, tag, way == 0)),
                Err(SendError::QueueFull) => break,
                Err(error) => panic!("message {sent}: {error}"),
            }
            sent += 1;
        }
        match random.below(8) {
            0 => sender.launch(),
            1 => sender.check().expect("there is no error"),
            2 => assert!(sender.receive().is_none()),
            _ => {}
        }
        if sent == messages {
            // Late losses are told in the end.
            fake.hold_messages(false);
            sender.launch();
            sender.check().expect("there is no error");
        }
        for _ in 0..random.below(12) {
            let Some(message) = receiver.receive() else {
                break;
            };
            let message = message.into_message();
            let arrived = (message.payload, message.tag, message.marked);
            let next = expected.pop_front().expect("no message twice");
            assert_eq!(arrived, next, "message {received}");
            received += 1;
        }
    }
    sender
        .flush(Duration::from_micros(1))
        .expect("all have arrived");
    sender.check().expect("there is no error");
    assert!(receiver.receive().is_none(), "a message twice");
}

#[test]
fn each_message_arrives_once_and_in_order_whatever_stores_are_lost() {
    for seed in 0..120 {
        run(seed, 400, [2, 3, 5, 20, 100][seed as usize % 5]);
    }
}

#[test]
fn losses_do_not_mix_up_indices_that_wrap() {
    run(1000, 140_000, 30);
}

/// Nobody receives or checks in between.
#[test]
fn a_program_that_only_sends_gets_on() {
    let fake = FakeDevice::new();
    let device = Device::with_transport(fake.clone(), OpenOptions::default());
    let device = device.expect("nobody has it");
    let mut endpoint = endpoint(&device, 1);
    let mut random = Random::new(7);
    fake.lose_stores(move || random.one_of(3));
    for number in 0..16_u64 {
        endpoint
            .send_express(Destination(0), 0, number.to_le_bytes())
            .expect("there is room");
    }
    fake.end_waits_after(Duration::from_nanos(100));
    let (transmit, receive) = endpoint.split();
    transmit
        .flush(Duration::from_micros(100))
        .expect("all arrive");
    for number in 0..16_u64 {
        let message = receive.receive().expect("it has arrived");
        assert_eq!(message.payload(), number.to_le_bytes());
    }
}
