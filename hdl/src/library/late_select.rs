//! A choice between a word that comes early in the cycle and one that comes late.

use rust_hdl::prelude::*;

/// `chosen` is `early` with `takes_early`, else `late`.
///
/// What the synthesiser makes of a choice puts the block RAM's data anywhere. Here the way from `late` to `chosen` is
/// one LUT: `early` and `takes_early` are worked out apart from it.
///
/// Latency: none.
#[derive(LogicBlock, Default)]
pub struct LateSelect<const N: usize> {
    /// `early` is chosen.
    pub takes_early: Signal<In, Bit>,
    /// The word that is there early.
    pub early: Signal<In, Bits<N>>,
    /// The word that comes late.
    pub late: Signal<In, Bits<N>>,
    /// The choice.
    pub chosen: Signal<Out, Bits<N>>,
}

impl<const N: usize> Logic for LateSelect<N> {
    fn update(&mut self) {
        self.chosen.next = if self.takes_early.val() {
            self.early.val()
        } else {
            self.late.val()
        };
    }

    fn connect(&mut self) {
        self.chosen.connect();
    }

    fn hdl(&self) -> Verilog {
        // `keep` is the boundary that logic is not moved across.
        Verilog::Custom(format!(
            "(* keep *) wire kept_takes_early = takes_early;
(* keep *) wire [{high}:0] kept_early = early;
always @(*) chosen = kept_takes_early ? kept_early : late;
",
            high = N - 1
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, ecp5_cells};

    #[test]
    fn gate() {
        Gate::new("late_select", LateSelect::<5>::default()).run(|unit, random, _| {
            unit.takes_early.next = random.chance(50);
            unit.early.next = random.bits();
            unit.late.next = random.bits();
        });
    }

    #[test]
    fn is_one_choice_a_bit() {
        let cells = ecp5_cells("late_select_cells", LateSelect::<5>::default());
        assert_eq!(cells, [("$_MUX_".to_string(), 5)]);
    }
}
