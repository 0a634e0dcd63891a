//! The receive side of the virtual queues.

use crate::bundles::{Answer, ConfigurationWrite, Event};
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// Everything between the link's receive buffers and the requester of host writes (V14, V15, V18, V20).
///
/// Contract:
/// * `channel_0`, `channel_1`, `loopback`: frames of two beats or more, already checked, headers as `bundles::stored_header` says;
///   bits 127:96 of a frame's last beat are not payload. `channel_1_likely` must be high in each cycle in which `channel_1.valid`
///   is, and may be high in others; it may come earlier in the cycle.
/// * `lookup_resident` and `lookup_queue` belong to the `lookup_id` of the cycle before. `lookup2_*` likewise, for an id that was
///   offered in a cycle with `lookup2_ready`.
/// * Firmware writes a queue's ring address before its control word, and no queue state before `ready`. Two control words of
///   receive queues, and two consumer stores, are at least two cycles apart.
/// * `write_packets.ready` comes from a register. `answer` waits for `answer_ready`; everything else always sinks.
#[derive(LogicBlock, Default)]
pub struct ReceiveUnit {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// The tables are clear: queue state may be written, frames are taken.
    pub ready: Signal<Out, Bit>,
    /// This node's number.
    pub node: Signal<In, Bits<10>>,

    /// Frames of virtual channel 0.
    pub channel_0: StreamSink,
    /// Frames of virtual channel 1.
    pub channel_1: StreamSink,
    /// A frame of virtual channel 1 may be offered in this cycle.
    pub channel_1_likely: Signal<In, Bit>,
    /// Frames of this node to itself.
    pub loopback: StreamSink,

    /// Regions 2, 4 and 5 of `abi::queue_state`.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// `lookup_id` is to be looked up now.
    pub lookup_valid: Signal<In, Bit>,
    /// RQID of a frame from the wire.
    pub lookup_id: Signal<In, Bits<12>>,
    /// The cycle after: a resident receive queue has that RQID.
    pub lookup_resident: Signal<Out, Bit>,
    /// The cycle after: the queue.
    pub lookup_queue: Signal<Out, Bits<8>>,
    /// RQID of a frame for the own node.
    pub lookup2_id: Signal<In, Bits<12>>,
    /// It is looked up in this cycle.
    pub lookup2_ready: Signal<Out, Bit>,
    /// The cycle after: a resident receive queue has that RQID.
    pub lookup2_resident: Signal<Out, Bit>,
    /// The cycle after: the queue.
    pub lookup2_queue: Signal<Out, Bits<8>>,

    /// The host stores a consumer index.
    pub consumer_valid: Signal<In, Bit>,
    /// Queue concerned.
    pub consumer_queue: Signal<In, Bits<8>>,
    /// Entries given back since the queue was enabled, modulo 2^16.
    pub consumer_index: Signal<In, Bits<16>>,

    /// Write packets to the requester.
    pub write_packets: StreamSource,
    /// An older address of a ring, from before the last control word, may still be written to.
    pub holds_ring: Signal<Out, Bit>,

    /// An answer is to be sent.
    pub answer_valid: Signal<Out, Bit>,
    /// It is taken in this cycle.
    pub answer_ready: Signal<In, Bit>,
    /// The answer; `node` is where it goes.
    pub answer: Signal<Out, Answer>,
    /// Pulse: an answer to this node's own messages.
    pub local_answer_valid: Signal<Out, Bit>,
    /// That answer.
    pub local_answer: Signal<Out, Answer>,
    /// An answer could be sent without holding up a frame.
    pub link_idle: Signal<In, Bit>,
    /// Pulse: the answer to a ping. Dropped if too many wait.
    pub ping_valid: Signal<In, Bit>,
    /// That answer, to one message.
    pub ping: Signal<In, Answer>,
    /// In the last 2^17 cycles a frame waited for 2^12 cycles or more for the host.
    pub stalled_recently: Signal<Out, Bit>,

    /// Write to the inbox.
    pub inbox_valid: Signal<Out, Bit>,
    /// Beat of the inbox, 64 to 127.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// The bytes.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Which of them are written.
    pub inbox_enables: Signal<Out, Bits<16>>,
    /// Pulse: `packet_event` is new.
    pub packet_event_valid: Signal<Out, Bit>,
    /// `PACKET`; `index` is the place in the inbox.
    pub packet_event: Signal<Out, Event>,
    /// Pulse: `miss_event` is new.
    pub miss_event_valid: Signal<Out, Bit>,
    /// `RECEIVE_MISS`.
    pub miss_event: Signal<Out, Event>,

    /// Stage CHECKED.
    pub checked: Signal<Out, Bit>,
    /// Stage MATCHED.
    pub matched: Signal<Out, Bit>,
    /// Stage REQUEST_OUT.
    pub request_out: Signal<Out, Bit>,
    /// Pulse: counter MESSAGES_RECEIVED.
    pub message_received: Signal<Out, Bit>,
    /// Pulse: counter RECEIVE_MISS.
    pub receive_miss: Signal<Out, Bit>,
    /// Pulse: counter RECEIVE_FULL.
    pub receive_full: Signal<Out, Bit>,
    /// Pulse: counter RECEIVE_BEHIND.
    pub receive_behind: Signal<Out, Bit>,
    /// Pulse: counter ENTRY_TOO_SMALL.
    pub entry_too_small: Signal<Out, Bit>,
    /// Pulse: counter PACKETS_RECEIVED.
    pub packet_received: Signal<Out, Bit>,
    /// Pulse: counter PACKETS_DROPPED.
    pub packet_dropped: Signal<Out, Bit>,
    /// Pulse: counter BAD_CONSUMER.
    pub bad_consumer: Signal<Out, Bit>,
}

impl Logic for ReceiveUnit {
    #[hdl_gen]
    fn update(&mut self) {
        self.ready.next = false;
        self.channel_0.ready.next = false;
        self.channel_1.ready.next = false;
        self.loopback.ready.next = false;
        self.lookup_resident.next = false;
        self.lookup_queue.next = 0.into();
        self.lookup2_ready.next = false;
        self.lookup2_resident.next = false;
        self.lookup2_queue.next = 0.into();
        self.write_packets.valid.next = false;
        self.write_packets.beat.next.data = 0.into();
        self.write_packets.beat.next.last = false;
        self.holds_ring.next = false;
        self.answer_valid.next = false;
        self.answer.next = self.ping.val();
        self.local_answer_valid.next = false;
        self.local_answer.next = self.ping.val();
        self.stalled_recently.next = false;
        self.inbox_valid.next = false;
        self.inbox_address.next = 0.into();
        self.inbox_data.next = 0.into();
        self.inbox_enables.next = 0.into();
        self.packet_event_valid.next = false;
        self.packet_event.next.kind = 0.into();
        self.packet_event.next.index = 0.into();
        self.packet_event.next.code = 0.into();
        self.packet_event.next.data = 0.into();
        self.miss_event_valid.next = false;
        self.miss_event.next.kind = 0.into();
        self.miss_event.next.index = 0.into();
        self.miss_event.next.code = 0.into();
        self.miss_event.next.data = 0.into();
        self.checked.next = false;
        self.matched.next = false;
        self.request_out.next = false;
        self.message_received.next = false;
        self.receive_miss.next = false;
        self.receive_full.next = false;
        self.receive_behind.next = false;
        self.entry_too_small.next = false;
        self.packet_received.next = false;
        self.packet_dropped.next = false;
        self.bad_consumer.next = false;
    }
}
