//! One vector out of many of which all but one are zero.

use rust_hdl::prelude::*;

/// `merged` is the or of all `inputs`: a selection without a multiplexer, if whoever is not selected gives zero.
/// Kernels of rust-hdl cannot write an expression over a generic number of operands.
///
/// Latency: none; a tree of or-gates.
#[derive(LogicBlock)]
pub struct Merge<const W: usize, const C: usize> {
    /// The vectors.
    pub inputs: [Signal<In, Bits<W>>; C],
    /// Their or.
    pub merged: Signal<Out, Bits<W>>,
}

impl<const W: usize, const C: usize> Default for Merge<W, C> {
    fn default() -> Self {
        Self {
            inputs: std::array::from_fn(|_| Default::default()),
            merged: Default::default(),
        }
    }
}

impl<const W: usize, const C: usize> Logic for Merge<W, C> {
    fn update(&mut self) {
        let mut output = Bits::<W>::default();
        for input in &self.inputs {
            output = output | input.val();
        }
        self.merged.next = output;
    }

    fn connect(&mut self) {
        self.merged.connect();
    }

    fn hdl(&self) -> Verilog {
        let names: Vec<String> = (0..C).map(|i| format!("inputs${i}")).collect();
        Verilog::Custom(format!("always @(*) merged = {};\n", names.join(" | ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn every_input_reaches_the_output() {
        let mut unit = Merge::<6, 3>::default();
        for (index, value) in [0b100001u64, 0b000010, 0b001000].into_iter().enumerate() {
            unit.inputs[index].next = value.into();
        }
        settle(&mut unit);
        assert_eq!(unit.merged.val().to_u64(), 0b101011);
    }

    #[test]
    fn gate() {
        Gate::new("merge", Merge::<6, 3>::default()).run(|unit, random, _| {
            for input in &mut unit.inputs {
                input.next = random.below(64).into();
            }
        });
    }
}
