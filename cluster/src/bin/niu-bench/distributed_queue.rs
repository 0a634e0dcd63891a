//! A queue of units that two programs lay out themselves in remote memory (T9, T10): half of a ping-pong, and the rate
//! of a stream whose writer tells of every unit, or of several with one write.

use crate::Arguments;
use crate::nodes::PATIENCE;
use crate::pair::{self, Side};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::{
    Access, Destination, Error, NothingReceived, SegmentHandle, UnitError, UnitReader, UnitShape,
    UnitWriter,
};

/// Where the writes go: to the other side's ring, and to the memory of the other side's writer.
const RING: Destination = Destination(1);
const DONE: Destination = Destination(2);
/// Rings of each queue.
const SHAPE: UnitShape = UnitShape {
    bytes_log2: 16,
    units_log2: 8,
};
const SIZES_BYTES: [usize; 4] = [8, 64, 232, 1024];
/// Units that one write tells of.
const BATCHES: [u32; 2] = [1, 16];

/// Both ends of the queues between this side and the other one.
struct Queues {
    writer: UnitWriter,
    reader: UnitReader,
}

impl Queues {
    fn new(side: &Side<'_>) -> Result<Self, Error> {
        let exchange = |own: SegmentHandle| {
            let all = side.node.port.gather(&own.to_bytes());
            let peer = &all[usize::from(side.node.peer())];
            let peer = peer[..].try_into().ok().and_then(SegmentHandle::from_bytes);
            peer.unwrap_or(own)
        };
        let mut reader = UnitReader::new(&side.endpoint, SHAPE, Access::ANY)?;
        let ring = exchange(reader.handle());
        let writer = UnitWriter::new(&side.endpoint, RING, &ring, SHAPE, Access::ANY)?;
        let done = exchange(writer.handle());
        reader.connect(&side.endpoint, DONE, &done)?;
        Ok(Queues { writer, reader })
    }

    /// Writes so many units, and tells of them together.
    fn send(&mut self, side: &mut Side<'_>, bytes: usize, units: u32) -> Result<(), Error> {
        let (queue, _) = side.endpoint.split();
        let unit = vec![0x5a; bytes];
        for _ in 0..units {
            loop {
                match self.writer.push(queue, &unit, PATIENCE) {
                    Err(UnitError::Full) => self.writer.publish(queue, PATIENCE)?,
                    other => break other?,
                }
            }
        }
        Ok(self.writer.publish(queue, PATIENCE)?)
    }

    /// Takes so many.
    fn take(&mut self, side: &mut Side<'_>, units: u32) -> Result<(), Error> {
        let (queue, _) = side.endpoint.split();
        let mut unit = Vec::new();
        for _ in 0..units {
            while !self.reader.take(queue, &mut unit)? {
                if !self.reader.wait(PATIENCE) {
                    return Err(NothingReceived { waited: PATIENCE }.into());
                }
            }
        }
        Ok(())
    }
}

/// What one side measures of a size: half a round trip; and units a second, by batch, at the reader.
#[derive(Clone, Copy, Default)]
struct Measured {
    one_way_ns: f64,
    units_per_s: [f64; BATCHES.len()],
}

fn measure(side: &mut Side<'_>, quick: bool) -> Result<Vec<Measured>, Error> {
    let (rounds, stream) = if quick { (6, 320) } else { (21, 1600) };
    let is_first = side.node.number() == 0;
    let mut queues = Queues::new(side)?;
    let mut found = Vec::new();
    for bytes in SIZES_BYTES {
        let mut measured = Measured::default();
        let mut start_ns = 0.0;
        for round in 0..rounds {
            // As in the latency of messages, the first round is left out.
            if round == 1 {
                start_ns = side.now_ns();
            }
            if is_first {
                queues.send(side, bytes, 1)?;
            }
            queues.take(side, 1)?;
            if !is_first {
                queues.send(side, bytes, 1)?;
            }
        }
        measured.one_way_ns = (side.now_ns() - start_ns) / f64::from(rounds - 1) / 2.0;
        for (place, batch) in BATCHES.into_iter().enumerate() {
            side.node.barrier();
            if is_first {
                for _ in 0..stream / batch {
                    queues.send(side, bytes, batch)?;
                }
                side.endpoint.flush(PATIENCE)?;
            } else {
                // From the first quarter on, when the rings are as full as they get.
                queues.take(side, stream / 4)?;
                let start_ns = side.now_ns();
                queues.take(side, stream - stream / 4)?;
                let span_ns = side.now_ns() - start_ns;
                measured.units_per_s[place] = f64::from(stream - stream / 4) / span_ns * 1e9;
            }
            side.node.barrier();
        }
        found.push(measured);
    }
    side.endpoint.flush(PATIENCE)?;
    Ok(found)
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let quick = arguments.quick;
    let (first, second, run) = pair::run(
        platform.cluster(&platform.profile),
        move |side| measure(side, quick),
        move |side| measure(side, quick),
    )?;
    report.simulated(&run);
    for ((bytes, latency), rates) in SIZES_BYTES.into_iter().zip(first).zip(second) {
        for (batch, rate) in BATCHES.into_iter().zip(rates.units_per_s) {
            let row = Row {
                batch: Some(batch),
                one_way_ns: (batch == 1).then_some(latency.one_way_ns),
                ..Row::new("distributed-queue", Mechanism::Remote, bytes)
            };
            report.add(row.at_rate(rate));
        }
    }
    Ok(())
}
