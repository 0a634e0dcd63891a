//! Block RAM that may be read in the cycle of a write.

use super::block_ram::BlockRam;
use rust_hdl::prelude::*;

/// `2^N` words of `T` in block RAM, with the word that is written beside it while it is read.
///
/// Contract: as [`BlockRam`], but a word that is read in the cycle in which it is written is read as written.
///
/// Latency: one cycle.
#[derive(LogicBlock, Default)]
pub struct ForwardRam<T: Synth, const N: usize> {
    pub clock: Signal<In, Clock>,
    pub read_address: Signal<In, Bits<N>>,
    /// The word at the `read_address` of the cycle before: `written_data` if `is_written`, else `memory_data`.
    pub read_data: Signal<Out, T>,
    /// What came out of the block RAM.
    pub memory_data: Signal<Out, T>,
    /// It was written in that cycle, and this is the word.
    pub is_written: Signal<Out, Bit>,
    pub written_data: Signal<Out, T>,
    pub write_address: Signal<In, Bits<N>>,
    pub write_data: Signal<In, T>,
    /// Writes in this cycle.
    pub write_enable: Signal<In, Bit>,
    memory: BlockRam<T, N>,
    /// The word read is the one that was written in that cycle; and what was written.
    wrote: DFF<Bit>,
    same: DFF<Bit>,
    written: DFF<T>,
}

impl<T: Synth, const N: usize> Logic for ForwardRam<T, N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, wrote, same, written);
        clock!(self, clock, memory);
        self.memory.read_address.next = self.read_address.val();
        self.memory.write_address.next = self.write_address.val();
        self.memory.write_data.next = self.write_data.val();
        self.memory.write_enable.next = self.write_enable.val();
        self.wrote.d.next = self.write_enable.val();
        self.same.d.next = self.write_address.val() == self.read_address.val();
        self.written.d.next = self.write_data.val();
        self.memory_data.next = self.memory.read_data.val();
        self.is_written.next = self.wrote.q.val() & self.same.q.val();
        self.written_data.next = self.written.q.val();
        self.read_data.next = self.memory.read_data.val();
        if self.wrote.q.val() & self.same.q.val() {
            self.read_data.next = self.written.q.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    #[test]
    fn a_word_is_read_as_written_even_in_the_cycle_of_its_write() {
        let seed = 6;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ForwardRam::<Bits<20>, 2>::default();
        unit.connect_all();
        settle(&mut unit);
        let mut reference = [None; 4];
        for _ in 0..3000 {
            let (read, write, data) = (random.below(4), random.below(4), random.below(1 << 20));
            let writes = random.chance(50);
            unit.read_address.next = read.to_bits();
            unit.write_address.next = write.to_bits();
            unit.write_data.next = data.to_bits();
            unit.write_enable.next = writes;
            clock_cycle!(unit, clock);
            if writes {
                reference[write as usize] = Some(data);
            }
            if let Some(word) = reference[read as usize] {
                assert_eq!(unit.read_data.val().to_u64(), word);
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("forward_ram", ForwardRam::<Bits<20>, 2>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                // All that is read was written before, or is in that cycle.
                unit.read_address.next = (cycle % 4).to_bits();
                unit.write_address.next = if cycle < 8 {
                    (cycle % 4).to_bits()
                } else {
                    random.bits()
                };
                unit.write_data.next = random.bits();
                unit.write_enable.next = cycle < 8 || random.chance(50);
            });
    }
}
