//! Frames that are damaged or misled on their way, or that a peer of another revision has sent.

use crate::scene::{CULPRIT_QUEUE_ID, Counted, Scene, exactly, play};
use crate::support::options;
use abi::control::{counter::Counter, registers};
use abi::message::error::Error as Code;
use sim::cluster::ClusterOptions;
use sim::network::{Frames, Tamper, Tampering};
use wayfarer_host_driver::Error;
use wayfarer_host_driver::launch::PATIENCE_NS;

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

/// The culprit sends two messages that do not arrive: its queue ends with a typed error in its time, and the bystander's
/// messages all arrive.
fn fails(scene: &mut Scene) -> Result<(), Error> {
    let mut endpoint = scene.culprit()?;
    scene.acquaint(&mut endpoint)?;
    scene.fill()?;
    endpoint.send_express(0, 0, *b"lost one")?;
    endpoint.send_basic(0, 0, &[9; 200])?;
    scene.exchange()?;
    let start = scene.node.port.cycle();
    let error = scene.complaints(&mut endpoint, 1)?;
    assert_eq!((error.code, error.failed), (Code::AcknowledgeTimeout, true));
    // Two ticks of 2^17 cycles each.
    let waited = scene.node.port.cycle() - start;
    assert!(waited <= 1 << 18, "{waited} cycles");
    let is_told = |result| match result {
        Err(Error::Queue(error)) => error.failed && error.code == Code::AcknowledgeTimeout,
        _ => false,
    };
    for _ in 0..2 * scene.node.device.identity().transmit_slots {
        assert!(is_told(endpoint.send_express(0, 0, *b"too late")));
        assert!(is_told(endpoint.send_basic(0, 0, b"too late")));
    }
    assert!(is_told(endpoint.flush(PATIENCE_NS)));
    assert_eq!(endpoint.receive(), None, "a frame that nobody sent so");
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
            let mismatch = registers::status::version_mismatch::get(status[0].into());
            assert_eq!(
                mismatch, 1,
                "the status register tells of the other version"
            );
            Ok(vec![
                exactly(Counter::AcknowledgeTimeout, 1),
                exactly(Counter::FrameVersion, 2),
            ])
        },
        |scene| {
            fails(scene)?;
            Ok(vec![
                exactly(Counter::AcknowledgeTimeout, 1),
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
            exactly(Counter::AcknowledgeTimeout, 1),
            exactly(Counter::FrameMisrouted, 2),
        ])
    }
    play(options, part, part);
}

/// The answer to a message that has arrived says that it comes from a third node: it is not believed.
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
        assert_eq!(scene.acquaint(&mut endpoint)?, CULPRIT_QUEUE);
        scene.fill()?;
        endpoint.send_express(0, 0, *b"not lost")?;
        scene.exchange()?;
        assert_eq!(endpoint.receive_wait(PATIENCE_NS)?.payload, b"not lost");
        let error = scene.complaints(&mut endpoint, 1)?;
        assert_eq!((error.code, error.failed), (Code::AcknowledgeTimeout, true));
        scene.exchange()?;
        scene.node.barrier();
        Ok(vec![
            exactly(Counter::AcknowledgeTimeout, 1),
            exactly(Counter::AcknowledgeUnexpected, 1),
        ])
    }
    play(options, part, part);
}
