//! The commands and their arguments.

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::{generate, tools, workspace::Workspace};

/// Builds, tests and measures Wayfarer.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Fetch the pinned tools (Verilator, Yosys, nextpnr) into target/tools
    Tools,
    /// Generate the Verilog into target/generated
    Generate,
}

impl CommandLine {
    /// Runs the chosen command.
    pub fn run(self) -> Result<()> {
        let workspace = Workspace::locate()?;
        match self.command {
            Command::Tools => {
                tools::ensure(&workspace)?;
                println!("The tools are in {}", workspace.tools().display());
                Ok(())
            }
            Command::Generate => {
                tools::ensure(&workspace)?;
                generate::verilog(&workspace)?;
                println!("The Verilog is in {}", workspace.generated().display());
                Ok(())
            }
        }
    }
}
