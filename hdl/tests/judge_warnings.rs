//! The judge of Verilator's warnings as a program.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const VERILOG: &str = "\
module top(a, b);
input wire  [7:0] a;
output reg  b;
b = a == 32'h10;
b = (a + 32'h1) == 32'h10;
";

fn judge(name: &str, warnings: &str) -> Output {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).expect("a folder for scratch files");
    fs::write(folder.join("top.v"), VERILOG).expect("a scratch file");
    fs::write(folder.join("warnings.txt"), warnings).expect("a scratch file");
    Command::new(env!("CARGO_BIN_EXE_judge_warnings"))
        .current_dir(folder)
        .args(["top.v", "warnings.txt"])
        .output()
        .expect("the judge runs")
}

#[test]
fn harmless_warnings_pass_without_a_word() {
    let output = judge(
        "harmless",
        "%Warning-WIDTHEXPAND: top.v:4:7: Operator EQ expects 32 bits\n    4 | b = a == 32'h10;\n",
    );
    assert!(output.status.success(), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn a_carry_that_shows_is_printed_and_fails() {
    let warning = "%Warning-WIDTHEXPAND: top.v:5:7: Operator EQ expects 32 bits";
    let output = judge("carry", &format!("%Warning-UNDRIVEN: x\n{warning}\n"));
    assert!(!output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        format!("{warning}\n")
    );
}
