//! Arguments of `niu-bench`, `niu-soak` and `niu-debug`.
//!
//! Apart from the programs, so that `cargo xtask` can show their help, and refuse what is wrong, before it builds the
//! simulator.
#![forbid(unsafe_code)]

mod bench;
mod debug;
mod soak;

pub use bench::{BENCHMARKS, BenchArguments};
pub use debug::{DebugArguments, LogArguments};
pub use soak::{ALL_SCENARIOS, SCENARIOS, SoakArguments};

use clap::builder::RangedU64ValueParser;

/// Core cycles that a wire may delay at most, as the simulator has it.
pub const MAXIMUM_WIRE_CYCLES: u64 = 1_000_000;

/// Host threads, at least one.
fn threads() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// The built-in profiles of hosts (`sim/profiles`).
pub const PROFILES: [&str; 3] = ["pcie-gen3-x8", "pcie-gen1-x1", "bare"];
