//! Proofs of properties, by Yosys's own solver.

use super::{build::scratch_for, tools};
use crate::emit::emit;
use rust_hdl::core::block::Block;
use std::fs;

/// Proves by induction over time that the assertions of `properties` always hold.
///
/// `properties` is a SystemVerilog module called `properties` that instantiates the block as module `name` and
/// asserts what it wants to know of it; all its registers must have initial values. The induction assumes the
/// assertions for up to `depth` cycles before. A proof that holds is remembered as long as the Verilog is the same.
///
/// # Panics
/// If the block does not pass rust-hdl's checks, or an assertion cannot be proved; the message
/// shows the counterexample.
pub fn prove<U: Block>(name: &str, unit: U, depth: u32, properties: &str) {
    let read = "read_verilog -sv -formal block.v properties.sv; hierarchy -check -top properties";
    run(name, unit, depth, properties, read, 0);
}

/// As [`prove`] with an induction of exactly `depth` cycles, but `properties` may name what is inside of the block
/// (`unit.part.register$q`), words of memories too (`unit.part.memory.memory[0]`): for invariants
/// that relate the outputs to what is stored.
///
/// # Panics
/// As [`prove`].
pub fn prove_inside<U: Block>(name: &str, unit: U, depth: u32, properties: &str) {
    // One thread: this Yosys has no more. Shorter inductions are not tried: they may take longer
    // than the one that holds.
    let read = "read_slang -j 1 --top properties block.v properties.sv";
    run(name, unit, depth, properties, read, depth - 1);
}

fn run<U: Block>(name: &str, mut unit: U, depth: u32, properties: &str, read: &str, skip: u32) {
    unit.connect_all();
    let verilog = emit(name, &unit);
    let script = format!(
        "{read}; proc; flatten; memory_map; async2sync; opt -full; \
         sat -tempinduct -tempinduct-skip {skip} -maxsteps {depth} -prove-asserts -set-assumes -show-ports -verify"
    );
    let folder = scratch_for(&format!("{name}-proof"), &(&verilog, properties, &script));
    let proved = folder.join("proved");
    if proved.exists() {
        return;
    }
    fs::create_dir_all(&folder).expect("the folder for builds can be made");
    for (file, text) in [("block.v", verilog.as_str()), ("properties.sv", properties)] {
        fs::write(folder.join(file), text).expect("the build folder can be written");
    }
    let result = tools::run(tools::yosys().current_dir(&folder).args(["-p", &script]));
    if let Err(text) = result {
        let proof = text.find("Executing SAT pass").unwrap_or(0);
        panic!(
            "{name}: not proved ({})\n{}",
            folder.display(),
            &text[proof..]
        );
    }
    fs::write(proved, "").expect("the build folder can be written");
}
