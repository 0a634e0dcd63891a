//! Logic between two clocks: while it settles it shows values that are neither the old nor the new one, and a flip-flop
//! of another clock may take one of them. Whatever crosses has to come straight from a flip-flop.

use super::{path::clock_net, slowest::Arrivals};

/// nextpnr's name of a flip-flop's output.
const FLIP_FLOP_OUTPUT: &str = "Q";

/// The inputs whose signal comes from another clock, and from something else than a flip-flop.
pub fn inputs(arrivals: &Arrivals) -> Vec<&str> {
    let mut found = Vec::new();
    for net in &arrivals.nets {
        let Some(from) = clock_net(&net.event) else {
            continue;
        };
        if net.port == FLIP_FLOP_OUTPUT {
            continue;
        }
        found.extend(
            net.endpoints
                .iter()
                .filter(|end| clock_net(&end.event).is_some_and(|to| to != from))
                .map(|end| end.cell.as_str()),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logic_is_found_where_the_clock_changes_and_only_there() {
        let net = |port: &str, from: &str, cell: &str, to: &str| {
            format!(
                r#"{{"net": "n", "driver": "d", "port": "{port}", "event": "{from}", "endpoints": [
                  {{"cell": "{cell}", "event": "{to}", "port": "DI", "delay": [0.5, 1.0]}}]}}"#
            )
        };
        let text = format!(
            r#"{{"detailed_net_timings": [{}, {}, {}, {}, {}]}}"#,
            net("F", "posedge core", "logic", "posedge processor"),
            net("Q", "posedge core", "register", "posedge processor"),
            net("F", "posedge core", "same", "posedge core"),
            net("F", "posedge core", "other_edge", "negedge core"),
            net("O", "<async>", "pin", "posedge core"),
        );
        assert_eq!(inputs(&Arrivals::parse(&text).unwrap()), ["logic"]);
    }
}
