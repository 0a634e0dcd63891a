//! The flat netlist as Yosys writes it: cells, nets, and the wires of the Verilog that lie on the nets.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Attribute with which the flow marks the input ports of every module, before it flattens them.
pub const INPUT_ATTRIBUTE: &str = "block_input";

/// The top module of the netlist, and the file it comes from.
pub const TOP: &str = "harness";
const TOP_FILE: &str = "harness.v";

/// One net: a bit of the flat design.
pub type Net = u32;

/// The netlist of the harness with the NIU inside.
#[derive(Debug)]
pub struct Netlist {
    /// Every cell.
    pub cells: Vec<Cell>,
    /// Every wire of the Verilog; those that Yosys added are left out.
    pub wires: Vec<Wire>,
}

/// A LUT, flip-flop, carry, RAM, ...
#[derive(Debug)]
pub struct Cell {
    /// Yosys' name, which for a memory begins with the instance that it stands in.
    pub name: String,
    /// Lattice's name of the primitive.
    pub kind: String,
    /// Its pins that lie on nets.
    pub pins: Vec<Pin>,
    /// Its ports at which there is a constant.
    pub constants: Vec<String>,
}

/// One connected pin of a cell.
#[derive(Debug)]
pub struct Pin {
    /// Name of the port.
    pub port: String,
    /// The cell drives the net.
    pub is_output: bool,
    /// The net.
    pub net: Net,
}

/// A wire of the Verilog.
#[derive(Debug)]
pub struct Wire {
    /// Instances from the top module down, separated by dots; empty for a wire of the top module itself.
    pub scope: String,
    /// It is an input port of its module, so what drives it stands elsewhere.
    pub is_input: bool,
    /// Its bits that lie on nets.
    pub nets: Vec<Net>,
}

impl Cell {
    /// The net at a port of one bit, if one is connected.
    pub fn net(&self, port: &str) -> Option<Net> {
        self.pins
            .iter()
            .find(|pin| pin.port == port)
            .map(|pin| pin.net)
    }

    /// Whether anything is connected to a port: a net, or a constant.
    pub fn has(&self, port: &str) -> bool {
        self.net(port).is_some() || self.constants.iter().any(|constant| constant == port)
    }

    /// Nets that the cell drives.
    pub fn outputs(&self) -> impl Iterator<Item = Net> {
        self.pins
            .iter()
            .filter(|pin| pin.is_output)
            .map(|pin| pin.net)
    }

    /// Nets that the cell reads.
    pub fn inputs(&self) -> impl Iterator<Item = Net> {
        self.pins
            .iter()
            .filter(|pin| !pin.is_output)
            .map(|pin| pin.net)
    }
}

#[derive(Deserialize)]
struct Design {
    modules: BTreeMap<String, Module>,
}

#[derive(Deserialize)]
struct Module {
    cells: BTreeMap<String, JsonCell>,
    netnames: BTreeMap<String, JsonWire>,
}

#[derive(Deserialize)]
struct JsonCell {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    port_directions: BTreeMap<String, String>,
    connections: BTreeMap<String, Vec<Bit>>,
}

#[derive(Deserialize)]
struct JsonWire {
    bits: Vec<Bit>,
    attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    /// Instances and name, separated by spaces; only wires that were flattened have it.
    hdlname: Option<String>,
    src: Option<String>,
    #[serde(rename = "block_input")]
    input: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Bit {
    Net(Net),
    Constant(#[allow(dead_code)] String),
}

impl Bit {
    fn net(&self) -> Option<Net> {
        match self {
            Self::Net(net) => Some(*net),
            Self::Constant(_) => None,
        }
    }
}

impl Netlist {
    /// Parses what `write_json` wrote.
    ///
    /// # Errors
    /// It is no such file, or has no top module.
    pub fn parse(text: &str) -> Result<Self> {
        let mut design: Design = serde_json::from_str(text).context(
            "Yosys' netlist is not what it was: was it updated in tools/requirements.txt?",
        )?;
        let module = design
            .modules
            .remove(TOP)
            .with_context(|| format!("Yosys' netlist has no module {TOP}"))?;
        Ok(Self {
            cells: module
                .cells
                .into_iter()
                .map(|(name, cell)| cell.parse(name))
                .collect(),
            wires: module
                .netnames
                .into_iter()
                .filter_map(|(name, wire)| wire.parse(&name))
                .collect(),
        })
    }
}

impl JsonCell {
    fn parse(self, name: String) -> Cell {
        let mut pins = Vec::new();
        let mut constants = Vec::new();
        for (port, bits) in self.connections {
            let is_output = self
                .port_directions
                .get(&port)
                .is_some_and(|direction| direction == "output");
            if bits.iter().any(|bit| bit.net().is_none()) {
                constants.push(port.clone());
            }
            pins.extend(bits.iter().filter_map(Bit::net).map(|net| Pin {
                port: port.clone(),
                is_output,
                net,
            }));
        }
        Cell {
            name,
            kind: self.kind,
            pins,
            constants,
        }
    }
}

impl JsonWire {
    fn parse(self, name: &str) -> Option<Wire> {
        let scope = match &self.attributes.hdlname {
            Some(path) => match path.rsplit_once(' ') {
                Some((instances, _)) => instances.replace(' ', "."),
                None => String::new(),
            },
            // Yosys names its own wires after their neighbours, but gives them another source or none.
            None => {
                let source = self.attributes.src.as_deref().unwrap_or("");
                if name.contains('.') || !source.starts_with(TOP_FILE) {
                    return None;
                }
                String::new()
            }
        };
        Some(Wire {
            scope,
            is_input: self.attributes.input.is_some(),
            nets: self.bits.iter().filter_map(Bit::net).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wires_of_the_verilog_are_told_from_those_of_yosys() {
        let text = r#"{"modules": {"other": {"cells": {}, "netnames": {}}, "harness": {"cells": {
            "design.core.l": {"type": "LUT4", "port_directions": {"A": "input", "B": "input", "Z": "output"},
              "connections": {"A": [2], "B": ["1"], "Z": [3]}}},
          "netnames": {
            "stimulus": {"bits": [2, "x"], "attributes": {"src": "harness.v:8.1-8.2"}},
            "stimulus_LUT4_Z": {"bits": [4], "attributes": {"src": "cells_map.v:108.1-108.2"}},
            "design.core.a": {"bits": [2], "attributes": {"hdlname": "design core a", "block_input": "1"}},
            "design.core.a_LUT4_Z": {"bits": [5], "attributes": {}},
            "design.z": {"bits": [3], "attributes": {"hdlname": "design z"}}}}}}"#;
        let netlist = Netlist::parse(text).unwrap();
        let wire = |scope: &str, net| {
            let has_net = |wire: &&Wire| wire.scope == scope && wire.nets == [net];
            netlist.wires.iter().find(has_net).unwrap()
        };
        assert_eq!(netlist.wires.len(), 3);
        assert!(!wire("", 2).is_input);
        assert!(wire("design.core", 2).is_input);
        assert!(!wire("design", 3).is_input);
        let cell = &netlist.cells[0];
        assert_eq!(
            (cell.net("A"), cell.net("Z"), cell.net("B")),
            (Some(2), Some(3), None)
        );
        assert!(cell.has("B") && !cell.has("C"));
        assert_eq!(cell.inputs().collect::<Vec<_>>(), [2]);
        assert_eq!(cell.outputs().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn another_file_is_refused() {
        let error = |text: &str| format!("{:#}", Netlist::parse(text).unwrap_err());
        assert!(error("{}").contains("modules"));
        assert!(error(r#"{"modules": {}}"#).contains("no module harness"));
    }
}
