//! `cargo xtask lint`: formatting, warnings, documentation, generated Verilog.

use std::process::Command;

use anyhow::{Context, Result};

use crate::{firmware, generate, mutate, progress::run_step, prose, tools, workspace::Workspace};

/// Waivers for the soft core's Verilog, which is not ours to mend.
const VEXRISCV_WAIVER: &str = "`verilator_config\nlint_off -file \"*vexriscv.v\"\n";

/// Runs all checks; the first that finds something ends the run with its output.
///
/// # Errors
/// Names the check that found something.
pub fn lint(workspace: &Workspace) -> Result<()> {
    prose::check(workspace.root())?;
    formatting(workspace)?;
    // The simulator is linted with its Verilated model, which needs all of this.
    tools::ensure(workspace)?;
    firmware::ensure_target(workspace)?;
    generate::verilog(workspace)?;
    mutate::check(workspace)?;
    warnings(workspace)?;
    verilator(workspace)?;
    yosys(workspace)
}

/// Cargo in the folder of the firmware image, which is a package of its own.
fn image_cargo(workspace: &Workspace) -> Command {
    let mut command = workspace.cargo();
    command.current_dir(firmware::image_folder(workspace));
    command
}

fn formatting(workspace: &Workspace) -> Result<()> {
    run_step(
        "Formatting",
        workspace.cargo().args(["fmt", "--all", "--check"]),
    )
    .context("run `cargo fmt --all`")?;
    run_step(
        "Formatting of the firmware image",
        image_cargo(workspace).args(["fmt", "--check"]),
    )
    .context("run `cargo fmt` in firmware/image")?;
    Ok(())
}

/// What rustc, Clippy and rustdoc have to say.
fn warnings(workspace: &Workspace) -> Result<()> {
    let deny_warnings = ["--", "--deny", "warnings"];
    run_step(
        "Clippy",
        workspace
            .cargo()
            .args(["clippy", "--locked", "--workspace", "--all-targets"])
            .args(deny_warnings),
    )?;
    run_step(
        "Clippy on the firmware image",
        image_cargo(workspace)
            .args([
                "clippy",
                "--locked",
                "--release",
                "--target",
                firmware::TARGET,
            ])
            .args(deny_warnings),
    )?;
    run_step(
        "Documentation",
        workspace
            .cargo()
            .env("RUSTDOCFLAGS", "--deny warnings")
            .args([
                "doc",
                "--locked",
                "--workspace",
                "--no-deps",
                "--document-private-items",
            ]),
    )?;
    Ok(())
}

/// Verilator's warnings. `hdl/lint.vlt` accounts for those that are meant in the NIU alone; the others are judged as
/// the gate of each block judges them, the widths line by line.
fn verilator(workspace: &Workspace) -> Result<()> {
    workspace.write_generated("vexriscv.vlt", VEXRISCV_WAIVER.as_bytes())?;
    let warnings = run_step(
        "Verilator lint",
        workspace
            .tools()
            .verilator()?
            .current_dir(workspace.generated())
            .args(["--lint-only", "-Wall", "-Wno-fatal", "--top-module", "niu"])
            // The soft core names a time scale; files without one would be warned about.
            .args(["--timescale", "1ns/1ps", "vexriscv.vlt"])
            .arg(workspace.root().join("hdl/lint.vlt"))
            .args(["niu.v", "vexriscv.v"]),
    )?;
    workspace.write_generated("warnings.txt", warnings.as_bytes())?;
    run_step(
        "Verilator's warnings",
        workspace
            .cargo()
            .args(["run", "--quiet", "--package", "wayfarer-hdl"])
            .args(["--bin", "judge_warnings", "--"])
            .args(["niu.v", "warnings.txt"].map(|file| workspace.generated().join(file))),
    )
    .context(
        "the generated Verilog has warnings: mend the block, or waive it in hdl/src/gate/lint.rs with the reason why \
         it is meant",
    )?;
    Ok(())
}

/// Latches, combinational loops, several drivers: Yosys sees what rust-hdl and Verilator let pass.
fn yosys(workspace: &Workspace) -> Result<()> {
    // The soft core as a black box: it has undriven wires that are not ours to mend.
    let script = "read_verilog niu.v; read_verilog -lib vexriscv.v; hierarchy -check -top niu; proc; check -assert; \
                  select -assert-none t:$dlatch t:$adlatch t:$dlatchsr";
    run_step(
        "Yosys check",
        workspace
            .tools()
            .yosys()
            .current_dir(workspace.generated())
            .args(["-q", "-p", script]),
    )
    .context("Yosys found a latch, a loop or a signal with several drivers")?;
    Ok(())
}
