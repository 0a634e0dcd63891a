//! Single bits to a vector.

use rust_hdl::prelude::*;

/// `bits` bit `i` is `inputs[i]`: kernels of rust-hdl cannot build a vector of a generic number of bits.
///
/// Latency: none, and no logic either.
#[derive(LogicBlock)]
pub struct Gather<const W: usize> {
    /// The bits.
    pub inputs: [Signal<In, Bit>; W],
    /// The same, bit 0 from `inputs[0]`.
    pub bits: Signal<Out, Bits<W>>,
}

impl<const W: usize> Default for Gather<W> {
    fn default() -> Self {
        Self {
            inputs: std::array::from_fn(|_| Default::default()),
            bits: Default::default(),
        }
    }
}

impl<const W: usize> Logic for Gather<W> {
    fn update(&mut self) {
        let mut bits = Bits::<W>::default();
        for (index, input) in self.inputs.iter().enumerate() {
            bits = bits.replace_bit(index, input.val());
        }
        self.bits.next = bits;
    }

    fn connect(&mut self) {
        self.bits.connect();
    }

    fn hdl(&self) -> Verilog {
        let names: Vec<String> = (0..W).rev().map(|i| format!("inputs${i}")).collect();
        Verilog::Custom(format!("always @(*) bits = {{{}}};\n", names.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn bit_zero_comes_from_input_zero() {
        let mut unit = Gather::<5>::default();
        unit.inputs[0].next = true;
        unit.inputs[3].next = true;
        settle(&mut unit);
        assert_eq!(unit.bits.val().to_u64(), 0b01001);
    }

    #[test]
    fn gate() {
        Gate::new("gather", Gather::<5>::default()).run(|unit, random, _| {
            for input in &mut unit.inputs {
                input.next = random.chance(50);
            }
        });
    }
}
