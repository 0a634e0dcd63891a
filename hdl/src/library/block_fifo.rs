//! Large FIFO in block RAM.

use super::block_ram::BlockRam;
use rust_hdl::prelude::*;

/// First-word-fall-through FIFO of `2^N` words in block RAM; `NP1` is `N + 1`.
///
/// Contract: as [`super::fifo::Fifo`], but a word can be read two cycles after its write, and `level` counts it from
/// the cycle after the write on, while `empty` may still be high for one cycle.
///
/// Latency: two cycles from `write` to `empty` falling, one word a cycle. `read` leads combinationally to the address
/// of the block RAM, and `data_out` comes from the block RAM without a register.
#[derive(LogicBlock)]
pub struct BlockFifo<T: Synth, const N: usize, const NP1: usize> {
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
    /// No word can be read.
    pub empty: Signal<Out, Bit>,
    /// Number of words stored, 0 to `2^N`.
    pub level: Signal<Out, Bits<NP1>>,

    memory: BlockRam<T, N>,
    /// Words written and read since reset, modulo `2^(N + 1)`.
    written: DFF<Bits<NP1>>,
    taken: DFF<Bits<NP1>>,
    /// `written` a cycle ago: words that the block RAM could read in the last cycle.
    readable: DFF<Bits<NP1>>,
    head: Signal<Local, Bits<NP1>>,
    is_full: Signal<Local, Bit>,
    is_empty: Signal<Local, Bit>,
    depth: Constant<Bits<NP1>>,
    one: Constant<Bits<NP1>>,
}

impl<T: Synth, const N: usize, const NP1: usize> Default for BlockFifo<T, N, NP1> {
    fn default() -> Self {
        assert_eq!(NP1, N + 1, "BlockFifo: NP1 must be N + 1");
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
            readable: Default::default(),
            head: Default::default(),
            is_full: Default::default(),
            is_empty: Default::default(),
            depth: Constant::new((1u64 << N).to_bits()),
            one: Constant::new(1u64.to_bits()),
        }
    }
}

impl<T: Synth, const N: usize, const NP1: usize> Logic for BlockFifo<T, N, NP1> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, taken, readable);
        clock!(self, clock, memory);
        self.is_full.next = (self.written.q.val() ^ self.taken.q.val()) == self.depth.val();
        self.is_empty.next = self.readable.q.val() == self.taken.q.val();
        self.level.next = self.written.q.val() - self.taken.q.val();
        self.full.next = self.is_full.val();
        self.empty.next = self.is_empty.val();

        // The word that will be the oldest after this cycle is fetched in this cycle. If it is being written in this
        // very cycle, what is fetched is undefined, but `readable` lags so that `empty` hides it.
        self.head.next = self.taken.q.val();
        if self.read.val() & !self.is_empty.val() {
            self.head.next = self.taken.q.val() + self.one.val();
        }
        self.taken.d.next = self.head.val();
        self.memory.read_address.next = self.head.val().get_bits::<N>(0);
        self.data_out.next = self.memory.read_data.val();

        self.memory.write_address.next = self.written.q.val().get_bits::<N>(0);
        self.memory.write_data.next = self.data_in.val();
        self.memory.write_enable.next = self.write.val() & !self.is_full.val();
        if self.write.val() & !self.is_full.val() {
            self.written.d.next = self.written.q.val() + self.one.val();
        }
        self.readable.d.next = self.written.q.val();
        if self.reset.val() {
            self.written.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.readable.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    #[test]
    fn behaves_like_a_queue_whose_words_take_two_cycles() {
        let seed = 13;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = BlockFifo::<Bits<12>, 4, 5>::default();
        unit.connect_all();
        // Word, and the cycle from which on it can be read.
        let mut reference: VecDeque<(u64, u64)> = VecDeque::new();
        let (mut was_full, mut was_hidden) = (false, false);
        settle(&mut unit);
        for cycle in 0..4000 {
            let writes = if cycle / 200 % 2 == 0 { 90 } else { 20 };
            let (write, read) = (random.chance(writes), random.chance(50));
            let data = random.below(1 << 12);
            let reset = random.chance(1);
            unit.write.next = write;
            unit.read.next = read;
            unit.data_in.next = data.to_bits();
            unit.reset.next = reset;
            settle(&mut unit);
            let full = reference.len() == 16;
            let head = reference.front().copied();
            let word = head
                .filter(|(_, from)| *from <= cycle)
                .map(|(word, _)| word);
            assert_eq!(unit.full.val(), full);
            assert_eq!(unit.empty.val(), word.is_none());
            assert_eq!(unit.level.val().to_u64(), reference.len() as u64);
            if let Some(word) = word {
                assert_eq!(unit.data_out.val().to_u64(), word);
            }
            was_full |= full && write && read;
            was_hidden |= head.is_some() && word.is_none() && read;
            if read && word.is_some() {
                reference.pop_front();
            }
            if write && !full {
                reference.push_back((data, cycle + 2));
            }
            if reset {
                reference.clear();
            }
            clock_cycle!(unit, clock);
        }
        assert!(was_full && was_hidden, "the corners were not reached");
    }

    #[test]
    fn gate() {
        Gate::new("block_fifo", BlockFifo::<Bits<40>, 4, 5>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = random.chance(1);
                unit.write.next = random.chance(if cycle / 200 % 2 == 0 { 90 } else { 20 });
                unit.read.next = random.chance(50);
                unit.data_in.next = random.bits();
            });
    }
}
