//! Bandwidth and message rate of one queue, one way and both ways.

use crate::Arguments;
use crate::latency::shapes;
use crate::pair;
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use crate::streams::{Load, Taken, stream};
use anyhow::Result;

/// What to stream: form, payload bytes, messages from left to right and from right to left.
type Shape = (Mechanism, usize, [usize; 2]);

/// Streams of all shapes, one after the other on one cluster: for each `[left to right, right to left]`.
fn measure(platform: &Platform, shapes: &[Shape], report: &mut Report) -> Result<Vec<[Taken; 2]>> {
    let run_side = |shapes: Vec<Shape>, side: usize| {
        move |pair: &mut pair::Side<'_>| {
            let mut streams = Vec::new();
            for (mechanism, bytes, counts) in shapes {
                let load = Load {
                    send: counts[side],
                    receive: counts[1 - side],
                    ..Load::new(mechanism, bytes)
                };
                let endpoint = std::slice::from_mut(&mut pair.endpoint);
                streams.push(stream(pair.node, endpoint, load)?);
                pair.node.barrier();
            }
            Ok(streams)
        }
    };
    let (left, right, run) = pair::run(
        platform.cluster(&platform.profile),
        run_side(shapes.to_vec(), 0),
        run_side(shapes.to_vec(), 1),
    )?;
    report.simulated(&run);
    Ok(right
        .into_iter()
        .zip(left)
        .map(|(forth, back)| [forth, back])
        .collect())
}

fn count(arguments: &Arguments) -> usize {
    if arguments.quick { 100 } else { 500 }
}

/// Messages a second of both directions together.
fn sum(streams: &[Taken]) -> f64 {
    streams.iter().map(Taken::rate).sum()
}

/// One way.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let one_way = |(mechanism, bytes)| (mechanism, bytes, [count(arguments), 0]);
    let shapes: Vec<Shape> = shapes().map(one_way).collect();
    let all = measure(platform, &shapes, report)?;
    for ((mechanism, bytes, _), streams) in shapes.into_iter().zip(all) {
        report.add(Row::new("bandwidth", mechanism, bytes).at_rate(sum(&streams)));
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
    let shapes = shapes.map(|(mechanism, bytes)| (mechanism, bytes, [count(arguments); 2]));
    let all = measure(platform, &shapes, report)?;
    for ((mechanism, bytes, _), streams) in shapes.into_iter().zip(all) {
        report.add(Row::new("bidirectional", mechanism, bytes).at_rate(sum(&streams)));
    }
    Ok(())
}
