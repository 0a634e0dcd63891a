//! Latches, loops, several drivers: what only Yosys sees.

use super::{build::Built, tools};
use std::fs;

/// Lets Yosys check the Verilog, once per build.
///
/// # Panics
/// If it finds something.
pub fn check(name: &str, built: &Built) {
    let passed = built.folder().join("latches.passed");
    if passed.exists() {
        return;
    }
    let script = format!(
        "read_verilog -sv block.v; hierarchy -check -top {name}; proc; check -assert; \
         select -assert-none t:$dlatch t:$adlatch t:$dlatchsr"
    );
    tools::run(
        tools::yosys()
            .current_dir(built.folder())
            .args(["-q", "-p", &script]),
    )
    .unwrap_or_else(|text| {
        panic!(
            "{name}: Yosys finds a latch, a loop or several drivers in {}:\n{text}",
            built.verilog_path().display()
        )
    });
    fs::write(passed, "").expect("the build folder can be written");
}
