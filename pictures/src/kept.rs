//! Pictures that are kept in the repository.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// Set to anything, it has the checks write what is stale. `cargo xtask pictures` sets it.
pub const WRITE_VARIABLE: &str = "WAYFARER_WRITE_PICTURES";

/// The top of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Checks that the file, named from the top of the repository, holds this picture; with `WAYFARER_WRITE_PICTURES`,
/// writes it.
///
/// # Errors
/// Says that the file is stale, or why it cannot be written.
pub fn check(path: &str, picture: &str) -> Result<(), String> {
    let file = root().join(path);
    if fs::read_to_string(&file).is_ok_and(|present| present == picture) {
        return Ok(());
    }
    if env::var_os(WRITE_VARIABLE).is_none() {
        return Err(format!(
            "{path} is stale: run `cargo xtask pictures` and commit it"
        ));
    }
    let folder = file.parent().unwrap_or(&file);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&file, picture))
        .map_err(|error| format!("{path} cannot be written: {error}"))
}
