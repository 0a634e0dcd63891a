//! Broken rules: every one of them is a fault of the device and fails the run.

use super::packet::PacketError;
use super::rules::RuleError;

/// Which rule the device broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ViolationKind {
    /// The packet is not legal on any link.
    #[error("malformed packet: {0}")]
    Packet(#[from] PacketError),
    /// The packet is not legal on this link at this time.
    #[error("illegal packet: {0}")]
    Rule(#[from] RuleError),
    /// `host_transmit_valid`, `_data` or `_last` changed while the beat was not taken.
    #[error("host_transmit changed before the beat was taken")]
    StreamChanged,
    /// The beats do not match the length in the header.
    #[error("packet of {actual} beats, its header says {expected}")]
    Beats {
        /// Beats by the header.
        expected: usize,
        /// Beats up to `last`.
        actual: usize,
    },
    /// More beats than any packet has.
    #[error("packet without end")]
    EndlessPacket,
    /// A packet was sent without credits for it.
    #[error("packet sent without flow-control credits (2.6.1)")]
    NoCredits,
    /// A write where the host takes interrupts that is none of those in the MSI-X table, or while MSI-X is not enabled.
    #[error("no interrupt: {data:#x} written at {address:#x}")]
    Interrupt {
        /// Where it was written to.
        address: u64,
        /// First double word.
        data: u32,
    },
    /// `host_receive_nonposted_free` with no request outstanding.
    #[error("host_receive_nonposted_free without a non-posted request")]
    NonpostedFree,
}

/// A broken rule and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("PCIe violation by the device in core cycle {cycle}: {kind}")]
pub struct Violation {
    /// Core cycle.
    pub cycle: u64,
    /// Which rule.
    pub kind: ViolationKind,
}
