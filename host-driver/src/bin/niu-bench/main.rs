//! `niu-bench`: latency, bandwidth and message rate of a simulated cluster, in nanoseconds and NIU cycles.

mod bandwidth;
mod latency;
mod pair;
mod platform;
mod report;
mod stages;

use anyhow::{Context, Result, bail};
use clap::Parser;
use report::Report;
use std::path::PathBuf;
use wayfarer_host_driver::launch::firmware_path;

/// Measures a simulated two-node cluster: real RTL, real firmware, real driver.
#[derive(Debug, Parser)]
#[command(name = "niu-bench", version)]
pub struct Arguments {
    /// Fewer repetitions and sizes.
    #[arg(long)]
    quick: bool,
    /// Only benchmarks whose name contains this.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Write the results as one JSON object.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Platform profile of the hosts (`bare`, `pcie-gen1-x1`, `pcie-gen3-x8`).
    #[arg(long, default_value = "pcie-gen3-x8")]
    profile: String,
    /// Seed of every choice the simulated machines make.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Host threads to simulate with; results do not depend on it.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Firmware image of the service processors.
    #[arg(long, value_name = "FILE", default_value_os_t = firmware_path())]
    firmware: PathBuf,
    /// Write an FST waveform of each NIU and a log of each link into this folder.
    #[arg(long, value_name = "FOLDER")]
    trace: Option<PathBuf>,
}

/// A benchmark: its name and how it runs.
type Benchmark = (
    &'static str,
    fn(&platform::Platform, &Arguments, &mut Report) -> Result<()>,
);

const BENCHMARKS: &[Benchmark] = &[
    ("latency", latency::run),
    ("bandwidth", bandwidth::run),
    ("bidirectional", bandwidth::run_bidirectional),
    ("stages", stages::run),
    ("limits", bandwidth::run_limits),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let platform = platform::Platform::load(&arguments)?;
    let chosen: Vec<&Benchmark> = BENCHMARKS
        .iter()
        .filter(|(name, _)| {
            arguments
                .only
                .as_deref()
                .is_none_or(|only| name.contains(only))
        })
        .collect();
    if chosen.is_empty() {
        let names: Vec<_> = BENCHMARKS.iter().map(|(name, _)| *name).collect();
        bail!(
            "no benchmark is called {:?}; there are: {}",
            arguments.only.as_deref().unwrap_or(""),
            names.join(", ")
        );
    }
    let mut report = Report::new(&platform, &arguments);
    let progress = indicatif::ProgressBar::new(chosen.len() as u64);
    progress.set_style(indicatif::ProgressStyle::with_template(
        "{bar:20} {pos}/{len} {msg}",
    )?);
    for (name, run) in chosen {
        progress.set_message(*name);
        run(&platform, &arguments, &mut report).with_context(|| format!("benchmark {name}"))?;
        progress.suspend(|| report.print_new());
        progress.inc(1);
    }
    progress.finish_and_clear();
    report.print_speed();
    if let Some(path) = &arguments.json {
        report.write_json(path)?;
        println!("results: {}", path.display());
    }
    Ok(())
}
