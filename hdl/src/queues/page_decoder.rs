//! Host stores to BAR2 (endpoint pages) and BAR4 (inline bodies), for both sides.

use crate::bundles::{ConfigurationWrite, Event, HostWrite};
use crate::configuration::TRANSMIT_SLOTS_LOG2;
use crate::library::forward_ram::ForwardRam;
use crate::library::reset_sweep::ResetSweep;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::{Progress, StoreOffer, StoreOutcome, StorePart};
use rust_hdl::prelude::*;

#[cfg(test)]
mod proof;
#[cfg(test)]
mod tests;

/// Takes every host write to BAR2 and BAR4 as it comes (posted writes cannot wait) and owns the store part of the
/// transmit queues' records: producer index and store errors (V1, V3, V15, V16, V19).
///
/// A store offered in cycle `t` reads its endpoint's entry of the map. In `t + 1` the entry names
/// the queues, `offer` tells the transmit engine, and the store part and the consumer index are
/// read. In `t + 2` they are there. In `t + 3` the store is accepted or refused: `outcome` tells,
/// the slot or the inline body is written, and the store part is written and told.
///
/// * Express: header and payload go to the slot of the next index; the producer index advances.
///   Refused if no slot is free.
/// * Producer index: legal if it lies no less than the producer index and no more than the slots
///   ahead of the consumer index.
/// * Inline bodies (BAR4): body `b` is that of the only index with `index` modulo 16 = `b` among
///   the 16 from the producer index on. All of its beats go to the endpoint's page of the pool; its
///   first one, which holds the header and 8 bytes of payload, goes to the slot of that index too.
///   So the engine finds every message's header in its slot. A store without a page is dropped and
///   counted, and the next producer index that brings messages is refused (`INLINE_LOST`).
/// * Consumer index of the receive queue: handed to the receive side in `t + 3`.
///
/// A store to a page that is not one aligned 8-byte store, or that hits no register, is torn: counted once a packet,
/// never delivered. After reset the endpoint map is cleared, a word a cycle; meanwhile every page counts as without
/// resident queues, and what firmware writes to the map is lost.
#[derive(LogicBlock, Default)]
pub struct PageDecoder<const ENDPOINTS_LOG2: usize, const QUEUES_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `write` counts in this cycle.
    pub write_valid: Signal<In, Bit>,
    /// A host write to any BAR; BAR0's are not for this block.
    pub write: Signal<In, HostWrite>,
    /// Region 0: the endpoint map.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// A control word with `enabled` sets the queue's store part to `third`. No store to the queue may be under way.
    pub queue_configuration: Signal<In, QueueWord>,
    /// The last control word has not taken effect yet.
    pub settling: Signal<Out, Bit>,
    /// The answer part: consumer index and failure.
    pub progress: Signal<In, Progress>,
    /// An endpoint whose map entry the completer asks for; its answer comes when no store needs the map.
    pub page_request: Signal<In, Bit>,
    pub page_endpoint: Signal<In, Bits<12>>,
    /// The map is read for the completer in this cycle; `page_resident` and `page` follow in the next.
    pub page_grant: Signal<Out, Bit>,
    pub page_resident: Signal<Out, Bit>,
    pub page: Signal<Out, Bits<8>>,

    /// A store that may become a message at once.
    pub offer: Signal<Out, StoreOffer>,
    /// What became of it, two cycles later; and of every other store to a transmit queue.
    pub outcome: Signal<Out, StoreOutcome>,
    /// The producer index before the store, one cycle before `outcome`.
    pub producer_before: Signal<Out, Bits<16>>,
    /// The store part, whenever it changes.
    pub stores: Signal<Out, StorePart>,

    /// The slot write counts.
    pub slot_valid: Signal<Out, Bit>,
    /// Queue and slot.
    pub slot_address: Signal<Out, Bits<14>>,
    pub slot_enables: Signal<Out, Bits<16>>,
    /// The pool write counts.
    pub pool_valid: Signal<Out, Bit>,
    /// Page, body and beat.
    pub pool_address: Signal<Out, Bits<14>>,
    pub pool_enables: Signal<Out, Bits<16>>,
    /// The bytes of a slot or pool write.
    pub memory_data: Signal<Out, Bits<128>>,

    /// Pulse: a receive consumer index came.
    pub consumer_valid: Signal<Out, Bit>,
    /// For this resident receive queue.
    pub consumer_queue: Signal<Out, Bits<8>>,
    /// Entries taken since the queue was enabled, modulo 2^16.
    pub consumer_index: Signal<Out, Bits<16>>,
    /// With an interrupt wanted.
    pub consumer_armed: Signal<Out, Bit>,

    /// Pulse, with `store_event`: a store met no resident queue. Its `index` is the endpoint, for
    /// the level-triggered bitmap too.
    pub nonresident_store: Signal<Out, Bit>,
    /// `abi::event::kind::NON_RESIDENT_STORE`.
    pub store_event: Signal<Out, Event>,
    /// Pulse: a torn store.
    pub torn_store: Signal<Out, Bit>,
    /// Pulse: an Express store or producer index beyond the free slots.
    pub overflowed: Signal<Out, Bit>,
    /// Pulse: a store to inline bodies of an endpoint without a page.
    pub inline_lost: Signal<Out, Bit>,
    /// Pulse: a marked Express message is written to its slot in this cycle.
    pub composed: Signal<Out, Bit>,

    /// A store in the cycle in which firmware writes its entry meets the new one, never a mixture.
    map: ForwardRam<Bits<27>, ENDPOINTS_LOG2>,
    parts: ForwardRam<Bits<33>, QUEUES_LOG2>,
    consumers: ForwardRam<Bits<17>, QUEUES_LOG2>,
    /// Clears the map.
    sweep: ResetSweep<ENDPOINTS_LOG2>,
    /// All of the map was cleared in the cycle before: only then the word that was read in it counts.
    readable: DFF<Bit>,

    // Cycle t + 1: the store, and what it is.
    stored: DFF<HostWrite>,
    page_store: DFF<Bit>,
    body_store: DFF<Bit>,
    is_express: DFF<Bit>,
    is_producer: DFF<Bit>,
    is_consumer: DFF<Bit>,
    is_mark: DFF<Bit>,
    is_torn: DFF<Bit>,
    /// Its byte offset in the page, and the eight bytes for the register there.
    offset: DFF<Bits<12>>,
    lane: DFF<Bits<64>>,
    mark_armed: DFF<Bit>,
    mark_endpoint: DFF<Bits<12>>,

    // Cycle t + 2: the queue.
    read_express: DFF<Bit>,
    read_producer: DFF<Bit>,
    read_torn: DFF<Bit>,
    read_body: DFF<Bit>,
    read_page_resident: DFF<Bit>,
    read_page: DFF<Bits<8>>,
    read_queue: DFF<Bits<8>>,
    read_marked: DFF<Bit>,
    read_data: DFF<Bits<128>>,
    read_enables: DFF<Bits<16>>,
    read_place: DFF<Bits<8>>,
    read_index: DFF<Bits<16>>,
    /// The index before it.
    read_before: DFF<Bits<16>>,
    read_consumer: DFF<Bit>,
    read_armed: DFF<Bit>,
    read_receive_queue: DFF<Bits<8>>,
    read_missed: DFF<Bit>,
    read_endpoint: DFF<Bits<12>>,

    // Cycle t + 3: the verdict.
    express: DFF<Bit>,
    producing: DFF<Bit>,
    torn: DFF<Bit>,
    body: DFF<Bit>,
    page_is_resident: DFF<Bit>,
    body_page: DFF<Bits<8>>,
    queue: DFF<Bits<8>>,
    marked: DFF<Bit>,
    data: DFF<Bits<128>>,
    enables: DFF<Bits<16>>,
    place: DFF<Bits<8>>,
    index: DFF<Bits<16>>,
    part: DFF<Bits<33>>,
    has_room: DFF<Bit>,
    /// The new index is less than the slots ahead of the consumer index; it is just as much.
    near: DFF<Bit>,
    at_limit: DFF<Bit>,
    /// It lies behind the producer index, or the queue takes no more.
    behind: DFF<Bit>,
    /// It differs from the producer index, and from the one behind that.
    brings: DFF<Bit>,
    brings_other: DFF<Bit>,
    slot: DFF<Bits<6>>,
    consumer_stored: DFF<Bit>,
    armed: DFF<Bit>,
    receive_queue: DFF<Bits<8>>,
    missed: DFF<Bit>,
    missed_endpoint: DFF<Bits<12>>,

    /// A store part that is to be cleared.
    clears_part: DFF<Bit>,
    cleared_queue: DFF<Bits<8>>,
    /// The part that was written in the cycle before, and whether for a refusal.
    written: DFF<Bit>,
    written_refused: DFF<Bit>,
    written_queue: DFF<Bits<8>>,
    written_part: DFF<Bits<33>>,

    map_index: Signal<Local, Bits<16>>,
    map_word: Signal<Local, Bits<64>>,
    map_entry: Signal<Local, Bits<27>>,
    entry: Signal<Local, Bits<27>>,
    endpoint: Signal<Local, Bits<12>>,
    address: Signal<Local, Bits<25>>,
    offered_address: Signal<Local, Bits<25>>,
    offered_data: Signal<Local, Bits<128>>,
    offered_enables: Signal<Local, Bits<16>>,
    upper_lane: Signal<Local, Bit>,
    offered_offset: Signal<Local, Bits<12>>,
    offered: Signal<Local, Bit>,
    whole: Signal<Local, Bit>,
    lower_half: Signal<Local, Bit>,
    names_express: Signal<Local, Bit>,
    names_producer: Signal<Local, Bit>,
    names_consumer: Signal<Local, Bit>,
    names_mark: Signal<Local, Bit>,
    transmit_queue: Signal<Local, Bits<8>>,
    transmit_resident: Signal<Local, Bit>,
    page_is_there: Signal<Local, Bit>,
    receive_resident: Signal<Local, Bit>,
    is_marked: Signal<Local, Bit>,
    header: Signal<Local, Bits<64>>,
    part_now: Signal<Local, Bits<33>>,
    producer_now: Signal<Local, Bits<16>>,
    consumer_now: Signal<Local, Bits<17>>,
    used: Signal<Local, Bits<7>>,
    ahead: Signal<Local, Bits<16>>,
    ahead_more: Signal<Local, Bits<16>>,
    body_distance: Signal<Local, Bits<4>>,
    slot_index: Signal<Local, Bits<6>>,
    producer: Signal<Local, Bits<16>>,
    errors: Signal<Local, Bits<12>>,
    error: Signal<Local, Bits<4>>,
    lost: Signal<Local, Bit>,
    accepts_express: Signal<Local, Bit>,
    legal: Signal<Local, Bit>,
    accepts_producer: Signal<Local, Bit>,
    overflow: Signal<Local, Bit>,
    refuses: Signal<Local, Bit>,
    loses_body: Signal<Local, Bit>,
    new_producer: Signal<Local, Bits<16>>,
    new_errors: Signal<Local, Bits<12>>,
    new_error: Signal<Local, Bits<4>>,
    new_lost: Signal<Local, Bit>,
    writes_part: Signal<Local, Bit>,
    new_part: Signal<Local, Bits<33>>,
    part_queue: Signal<Local, Bits<8>>,
    control_word: Signal<Local, Bits<64>>,
    told_queue: Signal<Local, Bits<8>>,
}

/// The page decoder of the NIU.
pub type DefaultPageDecoder = PageDecoder<
    { crate::configuration::ENDPOINTS_LOG2 },
    { crate::configuration::TRANSMIT_QUEUES_LOG2 },
>;

impl<const ENDPOINTS_LOG2: usize, const QUEUES_LOG2: usize> Logic
    for PageDecoder<ENDPOINTS_LOG2, QUEUES_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            readable,
            stored,
            page_store,
            body_store,
            is_express,
            is_producer,
            is_consumer,
            is_mark,
            is_torn,
            offset,
            lane,
            mark_armed,
            mark_endpoint,
            read_express,
            read_producer,
            read_torn,
            read_body,
            read_page_resident,
            read_page,
            read_queue,
            read_marked,
            read_data,
            read_enables,
            read_place,
            read_index,
            read_consumer,
            read_armed,
            read_receive_queue,
            read_missed,
            read_endpoint,
            express,
            producing,
            torn,
            body,
            page_is_resident,
            body_page,
            queue,
            marked,
            data,
            enables,
            place,
            index,
            part,
            has_room,
            near,
            at_limit,
            behind,
            brings,
            brings_other,
            read_before,
            slot,
            consumer_stored,
            armed,
            receive_queue,
            missed,
            missed_endpoint,
            clears_part,
            cleared_queue,
            written,
            written_refused,
            written_queue,
            written_part
        );
        clock!(self, clock, map, parts, consumers, sweep);

        // The endpoint map: written by firmware, read at the store's page.
        self.map_index.next = self.configuration.val().index;
        self.map_word.next = self.configuration.val().data;
        self.map_entry.next = bit_cast::<27, 9>(
            self.map_word
                .val()
                .get_bits::<9>(abi::queue_state::endpoint_map::transmit_queue::SHIFT),
        ) | (bit_cast::<27, 9>(
            self.map_word
                .val()
                .get_bits::<9>(abi::queue_state::endpoint_map::receive_queue::SHIFT),
        ) << 9)
            | (bit_cast::<27, 9>(
                self.map_word
                    .val()
                    .get_bits::<9>(abi::queue_state::endpoint_map::page::SHIFT),
            ) << 18);
        self.map.write_enable.next = self.configuration.val().valid
            & (self
                .map_index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_ENDPOINT_MAP.to_bits());
        self.map.write_address.next = self.map_index.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.map.write_data.next = self.map_entry.val();
        self.sweep.reset.next = self.reset.val();
        if self.sweep.clears.val() {
            self.map.write_enable.next = true;
            self.map.write_address.next = self.sweep.index.val();
            self.map.write_data.next = 0.into();
        }
        self.readable.d.next = !self.sweep.clears.val();

        // Cycle t: which register of the page, and the eight bytes for it.
        self.stored.d.next = self.write.val();
        self.offered_address.next = self.write.val().address;
        self.page_grant.next = self.page_request.val() & !self.write_valid.val();
        self.map.read_address.next = self.page_endpoint.val().get_bits::<ENDPOINTS_LOG2>(0);
        if self.write_valid.val() {
            self.map.read_address.next = self.offered_address.val().get_bits::<ENDPOINTS_LOG2>(12);
        }
        self.offered_data.next = self.write.val().data;
        self.offered_enables.next = self.write.val().enables;
        self.upper_lane.next = self.offered_enables.val().get_bit(8);
        self.offered_offset.next = self.offered_address.val().get_bits::<12>(0);
        self.lane.d.next = self.offered_data.val().get_bits::<64>(0);
        if self.upper_lane.val() {
            self.offered_offset.next = self.offered_address.val().get_bits::<12>(0) | 8;
            self.lane.d.next = self.offered_data.val().get_bits::<64>(64);
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
        // The upper half of BAR4 belongs to the outbox.
        self.lower_half.next = !self
            .offered_address
            .val()
            .get_bit(crate::configuration::ENDPOINT_SPACE_LOG2);
        self.page_store.d.next = self.offered.val();
        self.body_store.d.next =
            self.write_valid.val() & (self.write.val().space == 2) & self.lower_half.val();
        self.is_express.d.next = self.names_express.val();
        self.is_producer.d.next = self.names_producer.val();
        self.is_consumer.d.next = self.names_consumer.val();
        self.is_mark.d.next = self.names_mark.val();
        // A packet without a single enabled byte is legal and does nothing.
        self.is_torn.d.next = self.offered.val()
            & self.write.val().last
            & self.offered_enables.val().any()
            & !(self.names_express.val()
                | self.names_producer.val()
                | self.names_consumer.val()
                | self.names_mark.val());

        // Cycle t + 1: the map's entry.
        self.entry.next = self.map.read_data.val();
        self.page_is_there.next = self.entry.val().get_bit(26) & self.readable.q.val();
        self.page_resident.next = self.page_is_there.val();
        self.page.next = self.entry.val().get_bits::<8>(18);
        self.address.next = self.stored.q.val().address;
        self.endpoint.next =
            bit_cast::<12, ENDPOINTS_LOG2>(self.address.val().get_bits::<ENDPOINTS_LOG2>(12));
        self.transmit_queue.next = self.entry.val().get_bits::<8>(0);
        self.transmit_resident.next = self.entry.val().get_bit(8) & self.readable.q.val();
        self.receive_resident.next = self.entry.val().get_bit(17) & self.readable.q.val();
        // One mark waits for the next Express message of its endpoint.
        self.is_marked.next =
            self.mark_armed.q.val() & (self.mark_endpoint.q.val() == self.endpoint.val());
        if self.is_mark.q.val() & self.transmit_resident.val() {
            self.mark_armed.d.next = self.lane.q.val().get_bit(0);
            self.mark_endpoint.d.next = self.endpoint.val();
        }
        if self.is_express.q.val() & self.transmit_resident.val() & self.is_marked.val() {
            self.mark_armed.d.next = false;
        }
        self.offer.next.valid =
            (self.is_express.q.val() | self.is_producer.q.val()) & self.transmit_resident.val();
        self.offer.next.express = self.is_express.q.val();
        self.offer.next.queue = self.transmit_queue.val();
        self.parts.read_address.next = self.transmit_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.consumers.read_address.next = self.transmit_queue.val().get_bits::<QUEUES_LOG2>(0);

        self.read_express.d.next = self.is_express.q.val() & self.transmit_resident.val();
        self.read_producer.d.next = self.is_producer.q.val() & self.transmit_resident.val();
        self.read_torn.d.next = self.is_torn.q.val() & self.transmit_resident.val();
        self.read_body.d.next = self.body_store.q.val() & self.transmit_resident.val();
        self.inline_lost.next = self.body_store.q.val()
            & self.stored.q.val().last
            & !(self.transmit_resident.val() & self.page_is_there.val());
        self.read_page_resident.d.next = self.page_is_there.val();
        self.read_page.d.next = self.entry.val().get_bits::<8>(18);
        self.read_queue.d.next = self.transmit_queue.val();
        self.read_marked.d.next = self.is_marked.val() & self.is_express.q.val();
        // An Express message becomes a slot: header, then payload.
        self.header.next = bit_cast::<64, 6>(
            self.offset
                .q
                .val()
                .get_bits::<6>(abi::endpoint::EXPRESS_DESTINATION_SHIFT),
        ) | (bit_cast::<64, 2>(
            self.offset
                .q
                .val()
                .get_bits::<2>(abi::endpoint::EXPRESS_TAG_SHIFT),
        ) << abi::message::transmit_header::tag::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 1>(self.is_marked.val().into())
                << abi::message::transmit_header::marked::SHIFT.to_bits::<8>())
            | (abi::message::EXPRESS_PAYLOAD_BYTES.to_bits::<64>()
                << abi::message::transmit_header::length::SHIFT.to_bits::<8>());
        self.read_data.d.next = self.stored.q.val().data;
        self.read_enables.d.next = self.stored.q.val().enables;
        if self.page_store.q.val() {
            self.read_data.d.next = bit_cast::<128, 64>(self.header.val())
                | (bit_cast::<128, 64>(self.lane.q.val()) << 64);
            self.read_enables.d.next = 0xffff.into();
        }
        self.read_place.d.next = self.address.val().get_bits::<8>(4);
        self.read_index.d.next = self.lane.q.val().get_bits::<16>(0);
        self.read_before.d.next = self.lane.q.val().get_bits::<16>(0) - 1;
        self.read_consumer.d.next = self.is_consumer.q.val() & self.receive_resident.val();
        self.read_armed.d.next = self
            .lane
            .q
            .val()
            .get_bit(abi::endpoint::page::receive_consumer::armed::SHIFT);
        self.read_receive_queue.d.next = self.entry.val().get_bits::<8>(9);
        self.read_missed.d.next =
            ((self.is_express.q.val() | self.is_producer.q.val() | self.is_mark.q.val())
                & !self.transmit_resident.val())
                | (self.is_consumer.q.val() & !self.receive_resident.val());
        self.read_endpoint.d.next = self.endpoint.val();
        self.torn_store.next = self.is_torn.q.val();

        // Cycle t + 3: the verdict.
        self.legal.next = (self.near.q.val() | self.at_limit.q.val()) & !self.behind.q.val();
        self.producer.next = self.part.q.val().get_bits::<16>(0);
        self.errors.next = self.part.q.val().get_bits::<12>(16);
        self.error.next = self.part.q.val().get_bits::<4>(28);
        self.lost.next = self.part.q.val().get_bit(32);
        self.accepts_express.next = self.express.q.val() & self.has_room.q.val();
        self.accepts_producer.next =
            self.producing.q.val() & self.legal.val() & !(self.lost.val() & self.brings.q.val());
        self.overflow.next = (self.express.q.val() & !self.has_room.q.val())
            | (self.producing.q.val() & !self.legal.val());
        self.refuses.next = self.torn.q.val()
            | self.overflow.val()
            | (self.producing.q.val() & !self.accepts_producer.val());
        self.loses_body.next = self.body.q.val() & !self.page_is_resident.q.val();
        self.new_producer.next = self.producer.val();
        if self.accepts_express.val() {
            self.new_producer.next = self.producer.val() + 1;
        }
        if self.accepts_producer.val() {
            self.new_producer.next = self.index.q.val();
        }
        self.new_errors.next = self.errors.val();
        self.new_error.next = self.error.val();
        if self.refuses.val() {
            if !self.errors.val().all() {
                self.new_errors.next = self.errors.val() + 1;
            }
            self.new_error.next = abi::message::error::INLINE_LOST.to_bits();
            if self.overflow.val() {
                self.new_error.next = abi::message::error::OVERFLOW.to_bits();
            }
            if self.torn.q.val() {
                self.new_error.next = abi::message::error::TORN_STORE.to_bits();
            }
        }
        self.new_lost.next = (self.lost.val()
            & !(self.producing.q.val() & self.legal.val() & self.brings.q.val()))
            | self.loses_body.val();
        self.writes_part.next = self.express.q.val()
            | self.producing.q.val()
            | self.torn.q.val()
            | self.loses_body.val();
        self.new_part.next = bit_cast::<33, 16>(self.new_producer.val())
            | (bit_cast::<33, 12>(self.new_errors.val()) << 16)
            | (bit_cast::<33, 4>(self.new_error.val()) << 28)
            | (bit_cast::<33, 1>(self.new_lost.val().into()) << 32);
        self.part_queue.next = self.queue.q.val();

        // A queue that firmware enables begins with an empty part, or with the one that is loaded;
        // its turn comes in a cycle without a store.
        self.control_word.next = self.queue_configuration.val().word;
        if self.clears_part.q.val() & !self.writes_part.val() {
            self.new_part.next = self.queue_configuration.val().third;
            self.part_queue.next = self.cleared_queue.q.val();
            self.clears_part.d.next = false;
        }
        if self.queue_configuration.val().control
            & self
                .control_word
                .val()
                .get_bit(abi::queue_state::transmit_control::enabled::SHIFT)
        {
            self.clears_part.d.next = true;
            self.cleared_queue.d.next = self.queue_configuration.val().queue;
        }
        self.settling.next = self.clears_part.q.val();
        self.written.d.next = self.writes_part.val() | self.clears_part.q.val();
        self.written_refused.d.next = self.refuses.val();
        self.written_queue.d.next = self.part_queue.val();
        self.written_part.d.next = self.new_part.val();
        self.parts.write_enable.next = self.writes_part.val() | self.clears_part.q.val();
        self.parts.write_address.next = self.part_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.parts.write_data.next = self.new_part.val();
        self.stores.next.valid = self.written.q.val();
        self.stores.next.queue = self.written_queue.q.val();
        self.stores.next.producer = self.written_part.q.val().get_bits::<16>(0);
        self.stores.next.errors = self.written_part.q.val().get_bits::<12>(16);
        self.stores.next.error = self.written_part.q.val().get_bits::<4>(28);
        self.stores.next.lost = self.written_part.q.val().get_bit(32);
        self.stores.next.tell = self.written_refused.q.val();

        // Cycle t + 2: store part and consumer index. The store before may be at its verdict in this very cycle.
        self.part_now.next = self.parts.read_data.val();
        if self.writes_part.val() & (self.queue.q.val() == self.read_queue.q.val()) {
            self.part_now.next = self.new_part.val();
        }
        self.part.d.next = self.part_now.val();
        self.producer_now.next = self.part_now.val().get_bits::<16>(0);
        self.producer_before.next = self.producer_now.val();
        self.consumer_now.next = self.consumers.read_data.val();
        self.used.next =
            self.producer_now.val().get_bits::<7>(0) - self.consumer_now.val().get_bits::<7>(0);
        self.has_room.d.next = (self.used.val() != crate::configuration::TRANSMIT_SLOTS.to_bits())
            & !self.consumer_now.val().get_bit(16);
        // Messages between the producer index and the new one, and between the consumer index and the new one.
        self.ahead.next = self.read_index.q.val() - self.consumer_now.val().get_bits::<16>(0);
        self.ahead_more.next = self.read_index.q.val() - self.producer_now.val();
        // If the new index is no more than the slots ahead of the consumer index, it is less than 2^15 away from the
        // producer index, on one side or the other.
        self.near.d.next =
            (self.ahead.val() >> crate::configuration::TRANSMIT_SLOTS_LOG2.to_bits::<4>()) == 0;
        self.at_limit.d.next = self.ahead.val() == crate::configuration::TRANSMIT_SLOTS.to_bits();
        self.behind.d.next =
            self.ahead_more.val().get_bit(15) | self.consumer_now.val().get_bit(16);
        self.brings.d.next = self.read_index.q.val() != self.producer_now.val();
        self.brings_other.d.next = self.read_before.q.val() != self.producer_now.val();
        // The slot: of the next index for an Express message, of the body's index for an inline body.
        self.body_distance.next =
            self.read_place.q.val().get_bits::<4>(4) - self.producer_now.val().get_bits::<4>(0);
        self.slot_index.next = self.producer_now.val().get_bits::<6>(0);
        if self.read_body.q.val() {
            self.slot_index.next = self.producer_now.val().get_bits::<6>(0)
                + bit_cast::<6, 4>(self.body_distance.val());
        }
        self.slot.d.next = self.slot_index.val();
        self.express.d.next = self.read_express.q.val();
        self.producing.d.next = self.read_producer.q.val();
        self.torn.d.next = self.read_torn.q.val();
        self.body.d.next = self.read_body.q.val();
        self.page_is_resident.d.next = self.read_page_resident.q.val();
        self.body_page.d.next = self.read_page.q.val();
        self.queue.d.next = self.read_queue.q.val();
        self.marked.d.next = self.read_marked.q.val();
        self.data.d.next = self.read_data.q.val();
        self.enables.d.next = self.read_enables.q.val();
        self.place.d.next = self.read_place.q.val();
        self.index.d.next = self.read_index.q.val();
        self.consumer_stored.d.next = self.read_consumer.q.val();
        self.armed.d.next = self.read_armed.q.val();
        self.receive_queue.d.next = self.read_receive_queue.q.val();
        self.missed.d.next = self.read_missed.q.val();
        self.missed_endpoint.d.next = self.read_endpoint.q.val();

        self.outcome.next.accepted =
            self.accepts_express.val() | (self.accepts_producer.val() & self.brings.q.val());
        self.outcome.next.express = self.express.q.val();
        self.outcome.next.queue = self.queue.q.val();
        self.outcome.next.more =
            self.producing.q.val() & self.brings.q.val() & self.brings_other.q.val();
        self.outcome.next.slot = self.data.q.val();
        self.overflowed.next = self.overflow.val();
        self.composed.next = self.accepts_express.val() & self.marked.q.val();

        self.memory_data.next = self.data.q.val();
        self.slot_valid.next = self.accepts_express.val()
            | (self.body.q.val()
                & self.page_is_resident.q.val()
                & (self.place.q.val().get_bits::<4>(0) == 0));
        self.slot_address.next = (bit_cast::<14, 8>(self.queue.q.val())
            << crate::configuration::TRANSMIT_SLOTS_LOG2.to_bits::<4>())
            | bit_cast::<14, TRANSMIT_SLOTS_LOG2>(
                self.slot.q.val().get_bits::<TRANSMIT_SLOTS_LOG2>(0),
            );
        self.slot_enables.next = self.enables.q.val();
        self.pool_valid.next = self.body.q.val() & self.page_is_resident.q.val();
        self.pool_address.next = (bit_cast::<14, 8>(self.body_page.q.val()) << 8)
            | bit_cast::<14, 8>(self.place.q.val());
        self.pool_enables.next = self.enables.q.val();

        self.consumer_valid.next = self.consumer_stored.q.val();
        self.consumer_queue.next = self.receive_queue.q.val();
        self.consumer_index.next = self.index.q.val();
        self.consumer_armed.next = self.armed.q.val();
        self.nonresident_store.next = self.missed.q.val();
        self.store_event.next.kind = abi::event::kind::NON_RESIDENT_STORE.to_bits();
        self.store_event.next.index = self.missed_endpoint.q.val();
        self.store_event.next.code = 0.into();
        self.store_event.next.data = bit_cast::<32, 16>(self.index.q.val());

        // The answer part's consumer index and failure.
        self.told_queue.next = self.progress.val().queue;
        self.consumers.write_enable.next = self.progress.val().valid;
        self.consumers.write_address.next = self.told_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.consumers.write_data.next = bit_cast::<17, 16>(self.progress.val().consumer)
            | (bit_cast::<17, 1>(self.progress.val().failed.into()) << 16);

        if self.reset.val() {
            self.readable.d.next = false;
            self.page_store.d.next = false;
            self.body_store.d.next = false;
            self.is_express.d.next = false;
            self.is_producer.d.next = false;
            self.is_consumer.d.next = false;
            self.is_mark.d.next = false;
            self.is_torn.d.next = false;
            self.mark_armed.d.next = false;
            self.read_express.d.next = false;
            self.read_producer.d.next = false;
            self.read_torn.d.next = false;
            self.read_body.d.next = false;
            self.read_consumer.d.next = false;
            self.read_missed.d.next = false;
            self.express.d.next = false;
            self.producing.d.next = false;
            self.torn.d.next = false;
            self.body.d.next = false;
            self.consumer_stored.d.next = false;
            self.missed.d.next = false;
            self.clears_part.d.next = false;
            self.written.d.next = false;
            self.written_refused.d.next = false;
        }
    }
}
