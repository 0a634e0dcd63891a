//! The service processor's image: built for RISC-V, flattened to what its RAM holds at reset.

mod flatten;

use std::{fs, path::PathBuf, process::Command};

use anyhow::{Context, Result};

use crate::{progress, workspace::Workspace};

/// The soft core is RV32IMAC.
pub const TARGET: &str = "riscv32imac-unknown-none-elf";

/// Sees to it that Rust's library for the soft core is installed: rustup does so by itself only where it is allowed to.
///
/// # Errors
/// When it is missing and rustup cannot fetch it.
pub fn ensure_target(workspace: &Workspace) -> Result<()> {
    let mut rustc = Command::new("rustc");
    rustc
        .current_dir(workspace.root())
        .args(["--print", "target-libdir", "--target", TARGET]);
    let output = rustc.output().context("rustc does not run")?;
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if output.status.success() && folder.exists() {
        return Ok(());
    }
    let mut rustup = Command::new("rustup");
    rustup
        .current_dir(workspace.root())
        .args(["target", "add", TARGET]);
    progress::run_step("Rust's library for the soft core", &mut rustup)
        .with_context(|| format!("install it by hand: rustup target add {TARGET}"))?;
    Ok(())
}

/// Builds `firmware/image` and writes `firmware.bin` (from the start of RAM on) and `firmware.hex` (the same as 32-bit
/// words for `$readmemh`) to the generated folder.
///
/// # Errors
/// When the image does not compile, or does not fit the processor's memory.
pub fn build(workspace: &Workspace) -> Result<()> {
    ensure_target(workspace)?;
    let ram_bytes = workspace.configuration()?.value("processor.ram_bytes");
    let output = progress::run_step(
        "Firmware image",
        workspace
            .cargo()
            // So that the image's own .cargo/config.toml (linker script) counts.
            .current_dir(image_folder(workspace))
            // defmt leaves out all but errors unless it is asked for more when the image is compiled.
            .env("DEFMT_LOG", "info")
            .args(["build", "--locked", "--release", "--target", TARGET])
            .args(workspace.features())
            .arg("--message-format=json-render-diagnostics"),
    )
    .with_context(|| {
        format!(
            "the firmware image was not built; if Rust's target is missing: rustup target add {TARGET}; if the image \
             does not fit: processor.ram_bytes of the configuration is {ram_bytes}"
        )
    })?;
    let executable =
        executable(&output).context("the package firmware/image makes no executable")?;
    let elf = fs::read(&executable)
        .with_context(|| format!("{} cannot be read", executable.display()))?;
    let ram = flatten::Memory {
        base: abi::processor::RAM_BASE as u64,
        bytes: ram_bytes,
    };
    let image = flatten::flatten(&elf, ram).with_context(|| {
        format!(
            "{} cannot be loaded into the service processor",
            executable.display()
        )
    })?;
    workspace.write_generated("firmware.bin", &image)?;
    // Debuggers and readers of the log need its symbols.
    workspace.write_generated("firmware.elf", &elf)?;
    workspace.write_generated(
        "firmware.hex",
        flatten::hexadecimal_words(&image).as_bytes(),
    )
}

/// The image is a package of its own, outside the workspace, because it is built for another target.
pub fn image_folder(workspace: &Workspace) -> PathBuf {
    workspace.root().join("firmware/image")
}

/// The last executable that Cargo's machine-readable messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter_map(|message| message["executable"].as_str().map(PathBuf::from))
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_executable_is_found_among_other_messages() {
        let messages = concat!(
            "   Compiling image v0.1.0\n",
            "{\"reason\":\"compiler-artifact\",\"executable\":null}\n",
            "{\"reason\":\"compiler-artifact\",\"executable\":\"some/where/image\"}\n",
            "{\"reason\":\"build-finished\",\"success\":true}\n",
        );
        assert_eq!(
            executable(messages),
            Some(PathBuf::from("some/where/image"))
        );
        assert_eq!(executable("{\"reason\":\"build-finished\"}"), None);
    }
}
