//! Which instance of the hierarchy a cell of the flat netlist belongs to.
//!
//! Mapping to LUTs leaves a net its name where a register, a memory or a port of the Verilog needs it, and replaces all others. So the
//! owner of a cell is found in this order:
//! 1. A memory has the name of its instance.
//! 2. A net with wires of the Verilog is driven in the deepest scope in which none of these wires is an input port; that
//!    scope owns the cell that drives it.
//! 3. A cell between such nets belongs to the deepest scope that holds all cells that read it.
//! 4. If that is no more than the whole, to the deepest scope that holds all that it reads.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::netlist::{Cell, Net, Netlist};

/// The owner of each cell, in their order: what `label` makes of scopes, cut down to what several have in common. Scopes and
/// labels are names separated by dots.
pub fn of_cells(netlist: &Netlist, label: impl Fn(&str) -> String) -> Vec<String> {
    let graph = Graph::new(netlist, label);
    let mut readers = Search::new(netlist.cells.len());
    let mut sources = Search::new(netlist.cells.len());
    (0..netlist.cells.len())
        .map(|cell| {
            let by_readers = graph.by_readers(cell, &mut readers);
            if let Some(owner) = by_readers.as_deref().filter(|owner| !owner.is_empty()) {
                return owner.to_owned();
            }
            graph.by_sources(cell, &mut sources).unwrap_or_default()
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
    /// Owners known from names, by cell.
    named: Vec<Option<String>>,
    readers: Vec<Vec<usize>>,
    sources: Vec<Vec<usize>>,
}

/// What was found about each cell so far.
struct Search(Vec<State>);

#[derive(Clone)]
enum State {
    Unknown,
    /// Its owner is being looked for: it has a part in a loop.
    Underway,
    Known(Option<String>),
}

impl Search {
    fn new(cells: usize) -> Self {
        Self(vec![State::Unknown; cells])
    }
}

impl Graph {
    fn new(netlist: &Netlist, label: impl Fn(&str) -> String) -> Self {
        let driven_in = scopes_of_drivers(netlist);
        let scopes: BTreeSet<&str> = netlist
            .wires
            .iter()
            .map(|wire| wire.scope.as_str())
            .collect();
        let mut driver = HashMap::new();
        let mut readers_of_net: HashMap<Net, Vec<usize>> = HashMap::new();
        for (index, cell) in netlist.cells.iter().enumerate() {
            driver.extend(cell.outputs().map(|net| (net, index)));
            for net in cell.inputs() {
                readers_of_net.entry(net).or_default().push(index);
            }
        }
        let named = |cell: &Cell| {
            let scope = instance_of_memory(cell, &scopes);
            let nets = cell
                .outputs()
                .filter_map(|net| driven_in.get(&net).copied());
            common_of_all(scope.into_iter().chain(nets).map(&label))
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

    fn by_readers(&self, cell: usize, search: &mut Search) -> Option<String> {
        self.search(cell, &self.readers, search)
    }

    fn by_sources(&self, cell: usize, search: &mut Search) -> Option<String> {
        self.search(cell, &self.sources, search)
    }

    /// The owner that the cell's name tells, else what the owners of its neighbours have in common.
    fn search(
        &self,
        cell: usize,
        neighbours: &[Vec<usize>],
        search: &mut Search,
    ) -> Option<String> {
        match &search.0[cell] {
            State::Known(owner) => return owner.clone(),
            State::Underway => return None,
            State::Unknown => search.0[cell] = State::Underway,
        }
        let owner = self.named[cell].clone().or_else(|| {
            let owners: Vec<String> = neighbours[cell]
                .iter()
                .filter_map(|&neighbour| self.search(neighbour, neighbours, search))
                .collect();
            common_of_all(owners.into_iter())
        });
        search.0[cell] = State::Known(owner.clone());
        owner
    }
}

/// For each net with wires of the Verilog: the scope in which it is driven.
fn scopes_of_drivers(netlist: &Netlist) -> HashMap<Net, &str> {
    let mut scopes: HashMap<Net, BTreeMap<&str, bool>> = HashMap::new();
    for wire in &netlist.wires {
        for &net in &wire.nets {
            // A scope that has the net as an input does not drive it, whatever other wires it has there.
            *scopes
                .entry(net)
                .or_default()
                .entry(&wire.scope)
                .or_default() |= wire.is_input;
        }
    }
    let depth = |scope: &str| scope.split('.').filter(|name| !name.is_empty()).count();
    scopes
        .into_iter()
        .filter_map(|(net, scopes)| {
            let drives = scopes.into_iter().filter(|(_, is_input)| !is_input);
            let deepest = drives
                .map(|(scope, _)| scope)
                .rev()
                .max_by_key(|scope| depth(scope))?;
            Some((net, deepest))
        })
        .collect()
}

/// The scope that the name of a memory begins with: `design.link.fifo.memory.0.1` stands in `design.link.fifo`.
fn instance_of_memory<'a>(cell: &Cell, scopes: &BTreeSet<&'a str>) -> Option<&'a str> {
    if !matches!(cell.kind.as_str(), "DP16KD" | "TRELLIS_DPR16X4") {
        return None;
    }
    let mut name = cell.name.as_str();
    while let Some((begin, _)) = name.rsplit_once('.') {
        if let Some(scope) = scopes.get(begin) {
            return Some(scope);
        }
        name = begin;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::netlist::{Pin, Wire};

    fn cell(name: &str, kind: &str, inputs: &[Net], outputs: &[Net]) -> Cell {
        let pins = |nets: &[Net], is_output: bool| {
            let pin = |&net: &Net| Pin {
                port: "P".into(),
                is_output,
                net,
            };
            nets.iter().map(pin).collect::<Vec<_>>()
        };
        Cell {
            name: name.into(),
            kind: kind.into(),
            pins: pins(inputs, false)
                .into_iter()
                .chain(pins(outputs, true))
                .collect(),
            constants: Vec::new(),
        }
    }

    fn wire(scope: &str, is_input: bool, nets: &[Net]) -> Wire {
        Wire {
            scope: scope.into(),
            is_input,
            nets: nets.into(),
        }
    }

    fn owners(cells: Vec<Cell>, wires: Vec<Wire>) -> Vec<String> {
        of_cells(&Netlist { cells, wires }, str::to_owned)
    }

    #[test]
    fn a_named_net_belongs_to_the_deepest_scope_that_it_does_not_enter() {
        // From the register in top.a.q through top into top.b.c, whose parent has a wire of its own to it.
        let wires = vec![
            wire("top.a.q", false, &[1]),
            wire("top.a", false, &[1]),
            wire("top", false, &[1]),
            wire("top.b", true, &[1]),
            wire("top.b", false, &[1]),
            wire("top.b.c.d", true, &[1]),
            wire("top.b.c", true, &[1]),
            wire("top.b.c", false, &[1]),
        ];
        let register = cell("r", "TRELLIS_FF", &[], &[1]);
        assert_eq!(owners(vec![register], wires), ["top.a.q"]);
    }

    #[test]
    fn logic_without_a_name_belongs_to_what_reads_it() {
        let wires = vec![
            wire("top.a.x", false, &[1]),
            wire("top.a.y", false, &[2]),
            wire("top.b", false, &[3]),
        ];
        let cells = vec![
            cell("x", "TRELLIS_FF", &[11], &[1]),
            cell("y", "TRELLIS_FF", &[12], &[2]),
            cell("b", "TRELLIS_FF", &[13], &[3]),
            // One level more; read by one register, by both of top.a.
            cell("for_x", "LUT4", &[14], &[11]),
            cell("for_both", "LUT4", &[3], &[14, 12]),
            // Read by both blocks, and reads only top.b.
            cell("from_b", "LUT4", &[3], &[13, 12]),
        ];
        let found = owners(cells, wires);
        assert_eq!(found[3..], ["top.a.x", "top.a", "top"]);
    }

    #[test]
    fn what_is_shared_belongs_to_what_it_reads() {
        let label = |scope: &str| scope.strip_prefix("top.").unwrap_or_default().to_owned();
        let wires = vec![
            wire("top.a", false, &[1]),
            wire("top.b", false, &[2]),
            wire("top.c", false, &[3]),
        ];
        let cells = vec![
            cell("a", "TRELLIS_FF", &[10, 11], &[1]),
            cell("b", "TRELLIS_FF", &[10, 11], &[2]),
            cell("c", "TRELLIS_FF", &[], &[3]),
            cell("reads_c", "LUT4", &[3], &[10]),
            cell("reads_all", "LUT4", &[1, 2, 3], &[11]),
        ];
        let found = of_cells(&Netlist { cells, wires }, label);
        assert_eq!(found, ["a", "b", "c", "c", ""]);
    }

    #[test]
    fn a_memory_has_the_name_of_its_instance_and_a_loop_ends() {
        let wires = vec![wire("top.fifo", true, &[7]), wire("top", false, &[7])];
        let cells = vec![
            cell("top.fifo.memory.0.1", "TRELLIS_DPR16X4", &[7], &[8]),
            cell("one", "LUT4", &[21], &[20]),
            cell("other", "LUT4", &[20], &[21]),
        ];
        assert_eq!(owners(cells, wires), ["top.fifo", "", ""]);
    }

    #[test]
    fn what_labels_have_in_common_are_whole_names() {
        assert_eq!(common("a.bc.d", "a.bc.e"), "a.bc");
        assert_eq!(common("a.bc", "a.bd"), "a");
        assert_eq!(common("ab", "ac"), "");
        assert_eq!(common("a", "a.b"), "a");
    }
}
