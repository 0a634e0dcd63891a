//! Streams of messages: bandwidth and message rate, one way and both ways, and how far the NIU itself can go.

use crate::Arguments;
use crate::latency::shapes;
use crate::pair::{self, PATIENCE_NS, Side};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use sim::profile::Profile;
use wayfarer_host_driver::Error;

/// Basic messages launched with one store.
const BATCH: usize = 4;

/// What a receiver saw of a stream: messages after the first, and the time they took.
#[derive(Clone, Copy, Debug, Default)]
struct Stream {
    messages: usize,
    ns: f64,
}

/// Sends `send` messages and takes `receive` in, both as fast as they go.
fn stream(
    side: &mut Side,
    mechanism: Mechanism,
    bytes: usize,
    send: usize,
    receive: usize,
) -> Result<Stream, Error> {
    let payload = vec![0x3c; bytes];
    let start = side.now_ns();
    let (mut sent, mut received) = (0, 0);
    let (mut first, mut last) = (start, start);
    while sent < send || received < receive {
        let mut moved = false;
        let before = sent;
        while sent < send {
            let outcome = match mechanism {
                Mechanism::Express => {
                    side.endpoint
                        .send_express(0, 0, payload[..].try_into().unwrap_or_default())
                }
                Mechanism::Basic => side.endpoint.compose(0, 0, &payload),
            };
            match outcome {
                Ok(()) => sent += 1,
                Err(Error::QueueFull) => break,
                Err(error) => return Err(error),
            }
            if sent - before == BATCH {
                break;
            }
        }
        if sent != before {
            side.endpoint.launch();
            moved = true;
        }
        while received < receive && side.endpoint.receive().is_some() {
            last = side.now_ns();
            if received == 0 {
                first = last;
            }
            received += 1;
            moved = true;
        }
        if !moved {
            side.node.port.poll(PATIENCE_NS);
            if side.now_ns() - start > PATIENCE_NS * 10.0 {
                return Err(Error::NothingReceived {
                    waited_ns: (side.now_ns() - start) as u64,
                });
            }
        }
    }
    side.endpoint.flush(PATIENCE_NS)?;
    Ok(Stream {
        messages: received.saturating_sub(1),
        ns: last - first,
    })
}

/// What to stream: form, payload bytes, messages from left to right and from right to left.
type Load = (Mechanism, usize, [usize; 2]);

/// Streams of all loads, one after the other on one cluster: for each `(left to right, right to left)`.
fn measure(
    platform: &Platform,
    profile: &Profile,
    loads: &[Load],
    report: &mut Report,
) -> Result<Vec<[Stream; 2]>> {
    let run_side = |loads: Vec<Load>, send: usize| {
        move |side: &mut Side| {
            let mut streams = Vec::new();
            for (mechanism, bytes, counts) in loads {
                streams.push(stream(
                    side,
                    mechanism,
                    bytes,
                    counts[send],
                    counts[1 - send],
                )?);
                side.node.barrier();
            }
            Ok(streams)
        }
    };
    let (left, right, run) = pair::run(
        platform.cluster(profile),
        run_side(loads.to_vec(), 0),
        run_side(loads.to_vec(), 1),
    )?;
    report.simulated(&run);
    Ok(right
        .into_iter()
        .zip(left)
        .map(|(forth, back)| [forth, back])
        .collect())
}

fn row(benchmark: &'static str, mechanism: Mechanism, bytes: usize, streams: &[Stream]) -> Row {
    let rate: f64 = streams
        .iter()
        .filter(|stream| stream.ns > 0.0)
        .map(|stream| stream.messages as f64 / stream.ns * 1e9)
        .sum();
    Row {
        messages_per_s: Some(rate),
        mb_per_s: Some(rate * bytes as f64 / 1e6),
        ..Row::new(benchmark, mechanism, bytes)
    }
}

fn count(arguments: &Arguments) -> usize {
    if arguments.quick { 100 } else { 500 }
}

/// One way.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let one_way = |(mechanism, bytes)| (mechanism, bytes, [count(arguments), 0]);
    let loads: Vec<Load> = shapes().map(one_way).collect();
    let all = measure(platform, &platform.profile, &loads, report)?;
    for ((mechanism, bytes, _), streams) in loads.into_iter().zip(all) {
        report.add(row("bandwidth", mechanism, bytes, &streams));
    }
    Ok(())
}

/// Both ways at once; the sum of both directions.
pub fn run_bidirectional(
    platform: &Platform,
    arguments: &Arguments,
    report: &mut Report,
) -> Result<()> {
    let shapes = [
        (Mechanism::Express, 8),
        (Mechanism::Basic, 64),
        (Mechanism::Basic, 248),
    ];
    let loads = shapes.map(|(mechanism, bytes)| (mechanism, bytes, [count(arguments); 2]));
    let all = measure(platform, &platform.profile, &loads, report)?;
    for ((mechanism, bytes, _), streams) in loads.into_iter().zip(all) {
        report.add(row("bidirectional", mechanism, bytes, &streams));
    }
    Ok(())
}

/// The NIU's own limits: hosts without latency. Express in cycles a message, Basic as a share of the stream's raw rate.
pub fn run_limits(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let count = count(arguments);
    let cycle_ns = 1e9 / sim::model::CLOCK_HERTZ as f64;
    let loads = [
        (Mechanism::Express, 8, [count, 0]),
        (Mechanism::Express, 8, [count, count]),
        (Mechanism::Basic, 248, [count, 0]),
        (Mechanism::Basic, 248, [count, count]),
    ];
    let all = measure(platform, &platform.bare, &loads, report)?;
    for ((mechanism, bytes, counts), streams) in loads.into_iter().zip(all) {
        let ways = counts.iter().filter(|&&count| count > 0).count();
        for stream in &streams[..ways] {
            let cycles = stream.ns / cycle_ns / stream.messages.max(1) as f64;
            report.add_limit(mechanism, bytes, ways, cycles);
        }
        let name = if ways == 1 {
            "limits"
        } else {
            "limits-bidirectional"
        };
        report.add_on(&platform.bare, row(name, mechanism, bytes, &streams));
    }
    Ok(())
}
