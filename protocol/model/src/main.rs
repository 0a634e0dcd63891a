//! `cargo xtask model`: explores the worlds of the protocol's model. See `docs/testing.md`.
#![forbid(unsafe_code)]

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use protocol::Rule;
use wayfarer_protocol_model::{
    experiments::{self, Expected, Experiment, Size, TRANSITIONS},
    explore::Finding,
};

/// Explores the worlds of the protocol's model, and sees that the lack of each rule shows.
#[derive(Parser)]
struct Arguments {
    /// The large worlds, too (minutes each)
    #[arg(long)]
    large: bool,
    /// Without this rule, by its name: prints the shortest way to what it breaks
    #[arg(long, value_name = "RULE")]
    without: Option<String>,
    /// Worlds whose name contains this
    filter: Option<String>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let named = |rule: &&Rule| Some(format!("{rule:?}")) == arguments.without;
    let rule = Rule::ALL.iter().find(named).copied();
    if arguments.without.is_some() && rule.is_none() {
        let names: Vec<String> = Rule::ALL.iter().map(|rule| format!("{rule:?}")).collect();
        eprintln!(
            "error: there is no rule of that name; the rules are {}",
            names.join(", ")
        );
        return ExitCode::FAILURE;
    }
    let filter = arguments.filter.unwrap_or_default();
    let chosen = |experiment: &Experiment| {
        experiment.name.contains(&filter) && (arguments.large || experiment.size == Size::Small)
    };
    let mut unexpected = 0;
    for experiment in experiments::all().into_iter().filter(chosen) {
        let began = Instant::now();
        let report = experiment.explore(rule, TRANSITIONS);
        let seconds = began.elapsed().as_secs_f32();
        println!(
            "{}: {} states, {seconds:.1} s: {}",
            experiment.name, report.states, report.finding
        );
        let expected = match experiment.expected {
            Expected::Holds => matches!(report.finding, Finding::Holds | Finding::CutOff),
            Expected::NeverCompletes => matches!(report.finding, Finding::NeverCompletes { .. }),
        };
        unexpected += u32::from(!expected && rule.is_none());
    }
    if unexpected > 0 {
        eprintln!("error: {unexpected} worlds are not as expected");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
