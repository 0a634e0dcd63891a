//! A path of nextpnr's report: where it starts, where it ends, and what takes how long on the way.

use serde::Deserialize;

/// The longest path from one clock to another, or within one.
#[derive(Debug, Deserialize)]
pub struct TimingPath {
    from: String,
    to: String,
    path: Vec<Segment>,
}

/// One cell or net on a path.
#[derive(Debug, Deserialize)]
struct Segment {
    #[serde(rename = "type")]
    kind: String,
    /// In nanoseconds.
    delay: f64,
    net: Option<String>,
    to: Place,
}

#[derive(Debug, Deserialize)]
struct Place {
    cell: String,
    port: String,
}

/// What nextpnr calls an end that has no clock: a pin.
const NO_CLOCK: &str = "<async>";

/// The links of a carry chain are shorter, many, and tell nothing one by one; the sum at the left includes them.
const SHORTEST_SHOWN_NS: f64 = 0.05;

impl TimingPath {
    /// The net of the clock that the path starts from; none if it starts at a pin.
    pub fn from(&self) -> Option<&str> {
        clock_net(&self.from)
    }

    /// The net of the clock at its end; none if it ends at a pin.
    pub fn to(&self) -> Option<&str> {
        clock_net(&self.to)
    }

    /// From the clock's edge to the end, its setup time included.
    pub fn delay_ns(&self) -> f64 {
        self.path.iter().map(|segment| segment.delay).sum()
    }

    /// A line a segment, each begun by a line feed.
    pub fn listing(&self) -> String {
        let mut text = String::new();
        let mut so_far = 0.0;
        for segment in &self.path {
            so_far += segment.delay;
            if segment.delay < SHORTEST_SHOWN_NS {
                continue;
            }
            let what = match &segment.net {
                Some(net) => format!("net {net}"),
                None => format!("{}.{}", segment.to.cell, segment.to.port),
            };
            text += &format!(
                "\n  {so_far:>6.2} ns  +{:.2}  {:<9} {what}",
                segment.delay, segment.kind
            );
        }
        text
    }
}

/// The net of an event such as `posedge $glbnet$core_clock$TRELLIS_IO_IN`; none of a pin.
pub fn clock_net(event: &str) -> Option<&str> {
    event
        .split_whitespace()
        .last()
        .filter(|net| *net != NO_CLOCK)
}

/// Whether nextpnr's name of a clock net (`$glbnet$core_clock$TRELLIS_IO_IN`) means the clock at this port.
pub fn is_clock(net: &str, port: &str) -> bool {
    net.split('$').any(|part| part == port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_of_a_clock_does_not_matter_and_a_pin_has_none() {
        let path: TimingPath = serde_json::from_str(
            r#"{"from": "negedge $glbnet$jtag_tck$TRELLIS_IO_IN", "to": "<async>", "path": []}"#,
        )
        .unwrap();
        assert!(path.from().is_some_and(|net| is_clock(net, "jtag_tck")));
        assert_eq!(path.to(), None);
        assert!(!is_clock(
            "$glbnet$core_clock_2$TRELLIS_IO_IN",
            "core_clock"
        ));
    }
}
