//! Results as pictures: an SVG for each benchmark, and one page of HTML that shows all of them.

mod chart;
mod page;

use crate::report::{Mechanism, Report, Row};
use anyhow::{Context, Result};
use chart::{Bar, Line};
use pictures::way::{Stage, way};
use std::fs;
use std::path::Path;

/// A picture and the name of its file.
pub struct Picture {
    /// File name.
    pub name: String,
    /// What it shows, for readers who cannot see it.
    pub title: String,
    /// The file's text.
    pub svg: String,
}

/// Writes pictures and page of these results into a folder, and says where.
pub fn write(report: &Report, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let pictures = pictures(report)?;
    let page = page::page(report, &pictures);
    let named = pictures.iter().map(|picture| (&picture.name, &picture.svg));
    for (name, text) in named.chain([(&"index.html".into(), &page)]) {
        let file = folder.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    }
    println!("pictures: {}", folder.join("index.html").display());
    Ok(())
}

/// Of one benchmark, or of two that belong together, with its rows.
type Draw = fn(&Report, &[&Row]) -> Result<Picture>;

/// The pictures of all benchmarks that were run.
fn pictures(report: &Report) -> Result<Vec<Picture>> {
    let charts: [(&str, &[&str], Draw); 6] = [
        ("latency", &["latency"], latency),
        ("bandwidth", &["bandwidth", "bidirectional"], bandwidth),
        ("limits", &["limits", "limits-bidirectional"], limits),
        ("alternating", &["alternating"], alternating),
        ("dead-ring", &["dead-ring"], dead_ring),
        ("hit-rate", &["hit-rate"], hit_rate),
    ];
    let of = |benchmarks: &[&str]| -> Vec<&Row> {
        let rows = report.rows().iter();
        rows.filter(|row| benchmarks.contains(&row.benchmark))
            .collect()
    };
    let mut pictures = Vec::new();
    for (name, benchmarks, draw) in charts {
        let rows = of(benchmarks);
        if !rows.is_empty() {
            let picture = draw(report, &rows).with_context(|| format!("picture of {name}"))?;
            pictures.push(picture);
        }
    }
    pictures.extend(of(&["stages"]).into_iter().map(|row| stages(report, row)));
    Ok(pictures)
}

/// What the rows were measured on.
fn caption(report: &Report, rows: &[&Row]) -> String {
    let label = report.label();
    let profile = rows.iter().find_map(|row| row.pcie_profile.as_deref());
    format!(
        "core clock {} MHz, profile {}, seed {}",
        label.clock_hz / 1_000_000,
        profile.unwrap_or(&label.pcie_profile),
        label.seed
    )
}

/// Points of one form of message, by payload bytes.
fn points(rows: &[&Row], form: Mechanism, value: impl Fn(&Row) -> Option<f64>) -> Vec<(f64, f64)> {
    let rows = rows.iter().filter(|row| row.mechanism == form);
    let point = |row: &&Row| value(row).map(|value| (row.bytes as f64, value));
    rows.filter_map(point).collect()
}

fn latency(report: &Report, rows: &[&Row]) -> Result<Picture> {
    let cycle_ns = 1e9 / report.label().clock_hz as f64;
    let share = |row: &Row| row.niu_cycles.map(|cycles| cycles * cycle_ns);
    let lines = [
        Line::new(
            "Basic, program to program",
            points(rows, Mechanism::Basic, |row| row.one_way_ns),
        ),
        Line::new(
            "Express, program to program",
            points(rows, Mechanism::Express, |row| row.one_way_ns),
        ),
        Line::new("Basic, both NIUs", points(rows, Mechanism::Basic, share)),
        Line::new(
            "Express, both NIUs",
            points(rows, Mechanism::Express, share),
        ),
    ];
    let title = "One-way latency by payload";
    let axes = ["payload, bytes", "ns"];
    let svg = chart::lines(title, &caption(report, rows), axes, &lines)?;
    Ok(Picture {
        name: "latency.svg".into(),
        title: title.into(),
        svg,
    })
}

fn bandwidth(report: &Report, rows: &[&Row]) -> Result<Picture> {
    let of = |benchmark: &'static str| {
        move |row: &Row| row.mb_per_s.filter(|_| row.benchmark == benchmark)
    };
    let line = |name, form, benchmark| Line::new(name, points(rows, form, of(benchmark)));
    let lines = [
        line("Basic, one way", Mechanism::Basic, "bandwidth"),
        line("Express, one way", Mechanism::Express, "bandwidth"),
        line(
            "Basic, both ways together",
            Mechanism::Basic,
            "bidirectional",
        ),
        line(
            "Express, both ways together",
            Mechanism::Express,
            "bidirectional",
        ),
    ];
    let title = "Payload a second of one queue on each node";
    let axes = ["payload of a message, bytes", "MB/s"];
    let svg = chart::lines(title, &caption(report, rows), axes, &lines)?;
    Ok(Picture {
        name: "bandwidth.svg".into(),
        title: title.into(),
        svg,
    })
}

/// A bar for each row.
fn bars(
    report: &Report,
    rows: &[&Row],
    [name, title, unit]: [&str; 3],
    bar: impl Fn(&Row) -> (String, Option<f64>),
) -> Result<Picture> {
    let bars: Vec<Bar> = rows
        .iter()
        .filter_map(|row| {
            let (name, value) = bar(row);
            value.map(|value| Bar { name, value })
        })
        .collect();
    let svg = chart::bars(title, &caption(report, rows), unit, &bars)?;
    Ok(Picture {
        name: format!("{name}.svg"),
        title: title.into(),
        svg,
    })
}

fn limits(report: &Report, rows: &[&Row]) -> Result<Picture> {
    let texts = [
        "limits",
        "The least time between messages",
        "core cycles a message",
    ];
    bars(report, rows, texts, |row| {
        let ways = if row.benchmark == "limits" {
            "one way"
        } else {
            "both ways"
        };
        let queues = row.queues.unwrap_or(1);
        let name = format!(
            "{} {} B, queues: {queues}, {ways}",
            row.mechanism, row.bytes
        );
        (name, row.cycles_per_message)
    })
}

fn alternating(report: &Report, rows: &[&Row]) -> Result<Picture> {
    let title = "One queue that sends to one node, or to two in turn";
    bars(
        report,
        rows,
        ["alternating", title, "core cycles a message"],
        |row| {
            let destinations = row.destinations.unwrap_or(1);
            let wire = row.wire_cycles.unwrap_or(0);
            let name = format!("destinations: {destinations}, wire: {wire} cycles");
            (name, row.cycles_per_message)
        },
    )
}

fn hit_rate(report: &Report, rows: &[&Row]) -> Result<Picture> {
    let line = |name, pattern: &str, policy: &str| {
        let of_it = rows
            .iter()
            .filter(|row| row.pattern == Some(pattern) && row.policy.as_deref() == Some(policy));
        let point = |row: &&Row| Some(((row.queues? as f64).log2(), row.one_way_ns?));
        Line::new(name, of_it.filter_map(point).collect())
    };
    let lines = [
        line("uniform, round robin", "uniform", "round-robin"),
        line("Zipf, round robin", "zipf", "round-robin"),
        line(
            "uniform, least recently used",
            "uniform",
            "least-recently-used",
        ),
        line("Zipf, least recently used", "zipf", "least-recently-used"),
    ];
    let title = "Mean latency over virtual queues";
    let axes = ["virtual queues, base-2 logarithm", "ns"];
    let svg = chart::lines(title, &caption(report, rows), axes, &lines)?;
    Ok(Picture {
        name: "hit-rate.svg".into(),
        title: title.into(),
        svg,
    })
}

fn dead_ring(report: &Report, rows: &[&Row]) -> Result<Picture> {
    let title = "What a stream keeps of its rate beside queues whose receiver takes nothing";
    bars(
        report,
        rows,
        ["dead-ring", title, "share of its rate alone"],
        |row| {
            let queues = row.queues.unwrap_or(0);
            let wire = row.wire_cycles.unwrap_or(0);
            (
                format!("dead queues: {queues}, wire: {wire} cycles"),
                row.victim_share,
            )
        },
    )
}

fn stages(report: &Report, row: &Row) -> Picture {
    let receiver = |name: &str| {
        let mut codes = abi::control::stage::CODES.values.iter();
        // Stages from 8 on are the receiver's.
        codes.any(|code| code.name == name && code.value >= 8)
    };
    let stage = |time: &crate::report::StageTime| Stage {
        name: time.stage,
        cycle: time.cycle,
        at_receiver: receiver(time.stage),
    };
    let stages: Vec<Stage> = row.stages.iter().map(stage).collect();
    let title = format!(
        "The way of one {} message of {} bytes",
        row.mechanism, row.bytes
    );
    let caption = format!(
        "NIU cycles; blue: the sender's NIU, yellow: the receiver's; {}",
        caption(report, &[row])
    );
    let form = row.mechanism.to_string().to_lowercase();
    Picture {
        name: format!("way-{form}-{}.svg", row.bytes),
        svg: way(&title, &caption, &stages),
        title,
    }
}
