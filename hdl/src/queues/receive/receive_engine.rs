//! From frames to judged messages.

use super::allowances::{Allowance, AllowanceRow};
use super::control_part::{ControlChange, ReceiveControl};
use super::entry_writer::EntryWriter;
use super::flows::Flows;
use super::frame_select::FrameSelect;
use super::gap_part::GapRecord;
use super::inbox::ReceiveInbox;
use super::records::ReceiveRecord;
use super::stall_monitor::StallMonitor;
use crate::bundles::stored_header::GAP_EPOCH_BITS;
use crate::bundles::{ConfigurationWrite, Event, Verdict, stored_header};
use crate::library::fixed::Fixed;
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// Takes frames from the virtual channels and the loopback, says a verdict on each message, writes the accepted ones
/// to their rings, and firmware packets to the inbox (V14, V15, V18, V20).
///
/// | cycle | |
/// |---:|---|
/// | t | the header is offered; record and allowance are read at its receive queue and RQID |
/// | t + 1 | the header is in `front`; both are there; the sender's flow bit is read; the first payload beat is taken |
/// | t + 2 | header and record are in `header` and `record`: the verdict. `EntryWriter` gets the message |
/// | t + 3 | the first descriptor beat is offered |
///
/// Verdicts, in this order: BEHIND if the sender was refused before and does not restart; NOT_RESIDENT if the look-up
/// named no queue; ENTRY_TOO_SMALL; FULL; ACCEPTED. FULL sets the sender's flow bit, every other one but BEHIND clears
/// it.
///
/// The look-up may be old. If the queue that it named is not enabled or has another RQID, the message is refused as
/// FULL, and the sender tries again. A queue that takes misses has no RQID of its own: it accepts a message if the
/// allowance of the message's RQID, as it is in t + 2, is not zero, and a report has room; the allowance then falls by
/// one. There ENTRY_TOO_SMALL is the message that the ring that is away has no entry for.
///
/// A message that would be refused because its own ring is full, or its allowance zero, is dropped where firmware wants
/// it: ACCEPTED, but not written (V18). The ring's next entry says that there is a gap.
///
/// Frames of remote memory leave on `bulk_frames`. Their write packets come back (`bulk_packets`), and the verdicts on
/// those that are carried out (`bulk_accepted`). One begins only when no message or packet is under way, and while
/// `bulk_busy` is high no message or packet begins: the write packets leave in the order of the frames.
///
/// The messages of two beats follow each other every two cycles. The entry given away in t + 2
/// counts for a record that is read in t + 2.
///
/// Contract: `FrameSelect`, `ReceiveRecords`, `EntryWriter`, `BulkReceive` say what the ports promise.
///
/// Latency: header offered in cycle t, first descriptor beat in t + 3. `ready` of the streams depends on registers
/// and on `write_packets.ready`, which comes from a register.
#[derive(LogicBlock, Default)]
pub struct ReceiveEngine<
    const QUEUES_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub channel_0: StreamSink,
    pub channel_1: StreamSink,
    pub channel_1_likely: Signal<In, Bit>,
    pub loopback: StreamSink,

    /// `ReceiveRecords`.
    pub records_ready: Signal<In, Bit>,
    pub read_queue: Signal<Out, Bits<8>>,
    pub record: Signal<In, ReceiveRecord>,
    pub settled: Signal<In, Bit>,
    pub may_commit: Signal<In, Bit>,
    pub commit: Signal<Out, Bit>,
    pub commit_queue: Signal<Out, Bits<8>>,
    pub commit_producer: Signal<Out, Bits<16>>,
    pub commit_epoch: Signal<Out, Bits<GAP_EPOCH_BITS>>,
    /// Pulse: a message of `commit_queue` is dropped.
    pub drop: Signal<Out, Bit>,
    pub change: Signal<In, ControlChange>,

    /// `Allowances`; the unit joins its `settled` and `may_commit` to those of the records.
    pub read_id: Signal<Out, Bits<12>>,
    pub allowance: Signal<In, Allowance>,
    pub allowance_change: Signal<In, AllowanceRow>,
    /// Pulse: a message of `lowered_id` goes into the miss ring.
    pub lower: Signal<Out, Bit>,
    pub lowered_id: Signal<Out, Bits<12>>,
    pub lowered_allowance: Signal<Out, Allowance>,
    /// A report of a message in the miss ring has room.
    pub report_room: Signal<In, Bit>,

    /// `BulkReceive`.
    pub bulk_frames: StreamSource,
    pub bulk_busy: Signal<In, Bit>,
    pub bulk_packets: StreamSink,
    pub bulk_accepted_valid: Signal<In, Bit>,
    pub bulk_accepted: Signal<In, Verdict>,

    pub write_packets: StreamSource,
    /// A message is written to a ring whose address was read before the last change of a control word.
    pub holds_older: Signal<Out, Bit>,
    pub verdict_valid: Signal<Out, Bit>,
    pub verdict: Signal<Out, Verdict>,
    pub verdict_ready: Signal<In, Bit>,
    pub stalled_recently: Signal<Out, Bit>,

    /// Region 4 of `abi::queue_state`: packets given back.
    pub configuration: Signal<In, ConfigurationWrite>,
    pub inbox_valid: Signal<Out, Bit>,
    pub inbox_address: Signal<Out, Bits<7>>,
    pub inbox_data: Signal<Out, Bits<128>>,
    pub inbox_enables: Signal<Out, Bits<16>>,
    /// Pulse, with `packet_event`: a packet stands in the inbox.
    pub packet_event_valid: Signal<Out, Bit>,
    pub packet_event: Signal<Out, Event>,
    pub packet_dropped: Signal<Out, Bit>,
    pub miss_event_valid: Signal<Out, Bit>,
    pub miss_event: Signal<Out, Event>,

    /// Stages.
    pub checked: Signal<Out, Bit>,
    pub matched: Signal<Out, Bit>,
    pub request_out: Signal<Out, Bit>,
    /// Counters.
    pub message_received: Signal<Out, Bit>,
    /// With `message_received`, and from before it: the message's resident queue.
    pub delivered_queue: Signal<Out, Bits<8>>,
    pub receive_full: Signal<Out, Bit>,
    pub receive_behind: Signal<Out, Bit>,
    pub entry_too_small: Signal<Out, Bit>,
    pub message_dropped: Signal<Out, Bit>,
    /// Pulse, also a counter: the last beat of an entry of the miss ring is taken; and the message's RQID.
    pub missed_message: Signal<Out, Bit>,
    pub missed_id: Signal<Out, Bits<12>>,

    frames: FrameSelect,
    flows: Flows<NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>,
    writer: EntryWriter,
    inbox: ReceiveInbox,
    monitor: StallMonitor,

    /// The frame under way is one of remote memory.
    bulk_frame: DFF<Bit>,
    /// t + 1.
    front_valid: DFF<Bit>,
    front: DFF<Bits<128>>,
    /// First cycle of `front`.
    entered: DFF<Bit>,
    /// Beats of the packet in `front` find no place.
    packet_drops: DFF<Bit>,
    packet_ended: DFF<Bit>,
    /// t + 2.
    header_valid: DFF<Bit>,
    header: DFF<Bits<128>>,
    held: DFF<ReceiveRecord>,
    /// The record's queue is still enabled.
    enabled: DFF<Bit>,
    /// The look-up named a queue. It has the message's RQID; or it takes misses.
    named: DFF<Bit>,
    owned: DFF<Bit>,
    missed: DFF<Bit>,
    /// The allowance of the RQID as it is now; it is not zero.
    held_allowance: DFF<Allowance>,
    allowed: DFF<Bit>,
    /// The message is dropped if there is no room for it.
    drops: DFF<Bit>,
    /// Bits of `beats` that are zero if the message fits its entry.
    outside: DFF<Bits<4>>,
    beats: DFF<Bits<4>>,
    /// First cycle of `header`: the flow bit comes from the memory.
    arrived: DFF<Bit>,
    held_flow: DFF<Bit>,

    offered: Signal<Local, Bits<128>>,
    takes_header: Signal<Local, Bit>,
    takes_beat: Signal<Local, Bit>,
    is_bulk: Signal<Local, Bit>,
    bulk_passes: Signal<Local, Bit>,
    takes_bulk: Signal<Local, Bit>,
    is_packet: Signal<Local, Bit>,
    packet_open: Signal<Local, Bit>,
    packet_ends: Signal<Local, Bit>,
    moves: Signal<Local, Bit>,
    sum: Signal<Local, Bits<8>>,
    packet_node: Signal<Local, Bits<10>>,
    place: Signal<Local, Bits<2>>,
    beat_ready: Signal<Local, Bit>,
    packet_length: Signal<Local, Bits<8>>,
    packet_tag: Signal<Local, Bits<8>>,

    queue: Signal<Local, Bits<8>>,
    changed_queue: Signal<Local, Bits<8>>,
    flow: Signal<Local, Bit>,
    behind: Signal<Local, Bit>,
    read_control: Signal<Local, ReceiveControl>,
    control: Signal<Local, ReceiveControl>,
    producer: Signal<Local, Bits<16>>,
    gap: Signal<Local, GapRecord>,
    epoch: Signal<Local, Bits<GAP_EPOCH_BITS>>,
    receive_queue_id: Signal<Local, Bits<16>>,
    read_allowance: Signal<Local, Allowance>,
    changed_allowance: Signal<Local, Allowance>,
    outside_entry: Signal<Local, Bits<4>>,
    header_id: Signal<Local, Bits<12>>,
    has_queue: Signal<Local, Bit>,
    absent: Signal<Local, Bit>,
    found: Signal<Local, Bit>,
    too_long: Signal<Local, Bits<4>>,
    full: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    too_small: Signal<Local, Bit>,
    dropped: Signal<Local, Bit>,
    accepted: Signal<Local, Bit>,
    refused_for_room: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    index_mask: Signal<Local, Bits<15>>,
    entry_index: Signal<Local, Bits<15>>,
    lap: Signal<Local, Bits<16>>,
    wide_mask: Signal<Local, Bits<16>>,
    /// To round `length - 8` up to beats.
    to_beats: Fixed<8, { 15 - abi::message::EXPRESS_PAYLOAD_BYTES }>,
    all_beats: Fixed<4, 15>,
    one: Fixed<16, 1>,
    accepted_verdict: Fixed<4, { abi::link::kind::ACCEPTED & 7 }>,
    full_verdict: Fixed<4, { abi::link::kind::FULL & 7 }>,
    behind_verdict: Fixed<4, { abi::link::kind::BEHIND & 7 }>,
    miss_verdict: Fixed<4, { abi::link::kind::NOT_RESIDENT & 7 }>,
    small_verdict: Fixed<4, { abi::link::kind::ENTRY_TOO_SMALL & 7 }>,
}

impl<
    const QUEUES_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
> Logic for ReceiveEngine<QUEUES_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            bulk_frame,
            front_valid,
            front,
            entered,
            packet_drops,
            packet_ended,
            header_valid,
            header,
            held,
            enabled,
            named,
            owned,
            missed,
            held_allowance,
            allowed,
            drops,
            outside,
            beats,
            arrived,
            held_flow
        );
        clock!(self, clock, frames, flows, writer, inbox, monitor);
        self.frames.reset.next = self.reset.val();
        self.writer.reset.next = self.reset.val();
        self.inbox.reset.next = self.reset.val();
        self.monitor.reset.next = self.reset.val();
        StreamSink::link(&mut self.channel_0, &mut self.frames.channel_0);
        StreamSink::link(&mut self.channel_1, &mut self.frames.channel_1);
        StreamSink::link(&mut self.loopback, &mut self.frames.loopback);
        self.frames.channel_1_likely.next = self.channel_1_likely.val();

        // t: the header, while `front` is empty.
        self.offered.next = self.frames.beat.val().data;
        // Of MESSAGE, PACKET and BULK, which are all that come, only BULK has this bit.
        self.is_bulk.next = self
            .frames
            .header
            .val()
            .get_bit(abi::link::header::kind::SHIFT + 1);
        self.takes_header.next = self.frames.choosing.val()
            & self.frames.beat_valid.val()
            & !self.is_bulk.val()
            & !self.bulk_busy.val()
            & self.records_ready.val()
            & !self.front_valid.q.val();
        self.entered.d.next = self.takes_header.val();
        if !self.front_valid.q.val() {
            self.front.d.next = self.offered.val();
        }
        self.read_queue.next = self
            .frames
            .header
            .val()
            .get_bits::<8>(stored_header::RECEIVE_QUEUE_SHIFT);
        if self.front_valid.q.val() {
            self.read_queue.next = self
                .front
                .q
                .val()
                .get_bits::<8>(stored_header::RECEIVE_QUEUE_SHIFT);
        }
        self.read_id.next = self
            .frames
            .header
            .val()
            .get_bits::<12>(abi::link::header::receive_queue_id::SHIFT);
        if self.front_valid.q.val() {
            self.read_id.next = self
                .front
                .q
                .val()
                .get_bits::<12>(abi::link::header::receive_queue_id::SHIFT);
        }

        // t + 1: a message moves on when there is room; a packet stays until all of it has passed.
        self.is_packet.next = self
            .front
            .q
            .val()
            .get_bits::<4>(abi::link::header::kind::SHIFT)
            == abi::link::kind::PACKET.to_bits();
        self.moves.next = self.front_valid.q.val()
            & !self.is_packet.val()
            & !self.header_valid.q.val()
            & self.settled.val();
        self.checked.next = self.entered.q.val()
            & !self.is_packet.val()
            & self.front.q.val().get_bit(abi::link::header::marked::SHIFT);
        self.packet_open.next =
            self.front_valid.q.val() & self.is_packet.val() & !self.entered.q.val();
        if self.entered.q.val() {
            self.packet_drops.d.next = !self.inbox.free.val();
        }
        self.packet_ends.next =
            self.packet_open.val() & self.frames.beat_valid.val() & self.frames.beat.val().last;
        self.packet_ended.d.next = self.packet_ends.val();
        if self.moves.val() | self.packet_ends.val() {
            self.front_valid.d.next = false;
        }
        if self.takes_header.val() {
            self.front_valid.d.next = true;
        }
        self.inbox.configuration.next = self.configuration.val();
        self.inbox.beat.next = self.frames.beat.val();
        self.inbox.take.next =
            self.packet_open.val() & self.frames.beat_valid.val() & !self.packet_drops.q.val();
        self.packet_node.next = self
            .front
            .q
            .val()
            .get_bits::<10>(abi::link::header::source_node::SHIFT);
        self.packet_length.next = self
            .front
            .q
            .val()
            .get_bits::<8>(abi::link::header::length::SHIFT);
        self.packet_tag.next = self
            .front
            .q
            .val()
            .get_bits::<8>(abi::link::header::tag::SHIFT);
        self.packet_event_valid.next = self.packet_ended.q.val() & !self.packet_drops.q.val();
        self.packet_dropped.next = self.packet_ended.q.val() & self.packet_drops.q.val();
        self.packet_event.next.kind = abi::event::kind::PACKET.to_bits();
        // The place that it took, not the next one.
        self.place.next = self.inbox.place.val() - 1;
        self.packet_event.next.index = bit_cast::<12, 2>(self.place.val());
        self.packet_event.next.code = 0.into();
        self.packet_event.next.data = (bit_cast::<32, 10>(self.packet_node.val()) << 16)
            | (bit_cast::<32, 8>(self.packet_length.val()) << 8)
            | bit_cast::<32, 8>(self.packet_tag.val());

        self.flows.read_node.next = self.packet_node.val();
        self.flows.read_slot.next = self
            .front
            .q
            .val()
            .get_bits::<8>(abi::link::header::slot::SHIFT);
        self.flows.read_channel.next = self
            .front
            .q
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.read_control.next = self.record.val().control;
        self.sum.next = self.packet_length.val() + self.to_beats.val();
        // RQIDs of more than 12 bits have no row of their own.
        self.receive_queue_id.next = self
            .front
            .q
            .val()
            .get_bits::<16>(abi::link::header::receive_queue_id::SHIFT);
        self.read_allowance.next = self.allowance.val();
        // Entries hold 1, 2, 4, 8 or 16 beats, the first of which holds 8 bytes of payload.
        self.outside_entry.next = self.all_beats.val() << self.read_control.val().stride;
        if self.read_control.val().takes_misses {
            self.outside_entry.next = self.read_allowance.val().too_long;
        }
        self.arrived.d.next = self.moves.val();
        if self.moves.val() {
            self.header_valid.d.next = true;
            self.header.d.next = self.front.q.val();
            self.held.d.next = self.record.val();
            self.enabled.d.next = self.read_control.val().enabled;
            self.named.d.next = self.front.q.val().get_bit(stored_header::RESIDENT_BIT)
                & !self.receive_queue_id.val().get_bits::<4>(12).any();
            self.owned.d.next = self.front.q.val().get_bit(stored_header::RESIDENT_BIT)
                & !self.read_control.val().takes_misses
                & !self.receive_queue_id.val().get_bits::<4>(12).any()
                & (self.read_control.val().receive_queue_id
                    == self.receive_queue_id.val().get_bits::<12>(0));
            self.missed.d.next = self.front.q.val().get_bit(stored_header::RESIDENT_BIT)
                & self.read_control.val().takes_misses
                & !self.receive_queue_id.val().get_bits::<4>(12).any();
            self.held_allowance.d.next = self.allowance.val();
            self.allowed.d.next = self.read_allowance.val().count.any();
            self.drops.d.next = self.read_control.val().drops;
            if self.read_control.val().takes_misses {
                self.drops.d.next = self.read_allowance.val().drops;
            }
            self.outside.d.next = self.outside_entry.val();
            self.beats.d.next = self.sum.val().get_bits::<4>(4);
        }

        // t + 2: the verdict.
        self.flow.next = self.held_flow.q.val();
        if self.arrived.q.val() {
            self.flow.next = self.flows.refused.val();
        }
        self.held_flow.d.next = self.flow.val();
        self.behind.next = self.flow.val()
            & !self
                .header
                .q
                .val()
                .get_bit(abi::link::header::restart::SHIFT);
        self.control.next = self.held.q.val().control;
        self.has_queue.next = self.enabled.q.val() & (self.owned.q.val() | self.missed.q.val());
        self.absent.next = !self.named.q.val();
        self.found.next = self.enabled.q.val()
            & (self.owned.q.val() | (self.missed.q.val() & self.allowed.q.val()));
        self.too_long.next = self.beats.q.val() & self.outside.q.val();
        self.producer.next = self.held.q.val().producer;
        self.full.next = self.producer.val() == self.held.q.val().limit;
        self.fits.next = self.found.val()
            & !self.too_long.val().any()
            & (self.owned.q.val() | self.report_room.val())
            & !self.full.val();
        self.too_small.next = self.found.val() & self.too_long.val().any();
        self.dropped.next = self.enabled.q.val()
            & self.drops.q.val()
            & !self.behind.val()
            & ((self.owned.q.val() & self.full.val() & !self.too_long.val().any())
                | (self.missed.q.val() & !self.allowed.q.val()));
        self.refused_for_room.next =
            !self.absent.val() & !self.too_small.val() & !self.fits.val() & !self.dropped.val();
        self.accepted.next = self.fits.val() & !self.behind.val();
        self.goes.next = self.header_valid.q.val()
            & self.writer.present.val()
            & self.writer.free.val()
            & self.may_commit.val();
        if self.goes.val() {
            self.header_valid.d.next = false;
        }
        // What is read of a record that firmware changes counts no more.
        self.queue.next = self
            .header
            .q
            .val()
            .get_bits::<8>(stored_header::RECEIVE_QUEUE_SHIFT);
        self.changed_queue.next = self.change.val().queue;
        if self.change.val().valid
            & (self.queue.val().get_bits::<QUEUES_LOG2>(0)
                == self.changed_queue.val().get_bits::<QUEUES_LOG2>(0))
        {
            self.enabled.d.next = false;
        }
        self.header_id.next = self
            .header
            .q
            .val()
            .get_bits::<12>(abi::link::header::receive_queue_id::SHIFT);
        self.changed_allowance.next = self.allowance_change.val().allowance;
        if self.allowance_change.val().write
            & (self.header_id.val() == self.allowance_change.val().receive_queue_id)
        {
            self.held_allowance.d.next = self.changed_allowance.val();
            self.allowed.d.next = self.changed_allowance.val().count.any();
            if self.missed.q.val() {
                self.drops.d.next = self.changed_allowance.val().drops;
                self.outside.d.next = self.changed_allowance.val().too_long;
            }
        }
        self.lower.next = self.goes.val() & self.accepted.val() & self.missed.q.val();
        self.lowered_id.next = self.header_id.val();
        self.lowered_allowance.next = self.held_allowance.q.val();
        self.commit.next = self.goes.val() & self.accepted.val();
        self.drop.next = self.goes.val() & self.dropped.val();
        self.commit_queue.next = self.queue.val();
        self.commit_producer.next = self.producer.val();
        self.epoch.next = self
            .header
            .q
            .val()
            .get_bits::<GAP_EPOCH_BITS>(stored_header::GAP_EPOCH_SHIFT);
        self.commit_epoch.next = self.epoch.val();
        self.flows.write.next = self.goes.val() & !self.behind.val();
        self.flows.write_refused.next = self.refused_for_room.val();
        self.flows.write_node.next = self
            .header
            .q
            .val()
            .get_bits::<10>(abi::link::header::source_node::SHIFT);
        self.flows.write_slot.next = self
            .header
            .q
            .val()
            .get_bits::<8>(abi::link::header::slot::SHIFT);
        self.flows.write_channel.next = self
            .header
            .q
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.matched.next = self.goes.val()
            & self.has_queue.val()
            & self
                .header
                .q
                .val()
                .get_bit(abi::link::header::marked::SHIFT);

        // The message, and where its entry lies.
        self.writer.starts.next = self.goes.val();
        self.writer.message.next.verdict = self.full_verdict.val();
        if self.accepted.val() | self.dropped.val() {
            self.writer.message.next.verdict = self.accepted_verdict.val();
        }
        self.writer.message.next.discards = self.dropped.val();
        if self.too_small.val() {
            self.writer.message.next.verdict = self.small_verdict.val();
        }
        if self.absent.val() {
            self.writer.message.next.verdict = self.miss_verdict.val();
        }
        if self.behind.val() {
            self.writer.message.next.verdict = self.behind_verdict.val();
        }
        self.gap.next = self.held.q.val().gap;
        // The miss ring's record speaks of other rings' messages too.
        self.writer.message.next.gap = self.missed.q.val()
            | !(self.gap.val().known & (self.gap.val().epoch == self.epoch.val()));
        self.writer.message.next.header = self.header.q.val();
        self.writer.message.next.ring = self.control.val().ring;
        self.writer.message.next.beats = self.beats.q.val();
        self.writer.message.next.missed = self.missed.q.val();
        self.index_mask.next = self.control.val().index_mask;
        self.entry_index.next = self.producer.val().get_bits::<15>(0) & self.index_mask.val();
        self.writer.message.next.offset =
            bit_cast::<19, 15>(self.entry_index.val()) << self.control.val().stride;
        // The bit of an index that counts laps is the one above the mask.
        self.wide_mask.next = bit_cast::<16, 15>(self.index_mask.val());
        self.lap.next = self.producer.val()
            & ((self.wide_mask.val() << 1) | self.one.val())
            & !self.wide_mask.val();
        self.writer.message.next.phase = !self.lap.val().any();

        // Frames of remote memory.
        self.bulk_passes.next = self.bulk_frame.q.val();
        if self.frames.choosing.val() {
            self.bulk_passes.next = self.is_bulk.val()
                & !self.front_valid.q.val()
                & !self.header_valid.q.val()
                & !self.writer.busy.val();
        }
        self.bulk_frames.valid.next = self.frames.beat_valid.val() & self.bulk_passes.val();
        self.bulk_frames.beat.next = self.frames.beat.val();
        self.takes_bulk.next =
            self.frames.beat_valid.val() & self.bulk_passes.val() & self.bulk_frames.ready.val();
        if self.takes_header.val() {
            self.bulk_frame.d.next = false;
        }
        if self.takes_bulk.val() {
            self.bulk_frame.d.next = true;
        }

        // The other beats of frames.
        self.beat_ready.next = self.writer.beats.ready.val();
        if self.front_valid.q.val() & self.is_packet.val() {
            self.beat_ready.next = self.packet_open.val();
        }
        self.frames.beat_ready.next = self.beat_ready.val();
        if self.frames.choosing.val() {
            self.frames.beat_ready.next = !self.is_bulk.val()
                & !self.bulk_busy.val()
                & self.records_ready.val()
                & !self.front_valid.q.val();
        }
        if self.bulk_passes.val() {
            self.frames.beat_ready.next = self.bulk_frames.ready.val();
        }
        self.takes_beat.next = !self.frames.choosing.val()
            & !self.bulk_frame.q.val()
            & self.frames.beat_valid.val()
            & self.beat_ready.val();
        self.writer.beats.valid.next = !self.frames.choosing.val()
            & !self.bulk_frame.q.val()
            & self.frames.beat_valid.val()
            & !(self.front_valid.q.val() & self.is_packet.val());
        self.writer.beats.beat.next = self.frames.beat.val();
        // Where another header was taken, the frame under way is that header's.
        self.writer.ended.next =
            self.frames.choosing.val() | self.front_valid.q.val() | self.header_valid.q.val();

        // Towards the host and the link.
        self.write_packets.valid.next = self.writer.write_packets.valid.val();
        self.write_packets.beat.next = self.writer.write_packets.beat.val();
        if self.bulk_busy.val() {
            self.write_packets.valid.next = self.bulk_packets.valid.val();
            self.write_packets.beat.next = self.bulk_packets.beat.val();
        }
        self.writer.write_packets.ready.next = self.write_packets.ready.val();
        self.bulk_packets.ready.next = self.write_packets.ready.val();
        self.writer.change.next = self.change.val().valid;
        self.holds_older.next = self.writer.holds_older.val();
        self.verdict_valid.next = self.writer.verdict_valid.val() | self.bulk_accepted_valid.val();
        self.verdict.next = self.writer.verdict.val();
        if self.bulk_busy.val() {
            self.verdict.next = self.bulk_accepted.val();
        }
        self.writer.verdict_ready.next = self.verdict_ready.val();
        self.monitor.waiting.next = self.channel_0.valid.val()
            | self.channel_1.valid.val()
            | self.loopback.valid.val()
            | self.front_valid.q.val()
            | self.header_valid.q.val()
            | self.bulk_busy.val()
            | self.writer.busy.val();
        self.monitor.progress.next = self.takes_header.val()
            | self.takes_beat.val()
            | self.takes_bulk.val()
            | (self.write_packets.valid.val() & self.write_packets.ready.val());
        self.stalled_recently.next = self.monitor.stalled_recently.val();

        self.inbox_valid.next = self.inbox.inbox_valid.val();
        self.inbox_address.next = self.inbox.inbox_address.val();
        self.inbox_data.next = self.inbox.inbox_data.val();
        self.inbox_enables.next = self.inbox.inbox_enables.val();
        self.miss_event_valid.next = self.writer.miss_event_valid.val();
        self.miss_event.next = self.writer.miss_event.val();
        self.request_out.next = self.writer.request_out.val();
        self.message_received.next = self.writer.message_received.val();
        self.delivered_queue.next = self.writer.delivered_queue.val();
        self.receive_full.next = self.writer.receive_full.val();
        self.receive_behind.next = self.writer.receive_behind.val();
        self.entry_too_small.next = self.writer.entry_too_small.val();
        self.message_dropped.next = self.writer.message_dropped.val();
        self.missed_message.next = self.writer.missed_message.val();
        self.missed_id.next = self.writer.missed_id.val();

        if self.reset.val() {
            self.bulk_frame.d.next = false;
            self.front_valid.d.next = false;
            self.entered.d.next = false;
            self.packet_ended.d.next = false;
            self.header_valid.d.next = false;
            self.arrived.d.next = false;
        }
    }
}
