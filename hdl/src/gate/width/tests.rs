//! Each rule of the module's description, both ways.

use super::*;

const VERILOG: &str = "\
module top(a);
input wire  [7:0] a;
output reg  [7:0] b;
reg  [31:0] wide;
reg  bit;
localparam  limit = 8'h20;
localparam State$Idle = 0;
localparam State$Late = 300;
";

fn harmless(line: &str) -> bool {
    Widths::of(VERILOG).is_harmless(9, line)
}

#[test]
fn truncated_sums_and_plain_comparisons_are_harmless() {
    for line in [
        "b = 32'h0;",
        "b = a + 32'h1;",
        "b = (a + limit) - 32'h1;",
        "b = State$Idle;",
        "b = ((a) & 8'hff) << 32'h3;",
        "bit = a == 32'h10;",
        "bit = (a == 32'h10) & ~bit;",
        "if (a == 32'h10) begin",
        "else if ((a & 32'h3) != 32'h0) begin",
        "if (a == State$Idle) begin",
        "b = a[(32'h4)+:(4)];",
        "wide = ((a) & 32'hffffffff);",
        "b[(32'h0)+:(4)] = 32'hf;",
        "b = ((wide + 32'h1) & 8'hff);",
        "32'h3:",
        "State$Idle:",
    ] {
        assert!(harmless(line), "{line}");
    }
}

#[test]
fn carries_that_show_are_not() {
    for line in [
        // Rule 1: wraps in Rust, not in Verilog.
        "bit = (a + 32'h1) == limit;",
        "if ((a - 32'h1) < limit) begin",
        "if (~a == 32'h0) begin",
        // Rule 2: a cast lets carries or ones through.
        "wide = ((a + 32'h1) & 32'hffffffff);",
        "wide = ((~a) & 32'hffffffff);",
        "b = (a + 32'h1) >> 32'h1;",
        "wide = ~a;",
        // The literal does not fit.
        "b = 32'h100;",
        "if (a == State$Late) begin",
        // Not understood.
        "b = {a, a};",
        "b = unknown;",
    ] {
        assert!(!harmless(line), "{line}");
    }
}

#[test]
fn declarations_are_those_of_the_module() {
    let verilog = "module one(x);\ninput wire [3:0] x;\nmodule two(x);\ninput wire x;\n";
    let widths = Widths::of(verilog);
    assert_eq!(widths.modules[1].1["x"], Declared::Signal(4));
    assert_eq!(widths.modules[2].1["x"], Declared::Signal(1));
}
