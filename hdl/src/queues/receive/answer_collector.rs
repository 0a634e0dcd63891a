//! Verdicts on messages become answers.

use crate::bundles::{Answer, Verdict};
use crate::library::fifo::Fifo;
use crate::library::fixed::Fixed;
use crate::library::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// Bits of the number of an accumulator.
const LOG2: usize = 2;
/// Answers that are put together at the same time.
const ACCUMULATORS: usize = 1 << LOG2;
/// Cycles between two looks at the age of what waits, as base-2 logarithm.
const AGE_LOG2: usize = 3;

/// Joins verdicts on messages of one transmit queue to answers (`abi::link::answer`), so that few
/// beats answer many messages.
///
/// There are four accumulators; the low bits of node and slot choose one. A verdict joins the
/// answer there if it is the same verdict on a message of the same node, slot and generation whose
/// index lies no more than 11 behind the answer's base. Else the answer there is handed over, and
/// the verdict begins another one. An answer is also handed over when
/// * `link_idle` is high, or it holds another verdict than ACCEPTED, or its last bit is set: as
///   soon as its turn comes, in 4 cycles at most;
/// * it has waited for 16 cycles: likewise.
///
/// The answers to pings take the same way.
///
/// Contract: `verdict_valid` comes only with `verdict_ready`, which stays high until then, and comes back two cycles
/// later unless answers cannot leave (`answer_ready`). An answer to messages of this node itself leaves on
/// `local_answer_valid` and always sinks. Of pings that come while four wait, the answers are dropped. Answers of one
/// transmit queue may overtake each other.
///
/// Latency: verdict in cycle t, `answer_valid` in t + 5 to t + 8 while the link is idle and few verdicts come.
#[derive(LogicBlock, Default)]
pub struct AnswerCollector {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub node: Signal<In, Bits<10>>,
    pub verdict_valid: Signal<In, Bit>,
    pub verdict_ready: Signal<Out, Bit>,
    pub verdict: Signal<In, Verdict>,
    /// Pulse: the answer to a ping.
    pub ping_valid: Signal<In, Bit>,
    pub ping: Signal<In, Answer>,
    /// An answer could be sent without holding up a frame.
    pub link_idle: Signal<In, Bit>,
    pub answer_valid: Signal<Out, Bit>,
    pub answer_ready: Signal<In, Bit>,
    pub answer: Signal<Out, Answer>,
    pub local_answer_valid: Signal<Out, Bit>,

    /// The verdict that came last.
    taken: DFF<Bit>,
    held: DFF<Verdict>,
    pings: Fifo<Verdict, 2, 3>,
    answers: LutRam<Answer, LOG2>,
    /// Answers that wait in `answers`; those that have seen a look at their age; those that are to be handed over.
    waiting: DFF<Bits<ACCUMULATORS>>,
    aged: DFF<Bits<ACCUMULATORS>>,
    due: DFF<Bits<ACCUMULATORS>>,
    age: DFF<Bits<AGE_LOG2>>,
    /// Whose turn it is to be handed over.
    turn: DFF<Bits<LOG2>>,
    /// Second step: the accumulator that was read, its answer, and whether a verdict comes to it, or it is handed over.
    place: DFF<Bits<LOG2>>,
    found: DFF<Answer>,
    joins: DFF<Bit>,
    leaves: DFF<Bit>,
    joining: DFF<Verdict>,
    /// Third step: the same, and how the verdict fits the answer.
    last_place: DFF<Bits<LOG2>>,
    last_found: DFF<Answer>,
    last_joins: DFF<Bit>,
    last_leaves: DFF<Bit>,
    last_joining: DFF<Verdict>,
    agrees: DFF<Bit>,
    fills: DFF<Bit>,
    is_refusal: DFF<Bit>,
    added: DFF<Bits<12>>,
    /// The answer, or the verdict, is for this node itself.
    found_is_local: DFF<Bit>,
    joining_is_local: DFF<Bit>,
    /// The answer that is handed over.
    offered: DFF<Bit>,
    offer: DFF<Answer>,
    /// It is for this node itself.
    is_local: DFF<Bit>,

    pinged: Signal<Local, Verdict>,
    next: Signal<Local, Verdict>,
    next_slot: Signal<Local, Bits<8>>,
    next_node: Signal<Local, Bits<10>>,
    next_place: Signal<Local, Bits<LOG2>>,
    begins_join: Signal<Local, Bit>,
    begins_leave: Signal<Local, Bit>,
    ripe: Signal<Local, Bits<ACCUMULATORS>>,
    turn_ripe: Signal<Local, Bits<ACCUMULATORS>>,
    mask: Signal<Local, Bits<ACCUMULATORS>>,
    mask_if_fresh: Signal<Local, Bits<ACCUMULATORS>>,
    occupied: Signal<Local, Bits<ACCUMULATORS>>,
    was_due: Signal<Local, Bits<ACCUMULATORS>>,
    older_due: Signal<Local, Bits<ACCUMULATORS>>,
    older_aged: Signal<Local, Bits<ACCUMULATORS>>,
    may_offer: Signal<Local, Bit>,
    same: Signal<Local, Bit>,
    distance: Signal<Local, Bits<7>>,
    fits: Signal<Local, Bit>,
    fresh: Signal<Local, Bit>,
    urgent: Signal<Local, Bit>,
    direct: Signal<Local, Bit>,
    evicts: Signal<Local, Bit>,
    stalls: Signal<Local, Bit>,
    stores: Signal<Local, Bit>,
    departs: Signal<Local, Bit>,
    changed: Signal<Local, Answer>,
    one: Fixed<ACCUMULATORS, 1>,
    first_bit: Fixed<12, 1>,
    /// The distances that one answer reaches.
    near: Fixed<16, { (1 << abi::link::ANSWER_MESSAGES) - 1 }>,
    last_message: Fixed<7, { abi::link::ANSWER_MESSAGES - 1 }>,
    accepted: Fixed<4, { abi::link::kind::ACCEPTED & 7 }>,
}

impl Logic for AnswerCollector {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            taken,
            held,
            waiting,
            aged,
            due,
            age,
            turn,
            place,
            found,
            joins,
            leaves,
            joining,
            last_place,
            last_found,
            last_joins,
            last_leaves,
            last_joining,
            agrees,
            fills,
            is_refusal,
            added,
            found_is_local,
            joining_is_local,
            offered,
            offer,
            is_local
        );
        clock!(self, clock, pings, answers);
        self.pings.reset.next = self.reset.val();

        // What comes in: verdicts, and pings while there is none.
        self.verdict_ready.next = !self.taken.q.val();
        self.pinged.next.node = self.ping.val().node;
        self.pinged.next.slot = self.ping.val().slot;
        self.pinged.next.generation = self.ping.val().generation;
        self.pinged.next.index = self.ping.val().base;
        self.pinged.next.verdict = self.ping.val().verdict;
        self.pings.data_in.next = self.pinged.val();
        self.pings.write.next = self.ping_valid.val();
        self.next.next = self.pings.data_out.val();
        if self.taken.q.val() {
            self.next.next = self.held.q.val();
        }
        self.next_slot.next = self.next.val().slot;
        self.next_node.next = self.next.val().node;
        self.next_place.next =
            self.next_slot.val().get_bits::<LOG2>(0) ^ self.next_node.val().get_bits::<LOG2>(0);

        // Third step: the answer changes.
        self.may_offer.next = !self.offered.q.val();
        self.mask.next = self.one.val() << self.last_place.q.val();
        self.occupied.next = self.waiting.q.val() & self.mask.val();
        self.was_due.next = self.due.q.val() & self.mask.val();
        self.fits.next = self.occupied.val().any() & self.agrees.q.val();
        self.fresh.next = !self.fits.val();
        self.changed.next.node = self.last_joining.q.val().node;
        self.changed.next.slot = self.last_joining.q.val().slot;
        self.changed.next.generation = self.last_joining.q.val().generation;
        self.changed.next.verdict = self.last_joining.q.val().verdict;
        self.changed.next.base = self.last_joining.q.val().index;
        self.changed.next.bitmap = self.first_bit.val();
        if self.fits.val() {
            self.changed.next.base = self.last_found.q.val().base;
            self.changed.next.bitmap = self.last_found.q.val().bitmap | self.added.q.val();
        }
        self.urgent.next = self.is_refusal.q.val()
            | (self.fits.val() & (self.was_due.val().any() | self.fills.q.val()));
        self.evicts.next = self.last_joins.q.val()
            & self.occupied.val().any()
            & !self.fits.val()
            & self.may_offer.val();
        self.stalls.next = self.last_joins.q.val()
            & self.occupied.val().any()
            & !self.fits.val()
            & !self.may_offer.val();
        self.direct.next = self.last_joins.q.val()
            & (self.fits.val() | !self.occupied.val().any())
            & self.may_offer.val()
            & (self.urgent.val() | self.link_idle.val());
        self.stores.next = self.last_joins.q.val() & !self.stalls.val() & !self.direct.val();
        self.departs.next =
            self.last_leaves.q.val() & self.occupied.val().any() & self.may_offer.val();

        // First step: the accumulator of a verdict is read, or else the one whose turn it is to be handed over.
        self.begins_join.next = (self.taken.q.val() | !self.pings.empty.val())
            & !self.joins.q.val()
            & !(self.last_joins.q.val() & self.offered.q.val());
        self.ripe.next = self.waiting.q.val() & self.due.q.val();
        if self.link_idle.val() {
            self.ripe.next = self.waiting.q.val();
        }
        self.turn_ripe.next = self.ripe.val() & (self.one.val() << self.turn.q.val());
        self.begins_leave.next = self.turn_ripe.val().any()
            & !self.begins_join.val()
            & !(self.joins.q.val() & (self.place.q.val() == self.turn.q.val()));
        self.turn.d.next = self.turn.q.val() + 1;
        self.answers.read_address.next = self.turn.q.val();
        if self.begins_join.val() {
            self.answers.read_address.next = self.next_place.val();
        }
        self.pings.read.next = self.begins_join.val() & !self.taken.q.val();
        if self.begins_join.val() {
            self.taken.d.next = false;
        }
        if self.verdict_valid.val() {
            self.taken.d.next = true;
            self.held.d.next = self.verdict.val();
        }

        // Second step: how does the verdict fit?
        self.same.next = (self.found.q.val().node == self.joining.q.val().node)
            & (self.found.q.val().slot == self.joining.q.val().slot)
            & (self.found.q.val().generation == self.joining.q.val().generation)
            & (self.found.q.val().verdict == self.joining.q.val().verdict);
        self.distance.next = self.joining.q.val().index - self.found.q.val().base;
        if !self.stalls.val() {
            self.last_joins.d.next = self.joins.q.val();
            self.last_leaves.d.next = self.leaves.q.val();
        }
        if !self.stalls.val() & (self.joins.q.val() | self.leaves.q.val()) {
            self.last_place.d.next = self.place.q.val();
            self.last_found.d.next = self.found.q.val();
            self.last_joining.d.next = self.joining.q.val();
            self.agrees.d.next = self.same.val()
                & (self.distance.val().get_bits::<3>(4) == 0)
                & (((self.near.val() >> self.distance.val().get_bits::<4>(0)) & 1) == 1);
            self.fills.d.next = self.distance.val() == self.last_message.val();
            self.found_is_local.d.next = self.found.q.val().node == self.node.val();
            self.joining_is_local.d.next = self.joining.q.val().node == self.node.val();
            self.is_refusal.d.next = self.joining.q.val().verdict != self.accepted.val();
            self.added.d.next = self.first_bit.val() << self.distance.val().get_bits::<4>(0);
        }

        self.answers.write_address.next = self.last_place.q.val();
        self.answers.write_data.next = self.changed.val();
        self.answers.write_enable.next = self.stores.val();
        self.offer.d.next = self.last_found.q.val();
        self.is_local.d.next = self.found_is_local.q.val();
        if self.direct.val() {
            self.offer.d.next = self.changed.val();
            self.is_local.d.next = self.joining_is_local.q.val();
        }
        if self.offered.q.val() {
            self.offer.d.next = self.offer.q.val();
            self.is_local.d.next = self.is_local.q.val();
        }

        // Flags of the accumulators. What is handed over is forgotten; what begins has no age.
        self.age.d.next = self.age.q.val() + 1;
        self.older_due.next = self.due.q.val();
        self.older_aged.next = self.aged.q.val();
        if self.age.q.val().all() {
            self.older_due.next = self.due.q.val() | self.aged.q.val();
            self.older_aged.next = self.waiting.q.val();
        }
        self.mask_if_fresh.next = 0.into();
        if self.fresh.val() & self.stores.val() {
            self.mask_if_fresh.next = self.mask.val();
        }
        self.due.d.next = self.older_due.val() & !self.mask_if_fresh.val();
        self.aged.d.next = self.older_aged.val() & !self.mask_if_fresh.val();
        if self.stores.val() {
            self.waiting.d.next = self.waiting.q.val() | self.mask.val();
            if self.urgent.val() {
                self.due.d.next = self.older_due.val() | self.mask.val();
            }
        }
        if self.departs.val() | self.direct.val() {
            self.waiting.d.next = self.waiting.q.val() & !self.mask.val();
        }

        if !self.stalls.val() {
            self.joins.d.next = self.begins_join.val();
            self.leaves.d.next = self.begins_leave.val();
        }
        // Only for a verdict or an answer that waits, so that nothing but turn and age changes in an idle NIU.
        if !self.stalls.val() & (self.begins_join.val() | self.waiting.q.val().any()) {
            self.joining.d.next = self.next.val();
            self.place.d.next = self.answers.read_address.val();
            self.found.d.next = self.answers.read_data.val();
            if self.last_joins.q.val()
                & (self.last_place.q.val() == self.answers.read_address.val())
            {
                self.found.d.next = self.changed.val();
            }
        }

        // The answer on offer.
        self.answer.next = self.offer.q.val();
        self.answer_valid.next = self.offered.q.val() & !self.is_local.q.val();
        self.local_answer_valid.next = self.offered.q.val() & self.is_local.q.val();
        if self.is_local.q.val() | self.answer_ready.val() {
            self.offered.d.next = false;
        }
        if self.evicts.val() | self.direct.val() | self.departs.val() {
            self.offered.d.next = true;
        }

        if self.reset.val() {
            self.taken.d.next = false;
            self.waiting.d.next = 0.into();
            self.aged.d.next = 0.into();
            self.due.d.next = 0.into();
            self.age.d.next = 0.into();
            self.turn.d.next = 0.into();
            self.joins.d.next = false;
            self.leaves.d.next = false;
            self.last_joins.d.next = false;
            self.last_leaves.d.next = false;
            self.offered.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
