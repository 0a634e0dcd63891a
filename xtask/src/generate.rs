//! `cargo xtask generate`: everything that is made from sources of this repository and of the wheels.

use anyhow::Result;

use crate::{progress, vexriscv, workspace::Workspace};

/// Writes the Verilog of the NIU and of its processor to `target/generated`.
///
/// # Errors
/// When a tool is missing or a generator fails.
pub fn verilog(workspace: &Workspace) -> Result<()> {
    vexriscv::extract(workspace)?;
    let generated = workspace.generated();
    // The skeleton has no generator yet.
    if !workspace.root().join("hdl/src/bin/generate.rs").exists() {
        eprintln!("Verilog of the NIU: hdl has no generator yet");
        return Ok(());
    }
    progress::run_step(
        "Verilog of the NIU",
        workspace
            .cargo()
            .args([
                "run",
                "--package",
                "wayfarer-hdl",
                "--bin",
                "generate",
                "--",
                "--output",
            ])
            .arg(generated),
    )?;
    Ok(())
}

/// Everything: the Verilog, and the reference documents with the C header, which are kept in the repository.
///
/// # Errors
/// As [`verilog`].
pub fn all(workspace: &Workspace) -> Result<()> {
    verilog(workspace)?;
    // The skeleton has no generator yet.
    if !workspace
        .root()
        .join("abi/src/bin/generate-reference.rs")
        .exists()
    {
        eprintln!("Reference: abi has no generator yet");
        return Ok(());
    }
    progress::run_step(
        "Reference documents and C header",
        workspace.cargo().args([
            "run",
            "--package",
            "wayfarer-abi",
            "--bin",
            "generate-reference",
        ]),
    )?;
    Ok(())
}
