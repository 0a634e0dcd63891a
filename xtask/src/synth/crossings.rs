//! Paths from one clock to another: how long they take, and whether that is short enough.
//!
//! nextpnr-ecp5 has no constraint for them, but reports the longest from each clock to each other. All are held to one
//! rule: **no longer than one period of the faster of the two clocks**. A pointer in Gray code changes one bit in a
//! period of its clock; if every bit arrives within that time, a bit has arrived before the next one sets out, so
//! whoever samples the pointer catches at most one bit changing and reads the number before or the number after. With
//! longer paths, two bits could be seen in the wrong order: a number that never was. A path to or from a pin has one
//! clock only, and that clock's period as its limit.

use std::fmt::Write;

use anyhow::{Context, Result, ensure};

use super::{
    board::{Board, Clock},
    path::{TimingPath, is_clock},
};

/// The longest path from one clock to another.
pub struct Crossing<'a> {
    from: Option<&'a Clock>,
    to: Option<&'a Clock>,
    limit_ns: f64,
    path: &'a TimingPath,
}

impl<'a> Crossing<'a> {
    /// Those of a report, whose order they keep.
    ///
    /// # Errors
    /// When a clock is not among the board's, or no clock reaches another: the design has such paths, so nextpnr would
    /// have ceased to report them.
    pub fn all(paths: &'a [TimingPath], board: &'a Board) -> Result<Vec<Self>> {
        let mut crossings = Vec::new();
        for path in paths {
            let from = path.from().map(|net| find(board, net)).transpose()?;
            let to = path.to().map(|net| find(board, net)).transpose()?;
            // Both edges of one clock are one clock. From pin to pin there is nothing to be early or late for.
            if from.map(|clock| &clock.port) == to.map(|clock| &clock.port) {
                continue;
            }
            let limit_ns = [from, to]
                .into_iter()
                .flatten()
                .map(|clock| 1000.0 / clock.megahertz)
                .fold(f64::INFINITY, f64::min);
            crossings.push(Self {
                from,
                to,
                limit_ns,
                path,
            });
        }
        ensure!(
            crossings
                .iter()
                .any(|crossing| crossing.from.is_some() && crossing.to.is_some()),
            "nextpnr reports no path from one clock to another: was it updated in tools/requirements.txt?"
        );
        Ok(crossings)
    }

    /// Whether it takes longer than it may.
    pub fn is_too_long(&self) -> bool {
        self.path.delay_ns() > self.limit_ns
    }

    /// `core_clock to processor_clock`.
    pub fn name(&self) -> String {
        format!("{} to {}", port(self.from), port(self.to))
    }

    /// The path, a line a segment.
    pub fn listing(&self) -> String {
        format!(
            "Longest path from {}: {:.2} ns{}",
            self.name(),
            self.path.delay_ns(),
            self.path.listing()
        )
    }
}

/// A line a crossing.
pub fn table(crossings: &[Crossing]) -> String {
    let mut text = String::from("Between clocks:    longest      limit\n");
    for crossing in crossings {
        let verdict = if crossing.is_too_long() {
            "NOT MET"
        } else {
            "met"
        };
        let _ = writeln!(
            text,
            "               {:>8.2} ns {:>7.2} ns  {} ({verdict})",
            crossing.path.delay_ns(),
            crossing.limit_ns,
            crossing.name()
        );
    }
    text
}

fn find<'a>(board: &'a Board, net: &str) -> Result<&'a Clock> {
    board
        .clocks
        .iter()
        .find(|clock| is_clock(net, &clock.port))
        .with_context(|| format!("the clock {net} is none of the board's: name it in board.toml"))
}

fn port(clock: Option<&Clock>) -> &str {
    clock.map_or("pins", |clock| &clock.port)
}

#[cfg(test)]
mod tests {
    use super::{super::board::tests::versa, *};

    const CORE: &str = "posedge $glbnet$core_clock$TRELLIS_IO_IN";
    const PROCESSOR: &str = "posedge $glbnet$processor_clock$TRELLIS_IO_IN";
    const JTAG: &str = "posedge $glbnet$jtag_tck$TRELLIS_IO_IN";
    const JTAG_FALLING: &str = "negedge $glbnet$jtag_tck$TRELLIS_IO_IN";
    const PIN: &str = "<async>";

    /// A path of two segments that takes `delay_ns` in all.
    fn path(from: &str, to: &str, delay_ns: f64) -> TimingPath {
        let wire_ns = delay_ns - 0.5;
        serde_json::from_str(&format!(
            r#"{{"from": "{from}", "to": "{to}", "path": [
              {{"delay": 0.5, "type": "clk-to-q", "to": {{"cell": "design.a_FF", "port": "Q"}}}},
              {{"delay": {wire_ns}, "type": "routing", "net": "design.a", "to": {{"cell": "design.b_FF", "port":
              "M"}}}}]}}"#
        ))
        .unwrap()
    }

    fn too_long(paths: &[TimingPath]) -> Vec<String> {
        Crossing::all(paths, &versa())
            .unwrap()
            .iter()
            .filter(|crossing| crossing.is_too_long())
            .map(Crossing::name)
            .collect()
    }

    #[test]
    fn the_table_names_each_crossing_and_leaves_out_paths_within_a_clock() {
        let paths = [
            path(CORE, CORE, 9.0),
            path(JTAG, JTAG_FALLING, 3.5),
            path(PIN, PIN, 1.0),
            path(CORE, PROCESSOR, 8.5),
            path(PROCESSOR, JTAG, 1.25),
            path(PIN, CORE, 1.5),
            path(JTAG_FALLING, PIN, 3.25),
        ];
        let board = versa();
        assert_eq!(
            table(&Crossing::all(&paths, &board).unwrap()),
            "Between clocks:    longest      limit
                   8.50 ns    8.00 ns  core_clock to processor_clock (NOT MET)
                   1.25 ns   16.00 ns  processor_clock to jtag_tck (met)
                   1.50 ns    8.00 ns  pins to core_clock (met)
                   3.25 ns  100.00 ns  jtag_tck to pins (met)
"
        );
    }

    #[test]
    fn the_limit_is_a_period_of_the_faster_clock_whichever_way() {
        let both = |delay_ns| {
            [
                path(CORE, PROCESSOR, delay_ns),
                path(PROCESSOR, CORE, delay_ns),
            ]
        };
        assert!(too_long(&both(7.99)).is_empty());
        assert_eq!(
            too_long(&both(8.01)),
            [
                "core_clock to processor_clock",
                "processor_clock to core_clock"
            ]
        );
    }

    #[test]
    fn the_listing_tells_where_the_time_goes() {
        let paths = [path(CORE, PROCESSOR, 8.5)];
        let board = versa();
        assert_eq!(
            Crossing::all(&paths, &board).unwrap()[0].listing(),
            "Longest path from core_clock to processor_clock: 8.50 ns
    0.50 ns  +0.50  clk-to-q  design.a_FF.Q
    8.50 ns  +8.00  routing   net design.a"
        );
    }

    #[test]
    fn a_report_that_cannot_be_judged_is_an_error() {
        let error = |paths: &[TimingPath]| {
            let board = versa();
            Crossing::all(paths, &board).err().unwrap().to_string()
        };
        assert!(error(&[path(CORE, CORE, 1.0), path(PIN, CORE, 1.0)]).contains("no path"));
        assert!(
            error(&[path(CORE, "posedge gated", 1.0)]).contains("gated is none of the board's")
        );
    }
}
