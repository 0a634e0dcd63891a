//! `debug` and `log`: look into the service processor of a simulated NIU.

use anyhow::Result;
use arguments::{DebugArguments, LogArguments};

use crate::{progress, run, workspace::Workspace};

/// The package of the program that does so; it has probe-rs, which nothing else needs.
const PACKAGE: &str = "wayfarer-debug";

/// Runs a cluster with a GDB server.
///
/// # Errors
/// When it cannot be built, or fails.
pub fn serve(workspace: &Workspace, arguments: &DebugArguments) -> Result<()> {
    let mut line = vec![
        "debug".to_owned(),
        format!("--sim={}", arguments.sim),
        format!("--nodes={}", arguments.nodes),
        format!("--port={}", arguments.port),
    ];
    if arguments.chip_description {
        line.push("--chip-description".to_owned());
    }
    program(workspace, &line)
}

/// Prints what the firmware logs.
///
/// # Errors
/// As [`serve`].
pub fn log(workspace: &Workspace, arguments: &LogArguments) -> Result<()> {
    let mut line = vec!["log".to_owned(), format!("--sim={}", arguments.sim)];
    if arguments.rtt {
        line.push("--rtt".to_owned());
    }
    program(workspace, &line)
}

fn program(workspace: &Workspace, line: &[String]) -> Result<()> {
    run::prepare(workspace)?;
    let cargo = |subcommand: &str| {
        let mut command = workspace.cargo();
        // As the tests build it: the simulator's inner loops are the Verilated model, which is optimised in any case.
        command.args([subcommand, "--locked", "--package", PACKAGE]);
        command.args(["--bin", "niu-debug"]);
        command
    };
    progress::run_step(
        "Driver, simulator, Verilated NIU and probe-rs",
        &mut cargo("build"),
    )?;
    progress::run_attached(
        "niu-debug",
        cargo("run").arg("--quiet").arg("--").args(line),
    )
}
