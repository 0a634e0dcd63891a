//! How a device is to be opened.

/// How a device is to be opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Take the device from a driver that has it: one that died without giving it back. All its endpoints end; if it lives, its
    /// calls fail with [`crate::Error::TakenOver`], but it may no longer rely on what it sent.
    pub take_over: bool,
    /// How long the firmware may take for a request before it counts as silent, in nanoseconds.
    pub firmware_patience_ns: f64,
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions {
            take_over: false,
            // Its longest task probes the 2048 pages of the largest ring.
            firmware_patience_ns: 20_000_000.0,
        }
    }
}
