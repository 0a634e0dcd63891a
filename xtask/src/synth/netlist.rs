//! The flat netlist as Yosys writes it: cells, the nets between them, and the lines of Verilog that they come from.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;

/// The top module of the netlist.
pub const TOP: &str = "harness";

/// Two bits of a carry chain.
pub const CARRY: &str = "CCU2C";

/// One net: a bit of the flat design.
pub type Net = u32;

/// The netlist of the harness with the NIU inside.
#[derive(Debug)]
pub struct Netlist {
    /// Every cell.
    pub cells: Vec<Cell>,
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
    /// Where it comes from; nowhere, if it was made by the mapping to LUTs.
    pub sources: Vec<Source>,
}

/// One connected pin of a cell.
#[derive(Debug)]
pub struct Pin {
    /// Name of the port.
    pub port: String,
    /// The cell drives the net.
    pub is_output: bool,
    /// What is connected to it.
    pub net: Net,
}

/// A line of Verilog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// File, as Yosys was given it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
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
}

#[derive(Deserialize)]
struct JsonCell {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    attributes: Attributes,
    #[serde(default)]
    port_directions: BTreeMap<String, String>,
    connections: BTreeMap<String, Vec<Bit>>,
}

#[derive(Deserialize, Default)]
struct Attributes {
    /// Places such as `niu.v:7.5-7.20`, separated by bars; those of Yosys' own libraries are among them.
    src: Option<String>,
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
        let cells = module.cells.into_iter();
        Ok(Self {
            cells: cells.map(|(name, cell)| cell.parse(name)).collect(),
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
        let places = self.attributes.src.unwrap_or_default();
        Cell {
            name,
            kind: self.kind,
            pins,
            constants,
            sources: places.split('|').filter_map(parse_source).collect(),
        }
    }
}

/// `niu.v:7.5-7.20` is line 7.
fn parse_source(place: &str) -> Option<Source> {
    let (file, rest) = place.rsplit_once(':')?;
    let (line, _) = rest.split_once('.')?;
    Some(Source {
        file: file.to_owned(),
        line: line.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_have_pins_constants_and_lines() {
        let text = r#"{"modules": {"other": {"cells": {}}, "harness": {"cells": {
            "f": {"type": "TRELLIS_FF", "attributes": {"src": "niu.v:7.5-9.20|/share/map.v:1.2-3.4"},
              "port_directions": {"DI": "input", "LSR": "input", "Q": "output"},
              "connections": {"DI": [2], "LSR": ["0"], "Q": [3]}}}}}}"#;
        let netlist = Netlist::parse(text).unwrap();
        let cell = &netlist.cells[0];
        assert_eq!(
            (cell.name.as_str(), cell.kind.as_str()),
            ("f", "TRELLIS_FF")
        );
        assert_eq!(
            (cell.net("DI"), cell.net("Q"), cell.net("LSR")),
            (Some(2), Some(3), None)
        );
        assert!(cell.has("LSR") && !cell.has("CE"));
        assert_eq!(cell.inputs().collect::<Vec<_>>(), [2]);
        assert_eq!(cell.outputs().collect::<Vec<_>>(), [3]);
        let source = |file: &str, line| Source {
            file: file.into(),
            line,
        };
        assert_eq!(
            cell.sources,
            [source("niu.v", 7), source("/share/map.v", 1)]
        );
    }

    #[test]
    fn another_file_is_refused() {
        let error = |text: &str| format!("{:#}", Netlist::parse(text).unwrap_err());
        assert!(error("{}").contains("modules"));
        assert!(error(r#"{"modules": {}}"#).contains("no module harness"));
    }
}
