//! A readable log of the frames that cross a node's link, a line each.

use super::record::Direction;
use super::start_log;
use crate::network::{Flit, Frame, FrameAssembler, is_answer};
use abi::link::{Answer, BulkStatus, Credit, Ping, kind::Kind};
use abi::message::Remote;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// A text file of what crosses a node's link, frame by frame.
#[derive(Debug)]
pub struct LinkLog {
    file: BufWriter<File>,
    assemblers: [FrameAssembler; 2],
}

impl LinkLog {
    /// Starts a log.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(path: &Path) -> std::io::Result<Self> {
        Ok(LinkLog {
            file: start_log(path, "cycle direction kind details")?,
            assemblers: Default::default(),
        })
    }

    /// Takes a beat; writes a line when it ends a frame.
    pub fn beat(&mut self, cycle: u64, direction: Direction, flit: Flit) {
        let assembler = &mut self.assemblers[direction as usize];
        if let Some(frame) = assembler.push(flit) {
            // A log that cannot be written is no reason to end the run.
            let _ = writeln!(self.file, "{cycle} {direction} {}", describe(&frame));
        }
    }
}

/// One frame in one line.
fn describe(frame: &Frame) -> String {
    let word = frame.beats[0];
    let whole = if frame.is_whole() { "" } else { " DAMAGED" };
    match frame.kind() {
        Some(kind @ (Kind::Message | Kind::Packet)) => {
            let header = frame.header();
            let restart = if header.restart == 1 { " restart" } else { "" };
            format!(
                "{kind:?} {} -> {} endpoint {} queue {} generation {} index {} rqid {} length {} tag {} channel \
                 {}{restart}{whole}",
                header.source_node,
                header.destination_node,
                header.source_endpoint,
                header.slot,
                header.generation,
                header.index,
                header.receive_queue_id,
                header.length,
                header.tag,
                header.virtual_channel,
            )
        }
        Some(Kind::Bulk) => {
            let header = frame.header();
            let remote = Remote::unpack(frame.beats.get(1).copied().unwrap_or(0) as u64);
            let counted = if header.restart == 1 { " counted" } else { "" };
            format!(
                "Bulk {} -> {} endpoint {} queue {} generation {} index {} segment {} generation {} offset {:#x} \
                 operation {} words {} channel {}{counted}{whole}",
                header.source_node,
                header.destination_node,
                header.source_endpoint,
                header.slot,
                header.generation,
                header.index,
                header.receive_queue_id,
                header.tag,
                remote.offset,
                remote.operation,
                header.length,
                header.virtual_channel,
            )
        }
        Some(Kind::BulkAnswer) => {
            let answer = Answer::unpack(word);
            let status = BulkStatus::unpack(answer.bitmap as u32);
            let base = if status.counted == 1 {
                "count"
            } else {
                "index"
            };
            format!(
                "BulkAnswer {} -> {} queue {} generation {} {base} {} status {}{whole}",
                answer.source_node,
                answer.destination_node,
                answer.slot,
                answer.generation,
                answer.base,
                status.status,
            )
        }
        Some(Kind::Ping) => {
            let ping = Ping::unpack(word);
            format!(
                "Ping {} -> {} queue {} generation {} index {} channel {}{whole}",
                ping.source_node,
                ping.destination_node,
                ping.slot,
                ping.generation,
                ping.index,
                ping.virtual_channel,
            )
        }
        Some(Kind::Credit) => {
            let credit = Credit::unpack(word);
            format!(
                "Credit limits {} {} sent {} {}{whole}",
                credit.limit_0, credit.limit_1, credit.sent_0, credit.sent_1,
            )
        }
        Some(verdict) if is_answer(verdict.code()) => {
            let answer = Answer::unpack(word);
            format!(
                "{verdict:?} {} -> {} queue {} generation {} index {} bitmap {:#05x}{whole}",
                answer.source_node,
                answer.destination_node,
                answer.slot,
                answer.generation,
                answer.base,
                answer.bitmap,
            )
        }
        kind => format!("unknown kind {kind:?}, {} beats{whole}", frame.beats.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use abi::link::Header;

    #[test]
    fn every_kind_of_frame_has_its_line() {
        let message = Header {
            kind: Kind::Message.code(),
            destination_node: 700,
            source_node: 2,
            source_endpoint: 4000,
            slot: 200,
            generation: 9,
            index: 127,
            receive_queue_id: 77,
            length: 8,
            tag: 3,
            restart: 1,
            ..Header::default()
        };
        let answer = Answer {
            kind: Kind::Behind.code(),
            destination_node: 2,
            source_node: 700,
            slot: 200,
            generation: 9,
            base: 120,
            bitmap: 0x805,
            ..Answer::default()
        };
        let ping = Header {
            kind: Kind::Ping.code(),
            ..message
        };
        let bulk = Header {
            kind: Kind::Bulk.code(),
            length: 4,
            ..message
        };
        let remote = Remote {
            offset: 0x1002,
            operation: 1,
            trail: 1,
        };
        let bulk_answer = Answer {
            kind: Kind::BulkAnswer.code(),
            bitmap: 14,
            ..answer
        };
        let nack = Header {
            kind: Kind::Nack.code(),
            ..message
        };
        let mut damaged = Frame::sealed(vec![answer.pack()]);
        damaged.beats[0] ^= 1 << 40;
        for (frame, line) in [
            (
                Frame::sealed(vec![message.pack(), 0]),
                "Message 2 -> 700 endpoint 4000 queue 200 generation 9 index 127 rqid 77 length 8 tag 3 channel 0 \
                 restart",
            ),
            (
                Frame::sealed(vec![answer.pack()]),
                "Behind 700 -> 2 queue 200 generation 9 index 120 bitmap 0x805",
            ),
            (
                damaged,
                "Behind 700 -> 2 queue 200 generation 9 index 120 bitmap 0x805 DAMAGED",
            ),
            (
                Frame::sealed(vec![ping.pack()]),
                "Ping 2 -> 700 queue 200 generation 9 index 127 channel 0",
            ),
            (
                Frame::sealed(vec![bulk.pack(), remote.pack().into(), 0]),
                "Bulk 2 -> 700 endpoint 4000 queue 200 generation 9 index 127 segment 77 generation 3 offset 0x1002 \
                 operation 1 words 4 channel 0 counted",
            ),
            (
                Frame::sealed(vec![bulk_answer.pack()]),
                "BulkAnswer 700 -> 2 queue 200 generation 9 index 120 status 14",
            ),
            (
                Frame::sealed(vec![nack.pack()]),
                "unknown kind Some(Nack), 1 beats",
            ),
        ] {
            assert_eq!(describe(&frame), line);
        }
    }
}
