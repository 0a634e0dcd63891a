//! One line of the generated Verilog, broken on purpose.

use anyhow::{Context, Result, bail};

/// A mutation of the NIU, and the tests that must notice it.
#[derive(Debug)]
pub struct Mutant {
    /// Its name, for `--only`.
    pub name: &'static str,
    /// What the broken NIU does wrong.
    pub fault: &'static str,
    /// Module of the generated Verilog.
    pub module: &'static str,
    /// Left side of the assignment that is broken.
    pub signal: &'static str,
    /// Its new right side; `{}` stands for the old one.
    pub value: &'static str,
    /// Tests of the cluster, as `cargo test` names them.
    pub tests: &'static [&'static str],
}

impl Mutant {
    /// The Verilog with this mutation.
    ///
    /// # Errors
    /// The module is not there, or not exactly one line in it computes the signal.
    pub fn apply(&self, verilog: &str) -> Result<String> {
        let start = verilog.find(&format!("\nmodule {}(", self.module));
        let end = verilog.find(&format!("\nendmodule // {}\n", self.module));
        let (start, end) = start.zip(end).with_context(|| {
            let what = format!("the generated Verilog has no module {}", self.module);
            self.stale(&what)
        })?;
        let module = &verilog[start..end];
        let lines: Vec<&str> = module
            .lines()
            .filter(|line| self.old_value(line).is_some())
            .collect();
        let [line] = lines[..] else {
            bail!(self.stale(&format!(
                "{} lines of module {} compute {}, not one",
                lines.len(),
                self.module,
                self.signal
            )));
        };
        let old = self.old_value(line).unwrap_or_default();
        let new = self.value.replace("{}", old);
        let mutated = format!("\n        {} = {new}; // mutant\n", self.signal);
        let module = module.replacen(&format!("\n{line}\n"), &mutated, 1);
        Ok(format!("{}{module}{}", &verilog[..start], &verilog[end..]))
    }

    /// The right side, if the line assigns the signal something that it computes: not a constant (a reset, or what
    /// holds unless something else is assigned further down), and not what a register holds already.
    fn old_value<'a>(&self, line: &'a str) -> Option<&'a str> {
        let right = line
            .trim_start()
            .strip_prefix(self.signal)?
            .strip_prefix(" = ")?;
        let value = right.strip_suffix(';')?;
        let is_constant = value.starts_with(|first: char| first.is_ascii_digit())
            && value
                .chars()
                .all(|each| each.is_ascii_hexdigit() || matches!(each, '\'' | 'h' | 'b'));
        let is_held = self
            .signal
            .strip_suffix("$d")
            .zip(value.strip_suffix("$q"))
            .is_some_and(|(register, held)| register == held);
        (!is_constant && !is_held).then_some(value)
    }

    fn stale(&self, what: &str) -> String {
        format!(
            "the mutation {} no longer fits: {what}. The block was changed since: adapt xtask/src/mutate/list.rs",
            self.name
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERILOG: &str = "
module other(a);
    full$d = level > 32'h3;
endmodule // other

module queue(a);
    always @(*) begin
        full$d = full$q;
        full$d = level > 32'h4;
        taken = 1'b0;
        taken = offered & ~full$q;
        room = a;
        room = b;
        if (reset) begin
            full$d = 1'b0;
        end
    end
endmodule // queue
";

    fn mutant(module: &'static str, signal: &'static str, value: &'static str) -> Mutant {
        Mutant {
            name: "example",
            fault: "",
            module,
            signal,
            value,
            tests: &[],
        }
    }

    #[test]
    fn the_line_that_computes_the_signal_is_changed_and_no_other() {
        for (signal, value, old, new) in [
            ("full$d", "1'b1", "level > 32'h4", "1'b1"),
            (
                "taken",
                "({}) | a",
                "offered & ~full$q",
                "(offered & ~full$q) | a",
            ),
        ] {
            let mutated = mutant("queue", signal, value).apply(VERILOG).unwrap();
            let expected = VERILOG.replace(&format!("= {old};"), &format!("= {new}; // mutant"));
            assert_eq!(mutated, expected);
        }
    }

    #[test]
    fn a_mutation_that_fits_nowhere_or_twice_is_an_error_that_says_so() {
        for (module, signal, reason) in [
            ("stack", "full$d", "no module stack"),
            ("queue", "empty", "0 lines of module queue compute empty"),
            ("queue", "room", "2 lines of module queue compute room"),
        ] {
            let error = mutant(module, signal, "1'b0").apply(VERILOG);
            let text = error.unwrap_err().to_string();
            assert!(
                text.contains(reason) && text.contains("mutation example"),
                "{text}"
            );
        }
    }
}
