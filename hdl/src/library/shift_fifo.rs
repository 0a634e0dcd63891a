//! Tiny FIFO of flip-flops.

use rust_hdl::prelude::*;

/// First-word-fall-through FIFO of four words that move up as the oldest leaves.
///
/// Contract: as [`super::fifo::Fifo`] without `full`: the user writes only while fewer than four words are stored.
///
/// Latency: one cycle from `write` to `data_out`, which is a register.
#[derive(LogicBlock, Default)]
pub struct ShiftFifo<T: Synth> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: empties the FIFO.
    pub reset: Signal<In, Bit>,
    /// Stores `data_in`.
    pub write: Signal<In, Bit>,
    /// Word to store.
    pub data_in: Signal<In, T>,
    /// Removes the oldest word; ignored if there is none.
    pub read: Signal<In, Bit>,
    /// The oldest word.
    pub data_out: Signal<Out, T>,

    /// A one for each word stored, from bit 0 up.
    pub stored: Signal<Out, Bits<4>>,

    held: DFF<Bits<4>>,
    word_0: DFF<T>,
    word_1: DFF<T>,
    word_2: DFF<T>,
    word_3: DFF<T>,
    left: Signal<Local, Bits<4>>,
}

impl<T: Synth> Logic for ShiftFifo<T> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, word_0, word_1, word_2, word_3);
        self.data_out.next = self.word_0.q.val();
        self.stored.next = self.held.q.val();
        self.left.next = self.held.q.val();
        if self.read.val() {
            self.left.next = self.held.q.val() >> 1;
            self.word_0.d.next = self.word_1.q.val();
            self.word_1.d.next = self.word_2.q.val();
            self.word_2.d.next = self.word_3.q.val();
        }
        self.held.d.next = self.left.val();
        if self.write.val() {
            self.held.d.next = (self.left.val() << 1) | 1;
        }
        // `write` may come late: what stands in a free place does not count.
        if !self.left.val().get_bit(0) {
            self.word_0.d.next = self.data_in.val();
        }
        if !self.left.val().get_bit(1) {
            self.word_1.d.next = self.data_in.val();
        }
        if !self.left.val().get_bit(2) {
            self.word_2.d.next = self.data_in.val();
        }
        if !self.left.val().get_bit(3) {
            self.word_3.d.next = self.data_in.val();
        }
        if self.reset.val() {
            self.held.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    #[test]
    fn words_leave_in_order_a_cycle_after_they_came() {
        let seed = 15;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ShiftFifo::<Bits<5>>::default();
        unit.connect_all();
        settle(&mut unit);
        let mut reference = VecDeque::new();
        let mut filled = 0;
        for cycle in 0..3000 {
            let data = random.below(32);
            let write = reference.len() < 4 && random.chance(60);
            unit.write.next = write;
            unit.read.next = random.chance(50);
            unit.data_in.next = data.to_bits();
            unit.reset.next = random.below(100) == 0;
            settle(&mut unit);
            assert_eq!(unit.stored.val().to_u64(), (1 << reference.len()) - 1);
            if let Some(oldest) = reference.front() {
                assert_eq!(unit.data_out.val().to_u64(), *oldest, "cycle {cycle}");
            }
            filled += u32::from(reference.len() == 4);
            if unit.read.val() {
                reference.pop_front();
            }
            if write {
                reference.push_back(data);
            }
            if unit.reset.val() {
                reference.clear();
            }
            clock_cycle!(unit, clock);
        }
        assert!(filled > 100, "full in {filled} cycles");
    }

    #[test]
    fn gate() {
        let mut stored = 0;
        Gate::new("shift_fifo", ShiftFifo::<Bits<5>>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.read.next = random.chance(50);
                if cycle < 2 || (unit.read.next && stored > 0) {
                    stored -= i32::from(stored > 0);
                }
                unit.write.next = cycle >= 2 && stored < 3 && random.chance(50);
                stored += i32::from(unit.write.next);
                unit.data_in.next = random.bits();
            });
    }
}
