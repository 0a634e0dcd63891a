//! Tells valid frames from others.

use crate::configuration::{NODES_LOG2, PEER_QUEUES_LOG2};
use crate::library::crc32::{CrcStep, RESIDUE, START};
use crate::library::fixed::Fixed;
use crate::library::stream::Beat;
use rust_hdl::prelude::*;

/// Checks CRC, version, kind, length and addresses of the frames that come in (V28).
///
/// Contract: beats come in any cycles. `starts`, `channel`, `store`, `storable_next` and `frame_in` belong to the
/// beat of this cycle. Everything else belongs to the frame whose last beat came in the cycle before (`ended_0`,
/// `ended_1`), of which exactly one of `whole`, `corrupt`, `version`, `misrouted` is high. `crc_right` is on the
/// critical path: all else that decides about a frame is known in the cycle of its last beat (`storable_next`).
///
/// After a reset in the middle of a frame the rest of it is taken for a frame: its CRC is wrong, so
/// it is counted as corrupt.
///
/// Latency: verdict one cycle after the last beat.
#[derive(LogicBlock, Default)]
pub struct FrameCheck {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A beat comes in.
    pub valid: Signal<In, Bit>,
    /// Its 16 bytes, and whether the frame ends.
    pub beat: Signal<In, Beat>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,
    /// The beat is the first one of its frame.
    pub starts: Signal<Out, Bit>,
    /// Virtual channel of the beat.
    pub channel: Signal<Out, Bit>,
    /// The beat may be part of a legal frame.
    pub store: Signal<Out, Bit>,
    /// Stage: last beat of a marked message's frame.
    pub frame_in: Signal<Out, Bit>,
    /// A frame ended in the cycle before, in virtual channel 0.
    pub ended_0: Signal<Out, Bit>,
    /// A frame ended in the cycle before, in virtual channel 1.
    pub ended_1: Signal<Out, Bit>,
    /// The beat ends a message, a firmware packet or a frame of remote memory that is valid if its CRC is.
    pub storable_next: Signal<Out, Bit>,
    /// The CRC of the frame is right. Means nothing without `ended_0` or `ended_1`.
    pub crc_right: Signal<Out, Bit>,
    /// The frame is valid.
    pub whole: Signal<Out, Bit>,
    /// CRC, length or kind are wrong.
    pub corrupt: Signal<Out, Bit>,
    /// The frame is of another version.
    pub version: Signal<Out, Bit>,
    /// The frame is for another node or from an impossible one.
    pub misrouted: Signal<Out, Bit>,
    /// Beats behind the header that its length asks for, 1 to 17. Holds from the cycle after the header beat.
    pub payload_beats: Signal<Out, Bits<5>>,
    /// It is a message, a firmware packet or a frame of remote memory.
    pub is_stored: Signal<Out, Bit>,
    /// It is a ping.
    pub is_ping: Signal<Out, Bit>,
    /// It is a credit frame.
    pub is_credit: Signal<Out, Bit>,
    /// It is an answer.
    pub is_answer: Signal<Out, Bit>,
    /// Its first beat, without the bits that hold the CRC of a single-beat frame.
    pub header: Signal<Out, Bits<96>>,

    crc: CrcStep,
    crc_state: DFF<Bits<32>>,
    in_frame: DFF<Bit>,
    /// Beats of the frame so far; stops at `abi::link::MAXIMUM_FRAME_BEATS`.
    beats: DFF<Bits<5>>,
    ended_0_register: DFF<Bit>,
    ended_1_register: DFF<Bit>,
    /// Number of beats and kind agree.
    size_right: DFF<Bit>,
    header_register: DFF<Bits<96>>,
    beats_wanted: DFF<Bits<5>>,
    length_legal: DFF<Bit>,
    stored_kind: DFF<Bit>,
    ping_kind: DFF<Bit>,
    credit_kind: DFF<Bit>,
    answer_kind: DFF<Bit>,
    version_right: DFF<Bit>,
    route_right: DFF<Bit>,
    marked_message: DFF<Bit>,

    data: Signal<Local, Bits<128>>,
    last: Signal<Local, Bit>,
    kind: Signal<Local, Bits<4>>,
    frame_version: Signal<Local, Bits<4>>,
    destination: Signal<Local, Bits<10>>,
    source: Signal<Local, Bits<10>>,
    slot: Signal<Local, Bits<8>>,
    /// The bits that are zero in every possible source node and slot.
    source_excess: Signal<Local, Bits<10>>,
    slot_excess: Signal<Local, Bits<8>>,
    length: Signal<Local, Bits<8>>,
    length_wide: Signal<Local, Bits<9>>,
    bytes_rounded: Signal<Local, Bits<9>>,
    is_message: Signal<Local, Bit>,
    is_packet: Signal<Local, Bit>,
    is_bulk: Signal<Local, Bit>,
    bulk_words: Signal<Local, Bits<9>>,
    is_ping_now: Signal<Local, Bit>,
    is_credit_now: Signal<Local, Bit>,
    is_answer_now: Signal<Local, Bit>,
    frame_ends: Signal<Local, Bit>,
    ended: Signal<Local, Bit>,
    /// Number of beats and kind agree, if the beat ends a frame of two beats or more.
    stored_size_right: Signal<Local, Bit>,
    crc_initial: Fixed<32, { START as usize }>,
    crc_residue: Fixed<32, { RESIDUE as usize }>,
    /// 15 bytes to round up to beats, and 4 of CRC; the same in double words.
    rounding: Fixed<9, { 15 + abi::link::CRC_BYTES }>,
    bulk_rounding: Fixed<9, { 3 + abi::link::CRC_BYTES / 4 }>,
    /// Sub-header and data.
    most_bulk_words: Fixed<8, { 2 + abi::message::BLOCK_BYTES / 4 }>,
    impossible_source: Fixed<10, { ((1 << 10) - 1) ^ ((1 << NODES_LOG2) - 1) }>,
    impossible_slot: Fixed<8, { ((1 << 8) - 1) ^ ((1 << PEER_QUEUES_LOG2) - 1) }>,
}

impl Logic for FrameCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            crc_state,
            in_frame,
            beats,
            ended_0_register,
            ended_1_register,
            size_right,
            header_register,
            beats_wanted,
            length_legal,
            stored_kind,
            ping_kind,
            credit_kind,
            answer_kind,
            version_right,
            route_right,
            marked_message
        );

        // What the beat says if it is a header.
        self.data.next = self.beat.val().data;
        self.last.next = self.beat.val().last;
        self.kind.next = self
            .data
            .val()
            .get_bits::<4>(abi::link::header::kind::SHIFT);
        self.frame_version.next = self
            .data
            .val()
            .get_bits::<4>(abi::link::header::version::SHIFT);
        self.destination.next = self
            .data
            .val()
            .get_bits::<10>(abi::link::header::destination_node::SHIFT);
        self.source.next = self
            .data
            .val()
            .get_bits::<10>(abi::link::header::source_node::SHIFT);
        self.slot.next = self
            .data
            .val()
            .get_bits::<8>(abi::link::header::slot::SHIFT);
        self.source_excess.next = self.source.val() & self.impossible_source.val();
        self.slot_excess.next = self.slot.val() & self.impossible_slot.val();
        self.length.next = self
            .data
            .val()
            .get_bits::<8>(abi::link::header::length::SHIFT);
        self.length_wide.next = bit_cast::<9, 8>(self.length.val());
        self.bytes_rounded.next = self.length_wide.val() + self.rounding.val();
        self.is_message.next = self.kind.val() == abi::link::kind::MESSAGE.to_bits();
        self.is_packet.next = self.kind.val() == abi::link::kind::PACKET.to_bits();
        self.is_bulk.next = self.kind.val() == abi::link::kind::BULK.to_bits();
        self.bulk_words.next = self.length_wide.val() + self.bulk_rounding.val();
        self.is_ping_now.next = self.kind.val() == abi::link::kind::PING.to_bits();
        self.is_credit_now.next = self.kind.val() == abi::link::kind::CREDIT.to_bits();
        self.is_answer_now.next = self.kind.val().get_bit(abi::link::ANSWER_SHIFT);

        // The beat against the frame so far.
        self.crc.state.next = self.crc_initial.val();
        self.starts.next = self.valid.val() & !self.in_frame.q.val();
        self.channel.next = self
            .data
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.store.next = self.valid.val();
        if self.in_frame.q.val() {
            self.crc.state.next = self.crc_state.q.val();
            self.channel.next = self
                .header_register
                .q
                .val()
                .get_bit(abi::link::header::virtual_channel::SHIFT);
            self.store.next =
                self.valid.val() & (self.beats.q.val() != abi::link::MAXIMUM_FRAME_BEATS.to_bits());
        }
        self.crc.data.next = self.data.val();
        self.crc.partial.next = false;
        self.frame_ends.next = self.valid.val() & self.last.val();
        self.frame_in.next =
            self.frame_ends.val() & self.in_frame.q.val() & self.marked_message.q.val();
        self.stored_size_right.next = self.stored_kind.q.val()
            & self.length_legal.q.val()
            & (self.beats.q.val() == self.beats_wanted.q.val());
        self.storable_next.next = self.frame_ends.val()
            & self.in_frame.q.val()
            & self.stored_size_right.val()
            & self.version_right.q.val()
            & self.route_right.q.val();

        self.ended_0_register.d.next = self.frame_ends.val() & !self.channel.val();
        self.ended_1_register.d.next = self.frame_ends.val() & self.channel.val();
        if self.valid.val() {
            self.in_frame.d.next = !self.last.val();
            self.crc_state.d.next = self.crc.next_state.val();
            if self.in_frame.q.val() {
                if self.beats.q.val() != abi::link::MAXIMUM_FRAME_BEATS.to_bits() {
                    self.beats.d.next = self.beats.q.val() + 1;
                }
                self.size_right.d.next = self.stored_size_right.val();
            } else {
                self.beats.d.next = 1.into();
                self.size_right.d.next =
                    self.is_ping_now.val() | self.is_credit_now.val() | self.is_answer_now.val();
                self.header_register.d.next = self.data.val().get_bits::<96>(0);
                self.beats_wanted.d.next = self.bytes_rounded.val().get_bits::<5>(4);
                self.length_legal.d.next =
                    self.length.val() <= abi::message::MAXIMUM_PAYLOAD_BYTES.to_bits();
                if self.is_bulk.val() {
                    self.beats_wanted.d.next = self.bulk_words.val().get_bits::<5>(2);
                    self.length_legal.d.next = (self.length.val() >= 2)
                        & (self.length.val() <= self.most_bulk_words.val());
                }
                self.stored_kind.d.next =
                    self.is_message.val() | self.is_packet.val() | self.is_bulk.val();
                self.ping_kind.d.next = self.is_ping_now.val();
                self.credit_kind.d.next = self.is_credit_now.val();
                self.answer_kind.d.next = self.is_answer_now.val();
                self.version_right.d.next =
                    self.frame_version.val() == abi::link::VERSION.to_bits();
                // Credit frames go from one end of the link to the other and name no destination.
                self.route_right.d.next = self.is_credit_now.val()
                    | ((self.destination.val() == self.node.val())
                        & !self.source_excess.val().any()
                        & (!self.is_message.val() | !self.slot_excess.val().any()));
                self.marked_message.d.next = (self.is_message.val() | self.is_bulk.val())
                    & self.data.val().get_bit(abi::link::header::marked::SHIFT);
            }
        }

        // The verdict.
        self.crc_right.next = self.crc_state.q.val() == self.crc_residue.val();
        self.ended_0.next = self.ended_0_register.q.val();
        self.ended_1.next = self.ended_1_register.q.val();
        self.ended.next = self.ended_0_register.q.val() | self.ended_1_register.q.val();
        self.whole.next = self.ended.val()
            & self.crc_right.val()
            & (self.version_right.q.val() & self.size_right.q.val() & self.route_right.q.val());
        self.corrupt.next = self.ended.val()
            & (!self.crc_right.val() | (self.version_right.q.val() & !self.size_right.q.val()));
        self.version.next = self.ended.val() & self.crc_right.val() & !self.version_right.q.val();
        self.misrouted.next = self.ended.val()
            & self.crc_right.val()
            & (self.version_right.q.val() & self.size_right.q.val() & !self.route_right.q.val());
        self.payload_beats.next = self.beats_wanted.q.val();
        self.is_stored.next = self.stored_kind.q.val();
        self.is_ping.next = self.ping_kind.q.val();
        self.is_credit.next = self.credit_kind.q.val();
        self.is_answer.next = self.answer_kind.q.val();
        self.header.next = self.header_register.q.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.ended_0_register.d.next = false;
            self.ended_1_register.d.next = false;
        }
    }
}
