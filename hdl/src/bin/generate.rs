//! `generate --output DIR [--configuration FILE.toml]`: writes `DIR/niu.v`, whose top module is `niu`.
//!
//! The same sources and configuration give the same bytes. Sizes are compiled in, so for another
//! configuration than the one this program was built for it has Cargo build itself anew, in a
//! target directory of that configuration's own.

use clap::Parser;
use rust_hdl::prelude::*;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};
use wayfarer_configuration::{CONFIGURATION_VARIABLE, Configuration};
use wayfarer_hdl::configuration::{self, CLOCK_HERTZ};
use wayfarer_hdl::control::Identity;
use wayfarer_hdl::emit::emit_design;

/// Writes the Verilog of the NIU.
#[derive(Parser)]
struct Arguments {
    /// Directory for `niu.v`; made if it does not exist.
    #[arg(long)]
    output: PathBuf,
    /// Configuration file, such as `hdl/configurations/small.toml`; that of this build if none is given.
    #[arg(long)]
    configuration: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("generate: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    if let Some(path) = &arguments.configuration {
        let wanted = Configuration::read(path)?;
        if wanted != configuration::compiled_in()? {
            return build_for(path, arguments);
        }
    }
    let identity = Identity {
        hardware_revision: build_support::revision().map_err(|error| error.to_string())?,
        clock_hertz: CLOCK_HERTZ as u32,
    };
    let file = arguments.output.join("niu.v");
    fs::create_dir_all(&arguments.output).map_err(|error| about(&arguments.output, &error))?;
    fs::write(&file, verilog(identity)).map_err(|error| about(&file, &error))
}

fn about(path: &Path, problem: &dyn std::fmt::Display) -> String {
    format!("{}: {problem}", path.display())
}

/// The top block, and nothing else that would have to change with it.
fn verilog(identity: Identity) -> String {
    let mut unit = wayfarer_hdl::niu::Niu::new(identity);
    unit.connect_all();
    emit_design("niu", &unit)
}

/// Has Cargo build and run this program for another configuration.
fn build_for(path: &Path, arguments: &Arguments) -> Result<(), String> {
    let absolute = path.canonicalize().map_err(|error| about(path, &error))?;
    if env::var_os(CONFIGURATION_VARIABLE).is_some_and(|built| Path::new(&built) == absolute) {
        return Err(about(path, &"changed while it was being built"));
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let name = path.file_stem().unwrap_or_default();
    let target = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../target/configurations")
        .join(name);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["run", "--quiet", "--bin", "generate", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .arg("--")
        .arg("--output")
        .arg(&arguments.output)
        .arg("--configuration")
        .arg(&absolute)
        .env(CONFIGURATION_VARIABLE, &absolute)
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(about(path, &"the generator for it failed"))
    }
}
