//! The sizes of the configuration, as hardware, firmware and driver agree on them.

mod support;

use abi::admin::status::Status;
use host_driver::{
    Destination, Endpoint, EndpointOptions, NodeNumber, ReceiveQueueId, RequestError, SendError,
    VirtualChannel,
};
use wayfarer_cluster::launch::{Node, PATIENCE};
use wayfarer_configuration::Configuration;

/// Base-2 logarithm of the destinations that leave room for nobody else.
fn whole_table_log2(node: &Node) -> u8 {
    node.device.identity().translation_entries.ilog2() as u8
}

fn endpoint(node: &Node, destinations_log2: u8) -> Result<Endpoint, RequestError> {
    node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(9),
        destinations_log2,
        ..EndpointOptions::default()
    })
}

#[test]
fn the_hardware_tells_the_sizes_of_its_configuration() {
    let body = |node: &Node| {
        let identity = node.device.identity();
        let configuration = Configuration::chosen().expect("the NIU was made from it");
        for (key, told) in [
            ("clock_hertz", identity.clock_hertz),
            ("queues.transmit", identity.transmit_queues.into()),
            ("queues.receive", identity.receive_queues.into()),
            ("queues.transmit_slots", identity.transmit_slots.into()),
            ("queues.endpoints", identity.endpoints),
            ("queues.receive_queue_ids", identity.receive_queue_ids),
            ("queues.inline_pages", identity.inline_pages.into()),
            ("queues.translation_entries", identity.translation_entries),
            ("link.nodes", identity.nodes),
        ] {
            assert_eq!(u64::from(told), configuration.value(key), "{key}");
        }
        // Time passes at the clock that the hardware tells.
        assert_eq!(sim::model::CLOCK_HERTZ, u64::from(identity.clock_hertz));
        let (start_ns, start) = (node.port.now_ns(), node.port.cycle());
        node.port.sleep_ns(100_000);
        let cycles = (node.port.cycle() - start) as f64;
        let expected = (node.port.now_ns() - start_ns) * f64::from(identity.clock_hertz) / 1e9;
        assert!((cycles - expected).abs() <= 2.0, "{cycles} of {expected}");
        Ok(())
    };
    let options = support::options("bare", 101);
    support::run(options, vec![Box::new(body), Box::new(|_| Ok(()))]);
}

/// An endpoint that leads to its like on the other node; both are there.
fn pair(node: &Node, ring_entries_log2: u8) -> Result<Endpoint, RequestError> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(9),
        ring_entries_log2,
        ..EndpointOptions::default()
    };
    let endpoint = node.endpoint(options, &[node.peer()]);
    node.barrier();
    endpoint
}

#[test]
fn each_inline_body_keeps_its_own_message() {
    /// Laps of the bodies.
    const LAPS: u8 = 3;
    fn payload(lap: u8, message: u8) -> [u8; 248] {
        std::array::from_fn(|byte| byte as u8 ^ (lap << 6) ^ (message << 1))
    }
    let send = |node: &Node| {
        let mut endpoint = pair(node, 8)?;
        for lap in 0..LAPS {
            for message in 0..support::inline_bodies(node) as u8 {
                endpoint.compose(Destination(0), message, &payload(lap, message))?;
            }
            // Nothing was launched yet, so nothing can have made room.
            let full = endpoint.compose(Destination(0), 0, b"one too many");
            assert!(matches!(full, Err(SendError::QueueFull)), "{full:?}");
            endpoint.flush(PATIENCE)?;
        }
        node.barrier();
        Ok(())
    };
    let receive = |node: &Node| {
        let mut endpoint = pair(node, 8)?;
        for lap in 0..LAPS {
            for message in 0..support::inline_bodies(node) as u8 {
                let received = endpoint.receive_wait(PATIENCE)?.into_message();
                assert_eq!(received.tag, message);
                assert_eq!(received.payload, payload(lap, message), "{lap} {message}");
            }
        }
        node.barrier();
        assert!(endpoint.receive().is_none(), "a message too many");
        Ok(())
    };
    let options = support::options("bare", 102);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}

#[test]
fn a_queue_takes_as_many_messages_as_it_has_slots_and_each_slot_keeps_its_own() {
    /// Entries of the ring that nobody empties meanwhile.
    const ENTRIES_LOG2: u8 = 1;
    /// Longer than all that fits takes to come to rest.
    const REST_NS: u64 = 50_000;
    fn most(node: &Node) -> u64 {
        u64::from(node.device.identity().transmit_slots) + (1 << ENTRIES_LOG2)
    }
    let send = |node: &Node| {
        let mut endpoint = pair(node, ENTRIES_LOG2)?;
        let mut sent = 0_u64;
        for _ in 0..2 {
            while endpoint
                .send_express(Destination(0), 0, sent.to_le_bytes())
                .is_ok()
            {
                sent += 1;
                assert!(sent <= most(node), "{sent} messages");
            }
            node.port.sleep_ns(REST_NS);
        }
        assert_eq!(sent, most(node), "the ring and the slots are full");
        node.barrier();
        endpoint.flush(PATIENCE)?;
        node.barrier();
        Ok(())
    };
    let receive = |node: &Node| {
        let mut endpoint = pair(node, ENTRIES_LOG2)?;
        node.barrier();
        for number in 0..most(node) {
            let received = endpoint.receive_wait(PATIENCE)?.into_message();
            assert_eq!(received.payload, number.to_le_bytes());
            endpoint.give_back();
        }
        node.barrier();
        assert!(endpoint.receive().is_none(), "a message too many");
        Ok(())
    };
    let options = support::options("bare", 104);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}

/// The numbers of queues, pages and identifiers come apart as endpoints come and go; messages find their way all the
/// same.
#[test]
fn every_queue_and_every_inline_page_can_be_lent_and_no_more() {
    fn create(node: &Node, receive_queue_id: u16, inline: bool) -> Result<Endpoint, RequestError> {
        let options = EndpointOptions {
            receive_queue_id: ReceiveQueueId(receive_queue_id),
            ring_entries_log2: 2,
            destinations_log2: 0,
            inline,
            ..EndpointOptions::default()
        };
        node.endpoint(options, &[node.peer()])
    }
    fn refused(result: Result<Endpoint, RequestError>) {
        let Err(RequestError::Refused { status, .. }) = result else {
            panic!("more than there is: {:?}", result.map(|it| it.number().0));
        };
        assert_eq!(status, Some(Status::NoResources));
    }
    // There may be more endpoints than queues; more pages there are not.
    let body = |node: &Node| {
        let identity = node.device.identity();
        let queues = identity.transmit_queues.min(identity.receive_queues);
        let queues = u32::from(queues)
            .min(identity.endpoints)
            .min(identity.receive_queue_ids);
        let pages = u32::from(identity.inline_pages).min(queues);
        let mut endpoints: Vec<Option<Endpoint>> = Vec::new();
        for number in 0..queues {
            if number >= pages && pages < queues {
                refused(create(node, number as u16, true));
            }
            endpoints.push(Some(create(node, number as u16, number < pages)?));
        }
        // Every second one is made anew, in another order.
        for place in endpoints.iter_mut().step_by(2) {
            *place = None;
        }
        for number in (0..queues).step_by(2).collect::<Vec<_>>().into_iter().rev() {
            endpoints[number as usize] = Some(create(node, number as u16, number < pages)?);
        }
        let mut endpoints: Vec<Endpoint> = endpoints.into_iter().flatten().collect();
        node.barrier();
        for (number, endpoint) in endpoints.iter_mut().enumerate() {
            endpoint.send_express(Destination(0), 0, (number as u64).to_le_bytes())?;
            if (number as u32) < pages {
                endpoint.send_basic(Destination(0), 1, &[number as u8; 100])?;
            }
        }
        for (number, endpoint) in endpoints.iter_mut().enumerate() {
            let express = endpoint.receive_wait(PATIENCE)?.into_message();
            assert_eq!(express.payload, (number as u64).to_le_bytes());
            assert_eq!(usize::from(express.receive_queue_id.0), number);
            if (number as u32) < pages {
                let basic = endpoint.receive_wait(PATIENCE)?.into_message();
                assert_eq!(basic.payload, [number as u8; 100]);
                assert_eq!(basic.source_endpoint.0, express.source_endpoint.0);
            }
            endpoint.flush(PATIENCE)?;
        }
        node.barrier();
        Ok(())
    };
    let options = sim::cluster::ClusterOptions {
        maximum_cycles: 20_000_000,
        ..support::options("pcie-gen3-x8", 105)
    };
    support::run(options, vec![Box::new(body), Box::new(body)]);
}

#[test]
fn the_whole_translation_table_can_be_used_and_nothing_beyond_it() {
    let refused = |result: Result<Endpoint, RequestError>| match result {
        Err(RequestError::Refused { status, .. }) => status.expect("a status the driver knows"),
        Err(error) => panic!("{error}"),
        Ok(endpoint) => panic!("endpoint {} was made", endpoint.number().0),
    };
    let send = move |node: &Node| {
        let all_log2 = whole_table_log2(node);
        let beyond = refused(endpoint(node, all_log2 + 1));
        let expected = match usize::from(all_log2) {
            // No field of the hardware has more bits.
            log2 if 1 << log2 == abi::queue_state::MAXIMUM_TRANSLATION_ENTRIES => {
                Status::BadOperand
            }
            _ => Status::NoResources,
        };
        assert_eq!(beyond, expected, "a window larger than the table");
        let mut whole = endpoint(node, all_log2)?;
        let status = refused(node.device.create_endpoint(EndpointOptions {
            receive_queue_id: ReceiveQueueId(10),
            destinations_log2: 0,
            ..EndpointOptions::default()
        }));
        assert_eq!(status, Status::NoResources, "no entry is left");
        let entries = node.device.identity().translation_entries as u16;
        let result = whole.load_translation(
            Destination(entries),
            NodeNumber(node.peer()),
            ReceiveQueueId(9),
            VirtualChannel::ZERO,
        );
        assert!(
            matches!(
                result,
                Err(RequestError::Refused {
                    status: Some(Status::BadOperand),
                    ..
                })
            ),
            "{result:?}"
        );
        // Both ends of the table, and what lies between stays apart.
        whole.load_translation(
            Destination(0),
            NodeNumber(node.peer()),
            ReceiveQueueId(9),
            VirtualChannel::ZERO,
        )?;
        whole.load_translation(
            Destination(entries - 1),
            NodeNumber(node.peer()),
            ReceiveQueueId(9),
            VirtualChannel::ZERO,
        )?;
        node.barrier();
        whole.send_basic(Destination(entries - 1), 1, b"last")?;
        whole.send_basic(Destination(0), 2, b"first")?;
        whole.flush(PATIENCE)?;
        for destination in [1, entries / 2, entries - 2] {
            whole.send_basic(Destination(destination), 3, b"nowhere")?;
            let error = whole.flush(PATIENCE).expect_err("nothing was loaded");
            assert!(
                error.to_string().contains("translation entry is not valid"),
                "{error}"
            );
        }
        node.barrier();
        Ok(())
    };
    let receive = |node: &Node| {
        let mut endpoint = endpoint(node, 0)?;
        node.barrier();
        for (tag, payload) in [(1, &b"last"[..]), (2, b"first")] {
            let message = endpoint.receive_wait(PATIENCE)?.into_message();
            assert_eq!((message.tag, &message.payload[..]), (tag, payload));
        }
        node.barrier();
        assert!(endpoint.receive().is_none(), "a message nobody sent");
        Ok(())
    };
    let options = support::options("bare", 103);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}
