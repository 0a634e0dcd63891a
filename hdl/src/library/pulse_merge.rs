//! Two pulses for one counter.

use rust_hdl::prelude::*;

/// Gives one pulse for each of `first` and of `second`: when both come in one cycle, the second
/// one's follows in the next cycle without a `first`.
///
/// Contract: no more than 15 pulses are ever owed; a `second` beyond them is lost.
///
/// Latency: none, but for pulses that are owed.
#[derive(LogicBlock)]
pub struct PulseMerge {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Goes out in the same cycle.
    pub first: Signal<In, Bit>,
    /// Goes out in the same cycle or a later one.
    pub second: Signal<In, Bit>,
    /// Their sum.
    pub merged: Signal<Out, Bit>,
    owed: DFF<Bits<4>>,
    owes: Signal<Local, Bit>,
    most: Constant<Bits<4>>,
}

impl Default for PulseMerge {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            first: Default::default(),
            second: Default::default(),
            merged: Default::default(),
            owed: Default::default(),
            owes: Default::default(),
            most: Constant::new(15u64.to_bits()),
        }
    }
}

impl Logic for PulseMerge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, owed);
        self.owes.next = self.owed.q.val().any();
        self.merged.next = self.first.val() | self.second.val() | self.owes.val();
        if self.first.val() & self.second.val() & (self.owed.q.val() != self.most.val()) {
            self.owed.d.next = self.owed.q.val() + 1;
        }
        if !self.first.val() & !self.second.val() & self.owes.val() {
            self.owed.d.next = self.owed.q.val() - 1;
        }
        if self.reset.val() {
            self.owed.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    #[test]
    fn gate() {
        Gate::new("pulse_merge", PulseMerge::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.first.next = random.chance(50);
                unit.second.next = random.chance(50);
            });
    }

    #[test]
    fn none_is_lost_and_none_is_held_up_without_need() {
        let mut unit = PulseMerge::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let seed = 77;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut owed = 0u32;
        let mut both = 0;
        for _ in 0..2000 {
            let (first, second) = (random.chance(40), owed < 15 && random.chance(40));
            unit.first.next = first;
            unit.second.next = second;
            settle(&mut unit);
            owed += u32::from(first) + u32::from(second);
            both += u32::from(first && second);
            assert_eq!(unit.merged.val(), owed > 0);
            owed -= u32::from(unit.merged.val());
            clock_cycle!(unit, clock);
        }
        assert!(both > 100);
    }
}
