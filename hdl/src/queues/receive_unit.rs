//! The receive side of the virtual queues.

use super::receive_engine::ReceiveEngine;
use super::receive_queues::ReceiveQueues;
use crate::bundles::{Acknowledgement, ConfigurationWrite, Event};
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

#[cfg(test)]
mod random_tests;
#[cfg(test)]
mod tests;

/// `ReceiveEngine` and its `ReceiveQueues` (V14, V15, V18, V20).
///
/// Latency: header offered in cycle t, first descriptor beat of its write packets in t + 3.
#[derive(LogicBlock, Default)]
pub struct ReceiveUnit {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset; for 1024 cycles after it no frame is taken.
    pub reset: Signal<In, Bit>,
    /// Checked frames of virtual channel 0.
    pub channel_0: StreamSink,
    /// Checked frames of virtual channel 1.
    pub channel_1: StreamSink,
    /// Regions 2 and 4 of `abi::queue_state`.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// The host stores a consumer index.
    pub consumer_valid: Signal<In, Bit>,
    /// Queue concerned.
    pub consumer_queue: Signal<In, Bits<4>>,
    /// Entries given back since the queue was enabled, modulo 2^16.
    pub consumer_index: Signal<In, Bits<16>>,
    /// Write packets to the requester.
    pub write_packets: StreamSource,
    /// A message's fate is known.
    pub acknowledge_valid: Signal<Out, Bit>,
    /// It is taken in this cycle.
    pub acknowledge_ready: Signal<In, Bit>,
    /// The fate; `node` is the sender.
    pub acknowledge: Signal<Out, Acknowledgement>,
    /// Write to the inbox.
    pub inbox_valid: Signal<Out, Bit>,
    /// Beat of the inbox, 64 to 127.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// The bytes.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Which of them are written.
    pub inbox_enables: Signal<Out, Bits<16>>,
    /// Pulse: `event_word` is new.
    pub event_valid: Signal<Out, Bit>,
    /// `PACKET` (index: place in the inbox) or `RECEIVE_MISS`.
    pub event_word: Signal<Out, Event>,
    /// `ReceiveEngine::holds_ring`.
    pub holds_ring: Signal<Out, Bit>,
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
    /// Pulse: counter RECEIVE_STALE.
    pub receive_stale: Signal<Out, Bit>,
    /// Pulse: counter ENTRY_TOO_SMALL.
    pub entry_too_small: Signal<Out, Bit>,
    /// Pulse: counter PACKETS_RECEIVED.
    pub packet_received: Signal<Out, Bit>,
    /// Pulse: a firmware packet found no place in the inbox and was dropped.
    pub packet_dropped: Signal<Out, Bit>,
    /// Pulse: counter BAD_CONSUMER.
    pub bad_consumer: Signal<Out, Bit>,
    engine: ReceiveEngine,
    queues: ReceiveQueues,
}

impl Logic for ReceiveUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, engine, queues);
        self.engine.reset.next = self.reset.val();
        self.queues.reset.next = self.reset.val();
        StreamSink::link(&mut self.channel_0, &mut self.engine.channel_0);
        StreamSink::link(&mut self.channel_1, &mut self.engine.channel_1);
        StreamSource::link(&mut self.write_packets, &mut self.engine.write_packets);
        self.engine.configuration.next = self.configuration.val();
        self.queues.configuration.next = self.configuration.val();
        self.queues.consumer_valid.next = self.consumer_valid.val();
        self.queues.consumer_queue.next = self.consumer_queue.val();
        self.queues.consumer_index.next = self.consumer_index.val();

        self.queues.match_valid.next = self.engine.match_valid.val();
        self.queues.match_id.next = self.engine.match_id.val();
        self.queues.match_length.next = self.engine.match_length.val();
        self.queues.advance.next = self.engine.advance.val();
        self.engine.found.next = self.queues.found.val();
        self.engine.too_small.next = self.queues.too_small.val();
        self.engine.full.next = self.queues.full.val();
        self.engine.ring_address.next = self.queues.ring_address.val();
        self.engine.entry_offset.next = self.queues.entry_offset.val();
        self.engine.phase.next = self.queues.phase.val();

        self.acknowledge_valid.next = self.engine.acknowledge_valid.val();
        self.acknowledge.next = self.engine.acknowledge.val();
        self.engine.acknowledge_ready.next = self.acknowledge_ready.val();
        self.inbox_valid.next = self.engine.inbox_valid.val();
        self.inbox_address.next = self.engine.inbox_address.val();
        self.inbox_data.next = self.engine.inbox_data.val();
        self.inbox_enables.next = self.engine.inbox_enables.val();
        self.event_valid.next = self.engine.event_valid.val();
        self.event_word.next = self.engine.event_word.val();
        self.holds_ring.next = self.engine.holds_ring.val();
        self.checked.next = self.engine.checked.val();
        self.matched.next = self.engine.matched.val();
        self.request_out.next = self.engine.request_out.val();
        self.message_received.next = self.engine.message_received.val();
        self.receive_miss.next = self.engine.receive_miss.val();
        self.receive_full.next = self.engine.receive_full.val();
        self.receive_stale.next = self.engine.receive_stale.val();
        self.entry_too_small.next = self.engine.entry_too_small.val();
        self.packet_received.next = self.engine.packet_received.val();
        self.packet_dropped.next = self.engine.packet_dropped.val();
        self.bad_consumer.next = self.queues.bad_consumer.val();
    }
}
