//! LUTs, flip-flops and block RAMs block by block: what `cargo xtask synth` prints, and writes to `--json`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde::{Deserialize, Serialize};

use super::{
    budget::{Budget, Share},
    netlist::Netlist,
    owners,
    usage::{self, Usage},
};

/// The harness's instance of the NIU.
const NIU: &str = "design";
/// Row of the harness.
pub const HARNESS: &str = "harness";
/// Row of what several blocks share.
const SHARED: &str = "between blocks";
/// Row of all instances where there is no budget.
const NIU_ROW: &str = "NIU";
/// Instances are listed down to this depth, ...
const DEPTH: usize = 3;
/// ... and in the printed table down to this one, with so many LUT4 at least.
const PRINTED_DEPTH: usize = 2;
const PRINTED_LUT4: u64 = 100;

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// Block of the floor plan, or instance of the NIU.
    pub name: String,
    /// What it takes.
    #[serde(flatten)]
    pub usage: Usage,
}

/// What the parts of the design take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// Blocks of the floor plan, what they share, and the harness: together the whole.
    pub blocks: Vec<Row>,
    /// Instances of the NIU, each with all it contains.
    pub instances: Vec<Row>,
}

impl Blocks {
    /// Counts the cells of a netlist.
    pub fn new(netlist: &Netlist, budget: Option<&Budget>) -> Self {
        let cells = usage::of_cells(netlist);
        let total = |owners: Vec<String>| {
            let mut totals: BTreeMap<String, Usage> = BTreeMap::new();
            for (owner, &cell) in owners.into_iter().zip(&cells) {
                *totals.entry(owner).or_default() += cell;
            }
            totals
        };
        let block = |scope: &str| match (instance(scope), budget) {
            _ if scope.is_empty() => HARNESS.to_owned(),
            (None, _) => String::new(),
            (Some(_), None) => NIU_ROW.to_owned(),
            (Some(name), Some(budget)) => budget.block_of(name).unwrap_or_default().to_owned(),
        };
        let mut by_block = total(owners::of_cells(netlist, block));
        let names = match budget {
            Some(budget) => budget.blocks.iter().map(|share| &*share.name).collect(),
            None => vec![NIU_ROW],
        };
        let mut blocks = Vec::new();
        for name in names.into_iter().chain(["", HARNESS]) {
            let usage = by_block.remove(name).unwrap_or_default();
            let name = if name.is_empty() { SHARED } else { name };
            let name = name.to_owned();
            blocks.push(Row { name, usage });
        }

        let in_niu = |scope: &str| instance(scope).unwrap_or_default().to_owned();
        let mut inclusive: BTreeMap<String, Usage> = BTreeMap::new();
        for (owner, usage) in total(owners::of_cells(netlist, in_niu)) {
            let ends = owner.match_indices('.').map(|(end, _)| end);
            for end in ends.chain([owner.len()]).filter(|&end| end > 0).take(DEPTH) {
                *inclusive.entry(owner[..end].to_owned()).or_default() += usage;
            }
        }
        let rows = inclusive.into_iter();
        Self {
            blocks,
            instances: rows.map(|(name, usage)| Row { name, usage }).collect(),
        }
    }

    /// All of it.
    pub fn whole(&self) -> Usage {
        let mut whole = Usage::default();
        for row in &self.blocks {
            whole += row.usage;
        }
        whole
    }

    /// The table for people: each block against its share, its larger instances below.
    pub fn table(&self, budget: Option<&Budget>) -> String {
        let mut text = format!(
            "  {:<40} {:>6} {:>6} {:>10} {:>9} {:>6}\n",
            "block", "LUT4", "share", "flip-flops", "block RAM", "share"
        );
        let mut line = |name: &str, usage: Usage, shares: Option<(u64, u64)>, verdict: &str| {
            let share = |number: Option<u64>| number.map_or(String::new(), |it| it.to_string());
            // A string cannot fail to be written to.
            let _ = writeln!(
                text,
                "{}",
                format!(
                    "  {name:<40} {:>6} {:>6} {:>10} {:>9} {:>6}  {verdict}",
                    usage.lut4,
                    share(shares.map(|(lut4, _)| lut4)),
                    usage.flip_flops,
                    usage.block_rams,
                    share(shares.map(|(_, block_rams)| block_rams)),
                )
                .trim_end()
            );
        };
        for row in &self.blocks {
            let share = budget.and_then(|budget| budget.share(&row.name));
            let verdict = match share {
                Some(share) if excess(row, share).is_empty() => "within",
                Some(_) => "BEYOND",
                None => "",
            };
            let shares = share.map(|share| (share.lut4, share.block_rams));
            line(&row.name, row.usage, shares, verdict);
            for instance in self.printed_instances(&row.name, budget) {
                let name = format!("  {}", instance.name);
                line(&name, instance.usage, None, "");
            }
        }
        let shares = budget.map(|budget| (budget.lut4, budget.block_rams));
        line("all", self.whole(), shares, "");
        text
    }

    fn printed_instances(&self, block: &str, budget: Option<&Budget>) -> Vec<&Row> {
        let belongs = |name: &str| match budget {
            Some(budget) => budget.block_of(name) == Some(block),
            None => block == NIU_ROW,
        };
        let is_printed = |row: &&Row| {
            row.name.split('.').count() <= PRINTED_DEPTH
                && row.usage.lut4 >= PRINTED_LUT4
                && belongs(&row.name)
        };
        self.instances.iter().filter(is_printed).collect()
    }

    /// Each share that is exceeded.
    pub fn failures(&self, budget: &Budget) -> Vec<String> {
        let mut failures: Vec<String> = self
            .blocks
            .iter()
            .filter_map(|row| Some(excess(row, budget.share(&row.name)?)))
            .flatten()
            .collect();
        let whole = Row {
            name: "the whole".into(),
            usage: self.whole(),
        };
        let share = Share {
            name: whole.name.clone(),
            instances: Vec::new(),
            lut4: budget.lut4,
            block_rams: budget.block_rams,
        };
        failures.extend(excess(&whole, &share));
        failures
    }

    /// What became different since an earlier run, a line a block or instance.
    pub fn comparison(&self, earlier: &Self) -> String {
        let mut text = String::new();
        let all = |blocks: &Self| -> BTreeMap<String, Usage> {
            let whole = Row {
                name: "all".into(),
                usage: blocks.whole(),
            };
            let rows = blocks
                .blocks
                .iter()
                .chain(&blocks.instances)
                .chain([&whole]);
            rows.map(|row| (row.name.clone(), row.usage)).collect()
        };
        let (then, now) = (all(earlier), all(self));
        let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
        for name in names {
            let of = |all: &BTreeMap<String, Usage>| all.get(name).copied().unwrap_or_default();
            let (then, now) = (of(&then), of(&now));
            if then == now {
                continue;
            }
            let change = |now: u64, then: u64| format!("{now} ({:+})", now as i64 - then as i64);
            let _ = writeln!(
                text,
                "  {name:<40} {:>14} {:>14} {:>10}",
                change(now.lut4, then.lut4),
                change(now.flip_flops, then.flip_flops),
                change(now.block_rams, then.block_rams)
            );
        }
        text
    }
}

/// Every instance of the NIU, whether cells were left in it or not.
pub fn instances(netlist: &Netlist) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for name in netlist
        .wires
        .iter()
        .filter_map(|wire| instance(&wire.scope))
    {
        let ends = name.match_indices('.').map(|(end, _)| end);
        names.extend(ends.chain([name.len()]).map(|end| name[..end].to_owned()));
    }
    names
}

/// The instance of the NIU that a scope of the harness is; none of the NIU itself and of the harness.
fn instance(scope: &str) -> Option<&str> {
    scope.strip_prefix(NIU)?.strip_prefix('.')
}

fn excess(row: &Row, share: &Share) -> Vec<String> {
    [
        (row.usage.lut4, share.lut4, "LUT4"),
        (row.usage.block_rams, share.block_rams, "block RAMs"),
    ]
    .into_iter()
    .filter(|(used, share, _)| used > share)
    .map(|(used, share, unit)| format!("{} takes {used} {unit}, its share is {share}", row.name))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::budget::tests::budget, *};

    fn row(name: &str, lut4: u64, block_rams: u64) -> Row {
        let usage = Usage {
            lut4,
            flip_flops: 3,
            block_rams,
        };
        let name = name.into();
        Row { name, usage }
    }

    /// Cells of the harness, the NIU, both blocks of the budget, and between the two.
    const NETLIST: &str = r#"{"modules": {"harness": {"cells": {
        "f0": {"type": "TRELLIS_FF", "port_directions": {"Q": "output"}, "connections": {"Q": [2]}},
        "f1": {"type": "TRELLIS_FF", "port_directions": {"DI": "input", "Q": "output"}, "connections": {"DI": [10], "Q": [3]}},
        "f2": {"type": "TRELLIS_FF", "port_directions": {"DI": "input", "Q": "output"}, "connections": {"DI": [10], "Q": [4]}},
        "l": {"type": "LUT4", "port_directions": {"A": "input", "B": "input", "Z": "output"},
          "connections": {"A": [3], "B": [4], "Z": [10]}},
        "m": {"type": "LUT4", "port_directions": {"Z": "output"}, "connections": {"Z": [5]}}},
      "netnames": {
        "stimulus": {"bits": [2], "attributes": {"src": "harness.v:1.1-1.2"}},
        "design.processor.core.q": {"bits": [3], "attributes": {"hdlname": "design processor core q"}},
        "design.registers.bank.q": {"bits": [4], "attributes": {"hdlname": "design registers bank q"}},
        "design.registers.z": {"bits": [5], "attributes": {"hdlname": "design registers z"}}}}}}"#;

    #[test]
    fn blocks_make_up_the_whole_and_instances_contain_each_other() {
        let netlist = Netlist::parse(NETLIST).unwrap();
        let found = |rows: &[Row]| -> Vec<(String, u64, u64)> {
            let numbers = |row: &Row| (row.name.clone(), row.usage.lut4, row.usage.flip_flops);
            rows.iter().map(numbers).collect()
        };
        let of = |name: &str, lut4, flip_flops| (name.to_owned(), lut4, flip_flops);
        let blocks = Blocks::new(&netlist, Some(&budget()));
        assert_eq!(
            found(&blocks.blocks),
            [
                of("soft core", 0, 1),
                of("control", 1, 1),
                of("between blocks", 1, 0),
                of("harness", 0, 1)
            ]
        );
        assert_eq!(
            found(&blocks.instances),
            [
                of("processor", 0, 1),
                of("processor.core", 0, 1),
                of("registers", 1, 1),
                of("registers.bank", 0, 1),
            ]
        );
        assert_eq!(blocks.whole().flip_flops, 3);
        let without = Blocks::new(&netlist, None);
        assert_eq!(
            found(&without.blocks),
            [
                of("NIU", 2, 2),
                of("between blocks", 0, 0),
                of("harness", 0, 1)
            ]
        );
        let names: Vec<String> = instances(&netlist).into_iter().collect();
        assert_eq!(
            names,
            ["processor", "processor.core", "registers", "registers.bank"]
        );
    }

    fn blocks() -> Blocks {
        Blocks {
            blocks: vec![
                row("soft core", 51, 1),
                row("control", 20, 3),
                row(HARNESS, 30, 0),
            ],
            instances: vec![
                row("processor", 120, 3),
                row("processor.core", 151, 1),
                row("processor.core.cache", 140, 1),
                row("registers", 99, 0),
            ],
        }
    }

    #[test]
    fn a_failure_names_block_figure_and_share() {
        assert_eq!(
            blocks().failures(&budget()),
            [
                "soft core takes 51 LUT4, its share is 50",
                "control takes 3 block RAMs, its share is 2",
                "the whole takes 101 LUT4, its share is 100",
            ]
        );
    }

    #[test]
    fn the_table_has_each_block_its_share_and_its_larger_instances() {
        let expected = "
  block                                      LUT4  share flip-flops block RAM  share
  soft core                                    51     50          3         1      1  BEYOND
    processor.core                            151                 3         1
  control                                      20     20          3         3      2  BEYOND
    processor                                 120                 3         3
  harness                                      30                 3         0
  all                                         101    100          9         4      4
";
        assert_eq!(blocks().table(Some(&budget())), expected[1..]);
    }
}
