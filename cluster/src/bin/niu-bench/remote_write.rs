//! One-way latency of remote writes: half of a ping-pong between two programs that poll their own memory, and the NIUs'
//! own share of it in cycles (S3, U1).

use crate::Arguments;
use crate::nodes::PATIENCE;
use crate::pair::{self, Side};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use crate::stage_times::{AT_RECEIVER, AT_SENDER, Stages};
use crate::stages;
use anyhow::Result;
use host_driver::{
    Access, Destination, Error, Export, Import, NothingReceived, Rights, SegmentHandle, Transfer,
    VirtualChannel,
};

/// Destination of the imported memory.
const MEMORY: Destination = Destination(1);
/// What a write brings: one body of 64 bytes holds it.
const SIZES_BYTES: [usize; 3] = [8, 40, 240];
/// The number of the round stands in the last 8 bytes, which are written last.
const ROUND_BYTES: usize = 8;
/// Memory of each side.
const EXPORT_BYTES: u64 = 4096;

/// Memory of this side, and that of the other one.
struct Memory {
    export: Export,
    import: Import,
}

impl Memory {
    /// Both sides export, and tell each other.
    fn new(side: &Side<'_>) -> Result<Self, Error> {
        let export = side
            .endpoint
            .export(EXPORT_BYTES, Rights::WRITE, Access::ANY)?;
        let all = side.node.port.gather(&export.handle().to_bytes());
        let peer = &all[usize::from(side.node.peer())];
        let peer = peer[..].try_into().ok().and_then(SegmentHandle::from_bytes);
        let handle = peer.unwrap_or(export.handle());
        let import = side
            .endpoint
            .import(MEMORY, &handle, VirtualChannel::ZERO)?;
        Ok(Memory { export, import })
    }

    fn write(
        &self,
        side: &mut Side<'_>,
        bytes: usize,
        round: u64,
        marked: bool,
    ) -> Result<Transfer, Error> {
        let mut data = vec![0x5a; bytes];
        data[bytes - ROUND_BYTES..].copy_from_slice(&round.to_le_bytes());
        let (queue, _) = side.endpoint.split();
        let transfer = queue.when_room(PATIENCE, |queue| match marked {
            true => queue.write_inline_marked(&self.import, 0, &data),
            false => queue.write_inline(&self.import, 0, &data),
        });
        Ok(transfer?)
    }

    fn wait(&self, bytes: usize, round: u64) -> Result<(), Error> {
        let is_there = |export: &Export| export.load64(bytes - ROUND_BYTES) == round;
        match self.export.wait_until(PATIENCE, is_there) {
            true => Ok(()),
            false => Err(NothingReceived { waited: PATIENCE }.into()),
        }
    }
}

/// Both sides count rounds on, whatever the size, so that none is taken for another.
fn ping(side: &mut Side<'_>, rounds: u64) -> Result<Vec<f64>, Error> {
    let memory = Memory::new(side)?;
    let mut round = 0;
    let mut times = Vec::new();
    for bytes in SIZES_BYTES {
        let mut start = 0.0;
        for number in 0..rounds {
            // As in the latency of messages, the first round is left out.
            if number == 1 {
                start = side.now_ns();
            }
            round += 1;
            let _ = memory.write(side, bytes, round, false)?;
            memory.wait(bytes, round)?;
        }
        times.push((side.now_ns() - start) / (rounds - 1) as f64 / 2.0);
    }
    side.endpoint.flush(PATIENCE)?;
    side.node.barrier();
    Ok(times)
}

fn pong(side: &mut Side<'_>, rounds: u64) -> Result<Vec<f64>, Error> {
    let memory = Memory::new(side)?;
    let mut round = 0;
    for bytes in SIZES_BYTES {
        for _ in 0..rounds {
            round += 1;
            memory.wait(bytes, round)?;
            let _ = memory.write(side, bytes, round, false)?;
        }
    }
    side.endpoint.flush(PATIENCE)?;
    side.node.barrier();
    Ok(Vec::new())
}

/// The way of one marked write of each size.
fn ways(platform: &Platform, report: &mut Report) -> Result<Vec<Stages>> {
    let (sender, receiver, run) = pair::run(
        platform.cluster(&platform.bare),
        |side| {
            let memory = Memory::new(side)?;
            let mut times = Vec::new();
            for (round, bytes) in (1..).zip(SIZES_BYTES) {
                let _ = memory.write(side, bytes, round, true)?;
                side.endpoint.flush(PATIENCE)?;
                times.push(stages::read(side, AT_SENDER)?);
                side.node.barrier();
            }
            Ok(times)
        },
        |side| {
            let memory = Memory::new(side)?;
            let mut times = Vec::new();
            for (round, bytes) in (1..).zip(SIZES_BYTES) {
                memory.wait(bytes, round)?;
                times.push(stages::read(side, AT_RECEIVER)?);
                side.node.barrier();
            }
            Ok(times)
        },
    )?;
    report.simulated(&run);
    let both = sender.iter().zip(&receiver);
    Ok(both
        .map(|(sender, receiver)| Stages::new(sender, receiver))
        .collect())
}

/// The benchmark.
pub fn run(platform: &Platform, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let rounds = if arguments.quick { 6 } else { 21 };
    let (one_way_ns, _, run) = pair::run(
        platform.cluster(&platform.profile),
        move |side| ping(side, rounds),
        move |side| pong(side, rounds),
    )?;
    report.simulated(&run);
    let ways = ways(platform, report)?;
    for ((bytes, one_way_ns), way) in SIZES_BYTES.into_iter().zip(one_way_ns).zip(ways) {
        report.add(Row {
            notify: Some(false),
            one_way_ns: Some(one_way_ns),
            niu_cycles: Some(way.one_way_cycles()),
            ..Row::new("remote-write", Mechanism::Remote, bytes)
        });
    }
    Ok(())
}
