//! From control words to the steps that carry them out.

use crate::library::fifo::Fifo;
use crate::library::fixed::Fixed;
use crate::queues::queue_select::QueueWord;
use rust_hdl::prelude::*;

/// What a control word says of the answer part.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct AnswerControl {
    pub queue: Bits<8>,
    pub enabled: Bit,
    pub generation: Bits<8>,
    pub give_up: Bits<4>,
}

/// One operation for a control word.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ResetStep {
    pub queue: Bits<8>,
    /// The row to clear.
    pub row: Bits<3>,
    /// The row's `done` when the messages from the queue's consumer index on are not done.
    pub done: Bits<8>,
    pub generation: Bits<8>,
    pub give_up: Bits<4>,
    /// Clears the record and the row; else only disables the queue.
    pub clears: Bit,
    /// With `clears`: enables the queue.
    pub enables: Bit,
}

/// Makes operations of control words, and clears the records of all `2^N` queues after reset, one a cycle.
///
/// A word with `enabled` first clears the launched index (`clears_launched`, in a cycle without `launching`), then the
/// eight rows and with each of them the record. The last of these operations enables the queue. A word without
/// `enabled` only disables it. A queue that is loaded (`QueueWord::second`) begins at its consumer index.
///
/// Contract: up to 16 control words wait; behind one of a queue that is loaded there must be none
/// before `settling` has fallen. The operation of `valid` stays until it is taken. The one that
/// enables a queue is offered only with `reopen_free`.
///
/// Latency: from a control word to its first operation: 2 cycles. Rate: a word with `enabled` every 9 cycles, one
/// without every 2.
#[derive(LogicBlock, Default)]
pub struct Resets<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `abi::queue_state::transmit_control`.
    pub configuration: Signal<In, QueueWord>,
    /// All records were cleared after reset.
    pub ready: Signal<Out, Bit>,
    /// A control word waits, or its last operation may be in the pipeline.
    pub settling: Signal<Out, Bit>,
    /// A launched index is written in this cycle.
    pub launching: Signal<In, Bit>,
    /// The launched index of the operation's queue becomes zero.
    pub clears_launched: Signal<Out, Bit>,
    /// The queue may be told as reopened.
    pub reopen_free: Signal<In, Bit>,
    pub valid: Signal<Out, Bit>,
    pub step: Signal<Out, ResetStep>,
    pub taken: Signal<In, Bit>,

    words: Fifo<AnswerControl, 4, 5>,
    /// Records are being cleared, and which.
    clearing: DFF<Bit>,
    cleared: DFF<Bits<N>>,
    /// The launched index of the oldest control word's queue is zero; the rows follow.
    resetting: DFF<Bit>,
    /// The oldest control word disables its queue.
    disabling: DFF<Bit>,
    row: DFF<Bits<3>>,
    /// Cycles for the last operation to pass the pipeline.
    passing: DFF<Bits<4>>,
    start: Signal<Local, Bits<34>>,
    start_row: Signal<Local, Bits<3>>,
    start_place: Signal<Local, Bits<3>>,
    lap: Signal<Local, Bits<8>>,
    above: Signal<Local, Bits<8>>,
    below: Signal<Local, Bits<8>>,
    ones: Fixed<8, 0xff>,
    word: Signal<Local, Bits<64>>,
    head: Signal<Local, AnswerControl>,
    any: Signal<Local, Bit>,
    is_last_row: Signal<Local, Bit>,
    next_cleared: Signal<Local, Bits<N>>,
}

impl<const N: usize> Logic for Resets<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, clearing, cleared, resetting, disabling, row, passing
        );
        clock!(self, clock, words);
        self.words.reset.next = self.reset.val();
        self.word.next = self.configuration.val().word;
        self.words.write.next = self.configuration.val().control;
        self.words.data_in.next.queue = self.configuration.val().queue;
        self.words.data_in.next.enabled = self
            .word
            .val()
            .get_bit(abi::queue_state::transmit_control::enabled::SHIFT);
        self.words.data_in.next.generation = self
            .word
            .val()
            .get_bits::<8>(abi::queue_state::transmit_control::generation::SHIFT);
        self.words.data_in.next.give_up = self
            .word
            .val()
            .get_bits::<4>(abi::queue_state::transmit_control::give_up::SHIFT);

        self.head.next = self.words.data_out.val();
        self.any.next = !self.words.empty.val() & !self.clearing.q.val();
        self.is_last_row.next = self.row.q.val() == 7;
        self.words.read.next = false;
        self.clears_launched.next = false;
        self.step.next.queue = self.head.val().queue;
        self.step.next.row = self.row.q.val();
        // A message is not done when its bit is its lap. Those before the consumer index belong to the next lap.
        self.start.next = self.configuration.val().second;
        self.start_row.next = self.start.val().get_bits::<3>(3);
        self.start_place.next = self.start.val().get_bits::<3>(0);
        self.lap.next = 0.into();
        if self.start.val().get_bit(6) {
            self.lap.next = self.ones.val();
        }
        self.above.next = self.ones.val() << self.start_place.val();
        self.below.next = 0.into();
        if self.row.q.val() < self.start_row.val() {
            self.below.next = self.ones.val();
        }
        if self.row.q.val() == self.start_row.val() {
            self.below.next = !self.above.val();
        }
        self.step.next.done = self.lap.val() ^ self.below.val();
        self.step.next.generation = self.head.val().generation;
        self.step.next.give_up = self.head.val().give_up;
        self.step.next.clears = !self.disabling.q.val();
        self.step.next.enables = self.resetting.q.val() & self.is_last_row.val();
        self.valid.next = self.disabling.q.val()
            | (self.resetting.q.val() & (!self.is_last_row.val() | self.reopen_free.val()));
        self.settling.next = !self.words.empty.val() | self.passing.q.val().any();
        if self.passing.q.val().any() {
            self.passing.d.next = self.passing.q.val() - 1;
        }
        if !self.words.empty.val() {
            self.passing.d.next = 15.into();
        }
        if self.resetting.q.val() & self.taken.val() {
            self.row.d.next = self.row.q.val() + 1;
            if self.is_last_row.val() {
                self.resetting.d.next = false;
                self.words.read.next = true;
            }
        }
        if self.disabling.q.val() & self.taken.val() {
            self.disabling.d.next = false;
            self.words.read.next = true;
        }
        if self.any.val() & !self.resetting.q.val() & !self.disabling.q.val() {
            if self.head.val().enabled {
                if !self.launching.val() {
                    self.clears_launched.next = true;
                    self.resetting.d.next = true;
                }
            } else {
                self.disabling.d.next = true;
            }
        }

        // After reset.
        self.ready.next = !self.clearing.q.val();
        self.next_cleared.next = self.cleared.q.val() + 1;
        if self.clearing.q.val() {
            self.valid.next = true;
            self.step.next.queue = bit_cast::<8, N>(self.cleared.q.val());
            self.step.next.clears = true;
            self.step.next.enables = false;
            self.step.next.done = 0.into();
            if self.taken.val() {
                self.cleared.d.next = self.next_cleared.val();
                self.clearing.d.next = self.next_cleared.val().any();
            }
        }

        if self.reset.val() {
            self.clearing.d.next = true;
            self.cleared.d.next = 0.into();
            self.resetting.d.next = false;
            self.disabling.d.next = false;
            self.row.d.next = 0.into();
            self.passing.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle, settle};
    use crate::queues::test_support::control;

    const ENABLED: u64 = 1 << abi::queue_state::transmit_control::enabled::SHIFT;

    #[test]
    fn gate() {
        Gate::new("resets", Resets::<2>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.configuration.next = if random.chance(3) {
                    control(random.below(4), random.word())
                } else {
                    QueueWord::default()
                };
                unit.launching.next = random.chance(40);
                unit.reopen_free.next = random.chance(50);
                unit.taken.next = unit.valid.val() && random.chance(50);
            });
    }

    /// The steps that are taken until nothing is offered any more, each one at once.
    fn steps(unit: &mut Resets<2>) -> Vec<ResetStep> {
        let mut steps = Vec::new();
        let mut idle = 0;
        while idle < 4 {
            settle(unit);
            unit.taken.next = unit.valid.val();
            settle(unit);
            idle += 1;
            if unit.valid.val() {
                steps.push(unit.step.val());
                idle = 0;
            }
            idle -= i32::from(unit.clears_launched.val());
            clock_cycle!(*unit, clock);
        }
        steps
    }

    fn write(unit: &mut Resets<2>, queue: u64, word: u64) {
        unit.configuration.next = control(queue, word);
        clock_cycle!(*unit, clock);
        unit.configuration.next = QueueWord::default();
    }

    #[test]
    fn a_queue_is_cleared_row_by_row_and_enabled_last() {
        let mut unit = Resets::<2>::default();
        unit.connect_all();
        unit.reopen_free.next = true;
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        settle(&mut unit);
        assert!(!unit.ready.val());
        let first = steps(&mut unit);
        assert!(unit.ready.val());
        let queues: Vec<u64> = first.iter().map(|step| step.queue.to_u64()).collect();
        assert_eq!(queues, [0, 1, 2, 3]);
        assert!(first.iter().all(|step| step.clears && !step.enables));

        write(&mut unit, 2, ENABLED | 0xA5_70);
        write(&mut unit, 1, 0);
        let both = steps(&mut unit);
        assert_eq!(both.len(), 9);
        for (row, step) in both[..8].iter().enumerate() {
            assert!(step.clears && step.queue.index() == 2 && step.row.index() == row);
            assert_eq!(step.enables, row == 7);
            assert_eq!((step.generation.index(), step.give_up.index()), (0xA5, 7));
        }
        assert!(!both[8].clears && !both[8].enables && both[8].queue.index() == 1);
    }

    /// The launched index is cleared first, in a cycle of its own, and the queue is enabled only when that can be told.
    #[test]
    fn waits_for_the_launched_index_and_for_the_scheduler() {
        let mut unit = Resets::<2>::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        steps(&mut unit);
        unit.launching.next = true;
        write(&mut unit, 3, ENABLED);
        assert!(steps(&mut unit).is_empty(), "a launch is under way");
        unit.launching.next = false;
        assert_eq!(steps(&mut unit).len(), 7, "all but the last");
        unit.reopen_free.next = true;
        assert!(steps(&mut unit).iter().all(|step| step.enables));
    }
}
