//! Frames in from the peer.

use super::channel_buffer::ChannelBuffer;
use super::credit_account::CreditAccount;
use super::frame_check::FrameCheck;
use crate::bundles::Acknowledgement;
use crate::configuration::BUFFER_COUNT_BITS;
use crate::library::stream::{Beat, StreamSource};
use rust_hdl::prelude::*;

/// Takes frames from the wire, drops and counts what is wrong, and sorts the rest (V20, V28).
///
/// Contract: beats come without back-pressure; credits bound them. Messages and packets leave on the source of their virtual
/// channel, header beat first and CRC still in place, only if they are right. Acknowledgements and credits leave as pulses
/// and always sink. Each frame raises exactly one of `frame_received`, `corrupt`, `version`, `misrouted`, `overrun`.
///
/// Latency: last beat in cycle t; header beat on the channel in t + 1, `acknowledge_valid` and `credit_valid` in t + 2.
#[derive(LogicBlock, Default)]
pub struct LinkReceive {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A beat comes in from the wire.
    pub receive_valid: Signal<In, Bit>,
    /// The beat.
    pub receive_beat: Signal<In, Beat>,
    /// This node's number.
    pub node: Signal<In, Bits<16>>,
    /// Frames of virtual channel 0.
    pub channel_0: StreamSource,
    /// Frames of virtual channel 1.
    pub channel_1: StreamSource,
    /// Pulse: an acknowledgement came.
    pub acknowledge_valid: Signal<Out, Bit>,
    /// The acknowledgement; `node` is the one that answers.
    pub acknowledge: Signal<Out, Acknowledgement>,
    /// Pulse: a credit frame came.
    pub credit_valid: Signal<Out, Bit>,
    /// With `credit_valid`: the peer's limit for virtual channel 0.
    pub limit_0: Signal<Out, Bits<16>>,
    /// With `credit_valid`: the peer's limit for virtual channel 1.
    pub limit_1: Signal<Out, Bits<16>>,
    /// Our limit for virtual channel 0.
    pub our_limit_0: Signal<Out, Bits<16>>,
    /// Our limit for virtual channel 1.
    pub our_limit_1: Signal<Out, Bits<16>>,
    /// Pulse: a right frame came in, of any kind.
    pub frame_received: Signal<Out, Bit>,
    /// Pulse: a frame with a wrong CRC, length or kind was dropped.
    pub corrupt: Signal<Out, Bit>,
    /// Pulse: a frame of another version was dropped.
    pub version: Signal<Out, Bit>,
    /// Pulse: a frame for another node, or from an impossible one, was dropped.
    pub misrouted: Signal<Out, Bit>,
    /// Pulse: a frame without credit was dropped.
    pub overrun: Signal<Out, Bit>,
    /// Stage: last beat of a marked message's frame.
    pub frame_in: Signal<Out, Bit>,
    /// Pulse: a credit frame came, so a peer is there.
    pub link_seen: Signal<Out, Bit>,

    check: FrameCheck,
    buffer_0: ChannelBuffer,
    buffer_1: ChannelBuffer,
    account_0: CreditAccount,
    account_1: CreditAccount,
    /// The frame that ended has credit and is right if its CRC is, in each virtual channel.
    acceptable_0: DFF<Bit>,
    acceptable_1: DFF<Bit>,
    /// It has no credit, and is right if its CRC is.
    overruns: DFF<Bit>,
    /// The beat of the cycle before, and which buffer it goes to: it is written when the verdict on a frame before it is there.
    beat_register: DFF<Beat>,
    write_0: DFF<Bit>,
    write_1: DFF<Bit>,
    acknowledge_register: DFF<Acknowledgement>,
    acknowledge_pulse: DFF<Bit>,
    credit_header: DFF<Bits<128>>,
    credit_pulse: DFF<Bit>,
    header: Signal<Local, Bits<128>>,
    credit_0: Signal<Local, Bit>,
    credit_1: Signal<Local, Bit>,
    credit: Signal<Local, Bit>,
    accept_0: Signal<Local, Bit>,
    accept_1: Signal<Local, Bit>,
    needed: Signal<Local, Bits<BUFFER_COUNT_BITS>>,
}

impl Logic for LinkReceive {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            acceptable_0,
            acceptable_1,
            overruns,
            beat_register,
            write_0,
            write_1,
            acknowledge_register,
            acknowledge_pulse,
            credit_header,
            credit_pulse
        );
        clock!(self, clock, check, buffer_0, buffer_1, account_0, account_1);
        self.check.reset.next = self.reset.val();
        self.buffer_0.reset.next = self.reset.val();
        self.buffer_1.reset.next = self.reset.val();
        self.account_0.reset.next = self.reset.val();
        self.account_1.reset.next = self.reset.val();

        self.check.valid.next = self.receive_valid.val();
        self.check.beat.next = self.receive_beat.val();
        self.check.node.next = self.node.val();

        // Credit for the frame: judged when its last beat comes, from counts that include the frame before it.
        self.needed.next = bit_cast::<BUFFER_COUNT_BITS, 5>(self.check.payload_beats.val());
        self.credit_0.next = self.account_0.free.val() > self.needed.val();
        self.credit_1.next = self.account_1.free.val() > self.needed.val();
        self.credit.next = self.credit_0.val();
        if self.check.channel.val() {
            self.credit.next = self.credit_1.val();
        }
        self.acceptable_0.d.next =
            self.check.storable_next.val() & self.credit_0.val() & !self.check.channel.val();
        self.acceptable_1.d.next =
            self.check.storable_next.val() & self.credit_1.val() & self.check.channel.val();
        self.overruns.d.next = self.check.storable_next.val() & !self.credit.val();

        // The CRC's verdict comes late.
        self.accept_0.next = self.acceptable_0.q.val() & self.check.crc_right.val();
        self.accept_1.next = self.acceptable_1.q.val() & self.check.crc_right.val();

        self.beat_register.d.next = self.receive_beat.val();
        self.write_0.d.next = self.check.store.val() & !self.check.channel.val();
        self.write_1.d.next = self.check.store.val() & self.check.channel.val();
        self.buffer_0.beat.next = self.beat_register.q.val();
        self.buffer_0.write.next = self.write_0.q.val();
        self.buffer_0.candidate.next = self.check.ended_0.val() & self.check.is_stored.val();
        self.buffer_0.accept.next = self.accept_0.val();
        self.buffer_0.drop.next = self.check.ended_0.val() & !self.accept_0.val();
        self.buffer_1.beat.next = self.beat_register.q.val();
        self.buffer_1.write.next = self.write_1.q.val();
        self.buffer_1.candidate.next = self.check.ended_1.val() & self.check.is_stored.val();
        self.buffer_1.accept.next = self.accept_1.val();
        self.buffer_1.drop.next = self.check.ended_1.val() & !self.accept_1.val();
        StreamSource::link(&mut self.channel_0, &mut self.buffer_0.source);
        StreamSource::link(&mut self.channel_1, &mut self.buffer_1.source);

        // Single-beat frames, one register behind the verdict.
        self.header.next = self.check.header.val();
        self.acknowledge_pulse.d.next = self.check.whole.val() & self.check.is_acknowledge.val();
        self.acknowledge_register.d.next.node = self
            .header
            .val()
            .get_bits::<16>(abi::link::acknowledgement::source_node::SHIFT);
        self.acknowledge_register.d.next.queue = self
            .header
            .val()
            .get_bits::<8>(abi::link::acknowledgement::queue::SHIFT);
        self.acknowledge_register.d.next.slot = self
            .header
            .val()
            .get_bits::<4>(abi::link::acknowledgement::slot_status::SHIFT);
        // The high half of `slot_status`.
        self.acknowledge_register.d.next.status = self.header.val().get_bits::<4>(92);
        self.acknowledge_valid.next = self.acknowledge_pulse.q.val();
        self.acknowledge.next = self.acknowledge_register.q.val();
        self.credit_pulse.d.next = self.check.whole.val() & self.check.is_credit.val();
        self.credit_header.d.next = self.header.val();
        self.credit_valid.next = self.credit_pulse.q.val();
        self.link_seen.next = self.credit_pulse.q.val();
        self.limit_0.next = self
            .credit_header
            .q
            .val()
            .get_bits::<16>(abi::link::credit::limit_0::SHIFT);
        self.limit_1.next = self
            .credit_header
            .q
            .val()
            .get_bits::<16>(abi::link::credit::limit_1::SHIFT);

        self.account_0.consumed.next = self.buffer_0.consumed.val();
        self.account_0.accept.next = self.accept_0.val();
        self.account_0.payload_beats.next = self.check.payload_beats.val();
        self.account_0.peer_sent_valid.next = self.credit_pulse.q.val();
        self.account_0.peer_sent.next = self
            .credit_header
            .q
            .val()
            .get_bits::<16>(abi::link::credit::sent_0::SHIFT);
        self.account_1.consumed.next = self.buffer_1.consumed.val();
        self.account_1.accept.next = self.accept_1.val();
        self.account_1.payload_beats.next = self.check.payload_beats.val();
        self.account_1.peer_sent_valid.next = self.credit_pulse.q.val();
        self.account_1.peer_sent.next = self
            .credit_header
            .q
            .val()
            .get_bits::<16>(abi::link::credit::sent_1::SHIFT);
        self.our_limit_0.next = self.account_0.limit.val();
        self.our_limit_1.next = self.account_1.limit.val();

        self.overrun.next = self.overruns.q.val() & self.check.crc_right.val();
        self.frame_received.next = self.check.whole.val() & !self.overruns.q.val();
        self.corrupt.next = self.check.corrupt.val();
        self.version.next = self.check.version.val();
        self.misrouted.next = self.check.misrouted.val();
        self.frame_in.next = self.check.frame_in.val();

        if self.reset.val() {
            self.acceptable_0.d.next = false;
            self.acceptable_1.d.next = false;
            self.overruns.d.next = false;
            self.write_0.d.next = false;
            self.write_1.d.next = false;
            self.acknowledge_pulse.d.next = false;
            self.credit_pulse.d.next = false;
        }
    }
}
