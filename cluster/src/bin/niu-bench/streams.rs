//! Streams of messages, sent and taken in as fast as they go.

use crate::nodes::PATIENCE;
use crate::report::Mechanism;
use host_driver::{Deadline, Destination, Endpoint, Error, NothingReceived, SendError};
use std::time::Duration;
use wayfarer_cluster::Clock;
use wayfarer_cluster::launch::Node;

/// Basic messages that are launched with one store.
const LAUNCHED_TOGETHER: usize = 4;
/// How long a stream may take.
const STREAM_PATIENCE: Duration = Duration::from_millis(100);

/// What a node sends and takes in.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Form of the messages.
    pub mechanism: Mechanism,
    /// Payload of a message.
    pub bytes: usize,
    /// Messages to send, all queues together.
    pub send: usize,
    /// Messages to take in, all queues together.
    pub receive: usize,
    /// Each queue sends to its destinations 0 up to this in turn.
    pub destinations: u16,
    /// Messages that a queue is given before the next one has its turn, and before the program looks for arrivals.
    pub in_turn: usize,
}

impl Load {
    /// Messages of this form that go one way, to one destination.
    pub fn new(mechanism: Mechanism, bytes: usize) -> Self {
        Load {
            mechanism,
            bytes,
            send: 0,
            receive: 0,
            destinations: 1,
            in_turn: LAUNCHED_TOGETHER,
        }
    }
}

/// When receivers took the messages of a stream, in order. All nodes have the same clock.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    times_ns: Vec<f64>,
}

impl Taken {
    /// What two receivers saw together.
    pub fn and(&self, other: &Taken) -> Taken {
        let mut times_ns = [&self.times_ns[..], &other.times_ns].concat();
        times_ns.sort_by(f64::total_cmp);
        Taken { times_ns }
    }

    /// Messages a second, from the first one on.
    pub fn rate(&self) -> f64 {
        self.rate_between(0, self.times_ns.len().saturating_sub(1))
    }

    /// Messages a second, from the second lap of the senders' slots on, in whole laps. A queue that waits for answers
    /// sends in bursts, one a lap; between places that are a lap apart they do not count.
    pub fn steady_rate(&self, slots: usize) -> f64 {
        let laps = self.times_ns.len().saturating_sub(1) / slots;
        if laps < 2 {
            return self.rate();
        }
        self.rate_between(slots, laps * slots)
    }

    fn rate_between(&self, first: usize, last: usize) -> f64 {
        let time_ns = |message: usize| self.times_ns.get(message).copied().unwrap_or_default();
        let ns = time_ns(last) - time_ns(first);
        if ns > 0.0 {
            (last - first) as f64 / ns * 1e9
        } else {
            0.0
        }
    }
}

/// Core cycles from one message to the next.
pub fn cycles_per_message(rate: f64) -> f64 {
    sim::model::CLOCK_HERTZ as f64 / rate
}

/// What a queue has yet to send.
struct Source {
    left: usize,
    /// Composed and not launched.
    composed: usize,
}

/// Sends the load, round-robin over the endpoints, and takes in what comes, both as fast as they go.
pub fn stream(node: &Node, endpoints: &mut [Endpoint], load: Load) -> Result<Taken, Error> {
    let payload = vec![0x3c; load.bytes];
    let now_ns = || node.port.now_ns();
    let deadline = Deadline::new(node.port.now(), STREAM_PATIENCE);
    let source = |queue: usize| Source {
        left: (load.send + queue) / endpoints.len(),
        composed: 0,
    };
    let mut sources: Vec<Source> = (0..endpoints.len()).map(source).collect();
    let mut times_ns = Vec::new();
    while sources.iter().any(|source| source.left > 0) || times_ns.len() < load.receive {
        let mut moved = false;
        for (endpoint, source) in endpoints.iter_mut().zip(&mut sources) {
            moved |= source.send(endpoint, load, &payload)?;
        }
        for endpoint in &mut *endpoints {
            // A receiver that reads what it is sent.
            while times_ns.len() < load.receive
                && let Some(message) = endpoint.receive()
            {
                drop(message.into_message());
                times_ns.push(now_ns());
                moved = true;
            }
        }
        if !moved {
            let now = node.port.now();
            let Some(left) = deadline.left(now) else {
                let waited = deadline.waited(now);
                return Err(NothingReceived { waited }.into());
            };
            node.port.poll_for(left);
        }
    }
    for endpoint in endpoints {
        endpoint.flush(PATIENCE)?;
    }
    Ok(Taken { times_ns })
}

impl Source {
    /// A turn: sends as many messages as the load gives it and the queue has room for; whether it sent any.
    fn send(&mut self, endpoint: &mut Endpoint, load: Load, payload: &[u8]) -> Result<bool, Error> {
        let mut sent = 0;
        while self.left > 0 && sent < load.in_turn {
            let destination = (self.left % usize::from(load.destinations)) as u16;
            let outcome = match load.mechanism {
                Mechanism::Express => endpoint.send_express(
                    Destination(destination),
                    0,
                    payload.try_into().unwrap_or_default(),
                ),
                _ => endpoint.compose(Destination(destination), 0, payload),
            };
            match outcome {
                Ok(()) => {}
                // That has launched them.
                Err(SendError::QueueFull) => {
                    self.composed = 0;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
            sent += 1;
            self.left -= 1;
            self.composed += 1;
            if self.composed == LAUNCHED_TOGETHER || self.left == 0 {
                endpoint.launch();
                self.composed = 0;
            }
        }
        Ok(sent > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bursts of four, one every 100 ns, of which the first comes slowly.
    fn bursts(messages: usize) -> Taken {
        let time = |message: usize| match message / 4 {
            0 => 7 * message,
            burst => 100 * burst + message % 4,
        };
        let times_ns = (0..messages).map(|message| time(message) as f64);
        Taken {
            times_ns: times_ns.collect(),
        }
    }

    #[test]
    fn a_steady_rate_is_that_of_whole_laps() {
        for messages in [9, 12, 40, 43] {
            assert_eq!(bursts(messages).steady_rate(4), 4e7, "{messages}");
        }
        let short = bursts(8);
        assert_eq!(short.steady_rate(4), short.rate());
        assert_eq!(Taken::default().steady_rate(4), 0.0);
    }

    #[test]
    fn what_two_receivers_saw_is_one_stream() {
        let all = bursts(40);
        let part = |odd: usize| Taken {
            times_ns: all.times_ns[odd..].iter().step_by(2).copied().collect(),
        };
        assert_eq!(part(1).and(&part(0)).times_ns, all.times_ns);
    }
}
