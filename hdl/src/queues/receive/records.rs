//! Records of the receive queues.

use super::consumer_part::{ConsumerPart, ConsumerStore};
use super::control_part::{ControlChange, ControlPart, ReceiveControl};
use super::gap_part::{GapPart, GapRecord};
use super::producer_part::ProducerPart;
use crate::bundles::ConfigurationWrite;
use crate::bundles::stored_header::GAP_EPOCH_BITS;
use crate::queues::queue_select::QueueSelect;
use rust_hdl::prelude::*;

/// A receive queue's record, as the receive engine reads it.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReceiveRecord {
    /// Written by firmware.
    pub control: ReceiveControl,
    /// Entries written since the queue was enabled, modulo 2^16.
    pub producer: Bits<16>,
    /// The ring is full when `producer` gets here.
    pub limit: Bits<16>,
    /// When the last message came.
    pub gap: GapRecord,
}

/// Records of 2^`QUEUES_LOG2` receive queues, each part with one writer: firmware (`ControlPart`), the receive engine
/// (`ProducerPart`, `GapPart`), the host's consumer stores (`ConsumerPart`). A control word with `enabled` clears
/// producer and consumer index, or sets them to what was loaded.
///
/// Contract: as the three parts say. `commit` may come in a cycle with `may_commit`, and never in
/// two consecutive cycles. `record` counts only with `settled`. Whoever holds a record when
/// `change` comes for its queue must forget it.
///
/// Latency: `read_queue` in cycle t, `record` in t + 1. `configuration` takes effect two cycles later.
#[derive(LogicBlock, Default)]
pub struct ReceiveRecords<const QUEUES_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// No queue is enabled that firmware has not enabled since the reset.
    pub ready: Signal<Out, Bit>,
    pub configuration: Signal<In, ConfigurationWrite>,
    pub store: Signal<In, ConsumerStore>,
    pub read_queue: Signal<In, Bits<8>>,
    pub record: Signal<Out, ReceiveRecord>,
    pub settled: Signal<Out, Bit>,
    pub may_commit: Signal<Out, Bit>,
    /// Pulse: the entry with index `commit_producer` of `commit_queue` was given away.
    pub commit: Signal<In, Bit>,
    pub commit_queue: Signal<In, Bits<8>>,
    pub commit_producer: Signal<In, Bits<16>>,
    /// Epoch of the message that it was given to.
    pub commit_epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    /// Pulse, never with `commit`, but wherever it may come: a message of `commit_queue` was dropped.
    pub drop: Signal<In, Bit>,
    /// The present epoch.
    pub gap_epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    /// Pulse: a queue was given the present epoch.
    pub gap_recorded: Signal<Out, Bit>,
    pub change: Signal<Out, ControlChange>,
    /// A control word takes effect in this cycle or the next.
    pub pending: Signal<Out, Bit>,
    /// Pulse: a consumer index that gives back more than was delivered was ignored.
    pub bad_consumer: Signal<Out, Bit>,

    select: QueueSelect,
    control: ControlPart<QUEUES_LOG2>,
    producer: ProducerPart<QUEUES_LOG2>,
    consumer: ConsumerPart<QUEUES_LOG2>,
    gap: GapPart<QUEUES_LOG2>,
    clear: Signal<Local, Bit>,
    start: Signal<Local, Bits<34>>,
}

impl<const QUEUES_LOG2: usize> Logic for ReceiveRecords<QUEUES_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, select, control, producer, consumer, gap);
        self.gap.reset.next = self.reset.val();
        self.control.reset.next = self.reset.val();
        self.producer.reset.next = self.reset.val();
        self.consumer.reset.next = self.reset.val();

        self.select.reset.next = self.reset.val();
        self.select.region.next = abi::queue_state::REGION_RECEIVE_QUEUE.to_bits();
        self.select.configuration.next = self.configuration.val();
        self.control.configuration.next = self.select.selected.val();
        self.ready.next = self.control.ready.val();
        self.settled.next = self.control.settled.val();
        self.pending.next = self.control.pending.val();
        self.change.next = self.control.change.val();
        self.clear.next = self.control.change.val().valid & self.control.change.val().enabled;

        self.producer.commit.next = self.commit.val();
        self.producer.commit_queue.next = self.commit_queue.val();
        self.producer.commit_producer.next = self.commit_producer.val();
        self.start.next = self.select.selected.val().second;
        self.producer.clear_producer.next = self.start.val().get_bits::<16>(0);
        self.consumer.clear_consumer.next = self.start.val().get_bits::<16>(16);
        self.producer.clear.next = self.clear.val();
        self.producer.clear_queue.next = self.control.change.val().queue;
        self.may_commit.next = !self.producer.last.val().write & !self.control.pending.val();

        self.consumer.store.next = self.store.val();
        self.consumer.clear.next = self.clear.val();
        self.consumer.clear_queue.next = self.control.change.val().queue;
        self.consumer.clear_entries_log2.next = self.control.change.val().entries_log2;
        self.consumer.produced.next = self.producer.last.val();
        self.bad_consumer.next = self.consumer.bad_consumer.val();

        self.gap.epoch.next = self.gap_epoch.val();
        self.gap.commit.next = self.commit.val() | self.drop.val();
        self.gap.commit_drops.next = self.drop.val();
        self.gap.commit_queue.next = self.commit_queue.val();
        self.gap.commit_epoch.next = self.commit_epoch.val();
        self.gap.clear.next = self.clear.val();
        self.gap.clear_queue.next = self.control.change.val().queue;
        self.gap.clear_begins.next = !self.start.val().get_bit(33);
        self.gap_recorded.next = self.clear.val();

        self.gap.read_queue.next = self.read_queue.val();
        self.control.read_queue.next = self.read_queue.val();
        self.producer.read_queue.next = self.read_queue.val();
        self.consumer.read_queue.next = self.read_queue.val();
        self.record.next.control = self.control.control.val();
        self.record.next.producer = self.producer.producer.val();
        self.record.next.limit = self.consumer.limit.val();
        self.record.next.gap = self.gap.record.val();
    }
}

#[cfg(test)]
mod proof;
#[cfg(test)]
mod tests;
