//! `cargo xtask model`: explores the worlds of the protocol's model. See `docs/testing.md`.
#![forbid(unsafe_code)]

use std::{process::ExitCode, time::Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use protocol::Rule;
use wayfarer_protocol_model::{
    experiments::{self, Experiment, Size, TRANSITIONS},
    explore::Finding,
};

/// Explores the worlds of the protocol's model, and sees that the lack of each rule shows
#[derive(Parser)]
#[command(name = "cargo xtask model", bin_name = "cargo xtask model")]
struct Arguments {
    /// The large worlds, too: minutes and gigabytes each
    #[arg(long)]
    large: bool,
    /// Take this rule away and print what it leads to
    #[arg(long, value_name = "RULE")]
    without: Option<String>,
    /// Only worlds whose name contains this, and no search for missing rules
    filter: Option<String>,
}

impl Arguments {
    fn rule(&self) -> Result<Option<Rule>> {
        let Some(name) = &self.without else {
            return Ok(None);
        };
        let all = Rule::ALL.iter();
        let rule = all.clone().find(|rule| format!("{rule:?}") == *name);
        let names: Vec<String> = all.map(|rule| format!("{rule:?}")).collect();
        let rule = rule.with_context(|| format!("no such rule; there are {}", names.join(", ")))?;
        Ok(Some(*rule))
    }
}

/// Explores one world and prints the finding. Returns whether it was expected.
fn run(experiment: &Experiment, rule: Option<Rule>) -> bool {
    let began = Instant::now();
    let report = experiment.explore(rule, TRANSITIONS);
    let seconds = began.elapsed().as_secs_f32();
    let Experiment { name, .. } = experiment;
    println!(
        "{name}: {} states, {seconds:.1} s: {}",
        report.states, report.finding
    );
    experiment.expects(&report.finding)
}

fn explore(arguments: &Arguments) -> Result<()> {
    let rule = arguments.rule()?;
    let worlds = experiments::all();
    let filter = arguments.filter.as_deref().unwrap_or_default();
    let chosen = worlds.iter().filter(|world| {
        world.name.contains(filter) && (arguments.large || world.size == Size::Small)
    });
    let unexpected = chosen.filter(|world| !run(world, rule)).count();
    if rule.is_some() {
        return Ok(());
    }
    ensure!(unexpected == 0, "{unexpected} worlds are not as expected");
    if arguments.filter.is_none() {
        for &rule in Rule::ALL {
            let world = experiments::named(experiments::shows_lack_of(rule));
            let finding = world.explore(Some(rule), TRANSITIONS).finding;
            let shows = !matches!(finding, Finding::Holds | Finding::CutOff);
            println!("without {rule:?}, {}: {}", world.name, finding.summary());
            ensure!(shows, "the lack of {rule:?} does not show");
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    match explore(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
