//! A readable log of the frames that cross a node's link, a line each.

use super::record::Direction;
use super::start_log;
use crate::network::{Flit, Frame, FrameAssembler};
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
    use abi::link::{acknowledgement, credit, header, kind::Kind};
    let word = frame.beats[0];
    let whole = if frame.is_whole() { "" } else { " DAMAGED" };
    match frame.kind() {
        Some(kind @ (Kind::Message | Kind::Packet)) => format!(
            "{kind:?} {} -> {} queue {} slot {} rqid {} length {} tag {} channel {}{}{whole}",
            header::source_node::get(word),
            header::destination_node::get(word),
            header::source_queue::get(word),
            header::slot::get(word),
            header::receive_queue_id::get(word),
            header::length::get(word),
            header::tag::get(word),
            header::virtual_channel::get(word),
            if header::restart::get(word) == 1 {
                " restart"
            } else {
                ""
            },
        ),
        Some(Kind::Acknowledge) => format!(
            "Acknowledge {} -> {} queue {} slot {} status {}{whole}",
            acknowledgement::source_node::get(word),
            acknowledgement::destination_node::get(word),
            acknowledgement::queue::get(word),
            acknowledgement::slot_status::get(word) & 15,
            acknowledgement::slot_status::get(word) >> 4,
        ),
        Some(Kind::Credit) => format!(
            "Credit limits {} {} sent {} {}{whole}",
            credit::limit_0::get(word),
            credit::limit_1::get(word),
            credit::sent_0::get(word),
            credit::sent_1::get(word),
        ),
        None => format!("unknown kind, {} beats{whole}", frame.beats.len()),
    }
}
