//! The array of resident transmit queues.

use crate::bundles::Acknowledgement;
use crate::configuration::TRANSMIT_QUEUES;
use crate::library::gather::Gather;
use crate::library::lut_ram::LutRam;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit_queue::TransmitQueue;
use crate::queues::transmit_signals::{Answer, LaunchOutcome, TransmitStore};
use rust_hdl::prelude::*;

/// `TRANSMIT_QUEUES` [`TransmitQueue`]s, and the ways to one of them by its number. All outputs follow their inputs in the same
/// cycle, but an acknowledgement is decoded first and counts in the cycle after, and what becomes of a message is told in the
/// cycle after that. An acknowledgement counts only if it comes from the node that the queue last sent to: all of its
/// unanswered messages went there.
///
/// Queue after queue, one each 2^`TICK` cycles, looks for an overdue answer: never two in one cycle, so that one pulse
/// counts all failures. A round of 16 takes 2^(`TICK` + 4) cycles.
#[derive(LogicBlock, Default)]
pub struct TransmitQueues<const TICK: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// `abi::queue_state::transmit_control`.
    pub configuration: Signal<In, QueueWord>,
    /// Stores of the host.
    pub store: Signal<In, TransmitStore>,
    /// The Express message in `store` takes `express_slot`.
    pub express_accepted: Signal<Out, Bit>,
    /// Next slot to compose of the queue in `store`.
    pub express_slot: Signal<Out, Bits<4>>,
    /// The engine's doings.
    pub outcome: Signal<In, LaunchOutcome>,
    /// With `outcome.launched`: the node that the message goes to.
    pub launch_node: Signal<In, Bits<16>>,
    /// `acknowledgement` came.
    pub acknowledge_valid: Signal<In, Bit>,
    /// A receiver's answer.
    pub acknowledgement: Signal<In, Acknowledgement>,
    /// Virtual channel 0 has credits for a longest frame.
    pub room_0: Signal<In, Bit>,
    /// Virtual channel 1 has credits for a longest frame.
    pub room_1: Signal<In, Bit>,
    /// Queues with a message to send, one bit each.
    pub eligible: Signal<Out, Bits<16>>,
    /// The queue that the engine asks about.
    pub launch_queue: Signal<In, Bits<4>>,
    /// It is eligible.
    pub launch_eligible: Signal<Out, Bit>,
    /// The slot of its next message.
    pub launch_slot: Signal<Out, Bits<4>>,
    /// None of its messages is unanswered.
    pub launch_drained: Signal<Out, Bit>,
    /// Queues whose shadow line is out of date, one bit each.
    pub dirty: Signal<Out, Bits<16>>,
    /// The queue that the shadow writer asks about.
    pub shadow_queue: Signal<In, Bits<4>>,
    /// Pulse: the shadow writer has taken the word.
    pub shadow_taken: Signal<In, Bit>,
    /// `abi::message::shadow` of that queue.
    pub shadow_word: Signal<Out, Bits<64>>,
    /// An error event is due for that queue.
    pub shadow_report: Signal<Out, Bit>,
    /// Pulse: an Express message or producer index beyond the free slots.
    pub overflowed: Signal<Out, Bit>,
    /// Pulse: a message was accepted.
    pub accepted: Signal<Out, Bit>,
    /// Pulse: a message was refused for good.
    pub refused: Signal<Out, Bit>,
    /// Pulse: a queue went back because its receiver's ring was full.
    pub restarted: Signal<Out, Bit>,
    /// Pulse: a queue failed.
    pub timed_out: Signal<Out, Bit>,
    /// Pulse: an acknowledgement came that no queue waits for from that node.
    pub unexpected: Signal<Out, Bit>,

    queues: [TransmitQueue; TRANSMIT_QUEUES],
    gather_eligible: Gather<TRANSMIT_QUEUES>,
    gather_dirty: Gather<TRANSMIT_QUEUES>,
    /// The node that each queue last sent to: `TransmitEngine` has the same in `last_ways`, for another reader.
    receivers: LutRam<Bits<16>, 4>,
    prescaler: DFF<Bits<TICK>>,
    tick_queue: DFF<Bits<4>>,
    /// The queue that was answered, and its answer.
    answered: [DFF<Bit>; TRANSMIT_QUEUES],
    answer: DFF<Answer>,
    answer_came: DFF<Bit>,
    accepted_pulse: DFF<Bit>,
    refused_pulse: DFF<Bit>,
    restarted_pulse: DFF<Bit>,
    timed_out_pulse: DFF<Bit>,
    unexpected_pulse: DFF<Bit>,
    status: Signal<Local, Bits<4>>,
    acknowledged_queue: Signal<Local, Bits<8>>,
    from_receiver: Signal<Local, Bit>,
    tick: Signal<Local, Bit>,
    consumer_index: Signal<Local, Bits<16>>,
    error_count: Signal<Local, Bits<16>>,
    last_error: Signal<Local, Bits<8>>,
    failed: Signal<Local, Bit>,
}

impl<const TICK: usize> Logic for TransmitQueues<TICK> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            prescaler,
            tick_queue,
            answer,
            answer_came,
            accepted_pulse,
            refused_pulse,
            restarted_pulse,
            timed_out_pulse,
            unexpected_pulse
        );
        clock!(self, clock, receivers);
        self.prescaler.d.next = self.prescaler.q.val() + 1;
        self.tick.next = self.prescaler.q.val().all();
        if self.tick.val() {
            self.tick_queue.d.next = self.tick_queue.q.val() + 1;
        }
        if self.reset.val() {
            self.prescaler.d.next = 0.into();
            self.tick_queue.d.next = 0.into();
        }

        self.acknowledged_queue.next = self.acknowledgement.val().queue;
        self.receivers.write_enable.next = self.outcome.val().launched;
        self.receivers.write_address.next = self.outcome.val().queue;
        self.receivers.write_data.next = self.launch_node.val();
        self.receivers.read_address.next = self.acknowledged_queue.val().get_bits::<4>(0);
        self.from_receiver.next = self.receivers.read_data.val() == self.acknowledgement.val().node;
        self.answer_came.d.next = self.acknowledge_valid.val() & !self.reset.val();
        self.status.next = self.acknowledgement.val().status;
        self.answer.d.next.slot = self.acknowledgement.val().slot;
        self.answer.d.next.accepted = self.status.val() == abi::link::status::ACCEPTED.to_bits();
        self.answer.d.next.full = self.status.val() == abi::link::status::FULL.to_bits();
        self.answer.d.next.not_resident =
            self.status.val() == abi::link::status::NOT_RESIDENT.to_bits();
        self.answer.d.next.too_small =
            self.status.val() == abi::link::status::ENTRY_TOO_SMALL.to_bits();

        for i in 0..TRANSMIT_QUEUES {
            self.queues[i].clock.next = self.clock.val();
            self.queues[i].reset.next = self.reset.val();
            self.queues[i].number.next = i.to_bits();
            self.queues[i].configuration.next = self.configuration.val();
            self.queues[i].store.next = self.store.val();
            self.queues[i].outcome.next = self.outcome.val();
            self.answered[i].clock.next = self.clock.val();
            self.answered[i].d.next = self.acknowledge_valid.val()
                & self.from_receiver.val()
                & !self.reset.val()
                & (self.acknowledged_queue.val() == i.to_bits());
            self.queues[i].answer_valid.next = self.answered[i].q.val();
            self.queues[i].answer.next = self.answer.q.val();
            self.queues[i].room_0.next = self.room_0.val();
            self.queues[i].room_1.next = self.room_1.val();
            self.queues[i].tick.next = self.tick.val() & (self.tick_queue.q.val() == i.to_bits());
            self.queues[i].shadow_taken.next =
                self.shadow_taken.val() & (self.shadow_queue.val() == i.to_bits());
        }

        for i in 0..TRANSMIT_QUEUES {
            self.gather_eligible.inputs[i].next = self.queues[i].eligible.val();
            self.gather_dirty.inputs[i].next = self.queues[i].dirty.val();
        }

        self.express_accepted.next = false;
        self.express_slot.next = 0.into();
        self.launch_eligible.next = false;
        self.launch_slot.next = 0.into();
        self.launch_drained.next = false;
        self.consumer_index.next = 0.into();
        self.error_count.next = 0.into();
        self.last_error.next = 0.into();
        self.failed.next = false;
        self.shadow_report.next = false;
        self.overflowed.next = false;
        self.accepted_pulse.d.next = false;
        self.refused_pulse.d.next = false;
        self.restarted_pulse.d.next = false;
        self.timed_out_pulse.d.next = false;
        self.unexpected_pulse.d.next = self.answer_came.q.val();
        for i in 0..TRANSMIT_QUEUES {
            if self.store.val().queue == i.to_bits() {
                self.express_slot.next = self.queues[i].compose_slot.val();
            }
            if self.launch_queue.val() == i.to_bits() {
                self.launch_eligible.next = self.queues[i].eligible.val();
                self.launch_slot.next = self.queues[i].launch_slot.val();
                self.launch_drained.next = self.queues[i].drained.val();
            }
            if self.shadow_queue.val() == i.to_bits() {
                self.consumer_index.next = self.queues[i].consumer_index.val();
                self.error_count.next = self.queues[i].error_count.val();
                self.last_error.next = self.queues[i].last_error.val();
                self.failed.next = self.queues[i].failed.val();
                self.shadow_report.next = self.queues[i].report.val();
            }
            if self.queues[i].express_accepted.val() {
                self.express_accepted.next = true;
            }
            if self.queues[i].overflowed.val() {
                self.overflowed.next = true;
            }
            if self.queues[i].accepted.val() {
                self.accepted_pulse.d.next = true;
            }
            if self.queues[i].refused.val() {
                self.refused_pulse.d.next = true;
            }
            if self.queues[i].restarted.val() {
                self.restarted_pulse.d.next = true;
            }
            if self.queues[i].expected.val() {
                self.unexpected_pulse.d.next = false;
            }
            if self.queues[i].timed_out.val() {
                self.timed_out_pulse.d.next = true;
            }
        }
        self.accepted.next = self.accepted_pulse.q.val();
        self.refused.next = self.refused_pulse.q.val();
        self.restarted.next = self.restarted_pulse.q.val();
        self.timed_out.next = self.timed_out_pulse.q.val();
        self.unexpected.next = self.unexpected_pulse.q.val();
        self.shadow_word.next = bit_cast::<64, 16>(self.consumer_index.val())
            | (bit_cast::<64, 16>(self.error_count.val())
                << abi::message::shadow::errors::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 8>(self.last_error.val())
                << abi::message::shadow::last_error::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 1>(self.failed.val().into())
                << abi::message::shadow::failed::SHIFT.to_bits::<8>());

        self.eligible.next = bit_cast::<16, TRANSMIT_QUEUES>(self.gather_eligible.bits.val());
        self.dirty.next = bit_cast::<16, TRANSMIT_QUEUES>(self.gather_dirty.bits.val());
    }
}
