//! Link scripts, and the source revision that the image tells.

use build_support::{REVISION_VARIABLE, revision};
use std::path::PathBuf;
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
    println!("cargo:rerun-if-env-changed={REVISION_VARIABLE}");
    let revision = revision().unwrap_or_else(|error| panic!("{error}"));
    println!("cargo:rustc-env={REVISION_VARIABLE}={revision:08x}");
}
