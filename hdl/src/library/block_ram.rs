//! Block RAM with one read and one write port.

use rust_hdl::prelude::*;

/// `2^N` words of `T` in block RAM, or in LUTs if they are few: one read and one write port, one clock.
///
/// Contract: `read_data` in a cycle is the word that stood at `read_address` in the cycle before. Reading the address
/// that is written in the same cycle gives an undefined word in hardware (the model gives the old one): forward it,
/// or design it out. Words are undefined until written.
///
/// Latency: one cycle.
#[derive(LogicBlock)]
pub struct BlockRam<T: Synth, const N: usize> {
    /// Clock of both ports.
    pub clock: Signal<In, Clock>,
    /// Word to read.
    pub read_address: Signal<In, Bits<N>>,
    /// The word at the `read_address` of the cycle before.
    pub read_data: Signal<Out, T>,
    /// Word to write.
    pub write_address: Signal<In, Bits<N>>,
    /// What to write.
    pub write_data: Signal<In, T>,
    /// Writes in this cycle.
    pub write_enable: Signal<In, Bit>,
    _memory: Vec<T>,
}

/// Bits that a memory of more than 16 words may have and still stand in LUTs: a block RAM holds 16 Kibit, and what such
/// a memory would take of it is not worth the rest.
const MOST_BITS_IN_LUTS: usize = 512;

impl<T: Synth, const N: usize> BlockRam<T, N> {
    /// Whether the memory stands in LUTs.
    fn stands_in_luts() -> bool {
        N <= 4 || T::BITS << N <= MOST_BITS_IN_LUTS
    }
}

impl<T: Synth, const N: usize> Default for BlockRam<T, N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            write_address: Default::default(),
            write_data: Default::default(),
            write_enable: Default::default(),
            _memory: vec![T::default(); 1 << N],
        }
    }
}

impl<T: Synth, const N: usize> Logic for BlockRam<T, N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.read_data.next = self._memory[self.read_address.val().index()];
            if self.write_enable.val() {
                self._memory[self.write_address.val().index()] = self.write_data.val();
            }
        }
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        let style = match Self::stands_in_luts() {
            true => "distributed",
            false => "block",
        };
        // `no_rw_check`: without it yosys adds bypass logic to keep the old word on a collision,
        // and small RAMs fall to LUTs.
        Verilog::Custom(format!(
            "(* ram_style = \"{style}\", no_rw_check *)
reg [{high}:0] memory [0:{last}];
always @(posedge clock) begin
  read_data <= memory[read_address];
  if (write_enable) memory[write_address] <= write_data;
end
",
            high = T::BITS - 1,
            last = (1usize << N) - 1
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, ecp5_cells, settle};

    #[test]
    fn reads_what_was_written_one_cycle_later() {
        let seed = 1;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = BlockRam::<Bits<20>, 4>::default();
        let mut reference = [0u64; 16];
        settle(&mut unit);
        for _ in 0..2000 {
            let (read, write, data) = (random.below(16), random.below(16), random.below(1 << 20));
            let enable = random.chance(50) && read != write;
            unit.read_address.next = read.to_bits();
            unit.write_address.next = write.to_bits();
            unit.write_data.next = data.to_bits();
            unit.write_enable.next = enable;
            let expected = reference[read as usize];
            if enable {
                reference[write as usize] = data;
            }
            clock_cycle!(unit, clock);
            assert_eq!(unit.read_data.val().to_u64(), expected);
        }
    }

    #[test]
    fn gate() {
        Gate::new("block_ram", BlockRam::<Bits<40>, 5>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.read_address.next = random.bits();
                unit.write_address.next = random.bits();
                unit.write_data.next = random.bits();
                unit.write_enable.next = random.chance(50);
            });
    }

    #[test]
    fn becomes_block_ram_without_bypass_logic() {
        let cells = ecp5_cells("block_ram_cells", BlockRam::<Bits<36>, 9>::default());
        assert_eq!(cells, [("DP16KD".to_string(), 1)]);
    }

    #[test]
    fn few_bits_become_distributed_ram() {
        let few = ecp5_cells(
            "block_ram_few_bits_cells",
            BlockRam::<Bits<16>, 5>::default(),
        );
        assert!(few.iter().all(|(kind, _)| kind != "DP16KD"), "{few:?}");
        let more = ecp5_cells(
            "block_ram_more_bits_cells",
            BlockRam::<Bits<17>, 5>::default(),
        );
        assert!(more.contains(&("DP16KD".to_string(), 1)), "{more:?}");
    }

    #[test]
    fn few_words_become_distributed_ram() {
        let cells = ecp5_cells("block_ram_few_cells", BlockRam::<Bits<36>, 4>::default());
        assert!(
            cells.contains(&("TRELLIS_DPR16X4".to_string(), 9)),
            "{cells:?}"
        );
        assert!(cells.iter().all(|(kind, _)| kind != "DP16KD"), "{cells:?}");
    }
}
