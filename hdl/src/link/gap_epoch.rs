//! Tells the messages before a lost frame from those behind it.

use crate::bundles::stored_header::GAP_EPOCH_BITS;
use rust_hdl::prelude::*;

/// Counts lost frames, as far as that tells messages apart: two messages between which a frame was
/// lost have different epochs.
///
/// `epoch` goes on behind `lost` only if somebody was given the present one (`recorded`). So it is never further
/// ahead of a message than there are messages behind that one, however many frames are lost. It wraps.
///
/// Contract: `recorded` comes in a cycle in which `epoch` is the one that was given.
///
/// Latency: `lost` in cycle t counts for `epoch` in t + 1. `epoch` depends on registers alone.
#[derive(LogicBlock, Default)]
pub struct GapEpoch {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: a frame was dropped.
    pub lost: Signal<In, Bit>,
    /// Pulse: a message or a receive queue was given `epoch`.
    pub recorded: Signal<In, Bit>,
    /// The present epoch.
    pub epoch: Signal<Out, Bits<GAP_EPOCH_BITS>>,

    current: DFF<Bits<GAP_EPOCH_BITS>>,
    /// The one behind it: `lost` comes late in its cycle.
    following: DFF<Bits<GAP_EPOCH_BITS>>,
    used: DFF<Bit>,
    was_lost: DFF<Bit>,
    was_recorded: DFF<Bit>,
    moves: Signal<Local, Bit>,
    present: Signal<Local, Bits<GAP_EPOCH_BITS>>,
}

impl Logic for GapEpoch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            current,
            following,
            used,
            was_lost,
            was_recorded
        );
        self.was_lost.d.next = self.lost.val();
        self.was_recorded.d.next = self.recorded.val();
        self.moves.next = self.was_lost.q.val() & (self.used.q.val() | self.was_recorded.q.val());
        self.used.d.next = (self.used.q.val() | self.was_recorded.q.val()) & !self.was_lost.q.val();
        self.present.next = self.current.q.val();
        if self.moves.val() {
            self.present.next = self.following.q.val();
        }
        self.epoch.next = self.present.val();
        self.current.d.next = self.present.val();
        self.following.d.next = self.present.val() + 1;
        if self.reset.val() {
            self.current.d.next = 0.into();
            self.following.d.next = 1.into();
            self.used.d.next = false;
            self.was_lost.d.next = false;
            self.was_recorded.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    /// Whatever comes: what was given before a loss differs from what is given behind it, and the
    /// epoch does not go on without having been given.
    #[test]
    fn epochs_on_both_sides_of_a_loss_differ_and_no_more_are_used_than_are_given() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = GapEpoch::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let (mut given, mut lost_since, mut number) = (None, false, 0u64);
        for cycle in 0..30_000 {
            let lost = random.chance(if cycle % 2000 < 1000 { 50 } else { 3 });
            let recorded = random.chance(if cycle % 500 < 250 { 50 } else { 3 });
            unit.lost.next = lost;
            unit.recorded.next = recorded;
            settle(&mut unit);
            let epoch = unit.epoch.val().to_u64();
            if recorded {
                if let Some(before) = given {
                    number += u64::from(lost_since);
                    assert_eq!(before != epoch, lost_since, "cycle {cycle}");
                }
                assert_eq!(epoch, number % (1 << GAP_EPOCH_BITS));
                (given, lost_since) = (Some(epoch), false);
            }
            lost_since |= lost && given.is_some();
            clock_cycle!(unit, clock);
        }
        assert!(number > 3000, "{number}");
    }

    #[test]
    fn gate() {
        Gate::new("gap_epoch", GapEpoch::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.below(500) == 0;
                unit.lost.next = random.chance(30);
                unit.recorded.next = random.chance(30);
            });
    }
}
