//! The way of one message through both NIUs.

use crate::report::StageTime;
use abi::control::stage::{self, Stage};

/// Stages that the sender's NIU stamps, in order.
pub const AT_SENDER: &[Stage] = &[
    Stage::HostReceive,
    Stage::Composed,
    Stage::Granted,
    Stage::Translated,
    Stage::FrameOut,
];
/// And the receiver's.
pub const AT_RECEIVER: &[Stage] = &[
    Stage::FrameIn,
    Stage::Checked,
    Stage::Matched,
    Stage::RequestOut,
    Stage::PacketOut,
];

/// A message's way: the cycle at which each stage saw it, counted from the first.
#[derive(Clone, Debug)]
pub struct Stages {
    /// Stage and cycle, in order.
    pub cycles: Vec<(Stage, u32)>,
}

impl Stages {
    /// From what both NIUs' stage registers hold.
    pub fn new(sender: &[u32], receiver: &[u32]) -> Self {
        // The stamp of the first stage is taken the cycle after the beat stood at the port.
        let start = sender[0].wrapping_sub(1);
        let all = AT_SENDER.iter().chain(AT_RECEIVER).copied();
        let mut cycles: Vec<(Stage, u32)> = all
            .zip(sender.iter().chain(receiver))
            .map(|(stage, time)| (stage, time.wrapping_sub(start)))
            .collect();
        // A stage that did not see this message still holds an older stamp: one before the start.
        cycles.retain(|(_, cycle)| *cycle < 1 << 31);
        Stages { cycles }
    }

    /// The cycle at which this stage saw the message, if it did.
    pub fn at(&self, stage: Stage) -> Option<u32> {
        let seen = self.cycles.iter().find(|(seen, _)| *seen == stage);
        seen.map(|&(_, cycle)| cycle)
    }

    /// Stages by name.
    pub fn times(&self) -> Vec<StageTime> {
        let name = |stage: Stage| {
            let mut codes = stage::CODES.values.iter();
            codes
                .find(|code| code.value == stage.code())
                .map_or("", |code| code.name)
        };
        let time = |&(stage, cycle): &(Stage, u32)| StageTime {
            stage: name(stage),
            cycle,
        };
        self.cycles.iter().map(time).collect()
    }

    /// From the last beat in at the sender to the first beat out at the receiver.
    pub fn one_way_cycles(&self) -> f64 {
        self.at(Stage::PacketOut).map_or(0.0, f64::from)
    }
}
