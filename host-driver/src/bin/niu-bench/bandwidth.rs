//! Streams of messages: bandwidth and message rate, one way and both ways, and how far the NIU itself can go.

use crate::Arguments;
use crate::latency::SIZES_BYTES;
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
            side.device.transport().port().poll(PATIENCE_NS);
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

/// Streams of one form and size: `(left to right, right to left)`.
fn measure(
    platform: &Platform,
    profile: &Profile,
    mechanism: Mechanism,
    bytes: usize,
    counts: [usize; 2],
    report: &mut Report,
) -> Result<[Stream; 2]> {
    let [forth, back] = counts;
    let (left, right, run) = pair::run(
        platform.cluster(profile),
        move |side| stream(side, mechanism, bytes, forth, back),
        move |side| stream(side, mechanism, bytes, back, forth),
    )?;
    report.simulated(&run);
    Ok([right, left])
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

fn shapes() -> impl Iterator<Item = (Mechanism, usize)> {
    std::iter::once((Mechanism::Express, 8))
        .chain(SIZES_BYTES.iter().map(|&bytes| (Mechanism::Basic, bytes)))
}

fn count(arguments: &Arguments) -> usize {
    if arguments.quick { 100 } else { 500 }
}

/// One way.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    for (mechanism, bytes) in shapes() {
        let streams = measure(
            platform,
            &platform.profile,
            mechanism,
            bytes,
            [count(arguments), 0],
            report,
        )?;
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
    let count = count(arguments);
    for (mechanism, bytes) in [
        (Mechanism::Express, 8),
        (Mechanism::Basic, 64),
        (Mechanism::Basic, 248),
    ] {
        let streams = measure(
            platform,
            &platform.profile,
            mechanism,
            bytes,
            [count, count],
            report,
        )?;
        report.add(row("bidirectional", mechanism, bytes, &streams));
    }
    Ok(())
}

/// The NIU's own limits: hosts without latency. Express in cycles a message, Basic as a share of the stream's raw rate.
pub fn run_limits(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let count = count(arguments);
    let cycle_ns = 1e9 / platform.bare.clock_hertz as f64;
    for (mechanism, bytes, counts) in [
        (Mechanism::Express, 8, [count, 0]),
        (Mechanism::Express, 8, [count, count]),
        (Mechanism::Basic, 248, [count, 0]),
        (Mechanism::Basic, 248, [count, count]),
    ] {
        let streams = measure(platform, &platform.bare, mechanism, bytes, counts, report)?;
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
        report.add(row(name, mechanism, bytes, &streams));
    }
    Ok(())
}
