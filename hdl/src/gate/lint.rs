//! Verilator's warnings, less those that mean nothing here.

use super::width;

/// Warnings that pass, with the reason.
pub const WAIVED: &[(&str, &str)] = &[
    ("DECLFILENAME", "one file holds all modules"),
    (
        "UNUSEDSIGNAL",
        "a child's port or a field of a struct may be of no interest to its parent",
    ),
    (
        "UNUSEDPARAM",
        "rust-hdl declares every enum it has heard of",
    ),
    (
        "UNDRIVEN",
        "Yosys and rust-hdl's own check look for undriven signals, without the false alarms",
    ),
    ("PINCONNECTEMPTY", "a child's output may be of no interest"),
    (
        "UNOPTFLAT",
        "it is about the model's speed; Yosys looks for real loops",
    ),
    (
        "VARHIDDEN",
        "a module is named like its instance; rust-hdl has no nested scopes",
    ),
    (
        "PROCASSINIT",
        "flip-flops have an initial value, which ECP5 and UltraScale+ load with the configuration",
    ),
];

/// Warnings that do not pass: neither waived nor harmless. `warnings` is Verilator's output for the text `verilog`,
/// which it knows as `file`; what it says of widths in another file does not pass.
pub fn complaints(file: &str, verilog: &str, warnings: &str) -> Vec<String> {
    let lines: Vec<&str> = verilog.lines().collect();
    let widths = width::Widths::of(verilog);
    let is_harmless = |warning: &str| {
        let number = line_number(file, warning)?;
        let line = lines.get(number.checked_sub(1)?)?;
        Some(widths.is_harmless(number, line))
    };
    warnings
        .lines()
        .filter(|line| line.starts_with('%'))
        .filter(|line| {
            let code = line
                .trim_start_matches("%Warning-")
                .split(':')
                .next()
                .unwrap_or_default();
            match code {
                "WIDTHEXPAND" | "WIDTHTRUNC" => is_harmless(line) != Some(true),
                _ => !WAIVED.iter().any(|(waived, _)| *waived == code),
            }
        })
        .map(str::to_string)
        .collect()
}

/// The line of `file` that a warning such as `%Warning-WIDTHTRUNC: block.v:47:20: ...` is about.
fn line_number(file: &str, warning: &str) -> Option<usize> {
    let mut parts = warning.split(':').skip(1);
    (parts.next()?.trim() == file).then_some(())?;
    parts.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERILOG: &str = "\
module top(a, b);
input wire  [7:0] a;
output reg  b;
b = a == 32'h10;
b = (a + 32'h1) == 32'h10;
";

    fn passes(warning: &str) -> bool {
        complaints("top.v", VERILOG, warning).is_empty()
    }

    #[test]
    fn widths_are_judged_by_the_line_they_are_about() {
        assert!(passes(
            "%Warning-WIDTHEXPAND: top.v:4:7: Operator EQ expects"
        ));
        assert!(!passes(
            "%Warning-WIDTHEXPAND: top.v:5:7: Operator EQ expects"
        ));
    }

    #[test]
    fn what_is_not_known_does_not_pass() {
        for warning in [
            "%Warning-WIDTHEXPAND: other.v:4:7: Operator EQ expects",
            "%Warning-WIDTHEXPAND: top.v:0:7: Operator EQ expects",
            "%Warning-WIDTHEXPAND: top.v:6:7: Operator EQ expects",
            "%Warning-WIDTHEXPAND: top.v",
            "%Warning-MULTIDRIVEN: top.v:4:7: Signal has multiple driving blocks",
            "%Error: top.v:4:7: syntax error",
        ] {
            assert!(!passes(warning), "{warning}");
        }
        assert!(passes(
            "%Warning-VARHIDDEN: other.v:4:7: Declaration of signal hides"
        ));
    }
}
