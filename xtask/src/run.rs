//! `bench`, `soak`, `trace`, `model` and `test`: prepare everything, then run it.

use std::path::Path;

use anyhow::Result;
use arguments::{BenchArguments, SoakArguments};
use clap::Parser;

use crate::{firmware, generate, progress, tools, workspace::Workspace};

/// The package of the programs and tests that run on simulated clusters.
pub const CLUSTER: &str = "wayfarer-cluster";

/// The package of the protocol's model.
const MODEL: &str = "wayfarer-protocol-model";

/// Tools, Verilog and firmware: what simulation and tests are built from.
///
/// # Errors
/// When any of it cannot be made.
pub fn prepare(workspace: &Workspace) -> Result<()> {
    tools::ensure(workspace)?;
    generate::verilog(workspace)?;
    firmware::build(workspace)
}

/// Arguments of Cargo.
type Features = &'static [&'static str];

/// A program that runs on a simulated cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Latency, bandwidth, message rate.
    Bench,
    /// Random messages, each of which is checked.
    Soak,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Bench => "niu-bench",
            Self::Soak => "niu-soak",
        }
    }

    /// The arguments of Cargo with which the program must be built for these arguments, asked before anything is
    /// built: an error if it would not take them. `door` is what the user called.
    fn features(self, door: &str, arguments: &[String]) -> Result<Features, clap::Error> {
        let line = std::iter::once(door).chain(arguments.iter().map(String::as_str));
        let waveforms = match self {
            Self::Bench => BenchArguments::try_parse_from(line)?.trace.is_some(),
            Self::Soak => SoakArguments::try_parse_from(line).map(|_| false)?,
        };
        Ok(if waveforms {
            &["--features", "waveforms"]
        } else {
            &[]
        })
    }

    /// The command that runs it.
    fn door(self) -> &'static str {
        match self {
            Self::Bench => "cargo xtask bench",
            Self::Soak => "cargo xtask soak",
        }
    }
}

/// Builds such a program and all it needs, and runs it with these arguments. Ends this program at once, with
/// what there is to say, when they are wrong or ask for help.
///
/// # Errors
/// When it cannot be built, or fails.
pub fn program(workspace: &Workspace, program: Program, arguments: &[String]) -> Result<()> {
    let features = program
        .features(program.door(), arguments)
        .unwrap_or_else(|error| error.exit());
    build_and_run(workspace, program, features, arguments)
}

fn build_and_run(
    workspace: &Workspace,
    program: Program,
    features: Features,
    arguments: &[String],
) -> Result<()> {
    prepare(workspace)?;
    let cargo = |subcommand: &str| {
        let mut command = workspace.cargo();
        command.args([
            subcommand,
            "--locked",
            "--release",
            "--package",
            CLUSTER,
            "--bin",
            program.name(),
        ]);
        command.args(workspace.features()).args(features);
        command
    };
    progress::run_step("Driver, simulator and Verilated NIU", &mut cargo("build"))?;
    progress::run_attached(
        program.name(),
        cargo("run")
            // Paths in the arguments are relative to where the user is.
            .current_dir(std::env::current_dir()?)
            .arg("--quiet")
            .arg("--manifest-path")
            .arg(workspace.root().join("Cargo.toml"))
            .arg("--")
            .args(arguments),
    )
}

/// Runs the benchmark with waveforms of both NIUs, and says where they are. Each benchmark writes the same files, so
/// unless the arguments choose one, it is `stages`, whose messages are marked.
///
/// # Errors
/// As [`program()`].
pub fn trace(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let folder = workspace.target().join("trace");
    let arguments = trace_arguments(&folder, arguments);
    let features = Program::Bench
        .features("cargo xtask trace", &arguments)
        .unwrap_or_else(|error| error.exit());
    build_and_run(workspace, Program::Bench, features, &arguments)?;
    println!(
        "\nWaveforms (one FST file a node, for GTKWave or Surfer) and packet logs: {}",
        folder.display()
    );
    println!(
        "Where to look: \"A waveform\" in docs/getting-started.md names the signals, docs/architecture.md the stages"
    );
    Ok(())
}

/// What `niu-bench` is given for a trace.
fn trace_arguments(folder: &Path, arguments: &[String]) -> Vec<String> {
    let mut all = vec!["--trace".to_owned(), folder.display().to_string()];
    let chooses = |argument: &String| argument == "--only" || argument.starts_with("--only=");
    if !arguments.iter().any(chooses) {
        all.extend(["--only", "stages"].map(String::from));
    }
    all.extend_from_slice(arguments);
    all
}

/// Explores the protocol's model. It needs neither hardware nor tools.
///
/// # Errors
/// When a world is not as expected.
pub fn model(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let mut cargo = workspace.cargo();
    cargo
        .args(["run", "--quiet", "--locked"])
        .args(["--package", MODEL, "--"])
        .args(arguments);
    progress::run_attached(MODEL, &mut cargo)
}

/// Runs every test of the workspace, doc tests included; with arguments, those that they select. With a configuration
/// named, the tests of whole clusters: those of blocks are written for the sizes of the default one.
///
/// # Errors
/// When something does not compile or a test fails.
pub fn test(workspace: &Workspace, runner: TestRunner, arguments: &[String]) -> Result<()> {
    prepare(workspace)?;
    if workspace.is_configured() {
        let mut cargo = workspace.cargo();
        let (what, subcommand) = match runner {
            TestRunner::Cargo => ("cargo test", &["test"][..]),
            TestRunner::Nextest => ("cargo nextest", &["nextest", "run"][..]),
        };
        cargo
            .args(subcommand)
            .args(["--locked", "--package", CLUSTER]);
        return progress::run_attached(what, cargo.args(workspace.features()).args(arguments));
    }
    // Called at the top of the workspace, both run all of its packages unless the arguments name some.
    match runner {
        TestRunner::Cargo => progress::run_attached(
            "cargo test",
            workspace.cargo().args(["test", "--locked"]).args(arguments),
        ),
        TestRunner::Nextest => {
            progress::run_attached(
                "cargo nextest",
                workspace
                    .cargo()
                    .args(["nextest", "run", "--locked"])
                    .args(arguments),
            )?;
            if !arguments.is_empty() {
                return Ok(());
            }
            // Nextest knows no doc tests.
            progress::run_attached(
                "doc tests",
                workspace.cargo().args(["test", "--locked", "--doc"]),
            )
        }
    }
}

/// Who runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestRunner {
    /// `cargo test`, which every machine has.
    Cargo,
    /// `cargo nextest`, which runs test programs at the same time.
    Nextest,
}

impl TestRunner {
    /// Nextest where it is installed.
    pub fn best(workspace: &Workspace) -> Self {
        if progress::succeeds(workspace.cargo().args(["nextest", "--version"])) {
            Self::Nextest
        } else {
            Self::Cargo
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_of_the_stages_unless_another_benchmark_is_chosen() {
        let given = |arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&text| text.into()).collect();
            trace_arguments(Path::new("folder"), &arguments).join(" ")
        };
        assert_eq!(given(&["--quick"]), "--trace folder --only stages --quick");
        assert_eq!(given(&["--only", "limits"]), "--trace folder --only limits");
        assert_eq!(given(&["--only=limits"]), "--trace folder --only=limits");
    }

    #[test]
    fn wrong_arguments_and_calls_for_help_are_seen_before_anything_is_built() {
        let check = |program: Program, arguments: &[&str]| {
            let arguments: Vec<String> = arguments.iter().map(|&text| text.into()).collect();
            let features = program.features(program.door(), &arguments);
            let features = features.map(|features| features.join(" "));
            features.map_err(|error| error.to_string())
        };
        let plain = Ok(String::new());
        assert_eq!(check(Program::Bench, &["--quick", "--only", "lat"]), plain);
        assert_eq!(check(Program::Soak, &["--nodes=2"]), plain);
        assert_eq!(
            check(Program::Bench, &["--trace", "folder"]),
            Ok("--features waveforms".into())
        );
        let said = |program, argument| check(program, &[argument]).unwrap_err();
        assert!(said(Program::Bench, "--fast").contains("--fast"));
        assert!(said(Program::Soak, "--quick").contains("--quick"));
        let help = said(Program::Bench, "--help");
        assert!(
            help.contains("Usage: cargo xtask bench [OPTIONS]"),
            "{help}"
        );
    }
}
