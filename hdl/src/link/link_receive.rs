//! Frames in from the peer.

use super::channel_buffer::ChannelBuffer;
use super::credit_account::CreditAccount;
use super::frame_check::FrameCheck;
use super::lookup_result::LookupResult;
use crate::bundles::Answer;
use crate::bundles::stored_header::GAP_EPOCH_BITS;
use crate::configuration::BUFFER_COUNT_BITS;
use crate::library::fixed::Fixed;
use crate::library::stream::{Beat, StreamSource};
use abi::link::kind;
use rust_hdl::prelude::*;

/// Takes frames from the wire, drops and counts invalid ones, and sorts the rest (V20, V28).
///
/// Contract: beats come without back-pressure; credits bound them. Valid messages and firmware packets leave on the
/// source of their virtual channel, header beat first, CRC still in place, the header as `bundles::stored_header`
/// says. Answers, pings and credits leave as pulses and always sink. Each frame raises exactly one of
/// `frame_received`, `corrupt`, `version`, `misrouted`, `overrun`. `lookup_resident` and `lookup_queue` must be those
/// of `lookup_id` in the cycle after `lookup_valid`. A `BULK_ANSWER` to one message leaves as an answer with its error
/// as verdict; one without an error is ignored. One with a count leaves as `counted`.
///
/// Latency: header beat in cycle t: `lookup_valid` in t. Last beat in cycle t: header beat on the channel in t + 1,
/// `answer_valid`, `ping_valid` and `credit_valid` in t + 2.
#[derive(LogicBlock, Default)]
pub struct LinkReceive {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A beat comes in from the wire.
    pub receive_valid: Signal<In, Bit>,
    /// Its 16 bytes, and whether the frame ends.
    pub receive_beat: Signal<In, Beat>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,
    /// Messages have waited for the host recently: pings are answered with `WAITING` instead of `LOST`.
    pub stalled_recently: Signal<In, Bit>,
    /// Pulse: look `lookup_id` up.
    pub lookup_valid: Signal<Out, Bit>,
    /// Significant bits of an RQID.
    pub lookup_id: Signal<Out, Bits<12>>,
    /// The cycle after `lookup_valid`: a resident receive queue has that RQID.
    pub lookup_resident: Signal<In, Bit>,
    /// With `lookup_resident`: the queue.
    pub lookup_queue: Signal<In, Bits<8>>,
    /// Frames of virtual channel 0.
    pub channel_0: StreamSource,
    /// Frames of virtual channel 1.
    pub channel_1: StreamSource,
    /// Pulse: an answer came.
    pub answer_valid: Signal<Out, Bit>,
    /// The answer; `node` is the one that answers.
    pub answer: Signal<Out, Answer>,
    /// Pulse: the answer to counted frames of remote memory came.
    pub counted_valid: Signal<Out, Bit>,
    /// That answer: `slot` is the row of the transfer, `base` the number of frames, `verdict` what
    /// `abi::link::bulk_status::status` says.
    pub counted: Signal<Out, Answer>,
    /// Pulse: a ping came.
    pub ping_valid: Signal<Out, Bit>,
    /// The answer to it; `node` is the one that asks.
    pub ping: Signal<Out, Answer>,
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
    /// Pulse: a valid frame came in, of any kind.
    pub frame_received: Signal<Out, Bit>,
    /// Pulse: a frame with a wrong CRC, length or kind was dropped.
    pub corrupt: Signal<Out, Bit>,
    /// Pulse: a frame of another version was dropped.
    pub version: Signal<Out, Bit>,
    /// Pulse: a frame for another node, or from an impossible one, was dropped.
    pub misrouted: Signal<Out, Bit>,
    /// Pulse: a frame without credit was dropped.
    pub overrun: Signal<Out, Bit>,
    /// The present epoch (`GapEpoch`).
    pub gap_epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    /// Pulse: a frame was dropped, for whatever reason.
    pub frame_lost: Signal<Out, Bit>,
    /// Pulse: a message with the present epoch was kept.
    pub recorded: Signal<Out, Bit>,
    /// Stage: last beat of a marked message's frame.
    pub frame_in: Signal<Out, Bit>,
    /// Pulse: a credit frame came, so a peer is there.
    pub link_seen: Signal<Out, Bit>,

    check: FrameCheck,
    lookup_result: LookupResult,
    buffer_0: ChannelBuffer,
    buffer_1: ChannelBuffer,
    account_0: CreditAccount,
    account_1: CreditAccount,
    /// The frame that ended has credit and is valid if its CRC is, in each virtual channel.
    acceptable_0: DFF<Bit>,
    acceptable_1: DFF<Bit>,
    /// It has no credit, and is valid if its CRC is.
    overruns: DFF<Bit>,
    /// The beat of the cycle before, and which buffer it goes to: it is written when the verdict on
    /// a frame before it is there.
    beat_register: DFF<Beat>,
    header_register: DFF<Bit>,
    write_0: DFF<Bit>,
    write_1: DFF<Bit>,
    /// First beat of a single-beat frame, a cycle behind its verdict.
    single: DFF<Bits<96>>,
    answer_pulse: DFF<Bit>,
    ping_pulse: DFF<Bit>,
    credit_pulse: DFF<Bit>,

    data: Signal<Local, Bits<128>>,
    stored: Signal<Local, Beat>,
    from: Signal<Local, Answer>,
    from_bulk: Signal<Local, Bit>,
    status: Signal<Local, Bits<4>>,
    is_error: Signal<Local, Bit>,
    is_counted: Signal<Local, Bit>,
    has_status: Signal<Local, Bit>,
    credit_0: Signal<Local, Bit>,
    credit_1: Signal<Local, Bit>,
    credit: Signal<Local, Bit>,
    accept_0: Signal<Local, Bit>,
    accept_1: Signal<Local, Bit>,
    needed: Signal<Local, Bits<BUFFER_COUNT_BITS>>,
    waiting: Fixed<4, { kind::WAITING & 7 }>,
    lost: Fixed<4, { kind::LOST & 7 }>,
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
            header_register,
            write_0,
            write_1,
            single,
            answer_pulse,
            ping_pulse,
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
        self.data.next = self.receive_beat.val().data;
        self.lookup_valid.next = self.check.starts.val() & !self.receive_beat.val().last;
        self.lookup_id.next = self
            .data
            .val()
            .get_bits::<12>(abi::link::header::receive_queue_id::SHIFT);

        // Credit for the frame: checked when its last beat comes, against counts that include the frame before it.
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

        // The CRC's verdict is on the critical path.
        self.accept_0.next = self.acceptable_0.q.val() & self.check.crc_right.val();
        self.accept_1.next = self.acceptable_1.q.val() & self.check.crc_right.val();

        self.beat_register.d.next = self.receive_beat.val();
        self.header_register.d.next = self.check.starts.val();
        self.write_0.d.next = self.check.store.val() & !self.check.channel.val();
        self.write_1.d.next = self.check.store.val() & self.check.channel.val();
        self.lookup_result.wire_header.next = self.beat_register.q.val().data;
        self.lookup_result.resident.next = self.lookup_resident.val();
        self.lookup_result.receive_queue.next = self.lookup_queue.val();
        // The verdict on the frame before counts by now.
        self.lookup_result.gap_epoch.next = self.gap_epoch.val();
        self.stored.next = self.beat_register.q.val();
        if self.header_register.q.val() {
            self.stored.next.data = self.lookup_result.stored_header.val();
        }
        self.buffer_0.beat.next = self.stored.val();
        self.buffer_0.write.next = self.write_0.q.val();
        self.buffer_0.candidate.next = self.check.ended_0.val() & self.check.is_stored.val();
        self.buffer_0.accept.next = self.accept_0.val();
        self.buffer_0.drop.next = self.check.ended_0.val() & !self.accept_0.val();
        self.buffer_1.beat.next = self.stored.val();
        self.buffer_1.write.next = self.write_1.q.val();
        self.buffer_1.candidate.next = self.check.ended_1.val() & self.check.is_stored.val();
        self.buffer_1.accept.next = self.accept_1.val();
        self.buffer_1.drop.next = self.check.ended_1.val() & !self.accept_1.val();
        StreamSource::link(&mut self.channel_0, &mut self.buffer_0.source);
        StreamSource::link(&mut self.channel_1, &mut self.buffer_1.source);

        // Single-beat frames, one register behind the verdict.
        self.single.d.next = self.check.header.val();
        self.answer_pulse.d.next = self.check.whole.val() & self.check.is_answer.val();
        self.ping_pulse.d.next = self.check.whole.val() & self.check.is_ping.val();
        self.credit_pulse.d.next = self.check.whole.val() & self.check.is_credit.val();
        self.from.next.node = self
            .single
            .q
            .val()
            .get_bits::<10>(abi::link::answer::source_node::SHIFT);
        self.from.next.slot = self
            .single
            .q
            .val()
            .get_bits::<8>(abi::link::answer::slot::SHIFT);
        self.from.next.generation = self
            .single
            .q
            .val()
            .get_bits::<8>(abi::link::answer::generation::SHIFT);
        self.from.next.base = self
            .single
            .q
            .val()
            .get_bits::<7>(abi::link::answer::base::SHIFT);
        self.from.next.bitmap = self
            .single
            .q
            .val()
            .get_bits::<12>(abi::link::answer::bitmap::SHIFT);
        self.from.next.verdict = bit_cast::<4, 3>(
            self.single
                .q
                .val()
                .get_bits::<3>(abi::link::answer::kind::SHIFT),
        );
        self.from_bulk.next = self
            .single
            .q
            .val()
            .get_bits::<4>(abi::link::answer::kind::SHIFT)
            .all();
        self.status.next = self
            .single
            .q
            .val()
            .get_bits::<4>(abi::link::answer::bitmap::SHIFT);
        self.is_counted.next = self
            .single
            .q
            .val()
            .get_bit(abi::link::answer::bitmap::SHIFT + abi::link::bulk_status::counted::SHIFT);
        self.is_error.next = self.status.val() >= abi::message::error::BAD_SEGMENT.to_bits();
        self.answer_valid.next = self.answer_pulse.q.val()
            & (!self.from_bulk.val() | (self.is_error.val() & !self.is_counted.val()));
        self.has_status.next = self.is_error.val() | (self.status.val() <= 1);
        self.counted_valid.next = self.answer_pulse.q.val()
            & self.from_bulk.val()
            & self.is_counted.val()
            & self.has_status.val();
        self.counted.next = self.from.val();
        self.counted.next.verdict = self.status.val();
        self.answer.next = self.from.val();
        if self.from_bulk.val() {
            self.answer.next.bitmap = 1.into();
            self.answer.next.verdict = self.status.val();
        }
        // A ping has the layout of an answer; `index` stands where `base` does.
        self.ping_valid.next = self.ping_pulse.q.val();
        self.ping.next = self.from.val();
        self.ping.next.bitmap = 1.into();
        self.ping.next.verdict = self.lost.val();
        if self.stalled_recently.val() {
            self.ping.next.verdict = self.waiting.val();
        }
        self.credit_valid.next = self.credit_pulse.q.val();
        self.link_seen.next = self.credit_pulse.q.val();
        self.limit_0.next = self
            .single
            .q
            .val()
            .get_bits::<16>(abi::link::credit::limit_0::SHIFT);
        self.limit_1.next = self
            .single
            .q
            .val()
            .get_bits::<16>(abi::link::credit::limit_1::SHIFT);

        self.account_0.consumed.next = self.buffer_0.consumed.val();
        self.account_0.accept.next = self.accept_0.val();
        self.account_0.payload_beats.next = self.check.payload_beats.val();
        self.account_0.peer_sent_valid.next = self.credit_pulse.q.val();
        self.account_0.peer_sent.next = self
            .single
            .q
            .val()
            .get_bits::<16>(abi::link::credit::sent_0::SHIFT);
        self.account_1.consumed.next = self.buffer_1.consumed.val();
        self.account_1.accept.next = self.accept_1.val();
        self.account_1.payload_beats.next = self.check.payload_beats.val();
        self.account_1.peer_sent_valid.next = self.credit_pulse.q.val();
        self.account_1.peer_sent.next = self
            .single
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
        self.frame_lost.next = self.check.corrupt.val()
            | self.check.version.val()
            | self.check.misrouted.val()
            | (self.overruns.q.val() & self.check.crc_right.val());
        self.recorded.next = self.accept_0.val() | self.accept_1.val();
        self.frame_in.next = self.check.frame_in.val();

        if self.reset.val() {
            self.acceptable_0.d.next = false;
            self.acceptable_1.d.next = false;
            self.overruns.d.next = false;
            self.write_0.d.next = false;
            self.write_1.d.next = false;
            self.answer_pulse.d.next = false;
            self.ping_pulse.d.next = false;
            self.credit_pulse.d.next = false;
        }
    }
}
