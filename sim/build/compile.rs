//! Compiles the Verilated model with its C shim, after a trial run that tells the compiler what a cycle goes through.

use cc::Build;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

/// The C side of `NiuModel`.
pub const SHIM: &str = "src/model/shim.cpp";
/// The trial run.
pub const TRAINING: &str = "build/training.cpp";

/// A model as Verilator wrote it, and what it is compiled with.
pub struct Compilation {
    /// Folder of the model.
    pub model: PathBuf,
    /// Folder of Verilator's runtime.
    pub verilator_include: PathBuf,
    /// The model's name for the processor's RAM.
    pub processor_ram: String,
    /// Half a period of the core clock, in picoseconds.
    pub half_cycle_ps: u64,
    /// Cycles between credit frames.
    pub credit_interval: u64,
    /// Cycles in which the NIU's own reads age by a step.
    pub completion_timeout: u64,
    /// The model can write waveforms.
    pub waveforms: bool,
}

/// Library of what runs once, or only while a waveform is written.
const SELDOM: &str = "wayfarer_niu_seldom";

impl Compilation {
    /// Compiles it into libraries and tells Cargo to link them.
    pub fn run(&self) {
        let (seldom, mut hot) = self.files();
        // Not worth the optimiser's time.
        self.build(0).files(seldom).compile(SELDOM);
        let mut optimised = self.build(2);
        if self.trains(&optimised) {
            self.train(&hot);
            // What the trial run did not reach, as any message, is not to be thought of as never reached.
            optimised
                .flag("-fprofile-use")
                .flag_if_supported("-fprofile-partial-training");
        }
        hot.push(SHIM.into());
        optimised.files(hot).compile("wayfarer_niu");
        if self.waveforms {
            // They pack waveforms.
            println!("cargo:rustc-link-lib=z");
            println!("cargo:rustc-link-lib=lz4");
        }
    }

    /// Compiles the model so that it counts, and runs it: leaves the counts beside the objects, where the compiler
    /// looks for them when it makes the same objects again.
    fn train(&self, hot: &[PathBuf]) {
        let counting = ["-fprofile-generate"];
        let mut build = self.build(2);
        let objects = build
            .flags(counting)
            .files(hot)
            .file(TRAINING)
            .compile_intermediates();
        let output = PathBuf::from(env::var("OUT_DIR").expect("cargo sets OUT_DIR"));
        let program = output.join("training");
        let mut link = build.get_compiler().to_command();
        link.args(counting).args(objects);
        link.arg(output.join(format!("lib{SELDOM}.a")));
        succeed(link.arg("-pthread").arg("-o").arg(&program));
        // Counts of an earlier build would be added to.
        let counts = fs::read_dir(&output).expect("the objects are there");
        for entry in counts.filter_map(Result::ok) {
            if entry
                .path()
                .extension()
                .is_some_and(|extension| extension == "gcda")
            {
                fs::remove_file(entry.path()).expect("remove old counts");
            }
        }
        succeed(&mut Command::new(program));
    }

    /// Verilator's files: those that run seldom, and all others with the runtime's.
    fn files(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let mut files: Vec<PathBuf> = fs::read_dir(&self.model)
            .expect("Verilator wrote its folder")
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "cpp"))
            .collect();
        files.sort();
        let is_seldom = |path: &PathBuf| {
            let name = path.to_string_lossy();
            name.contains("__Slow") || name.contains("__Trace") || name.contains("__Syms")
        };
        let (seldom, mut hot): (Vec<_>, Vec<_>) = files.into_iter().partition(is_seldom);
        let runtime = ["verilated.cpp", "verilated_threads.cpp"].into_iter();
        let runtime = runtime.chain(self.waveforms.then_some("verilated_fst_c.cpp"));
        hot.extend(runtime.map(|file| self.verilator_include.join(file)));
        (seldom, hot)
    }

    /// A compiler of this level of optimisation.
    fn build(&self, level: u32) -> Build {
        let include = &self.verilator_include;
        let mut build = Build::new();
        build
            .cpp(true)
            .std("c++17")
            .opt_level(level)
            .debug(false)
            .warnings(false)
            .flag_if_supported("-faligned-new")
            .include(Path::new("src/model"))
            .include(&self.model)
            .include(self.model.with_file_name(""))
            .include(include)
            .include(include.join("vltstd"));
        let traces = if self.waveforms { "1" } else { "0" };
        let half_cycle_ps = self.half_cycle_ps.to_string();
        let credit_interval = self.credit_interval.to_string();
        let completion_timeout = self.completion_timeout.to_string();
        for (name, value) in [
            ("VM_COVERAGE", "0"),
            ("VM_SC", "0"),
            ("VM_TRACE", traces),
            ("VM_TRACE_FST", traces),
            ("VM_TRACE_VCD", "0"),
            ("WAYFARER_RAM", &self.processor_ram),
            ("WAYFARER_HALF_CYCLE_PS", &half_cycle_ps),
            ("WAYFARER_CREDIT_INTERVAL", &credit_interval),
            ("WAYFARER_COMPLETION_TIMEOUT", &completion_timeout),
        ] {
            build.define(name, value);
        }
        build
    }

    /// Whether the trial run is worth its time, which is about that of compiling the model: for
    /// programs made to be fast, by a compiler that takes its counts, on the machine they are made
    /// for. What writes waveforms is slow for other reasons.
    fn trains(&self, build: &Build) -> bool {
        let variable = |name: &str| env::var(name).expect("cargo sets it");
        !self.waveforms
            && variable("PROFILE") == "release"
            && variable("HOST") == variable("TARGET")
            && build.get_compiler().is_like_gnu()
    }
}

fn succeed(command: &mut Command) {
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
    assert!(status.success(), "{command:?} ended with {status}");
}
