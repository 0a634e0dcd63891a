//! Turns the configuration file into constants.

#[path = "src/configuration/file.rs"]
#[allow(dead_code, reason = "the generator uses the rest")]
mod file;

use std::path::PathBuf;
use std::{env, fs, process};

/// Names a configuration file instead of the default one.
const VARIABLE: &str = "WAYFARER_CONFIGURATION";

fn main() {
    let root =
        PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let default = root.join("configurations/default.toml");
    let path = env::var_os(VARIABLE).map_or(default, PathBuf::from);
    println!("cargo:rerun-if-env-changed={VARIABLE}");
    println!("cargo:rerun-if-changed={}", path.display());
    println!("cargo:rerun-if-changed=src/configuration/file.rs");
    let configuration = fs::read_to_string(&path)
        .map_err(|error| error.to_string())
        .and_then(|text| file::Configuration::parse(&text));
    let configuration = configuration.unwrap_or_else(|problem| {
        eprintln!("{}:\n{problem}", path.display());
        process::exit(1);
    });
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("configuration.rs"), configuration.rust()).expect("OUT_DIR can be written");
}
