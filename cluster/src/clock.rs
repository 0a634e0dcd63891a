//! Simulated time as the driver counts it.

use sim::host::HostPort;
use std::time::Duration;

/// The clock of a simulated host, as [`Duration`]s since the start of the run.
pub trait Clock {
    /// The program's time.
    fn now(&self) -> Duration;

    /// One turn of a polling loop ([`HostPort::poll`]).
    fn poll_for(&self, at_most: Duration);
}

impl Clock for HostPort {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.now_ns() as u64)
    }

    fn poll_for(&self, at_most: Duration) {
        self.poll(at_most.as_nanos() as f64);
    }
}
