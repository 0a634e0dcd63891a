//! Receive rings that are full, or that the IOMMU takes away.

use crate::scene::{Scene, exactly, perhaps, play, some};
use crate::support::options;
use abi::admin::status::Status;
use abi::control::counter::Counter;
use abi::endpoint::EXPRESS_OFFSET;
use abi::message::error::Error as Code;
use abi::pcie::completion_status::CompletionStatus;
use host_driver::{Destination, EndpointOptions, ReceiveQueueId, RequestError, SendError};
use sim::pcie::ReadFault;
use wayfarer_cluster::launch::PATIENCE;

/// Messages to a ring of four entries: three times what ring and transmit queue hold together.
fn messages(scene: &Scene) -> u64 {
    3 * (4 + u64::from(scene.node.device.identity().transmit_slots))
}

#[test]
fn a_full_ring_holds_its_sender_back_and_loses_nothing() {
    play(
        options("bare", 31),
        |scene| {
            let mut endpoint = scene.culprit()?;
            scene.acquaint(&mut endpoint)?;
            let messages = messages(scene);
            let mut number = 0_u64;
            let full = loop {
                match endpoint.send_express(Destination(0), 0, number.to_le_bytes()) {
                    Ok(()) => number += 1,
                    Err(error) => break error,
                }
                assert!(number < messages, "the queue never filled");
                scene.bystander.pump(1)?;
                scene.node.port.sleep_ns(2000);
            };
            assert!(matches!(full, SendError::QueueFull), "{full}");
            // Nobody takes anything meanwhile, and the bystander goes on.
            scene.exchange()?;
            // Whoever stores all the same is told, and overwrites nothing.
            scene.store(&endpoint, EXPRESS_OFFSET, b"too many");
            scene.complains(&mut endpoint, 1, Code::Overflow)?;
            scene.node.barrier();
            while number < messages {
                endpoint.when_room(PATIENCE, |endpoint| {
                    endpoint.send_express(Destination(0), 0, number.to_le_bytes())
                })?;
                number += 1;
                scene.bystander.pump(1)?;
            }
            endpoint.flush(PATIENCE)?;
            scene.node.barrier();
            Ok(vec![
                exactly(Counter::TransmitOverflow, 1),
                some(Counter::Probes),
            ])
        },
        |scene| {
            let mut endpoint = scene.culprit_with(EndpointOptions {
                ring_entries_log2: 2,
                destinations_log2: 2,
                ..EndpointOptions::default()
            })?;
            scene.acquaint(&mut endpoint)?;
            scene.exchange()?;
            scene.node.barrier();
            for number in 0..messages(scene) {
                let message = endpoint.receive_wait(PATIENCE)?.into_message();
                assert_eq!(message.payload, number.to_le_bytes());
                scene.bystander.pump(1)?;
            }
            scene.node.barrier();
            assert!(endpoint.receive().is_none(), "a message too many");
            Ok(vec![
                some(Counter::ReceiveFull),
                perhaps(Counter::ReceiveBehind),
            ])
        },
    );
}

#[test]
fn a_ring_or_shadow_line_that_the_host_refuses_makes_no_endpoint() {
    play(
        options("bare", 32),
        |scene| {
            // The firmware reads the submission, then tries the ring, then the shadow line.
            for spared in [1, 2] {
                scene.fill()?;
                scene.node.port.with_side(|side| {
                    for _ in 0..spared {
                        side.bridge.spoil_read(ReadFault::Spared);
                    }
                    side.bridge
                        .spoil_read(ReadFault::Status(CompletionStatus::UnsupportedRequest));
                });
                let outcome = scene.node.device.create_endpoint(EndpointOptions {
                    receive_queue_id: ReceiveQueueId(7),
                    destinations_log2: 2,
                    ..EndpointOptions::default()
                });
                let status = match outcome.map(|endpoint| endpoint.number().0) {
                    Err(RequestError::Refused { status, .. }) => status,
                    other => panic!("{other:?}"),
                };
                assert_eq!(status, Some(Status::AddressRefused));
                scene.exchange()?;
            }
            // The next one is made as if nothing had been.
            scene.culprit()?;
            scene.node.barrier();
            Ok(vec![exactly(Counter::CompletionError, 2)])
        },
        |scene| {
            scene.exchange()?;
            scene.exchange()?;
            scene.culprit()?;
            scene.node.barrier();
            Ok(vec![])
        },
    );
}

#[test]
fn a_ring_that_the_iommu_takes_away_faults_and_disturbs_nobody() {
    /// The size by which the culprit's ring is told from other memory.
    const RING_BYTES: u64 = 1 << (5 + 8);
    let report = play(
        options("bare", 33),
        |scene| {
            let mut endpoint = scene.culprit()?;
            scene.acquaint(&mut endpoint)?;
            scene.node.barrier();
            scene.fill()?;
            for number in 0..8_u64 {
                endpoint.when_room(PATIENCE, |endpoint| {
                    endpoint.send_express(Destination(0), 0, number.to_le_bytes())
                })?;
                scene.bystander.pump(1)?;
            }
            // Posted writes tell nobody of their end: to the NIUs the messages are delivered.
            endpoint.flush(PATIENCE)?;
            scene.exchange()?;
            scene.node.barrier();
            Ok(vec![])
        },
        |scene| {
            let mut endpoint = scene.culprit_with(EndpointOptions {
                ring_entries_log2: 5,
                destinations_log2: 2,
                ..EndpointOptions::default()
            })?;
            scene.acquaint(&mut endpoint)?;
            scene.node.port.with_side(|side| {
                let rings: Vec<u64> = side
                    .allocations
                    .iter()
                    .filter(|(_, (_, bytes))| *bytes == RING_BYTES)
                    .map(|(address, _)| *address)
                    .collect();
                assert_eq!(
                    rings.len(),
                    1,
                    "the culprit's ring is the only one of its size"
                );
                side.bridge
                    .iommu_mut()
                    .unmap(rings[0], RING_BYTES)
                    .unwrap_or_else(|error| panic!("{error}"));
            });
            scene.node.barrier();
            scene.exchange()?;
            scene.node.barrier();
            assert!(endpoint.receive().is_none(), "nothing can have come");
            Ok(vec![])
        },
    );
    let faults: Vec<u64> = report.nodes.iter().map(|node| node.iommu_faults).collect();
    assert_eq!(faults, [0, 8], "one refused write a message");
}
