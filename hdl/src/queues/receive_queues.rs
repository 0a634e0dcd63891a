//! All resident receive queues.

use super::queue_select::QueueSelect;
use super::receive_queue::ReceiveQueue;
use crate::bundles::ConfigurationWrite;
use crate::configuration::RECEIVE_QUEUES;
use crate::library::first_one::FirstOne;
use crate::library::gather::Gather;
use crate::library::lut_ram::LutRam;
use crate::library::merge::Merge;
use rust_hdl::prelude::*;

/// `RECEIVE_QUEUES` `ReceiveQueue`s, and where the matched one's next entry lies in host memory (V14, V15).
///
/// Contract: `match_valid` in cycle t; in t + 1 `found` and all that follows it up to `phase` belong to that message.
/// `advance` in cycle t means the queue matched last; a match in t + 1 finds the entry behind. Consumer stores and configuration take effect two cycles after they come.
#[derive(LogicBlock, Default)]
pub struct ReceiveQueues {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Region 2 of `abi::queue_state`.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// The host stores a consumer index.
    pub consumer_valid: Signal<In, Bit>,
    /// Queue concerned.
    pub consumer_queue: Signal<In, Bits<4>>,
    /// Entries given back since the queue was enabled, modulo 2^16.
    pub consumer_index: Signal<In, Bits<16>>,
    /// A message looks for its queue.
    pub match_valid: Signal<In, Bit>,
    /// The name (RQID) it looks for.
    pub match_id: Signal<In, Bits<16>>,
    /// Payload bytes of the message.
    pub match_length: Signal<In, Bits<8>>,
    /// Pulse: the message stands in the ring.
    pub advance: Signal<In, Bit>,
    /// There is such a queue.
    pub found: Signal<Out, Bit>,
    /// The message is longer than its entries hold.
    pub too_small: Signal<Out, Bit>,
    /// No entry is free.
    pub full: Signal<Out, Bit>,
    /// Host address of the ring.
    pub ring_address: Signal<Out, Bits<64>>,
    /// Byte offset of the next entry.
    pub entry_offset: Signal<Out, Bits<24>>,
    /// Phase bit of the next entry.
    pub phase: Signal<Out, Bit>,
    /// Pulse: a consumer index that gives back more than was delivered was ignored.
    pub bad_consumer: Signal<Out, Bit>,

    queues: [ReceiveQueue; RECEIVE_QUEUES],
    ring_addresses: LutRam<Bits<64>, 4>,
    match_bits: Gather<RECEIVE_QUEUES>,
    refusal_bits: Gather<RECEIVE_QUEUES>,
    too_small_bits: Gather<RECEIVE_QUEUES>,
    full_bits: Gather<RECEIVE_QUEUES>,
    phase_bits: Gather<RECEIVE_QUEUES>,
    offsets: Merge<24, RECEIVE_QUEUES>,
    match_index: FirstOne<16, 4>,
    select: QueueSelect,
    held_valid: DFF<Bit>,
    held_queue: DFF<Bits<4>>,
    held_index: DFF<Bits<16>>,
    /// `advance`, a cycle later: it comes late, and has all queues' indices to reach.
    advanced: DFF<Bit>,
}

impl Logic for ReceiveQueues {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held_valid, held_queue, held_index, advanced);
        clock!(self, clock, ring_addresses, select);

        self.held_valid.d.next = self.consumer_valid.val();
        self.held_queue.d.next = self.consumer_queue.val();
        self.held_index.d.next = self.consumer_index.val();
        self.advanced.d.next = self.advance.val();
        self.select.region.next = abi::queue_state::REGION_RECEIVE_QUEUE.to_bits();
        self.select.configuration.next = self.configuration.val();
        self.ring_addresses.write_enable.next = self.select.selected.val().address;
        self.ring_addresses.write_address.next = self.select.selected.val().queue;
        self.ring_addresses.write_data.next = self.select.selected.val().word;

        for i in 0..RECEIVE_QUEUES {
            self.queues[i].clock.next = self.clock.val();
            self.queues[i].reset.next = self.reset.val();
            self.queues[i].number.next = i.to_bits();
            self.queues[i].configuration.next = self.select.selected.val();
            self.queues[i].consumer_valid.next = self.held_valid.q.val();
            self.queues[i].consumer_queue.next = self.held_queue.q.val();
            self.queues[i].consumer_index.next = self.held_index.q.val();
            self.queues[i].match_valid.next = self.match_valid.val();
            self.queues[i].match_id.next = self.match_id.val();
            self.queues[i].match_length.next = self.match_length.val();
            self.queues[i].advance.next = self.advanced.q.val();
            self.match_bits.inputs[i].next = self.queues[i].matched.val();
            self.refusal_bits.inputs[i].next = self.queues[i].bad_consumer.val();
            self.too_small_bits.inputs[i].next = self.queues[i].too_small.val();
            self.full_bits.inputs[i].next = self.queues[i].full.val();
            self.phase_bits.inputs[i].next = self.queues[i].phase.val();
            self.offsets.inputs[i].next = self.queues[i].entry_offset.val();
        }
        self.bad_consumer.next = self.refusal_bits.bits.val().any();

        self.match_index.requests.next = bit_cast::<16, RECEIVE_QUEUES>(self.match_bits.bits.val());
        self.found.next = self.match_index.any.val();
        self.ring_addresses.read_address.next = self.match_index.index.val();
        self.ring_address.next = self.ring_addresses.read_data.val();
        self.too_small.next = self.too_small_bits.bits.val().any();
        self.full.next = self.full_bits.bits.val().any();
        self.phase.next = self.phase_bits.bits.val().any();
        self.entry_offset.next = self.offsets.merged.val();

        if self.reset.val() {
            self.held_valid.d.next = false;
            self.advanced.d.next = false;
        }
    }
}
