//! `bench`, `soak`, `trace`, `test` and `ci`: prepare everything, then run it.

use std::{path::Path, time::Instant};

use anyhow::Result;

use crate::{firmware, generate, lint, progress, tools, workspace::Workspace};

/// The package of the driver, its programs and the tests of clusters.
pub const HOST_DRIVER: &str = "wayfarer-host-driver";

/// Tools, Verilog and firmware: what simulation and tests are built from.
///
/// # Errors
/// When any of it cannot be made.
pub fn prepare(workspace: &Workspace) -> Result<()> {
    tools::ensure(workspace)?;
    generate::verilog(workspace)?;
    firmware::build(workspace)
}

/// A program of the host driver that runs on a simulated cluster.
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
}

/// Builds a program of the host driver and all it needs, and runs it with these arguments.
///
/// # Errors
/// When it cannot be built, or fails.
pub fn program(workspace: &Workspace, program: Program, arguments: &[String]) -> Result<()> {
    prepare(workspace)?;
    let cargo = |subcommand: &str| {
        let mut command = workspace.cargo();
        command.args([
            subcommand,
            "--release",
            "--package",
            HOST_DRIVER,
            "--bin",
            program.name(),
        ]);
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

/// Runs the benchmark with waveforms of both NIUs, and says where they are. Each benchmark writes the same files, so unless
/// the arguments choose one, it is `stages`, whose messages are marked.
///
/// # Errors
/// As [`program()`].
pub fn trace(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let folder = workspace.target().join("trace");
    program(
        workspace,
        Program::Bench,
        &trace_arguments(&folder, arguments),
    )?;
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

/// Runs every test of the workspace, doc tests included; with arguments, those that they select.
///
/// # Errors
/// When something does not compile or a test fails.
pub fn test(workspace: &Workspace, runner: TestRunner, arguments: &[String]) -> Result<()> {
    prepare(workspace)?;
    // Called at the top of the workspace, both run all of its packages unless the arguments name some.
    match runner {
        TestRunner::Cargo => {
            progress::run_attached("cargo test", workspace.cargo().arg("test").args(arguments))
        }
        TestRunner::Nextest => {
            progress::run_attached(
                "cargo nextest",
                workspace.cargo().args(["nextest", "run"]).args(arguments),
            )?;
            if !arguments.is_empty() {
                return Ok(());
            }
            // Nextest knows no doc tests.
            progress::run_attached("doc tests", workspace.cargo().args(["test", "--doc"]))
        }
    }
}

/// All that a change must pass: lint, every test, a quick bench. Says how long each took.
///
/// # Errors
/// That of the first that fails.
pub fn ci(workspace: &Workspace) -> Result<()> {
    let timed = |name: &str, run: &dyn Fn() -> Result<()>| {
        let started = Instant::now();
        let result = run();
        let verdict = if result.is_ok() { "passed" } else { "failed" };
        eprintln!(
            "ci: {name} {verdict} after {:.0} s",
            started.elapsed().as_secs_f64()
        );
        result
    };
    timed("lint", &|| lint::lint(workspace))?;
    // Plain cargo: it is on every machine, and its closing lines say what ran.
    timed("test", &|| test(workspace, TestRunner::Cargo, &[]))?;
    timed("bench", &|| {
        program(workspace, Program::Bench, &["--quick".to_owned()])
    })
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
}
