//! The instances of the generated Verilog, and which of them a line belongs to: each module of
//! `niu.v` is instantiated once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};

use super::netlist::Source;

/// Scope of the harness; that of the NIU is empty.
pub const HARNESS: &str = "harness";

/// The NIU's module.
const NIU: &str = "niu";

/// The instances of the NIU.
#[derive(Debug)]
pub struct Hierarchy {
    /// For each module of `niu.v` its first line and its instance: names from the NIU down, separated by dots.
    modules: BTreeMap<usize, String>,
    /// Where the soft core stands, all of whose modules are in a file of their own.
    soft_core: String,
    instances: BTreeSet<String>,
}

impl Hierarchy {
    /// Reads the text of `niu.v`. `soft_core` is the module that it leaves to another file.
    ///
    /// # Errors
    /// The NIU or the soft core is not found.
    pub fn parse(text: &str, soft_core: &str) -> Result<Self> {
        let mut first_lines: BTreeMap<&str, usize> = BTreeMap::new();
        let mut current = "";
        let mut children: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
        for (line, text) in (1..).zip(text.lines()) {
            let mut words = text.split([' ', '(']).filter(|word| !word.is_empty());
            let (Some(first), Some(second)) = (words.next(), words.next()) else {
                continue;
            };
            if first == "module" {
                current = second;
                first_lines.insert(second, line);
            } else if first == soft_core || first.starts_with(NIU) && text.trim_end().ends_with('(')
            {
                children.entry(current).or_default().push((first, second));
            }
        }
        let mut found = Self {
            modules: BTreeMap::new(),
            soft_core: String::new(),
            instances: BTreeSet::new(),
        };
        let mut open = vec![(NIU, String::new())];
        while let Some((module, path)) = open.pop() {
            if module == soft_core {
                found.soft_core.clone_from(&path);
            } else {
                let line = first_lines
                    .get(module)
                    .with_context(|| format!("niu.v has no module {module}"))?;
                found.modules.insert(*line, path.clone());
            }
            for (child, name) in children.get(module).into_iter().flatten() {
                let path = if path.is_empty() {
                    (*name).to_owned()
                } else {
                    format!("{path}.{name}")
                };
                found.instances.insert(path.clone());
                open.push((child, path));
            }
        }
        if found.soft_core.is_empty() {
            anyhow::bail!("niu.v has no instance of {soft_core}");
        }
        Ok(found)
    }

    /// Every instance.
    pub fn instances(&self) -> &BTreeSet<String> {
        &self.instances
    }

    /// The scope that a line stands in; none of Yosys' libraries.
    pub fn scope(&self, source: &Source) -> Option<&str> {
        match source.file.as_str() {
            "harness.v" => Some(HARNESS),
            "vexriscv.v" => Some(&self.soft_core),
            "niu.v" => {
                let (_, path) = self.modules.range(..=source.line).next_back()?;
                Some(path)
            }
            _ => None,
        }
    }

    /// The instance that the name of a memory begins with: `design.link.fifo.memory.0.1` stands in `link.fifo`.
    pub fn of_memory(&self, name: &str) -> Option<&str> {
        let (_, mut name) = name.split_once('.')?;
        loop {
            if let Some(instance) = self.instances.get(name) {
                return Some(instance);
            }
            (name, _) = name.rsplit_once('.')?;
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// As rust-hdl writes it, shortened.
    pub const VERILOG: &str = "\
module niu(core_clock,reset);
    input wire core_clock;
    niu$processor processor(
       .clock(processor$clock)
    );
    niu$registers registers(
       .clock(registers$clock)
    );
endmodule // niu
module niu$processor(clock);
    niu$processor$core core(
       .clock(core$clock)
    );
endmodule // niu$processor
module niu$processor$core(clock);
    VexRiscv vexriscv(.clk(clock),
       .reset(reset));
endmodule // niu$processor$core
(* blackbox *)
module VexRiscv(input clk, input reset);
endmodule
module niu$registers(clock);
    niu$registers$bank$0 bank$0(
       .clock(bank$0$clock)
    );
endmodule // niu$registers
module niu$registers$bank$0(clock);
    always @(posedge clock) begin
    end
endmodule // niu$registers$bank$0
";

    pub fn hierarchy() -> Hierarchy {
        Hierarchy::parse(VERILOG, "VexRiscv").unwrap()
    }

    #[test]
    fn a_line_belongs_to_the_instance_of_its_module() {
        let hierarchy = hierarchy();
        let scope = |file: &str, text: &str| {
            let source = Source {
                file: file.into(),
                line: 1 + VERILOG
                    .lines()
                    .position(|line| line.contains(text))
                    .unwrap(),
            };
            hierarchy.scope(&source).map(str::to_owned)
        };
        assert_eq!(scope("niu.v", "input wire core_clock").as_deref(), Some(""));
        assert_eq!(scope("niu.v", "core$clock").as_deref(), Some("processor"));
        assert_eq!(
            scope("niu.v", "posedge").as_deref(),
            Some("registers.bank$0")
        );
        assert_eq!(
            scope("vexriscv.v", "posedge").as_deref(),
            Some("processor.core.vexriscv")
        );
        assert_eq!(scope("harness.v", "posedge").as_deref(), Some(HARNESS));
        assert_eq!(scope("/share/map.v", "posedge"), None);
    }

    #[test]
    fn every_instance_is_listed_and_found_from_the_name_of_a_memory() {
        let hierarchy = hierarchy();
        let names: Vec<&str> = hierarchy.instances().iter().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "processor",
                "processor.core",
                "processor.core.vexriscv",
                "registers",
                "registers.bank$0"
            ]
        );
        let of = |name| hierarchy.of_memory(name);
        assert_eq!(
            of("design.registers.bank$0.memory.0.1"),
            Some("registers.bank$0")
        );
        assert_eq!(of("design.registers.counts.0"), Some("registers"));
        assert_eq!(of("design.other.counts.0"), None);
    }

    #[test]
    fn verilog_without_the_soft_core_is_refused() {
        let error = |module| Hierarchy::parse(VERILOG, module).unwrap_err().to_string();
        assert!(error("Other").contains("no instance of Other"));
    }
}
