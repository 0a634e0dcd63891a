//! Messages that cannot go where they are sent: each is dropped, counted and reported to its sender, in order.

use crate::scene::{exactly, play, receives};
use crate::support::options;
use abi::control::counter::Counter;
use abi::endpoint::PAGE_BYTES;
use abi::message::error::Error as Code;
use abi::message::{INLINE_BODIES, INLINE_BODY_BYTES, TransmitHeader};
use host_driver::{
    Destination, EndpointOptions, NodeNumber, ReceiveQueueId, SendError, VirtualChannel,
};
use wayfarer_cluster::launch::PATIENCE;

/// BAR4.
const MEMORY: u8 = 4;

#[test]
fn over_long_messages_and_bad_destinations_are_dropped_in_order() {
    let options = options("bare", 21);
    play(
        options,
        |scene| {
            let mut endpoint = scene.culprit_with(EndpointOptions {
                destinations_log2: 2,
                ..EndpointOptions::default()
            })?;
            scene.acquaint(&mut endpoint)?;

            // The driver refuses what is too long; a process that writes its own bodies may not.
            let refused = endpoint.send_basic(Destination(0), 0, &[0; 249]);
            assert!(
                matches!(
                    refused,
                    Err(SendError::TooLong {
                        bytes: 249,
                        maximum: 248
                    })
                ),
                "{refused:?}"
            );
            for (index, length) in [(1, 249), (2, u64::from(u16::MAX))] {
                scene.fill()?;
                endpoint.compose(Destination(0), 0, b"replaced")?;
                let header = TransmitHeader {
                    length,
                    ..TransmitHeader::default()
                };
                let body = index % INLINE_BODIES * INLINE_BODY_BYTES;
                let offset = usize::from(endpoint.number().0) * PAGE_BYTES + body;
                let bytes = header.pack().to_le_bytes();
                scene.node.port.store(MEMORY, offset as u64, &bytes);
                endpoint.launch();
            }
            endpoint.send_express(Destination(0), 0, *b"first!!!")?;
            scene.complains(&mut endpoint, 2, Code::TooLong)?;

            // The window has four destinations. A small queue has room for no more than what follows.
            endpoint.flush(PATIENCE)?;
            scene.fill()?;
            endpoint.send_basic(Destination(4), 0, &[1; 100])?;
            endpoint.send_express(Destination(63), 0, [2; 8])?;
            endpoint.send_express(Destination(0), 0, *b"second!!")?;
            endpoint.send_basic(Destination(0xffff), 0, &[3; 8])?;
            scene.complains(&mut endpoint, 3, Code::OutsideWindow)?;

            // Of these only the first has a translation.
            endpoint.flush(PATIENCE)?;
            scene.fill()?;
            endpoint.send_basic(Destination(1), 0, &[4; 248])?;
            endpoint.send_express(Destination(3), 3, [5; 8])?;
            endpoint.send_express(Destination(0), 0, *b"third!!!")?;
            scene.complains(&mut endpoint, 2, Code::InvalidTranslation)?;
            scene.exchange()?;
            scene.node.barrier();
            Ok(vec![
                exactly(Counter::TooLong, 2),
                exactly(Counter::OutsideWindow, 3),
                exactly(Counter::InvalidTranslation, 2),
                exactly(Counter::MessagesRefused, 7),
            ])
        },
        |scene| {
            let mut endpoint = scene.culprit()?;
            scene.acquaint(&mut endpoint)?;
            receives(
                scene,
                &mut endpoint,
                &[b"first!!!", b"second!!", b"third!!!"],
            )?;
            Ok(vec![])
        },
    );
}

#[test]
fn a_receiver_counts_what_it_must_refuse_and_the_sender_learns_of_it() {
    play(
        options("bare", 22),
        |scene| {
            let mut endpoint = scene.culprit()?;
            scene.acquaint(&mut endpoint)?;
            // Nobody has bound these identifiers; the second may lie beyond the receiver's table.
            endpoint.load_translation(
                Destination(1),
                NodeNumber(scene.node.peer()),
                ReceiveQueueId(12),
                VirtualChannel::ZERO,
            )?;
            endpoint.load_translation(
                Destination(2),
                NodeNumber(scene.node.peer()),
                ReceiveQueueId(4095),
                VirtualChannel::ZERO,
            )?;
            scene.fill()?;
            for destination in [1, 2, 1] {
                endpoint.send_express(Destination(destination), 0, *b"to whom?")?;
            }
            endpoint.send_express(Destination(0), 0, *b"first!!!")?;
            scene.complains(&mut endpoint, 3, Code::NotResident)?;
            // The ring there has entries for Express messages only.
            scene.fill()?;
            endpoint.send_basic(Destination(0), 0, &[6; 9])?;
            endpoint.send_basic(Destination(0), 0, &[7; 248])?;
            endpoint.send_basic(Destination(0), 0, b"second!!")?;
            scene.complains(&mut endpoint, 2, Code::EntryTooSmall)?;
            scene.exchange()?;
            scene.node.barrier();
            Ok(vec![exactly(Counter::MessagesRefused, 5)])
        },
        |scene| {
            let mut endpoint = scene.culprit_with(EndpointOptions {
                entry_bytes_log2: 4,
                destinations_log2: 2,
                ..EndpointOptions::default()
            })?;
            scene.acquaint(&mut endpoint)?;
            let log = scene.node.device.firmware_log()?;
            receives(scene, &mut endpoint, &[b"first!!!", b"second!!"])?;
            // The firmware writes its log when it comes to it.
            scene.node.port.sleep_ns(200_000);
            assert_ne!(
                scene.node.device.firmware_log()?,
                log,
                "the firmware hears of messages for a queue that is not resident"
            );
            Ok(vec![
                exactly(Counter::ReceiveMiss, 3),
                exactly(Counter::EntryTooSmall, 2),
            ])
        },
    );
}
