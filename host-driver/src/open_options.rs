//! How a device is to be opened.

use crate::numbers::NodeNumber;
use abi::admin::residency_policy::ResidencyPolicy;
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
    /// Whose resident queues the firmware lends to endpoints that need some. [`residency_policy`] finds one by its
    /// name.
    pub residency_policy: ResidencyPolicy,
}

/// The policy of this name: as in the reference of the ABI (`ROUND_ROBIN`), or as on a command line (`round-robin`).
///
/// ```
/// use wayfarer_host_driver::abi::admin::residency_policy::ResidencyPolicy;
/// use wayfarer_host_driver::{OpenOptions, residency_policy};
///
/// let policy = residency_policy("second-chance").expect("there is one");
/// assert_eq!(policy, ResidencyPolicy::SecondChance);
/// let options = OpenOptions { residency_policy: policy, ..OpenOptions::default() };
/// assert_eq!(residency_policy("none"), None);
/// # let _ = options;
/// ```
pub fn residency_policy(name: &str) -> Option<ResidencyPolicy> {
    let name = name.replace('-', "_");
    let mut all = ResidencyPolicy::ALL.iter().copied();
    all.find(|policy| policy.name().eq_ignore_ascii_case(&name))
}

impl OpenOptions {
    /// The usual options, as a constant.
    pub const DEFAULT: OpenOptions = OpenOptions {
        take_over: false,
        // Its longest task probes the 2048 pages of the largest ring.
        firmware_patience: Duration::from_millis(20),
        node: None,
        waiting: Waiting::Polling,
        residency_policy: ResidencyPolicy::RoundRobin,
    };
}

impl Default for OpenOptions {
    fn default() -> Self {
        OpenOptions::DEFAULT
    }
}
