//! Arguments of `niu-bench`.

use crate::{PROFILES, threads};
use clap::Parser;
use std::path::PathBuf;

/// The benchmarks, in the order in which they run.
pub const BENCHMARKS: [&str; 17] = [
    "latency",
    "bandwidth",
    "bidirectional",
    "stages",
    "substrate",
    "limits",
    "alternating",
    "dead-ring",
    "overflow",
    "waiting",
    "non-resident",
    "hit-rate",
    "remote-write",
    "remote-blocks",
    "remote-read",
    "dma-variants",
    "distributed-queue",
];

/// Measures simulated clusters of two and three nodes: real RTL, real firmware, real driver.
#[derive(Debug, Parser)]
#[command(name = "niu-bench", version)]
pub struct BenchArguments {
    /// Fewer repetitions; forms and sizes are the same.
    #[arg(long)]
    pub quick: bool,
    /// Only benchmarks whose name contains this: latency, bandwidth, bidirectional, stages, substrate, limits,
    /// alternating, dead-ring, overflow, waiting, non-resident, hit-rate, remote-write, remote-blocks, remote-read,
    /// dma-variants, distributed-queue.
    #[arg(long, value_name = "NAME", value_parser = some_benchmark)]
    pub only: Option<String>,
    /// Write the results as one JSON object.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Draw the results: an SVG for each benchmark, and one HTML page with all of them [default folder: target/plot].
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, require_equals = true, default_missing_value = "target/plot")]
    pub plot: Option<PathBuf>,
    /// Platform profile of the hosts.
    #[arg(long, value_name = "NAME", default_value = "pcie-gen3-x8", value_parser = PROFILES)]
    pub profile: String,
    /// Seed of every choice the simulated machines make.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Host threads to simulate with; results do not depend on it.
    #[arg(long, default_value_t = 2, value_parser = threads())]
    pub threads: usize,
    /// Run every cycle of every NIU, also those in which nothing happens; results do not depend on it.
    #[arg(long, conflicts_with = "check_skip")]
    pub no_skip: bool,
    /// Run every cycle, and fail if something happens in one that would have been left out.
    #[arg(long)]
    pub check_skip: bool,
    /// Firmware image of the service processors [default: what `cargo xtask firmware` built].
    #[arg(long, value_name = "FILE")]
    pub firmware: Option<PathBuf>,
    /// Write an FST waveform of each NIU, a log of its link and a log of its PCIe packets into this folder.
    #[arg(long, value_name = "FOLDER")]
    pub trace: Option<PathBuf>,
}

impl BenchArguments {
    /// Whether this benchmark is to run.
    pub fn chooses(&self, benchmark: &str) -> bool {
        self.only
            .as_ref()
            .is_none_or(|only| benchmark.contains(only))
    }
}

fn some_benchmark(text: &str) -> Result<String, String> {
    if BENCHMARKS.iter().any(|name| name.contains(text)) {
        Ok(text.into())
    } else {
        Err(format!(
            "no benchmark is called so; there are: {}",
            BENCHMARKS.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent_and_its_help_names_every_benchmark() {
        let mut command = BenchArguments::command();
        command.clone().debug_assert();
        let help = command.render_help().to_string();
        assert!(help.contains(&BENCHMARKS.join(", ")), "{help}");
    }

    #[test]
    fn a_part_of_a_name_chooses_all_that_contain_it() {
        let arguments = BenchArguments::parse_from(["niu-bench", "--only", "b"]);
        let chosen = BENCHMARKS.iter().filter(|name| arguments.chooses(name));
        let expected = [
            "bandwidth",
            "bidirectional",
            "substrate",
            "remote-blocks",
            "distributed-queue",
        ];
        assert_eq!(Vec::from_iter(chosen.copied()), expected);
        let refused = BenchArguments::try_parse_from(["niu-bench", "--only", "speed"]);
        assert!(refused.unwrap_err().to_string().contains("bidirectional"));
    }
}
