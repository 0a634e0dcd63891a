//! `cargo xtask generate`: everything that is made from sources of this repository and of the wheels.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result};
use build_support::REVISION_VARIABLE;

use crate::{progress, vexriscv, workspace::Workspace};

/// Writes the Verilog of the NIU and of its processor to `target/generated`. Files that come out as they were keep
/// their time stamps, so that no model is Verilated again for nothing.
///
/// # Errors
/// When a tool is missing or a generator fails.
pub fn verilog(workspace: &Workspace) -> Result<()> {
    vexriscv::extract(workspace)?;
    let fresh = workspace.generated().join("fresh");
    run_generator(workspace, workspace.cargo(), &fresh)?;
    let entries = fresh
        .read_dir()
        .with_context(|| format!("{} cannot be read", fresh.display()))?;
    for entry in entries {
        let file = entry?.path();
        let contents =
            fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        workspace.write_generated(&name, &contents)?;
    }
    Ok(())
}

/// Writes the same to a folder, but as of revision zero: a commit's name is a constant in the NIU,
/// and placement would depend on it.
///
/// # Errors
/// As [`verilog`].
pub fn verilog_without_revision(workspace: &Workspace, folder: &Path) -> Result<()> {
    vexriscv::extract(workspace)?;
    let core = workspace.generated().join("vexriscv.v");
    fs::copy(&core, folder.join("vexriscv.v"))
        .with_context(|| format!("{} cannot be copied", core.display()))?;
    let mut cargo = workspace.cargo();
    cargo.env(REVISION_VARIABLE, "00000000");
    run_generator(workspace, cargo, folder)
}

fn run_generator(workspace: &Workspace, mut cargo: Command, output: &Path) -> Result<()> {
    progress::run_step(
        "Verilog of the NIU",
        cargo
            .args([
                "run",
                "--locked",
                "--package",
                "wayfarer-hdl",
                "--bin",
                "generate",
            ])
            .args(workspace.features())
            .arg("--")
            .arg("--output")
            .arg(output),
    )?;
    Ok(())
}

/// Everything: the Verilog, and the reference documents with the C header, which are kept in the repository.
///
/// # Errors
/// As [`verilog`].
pub fn all(workspace: &Workspace) -> Result<()> {
    verilog(workspace)?;
    progress::run_step(
        "Reference documents and C header",
        workspace.cargo().args([
            "run",
            "--locked",
            "--package",
            "wayfarer-abi",
            "--bin",
            "generate-reference",
        ]),
    )?;
    Ok(())
}
