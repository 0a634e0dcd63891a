//! The packets of a node's host port, as they cross it.

use host_driver::Error;
use sim::pcie::packet::{self, Header};
use sim::trace::{Direction, TraceRecord};
use std::sync::{Arc, Mutex, PoisonError};
use wayfarer_cluster::launch::Node;

/// What kind of packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Read,
    Write,
    Completion,
}

/// One that crossed the link between NIU and host.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Core cycles in which its first and its last beat crossed.
    pub first_cycle: u64,
    pub last_cycle: u64,
    pub direction: Direction,
    pub kind: Kind,
    /// Of the data, or of those that are asked for.
    pub bytes: u64,
}

impl Packet {
    fn new(record: &TraceRecord<'_>) -> Option<Self> {
        let (header, _) = packet::decode(record.bytes).ok()?;
        let (kind, words) = match &header {
            Header::MemoryRead(read) => (Kind::Read, read.length),
            Header::MemoryWrite(write) => (Kind::Write, write.length),
            Header::Completion(completion) => (Kind::Completion, completion.length),
        };
        Some(Packet {
            first_cycle: record.first_cycle,
            last_cycle: record.last_cycle,
            direction: record.direction,
            kind,
            bytes: 4 * u64::from(words),
        })
    }
}

/// Those of a node since this was made. A log of its packets (`--trace`) ends there.
pub struct Packets(Arc<Mutex<Vec<Packet>>>);

impl Packets {
    pub fn of(node: &Node) -> Self {
        let packets = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&packets);
        node.port.with_side(|side| {
            side.bridge.set_listener(Some(Box::new(move |record| {
                let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.extend(Packet::new(record));
            })));
        });
        Packets(packets)
    }

    /// What was seen; what comes later is another list.
    pub fn take(&self) -> Vec<Packet> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The first packet of this kind that went this way with so many bytes.
///
/// # Errors
/// There is none.
pub fn first(
    packets: &[Packet],
    direction: Direction,
    kind: Kind,
    bytes: u64,
) -> Result<Packet, Error> {
    let wanted = |it: &&Packet| (it.direction, it.kind, it.bytes) == (direction, kind, bytes);
    let found = packets.iter().find(wanted).copied();
    found.ok_or_else(|| {
        let waited = std::time::Duration::ZERO;
        host_driver::NothingReceived { waited }.into()
    })
}
