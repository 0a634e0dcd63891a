//! From frames to entries of receive rings.

use super::entry_payload::EntryPayload;
use super::frame_select::FrameSelect;
use super::receive_flows::ReceiveFlows;
use super::receive_inbox::ReceiveInbox;
use crate::bundles::{Acknowledgement, ConfigurationWrite, Event, write_packet};
use crate::library::fifo::Fifo;
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// Where the engine is with a frame.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ReceiveState {
    /// Waits for a header; then the queues compare their names, while the first beat of payload is taken.
    Match,
    /// What the match found is judged; the entry's address is there.
    Judge,
    /// Offers the first write packet's descriptor beat.
    Describe,
    /// Passes payload from byte 8 on.
    Payload,
    /// Offers the second write packet's descriptor beat.
    DescribeEntry,
    /// Offers the entry's descriptor and first 8 bytes of payload.
    Entry,
    /// Has an acknowledgement other than `ACCEPTED` to hand over.
    Refuse,
    /// Throws away the rest of the frame.
    Drain,
    /// Passes a firmware packet to the inbox.
    Inbox,
}

/// Takes frames from the virtual channels, 1 before 0, and writes messages to receive rings and packets to the inbox (V14,
/// V15, V18, V20).
///
/// A message of more than 8 bytes makes two write packets: payload from byte 8 on to entry + 16, then the descriptor and the
/// first 8 bytes to the entry itself; a shorter one only the latter. So a changed phase bit tells that the message is whole.
/// Order of judgement: not listened to (skipped in silence), not resident, entry too small, ring full, accepted.
///
/// Contract: a frame on a channel is right and whole, has two beats or more, and bits 127:96 of its last beat are not payload.
/// `match_valid`, `found` and what follows: `ReceiveQueues`. `acknowledge` waits for `acknowledge_ready`; two may
/// wait before a next frame has to. Events and inbox writes always sink.
///
/// Latency: header offered in cycle t, first descriptor beat in t + 3. A message of 8 bytes or fewer every 4 cycles, one of
/// 248 bytes every 20.
#[derive(LogicBlock)]
pub struct ReceiveEngine {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Frames of virtual channel 0.
    pub channel_0: StreamSink,
    /// Frames of virtual channel 1.
    pub channel_1: StreamSink,
    /// A message looks for its queue.
    pub match_valid: Signal<Out, Bit>,
    /// The name (RQID) it looks for.
    pub match_id: Signal<Out, Bits<16>>,
    /// Payload bytes of the message.
    pub match_length: Signal<Out, Bits<8>>,
    /// There is such a queue.
    pub found: Signal<In, Bit>,
    /// The message is longer than its entries hold.
    pub too_small: Signal<In, Bit>,
    /// No entry is free.
    pub full: Signal<In, Bit>,
    /// Host address of its ring, a multiple of 32.
    pub ring_address: Signal<In, Bits<64>>,
    /// Byte offset of the next entry.
    pub entry_offset: Signal<In, Bits<24>>,
    /// Phase bit of the next entry.
    pub phase: Signal<In, Bit>,
    /// Pulse: the message stands in the ring.
    pub advance: Signal<Out, Bit>,
    /// Write packets to the requester.
    pub write_packets: StreamSource,
    /// A message's fate is known.
    pub acknowledge_valid: Signal<Out, Bit>,
    /// It is taken in this cycle.
    pub acknowledge_ready: Signal<In, Bit>,
    /// The fate; `node` is the sender.
    pub acknowledge: Signal<Out, Acknowledgement>,
    /// Region 4 of `abi::queue_state`: packets given back.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// Write to the inbox.
    pub inbox_valid: Signal<Out, Bit>,
    /// Beat of the inbox.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// The bytes.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Which of them are written.
    pub inbox_enables: Signal<Out, Bits<16>>,
    /// Pulse: `event_word` is new. `PACKET` (index: place in the inbox) or `RECEIVE_MISS`.
    pub event_valid: Signal<Out, Bit>,
    /// The event.
    pub event_word: Signal<Out, Event>,
    /// A message may still be written to a ring whose address was read earlier.
    pub holds_ring: Signal<Out, Bit>,
    /// Stage: a marked message's header was taken.
    pub checked: Signal<Out, Bit>,
    /// Stage: a marked message's queue was found.
    pub matched: Signal<Out, Bit>,
    /// Stage: a marked message's first descriptor beat went to the requester.
    pub request_out: Signal<Out, Bit>,
    /// Pulse: a message was written to its ring.
    pub message_received: Signal<Out, Bit>,
    /// Pulse: no resident queue has that name.
    pub receive_miss: Signal<Out, Bit>,
    /// Pulse: a message was refused because its ring was full.
    pub receive_full: Signal<Out, Bit>,
    /// Pulse: a message was skipped because its queue has to restart.
    pub receive_stale: Signal<Out, Bit>,
    /// Pulse: a message was longer than the ring's entries.
    pub entry_too_small: Signal<Out, Bit>,
    /// Pulse: a firmware packet stands in the inbox.
    pub packet_received: Signal<Out, Bit>,
    /// Pulse: a firmware packet found no place and was dropped.
    pub packet_dropped: Signal<Out, Bit>,

    frames: FrameSelect,
    payload: EntryPayload,
    flows: ReceiveFlows,
    inbox: ReceiveInbox,
    state: DFF<ReceiveState>,
    /// Header of the frame under way, from `Judge` on.
    header: DFF<Bits<128>>,
    ring: DFF<Bits<64>>,
    offset: DFF<Bits<24>>,
    entry_phase: DFF<Bit>,
    refusal: DFF<Bits<4>>,
    /// Acknowledgements that wait for the link. A frame begins only while there is room, so that nothing holds a ring's address
    /// for longer than the host takes to take the message.
    answers: Fifo<Acknowledgement, 1, 2>,
    event_pulse: DFF<Bit>,
    event_register: DFF<Event>,

    matching: Signal<Local, Bit>,
    front_source_node: Signal<Local, Bits<16>>,
    front_source_queue: Signal<Local, Bits<8>>,
    is_packet: Signal<Local, Bit>,
    marked: Signal<Local, Bit>,
    source_node: Signal<Local, Bits<16>>,
    source_queue: Signal<Local, Bits<8>>,
    receive_queue_id: Signal<Local, Bits<16>>,
    length: Signal<Local, Bits<8>>,
    tag: Signal<Local, Bits<8>>,
    slot: Signal<Local, Bits<4>>,
    restart: Signal<Local, Bit>,
    skips: Signal<Local, Bit>,
    misses: Signal<Local, Bit>,
    too_long: Signal<Local, Bit>,
    fills: Signal<Local, Bit>,
    accepts: Signal<Local, Bit>,
    judged: Signal<Local, Bit>,
    answers_now: Signal<Local, Bit>,
    address: Signal<Local, Bits<64>>,
    entry_address: Signal<Local, Bits<64>>,
    entry_bytes: Signal<Local, Bits<16>>,
    describes_payload: Signal<Local, Bit>,
    marks: Signal<Local, Bit>,
    fields: Signal<Local, Bits<64>>,
    descriptor: Signal<Local, Bits<64>>,
    entry_write_bytes: Constant<Bits<16>>,
    payload_offset: Constant<Bits<64>>,
}

impl Default for ReceiveEngine {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            channel_0: Default::default(),
            channel_1: Default::default(),
            match_valid: Default::default(),
            match_id: Default::default(),
            match_length: Default::default(),
            found: Default::default(),
            too_small: Default::default(),
            full: Default::default(),
            ring_address: Default::default(),
            entry_offset: Default::default(),
            phase: Default::default(),
            advance: Default::default(),
            write_packets: Default::default(),
            acknowledge_valid: Default::default(),
            acknowledge_ready: Default::default(),
            acknowledge: Default::default(),
            configuration: Default::default(),
            inbox_valid: Default::default(),
            inbox_address: Default::default(),
            inbox_data: Default::default(),
            inbox_enables: Default::default(),
            event_valid: Default::default(),
            event_word: Default::default(),
            holds_ring: Default::default(),
            checked: Default::default(),
            matched: Default::default(),
            request_out: Default::default(),
            message_received: Default::default(),
            receive_miss: Default::default(),
            receive_full: Default::default(),
            receive_stale: Default::default(),
            entry_too_small: Default::default(),
            packet_received: Default::default(),
            packet_dropped: Default::default(),
            frames: Default::default(),
            payload: Default::default(),
            flows: Default::default(),
            inbox: Default::default(),
            state: Default::default(),
            header: Default::default(),
            ring: Default::default(),
            offset: Default::default(),
            entry_phase: Default::default(),
            refusal: Default::default(),
            answers: Default::default(),
            event_pulse: Default::default(),
            event_register: Default::default(),
            matching: Default::default(),
            front_source_node: Default::default(),
            front_source_queue: Default::default(),
            is_packet: Default::default(),
            marked: Default::default(),
            source_node: Default::default(),
            source_queue: Default::default(),
            receive_queue_id: Default::default(),
            length: Default::default(),
            tag: Default::default(),
            slot: Default::default(),
            restart: Default::default(),
            skips: Default::default(),
            misses: Default::default(),
            too_long: Default::default(),
            fills: Default::default(),
            accepts: Default::default(),
            judged: Default::default(),
            answers_now: Default::default(),
            address: Default::default(),
            entry_address: Default::default(),
            entry_bytes: Default::default(),
            describes_payload: Default::default(),
            marks: Default::default(),
            fields: Default::default(),
            descriptor: Default::default(),
            entry_write_bytes: Constant::new(16u64.to_bits()),
            payload_offset: Constant::new(16u64.to_bits()),
        }
    }
}

impl Logic for ReceiveEngine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            header,
            ring,
            offset,
            entry_phase,
            refusal,
            event_pulse,
            event_register
        );
        clock!(self, clock, frames, payload, flows, inbox, answers);
        self.answers.reset.next = self.reset.val();
        self.frames.reset.next = self.reset.val();
        self.flows.reset.next = self.reset.val();
        self.inbox.reset.next = self.reset.val();
        self.inbox.configuration.next = self.configuration.val();
        StreamSink::link(&mut self.channel_0, &mut self.frames.channel_0);
        StreamSink::link(&mut self.channel_1, &mut self.frames.channel_1);
        self.frames.choosing.next = self.state.q.val() == ReceiveState::Match;
        self.frames.ended.next = self.payload.ended.val();
        self.payload.beat_valid.next = self.frames.beat_valid.val();
        self.payload.beat.next = self.frames.beat.val();
        self.inbox.beat.next = self.frames.beat.val();

        // What the header says: first what matching needs, then what the frame under way needs.
        self.matching.next = (self.state.q.val() == ReceiveState::Match)
            & self.flows.ready.val()
            & self.frames.header_valid.val()
            & !self.answers.full.val();
        self.is_packet.next = self.frames.is_packet.val();
        self.match_id.next = self
            .frames
            .header
            .val()
            .get_bits::<16>(abi::link::header::receive_queue_id::SHIFT);
        self.match_length.next = self
            .frames
            .header
            .val()
            .get_bits::<8>(abi::link::header::length::SHIFT);
        self.match_valid.next = self.matching.val();
        self.front_source_node.next = self
            .frames
            .header
            .val()
            .get_bits::<16>(abi::link::header::source_node::SHIFT);
        self.front_source_queue.next = self
            .frames
            .header
            .val()
            .get_bits::<8>(abi::link::header::source_queue::SHIFT);
        self.flows.node.next = self.front_source_node.val().get_bits::<6>(0);
        self.flows.queue.next = self.front_source_queue.val().get_bits::<4>(0);
        self.marked.next = self
            .header
            .q
            .val()
            .get_bit(abi::link::header::marked::SHIFT);
        self.restart.next = self
            .header
            .q
            .val()
            .get_bit(abi::link::header::restart::SHIFT);
        self.source_node.next = self
            .header
            .q
            .val()
            .get_bits::<16>(abi::link::header::source_node::SHIFT);
        self.receive_queue_id.next = self
            .header
            .q
            .val()
            .get_bits::<16>(abi::link::header::receive_queue_id::SHIFT);
        self.source_queue.next = self
            .header
            .q
            .val()
            .get_bits::<8>(abi::link::header::source_queue::SHIFT);
        self.tag.next = self
            .header
            .q
            .val()
            .get_bits::<8>(abi::link::header::tag::SHIFT);
        self.length.next = self
            .header
            .q
            .val()
            .get_bits::<8>(abi::link::header::length::SHIFT);
        self.slot.next = self
            .header
            .q
            .val()
            .get_bits::<4>(abi::link::header::slot::SHIFT);
        self.flows.write_node.next = self.source_node.val().get_bits::<6>(0);
        self.flows.write_queue.next = self.source_queue.val().get_bits::<4>(0);

        // Judgement: exactly one of these in the cycle `Judge`.
        self.judged.next = self.state.q.val() == ReceiveState::Judge;
        self.skips.next = self.judged.val() & self.flows.skipping.val() & !self.restart.val();
        self.misses.next = self.judged.val() & !self.skips.val() & !self.found.val();
        self.too_long.next =
            self.judged.val() & !self.skips.val() & self.found.val() & self.too_small.val();
        self.fills.next = self.judged.val()
            & !self.skips.val()
            & self.found.val()
            & !self.too_small.val()
            & self.full.val();
        self.accepts.next = self.judged.val()
            & !self.skips.val()
            & self.found.val()
            & !self.too_small.val()
            & !self.full.val();
        self.flows.write.next = self.judged.val() & !self.skips.val();
        self.flows.skip.next = self.fills.val();
        self.receive_stale.next = self.skips.val();
        self.receive_miss.next = self.misses.val();
        self.entry_too_small.next = self.too_long.val();
        self.receive_full.next = self.fills.val();
        self.matched.next = self.judged.val() & self.found.val() & self.marked.val();

        // Payload, one beat ahead of the requester.
        self.payload.open.next = self.state.q.val() == ReceiveState::Match;
        self.payload.first.next =
            self.matching.val() & !self.is_packet.val() & self.frames.beat_valid.val();
        self.payload.length.next = self.length.val();
        self.payload.measure.next = self.judged.val();
        self.payload.fetch.next = self.judged.val()
            | (self.state.q.val() == ReceiveState::Describe)
            | (self.state.q.val() == ReceiveState::Payload);
        self.payload.take.next = (self.state.q.val() == ReceiveState::Payload)
            & self.payload.valid.val()
            & self.write_packets.ready.val();

        // Towards the requester.
        self.describes_payload.next =
            (self.state.q.val() == ReceiveState::Describe) & self.payload.is_long.val();
        self.entry_bytes.next = self.entry_write_bytes.val();
        self.marks.next = (self.state.q.val() == ReceiveState::Describe) & self.marked.val();
        self.entry_address.next = self.ring.q.val() + bit_cast::<64, 24>(self.offset.q.val());
        self.address.next = self.entry_address.val();
        if self.describes_payload.val() {
            self.entry_bytes.next = bit_cast::<16, 9>(self.payload.bytes.val());
            // The entry stands at a multiple of 32 bytes then: no carry, and no choice before the sum.
            self.address.next = self.entry_address.val() | self.payload_offset.val();
        }
        self.fields.next = (bit_cast::<64, 8>(self.tag.val())
            << abi::message::receive_descriptor::tag::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 8>(self.length.val())
                << abi::message::receive_descriptor::length::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 16>(self.source_node.val())
                << abi::message::receive_descriptor::source_node::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 8>(self.source_queue.val())
                << abi::message::receive_descriptor::source_queue::SHIFT.to_bits::<6>());
        self.descriptor.next = self
            .fields
            .val()
            .replace_bit(
                abi::message::receive_descriptor::phase::SHIFT,
                self.entry_phase.q.val(),
            )
            .replace_bit(
                abi::message::receive_descriptor::marked::SHIFT,
                self.marked.val(),
            );

        self.write_packets.valid.next = false;
        self.write_packets.beat.next.last = false;
        self.write_packets.beat.next.data = bit_cast::<128, 64>(self.address.val())
            | (bit_cast::<128, 16>(self.entry_bytes.val())
                << write_packet::LENGTH_SHIFT.to_bits::<7>())
            | (bit_cast::<128, 1>(self.marks.val().into())
                << write_packet::MARKED_BIT.to_bits::<7>());
        self.frames.begins.next = false;
        self.frames.beat_ready.next = self.payload.beat_ready.val();
        self.inbox.take.next = false;
        self.advance.next = false;
        self.request_out.next = false;
        self.packet_received.next = false;
        self.packet_dropped.next = false;
        self.message_received.next = false;
        self.checked.next = false;
        self.event_pulse.d.next = false;
        self.event_register.d.next.kind = abi::event::kind::RECEIVE_MISS.to_bits();
        self.event_register.d.next.index = self.source_queue.val();
        self.event_register.d.next.code = 0.into();
        self.event_register.d.next.data = (bit_cast::<32, 16>(self.source_node.val()) << 16)
            | bit_cast::<32, 16>(self.receive_queue_id.val());
        self.answers_now.next = false;
        self.answers.data_in.next.node = self.source_node.val();
        self.answers.data_in.next.queue = self.source_queue.val();
        self.answers.data_in.next.slot = self.slot.val();
        self.answers.data_in.next.status = self.refusal.q.val();

        match self.state.q.val() {
            ReceiveState::Match => {
                self.header.d.next = self.frames.header.val();
                self.frames.beat_ready.next = self.matching.val() & !self.is_packet.val();
                if self.matching.val() & (self.is_packet.val() | self.frames.beat_valid.val()) {
                    self.frames.begins.next = true;
                    self.checked.next = !self.is_packet.val()
                        & self
                            .frames
                            .header
                            .val()
                            .get_bit(abi::link::header::marked::SHIFT);
                    self.state.d.next = ReceiveState::Judge;
                    if self.is_packet.val() {
                        self.state.d.next = ReceiveState::Inbox;
                        if !self.inbox.free.val() {
                            self.packet_dropped.next = true;
                            self.state.d.next = ReceiveState::Drain;
                        }
                    }
                }
            }
            ReceiveState::Judge => {
                self.ring.d.next = self.ring_address.val();
                self.offset.d.next = self.entry_offset.val();
                self.entry_phase.d.next = self.phase.val();
                self.state.d.next = ReceiveState::Refuse;
                self.refusal.d.next = abi::link::status::FULL.to_bits();
                if self.misses.val() {
                    self.refusal.d.next = abi::link::status::NOT_RESIDENT.to_bits();
                }
                if self.too_long.val() {
                    self.refusal.d.next = abi::link::status::ENTRY_TOO_SMALL.to_bits();
                }
                if self.skips.val() {
                    self.state.d.next = ReceiveState::Drain;
                }
                if self.accepts.val() {
                    self.refusal.d.next = abi::link::status::ACCEPTED.to_bits();
                    self.state.d.next = ReceiveState::Describe;
                }
            }
            ReceiveState::Describe => {
                self.write_packets.valid.next = true;
                if self.write_packets.ready.val() {
                    self.request_out.next = self.marked.val();
                    self.state.d.next = ReceiveState::Entry;
                    if self.payload.is_long.val() {
                        self.state.d.next = ReceiveState::Payload;
                    }
                }
            }
            ReceiveState::Payload => {
                self.write_packets.valid.next = self.payload.valid.val();
                self.write_packets.beat.next.last = self.payload.last.val();
                self.write_packets.beat.next.data = self.payload.data.val();
                if self.payload.take.val() & self.payload.last.val() {
                    self.state.d.next = ReceiveState::DescribeEntry;
                }
            }
            ReceiveState::DescribeEntry => {
                self.write_packets.valid.next = true;
                if self.write_packets.ready.val() {
                    self.state.d.next = ReceiveState::Entry;
                }
            }
            ReceiveState::Entry => {
                self.write_packets.valid.next = true;
                self.write_packets.beat.next.last = true;
                self.write_packets.beat.next.data = bit_cast::<128, 64>(self.descriptor.val())
                    | (bit_cast::<128, 64>(self.payload.head.val()) << 64);
                if self.write_packets.ready.val() {
                    self.advance.next = true;
                    self.message_received.next = true;
                    self.answers_now.next = true;
                    self.state.d.next = ReceiveState::Match;
                }
            }
            ReceiveState::Refuse => {
                self.answers_now.next = true;
                self.event_pulse.d.next =
                    self.refusal.q.val() == abi::link::status::NOT_RESIDENT.to_bits();
                self.state.d.next = ReceiveState::Drain;
                if self.payload.ended.val() {
                    self.state.d.next = ReceiveState::Match;
                }
            }
            ReceiveState::Inbox => {
                self.frames.beat_ready.next = true;
                self.inbox.take.next = self.frames.beat_valid.val();
                self.event_register.d.next.kind = abi::event::kind::PACKET.to_bits();
                self.event_register.d.next.index = bit_cast::<8, 2>(self.inbox.place.val());
                self.event_register.d.next.data = (bit_cast::<32, 16>(self.source_node.val())
                    << 16)
                    | (bit_cast::<32, 8>(self.length.val()) << 8)
                    | bit_cast::<32, 8>(self.tag.val());
                if self.frames.beat_valid.val() & self.frames.beat.val().last {
                    self.packet_received.next = true;
                    self.event_pulse.d.next = true;
                    self.state.d.next = ReceiveState::Match;
                }
            }
            _ => {
                // Drain.
                self.frames.beat_ready.next = !self.payload.ended.val();
                if self.payload.ended.val()
                    | (self.frames.beat_valid.val() & self.frames.beat.val().last)
                {
                    self.state.d.next = ReceiveState::Match;
                }
            }
        }
        self.answers.write.next = self.answers_now.val();
        self.acknowledge_valid.next = !self.answers.empty.val();
        self.acknowledge.next = self.answers.data_out.val();
        self.answers.read.next = self.acknowledge_ready.val();
        self.holds_ring.next = self.judged.val()
            | (self.state.q.val() == ReceiveState::Describe)
            | (self.state.q.val() == ReceiveState::Payload)
            | (self.state.q.val() == ReceiveState::DescribeEntry)
            | (self.state.q.val() == ReceiveState::Entry);
        self.event_valid.next = self.event_pulse.q.val();
        self.event_word.next = self.event_register.q.val();
        self.inbox_valid.next = self.inbox.inbox_valid.val();
        self.inbox_address.next = self.inbox.inbox_address.val();
        self.inbox_data.next = self.inbox.inbox_data.val();
        self.inbox_enables.next = self.inbox.inbox_enables.val();

        if self.reset.val() {
            self.state.d.next = ReceiveState::Match;
            self.event_pulse.d.next = false;
        }
    }
}
