//! A word's fields, 32 bits a row, the highest bit first.

use crate::drawing::{CHARACTER, Drawing};
use abi::schema::Word;

const BITS_A_ROW: usize = 32;
const BIT_WIDTH: f64 = 27.0;
const MARGIN: f64 = 10.0;
/// Above a row: the bits' numbers.
const NUMBERS_HEIGHT: f64 = 18.0;
const LEAST_HEIGHT: f64 = 26.0;

/// The part of a field, or of reserved bits between fields, that stands in one row.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    low: usize,
    high: usize,
    name: Option<&'static str>,
}

impl Part {
    fn width(&self) -> f64 {
        (self.high - self.low + 1) as f64 * BIT_WIDTH
    }

    fn lies(&self) -> bool {
        self.name_length() <= self.width() - 4.0
    }

    fn name_length(&self) -> f64 {
        self.name.map_or(0, str::len) as f64 * CHARACTER
    }
}

/// Whether a picture of this word shows more than its table.
pub fn is_worth_drawing(word: &Word) -> bool {
    word.fields.len() > 1
}

/// The parts of a row, lowest first: all of its bits.
fn row(word: &Word, low: usize) -> Vec<Part> {
    let end = word.bits.min(low + BITS_A_ROW);
    let mut parts: Vec<Part> = Vec::new();
    for bit in low..end {
        let field =
            |field: &&abi::schema::Field| (field.shift..field.shift + field.width).contains(&bit);
        let name = word.fields.iter().find(field).map(|field| field.name);
        match parts.last_mut() {
            Some(part) if part.name == name => part.high = bit,
            _ => parts.push(Part {
                low: bit,
                high: bit,
                name,
            }),
        }
    }
    parts
}

/// The picture of a word.
pub fn word(word: &Word) -> String {
    let starts = (0..word.bits).step_by(BITS_A_ROW).rev();
    let rows: Vec<Vec<Part>> = starts.map(|low| row(word, low)).collect();
    let upright = |part: &Part| {
        if part.lies() {
            0.0
        } else {
            part.name_length() + 8.0
        }
    };
    let height = |row: &Vec<Part>| row.iter().map(upright).fold(LEAST_HEIGHT, f64::max);
    let total: f64 = rows.iter().map(|row| height(row) + NUMBERS_HEIGHT).sum();
    let width = word.bits.min(BITS_A_ROW) as f64 * BIT_WIDTH;
    let mut drawing = Drawing::new(
        width + 2.0 * MARGIN,
        total + MARGIN,
        &format!("Bits of {}", word.name),
    );
    let mut y = 0.0;
    for row in &rows {
        let height = height(row);
        let highest = row.last().map_or(0, |part| part.high);
        let x_of = |bit: usize| MARGIN + (highest - bit) as f64 * BIT_WIDTH;
        y += NUMBERS_HEIGHT;
        for part in row {
            let x = x_of(part.high);
            let class = if part.name.is_some() { "box" } else { "free" };
            drawing.rectangle(class, x, y, part.width(), height);
            for bit in [part.high, part.low] {
                drawing.text(
                    "small",
                    x_of(bit) + BIT_WIDTH / 2.0,
                    y - 7.0,
                    &bit.to_string(),
                );
                if part.high == part.low {
                    break;
                }
            }
            let (middle, centre) = (x + part.width() / 2.0, y + height / 2.0);
            match part.name {
                Some(name) if part.lies() => drawing.text("", middle, centre, name),
                Some(name) => drawing.upright_text(middle, centre, name),
                None => {}
            }
        }
        y += height;
    }
    drawing.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::schema::Field;

    #[test]
    fn the_rows_of_a_word_hold_all_of_its_bits_and_a_field_may_stand_in_two() {
        let header = &abi::link::SECTION.words[0];
        let rows: Vec<Vec<Part>> = (0..4).map(|number| row(header, number * 32)).collect();
        let bits: usize = rows
            .iter()
            .flatten()
            .map(|part| part.high - part.low + 1)
            .sum();
        assert_eq!(bits, 128);
        let sequence = |part: &&Part| part.name == Some("sequence");
        let parts: Vec<&Part> = rows.iter().flatten().filter(sequence).collect();
        let ends: Vec<_> = parts.iter().map(|part| (part.low, part.high)).collect();
        assert_eq!(ends, [(31, 31), (32, 42)]);
    }

    #[test]
    fn bits_of_no_field_are_parts_without_a_name() {
        const MEANING: &str = "of this test";
        let field = |name, shift, width| Field {
            name,
            shift,
            width,
            meaning: MEANING,
        };
        let parts = |fields: &'static [Field]| {
            let holed = Word {
                name: "holed",
                bits: 16,
                meaning: MEANING,
                fields,
            };
            let parts = row(&holed, 0);
            assert!(word(&holed).contains(">upper</text>"));
            parts
                .iter()
                .filter(|part| part.name.is_none())
                .map(|part| (part.low, part.high))
                .collect::<Vec<_>>()
        };
        let with_a_hole = vec![field("lower", 0, 3), field("upper", 8, 8)];
        assert_eq!(parts(with_a_hole.leak()), [(3, 7)]);
        let whole = vec![field("lower", 0, 8), field("upper", 8, 8)];
        assert_eq!(parts(whole.leak()), []);
    }
}
