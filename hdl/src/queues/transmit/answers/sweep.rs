//! The slow walk over all queues, by which time passes for them.

use crate::configuration::SWEEP_LOG2;
use rust_hdl::prelude::*;

/// Offers the next of `2^N` queues every so many cycles. If it is not taken until the next one is due, that one's turn
/// is lost: all wait a little longer.
///
/// The walk stops after a round in which `disturbed` was low, and goes on when it is high: nothing
/// changes in an idle NIU.
///
/// Contract: nothing is offered before `ready`.
#[derive(LogicBlock)]
pub struct Sweep<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub ready: Signal<In, Bit>,
    pub valid: Signal<Out, Bit>,
    pub visited: Signal<Out, Bits<8>>,
    pub taken: Signal<In, Bit>,
    /// Pulse: time matters to a queue.
    pub disturbed: Signal<In, Bit>,
    due: DFF<Bit>,
    next_queue: DFF<Bits<N>>,
    cycle: DFF<Bits<12>>,
    /// The walk goes on; it was disturbed since the round began.
    walking: DFF<Bit>,
    noted: DFF<Bit>,
    last_cycle: Constant<Bits<12>>,
}

impl<const N: usize> Sweep<N> {
    /// A sweep with a visit every `2^period_log2` cycles.
    ///
    /// # Panics
    /// If 12 bits do not count them.
    pub fn new(period_log2: usize) -> Self {
        assert!(period_log2 <= 12, "a visit every 2^{period_log2} cycles");
        Self {
            clock: Default::default(),
            reset: Default::default(),
            ready: Default::default(),
            valid: Default::default(),
            visited: Default::default(),
            taken: Default::default(),
            disturbed: Default::default(),
            due: Default::default(),
            next_queue: Default::default(),
            cycle: Default::default(),
            walking: Default::default(),
            noted: Default::default(),
            last_cycle: Constant::new(((1u64 << period_log2) - 1).to_bits()),
        }
    }
}

impl<const N: usize> Default for Sweep<N> {
    fn default() -> Self {
        Self::new(SWEEP_LOG2)
    }
}

impl<const N: usize> Logic for Sweep<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, due, next_queue, cycle, walking, noted);
        self.valid.next = self.due.q.val();
        self.visited.next = bit_cast::<8, N>(self.next_queue.q.val());
        if self.taken.val() {
            self.due.d.next = false;
            self.next_queue.d.next = self.next_queue.q.val() + 1;
            if self.next_queue.q.val().all() {
                self.walking.d.next = self.noted.q.val();
                self.noted.d.next = false;
            }
        }
        if self.disturbed.val() {
            self.walking.d.next = true;
            self.noted.d.next = true;
        }
        if self.walking.q.val() {
            self.cycle.d.next = self.cycle.q.val() + 1;
        }
        if self.walking.q.val() & (self.cycle.q.val() == self.last_cycle.val()) {
            self.cycle.d.next = 0.into();
            self.due.d.next = self.ready.val();
        }
        if self.reset.val() {
            self.due.d.next = false;
            self.next_queue.d.next = 0.into();
            self.cycle.d.next = 0.into();
            self.walking.d.next = true;
            self.noted.d.next = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle, settle};

    #[test]
    fn visits_each_queue_in_turn() {
        let mut unit = Sweep::<2>::new(3);
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut visits = Vec::new();
        for cycle in 0..100u64 {
            unit.ready.next = cycle >= 20;
            unit.disturbed.next = true;
            settle(&mut unit);
            assert!(cycle >= 20 || !unit.valid.val());
            // One visit is taken late, but before the next is due; one not at all, until the next is due.
            unit.taken.next =
                unit.valid.val() && !(48..53).contains(&cycle) && !(64..73).contains(&cycle);
            settle(&mut unit);
            if unit.taken.val() {
                visits.push((cycle, unit.visited.val().to_u64()));
            }
            clock_cycle!(unit, clock);
        }
        let expected = [24, 32, 40, 53, 56, 73, 80, 88, 96];
        let expected: Vec<(u64, u64)> = expected.into_iter().zip((0..4).cycle()).collect();
        assert_eq!(visits, expected);
    }

    #[test]
    fn stops_after_a_round_without_disturbance_and_goes_on() {
        let mut unit = Sweep::<2>::new(3);
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit.ready.next = true;
        let mut visits = Vec::new();
        for cycle in 0..200u64 {
            unit.disturbed.next = cycle == 100;
            settle(&mut unit);
            unit.taken.next = unit.valid.val();
            settle(&mut unit);
            if unit.taken.val() {
                visits.push((cycle, unit.visited.val().to_u64()));
            }
            clock_cycle!(unit, clock);
        }
        // The round that reset begins, one more, and as many behind the disturbance.
        let first = (1..=8).map(|visit| 8 * visit);
        let second = (1..=8).map(|visit| 100 + 8 * visit);
        let times: Vec<u64> = visits.iter().map(|&(cycle, _)| cycle).collect();
        assert_eq!(times, first.chain(second).collect::<Vec<_>>());
    }

    #[test]
    fn gate() {
        Gate::new("sweep", Sweep::<3>::new(3))
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.ready.next = cycle > 20;
                unit.disturbed.next = random.chance(2);
                unit.taken.next = unit.valid.val() && random.chance(30);
            });
    }
}
