//! Arguments of `niu-soak`.

use crate::PROFILES;
use clap::Parser;
use std::path::PathBuf;

/// Sends random messages among all nodes and checks that each arrives once, whole, and in its order.
#[derive(Debug, Parser)]
#[command(name = "niu-soak", version)]
pub struct SoakArguments {
    /// Messages, of all senders together.
    #[arg(long, default_value_t = 1_000_000)]
    pub messages: u64,
    /// Seed of the messages and of every choice the simulated machines make.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Nodes, 2 to 8: two are joined by a wire, more by a switch.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(2..=8))]
    pub nodes: u16,
    /// Host threads to simulate with; results do not depend on it.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// Delay of each wire in core cycles.
    #[arg(long, default_value_t = 0)]
    pub wire_delay: u64,
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

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_consistent() {
        SoakArguments::command().debug_assert();
    }
}
