//! Pauses before something is tried again.

/// Shortest pause, in processor cycles: 20 us at 62.5 MHz.
const PAUSE: u32 = 1250;
/// How long a pause is: base-2 logarithm, in shortest ones.
#[derive(Clone, Copy, Debug)]
pub enum Pause {
    Short = 0,
    Middle = 3,
    Long = 6,
}
/// Base-2 logarithm of the longest pause, in shortest ones.
const LONGEST: u8 = 10;

/// A pause, if there is one, and the attempts that failed before it.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    failures: u8,
    wait: Wait,
}

#[derive(Clone, Copy, Debug)]
enum Wait {
    Over,
    /// Begins when the time is known.
    Asked(u32),
    Until(u32),
}

impl Patience {
    pub const fn new() -> Self {
        Patience {
            failures: 0,
            wait: Wait::Over,
        }
    }

    /// A pause begins.
    pub fn pause(&mut self, pause: Pause) {
        self.wait = Wait::Asked(PAUSE << pause as u8);
    }

    /// A pause begins, twice as long as the one before; how often this happened since the last success.
    pub fn fail(&mut self) -> u8 {
        self.wait = Wait::Asked(PAUSE << self.failures.min(LONGEST));
        self.failures = self.failures.saturating_add(1);
        self.failures
    }

    /// What was tried succeeded.
    #[inline]
    pub fn succeed(&mut self) {
        self.failures = 0;
    }

    /// Whether there is no pause.
    #[inline]
    pub fn is_none(&self) -> bool {
        matches!(self.wait, Wait::Over)
    }

    /// Whether the pause is over; `now` in processor cycles.
    #[inline]
    pub fn is_over(&mut self, now: u32) -> bool {
        match self.wait {
            Wait::Over => true,
            Wait::Asked(cycles) => {
                self.wait = Wait::Until(now.wrapping_add(cycles));
                false
            }
            Wait::Until(end) => {
                let is_over = now.wrapping_sub(end) as i32 >= 0;
                if is_over {
                    self.wait = Wait::Over;
                }
                is_over
            }
        }
    }
}
