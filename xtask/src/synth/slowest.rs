//! The slowest blocks of a clock: nextpnr names one critical path; whoever mends it wants to know the next ones too.

use std::{collections::BTreeMap, fmt::Write};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::path::is_clock;

/// The part of nextpnr's detailed timing report that is used here.
#[derive(Debug, Deserialize)]
pub struct Arrivals {
    #[serde(rename = "detailed_net_timings")]
    pub(super) nets: Vec<Net>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Net {
    /// The output of a cell that drives it.
    pub port: String,
    /// The clock that its signal starts from.
    pub event: String,
    pub endpoints: Vec<Endpoint>,
}

/// A flip-flop's or memory's input.
#[derive(Debug, Deserialize)]
pub(super) struct Endpoint {
    pub cell: String,
    /// The clock that takes it.
    pub event: String,
    /// Earliest and latest arrival, without the setup time, in nanoseconds.
    delay: [f64; 2],
}

/// How deep into the hierarchy blocks are told apart.
const DEPTH: usize = 3;
/// How many blocks are named.
const BLOCKS: usize = 15;

impl Arrivals {
    /// Parses the report.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).context(
            "nextpnr's detailed timing is not what it was: was it updated in tools/requirements.txt?",
        )
    }

    /// The blocks in which signals of the clock arrive later than `limit_ns`, the latest first.
    pub fn slowest(&self, clock: &str, limit_ns: f64) -> String {
        let mut blocks: BTreeMap<String, (f64, usize)> = BTreeMap::new();
        for net in self.nets.iter().filter(|net| has_clock(&net.event, clock)) {
            for end in net
                .endpoints
                .iter()
                .filter(|end| has_clock(&end.event, clock))
            {
                if end.delay[1] > limit_ns {
                    let block = blocks.entry(block(&end.cell)).or_default();
                    block.0 = block.0.max(end.delay[1]);
                    block.1 += 1;
                }
            }
        }
        let ends: usize = blocks.values().map(|(_, count)| count).sum();
        let mut text = format!(
            "{ends} inputs on {clock} arrive later than {limit_ns:.2} ns, in these blocks:"
        );
        let mut blocks: Vec<_> = blocks.into_iter().collect();
        blocks.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
        for (name, (latest, count)) in blocks.iter().take(BLOCKS) {
            let _ = write!(text, "\n  {latest:>6.2} ns  {count:>5}  {name}");
        }
        if blocks.len() > BLOCKS {
            let _ = write!(text, "\n  and {} more", blocks.len() - BLOCKS);
        }
        text
    }
}

/// Whether an event (`posedge $glbnet$core_clock$TRELLIS_IO_IN`) is one of this clock.
fn has_clock(event: &str, clock: &str) -> bool {
    event
        .split_whitespace()
        .last()
        .is_some_and(|net| is_clock(net, clock))
}

/// The block a cell belongs to: `design.link.receive.check.crc$state_TRELLIS_FF_Q_3` is in `link.receive.check`.
fn block(cell: &str) -> String {
    let path = cell.strip_prefix("design.").unwrap_or(cell);
    let path = path.split_once("_TRELLIS").map_or(path, |(path, _)| path);
    let parts: Vec<&str> = path.split('.').collect();
    let within = parts.len().saturating_sub(1).max(1);
    parts[..within.min(DEPTH)].join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_sorted_by_their_latest_input_and_other_clocks_left_out() {
        let core = "posedge $glbnet$core_clock$TRELLIS_IO_IN";
        let slow = "posedge $glbnet$processor_clock$TRELLIS_IO_IN";
        let end = |cell: &str, event: &str, latest: f64| {
            format!(
                r#"{{"cell": "{cell}", "event": "{event}", "port": "DI", "delay": [0.5, {latest}]}}"#
            )
        };
        let text = format!(
            r#"{{"detailed_net_timings": [
              {{"event": "{core}", "net": "a", "port": "F", "endpoints": [{}, {}, {}]}},
              {{"event": "{core}", "net": "b", "port": "Q", "endpoints": [{}, {}]}},
              {{"event": "{slow}", "net": "c", "port": "Q", "endpoints": [{}]}}]}}"#,
            end(
                "design.link.receive.check.crc$state_TRELLIS_FF_Q_3",
                core,
                8.5
            ),
            end("design.link.receive.check.beats_TRELLIS_FF_Q", core, 9.25),
            end("design.link.transmit.held_TRELLIS_FF_Q", core, 7.0),
            end("design.transmit.page.lane$q_TRELLIS_FF_Q", core, 9.5),
            end("design.registers.a_TRELLIS_FF_Q", slow, 30.0),
            end("design.registers.b_TRELLIS_FF_Q", core, 30.0),
        );
        assert_eq!(
            Arrivals::parse(&text).unwrap().slowest("core_clock", 8.0),
            [
                "3 inputs on core_clock arrive later than 8.00 ns, in these blocks:",
                "    9.50 ns      1  transmit.page",
                "    9.25 ns      2  link.receive.check",
            ]
            .join("\n")
        );
    }
}
