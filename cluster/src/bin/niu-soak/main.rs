//! `niu-soak`: random messages among the nodes of a simulated cluster, each of them checked.

use anyhow::Result;
use arguments::SoakArguments;
use clap::Parser;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use sim::cluster::ClusterOptions;
use sim::profile::Profile;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use wayfarer_cluster::launch::{firmware_path, read_firmware};
use wayfarer_cluster::soak::{self, Outcome, Scenario, SoakOptions};

/// Core cycles for a message, at the very least; a run that needs more has come to a standstill.
const MAXIMUM_CYCLES_PER_MESSAGE: u64 = 10_000;
/// Core cycles for setting up and taking down.
const MAXIMUM_CYCLES_BESIDES: u64 = 10_000_000;
/// How often the progress bar looks.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

fn main() -> Result<()> {
    let arguments = SoakArguments::parse();
    let path = arguments.firmware.clone().unwrap_or_else(firmware_path);
    let firmware = read_firmware(&path)?;
    let is_chosen = |scenario: &Scenario| arguments.chooses(scenario.name());
    let scenarios: Vec<Scenario> = Scenario::ALL.into_iter().filter(is_chosen).collect();
    for &scenario in &scenarios {
        let options = SoakOptions {
            scenario,
            messages: arguments.messages / scenarios.len() as u64,
            cluster: cluster(scenario, &arguments, firmware.clone())?,
            received: Arc::default(),
        };
        print(&run(options)?);
    }
    Ok(())
}

fn cluster(
    scenario: Scenario,
    arguments: &SoakArguments,
    firmware: Vec<u8>,
) -> Result<ClusterOptions> {
    let wire_delay = arguments.wire_delay;
    Ok(ClusterOptions {
        nodes: arguments.nodes.unwrap_or(scenario.nodes()),
        seed: arguments.seed,
        threads: arguments.threads,
        wire_delay_cycles: wire_delay.unwrap_or(scenario.wire_delay_cycles()),
        random_initial_values: arguments.random_initial_values,
        maximum_cycles: arguments
            .messages
            .saturating_mul(MAXIMUM_CYCLES_PER_MESSAGE)
            .saturating_add(MAXIMUM_CYCLES_BESIDES),
        ..ClusterOptions::new(Profile::named(&arguments.profile)?, firmware)
    })
}

/// Runs a scenario, and shows how far it has come.
fn run(options: SoakOptions) -> Result<Outcome> {
    println!(
        "{}: {} messages among {} nodes, wire delay {}, profile {}, seed {}",
        options.scenario.name(),
        HumanCount(options.messages),
        options.cluster.nodes,
        options.cluster.wire_delay_cycles,
        options.cluster.profile.name,
        options.cluster.seed
    );
    let received: Arc<AtomicU64> = Arc::clone(&options.received);
    let progress = ProgressBar::new(options.messages);
    progress.set_style(ProgressStyle::with_template(
        "{bar:30} {human_pos}/{human_len} messages, {elapsed} (still {eta})",
    )?);
    let outcome = std::thread::scope(|scope| {
        let simulation = scope.spawn(|| soak::run(options));
        while !simulation.is_finished() {
            progress.set_position(received.load(Ordering::Relaxed));
            std::thread::sleep(PROGRESS_INTERVAL);
        }
        simulation.join()
    });
    progress.finish_and_clear();
    Ok(outcome.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?)
}

fn print(outcome: &Outcome) {
    let Outcome {
        tally,
        verdict,
        report,
    } = outcome;
    if let Some(verdict) = verdict {
        println!(
            "{} endpoints came and went: {} with messages unanswered, {} after their queue had failed, {} with their \
             NIU; one queue had {} owners",
            HumanCount(verdict.guests),
            HumanCount(verdict.early),
            HumanCount(verdict.failed),
            HumanCount(verdict.reset),
            HumanCount(verdict.most_owners)
        );
    }
    let seconds = report.wall.as_secs_f64();
    println!(
        "{} Express and {} Basic messages, {} bytes: each came once, whole and in its order",
        HumanCount(tally.express),
        HumanCount(tally.basic),
        HumanCount(tally.bytes)
    );
    println!(
        "{} probes of full rings; trace hash {:016x}",
        HumanCount(tally.probes),
        report.trace_hash
    );
    println!(
        "{} cycles in {seconds:.1} s: {:.1} thousand cycles a second, {:.0} messages a second",
        HumanCount(report.cycles),
        report.cycles as f64 / seconds / 1000.0,
        (tally.express + tally.basic) as f64 / seconds
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_every_scenario() {
        assert_eq!(Scenario::ALL.map(Scenario::name), arguments::SCENARIOS);
    }

    #[test]
    fn arguments_allow_what_the_simulator_allows() {
        let simulated = sim::cluster::MAXIMUM_WIRE_CYCLES;
        assert_eq!(arguments::MAXIMUM_WIRE_CYCLES, simulated);
    }
}
