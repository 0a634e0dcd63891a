//! The way of a message: when each stage saw it.

use crate::drawing::{CHARACTER, Drawing};

const CYCLE_WIDTH: f64 = 34.0;
const LANE_HEIGHT: f64 = 26.0;
const MARGIN: f64 = 10.0;
const HEAD: f64 = 26.0;
const FOOT: f64 = 26.0;

/// A stage that saw the message.
#[derive(Clone, Copy, Debug)]
pub struct Stage<'a> {
    /// Stands on the left.
    pub name: &'a str,
    /// The cycle, counted from the message's last beat at the sender's host port.
    pub cycle: u32,
    /// It is a stage of the receiver's NIU.
    pub at_receiver: bool,
}

/// A bar for each stage, from the cycle of the stage before it to its own.
pub fn way(title: &str, caption: &str, stages: &[Stage<'_>]) -> String {
    let last = stages.iter().map(|stage| stage.cycle).max().unwrap_or(0);
    let longest = stages
        .iter()
        .map(|stage| stage.name.len())
        .max()
        .unwrap_or(0);
    let left = MARGIN + (longest as f64 + 1.0) * CHARACTER;
    let x_of = |cycle: u32| left + f64::from(cycle) * CYCLE_WIDTH;
    let width = x_of(last + 1) + MARGIN;
    let bottom = HEAD + stages.len() as f64 * LANE_HEIGHT;
    let mut drawing = Drawing::new(width, bottom + FOOT, title);
    for cycle in 0..=last {
        let x = x_of(cycle);
        drawing.path("grid", &format!("M{x} {HEAD}V{bottom}"));
        drawing.text("small", x, HEAD - 10.0, &cycle.to_string());
    }
    let mut before = 0;
    for (number, stage) in stages.iter().enumerate() {
        let y = HEAD + number as f64 * LANE_HEIGHT;
        let class = if stage.at_receiver { "warm" } else { "box" };
        drawing.text("left", MARGIN, y + LANE_HEIGHT / 2.0, stage.name);
        // A stage that sees the message with the one before it is a line.
        let length = (x_of(stage.cycle) - x_of(before)).max(2.0);
        drawing.rectangle(
            class,
            x_of(stage.cycle) - length,
            y + 5.0,
            length,
            LANE_HEIGHT - 10.0,
        );
        drawing.text(
            "left small",
            x_of(stage.cycle) + 5.0,
            y + LANE_HEIGHT / 2.0,
            &stage.cycle.to_string(),
        );
        before = stage.cycle;
    }
    drawing.text("note", MARGIN, bottom + FOOT / 2.0, caption);
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_begins_where_the_one_before_it_ends() {
        let stage = |name, cycle, at_receiver| Stage {
            name,
            cycle,
            at_receiver,
        };
        let svg = way(
            "t",
            "c",
            &[
                stage("A", 1, false),
                stage("B", 4, false),
                stage("C", 4, true),
            ],
        );
        let left = MARGIN + 2.0 * CHARACTER;
        let bar = |class: &str, x: f64, length: f64| {
            svg.contains(&format!(r#"class="{class}" x="{x}""#))
                && svg.contains(&format!(r#"width="{length}""#))
        };
        assert!(bar("box", left, CYCLE_WIDTH), "{svg}");
        assert!(bar("box", left + CYCLE_WIDTH, 3.0 * CYCLE_WIDTH), "{svg}");
        assert!(bar("warm", left + 4.0 * CYCLE_WIDTH - 2.0, 2.0), "{svg}");
    }
}
