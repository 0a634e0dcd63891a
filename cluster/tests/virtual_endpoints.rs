//! Many more endpoints than resident queues: programs see no difference but time (V13 to V16).

mod support;

use abi::control::counter::Counter;
use host_driver::{
    Destination, Endpoint, EndpointOptions, Error, NodeNumber, ReceiveQueueId, VirtualChannel,
};
use sim::cluster::ClusterOptions;
use sim::pcie::random::Random;
use wayfarer_cluster::launch::{Node, PATIENCE};
use wayfarer_configuration::Configuration;

/// Between two looks at all endpoints.
const PAUSE_NS: u64 = 5_000;
/// In this time whoever has a queue gets something through.
const SPAN_NS: f64 = 6e6;
/// Within this everything must have come.
const LIMIT_NS: f64 = 60e6;

/// What endpoint `number` of a node sends as its message `index`.
fn payload(number: u16, index: u32) -> [u8; 8] {
    (u64::from(number) << 32 | u64::from(index)).to_le_bytes()
}

/// So many endpoints, or as many as there may be; and so many with inline bodies.
fn at_most(count: u16, inline: u16) -> (u16, u16) {
    let configuration = Configuration::chosen().expect("the NIU was made from it");
    let value = |key| configuration.value(key) as u16;
    let most = value("queues.endpoints")
        .min(value("queues.receive_queue_ids"))
        .min(value("queues.translation_entries"));
    (count.min(most), inline.min(value("queues.inline_pages")))
}

/// `count` endpoints, each with the peer's endpoint of the same number as its destination.
fn endpoints(node: &Node, count: u16, inline: u16) -> Result<Vec<Endpoint>, Error> {
    mixed_endpoints(node, count, inline, false)
}

/// The same; `emulated`: one of three is lent queues for its messages only, and has a ring that is soon full.
fn mixed_endpoints(
    node: &Node,
    count: u16,
    inline: u16,
    emulated: bool,
) -> Result<Vec<Endpoint>, Error> {
    let made = (0..count).map(|number| {
        let emulated = emulated && number % 3 == 0;
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(number),
            ring_entries_log2: if emulated { 1 } else { 4 },
            emulated,
            destinations_log2: 0,
            inline: number < inline,
            ..EndpointOptions::default()
        };
        Ok(node.endpoint(options, &[node.peer()])?)
    });
    made.collect()
}

/// Takes what has come to an endpoint: its messages are in order, none is missing and none comes twice.
fn take(endpoint: &mut Endpoint, number: u16, received: &mut u32) {
    while let Some(message) = endpoint.receive() {
        let expected = payload(number, *received);
        assert_eq!(&message.payload()[..8], expected, "endpoint {number}");
        *received += 1;
    }
}

/// Each node's endpoints send to the other node's in random order; so queues come and go on both sides, all the time.
fn random_traffic(count: u16, messages: u32, inline: u16, emulated: bool, seed: u64) {
    let (count, inline) = at_most(count, inline);
    let program = move |node: &Node| {
        let mut random = Random::new(seed + u64::from(node.number()));
        let mut endpoints = mixed_endpoints(node, count, inline, emulated)?;
        node.barrier();
        let mut sent = vec![0_u32; usize::from(count)];
        let mut received = vec![0_u32; usize::from(count)];
        for _ in 0..messages {
            let number = random.below(count.into()) as u16;
            let place = usize::from(number);
            let bytes = payload(number, sent[place]);
            let long = number < inline && random.below(2) == 0;
            let deadline = node.port.now_ns() + LIMIT_NS;
            loop {
                let endpoint = &mut endpoints[place];
                let result = match long {
                    true => endpoint.send_basic(Destination(0), 0, &[bytes, bytes].concat()),
                    false => endpoint.send_express(Destination(0), 0, bytes),
                };
                match result {
                    Err(host_driver::SendError::QueueFull) => {}
                    other => break other?,
                }
                assert!(
                    node.port.now_ns() < deadline,
                    "endpoint {number} of {} hangs",
                    node.number()
                );
                for (number, endpoint) in endpoints.iter_mut().enumerate() {
                    take(endpoint, number as u16, &mut received[number]);
                }
                node.port.sleep_ns(PAUSE_NS);
            }
            sent[place] += 1;
            let other = random.below(count.into()) as u16;
            take(
                &mut endpoints[usize::from(other)],
                other,
                &mut received[usize::from(other)],
            );
        }
        // The other node sends as many, of which this one knows: the seeds are known.
        let deadline = node.port.now_ns() + LIMIT_NS;
        let expected = expected(seed + u64::from(node.peer()), count, messages, inline);
        while received != expected || endpoints.iter().any(|endpoint| endpoint.outstanding() > 0) {
            for (number, endpoint) in endpoints.iter_mut().enumerate() {
                take(endpoint, number as u16, &mut received[number]);
                endpoint.check()?;
            }
            node.port.sleep_ns(PAUSE_NS);
            assert!(
                node.port.now_ns() < deadline,
                "node {}: {received:?} of {expected:?}",
                node.number()
            );
        }
        node.barrier();
        Ok([
            Counter::CapturedStore,
            Counter::MissedMessage,
            Counter::LostStore,
        ]
        .map(|counter| node.device.counter(counter).expect("the NIU answers")))
    };
    let options = ClusterOptions {
        maximum_cycles: 60_000_000,
        ..support::options("bare", seed)
    };
    let (counts, _) = support::run(options, vec![Box::new(program), Box::new(program)]);
    println!("captured, missed, lost: {counts:?}");
    let most: u32 = messages / 20;
    for [captured, missed, _] in counts {
        assert!(
            captured > most && missed > most,
            "queues hardly ever came or went"
        );
    }
}

/// How many messages each of a node's endpoints sends.
fn expected(seed: u64, count: u16, messages: u32, inline: u16) -> Vec<u32> {
    let mut random = Random::new(seed);
    let mut sent = vec![0; usize::from(count)];
    for _ in 0..messages {
        let number = random.below(count.into()) as u16;
        if number < inline {
            random.below(2);
        }
        sent[usize::from(number)] += 1;
        random.below(count.into());
    }
    sent
}

#[test]
fn messages_of_many_endpoints_over_few_queues_come_once_and_in_order() {
    random_traffic(100, 600, 0, false, 301);
}

#[test]
fn inline_bodies_and_express_messages_come_once_and_in_order() {
    random_traffic(80, 500, 4, false, 302);
}

/// Queues are lent for a message, and others stay, under refusals by rings that are full.
#[test]
fn messages_of_endpoints_that_are_emulated_come_once_and_in_order_among_those_of_others() {
    random_traffic(60, 600, 4, true, 304);
}

/// Where no queue is ever away for want of room, an endpoint that is emulated has none all the same: each of its
/// messages is captured, and each for it is a miss, and it takes no other endpoint's queue.
#[test]
fn an_endpoint_that_is_emulated_has_no_queue_between_its_messages() {
    let rounds = 40_u32;
    let program = move |node: &Node| {
        let mut endpoints = mixed_endpoints(node, 4, 0, true)?;
        node.barrier();
        let counters = [Counter::CapturedStore, Counter::MissedMessage];
        let before = counters.map(|counter| node.device.counter(counter).expect("it answers"));
        for round in 0..rounds {
            for (number, endpoint) in endpoints.iter_mut().enumerate() {
                let number = number as u16;
                endpoint.send_express(Destination(0), 0, payload(number, round))?;
                let message = endpoint.receive_wait(PATIENCE)?.into_message();
                assert_eq!(message.payload, payload(number, round), "endpoint {number}");
                endpoint.flush(PATIENCE)?;
            }
            // So long that every queue that was lent is free again.
            node.port.sleep_ns(200_000);
            node.barrier();
        }
        let after = counters.map(|counter| node.device.counter(counter).expect("it answers"));
        let resident = endpoints.iter().map(|it| it.transmit_queue().is_some());
        assert_eq!(Vec::from_iter(resident), [false, true, true, false]);
        node.barrier();
        Ok([after[0] - before[0], after[1] - before[1]])
    };
    let options = ClusterOptions {
        maximum_cycles: 60_000_000,
        ..support::options("bare", 305)
    };
    let (counts, _) = support::run(options, vec![Box::new(program), Box::new(program)]);
    // Two of the four endpoints are emulated.
    let most = 2 * rounds;
    assert_eq!(counts, [[most, most]; 2]);
}

/// A message to an endpoint that is away, from one that is away.
#[test]
fn a_message_wakes_both_sides() {
    let (count, _) = at_most(70, 0);
    let program = move |node: &Node| {
        let mut endpoints = endpoints(node, count, 0)?;
        node.barrier();
        for round in 0..3_u32 {
            for (number, endpoint) in endpoints.iter_mut().enumerate() {
                let number = number as u16;
                if node.number() == 0 {
                    endpoint.send_express(Destination(0), 0, payload(number, round))?;
                    endpoint.flush(PATIENCE)?;
                } else {
                    let message = endpoint.receive_wait(PATIENCE)?.into_message();
                    assert_eq!(message.payload, payload(number, round), "endpoint {number}");
                }
            }
            node.barrier();
        }
        Ok(())
    };
    let options = ClusterOptions {
        maximum_cycles: 20_000_000,
        ..support::options("bare", 303)
    };
    support::run(options, vec![Box::new(program), Box::new(program)]);
}

/// More endpoints than queues send to a receiver that has stopped. Those who use a queue all the time keep it; when the
/// receiver goes on, every message comes once and in order.
#[test]
fn a_receiver_that_has_stopped_blocks_nobody_else() {
    let queues = Configuration::chosen()
        .expect("the NIU was made from it")
        .value("queues.transmit") as u16;
    let live = (queues / 16).max(1);
    let (all, _) = at_most(live + queues + 10, 0);
    let (senders, messages, spans) = (all - live, 3_u32, 4);
    let program = move |node: &Node| {
        let mut used = endpoints(node, live, 0)?;
        let mut others = Vec::new();
        // All of them send to the first one's receiver.
        for number in 0..senders {
            let endpoint = node.device.create_endpoint(EndpointOptions {
                receive_queue_id: ReceiveQueueId(live + number),
                ring_entries_log2: 1,
                destinations_log2: 0,
                inline: false,
                ..EndpointOptions::default()
            })?;
            endpoint.load_translation(
                Destination(0),
                NodeNumber(node.peer()),
                ReceiveQueueId(live),
                VirtualChannel::ZERO,
            )?;
            others.push(endpoint);
        }
        node.barrier();
        let mut sent = vec![0_u32; usize::from(live)];
        let mut received = vec![0_u32; usize::from(live)];
        let start = node.port.now_ns();
        let mut stored = 0;
        for span in 0..spans {
            let before = received.clone();
            while node.port.now_ns() < start + f64::from(span + 1) * SPAN_NS {
                for (number, endpoint) in used.iter_mut().enumerate() {
                    take(endpoint, number as u16, &mut received[number]);
                    let bytes = payload(number as u16, sent[number]);
                    match endpoint.send_express(Destination(0), 0, bytes) {
                        Ok(()) => sent[number] += 1,
                        Err(host_driver::SendError::QueueFull) => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                if node.number() == 0 && span > 0 && stored < u32::from(senders) * messages {
                    let number = stored % u32::from(senders);
                    let bytes = payload(number as u16, stored / u32::from(senders));
                    others[number as usize].send_express(Destination(0), 0, bytes)?;
                    stored += 1;
                }
                node.port.sleep_ns(PAUSE_NS);
            }
            for (number, &before) in before.iter().enumerate() {
                assert!(
                    span == 0 || received[number] > before,
                    "endpoint {number} of node {} in span {span}: {}, {:?}",
                    node.number(),
                    received[number] - before,
                    node.device.residency_statistics()
                );
            }
        }
        node.barrier();
        // The receiver goes on.
        let mut counts = vec![0_u32; usize::from(senders)];
        let deadline = node.port.now_ns() + LIMIT_NS;
        let mut left = match node.number() {
            0 => 0,
            _ => u32::from(senders) * messages,
        };
        while left > 0 || others.iter().any(|endpoint| endpoint.outstanding() > 0) {
            while let Some(message) = others[0].receive() {
                let word = u64::from_le_bytes(message.payload()[..8].try_into().expect("eight"));
                let count = &mut counts[(word >> 32) as usize];
                assert_eq!(word as u32, *count, "from endpoint {}", word >> 32);
                *count += 1;
                left -= 1;
            }
            for (number, endpoint) in used.iter_mut().enumerate() {
                take(endpoint, number as u16, &mut received[number]);
            }
            for endpoint in &mut others {
                endpoint.check()?;
            }
            node.port.sleep_ns(PAUSE_NS);
            assert!(node.port.now_ns() < deadline, "{left} left, {counts:?}");
        }
        node.barrier();
        Ok(node.device.counter(Counter::LostStore)?)
    };
    let options = ClusterOptions {
        maximum_cycles: 60_000_000,
        ..support::options("bare", 304)
    };
    let (lost, _) = support::run(options, vec![Box::new(program), Box::new(program)]);
    println!("lost: {lost:?}");
    assert!(lost[0] > 0, "no store had to be thrown away");
}
