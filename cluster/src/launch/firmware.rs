//! The firmware image that simulated NIUs start with.

use sim::model::RAM_BYTES;
use std::path::{Path, PathBuf};

/// No NIU can start with the firmware image.
#[derive(Debug, thiserror::Error)]
pub enum FirmwareError {
    /// It cannot be read.
    #[error(
        "cannot read the firmware image {}: {error}; `cargo xtask firmware` builds it as {}",
        path.display(),
        firmware_path().display()
    )]
    Unreadable {
        /// Where it should be.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// It does not fit in the service processor's RAM.
    #[error(
        "the firmware image {} has {bytes} bytes, but the service processor's RAM holds {RAM_BYTES} at most",
        path.display()
    )]
    TooLong {
        /// Where it is.
        path: PathBuf,
        /// Its size.
        bytes: usize,
    },
}

/// Where `cargo xtask firmware` leaves the image: `firmware.bin` in the folder of generated files, whatever folder the
/// program runs in.
pub fn firmware_path() -> PathBuf {
    build_support::generated().join("firmware.bin")
}

/// Reads the image that `cargo xtask firmware` leaves.
///
/// # Errors
/// It is not there, cannot be read, or is longer than the service processor's RAM.
pub fn read_firmware(path: &Path) -> Result<Vec<u8>, FirmwareError> {
    let path = path.to_path_buf();
    match std::fs::read(&path) {
        Ok(image) if image.len() <= RAM_BYTES => Ok(image),
        Ok(image) => Err(FirmwareError::TooLong {
            path,
            bytes: image.len(),
        }),
        Err(error) => Err(FirmwareError::Unreadable { path, error }),
    }
}
