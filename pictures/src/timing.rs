//! Timing diagrams: what signals were, cycle by cycle.

use crate::drawing::{CHARACTER, Drawing};
use std::fmt::Write as _;

const CYCLE_WIDTH: f64 = 46.0;
const LANE_HEIGHT: f64 = 34.0;
/// Of a signal, between low and high.
const SWING: f64 = 20.0;
/// Horizontal extent of an edge.
const SLOPE: f64 = 3.0;
const MARGIN: f64 = 10.0;
const HEAD: f64 = 24.0;

/// A signal.
pub struct Lane {
    /// Stands on the left.
    pub name: String,
    /// What it was in each cycle.
    pub values: Values,
}

/// What a signal was in each cycle.
pub enum Values {
    /// High in the first half of every cycle.
    Clock,
    /// High or low.
    Bits(Vec<bool>),
    /// A value, or nothing of meaning.
    Words(Vec<Option<String>>),
}

/// The diagram of these signals over so many cycles.
pub fn diagram(title: &str, cycles: usize, lanes: &[Lane]) -> String {
    let longest = lanes.iter().map(|lane| lane.name.len()).max().unwrap_or(0);
    let left = MARGIN + (longest as f64 + 1.0) * CHARACTER;
    let width = left + cycles as f64 * CYCLE_WIDTH + MARGIN;
    let height = HEAD + lanes.len() as f64 * LANE_HEIGHT + MARGIN;
    let mut drawing = Drawing::new(width, height, title);
    for cycle in 0..=cycles {
        let x = left + cycle as f64 * CYCLE_WIDTH;
        drawing.path("grid", &format!("M{x} {HEAD}V{}", height - MARGIN));
        if cycle < cycles {
            drawing.text(
                "small",
                x + CYCLE_WIDTH / 2.0,
                HEAD - 10.0,
                &cycle.to_string(),
            );
        }
    }
    for (number, lane) in lanes.iter().enumerate() {
        let low = HEAD + (number as f64 + 1.0) * LANE_HEIGHT - 7.0;
        drawing.text("left", MARGIN, low - SWING / 2.0, &lane.name);
        match &lane.values {
            Values::Clock => {
                let levels: Vec<bool> = (0..2 * cycles).map(|half| half % 2 == 0).collect();
                drawing.path("line", &edges(&levels, left, low, CYCLE_WIDTH / 2.0));
            }
            Values::Bits(levels) => {
                drawing.path("line", &edges(levels, left, low, CYCLE_WIDTH));
            }
            Values::Words(words) => draw_words(&mut drawing, words, left, low),
        }
    }
    drawing.finish()
}

fn edges(levels: &[bool], left: f64, low: f64, step: f64) -> String {
    let mut path = String::new();
    for (number, level) in levels.iter().enumerate() {
        let y = if *level { low - SWING } else { low };
        let x = left + number as f64 * step;
        let start = if number == 0 {
            format!("M{x} {y}")
        } else {
            format!("L{} {y}", x + SLOPE)
        };
        let _ = write!(path, "{start}H{}", x + step);
    }
    path
}

/// A box for each run of cycles with the same value.
fn draw_words(drawing: &mut Drawing, words: &[Option<String>], left: f64, low: f64) {
    let mut start = 0;
    for run in words.chunk_by(|one, other| one == other) {
        let (from, to) = (start, start + run.len());
        start = to;
        let x = left + from as f64 * CYCLE_WIDTH;
        let width = run.len() as f64 * CYCLE_WIDTH;
        match &run[0] {
            Some(word) => {
                drawing.rectangle("box", x + 1.5, low - SWING, width - 3.0, SWING);
                drawing.text("", x + width / 2.0, low - SWING / 2.0, word);
            }
            None => drawing.rectangle("free", x + 1.5, low - SWING, width - 3.0, SWING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_stays_is_one_box_and_a_bit_has_an_edge_where_it_changes() {
        let words = ["a", "b", "b", "b"].map(|word| Some(word.to_string()));
        let lanes = [
            Lane {
                name: "beat".into(),
                values: Values::Words(words.into()),
            },
            Lane {
                name: "valid".into(),
                values: Values::Bits(vec![false, true, true, false]),
            },
        ];
        let svg = diagram("title", 4, &lanes);
        assert_eq!(svg.matches(r#"class="box""#).count(), 2);
        let path = edges(&[false, true, true, false], 0.0, 20.0, 10.0);
        assert_eq!(path, "M0 20H10L13 0H20L23 0H30L33 20H40");
    }
}
