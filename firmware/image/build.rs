//! Link scripts, and the source revision that the image tells.

use build_support::{REVISION_VARIABLE, revision};
use std::path::PathBuf;
use std::{env, fs};
use wayfarer_configuration::Configuration;

/// Bytes that the stack must have at least; the image uses a fraction of them.
const STACK_BYTES: u64 = 4096;

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    let configuration =
        Configuration::chosen_for_build().unwrap_or_else(|problem| panic!("{problem}"));
    let ram_bytes = configuration.value("processor.ram_bytes");
    // riscv-rt's link.x includes memory.x from the search path.
    let template = fs::read_to_string("memory.x.in").expect("read memory.x.in");
    let script = template
        .replace("<RAM_BASE>", &format!("{:#x}", abi::processor::RAM_BASE))
        .replace("<RAM_BYTES>", &ram_bytes.to_string())
        .replace("<STACK_BYTES>", &STACK_BYTES.to_string());
    fs::write(out.join("memory.x"), script).expect("write memory.x");
    println!("cargo:rustc-link-search={}", out.display());
    for script in ["memory.x", "link.x", "defmt.x"] {
        println!("cargo:rustc-link-arg-bins=-T{script}");
    }
    println!("cargo:rerun-if-changed=memory.x.in");
    println!("cargo:rerun-if-env-changed={REVISION_VARIABLE}");
    let revision = revision().unwrap_or_else(|error| panic!("{error}"));
    println!("cargo:rustc-env={REVISION_VARIABLE}={revision:08x}");
}
