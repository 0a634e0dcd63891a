//! Tells right frames from wrong ones.

use crate::library::crc32::CrcStep;
use crate::library::stream::Beat;
use rust_hdl::prelude::*;

/// Checks CRC, version, kind, length and addresses of the frames that come in (V28).
///
/// Contract: beats come in any cycles. `channel`, `store`, `storable_next` and `frame_in` belong to the beat of this cycle; everything else
/// to the frame whose last beat came in the cycle before (`ended_0`, `ended_1`), of which exactly one of `whole`, `corrupt`,
/// `version`, `misrouted` is high. `crc_right` comes late in its cycle: all else that decides about a frame is known in the
/// cycle of its last beat (`storable_next`), for those who have a long way to go with the verdict. A reset in the middle of a frame leaves the rest of it to be taken for a frame: its CRC is wrong, it
/// is counted as corrupt, and after its last beat all is well.
///
/// Latency: verdict one cycle after the last beat.
#[derive(LogicBlock)]
pub struct FrameCheck {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A beat comes in.
    pub valid: Signal<In, Bit>,
    /// The beat.
    pub beat: Signal<In, Beat>,
    /// This node's number.
    pub node: Signal<In, Bits<16>>,
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
    /// The beat ends a message or a packet that is right if its CRC is.
    pub storable_next: Signal<Out, Bit>,
    /// The CRC of the frame is right. Says nothing without `ended_0` or `ended_1`.
    pub crc_right: Signal<Out, Bit>,
    /// It is right.
    pub whole: Signal<Out, Bit>,
    /// CRC, length or kind are wrong.
    pub corrupt: Signal<Out, Bit>,
    /// It is of another version.
    pub version: Signal<Out, Bit>,
    /// It is for another node or from an impossible one.
    pub misrouted: Signal<Out, Bit>,
    /// Beats behind the header that its length asks for, 1 to 16. Holds from the cycle after the header beat.
    pub payload_beats: Signal<Out, Bits<5>>,
    /// It is a message or a packet.
    pub is_stored: Signal<Out, Bit>,
    /// It is an acknowledgement.
    pub is_acknowledge: Signal<Out, Bit>,
    /// It is a credit frame.
    pub is_credit: Signal<Out, Bit>,
    /// Its first beat.
    pub header: Signal<Out, Bits<128>>,

    crc: CrcStep,
    crc_state: DFF<Bits<32>>,
    /// Expected against received CRC; zero if the frame is unhurt.
    crc_difference: DFF<Bits<32>>,
    in_frame: DFF<Bit>,
    /// Beats of the frame so far; stops at 17.
    beats: DFF<Bits<5>>,
    ended_0_register: DFF<Bit>,
    ended_1_register: DFF<Bit>,
    /// Number of beats and kind agree.
    size_right: DFF<Bit>,
    header_register: DFF<Bits<128>>,
    beats_wanted: DFF<Bits<5>>,
    length_legal: DFF<Bit>,
    stored_kind: DFF<Bit>,
    single_kind: DFF<Bit>,
    version_right: DFF<Bit>,
    route_right: DFF<Bit>,
    marked_message: DFF<Bit>,

    data: Signal<Local, Bits<128>>,
    last: Signal<Local, Bit>,
    kind: Signal<Local, Bits<4>>,
    frame_version: Signal<Local, Bits<8>>,
    destination: Signal<Local, Bits<16>>,
    /// Source node without the bits of possible nodes.
    source_excess: Signal<Local, Bits<10>>,
    /// Source queue without the bits of possible queues.
    queue_excess: Signal<Local, Bits<4>>,
    length: Signal<Local, Bits<8>>,
    length_wide: Signal<Local, Bits<9>>,
    bytes_rounded: Signal<Local, Bits<9>>,
    is_message: Signal<Local, Bit>,
    is_packet: Signal<Local, Bit>,
    is_single: Signal<Local, Bit>,
    is_credit_now: Signal<Local, Bit>,
    header_kind: Signal<Local, Bits<4>>,
    received_crc: Signal<Local, Bits<32>>,
    frame_ends: Signal<Local, Bit>,
    ended: Signal<Local, Bit>,
    /// Number of beats and kind agree, if the beat ends a frame of two beats or more.
    stored_size_right: Signal<Local, Bit>,
    crc_initial: Constant<Bits<32>>,
    /// 15 to round up to beats, and 4 bytes of CRC.
    rounding: Constant<Bits<9>>,
}

impl Default for FrameCheck {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            valid: Default::default(),
            beat: Default::default(),
            node: Default::default(),
            channel: Default::default(),
            store: Default::default(),
            frame_in: Default::default(),
            ended_0: Default::default(),
            ended_1: Default::default(),
            storable_next: Default::default(),
            crc_right: Default::default(),
            whole: Default::default(),
            corrupt: Default::default(),
            version: Default::default(),
            misrouted: Default::default(),
            payload_beats: Default::default(),
            is_stored: Default::default(),
            is_acknowledge: Default::default(),
            is_credit: Default::default(),
            header: Default::default(),
            crc: Default::default(),
            crc_state: Default::default(),
            crc_difference: Default::default(),
            in_frame: Default::default(),
            beats: Default::default(),
            ended_0_register: Default::default(),
            ended_1_register: Default::default(),
            size_right: Default::default(),
            header_register: Default::default(),
            beats_wanted: Default::default(),
            length_legal: Default::default(),
            stored_kind: Default::default(),
            single_kind: Default::default(),
            version_right: Default::default(),
            route_right: Default::default(),
            marked_message: Default::default(),
            data: Default::default(),
            last: Default::default(),
            kind: Default::default(),
            frame_version: Default::default(),
            destination: Default::default(),
            source_excess: Default::default(),
            queue_excess: Default::default(),
            length: Default::default(),
            length_wide: Default::default(),
            bytes_rounded: Default::default(),
            is_message: Default::default(),
            is_packet: Default::default(),
            is_single: Default::default(),
            is_credit_now: Default::default(),
            header_kind: Default::default(),
            received_crc: Default::default(),
            frame_ends: Default::default(),
            ended: Default::default(),
            stored_size_right: Default::default(),
            crc_initial: Constant::new(0xffff_ffffu64.to_bits()),
            rounding: Constant::new((15 + abi::link::CRC_BYTES).to_bits()),
        }
    }
}

impl Logic for FrameCheck {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            crc_state,
            crc_difference,
            in_frame,
            beats,
            ended_0_register,
            ended_1_register,
            size_right,
            header_register,
            beats_wanted,
            length_legal,
            stored_kind,
            single_kind,
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
            .get_bits::<8>(abi::link::header::version::SHIFT);
        self.destination.next = self
            .data
            .val()
            .get_bits::<16>(abi::link::header::destination_node::SHIFT);
        // `queue_state::MAXIMUM_NODES` is 64 and `TRANSMIT_QUEUES` 16: source node bits 6 and up, source queue bits 4 and up.
        self.source_excess.next = self.data.val().get_bits::<10>(38);
        self.queue_excess.next = self.data.val().get_bits::<4>(100);
        self.length.next = self
            .data
            .val()
            .get_bits::<8>(abi::link::header::length::SHIFT);
        self.length_wide.next = bit_cast::<9, 8>(self.length.val());
        self.bytes_rounded.next = self.length_wide.val() + self.rounding.val();
        self.is_message.next = self.kind.val() == abi::link::kind::MESSAGE.to_bits();
        self.is_packet.next = self.kind.val() == abi::link::kind::PACKET.to_bits();
        self.is_credit_now.next = self.kind.val() == abi::link::kind::CREDIT.to_bits();
        self.is_single.next =
            self.is_credit_now.val() | (self.kind.val() == abi::link::kind::ACKNOWLEDGE.to_bits());

        // The beat against the frame so far.
        self.crc.state.next = self.crc_initial.val();
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
        self.received_crc.next = self.data.val().get_bits::<32>(abi::link::CRC_SHIFT);
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
            self.crc_state.d.next = self.crc.next_whole.val();
            // The CRC is sent complemented.
            self.crc_difference.d.next =
                (self.crc.next_partial.val() ^ self.received_crc.val()) ^ self.crc_initial.val();
            if self.in_frame.q.val() {
                if self.beats.q.val() != abi::link::MAXIMUM_FRAME_BEATS.to_bits() {
                    self.beats.d.next = self.beats.q.val() + 1;
                }
                self.size_right.d.next = self.stored_size_right.val();
            } else {
                self.beats.d.next = 1.into();
                self.size_right.d.next = self.is_single.val();
                self.header_register.d.next = self.data.val();
                self.beats_wanted.d.next = self.bytes_rounded.val().get_bits::<5>(4);
                self.length_legal.d.next =
                    self.length.val() <= abi::message::MAXIMUM_PAYLOAD_BYTES.to_bits();
                self.stored_kind.d.next = self.is_message.val() | self.is_packet.val();
                self.single_kind.d.next = self.is_single.val();
                self.version_right.d.next =
                    self.frame_version.val() == abi::link::VERSION.to_bits();
                // Credit frames go from one end of the link to the other and name no destination.
                self.route_right.d.next = self.is_credit_now.val()
                    | ((self.destination.val() == self.node.val())
                        & !self.source_excess.val().any()
                        & (!self.is_message.val() | !self.queue_excess.val().any()));
                self.marked_message.d.next = self.is_message.val()
                    & self.data.val().get_bit(abi::link::header::marked::SHIFT);
            }
        }

        // The verdict.
        self.crc_right.next = !self.crc_difference.q.val().any();
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
        self.header_kind.next = self
            .header_register
            .q
            .val()
            .get_bits::<4>(abi::link::header::kind::SHIFT);
        self.is_acknowledge.next = self.single_kind.q.val()
            & (self.header_kind.val() == abi::link::kind::ACKNOWLEDGE.to_bits());
        self.is_credit.next = self.single_kind.q.val()
            & (self.header_kind.val() == abi::link::kind::CREDIT.to_bits());
        self.header.next = self.header_register.q.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.ended_0_register.d.next = false;
            self.ended_1_register.d.next = false;
        }
    }
}
