//! `cargo xtask pictures`: writes the pictures that the documents show.

use anyhow::Result;

use crate::{progress::run_attached, run, workspace::Workspace};

/// The crate `pictures` knows it: tests that compare a picture with the kept one write it instead.
const WRITE_VARIABLE: &str = "WAYFARER_WRITE_PICTURES";

/// The tests that draw: of the schema, of a block, of runs of `niu-bench`.
const DRAWING: [&[&str]; 3] = [
    &["--package", "wayfarer-pictures", "--test", "kept"],
    &["--package", "wayfarer-hdl", "--lib", "handshake_picture"],
    &["--package", run::CLUSTER, "--test", "bench"],
];

/// Runs the tests that draw, and has them write what is stale.
///
/// # Errors
/// When a picture cannot be drawn or written.
pub fn write(workspace: &Workspace) -> Result<()> {
    run::prepare(workspace)?;
    for tests in DRAWING {
        let mut cargo = workspace.cargo();
        cargo.env(WRITE_VARIABLE, "1");
        cargo.args(["test", "--quiet", "--locked"]).args(tests);
        run_attached("pictures", &mut cargo)?;
    }
    Ok(())
}
