//! `judge_warnings FILE.v WARNINGS`: what of Verilator's warnings about a generated file means something.
//!
//! `cargo xtask lint` runs Verilator on all of `niu.v` and this program on its output. The judgement is that of the
//! gate of each block. Prints the warnings that do not pass; fails if there are any.

use clap::Parser;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{fs, io};
use wayfarer_hdl::gate::complaints;

/// Judges Verilator's warnings about generated Verilog.
#[derive(Parser)]
struct Arguments {
    /// The Verilog. Verilator ran in its folder.
    verilog: PathBuf,
    /// What Verilator wrote.
    warnings: PathBuf,
}

fn main() -> ExitCode {
    match judge(&Arguments::parse()) {
        Ok(complaints) if complaints.is_empty() => ExitCode::SUCCESS,
        Ok(complaints) => {
            println!("{}", complaints.join("\n"));
            ExitCode::FAILURE
        }
        Err(problem) => {
            eprintln!("judge_warnings: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn judge(arguments: &Arguments) -> Result<Vec<String>, String> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error: io::Error| format!("{}: {error}", path.display()))
    };
    let verilog = read(&arguments.verilog)?;
    let warnings = read(&arguments.warnings)?;
    let name = arguments.verilog.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    Ok(complaints(&name, &verilog, &warnings))
}
