//! The NIU's own reads, all of them firmware's, when the host spoils the data or never answers.

use crate::scene::{Scene, exactly, play};
use crate::support::options;
use abi::admin::status::Status;
use abi::control::counter::Counter;
use host_driver::{EndpointOptions, Error, ReceiveQueueId, RequestError};
use sim::pcie::ReadFault;
use wayfarer_configuration::Configuration;

/// A read that is not answered ends after one to two of these.
fn timeout_period_cycles() -> u64 {
    let configuration = Configuration::chosen().expect("the NIU was made from it");
    configuration.value("host.completion_timeout_cycles")
}

/// What creating an endpoint takes without that, at most.
const CREATION_CYCLES: u64 = 50_000;
/// How often, and how far apart, the other node's bystander sends its messages while a read times out.
const EXCHANGES: u64 = 14;
const PAUSE_NS: u64 = 1_000_000;

/// Tries to create an endpoint while the bystander's messages are under way. Of the firmware's reads for it (the
/// submission, then its probes of shadow line and ring) the one behind the first `spared` is spoilt. Gives the
/// refusal's status.
fn create(scene: &mut Scene, spared: usize, fault: ReadFault) -> Result<Option<Status>, Error> {
    scene.fill()?;
    scene.node.port.with_side(|side| {
        for _ in 0..spared {
            side.bridge.spoil_read(ReadFault::Spared);
        }
        side.bridge.spoil_read(fault);
    });
    let outcome = scene.node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(7),
        ..EndpointOptions::default()
    });
    let status = match outcome.map(|endpoint| endpoint.number().0) {
        Err(RequestError::Refused { status, .. }) => status,
        other => panic!("{fault:?} behind {spared} reads: {other:?}"),
    };
    scene.exchange()?;
    Ok(status)
}

/// The next endpoint is made as if nothing had been: the culprits of both nodes exchange messages.
fn goes_on(scene: &mut Scene) -> Result<(), Error> {
    let mut endpoint = scene.culprit()?;
    scene.acquaint(&mut endpoint)?;
    scene.node.barrier();
    Ok(())
}

#[test]
fn poisoned_data_is_not_believed_and_ends_the_request_at_once() {
    play(
        options("bare", 34),
        |scene| {
            for spared in [0, 1, 2] {
                let start = scene.node.port.cycle();
                let status = create(scene, spared, ReadFault::Poisoned)?;
                let cycles = scene.node.port.cycle() - start;
                // This is where the NIU is told from one that drops poisoned completions and lets the read time out
                // (status `Failed`, and counted as COMPLETION_UNEXPECTED and COMPLETION_TIMEOUT).
                assert_eq!(
                    (status, cycles < timeout_period_cycles()),
                    (Some(Status::AddressRefused), true),
                    "behind {spared} reads, after {cycles} cycles"
                );
            }
            goes_on(scene)?;
            Ok(vec![exactly(Counter::CompletionError, 3)])
        },
        |scene| {
            for _ in 0..3 {
                scene.exchange()?;
            }
            goes_on(scene)?;
            Ok(vec![])
        },
    );
}

#[test]
fn a_read_that_is_never_answered_ends_in_time_and_disturbs_nobody() {
    play(
        options("bare", 35),
        |scene| {
            let start = scene.node.port.cycle();
            let status = create(scene, 1, ReadFault::Unanswered)?;
            let cycles = scene.node.port.cycle() - start;
            assert_eq!(status, Some(Status::Failed));
            let period = timeout_period_cycles();
            let allowed = period..2 * period + CREATION_CYCLES;
            assert!(allowed.contains(&cycles), "{cycles} cycles");
            goes_on(scene)?;
            Ok(vec![exactly(Counter::CompletionTimeout, 1)])
        },
        |scene| {
            // Node 0's program stands still meanwhile; its NIU does not.
            for _ in 0..EXCHANGES {
                scene.exchange()?;
                scene.node.port.sleep_ns(PAUSE_NS);
            }
            goes_on(scene)?;
            Ok(vec![])
        },
    );
}

/// Of the firmware's reads for an endpoint each is answered by a malformed completion first, then by the true one.
#[test]
fn malformed_completions_are_dropped_whole_and_the_true_ones_behind_them_are_taken() {
    play(
        options("bare", 36),
        |scene| {
            // The submission, shadow line and first page of the ring: a read of one double word has no beat to lack.
            let faults = [
                ReadFault::PrecededByShorter,
                ReadFault::PrecededByLonger,
                ReadFault::PrecededByLonger,
            ];
            scene.fill()?;
            for fault in faults {
                scene
                    .node
                    .port
                    .with_side(|side| side.bridge.spoil_read(fault));
            }
            goes_on(scene)?;
            scene.fill()?;
            let fault = ReadFault::PrecededByLonger;
            scene
                .node
                .port
                .with_side(|side| side.bridge.spoil_read(fault));
            // Its number's next owner, whose submission is preceded by a longer one.
            goes_on(scene)?;
            Ok(vec![exactly(Counter::HostMalformed, 4)])
        },
        |scene| {
            goes_on(scene)?;
            goes_on(scene)?;
            Ok(vec![])
        },
    );
}
