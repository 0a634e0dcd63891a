//! Small RAM in LUTs, read without a clock.

use rust_hdl::prelude::*;

/// `2^N` words of `T` in LUTs: written at the clock edge, read combinationally.
///
/// Contract: `read_data` follows `read_address` in the same cycle; a word written is seen from the next cycle on.
/// Words are undefined until written. On ECP5 a slice holds 16 words of 4 bits: keep `N` at 4 to 6.
///
/// Latency: none for reads, one cycle for writes.
#[derive(LogicBlock)]
pub struct LutRam<T: Synth, const N: usize> {
    /// Clock of writes.
    pub clock: Signal<In, Clock>,
    /// Word to read.
    pub read_address: Signal<In, Bits<N>>,
    /// The word at `read_address`.
    pub read_data: Signal<Out, T>,
    /// Word to write.
    pub write_address: Signal<In, Bits<N>>,
    /// What to write.
    pub write_data: Signal<In, T>,
    /// Writes in this cycle.
    pub write_enable: Signal<In, Bit>,
    _memory: Vec<T>,
}

impl<T: Synth, const N: usize> Default for LutRam<T, N> {
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

impl<T: Synth, const N: usize> Logic for LutRam<T, N> {
    fn update(&mut self) {
        if self.clock.pos_edge() && self.write_enable.val() {
            self._memory[self.write_address.val().index()] = self.write_data.val();
        }
        self.read_data.next = self._memory[self.read_address.val().index()];
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "(* ram_style = \"distributed\" *)
reg [{high}:0] memory [0:{last}];
always @(posedge clock) begin
  if (write_enable) memory[write_address] <= write_data;
end
always @(*) read_data = memory[read_address];
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
    fn reads_follow_the_address_and_writes_the_clock() {
        let seed = 2;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = LutRam::<Bits<7>, 4>::default();
        let mut reference = [0u64; 16];
        settle(&mut unit);
        for _ in 0..2000 {
            let (read, write, data) = (random.below(16), random.below(16), random.below(1 << 7));
            let enable = random.chance(50);
            unit.read_address.next = read.to_bits();
            unit.write_address.next = write.to_bits();
            unit.write_data.next = data.to_bits();
            unit.write_enable.next = enable;
            settle(&mut unit);
            assert_eq!(unit.read_data.val().to_u64(), reference[read as usize]);
            clock_cycle!(unit, clock);
            if enable {
                reference[write as usize] = data;
            }
            assert_eq!(unit.read_data.val().to_u64(), reference[read as usize]);
        }
    }

    #[test]
    fn gate() {
        Gate::new("lut_ram", LutRam::<Bits<40>, 4>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.read_address.next = random.bits();
                unit.write_address.next = random.bits();
                unit.write_data.next = random.bits();
                unit.write_enable.next = random.chance(50);
            });
    }

    #[test]
    fn becomes_distributed_ram() {
        let cells = ecp5_cells("lut_ram_cells", LutRam::<Bits<128>, 4>::default());
        assert_eq!(cells, [("TRELLIS_DPR16X4".to_string(), 32)]);
    }
}
