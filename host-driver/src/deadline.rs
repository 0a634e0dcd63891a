//! When a wait ends.

/// The end of everything that one call waits for. It is set once; a wait that ends early never moves it.
///
/// ```
/// # use wayfarer_host_driver::Deadline;
/// let deadline = Deadline::new(1000.0, 200.0);
/// assert_eq!(deadline.left_ns(1150.0), Some(50.0));
/// assert_eq!(deadline.left_ns(1200.0), None);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start_ns: f64,
    end_ns: f64,
}

impl Deadline {
    /// The deadline `at_most_ns` nanoseconds after `now_ns`, the time of the clock that the other methods are given.
    pub fn new(now_ns: f64, at_most_ns: f64) -> Self {
        Deadline {
            start_ns: now_ns,
            end_ns: now_ns + at_most_ns,
        }
    }

    /// How long the next wait may take. `None` once the deadline has passed.
    pub fn left_ns(&self, now_ns: f64) -> Option<f64> {
        let left_ns = self.end_ns - now_ns;
        (left_ns > 0.0).then_some(left_ns)
    }

    /// The time since the deadline was set.
    pub fn waited_ns(&self, now_ns: f64) -> f64 {
        now_ns - self.start_ns
    }
}
