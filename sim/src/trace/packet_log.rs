//! A readable log of the transaction-layer packets that cross a host port, a line each.

use super::record::{TraceListener, TraceRecord};
use super::start_log;
use crate::pcie::packet::{self, Completion, Header, Request};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Payload bytes that a line shows.
const SHOWN_BYTES: usize = 32;

/// A listener that writes every packet to a text file.
///
/// # Errors
/// The file cannot be written.
pub fn packet_log(path: &Path) -> std::io::Result<TraceListener> {
    let columns = "first-cycle last-cycle direction packet; in: host to NIU, out: NIU to host";
    let mut file = start_log(path, columns)?;
    Ok(Box::new(move |record| {
        // A log that cannot be written is no reason to end the run.
        let _ = writeln!(file, "{}", line(record));
    }))
}

/// One packet in one line.
fn line(record: &TraceRecord<'_>) -> String {
    let TraceRecord {
        first_cycle,
        last_cycle,
        direction,
        ..
    } = record;
    let cycles = format!("{first_cycle} {last_cycle} {direction}");
    match packet::decode(record.bytes) {
        Ok((header, payload)) => format!("{cycles} {}{}", describe(&header), shown(payload)),
        Err(error) => format!("{cycles} MALFORMED {error}{}", shown(record.bytes)),
    }
}

fn describe(header: &Header) -> String {
    let poisoned = |poisoned| if poisoned { " poisoned" } else { "" };
    let request = |name: &str, request: &Request| {
        format!(
            "{name} {:#x} length {} enables {:#x} {:#x} requester {:#06x} tag {}{}",
            request.address,
            request.length,
            request.first_enables,
            request.last_enables,
            request.requester,
            request.tag,
            poisoned(request.poisoned)
        )
    };
    match header {
        Header::MemoryRead(read) => request("MRd", read),
        Header::MemoryWrite(write) => request("MWr", write),
        Header::Completion(Completion {
            length,
            status,
            byte_count,
            lower_address,
            requester,
            tag,
            poisoned: bad,
            ..
        }) => format!(
            "{} {status:?} length {length} bytes left {byte_count} lower address {lower_address:#x} requester \
             {requester:#06x} tag {tag}{}",
            if *length == 0 { "Cpl" } else { "CplD" },
            poisoned(*bad)
        ),
    }
}

/// The first bytes of a payload, in address order.
fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (place, byte) in bytes.iter().take(SHOWN_BYTES).enumerate() {
        let separator = match place {
            0 => " : ",
            _ if place.is_multiple_of(4) => " ",
            _ => "",
        };
        let _ = write!(text, "{separator}{byte:02x}");
    }
    if bytes.len() > SHOWN_BYTES {
        text += " ...";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::record::Direction;
    use super::*;

    fn record(direction: Direction, bytes: &[u8]) -> String {
        line(&TraceRecord {
            first_cycle: 7,
            last_cycle: 8,
            time_ps: 64_000,
            direction,
            bytes,
        })
    }

    #[test]
    fn a_write_shows_its_header_and_payload() {
        let bytes = [
            0x40, 0, 0, 2, 0x01, 0x00, 0x00, 0xff, 0xe0, 0, 0x08, 0x10, 1, 2, 3, 4, 5, 6, 7, 8,
        ];
        assert_eq!(
            record(Direction::ToDevice, &bytes),
            "7 8 in MWr 0xe0000810 length 2 enables 0xf 0xf requester 0x0100 tag 0 : 01020304 05060708"
        );
    }

    #[test]
    fn a_completion_without_data_shows_its_status() {
        let bytes = [0x0a, 0, 0, 0, 0x01, 0x00, 0x20, 0x04, 0, 0, 5, 0];
        assert_eq!(
            record(Direction::FromDevice, &bytes),
            "7 8 out Cpl UnsupportedRequest length 0 bytes left 4 lower address 0x0 requester 0x0000 tag 5"
        );
    }

    #[test]
    fn what_is_no_packet_is_shown_with_the_rule_it_breaks() {
        let text = record(Direction::FromDevice, &[0x40, 0, 0, 1]);
        assert_eq!(
            text,
            "7 8 out MALFORMED 4 bytes are too few for the header : 40000001"
        );
    }

    #[test]
    fn long_payloads_are_cut() {
        let text = shown(&[0xab; 33]);
        assert_eq!(text.matches("abababab").count(), 8);
        assert!(text.ends_with(" ..."));
    }
}
