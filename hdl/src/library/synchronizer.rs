//! Two flip-flops between clock domains.
//!
//! The registers are called `stages` and carry `ASYNC_REG`: Vivado places such registers side by side and leaves them
//! as they are. Yosys and nextpnr pay no heed to it; for them, `cargo xtask synth` checks that no path from one clock
//! to another is longer than a period of the faster one.

use rust_hdl::prelude::*;

/// Takes one bit into a clock domain.
///
/// Contract: `data_in` comes from a register (of any clock), without logic between, and keeps each value for more
/// than one period of `clock`; shorter pulses may be lost.
///
/// Latency: two cycles of `clock`, or three when the change falls on the edge.
#[derive(LogicBlock, Default)]
pub struct BitSynchronizer {
    /// Clock of the domain that receives.
    pub clock: Signal<In, Clock>,
    /// Bit of the other domain. (`input` and `output` are Verilog's words.)
    pub data_in: Signal<In, Bit>,
    /// The same in this domain.
    pub data_out: Signal<Out, Bit>,
    _stage: bool,
}

/// Takes a Gray-coded number of `W` bits, `W` at least 2, into a clock domain.
///
/// Contract: as [`BitSynchronizer`]; at most one bit of `data_in` changes at a time, so that a sample in between is
/// the number before or the number after. For that the bits must arrive within one period of the other clock, which
/// the tools for the board have to see to (`cargo xtask synth` does).
///
/// Latency: as [`BitSynchronizer`].
#[derive(LogicBlock, Default)]
pub struct GraySynchronizer<const W: usize> {
    /// Clock of the domain that receives.
    pub clock: Signal<In, Clock>,
    /// Number of the other domain.
    pub data_in: Signal<In, Bits<W>>,
    /// The same in this domain.
    pub data_out: Signal<Out, Bits<W>>,
    _stage: Bits<W>,
}

/// Two stages of `bits` bits.
fn stages(bits: usize) -> Verilog {
    let high = bits - 1;
    Verilog::Custom(format!(
        "(* ASYNC_REG = \"TRUE\" *)
reg [{high}:0] stages [0:1];
initial begin
  stages[0] = {bits}'h0;
  stages[1] = {bits}'h0;
end
always @(posedge clock) begin
  stages[0] <= data_in;
  stages[1] <= stages[0];
end
always @(*) data_out = stages[1];
"
    ))
}

impl Logic for BitSynchronizer {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.data_out.next = self._stage;
            self._stage = self.data_in.val();
        }
    }

    fn connect(&mut self) {
        self.data_out.connect();
    }

    fn hdl(&self) -> Verilog {
        stages(1)
    }
}

impl<const W: usize> Logic for GraySynchronizer<W> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            self.data_out.next = self._stage;
            self._stage = self.data_in.val();
        }
    }

    fn connect(&mut self) {
        self.data_out.connect();
    }

    fn hdl(&self) -> Verilog {
        stages(W)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle, settle};

    #[test]
    fn a_bit_arrives_after_two_cycles() {
        let mut unit = BitSynchronizer::default();
        settle(&mut unit);
        unit.data_in.next = true;
        let mut seen = Vec::new();
        for _ in 0..3 {
            clock_cycle!(unit, clock);
            seen.push(unit.data_out.val());
        }
        assert_eq!(seen, [false, true, true]);
    }

    #[test]
    fn gate() {
        Gate::new("bit_synchronizer", BitSynchronizer::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| unit.data_in.next = random.chance(50));
        Gate::new("gray_synchronizer", GraySynchronizer::<5>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| unit.data_in.next = random.bits());
    }
}
