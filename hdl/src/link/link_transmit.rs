//! Frames out to the peer.

use super::credit_gate::CreditGate;
use crate::bundles::Acknowledgement;
use crate::library::crc32::CrcStep;
use crate::library::stream::{Beat, StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// Puts frames, packets, acknowledgements and credits on the wire, and appends the CRC (V20, V28).
///
/// Contract: `frame` and `packet` carry whole frames whose last beat leaves bits 127:96 to the CRC; none begins without
/// credit for a longest frame. At frame boundaries credit frames go first when due; an acknowledgement goes next unless
/// one went just before and a frame or packet could go, so each waits for at most one of the other; frames and packets
/// take turns. Acknowledgements and credit frames take no credit.
///
/// Latency: header beat accepted in cycle t is on `link` in t + 1. One beat a cycle. The CRC is worked out behind the output
/// register, so that the way from the queues' memories to that register stays short.
#[derive(LogicBlock)]
pub struct LinkTransmit {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// This node's number.
    pub node: Signal<In, Bits<16>>,
    /// Message frames from the transmit engine.
    pub frame: StreamSink,
    /// Packet frames from the firmware.
    pub packet: StreamSink,
    /// An acknowledgement is to be sent.
    pub acknowledge_valid: Signal<In, Bit>,
    /// It is taken in this cycle.
    pub acknowledge_ready: Signal<Out, Bit>,
    /// The acknowledgement; `node` is where it goes.
    pub acknowledge: Signal<In, Acknowledgement>,
    /// Pulse: a credit frame came from the peer.
    pub credit_valid: Signal<In, Bit>,
    /// With `credit_valid`: the peer's limit for virtual channel 0.
    pub limit_0: Signal<In, Bits<16>>,
    /// With `credit_valid`: the peer's limit for virtual channel 1.
    pub limit_1: Signal<In, Bits<16>>,
    /// Our own limit for virtual channel 0.
    pub our_limit_0: Signal<In, Bits<16>>,
    /// Our own limit for virtual channel 1.
    pub our_limit_1: Signal<In, Bits<16>>,
    /// A frame of virtual channel 0 that is chosen now will find credit (`CreditGate::room`).
    pub room_0: Signal<Out, Bit>,
    /// A frame of virtual channel 1 that is chosen now will find credit.
    pub room_1: Signal<Out, Bit>,
    /// To the wire.
    pub link: StreamSource,
    /// Pulse: a message's header was accepted.
    pub message_sent: Signal<Out, Bit>,
    /// Stage: the header of a marked message left on `link`.
    pub frame_out: Signal<Out, Bit>,

    gate_0: CreditGate,
    gate_1: CreditGate,
    crc: CrcStep,
    crc_state: DFF<Bits<32>>,
    occupied: DFF<Bit>,
    held: DFF<Beat>,
    /// The beat in `held` is the header of a marked message.
    held_marked: DFF<Bit>,
    in_frame: DFF<Bit>,
    /// The frame under way, or the last one, comes from `packet`.
    from_packet: DFF<Bit>,
    /// Virtual channel of the frame under way.
    channel: DFF<Bit>,
    /// The last thing sent was an acknowledgement.
    acknowledged: DFF<Bit>,
    credit_due: DFF<Bit>,
    /// Cycles since the last credit frame.
    credit_age: DFF<Bits<11>>,
    told_0: DFF<Bits<16>>,
    told_1: DFF<Bits<16>>,

    slot_free: Signal<Local, Bit>,
    frame_data: Signal<Local, Bits<128>>,
    packet_data: Signal<Local, Bits<128>>,
    chosen_data: Signal<Local, Bits<128>>,
    chosen_last: Signal<Local, Bit>,
    chosen_channel: Signal<Local, Bit>,
    frame_kind: Signal<Local, Bits<4>>,
    frame_channel: Signal<Local, Bit>,
    packet_channel: Signal<Local, Bit>,
    frame_may: Signal<Local, Bit>,
    packet_may: Signal<Local, Bit>,
    pick_packet: Signal<Local, Bit>,
    send_credit: Signal<Local, Bit>,
    send_acknowledge: Signal<Local, Bit>,
    acknowledge_next: Signal<Local, Bit>,
    may_begin: Signal<Local, Bit>,
    frame_next: Signal<Local, Bit>,
    packet_next: Signal<Local, Bit>,
    take_frame: Signal<Local, Bit>,
    take_packet: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    sends_message: Signal<Local, Bit>,
    credit_word: Signal<Local, Bits<128>>,
    acknowledge_word: Signal<Local, Bits<128>>,
    acknowledge_queue: Signal<Local, Bits<8>>,
    acknowledge_slot: Signal<Local, Bits<4>>,
    acknowledge_status: Signal<Local, Bits<4>>,
    acknowledge_node: Signal<Local, Bits<16>>,
    freed_0: Signal<Local, Bits<16>>,
    freed_1: Signal<Local, Bits<16>>,
    held_data: Signal<Local, Bits<128>>,
    held_last: Signal<Local, Bit>,
    frame_crc: Signal<Local, Bits<32>>,
    crc_initial: Constant<Bits<32>>,
    credit_prefix: Constant<Bits<128>>,
    acknowledge_prefix: Constant<Bits<128>>,
}

impl Default for LinkTransmit {
    fn default() -> Self {
        use abi::link::{VERSION, acknowledgement, credit, kind};
        let credit_prefix =
            credit::kind::set(credit::version::set(0, VERSION as u64), kind::CREDIT as u64);
        let acknowledge_prefix = acknowledgement::kind::set(
            acknowledgement::version::set(
                acknowledgement::virtual_channel::set(0, 1),
                VERSION as u64,
            ),
            kind::ACKNOWLEDGE as u64,
        );
        Self {
            clock: Default::default(),
            reset: Default::default(),
            node: Default::default(),
            frame: Default::default(),
            packet: Default::default(),
            acknowledge_valid: Default::default(),
            acknowledge_ready: Default::default(),
            acknowledge: Default::default(),
            credit_valid: Default::default(),
            limit_0: Default::default(),
            limit_1: Default::default(),
            our_limit_0: Default::default(),
            our_limit_1: Default::default(),
            room_0: Default::default(),
            room_1: Default::default(),
            link: Default::default(),
            message_sent: Default::default(),
            frame_out: Default::default(),
            gate_0: Default::default(),
            gate_1: Default::default(),
            crc: Default::default(),
            crc_state: Default::default(),
            occupied: Default::default(),
            held: Default::default(),
            held_marked: Default::default(),
            in_frame: Default::default(),
            from_packet: Default::default(),
            channel: Default::default(),
            acknowledged: Default::default(),
            credit_due: Default::default(),
            credit_age: Default::default(),
            told_0: Default::default(),
            told_1: Default::default(),
            slot_free: Default::default(),
            frame_data: Default::default(),
            packet_data: Default::default(),
            chosen_data: Default::default(),
            chosen_last: Default::default(),
            chosen_channel: Default::default(),
            frame_kind: Default::default(),
            frame_channel: Default::default(),
            packet_channel: Default::default(),
            frame_may: Default::default(),
            packet_may: Default::default(),
            pick_packet: Default::default(),
            send_credit: Default::default(),
            send_acknowledge: Default::default(),
            acknowledge_next: Default::default(),
            may_begin: Default::default(),
            frame_next: Default::default(),
            packet_next: Default::default(),
            take_frame: Default::default(),
            take_packet: Default::default(),
            take: Default::default(),
            sends_message: Default::default(),
            credit_word: Default::default(),
            acknowledge_word: Default::default(),
            acknowledge_queue: Default::default(),
            acknowledge_slot: Default::default(),
            acknowledge_status: Default::default(),
            acknowledge_node: Default::default(),
            freed_0: Default::default(),
            freed_1: Default::default(),
            held_data: Default::default(),
            held_last: Default::default(),
            frame_crc: Default::default(),
            crc_initial: Constant::new(0xffff_ffffu64.to_bits()),
            credit_prefix: Constant::new(credit_prefix.to_bits()),
            acknowledge_prefix: Constant::new(acknowledge_prefix.to_bits()),
        }
    }
}

impl Logic for LinkTransmit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            crc_state,
            occupied,
            held,
            held_marked,
            in_frame,
            from_packet,
            channel,
            acknowledged,
            credit_due,
            credit_age,
            told_0,
            told_1
        );
        clock!(self, clock, gate_0, gate_1);
        self.gate_0.reset.next = self.reset.val();
        self.gate_1.reset.next = self.reset.val();
        self.gate_0.limit_valid.next = self.credit_valid.val();
        self.gate_1.limit_valid.next = self.credit_valid.val();
        self.gate_0.limit.next = self.limit_0.val();
        self.gate_1.limit.next = self.limit_1.val();
        self.room_0.next = self.gate_0.room.val();
        self.room_1.next = self.gate_1.room.val();

        // Who may go.
        self.slot_free.next = !self.occupied.q.val() | self.link.ready.val();
        self.frame_data.next = self.frame.beat.val().data;
        self.packet_data.next = self.packet.beat.val().data;
        self.frame_kind.next = self
            .frame_data
            .val()
            .get_bits::<4>(abi::link::header::kind::SHIFT);
        self.frame_channel.next = self
            .frame_data
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.packet_channel.next = self
            .packet_data
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.frame_may.next = self.frame.valid.val()
            & ((self.gate_0.may_start.val() & !self.frame_channel.val())
                | (self.gate_1.may_start.val() & self.frame_channel.val()));
        self.packet_may.next = self.packet.valid.val()
            & ((self.gate_0.may_start.val() & !self.packet_channel.val())
                | (self.gate_1.may_start.val() & self.packet_channel.val()));
        self.pick_packet.next =
            self.packet_may.val() & (!self.frame_may.val() | !self.from_packet.q.val());
        // What goes at the next boundary does not depend on whether the output register is free; whether it goes does.
        self.acknowledge_next.next = !self.credit_due.q.val()
            & self.acknowledge_valid.val()
            & !(self.acknowledged.q.val() & (self.frame_may.val() | self.packet_may.val()));
        self.may_begin.next = !self.credit_due.q.val() & !self.acknowledge_next.val();
        self.send_credit.next =
            self.slot_free.val() & !self.in_frame.q.val() & self.credit_due.q.val();
        self.send_acknowledge.next =
            self.slot_free.val() & !self.in_frame.q.val() & self.acknowledge_next.val();

        self.frame_next.next =
            self.may_begin.val() & self.frame_may.val() & !self.pick_packet.val();
        self.packet_next.next = self.may_begin.val() & self.pick_packet.val();
        if self.in_frame.q.val() {
            self.frame_next.next = !self.from_packet.q.val() & self.frame.valid.val();
            self.packet_next.next = self.from_packet.q.val() & self.packet.valid.val();
        }
        self.take_frame.next = self.slot_free.val() & self.frame_next.val();
        self.take_packet.next = self.slot_free.val() & self.packet_next.val();
        self.take.next = self.take_frame.val() | self.take_packet.val();
        self.frame.ready.next = self.take_frame.val();
        self.packet.ready.next = self.take_packet.val();
        self.acknowledge_ready.next = self.send_acknowledge.val();

        self.chosen_data.next = self.frame_data.val();
        self.chosen_last.next = self.frame.beat.val().last;
        self.chosen_channel.next = self.frame_channel.val();
        if self.packet_next.val() {
            self.chosen_data.next = self.packet_data.val();
            self.chosen_last.next = self.packet.beat.val().last;
            self.chosen_channel.next = self.packet_channel.val();
        }
        if self.in_frame.q.val() {
            self.chosen_channel.next = self.channel.q.val();
        }
        self.gate_0.accepted.next = self.take.val() & !self.chosen_channel.val();
        self.gate_1.accepted.next = self.take.val() & self.chosen_channel.val();

        // The single-beat frames.
        self.credit_word.next = self.credit_prefix.val()
            | (bit_cast::<128, 16>(self.our_limit_0.val())
                << abi::link::credit::limit_0::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.our_limit_1.val())
                << abi::link::credit::limit_1::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.gate_0.sent.val())
                << abi::link::credit::sent_0::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.gate_1.sent.val())
                << abi::link::credit::sent_1::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.node.val())
                << abi::link::credit::source_node::SHIFT.to_bits::<7>());
        self.acknowledge_node.next = self.acknowledge.val().node;
        self.acknowledge_queue.next = self.acknowledge.val().queue;
        self.acknowledge_slot.next = self.acknowledge.val().slot;
        self.acknowledge_status.next = self.acknowledge.val().status;
        self.acknowledge_word.next = self.acknowledge_prefix.val()
            | (bit_cast::<128, 16>(self.acknowledge_node.val())
                << abi::link::acknowledgement::destination_node::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.node.val())
                << abi::link::acknowledgement::source_node::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 8>(self.acknowledge_queue.val())
                << abi::link::acknowledgement::queue::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 4>(self.acknowledge_slot.val())
                << abi::link::acknowledgement::slot_status::SHIFT.to_bits::<7>())
            // The high half of `slot_status`.
            | (bit_cast::<128, 4>(self.acknowledge_status.val()) << 92);

        self.sends_message.next = self.take_frame.val()
            & !self.in_frame.q.val()
            & (self.frame_kind.val() == abi::link::kind::MESSAGE.to_bits());
        self.message_sent.next = self.sends_message.val();

        // The output register.
        if self.slot_free.val() {
            self.occupied.d.next =
                self.take.val() | self.send_credit.val() | self.send_acknowledge.val();
            self.held.d.next.data = self.chosen_data.val();
            self.held.d.next.last = self.chosen_last.val();
            if self.send_credit.val() {
                self.held.d.next.data = self.credit_word.val();
                self.held.d.next.last = true;
            }
            if self.send_acknowledge.val() {
                self.held.d.next.data = self.acknowledge_word.val();
                self.held.d.next.last = true;
            }
            self.held_marked.d.next = self.sends_message.val()
                & self
                    .frame_data
                    .val()
                    .get_bit(abi::link::header::marked::SHIFT);
        }
        if self.take.val() {
            self.in_frame.d.next = !self.chosen_last.val();
            self.from_packet.d.next = self.take_packet.val();
            self.channel.d.next = self.chosen_channel.val();
            self.acknowledged.d.next = false;
        }
        if self.send_acknowledge.val() {
            self.acknowledged.d.next = true;
        }

        // When credits are due.
        self.freed_0.next = self.our_limit_0.val() - self.told_0.q.val();
        self.freed_1.next = self.our_limit_1.val() - self.told_1.q.val();
        if !self.credit_due.q.val() {
            self.credit_age.d.next = self.credit_age.q.val() + 1;
        }
        if (self.freed_0.val() >= crate::configuration::CREDIT_STEP_BEATS.to_bits())
            | (self.freed_1.val() >= crate::configuration::CREDIT_STEP_BEATS.to_bits())
            | (self.credit_age.q.val() >= crate::configuration::CREDIT_INTERVAL_CYCLES.to_bits())
        {
            self.credit_due.d.next = true;
        }
        if self.send_credit.val() {
            self.credit_due.d.next = false;
            self.credit_age.d.next = 0.into();
            self.told_0.d.next = self.our_limit_0.val();
            self.told_1.d.next = self.our_limit_1.val();
        }

        // Behind the output register: the CRC.
        self.held_data.next = self.held.q.val().data;
        self.held_last.next = self.held.q.val().last;
        self.crc.state.next = self.crc_state.q.val();
        self.crc.data.next = self.held_data.val();
        if self.occupied.q.val() & self.link.ready.val() {
            self.crc_state.d.next = self.crc.next_whole.val();
            if self.held_last.val() {
                self.crc_state.d.next = self.crc_initial.val();
            }
        }
        self.frame_crc.next = self.crc.next_partial.val() ^ self.crc_initial.val();
        self.link.valid.next = self.occupied.q.val();
        self.link.beat.next.data = self.held_data.val();
        self.link.beat.next.last = self.held_last.val();
        if self.held_last.val() {
            self.link.beat.next.data = bit_cast::<128, 96>(self.held_data.val().get_bits::<96>(0))
                | (bit_cast::<128, 32>(self.frame_crc.val())
                    << abi::link::CRC_SHIFT.to_bits::<7>());
        }
        self.frame_out.next =
            self.occupied.q.val() & self.link.ready.val() & self.held_marked.q.val();

        if self.reset.val() {
            self.crc_state.d.next = self.crc_initial.val();
            self.occupied.d.next = false;
            self.in_frame.d.next = false;
            self.from_packet.d.next = false;
            self.acknowledged.d.next = false;
            self.credit_due.d.next = true;
            self.credit_age.d.next = 0.into();
            self.told_0.d.next = 0.into();
            self.told_1.d.next = 0.into();
        }
    }
}
