//! From a message with a verdict to the write packets of its entry.

use super::entry_payload::EntryPayload;
use crate::bundles::{Event, Verdict, stored_header, write_packet};
use crate::library::fixed::Fixed;
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// A message, what its receiver says to it, and where it goes if that is ACCEPTED.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct JudgedMessage {
    /// As in `bundles::Answer`.
    pub verdict: Bits<4>,
    /// Only with ACCEPTED: the message is not written.
    pub discards: Bit,
    /// `bundles::stored_header`.
    pub header: Bits<128>,
    /// Address of the ring, bits 63:5.
    pub ring: Bits<59>,
    /// Place of the entry in the ring, in units of 16 bytes.
    pub offset: Bits<19>,
    /// Phase bit of the entry.
    pub phase: Bit,
    /// Frames may have been lost since the ring's last message.
    pub gap: Bit,
    /// Beats of payload from byte 8 on.
    pub beats: Bits<4>,
    /// The ring is the miss ring.
    pub missed: Bit,
}

/// What the writer does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum WriterState {
    /// Nothing.
    Idle,
    /// Offers the first write packet's descriptor beat.
    Describe,
    /// Passes payload from byte 8 on.
    Payload,
    /// Offers the second write packet's descriptor beat.
    DescribeEntry,
    /// Offers the entry's descriptor and first 8 bytes of payload.
    Entry,
    /// Hands over the verdict on a message that is not written.
    Refuse,
}

/// Writes accepted messages to their entries, and hands over the verdict on every message (V14, V15).
///
/// A message of more than 8 bytes makes two write packets: payload from byte 8 on to entry + 16,
/// then the descriptor and the first 8 bytes to the entry itself; a shorter one only the latter. So
/// a changed phase bit tells that the message is whole. ACCEPTED is said when the last beat of the
/// entry is taken, so the entry is ahead of all that is written later.
///
/// Contract: `starts` may come in a cycle with `free` and `present`. The beats of payload: `EntryPayload`.
/// `verdict_ready` stays high until a verdict is handed over.
///
/// Latency: `starts` in cycle t, descriptor beat offered in t + 1. A message of 8 bytes or fewer
/// every 2 cycles, one of 248 bytes every 18.
#[derive(LogicBlock, Default)]
pub struct EntryWriter {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// Payload of whole frames, as `EntryPayload` takes it.
    pub beats: StreamSink,
    pub ended: Signal<In, Bit>,
    pub present: Signal<Out, Bit>,

    pub free: Signal<Out, Bit>,
    pub starts: Signal<In, Bit>,
    pub message: Signal<In, JudgedMessage>,
    pub write_packets: StreamSource,
    pub verdict_valid: Signal<Out, Bit>,
    pub verdict: Signal<Out, Verdict>,
    pub verdict_ready: Signal<In, Bit>,
    /// Pulse, never with `starts`: what is read of the records from now on is new.
    pub change: Signal<In, Bit>,
    /// A message that began before the last `change` is still written.
    pub holds_older: Signal<Out, Bit>,
    /// A message is under way.
    pub busy: Signal<Out, Bit>,
    /// With `message_received`, and from before it: the message's resident queue.
    pub delivered_queue: Signal<Out, Bits<8>>,

    /// Pulse, with `miss_event`: no resident queue has the message's RQID.
    pub miss_event_valid: Signal<Out, Bit>,
    pub miss_event: Signal<Out, Event>,
    /// Stage: the first descriptor beat of a marked message is taken.
    pub request_out: Signal<Out, Bit>,
    /// Pulses: what became of a message.
    pub message_received: Signal<Out, Bit>,
    pub receive_full: Signal<Out, Bit>,
    pub receive_behind: Signal<Out, Bit>,
    pub entry_too_small: Signal<Out, Bit>,
    pub message_dropped: Signal<Out, Bit>,
    /// Pulse, with `missed_id`: the last beat of an entry of the miss ring is taken.
    pub missed_message: Signal<Out, Bit>,
    /// RQID of the message.
    pub missed_id: Signal<Out, Bits<12>>,

    payload: EntryPayload<4>,
    state: DFF<WriterState>,
    /// The state is `Payload`.
    pays: DFF<Bit>,
    header: DFF<Bits<128>>,
    ring: DFF<Bits<59>>,
    offset: DFF<Bits<19>>,
    phase: DFF<Bit>,
    gap: DFF<Bit>,
    said: DFF<Bits<4>>,
    is_long: DFF<Bit>,
    missed: DFF<Bit>,
    older: DFF<Bit>,

    judged: Signal<Local, JudgedMessage>,
    accepted: Signal<Local, Bit>,
    describing: Signal<Local, Bit>,
    paying: Signal<Local, Bit>,
    describing_entry: Signal<Local, Bit>,
    entering: Signal<Local, Bit>,
    refusing: Signal<Local, Bit>,
    finishes: Signal<Local, Bit>,
    refuses: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    marked: Signal<Local, Bit>,
    length: Signal<Local, Bits<8>>,
    source_node: Signal<Local, Bits<10>>,
    source_endpoint: Signal<Local, Bits<12>>,
    receive_queue_id: Signal<Local, Bits<16>>,
    entry: Signal<Local, Bits<60>>,
    place: Signal<Local, Bits<60>>,
    sum: Signal<Local, Bits<9>>,
    bytes: Signal<Local, Bits<16>>,
    describes_payload: Signal<Local, Bit>,
    fields: Signal<Local, Bits<64>>,
    descriptor: Signal<Local, Bits<64>>,
    entry_bytes: Fixed<16, 16>,
    /// To round `length - 8` up to double words, modulo 2^9.
    to_words: Fixed<9, { (1 << 9) + 3 - abi::message::EXPRESS_PAYLOAD_BYTES }>,
    word_mask: Fixed<9, 0x1fc>,
    accepted_verdict: Fixed<4, { abi::link::kind::ACCEPTED & 7 }>,
    full_verdict: Fixed<4, { abi::link::kind::FULL & 7 }>,
    behind_verdict: Fixed<4, { abi::link::kind::BEHIND & 7 }>,
    miss_verdict: Fixed<4, { abi::link::kind::NOT_RESIDENT & 7 }>,
    small_verdict: Fixed<4, { abi::link::kind::ENTRY_TOO_SMALL & 7 }>,
    none: Fixed<4, 0>,
}

impl Logic for EntryWriter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, state, pays, header, ring, offset, phase, gap, said, is_long, missed,
            older
        );
        clock!(self, clock, payload);
        self.payload.reset.next = self.reset.val();
        StreamSink::link(&mut self.beats, &mut self.payload.sink);
        self.payload.ended.next = self.ended.val();
        self.present.next = self.payload.present.val();

        self.describing.next = self.state.q.val() == WriterState::Describe;
        self.paying.next = self.pays.q.val();
        self.describing_entry.next = self.state.q.val() == WriterState::DescribeEntry;
        self.entering.next = self.state.q.val() == WriterState::Entry;
        self.refusing.next = self.state.q.val() == WriterState::Refuse;
        self.finishes.next =
            self.entering.val() & self.verdict_ready.val() & self.write_packets.ready.val();
        self.refuses.next = self.refusing.val() & self.verdict_ready.val();
        self.takes.next =
            self.paying.val() & self.payload.valid.val() & self.write_packets.ready.val();
        self.payload.take.next = self.takes.val();
        self.busy.next = self.state.q.val() != WriterState::Idle;
        self.free.next =
            (self.state.q.val() == WriterState::Idle) | self.finishes.val() | self.refuses.val();

        match self.state.q.val() {
            WriterState::Describe => {
                if self.write_packets.ready.val() {
                    self.state.d.next = WriterState::Entry;
                    if self.is_long.q.val() {
                        self.state.d.next = WriterState::Payload;
                        self.pays.d.next = true;
                    }
                }
            }
            WriterState::Payload => {
                if self.takes.val() & self.payload.last.val() {
                    self.state.d.next = WriterState::DescribeEntry;
                    self.pays.d.next = false;
                }
            }
            WriterState::DescribeEntry => {
                if self.write_packets.ready.val() {
                    self.state.d.next = WriterState::Entry;
                }
            }
            _ => {
                if self.finishes.val() | self.refuses.val() {
                    self.state.d.next = WriterState::Idle;
                }
            }
        }
        self.judged.next = self.message.val();
        self.accepted.next = (self.judged.val().verdict == self.accepted_verdict.val())
            & !self.judged.val().discards;
        self.payload.open.next = self.starts.val();
        self.payload.beats.next = self.none.val();
        if self.accepted.val() {
            self.payload.beats.next = self.judged.val().beats;
        }
        if self.starts.val() {
            self.header.d.next = self.judged.val().header;
            self.ring.d.next = self.judged.val().ring;
            self.offset.d.next = self.judged.val().offset;
            self.phase.d.next = self.judged.val().phase;
            self.gap.d.next = self.judged.val().gap;
            self.said.d.next = self.judged.val().verdict;
            self.is_long.d.next = self.judged.val().beats.any();
            self.missed.d.next = self.judged.val().missed;
            self.state.d.next = WriterState::Refuse;
            if self.accepted.val() {
                self.state.d.next = WriterState::Describe;
            }
        }
        self.older.d.next = self.older.q.val() & !self.finishes.val() & !self.refuses.val();
        if self.change.val() {
            self.older.d.next = (self.state.q.val() != WriterState::Idle)
                & !self.finishes.val()
                & !self.refuses.val();
        }
        self.holds_older.next = self.older.q.val();

        // Descriptor beats. The entry stands at a multiple of 32 bytes if it holds more than 8: no carry behind `+ 16`.
        self.marked.next = self
            .header
            .q
            .val()
            .get_bit(abi::link::header::marked::SHIFT);
        self.length.next = self
            .header
            .q
            .val()
            .get_bits::<8>(abi::link::header::length::SHIFT);
        self.describes_payload.next = self.describing.val() & self.is_long.q.val();
        self.sum.next = bit_cast::<9, 8>(self.length.val()) + self.to_words.val();
        self.bytes.next = self.entry_bytes.val();
        if self.describes_payload.val() {
            self.bytes.next = bit_cast::<16, 9>(self.sum.val() & self.word_mask.val());
        }
        self.entry.next =
            (bit_cast::<60, 59>(self.ring.q.val()) << 1) + bit_cast::<60, 19>(self.offset.q.val());
        self.place.next = self.entry.val() | bit_cast::<60, 1>(self.describes_payload.val().into());

        // The entry.
        self.source_node.next = self
            .header
            .q
            .val()
            .get_bits::<10>(abi::link::header::source_node::SHIFT);
        self.source_endpoint.next = self
            .header
            .q
            .val()
            .get_bits::<12>(abi::link::header::source_endpoint::SHIFT);
        self.receive_queue_id.next = self
            .header
            .q
            .val()
            .get_bits::<16>(abi::link::header::receive_queue_id::SHIFT);
        self.fields.next = (bit_cast::<64, 8>(
            self.header
                .q
                .val()
                .get_bits::<8>(abi::link::header::tag::SHIFT),
        ) << abi::message::receive_descriptor::tag::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 8>(self.length.val())
                << abi::message::receive_descriptor::length::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 12>(self.source_endpoint.val())
                << abi::message::receive_descriptor::source_endpoint::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 10>(self.source_node.val())
                << abi::message::receive_descriptor::source_node::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 16>(self.receive_queue_id.val())
                << abi::message::receive_descriptor::receive_queue_id::SHIFT.to_bits::<6>());
        self.descriptor.next = self
            .fields
            .val()
            .replace_bit(
                abi::message::receive_descriptor::phase::SHIFT,
                self.phase.q.val(),
            )
            .replace_bit(
                abi::message::receive_descriptor::marked::SHIFT,
                self.marked.val(),
            )
            .replace_bit(
                abi::message::receive_descriptor::gap::SHIFT,
                self.gap.q.val(),
            );

        self.write_packets.valid.next = self.describing.val()
            | (self.paying.val() & self.payload.valid.val())
            | self.describing_entry.val()
            | (self.entering.val() & self.verdict_ready.val());
        self.write_packets.beat.next.last =
            (self.paying.val() & self.payload.last.val()) | self.entering.val();
        self.write_packets.beat.next.data = (bit_cast::<128, 60>(self.place.val()) << 4)
            | (bit_cast::<128, 16>(self.bytes.val()) << write_packet::LENGTH_SHIFT.to_bits::<7>())
            | (bit_cast::<128, 1>((self.describing.val() & self.marked.val()).into())
                << write_packet::MARKED_BIT.to_bits::<7>());
        if self.paying.val() {
            self.write_packets.beat.next.data = self.payload.data.val();
        }
        if self.entering.val() {
            self.write_packets.beat.next.data = bit_cast::<128, 64>(self.descriptor.val())
                | (bit_cast::<128, 64>(self.payload.head.val()) << 64);
        }

        self.verdict_valid.next = self.finishes.val() | self.refuses.val();
        self.verdict.next.node = self.source_node.val();
        self.verdict.next.slot = self
            .header
            .q
            .val()
            .get_bits::<8>(abi::link::header::slot::SHIFT);
        self.verdict.next.generation = self
            .header
            .q
            .val()
            .get_bits::<8>(abi::link::header::generation::SHIFT);
        self.verdict.next.index = self
            .header
            .q
            .val()
            .get_bits::<7>(abi::link::header::index::SHIFT);
        self.verdict.next.verdict = self.said.q.val();

        self.request_out.next =
            self.describing.val() & self.marked.val() & self.write_packets.ready.val();
        self.message_received.next = self.finishes.val();
        self.delivered_queue.next = self
            .header
            .q
            .val()
            .get_bits::<8>(stored_header::RECEIVE_QUEUE_SHIFT);
        self.missed_message.next = self.finishes.val() & self.missed.q.val();
        self.missed_id.next = self
            .header
            .q
            .val()
            .get_bits::<12>(abi::link::header::receive_queue_id::SHIFT);
        self.receive_full.next =
            self.refuses.val() & (self.said.q.val() == self.full_verdict.val());
        self.receive_behind.next =
            self.refuses.val() & (self.said.q.val() == self.behind_verdict.val());
        self.entry_too_small.next =
            self.refuses.val() & (self.said.q.val() == self.small_verdict.val());
        self.message_dropped.next =
            self.refuses.val() & (self.said.q.val() == self.accepted_verdict.val());
        self.miss_event_valid.next =
            self.refuses.val() & (self.said.q.val() == self.miss_verdict.val());
        self.miss_event.next.kind = abi::event::kind::RECEIVE_MISS.to_bits();
        self.miss_event.next.index = self.source_endpoint.val();
        self.miss_event.next.code = 0.into();
        self.miss_event.next.data = (bit_cast::<32, 10>(self.source_node.val()) << 16)
            | bit_cast::<32, 16>(self.receive_queue_id.val());

        if self.reset.val() {
            self.state.d.next = WriterState::Idle;
            self.pays.d.next = false;
            self.older.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
