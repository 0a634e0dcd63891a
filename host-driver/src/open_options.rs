//! How a device is to be opened.

use crate::numbers::NodeNumber;
use std::time::Duration;

/// How the driver waits for the device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// In a polling loop ([`Transport::wait`](crate::transport::Transport::wait)): the shortest latency.
    #[default]
    Polling,
    /// For the interrupt of the receive queue
    /// ([`Transport::wait_for_interrupt`](crate::transport::Transport::wait_for_interrupt)): the processor is free
    /// meanwhile. Polls if the transport has no interrupts. Only receive rings have interrupts: what waits for room,
    /// for the consumer index or for the firmware polls.
    Interrupt,
    /// Polls first, and blocks when that was in vain (S18). If blocking and waking costs as much as `spin`, a wait
    /// costs no more than twice what the better of the two would have cost.
    Hybrid {
        /// For how long it polls.
        spin: Duration,
    },
}

/// How a device is to be opened.
///
/// ```
/// use std::time::Duration;
/// use wayfarer_host_driver::fake::FakeDevice;
/// use wayfarer_host_driver::{Device, OpenOptions};
///
/// let patient = OpenOptions { firmware_patience: Duration::from_secs(1), ..OpenOptions::default() };
/// let device = Device::with_transport(FakeDevice::new(), patient)?;
/// # Ok::<(), wayfarer_host_driver::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// Take the device from a driver that has it: one that died without giving it back. All its endpoints end; if it
    /// lives, its calls fail with [`RequestError::TakenOver`](crate::RequestError::TakenOver), but it may no longer
    /// rely on what it sent.
    pub take_over: bool,
    /// How long the firmware may take for a request before it counts as silent.
    pub firmware_patience: Duration,
    /// The number of this node, if the device's name does not tell it. Without either the device keeps the number that
    /// it has.
    pub node: Option<NodeNumber>,
    /// How receive rings wait for messages.
    pub waiting: Waiting,
}

impl OpenOptions {
    /// The usual options, as a constant.
    pub const DEFAULT: OpenOptions = OpenOptions {
        take_over: false,
        // Its longest task probes the 2048 pages of the largest ring.
        firmware_patience: Duration::from_millis(20),
        node: None,
        waiting: Waiting::Polling,
    };
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions::DEFAULT
    }
}
