//! Link scripts, and the source revision that the image tells.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    // riscv-rt's link.x includes memory.x from the search path.
    fs::copy("memory.x", out.join("memory.x")).expect("copy memory.x");
    println!("cargo:rustc-link-search={}", out.display());
    for script in ["memory.x", "link.x", "defmt.x"] {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
    println!("cargo:rerun-if-changed=memory.x");
    println!("cargo:rerun-if-env-changed=WAYFARER_REVISION");
    let revision = env::var("WAYFARER_REVISION").unwrap_or_else(|_| git_revision());
    println!("cargo:rustc-env=WAYFARER_REVISION={revision}");
}

/// First eight digits of the commit; zeros outside of a repository.
fn git_revision() -> String {
    let output = Command::new("git")
        .args(["rev-parse", "--short=8", "HEAD"])
        .output();
    let text = output
        .ok()
        .filter(|output| output.status.success())
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.map(|text| text.chars().take(8).collect())
        .unwrap_or_else(|| "00000000".into())
}
