//! When a wait ends.

use std::time::Duration;

/// The end of everything that one call waits for. It is set once; a wait that ends early never moves it.
///
/// ```
/// # use std::time::Duration;
/// # use wayfarer_host_driver::Deadline;
/// let us = Duration::from_micros;
/// let deadline = Deadline::new(us(1000), us(200));
/// assert_eq!(deadline.left(us(1150)), Some(us(50)));
/// assert_eq!(deadline.left(us(1200)), None);
/// assert_eq!(deadline.waited(us(1150)), us(150));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Duration,
    end: Duration,
}

impl Deadline {
    /// The deadline `at_most` after `now`, the time of the clock that the other methods are given.
    pub fn new(now: Duration, at_most: Duration) -> Self {
        Deadline {
            start: now,
            end: now.saturating_add(at_most),
        }
    }

    /// How long the next wait may take. `None` once the deadline has passed.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        let left = self.end.saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }

    /// The time since the deadline was set.
    pub fn waited(&self, now: Duration) -> Duration {
        now.saturating_sub(self.start)
    }
}
