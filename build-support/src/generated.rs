//! The folder of what `cargo xtask` generates: the Verilog and the firmware image.

use crate::workspace;
use std::env;
use std::path::PathBuf;

/// Names the folder of generated files.
pub const GENERATED_VARIABLE: &str = "WAYFARER_GENERATED";

/// The folder that `WAYFARER_GENERATED` names, else `target/generated`. `cargo xtask` sets the variable; so does
/// Cargo, from `.cargo/config.toml`, for what it runs itself.
pub fn generated() -> PathBuf {
    let named = env::var_os(GENERATED_VARIABLE).map(PathBuf::from);
    named.unwrap_or_else(|| workspace().join("target/generated"))
}
