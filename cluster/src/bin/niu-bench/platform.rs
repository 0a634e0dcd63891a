//! What the benchmarks run on.

use crate::Arguments;
use anyhow::{Context, Result};
use sim::cluster::ClusterOptions;
use sim::profile::Profile;
use std::path::PathBuf;
use wayfarer_cluster::launch::{firmware_path, read_firmware};

/// Profile and firmware, loaded once.
pub struct Platform {
    /// Profile of the hosts.
    pub profile: Profile,
    /// Host with no latency of its own, to see the NIU alone.
    pub bare: Profile,
    /// Firmware image.
    pub firmware: Vec<u8>,
    seed: u64,
    threads: usize,
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
            trace: arguments.trace.clone(),
        })
    }

    /// A two-node cluster of this profile.
    pub fn cluster(&self, profile: &Profile) -> ClusterOptions {
        ClusterOptions {
            seed: self.seed,
            threads: self.threads,
            waveforms: self.trace.clone(),
            packet_logs: self.trace.clone(),
            ..ClusterOptions::new(profile.clone(), self.firmware.clone())
        }
    }
}
