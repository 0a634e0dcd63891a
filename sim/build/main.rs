//! Verilates the NIU and compiles the model with its C shim.
//!
//! Needs what `cargo xtask generate` made: `target/generated/niu.v` and `vexriscv.v`, and Verilator
//! in `target/tools`. Variables:
//!
//! | variable | what it does |
//! |---|---|
//! | `WAYFARER_TOOLS`, `WAYFARER_GENERATED` | where those are, if elsewhere |
//! | `WAYFARER_CONFIGURATION` | names the configuration that the NIU was generated with, if not the default one |
//! | `WAYFARER_NIU_VERILOG` | takes this file for the NIU instead of the generated `niu.v` |
//!
//! With the feature `waveforms` the model can write them. It then keeps every signal, which costs a
//! quarter of its speed. In the release profile it is compiled twice, with a trial run in between
//! (`compile.rs`), which makes it a sixth faster.

mod compile;
mod idle;

use build_support::{GENERATED_VARIABLE, TOOLS_VARIABLE, Tools, ToolsError, generated};
use compile::Compilation;
use std::path::{Path, PathBuf};
use std::{env, fs};
use wayfarer_configuration::Configuration;

/// Another Verilog of the NIU.
const VERILOG_VARIABLE: &str = "WAYFARER_NIU_VERILOG";

fn main() {
    let output = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
    for variable in [TOOLS_VARIABLE, GENERATED_VARIABLE, VERILOG_VARIABLE] {
        println!("cargo:rerun-if-env-changed={variable}");
    }
    for source in [compile::SHIM, compile::TRAINING] {
        println!("cargo:rerun-if-changed={source}");
    }
    let waveforms = env::var_os("CARGO_FEATURE_WAVEFORMS").is_some();
    // Those of its numbers that the simulator needs, as constants of `model`.
    let configuration =
        Configuration::chosen_for_build().unwrap_or_else(|problem| panic!("{problem}"));
    let ram_bytes = configuration.value("processor.ram_bytes");
    let clock_hertz = configuration.value("clock_hertz");
    for (name, value) in [
        (
            "NONPOSTED_CREDITS",
            configuration.value("host.nonposted_credits"),
        ),
        ("RAM_BYTES", ram_bytes),
        ("ENDPOINTS", configuration.value("queues.endpoints")),
        ("NODES", configuration.value("link.nodes")),
        (
            "TRANSLATION_ENTRIES",
            configuration.value("queues.translation_entries"),
        ),
        (
            "RECEIVE_QUEUE_IDS",
            configuration.value("queues.receive_queue_ids"),
        ),
        ("INLINE_PAGES", configuration.value("queues.inline_pages")),
        (
            "INTERRUPT_VECTORS",
            configuration.value("host.interrupt_vectors"),
        ),
        ("CLOCK_HERTZ", clock_hertz),
    ] {
        println!("cargo:rustc-env=WAYFARER_{name}={value}");
    }
    let tools = Tools::locate();
    let model = output.join("model");
    verilate(&tools, &output, &model, waveforms);
    let header = fs::read_to_string(model.join("Vniu___024root.h"));
    let header = header.expect("Verilator wrote the model's header");
    fs::write(output.join("niu_state.inc"), idle::state(&header)).expect("write the state");
    let half_cycle_ps = 500_000_000_000 / clock_hertz;
    let compilation = Compilation {
        verilator_include: installed(tools.verilator_root()).join("include"),
        processor_ram: processor_ram(&header, ram_bytes / 4),
        half_cycle_ps,
        credit_interval: configuration.value("link.credit_interval_cycles"),
        completion_timeout: configuration.value("host.completion_timeout_cycles"),
        waveforms,
        model,
    };
    compilation.run();
}

/// The Verilog of a cell with the NIU and its soft core; the NIU's as a copy with ways into its registers of time.
fn sources(output: &Path) -> [PathBuf; 3] {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..");
    let generated = generated();
    let niu = env::var_os(VERILOG_VARIABLE).map(PathBuf::from);
    let sources = [
        root.join("sim/src/model/niu_cell.v"),
        niu.unwrap_or_else(|| generated.join("niu.v")),
        generated.join("vexriscv.v"),
    ];
    for source in &sources {
        println!("cargo:rerun-if-changed={}", source.display());
        assert!(
            source.exists(),
            "{} is missing: run `cargo xtask generate` first",
            source.display()
        );
    }
    let [cell, niu, core] = sources;
    let verilog = fs::read_to_string(niu).expect("read the NIU's Verilog");
    let copy = output.join("niu.v");
    fs::write(&copy, idle::with_times(&verilog)).expect("write a copy of the NIU's Verilog");
    [cell, copy, core]
}

/// Has Verilator write the model's C++.
fn verilate(tools: &Tools, output: &Path, model: &Path, waveforms: bool) {
    let _ = fs::remove_dir_all(model);
    let status = installed(tools.verilator())
        // Values of x are chosen when a model is made: zero, or random from a seed (`NiuModel::new`).
        .args(["--cc", "-O3", "--x-assign", "fast", "--x-initial", "unique"])
        .args(["--no-timing", "--no-assert", "--flatten"])
        .args(waveforms.then_some("--trace-fst"))
        .args(["--output-split", "0"])
        .args(["-Wno-fatal", "-Wno-lint", "-Wno-style"])
        .args(["--top-module", "niu_cell", "--prefix", "Vniu", "--Mdir"])
        .arg(model)
        .args(sources(output))
        .status()
        .expect("run Verilator");
    assert!(status.success(), "Verilator refused the NIU's Verilog");
}

fn installed<T>(found: Result<T, ToolsError>) -> T {
    found.unwrap_or_else(|error| panic!("the NIU cannot be Verilated: {error}"))
}

/// The name that Verilator gave to the processor's RAM: the only public memory of that shape.
fn processor_ram(header: &str, words: u64) -> String {
    let shape = format!("VlUnpacked<IData/*31:0*/, {words}> ");
    let names: Vec<&str> = header
        .lines()
        .filter_map(|line| line.trim().strip_prefix(&shape)?.strip_suffix(';'))
        .collect();
    match names[..] {
        [name] => name.into(),
        _ => panic!(
            "the model has {} memories like the processor's RAM of {words} words ({names:?}): was niu.v generated for \
             this configuration?",
            names.len()
        ),
    }
}
