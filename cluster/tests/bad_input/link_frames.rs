//! Frames that are damaged or misled on their way, or that a peer of another revision has sent.

use crate::scene::{CULPRIT_QUEUE_ID, Counted, Scene, exactly, play, some};
use crate::support::{answer_timeout_cycles, options};
use abi::control::counter::Counter;
use abi::control::registers::{self, Status};
use abi::message::error::Error as Code;
use host_driver::{Destination, Error};
use sim::cluster::ClusterOptions;
use sim::network::{Frames, Tamper, Tampering};
use wayfarer_cluster::launch::PATIENCE;

/// The culprits' transmit queue: the bystander's comes first.
const CULPRIT_QUEUE: u8 = 1;

/// Changes all of the culprit's frames but the first.
fn tampering(tamper: Tamper) -> Option<Tampering> {
    Some(Tampering {
        frames: Frames::MessagesFor(CULPRIT_QUEUE_ID),
        spared: 1,
        tamper,
    })
}

/// The culprit sends two messages that do not arrive. The receiver's NIU answers a ping that nothing waits there, so
/// that the queue ends with a typed error; the bystander's messages all arrive.
fn fails(scene: &mut Scene) -> Result<(), Error> {
    let mut endpoint = scene.culprit()?;
    scene.acquaint(&mut endpoint)?;
    scene.fill()?;
    endpoint.send_express(Destination(0), 0, *b"lost one")?;
    endpoint.send_basic(Destination(0), 0, &[9; 200])?;
    scene.exchange()?;
    let start = scene.node.port.cycle();
    let error = scene.complaints(&mut endpoint, 1)?;
    assert_eq!((error.code, error.failed), (Code::AnswerTimeout, true));
    // It pings after this time, or a little later.
    let timeout = answer_timeout_cycles();
    let waited = scene.node.port.cycle() - start;
    assert!(waited <= timeout + timeout / 4, "{waited} cycles");
    let is_told = |error: Option<Error>| {
        let report = error.and_then(|error| error.queue_report());
        report.is_some_and(|report| report.failed && report.code == Code::AnswerTimeout)
    };
    for _ in 0..2 * scene.node.device.identity().transmit_slots {
        let express = endpoint.send_express(Destination(0), 0, *b"too late");
        assert!(is_told(express.err().map(Error::from)));
        let basic = endpoint.send_basic(Destination(0), 0, b"too late");
        assert!(is_told(basic.err().map(Error::from)));
    }
    assert!(is_told(endpoint.flush(PATIENCE).err().map(Error::from)));
    assert!(endpoint.receive().is_none(), "a frame that nobody sent so");
    scene.exchange()?;
    scene.node.barrier();
    Ok(())
}

/// From node 0 to node 1 the culprit's frames break; the other way they speak of another version.
#[test]
fn corrupt_frames_and_other_versions_are_counted_and_end_only_their_queue() {
    let options = ClusterOptions {
        tampering: vec![
            tampering(Tamper::Corrupt),
            tampering(Tamper::Version(abi::link::VERSION as u8 + 1)),
        ],
        ..options("bare", 51)
    };
    play(
        options,
        |scene| {
            fails(scene)?;
            let status = scene
                .node
                .port
                .load(0, registers::status::OFFSET as u64, 1)
                .expect("the status register");
            let mismatch = Status::unpack(status[0].into()).version_mismatch;
            assert_eq!(mismatch, 1, "the status register shows the other version");
            Ok(vec![
                exactly(Counter::AnswerTimeout, 1),
                some(Counter::PingsSent),
                exactly(Counter::FrameVersion, 2),
            ])
        },
        |scene| {
            fails(scene)?;
            Ok(vec![
                exactly(Counter::AnswerTimeout, 1),
                some(Counter::PingsSent),
                exactly(Counter::FrameCorrupt, 2),
            ])
        },
    );
}

/// The culprit's frames say that they are for a node that is not there, but come to the other node all the same.
#[test]
fn frames_for_another_node_are_counted_and_delivered_to_nobody() {
    let options = ClusterOptions {
        tampering: vec![tampering(Tamper::Destination(2)); 2],
        ..options("bare", 52)
    };
    fn part(scene: &mut Scene) -> Result<Counted, Error> {
        fails(scene)?;
        Ok(vec![
            exactly(Counter::AnswerTimeout, 1),
            some(Counter::PingsSent),
            exactly(Counter::FrameMisrouted, 2),
        ])
    }
    play(options, part, part);
}

/// The answers to a message that has arrived, and to the pings for it, say that they come from a third node: they are
/// ignored.
#[test]
fn an_answer_of_another_node_than_the_receiver_is_counted_and_ends_only_its_queue() {
    let answers = Tampering {
        frames: Frames::AnswersTo(CULPRIT_QUEUE),
        spared: 1,
        tamper: Tamper::Source(2),
    };
    let options = ClusterOptions {
        tampering: vec![Some(answers); 2],
        ..options("bare", 53)
    };
    fn part(scene: &mut Scene) -> Result<Counted, Error> {
        let mut endpoint = scene.culprit()?;
        let queue = endpoint.transmit_queue().map(|queue| queue.0);
        assert_eq!(queue, Some(CULPRIT_QUEUE.into()));
        scene.acquaint(&mut endpoint)?;
        scene.fill()?;
        endpoint.send_express(Destination(0), 0, *b"not lost")?;
        scene.exchange()?;
        assert_eq!(
            endpoint.receive_wait(PATIENCE)?.into_message().payload,
            b"not lost"
        );
        let error = scene.complaints(&mut endpoint, 1)?;
        assert_eq!((error.code, error.failed), (Code::AnswerTimeout, true));
        scene.exchange()?;
        scene.node.barrier();
        Ok(vec![
            exactly(Counter::AnswerTimeout, 1),
            some(Counter::PingsSent),
            some(Counter::AnswerUnexpected),
        ])
    }
    play(options, part, part);
}
