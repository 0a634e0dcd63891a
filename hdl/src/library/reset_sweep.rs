//! Counts through a RAM after reset, so that it can be cleared.

use rust_hdl::prelude::*;

/// Each index of `2^N`, one a cycle.
///
/// Contract: in the `2^N` cycles after `reset`, `clears` is high and `index` goes from 0 to the last. Then `clears`
/// is low until the next reset. Whoever is cleared is not used before; what uses it must say so.
///
/// Latency: `clears` and `index` are registers.
#[derive(LogicBlock, Default)]
pub struct ResetSweep<const N: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous: begins anew.
    pub reset: Signal<In, Bit>,
    /// The word `index` is to be cleared.
    pub clears: Signal<Out, Bit>,
    pub index: Signal<Out, Bits<N>>,
    next: DFF<Bits<N>>,
    done: DFF<Bit>,
}

impl<const N: usize> Logic for ResetSweep<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, next, done);
        self.clears.next = !self.done.q.val();
        self.index.next = self.next.q.val();
        if !self.done.q.val() {
            self.next.d.next = self.next.q.val() + 1;
        }
        if self.next.q.val().all() {
            self.done.d.next = true;
        }
        if self.reset.val() {
            self.next.d.next = 0.into();
            self.done.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle, settle};

    #[test]
    fn each_index_comes_once_after_each_reset() {
        let mut unit = ResetSweep::<3>::default();
        unit.connect_all();
        for cycles in [5, 30, 9] {
            unit.reset.next = true;
            settle(&mut unit);
            clock_cycle!(unit, clock);
            unit.reset.next = false;
            for cycle in 0..cycles {
                settle(&mut unit);
                assert_eq!(unit.clears.val(), cycle < 8, "cycle {cycle}");
                if cycle < 8 {
                    assert_eq!(unit.index.val().to_u64(), cycle);
                }
                clock_cycle!(unit, clock);
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("reset_sweep", ResetSweep::<3>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 1 || random.chance(5);
            });
    }
}
