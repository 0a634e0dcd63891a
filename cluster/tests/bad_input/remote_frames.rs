//! Frames of transfers that are damaged, or that a peer has forged: the transfer fails with a typed error or its queue
//! does, nothing outside its range is written, and nobody else is disturbed.

use crate::scene::{Counted, Scene, perhaps, play, some};
use crate::support::options;
use abi::control::counter::Counter;
use abi::link::header;
use abi::message::error::Error as Code;
use abi::message::remote;
use host_driver::{
    Access, Destination, Error, Import, QueueError, Rights, SegmentHandle, TransferError,
    VirtualChannel,
};
use sim::cluster::ClusterOptions;
use sim::network::{Frames, Tamper, Tampering};
use wayfarer_cluster::Clock;
use wayfarer_cluster::launch::PATIENCE;

const MEMORY: Destination = Destination(1);
const MEMORY_BYTES: usize = 8192;
/// A transfer of many frames.
const PLACE: usize = 1001;
const SIZE: usize = 5000;
const GUARD: u8 = 0x6b;
/// Frames that are not touched.
const SPARED: u32 = 4;

/// Frames that a refusal is answered with, and what follows from it, in no fixed numbers.
fn allowed() -> Counted {
    [
        Counter::BulkFramesWritten,
        Counter::BulkFramesRefused,
        Counter::TransfersStarted,
        Counter::TransfersFailed,
        Counter::MessagesRefused,
        Counter::AnswerUnexpected,
        Counter::AnswerTimeout,
        Counter::PingsSent,
    ]
    .map(perhaps)
    .into()
}

/// Node 0 writes a block to node 1's memory; gives what became of it.
fn write(scene: &mut Scene) -> Result<Result<(), TransferError>, Error> {
    let mut endpoint = scene.culprit()?;
    scene.acquaint(&mut endpoint)?;
    let all = scene.node.port.gather(&[]);
    let handle = all[usize::from(scene.node.peer())][..].try_into().ok();
    let handle = handle.and_then(SegmentHandle::from_bytes);
    let handle = handle.expect("the other node exports");
    let import: Import = endpoint.import(MEMORY, &handle, VirtualChannel::ZERO)?;
    let mut buffer = endpoint.register(MEMORY_BYTES as u64)?;
    buffer.store(0, &[0x22; MEMORY_BYTES]);
    scene.fill()?;
    let (queue, _) = endpoint.split();
    let [place, size] = [PLACE, SIZE].map(|number| number as u32);
    let transfer = queue.write(&import, place, &buffer, 3, size)?;
    scene.exchange()?;
    let start = scene.node.port.now();
    let told = loop {
        let (queue, _) = endpoint.split();
        match queue.is_done(&transfer) {
            Ok(false) => scene.node.port.sleep_ns(10_000),
            Ok(true) => break Ok(()),
            Err(error) => break Err(error),
        }
        assert!(scene.node.port.now() - start < PATIENCE, "it has no end");
    };
    scene.exchange()?;
    scene.node.barrier();
    Ok(told)
}

/// Fails with this code, and the queue goes on.
fn is_refused<const CODE: u64>(scene: &mut Scene) -> Result<Counted, Error> {
    let code = Code::from_code(CODE).expect("a code");
    assert_eq!(write(scene)?, Err(TransferError::Failed { code, among: 1 }));
    Ok(allowed())
}

/// The queue fails: the peer says that it has nothing of the transfer.
fn is_lost(scene: &mut Scene) -> Result<Counted, Error> {
    let told = write(scene)?;
    let Err(TransferError::Queue(QueueError::Reported(report))) = told else {
        panic!("{told:?}");
    };
    assert_eq!((report.code, report.failed), (Code::AnswerTimeout, true));
    let mut counted = vec![some(Counter::PingsSent), some(Counter::AnswerTimeout)];
    counted.extend(allowed());
    Ok(counted)
}

/// Node 1's memory is written where the transfer may write, and nowhere else.
fn exports(scene: &mut Scene) -> Result<Counted, Error> {
    let mut endpoint = scene.culprit()?;
    scene.acquaint(&mut endpoint)?;
    let mut export = endpoint.export(MEMORY_BYTES as u64, Rights::WRITE, Access::ANY)?;
    let victim = endpoint.export(MEMORY_BYTES as u64, Rights::READ, Access::ANY)?;
    export.store(0, &[GUARD; MEMORY_BYTES]);
    scene.node.port.gather(&export.handle().to_bytes());
    scene.fill()?;
    scene.exchange()?;
    scene.exchange()?;
    scene.node.barrier();
    let mut found = vec![0; MEMORY_BYTES];
    export.load(0, &mut found);
    let inside = PLACE..PLACE + SIZE;
    for (at, byte) in found.into_iter().enumerate() {
        let is_legal = byte == GUARD || byte == 0x22 && inside.contains(&at);
        assert!(is_legal, "byte {at} is {byte:#x}");
    }
    let mut untouched = vec![1; MEMORY_BYTES];
    victim.load(0, &mut untouched);
    assert!(untouched.iter().all(|&byte| byte == 0));
    let mut counted = vec![perhaps(Counter::FrameCorrupt)];
    counted.extend(allowed());
    Ok(counted)
}

/// What is done to frames from this node.
fn tampered(seed: u64, node: usize, frames: Frames, tamper: Tamper) -> ClusterOptions {
    let mut tampering = vec![None; 2];
    tampering[node] = Some(Tampering {
        frames,
        spared: SPARED,
        tamper,
    });
    ClusterOptions {
        tampering,
        ..options("bare", seed)
    }
}

const fn forged(beat: usize, shift: usize) -> Tamper {
    Tamper::Forged {
        beat,
        bits: 1 << shift,
    }
}

#[test]
fn frames_that_ask_for_what_they_may_not_have_end_their_transfer() {
    use abi::message::error;
    let of = |seed, tamper| tampered(seed, 0, Frames::Bulk, tamper);
    // Another segment that is not there, the former owner of this one, another operation, far beyond the end.
    let segment = header::receive_queue_id::SHIFT + 5;
    play(
        of(61, forged(0, segment)),
        is_refused::<{ error::BAD_SEGMENT as u64 }>,
        exports,
    );
    play(
        of(62, forged(0, header::tag::SHIFT)),
        is_refused::<{ error::STALE_SEGMENT as u64 }>,
        exports,
    );
    play(
        of(63, forged(1, remote::operation::SHIFT + 1)),
        is_refused::<{ error::SEGMENT_RIGHTS as u64 }>,
        exports,
    );
    play(
        of(64, forged(1, remote::offset::SHIFT + 31)),
        is_refused::<{ error::SEGMENT_RANGE as u64 }>,
        exports,
    );
}

#[test]
fn frames_that_are_lost_or_go_to_the_hardwares_segments_fail_their_queue() {
    play(
        tampered(65, 0, Frames::Bulk, Tamper::Corrupt),
        is_lost,
        exports,
    );
    let row = forged(0, header::receive_queue_id::SHIFT + 8);
    play(tampered(66, 0, Frames::Bulk, row), is_lost, exports);
}

#[test]
fn answers_of_another_generation_or_node_count_for_nothing() {
    let generation = forged(0, abi::link::answer::generation::SHIFT);
    for (seed, tamper) in [(67, generation), (68, Tamper::Source(2))] {
        let options = tampered(seed, 1, Frames::BulkAnswers, tamper);
        play(options, is_lost, exports);
    }
}
