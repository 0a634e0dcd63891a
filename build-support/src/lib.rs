//! What the builds of hardware, firmware and simulator ask for alike: where the tools are, and of
//! which revision the sources are.
//!
//! Build scripts use this, so it depends on nothing.
#![forbid(unsafe_code)]

mod generated;
mod revision;
mod tools;

pub use generated::{GENERATED_VARIABLE, generated};
pub use revision::{REVISION_VARIABLE, RevisionError, revision};
pub use tools::{TOOLS_VARIABLE, Tools, ToolsError};

use std::path::Path;

/// The top of the checkout: the parent of this crate.
fn workspace() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}
