//! What the ports of a block did, cycle by cycle.

use rust_hdl::core::{
    atom::{Atom, AtomKind},
    block::Block,
    probe::Probe,
};

/// A port of the top block.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Name in the Verilog (`sink$valid`).
    pub name: String,
    /// Width.
    pub bits: usize,
    /// What the gate does with it.
    pub role: Role,
}

/// What the gate does with a port.
#[derive(Copy, Clone, Debug, PartialEq)]
pub enum Role {
    /// Driven from the record.
    Input,
    /// Compared with the record.
    Output,
    /// Driven by the replay; number in the order of declaration.
    Clock(usize),
}

impl Port {
    /// 32-bit words that hold a value.
    pub fn words(&self) -> usize {
        self.bits.div_ceil(32)
    }
}

/// The record of a native run.
pub struct Recording {
    /// The ports, in the order of their values in a cycle.
    pub ports: Vec<Port>,
    /// A cycle: which clocks tick at its end (one bit each), then the words of every port but clocks, before the tick.
    pub words: Vec<u32>,
}

impl Recording {
    /// An empty record of the ports of `unit`. `clocks` are the identities of its declared clock signals.
    ///
    /// # Panics
    /// If a clock input is not declared.
    pub fn new<U: Block>(name: &str, unit: &U, clocks: &[usize]) -> Self {
        let mut ports = Vec::new();
        visit(unit, &mut |name, atom| {
            let clock = clocks.iter().position(|id| *id == atom.id());
            let is_input = atom.kind() == AtomKind::InputParameter;
            assert!(
                clock.is_some() || !is_input || atom.descriptor().name != "clock",
                "the gate does not know clock `{name}`: declare it with `.clock(|unit| &mut unit.{name})`"
            );
            ports.push(Port {
                name: name.to_string(),
                bits: atom.bits(),
                role: match clock {
                    Some(index) => Role::Clock(index),
                    None if is_input => Role::Input,
                    None => Role::Output,
                },
            });
        });
        assert!(clocks.len() <= 32, "{name}: too many clocks");
        Self {
            ports,
            words: Vec::new(),
        }
    }

    /// Appends a cycle.
    pub fn cycle<U: Block>(&mut self, unit: &U, ticks: &[usize]) {
        self.words
            .push(ticks.iter().fold(0, |set, index| set | 1 << index));
        let (ports, words) = (&self.ports, &mut self.words);
        let mut index = 0;
        visit(unit, &mut |_, atom| {
            let port = &ports[index];
            index += 1;
            if !matches!(port.role, Role::Clock(_)) {
                words.extend(value(atom, port.words()));
            }
        });
    }
}

/// The current value, lowest word first. (Atoms show it as a literal such as `12'hfff` only.)
fn value(atom: &dyn Atom, words: usize) -> Vec<u32> {
    let literal = format!("{:x}", atom.verilog());
    let digits = literal.split("'h").nth(1).expect("a hexadecimal literal");
    let mut value = vec![0; words];
    for (place, digit) in digits.chars().rev().enumerate() {
        let digit = digit.to_digit(16).expect("a hexadecimal digit");
        if digit != 0 {
            value[place / 8] |= digit << (4 * (place % 8));
        }
    }
    value
}

/// Shows all ports of the top block, in order.
fn visit<U: Block>(unit: &U, each: &mut dyn FnMut(&str, &dyn Atom)) {
    let mut visitor = PortVisitor {
        each,
        depth: 0,
        namespaces: Vec::new(),
    };
    unit.accept("top", &mut visitor);
}

struct PortVisitor<'a> {
    each: &'a mut dyn FnMut(&str, &dyn Atom),
    depth: usize,
    namespaces: Vec<String>,
}

impl Probe for PortVisitor<'_> {
    fn visit_start_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.depth += 1;
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        self.depth -= 1;
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        self.namespaces.push(name.to_string());
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        self.namespaces.pop();
    }

    fn visit_atom(&mut self, name: &str, atom: &dyn Atom) {
        if self.depth == 1 && atom.kind().is_parameter() {
            let mut parts = self.namespaces.clone();
            parts.push(name.to_string());
            (self.each)(&parts.join("$"), atom);
        }
    }
}
