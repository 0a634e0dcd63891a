//! Where the cycles of one message go, stage by stage, from the NIUs' own time stamps (host without latency, wire
//! without delay).

use crate::Arguments;
use crate::nodes::PATIENCE;
use crate::pair::{self, Side};
use crate::platform::Platform;
use crate::report::{Mechanism, Report};
use crate::stage_times::{AT_RECEIVER, AT_SENDER, Stages};
use abi::control::stage::Stage;
use anyhow::Result;
use host_driver::Destination;
use host_driver::transport::TransportError;

/// What the stage registers of this side hold.
pub fn read(side: &Side<'_>, stages: &[Stage]) -> Result<Vec<u32>, TransportError> {
    stages
        .iter()
        .map(|stage| side.node.device.stage_time(*stage))
        .collect()
}

/// Sends one marked message of each form and size, and reads the time stamps of both NIUs after each.
pub fn measure(
    platform: &Platform,
    shapes: Vec<(Mechanism, usize)>,
    report: &mut Report,
) -> Result<Vec<Stages>> {
    let count = shapes.len();
    let (sender, receiver, run) = pair::run(
        platform.cluster(&platform.bare),
        move |side| {
            let mut times = Vec::new();
            for (mechanism, bytes) in shapes {
                let payload = vec![0xa5; bytes];
                match mechanism {
                    Mechanism::Express => {
                        let payload = payload.try_into().unwrap_or_default();
                        side.endpoint
                            .send_express_marked(Destination(0), 0, payload)?;
                    }
                    _ => side
                        .endpoint
                        .send_basic_marked(Destination(0), 0, &payload)?,
                }
                side.endpoint.flush(PATIENCE)?;
                times.push(read(side, AT_SENDER)?);
                side.node.barrier();
            }
            Ok(times)
        },
        move |side| {
            let mut times = Vec::new();
            for _ in 0..count {
                side.endpoint.receive_wait(PATIENCE)?.into_message();
                times.push(read(side, AT_RECEIVER)?);
                side.node.barrier();
            }
            Ok(times)
        },
    )?;
    report.simulated(&run);
    Ok(sender
        .iter()
        .zip(&receiver)
        .map(|(sender, receiver)| Stages::new(sender, receiver))
        .collect())
}

/// The benchmark: the breakdown of one Express message and of two Basic messages.
pub fn run(platform: &Platform, _: &Arguments, report: &mut Report) -> Result<()> {
    let shapes = vec![
        (Mechanism::Express, 8),
        (Mechanism::Basic, 64),
        (Mechanism::Basic, 248),
    ];
    let stages = measure(platform, shapes.clone(), report)?;
    for ((mechanism, bytes), stages) in shapes.into_iter().zip(stages) {
        report.add_stages(&platform.bare, mechanism, bytes, &stages);
    }
    Ok(())
}
