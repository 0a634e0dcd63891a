//! Frames: from bytes to text.

use crate::{Level, Table};
use defmt_parser::{DisplayHint, Fragment, ParserMode, Type};
use std::fmt;

/// What the firmware said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// How much it matters; none if the frame could not be read.
    pub level: Option<Level>,
    /// The text with its arguments, or what is wrong with the frame.
    pub text: String,
}

impl fmt::Display for Record {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = self.level.map_or("?", Level::as_str);
        write!(formatter, "{level:5} {}", self.text)
    }
}

/// Reads all whole frames of a stream; returns them and how many bytes they took. A frame ends with a zero byte. A
/// stream whose beginning was overwritten may begin with a part of a frame: then the first record is of no use.
pub fn frames(table: &Table, bytes: &[u8]) -> (Vec<Record>, usize) {
    let mut records = Vec::new();
    let mut taken = 0;
    while let Some(length) = bytes[taken..].iter().position(|byte| *byte == 0) {
        let frame = &bytes[taken..taken + length];
        taken += length + 1;
        if frame.is_empty() {
            continue;
        }
        records.push(read(table, frame).unwrap_or_else(|| Record {
            level: None,
            text: format!("a frame that cannot be read: {frame:02x?}"),
        }));
    }
    (records, taken)
}

fn read(table: &Table, encoded: &[u8]) -> Option<Record> {
    let frame = decode(encoded)?;
    let mut bytes = frame.as_slice();
    let text = table.text(number(&mut bytes)?)?;
    Some(Record {
        level: Some(text.level?),
        text: fill(table, &text.format, &mut bytes)?,
    })
}

/// Reverse zero-compressing COBS: read from its end, each control byte says which of the seven bytes before it are
/// zero, or that a run of others comes.
fn decode(encoded: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::new();
    let mut bytes = encoded.iter().rev().copied();
    while let Some(control) = bytes.next() {
        match control {
            0 => return None,
            0x01..=0x7f => {
                for place in 0..7 {
                    let zero = control & (1 << (6 - place)) != 0;
                    decoded.push(if zero { 0 } else { bytes.next()? });
                }
            }
            0x80..=0xfe => {
                decoded.push(0);
                for _ in 0..(control & 0x7f) + 7 {
                    decoded.push(bytes.next()?);
                }
            }
            0xff => {
                for _ in 0..134 {
                    decoded.push(bytes.next()?);
                }
            }
        }
    }
    decoded.reverse();
    Some(decoded)
}

fn take<'frame>(bytes: &mut &'frame [u8], length: usize) -> Option<&'frame [u8]> {
    let (head, tail) = bytes.split_at_checked(length)?;
    *bytes = tail;
    Some(head)
}

fn unsigned(bytes: &mut &[u8], length: usize) -> Option<u128> {
    let head = take(bytes, length)?;
    Some(
        head.iter()
            .rev()
            .fold(0, |value, byte| (value << 8) | u128::from(*byte)),
    )
}

fn signed(bytes: &mut &[u8], length: usize) -> Option<i128> {
    let unused = 128 - 8 * length as u32;
    Some(((unsigned(bytes, length)? << unused) as i128) >> unused)
}

fn number(bytes: &mut &[u8]) -> Option<u16> {
    Some(unsigned(bytes, 2)? as u16)
}

/// An argument as it came.
enum Value {
    Unsigned(u128),
    Signed(i128),
    Text(String),
    Bytes(Vec<u8>),
}

/// Puts the arguments that come next into a text.
fn fill(table: &Table, format: &str, bytes: &mut &[u8]) -> Option<String> {
    let fragments = defmt_parser::parse(format, ParserMode::ForwardsCompatible).ok()?;
    // Arguments come in the order of their indices, each once.
    let mut kinds: Vec<(usize, &Type)> = Vec::new();
    for fragment in &fragments {
        if let Fragment::Parameter(parameter) = fragment
            && kinds.iter().all(|(index, _)| *index != parameter.index)
        {
            kinds.push((parameter.index, &parameter.ty));
        }
    }
    kinds.sort_by_key(|(index, _)| *index);
    let mut values = Vec::new();
    for (_, kind) in kinds {
        values.push(value(table, kind, bytes)?);
    }
    let mut text = String::new();
    for fragment in &fragments {
        match fragment {
            Fragment::Literal(literal) => text += literal,
            Fragment::Parameter(parameter) => {
                text += &show(values.get(parameter.index)?, parameter.hint.as_ref());
            }
        }
    }
    Some(text)
}

/// The next argument. None too where the firmware uses a type that it has not used when this was written.
fn value(table: &Table, kind: &Type, bytes: &mut &[u8]) -> Option<Value> {
    Some(match kind {
        Type::U8 => Value::Unsigned(unsigned(bytes, 1)?),
        Type::U16 => Value::Unsigned(unsigned(bytes, 2)?),
        Type::U32 | Type::Usize => Value::Unsigned(unsigned(bytes, 4)?),
        Type::U64 => Value::Unsigned(unsigned(bytes, 8)?),
        Type::U128 => Value::Unsigned(unsigned(bytes, 16)?),
        Type::I8 => Value::Signed(signed(bytes, 1)?),
        Type::I16 => Value::Signed(signed(bytes, 2)?),
        Type::I32 | Type::Isize => Value::Signed(signed(bytes, 4)?),
        Type::I64 => Value::Signed(signed(bytes, 8)?),
        Type::I128 => Value::Signed(signed(bytes, 16)?),
        Type::Bool => Value::Text((unsigned(bytes, 1)? != 0).to_string()),
        Type::Char => Value::Text(char::from_u32(unsigned(bytes, 4)? as u32)?.to_string()),
        Type::Str => {
            let length = unsigned(bytes, 4)? as usize;
            Value::Text(String::from_utf8_lossy(take(bytes, length)?).into_owned())
        }
        Type::IStr => Value::Text(table.text(number(bytes)?)?.format.clone()),
        Type::U8Slice => {
            let length = unsigned(bytes, 4)? as usize;
            Value::Bytes(take(bytes, length)?.to_vec())
        }
        Type::U8Array(length) => Value::Bytes(take(bytes, *length)?.to_vec()),
        Type::Format => {
            let format = &table.text(number(bytes)?)?.format;
            let variants: Vec<&str> = format.split('|').collect();
            let variant = match variants.len() {
                1 => 0,
                2..=256 => unsigned(bytes, 1)? as usize,
                _ => return None,
            };
            Value::Text(fill(table, variants.get(variant)?, bytes)?)
        }
        _ => return None,
    })
}

fn show(value: &Value, hint: Option<&DisplayHint>) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Bytes(bytes) => format!("{bytes:02x?}"),
        Value::Unsigned(value) => digits(*value, hint),
        Value::Signed(value) => {
            let sign = if *value < 0 { "-" } else { "" };
            sign.to_owned() + &digits(value.unsigned_abs(), hint)
        }
    }
}

fn digits(value: u128, hint: Option<&DisplayHint>) -> String {
    match hint {
        Some(DisplayHint::Hexadecimal {
            alternate,
            uppercase,
            zero_pad,
        }) => match (alternate, uppercase) {
            (false, false) => format!("{value:0zero_pad$x}"),
            (false, true) => format!("{value:0zero_pad$X}"),
            (true, false) => format!("{value:#0zero_pad$x}"),
            (true, true) => format!("{value:#0zero_pad$X}"),
        },
        Some(DisplayHint::Binary {
            alternate: true,
            zero_pad,
        }) => format!("{value:#0zero_pad$b}"),
        Some(DisplayHint::Binary { zero_pad, .. }) => format!("{value:0zero_pad$b}"),
        Some(DisplayHint::NoHint { zero_pad }) => format!("{value:0zero_pad$}"),
        _ => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::of(&[
            (1, "defmt_info", "revision {=u32:08x}, ABI {=u16}.{=u16}"),
            (2, "defmt_warn", "queue {=u8}: {=?}, {=i8}"),
            (3, "defmt_derived", "Lost|Sent {=u16}"),
        ])
    }

    /// Frames without zero bytes: a control byte behind each seven bytes, or fewer, padded in front of them.
    fn encode(frame: &[u8]) -> Vec<u8> {
        let mut encoded = Vec::new();
        for group in frame.chunks(7) {
            let mut control = 0_u8;
            for place in 0..7 {
                match group.get(place) {
                    Some(0) | None => control |= 1 << place,
                    Some(byte) => encoded.push(*byte),
                }
            }
            // With no zero byte among seven, the control byte of a run says so.
            encoded.push(if control == 0 { 0x80 } else { control });
        }
        encoded.push(0);
        encoded
    }

    #[test]
    fn a_frame_becomes_the_text_with_its_arguments() {
        let stream = encode(&[1, 0, 0x0f, 0xa0, 0, 0, 7, 0, 12, 0]);
        let (records, taken) = frames(&table(), &stream);
        assert_eq!(taken, stream.len());
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].to_string(), "info  revision 0000a00f, ABI 7.12");
    }

    #[test]
    fn arguments_may_be_texts_of_their_own() {
        let stream = encode(&[2, 0, 9, 3, 0, 1, 0x34, 0, 0xff]);
        let (records, _) = frames(&table(), &stream);
        assert_eq!(records[0].to_string(), "warn  queue 9: Sent 52, -1");
    }

    #[test]
    fn a_frame_that_has_not_ended_waits_and_one_that_cannot_be_read_is_told() {
        let mut stream = vec![0x55, 0];
        stream.extend(encode(&[1, 0, 1, 0, 0, 0, 2, 0, 3, 0]));
        let whole = stream.len();
        stream.extend([3, 4]);
        let (records, taken) = frames(&table(), &stream);
        assert_eq!(taken, whole);
        assert_eq!(records.len(), 2);
        assert_eq!(records[0].level, None);
        assert_eq!(records[1].text, "revision 00000001, ABI 2.3");
    }
}
