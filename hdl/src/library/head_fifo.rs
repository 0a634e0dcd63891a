//! Large FIFO whose two oldest words stand in registers.

use super::block_fifo::BlockFifo;
use rust_hdl::prelude::*;

/// First-word-fall-through FIFO of `2^N` words in block RAM and two in registers; `NP1` is `N + 1`.
///
/// Contract: as [`super::fifo::Fifo`], but words follow each other every second cycle: the next one can be read two
/// cycles after a `read`, or later if it went through the block RAM, which takes three cycles.
///
/// Latency: one cycle from `write` to `empty` falling if no other word is stored. `data_out` and `empty` are
/// registers, and `read` may come late: it steers no address.
#[derive(LogicBlock)]
pub struct HeadFifo<T: Synth, const N: usize, const NP1: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: empties the FIFO.
    pub reset: Signal<In, Bit>,
    /// Stores `data_in`.
    pub write: Signal<In, Bit>,
    /// Word to store.
    pub data_in: Signal<In, T>,
    /// No room in the block RAM.
    pub full: Signal<Out, Bit>,
    /// Removes the oldest word.
    pub read: Signal<In, Bit>,
    /// The oldest word.
    pub data_out: Signal<Out, T>,
    /// No word can be read.
    pub empty: Signal<Out, Bit>,

    rest: BlockFifo<T, N, NP1>,
    head_valid: DFF<Bit>,
    head: DFF<T>,
    second_valid: DFF<Bit>,
    second: DFF<T>,
    room: Signal<Local, Bit>,
    alone: Signal<Local, Bit>,
}

impl<T: Synth, const N: usize, const NP1: usize> Default for HeadFifo<T, N, NP1> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            write: Default::default(),
            data_in: Default::default(),
            full: Default::default(),
            read: Default::default(),
            data_out: Default::default(),
            empty: Default::default(),
            rest: Default::default(),
            head_valid: Default::default(),
            head: Default::default(),
            second_valid: Default::default(),
            second: Default::default(),
            room: Default::default(),
            alone: Default::default(),
        }
    }
}

impl<T: Synth, const N: usize, const NP1: usize> Logic for HeadFifo<T, N, NP1> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, head_valid, head, second_valid, second);
        clock!(self, clock, rest);
        self.rest.reset.next = self.reset.val();
        self.full.next = self.rest.full.val();
        self.empty.next = !self.head_valid.q.val();
        self.data_out.next = self.head.q.val();

        // A word passes by the block RAM if none stands there or behind the head.
        self.room.next = !self.head_valid.q.val() | self.read.val();
        self.alone.next = !self.second_valid.q.val() & (self.rest.level.val() == 0);
        self.rest.write.next = self.write.val() & !self.alone.val();
        self.rest.data_in.next = self.data_in.val();
        self.rest.read.next = !self.second_valid.q.val() & !self.rest.empty.val();
        if self.room.val() {
            self.head_valid.d.next = self.second_valid.q.val();
            self.head.d.next = self.second.q.val();
            self.second_valid.d.next = false;
        }
        if !self.second_valid.q.val() {
            self.second.d.next = self.rest.data_out.val();
            self.second_valid.d.next = !self.rest.empty.val();
        }
        if self.write.val() & self.alone.val() {
            if self.head_valid.q.val() {
                self.second.d.next = self.data_in.val();
                self.second_valid.d.next = true;
            } else {
                self.head.d.next = self.data_in.val();
                self.head_valid.d.next = true;
            }
        }
        if self.reset.val() {
            self.head_valid.d.next = false;
            self.second_valid.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    #[test]
    fn words_leave_in_order_and_a_lone_one_after_a_cycle() {
        let seed = 14;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = HeadFifo::<Bits<12>, 3, 4>::default();
        unit.connect_all();
        settle(&mut unit);
        let mut reference: VecDeque<u64> = VecDeque::new();
        let (mut hidden, mut was_full, mut lone) = (0, false, 0);
        for cycle in 0..6000 {
            let writes = if cycle / 200 % 2 == 0 { 70 } else { 20 };
            let (write, read) = (random.chance(writes), random.chance(45));
            let data = random.below(1 << 12);
            let reset = random.below(200) == 0;
            unit.write.next = write;
            unit.read.next = read;
            unit.data_in.next = data.to_bits();
            unit.reset.next = reset;
            settle(&mut unit);
            let full = unit.full.val();
            let none_before = reference.is_empty();
            was_full |= full;
            assert!(!full || reference.len() >= 8, "cycle {cycle}");
            hidden = if unit.empty.val() && !reference.is_empty() {
                hidden + 1
            } else {
                0
            };
            assert!(hidden <= 2, "cycle {cycle}: hidden for {hidden} cycles");
            if lone == cycle && !reference.is_empty() {
                assert!(
                    !unit.empty.val(),
                    "cycle {cycle}: a lone word after a cycle"
                );
            }
            if !unit.empty.val() {
                assert_eq!(reference.front(), Some(&unit.data_out.val().to_u64()));
                if read {
                    reference.pop_front();
                }
            }
            if write && !full {
                if none_before {
                    lone = cycle + 1;
                }
                reference.push_back(data);
            }
            if reset {
                reference.clear();
            }
            clock_cycle!(unit, clock);
        }
        assert!(was_full);
    }

    #[test]
    fn gate() {
        Gate::new("head_fifo", HeadFifo::<Bits<9>, 3, 4>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.below(300) == 0;
                unit.write.next = random.chance(50);
                unit.read.next = random.chance(50);
                unit.data_in.next = random.bits();
            });
    }
}
