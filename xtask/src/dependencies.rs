//! `cargo xtask dependencies`: licences, sources and advisories of the crates that the project depends on.

use std::process::Command;

use anyhow::Result;

use crate::firmware;
use crate::progress::{run_step, succeeds};
use crate::workspace::Workspace;

/// The version that reads `deny.toml`.
const CARGO_DENY: &str = "0.20.2";

/// Checks the workspace and the firmware image against `deny.toml`. Builds cargo-deny into `target/cargo-deny` first,
/// which takes minutes, where it is not there yet.
///
/// # Errors
/// A crate breaks a rule, or cargo-deny cannot be built.
pub fn dependencies(workspace: &Workspace) -> Result<()> {
    let root = workspace.root().join("target/cargo-deny");
    let program = root.join("bin/cargo-deny");
    if !succeeds(Command::new(&program).arg("--version")) {
        let mut install = workspace.cargo();
        install
            .args(["install", "--locked", "cargo-deny", "--version", CARGO_DENY])
            .arg("--root")
            .arg(&root);
        run_step("cargo-deny: build (minutes, once)", &mut install)?;
    }
    let deny = |manifest: &str, what: &[&str]| {
        let mut command = Command::new(&program);
        command
            .current_dir(workspace.root())
            .arg("--manifest-path")
            .arg(workspace.root().join(manifest))
            .arg("--config")
            .arg(workspace.root().join("deny.toml"))
            .args(what);
        command
    };
    let advisories = succeeds(&mut deny("Cargo.toml", &["fetch", "db"]));
    if !advisories {
        eprintln!("Advisories: not checked, as their database cannot be reached from here");
    }
    let image = firmware::image_folder(workspace).join("Cargo.toml");
    let image = image.to_string_lossy();
    for (title, manifest) in [
        ("Licences and sources", "Cargo.toml"),
        ("Licences and sources of the firmware image", image.as_ref()),
    ] {
        let mut what = vec!["check", "licenses", "bans", "sources"];
        if advisories {
            what.push("advisories");
        }
        run_step(title, &mut deny(manifest, &what))?;
    }
    Ok(())
}
