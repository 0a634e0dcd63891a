//! The receive side of the virtual queues.

use super::allowances::Allowances;
use super::answer_collector::AnswerCollector;
use super::control_part::ReceiveControl;
use super::map::ReceiveMap;
use super::miss_reports::MissReports;
use super::receive_engine::ReceiveEngine;
use super::records::{ReceiveRecord, ReceiveRecords};
use crate::bundles::stored_header::GAP_EPOCH_BITS;
use crate::bundles::{Answer, ConfigurationWrite, Event, RecordRequest, SavedWords, Verdict};
use crate::configuration::{
    FLOWS_LOG2, NODES_LOG2, PEER_QUEUES_LOG2, RECEIVE_QUEUE_IDS_LOG2, RECEIVE_QUEUES_LOG2,
};
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// Everything between the link's receive buffers and the requester of host writes (V14, V15, V18, V20).
///
/// Contract:
/// * `channel_0`, `channel_1`, `loopback`: frames of two beats or more, already checked, headers as
///   `bundles::stored_header` says; bits 127:96 of a frame's last beat are not payload. `channel_1_likely` must be
///   high in each cycle in which `channel_1.valid` is, and may be high in others; it may come earlier in the cycle.
/// * `bulk_busy` is high from the cycle behind a header of `bulk_frames` until nothing more of the frame comes on
///   `bulk_packets` and `bulk_accepted`, which are silent otherwise. `bulk_accepted_valid` comes only with
///   `bulk_accepted_ready`.
/// * `lookup_resident` and `lookup_queue` belong to the `lookup_id` of the cycle before. `lookup2_*` likewise, for an
///   id that was offered in a cycle with `lookup2_ready`.
/// * Firmware writes a queue's ring address before its control word, and no queue state before `ready`. Two control
///   words of receive queues, two words of region 5, and two consumer stores are at least two cycles apart.
/// * `write_packets.ready` comes from a register. `answer` waits for `answer_ready`; everything else always sinks.
#[derive(LogicBlock, Default)]
pub struct SizedReceiveUnit<
    const QUEUES_LOG2: usize,
    const IDS_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The tables are clear: queue state may be written, frames are taken.
    pub ready: Signal<Out, Bit>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,

    /// Frames of virtual channel 0.
    pub channel_0: StreamSink,
    /// Frames of virtual channel 1.
    pub channel_1: StreamSink,
    /// A frame of virtual channel 1 may be offered in this cycle.
    pub channel_1_likely: Signal<In, Bit>,
    /// Frames of this node to itself.
    pub loopback: StreamSink,

    /// Regions 2, 4 and 5 of `abi::queue_state`.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// `lookup_id` is to be looked up now.
    pub lookup_valid: Signal<In, Bit>,
    /// RQID of a frame from the wire.
    pub lookup_id: Signal<In, Bits<12>>,
    /// The cycle after: a resident receive queue has that RQID.
    pub lookup_resident: Signal<Out, Bit>,
    /// The cycle after: the queue.
    pub lookup_queue: Signal<Out, Bits<8>>,
    /// RQID of a frame for the own node.
    pub lookup2_id: Signal<In, Bits<12>>,
    /// It is looked up in this cycle.
    pub lookup2_ready: Signal<Out, Bit>,
    /// The cycle after: a resident receive queue has that RQID.
    pub lookup2_resident: Signal<Out, Bit>,
    /// The cycle after: the queue.
    pub lookup2_queue: Signal<Out, Bits<8>>,

    /// The host stores a consumer index.
    pub consumer_valid: Signal<In, Bit>,
    /// Queue concerned.
    pub consumer_queue: Signal<In, Bits<8>>,
    /// Entries given back since the queue was enabled, modulo 2^16.
    pub consumer_index: Signal<In, Bits<16>>,

    /// The present epoch (`GapEpoch`).
    pub gap_epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    /// Pulse: a receive queue was given the present epoch.
    pub gap_recorded: Signal<Out, Bit>,
    /// A receive queue's record is to be saved. It is read in place of the engine's; a message waits for a cycle.
    pub save: Signal<In, RecordRequest>,
    pub saved: Signal<Out, SavedWords>,

    /// Frames of remote memory, and what becomes of them (`BulkReceive`).
    pub bulk_frames: StreamSource,
    pub bulk_busy: Signal<In, Bit>,
    pub bulk_packets: StreamSink,
    pub bulk_accepted_valid: Signal<In, Bit>,
    pub bulk_accepted: Signal<In, Verdict>,
    pub bulk_accepted_ready: Signal<Out, Bit>,

    /// Write packets to the requester.
    pub write_packets: StreamSource,
    /// Pulse: a write packet whose last beat was taken has its place in the order of the NIU's writes. It comes after
    /// that cycle, and no later than the cycle in which the next packet's last beat is taken.
    pub written: Signal<In, Bit>,
    /// A report of a message in the miss ring, `missed_id` its RQID. Both stay until `missed_ready`.
    pub missed_valid: Signal<Out, Bit>,
    pub missed_id: Signal<Out, Bits<12>>,
    pub missed_ready: Signal<In, Bit>,
    /// An older address of a ring, from before the last control word, may still be written to.
    pub holds_ring: Signal<Out, Bit>,

    /// An answer is to be sent.
    pub answer_valid: Signal<Out, Bit>,
    /// It is taken in this cycle.
    pub answer_ready: Signal<In, Bit>,
    /// The answer; `node` is where it goes.
    pub answer: Signal<Out, Answer>,
    /// Pulse: an answer to this node's own messages.
    pub local_answer_valid: Signal<Out, Bit>,
    /// Its verdict and messages, for the own transmit queues.
    pub local_answer: Signal<Out, Answer>,
    /// An answer could be sent without holding up a frame.
    pub link_idle: Signal<In, Bit>,
    /// Pulse: the answer to a ping. Dropped if too many wait.
    pub ping_valid: Signal<In, Bit>,
    /// That answer, to one message.
    pub ping: Signal<In, Answer>,
    /// In the last 2^17 cycles a frame waited for 2^12 cycles or more for the host.
    pub stalled_recently: Signal<Out, Bit>,

    /// Write to the inbox.
    pub inbox_valid: Signal<Out, Bit>,
    /// Beat of the inbox, 64 to 127.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// The bytes.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Which of them are written.
    pub inbox_enables: Signal<Out, Bits<16>>,
    /// Pulse: `packet_event` is new.
    pub packet_event_valid: Signal<Out, Bit>,
    /// `PACKET`; `index` is the place in the inbox.
    pub packet_event: Signal<Out, Event>,
    /// Pulse: `miss_event` is new.
    pub miss_event_valid: Signal<Out, Bit>,
    /// `RECEIVE_MISS`.
    pub miss_event: Signal<Out, Event>,

    /// Stage CHECKED.
    pub checked: Signal<Out, Bit>,
    /// Stage MATCHED.
    pub matched: Signal<Out, Bit>,
    /// Stage REQUEST_OUT.
    pub request_out: Signal<Out, Bit>,
    /// Pulse: counter MESSAGES_RECEIVED. The last beat of the message's entry was taken from `write_packets`.
    pub message_received: Signal<Out, Bit>,
    /// With `message_received`, and from before it: the message's resident queue.
    pub delivered_queue: Signal<Out, Bits<8>>,
    /// The queue of `save` is armed (`InterruptQueues`).
    pub saved_armed: Signal<In, Bit>,
    /// Pulse: counter RECEIVE_MISS.
    pub receive_miss: Signal<Out, Bit>,
    /// Pulse: counter RECEIVE_FULL.
    pub receive_full: Signal<Out, Bit>,
    /// Pulse: counter RECEIVE_BEHIND.
    pub receive_behind: Signal<Out, Bit>,
    /// Pulse: counter ENTRY_TOO_SMALL.
    pub entry_too_small: Signal<Out, Bit>,
    /// Pulse: counter MESSAGES_DROPPED.
    pub message_dropped: Signal<Out, Bit>,
    /// Pulse: counter PACKETS_RECEIVED.
    pub packet_received: Signal<Out, Bit>,
    /// Pulse: counter PACKETS_DROPPED.
    pub packet_dropped: Signal<Out, Bit>,
    /// Pulse: counter MISSED_MESSAGE. These are counted among MESSAGES_RECEIVED too.
    pub missed_message: Signal<Out, Bit>,
    /// Pulse: counter BAD_CONSUMER.
    pub bad_consumer: Signal<Out, Bit>,

    map: ReceiveMap<IDS_LOG2>,
    records: ReceiveRecords<QUEUES_LOG2>,
    engine: ReceiveEngine<QUEUES_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>,
    collector: AnswerCollector,
    allowances: Allowances<IDS_LOG2>,
    reports: MissReports,
    /// The record that is there is the one to be saved; and it was.
    reads_saved: DFF<Bit>,
    has_saved: DFF<Bit>,
    saved_indices: DFF<Bits<32>>,
    inspects: Signal<Local, Bit>,
    inspected: Signal<Local, ReceiveRecord>,
    inspected_control: Signal<Local, ReceiveControl>,
    entries_less_one: Signal<Local, Bits<16>>,
    consumer: Signal<Local, Bits<16>>,
}

/// The NIU's.
pub type ReceiveUnit = SizedReceiveUnit<
    RECEIVE_QUEUES_LOG2,
    RECEIVE_QUEUE_IDS_LOG2,
    NODES_LOG2,
    PEER_QUEUES_LOG2,
    FLOWS_LOG2,
>;

impl<
    const QUEUES_LOG2: usize,
    const IDS_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
> Logic for SizedReceiveUnit<QUEUES_LOG2, IDS_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, reads_saved, has_saved, saved_indices);
        clock!(
            self, clock, map, records, engine, collector, allowances, reports
        );
        self.map.reset.next = self.reset.val();
        self.records.reset.next = self.reset.val();
        self.engine.reset.next = self.reset.val();
        self.collector.reset.next = self.reset.val();
        self.allowances.reset.next = self.reset.val();
        self.reports.reset.next = self.reset.val();
        self.ready.next = self.map.ready.val() & self.records.ready.val();

        StreamSink::link(&mut self.channel_0, &mut self.engine.channel_0);
        StreamSink::link(&mut self.channel_1, &mut self.engine.channel_1);
        StreamSink::link(&mut self.loopback, &mut self.engine.loopback);
        StreamSource::link(&mut self.write_packets, &mut self.engine.write_packets);
        StreamSource::link(&mut self.bulk_frames, &mut self.engine.bulk_frames);
        StreamSink::link(&mut self.bulk_packets, &mut self.engine.bulk_packets);
        self.engine.bulk_busy.next = self.bulk_busy.val();
        self.engine.bulk_accepted_valid.next = self.bulk_accepted_valid.val();
        self.engine.bulk_accepted.next = self.bulk_accepted.val();
        self.bulk_accepted_ready.next = self.collector.verdict_ready.val();
        self.engine.channel_1_likely.next = self.channel_1_likely.val();

        self.map.configuration.next = self.configuration.val();
        self.map.lookup_valid.next = self.lookup_valid.val();
        self.map.lookup_id.next = self.lookup_id.val();
        self.map.lookup2_id.next = self.lookup2_id.val();
        self.lookup2_ready.next = self.map.lookup2_ready.val();
        self.lookup_resident.next = self.map.resident.val();
        self.lookup_queue.next = self.map.receive_queue.val();
        self.lookup2_resident.next = self.map.resident.val();
        self.lookup2_queue.next = self.map.receive_queue.val();

        self.records.configuration.next = self.configuration.val();
        self.records.store.next.valid = self.consumer_valid.val();
        self.records.store.next.queue = self.consumer_queue.val();
        self.records.store.next.index = self.consumer_index.val();
        self.records.read_queue.next = self.engine.read_queue.val();
        self.inspects.next =
            self.save.val().valid & !self.reads_saved.q.val() & !self.has_saved.q.val();
        if self.inspects.val() {
            self.records.read_queue.next = self.save.val().queue;
        }
        self.reads_saved.d.next = self.inspects.val();
        // The limit is the consumer index and the entries.
        self.inspected.next = self.records.record.val();
        self.inspected_control.next = self.inspected.val().control;
        self.entries_less_one.next = bit_cast::<16, 15>(self.inspected_control.val().index_mask);
        self.consumer.next = self.inspected.val().limit + !self.entries_less_one.val();
        if self.reads_saved.q.val() & self.records.settled.val() {
            self.saved_indices.d.next = bit_cast::<32, 16>(self.inspected.val().producer)
                | (bit_cast::<32, 16>(self.consumer.val()) << 16);
            self.has_saved.d.next = true;
        }
        if !self.save.val().valid {
            self.has_saved.d.next = false;
        }
        self.saved.next.done = self.has_saved.q.val();
        self.saved.next.second = bit_cast::<33, 32>(self.saved_indices.q.val());
        self.saved.next.third = bit_cast::<33, 1>(self.saved_armed.val().into());
        self.records.commit.next = self.engine.commit.val();
        self.records.commit_queue.next = self.engine.commit_queue.val();
        self.records.commit_producer.next = self.engine.commit_producer.val();
        self.records.commit_epoch.next = self.engine.commit_epoch.val();
        self.records.drop.next = self.engine.drop.val();
        self.records.gap_epoch.next = self.gap_epoch.val();
        self.gap_recorded.next = self.records.gap_recorded.val();
        self.engine.records_ready.next = self.records.ready.val();
        self.engine.record.next = self.records.record.val();
        self.engine.settled.next =
            self.records.settled.val() & !self.reads_saved.q.val() & self.allowances.settled.val();
        self.engine.may_commit.next =
            self.records.may_commit.val() & self.allowances.may_commit.val();
        self.engine.change.next = self.records.change.val();
        self.engine.configuration.next = self.configuration.val();
        self.holds_ring.next = self.records.pending.val() | self.engine.holds_older.val();
        self.bad_consumer.next = self.records.bad_consumer.val();

        self.allowances.configuration.next = self.configuration.val();
        self.allowances.read_id.next = self.engine.read_id.val();
        self.engine.allowance.next = self.allowances.allowance.val();
        self.engine.allowance_change.next = self.allowances.change.val();
        self.allowances.commit.next = self.engine.lower.val();
        self.allowances.commit_id.next = self.engine.lowered_id.val();
        self.allowances.commit_allowance.next = self.engine.lowered_allowance.val();
        self.engine.report_room.next = self.reports.room.val();
        self.reports.reserve.next = self.engine.lower.val();
        self.reports.entered.next = self.engine.missed_message.val();
        self.reports.entered_id.next = self.engine.missed_id.val();
        self.reports.written.next = self.written.val();
        self.missed_valid.next = self.reports.missed_valid.val();
        self.missed_id.next = self.reports.missed_id.val();
        self.reports.missed_ready.next = self.missed_ready.val();
        self.missed_message.next = self.engine.missed_message.val();

        self.collector.node.next = self.node.val();
        self.collector.verdict_valid.next = self.engine.verdict_valid.val();
        self.collector.verdict.next = self.engine.verdict.val();
        self.engine.verdict_ready.next = self.collector.verdict_ready.val();
        self.collector.ping_valid.next = self.ping_valid.val();
        self.collector.ping.next = self.ping.val();
        self.collector.link_idle.next = self.link_idle.val();
        self.answer_valid.next = self.collector.answer_valid.val();
        self.collector.answer_ready.next = self.answer_ready.val();
        self.answer.next = self.collector.answer.val();
        self.local_answer_valid.next = self.collector.local_answer_valid.val();
        self.local_answer.next = self.collector.answer.val();
        if self.reset.val() {
            self.reads_saved.d.next = false;
            self.has_saved.d.next = false;
        }
        self.stalled_recently.next = self.engine.stalled_recently.val();

        self.inbox_valid.next = self.engine.inbox_valid.val();
        self.inbox_address.next = self.engine.inbox_address.val();
        self.inbox_data.next = self.engine.inbox_data.val();
        self.inbox_enables.next = self.engine.inbox_enables.val();
        self.packet_event_valid.next = self.engine.packet_event_valid.val();
        self.packet_event.next = self.engine.packet_event.val();
        self.packet_received.next = self.engine.packet_event_valid.val();
        self.packet_dropped.next = self.engine.packet_dropped.val();
        self.miss_event_valid.next = self.engine.miss_event_valid.val();
        self.miss_event.next = self.engine.miss_event.val();

        self.checked.next = self.engine.checked.val();
        self.matched.next = self.engine.matched.val();
        self.request_out.next = self.engine.request_out.val();
        self.message_received.next = self.engine.message_received.val();
        self.delivered_queue.next = self.engine.delivered_queue.val();
        self.receive_miss.next = self.engine.miss_event_valid.val();
        self.receive_full.next = self.engine.receive_full.val();
        self.receive_behind.next = self.engine.receive_behind.val();
        self.entry_too_small.next = self.engine.entry_too_small.val();
        self.message_dropped.next = self.engine.message_dropped.val();
    }
}

#[cfg(test)]
pub(crate) mod bench;
#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;
