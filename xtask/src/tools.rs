//! The pinned tools: Python wheels in `target/tools`, and what must come from Debian.

mod debian;
mod wheels;

use anyhow::Result;

use crate::workspace::Workspace;

/// Makes sure that the tools stand ready. Takes no time when they do.
///
/// # Errors
/// When a Debian package is missing and cannot be installed, or the wheels cannot be fetched.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    debian::ensure()?;
    wheels::ensure(workspace)
}
