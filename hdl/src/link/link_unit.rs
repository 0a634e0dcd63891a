//! Both directions of the link.

use super::link_receive::LinkReceive;
use super::link_transmit::LinkTransmit;
use crate::bundles::Acknowledgement;
use crate::library::stream::{Beat, StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// `LinkTransmit` and `LinkReceive`, which tell each other the credits (V20, V28).
///
/// Latency: `frame` to `link` one cycle; last beat received to a channel's header beat one cycle, to `received_valid` two.
#[derive(LogicBlock, Default)]
pub struct LinkUnit {
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
    /// Virtual channel 0 has room for a frame chosen now.
    pub room_0: Signal<Out, Bit>,
    /// Virtual channel 1 has room for a frame chosen now.
    pub room_1: Signal<Out, Bit>,
    /// To the wire.
    pub link: StreamSource,
    /// A beat comes in from the wire.
    pub receive_valid: Signal<In, Bit>,
    /// The beat.
    pub receive_beat: Signal<In, Beat>,
    /// Checked frames of virtual channel 0.
    pub channel_0: StreamSource,
    /// Checked frames of virtual channel 1.
    pub channel_1: StreamSource,
    /// Pulse: an acknowledgement came in.
    pub received_valid: Signal<Out, Bit>,
    /// It; `node` is the one that answers.
    pub received: Signal<Out, Acknowledgement>,
    /// Pulse: a message's header was accepted (counter MESSAGES_SENT).
    pub message_sent: Signal<Out, Bit>,
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
}

impl Logic for LinkUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, transmit, receive);
        self.transmit.reset.next = self.reset.val();
        self.receive.reset.next = self.reset.val();
        self.transmit.node.next = self.node.val();
        self.receive.node.next = self.node.val();

        StreamSink::link(&mut self.frame, &mut self.transmit.frame);
        StreamSink::link(&mut self.packet, &mut self.transmit.packet);
        StreamSource::link(&mut self.link, &mut self.transmit.link);
        self.transmit.acknowledge_valid.next = self.acknowledge_valid.val();
        self.transmit.acknowledge.next = self.acknowledge.val();
        self.acknowledge_ready.next = self.transmit.acknowledge_ready.val();
        self.room_0.next = self.transmit.room_0.val();
        self.room_1.next = self.transmit.room_1.val();
        self.message_sent.next = self.transmit.message_sent.val();
        self.frame_out.next = self.transmit.frame_out.val();

        self.transmit.credit_valid.next = self.receive.credit_valid.val();
        self.transmit.limit_0.next = self.receive.limit_0.val();
        self.transmit.limit_1.next = self.receive.limit_1.val();
        self.transmit.our_limit_0.next = self.receive.our_limit_0.val();
        self.transmit.our_limit_1.next = self.receive.our_limit_1.val();

        self.receive.receive_valid.next = self.receive_valid.val();
        self.receive.receive_beat.next = self.receive_beat.val();
        StreamSource::link(&mut self.channel_0, &mut self.receive.channel_0);
        StreamSource::link(&mut self.channel_1, &mut self.receive.channel_1);
        self.received_valid.next = self.receive.acknowledge_valid.val();
        self.received.next = self.receive.acknowledge.val();
        self.frame_received.next = self.receive.frame_received.val();
        self.corrupt.next = self.receive.corrupt.val();
        self.version.next = self.receive.version.val();
        self.misrouted.next = self.receive.misrouted.val();
        self.overrun.next = self.receive.overrun.val();
        self.frame_in.next = self.receive.frame_in.val();
        self.link_seen.next = self.receive.link_seen.val();
    }
}
