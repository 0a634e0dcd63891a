//! Which of Verilator's width warnings are harmless.
//!
//! rust-hdl writes every literal with 32 bits, so `count + 1` is a 32-bit sum in Verilog while Rust
//! computes it in the width of `count`. Mostly that cannot be seen, sometimes it can
//! (`(count + 1) == limit` never wraps). This module reads the line that Verilator warns of and
//! decides. In terms of one *context* (Verilog computes all of it in one width: the right side of
//! an assignment together with its target, the two sides of a comparison, a condition):
//! * an expression is **pure** if extra zero bits above its operands leave its value alone: signals, literals, slices,
//!   comparisons, `& | ^ >>` of pure ones. In a pure context no width matters.
//! * it is **modular** if the low bits of the result depend on the low bits of the operands alone:
//!   also `+ - * ~ <<`. An assignment of it is harmless if the target is no wider than the signals
//!   in it: both truncate to the same bits.
//! * any other context is harmless only if no literal makes it wider than its signals.
//!
//! Also, a literal must fit in the signals it meets. What cannot be parsed is not harmless.

mod expression;

use expression::{Context, Parser};
use std::collections::HashMap;

/// A name declared in a module.
#[derive(Copy, Clone, Debug, PartialEq)]
enum Declared {
    /// A signal, or a constant with a width: bits.
    Signal(usize),
    /// A constant without a width (a state of an enum): its value.
    Number(u128),
}

type Scope = HashMap<String, Declared>;

/// The declarations of a Verilog text as rust-hdl writes it.
pub struct Widths {
    /// First line (from 1) of each module, and what is declared in it.
    modules: Vec<(usize, Scope)>,
}

impl Widths {
    /// Collects the declarations.
    pub fn of(verilog: &str) -> Self {
        let mut modules = vec![(0, Scope::new())];
        for (index, line) in verilog.lines().enumerate() {
            let line = line.trim();
            if line.starts_with("module ") {
                modules.push((index + 1, Scope::new()));
            } else if let Some((name, declared)) = declaration(line) {
                let scope = &mut modules.last_mut().expect("never empty").1;
                scope.insert(name, declared);
            }
        }
        Self { modules }
    }

    /// Whether all that line `number` (from 1) computes is the same in the widths of Verilog and in those of Rust.
    pub fn is_harmless(&self, number: usize, line: &str) -> bool {
        let module = self
            .modules
            .iter()
            .rev()
            .find(|(first, _)| *first <= number);
        let scope = &module.expect("the first begins at 0").1;
        statement(line.trim(), scope).unwrap_or(false)
    }
}

/// Reads `reg [4:0] name;`, `localparam name = 5'h10;` and the like.
fn declaration(line: &str) -> Option<(String, Declared)> {
    let line = line.strip_suffix(';')?;
    if let Some(rest) = line.strip_prefix("localparam") {
        let (name, value) = rest.split_once('=')?;
        let shape = Parser::new(value, &Scope::new())?.all()?;
        let declared = if value.contains('\'') {
            Declared::Signal(shape.verilog)
        } else {
            Declared::Number(value.trim().parse().ok()?)
        };
        return Some((name.trim().to_string(), declared));
    }
    let mut words = line.split_whitespace();
    if !["input", "output", "inout", "reg", "wire"].contains(&words.next()?) {
        return None;
    }
    let name = words.last()?.to_string();
    let bits = match line.split_once('[') {
        Some((_, range)) => range.split_once(':')?.0.trim().parse::<usize>().ok()? + 1,
        None => 1,
    };
    Some((name, Declared::Signal(bits)))
}

/// Judges a line; nothing if it cannot be parsed.
fn statement(line: &str, scope: &Scope) -> Option<bool> {
    let line = line.strip_prefix("else ").unwrap_or(line);
    if let Some(condition) = line.strip_prefix("if ") {
        let shape = Parser::new(condition.strip_suffix("begin")?, scope)?.all()?;
        return Some(shape.is_exact());
    }
    if let Some(subject) = line.strip_prefix("case ") {
        return Some(Parser::new(subject, scope)?.all()?.is_exact());
    }
    if let Some(label) = line.strip_suffix(':') {
        // A state or a number; Rust's types saw to it that it fits what it is compared with.
        return Some(
            label.trim() == "default" || Parser::new(label, scope)?.all()?.native.is_none(),
        );
    }
    let (target, value) = line.strip_suffix(';')?.split_once(" = ")?;
    let target = Parser::new(target, scope)?.all()?.native?;
    Some(
        Parser::new(value, scope)?
            .all()?
            .fits(Context::Assignment(target)),
    )
}

#[cfg(test)]
mod tests;
