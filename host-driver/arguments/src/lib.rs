//! Arguments of `niu-bench` and `niu-soak`.
//!
//! Apart from the programs, so that `cargo xtask` can show their help, and refuse what is wrong, before it builds the
//! simulator.
#![forbid(unsafe_code)]

mod bench;
mod soak;

pub use bench::{BENCHMARKS, BenchArguments};
pub use soak::{ALL_SCENARIOS, SCENARIOS, SoakArguments};

/// The built-in profiles of hosts (`sim/profiles`).
pub const PROFILES: [&str; 3] = ["pcie-gen3-x8", "pcie-gen1-x1", "bare"];
