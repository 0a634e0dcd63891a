//! The tools as the gate runs them.

use build_support::{Tools, ToolsError};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The workspace: parent of this crate.
fn workspace() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the crate lies in the workspace")
}

/// Folder for builds of the gate.
pub fn scratch() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| workspace().join("target"), PathBuf::from)
        .join("gate")
}

/// `VERILATOR_ROOT`.
///
/// # Panics
/// The tools are not installed.
pub fn verilator_root() -> PathBuf {
    installed(Tools::locate().verilator_root())
}

/// Verilator.
///
/// # Panics
/// The tools are not installed.
pub fn verilator() -> Command {
    installed(Tools::locate().verilator())
}

fn installed<T>(found: Result<T, ToolsError>) -> T {
    found.unwrap_or_else(|error| panic!("the gate cannot run: {error}"))
}

/// The synthesis tool, for checks and proofs.
pub fn yosys() -> Command {
    Tools::locate().yosys()
}

/// Runs a tool to its end; its output, standard error behind standard output.
///
/// # Errors
/// The output, if it failed.
pub fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().unwrap_or_else(|error| {
        panic!("{} does not run: {error}", command.get_program().display())
    });
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(text)
    } else {
        Err(text)
    }
}
