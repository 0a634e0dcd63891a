//! What is printed and written.

use crate::Arguments;
use crate::pair::Run;
use crate::platform::Platform;
use crate::stage_times::Stages;
use anyhow::{Context, Result};
use serde::Serialize;
use sim::profile::Profile;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mechanism {
    /// One store (V3).
    Express,
    /// Composed in NIU memory (V1).
    Basic,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Mechanism::Express => "Express",
            Mechanism::Basic => "Basic",
        })
    }
}

/// One result.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Which benchmark.
    pub benchmark: &'static str,
    /// Form of the messages.
    pub mechanism: Mechanism,
    /// Payload of a message.
    pub bytes: usize,
    /// Nodes of the cluster.
    pub nodes: u16,
    /// Profile of the hosts, where it is not the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcie_profile: Option<String>,
    /// Host to host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_way_ns: Option<f64>,
    /// Both NIUs, from the last beat in to the first beat out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub niu_cycles: Option<f64>,
    /// Payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mb_per_s: Option<f64>,
    /// Messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_per_s: Option<f64>,
}

impl Row {
    /// A result without numbers.
    pub fn new(benchmark: &'static str, mechanism: Mechanism, bytes: usize) -> Self {
        Row {
            benchmark,
            mechanism,
            bytes,
            nodes: 2,
            pcie_profile: None,
            one_way_ns: None,
            niu_cycles: None,
            mb_per_s: None,
            messages_per_s: None,
        }
    }
}

#[derive(Clone, Debug, Serialize)]
struct PlatformLabel {
    clock_hz: u64,
    pcie_profile: String,
    link: String,
    seed: u64,
    source_revision: String,
}

/// Everything found so far.
#[derive(Debug, Serialize)]
pub struct Report {
    platform: PlatformLabel,
    results: Vec<Row>,
    #[serde(skip)]
    notes: Vec<String>,
    #[serde(skip)]
    printed: (usize, usize),
    #[serde(skip)]
    cycles: u64,
    #[serde(skip)]
    wall: Duration,
}

impl Report {
    /// An empty report.
    pub fn new(platform: &Platform, arguments: &Arguments) -> Self {
        let label = PlatformLabel {
            clock_hz: sim::model::CLOCK_HERTZ,
            pcie_profile: platform.profile.name.clone(),
            link: "bare 128-bit stream, zero wire delay".into(),
            seed: arguments.seed,
            source_revision: String::new(),
        };
        Report {
            platform: label,
            results: Vec::new(),
            notes: Vec::new(),
            printed: (0, 0),
            cycles: 0,
            wall: Duration::ZERO,
        }
    }

    /// Counts a simulation's cycles and wall time, and notes which hardware ran in it.
    pub fn simulated(&mut self, run: &Run) {
        self.platform.source_revision = format!("{:08x}", run.hardware_revision);
        self.cycles += run.report.cycles;
        self.wall += run.report.wall;
    }

    /// Takes a result in.
    pub fn add(&mut self, row: Row) {
        self.results.push(row);
    }

    /// Takes a result in that was measured on hosts of this profile.
    pub fn add_on(&mut self, profile: &Profile, row: Row) {
        let differs = profile.name != self.platform.pcie_profile;
        self.add(Row {
            pcie_profile: differs.then(|| profile.name.clone()),
            ..row
        });
    }

    /// Takes a message's way in.
    pub fn add_stages(&mut self, mechanism: Mechanism, bytes: usize, stages: Stages) {
        let mut text = format!(
            "# way of one {mechanism} message of {bytes} bytes, in NIU cycles (profile bare)\n"
        );
        let mut before = 0;
        for (stage, cycle) in &stages.cycles {
            text += &format!(
                "  {cycle:>5}  +{:<4} {}\n",
                cycle.wrapping_sub(before),
                stage.meaning()
            );
            before = *cycle;
        }
        self.notes.push(text);
    }

    /// Takes a limit in.
    pub fn add_limit(&mut self, mechanism: Mechanism, bytes: usize, ways: usize, cycles: f64) {
        let share = bytes as f64 / (cycles * 16.0) * 100.0;
        let direction = if ways == 1 {
            "one way"
        } else {
            "each of both ways at once"
        };
        self.notes.push(format!(
            "# {mechanism} {bytes} bytes, {direction} (profile bare): a message every {cycles:.2} cycles, {share:.1} % of the stream's raw rate\n"
        ));
    }

    /// What everything below was measured on.
    fn print_platform(&self) {
        let label = &self.platform;
        println!("# Wayfarer niu-bench, 2 simulated nodes");
        println!(
            "# clock {} MHz, PCIe profile {}, link: {}, seed {}, revision {}",
            label.clock_hz / 1_000_000,
            label.pcie_profile,
            label.link,
            label.seed,
            label.source_revision
        );
    }

    /// Prints what came since the last call.
    pub fn print_new(&mut self) {
        if self.printed == (0, 0) {
            self.print_platform();
        }
        for note in &self.notes[self.printed.1..] {
            print!("{note}");
        }
        let rows = &self.results[self.printed.0..];
        if !rows.is_empty() {
            println!(
                "# {:<20} {:<8} {:>6} {:>12} {:>11} {:>12} {:>14}",
                "benchmark", "form", "bytes", "one-way ns", "NIU cycles", "MB/s", "messages/s"
            );
            for row in rows {
                let number = |value: Option<f64>, digits: usize| {
                    value.map_or("-".into(), |value| format!("{value:.digits$}"))
                };
                let profile = row.pcie_profile.as_ref();
                println!(
                    "  {:<20} {:<8} {:>6} {:>12} {:>11} {:>12} {:>14}{}",
                    row.benchmark,
                    row.mechanism.to_string(),
                    row.bytes,
                    number(row.one_way_ns, 1),
                    number(row.niu_cycles, 0),
                    number(row.mb_per_s, 2),
                    number(row.messages_per_s, 0),
                    profile.map_or(String::new(), |name| format!("  (profile {name})"))
                );
            }
        }
        self.printed = (self.results.len(), self.notes.len());
    }

    /// The simulator's own speed.
    pub fn print_speed(&self) {
        let seconds = self.wall.as_secs_f64();
        println!(
            "# simulator: {} cycles of 2 NIUs in {seconds:.2} s: {:.0} k cycles/s",
            self.cycles,
            self.cycles as f64 / seconds / 1000.0
        );
    }
}

/// The file that the results are written to in the end.
#[derive(Debug)]
pub struct ResultsFile {
    path: PathBuf,
    file: File,
}

impl ResultsFile {
    /// Opens it before anything is measured, so that nothing is measured in vain. What it holds stays until the results are there.
    pub fn open(path: &Path) -> Result<Self> {
        let mut options = File::options();
        let file = options.create(true).write(true).truncate(false).open(path);
        Ok(ResultsFile {
            path: path.into(),
            file: file.with_context(|| format!("cannot write {}", path.display()))?,
        })
    }

    /// Writes everything as one JSON object, and says where.
    pub fn write(mut self, report: &Report) -> Result<()> {
        let text = serde_json::to_string_pretty(report)? + "\n";
        // A pipe or a terminal has no length to cut.
        let whole = match self.file.metadata() {
            Ok(metadata) if metadata.is_file() => self.file.set_len(0),
            _ => Ok(()),
        };
        whole
            .and_then(|()| self.file.write_all(text.as_bytes()))
            .with_context(|| format!("cannot write {}", self.path.display()))?;
        println!("results: {}", self.path.display());
        Ok(())
    }
}
