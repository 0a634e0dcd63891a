//! The answer path as a whole.

use super::*;
use crate::bundles::Answer;
use crate::gate::{Gate, Random};
use crate::queues::test_support::control;

/// Sixteen queues.
pub type Sixteen = TransmitAnswers<4, 6, 10, 7>;

#[test]
fn gate() {
    let mut launched = [0u64; 16];
    Gate::new("transmit_answers", Sixteen::new(3, RoundRules::new(2, 3)))
        .clock(|unit| &mut unit.clock)
        .cycles(6000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            let queue = random.below(4);
            unit.configuration.next = if cycle > 30 && random.below(200) == 0 {
                launched[queue as usize] = 0;
                control(queue, random.word() & 0xFFF0 | u64::from(random.chance(90)))
            } else {
                QueueWord::default()
            };
            let queue = random.below(4);
            let index = launched[queue as usize];
            let again = random.chance(10);
            let launch = cycle > 40 && random.chance(30);
            if launch && !again {
                launched[queue as usize] += 1;
            }
            unit.launch.next = Launch {
                valid: launch,
                queue: queue.to_bits(),
                index: (index & 0xFFFF).to_bits(),
                again,
                node: random.below(2).to_bits(),
                marked: random.chance(20),
            };
            unit.skip_valid.next = random.chance(5);
            unit.skip.next = Skip {
                queue: queue.to_bits(),
                index: (index & 0xFFFF).to_bits(),
                again: false,
                error: random.below(6).to_bits(),
            };
            for local in [false, true] {
                let queue = random.below(4);
                let base = launched[queue as usize].wrapping_sub(random.below(20)) & 127;
                let answer = Answer {
                    node: random.below(2).to_bits(),
                    slot: queue.to_bits(),
                    generation: random.below(2).to_bits(),
                    base: base.to_bits(),
                    bitmap: random.bits::<12>() & random.bits::<12>(),
                    verdict: random.below(7).to_bits(),
                };
                let valid = cycle > 40 && random.chance(if local { 2 } else { 20 });
                if local {
                    unit.local_answer_valid.next = valid;
                    unit.local_answer.next = answer;
                } else {
                    unit.answer_valid.next = valid;
                    unit.answer.next = answer;
                }
            }
            unit.hold_timeouts.next = random.chance(5);
            unit.resend_ready.next = random.chance(50);
            unit.reopen_ready.next = random.chance(50);
        });
}
