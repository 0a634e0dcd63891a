//! Both directions of the link, and the loopback.

use super::gap_epoch::GapEpoch;
use super::link_receive::LinkReceive;
use super::link_transmit::LinkTransmit;
use super::loopback_path::LoopbackPath;
use crate::bundles::Answer;
use crate::bundles::stored_header::GAP_EPOCH_BITS;
use crate::library::stream::{Beat, StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// `LinkTransmit` and `LinkReceive`, which tell each other the credits, and `LoopbackPath` beside them (V20, V28).
///
/// Contract: as those blocks say. The wire's look-ups (`lookup_valid`) cannot wait; the loopback's (`lookup2_valid`)
/// happen in a cycle with `lookup2_ready`. Either finds its result in the cycle after it. A frame for the own node
/// must come on `loopback`, any other on `frame`.
///
/// Latency: `frame` to `link` one cycle. Last beat received to a channel's header beat one cycle, to `received_valid`
/// and `ping_valid` two. `loopback` to `loopback_source` one cycle, `loopback` to `ping_valid` none.
#[derive(LogicBlock, Default)]
pub struct LinkUnit {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,

    /// Message frames and pings for other nodes, from the transmit engine.
    pub frame: StreamSink,
    /// Of the frame whose first beat is offered: it has no other beat, and its virtual channel.
    /// They come earlier than `frame`.
    pub frame_single: Signal<In, Bit>,
    pub frame_channel: Signal<In, Bit>,
    /// Message frames and pings for this node, from the transmit engine.
    pub loopback: StreamSink,
    /// Packet frames from the firmware.
    pub packet: StreamSink,
    /// An answer is to be sent.
    pub answer_valid: Signal<In, Bit>,
    /// It is taken in this cycle.
    pub answer_ready: Signal<Out, Bit>,
    /// The answer; `node` is where it goes.
    pub answer: Signal<In, Answer>,
    /// In the cycle before, an answer could have gone without holding up a frame.
    pub link_idle: Signal<Out, Bit>,
    /// Virtual channel 0 has room for a frame chosen now.
    pub room_0: Signal<Out, Bit>,
    /// Virtual channel 1 has room for a frame chosen now.
    pub room_1: Signal<Out, Bit>,
    /// To the wire.
    pub link: StreamSource,

    /// A beat comes in from the wire.
    pub receive_valid: Signal<In, Bit>,
    /// Its 16 bytes, and whether the frame ends.
    pub receive_beat: Signal<In, Beat>,
    /// Pulse: look up the RQID of a frame from the wire.
    pub lookup_valid: Signal<Out, Bit>,
    /// Its significant bits.
    pub lookup_id: Signal<Out, Bits<12>>,
    /// The cycle after `lookup_valid`: a resident receive queue has that RQID.
    pub lookup_resident: Signal<In, Bit>,
    /// With `lookup_resident`: the queue.
    pub lookup_queue: Signal<In, Bits<8>>,
    /// The RQID of a message for this node is to be looked up.
    pub lookup2_valid: Signal<Out, Bit>,
    /// The look-up happens in this cycle.
    pub lookup2_ready: Signal<In, Bit>,
    /// Its significant bits.
    pub lookup2_id: Signal<Out, Bits<12>>,
    /// The cycle after the look-up: a resident receive queue has that RQID.
    pub lookup2_resident: Signal<In, Bit>,
    /// With `lookup2_resident`: the queue.
    pub lookup2_queue: Signal<In, Bits<8>>,
    /// Checked frames of virtual channel 0.
    pub channel_0: StreamSource,
    /// Checked frames of virtual channel 1.
    pub channel_1: StreamSource,
    /// Frames from this node.
    pub loopback_source: StreamSource,
    /// Pulse: an answer came in.
    pub received_valid: Signal<Out, Bit>,
    /// It; `node` is the one that answers.
    pub received: Signal<Out, Answer>,
    /// `LinkReceive::counted`.
    pub counted_valid: Signal<Out, Bit>,
    pub counted: Signal<Out, Answer>,
    /// Messages have waited for the host recently: pings are answered with `WAITING` instead of `LOST`.
    pub stalled_recently: Signal<In, Bit>,
    /// Pulse: a ping came in, from the wire or from this node.
    pub ping_valid: Signal<Out, Bit>,
    /// The answer to it; `node` is where it goes.
    pub ping: Signal<Out, Answer>,

    /// The present epoch: goes on when a frame is lost (`GapEpoch`).
    pub gap_epoch: Signal<Out, Bits<GAP_EPOCH_BITS>>,
    /// Pulse: a receive queue was given the present epoch.
    pub gap_recorded: Signal<In, Bit>,

    /// Stage FRAME_OUT.
    pub frame_out: Signal<Out, Bit>,
    /// Pulse: counter FRAMES_RECEIVED.
    pub frame_received: Signal<Out, Bit>,
    /// Pulse: counter FRAME_CORRUPT.
    pub corrupt: Signal<Out, Bit>,
    /// Pulse: counter FRAME_VERSION.
    pub version: Signal<Out, Bit>,
    /// Pulse: counter FRAME_MISROUTED.
    pub misrouted: Signal<Out, Bit>,
    /// Pulse: counter FRAME_OVERRUN.
    pub overrun: Signal<Out, Bit>,
    /// Stage FRAME_IN.
    pub frame_in: Signal<Out, Bit>,
    /// Pulse: a credit frame of the peer came in.
    pub link_seen: Signal<Out, Bit>,

    transmit: LinkTransmit,
    receive: LinkReceive,
    loopback_path: LoopbackPath,
    epochs: GapEpoch,
}

impl Logic for LinkUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, transmit, receive, loopback_path, epochs);
        self.epochs.reset.next = self.reset.val();
        self.transmit.reset.next = self.reset.val();
        self.receive.reset.next = self.reset.val();
        self.loopback_path.reset.next = self.reset.val();
        self.transmit.node.next = self.node.val();
        self.receive.node.next = self.node.val();

        StreamSink::link(&mut self.frame, &mut self.transmit.frame);
        self.transmit.frame_single.next = self.frame_single.val();
        self.transmit.frame_channel.next = self.frame_channel.val();
        StreamSink::link(&mut self.packet, &mut self.transmit.packet);
        StreamSource::link(&mut self.link, &mut self.transmit.link);
        self.transmit.answer_valid.next = self.answer_valid.val();
        self.transmit.answer.next = self.answer.val();
        self.answer_ready.next = self.transmit.answer_ready.val();
        self.link_idle.next = self.transmit.link_idle.val();
        self.room_0.next = self.transmit.room_0.val();
        self.room_1.next = self.transmit.room_1.val();

        self.transmit.credit_valid.next = self.receive.credit_valid.val();
        self.transmit.limit_0.next = self.receive.limit_0.val();
        self.transmit.limit_1.next = self.receive.limit_1.val();
        self.transmit.our_limit_0.next = self.receive.our_limit_0.val();
        self.transmit.our_limit_1.next = self.receive.our_limit_1.val();

        self.receive.receive_valid.next = self.receive_valid.val();
        self.receive.receive_beat.next = self.receive_beat.val();
        self.receive.stalled_recently.next = self.stalled_recently.val();
        self.lookup_valid.next = self.receive.lookup_valid.val();
        self.lookup_id.next = self.receive.lookup_id.val();
        self.receive.lookup_resident.next = self.lookup_resident.val();
        self.receive.lookup_queue.next = self.lookup_queue.val();
        StreamSource::link(&mut self.channel_0, &mut self.receive.channel_0);
        StreamSource::link(&mut self.channel_1, &mut self.receive.channel_1);
        self.received_valid.next = self.receive.answer_valid.val();
        self.received.next = self.receive.answer.val();
        self.counted_valid.next = self.receive.counted_valid.val();
        self.counted.next = self.receive.counted.val();

        StreamSink::link(&mut self.loopback, &mut self.loopback_path.sink);
        StreamSource::link(&mut self.loopback_source, &mut self.loopback_path.source);
        self.loopback_path.stalled_recently.next = self.stalled_recently.val();
        self.lookup2_valid.next = self.loopback_path.lookup_valid.val();
        self.lookup2_id.next = self.loopback_path.lookup_id.val();
        self.loopback_path.lookup_ready.next = self.lookup2_ready.val();
        self.loopback_path.lookup_resident.next = self.lookup2_resident.val();
        self.loopback_path.lookup_queue.next = self.lookup2_queue.val();

        self.epochs.lost.next = self.receive.frame_lost.val();
        self.epochs.recorded.next = self.receive.recorded.val()
            | self.loopback_path.recorded.val()
            | self.gap_recorded.val();
        self.receive.gap_epoch.next = self.epochs.epoch.val();
        self.loopback_path.gap_epoch.next = self.epochs.epoch.val();
        self.gap_epoch.next = self.epochs.epoch.val();

        // Pings from the wire cannot wait.
        self.ping_valid.next = self.receive.ping_valid.val() | self.loopback_path.ping_valid.val();
        self.ping.next = self.loopback_path.ping.val();
        if self.receive.ping_valid.val() {
            self.ping.next = self.receive.ping.val();
        }
        self.loopback_path.ping_ready.next = !self.receive.ping_valid.val();

        self.frame_out.next = self.transmit.frame_out.val() | self.loopback_path.frame_out.val();
        self.frame_in.next = self.receive.frame_in.val() | self.loopback_path.frame_in.val();
        self.frame_received.next = self.receive.frame_received.val();
        self.corrupt.next = self.receive.corrupt.val();
        self.version.next = self.receive.version.val();
        self.misrouted.next = self.receive.misrouted.val();
        self.overrun.next = self.receive.overrun.val();
        self.link_seen.next = self.receive.link_seen.val();
    }
}
