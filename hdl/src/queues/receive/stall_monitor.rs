//! Whether a message that is not answered may still wait here.

use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// Base-2 logarithm of the cycles without progress that make a stall.
const STALL_LOG2: usize = 12;
/// Intervals of so many cycles for which a stall is remembered: 2^17 cycles.
const REMEMBERED: usize = 1 << (17 - STALL_LOG2);

/// Remembers for 2^17 cycles that a frame waited for 2^12 cycles or more without progress, so that pings are answered
/// with WAITING and not with LOST (`abi::link::kind`).
///
/// Time is measured in intervals of 2^12 cycles: a stall counts from the end of the first whole interval in which
/// nothing moved while a frame waited. They are counted only while a frame waits or a stall is remembered, so that
/// nothing changes in an idle NIU.
///
/// Contract: `stalled_recently` is high within 2^13 cycles of the last progress while a frame waits, stays high until
/// then, and falls 2^17 cycles behind the last such interval.
#[derive(LogicBlock, Default)]
pub struct StallMonitor {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// A frame is here.
    pub waiting: Signal<In, Bit>,
    /// A beat moved.
    pub progress: Signal<In, Bit>,
    pub stalled_recently: Signal<Out, Bit>,
    /// In the cycle before, something moved or nothing waited.
    moved: DFF<Bit>,
    cycle: DFF<Bits<STALL_LOG2>>,
    /// Since the interval began, something moved or nothing waited.
    calm: DFF<Bit>,
    left: DFF<Bits<6>>,
    runs: Signal<Local, Bit>,
    tick: Signal<Local, Bit>,
    calms: Signal<Local, Bit>,
    remembered: Fixed<6, REMEMBERED>,
}

impl Logic for StallMonitor {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, moved, cycle, calm, left);
        self.moved.d.next = self.progress.val() | !self.waiting.val();
        self.runs.next = self.waiting.val() | self.left.q.val().any();
        if self.runs.val() {
            self.cycle.d.next = self.cycle.q.val() + 1;
        }
        self.tick.next = self.runs.val() & self.cycle.q.val().all();
        self.calms.next = self.calm.q.val() | self.moved.q.val();
        self.calm.d.next = self.calms.val();
        if self.tick.val() {
            self.calm.d.next = false;
            if self.left.q.val().any() {
                self.left.d.next = self.left.q.val() - 1;
            }
            if !self.calms.val() {
                self.left.d.next = self.remembered.val();
            }
        }
        self.stalled_recently.next = self.left.q.val().any();

        if self.reset.val() {
            self.cycle.d.next = 0.into();
            self.calm.d.next = true;
            self.left.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle, settle};

    /// Cycles of each kind, in order; the level of `stalled_recently` behind each.
    fn levels(phases: &[(usize, bool, bool)]) -> Vec<bool> {
        let mut unit = StallMonitor::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut levels = Vec::new();
        for &(cycles, waiting, progress) in phases {
            unit.waiting.next = waiting;
            unit.progress.next = progress;
            for _ in 0..cycles {
                clock_cycle!(unit, clock);
            }
            settle(&mut unit);
            levels.push(unit.stalled_recently.val());
        }
        levels
    }

    #[test]
    fn a_stall_is_remembered_for_so_long() {
        const INTERVAL: usize = 1 << 12;
        let stall = (2 * INTERVAL, true, false);
        assert_eq!(
            levels(&[
                (100, true, true),
                stall,
                (1, true, true),
                (31 * INTERVAL, false, false),
                (2 * INTERVAL, false, false),
            ]),
            [false, true, true, true, false]
        );
        // Neither what moves now and then nor what waits for less than an interval is a stall.
        let moves: Vec<_> = (0..8)
            .flat_map(|_| [(INTERVAL - 2, true, false), (1, true, true)])
            .collect();
        assert!(levels(&moves).iter().all(|level| !level));
        let comes: Vec<_> = (0..8)
            .flat_map(|_| [(1000, true, false), (1, false, false)])
            .collect();
        assert!(levels(&comes).iter().all(|level| !level));
    }

    #[test]
    fn gate() {
        Gate::new("stall_monitor", StallMonitor::default())
            .clock(|unit| &mut unit.clock)
            .cycles(20_000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.waiting.next = cycle > 3000;
                unit.progress.next = cycle < 5000 && random.chance(10);
            });
    }
}
