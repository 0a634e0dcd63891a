//! Frames out to the peer.

use super::credit_gate::CreditGate;
use crate::bundles::Answer;
use crate::library::crc32::{CrcStep, START};
use crate::library::fixed::Fixed;
use crate::library::stream::{Beat, StreamSink, StreamSource};
use abi::link::{ANSWER_SHIFT, VERSION, answer, credit, kind};
use rust_hdl::prelude::*;

/// What all credit frames have in common.
const CREDIT_PREFIX: u128 =
    credit::kind::set(credit::version::set(0, VERSION as u64), kind::CREDIT as u64);

/// What all answers have in common.
const ANSWER_PREFIX: u128 = answer::kind::set(
    answer::version::set(answer::virtual_channel::set(0, 1), VERSION as u64),
    1 << ANSWER_SHIFT,
);

/// Puts message frames, firmware packets, answers and credits on the wire, and appends the CRC (V20, V28).
///
/// Contract: `frame` and `packet` carry whole frames whose last beat leaves bits 127:96 to the CRC. A frame of one
/// beat (a ping) takes no credit; any other begins only with credit for a longest frame. At frame boundaries a credit
/// frame goes first when due. An answer goes next unless one went just before and a frame or packet could go, so each
/// waits for at most one of the other. Frames and packets take turns. Answers and credit frames take no credit.
///
/// `link_idle` is high if in the cycle before an answer could have gone without holding up a frame.
///
/// Latency: header beat accepted in cycle t is on `link` in t + 1. One beat a cycle. The CRC is computed behind the
/// output register, so that the path from the queues' memories to that register stays short.
#[derive(LogicBlock, Default)]
pub struct LinkTransmit {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,
    /// Message frames and pings from the transmit engine.
    pub frame: StreamSink,
    /// Of the frame whose first beat is offered: it has no other beat, and its virtual channel.
    /// They come earlier than `frame`.
    pub frame_single: Signal<In, Bit>,
    pub frame_channel: Signal<In, Bit>,
    /// Packet frames from the firmware.
    pub packet: StreamSink,
    /// An answer is to be sent.
    pub answer_valid: Signal<In, Bit>,
    /// It is taken in this cycle.
    pub answer_ready: Signal<Out, Bit>,
    /// The answer; `node` is where it goes.
    pub answer: Signal<In, Answer>,
    /// See above.
    pub link_idle: Signal<Out, Bit>,
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
    /// The last thing sent was an answer.
    answered: DFF<Bit>,
    idle: DFF<Bit>,
    credit_due: DFF<Bit>,
    /// Cycles since the last credit frame.
    credit_age: DFF<Bits<11>>,
    told_0: DFF<Bits<16>>,
    told_1: DFF<Bits<16>>,

    register_free: Signal<Local, Bit>,
    frame_data: Signal<Local, Bits<128>>,
    packet_data: Signal<Local, Bits<128>>,
    chosen_data: Signal<Local, Bits<128>>,
    chosen_last: Signal<Local, Bit>,
    chosen_channel: Signal<Local, Bit>,
    packet_channel: Signal<Local, Bit>,
    frame_may: Signal<Local, Bit>,
    packet_may: Signal<Local, Bit>,
    pick_packet: Signal<Local, Bit>,
    special_next: Signal<Local, Bit>,
    send_credit: Signal<Local, Bit>,
    send_answer: Signal<Local, Bit>,
    answer_next: Signal<Local, Bit>,
    may_begin: Signal<Local, Bit>,
    frame_next: Signal<Local, Bit>,
    packet_next: Signal<Local, Bit>,
    packet_selected: Signal<Local, Bit>,
    take_frame: Signal<Local, Bit>,
    take_packet: Signal<Local, Bit>,
    take: Signal<Local, Bit>,
    takes_credit: Signal<Local, Bit>,
    sends_message: Signal<Local, Bit>,
    credit_word: Signal<Local, Bits<128>>,
    answer_word: Signal<Local, Bits<128>>,
    special_word: Signal<Local, Bits<128>>,
    answer_node: Signal<Local, Bits<10>>,
    answer_slot: Signal<Local, Bits<8>>,
    answer_generation: Signal<Local, Bits<8>>,
    answer_base: Signal<Local, Bits<7>>,
    answer_bitmap: Signal<Local, Bits<12>>,
    answer_verdict: Signal<Local, Bits<4>>,
    freed_0: Signal<Local, Bits<16>>,
    freed_1: Signal<Local, Bits<16>>,
    held_data: Signal<Local, Bits<128>>,
    held_last: Signal<Local, Bit>,
    frame_crc: Signal<Local, Bits<32>>,
    crc_initial: Fixed<32, { START as usize }>,
    credit_prefix: Fixed<128, { CREDIT_PREFIX as usize }>,
    answer_prefix: Fixed<128, { ANSWER_PREFIX as usize }>,
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
            answered,
            idle,
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
        self.register_free.next = !self.occupied.q.val() | self.link.ready.val();
        self.frame_data.next = self.frame.beat.val().data;
        self.packet_data.next = self.packet.beat.val().data;
        self.packet_channel.next = self
            .packet_data
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.frame_may.next = self.frame.valid.val()
            & (self.frame_single.val()
                | (self.gate_0.may_start.val() & !self.frame_channel.val())
                | (self.gate_1.may_start.val() & self.frame_channel.val()));
        self.packet_may.next = self.packet.valid.val()
            & ((self.gate_0.may_start.val() & !self.packet_channel.val())
                | (self.gate_1.may_start.val() & self.packet_channel.val()));
        self.pick_packet.next =
            self.packet_may.val() & (!self.frame_may.val() | !self.from_packet.q.val());
        // What goes at the next boundary does not depend on whether the output register is free; whether it goes does.
        self.answer_next.next = !self.credit_due.q.val()
            & self.answer_valid.val()
            & !(self.answered.q.val() & (self.frame_may.val() | self.packet_may.val()));
        self.special_next.next =
            !self.in_frame.q.val() & (self.credit_due.q.val() | self.answer_next.val());
        self.may_begin.next = !self.credit_due.q.val() & !self.answer_next.val();
        self.send_credit.next =
            self.register_free.val() & !self.in_frame.q.val() & self.credit_due.q.val();
        self.send_answer.next =
            self.register_free.val() & !self.in_frame.q.val() & self.answer_next.val();

        self.frame_next.next =
            self.may_begin.val() & self.frame_may.val() & !self.pick_packet.val();
        self.packet_next.next = self.may_begin.val() & self.pick_packet.val();
        self.packet_selected.next = self.pick_packet.val();
        if self.in_frame.q.val() {
            self.frame_next.next = !self.from_packet.q.val() & self.frame.valid.val();
            self.packet_next.next = self.from_packet.q.val() & self.packet.valid.val();
            self.packet_selected.next = self.from_packet.q.val();
        }
        self.take_frame.next = self.register_free.val() & self.frame_next.val();
        self.take_packet.next = self.register_free.val() & self.packet_next.val();
        self.take.next = self.take_frame.val() | self.take_packet.val();
        self.frame.ready.next = self.take_frame.val();
        self.packet.ready.next = self.take_packet.val();
        self.answer_ready.next = self.send_answer.val();
        self.idle.d.next = self.register_free.val()
            & !self.in_frame.q.val()
            & !self.frame_may.val()
            & !self.packet_may.val();
        self.link_idle.next = self.idle.q.val();

        self.chosen_data.next = self.frame_data.val();
        self.chosen_last.next = self.frame.beat.val().last;
        self.chosen_channel.next = self.frame_channel.val();
        if self.packet_selected.val() {
            self.chosen_data.next = self.packet_data.val();
            self.chosen_last.next = self.packet.beat.val().last;
            self.chosen_channel.next = self.packet_channel.val();
        }
        if self.in_frame.q.val() {
            self.chosen_channel.next = self.channel.q.val();
        }
        self.takes_credit.next =
            self.take.val() & (self.in_frame.q.val() | !self.chosen_last.val());
        self.gate_0.accepted.next = self.takes_credit.val() & !self.chosen_channel.val();
        self.gate_1.accepted.next = self.takes_credit.val() & self.chosen_channel.val();

        // The link's own single-beat frames.
        self.credit_word.next = self.credit_prefix.val()
            | (bit_cast::<128, 16>(self.our_limit_0.val())
                << abi::link::credit::limit_0::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.our_limit_1.val())
                << abi::link::credit::limit_1::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.gate_0.sent.val())
                << abi::link::credit::sent_0::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 16>(self.gate_1.sent.val())
                << abi::link::credit::sent_1::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 10>(self.node.val())
                << abi::link::credit::source_node::SHIFT.to_bits::<7>());
        self.answer_node.next = self.answer.val().node;
        self.answer_slot.next = self.answer.val().slot;
        self.answer_generation.next = self.answer.val().generation;
        self.answer_base.next = self.answer.val().base;
        self.answer_bitmap.next = self.answer.val().bitmap;
        self.answer_verdict.next = self.answer.val().verdict;
        self.answer_word.next = self.answer_prefix.val()
            | (bit_cast::<128, 4>(self.answer_verdict.val())
                << abi::link::answer::kind::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 10>(self.answer_node.val())
                << abi::link::answer::destination_node::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 10>(self.node.val())
                << abi::link::answer::source_node::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 8>(self.answer_slot.val())
                << abi::link::answer::slot::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 8>(self.answer_generation.val())
                << abi::link::answer::generation::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 7>(self.answer_base.val())
                << abi::link::answer::base::SHIFT.to_bits::<7>())
            | (bit_cast::<128, 12>(self.answer_bitmap.val())
                << abi::link::answer::bitmap::SHIFT.to_bits::<7>());
        self.special_word.next = self.answer_word.val();
        if self.credit_due.q.val() {
            self.special_word.next = self.credit_word.val();
        }

        // A frame of more than one beat is a message.
        self.sends_message.next =
            self.take_frame.val() & !self.in_frame.q.val() & !self.frame_single.val();

        // The output register.
        if self.register_free.val() {
            self.occupied.d.next =
                self.take.val() | self.send_credit.val() | self.send_answer.val();
            self.held.d.next.data = self.chosen_data.val();
            self.held.d.next.last = self.chosen_last.val();
            if self.special_next.val() {
                self.held.d.next.data = self.special_word.val();
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
            self.answered.d.next = false;
        }
        if self.send_answer.val() {
            self.answered.d.next = true;
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
        self.crc.partial.next = self.held_last.val();
        if self.occupied.q.val() & self.link.ready.val() {
            self.crc_state.d.next = self.crc.next_state.val();
            if self.held_last.val() {
                self.crc_state.d.next = self.crc_initial.val();
            }
        }
        self.frame_crc.next = self.crc.next_state.val() ^ self.crc_initial.val();
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
            self.answered.d.next = false;
            self.idle.d.next = false;
            self.credit_due.d.next = true;
            self.credit_age.d.next = 0.into();
            self.told_0.d.next = 0.into();
            self.told_1.d.next = 0.into();
        }
    }
}
