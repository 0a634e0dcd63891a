//! What time does to a queue.

use crate::configuration::{ANSWER_TIMEOUT_ROUNDS, LONGEST_PAUSE_ROUNDS_LOG2};
use rust_hdl::prelude::*;

/// Compares a queue's timer with the pause after a refusal and with the time-out for answers. The timer counts rounds of the
/// sweep: since the last answer, and in a pause since it began.
///
/// The pause is `2^FULL answers to the probe` rounds, `2^longest_pause_log2` at most. Its first round always passes whole, after
/// the queue was closed: by then each message that the engine had chosen before has been told as launched.
///
/// Latency: none.
#[derive(LogicBlock)]
pub struct RoundRules {
    pub timer: Signal<In, Bits<11>>,
    /// FULL answers to the probe in a row.
    pub refusals: Signal<In, Bits<4>>,
    /// A pause is over.
    pub pause_over: Signal<Out, Bit>,
    /// No answer has come for so long that pings are sent, and that the answer to one may fail the queue.
    pub late: Signal<Out, Bit>,
    /// In the round that begins, a ping is due.
    pub ping_due: Signal<Out, Bit>,
    /// In the round that begins, the queue fails.
    pub expires: Signal<Out, Bit>,
    paused: Signal<Local, Bits<11>>,
    ones: Constant<Bits<11>>,
    /// Rounds that end every pause.
    longest: Constant<Bits<11>>,
    /// Last round before the time-out, and before the failure.
    before_late: Constant<Bits<11>>,
    before_failure: Constant<Bits<11>>,
    /// All bits but those that count rounds between two pings.
    not_between: Constant<Bits<11>>,
}

impl RoundRules {
    /// Pauses of at most `2^longest_pause_log2` rounds; pings after `2^timeout_log2` rounds, and after twice as many the queue
    /// fails.
    ///
    /// # Panics
    /// If the timer does not count them.
    pub fn new(longest_pause_log2: usize, timeout_log2: usize) -> Self {
        assert!(
            longest_pause_log2 <= 10 && timeout_log2 <= 10,
            "the timer counts 2^11 rounds"
        );
        let ones = (1u64 << 11) - 1;
        let between = (1u64 << timeout_log2.saturating_sub(2)) - 1;
        Self {
            timer: Default::default(),
            refusals: Default::default(),
            pause_over: Default::default(),
            late: Default::default(),
            ping_due: Default::default(),
            expires: Default::default(),
            paused: Default::default(),
            ones: Constant::new(ones.to_bits()),
            longest: Constant::new((ones & ones << longest_pause_log2).to_bits()),
            before_late: Constant::new(((1u64 << timeout_log2) - 1).to_bits()),
            before_failure: Constant::new(((2u64 << timeout_log2) - 1).to_bits()),
            not_between: Constant::new((ones & !between).to_bits()),
        }
    }
}

impl Default for RoundRules {
    fn default() -> Self {
        assert!(ANSWER_TIMEOUT_ROUNDS.is_power_of_two());
        Self::new(
            LONGEST_PAUSE_ROUNDS_LOG2,
            ANSWER_TIMEOUT_ROUNDS.ilog2() as usize,
        )
    }
}

impl Logic for RoundRules {
    #[hdl_gen]
    fn update(&mut self) {
        self.paused.next = (self.ones.val() << self.refusals.val()) | self.longest.val();
        self.pause_over.next = (self.timer.val() & self.paused.val()).any();
        self.late.next = self.timer.val() > self.before_late.val();
        self.ping_due.next = (self.timer.val() >= self.before_late.val())
            & ((self.timer.val() | self.not_between.val()) == self.ones.val());
        self.expires.next = self.timer.val() == self.before_failure.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    /// All timers and counts, for several sizes.
    #[test]
    fn agrees_with_the_rules_in_words() {
        for (longest, timeout) in [(0, 1), (3, 4), (9, 9), (10, 10)] {
            let mut unit = RoundRules::new(longest, timeout);
            unit.connect_all();
            let (late, quarter) = (1u64 << timeout, (1u64 << timeout) / 4);
            for timer in 0..1u64 << 11 {
                for refusals in [0, 1, 2, 3, 4, 9, 10, 11, 15] {
                    unit.timer.next = timer.to_bits();
                    unit.refusals.next = refusals.to_bits();
                    settle(&mut unit);
                    let pause = 1 << refusals.min(longest as u64);
                    assert_eq!(unit.pause_over.val(), timer >= pause);
                }
                assert_eq!(unit.late.val(), timer >= late);
                assert_eq!(unit.expires.val(), timer + 1 == 2 * late);
                if timer + 1 < 2 * late {
                    let due = timer + 1 >= late && (timer + 1).is_multiple_of(quarter.max(1));
                    assert_eq!(unit.ping_due.val(), due, "{timer} of {late}");
                }
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("round_rules", RoundRules::new(3, 4)).run(|unit, random, _| {
            unit.timer.next = random.bits::<11>() & random.bits::<11>();
            unit.refusals.next = random.bits();
        });
    }
}
