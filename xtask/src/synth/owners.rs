//! Which instance of the hierarchy a cell of the flat netlist belongs to.
//!
//! Flip-flops, carries and multipliers keep the lines of Verilog that they come from, and memories the name of their
//! instance. LUTs are made anew, out of logic that may come from several instances; a LUT belongs to the deepest
//! scope that holds all cells that read it, through other LUTs too. If that is no more than the whole, it belongs to
//! the deepest scope that holds all cells that it reads.

use std::collections::HashMap;

use super::{
    hierarchy::Hierarchy,
    netlist::{Cell, Net, Netlist},
};

/// The owner of each cell, in their order: what `label` makes of scopes, cut down to what several have in common.
/// Scopes and labels are names separated by dots; the whole is empty.
pub fn of_cells(
    netlist: &Netlist,
    hierarchy: &Hierarchy,
    label: impl Fn(&str) -> String,
) -> Vec<String> {
    let graph = Graph::new(netlist, hierarchy, label);
    let mut by_readers = Search::new(&graph.named, &graph.readers);
    let mut by_sources = Search::new(&graph.named, &graph.sources);
    (0..netlist.cells.len())
        .map(|cell| {
            let owner = by_readers.owner(cell).filter(|owner| !owner.is_empty());
            owner.or_else(|| by_sources.owner(cell)).unwrap_or_default()
        })
        .collect()
}

/// What two labels have in common.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let mut end = 0;
    let mut length = 0;
    for (a, b) in one.split('.').zip(other.split('.')) {
        if a != b {
            break;
        }
        end = length + a.len();
        length = end + 1;
    }
    &one[..end]
}

fn common_of_all(labels: impl Iterator<Item = String>) -> Option<String> {
    labels.reduce(|one, other| common(&one, &other).to_owned())
}

struct Graph {
    /// Labels of the cells whose scope is known.
    named: Vec<Option<String>>,
    /// The cells that read what a cell drives.
    readers: Vec<Vec<usize>>,
    /// The cells that drive what a cell reads.
    sources: Vec<Vec<usize>>,
}

impl Graph {
    fn new(netlist: &Netlist, hierarchy: &Hierarchy, label: impl Fn(&str) -> String) -> Self {
        let mut driver = HashMap::new();
        let mut readers_of_net: HashMap<Net, Vec<usize>> = HashMap::new();
        for (index, cell) in netlist.cells.iter().enumerate() {
            driver.extend(cell.outputs().map(|net| (net, index)));
            for net in cell.inputs() {
                readers_of_net.entry(net).or_default().push(index);
            }
        }
        let named = |cell: &Cell| {
            if MEMORIES.contains(&cell.kind.as_str()) {
                return hierarchy.of_memory(&cell.name).map(&label);
            }
            let scopes = cell.sources.iter().filter_map(|line| hierarchy.scope(line));
            common_of_all(scopes.map(&label))
        };
        let readers = |cell: &Cell| {
            let of_net = |net| readers_of_net.get(&net).into_iter().flatten().copied();
            cell.outputs().flat_map(of_net).collect()
        };
        let sources = |cell: &Cell| {
            let drivers = cell.inputs().filter_map(|net| driver.get(&net).copied());
            drivers.collect()
        };
        Self {
            named: netlist.cells.iter().map(named).collect(),
            readers: netlist.cells.iter().map(readers).collect(),
            sources: netlist.cells.iter().map(sources).collect(),
        }
    }
}

const MEMORIES: [&str; 2] = ["DP16KD", "TRELLIS_DPR16X4"];

/// Looks for owners in one direction.
struct Search<'a> {
    named: &'a [Option<String>],
    neighbours: &'a [Vec<usize>],
    found: Vec<State>,
}

#[derive(Clone)]
enum State {
    Unknown,
    /// Its owner is being looked for: it has a part in a loop.
    Underway,
    Known(Option<String>),
}

impl<'a> Search<'a> {
    fn new(named: &'a [Option<String>], neighbours: &'a [Vec<usize>]) -> Self {
        Self {
            named,
            neighbours,
            found: vec![State::Unknown; named.len()],
        }
    }

    /// The cell's own label, else what the owners of its neighbours have in common.
    fn owner(&mut self, cell: usize) -> Option<String> {
        match &self.found[cell] {
            State::Known(owner) => return owner.clone(),
            State::Underway => return None,
            State::Unknown => self.found[cell] = State::Underway,
        }
        let neighbours = self.neighbours;
        let owner = self.named[cell].clone().or_else(|| {
            let owners = neighbours[cell]
                .iter()
                .filter_map(|&neighbour| self.owner(neighbour));
            common_of_all(owners)
        });
        self.found[cell] = State::Known(owner.clone());
        owner
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            hierarchy::tests::{VERILOG, hierarchy},
            netlist::{Pin, Source},
        },
        *,
    };

    /// A cell with the line of Verilog that holds this text.
    fn cell(kind: &str, text: Option<&str>, inputs: &[Net], outputs: &[Net]) -> Cell {
        let pins = |nets: &[Net], is_output: bool| {
            let pin = |&net: &Net| Pin {
                port: "P".into(),
                is_output,
                net,
            };
            nets.iter().map(pin).collect::<Vec<_>>()
        };
        let line = |text: &str| Source {
            file: "niu.v".into(),
            line: 1 + VERILOG
                .lines()
                .position(|line| line.contains(text))
                .unwrap(),
        };
        Cell {
            name: "name".into(),
            kind: kind.into(),
            pins: pins(inputs, false)
                .into_iter()
                .chain(pins(outputs, true))
                .collect(),
            constants: Vec::new(),
            sources: text.map(line).into_iter().collect(),
        }
    }

    const PROCESSOR: Option<&str> = Some("core$clock");
    const CORE: Option<&str> = Some("vexriscv(.clk");
    const REGISTERS: Option<&str> = Some("bank$0$clock");
    const BANK: Option<&str> = Some("posedge");

    fn owners(cells: Vec<Cell>) -> Vec<String> {
        of_cells(&Netlist { cells }, &hierarchy(), str::to_owned)
    }

    #[test]
    fn a_lut_belongs_to_what_reads_it() {
        let cells = vec![
            cell("TRELLIS_FF", CORE, &[11], &[1]),
            cell("TRELLIS_FF", PROCESSOR, &[12], &[2]),
            cell("TRELLIS_FF", BANK, &[13], &[3]),
            // Read by another LUT, which the core reads.
            cell("LUT4", None, &[3, 1], &[10]),
            cell("LUT4", None, &[10], &[11]),
            // Read by processor and core.
            cell("LUT4", None, &[3], &[12, 11]),
        ];
        let found = owners(cells);
        assert_eq!(
            found,
            [
                "processor.core",
                "processor",
                "registers.bank$0",
                "processor.core",
                "processor.core",
                "processor"
            ]
        );
    }

    #[test]
    fn a_lut_that_several_blocks_read_belongs_to_what_it_reads() {
        let cells = vec![
            cell("TRELLIS_FF", CORE, &[10, 11], &[1]),
            cell("TRELLIS_FF", REGISTERS, &[10, 11], &[2]),
            cell("TRELLIS_FF", BANK, &[], &[3]),
            cell("LUT4", None, &[2, 3], &[10]),
            cell("LUT4", None, &[1, 2, 3], &[11]),
        ];
        assert_eq!(owners(cells)[3..], ["registers", ""]);
    }

    #[test]
    fn a_memory_has_the_name_of_its_instance_and_a_loop_ends() {
        let mut memory = cell("TRELLIS_DPR16X4", None, &[7], &[8]);
        memory.name = "design.registers.bank$0.memory.0.1".into();
        let cells = vec![
            memory,
            cell("LUT4", None, &[21], &[20]),
            cell("LUT4", None, &[20], &[21]),
        ];
        assert_eq!(owners(cells), ["registers.bank$0", "", ""]);
    }

    #[test]
    fn what_labels_have_in_common_are_whole_names() {
        assert_eq!(common("a.bc.d", "a.bc.e"), "a.bc");
        assert_eq!(common("a.bc", "a.bd"), "a");
        assert_eq!(common("ab", "ac"), "");
        assert_eq!(common("a", "a.b"), "a");
    }
}
