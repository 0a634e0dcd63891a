//! Host stores to BAR2 (endpoint pages) and BAR4 (inline bodies), for both sides.

use crate::bundles::{ConfigurationWrite, Event, HostWrite, ReplayRequest, Replayed};
use crate::configuration::TRANSMIT_SLOTS_LOG2;
use crate::library::fixed::Fixed;
use crate::library::forward_ram::ForwardRam;
use crate::library::reset_sweep::ResetSweep;
use crate::queues::capture_buffer::CapturedStore;
use crate::queues::kept_consumers::{GivenBack, KeptConsumers};
use crate::queues::page_progress::PageProgress;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::{Progress, StoreOffer, StoreOutcome, StorePart};
use rust_hdl::prelude::*;

#[cfg(test)]
mod proof;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod residency_tests;
#[cfg(test)]
mod tests;

/// What the host has stored to an endpoint's page, resident or not.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct EndpointStores {
    /// First message that the host has not stored.
    pub producer: Bits<16>,
    /// `abi::message::shadow::store_errors`.
    pub errors: Bits<12>,
    /// `abi::message::shadow::store_error`.
    pub error: Bits<4>,
    /// An inline body was stored while there was no page for it, which no producer index has covered.
    pub inline_lost: Bit,
    /// A store was lost, and the host has not started again.
    pub lost: Bit,
    /// Losses so far.
    pub losses: Bits<4>,
    /// Stores that are captured.
    pub captured: Bits<7>,
    /// The oldest so many of them stand behind one that was lost.
    pub stale: Bits<7>,
    /// The first beat of an inline body that no producer index has covered went to a slot; of a queue that the endpoint
    /// has no more.
    pub heads: Bit,
    pub heads_lost: Bit,
}

/// Takes every host write to BAR2 and BAR4 as it comes (posted writes cannot wait) and owns the store part of the
/// transmit queues' records, by endpoint: producer index, store errors, losses (V1, V3, V15, V16, V19).
///
/// A store offered in cycle `t` reads its endpoint's entry of the map. In `t + 1` the entry names
/// the queues, `offer` tells the transmit engine, and the store part and the consumer index are
/// read. In `t + 2` they are there. In `t + 3` the store is accepted or refused: `outcome` tells,
/// the slot or the inline body is written, and the store part is written and told.
///
/// * Express: header and payload go to the slot of the next index; the producer index advances.
///   Refused if no slot is free.
/// * Express operation: as Express, with form REMOTE in the header.
/// * Producer index: legal if it lies no less than the producer index and no more than the slots
///   ahead of the consumer index.
/// * Inline bodies (BAR4): body `b` is that of the only index with `index` modulo 16 = `b` among
///   the 16 from the producer index on. All of its beats go to the endpoint's page of the pool; its
///   first one, which holds the header and 8 bytes of payload, goes to the slot of that index too.
///   So the engine finds every message's header in its slot. A store without a page is dropped and
///   counted, and the next producer index that brings messages is refused (`INLINE_LOST`).
/// * While the endpoint's transmit queue is away, or some of its stores are captured, these stores are judged as
///   always. What would go to a slot or tell the engine goes to the capture buffer instead (`captures`). So a queue
///   that comes back gets its stores in order: first those that were captured, then, from one cycle to the next, all
///   others.
/// * What finds no room there is lost: `losses` counts, and all stores of messages are refused, resident or not, until
///   a resume store names the producer index (rules 16, 17). A producer index is lost too that covers a body whose
///   first beat stands in a slot of a queue that the endpoint has no more.
/// * Consumer index of the receive queue, with the wish for an interrupt: kept, and handed to the receive side and the
///   interrupts in `t + 3` if the queue is resident. When the map says that it is so, what was kept is handed over.
///
/// A replay (`replay`) takes a cycle without a store, and the same way. In its `t + 3` the oldest captured store is
/// carried out on a queue, or thrown away: then everything from its message on is lost, and what is captured behind it
/// (`stale`) is thrown away in its turn, whatever the replay says. A producer index is thrown away too that covers a
/// body whose first beat stands in a slot of a queue that the endpoint has no more. `fresh` makes the endpoint a new
/// one, unless stores of a former one are captured. The executor writes the map.
///
/// A store to a page that is not one aligned 8-byte store, or that hits no register, is torn: counted once a packet,
/// never delivered. After reset the endpoint map and the store parts are cleared, a word a cycle; meanwhile every page
/// counts as without an endpoint, and what firmware writes to the map is lost.
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
    /// A control word with `enabled` gives the queue to an endpoint.
    pub queue_configuration: Signal<In, QueueWord>,
    /// The answer path may not be done with the last control word.
    pub answers_settle: Signal<In, Bit>,
    /// The last control word has not taken effect yet.
    pub settling: Signal<Out, Bit>,
    /// `REPLAY_STORE` and `GIVE_BACK_ENTRIES`.
    pub replay: Signal<In, ReplayRequest>,
    pub replayed: Signal<Out, Replayed>,
    /// The capture buffer.
    pub captures: Signal<Out, Bit>,
    pub capture: Signal<Out, CapturedStore>,
    pub capture_room: Signal<In, Bit>,
    pub captured: Signal<In, CapturedStore>,
    pub captured_empty: Signal<In, Bit>,
    pub takes_captured: Signal<Out, Bit>,
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
    /// The bytes of a slot write: the composing endpoint's number stands in the header (`bundles::slot`).
    pub slot_data: Signal<Out, Bits<128>>,
    /// The bytes of a pool write.
    pub pool_data: Signal<Out, Bits<128>>,

    /// Pulse: a receive consumer index came.
    pub consumer_valid: Signal<Out, Bit>,
    /// For this resident receive queue.
    pub consumer_queue: Signal<Out, Bits<8>>,
    /// Entries taken since the queue was enabled, modulo 2^16.
    pub consumer_index: Signal<Out, Bits<16>>,
    /// The interrupt that is wanted with it (`GivenBack`).
    pub consumer_asks: Signal<Out, Bit>,
    pub consumer_armed: Signal<Out, Bit>,
    pub consumer_late: Signal<Out, Bit>,

    /// Pulse, with `store_event`: a store met no endpoint, or the receive queue of its consumer index is away, or it
    /// was lost. Its `index` is the endpoint, for the level-triggered bitmap too.
    pub nonresident_store: Signal<Out, Bit>,
    /// Pulse: a store met no endpoint.
    pub stray_store: Signal<Out, Bit>,
    /// Pulse: a loss was counted.
    pub lost_store: Signal<Out, Bit>,
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
    map: ForwardRam<Bits<28>, ENDPOINTS_LOG2>,
    parts: ForwardRam<EndpointStores, ENDPOINTS_LOG2>,
    progresses: PageProgress<ENDPOINTS_LOG2, QUEUES_LOG2>,
    kept: KeptConsumers<ENDPOINTS_LOG2>,
    /// Clears the map and the parts.
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
    is_resume: DFF<Bit>,
    is_torn: DFF<Bit>,
    is_replay: DFF<Bit>,
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
    read_stray: DFF<Bit>,
    read_endpoint: DFF<Bits<12>>,
    read_resume: DFF<Bit>,
    /// The endpoint's transmit queue is away.
    read_away: DFF<Bit>,
    read_exists: DFF<Bit>,
    read_replay: DFF<Bit>,
    /// Its endpoint is that of the store one cycle ahead of it.
    read_same: DFF<Bit>,
    read_keeps: DFF<Bit>,

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
    part: DFF<EndpointStores>,
    /// The index behind the producer index: worked out ahead of the verdict, which the next store waits for.
    next_producer: DFF<Bits<16>>,
    has_room: DFF<Bit>,
    /// No store of the endpoint is lost, and it can be captured if it must be.
    open: DFF<Bit>,
    /// The new index is less than the slots ahead of the consumer index; it is just as much.
    near: DFF<Bit>,
    at_limit: DFF<Bit>,
    /// It lies behind the producer index, or the queue takes no more.
    behind: DFF<Bit>,
    /// It differs from the producer index, and from the one behind that.
    brings: DFF<Bit>,
    brings_other: DFF<Bit>,
    slot: DFF<Bits<6>>,
    /// The oldest captured store came at another producer index.
    goes_back: DFF<Bit>,
    consumer_stored: DFF<Bit>,
    armed: DFF<Bit>,
    receive_queue: DFF<Bits<8>>,
    missed: DFF<Bit>,
    stray: DFF<Bit>,
    /// Of the store in `t + 3`.
    at_endpoint: DFF<Bits<12>>,
    resuming: DFF<Bit>,
    /// The endpoint has no queue; it has none, or stores of it are captured; there is such an endpoint.
    not_resident: DFF<Bit>,
    away: DFF<Bit>,
    page_exists: DFF<Bit>,
    replaying: DFF<Bit>,
    keeps: DFF<Bit>,
    /// A replay waited in the cycle before: for this endpoint; there is nothing to carry out, or another endpoint's
    /// store.
    replay_seen: DFF<Bit>,
    replay_at: DFF<Bits<12>>,
    replay_fails: DFF<Bit>,
    /// The replay is on its way; it is done, and did not write the map.
    replay_flies: DFF<Bit>,
    replay_done: DFF<Bit>,
    replay_busy: DFF<Bit>,
    replay_maps: DFF<Bit>,

    /// The part that was told in the cycle before, and whether the shadow line must say so.
    written: DFF<Bit>,
    written_tell: DFF<Bit>,
    written_losses: DFF<Bit>,
    written_begins: DFF<Bit>,
    written_queue: DFF<Bits<8>>,
    written_part: DFF<EndpointStores>,

    map_index: Signal<Local, Bits<16>>,
    map_word: Signal<Local, Bits<64>>,
    maps: Signal<Local, Bit>,
    map_entry: Signal<Local, Bits<28>>,
    entry: Signal<Local, Bits<28>>,
    replay_waits: Signal<Local, Bit>,
    replay_begins: Signal<Local, Bit>,
    replay_at_now: Signal<Local, Bits<12>>,
    replay_enters: Signal<Local, Bit>,
    replay_endpoint: Signal<Local, Bits<12>>,
    replay_store: Signal<Local, Bit>,
    oldest: Signal<Local, CapturedStore>,
    names_resume: Signal<Local, Bit>,
    exists: Signal<Local, Bit>,
    takes_messages: Signal<Local, Bit>,
    queue_1: Signal<Local, Bits<8>>,
    same_1: Signal<Local, Bit>,
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
    is_operation: Signal<Local, Bit>,
    destination: Signal<Local, Bits<6>>,
    part_now: Signal<Local, EndpointStores>,
    goes_away: Signal<Local, Bit>,
    producer_now: Signal<Local, Bits<16>>,
    consumer_now: Signal<Local, Bits<16>>,
    used: Signal<Local, Bits<7>>,
    ahead: Signal<Local, Bits<16>>,
    ahead_more: Signal<Local, Bits<16>>,
    body_distance: Signal<Local, Bits<4>>,
    slot_index: Signal<Local, Bits<6>>,
    producer: Signal<Local, Bits<16>>,
    errors: Signal<Local, Bits<12>>,
    lost: Signal<Local, Bit>,
    accepts_express: Signal<Local, Bit>,
    legal: Signal<Local, Bit>,
    accepts_producer: Signal<Local, Bit>,
    overflow: Signal<Local, Bit>,
    refuses: Signal<Local, Bit>,
    loses_body: Signal<Local, Bit>,
    brings_messages: Signal<Local, Bit>,
    is_head: Signal<Local, Bit>,
    covers_lost_head: Signal<Local, Bit>,
    captures_head: Signal<Local, Bit>,
    captures_store: Signal<Local, Bit>,
    loses: Signal<Local, Bit>,
    resumes: Signal<Local, Bit>,
    replays_express: Signal<Local, Bit>,
    replays_producer: Signal<Local, Bit>,
    replays_body: Signal<Local, Bit>,
    left_captured: Signal<Local, Bits<7>>,
    word: Signal<Local, Bits<64>>,
    makes_resident: Signal<Local, Bit>,
    makes_fresh: Signal<Local, Bit>,
    is_resident: Signal<Local, Bit>,
    /// A consumer index for a receive queue that is away, or of nobody; a store to nobody.
    consumer_waits: Signal<Local, Bit>,
    is_stray: Signal<Local, Bit>,
    is_stale: Signal<Local, Bit>,
    /// The oldest captured store is a producer index; it is carried out.
    is_index: Signal<Local, Bit>,
    carries: Signal<Local, Bit>,
    throws: Signal<Local, Bit>,
    sheds: Signal<Local, Bit>,
    is_last: Signal<Local, Bit>,
    clears: Signal<Local, Bit>,
    writes_part: Signal<Local, Bit>,
    new_part: Signal<Local, EndpointStores>,
    page_index: Signal<Local, Bits<12>>,
    tells: Signal<Local, Bit>,
    captured_index: Signal<Local, Bits<16>>,
    given: Signal<Local, GivenBack>,
    owner_bytes: Fixed<16, 0xc0>,
    owner_mask: Fixed<128, 0xffff>,
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
            is_resume,
            is_torn,
            is_replay,
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
            read_stray,
            read_endpoint,
            read_resume,
            read_away,
            read_exists,
            read_replay,
            read_same,
            read_keeps,
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
            next_producer,
            has_room,
            open,
            near,
            at_limit,
            behind,
            brings,
            brings_other,
            read_before,
            slot,
            goes_back,
            consumer_stored,
            armed,
            receive_queue,
            missed,
            stray,
            at_endpoint,
            resuming,
            not_resident,
            away,
            page_exists,
            replaying,
            keeps,
            replay_seen,
            replay_at,
            replay_fails,
            replay_flies,
            replay_done,
            replay_busy,
            replay_maps,
            written,
            written_tell,
            written_losses,
            written_begins,
            written_queue,
            written_part
        );
        clock!(self, clock, map, parts, progresses, kept, sweep);
        self.progresses.reset.next = self.reset.val();
        self.kept.reset.next = self.reset.val();

        self.oldest.next = self.captured.val();
        self.captured_index.next = self.oldest.val().index;
        // The endpoint map: written by firmware, read at the store's page.
        self.map_index.next = self.configuration.val().index;
        self.map_word.next = self.configuration.val().data;
        self.map_entry.next = bit_cast::<28, 9>(
            self.map_word
                .val()
                .get_bits::<9>(abi::queue_state::endpoint_map::transmit_queue::SHIFT),
        ) | (bit_cast::<28, 9>(
            self.map_word
                .val()
                .get_bits::<9>(abi::queue_state::endpoint_map::receive_queue::SHIFT),
        ) << 9)
            | (bit_cast::<28, 9>(
                self.map_word
                    .val()
                    .get_bits::<9>(abi::queue_state::endpoint_map::page::SHIFT),
            ) << 18)
            | (bit_cast::<28, 1>(
                self.map_word
                    .val()
                    .get_bits::<1>(abi::queue_state::endpoint_map::exists::SHIFT),
            ) << 27);
        self.maps.next = self.configuration.val().valid
            & (self
                .map_index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_ENDPOINT_MAP.to_bits());
        self.map.write_enable.next = self.maps.val();
        self.map.write_address.next = self.map_index.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.map.write_data.next = self.map_entry.val();
        self.kept.returns.next = self.maps.val()
            & self
                .map_word
                .val()
                .get_bit(abi::queue_state::endpoint_map::receive_resident::SHIFT);
        self.kept.returning_endpoint.next = self.map_index.val().get_bits::<12>(0);
        self.kept.returning_queue.next = self
            .map_word
            .val()
            .get_bits::<8>(abi::queue_state::endpoint_map::receive_queue::SHIFT);
        self.sweep.reset.next = self.reset.val();
        if self.sweep.clears.val() {
            self.map.write_enable.next = true;
            self.map.write_address.next = self.sweep.index.val();
            self.map.write_data.next = 0.into();
        }
        self.readable.d.next = !self.sweep.clears.val();

        // A replay enters in a cycle without a store. What it needs of the oldest captured store stays until it is
        // over.
        self.replay_store.next = self.replay.val().has_store;
        self.word.next = self.replay.val().word;
        self.makes_resident.next = self
            .word
            .val()
            .get_bit(abi::queue_state::endpoint_map::transmit_resident::SHIFT);
        self.replay_endpoint.next = self.replay.val().endpoint;
        if self.replay_store.val() {
            self.replay_endpoint.next = self.oldest.val().endpoint;
        }
        self.replay_waits.next =
            self.replay.val().valid & !self.replay_flies.q.val() & !self.replay_done.q.val();
        self.replay_seen.d.next = self.replay_waits.val();
        self.replay_begins.next = self.replay_waits.val() & self.replay_seen.q.val();
        self.replay_at.d.next = self.replay_endpoint.val();
        self.replay_at_now.next = self.replay_at.q.val();
        self.replay_fails.d.next = self.replay_store.val()
            & (self.captured_empty.val()
                | (!self.replay.val().discards
                    & (self.oldest.val().endpoint != self.replay.val().endpoint)));
        self.replay_enters.next = self.replay_begins.val()
            & !self.write_valid.val()
            & !self.replay.val().gives_back
            & !self.replay_fails.q.val();
        self.kept.extra.next.valid =
            self.replay_begins.val() & self.replay.val().gives_back & self.kept.extra_ready.val();
        self.kept.extra.next.queue = self.replay.val().queue;
        self.kept.extra.next.index = self.replay.val().consumer;
        self.kept.extra.next.asks = false;
        self.kept.extra.next.armed = false;
        self.kept.extra.next.late = true;
        self.is_replay.d.next = self.replay_enters.val();
        if self.replay_enters.val() {
            self.replay_flies.d.next = true;
        }
        if !self.replay.val().valid {
            self.replay_done.d.next = false;
        }
        if self.replay_begins.val() & self.replay_fails.q.val() {
            self.replay_done.d.next = true;
            self.replay_busy.d.next = true;
            self.replay_maps.d.next = false;
        }
        if self.kept.extra.val().valid {
            self.replay_done.d.next = true;
            self.replay_busy.d.next = false;
            self.replay_maps.d.next = false;
        }
        self.replayed.next.done = self.replay_done.q.val();
        self.replayed.next.busy = self.replay_busy.q.val();
        self.replayed.next.maps = self.replay_maps.q.val();

        // Cycle t: which register of the page, and the eight bytes for it.
        self.stored.d.next = self.write.val();
        self.offered_address.next = self.write.val().address;
        if self.replay_enters.val() {
            self.stored.d.next.address = bit_cast::<25, 12>(self.replay_at.q.val()) << 12;
        }
        self.page_grant.next =
            self.page_request.val() & !self.write_valid.val() & !self.replay_enters.val();
        self.map.read_address.next = self.page_endpoint.val().get_bits::<ENDPOINTS_LOG2>(0);
        if self.replay_enters.val() {
            self.map.read_address.next = self.replay_at_now.val().get_bits::<ENDPOINTS_LOG2>(0);
        }
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
        // Express operations stand below Express messages; the bit between them tells them apart.
        self.names_express.next = self.whole.val()
            & (self.offered_offset.val() >= abi::endpoint::OPERATION_OFFSET.to_bits());
        self.names_producer.next = self.whole.val()
            & (self.offered_offset.val()
                == abi::endpoint::page::transmit_producer::OFFSET.to_bits());
        self.names_consumer.next = self.whole.val()
            & (self.offered_offset.val()
                == abi::endpoint::page::receive_consumer::OFFSET.to_bits());
        self.names_mark.next = self.whole.val()
            & (self.offered_offset.val() == abi::endpoint::page::mark::OFFSET.to_bits());
        self.names_resume.next = self.whole.val()
            & (self.offered_offset.val() == abi::endpoint::page::resume::OFFSET.to_bits());
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
        self.is_resume.d.next = self.names_resume.val();
        // A packet without a single enabled byte is legal and does nothing.
        self.is_torn.d.next = self.offered.val()
            & self.write.val().last
            & self.offered_enables.val().any()
            & !(self.names_express.val()
                | self.names_producer.val()
                | self.names_consumer.val()
                | self.names_mark.val()
                | self.names_resume.val());

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
        self.exists.next = self.entry.val().get_bit(27) & self.readable.q.val();
        self.takes_messages.next = self.transmit_resident.val() | self.exists.val();
        // One mark waits for the next Express message of its endpoint.
        self.is_marked.next =
            self.mark_armed.q.val() & (self.mark_endpoint.q.val() == self.endpoint.val());
        if self.is_mark.q.val() & self.takes_messages.val() {
            self.mark_armed.d.next = self.lane.q.val().get_bit(0);
            self.mark_endpoint.d.next = self.endpoint.val();
        }
        if self.is_express.q.val() & self.takes_messages.val() & self.is_marked.val() {
            self.mark_armed.d.next = false;
        }
        self.offer.next.valid =
            (self.is_express.q.val() | self.is_producer.q.val()) & self.transmit_resident.val();
        self.offer.next.express = self.is_express.q.val();
        self.offer.next.queue = self.transmit_queue.val();
        self.parts.read_address.next = self.endpoint.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.progresses.endpoint.next = self.endpoint.val();
        self.queue_1.next = self.transmit_queue.val();
        if self.is_replay.q.val() & !self.replay.val().discards {
            if self.replay_store.val() {
                self.queue_1.next = self.replay.val().queue;
            } else if self.makes_resident.val() {
                self.queue_1.next = self
                    .word
                    .val()
                    .get_bits::<8>(abi::queue_state::endpoint_map::transmit_queue::SHIFT);
            }
        }
        self.same_1.next = self.endpoint.val() == self.read_endpoint.q.val();
        self.read_same.d.next = self.same_1.val();

        self.read_express.d.next = self.is_express.q.val() & self.takes_messages.val();
        self.read_producer.d.next = self.is_producer.q.val() & self.takes_messages.val();
        self.read_torn.d.next = self.is_torn.q.val() & self.takes_messages.val();
        self.read_body.d.next = self.body_store.q.val() & self.takes_messages.val();
        self.read_resume.d.next = self.is_resume.q.val() & self.takes_messages.val();
        self.read_away.d.next = !self.transmit_resident.val();
        self.read_exists.d.next = self.exists.val();
        self.read_replay.d.next = self.is_replay.q.val();
        self.read_keeps.d.next =
            self.is_consumer.q.val() & (self.receive_resident.val() | self.exists.val());
        self.inline_lost.next = self.body_store.q.val()
            & self.stored.q.val().last
            & !(self.takes_messages.val() & self.page_is_there.val());
        self.read_page_resident.d.next = self.page_is_there.val();
        self.read_page.d.next = self.entry.val().get_bits::<8>(18);
        self.read_queue.d.next = self.queue_1.val();
        self.read_marked.d.next = self.is_marked.val() & self.is_express.q.val();
        // An Express message becomes a slot: header, then payload.
        self.is_operation.next = !self
            .offset
            .q
            .val()
            .get_bit(abi::endpoint::EXPRESS_OFFSET_LOG2);
        self.destination.next = self
            .offset
            .q
            .val()
            .get_bits::<6>(abi::endpoint::EXPRESS_DESTINATION_SHIFT);
        if self.is_operation.val() {
            self.destination.next = bit_cast::<6, 5>(
                self.offset
                    .q
                    .val()
                    .get_bits::<5>(abi::endpoint::EXPRESS_DESTINATION_SHIFT),
            );
        }
        self.header.next = bit_cast::<64, 6>(self.destination.val())
            | (bit_cast::<64, 1>(self.is_operation.val().into())
                << abi::message::transmit_header::form::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 2>(
            self.offset
                .q
                .val()
                .get_bits::<2>(abi::endpoint::EXPRESS_TAG_SHIFT),
        ) << abi::message::transmit_header::tag::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 1>(self.is_marked.val().into())
                << abi::message::transmit_header::marked::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 12>(self.endpoint.val())
                << crate::bundles::slot::OWNER_SHIFT.to_bits::<8>())
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
        self.consumer_waits.next = self.is_consumer.q.val() & !self.receive_resident.val();
        self.is_stray.next = ((self.is_express.q.val()
            | self.is_producer.q.val()
            | self.is_mark.q.val()
            | self.is_resume.q.val())
            & !self.takes_messages.val())
            | (self.consumer_waits.val() & !self.exists.val());
        self.read_stray.d.next = self.is_stray.val();
        self.read_missed.d.next = self.is_stray.val() | self.consumer_waits.val();
        self.read_endpoint.d.next = self.endpoint.val();
        self.torn_store.next = self.is_torn.q.val();

        // Cycle t + 3: the verdict.
        self.legal.next = (self.near.q.val() | self.at_limit.q.val()) & !self.behind.q.val();
        self.producer.next = self.part.q.val().producer;
        self.errors.next = self.part.q.val().errors;
        self.lost.next = self.part.q.val().inline_lost;
        self.accepts_express.next =
            self.express.q.val() & self.has_room.q.val() & self.open.q.val();
        self.brings_messages.next =
            self.producing.q.val() & self.legal.val() & self.brings.q.val() & !self.lost.val();
        self.covers_lost_head.next =
            self.part.q.val().heads_lost | (self.part.q.val().heads & self.not_resident.q.val());
        self.accepts_producer.next =
            self.brings_messages.val() & self.open.q.val() & !self.covers_lost_head.val();
        self.overflow.next = (self.express.q.val() & !self.has_room.q.val())
            | (self.producing.q.val() & !self.legal.val());
        self.refuses.next = self.torn.q.val()
            | self.overflow.val()
            | (self.producing.q.val() & self.brings.q.val() & self.lost.val());
        self.loses_body.next = self.body.q.val() & !self.page_is_resident.q.val();
        self.is_head.next = self.body.q.val()
            & self.page_is_resident.q.val()
            & (self.place.q.val().get_bits::<4>(0) == 0);
        self.captures_head.next = self.is_head.val() & self.away.q.val() & self.open.q.val();
        self.captures_store.next = self.captures_head.val()
            | ((self.accepts_express.val() | self.accepts_producer.val()) & self.away.q.val());
        self.is_stale.next = self.part.q.val().stale.any();
        self.takes_captured.next = self.replaying.q.val() & self.replay_store.val();
        self.is_index.next = !self.oldest.val().express & !self.oldest.val().body;
        self.throws.next = self.replay.val().discards
            | self.is_stale.val()
            | (self.is_index.val() & self.covers_lost_head.val());
        self.carries.next = self.takes_captured.val() & !self.throws.val();
        self.sheds.next = self.takes_captured.val()
            & self.throws.val()
            & !self.is_stale.val()
            & self.page_exists.q.val();
        // A loss at another message counts anew: the host may have heard of the later one.
        self.loses.next = (((((self.express.q.val() & self.has_room.q.val())
            | self.brings_messages.val()
            | (self.is_head.val() & self.away.q.val()))
            & !self.open.q.val())
            | (self.brings_messages.val() & self.covers_lost_head.val())
            | (self.replaying.q.val() & self.replay.val().loses)
            | self.sheds.val())
            & !self.part.q.val().lost)
            | (self.sheds.val() & self.goes_back.q.val());
        self.resumes.next = self.resuming.q.val() & !self.brings.q.val();

        // A replay: what becomes of the oldest captured store.
        self.replays_express.next = self.carries.val() & self.oldest.val().express;
        self.replays_body.next = self.carries.val() & self.oldest.val().body;
        self.replays_producer.next = self.carries.val() & self.is_index.val();
        self.left_captured.next = self.part.q.val().captured;
        if self.replay_store.val() {
            self.left_captured.next = self.part.q.val().captured - 1;
        }
        self.makes_fresh.next = self
            .word
            .val()
            .get_bit(abi::queue_state::endpoint_map::fresh::SHIFT);
        self.is_last.next = !self.left_captured.val().any();
        self.is_resident.next =
            (self.makes_resident.val() & !self.replay.val().discards) | !self.not_resident.q.val();
        self.clears.next = self.replaying.q.val()
            & self.makes_fresh.val()
            & self.is_last.val()
            & !self.progresses.writes.val();
        if self.replaying.q.val() {
            self.replay_flies.d.next = false;
            self.replay_done.d.next = true;
            self.replay_busy.d.next = (self.replay_store.val() & !self.is_last.val())
                | (self.makes_fresh.val() & !self.clears.val());
            self.replay_maps.d.next =
                !self.replay.val().discards & !(self.makes_fresh.val() & !self.clears.val());
        }

        self.new_part.next = self.part.q.val();
        if self.accepts_express.val() {
            self.new_part.next.producer = self.next_producer.q.val();
        }
        if self.accepts_producer.val() {
            self.new_part.next.producer = self.index.q.val();
        }
        if self.refuses.val() {
            if !self.errors.val().all() {
                self.new_part.next.errors = self.errors.val() + 1;
            }
            self.new_part.next.error = abi::message::error::INLINE_LOST.to_bits();
            if self.overflow.val() {
                self.new_part.next.error = abi::message::error::OVERFLOW.to_bits();
            }
            if self.torn.q.val() {
                self.new_part.next.error = abi::message::error::TORN_STORE.to_bits();
            }
        }
        self.new_part.next.inline_lost = (self.lost.val()
            & !(self.producing.q.val() & self.legal.val() & self.brings.q.val()))
            | self.loses_body.val();
        self.new_part.next.lost = (self.part.q.val().lost | self.loses.val()) & !self.resumes.val();
        if self.loses.val() {
            self.new_part.next.losses = self.part.q.val().losses + 1;
        }
        if self.captures_store.val() {
            self.new_part.next.captured = self.part.q.val().captured + 1;
        }
        if (self.is_head.val() & !self.away.q.val()) | self.replays_body.val() {
            self.new_part.next.heads = true;
        }
        if (self.accepts_producer.val() & !self.away.q.val()) | self.replays_producer.val() {
            self.new_part.next.heads = false;
        }
        if self.resumes.val() {
            self.new_part.next.heads = false;
            self.new_part.next.heads_lost = false;
        }
        if self.replaying.q.val() {
            self.new_part.next.captured = self.left_captured.val();
            // What stands in slots of a queue of before is no use to another.
            if self.makes_resident.val()
                & self.not_resident.q.val()
                & self.part.q.val().heads
                & !self.replay.val().discards
            {
                self.new_part.next.heads = self.replays_body.val();
                self.new_part.next.heads_lost = true;
            }
            // What is thrown away is lost from its message on, and what is captured behind it is too.
            if self.replay_store.val() & self.is_stale.val() {
                self.new_part.next.stale = self.part.q.val().stale - 1;
            }
            if self.sheds.val() {
                self.new_part.next.producer = self.oldest.val().producer;
                self.new_part.next.stale = self.left_captured.val();
            }
        }
        if self.clears.val() {
            self.new_part.next.producer = 0.into();
            self.new_part.next.errors = 0.into();
            self.new_part.next.error = 0.into();
            self.new_part.next.inline_lost = false;
            self.new_part.next.lost = false;
            self.new_part.next.losses = 0.into();
            self.new_part.next.heads = false;
            self.new_part.next.heads_lost = false;
        }
        self.writes_part.next = self.express.q.val()
            | self.producing.q.val()
            | self.torn.q.val()
            | self.loses_body.val()
            | self.is_head.val()
            | self.resuming.q.val()
            | self.replaying.q.val();
        self.parts.write_enable.next = self.writes_part.val();
        self.page_index.next = self.at_endpoint.q.val();
        self.parts.write_address.next = self.page_index.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.parts.write_data.next = self.new_part.val();
        if self.sweep.clears.val() {
            self.parts.write_enable.next = true;
            self.parts.write_address.next = self.sweep.index.val();
            self.parts.write_data.next.captured = 0.into();
            self.parts.write_data.next.stale = 0.into();
        }

        // What the queue's listeners are told. A queue that is enabled is told in a cycle without a store.
        self.tells.next = (self.writes_part.val() & !self.away.q.val() & !self.replaying.q.val())
            | self.replays_express.val()
            | self.replays_producer.val()
            | (self.replaying.q.val() & self.is_last.val() & self.is_resident.val());
        self.written.d.next = self.tells.val();
        self.written_tell.d.next = self.refuses.val() | self.loses.val();
        self.written_losses.d.next = !self.replaying.q.val() | self.is_last.val();
        self.written_begins.d.next = false;
        self.written_queue.d.next = self.queue.q.val();
        self.written_part.d.next = self.new_part.val();
        if self.replaying.q.val() {
            self.written_tell.d.next =
                self.is_last.val() & (self.new_part.val().lost | self.errors.val().any());
            if self.replays_express.val() {
                self.written_part.d.next.producer = self.captured_index.val() + 1;
            }
            if self.replays_producer.val() {
                self.written_part.d.next.producer = self.captured_index.val();
            }
        }
        self.progresses.configuration.next = self.queue_configuration.val();
        self.progresses.answers_settle.next = self.answers_settle.val();
        self.progresses.progress.next = self.progress.val();
        self.progresses.fresh.next = self.clears.val();
        self.progresses.fresh_endpoint.next = self.at_endpoint.q.val();
        self.progresses.start_ready.next = !self.tells.val();
        self.settling.next = self.progresses.settling.val();
        if self.progresses.start.val().valid {
            self.written.d.next = true;
            self.written_tell.d.next = false;
            self.written_losses.d.next = false;
            self.written_begins.d.next = true;
            self.written_queue.d.next = self.progresses.start.val().queue;
            self.written_part.d.next.producer = self.progresses.start.val().consumer;
            self.written_part.d.next.errors = 0.into();
            self.written_part.d.next.error = 0.into();
            self.written_part.d.next.losses = 0.into();
        }
        self.stores.next.valid = self.written.q.val();
        self.stores.next.queue = self.written_queue.q.val();
        self.stores.next.producer = self.written_part.q.val().producer;
        self.stores.next.errors = self.written_part.q.val().errors;
        self.stores.next.error = self.written_part.q.val().error;
        self.stores.next.losses = self.written_part.q.val().losses;
        self.stores.next.has_losses = self.written_losses.q.val();
        self.stores.next.begins = self.written_begins.q.val();
        self.stores.next.tell = self.written_tell.q.val();

        // Cycle t + 2: store part and consumer index. The store before may be at its verdict in this very cycle.
        self.part_now.next = self.parts.read_data.val();
        if self.writes_part.val() & self.read_same.q.val() {
            self.part_now.next = self.new_part.val();
        }
        self.part.d.next = self.part_now.val();
        self.producer_now.next = self.part_now.val().producer;
        self.producer_before.next = self.producer_now.val();
        self.next_producer.d.next = self.producer_now.val() + 1;
        self.consumer_now.next = self.progresses.consumer.val();
        self.used.next =
            self.producer_now.val().get_bits::<7>(0) - self.consumer_now.val().get_bits::<7>(0);
        self.has_room.d.next = (self.used.val() != crate::configuration::TRANSMIT_SLOTS.to_bits())
            & !self.progresses.failed.val();
        self.goes_away.next = self.read_away.q.val() | self.part_now.val().captured.any();
        self.open.d.next = !self.part_now.val().lost
            & (!self.goes_away.val()
                | (self.capture_room.val() & !self.part_now.val().captured.all()));
        // Messages between the producer index and the new one, and between the consumer index and the new one.
        self.ahead.next = self.read_index.q.val() - self.consumer_now.val();
        self.ahead_more.next = self.read_index.q.val() - self.producer_now.val();
        // If the new index is no more than the slots ahead of the consumer index, it is less than 2^15 away from the
        // producer index, on one side or the other.
        self.near.d.next =
            (self.ahead.val() >> crate::configuration::TRANSMIT_SLOTS_LOG2.to_bits::<4>()) == 0;
        self.at_limit.d.next = self.ahead.val() == crate::configuration::TRANSMIT_SLOTS.to_bits();
        self.behind.d.next = self.ahead_more.val().get_bit(15) | self.progresses.failed.val();
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
        if self.read_replay.q.val() {
            self.slot_index.next = self.captured_index.val().get_bits::<6>(0);
        }
        self.slot.d.next = self.slot_index.val();
        self.goes_back.d.next = self.oldest.val().producer != self.producer_now.val();
        self.express.d.next = self.read_express.q.val();
        self.producing.d.next = self.read_producer.q.val();
        self.torn.d.next = self.read_torn.q.val();
        self.body.d.next = self.read_body.q.val();
        self.page_is_resident.d.next = self.read_page_resident.q.val();
        self.body_page.d.next = self.read_page.q.val();
        self.queue.d.next = self.read_queue.q.val();
        self.marked.d.next = self.read_marked.q.val();
        // Of a replay, the oldest captured store's, which stays.
        self.data.d.next = self.read_data.q.val();
        self.enables.d.next = self.read_enables.q.val();
        if self.read_replay.q.val() {
            self.data.d.next = self.oldest.val().data;
            self.enables.d.next = self.oldest.val().enables;
        }
        self.place.d.next = self.read_place.q.val();
        self.index.d.next = self.read_index.q.val();
        self.consumer_stored.d.next = self.read_consumer.q.val();
        self.armed.d.next = self.read_armed.q.val();
        self.receive_queue.d.next = self.read_receive_queue.q.val();
        self.missed.d.next = self.read_missed.q.val();
        self.stray.d.next = self.read_stray.q.val();
        self.at_endpoint.d.next = self.read_endpoint.q.val();
        self.resuming.d.next = self.read_resume.q.val();
        self.not_resident.d.next = self.read_away.q.val();
        self.away.d.next = self.goes_away.val();
        self.page_exists.d.next = self.read_exists.q.val();
        self.replaying.d.next = self.read_replay.q.val();
        self.keeps.d.next = self.read_keeps.q.val();

        // A replay brings its queue a message too. Its slot is written in this cycle, so the short way is not for it.
        self.outcome.next.accepted = ((self.accepts_express.val() | self.accepts_producer.val())
            & !self.away.q.val())
            | self.replays_express.val()
            | self.replays_producer.val();
        self.outcome.next.express = self.express.q.val();
        self.outcome.next.queue = self.queue.q.val();
        self.outcome.next.more =
            self.producing.q.val() & self.brings.q.val() & self.brings_other.q.val();
        self.outcome.next.slot = self.data.q.val();

        // Captured stores.
        self.captures.next = self.captures_store.val();
        self.capture.next.express = self.express.q.val();
        self.capture.next.body = self.body.q.val();
        self.capture.next.endpoint = self.at_endpoint.q.val();
        self.capture.next.producer = self.producer.val();
        self.capture.next.index = self.producer.val();
        if self.body.q.val() {
            self.capture.next.index = bit_cast::<16, 6>(self.slot.q.val());
        }
        if self.producing.q.val() {
            self.capture.next.index = self.index.q.val();
        }
        self.capture.next.enables = self.enables.q.val();
        self.capture.next.data = self.data.q.val();
        self.overflowed.next = self.overflow.val();
        self.composed.next = self.accepts_express.val() & self.marked.q.val();

        self.pool_data.next = self.data.q.val();
        self.slot_enables.next = self.enables.q.val() | self.owner_bytes.val();
        self.slot_valid.next = (self.accepts_express.val() | self.is_head.val())
            & !self.away.q.val()
            | self.replays_express.val()
            | self.replays_body.val();
        self.slot_data.next = (self.data.q.val()
            & !(self.owner_mask.val() << crate::bundles::slot::OWNER_SHIFT.to_bits::<8>()))
            | (bit_cast::<128, 12>(self.at_endpoint.q.val())
                << crate::bundles::slot::OWNER_SHIFT.to_bits::<8>());
        self.slot_address.next = (bit_cast::<14, 8>(self.queue.q.val())
            << crate::configuration::TRANSMIT_SLOTS_LOG2.to_bits::<4>())
            | bit_cast::<14, TRANSMIT_SLOTS_LOG2>(
                self.slot.q.val().get_bits::<TRANSMIT_SLOTS_LOG2>(0),
            );
        self.pool_valid.next = self.body.q.val() & self.page_is_resident.q.val();
        self.pool_address.next = (bit_cast::<14, 8>(self.body_page.q.val()) << 8)
            | bit_cast::<14, 8>(self.place.q.val());
        self.pool_enables.next = self.enables.q.val();

        // Consumer indices: kept, and handed on if the receive queue is resident. One that was kept is handed on when
        // the queue becomes so.
        self.kept.keeps.next = self.keeps.q.val() | self.clears.val();
        self.kept.keeps_endpoint.next = self.at_endpoint.q.val();
        self.kept.keeps_index.next = self.index.q.val();
        if self.clears.val() {
            self.kept.keeps_index.next = 0.into();
        }
        self.kept.keeps_away.next = !self.consumer_stored.q.val() & !self.clears.val();
        self.kept.keeps_armed.next = self.armed.q.val();
        self.kept.store.next.valid = self.consumer_stored.q.val();
        self.kept.store.next.queue = self.receive_queue.q.val();
        self.kept.store.next.index = self.index.q.val();
        self.kept.store.next.asks = true;
        self.kept.store.next.armed = self.armed.q.val();
        self.kept.store.next.late = false;
        self.given.next = self.kept.given.val();
        self.consumer_valid.next = self.given.val().valid;
        self.consumer_queue.next = self.given.val().queue;
        self.consumer_index.next = self.given.val().index;
        self.consumer_asks.next = self.given.val().asks;
        self.consumer_armed.next = self.given.val().armed;
        self.consumer_late.next = self.given.val().late;

        self.nonresident_store.next = self.missed.q.val() | self.loses.val();
        self.stray_store.next = self.stray.q.val();
        self.lost_store.next = self.loses.val();
        self.store_event.next.kind = abi::event::kind::NON_RESIDENT_STORE.to_bits();
        self.store_event.next.index = self.at_endpoint.q.val();
        self.store_event.next.code = 0.into();
        self.store_event.next.data = bit_cast::<32, 16>(self.index.q.val());

        if self.reset.val() {
            self.readable.d.next = false;
            self.page_store.d.next = false;
            self.body_store.d.next = false;
            self.is_express.d.next = false;
            self.is_producer.d.next = false;
            self.is_consumer.d.next = false;
            self.is_mark.d.next = false;
            self.is_resume.d.next = false;
            self.is_torn.d.next = false;
            self.is_replay.d.next = false;
            self.mark_armed.d.next = false;
            self.read_express.d.next = false;
            self.read_producer.d.next = false;
            self.read_torn.d.next = false;
            self.read_body.d.next = false;
            self.read_consumer.d.next = false;
            self.read_missed.d.next = false;
            self.read_stray.d.next = false;
            self.read_resume.d.next = false;
            self.read_replay.d.next = false;
            self.read_keeps.d.next = false;
            self.express.d.next = false;
            self.producing.d.next = false;
            self.torn.d.next = false;
            self.body.d.next = false;
            self.consumer_stored.d.next = false;
            self.missed.d.next = false;
            self.stray.d.next = false;
            self.resuming.d.next = false;
            self.replaying.d.next = false;
            self.keeps.d.next = false;
            self.replay_seen.d.next = false;
            self.replay_flies.d.next = false;
            self.replay_done.d.next = false;
            self.written.d.next = false;
            self.written_tell.d.next = false;
        }
    }
}
