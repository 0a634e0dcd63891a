//! A slow host is not a dead peer: a queue fails when the receiver's NIU is gone or says that a message was lost, not
//! before.

mod support;

use abi::control::counter::Counter;
use abi::message::error::Error as Code;
use host_driver::{Destination, Endpoint, EndpointOptions, Error, ReceiveQueueId};
use sim::cluster::ClusterOptions;
use sim::network::{Frames, Tamper, Tampering};
use sim::pcie::Class;
use std::time::Duration;
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Bytes of a message. So many are sent that the NIU cannot hand all of them over, whatever it has room for on the way
/// to the host.
const BYTES: usize = 248;

fn endpoint(node: &Node) -> Result<Endpoint, Error> {
    let options = EndpointOptions {
        receive_queue_id: ReceiveQueueId(7),
        ..EndpointOptions::default()
    };
    let endpoint = node.endpoint(options, &[node.peer()])?;
    node.barrier();
    Ok(endpoint)
}

/// Five times as long as a queue waits before it pings.
fn long_ns(node: &Node) -> u64 {
    let hertz = f64::from(node.device.identity().clock_hertz);
    (5e9 * support::answer_timeout_cycles() as f64 / hertz) as u64
}

#[test]
fn a_host_that_takes_nothing_for_long_makes_no_queue_fail() {
    let send = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        node.barrier();
        let messages = support::inline_bodies(node);
        for message in 0..messages {
            endpoint.send_basic(Destination(0), 0, &[message as u8; BYTES])?;
        }
        node.port.sleep_ns(long_ns(node));
        endpoint.check()?;
        endpoint.flush(PATIENCE)?;
        node.barrier();
        assert_ne!(node.device.counter(Counter::PingsSent)?, 0);
        assert_eq!(node.device.counter(Counter::AnswerTimeout)?, 0);
        let accepted = node.device.counter(Counter::MessagesAccepted)?;
        assert_eq!(accepted as usize, messages);
        Ok(())
    };
    let receive = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        // The host gives no credits for writes: what has come waits in the NIU.
        let withheld_ns = long_ns(node) - 100_000;
        node.port.with_side(|side| {
            side.bridge.withhold_credits(Class::Posted, 0, withheld_ns);
        });
        node.barrier();
        for message in 0..support::inline_bodies(node) {
            let received = endpoint.receive_wait(2 * PATIENCE)?.into_message();
            assert_eq!(received.payload, [message as u8; BYTES]);
        }
        node.barrier();
        assert!(endpoint.receive().is_none(), "a message twice");
        Ok(())
    };
    let options = support::options("bare", 141);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}

/// All frames of the receiver are damaged from some time on: nothing answers any more, not even pings.
#[test]
fn a_queue_whose_peer_is_gone_fails_in_its_time() {
    /// Frames of the receiver that arrive: credit frames of the set-up, and the first answers.
    const SPARED: u32 = 600;
    let send = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        // Answered one at a time, until nothing comes back.
        let (error, waited) = loop {
            let start = node.port.cycle();
            let sent = endpoint
                .when_room(2 * PATIENCE, |endpoint| {
                    endpoint.send_express(Destination(0), 0, *b"anybody?")
                })
                .map_err(Error::from)
                .and_then(|()| Ok(endpoint.flush(2 * PATIENCE)?));
            if let Err(error) = sent {
                let report = error.queue_report().ok_or(error)?;
                break (report, node.port.cycle() - start);
            }
        };
        assert_eq!((error.code, error.failed), (Code::AnswerTimeout, true));
        let timeout = support::answer_timeout_cycles();
        // The sweep counts its rounds; the first one may be short.
        let round = timeout / 256;
        let allowed = 2 * timeout - round..2 * timeout + timeout / 2;
        assert!(allowed.contains(&waited), "after {waited} cycles");
        assert_ne!(node.device.counter(Counter::PingsSent)?, 0);
        assert_eq!(node.device.counter(Counter::AnswerTimeout)?, 1);
        Ok(())
    };
    let receive = |node: &Node| {
        let mut endpoint = endpoint(node)?;
        // Until nothing comes any more.
        while endpoint
            .receive_wait(Duration::from_nanos(long_ns(node)))
            .is_ok()
        {}
        Ok(())
    };
    let gone = Tampering {
        frames: Frames::All,
        spared: SPARED,
        tamper: Tamper::Corrupt,
    };
    let options = ClusterOptions {
        tampering: vec![None, Some(gone)],
        ..support::options("bare", 142)
    };
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}
