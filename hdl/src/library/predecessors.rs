//! Whether all that came before something are done.

use rust_hdl::prelude::*;

/// Holds an item behind others, its predecessors: those that had entered when it was first seen, and no later ones.
///
/// Contract: predecessors finish in the order in which they entered, at most seven of them between the two. An item
/// is first seen in the cycle behind one in which `waits` was low; `waits` may depend on `clear`.
///
/// Latency: `clear` follows `finished` by one cycle. It comes from registers alone, and only
/// `waits` and `finished` may come late.
#[derive(LogicBlock, Default)]
pub struct Predecessors {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: one more has its place in the order.
    pub entered: Signal<In, Bit>,
    /// Pulse: the oldest of them is done.
    pub finished: Signal<In, Bit>,
    /// An item is there and does not go on in this cycle.
    pub waits: Signal<In, Bit>,
    /// None is left before the item; if it is first seen in this cycle, none at all.
    pub clear: Signal<Out, Bit>,
    /// Those that have entered and not finished; and whether there are any.
    pending: DFF<Bits<3>>,
    any_pending: DFF<Bit>,
    /// The item was seen before this cycle; and those of `pending` before it, and whether there are any.
    seen: DFF<Bit>,
    ahead: DFF<Bits<3>>,
    any_ahead: DFF<Bit>,
    ahead_now: Signal<Local, Bits<3>>,
}

impl Logic for Predecessors {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, pending, any_pending, seen, ahead, any_ahead);
        if self.entered.val() & !self.finished.val() {
            self.pending.d.next = self.pending.q.val() + 1;
            self.any_pending.d.next = true;
        }
        if !self.entered.val() & self.finished.val() {
            self.pending.d.next = self.pending.q.val() - 1;
            self.any_pending.d.next = self.pending.q.val() != 1;
        }

        self.ahead_now.next = self.pending.q.val();
        self.clear.next = !self.any_pending.q.val();
        if self.seen.q.val() {
            self.ahead_now.next = self.ahead.q.val();
            self.clear.next = !self.any_ahead.q.val();
        }
        self.seen.d.next = self.waits.val();
        self.ahead.d.next = self.ahead_now.val();
        self.any_ahead.d.next = self.ahead_now.val().any();
        if self.finished.val() & self.ahead_now.val().any() {
            self.ahead.d.next = self.ahead_now.val() - 1;
            self.any_ahead.d.next = self.ahead_now.val() != 1;
        }

        if self.reset.val() {
            self.pending.d.next = 0.into();
            self.any_pending.d.next = false;
            self.seen.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    /// Against serial numbers: an item waits for the last that had entered when it was first seen.
    #[test]
    fn an_item_waits_for_those_before_it_and_for_no_others() {
        let seed = 7;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = Predecessors::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let (mut entered, mut finished) = (0u64, 0u64);
        let mut waits_for: Option<u64> = None;
        let (mut held, mut gone) = (0, 0);
        for cycle in 0..20_000u64 {
            let enters =
                entered - finished < 7 && random.chance(if cycle / 500 % 2 == 0 { 40 } else { 10 });
            let finishes = entered > finished && random.chance(30);
            let offered = waits_for.is_some() || random.chance(60);
            if offered {
                waits_for.get_or_insert(entered);
            }
            let clear = finished >= waits_for.unwrap_or(entered);
            // An item that is clear may still have to wait, and then stays clear.
            let goes = offered && clear && random.chance(60);
            unit.entered.next = enters;
            unit.finished.next = finishes;
            unit.waits.next = offered && !goes;
            settle(&mut unit);
            assert_eq!(unit.clear.val(), clear, "cycle {cycle}");
            held += u32::from(offered && !clear);
            if goes {
                waits_for = None;
                gone += 1;
            }
            entered += u64::from(enters);
            finished += u64::from(finishes);
            clock_cycle!(unit, clock);
        }
        assert!(held > 2000 && gone > 2000, "held {held}, gone {gone}");
    }

    #[test]
    fn gate() {
        Gate::new("predecessors", Predecessors::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.chance(1);
                unit.entered.next = random.chance(30);
                unit.finished.next = random.chance(30);
                unit.waits.next = random.chance(70);
            });
    }
}
