//! Several events a cycle for a counter that takes one.

use rust_hdl::prelude::*;

/// Gives one pulse for each event counted: of `count`, up to eight in a cycle, and of `one`.
///
/// Contract: no more than 63 pulses are owed; so there may be bursts, but on average at most one event a cycle.
///
/// Latency: one cycle.
#[derive(LogicBlock, Default)]
pub struct CountedPulses {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub count: Signal<In, Bits<4>>,
    pub one: Signal<In, Bit>,
    pub pulse: Signal<Out, Bit>,
    owed: DFF<Bits<6>>,
    owes: Signal<Local, Bit>,
    rest: Signal<Local, Bits<6>>,
}

impl Logic for CountedPulses {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, owed);
        self.owes.next = self.owed.q.val().any();
        self.pulse.next = self.owes.val();
        self.rest.next = self.owed.q.val() - bit_cast::<6, 1>(self.owes.val().into());
        self.owed.d.next = self.rest.val()
            + bit_cast::<6, 4>(self.count.val())
            + bit_cast::<6, 1>(self.one.val().into());
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
    fn each_event_gives_one_pulse() {
        let seed = 8;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = CountedPulses::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let (mut owed, mut most) = (0, 0);
        for _ in 0..5000 {
            let count = if random.chance(15) {
                random.below(9)
            } else {
                0
            };
            let (count, one) = if owed > 40 {
                (0, false)
            } else {
                (count, random.chance(30))
            };
            unit.count.next = count.to_bits();
            unit.one.next = one;
            settle(&mut unit);
            assert_eq!(unit.pulse.val(), owed > 0);
            owed = owed - u64::from(owed > 0) + count + u64::from(one);
            most = most.max(owed);
            clock_cycle!(unit, clock);
        }
        assert!(most > 20, "{most}");
    }

    #[test]
    fn gate() {
        Gate::new("counted_pulses", CountedPulses::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 1 || random.chance(1);
                unit.count.next = if random.chance(10) {
                    random.below(9).to_bits()
                } else {
                    0.into()
                };
                unit.one.next = random.chance(20);
            });
    }
}
