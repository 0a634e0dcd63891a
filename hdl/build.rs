//! Turns the configuration file into constants.

use std::path::PathBuf;
use std::{env, fs, process};
use wayfarer_configuration::Configuration;

fn main() {
    let configuration = Configuration::chosen_for_build().unwrap_or_else(|problem| {
        eprintln!("{problem}");
        process::exit(1);
    });
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("configuration.rs"), configuration.rust()).expect("OUT_DIR can be written");
}
