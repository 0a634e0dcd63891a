//! Senders to a receive ring that is full nearly all the time: they fall to its rate and leave the link to others.

mod support;

use abi::control::counter::Counter;
use host_driver::transport::TransportError;
use host_driver::{
    Destination, Endpoint, EndpointOptions, NodeNumber, ReceiveQueueId, RequestError,
    VirtualChannel,
};
use wayfarer_cluster::launch::{Node, PATIENCE};

/// Receive queue of a ring that its host empties slowly, and of one that is emptied at once.
const SLOW: u16 = 1;
const FAST: u16 = 2;
const ENTRIES_LOG2: u8 = 2;
/// The slow host takes a message in that time.
const INTERVAL_NS: u64 = 10_000;
/// Time until the rate counts, and for which it does.
const FALLS_NS: u64 = 1_000_000;
const MEASURED_NS: u64 = 1_000_000;
/// Messages that the slow ring takes in that time.
const SLOW_MESSAGES: u64 = (FALLS_NS + MEASURED_NS) / INTERVAL_NS;
/// Messages at full speed behind them.
const QUICK_MESSAGES: u64 = 200;
/// Beats of the longest frame of an Express message: header, payload and CRC.
const FRAME_BEATS: u64 = 4;

fn ring(node: &Node, id: u16, ring_entries_log2: u8) -> Result<Endpoint, RequestError> {
    node.device.create_endpoint(EndpointOptions {
        receive_queue_id: ReceiveQueueId(id),
        ring_entries_log2,
        destinations_log2: 1,
        ..EndpointOptions::default()
    })
}

/// Frames that brought no message to a ring, or are not answered yet.
fn wasted(node: &Node) -> Result<u32, TransportError> {
    let sent = node.device.counter(Counter::MessagesSent)?;
    let accepted = node.device.counter(Counter::MessagesAccepted)?;
    Ok(sent.wrapping_sub(accepted))
}

/// Sends as fast as the queue takes it; the refused messages are less than one percent of the link's beats. When the
/// ring is emptied at once again, the sender is quick again.
#[test]
fn a_sender_to_a_slow_ring_falls_to_its_rate_and_recovers() {
    let send = |node: &Node| {
        let mut endpoint = ring(node, FAST, 4)?;
        endpoint.load_translation(
            Destination(0),
            NodeNumber(node.peer()),
            ReceiveQueueId(SLOW),
            VirtualChannel::ZERO,
        )?;
        node.barrier();
        let start_ns = node.port.now_ns();
        let mut before = None;
        for number in 0..SLOW_MESSAGES + QUICK_MESSAGES {
            endpoint.when_room(PATIENCE, |endpoint| {
                endpoint.send_express(Destination(0), 0, number.to_le_bytes())
            })?;
            let passed_ns = node.port.now_ns() - start_ns;
            if before.is_none() && passed_ns >= FALLS_NS as f64 {
                before = Some((wasted(node)?, node.port.cycle()));
            }
            if number + 1 == SLOW_MESSAGES {
                let (refused, cycle) = before.expect("the slow ring takes that long");
                let refused = wasted(node)?.wrapping_sub(refused);
                let cycles = node.port.cycle() - cycle;
                let share = (u64::from(refused) * FRAME_BEATS) as f64 / cycles as f64;
                println!("{refused} refused in {cycles} cycles: {share:.4} of the link");
                assert!(share < 0.01, "{share} of the link is wasted");
            }
        }
        endpoint.flush(PATIENCE)?;
        node.barrier();
        Ok(())
    };
    let receive = |node: &Node| {
        let mut slow = ring(node, SLOW, ENTRIES_LOG2)?;
        node.barrier();
        let start_ns = node.port.now_ns();
        let mut fell_ns = start_ns;
        let mut measured = 0;
        for number in 0..SLOW_MESSAGES + QUICK_MESSAGES {
            if number < SLOW_MESSAGES {
                node.port.sleep_ns(INTERVAL_NS);
            }
            let message = slow.receive_wait(PATIENCE)?.into_message();
            assert_eq!(message.payload, number.to_le_bytes());
            slow.give_back();
            let now_ns = node.port.now_ns();
            if now_ns - start_ns < FALLS_NS as f64 {
                fell_ns = now_ns;
            } else if number < SLOW_MESSAGES {
                measured += 1;
            }
            if number + 1 == SLOW_MESSAGES {
                let rate = measured as f64 * INTERVAL_NS as f64 / (now_ns - fell_ns);
                println!("{rate:.3} of the ring's rate");
                assert!(rate > 0.9, "{rate} of the ring's rate");
                fell_ns = now_ns;
            }
        }
        let each_ns = (node.port.now_ns() - fell_ns) / QUICK_MESSAGES as f64;
        println!("{each_ns:.0} ns a message afterwards");
        assert!(each_ns < INTERVAL_NS as f64 / 4.0, "{each_ns} ns a message");
        node.barrier();
        Ok(())
    };
    let options = support::options("bare", 191);
    support::run(options, vec![Box::new(send), Box::new(receive)]);
}
