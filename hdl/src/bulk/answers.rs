//! Answers to frames of remote memory.

use crate::bundles::{Answer, BulkVerdict};
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// Sends a `BULK_ANSWER` for each verdict, beside the answers to messages (`collected`): they take turns where both
/// wait. A verdict on a message of this node goes to its own transmit queues, in a cycle without an answer of
/// `AnswerCollector` to them; a counted one of this node is thrown away.
///
/// Contract: `verdict_valid` comes only with `verdict_ready`, which stays high until then. Answers need no credits, so
/// they always leave. `collected` passes in the cycle in which it comes.
///
/// Latency: `verdict_valid` in cycle t, `answer_valid` in t + 1.
#[derive(LogicBlock, Default)]
pub struct BulkAnswers {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub node: Signal<In, Bits<10>>,
    pub verdict_valid: Signal<In, Bit>,
    pub verdict_ready: Signal<Out, Bit>,
    pub verdict: Signal<In, BulkVerdict>,

    /// Answers to messages.
    pub collected_valid: Signal<In, Bit>,
    pub collected_ready: Signal<Out, Bit>,
    pub collected: Signal<In, Answer>,
    pub answer_valid: Signal<Out, Bit>,
    pub answer_ready: Signal<In, Bit>,
    pub answer: Signal<Out, Answer>,

    /// Answers to messages of this node, which cannot wait.
    pub local_collected_valid: Signal<In, Bit>,
    pub local_collected: Signal<In, Answer>,
    pub local_answer_valid: Signal<Out, Bit>,
    pub local_answer: Signal<Out, Answer>,

    waits: DFF<Bit>,
    held: DFF<BulkVerdict>,
    /// It is for this node.
    is_local: DFF<Bit>,
    /// The last answer was one of these.
    answered: DFF<Bit>,

    verdict_node: Signal<Local, Bits<10>>,
    goes: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    leaves_here: Signal<Local, Bit>,
    status: Signal<Local, Bits<4>>,
    counted: Signal<Local, Bits<12>>,
    one: Fixed<7, 1>,
    first_bit: Fixed<12, 1>,
    bulk_verdict: Fixed<4, { abi::link::kind::BULK_ANSWER & 7 }>,
}

impl Logic for BulkAnswers {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waits, held, is_local, answered);
        self.verdict_ready.next = !self.waits.q.val();
        self.verdict_node.next = self.verdict.val().node;
        if !self.waits.q.val() {
            self.held.d.next = self.verdict.val();
            self.is_local.d.next = self.verdict_node.val() == self.node.val();
        }

        // Towards the link.
        self.goes.next = self.waits.q.val()
            & !self.is_local.q.val()
            & (!self.collected_valid.val() | !self.answered.q.val());
        self.answer_valid.next = self.goes.val() | self.collected_valid.val();
        self.collected_ready.next = self.answer_ready.val() & !self.goes.val();
        self.leaves.next = self.goes.val() & self.answer_ready.val();
        if self.answer_ready.val() & (self.goes.val() | self.collected_valid.val()) {
            self.answered.d.next = self.goes.val();
        }
        self.status.next = self.held.q.val().status;
        self.counted.next = bit_cast::<12, 1>(self.held.q.val().counted.into())
            << abi::link::bulk_status::counted::SHIFT.to_bits::<4>();
        self.answer.next = self.collected.val();
        if self.goes.val() {
            self.answer.next.node = self.held.q.val().node;
            self.answer.next.slot = self.held.q.val().slot;
            self.answer.next.generation = self.held.q.val().generation;
            self.answer.next.base = self.held.q.val().index;
            if self.held.q.val().counted {
                self.answer.next.base = self.one.val();
            }
            self.answer.next.bitmap = bit_cast::<12, 4>(self.status.val()) | self.counted.val();
            self.answer.next.verdict = self.bulk_verdict.val();
        }

        // Towards the own queues.
        self.leaves_here.next = self.waits.q.val()
            & self.is_local.q.val()
            & (self.held.q.val().counted | !self.local_collected_valid.val());
        self.local_answer_valid.next = self.local_collected_valid.val()
            | (self.waits.q.val() & self.is_local.q.val() & !self.held.q.val().counted);
        self.local_answer.next.node = self.held.q.val().node;
        self.local_answer.next.slot = self.held.q.val().slot;
        self.local_answer.next.generation = self.held.q.val().generation;
        self.local_answer.next.base = self.held.q.val().index;
        self.local_answer.next.bitmap = self.first_bit.val();
        self.local_answer.next.verdict = self.status.val();
        if self.local_collected_valid.val() {
            self.local_answer.next = self.local_collected.val();
        }

        if self.leaves.val() | self.leaves_here.val() {
            self.waits.d.next = false;
        }
        if self.verdict_valid.val() & !self.waits.q.val() {
            self.waits.d.next = true;
        }
        if self.reset.val() {
            self.waits.d.next = false;
            self.answered.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use abi::link::BulkStatus;
    use std::collections::VecDeque;

    const NODE: u64 = 5;

    fn any_verdict(random: &mut Random) -> BulkVerdict {
        BulkVerdict {
            node: (NODE + random.below(2)).to_bits(),
            slot: random.bits(),
            generation: random.bits(),
            index: random.bits(),
            counted: random.chance(30),
            status: random.bits(),
        }
    }

    fn any_answer(random: &mut Random, node: u64) -> Answer {
        Answer {
            node: node.to_bits(),
            slot: random.bits(),
            generation: random.bits(),
            base: random.bits(),
            bitmap: random.bits(),
            verdict: random.below(7).to_bits(),
        }
    }

    /// The answer to a verdict.
    fn answer_to(verdict: BulkVerdict) -> Answer {
        let counted = verdict.counted;
        let local = verdict.node.to_u64() == NODE;
        let status = BulkStatus {
            status: verdict.status.to_u64(),
            counted: counted.into(),
        };
        let bitmap = if local { 1 } else { u64::from(status.pack()) };
        Answer {
            node: verdict.node,
            slot: verdict.slot,
            generation: verdict.generation,
            base: if counted {
                1u64.to_bits()
            } else {
                verdict.index
            },
            bitmap: bitmap.to_bits(),
            verdict: if local {
                verdict.status
            } else {
                7u64.to_bits()
            },
        }
    }

    #[test]
    fn each_verdict_leaves_once_and_no_answer_to_messages_waits_for_two() {
        let seed = 11;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = BulkAnswers::default();
        unit.connect_all();
        unit.node.next = NODE.to_bits();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut expected: VecDeque<Answer> = VecDeque::new();
        let mut collected: Option<Answer> = None;
        let (mut overtaken, mut told, mut passed, mut here) = (0, 0, 0, 0);
        for _ in 0..20_000 {
            if collected.is_none() && random.chance(50) {
                collected = Some(any_answer(&mut random, NODE + 2));
            }
            unit.collected_valid.next = collected.is_some();
            unit.collected.next = collected.unwrap_or_else(|| any_answer(&mut random, 0));
            unit.answer_ready.next = random.chance(60);
            unit.local_collected_valid.next = random.chance(40);
            unit.local_collected.next = any_answer(&mut random, NODE);
            settle(&mut unit);
            let verdict = any_verdict(&mut random);
            unit.verdict_valid.next = unit.verdict_ready.val() && random.chance(50);
            unit.verdict.next = verdict;
            settle(&mut unit);
            if unit.answer_valid.val() && unit.answer_ready.val() {
                let answer = unit.answer.val();
                if unit.collected_ready.val() && collected == Some(answer) {
                    collected = None;
                    overtaken = 0;
                    passed += 1;
                } else {
                    assert_eq!(Some(answer), expected.pop_front());
                    overtaken += 1;
                    assert!(overtaken < 2 || collected.is_none());
                    told += 1;
                }
            } else {
                assert!(!unit.collected_ready.val() || !unit.answer_valid.val());
            }
            if unit.local_collected_valid.val() {
                assert!(unit.local_answer_valid.val());
                assert_eq!(unit.local_answer.val(), unit.local_collected.val());
            } else if unit.local_answer_valid.val() {
                assert_eq!(Some(unit.local_answer.val()), expected.pop_front());
                here += 1;
            }
            if unit.verdict_valid.val() {
                let is_thrown = verdict.counted && verdict.node.to_u64() == NODE;
                expected.extend((!is_thrown).then(|| answer_to(verdict)));
            }
            clock_cycle!(unit, clock);
        }
        assert!(
            told > 1000 && passed > 3000 && here > 1000,
            "{told} {passed} {here}"
        );
    }

    #[test]
    fn gate() {
        Gate::new("bulk_answers", BulkAnswers::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.chance(1);
                unit.node.next = NODE.to_bits();
                unit.verdict_valid.next = random.chance(40);
                unit.verdict.next = any_verdict(random);
                unit.collected_valid.next = random.chance(40);
                unit.collected.next = any_answer(random, 6);
                unit.answer_ready.next = random.chance(60);
                unit.local_collected_valid.next = random.chance(30);
                unit.local_collected.next = any_answer(random, NODE);
            });
    }
}
