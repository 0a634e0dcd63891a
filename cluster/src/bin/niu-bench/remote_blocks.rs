//! Blocks of 64 KiB written to remote memory, one way and both ways at once: what arrives at the host, as a share of
//! what link and host ports could carry (S4).

use crate::Arguments;
use crate::nodes::{self, Body, PATIENCE, endpoint};
use crate::packets::{Kind, Packets};
use crate::platform::Platform;
use crate::report::{Mechanism, Report, Row};
use anyhow::Result;
use host_driver::{
    Access, Buffer, Destination, Error, Import, Rights, SegmentHandle, VirtualChannel,
};
use sim::profile::{CompletionSplit, Profile};
use sim::trace::Direction;
use wayfarer_cluster::launch::Node;

/// Destination of the imported memory.
const MEMORY: Destination = Destination(1);
const BLOCK_BYTES: usize = 65536;
/// Queues of each writer, and how many blocks each of them writes.
const QUEUES: u16 = 2;
const BLOCKS: usize = 16;
/// Data of a frame and of the packets that carry them, and the headers and beats of both.
const FRAME_BYTES: u32 = abi::message::BLOCK_BYTES as u32;
const BEAT_BYTES: u32 = 16;
const REQUEST_HEADER_BYTES: u32 = 16;
const COMPLETION_HEADER_BYTES: u32 = 12;
const RING_ENTRIES_LOG2: u8 = 6;

/// Bytes a core cycle that blocks can have at most, and why.
struct Limit {
    bytes_per_cycle: f64,
    formula: String,
}

impl Limit {
    /// The least of three: frames on the link; completions that bring the data from the writer's host; writes to the
    /// other host, beside the requests for the other way's data if both write.
    fn new(profile: &Profile, ways: u16) -> Self {
        let wire = profile.link.raw_bytes_per_ns * 1e9 / sim::model::CLOCK_HERTZ as f64;
        let framing = profile.link.framing_overhead_bytes;
        let cycles = |header: u32, data: u32| {
            let beats = f64::from((header + data).div_ceil(BEAT_BYTES));
            match wire > 0.0 {
                true => beats.max(f64::from(framing + header + data) / wire),
                false => beats,
            }
        };
        let largest = profile.link.maximum_payload_bytes.min(FRAME_BYTES);
        let piece = match profile.root_complex.completion_split {
            CompletionSplit::Whole => largest,
            _ => profile.root_complex.read_completion_boundary_bytes,
        };
        let bytes = f64::from(FRAME_BYTES);
        // Header, sub-header and CRC of a frame.
        let link_beats = f64::from((16 + 8 + FRAME_BYTES + 4).div_ceil(BEAT_BYTES));
        let completions =
            f64::from(FRAME_BYTES.div_ceil(piece)) * cycles(COMPLETION_HEADER_BYTES, piece);
        let writes =
            f64::from(FRAME_BYTES.div_ceil(largest)) * cycles(REQUEST_HEADER_BYTES, largest);
        let requests = f64::from(ways - 1) * cycles(REQUEST_HEADER_BYTES, 0);
        let slowest = link_beats.max(completions).max(writes + requests);
        Limit {
            bytes_per_cycle: bytes / slowest,
            formula: format!(
                "# limit of blocks, {ways} way(s), profile {}: {FRAME_BYTES} bytes / max(link {link_beats} cycles, \
                 completions of {piece} bytes {completions:.2}, writes {writes:.2} + requests {requests:.2}) = {:.2} \
                 bytes a cycle\n",
                profile.name,
                bytes / slowest
            ),
        }
    }
}

/// Bytes a core cycle that were written to this node's host, behind the first block.
fn arrived(packets: &Packets) -> Option<f64> {
    let mut bytes = 0;
    let mut start = None;
    let mut last = (0, 0);
    for packet in packets.take() {
        // Shadow lines are shorter than any piece of a block.
        let is_data = packet.kind == Kind::Write && packet.bytes >= 64;
        if !is_data || packet.direction != Direction::FromDevice {
            continue;
        }
        bytes += packet.bytes;
        last = (bytes, packet.last_cycle);
        if start.is_none() && bytes >= BLOCK_BYTES as u64 {
            start = Some(last);
        }
    }
    let (first_bytes, first_cycle) = start?;
    let cycles = last.1 - first_cycle;
    (cycles > 0).then(|| (last.0 - first_bytes) as f64 / cycles as f64)
}

/// Writes all blocks, if this node writes; gives what arrived, if the other one does.
fn measure(node: &Node, ways: u16) -> Result<Option<f64>, Error> {
    let writes = node.number() == 0 || ways == 2;
    let mut endpoints = Vec::new();
    for number in 0..QUEUES {
        endpoints.push(endpoint(node, number, RING_ENTRIES_LOG2, &[node.peer()])?);
    }
    let bytes = usize::from(QUEUES) * BLOCK_BYTES;
    let export = endpoints[0].export(bytes as u64, Rights::WRITE, Access::ANY)?;
    let all = node.port.gather(&export.handle().to_bytes());
    let peer = &all[usize::from(node.peer())];
    let peer = peer[..].try_into().ok().and_then(SegmentHandle::from_bytes);
    let handle = peer.unwrap_or(export.handle());
    let mut parts: Vec<(Import, Buffer)> = Vec::new();
    for endpoint in &endpoints {
        let import = endpoint.import(MEMORY, &handle, VirtualChannel::ZERO)?;
        parts.push((import, endpoint.register(BLOCK_BYTES as u64)?));
    }
    let packets = Packets::of(node);
    node.barrier();
    if writes {
        for _ in 0..BLOCKS {
            for (part, endpoint) in endpoints.iter_mut().enumerate() {
                let (import, buffer) = &parts[part];
                let (queue, _) = endpoint.split();
                let offset = (part * BLOCK_BYTES) as u32;
                let _ = queue.when_room(PATIENCE, |queue| {
                    queue.write(import, offset, buffer, 0, BLOCK_BYTES as u32)
                })?;
            }
        }
        for endpoint in &mut endpoints {
            endpoint.flush(PATIENCE)?;
        }
    }
    node.barrier();
    Ok(arrived(&packets))
}

/// The benchmark.
pub fn run(platform: &Platform, _: &Arguments, report: &mut Report) -> Result<()> {
    let profile = &platform.profile;
    for ways in [1, 2] {
        let body = || -> Body<Option<f64>> { Box::new(move |node| measure(node, ways)) };
        let (found, run) = nodes::run(platform.cluster(profile), vec![body(), body()])?;
        report.simulated(&run);
        let limit = Limit::new(profile, ways);
        // The slower of both.
        let rates = found.into_iter().flatten();
        let rate = rates.reduce(f64::min).unwrap_or(0.0);
        report.note(limit.formula);
        report.add(Row {
            ways: Some(ways),
            mb_per_s: Some(rate * sim::model::CLOCK_HERTZ as f64 / 1e6),
            share_of_limit: Some(rate / limit.bytes_per_cycle),
            ..Row::new("remote-write", Mechanism::Remote, BLOCK_BYTES)
        });
    }
    Ok(())
}
