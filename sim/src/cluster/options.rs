//! What a cluster is made of.

use super::idle::Skip;
use super::report::RunError;
use crate::model::RAM_BYTES;
use crate::network::{Fault, Tampering};
use crate::profile::Profile;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Core cycles that a wire's delay, or a beat on it, may take at most: 8 ms at 125 MHz, many times
/// what a transmit queue waits for an answer.
pub const MAXIMUM_WIRE_CYCLES: u64 = 1_000_000;

/// What a cluster is made of. Everything that happens in a run follows from these and the programs.
#[derive(Clone, Debug)]
pub struct ClusterOptions {
    /// Nodes, 2 to [`NODES`](crate::model::NODES). Two are joined by a wire, more by a switch stand-in.
    pub nodes: u16,
    /// PCIe link and host costs.
    pub profile: Profile,
    /// Seed of every choice the simulated machines make.
    pub seed: u64,
    /// Host threads to simulate with, or one where so many are slower just now; the result does not depend on it.
    pub threads: usize,
    /// All of these threads, however slow.
    pub all_threads: bool,
    /// What is done with cycles in which nothing happens in a NIU; the result does not depend on
    /// it. Waveforms have them all.
    pub skip: Skip,
    /// Delay of a wire in core cycles, at most [`MAXIMUM_WIRE_CYCLES`].
    pub wire_delay_cycles: u64,
    /// Core cycles that a beat takes on the wire, 1 to [`MAXIMUM_WIRE_CYCLES`]: 1 is the stream's
    /// raw rate of 16 bytes a cycle.
    pub wire_cycles_per_beat: u64,
    /// Fill memory and registers that have no reset value with random bits of the seed instead of zeros.
    pub random_initial_values: bool,
    /// Firmware image for every node's service processor, at most [`RAM_BYTES`] long.
    pub firmware: Vec<u8>,
    /// Folder to write `node-N.fst` into.
    pub waveforms: Option<PathBuf>,
    /// Folder to write `node-N.link.txt` and `node-N.pcie.txt` into: what crosses each node's link, frame by frame,
    /// and its host port, packet by packet.
    pub packet_logs: Option<PathBuf>,
    /// The run is given up after so many core cycles.
    pub maximum_cycles: u64,
    /// Damage to do on the wire that leaves each node; may be shorter than the number of nodes.
    pub faults: Vec<Vec<Fault>>,
    /// Frames to change on the wire that leaves each node; may be shorter than the number of nodes.
    pub tampering: Vec<Option<Tampering>>,
}

impl ClusterOptions {
    /// Two nodes, zero wire delay, raw rate, no traces.
    pub fn new(profile: Profile, firmware: Vec<u8>) -> Self {
        ClusterOptions {
            nodes: 2,
            profile,
            seed: 1,
            threads: 1,
            all_threads: false,
            skip: Skip::default(),
            wire_delay_cycles: 0,
            wire_cycles_per_beat: 1,
            random_initial_values: false,
            firmware,
            waveforms: None,
            packet_logs: None,
            maximum_cycles: 100_000_000,
            faults: Vec::new(),
            tampering: Vec::new(),
        }
    }

    /// Whether a run can begin with these.
    ///
    /// # Errors
    /// [`RunError::Option`], [`RunError::FirmwareTooLong`].
    pub(super) fn check(&self) -> Result<(), RunError> {
        let within = |option, value, legal: RangeInclusive<u64>| {
            if legal.contains(&value) {
                return Ok(());
            }
            let (least, most) = legal.into_inner();
            Err(RunError::Option {
                option,
                value,
                least,
                most,
            })
        };
        within(
            "wire_delay_cycles",
            self.wire_delay_cycles,
            0..=MAXIMUM_WIRE_CYCLES,
        )?;
        within(
            "wire_cycles_per_beat",
            self.wire_cycles_per_beat,
            1..=MAXIMUM_WIRE_CYCLES,
        )?;
        if self.firmware.len() > RAM_BYTES {
            return Err(RunError::FirmwareTooLong {
                bytes: self.firmware.len(),
                maximum: RAM_BYTES,
            });
        }
        Ok(())
    }
}
