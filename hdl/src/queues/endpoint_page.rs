//! Host stores to BAR2 (endpoint pages) and BAR4 (slot memory).

use crate::bundles::{ConfigurationWrite, Event, HostWrite};
use crate::library::lut_ram::LutRam;
use crate::queues::transmit_signals::TransmitStore;
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// Takes every host write to BAR2 and BAR4 as it comes (posted writes cannot wait) and tells the queues behind the
/// endpoint what it means (V1, V3, V15, V16, V19).
///
/// A store is offered to this block in cycle `t - 1`, in which it is decoded and its page's entry of the map is read; what
/// it means is registered. From there on, in cycle `t`:
/// * Express: `store` is offered to the transmit queues in cycle `t`; if they accept it, header and payload are written to
///   slot memory in `t + 1` (readable from `t + 2`) while the advanced producer is visible in `t + 1`. The engine reads a slot
///   no earlier than one cycle after it saw the producer, so the message always stands there.
/// * Producer index: `store` in cycle `t`; visible to arbitration in `t + 2`. No other store comes in `t + 1`: eight bytes and
///   their header take two beats.
/// * Slot memory (BAR4): written in `t + 1`, so that the two ways to the slot memory can never collide, and a producer store
///   behind a BAR4 store finds it done.
/// * Everything else: pulses, events and receive consumer indices come in `t + 1`.
///
/// A store that is not one aligned 8-byte store, or that hits no register, is torn: counted once a packet, never delivered.
/// In the 256 cycles after reset the endpoint map is cleared, a word a cycle; meanwhile every page counts as without resident
/// queues, and what firmware writes to the map is lost.
#[derive(LogicBlock, Default)]
pub struct EndpointPage {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// `write` counts in this cycle.
    pub write_valid: Signal<In, Bit>,
    /// A host write to any BAR; BAR0's are not for this block.
    pub write: Signal<In, HostWrite>,
    /// Region 0: the endpoint map.
    pub configuration: Signal<In, ConfigurationWrite>,

    /// To the transmit queues, in the cycle of the store.
    pub store: Signal<Out, TransmitStore>,
    /// The queue named in `store` has a free slot for the Express message; same cycle, and only with `store.express`.
    pub express_accepted: Signal<In, Bit>,
    /// That slot.
    pub express_slot: Signal<In, Bits<4>>,

    /// The slot memory write counts.
    pub slot_valid: Signal<Out, Bit>,
    /// Beat: queue, slot, beat of the slot.
    pub slot_address: Signal<Out, Bits<12>>,
    /// The bytes.
    pub slot_data: Signal<Out, Bits<128>>,
    /// Which bytes are written.
    pub slot_enables: Signal<Out, Bits<16>>,

    /// Pulse: a receive consumer index came.
    pub receive_consumer_valid: Signal<Out, Bit>,
    /// For this resident receive queue.
    pub receive_consumer_queue: Signal<Out, Bits<4>>,
    /// Entries taken since the queue was enabled, modulo 2^16.
    pub receive_consumer_index: Signal<Out, Bits<16>>,

    /// Pulse, with `store_event`: a store met no resident queue. Its `index` is the endpoint, for the level-triggered bitmap too.
    pub nonresident_store: Signal<Out, Bit>,
    /// `abi::event::kind::NON_RESIDENT_STORE`.
    pub store_event: Signal<Out, Event>,
    /// Pulse: a torn store.
    pub torn_store: Signal<Out, Bit>,
    /// Pulse: a marked Express message is written to its slot in this cycle.
    pub composed: Signal<Out, Bit>,

    map: LutRam<Bits<10>, 8>,
    /// The store, its page's entry of the map, and what it is.
    stored: DFF<HostWrite>,
    entry: DFF<Bits<10>>,
    page_store: DFF<Bit>,
    slot_store: DFF<Bit>,
    is_express: DFF<Bit>,
    is_producer: DFF<Bit>,
    is_consumer: DFF<Bit>,
    is_mark: DFF<Bit>,
    is_torn: DFF<Bit>,
    /// Its byte offset in the page, and the eight bytes for the register there.
    offset: DFF<Bits<12>>,
    lane: DFF<Bits<64>>,
    /// The word of the map that is cleared next, and whether all are.
    clear_address: DFF<Bits<8>>,
    cleared: DFF<Bit>,
    mark_armed: DFF<Bit>,
    mark_endpoint: DFF<Bits<8>>,
    write_slot: DFF<Bit>,
    write_slot_address: DFF<Bits<12>>,
    write_slot_data: DFF<Bits<128>>,
    write_slot_enables: DFF<Bits<16>>,
    compose_marked: DFF<Bit>,
    consumer_stored: DFF<Bit>,
    consumer_queue: DFF<Bits<4>>,
    lane_word: DFF<Bits<32>>,
    stored_endpoint: DFF<Bits<8>>,
    missed: DFF<Bit>,
    torn: DFF<Bit>,

    address: Signal<Local, Bits<20>>,
    data: Signal<Local, Bits<128>>,
    enables: Signal<Local, Bits<16>>,
    upper_lane: Signal<Local, Bit>,
    offered_offset: Signal<Local, Bits<12>>,
    offered: Signal<Local, Bit>,
    names_express: Signal<Local, Bit>,
    names_producer: Signal<Local, Bit>,
    names_consumer: Signal<Local, Bit>,
    names_mark: Signal<Local, Bit>,
    endpoint: Signal<Local, Bits<8>>,
    offered_address: Signal<Local, Bits<20>>,
    transmit_queue: Signal<Local, Bits<4>>,
    transmit_resident: Signal<Local, Bit>,
    receive_queue: Signal<Local, Bits<4>>,
    receive_resident: Signal<Local, Bit>,
    whole: Signal<Local, Bit>,
    marked: Signal<Local, Bit>,
    destination: Signal<Local, Bits<6>>,
    tag: Signal<Local, Bits<2>>,
    header: Signal<Local, Bits<64>>,
    map_word: Signal<Local, Bits<64>>,
    map_index: Signal<Local, Bits<16>>,
}

impl Logic for EndpointPage {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            stored,
            entry,
            page_store,
            slot_store,
            is_express,
            is_producer,
            is_consumer,
            is_mark,
            is_torn,
            offset,
            lane,
            clear_address,
            cleared,
            mark_armed,
            mark_endpoint,
            write_slot,
            write_slot_address,
            write_slot_data,
            write_slot_enables,
            compose_marked,
            consumer_stored,
            consumer_queue,
            lane_word,
            stored_endpoint,
            missed,
            torn
        );
        clock!(self, clock, map);

        // The endpoint map: written by firmware, read at the store's page.
        self.map_index.next = self.configuration.val().index;
        self.map_word.next = self.configuration.val().data;
        self.map.write_enable.next = self.configuration.val().valid
            & (self
                .map_index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_ENDPOINT_MAP.to_bits());
        self.map.write_address.next = self.map_index.val().get_bits::<8>(0);
        self.map.write_data.next = bit_cast::<10, 4>(
            self.map_word
                .val()
                .get_bits::<4>(abi::queue_state::endpoint_map::transmit_queue::SHIFT),
        ) | (bit_cast::<10, 1>(
            self.map_word
                .val()
                .get_bits::<1>(abi::queue_state::endpoint_map::transmit_resident::SHIFT),
        ) << 4)
            | (bit_cast::<10, 4>(
                self.map_word
                    .val()
                    .get_bits::<4>(abi::queue_state::endpoint_map::receive_queue::SHIFT),
            ) << 5)
            | (bit_cast::<10, 1>(
                self.map_word
                    .val()
                    .get_bits::<1>(abi::queue_state::endpoint_map::receive_resident::SHIFT),
            ) << 9);
        if !self.cleared.q.val() {
            self.map.write_enable.next = true;
            self.map.write_address.next = self.clear_address.q.val();
            self.map.write_data.next = 0.into();
        }
        self.clear_address.d.next = self.clear_address.q.val() + 1;
        if self.clear_address.q.val().all() {
            self.cleared.d.next = true;
        }

        self.stored.d.next = self.write.val();
        self.offered_address.next = self.write.val().address;
        self.map.read_address.next = self.offered_address.val().get_bits::<8>(12);
        self.entry.d.next = self.map.read_data.val();
        if !self.cleared.q.val() {
            self.entry.d.next = 0.into();
        }
        self.address.next = self.stored.q.val().address;
        self.endpoint.next = self.address.val().get_bits::<8>(12);
        self.transmit_queue.next = self.entry.q.val().get_bits::<4>(0);
        self.transmit_resident.next = self.entry.q.val().get_bit(4);
        self.receive_queue.next = self.entry.q.val().get_bits::<4>(5);
        self.receive_resident.next = self.entry.q.val().get_bit(9);

        // Which register of the page, and the eight bytes for it.
        self.data.next = self.write.val().data;
        self.enables.next = self.write.val().enables;
        self.upper_lane.next = self.enables.val().get_bit(8);
        self.offered_offset.next = self.offered_address.val().get_bits::<12>(0);
        self.lane.d.next = self.data.val().get_bits::<64>(0);
        if self.upper_lane.val() {
            self.offered_offset.next = self.offered_address.val().get_bits::<12>(0) | 8;
            self.lane.d.next = self.data.val().get_bits::<64>(64);
        }
        self.offset.d.next = self.offered_offset.val();
        self.offered.next = self.write_valid.val() & (self.write.val().space == 1);
        self.whole.next = self.offered.val() & self.write.val().single;
        self.names_express.next = self.whole.val()
            & (self.offered_offset.val() >= abi::endpoint::EXPRESS_OFFSET.to_bits());
        self.names_producer.next = self.whole.val()
            & (self.offered_offset.val()
                == abi::endpoint::page::transmit_producer::OFFSET.to_bits());
        self.names_consumer.next = self.whole.val()
            & (self.offered_offset.val()
                == abi::endpoint::page::receive_consumer::OFFSET.to_bits());
        self.names_mark.next = self.whole.val()
            & (self.offered_offset.val() == abi::endpoint::page::mark::OFFSET.to_bits());
        self.page_store.d.next = self.offered.val();
        self.slot_store.d.next = self.write_valid.val()
            & (self.write.val().space == 2)
            & (self.offered_address.val().get_bits::<4>(16) == 0);
        self.is_express.d.next = self.names_express.val();
        self.is_producer.d.next = self.names_producer.val();
        self.is_consumer.d.next = self.names_consumer.val();
        self.is_mark.d.next = self.names_mark.val();
        // A packet without a single enabled byte is legal and does nothing.
        self.is_torn.d.next = self.offered.val()
            & self.write.val().last
            & self.enables.val().any()
            & !(self.names_express.val()
                | self.names_producer.val()
                | self.names_consumer.val()
                | self.names_mark.val());

        self.store.next.express = self.is_express.q.val() & self.transmit_resident.val();
        self.store.next.producer = self.is_producer.q.val() & self.transmit_resident.val();
        self.store.next.torn = self.is_torn.q.val() & self.transmit_resident.val();
        self.store.next.queue = self.transmit_queue.val();
        self.store.next.index = self.lane.q.val().get_bits::<16>(0);

        // One mark waits for the next Express message of its endpoint.
        self.marked.next =
            self.mark_armed.q.val() & (self.mark_endpoint.q.val() == self.endpoint.val());
        if self.is_mark.q.val() & self.transmit_resident.val() {
            self.mark_armed.d.next = self.lane.q.val().get_bit(0);
            self.mark_endpoint.d.next = self.endpoint.val();
        }
        if self.is_express.q.val() & self.transmit_resident.val() & self.marked.val() {
            self.mark_armed.d.next = false;
        }

        // Slot memory: a BAR4 store below the outbox, or the Express message.
        self.destination.next = self
            .offset
            .q
            .val()
            .get_bits::<6>(abi::endpoint::EXPRESS_DESTINATION_SHIFT);
        self.tag.next = self
            .offset
            .q
            .val()
            .get_bits::<2>(abi::endpoint::EXPRESS_TAG_SHIFT);
        self.header.next = bit_cast::<64, 6>(self.destination.val())
            | (bit_cast::<64, 2>(self.tag.val())
                << abi::message::transmit_header::tag::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 1>(self.marked.val().into())
                << abi::message::transmit_header::marked::SHIFT.to_bits::<8>())
            | 0x8_0000;
        self.write_slot.d.next = self.slot_store.q.val();
        self.write_slot_address.d.next = self.address.val().get_bits::<12>(4);
        self.write_slot_data.d.next = self.stored.q.val().data;
        self.write_slot_enables.d.next = self.stored.q.val().enables;
        self.compose_marked.d.next = false;
        if self.page_store.q.val() {
            self.write_slot.d.next = self.is_express.q.val() & self.express_accepted.val();
            self.write_slot_address.d.next = (bit_cast::<12, 4>(self.transmit_queue.val()) << 8)
                | (bit_cast::<12, 4>(self.express_slot.val()) << 4);
            self.write_slot_data.d.next = bit_cast::<128, 64>(self.header.val())
                | (bit_cast::<128, 64>(self.lane.q.val()) << 64);
            self.write_slot_enables.d.next = 0xffff.into();
            self.compose_marked.d.next =
                self.is_express.q.val() & self.express_accepted.val() & self.marked.val();
        }
        self.slot_valid.next = self.write_slot.q.val();
        self.slot_address.next = self.write_slot_address.q.val();
        self.slot_data.next = self.write_slot_data.q.val();
        self.slot_enables.next = self.write_slot_enables.q.val();
        self.composed.next = self.compose_marked.q.val();

        self.consumer_stored.d.next = self.is_consumer.q.val() & self.receive_resident.val();
        self.consumer_queue.d.next = self.receive_queue.val();
        self.lane_word.d.next = self.lane.q.val().get_bits::<32>(0);
        self.stored_endpoint.d.next = self.endpoint.val();
        self.missed.d.next =
            ((self.is_express.q.val() | self.is_producer.q.val() | self.is_mark.q.val())
                & !self.transmit_resident.val())
                | (self.is_consumer.q.val() & !self.receive_resident.val());
        self.torn.d.next = self.is_torn.q.val();
        self.receive_consumer_valid.next = self.consumer_stored.q.val();
        self.receive_consumer_queue.next = self.consumer_queue.q.val();
        self.receive_consumer_index.next = self.lane_word.q.val().get_bits::<16>(0);
        self.nonresident_store.next = self.missed.q.val();
        self.store_event.next.kind = abi::event::kind::NON_RESIDENT_STORE.to_bits();
        self.store_event.next.index = self.stored_endpoint.q.val();
        self.store_event.next.code = 0.into();
        self.store_event.next.data = self.lane_word.q.val();
        self.torn_store.next = self.torn.q.val();

        if self.reset.val() {
            self.page_store.d.next = false;
            self.slot_store.d.next = false;
            self.is_express.d.next = false;
            self.is_producer.d.next = false;
            self.is_consumer.d.next = false;
            self.is_mark.d.next = false;
            self.is_torn.d.next = false;
            self.clear_address.d.next = 0.into();
            self.cleared.d.next = false;
            self.mark_armed.d.next = false;
            self.write_slot.d.next = false;
            self.compose_marked.d.next = false;
            self.consumer_stored.d.next = false;
            self.missed.d.next = false;
            self.torn.d.next = false;
        }
    }
}
