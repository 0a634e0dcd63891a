//! The timer, as embedded-hal sees timers.

use crate::hardware::Hardware;
use embedded_hal::delay::DelayNs;

/// Nanoseconds of a processor cycle at 62.5 MHz.
const CYCLE_NS: u32 = 16;

/// Waits on the processor's own timer.
pub struct Timer<'a>(pub &'a Hardware);

impl DelayNs for Timer<'_> {
    fn delay_ns(&mut self, ns: u32) {
        let start = self.0.time();
        while self.0.time().wrapping_sub(start) < ns / CYCLE_NS {}
    }
}
