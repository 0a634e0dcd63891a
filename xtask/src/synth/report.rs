//! nextpnr's report: what the design takes of the device, and how fast each clock may run.

use std::{collections::BTreeMap, fmt::Write};

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{
    board::Board,
    path::{TimingPath, is_clock},
};

/// The parts of nextpnr's JSON report that are used here.
#[derive(Debug, Deserialize)]
pub struct Report {
    #[serde(rename = "fmax")]
    clocks: BTreeMap<String, Frequency>,
    utilization: BTreeMap<String, Utilization>,
    #[serde(default)]
    critical_paths: Vec<TimingPath>,
}

/// In MHz.
#[derive(Debug, Deserialize)]
struct Frequency {
    achieved: f64,
}

#[derive(Debug, Deserialize)]
struct Utilization {
    available: u64,
    used: u64,
}

/// nextpnr's names of the resources, and what people call them.
const RESOURCES: [(&str, &str); 4] = [
    ("TRELLIS_COMB", "LUT4 (with carries and distributed RAM)"),
    ("TRELLIS_FF", "flip-flops"),
    ("DP16KD", "block RAMs of 18 kbit (DP16KD)"),
    ("MULT18X18D", "multipliers"),
];

impl Report {
    /// Parses the report.
    pub fn parse(text: &str) -> Result<Self> {
        serde_json::from_str(text).context(
            "nextpnr's report is not what it was: was it updated in tools/requirements.txt?",
        )
    }

    /// Resources, and each clock against its goal.
    pub fn summary(&self, board: &Board) -> Result<String> {
        let mut text = String::new();
        for (name, title) in RESOURCES {
            if let Some(Utilization { available, used }) = self.utilization.get(name) {
                writeln!(text, "  {used:>6} of {available:>6}  {title}")?;
            }
        }
        for clock in &board.clocks {
            let achieved = self.achieved(&clock.port)?;
            let verdict = if achieved >= clock.megahertz {
                "met"
            } else {
                "NOT MET"
            };
            writeln!(
                text,
                "  {achieved:>8.2} MHz of {:>6.2} MHz  {} ({verdict})",
                clock.megahertz, clock.port
            )?;
        }
        Ok(text)
    }

    /// The clocks that do not reach the board's frequency.
    pub fn failures(&self, board: &Board) -> Result<Vec<String>> {
        let mut failures = Vec::new();
        for clock in &board.clocks {
            if self.achieved(&clock.port)? < clock.megahertz {
                failures.push(clock.port.clone());
            }
        }
        Ok(failures)
    }

    /// LUT4 of the whole, if nextpnr tells.
    pub fn lut4(&self) -> Option<u64> {
        let (name, _) = RESOURCES[0];
        Some(self.utilization.get(name)?.used)
    }

    /// The longest path from each clock to each other, and within each.
    pub fn paths(&self) -> &[TimingPath] {
        &self.critical_paths
    }

    /// The slowest path within the domain of a clock, a line a segment.
    pub fn critical_path(&self, clock: &str) -> String {
        let is_this = |net: Option<&str>| net.is_some_and(|net| is_clock(net, clock));
        self.critical_paths
            .iter()
            .find(|path| is_this(path.from()) && is_this(path.to()))
            .map_or_else(
                || format!("nextpnr reports no critical path for {clock}"),
                |path| {
                    format!(
                        "Critical path of {clock}: {:.2} ns{}",
                        path.delay_ns(),
                        path.listing()
                    )
                },
            )
    }

    /// What a clock reaches, in MHz, by its port.
    ///
    /// # Errors
    /// Nothing runs on it.
    pub fn achieved(&self, clock: &str) -> Result<f64> {
        self.clocks
            .iter()
            .find(|(name, _)| is_clock(name, clock))
            .map(|(_, frequency)| frequency.achieved)
            .with_context(|| {
                format!(
                    "nextpnr reports no frequency for {clock}: nothing in the design runs on it"
                )
            })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::board::tests::versa, *};

    /// As nextpnr 0.11 writes it, shortened.
    fn report(core_megahertz: f64) -> Report {
        let text = r#"{
          "critical_paths": [
            {"from": "posedge $glbnet$core_clock$TRELLIS_IO_IN", "to": "<async>", "path": []},
            {"from": "posedge $glbnet$processor_clock$TRELLIS_IO_IN", "to": "posedge $glbnet$core_clock$TRELLIS_IO_IN",
            "path": []},
            {"from": "posedge $glbnet$core_clock$TRELLIS_IO_IN", "to": "posedge $glbnet$core_clock$TRELLIS_IO_IN",
            "path": [
              {"delay": 0.5, "type": "clk-to-q", "from": {"cell": "design.a_FF", "loc": [1, 2], "port": "Q"},
               "to": {"cell": "design.a_FF", "loc": [1, 2], "port": "Q"}},
              {"delay": 0.04, "type": "logic", "from": {"cell": "design.carry", "loc": [1, 2], "port": "FCI"},
               "to": {"cell": "design.carry", "loc": [1, 2], "port": "FCO"}},
              {"delay": 1.25, "type": "routing", "net": "design.a[3]", "sources": ["niu.v:7.1-7.2"],
               "from": {"cell": "design.a_FF", "loc": [1, 2], "port": "Q"}, "to": {"cell": "design.b_LUT", "loc": [3,
               4], "port": "C"}}
            ]}
          ],
          "fmax": {
            "$glbnet$core_clock$TRELLIS_IO_IN": {"achieved": CORE, "constraint": 125},
            "$glbnet$jtag_tck$TRELLIS_IO_IN": {"achieved": 149.4, "constraint": 10},
            "$glbnet$processor_clock$TRELLIS_IO_IN": {"achieved": 62.5, "constraint": 62.5}
          },
          "utilization": {
            "DP16KD": {"available": 108, "used": 22}, "OSCG": {"available": 1, "used": 0},
            "TRELLIS_COMB": {"available": 43848, "used": 6489}, "TRELLIS_FF": {"available": 43848, "used": 3383}
          }
        }"#;
        Report::parse(&text.replace("CORE", &core_megahertz.to_string())).unwrap()
    }

    #[test]
    fn resources_and_frequencies_are_printed_against_what_there_is_and_the_goal() {
        let summary = report(124.99).summary(&versa()).unwrap();
        for text in [
            "6489 of  43848  LUT4",
            "3383 of  43848  flip-flops",
            "22 of    108  block RAMs",
            "124.99 MHz of 125.00 MHz  core_clock (NOT MET)",
            "62.50 MHz of  62.50 MHz  processor_clock (met)",
        ] {
            assert!(summary.contains(text), "{text} is not in\n{summary}");
        }
        assert!(!summary.contains("multipliers"));
    }

    #[test]
    fn lut4_and_frequencies_are_those_of_the_report() {
        let report = report(124.99);
        assert_eq!(report.lut4(), Some(6489));
        assert_eq!(report.achieved("core_clock").unwrap(), 124.99);
    }

    #[test]
    fn a_clock_fails_when_it_is_below_its_goal() {
        assert_eq!(report(124.99).failures(&versa()).unwrap(), ["core_clock"]);
        assert!(report(125.0).failures(&versa()).unwrap().is_empty());
    }

    #[test]
    fn a_clock_that_drives_nothing_is_an_error() {
        let mut report = report(130.0);
        report.clocks.retain(|name, _| !name.contains("processor"));
        assert!(
            report
                .failures(&versa())
                .unwrap_err()
                .to_string()
                .contains("processor_clock")
        );
    }

    #[test]
    fn the_critical_path_stays_within_the_domain() {
        let text = report(100.0).critical_path("core_clock");
        assert!(
            text.starts_with("Critical path of core_clock: 1.79 ns"),
            "{text}"
        );
        assert!(
            text.contains("0.50 ns  +0.50  clk-to-q  design.a_FF.Q"),
            "{text}"
        );
        assert!(
            text.contains("1.79 ns  +1.25  routing   net design.a[3]"),
            "{text}"
        );
        assert!(
            report(100.0)
                .critical_path("jtag_tck")
                .contains("no critical path")
        );
    }
}
