//! A resident transmit queue: its indices, what it waits for, and its errors.

use crate::queues::queue_select::QueueWord;
use crate::queues::transmit_signals::{Answer, LaunchOutcome, TransmitStore};
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// One resident transmit queue (V1, V3, V15, V18).
///
/// Three indices, modulo 2^16: `producer` (composed), `launched` (sent), `consumer` (answered). At most `TRANSMIT_SLOTS` lie between
/// producer and consumer; slots are called by four bits of an index, also where there are fewer than 16 (`SlotMemory` folds them). Answers come in order; one that does not match the oldest unanswered message is ignored.
///
/// * An Express store in cycle `t` makes the queue `eligible` in `t + 1`. A producer index is judged in `t`, taken in `t + 1` and
///   makes it eligible in `t + 2`: in the cycle behind it comes no store. The error of a store, if it is one, counts in `t + 2`.
/// * `FULL` takes `launched` back to `consumer` and holds the queue for `RESTART_CYCLES`; the answers to the messages
///   behind it never come. A grant that was under way then (or when firmware wrote the queue's control word) is stale: its
///   outcome is ignored, and its frame is one that the receiver skips.
/// * No answer for two ticks: the queue fails for good, until firmware writes its control word.
///
/// Before firmware reuses a queue it disables it and waits until no answer can be under way any more.
#[derive(LogicBlock, Default)]
pub struct TransmitQueue {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Which queue this is; constant.
    pub number: Signal<In, Bits<4>>,
    /// `abi::queue_state::transmit_control`.
    pub configuration: Signal<In, QueueWord>,
    /// Stores of the host.
    pub store: Signal<In, TransmitStore>,
    /// The engine's doings.
    pub outcome: Signal<In, LaunchOutcome>,
    /// `answer` is for this queue and counts in this cycle.
    pub answer_valid: Signal<In, Bit>,
    /// A receiver's answer.
    pub answer: Signal<In, Answer>,
    /// Virtual channel 0 has credits for a longest frame.
    pub room_0: Signal<In, Bit>,
    /// Virtual channel 1 has credits for a longest frame.
    pub room_1: Signal<In, Bit>,
    /// Pulse, once every 2^`ACKNOWLEDGE_TICK_LOG2` cycles: time to look for an overdue answer.
    pub tick: Signal<In, Bit>,
    /// Pulse: the shadow writer has taken this queue's word.
    pub shadow_taken: Signal<In, Bit>,

    /// There is a message to send, and nothing to wait for.
    pub eligible: Signal<Out, Bit>,
    /// An Express message in `store` takes the slot `compose_slot` in this cycle.
    pub express_accepted: Signal<Out, Bit>,
    /// Slot of the next message to be composed.
    pub compose_slot: Signal<Out, Bits<4>>,
    /// Slot of the next message to be sent.
    pub launch_slot: Signal<Out, Bits<4>>,
    /// No message is unanswered.
    pub drained: Signal<Out, Bit>,
    /// The shadow line is out of date; the cycle after it changed.
    pub dirty: Signal<Out, Bit>,
    /// An error event is due, with the next shadow word.
    pub report: Signal<Out, Bit>,
    /// `abi::message::shadow::consumer`.
    pub consumer_index: Signal<Out, Bits<16>>,
    /// `abi::message::shadow::errors`.
    pub error_count: Signal<Out, Bits<16>>,
    /// `abi::message::shadow::last_error`.
    pub last_error: Signal<Out, Bits<8>>,
    /// `abi::message::shadow::failed`.
    pub failed: Signal<Out, Bit>,
    /// Pulse, the cycle after the store: an Express message or producer index beyond the free slots.
    pub overflowed: Signal<Out, Bit>,
    /// Pulse: the oldest message was accepted.
    pub accepted: Signal<Out, Bit>,
    /// Pulse: the oldest message was refused for good.
    pub refused: Signal<Out, Bit>,
    /// Pulse: the receiver's ring was full.
    pub restarted: Signal<Out, Bit>,
    /// Pulse: the queue failed.
    pub timed_out: Signal<Out, Bit>,
    /// `answer` is for the oldest message.
    pub expected: Signal<Out, Bit>,

    enabled: DFF<Bit>,
    has_failed: DFF<Bit>,
    producer: DFF<Bits<16>>,
    launched: DFF<Bits<16>>,
    consumer: DFF<Bits<16>>,
    errors: DFF<Bits<16>>,
    last: DFF<Bits<8>>,
    /// A message was accepted, or failed, in the cycle before.
    answered_well: DFF<Bit>,
    erred: DFF<Bit>,
    is_dirty: DFF<Bit>,
    report_due: DFF<Bit>,
    has_pending: DFF<Bit>,
    busy: DFF<Bit>,
    stale: DFF<Bit>,
    waits_for_drain: DFF<Bit>,
    waits_for_0: DFF<Bit>,
    waits_for_1: DFF<Bit>,
    holding: DFF<Bit>,
    hold_cycles: DFF<Bits<9>>,
    overdue: DFF<Bit>,
    failing: DFF<Bit>,
    /// `producer - consumer`, kept beside them because stores must be judged in their own cycle.
    used: DFF<Bits<5>>,
    /// A producer index was taken in the cycle before; which; and whether it brings messages.
    producer_taken: DFF<Bit>,
    new_producer: DFF<Bits<16>>,
    brings_messages: DFF<Bit>,
    /// A store was refused, or torn, in the cycle before.
    store_overflowed: DFF<Bit>,
    store_torn: DFF<Bit>,

    composed: Signal<Local, Bits<5>>,
    composes: Signal<Local, Bit>,
    pending: Signal<Local, Bits<5>>,
    advances: Signal<Local, Bit>,
    accepting: Signal<Local, Bit>,
    takes_express: Signal<Local, Bit>,
    express: Signal<Local, Bit>,
    producer_stored: Signal<Local, Bit>,
    ahead: Signal<Local, Bits<16>>,
    legal: Signal<Local, Bit>,
    takes_producer: Signal<Local, Bit>,
    torn: Signal<Local, Bit>,
    overflow: Signal<Local, Bit>,
    looked_at: Signal<Local, Bit>,
    granted: Signal<Local, Bit>,
    ended: Signal<Local, Bit>,
    launches: Signal<Local, Bit>,
    skips: Signal<Local, Bit>,
    answered: Signal<Local, Bit>,
    accepts: Signal<Local, Bit>,
    fills: Signal<Local, Bit>,
    not_resident: Signal<Local, Bit>,
    too_small: Signal<Local, Bit>,
    refuses: Signal<Local, Bit>,
    is_drained: Signal<Local, Bit>,
    fails: Signal<Local, Bit>,
    message_error: Signal<Local, Bit>,
    store_error: Signal<Local, Bit>,
    error_sum: Signal<Local, Bits<17>>,
    control_word: Signal<Local, Bits<64>>,
    controlled: Signal<Local, Bit>,
}

impl Logic for TransmitQueue {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            enabled,
            has_failed,
            producer,
            launched,
            consumer,
            errors,
            last,
            answered_well,
            erred,
            is_dirty,
            report_due,
            has_pending,
            busy,
            stale,
            waits_for_drain,
            waits_for_0,
            waits_for_1,
            holding,
            hold_cycles,
            overdue,
            failing,
            used,
            producer_taken,
            new_producer,
            brings_messages,
            store_overflowed,
            store_torn
        );
        // At most 16 slots are in use: five bits tell all there is to tell of a difference.
        self.pending.next =
            self.producer.q.val().get_bits::<5>(0) - self.launched.q.val().get_bits::<5>(0);
        self.is_drained.next =
            self.launched.q.val().get_bits::<5>(0) == self.consumer.q.val().get_bits::<5>(0);
        self.accepting.next = self.enabled.q.val() & !self.has_failed.q.val();

        // Stores of the host.
        self.express.next =
            self.store.val().express & (self.store.val().queue == self.number.val());
        self.takes_express.next = self.express.val()
            & self.accepting.val()
            & (self.used.q.val() != crate::configuration::TRANSMIT_SLOTS.to_bits());
        self.producer_stored.next =
            self.store.val().producer & (self.store.val().queue == self.number.val());
        // Slots between the consumer and the new producer: no fewer than now, no more than there are.
        self.ahead.next = self.store.val().index - self.consumer.q.val();
        self.legal.next = self.accepting.val()
            & (self.ahead.val() >= bit_cast::<16, 5>(self.used.q.val()))
            & (self.ahead.val() <= crate::configuration::TRANSMIT_SLOTS.to_bits());
        self.takes_producer.next = self.producer_stored.val() & self.legal.val();
        self.producer_taken.d.next = self.takes_producer.val();
        self.new_producer.d.next = self.store.val().index;
        self.brings_messages.d.next = self.ahead.val() != bit_cast::<16, 5>(self.used.q.val());
        self.overflow.next = (self.express.val() & !self.takes_express.val())
            | (self.producer_stored.val() & !self.legal.val());
        self.torn.next = self.store.val().torn & (self.store.val().queue == self.number.val());

        // The engine.
        self.looked_at.next = self.outcome.val().queue == self.number.val();
        self.granted.next = self.looked_at.val() & self.outcome.val().granted;
        self.ended.next = self.looked_at.val()
            & (self.outcome.val().launched
                | self.outcome.val().skipped
                | self.outcome.val().wait_for_drain
                | self.outcome.val().wait_for_channel);
        // `launched` is the engine's latest output: nothing but what needs it waits for it.
        self.launches.next =
            self.looked_at.val() & self.outcome.val().launched & !self.stale.q.val();
        self.skips.next = self.looked_at.val() & self.outcome.val().skipped & !self.stale.q.val();

        // The receiver's answer to the oldest message.
        self.answered.next = self.answer_valid.val()
            & !self.is_drained.val()
            & !self.has_failed.q.val()
            & (self.answer.val().slot == self.consumer.q.val().get_bits::<4>(0));
        self.accepts.next = self.answered.val() & self.answer.val().accepted;
        self.fills.next = self.answered.val() & self.answer.val().full;
        self.not_resident.next = self.answered.val() & self.answer.val().not_resident;
        self.too_small.next = self.answered.val() & self.answer.val().too_small;
        self.refuses.next = self.not_resident.val() | self.too_small.val();

        // No answer for one tick: overdue; for two: failed, in the cycle after the tick, if no answer comes at the last moment.
        self.failing.d.next = self.tick.val() & self.overdue.q.val();
        self.fails.next = self.failing.q.val()
            & self.overdue.q.val()
            & !self.has_failed.q.val()
            & !self.answer_valid.val();
        if self.tick.val() {
            self.overdue.d.next = true;
        }
        if self.is_drained.val() | self.accepts.val() | self.fills.val() | self.refuses.val() {
            self.overdue.d.next = false;
        }
        self.message_error.next = self.skips.val() | self.refuses.val() | self.fails.val();

        // Indices.
        if self.takes_express.val() {
            self.producer.d.next = self.producer.q.val() + 1;
        }
        if self.producer_taken.q.val() {
            self.producer.d.next = self.new_producer.q.val();
        }
        if self.launches.val() | self.skips.val() {
            self.launched.d.next = self.launched.q.val() + 1;
            self.has_pending.d.next = (self.pending.val() != 1) & !self.has_failed.q.val();
        }
        self.advances.next = self.accepts.val() | self.refuses.val() | self.skips.val();
        if self.advances.val() {
            self.consumer.d.next = self.consumer.q.val() + 1;
        }
        // Stores and answers come late: what they make of it is worked out beside them.
        self.composed.next = self.used.q.val();
        if self.producer_taken.q.val() {
            self.composed.next =
                self.new_producer.q.val().get_bits::<5>(0) - self.consumer.q.val().get_bits::<5>(0);
        }
        self.composes.next = self.takes_express.val() & !self.producer_taken.q.val();
        self.used.d.next = self.composed.val();
        if self.composes.val() & !self.advances.val() {
            self.used.d.next = self.used.q.val() + 1;
        }
        if self.advances.val() & !self.composes.val() {
            self.used.d.next = self.composed.val() - 1;
        }
        if self.takes_express.val()
            | (self.producer_taken.q.val()
                & self.brings_messages.q.val()
                & !self.has_failed.q.val())
        {
            self.has_pending.d.next = true;
        }

        // What the queue waits for.
        if self.hold_cycles.q.val() != 0 {
            self.hold_cycles.d.next = self.hold_cycles.q.val() - 1;
        } else {
            self.holding.d.next = false;
        }
        if self.is_drained.val() {
            self.waits_for_drain.d.next = false;
        }
        if self.room_0.val() {
            self.waits_for_0.d.next = false;
        }
        if self.room_1.val() {
            self.waits_for_1.d.next = false;
        }
        if self.granted.val() {
            self.busy.d.next = true;
        }
        if self.ended.val() {
            self.busy.d.next = false;
            self.waits_for_drain.d.next = self.outcome.val().wait_for_drain;
            self.waits_for_0.d.next =
                self.outcome.val().wait_for_channel & !self.outcome.val().channel;
            self.waits_for_1.d.next =
                self.outcome.val().wait_for_channel & self.outcome.val().channel;
        }
        if self.fills.val() {
            self.launched.d.next = self.consumer.q.val();
            self.has_pending.d.next = true;
            self.holding.d.next = true;
            self.hold_cycles.d.next = crate::configuration::RESTART_CYCLES.to_bits();
        }

        // Errors, and what the shadow line must tell: one cycle later, for judging takes long enough.
        self.store_overflowed.d.next = self.overflow.val();
        self.store_torn.d.next = self.torn.val();
        self.erred.d.next = self.message_error.val();
        self.store_error.next = self.store_overflowed.q.val() | self.store_torn.q.val();
        self.error_sum.next = bit_cast::<17, 16>(self.errors.q.val())
            + bit_cast::<17, 1>(self.store_error.val().into())
            + bit_cast::<17, 1>(self.erred.q.val().into());
        self.errors.d.next = self.error_sum.val().get_bits::<16>(0);
        if self.error_sum.val().get_bit(16) {
            self.errors.d.next = 0xffff.into();
        }
        if self.store_torn.q.val() {
            self.last.d.next = abi::message::error::TORN_STORE.to_bits();
        }
        if self.store_overflowed.q.val() {
            self.last.d.next = abi::message::error::OVERFLOW.to_bits();
        }
        if self.skips.val() {
            self.last.d.next = self.outcome.val().error;
        }
        if self.not_resident.val() {
            self.last.d.next = abi::message::error::NOT_RESIDENT.to_bits();
        }
        if self.too_small.val() {
            self.last.d.next = abi::message::error::ENTRY_TOO_SMALL.to_bits();
        }
        if self.fails.val() {
            self.last.d.next = abi::message::error::ACKNOWLEDGE_TIMEOUT.to_bits();
            self.has_failed.d.next = true;
            self.has_pending.d.next = false;
        }
        if self.shadow_taken.val() {
            self.is_dirty.d.next = false;
            self.report_due.d.next = false;
        }
        self.answered_well.d.next = self.accepts.val();
        if self.answered_well.q.val() | self.erred.q.val() | self.store_error.val() {
            self.is_dirty.d.next = true;
        }
        if self.erred.q.val() {
            self.report_due.d.next = true;
        }

        // Firmware starts the queue anew.
        self.control_word.next = self.configuration.val().word;
        self.controlled.next = self.configuration.val().control
            & (self.configuration.val().queue == self.number.val());
        if self.controlled.val() | self.reset.val() {
            self.enabled.d.next = self
                .control_word
                .val()
                .get_bit(abi::queue_state::transmit_control::enabled::SHIFT);
            self.has_failed.d.next = false;
            self.producer.d.next = 0.into();
            self.launched.d.next = 0.into();
            self.consumer.d.next = 0.into();
            self.errors.d.next = 0.into();
            self.last.d.next = 0.into();
            self.answered_well.d.next = false;
            self.erred.d.next = false;
            self.is_dirty.d.next = false;
            self.report_due.d.next = false;
            self.has_pending.d.next = false;
            self.waits_for_drain.d.next = false;
            self.waits_for_0.d.next = false;
            self.waits_for_1.d.next = false;
            self.holding.d.next = false;
            self.hold_cycles.d.next = 0.into();
            self.overdue.d.next = false;
            self.failing.d.next = false;
            self.used.d.next = 0.into();
            self.producer_taken.d.next = false;
            self.store_overflowed.d.next = false;
            self.store_torn.d.next = false;
        }
        // A grant is stale from a restart to its end; the end comes late in its cycle.
        if (self.fills.val() | self.controlled.val()) & (self.busy.q.val() | self.granted.val()) {
            self.stale.d.next = true;
        }
        if self.ended.val() {
            self.stale.d.next = false;
        }
        if self.reset.val() {
            self.enabled.d.next = false;
            self.busy.d.next = false;
            self.stale.d.next = false;
        }

        self.eligible.next = self.has_pending.q.val()
            & !self.busy.q.val()
            & !self.holding.q.val()
            & !(self.waits_for_drain.q.val() | self.waits_for_0.q.val() | self.waits_for_1.q.val());
        self.express_accepted.next = self.takes_express.val();
        self.compose_slot.next = self.producer.q.val().get_bits::<4>(0);
        self.launch_slot.next = self.launched.q.val().get_bits::<4>(0);
        self.drained.next = self.is_drained.val();
        self.dirty.next = self.is_dirty.q.val();
        self.report.next = self.report_due.q.val();
        self.consumer_index.next = self.consumer.q.val();
        self.error_count.next = self.errors.q.val();
        self.last_error.next = self.last.q.val();
        self.failed.next = self.has_failed.q.val();
        self.overflowed.next = self.store_overflowed.q.val();
        self.accepted.next = self.accepts.val();
        self.refused.next = self.refuses.val();
        self.restarted.next = self.fills.val();
        self.timed_out.next = self.fails.val();
        self.expected.next = self.answered.val();
    }
}
