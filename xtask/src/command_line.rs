//! The commands and their arguments.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{
    firmware, generate, lint, mutate,
    run::{self, Program, TestRunner},
    synth, tools,
    workspace::Workspace,
};

/// Builds, tests and measures Wayfarer.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure latency, bandwidth and message rate on a simulated cluster
    #[command(disable_help_flag = true)]
    Bench {
        /// Arguments of niu-bench: --quick, --only NAME, --json FILE, ... (--help lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Send a million random messages among four nodes and check each (minutes)
    #[command(disable_help_flag = true)]
    Soak {
        /// Arguments of niu-soak: --messages NUMBER, --nodes NUMBER, --seed NUMBER, ... (--help lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run every test
    Test {
        /// Arguments of the test runner: a filter of test names, --package NAME, ...
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check formatting, warnings, documentation and the generated Verilog
    Lint,
    /// Run niu-bench (the benchmark `stages`, unless --only names another) with waveforms of both NIUs
    #[command(disable_help_flag = true)]
    Trace {
        /// Arguments of niu-bench: --only NAME, --profile NAME, ... (--help lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Synthesise, place and route for a board; fails when timing is not met
    Synth(synth::Options),
    /// Break the NIU on purpose, a line at a time, and see that the cluster tests notice (by hand: twenty minutes)
    Mutate(mutate::Options),
    /// Generate the Verilog into target/generated, and the reference documents
    Generate,
    /// Build the service processor's image
    Firmware,
    /// Fetch the pinned tools (Verilator, Yosys, nextpnr) into target/tools
    Tools,
    /// What a change must pass: lint, test, a quick bench
    Ci,
}

impl CommandLine {
    /// Runs the chosen command.
    pub fn run(self) -> Result<()> {
        let workspace = Workspace::locate()?;
        match self.command {
            Command::Bench { arguments } => run::program(&workspace, Program::Bench, &arguments),
            Command::Soak { arguments } => run::program(&workspace, Program::Soak, &arguments),
            Command::Test { arguments } => {
                run::test(&workspace, TestRunner::best(&workspace), &arguments)
            }
            Command::Lint => lint::lint(&workspace),
            Command::Trace { arguments } => run::trace(&workspace, &arguments),
            Command::Synth(options) => synth::synth(&workspace, &options),
            Command::Mutate(options) => mutate::mutate(&workspace, &options),
            Command::Generate => {
                tools::ensure(&workspace)?;
                generate::all(&workspace)
            }
            Command::Firmware => firmware::build(&workspace),
            Command::Tools => tools::ensure(&workspace),
            Command::Ci => run::ci(&workspace),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn niu_bench_gets_all_of_its_arguments() {
        let given = ["--quick", "--only", "express", "--json", "file", "--help"];
        let line = CommandLine::parse_from(["cargo xtask", "bench"].iter().chain(&given));
        let Command::Bench { arguments } = line.command else {
            panic!("this is the bench command");
        };
        assert_eq!(arguments, given);
    }
}
