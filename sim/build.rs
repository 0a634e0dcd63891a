//! Verilates the NIU and compiles the model with its C shim.
//!
//! Needs what `cargo xtask generate` made: `target/generated/niu.v` and `vexriscv.v`, and Verilator in `target/tools`. Variables:
//!
//! | variable | what it does |
//! |---|---|
//! | `WAYFARER_TOOLS`, `WAYFARER_GENERATED` | where those are, if elsewhere |
//! | `WAYFARER_CONFIGURATION` | names the configuration that the NIU was generated with, if not the default one |
//! | `WAYFARER_NIU_VERILOG` | takes this file for the NIU instead of the generated `niu.v` |
//!
//! With the feature `waveforms` the model can write them. It then keeps every signal, which costs a quarter of its speed.

use build_support::{GENERATED_VARIABLE, TOOLS_VARIABLE, Tools, ToolsError, generated};
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
    println!("cargo:rerun-if-changed=src/model/shim.cpp");
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
        ("CLOCK_HERTZ", clock_hertz),
    ] {
        println!("cargo:rustc-env=WAYFARER_{name}={value}");
    }
    let tools = Tools::locate();
    let model = output.join("model");
    verilate(&tools, &model, waveforms);
    let half_cycle_ps = 500_000_000_000 / clock_hertz;
    let defines = [
        ("WAYFARER_RAM", processor_ram(&model, ram_bytes / 4)),
        ("WAYFARER_HALF_CYCLE_PS", half_cycle_ps.to_string()),
    ];
    compile(
        &model,
        &installed(tools.verilator_root()),
        waveforms,
        &defines,
    );
}

/// The Verilog of a cell with the NIU and its soft core.
fn sources() -> [PathBuf; 3] {
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
    sources
}

/// Has Verilator write the model's C++.
fn verilate(tools: &Tools, model: &Path, waveforms: bool) {
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
        .args(sources())
        .status()
        .expect("run Verilator");
    assert!(status.success(), "Verilator refused the NIU's Verilog");
}

fn installed<T>(found: Result<T, ToolsError>) -> T {
    found.unwrap_or_else(|error| panic!("the NIU cannot be Verilated: {error}"))
}

/// Compiles the model, and the shim with these definitions.
fn compile(model: &Path, verilator_root: &Path, waveforms: bool, defines: &[(&str, String)]) {
    let include = verilator_root.join("include");
    let build = |level: u32| {
        let mut build = cc::Build::new();
        build
            .cpp(true)
            .std("c++17")
            .opt_level(level)
            .debug(false)
            .warnings(false);
        build.flag_if_supported("-faligned-new");
        build
            .include(model)
            .include(&include)
            .include(include.join("vltstd"));
        let traces = if waveforms { "1" } else { "0" };
        for (name, value) in [
            ("VM_COVERAGE", "0"),
            ("VM_SC", "0"),
            ("VM_TRACE", traces),
            ("VM_TRACE_FST", traces),
            ("VM_TRACE_VCD", "0"),
        ] {
            build.define(name, value);
        }
        build
    };
    let mut files: Vec<PathBuf> = fs::read_dir(model)
        .expect("Verilator wrote its folder")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
        .collect();
    files.sort();
    // What runs once, or only while a waveform is written, is not worth the optimiser's time.
    let is_seldom = |path: &PathBuf| {
        let name = path.to_string_lossy();
        name.contains("__Slow") || name.contains("__Trace") || name.contains("__Syms")
    };
    let (seldom, mut hot): (Vec<_>, Vec<_>) = files.into_iter().partition(is_seldom);
    let runtime = ["verilated.cpp", "verilated_threads.cpp"];
    let runtime = runtime
        .into_iter()
        .chain(waveforms.then_some("verilated_fst_c.cpp"));
    hot.extend(runtime.map(|file| include.join(file)));
    hot.push("src/model/shim.cpp".into());
    let mut optimised = build(2);
    for (name, value) in defines {
        optimised.define(name, Some(value.as_str()));
    }
    optimised.files(hot).compile("wayfarer_niu");
    build(0).files(seldom).compile("wayfarer_niu_seldom");
    if waveforms {
        println!("cargo:rustc-link-lib=z");
        println!("cargo:rustc-link-lib=lz4");
    }
}

/// The name that Verilator gave to the processor's RAM: the only public memory of that shape.
fn processor_ram(model: &Path, words: u64) -> String {
    let shape = format!("VlUnpacked<IData/*31:0*/, {words}> ");
    let root = fs::read_to_string(model.join("Vniu___024root.h"))
        .expect("Verilator wrote the model's header");
    let names: Vec<&str> = root
        .lines()
        .filter_map(|line| line.trim().strip_prefix(&shape)?.strip_suffix(';'))
        .collect();
    match names[..] {
        [name] => name.into(),
        _ => panic!(
            "the model has {} memories like the processor's RAM of {words} words ({names:?}): was niu.v generated for this configuration?",
            names.len()
        ),
    }
}
