//! Arguments of `niu-soak`.

use crate::{MAXIMUM_WIRE_CYCLES, PROFILES, threads};
use clap::Parser;
use std::path::PathBuf;

/// What a soak is about; by themselves or one after the other.
pub const SCENARIOS: [&str; 9] = [
    "random",
    "alternating",
    "channels",
    "sizes",
    "eight-nodes",
    "dead-rings",
    "owners",
    "damage",
    "reboot",
];
/// More messages than a soak sends in a day.
const MAXIMUM_MESSAGES: u64 = 1_000_000_000;
/// The name for all of them.
pub const ALL_SCENARIOS: &str = "all";

/// Sends messages drawn from a seed among all nodes and checks that each arrives once, whole, and in its order.
#[derive(Debug, Parser)]
#[command(name = "niu-soak", version)]
pub struct SoakArguments {
    /// What to run: all, random, alternating, channels, sizes, eight-nodes, dead-rings, owners, damage, reboot.
    #[arg(long, value_name = "NAME", default_value = ALL_SCENARIOS, value_parser = some_scenario)]
    pub scenario: String,
    /// Messages, of all senders together, at most 1000000000; several scenarios share them.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(..=MAXIMUM_MESSAGES))]
    pub messages: u64,
    /// Seed of the messages and of every choice the simulated machines make.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Nodes, 2 to 8: two are joined by a wire, more by a switch [default: the scenario's].
    #[arg(long, value_parser = clap::value_parser!(u16).range(2..=8))]
    pub nodes: Option<u16>,
    /// Host threads to simulate with; results do not depend on it.
    #[arg(long, default_value_t = 2, value_parser = threads())]
    pub threads: usize,
    /// Delay of each wire in core cycles, 0 to 1000000 [default: the scenario's].
    #[arg(long, value_parser = clap::value_parser!(u64).range(..=MAXIMUM_WIRE_CYCLES))]
    pub wire_delay: Option<u64>,
    /// Platform profile of the hosts.
    #[arg(long, value_name = "NAME", default_value = "pcie-gen3-x8", value_parser = PROFILES)]
    pub profile: String,
    /// Start memories and registers that have no reset value with random bits of the seed.
    #[arg(long)]
    pub random_initial_values: bool,
    /// Firmware image of the service processors [default: what `cargo xtask firmware` built].
    #[arg(long, value_name = "FILE")]
    pub firmware: Option<PathBuf>,
}

impl SoakArguments {
    /// Whether this scenario is to run.
    pub fn chooses(&self, scenario: &str) -> bool {
        [scenario, ALL_SCENARIOS].contains(&self.scenario.as_str())
    }
}

fn some_scenario(text: &str) -> Result<String, String> {
    if text == ALL_SCENARIOS || SCENARIOS.contains(&text) {
        Ok(text.into())
    } else {
        Err(format!(
            "no scenario is called so; there are: {ALL_SCENARIOS}, {}",
            SCENARIOS.join(", ")
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent_and_its_help_names_every_scenario() {
        let mut command = SoakArguments::command();
        command.clone().debug_assert();
        let help = command.render_help().to_string();
        let names = format!("{ALL_SCENARIOS}, {}", SCENARIOS.join(", "));
        assert!(help.contains(&names), "{help}");
    }

    #[test]
    fn a_name_chooses_one_scenario_and_no_name_all() {
        let chosen = |line: &[&str]| {
            let arguments = SoakArguments::parse_from(line);
            SCENARIOS.map(|name| arguments.chooses(name))
        };
        assert_eq!(chosen(&["niu-soak"]), [true; SCENARIOS.len()]);
        let one = chosen(&["niu-soak", "--scenario", "sizes"]);
        assert_eq!(one, SCENARIOS.map(|name| name == "sizes"));
        let refused = SoakArguments::try_parse_from(["niu-soak", "--scenario", "size"]);
        assert!(refused.unwrap_err().to_string().contains("dead-rings"));
    }

    #[test]
    fn a_number_outside_its_range_is_refused_with_the_range() {
        let mut help = SoakArguments::command();
        let help = help.render_help().to_string();
        for (argument, most, range) in [
            ("--wire-delay", MAXIMUM_WIRE_CYCLES, "0..=1000000"),
            ("--messages", MAXIMUM_MESSAGES, "0..=1000000000"),
        ] {
            let parse = |value: u64| {
                SoakArguments::try_parse_from(["niu-soak", argument, &value.to_string()])
            };
            assert!(help.contains(&most.to_string()), "{help}");
            parse(most).unwrap_or_else(|error| panic!("{error}"));
            for value in [most + 1, u64::MAX] {
                let error = parse(value).expect_err("it is out of range").to_string();
                assert!(error.contains(range), "{error}");
            }
        }
        let refused = SoakArguments::try_parse_from(["niu-soak", "--threads", "0"]);
        let error = refused.expect_err("nothing would run").to_string();
        assert!(error.contains("1.."), "{error}");
    }
}
