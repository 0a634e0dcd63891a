//! The timer, as embedded-hal sees timers.

use crate::hardware::Hardware;
use crate::number;
use embedded_hal::delay::DelayNs;

/// Nanoseconds of a processor cycle, rounded down: a delay may be longer than asked for, but not shorter.
const CYCLE_NS: u32 = 1_000_000_000 / number(env!("WAYFARER_PROCESSOR_HERTZ"));

/// Waits on the processor's own timer.
pub struct Timer<'a>(pub &'a Hardware);

impl DelayNs for Timer<'_> {
    fn delay_ns(&mut self, ns: u32) {
        let start = self.0.time();
        while self.0.time().wrapping_sub(start) < ns / CYCLE_NS {}
    }
}
