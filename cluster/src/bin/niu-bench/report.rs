//! What is printed and written.

use crate::Arguments;
use crate::nodes::Run;
use crate::platform::Platform;
use crate::stage_times::Stages;
use anyhow::Result;
use serde::Serialize;
use sim::profile::Profile;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// How messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mechanism {
    /// One store (V3).
    Express,
    /// Composed in NIU memory (V1).
    Basic,
    /// Composed there too, and written to remote memory.
    Remote,
}

impl fmt::Display for Mechanism {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Mechanism::Express => "Express",
            Mechanism::Basic => "Basic",
            Mechanism::Remote => "Remote",
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
    /// Transmit queues that send, or that are dead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queues: Option<usize>,
    /// Nodes that a queue sends to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destinations: Option<u16>,
    /// Delay of each wire in core cycles, where it was not 0 throughout.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wire_cycles: Option<u64>,
    /// Profile of the hosts, where it is not the platform's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pcie_profile: Option<String>,
    /// Nodes that write: one to the other, or both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ways: Option<u16>,
    /// The other program is notified of each write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notify: Option<bool>,
    /// Units of a queue in remote memory that one write tells of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Host to host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_way_ns: Option<f64>,
    /// Both NIUs, from the last beat in to the first beat out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub niu_cycles: Option<f64>,
    /// Payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mb_per_s: Option<f64>,
    /// Payload, as a share of what link and host ports could carry at most; of the slower direction, if both send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share_of_limit: Option<f64>,
    /// Of both directions together, if both send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages_per_s: Option<f64>,
    /// Core cycles from one message to the next; of the slower direction, if both send.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cycles_per_message: Option<f64>,
    /// Rate of a queue beside dead ones, as a share of its rate without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub victim_share: Option<f64>,
    /// Messages that were sent to a ring that nobody empties, for each of the victim's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stalled_messages: Option<f64>,
    /// Share of the link's beats that the frames of dead queues take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_share: Option<f64>,
    /// How the receiving program waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<String>,
    /// From one message to the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap_ns: Option<u64>,
    /// Interrupts that the receiving host took, for each message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interrupts_per_message: Option<f64>,
    /// Part of a message's way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<&'static str>,
    /// What it adds to the way, of both NIUs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub added_cycles: Option<f64>,
    /// How a queue that is away is served; `resident`: none is. Or how a block goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub way: Option<&'static str>,
    /// Whose queue is away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub side: Option<&'static str>,
    /// One way, beyond that with both queues resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub penalty_ns: Option<f64>,
    /// Resident transmit queues that the virtual ones share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slots: Option<u16>,
    /// Whose resident queue is lent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// Which endpoint sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<&'static str>,
    /// Share of the messages that found their queue resident.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hit_rate: Option<f64>,
    /// One way, against that with a resident queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_to_resident: Option<f64>,
    /// One way, against that with a resident queue and a read of host memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relative_to_hit_and_read: Option<f64>,
    /// The way of one message, stage by stage.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageTime>,
}

/// When a stage saw a message.
#[derive(Clone, Debug, Serialize)]
pub struct StageTime {
    /// The stage, as the reference of control registers calls it.
    pub stage: &'static str,
    /// NIU cycles since the message's last beat came in at the sender's host port.
    pub cycle: u32,
}

impl Row {
    /// A result without numbers.
    pub fn new(benchmark: &'static str, mechanism: Mechanism, bytes: usize) -> Self {
        Row {
            benchmark,
            mechanism,
            bytes,
            nodes: 2,
            queues: None,
            destinations: None,
            wire_cycles: None,
            pcie_profile: None,
            ways: None,
            notify: None,
            batch: None,
            one_way_ns: None,
            niu_cycles: None,
            mb_per_s: None,
            share_of_limit: None,
            messages_per_s: None,
            cycles_per_message: None,
            victim_share: None,
            stalled_messages: None,
            probe_share: None,
            waiting: None,
            gap_ns: None,
            interrupts_per_message: None,
            step: None,
            added_cycles: None,
            way: None,
            side: None,
            penalty_ns: None,
            slots: None,
            policy: None,
            pattern: None,
            hit_rate: None,
            relative_to_resident: None,
            relative_to_hit_and_read: None,
            stages: Vec::new(),
        }
    }

    /// With so many messages a second.
    pub fn at_rate(self, rate: f64) -> Self {
        Row {
            messages_per_s: Some(rate),
            mb_per_s: Some(rate * self.bytes as f64 / 1e6),
            ..self
        }
    }
}

/// A column of the printed table: its heading and width, and what stands in it; nothing, if the row has no such number.
struct Column {
    heading: &'static str,
    width: usize,
    text: fn(&Row) -> Option<String>,
}

fn number<T: fmt::Display>(value: Option<T>, digits: usize) -> Option<String> {
    value.map(|value| format!("{value:.digits$}"))
}

/// The columns behind benchmark, form and bytes; those without a number in any row are left out.
const COLUMNS: &[Column] = &[
    Column {
        heading: "queues",
        width: 7,
        text: |row| number(row.queues, 0),
    },
    Column {
        heading: "destinations",
        width: 13,
        text: |row| number(row.destinations, 0),
    },
    Column {
        heading: "wire cycles",
        width: 12,
        text: |row| number(row.wire_cycles, 0),
    },
    Column {
        heading: "ways",
        width: 6,
        text: |row| number(row.ways, 0),
    },
    Column {
        heading: "batch",
        width: 7,
        text: |row| number(row.batch, 0),
    },
    Column {
        heading: "waiting",
        width: 18,
        text: |row| row.waiting.clone(),
    },
    Column {
        heading: "gap ns",
        width: 8,
        text: |row| number(row.gap_ns, 0),
    },
    Column {
        heading: "way",
        width: 10,
        text: |row| row.way.map(str::to_owned),
    },
    Column {
        heading: "away",
        width: 10,
        text: |row| row.side.map(str::to_owned),
    },
    Column {
        heading: "pattern",
        width: 10,
        text: |row| row.pattern.map(str::to_owned),
    },
    Column {
        heading: "policy",
        width: 21,
        text: |row| row.policy.clone(),
    },
    Column {
        heading: "hits",
        width: 7,
        text: |row| number(row.hit_rate, 2),
    },
    Column {
        heading: "step",
        width: 15,
        text: |row| row.step.map(str::to_owned),
    },
    Column {
        heading: "added cycles",
        width: 14,
        text: |row| number(row.added_cycles, 0),
    },
    Column {
        heading: "one-way ns",
        width: 13,
        text: |row| number(row.one_way_ns, 1),
    },
    Column {
        heading: "beyond resident",
        width: 17,
        text: |row| number(row.penalty_ns, 1),
    },
    Column {
        heading: "of a hit",
        width: 10,
        text: |row| number(row.relative_to_resident, 2),
    },
    Column {
        heading: "NIU cycles",
        width: 12,
        text: |row| number(row.niu_cycles, 0),
    },
    Column {
        heading: "MB/s",
        width: 13,
        text: |row| number(row.mb_per_s, 2),
    },
    Column {
        heading: "of limit",
        width: 10,
        text: |row| number(row.share_of_limit, 4),
    },
    Column {
        heading: "messages/s",
        width: 15,
        text: |row| number(row.messages_per_s, 0),
    },
    Column {
        heading: "cycles/message",
        width: 15,
        text: |row| number(row.cycles_per_message, 2),
    },
    Column {
        heading: "victim share",
        width: 13,
        text: |row| number(row.victim_share, 4),
    },
    Column {
        heading: "to the full ring",
        width: 18,
        text: |row| number(row.stalled_messages, 1),
    },
    Column {
        heading: "probe share",
        width: 12,
        text: |row| number(row.probe_share, 4),
    },
    Column {
        heading: "interrupts/message",
        width: 20,
        text: |row| number(row.interrupts_per_message, 3),
    },
];

/// The rows as a table.
fn table(rows: &[Row]) -> String {
    let fills = |column: &&Column| rows.iter().any(|row| (column.text)(row).is_some());
    let columns: Vec<&Column> = COLUMNS.iter().filter(fills).collect();
    let mut text = format!("# {:<20} {:<8} {:>6}", "benchmark", "form", "bytes");
    for column in &columns {
        text += &format!("{:>1$}", column.heading, column.width);
    }
    for row in rows {
        let form = row.mechanism.to_string();
        text += &format!("\n  {:<20} {form:<8} {:>6}", row.benchmark, row.bytes);
        for column in &columns {
            let cell = (column.text)(row).unwrap_or("-".into());
            text += &format!("{cell:>0$}", column.width);
        }
        if let Some(name) = &row.pcie_profile {
            text += &format!("  (profile {name})");
        }
    }
    text + "\n"
}

/// What the results were measured on.
#[derive(Clone, Debug, Serialize)]
pub struct PlatformLabel {
    /// Core clock.
    pub clock_hz: u64,
    /// Profile of the hosts, unless a row has another.
    pub pcie_profile: String,
    /// What joins the nodes.
    pub link: String,
    /// Seed of the run.
    pub seed: u64,
    /// Revision of the hardware.
    pub source_revision: String,
}

/// The simulator's speed, in core cycles a second of all NIUs together.
#[derive(Clone, Debug, Serialize)]
struct SimulatorSpeed {
    threads: usize,
    /// When every cycle is run, with two NIUs.
    stepped_cycles_per_s: f64,
    /// In all benchmarks of this run.
    effective_cycles_per_s: f64,
    /// Share of the NIUs' cycles in which nothing happened.
    idle_share: f64,
    /// Share of NIU cycles in which its service processor slept too: nothing of the NIU ran.
    asleep_share: f64,
}

/// Everything found so far.
#[derive(Debug, Serialize)]
pub struct Report {
    platform: PlatformLabel,
    results: Vec<Row>,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulator: Option<SimulatorSpeed>,
    #[serde(skip)]
    notes: Vec<String>,
    #[serde(skip)]
    printed: (usize, usize),
    /// By nodes of the cluster.
    #[serde(skip)]
    cycles: BTreeMap<usize, u64>,
    #[serde(skip)]
    wall: Duration,
    /// Of each NIU, and those of them that were left out.
    #[serde(skip)]
    niu_cycles: (u64, u64),
    /// Those in which the processor was left out too.
    #[serde(skip)]
    asleep_cycles: u64,
}

impl Report {
    /// An empty report.
    pub fn new(platform: &Platform, arguments: &Arguments) -> Self {
        let label = PlatformLabel {
            clock_hz: sim::model::CLOCK_HERTZ,
            pcie_profile: platform.profile.name.clone(),
            link: "bare 128-bit stream, zero wire delay unless told otherwise".into(),
            seed: arguments.seed,
            source_revision: String::new(),
        };
        Report {
            platform: label,
            results: Vec::new(),
            simulator: None,
            notes: Vec::new(),
            printed: (0, 0),
            cycles: BTreeMap::new(),
            wall: Duration::ZERO,
            niu_cycles: (0, 0),
            asleep_cycles: 0,
        }
    }

    /// Counts a simulation's cycles and wall time, and notes which hardware ran in it.
    pub fn simulated(&mut self, run: &Run) {
        self.platform.source_revision = format!("{:08x}", run.hardware_revision);
        *self.cycles.entry(run.report.nodes.len()).or_default() += run.report.cycles;
        self.wall += run.report.wall;
        let nodes = &run.report.nodes;
        self.niu_cycles.0 += run.report.cycles * nodes.len() as u64;
        self.niu_cycles.1 += nodes.iter().map(|node| node.idle_cycles).sum::<u64>();
        self.asleep_cycles += nodes.iter().map(|node| node.asleep_cycles).sum::<u64>();
    }

    /// What the results were measured on.
    pub fn label(&self) -> &PlatformLabel {
        &self.platform
    }

    /// All results so far.
    pub fn rows(&self) -> &[Row] {
        &self.results
    }

    /// All results so far, as they are printed.
    pub fn table(&self) -> String {
        self.notes.concat() + &table(&self.results)
    }

    /// Takes lines in that are printed above the results.
    pub fn note(&mut self, lines: String) {
        self.notes.push(lines);
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

    /// Takes a message's way in, measured on hosts of this profile.
    pub fn add_stages(
        &mut self,
        profile: &Profile,
        mechanism: Mechanism,
        bytes: usize,
        stages: &Stages,
    ) {
        let mut text = format!(
            "# way of one {mechanism} message of {bytes} bytes, in NIU cycles (profile {})\n",
            profile.name
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
        let row = Row {
            niu_cycles: Some(stages.one_way_cycles()),
            stages: stages.times(),
            ..Row::new("stages", mechanism, bytes)
        };
        self.add_on(profile, row);
    }

    /// What everything below was measured on.
    fn print_platform(&self) {
        let label = &self.platform;
        println!("# Wayfarer niu-bench, simulated nodes");
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
            print!("{}", table(rows));
        }
        self.printed = (self.results.len(), self.notes.len());
    }

    /// Measures the simulator's own speed, as far as the benchmarks have not.
    pub fn measure_simulator(&mut self, platform: &Platform) -> Result<()> {
        let cycles: u64 = self.cycles.values().sum();
        self.simulator = Some(SimulatorSpeed {
            threads: platform.threads,
            stepped_cycles_per_s: platform.stepped_cycles_per_s()?,
            effective_cycles_per_s: cycles as f64 / self.wall.as_secs_f64(),
            idle_share: self.niu_cycles.1 as f64 / self.niu_cycles.0 as f64,
            asleep_share: self.asleep_cycles as f64 / self.niu_cycles.0 as f64,
        });
        Ok(())
    }

    /// The simulator's own speed.
    pub fn print_speed(&self) {
        let seconds = self.wall.as_secs_f64();
        let of_nodes = |(nodes, cycles): (&usize, &u64)| format!("{cycles} cycles of {nodes} NIUs");
        let parts: Vec<String> = self.cycles.iter().map(of_nodes).collect();
        println!("# simulator: {} in {seconds:.2} s", parts.join(" and "));
        if let Some(speed) = &self.simulator {
            println!(
                "# simulator: {:.0} k cycles/s; {:.0} k cycles/s when every cycle is run; the NIUs were idle in {:.0} \
                 % of theirs, and their processors asleep in {:.0} %",
                speed.effective_cycles_per_s / 1e3,
                speed.stepped_cycles_per_s / 1e3,
                100.0 * speed.idle_share,
                100.0 * speed.asleep_share
            );
        }
    }
}
