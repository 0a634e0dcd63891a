//! Answers to frames of remote memory.

use crate::bundles::{Answer, BulkVerdict};
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// Most frames that one answer speaks of, as base-2 logarithm.
const MERGED_LOG2: usize = 4;
/// Cycles that an answer waits for more frames, as base-2 logarithm: blocks bring one every 18 cycles at best.
const AGE_LOG2: usize = 6;

/// Sends a `BULK_ANSWER` for each verdict, beside the answers to messages (`collected`): they take turns where both
/// wait. A verdict on a message of this node goes to its own transmit queues, in a cycle without an answer of
/// `AnswerCollector` to them; a counted one of this node is thrown away.
///
/// Counted verdicts that say that all is well leave as one answer if they follow each other and are for the same node,
/// slot and generation, up to 16 of them. Such an answer waits for more until another verdict comes, or `link_idle` is
/// high, or 64 cycles have passed.
///
/// Verdicts come from `BulkReceive`, which goes first, and from the transfer engine.
///
/// Contract: `verdict_valid` comes only with `verdict_ready`, which stays high until then. `engine_valid` waits for
/// `engine_ready`. Answers need no credits, so they always leave. `collected` passes in the cycle in which it comes.
///
/// Latency: verdict in cycle t, `answer_valid` in t + 2 if it does not wait for more.
#[derive(LogicBlock, Default)]
pub struct BulkAnswers {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub node: Signal<In, Bits<10>>,
    pub verdict_valid: Signal<In, Bit>,
    pub verdict_ready: Signal<Out, Bit>,
    pub verdict: Signal<In, BulkVerdict>,
    pub engine_valid: Signal<In, Bit>,
    pub engine_ready: Signal<Out, Bit>,
    pub engine_verdict: Signal<In, BulkVerdict>,
    /// An answer could be sent without holding up a frame.
    pub link_idle: Signal<In, Bit>,

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

    /// The verdict that came last.
    came: DFF<Bit>,
    coming: DFF<BulkVerdict>,
    /// What is answered next, and for how many frames less one.
    waits: DFF<Bit>,
    held: DFF<BulkVerdict>,
    more: DFF<Bits<MERGED_LOG2>>,
    age: DFF<Bits<AGE_LOG2>>,
    /// It may wait for more.
    may_merge: DFF<Bit>,
    /// It is for this node.
    is_local: DFF<Bit>,
    /// The last answer was one of these.
    answered: DFF<Bit>,

    coming_node: Signal<Local, Bits<10>>,
    merges: Signal<Local, Bit>,
    is_due: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    leaves_here: Signal<Local, Bit>,
    status: Signal<Local, Bits<4>>,
    count: Signal<Local, Bits<7>>,
    counted: Signal<Local, Bits<12>>,
    one: Fixed<7, 1>,
    first_bit: Fixed<12, 1>,
    bulk_verdict: Fixed<4, { abi::link::kind::BULK_ANSWER & 7 }>,
}

impl Logic for BulkAnswers {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, came, coming, waits, held, more, age, may_merge, is_local, answered
        );
        self.verdict_ready.next = !self.came.q.val();
        self.engine_ready.next = !self.came.q.val() & !self.verdict_valid.val();
        if !self.came.q.val() {
            self.came.d.next = self.verdict_valid.val() | self.engine_valid.val();
            self.coming.d.next = self.engine_verdict.val();
            if self.verdict_valid.val() {
                self.coming.d.next = self.verdict.val();
            }
        }

        // The verdict that came joins what waits.
        self.merges.next = self.came.q.val()
            & self.waits.q.val()
            & self.may_merge.q.val()
            & !self.more.q.val().all()
            & self.coming.q.val().counted
            & (self.coming.q.val().status == 0)
            & (self.coming.q.val().node == self.held.q.val().node)
            & (self.coming.q.val().slot == self.held.q.val().slot)
            & (self.coming.q.val().generation == self.held.q.val().generation);

        // Towards the link.
        self.is_due.next = !self.may_merge.q.val()
            | self.came.q.val()
            | self.link_idle.val()
            | self.age.q.val().all()
            | self.more.q.val().all();
        self.goes.next = self.waits.q.val()
            & self.is_due.val()
            & !self.merges.val()
            & !self.is_local.q.val()
            & (!self.collected_valid.val() | !self.answered.q.val());
        self.answer_valid.next = self.goes.val() | self.collected_valid.val();
        self.collected_ready.next = self.answer_ready.val() & !self.goes.val();
        self.leaves.next = self.goes.val() & self.answer_ready.val();
        if self.answer_ready.val() & (self.goes.val() | self.collected_valid.val()) {
            self.answered.d.next = self.goes.val();
        }
        self.status.next = self.held.q.val().status;
        self.count.next = bit_cast::<7, MERGED_LOG2>(self.more.q.val()) + self.one.val();
        self.counted.next = bit_cast::<12, 1>(self.held.q.val().counted.into())
            << abi::link::bulk_status::counted::SHIFT.to_bits::<4>();
        self.answer.next = self.collected.val();
        if self.goes.val() {
            self.answer.next.node = self.held.q.val().node;
            self.answer.next.slot = self.held.q.val().slot;
            self.answer.next.generation = self.held.q.val().generation;
            self.answer.next.base = self.held.q.val().index;
            if self.held.q.val().counted {
                self.answer.next.base = self.count.val();
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

        // Or it takes its place.
        self.moves.next = self.came.q.val() & !self.waits.q.val();
        self.coming_node.next = self.coming.q.val().node;
        if self.waits.q.val() & !self.age.q.val().all() {
            self.age.d.next = self.age.q.val() + 1;
        }
        if self.leaves.val() | self.leaves_here.val() {
            self.waits.d.next = false;
        }
        if self.merges.val() {
            self.more.d.next = self.more.q.val() + 1;
            self.came.d.next = false;
        }
        if self.moves.val() {
            self.waits.d.next = true;
            self.held.d.next = self.coming.q.val();
            self.is_local.d.next = self.coming_node.val() == self.node.val();
            self.may_merge.d.next = self.coming.q.val().counted & (self.coming.q.val().status == 0);
            self.more.d.next = 0.into();
            self.age.d.next = 0.into();
            self.came.d.next = false;
        }
        if self.reset.val() {
            self.came.d.next = false;
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

    /// The answer to a verdict on as many frames.
    fn answer_to(verdict: BulkVerdict, frames: u64) -> Answer {
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
                frames.to_bits()
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

    fn may_merge(verdict: &BulkVerdict) -> bool {
        verdict.counted && verdict.status.to_u64() == 0
    }

    /// Verdicts that an answer may speak of follow each other; how many, the unit says.
    fn take(expected: &mut VecDeque<BulkVerdict>, answer: Answer) -> u64 {
        let first = expected.pop_front().expect("a verdict came");
        let mut frames = 1;
        if may_merge(&first) {
            assert!((1..=16).contains(&answer.base.to_u64()), "{answer:?}");
            while frames < answer.base.to_u64() {
                let next = expected.pop_front().expect("a verdict came");
                let place = |it: &BulkVerdict| (it.node, it.slot, it.generation);
                assert!(may_merge(&next) && place(&next) == place(&first));
                frames += 1;
            }
        }
        assert_eq!(answer, answer_to(first, frames));
        frames
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
        let mut expected: VecDeque<BulkVerdict> = VecDeque::new();
        let mut collected: Option<Answer> = None;
        let mut engine: Option<BulkVerdict> = None;
        let mut last = any_verdict(&mut random);
        let (mut overtaken, mut told, mut passed, mut here, mut merged) = (0, 0, 0, 0, 0);
        let (mut of_engine, mut most) = (0, 0);
        for cycle in 0..60_000 {
            if collected.is_none() && random.chance(50) {
                collected = Some(any_answer(&mut random, NODE + 2));
            }
            // Now and then many that may be answered together.
            let verdict = match random.chance(if cycle % 1000 < 500 { 95 } else { 20 }) {
                true => last,
                false => any_verdict(&mut random),
            };
            last = verdict;
            if random.chance(40) {
                last.node = (NODE + 1).to_bits();
                last.counted = true;
                last.status = 0u64.to_bits();
            }
            if engine.is_none() && random.chance(5) {
                engine = Some(any_verdict(&mut random));
            }
            unit.engine_valid.next = engine.is_some();
            unit.engine_verdict.next = engine.unwrap_or_else(|| any_verdict(&mut random));
            unit.link_idle.next = random.chance(if cycle % 2000 < 1000 { 0 } else { 30 });
            unit.collected_valid.next = collected.is_some();
            unit.collected.next = collected.unwrap_or_else(|| any_answer(&mut random, 0));
            unit.answer_ready.next = random.chance(60);
            unit.local_collected_valid.next = random.chance(40);
            unit.local_collected.next = any_answer(&mut random, NODE);
            settle(&mut unit);
            unit.verdict_valid.next = unit.verdict_ready.val() && random.chance(50);
            unit.verdict.next = verdict;
            settle(&mut unit);
            // Those of this node are not seen.
            let is_thrown = |it: &BulkVerdict| it.counted && it.node.to_u64() == NODE;
            while expected.front().is_some_and(is_thrown) {
                expected.pop_front();
            }
            if unit.answer_valid.val() && unit.answer_ready.val() {
                let answer = unit.answer.val();
                if unit.collected_ready.val() && collected == Some(answer) {
                    collected = None;
                    overtaken = 0;
                    passed += 1;
                } else {
                    let frames = take(&mut expected, answer);
                    merged += frames - 1;
                    most = most.max(frames);
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
                assert_eq!(take(&mut expected, unit.local_answer.val()), 1);
                here += 1;
            }
            if unit.verdict_valid.val() {
                expected.push_back(verdict);
            } else if unit.engine_ready.val() {
                of_engine += usize::from(engine.is_some());
                expected.extend(engine.take());
            }
            clock_cycle!(unit, clock);
        }
        println!("{told} told, {merged} merged, {most} at most, {passed} passed, {here} here");
        assert!(told > 3000 && merged > 3000 && most == 16);
        assert!(passed > 9000 && here > 1000 && of_engine > 500);
    }

    /// An answer that may speak of more frames waits for them, but not for long, and not while the link is idle.
    #[test]
    fn a_counted_answer_waits_for_more_as_long_as_it_may() {
        for (link_idle, status, counted, expected) in [
            (false, 0, true, 65),
            (true, 0, true, 2),
            (false, 12, true, 2),
            (false, 0, false, 2),
        ] {
            let mut unit = BulkAnswers::default();
            unit.connect_all();
            unit.node.next = NODE.to_bits();
            unit.reset.next = true;
            clock_cycle!(unit, clock);
            unit.reset.next = false;
            unit.answer_ready.next = true;
            unit.link_idle.next = link_idle;
            unit.verdict.next.node = 6u64.to_bits();
            unit.verdict.next.status = u64::to_bits(status);
            unit.verdict.next.counted = counted;
            unit.verdict_valid.next = true;
            clock_cycle!(unit, clock);
            unit.verdict_valid.next = false;
            let mut cycles = 1;
            settle(&mut unit);
            while !unit.answer_valid.val() {
                clock_cycle!(unit, clock);
                settle(&mut unit);
                cycles += 1;
            }
            assert_eq!(cycles, expected);
        }
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
                if random.chance(70) {
                    // Some that may be answered together.
                    unit.verdict.next.node = 6u64.to_bits();
                    unit.verdict.next.slot = 1u64.to_bits();
                    unit.verdict.next.generation = 2u64.to_bits();
                    unit.verdict.next.counted = true;
                    unit.verdict.next.status = 0u64.to_bits();
                }
                unit.engine_valid.next = random.chance(10);
                unit.engine_verdict.next = any_verdict(random);
                unit.link_idle.next = random.chance(10);
                unit.collected_valid.next = random.chance(40);
                unit.collected.next = any_answer(random, 6);
                unit.answer_ready.next = random.chance(60);
                unit.local_collected_valid.next = random.chance(30);
                unit.local_collected.next = any_answer(random, NODE);
            });
    }
}
