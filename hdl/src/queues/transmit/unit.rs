//! The transmit side as one block.

use crate::bundles::{
    Answer, ConfigurationWrite, Event, MemoryReadTarget, RecordRequest, SavedWords, TransferCommit,
    TransferDone, Unpark,
};
use crate::configuration::SLOT_MEMORY_LOG2;
use crate::library::byte_ram::ByteRam;
use crate::library::fixed::Fixed;
use crate::library::stream::StreamSource;
use crate::queues::queue_select::{QueueSelect, QueueWord};
use crate::queues::transmit::answers::DefaultTransmitAnswers;
use crate::queues::transmit::engine::TransmitEngine;
use crate::queues::transmit::inline_pool::InlinePool;
use crate::queues::transmit::shadow_writer::DefaultShadowWriter;
use crate::queues::transmit::signals::{Progress, StoreOffer, StoreOutcome, StorePart};
use rust_hdl::prelude::*;

/// From decoded stores to message frames, and back from answers to shadow lines: slot memory, [`InlinePool`],
/// [`TransmitEngine`], [`DefaultTransmitAnswers`] and [`DefaultShadowWriter`].
///
/// The records' parts and their writers: store part, the page decoder; launch part, the engine; answer part, the
/// answer path; control part, firmware.
///
/// Latency, all queues idle: Express store offered in cycle `t`, frame header offered in `t + 4`.
#[derive(LogicBlock, Default)]
pub struct TransmitUnit {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// Queue state from firmware.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,

    /// From the page decoder (`PageDecoder`).
    pub offer: Signal<In, StoreOffer>,
    pub producer_before: Signal<In, Bits<16>>,
    pub outcome: Signal<In, StoreOutcome>,
    pub stores: Signal<In, StorePart>,
    pub slot_valid: Signal<In, Bit>,
    pub slot_address: Signal<In, Bits<14>>,
    pub slot_enables: Signal<In, Bits<16>>,
    pub pool_valid: Signal<In, Bit>,
    pub pool_address: Signal<In, Bits<14>>,
    pub pool_enables: Signal<In, Bits<16>>,
    pub slot_data: Signal<In, Bits<128>>,
    pub pool_data: Signal<In, Bits<128>>,
    /// To the page decoder: control words of transmit queues, and the answer part.
    pub queue_configuration: Signal<Out, QueueWord>,
    pub progress: Signal<Out, Progress>,

    /// The command executor wants to write the inline pool.
    pub command_valid: Signal<In, Bit>,
    /// Its write happens in this cycle.
    pub command_ready: Signal<Out, Bit>,
    pub command_address: Signal<In, Bits<14>>,
    pub command_data: Signal<In, Bits<128>>,
    pub command_enables: Signal<In, Bits<16>>,
    /// The completer's reads of the inline pool, by beats of the pool.
    pub completer: MemoryReadTarget,

    /// Virtual channel 0 has credits for a longest frame.
    pub room_0: Signal<In, Bit>,
    /// Virtual channel 1 has credits for a longest frame.
    pub room_1: Signal<In, Bit>,
    /// Message frames and pings to other nodes, the CRC's place zero.
    pub frame: StreamSource,
    /// `LinkTransmit::frame_single` and `frame_channel`.
    pub frame_single: Signal<Out, Bit>,
    pub frame_channel: Signal<Out, Bit>,
    /// The same to the own node.
    pub own_frame: StreamSource,

    /// To and from the transfer engine: descriptors, and who is unparked (`TransmitEngine`).
    pub transfer: StreamSource,
    pub transfer_commit: Signal<Out, TransferCommit>,
    pub transfer_room: Signal<In, Bit>,
    pub unpark: Signal<In, Unpark>,
    pub unpark_ready: Signal<Out, Bit>,
    /// What became of a transfer. Taken with `done_ready`.
    pub done: Signal<In, TransferDone>,
    pub done_ready: Signal<Out, Bit>,

    /// An answer came from the wire.
    pub answer_valid: Signal<In, Bit>,
    pub answer: Signal<In, Answer>,
    /// An answer came from the own receive side.
    pub local_answer_valid: Signal<In, Bit>,
    pub local_answer: Signal<In, Answer>,
    /// Write packets with shadow lines.
    pub shadow: StreamSource,
    /// A transmit queue's record is to be saved.
    pub save: Signal<In, RecordRequest>,
    pub saved: Signal<Out, SavedWords>,
    /// `ShadowWriter::holds_address`, `TransmitEngine::holds_older`, or a control word has not taken effect yet.
    pub holds_address: Signal<Out, Bit>,

    /// The answer path may not be done with the last control word.
    pub answers_settle: Signal<Out, Bit>,

    /// Pulse: `error_event` counts.
    pub error_event_valid: Signal<Out, Bit>,
    /// `abi::event::kind::QUEUE_ERROR`.
    pub error_event: Signal<Out, Event>,

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
    /// Counter pulse `PROBES`.
    pub probed: Signal<Out, Bit>,
    /// Counter pulse `ANSWER_TIMEOUT`.
    pub answer_timeout: Signal<Out, Bit>,
    /// Counter pulse `ANSWER_UNEXPECTED`.
    pub answer_unexpected: Signal<Out, Bit>,
    /// Counter pulse `PINGS_SENT`.
    pub pinged: Signal<Out, Bit>,
    /// Counter pulse `ANSWER_OVERFLOW`.
    pub answer_overflow: Signal<Out, Bit>,
    /// Counter pulse `SHADOW_WRITES`.
    pub shadow_written: Signal<Out, Bit>,
    /// Stage pulse `GRANTED`.
    pub granted: Signal<Out, Bit>,
    /// Stage pulse `TRANSLATED`.
    pub translated: Signal<Out, Bit>,
    /// Stage pulse `ANSWERED`.
    pub answered: Signal<Out, Bit>,

    /// One message.
    first_bit: Fixed<12, 1>,
    select: QueueSelect,
    slots: ByteRam<SLOT_MEMORY_LOG2>,
    pool: InlinePool,
    engine: TransmitEngine,
    answers: DefaultTransmitAnswers,
    shadows: DefaultShadowWriter,
}

impl Logic for TransmitUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, select, pool, engine, answers, shadows);
        self.slots.write_clock.next = self.clock.val();
        self.slots.read_clock.next = self.clock.val();
        self.engine.reset.next = self.reset.val();
        self.answers.reset.next = self.reset.val();
        self.shadows.reset.next = self.reset.val();
        self.select.reset.next = self.reset.val();
        self.select.region.next = abi::queue_state::REGION_TRANSMIT_QUEUE.to_bits();
        self.select.configuration.next = self.configuration.val();
        self.engine.configuration.next = self.configuration.val();
        self.engine.queue_configuration.next = self.select.selected.val();
        self.queue_configuration.next = self.select.selected.val();
        self.answers.configuration.next = self.select.selected.val();
        self.shadows.configuration.next = self.select.selected.val();

        self.engine.node.next = self.node.val();
        self.engine.offer.next = self.offer.val();
        self.engine.producer_before.next = self.producer_before.val();
        self.engine.outcome.next = self.outcome.val();
        self.engine.stores.next = self.stores.val();
        self.engine.slot_written.next = self.slot_valid.val();
        self.shadows.stores.next = self.stores.val();

        self.slots.write_address.next = self.slot_address.val().get_bits::<SLOT_MEMORY_LOG2>(0);
        self.slots.write_data.next = self.slot_data.val();
        self.slots.write_enables.next = 0.into();
        if self.slot_valid.val() {
            self.slots.write_enables.next = self.slot_enables.val();
        }
        self.slots.read_enable.next = self.engine.slot_read.val();
        self.slots.read_address.next = self
            .engine
            .slot_address
            .val()
            .get_bits::<SLOT_MEMORY_LOG2>(0);
        self.engine.slot_data.next = self.slots.read_data.val();
        self.pool.host_valid.next = self.pool_valid.val();
        self.pool.host_address.next = self.pool_address.val();
        self.pool.host_data.next = self.pool_data.val();
        self.pool.host_enables.next = self.pool_enables.val();
        self.pool.command_valid.next = self.command_valid.val();
        self.pool.command_address.next = self.command_address.val();
        self.pool.command_data.next = self.command_data.val();
        self.pool.command_enables.next = self.command_enables.val();
        self.command_ready.next = self.pool.command_ready.val();
        MemoryReadTarget::link(&mut self.completer, &mut self.pool.completer);
        self.pool.engine_request.next = self.engine.pool_request.val();
        self.pool.engine_address.next = self.engine.pool_address.val();
        self.engine.pool_data.next = self.pool.engine_data.val();

        self.engine.room_0.next = self.room_0.val();
        self.engine.room_1.next = self.room_1.val();
        StreamSource::link(&mut self.frame, &mut self.engine.frame);
        self.frame_single.next = self.engine.frame_single.val();
        self.frame_channel.next = self.engine.frame_channel.val();
        StreamSource::link(&mut self.own_frame, &mut self.engine.own_frame);
        StreamSource::link(&mut self.transfer, &mut self.engine.transfer);
        self.transfer_commit.next = self.engine.transfer_commit.val();
        self.engine.transfer_room.next = self.transfer_room.val();
        self.engine.unpark.next = self.unpark.val();
        self.unpark_ready.next = self.engine.unpark_ready.val();

        self.answers.answer_valid.next = self.answer_valid.val();
        self.answers.answer.next = self.answer.val();
        // The end of a transfer is an answer to its message; those of the own receive side cannot wait.
        self.done_ready.next = self.answers.local_room.val() & !self.local_answer_valid.val();
        self.answers.local_answer_valid.next =
            self.local_answer_valid.val() | (self.done.val().valid & self.answers.local_room.val());
        self.answers.local_answer.next.node = self.done.val().node;
        self.answers.local_answer.next.slot = self.done.val().queue;
        self.answers.local_answer.next.generation = self.done.val().generation;
        self.answers.local_answer.next.base = self.done.val().index;
        self.answers.local_answer.next.bitmap = self.first_bit.val();
        self.answers.local_answer.next.verdict = self.done.val().code;
        if self.local_answer_valid.val() {
            self.answers.local_answer.next = self.local_answer.val();
        }
        self.answers.hold_timeouts.next = self.engine.held_up.val();
        self.answers.launch.next = self.engine.launch.val();
        self.answers.skip_valid.next = self.engine.skip_valid.val();
        self.answers.skip.next = self.engine.skip.val();
        self.engine.skip_ready.next = self.answers.skip_ready.val();
        self.engine.resend_valid.next = self.answers.resend_valid.val();
        self.engine.resend.next = self.answers.resend.val();
        self.answers.resend_ready.next = self.engine.resend_ready.val();
        self.engine.reopen_valid.next = self.answers.reopen_valid.val();
        self.engine.reopen_queue.next = self.answers.reopen_queue.val();
        self.answers.reopen_ready.next = self.engine.reopen_ready.val();
        self.engine.progress.next = self.answers.progress.val();
        self.shadows.progress.next = self.answers.progress.val();
        self.progress.next = self.answers.progress.val();
        self.answers_settle.next = self.answers.settling.val();
        StreamSource::link(&mut self.shadow, &mut self.shadows.source);

        self.holds_address.next = self.shadows.holds_address.val()
            | self.engine.holds_older.val()
            | self.answers.settling.val();
        self.shadows.save.next = self.save.val();
        self.saved.next = self.shadows.saved.val();
        self.error_event_valid.next = self.shadows.error_event_valid.val();
        self.error_event.next = self.shadows.error_event.val();
        self.too_long.next = self.engine.too_long.val();
        self.outside_window.next = self.engine.outside_window.val();
        self.invalid_translation.next = self.engine.invalid_translation.val();
        self.message_sent.next = self.engine.message_sent.val();
        self.message_accepted.next = self.answers.accepted.val();
        self.message_refused.next = self.answers.refused.val();
        self.probed.next = self.answers.probed.val();
        self.answer_timeout.next = self.answers.timed_out.val();
        self.answer_unexpected.next = self.answers.unexpected.val();
        self.pinged.next = self.answers.pinged.val();
        self.answer_overflow.next = self.answers.answer_overflow.val();
        self.shadow_written.next = self.shadows.written.val();
        self.granted.next = self.engine.marked_granted.val();
        self.translated.next = self.engine.marked_translated.val();
        self.answered.next = self.answers.answered.val();
    }
}

#[cfg(test)]
mod tests;
