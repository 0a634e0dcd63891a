//! What the benchmarks run on.

use crate::Arguments;
use anyhow::{Context, Result};
use sim::cluster::{Cluster, ClusterOptions, Skip};
use sim::profile::Profile;
use std::path::PathBuf;
use wayfarer_cluster::launch::{firmware_path, read_firmware};

/// Simulated time in which the simulator's speed is measured.
const STEPPED_NS: u64 = 400_000;

/// Profile and firmware, loaded once.
pub struct Platform {
    /// Profile of the hosts.
    pub profile: Profile,
    /// Host with no latency of its own, to see the NIU alone.
    pub bare: Profile,
    /// Firmware image.
    pub firmware: Vec<u8>,
    seed: u64,
    /// Host threads to simulate with.
    pub threads: usize,
    skip: Skip,
    trace: Option<PathBuf>,
}

impl Platform {
    /// Loads what the arguments name.
    pub fn load(arguments: &Arguments) -> Result<Self> {
        let firmware = arguments.firmware.clone().unwrap_or_else(firmware_path);
        if let Some(folder) = &arguments.trace {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
        }
        Ok(Platform {
            profile: Profile::named(&arguments.profile)?,
            bare: Profile::named("bare")?,
            firmware: read_firmware(&firmware)?,
            seed: arguments.seed,
            threads: arguments.threads,
            skip: match (arguments.no_skip, arguments.check_skip) {
                (true, _) => Skip::Never,
                (_, true) => Skip::Check,
                _ => Skip::Idle,
            },
            trace: arguments.trace.clone(),
        })
    }

    /// Core cycles a second of two NIUs of which every cycle is run, while their firmware starts.
    pub fn stepped_cycles_per_s(&self) -> Result<f64> {
        let mut cluster = Cluster::new(ClusterOptions {
            threads: self.threads,
            skip: Skip::Never,
            ..ClusterOptions::new(self.profile.clone(), self.firmware.clone())
        });
        for node in 0..2 {
            cluster.program(node, |port| port.sleep_ns(STEPPED_NS));
        }
        let report = cluster.run()?;
        Ok(report.cycles as f64 / report.wall.as_secs_f64())
    }

    /// A two-node cluster of this profile.
    pub fn cluster(&self, profile: &Profile) -> ClusterOptions {
        ClusterOptions {
            seed: self.seed,
            threads: self.threads,
            skip: self.skip,
            waveforms: self.trace.clone(),
            packet_logs: self.trace.clone(),
            ..ClusterOptions::new(profile.clone(), self.firmware.clone())
        }
    }
}
