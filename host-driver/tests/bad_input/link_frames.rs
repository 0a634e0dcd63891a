//! Frames that are damaged on their way, or that a peer of another revision has sent.

use crate::scene::{CULPRIT_QUEUE_ID, exactly, play};
use crate::support::options;
use abi::control::{counter::Counter, registers};
use abi::message::error::Error as Code;
use sim::cluster::ClusterOptions;
use sim::network::{Tamper, Tampering};
use wayfarer_host_driver::Error;

/// From node 0 to node 1 the culprit's frames break; the other way they speak of another version. Both queues end with a typed
/// error in their time, and every other frame arrives.
#[test]
fn corrupt_frames_and_other_versions_are_counted_and_end_only_their_queue() {
    let tampering = |tamper| {
        Some(Tampering {
            receive_queue_id: CULPRIT_QUEUE_ID,
            spared: 1,
            tamper,
        })
    };
    let options = ClusterOptions {
        tampering: vec![
            tampering(Tamper::Corrupt),
            tampering(Tamper::Version(abi::link::VERSION as u8 + 1)),
        ],
        ..options("bare", 51)
    };
    fn fails(scene: &mut crate::scene::Scene) -> Result<(), Error> {
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
        assert_eq!(endpoint.receive(), None, "a frame that nobody sent so");
        scene.exchange()?;
        scene.node.barrier();
        Ok(())
    }
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
