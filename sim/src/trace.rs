//! What crossed the ports of a node: a hash of it all, and readable logs on demand.

use crate::network::{Flit, Frame, FrameAssembler};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// FNV-1a over 128-bit items: two runs with the same hash did the same, cycle by cycle.
#[derive(Clone, Copy, Debug)]
pub struct TraceHash(u64);

impl Default for TraceHash {
    fn default() -> Self {
        TraceHash(0xcbf2_9ce4_8422_2325)
    }
}

impl TraceHash {
    /// Takes an item in.
    pub fn add(&mut self, item: u128) {
        for half in [item as u64, (item >> 64) as u64] {
            self.0 = (self.0 ^ half).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23);
        }
    }

    /// The hash so far.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// A text file of what crosses a node's link, frame by frame.
#[derive(Debug)]
pub struct TraceLog {
    file: BufWriter<File>,
    assemblers: [FrameAssembler; 2],
}

impl TraceLog {
    /// Starts a log.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(path: &Path) -> std::io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        writeln!(file, "# cycle direction kind details")?;
        Ok(TraceLog { file, assemblers: Default::default() })
    }

    /// Takes a beat; writes a line when it ends a frame.
    pub fn link(&mut self, cycle: u64, direction: &str, flit: Flit) {
        let assembler = &mut self.assemblers[usize::from(direction == "out")];
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
            if header::restart::get(word) == 1 { " restart" } else { "" },
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
