//! Verilog to a program that replays a recording.

use super::{
    record::{Port, Recording, Role},
    tools,
};
use std::{
    collections::hash_map::DefaultHasher,
    fs,
    hash::{Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

/// Part of every build's name: change it when this file or the C++ beside it changes what a build contains.
const RECIPE: u32 = 1;

/// The C++ that does not depend on the block.
const REPLAY: &str = include_str!("replay.h");

/// Verilator's own sources that every model needs.
const RUNTIME_SOURCES: [&str; 2] = ["verilated.cpp", "verilated_threads.cpp"];

/// A Verilated block, ready to run.
pub struct Built {
    folder: PathBuf,
    name: String,
}

/// Verilates and compiles, unless that was done for the same Verilog before.
///
/// # Panics
/// If Verilator or the C++ compiler fails.
pub fn build(name: &str, verilog: &str, ports: &[Port]) -> Built {
    let folder = scratch_for(name, &(REPLAY, verilog, format!("{ports:?}")));
    let built = Built {
        folder,
        name: name.to_string(),
    };
    if !built.folder.exists() {
        make_at_once(&built.folder, |folder| {
            verilate(name, verilog, folder);
            compile(ports, folder);
        });
    }
    built
}

/// The folder for what depends on `contents` alone.
pub fn scratch_for(name: &str, contents: &impl Hash) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (RECIPE, contents).hash(&mut hasher);
    tools::scratch().join(format!("{name}-{:016x}", hasher.finish()))
}

/// Lets `make` fill a folder that appears under its name only when complete, whoever else does the same.
fn make_at_once(folder: &Path, make: impl FnOnce(&Path)) {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    // Relaxed: the count only has to differ between threads.
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let unfinished = folder.with_extension(format!("unfinished-{}-{count}", std::process::id()));
    fs::create_dir_all(&unfinished).expect("the folder for builds can be made");
    make(&unfinished);
    if fs::rename(&unfinished, folder).is_err() {
        assert!(folder.exists(), "{} cannot be made", folder.display());
        let _ = fs::remove_dir_all(&unfinished);
    }
}

fn verilate(name: &str, verilog: &str, folder: &Path) {
    fs::write(folder.join("block.v"), verilog).expect("the build folder can be written");
    let output = tools::run(
        tools::verilator()
            .current_dir(folder)
            .args([
                "--cc",
                "-Wall",
                "-Wno-fatal",
                "--no-timing",
                "--prefix",
                "Vblock",
                "--Mdir",
                "model",
            ])
            // One file per model: it is compiled in one go.
            .args(["--output-split", "0", "--x-assign", "0", "--x-initial", "0"])
            .args(["--top-module", name, "block.v"]),
    )
    .unwrap_or_else(|text| {
        panic!(
            "{name}: Verilator fails on {}/block.v:\n{text}",
            folder.display()
        )
    });
    fs::write(folder.join("warnings.txt"), output).expect("the build folder can be written");
}

fn compile(ports: &[Port], folder: &Path) {
    let model = folder.join("model");
    let mut sources: Vec<String> = fs::read_dir(&model)
        .expect("Verilator wrote its model")
        .map(|entry| {
            entry
                .expect("it can be listed")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|file| file.ends_with(".cpp"))
        .collect();
    sources.sort();
    let includes: String = sources
        .iter()
        .map(|file| format!("#include \"model/{file}\"\n"))
        .collect();
    let program = format!("{includes}{REPLAY}{}", ports_in_cpp(ports));
    fs::write(folder.join("replay.cpp"), program).expect("the build folder can be written");
    let mut compiler = compiler();
    compiler
        .current_dir(folder)
        .args(["-I.", "-Imodel", "replay.cpp"]);
    compiler.args(runtime()).args(["-o", "replay", "-pthread"]);
    tools::run(&mut compiler).unwrap_or_else(|text| panic!("the model does not compile:\n{text}"));
}

/// The compiler, without optimisation: compiling takes longer than running.
fn compiler() -> Command {
    let root = tools::verilator_root();
    let mut command = Command::new(std::env::var_os("CXX").unwrap_or_else(|| "g++".into()));
    command.args(["-std=c++17", "-O0", "-w"]);
    for part in ["include", "include/vltstd"] {
        command.arg("-isystem").arg(root.join(part));
    }
    command
}

/// Verilator's runtime, compiled once.
fn runtime() -> Vec<PathBuf> {
    static ONCE: Mutex<()> = Mutex::new(());
    let _guard = ONCE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let root = tools::verilator_root();
    let root_path = fs::canonicalize(&root).expect("Verilator is there");
    let folder = scratch_for("runtime", &root_path);
    if !folder.exists() {
        make_at_once(&folder, |folder| {
            let mut compiler = compiler();
            compiler.current_dir(folder).arg("-c");
            compiler.args(RUNTIME_SOURCES.map(|source| root.join("include").join(source)));
            tools::run(&mut compiler)
                .unwrap_or_else(|text| panic!("Verilator's runtime does not compile:\n{text}"));
        });
    }
    RUNTIME_SOURCES
        .map(|source| folder.join(source).with_extension("o"))
        .to_vec()
}

/// The block's ports, for `replay.h`.
fn ports_in_cpp(ports: &[Port]) -> String {
    let mut text = String::from("void ports(Vblock& block, Replay& replay) {\n");
    let mut clocks = Vec::new();
    for port in ports {
        // Verilator's name for a `$`.
        let field = port.name.replace('$', "__024");
        match port.role {
            Role::Input => text += &format!("    replay.input(block.{field}, {});\n", port.words()),
            Role::Output => {
                text += &format!(
                    "    replay.output(\"{}\", block.{field}, {});\n",
                    port.name,
                    port.words()
                );
            }
            Role::Clock(index) => clocks.push((index, field)),
        }
    }
    clocks.sort();
    for (_, field) in clocks {
        text += &format!("    replay.clock(block.{field});\n");
    }
    text + "}\n"
}

impl Built {
    /// The Verilog, for messages.
    pub fn verilog_path(&self) -> PathBuf {
        self.folder.join("block.v")
    }

    /// The folder of this build.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What Verilator said.
    pub fn warnings(&self) -> String {
        fs::read_to_string(self.folder.join("warnings.txt")).expect("the build is complete")
    }

    /// Replays the record through the Verilated block.
    ///
    /// # Panics
    /// If an output differs; the message tells the first one.
    pub fn replay(&self, recording: &Recording) {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        // Relaxed: the count only has to differ between threads.
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let vectors = self
            .folder
            .join(format!("vectors-{}-{count}", std::process::id()));
        let bytes: Vec<u8> = recording
            .words
            .iter()
            .flat_map(|word| word.to_le_bytes())
            .collect();
        fs::write(&vectors, bytes).expect("the build folder can be written");
        let result = tools::run(Command::new(self.folder.join("replay")).arg(&vectors));
        let _ = fs::remove_file(&vectors);
        if let Err(text) = result {
            panic!(
                "{}: rust-hdl's simulator and the Verilog differ ({}): {text}",
                self.name,
                self.verilog_path().display()
            );
        }
    }
}
