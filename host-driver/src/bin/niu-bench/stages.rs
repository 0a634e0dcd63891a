//! Where the cycles of one message go, stage by stage, from the NIUs' own time stamps (host without latency, wire without
//! delay).

use crate::Arguments;
use crate::pair::{self, PATIENCE_NS, Side};
use crate::platform::Platform;
use crate::report::{Mechanism, Report};
use abi::control::stage::Stage;
use anyhow::Result;
use wayfarer_host_driver::Error;

/// A message's way: the cycle at which each stage saw it, counted from the first.
#[derive(Clone, Debug)]
pub struct Stages {
    /// Stage and cycle, in order.
    pub cycles: Vec<(Stage, u32)>,
}

impl Stages {
    /// From the last beat in at the sender to the first beat out at the receiver.
    pub fn one_way_cycles(&self) -> f64 {
        self.cycles
            .iter()
            .find(|(stage, _)| *stage == Stage::PacketOut)
            .map_or(0.0, |(_, cycle)| f64::from(*cycle))
    }
}

fn read(side: &Side, stages: &[Stage]) -> Result<Vec<u32>, Error> {
    stages
        .iter()
        .map(|stage| side.device.stage_time(*stage))
        .collect()
}

const AT_SENDER: &[Stage] = &[
    Stage::HostReceive,
    Stage::Composed,
    Stage::Granted,
    Stage::Translated,
    Stage::FrameOut,
];
const AT_RECEIVER: &[Stage] = &[
    Stage::FrameIn,
    Stage::Checked,
    Stage::Matched,
    Stage::RequestOut,
    Stage::PacketOut,
];

/// Sends one marked message and reads the time stamps of both NIUs.
pub fn measure(
    platform: &Platform,
    mechanism: Mechanism,
    bytes: usize,
    report: &mut Report,
) -> Result<Stages> {
    let (sender, receiver, run) = pair::run(
        platform.cluster(&platform.bare),
        move |side| {
            let payload = vec![0xa5; bytes];
            match mechanism {
                Mechanism::Express => side.endpoint.send_express_marked(
                    0,
                    0,
                    payload.try_into().unwrap_or_default(),
                )?,
                Mechanism::Basic => side.endpoint.send_basic_marked(0, 0, &payload)?,
            }
            side.endpoint.flush(PATIENCE_NS)?;
            read(side, AT_SENDER)
        },
        |side| {
            side.endpoint.receive_wait(PATIENCE_NS)?;
            read(side, AT_RECEIVER)
        },
    )?;
    report.simulated(&run);
    let start = sender[0];
    let all = AT_SENDER.iter().chain(AT_RECEIVER).copied();
    let cycles = all
        .zip(sender.iter().chain(&receiver))
        .map(|(stage, cycle)| (stage, cycle.wrapping_sub(start)))
        .collect();
    Ok(Stages { cycles })
}

/// The benchmark: the breakdown of one Express message and of a Basic message of 64 bytes.
pub fn run(platform: &Platform, _: &Arguments, report: &mut Report) -> Result<()> {
    for (mechanism, bytes) in [
        (Mechanism::Express, 8),
        (Mechanism::Basic, 64),
        (Mechanism::Basic, 248),
    ] {
        let stages = measure(platform, mechanism, bytes, report)?;
        report.add_stages(mechanism, bytes, stages);
    }
    Ok(())
}
