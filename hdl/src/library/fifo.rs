//! Small FIFO in LUT RAM.

use super::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// First-word-fall-through FIFO of `2^N` words in LUT RAM; `NP1` is `N + 1`.
///
/// Contract: while `empty` is low, `data_out` is the oldest word, and `read` removes it at the clock edge. `write`
/// stores `data_in` at the clock edge. `write` while `full` and `read` while `empty` do nothing, also if the other
/// end moves in the same cycle. `data_out` is undefined while `empty`. `level` counts the words that can be read now.
///
/// Latency: one cycle from `write` to `empty` falling. `empty` and `full` are registers, and `write` and `read` may
/// come late: what they would change is worked out beside them.
#[derive(LogicBlock)]
pub struct Fifo<T: Synth, const N: usize, const NP1: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: empties the FIFO.
    pub reset: Signal<In, Bit>,
    /// Stores `data_in`.
    pub write: Signal<In, Bit>,
    /// Word to store.
    pub data_in: Signal<In, T>,
    /// No room.
    pub full: Signal<Out, Bit>,
    /// Removes the oldest word.
    pub read: Signal<In, Bit>,
    /// The oldest word.
    pub data_out: Signal<Out, T>,
    /// No word.
    pub empty: Signal<Out, Bit>,
    /// Number of words, 0 to `2^N`.
    pub level: Signal<Out, Bits<NP1>>,

    memory: LutRam<T, N>,
    /// Places of the next word to write and to read.
    written: DFF<Bits<N>>,
    taken: DFF<Bits<N>>,
    stored: DFF<Bits<NP1>>,
    is_full: DFF<Bit>,
    any: DFF<Bit>,
    writes: Signal<Local, Bit>,
    reads: Signal<Local, Bit>,
    last_place: Constant<Bits<NP1>>,
    one: Constant<Bits<NP1>>,
    step: Constant<Bits<N>>,
}

impl<T: Synth, const N: usize, const NP1: usize> Default for Fifo<T, N, NP1> {
    fn default() -> Self {
        assert_eq!(NP1, N + 1, "Fifo: NP1 must be N + 1");
        Self {
            clock: Default::default(),
            reset: Default::default(),
            write: Default::default(),
            data_in: Default::default(),
            full: Default::default(),
            read: Default::default(),
            data_out: Default::default(),
            empty: Default::default(),
            level: Default::default(),
            memory: Default::default(),
            written: Default::default(),
            taken: Default::default(),
            stored: Default::default(),
            is_full: Default::default(),
            any: Default::default(),
            writes: Default::default(),
            reads: Default::default(),
            last_place: Constant::new(((1u64 << N) - 1).to_bits()),
            one: Constant::new(1u64.to_bits()),
            step: Constant::new(1u64.to_bits()),
        }
    }
}

impl<T: Synth, const N: usize, const NP1: usize> Logic for Fifo<T, N, NP1> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, taken, stored, is_full, any);
        clock!(self, clock, memory);
        self.level.next = self.stored.q.val();
        self.full.next = self.is_full.q.val();
        self.empty.next = !self.any.q.val();
        self.writes.next = self.write.val() & !self.is_full.q.val();
        self.reads.next = self.read.val() & self.any.q.val();

        self.memory.write_address.next = self.written.q.val();
        self.memory.write_data.next = self.data_in.val();
        // The next place is free: whatever is written there does not count until `written` moves.
        self.memory.write_enable.next = !self.is_full.q.val();
        self.memory.read_address.next = self.taken.q.val();
        self.data_out.next = self.memory.read_data.val();

        if self.writes.val() {
            self.written.d.next = self.written.q.val() + self.step.val();
        }
        if self.reads.val() {
            self.taken.d.next = self.taken.q.val() + self.step.val();
        }
        if self.writes.val() & !self.reads.val() {
            self.stored.d.next = self.stored.q.val() + self.one.val();
            self.is_full.d.next = self.stored.q.val() == self.last_place.val();
            self.any.d.next = true;
        }
        if self.reads.val() & !self.writes.val() {
            self.stored.d.next = self.stored.q.val() - self.one.val();
            self.is_full.d.next = false;
            self.any.d.next = self.stored.q.val() != self.one.val();
        }
        if self.reset.val() {
            self.written.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.stored.d.next = 0.into();
            self.is_full.d.next = false;
            self.any.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, prove, settle};
    use crate::library::stream::Beat;
    use std::collections::VecDeque;

    #[test]
    fn behaves_like_a_queue_of_sixteen() {
        let seed = 4;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = Fifo::<Bits<12>, 4, 5>::default();
        unit.connect_all();
        let mut reference = VecDeque::new();
        let (mut was_full, mut was_empty) = (false, false);
        settle(&mut unit);
        for cycle in 0..4000 {
            // Phases in which writes or reads prevail, so that both ends are reached.
            let writes = if cycle / 200 % 2 == 0 { 80 } else { 20 };
            let (write, read) = (random.chance(writes), random.chance(50));
            let data = random.below(1 << 12);
            let reset = random.chance(1);
            unit.write.next = write;
            unit.read.next = read;
            unit.data_in.next = data.to_bits();
            unit.reset.next = reset;
            settle(&mut unit);
            let (full, empty) = (reference.len() == 16, reference.is_empty());
            assert_eq!(unit.full.val(), full);
            assert_eq!(unit.empty.val(), empty);
            assert_eq!(unit.level.val().to_u64(), reference.len() as u64);
            if let Some(&word) = reference.front() {
                assert_eq!(unit.data_out.val().to_u64(), word);
            }
            was_full |= full & write & read;
            was_empty |= empty & write & read;
            if read && !empty {
                reference.pop_front();
            }
            if write && !full {
                reference.push_back(data);
            }
            if reset {
                reference.clear();
            }
            clock_cycle!(unit, clock);
        }
        assert!(was_full && was_empty, "the corners were not reached");
    }

    #[test]
    fn gate() {
        Gate::new("fifo", Fifo::<Beat, 4, 5>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = random.chance(1);
                unit.write.next = random.chance(if cycle / 200 % 2 == 0 { 80 } else { 20 });
                unit.read.next = random.chance(50);
                unit.data_in.next = random.beat();
            });
    }

    /// Whatever the inputs, `level` counts accepted writes less accepted reads and never leaves 0 to 4.
    #[test]
    fn pointers_are_proved() {
        prove(
            "fifo_proved",
            Fifo::<Bits<1>, 2, 3>::default(),
            3,
            "module properties(input clock, input reset, input write, input read, input data_in);
               wire full, empty, data_out;
               wire [2:0] level;
               reg [2:0] count = 0;
               fifo_proved fifo(.clock(clock), .reset(reset), .write(write), .data_in(data_in), .full(full),
                 .read(read), .data_out(data_out), .empty(empty), .level(level));
               always @(posedge clock)
                 count <= reset ? 0 : count + (write && count != 4) - (read && count != 0);
               always @(*) begin
                 assert (level == count);
                 assert (count <= 4);
                 assert (full == (count == 4));
                 assert (empty == (count == 0));
               end
             endmodule",
        );
    }
}
