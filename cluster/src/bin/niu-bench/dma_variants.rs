//! Ways of a block from one program's memory to another's (V9): copied by both programs in Basic messages, written by
//! the sender's program in remote writes, or copied by the NIUs (S3).
//!
//! The block is there when the receiving program has all of it in its memory, and knows.

use crate::Arguments;
use crate::nodes::PATIENCE;
use crate::pair::{self, Side};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::{
    Access, Buffer, Destination, Error, Export, Import, NothingReceived, Rights, SegmentHandle,
    VirtualChannel,
};

/// Destination of messages, and of the imported memory.
const PEER: Destination = Destination(0);
const MEMORY: Destination = Destination(1);
const SIZES_BYTES: [usize; 4] = [256, 4096, 16384, 65536];
/// Data of a message and of a remote write: the most of either, in whole words of 8 bytes.
const MESSAGE_BYTES: usize = 248;
const WRITE_BYTES: usize = 240;
/// Behind the block stands the number of the last block that is whole.
const FLAG: usize = 65536;
const EXPORT_BYTES: u64 = FLAG as u64 + 4096;

/// How a block goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Messages,
    Writes,
    Blocks,
}

const WAYS: [(Way, &str, Mechanism); 3] = [
    (Way::Messages, "messages", Mechanism::Basic),
    (Way::Writes, "writes", Mechanism::Remote),
    (Way::Blocks, "blocks", Mechanism::Remote),
];

/// Memory of this side, and the other side's as this one sees it.
struct Memory {
    block: Buffer,
    export: Export,
    import: Import,
}

impl Memory {
    fn new(side: &Side<'_>) -> Result<Self, Error> {
        let export = side
            .endpoint
            .export(EXPORT_BYTES, Rights::WRITE, Access::ANY)?;
        let all = side.node.port.gather(&export.handle().to_bytes());
        let peer = &all[usize::from(side.node.peer())];
        let peer = peer[..].try_into().ok().and_then(SegmentHandle::from_bytes);
        let handle = peer.unwrap_or(export.handle());
        Ok(Memory {
            block: side.endpoint.register(FLAG as u64)?,
            import: side
                .endpoint
                .import(MEMORY, &handle, VirtualChannel::ZERO)?,
            export,
        })
    }

    fn send(&self, side: &mut Side<'_>, way: Way, bytes: usize, number: u64) -> Result<(), Error> {
        let (queue, _) = side.endpoint.split();
        let piece_bytes = match way {
            Way::Messages => MESSAGE_BYTES,
            Way::Writes => WRITE_BYTES,
            Way::Blocks => bytes,
        };
        let mut piece = [0; MESSAGE_BYTES];
        for start in (0..bytes).step_by(piece_bytes) {
            let length = piece_bytes.min(bytes - start);
            if way == Way::Blocks {
                let (offset, length) = (start as u32, length as u32);
                let _ = queue.when_room(PATIENCE, |queue| {
                    queue.write(&self.import, offset, &self.block, offset, length)
                })?;
                continue;
            }
            let piece = &mut piece[..length];
            self.block.load(start, piece);
            queue.when_room(PATIENCE, |queue| match way {
                Way::Messages => queue.send_basic(PEER, 0, piece),
                _ => queue
                    .write_inline(&self.import, start as u32, piece)
                    .map(|_| ()),
            })?;
        }
        if way != Way::Messages {
            let _ = queue.when_room(PATIENCE, |queue| {
                queue.write_inline(&self.import, FLAG as u32, &number.to_le_bytes())
            })?;
        }
        Ok(())
    }

    fn receive(
        &mut self,
        side: &mut Side<'_>,
        way: Way,
        bytes: usize,
        number: u64,
    ) -> Result<(), Error> {
        if way == Way::Messages {
            let mut start = 0;
            while start < bytes {
                let message = side.endpoint.receive_wait(PATIENCE)?;
                self.block.store(start, &message.payload());
                start += message.payload().len();
            }
            return Ok(());
        }
        let is_there = |export: &Export| export.load64(FLAG) == number;
        match self.export.wait_until(PATIENCE, is_there) {
            true => Ok(()),
            false => Err(NothingReceived { waited: PATIENCE }.into()),
        }
    }
}

/// When each block was begun, at the sender, or was there, at the receiver, in the order of `WAYS`, sizes and rounds.
fn measure(side: &mut Side<'_>, rounds: u64) -> Result<Vec<f64>, Error> {
    let mut memory = Memory::new(side)?;
    let mut times = Vec::new();
    let mut number = 0;
    for (way, ..) in WAYS {
        for bytes in SIZES_BYTES {
            for _ in 0..rounds {
                number += 1;
                side.node.barrier();
                if side.node.number() == 0 {
                    times.push(side.now_ns());
                    memory.send(side, way, bytes, number)?;
                    side.endpoint.flush(PATIENCE)?;
                } else {
                    memory.receive(side, way, bytes, number)?;
                    times.push(side.now_ns());
                }
            }
        }
    }
    Ok(times)
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let rounds = if arguments.quick { 3 } else { 12 };
    let (begun, there, run) = pair::run(
        platform.cluster(&platform.profile),
        move |side| measure(side, rounds),
        move |side| measure(side, rounds),
    )?;
    report.simulated(&run);
    let spans: Vec<f64> = begun
        .iter()
        .zip(&there)
        .map(|(from, to)| to - from)
        .collect();
    let mut means = spans
        .chunks(rounds as usize)
        // The first round is left out, as in the latency of messages.
        .map(|spans| spans[1..].iter().sum::<f64>() / (rounds - 1) as f64);
    for (_, way, mechanism) in WAYS {
        for bytes in SIZES_BYTES {
            let one_way_ns = means.next().unwrap_or_default();
            report.add(Row {
                way: Some(way),
                one_way_ns: Some(one_way_ns),
                mb_per_s: Some(bytes as f64 / one_way_ns * 1e3),
                ..Row::new("dma-variants", mechanism, bytes)
            });
        }
    }
    Ok(())
}
