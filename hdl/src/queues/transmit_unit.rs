//! The transmit side as one block.

use crate::bundles::{Acknowledgement, ConfigurationWrite, Event, HostWrite, MemoryReadTarget};
use crate::library::stream::StreamSource;
use crate::queues::answer_watch::AnswerWatch;
use crate::queues::endpoint_page::EndpointPage;
use crate::queues::queue_select::QueueSelect;
use crate::queues::shadow_writer::ShadowWriter;
use crate::queues::slot_memory::SlotMemory;
use crate::queues::transmit_engine::TransmitEngine;
use crate::queues::transmit_queues::TransmitQueues;
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// From host stores to message frames, and back from acknowledgements to shadow lines: [`EndpointPage`], [`SlotMemory`],
/// [`TransmitQueues`], [`TransmitEngine`] and [`ShadowWriter`].
///
/// `TICK` is `ACKNOWLEDGE_TICK_LOG2 - 4` in the NIU ([`DefaultTransmitUnit`]).
///
/// Latency, all queues idle: Express store in cycle `t`, frame header offered in `t + 7`; producer store, in `t + 8`; acknowledgement in cycle `t`, shadow
/// descriptor offered in `t + 5`.
#[derive(LogicBlock, Default)]
pub struct TransmitUnit<const TICK: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Queue state from firmware.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// This node's number.
    pub node: Signal<In, Bits<16>>,

    /// `write` counts in this cycle.
    pub write_valid: Signal<In, Bit>,
    /// A host write to any BAR.
    pub write: Signal<In, HostWrite>,
    /// The command executor wants to write slot memory.
    pub command_valid: Signal<In, Bit>,
    /// Its write happens in this cycle.
    pub command_ready: Signal<Out, Bit>,
    /// Beat of slot memory.
    pub command_address: Signal<In, Bits<12>>,
    /// The bytes.
    pub command_data: Signal<In, Bits<128>>,
    /// Which bytes are written.
    pub command_enables: Signal<In, Bits<16>>,
    /// The completer's reads of slot memory.
    pub completer: MemoryReadTarget,

    /// Virtual channel 0 has credits for a longest frame.
    pub room_0: Signal<In, Bit>,
    /// Virtual channel 1 has credits for a longest frame.
    pub room_1: Signal<In, Bit>,
    /// Message frames, the CRC's place zero.
    pub frame: StreamSource,
    /// `acknowledgement` counts in this cycle.
    pub acknowledge_valid: Signal<In, Bit>,
    /// A receiver's answer.
    pub acknowledgement: Signal<In, Acknowledgement>,
    /// Write packets with shadow lines.
    pub shadow: StreamSource,
    /// `ShadowWriter::holds_address`.
    pub holds_address: Signal<Out, Bit>,

    /// Pulse: a receive consumer index came.
    pub receive_consumer_valid: Signal<Out, Bit>,
    /// For this resident receive queue.
    pub receive_consumer_queue: Signal<Out, Bits<4>>,
    /// Entries taken since the queue was enabled, modulo 2^16.
    pub receive_consumer_index: Signal<Out, Bits<16>>,

    /// Pulse, with `store_event`: a store met no resident queue (counter, event, and bitmap by `store_event.index`).
    pub nonresident_store: Signal<Out, Bit>,
    /// `abi::event::kind::NON_RESIDENT_STORE`.
    pub store_event: Signal<Out, Event>,
    /// Pulse: `error_event` counts.
    pub error_event_valid: Signal<Out, Bit>,
    /// `abi::event::kind::QUEUE_ERROR`.
    pub error_event: Signal<Out, Event>,

    /// Counter pulse `TORN_STORE`.
    pub torn_store: Signal<Out, Bit>,
    /// Counter pulse `TRANSMIT_OVERFLOW`.
    pub transmit_overflow: Signal<Out, Bit>,
    /// Counter pulse `TOO_LONG`.
    pub too_long: Signal<Out, Bit>,
    /// Counter pulse `OUTSIDE_WINDOW`.
    pub outside_window: Signal<Out, Bit>,
    /// Counter pulse `INVALID_TRANSLATION`.
    pub invalid_translation: Signal<Out, Bit>,
    /// Counter pulse `MESSAGES_SENT`.
    pub message_sent: Signal<Out, Bit>,
    /// Counter pulse `MESSAGES_ACCEPTED`.
    pub message_accepted: Signal<Out, Bit>,
    /// Counter pulse `MESSAGES_REFUSED`.
    pub message_refused: Signal<Out, Bit>,
    /// Counter pulse `RESTARTS`.
    pub restarted: Signal<Out, Bit>,
    /// Counter pulse `ACKNOWLEDGE_TIMEOUT`.
    pub acknowledge_timeout: Signal<Out, Bit>,
    /// Counter pulse `ACKNOWLEDGE_UNEXPECTED`.
    pub acknowledge_unexpected: Signal<Out, Bit>,
    /// Counter pulse `SHADOW_WRITES`.
    pub shadow_written: Signal<Out, Bit>,
    /// Stage pulse `COMPOSED`.
    pub composed: Signal<Out, Bit>,
    /// Stage pulse `GRANTED`, two cycles after the queue was asked for its slot.
    pub granted: Signal<Out, Bit>,
    /// Stage pulse `TRANSLATED`.
    pub translated: Signal<Out, Bit>,
    /// Stage pulse `ACKNOWLEDGED`.
    pub acknowledged: Signal<Out, Bit>,

    select: QueueSelect,
    page: EndpointPage,
    slots: SlotMemory,
    queues: TransmitQueues<TICK>,
    engine: TransmitEngine,
    shadows: ShadowWriter,
    watch: AnswerWatch,
}

/// The transmit side of the NIU.
pub type DefaultTransmitUnit = TransmitUnit<{ crate::configuration::ACKNOWLEDGE_TICK_LOG2 - 4 }>;

impl<const TICK: usize> Logic for TransmitUnit<TICK> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(
            self, clock, select, page, slots, queues, engine, shadows, watch
        );
        self.page.reset.next = self.reset.val();
        self.queues.reset.next = self.reset.val();
        self.engine.reset.next = self.reset.val();
        self.shadows.reset.next = self.reset.val();
        self.watch.reset.next = self.reset.val();
        self.page.configuration.next = self.configuration.val();
        self.engine.configuration.next = self.configuration.val();
        self.select.region.next = abi::queue_state::REGION_TRANSMIT_QUEUE.to_bits();
        self.select.configuration.next = self.configuration.val();
        self.queues.configuration.next = self.select.selected.val();
        self.engine.queue_configuration.next = self.select.selected.val();
        self.shadows.configuration.next = self.select.selected.val();

        self.page.write_valid.next = self.write_valid.val();
        self.page.write.next = self.write.val();
        self.queues.store.next = self.page.store.val();
        self.page.express_accepted.next = self.queues.express_accepted.val();
        self.page.express_slot.next = self.queues.express_slot.val();
        self.receive_consumer_valid.next = self.page.receive_consumer_valid.val();
        self.receive_consumer_queue.next = self.page.receive_consumer_queue.val();
        self.receive_consumer_index.next = self.page.receive_consumer_index.val();

        self.slots.host_valid.next = self.page.slot_valid.val();
        self.slots.host_address.next = self.page.slot_address.val();
        self.slots.host_data.next = self.page.slot_data.val();
        self.slots.host_enables.next = self.page.slot_enables.val();
        self.slots.command_valid.next = self.command_valid.val();
        self.slots.command_address.next = self.command_address.val();
        self.slots.command_data.next = self.command_data.val();
        self.slots.command_enables.next = self.command_enables.val();
        self.command_ready.next = self.slots.command_ready.val();
        MemoryReadTarget::link(&mut self.completer, &mut self.slots.completer);
        self.slots.engine_request.next = self.engine.read_request.val();
        self.slots.engine_address.next = self.engine.read_address.val();
        self.engine.read_data.next = self.slots.engine_data.val();

        self.engine.node.next = self.node.val();
        self.engine.eligible.next = self.queues.eligible.val();
        self.queues.launch_queue.next = self.engine.queue.val();
        self.engine.queue_eligible.next = self.queues.launch_eligible.val();
        self.engine.queue_slot.next = self.queues.launch_slot.val();
        self.engine.queue_drained.next = self.queues.launch_drained.val();
        self.queues.outcome.next = self.engine.outcome.val();
        self.queues.launch_node.next = self.engine.destination_node.val();
        self.engine.room_0.next = self.room_0.val();
        self.engine.room_1.next = self.room_1.val();
        self.queues.room_0.next = self.room_0.val();
        self.queues.room_1.next = self.room_1.val();
        StreamSource::link(&mut self.frame, &mut self.engine.frame);

        self.queues.acknowledge_valid.next = self.acknowledge_valid.val();
        self.queues.acknowledgement.next = self.acknowledgement.val();
        self.watch.acknowledge_valid.next = self.acknowledge_valid.val();
        self.watch.acknowledgement.next = self.acknowledgement.val();
        self.watch.launched.next = self.engine.marked_sent.val();
        self.watch.queue.next = self.engine.queue.val();
        self.watch.slot.next = self.engine.slot.val();
        self.watch.node.next = self.engine.destination_node.val();
        self.shadows.dirty.next = self.queues.dirty.val();
        self.queues.shadow_queue.next = self.shadows.queue.val();
        self.queues.shadow_taken.next = self.shadows.taken.val();
        self.shadows.word.next = self.queues.shadow_word.val();
        self.shadows.report.next = self.queues.shadow_report.val();
        StreamSource::link(&mut self.shadow, &mut self.shadows.source);

        self.nonresident_store.next = self.page.nonresident_store.val();
        self.store_event.next = self.page.store_event.val();
        self.error_event_valid.next = self.shadows.error_event_valid.val();
        self.error_event.next = self.shadows.error_event.val();
        self.torn_store.next = self.page.torn_store.val();
        self.transmit_overflow.next = self.queues.overflowed.val();
        self.too_long.next = self.engine.too_long.val();
        self.outside_window.next = self.engine.outside_window.val();
        self.invalid_translation.next = self.engine.invalid_translation.val();
        self.message_sent.next = self.engine.message_sent.val();
        self.message_accepted.next = self.queues.accepted.val();
        self.message_refused.next = self.queues.refused.val();
        self.restarted.next = self.queues.restarted.val();
        self.acknowledge_timeout.next = self.queues.timed_out.val();
        self.acknowledge_unexpected.next = self.queues.unexpected.val();
        self.shadow_written.next = self.shadows.written.val();
        self.holds_address.next = self.shadows.holds_address.val();
        self.composed.next = self.page.composed.val();
        self.granted.next = self.engine.marked_granted.val();
        self.translated.next = self.engine.marked_translated.val();
        self.acknowledged.next = self.watch.acknowledged.val();
    }
}
