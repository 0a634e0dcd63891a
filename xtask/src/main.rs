//! `cargo xtask`: the one door to building, testing and measuring Wayfarer.
#![forbid(unsafe_code)]

mod book;
mod ci;
mod command_line;
mod debug;
mod dependencies;
mod firmware;
mod generate;
mod lint;
mod mutate;
mod pictures;
mod progress;
mod prose;
mod run;
mod synth;
mod tools;
mod vexriscv;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match command_line::CommandLine::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            for cause in error.chain().skip(1) {
                eprintln!("  because: {cause}");
            }
            ExitCode::FAILURE
        }
    }
}
