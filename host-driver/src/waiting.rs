//! Waits of the blocking calls.

use crate::open_options::Waiting;
use crate::transport::Transport;
use std::time::Duration;

/// Waits once, for the device to write something, in the way that the program has chosen.
pub fn wait<T: Transport>(transport: &T, waiting: Waiting, at_most: Duration) {
    match waiting {
        Waiting::Polling => transport.wait(at_most),
        Waiting::Interrupt => transport.wait_for_interrupt(at_most),
    }
}
