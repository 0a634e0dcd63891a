//! What the floor under all mechanisms costs a message: protection, translation and the match of the receive queue
//! (V13, V14, V19), in NIU cycles of the way of one Express message, from the NIUs' own time stamps.
//!
//! A step is charged with every cycle between the stamps of its stage and of the stage before, also with those that a
//! register or a RAM would take without it. So these are the most that the steps can cost.

use crate::Arguments;
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use crate::stage_times::Stages;
use crate::stages;
use abi::control::stage::Stage;
use anyhow::{Context, Result};

/// A step, and the stages between which it is done.
type Step = (&'static str, Stage, Stage);

const STEPS: [Step; 3] = [
    // Whose page it is, whether the queue has room, and to which resident queue it leads.
    ("protection", Stage::HostReceive, Stage::Composed),
    // The window of the endpoint, and node, receive queue and channel.
    ("translation", Stage::Composed, Stage::Translated),
    // The record of the resident receive queue, and the verdict.
    ("receive-queue", Stage::Checked, Stage::Matched),
];

/// Cycles of each step.
fn steps(way: &Stages) -> Option<Vec<(&'static str, f64)>> {
    let of = |step: &Step| Some((step.0, f64::from(way.at(step.2)? - way.at(step.1)?)));
    STEPS.iter().map(of).collect()
}

/// The benchmark: what the message takes without the steps, each step, and all of them.
pub fn run(platform: &Platform, _: &Arguments, report: &mut Report) -> Result<()> {
    let ways = stages::measure(platform, vec![(Mechanism::Express, 8)], report)?;
    let way = ways.first().context("no message was sent")?;
    let steps = steps(way).context("a stage did not see the message")?;
    let all: f64 = steps.iter().map(|(_, cycles)| cycles).sum();
    let row = |step| Row {
        step: Some(step),
        ..Row::new("substrate", Mechanism::Express, 8)
    };
    report.add_on(
        &platform.bare,
        Row {
            niu_cycles: Some(way.one_way_cycles() - all),
            ..row("bare")
        },
    );
    for (step, cycles) in steps.into_iter().chain([("all", all)]) {
        report.add_on(
            &platform.bare,
            Row {
                added_cycles: Some(cycles),
                ..row(step)
            },
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_charged_with_the_cycles_up_to_its_stage() {
        let sender = [11, 14, 9, 15, 17];
        let receiver = [18, 21, 22, 23, 27];
        let expected = [
            ("protection", 3.0),
            ("translation", 1.0),
            ("receive-queue", 1.0),
        ];
        assert_eq!(
            steps(&Stages::new(&sender, &receiver)),
            Some(expected.into())
        );
        // An older stamp is none.
        let unseen = [11, 9, 9, 15, 17];
        assert_eq!(steps(&Stages::new(&unseen, &receiver)), None);
    }
}
