//! The firmware image that simulated NIUs start with.

use std::path::{Path, PathBuf};

/// The firmware image cannot be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read the firmware image {}: {error}; `cargo xtask firmware` builds it as {}",
    path.display(),
    firmware_path().display()
)]
pub struct FirmwareError {
    path: PathBuf,
    error: std::io::Error,
}

/// Where `cargo xtask firmware` leaves the image: `firmware.bin` in the folder of generated files, whatever folder the program
/// runs in.
pub fn firmware_path() -> PathBuf {
    build_support::generated().join("firmware.bin")
}

/// Reads the image that `cargo xtask firmware` leaves.
///
/// # Errors
/// It is not there, or cannot be read.
pub fn read_firmware(path: &Path) -> Result<Vec<u8>, FirmwareError> {
    std::fs::read(path).map_err(|error| FirmwareError {
        path: path.into(),
        error,
    })
}
