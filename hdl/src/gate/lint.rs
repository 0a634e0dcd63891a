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

/// Warnings that do not pass: neither waived nor harmless.
pub fn complaints(verilog: &str, warnings: &str) -> Vec<String> {
    let lines: Vec<&str> = verilog.lines().collect();
    let widths = width::Widths::of(verilog);
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
                "WIDTHEXPAND" | "WIDTHTRUNC" => {
                    // %Warning-WIDTHTRUNC: block.v:47:20: ...
                    let number = line
                        .split(':')
                        .nth(2)
                        .and_then(|number| number.parse::<usize>().ok());
                    !number.is_some_and(|number| widths.is_harmless(number, lines[number - 1]))
                }
                _ => !WAIVED.iter().any(|(waived, _)| *waived == code),
            }
        })
        .map(str::to_string)
        .collect()
}
