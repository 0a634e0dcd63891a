//! Link scripts, the source revision that the image tells, and numbers of the configuration that it needs.

use build_support::{REVISION_VARIABLE, revision};
use std::path::PathBuf;
use std::{env, fs};
use wayfarer_configuration::Configuration;

/// Core cycles of a processor cycle.
const PROCESSOR_CLOCK_DIVIDER: u64 = 2;

fn main() {
    let out = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    let configuration =
        Configuration::chosen_for_build().unwrap_or_else(|problem| panic!("{problem}"));
    let ram_bytes = configuration.value("processor.ram_bytes");
    let queues = configuration.queues_of_a_side();
    let stack_bytes = configuration.stack_bytes();
    let hertz = configuration.value("clock_hertz") / PROCESSOR_CLOCK_DIVIDER;
    println!("cargo:rustc-env=WAYFARER_QUEUES={queues}");
    for (name, key) in [
        ("WAYFARER_ENDPOINTS", "queues.endpoints"),
        ("WAYFARER_RECEIVE_QUEUE_IDS", "queues.receive_queue_ids"),
    ] {
        println!("cargo:rustc-env={name}={}", configuration.value(key));
    }
    println!("cargo:rustc-env=WAYFARER_PROCESSOR_HERTZ={hertz}");
    // riscv-rt's link.x includes memory.x from the search path.
    let template = fs::read_to_string("memory.x.in").expect("read memory.x.in");
    let script = template
        .replace("<RAM_BASE>", &format!("{:#x}", abi::processor::RAM_BASE))
        .replace("<RAM_BYTES>", &ram_bytes.to_string())
        .replace("<STACK_BYTES>", &stack_bytes.to_string());
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
