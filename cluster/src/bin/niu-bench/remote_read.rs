//! NIU cycles of reads of remote memory: of the reader's NIU from the store that launches to the data on their way to
//! its host, less what the target's host takes (S4).

use crate::Arguments;
use crate::nodes::PATIENCE;
use crate::packets::{Kind, Packet, Packets, first};
use crate::pair;
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::{Access, Destination, Rights, SegmentHandle, VirtualChannel};
use sim::trace::Direction::{FromDevice, ToDevice};

/// Destination of the imported memory.
const MEMORY: Destination = Destination(1);
/// What is read at once.
const SIZES_BYTES: [u64; 3] = [8, 64, 256];
const MEMORY_BYTES: u64 = 4096;
/// A store of an index.
const STORE_BYTES: u64 = 8;

/// The packets of one read of each size, at each end.
type Found = Vec<Vec<Packet>>;

/// The benchmark: hosts without latency of their own, so that cycles are the NIUs'.
pub fn run(platform: &Platform, _: &Arguments, report: &mut Report) -> Result<()> {
    let (reader, target, run) = pair::run(
        platform.cluster(&platform.bare),
        |side| -> Result<Found, _> {
            let all = side.node.port.gather(&[]);
            let peer = &all[usize::from(side.node.peer())];
            let handle = peer[..].try_into().ok().and_then(SegmentHandle::from_bytes);
            let handle = handle.unwrap_or_else(|| unreachable!("the other side has sent it"));
            let import = side
                .endpoint
                .import(MEMORY, &handle, VirtualChannel::ZERO)?;
            let buffer = side.endpoint.register(MEMORY_BYTES)?;
            let packets = Packets::of(side.node);
            let mut found = Vec::new();
            for bytes in SIZES_BYTES {
                side.node.barrier();
                packets.take();
                let (queue, _) = side.endpoint.split();
                let read = queue.read(&import, 0, &buffer, 0, bytes as u32)?;
                // A failure is told by the flush.
                let _ = read;
                side.endpoint.flush(PATIENCE)?;
                found.push(packets.take());
                side.node.barrier();
            }
            Ok(found)
        },
        |side| {
            let export = side
                .endpoint
                .export(MEMORY_BYTES, Rights::READ, Access::ANY)?;
            side.node.port.gather(&export.handle().to_bytes());
            let packets = Packets::of(side.node);
            let mut found = Vec::new();
            for _ in SIZES_BYTES {
                packets.take();
                side.node.barrier();
                side.node.barrier();
                found.push(packets.take());
            }
            Ok(found)
        },
    )?;
    report.simulated(&run);
    for ((bytes, reader), target) in SIZES_BYTES.into_iter().zip(reader).zip(target) {
        let store = first(&reader, ToDevice, Kind::Write, STORE_BYTES)?;
        let written = first(&reader, FromDevice, Kind::Write, bytes)?;
        let asked = first(&target, FromDevice, Kind::Read, bytes)?;
        let answered = first(&target, ToDevice, Kind::Completion, bytes)?;
        let cycles = written.first_cycle - store.last_cycle;
        let host = answered.last_cycle - asked.first_cycle;
        report.add_on(
            &platform.bare,
            Row {
                niu_cycles: Some((cycles - host) as f64),
                ..Row::new("remote-read", Mechanism::Remote, bytes as usize)
            },
        );
    }
    Ok(())
}
