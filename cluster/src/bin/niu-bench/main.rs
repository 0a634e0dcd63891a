//! `niu-bench`: latency, bandwidth and message rate of a simulated cluster, in nanoseconds and NIU cycles.

mod alternating;
mod bandwidth;
mod dead_ring;
mod distributed_queue;
mod dma_variants;
mod hit_rate;
mod latency;
mod limits;
mod nodes;
mod non_resident;
mod overflow;
mod packets;
mod pair;
mod platform;
mod plot;
mod remote_blocks;
mod remote_read;
mod remote_write;
mod report;
mod results_file;
mod stage_times;
mod stages;
mod streams;
mod substrate;
mod waiting;

use anyhow::{Context, Result};
use arguments::BenchArguments as Arguments;
use clap::Parser;
use report::Report;
use results_file::ResultsFile;

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
    ("substrate", substrate::run),
    ("limits", limits::run),
    ("alternating", alternating::run),
    ("dead-ring", dead_ring::run),
    ("overflow", overflow::run),
    ("waiting", waiting::run),
    ("non-resident", non_resident::run),
    ("hit-rate", hit_rate::run),
    ("remote-write", remote_write::run),
    ("remote-blocks", remote_blocks::run),
    ("remote-read", remote_read::run),
    ("dma-variants", dma_variants::run),
    ("distributed-queue", distributed_queue::run),
];

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let platform = platform::Platform::load(&arguments)?;
    let path = arguments.json.as_deref();
    let results = path.map(ResultsFile::open).transpose()?;
    let chosen: Vec<&Benchmark> = BENCHMARKS
        .iter()
        .filter(|(name, _)| arguments.chooses(name))
        .collect();
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
    report.measure_simulator(&platform)?;
    report.print_speed();
    if let Some(folder) = &arguments.plot {
        plot::write(&report, folder)?;
    }
    if let Some(file) = results {
        file.write(&(serde_json::to_string_pretty(&report)? + "\n"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sim::profile::Profile;

    #[test]
    fn arguments_name_every_benchmark_and_every_profile() {
        let benchmarks = super::BENCHMARKS.iter().map(|(name, _)| *name);
        assert_eq!(Vec::from_iter(benchmarks), arguments::BENCHMARKS);
        assert_eq!(Vec::from_iter(Profile::names()), arguments::PROFILES);
    }
}
