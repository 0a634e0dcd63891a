//! Which operation enters the pipeline.

use super::operation::{FollowUp, Operation};
use super::resets::ResetStep;
use rust_hdl::prelude::*;

/// Chooses an operation a cycle and keeps operations of one queue apart: an operation enters when the one before it of
/// the same queue has written the record, four cycles behind it.
///
/// Order: control words; then verdicts in turn with all others, of which the sweep's go first (they are few), then
/// messages to be sent again, then what only advances a consumer index. An operation that must keep its distance holds
/// up all behind it for up to three cycles.
///
/// A verdict that concerns the same row in the same way as an operation that waits joins it.
///
/// Contract: an operation that is taken enters in the next cycle or later: `entering` is the one that would enter,
/// `enters` says that it does. An operation that `resets` does not read the record and keeps no distance.
///
/// Latency: one cycle, and the distance.
#[derive(LogicBlock, Default)]
pub struct Choice {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub reset_valid: Signal<In, Bit>,
    pub reset_step: Signal<In, ResetStep>,
    pub reset_taken: Signal<Out, Bit>,
    pub verdict_valid: Signal<In, Bit>,
    pub verdict: Signal<In, Operation>,
    pub verdict_taken: Signal<Out, Bit>,
    /// A verdict that may join the operation that waits to enter.
    pub following_valid: Signal<In, Bit>,
    pub following: Signal<In, Operation>,
    pub joined: Signal<Out, Bit>,
    pub tick_valid: Signal<In, Bit>,
    pub tick_queue: Signal<In, Bits<8>>,
    pub tick_taken: Signal<Out, Bit>,
    pub send_valid: Signal<In, Bit>,
    pub send: Signal<In, FollowUp>,
    pub send_taken: Signal<Out, Bit>,
    pub walk_valid: Signal<In, Bit>,
    pub walk: Signal<In, FollowUp>,
    pub walk_taken: Signal<Out, Bit>,
    pub enters: Signal<Out, Bit>,
    pub entering: Signal<Out, Operation>,

    chosen_valid: DFF<Bit>,
    chosen: DFF<Operation>,
    /// Cycles that it must wait, in ones.
    distance: DFF<Bits<3>>,
    // Queues of the two operations before it.
    valid_1: DFF<Bit>,
    queue_1: DFF<Bits<8>>,
    valid_2: DFF<Bit>,
    queue_2: DFF<Bits<8>>,
    /// The last choice among verdicts and others was a verdict.
    verdict_last: DFF<Bit>,

    others: Signal<Local, Bit>,
    any: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    takes_verdict: Signal<Local, Bit>,
    takes_other: Signal<Local, Bit>,
    joins: Signal<Local, Bit>,
    candidate: Signal<Local, Operation>,
}

impl Logic for Choice {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            chosen_valid,
            chosen,
            distance,
            valid_1,
            queue_1,
            valid_2,
            queue_2,
            verdict_last
        );
        self.goes.next = self.chosen_valid.q.val() & !self.distance.q.val().any();
        self.free.next = !self.chosen_valid.q.val() | !self.distance.q.val().any();
        self.enters.next = self.goes.val();
        self.entering.next = self.chosen.q.val();

        // Whose turn it is.
        self.others.next = self.tick_valid.val() | self.send_valid.val() | self.walk_valid.val();
        self.takes_verdict.next = !self.reset_valid.val()
            & self.verdict_valid.val()
            & !(self.others.val() & self.verdict_last.q.val());
        self.takes_other.next =
            !self.reset_valid.val() & !(self.verdict_valid.val() & !self.verdict_last.q.val());
        self.any.next = self.reset_valid.val() | self.verdict_valid.val() | self.others.val();
        self.reset_taken.next = self.free.val() & self.reset_valid.val();
        self.verdict_taken.next = self.free.val() & self.takes_verdict.val();
        self.tick_taken.next = self.free.val() & self.takes_other.val() & self.tick_valid.val();
        self.send_taken.next = self.free.val()
            & self.takes_other.val()
            & !self.tick_valid.val()
            & self.send_valid.val();
        self.walk_taken.next = self.free.val()
            & self.takes_other.val()
            & !self.tick_valid.val()
            & !self.send_valid.val()
            & self.walk_valid.val();

        // The operation.
        self.candidate.next.queue = self.walk.val().queue;
        self.candidate.next.row = self.walk.val().row;
        self.candidate.next.messages = 0.into();
        self.candidate.next.generation = self.verdict.val().generation;
        self.candidate.next.code = self.verdict.val().code;
        self.candidate.next.own = self.verdict.val().own;
        self.candidate.next.marked = self.verdict.val().marked;
        self.candidate.next.verdict = false;
        self.candidate.next.ticks = false;
        self.candidate.next.sends = false;
        self.candidate.next.opens = false;
        self.candidate.next.pings = false;
        self.candidate.next.resets = false;
        self.candidate.next.enables = false;
        self.candidate.next.disables = false;
        if self.send_valid.val() {
            self.candidate.next.queue = self.send.val().queue;
            self.candidate.next.row = self.send.val().row;
            self.candidate.next.sends = !self.send.val().ping;
            self.candidate.next.pings = self.send.val().ping;
            self.candidate.next.opens = self.send.val().opens;
        }
        if self.tick_valid.val() {
            self.candidate.next.queue = self.tick_queue.val();
            self.candidate.next.row = 0.into();
            self.candidate.next.ticks = true;
            self.candidate.next.sends = false;
            self.candidate.next.opens = false;
            self.candidate.next.pings = false;
        }
        if self.takes_verdict.val() {
            self.candidate.next = self.verdict.val();
        }
        if self.reset_valid.val() {
            self.candidate.next.queue = self.reset_step.val().queue;
            self.candidate.next.row = bit_cast::<4, 3>(self.reset_step.val().row);
            self.candidate.next.messages = self.reset_step.val().done;
            self.candidate.next.generation = self.reset_step.val().generation;
            self.candidate.next.code = self.reset_step.val().give_up;
            self.candidate.next.ticks = false;
            self.candidate.next.sends = false;
            self.candidate.next.opens = false;
            self.candidate.next.pings = false;
            self.candidate.next.resets = self.reset_step.val().clears;
            self.candidate.next.enables = self.reset_step.val().enables;
            self.candidate.next.disables = !self.reset_step.val().clears;
        }

        // While it waits, a verdict joins.
        self.joins.next = self.following_valid.val()
            & self.chosen_valid.q.val()
            & self.distance.q.val().any()
            & self.chosen.q.val().verdict
            & (self.chosen.q.val().queue == self.following.val().queue)
            & (self.chosen.q.val().row == self.following.val().row)
            & (self.chosen.q.val().generation == self.following.val().generation)
            & (self.chosen.q.val().own == self.following.val().own)
            & (self.chosen.q.val().code == self.following.val().code);
        self.joined.next = self.joins.val();
        if self.joins.val() {
            self.chosen.d.next.messages =
                self.chosen.q.val().messages | self.following.val().messages;
            self.chosen.d.next.marked = self.chosen.q.val().marked | self.following.val().marked;
        }

        // It enters behind those of its queue.
        self.distance.d.next = self.distance.q.val() >> 1;
        if self.free.val() {
            self.chosen_valid.d.next = self.any.val();
            if self.any.val() {
                self.chosen.d.next = self.candidate.val();
            }
            self.distance.d.next = 0.into();
            if self.valid_2.q.val() & (self.queue_2.q.val() == self.candidate.val().queue) {
                self.distance.d.next = 1.into();
            }
            if self.valid_1.q.val() & (self.queue_1.q.val() == self.candidate.val().queue) {
                self.distance.d.next = 3.into();
            }
            if self.goes.val() & (self.chosen.q.val().queue == self.candidate.val().queue) {
                self.distance.d.next = 7.into();
            }
            if self.candidate.val().resets {
                self.distance.d.next = 0.into();
            }
            if self.takes_verdict.val() | self.takes_other.val() {
                self.verdict_last.d.next = self.takes_verdict.val();
            }
        }
        self.valid_1.d.next = self.goes.val();
        self.queue_1.d.next = self.chosen.q.val().queue;
        self.valid_2.d.next = self.valid_1.q.val();
        self.queue_2.d.next = self.queue_1.q.val();

        if self.reset.val() {
            self.chosen_valid.d.next = false;
            self.distance.d.next = 0.into();
            self.valid_1.d.next = false;
            self.valid_2.d.next = false;
            self.verdict_last.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random};

    fn any_verdict(random: &mut Random) -> Operation {
        Operation {
            queue: random.below(4).to_bits(),
            row: random.below(2).to_bits(),
            messages: random.bits(),
            generation: random.below(2).to_bits(),
            code: random.below(2).to_bits(),
            verdict: true,
            ..Operation::default()
        }
    }

    fn any_follow_up(random: &mut Random) -> FollowUp {
        FollowUp {
            queue: random.below(4).to_bits(),
            row: random.bits(),
            ping: random.chance(20),
            opens: random.chance(20),
        }
    }

    /// That operations of one queue keep their distance is proved (`tests::proofs`).
    #[test]
    fn gate() {
        Gate::new("choice", Choice::default())
            .clock(|unit| &mut unit.clock)
            .cycles(4000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.reset_valid.next = random.chance(5);
                unit.reset_step.next = ResetStep {
                    done: random.bits(),
                    queue: random.below(4).to_bits(),
                    row: random.bits(),
                    generation: random.bits(),
                    give_up: random.bits(),
                    clears: random.chance(50),
                    enables: random.chance(50),
                };
                unit.verdict_valid.next = random.chance(50);
                unit.verdict.next = any_verdict(random);
                unit.following_valid.next = random.chance(50);
                unit.following.next = any_verdict(random);
                unit.tick_valid.next = random.chance(10);
                unit.tick_queue.next = random.below(4).to_bits();
                unit.send_valid.next = random.chance(20);
                unit.send.next = any_follow_up(random);
                unit.walk_valid.next = random.chance(20);
                unit.walk.next = any_follow_up(random);
            });
    }
}
