//! What cells take of the device.

use std::{collections::BTreeSet, ops::AddAssign};

use serde::{Deserialize, Serialize};

use super::netlist::{CARRY, Cell, Net, Netlist};

/// Resources of the device.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// LUT4, with those that carry chains and distributed RAM take.
    pub lut4: u64,
    /// Registers of the device's logic cells.
    pub flip_flops: u64,
    /// Block RAMs of 18 kbit (DP16KD).
    pub block_rams: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.lut4 += other.lut4;
        self.flip_flops += other.flip_flops;
        self.block_rams += other.block_rams;
    }
}

/// A carry cell takes two LUT4, and so does each cell that nextpnr puts at an end of a carry chain.
const LUT4_OF_A_CARRY: u64 = 2;
/// 16 words of 4 bits take four LUT4, and the write port two.
const DISTRIBUTED_RAM: &str = "TRELLIS_DPR16X4";
const LUT4_OF_A_DISTRIBUTED_RAM: u64 = 6;

/// What each cell of a netlist takes, in their order: as nextpnr counts them, before it is asked.
pub fn of_cells(netlist: &Netlist) -> Vec<Usage> {
    let chains = Chains::new(netlist);
    let lut4 = |lut4| Usage {
        lut4,
        ..Usage::default()
    };
    netlist
        .cells
        .iter()
        .map(|cell| match cell.kind.as_str() {
            "LUT4" => lut4(1),
            CARRY => lut4(LUT4_OF_A_CARRY * (1 + chains.ends(cell))),
            DISTRIBUTED_RAM => lut4(LUT4_OF_A_DISTRIBUTED_RAM),
            "TRELLIS_FF" => Usage {
                flip_flops: 1,
                ..Usage::default()
            },
            "DP16KD" => Usage {
                block_rams: 1,
                ..Usage::default()
            },
            _ => Usage::default(),
        })
        .collect()
}

/// Where carry chains begin and end.
struct Chains {
    carries: BTreeSet<Net>,
    /// Carries that the next cell of their chain reads, and nothing else.
    within: BTreeSet<Net>,
}

impl Chains {
    fn new(netlist: &Netlist) -> Self {
        let is_carry = |cell: &&Cell| cell.kind == CARRY;
        let carries: BTreeSet<Net> = netlist
            .cells
            .iter()
            .filter(is_carry)
            .filter_map(|cell| cell.net("COUT"))
            .collect();
        let mut within = BTreeSet::new();
        let mut elsewhere = BTreeSet::new();
        for cell in &netlist.cells {
            for pin in cell.pins.iter().filter(|pin| !pin.is_output) {
                if carries.contains(&pin.net) {
                    let is_next = is_carry(&cell) && pin.port == "CIN";
                    if !is_next || !within.insert(pin.net) {
                        elsewhere.insert(pin.net);
                    }
                }
            }
        }
        within.retain(|net| !elsewhere.contains(net));
        Self { carries, within }
    }

    /// How many of the two: the carry comes in from elsewhere than a chain, a constant included; it goes elsewhere
    /// than to the next cell, which nextpnr also takes for granted of one that is connected and that nothing reads.
    fn ends(&self, cell: &Cell) -> u64 {
        let begins = cell.has("CIN")
            && !cell
                .net("CIN")
                .is_some_and(|net| self.carries.contains(&net));
        let leaves = cell
            .net("COUT")
            .is_some_and(|net| !self.within.contains(&net));
        u64::from(begins) + u64::from(leaves)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The module of a netlist with these cells.
    fn lut4(cells: &str) -> Vec<u64> {
        let text = format!(r#"{{"modules": {{"harness": {{"cells": {{{cells}}}}}}}}}"#);
        let usages = of_cells(&Netlist::parse(&text).unwrap());
        usages.into_iter().map(|usage| usage.lut4).collect()
    }

    fn carry(name: &str, carry_in: &str, carry_out: &str) -> String {
        format!(
            r#""{name}": {{"type": "CCU2C", "port_directions": {{"CIN": "input", "COUT": "output", "S0": "output"}},
              "connections": {{"CIN": [{carry_in}], "COUT": [{carry_out}], "S0": [99]}}}}"#
        )
    }

    #[test]
    fn a_chain_costs_two_more_at_each_end() {
        let chain = [
            carry("a", r#""0""#, "10"),
            carry("b", "10", "11"),
            carry("c", "11", ""),
        ];
        assert_eq!(lut4(&chain.join(",")), [4, 2, 2]);
        // Carries that are read by a LUT, beside the next cell or alone, or by nothing.
        let lut = r#""l": {"type": "LUT4", "port_directions": {"A": "input", "Z": "output"},
            "connections": {"A": [10], "Z": [50]}}"#;
        let read = [
            carry("a", r#""0""#, "10"),
            carry("b", "10", "11"),
            lut.to_owned(),
        ];
        assert_eq!(lut4(&read.join(",")), [6, 4, 1]);
        assert_eq!(lut4(&carry("a", "", "")), [2]);
    }

    #[test]
    fn memories_and_flip_flops_are_counted_by_kind() {
        let cell = |name: &str, kind: &str| {
            format!(r#""{name}": {{"type": "{kind}", "connections": {{}}}}"#)
        };
        let cells = [
            cell("a", "TRELLIS_DPR16X4"),
            cell("b", "TRELLIS_FF"),
            cell("c", "DP16KD"),
            cell("d", "PFUMX"),
        ];
        let text = format!(
            r#"{{"modules": {{"harness": {{"cells": {{{}}}}}}}}}"#,
            cells.join(",")
        );
        let mut sum = Usage::default();
        for usage in of_cells(&Netlist::parse(&text).unwrap()) {
            sum += usage;
        }
        let expected = Usage {
            lut4: 6,
            flip_flops: 1,
            block_rams: 1,
        };
        assert_eq!(sum, expected);
    }
}
