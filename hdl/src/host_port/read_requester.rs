//! The NIU reads host memory.

use super::{
    chunk_reads::ChunkReads, completion_receive::CompletionReceive, inbox_writer::InboxWriter,
    read_slot::ReadSlot, read_tags::ReadTags, request_cutter::RequestCutter,
    request_header::RequestHeader,
};
use crate::bundles::ChunkRead;
use crate::library::{
    lut_ram::LutRam,
    stream::{Beat, StreamSource},
};
use rust_hdl::prelude::*;

/// A read of host memory into the inbox.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReadCommand {
    /// Host address, multiple of 4.
    pub address: Bits<64>,
    /// Bytes, multiple of 4, 4 to 2048.
    pub bytes: Bits<16>,
    /// Byte offset in the inbox, multiple of 16; the read does not reach beyond the inbox.
    pub inbox: Bits<11>,
    /// Comes back with the outcome.
    pub token: Bits<16>,
}

/// How a read ended.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReadOutcome {
    /// The command's token.
    pub token: Bits<16>,
    /// `abi::command::completion_status`: `DONE`, `REFUSED` or `TIMEOUT`, the worst of all parts.
    pub status: Bits<8>,
}

/// `TagEntry::slot` of a read into a chunk buffer: this and the buffer.
pub const CHUNK: u64 = 16;

/// What the requester is about.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ReadPhase {
    /// Waits for a command.
    Idle,
    /// Cuts the next request.
    Cut,
    /// Waits for a tag.
    Allocate,
    /// Offers a request.
    Offer,
}

/// Reads host memory (PCI Express 2.2.7, 2.2.9, 2.8): up to four reads in flight, cut at multiples of the maximum
/// read request and so never across 4 KiB, each part under one of 16 tags. Completions come in any legal split and
/// interleaving, at one beat a cycle; their payload goes to the inbox (`CompletionReceive`, `InboxWriter`). Reads
/// finish in the order of their last completions, once nothing of them is outstanding, with the worst outcome of
/// their parts. The inbox is written by then.
///
/// A part is given up after one to two timeout periods (2.8), and its tag rests for one more, so that a late
/// completion is unexpected and not taken for another request's (`ReadTags`).
///
/// The chunk port reads up to 264 bytes into one of 16 chunk buffers, whose owner says which is free. The command
/// executor is served first, and two tags are always left to it.
///
/// Latency: command to first request 3 cycles, one request every 3 cycles; last completion beat to `finished` and
/// `chunk_ended` 4 cycles.
#[derive(LogicBlock)]
pub struct ReadRequester {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A read is wanted.
    pub request_valid: Signal<In, Bit>,
    /// It is taken in this cycle.
    pub request_ready: Signal<Out, Bit>,
    /// The read.
    pub request: Signal<In, ReadCommand>,
    /// A read into a chunk buffer. Its fields stay until it is taken.
    pub chunk: Signal<In, ChunkRead>,
    /// It is taken in this cycle, if it is valid.
    pub chunk_ready: Signal<Out, Bit>,
    /// A chunk buffer. In the same cycle: its read has ended, and it failed: not all of its data are there. They count
    /// from the second cycle after the read was taken.
    pub chunk_query: Signal<In, Bits<4>>,
    pub chunk_ended: Signal<Out, Bit>,
    pub chunk_failed: Signal<Out, Bit>,
    /// Bus, device and function.
    pub requester_id: Signal<In, Bits<16>>,
    /// As in Device Control: 128 << n bytes; above 5 is taken as 5.
    pub maximum_read_request: Signal<In, Bits<3>>,
    /// Memory read requests, a beat each.
    pub source: StreamSource,
    /// A beat of a completion; no back-pressure.
    pub completion_valid: Signal<In, Bit>,
    /// The beat.
    pub completion: Signal<In, Beat>,
    /// With its last beat: the packet is malformed. Nothing of it is accepted.
    pub completion_malformed: Signal<In, Bit>,
    /// Pulse: a request was dropped behind `source`.
    pub dropped: Signal<In, Bit>,
    /// Of the read that was dropped.
    pub dropped_tag: Signal<In, Bits<4>>,
    /// A request may be on its way to the host, or be waited for.
    pub outstanding: Signal<Out, Bit>,
    /// The chunk buffers are written, with `inbox_data` and `inbox_enables`: four bits of buffer, five of beat.
    pub chunk_valid: Signal<Out, Bit>,
    pub chunk_address: Signal<Out, Bits<9>>,
    /// The inbox is written.
    pub inbox_valid: Signal<Out, Bit>,
    /// Word of 16 bytes.
    pub inbox_address: Signal<Out, Bits<7>>,
    /// The word.
    pub inbox_data: Signal<Out, Bits<128>>,
    /// Bytes to write.
    pub inbox_enables: Signal<Out, Bits<16>>,
    /// A read has ended.
    pub finished_valid: Signal<Out, Bit>,
    /// That was seen.
    pub finished_ready: Signal<In, Bit>,
    /// Which, and how.
    pub finished: Signal<Out, ReadOutcome>,
    /// Pulse: a completion was dropped.
    pub unexpected: Signal<Out, Bit>,
    /// Pulse: a completion with an error status ended a part of a read.
    pub error_completion: Signal<Out, Bit>,
    /// Pulse: a part of a read was given up.
    pub timeout: Signal<Out, Bit>,

    phase: DFF<ReadPhase>,
    /// The read in hand, as `TagEntry::slot`.
    slot: DFF<Bits<5>>,
    /// Tags that are outstanding. A chunk takes four at most.
    taken: DFF<Bits<5>>,
    /// Address bits 63:12 and 11:2 of the next request, and whether the page number is still short by one.
    page: DFF<Bits<52>>,
    offset: DFF<Bits<10>>,
    carry: DFF<Bit>,
    /// The address is 2^32 or more.
    wide: DFF<Bit>,
    /// Double words of the read from the next request on, less one.
    remaining: DFF<Bits<10>>,
    /// Double word for the next request's first, as `TagEntry::position`.
    position: DFF<Bits<12>>,
    /// What the cutter says of the next request, from the cycle behind `Cut`.
    length: DFF<Bits<10>>,
    single: DFF<Bit>,
    complete: DFF<Bit>,
    page_ends: DFF<Bit>,
    next_offset: DFF<Bits<10>>,
    next_remaining: DFF<Bits<10>>,
    told: DFF<Bit>,
    told_slot: DFF<Bits<2>>,
    told_worst: DFF<Bits<2>>,

    cutter: RequestCutter,
    header: RequestHeader,
    tags: ReadTags,
    receive: CompletionReceive,
    writer: InboxWriter,
    slots: [ReadSlot; 4],
    chunks: ChunkReads,
    tokens: LutRam<Bits<16>, 2>,

    address: Signal<Local, Bits<64>>,
    bytes: Signal<Local, Bits<16>>,
    inbox: Signal<Local, Bits<11>>,
    any_free: Signal<Local, Bit>,
    free_slot: Signal<Local, Bits<2>>,
    open: Signal<Local, Bit>,
    chunk_open: Signal<Local, Bit>,
    chunk_place: Signal<Local, Bits<64>>,
    chunk_slot: Signal<Local, Bits<5>>,
    chunk_position: Signal<Local, Bits<12>>,
    chunk_base: Constant<Bits<12>>,
    to_chunk: Constant<Bits<5>>,
    fire: Signal<Local, Bit>,
    removes: Signal<Local, Bit>,
    remove_slot: Signal<Local, Bits<5>>,
    outcome: Signal<Local, Bits<2>>,
    any_ended: Signal<Local, Bit>,
    ended_slot: Signal<Local, Bits<2>>,
    ended_worst: Signal<Local, Bits<2>>,
    tells: Signal<Local, Bit>,
}

impl Default for ReadRequester {
    fn default() -> Self {
        Self::new(crate::configuration::COMPLETION_TIMEOUT_CYCLES as u64)
    }
}

impl ReadRequester {
    /// A requester that gives a request up after one to two times `timeout_cycles` cycles (64 to 2^24).
    pub fn new(timeout_cycles: u64) -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            request_valid: Default::default(),
            request_ready: Default::default(),
            request: Default::default(),
            chunk: Default::default(),
            chunk_ready: Default::default(),
            chunk_query: Default::default(),
            chunk_ended: Default::default(),
            chunk_failed: Default::default(),
            requester_id: Default::default(),
            maximum_read_request: Default::default(),
            source: Default::default(),
            completion_valid: Default::default(),
            completion: Default::default(),
            completion_malformed: Default::default(),
            dropped: Default::default(),
            dropped_tag: Default::default(),
            outstanding: Default::default(),
            chunk_valid: Default::default(),
            chunk_address: Default::default(),
            inbox_valid: Default::default(),
            inbox_address: Default::default(),
            inbox_data: Default::default(),
            inbox_enables: Default::default(),
            finished_valid: Default::default(),
            finished_ready: Default::default(),
            finished: Default::default(),
            unexpected: Default::default(),
            error_completion: Default::default(),
            timeout: Default::default(),
            phase: Default::default(),
            slot: Default::default(),
            taken: Default::default(),
            page: Default::default(),
            offset: Default::default(),
            carry: Default::default(),
            wide: Default::default(),
            remaining: Default::default(),
            position: Default::default(),
            length: Default::default(),
            single: Default::default(),
            complete: Default::default(),
            page_ends: Default::default(),
            next_offset: Default::default(),
            next_remaining: Default::default(),
            told: Default::default(),
            told_slot: Default::default(),
            told_worst: Default::default(),
            cutter: Default::default(),
            header: Default::default(),
            tags: ReadTags::new(timeout_cycles),
            receive: Default::default(),
            writer: Default::default(),
            slots: Default::default(),
            chunks: Default::default(),
            tokens: Default::default(),
            address: Default::default(),
            bytes: Default::default(),
            inbox: Default::default(),
            any_free: Default::default(),
            free_slot: Default::default(),
            open: Default::default(),
            chunk_open: Default::default(),
            chunk_place: Default::default(),
            chunk_slot: Default::default(),
            chunk_position: Default::default(),
            chunk_base: Constant::new(2048u64.to_bits()),
            to_chunk: Constant::new(CHUNK.to_bits()),
            fire: Default::default(),
            removes: Default::default(),
            remove_slot: Default::default(),
            outcome: Default::default(),
            any_ended: Default::default(),
            ended_slot: Default::default(),
            ended_worst: Default::default(),
            tells: Default::default(),
        }
    }
}

impl Logic for ReadRequester {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            phase,
            slot,
            taken,
            page,
            offset,
            carry,
            wide,
            remaining,
            position,
            length,
            single,
            complete,
            page_ends,
            next_offset,
            next_remaining,
            told,
            told_slot,
            told_worst
        );
        clock!(self, clock, cutter, tags, receive, writer, tokens, chunks);
        self.tags.reset.next = self.reset.val();
        self.receive.reset.next = self.reset.val();
        self.writer.reset.next = self.reset.val();
        self.chunks.reset.next = self.reset.val();

        // Requests.
        self.cutter.maximum.next = self.maximum_read_request.val();
        self.cutter.offset.next = self.offset.q.val();
        self.cutter.remaining.next = self.remaining.q.val();
        self.header.write.next = false;
        self.header.wide.next = self.wide.q.val();
        self.header.page.next = self.page.q.val();
        self.header.offset.next = self.offset.q.val();
        self.header.length.next = self.length.q.val();
        self.header.first_enables.next = 15.into();
        self.header.last_enables.next = 15.into();
        if self.single.q.val() {
            self.header.last_enables.next = 0.into();
        }
        self.header.requester_id.next = self.requester_id.val();
        self.header.tag.next = bit_cast::<8, 4>(self.tags.tag.val());
        self.source.valid.next = self.phase.q.val() == ReadPhase::Offer;
        self.source.beat.next.data = self.header.header.val();
        self.source.beat.next.last = true;
        self.fire.next = (self.phase.q.val() == ReadPhase::Offer) & self.source.ready.val();

        self.tags.allocate.next = self.phase.q.val() == ReadPhase::Allocate;
        self.tags.allocate_entry.next.state = 0.into();
        self.tags.allocate_entry.next.slot = self.slot.q.val();
        self.tags.allocate_entry.next.position = self.position.q.val();
        self.tags.allocate_entry.next.left = self.length.q.val();
        self.tags.allocate_entry.next.spoiled = false;
        self.tags.dropped.next = self.dropped.val();
        self.tags.dropped_tag.next = self.dropped_tag.val();
        self.tags.offering.next = self.phase.q.val() == ReadPhase::Offer;
        self.tags.sent.next = self.fire.val();

        // Slots.
        self.any_free.next = false;
        self.free_slot.next = 0.into();
        self.any_ended.next = false;
        self.ended_slot.next = 0.into();
        self.ended_worst.next = 0.into();
        self.outstanding.next = self.taken.q.val() != 0;
        for i in 0..4 {
            if self.slots[i].free.val() {
                self.any_free.next = true;
                self.free_slot.next = i.to_bits();
            }
            if self.slots[i].ended.val() {
                self.any_ended.next = true;
                self.ended_slot.next = i.to_bits();
                self.ended_worst.next = self.slots[i].worst.val();
            }
        }
        self.request_ready.next = (self.phase.q.val() == ReadPhase::Idle) & self.any_free.val();
        self.open.next = (self.phase.q.val() == ReadPhase::Idle)
            & self.any_free.val()
            & self.request_valid.val();
        // A chunk begins in no cycle that has an event for `ChunkReads`.
        self.chunk_open.next = (self.phase.q.val() == ReadPhase::Idle)
            & !(self.any_free.val() & self.request_valid.val())
            & self.chunk.val().valid
            & !self.tags.ageing.val()
            & !self.receive.ends.val()
            & (self.taken.q.val() <= 10);
        self.chunk_ready.next = self.chunk_open.val();
        self.tells.next = self.any_ended.val() & !self.told.q.val();
        self.removes.next =
            self.receive.ends.val() | self.tags.expired.val() | self.tags.retired.val();
        self.remove_slot.next = self.tags.expired_slot.val();
        self.outcome.next = abi::command::completion_status::TIMEOUT.to_bits();
        if self.receive.update_valid.val() {
            self.remove_slot.next = self.receive.update_entry.val().slot;
            self.outcome.next = abi::command::completion_status::DONE.to_bits();
            if self.receive.refused.val() {
                self.outcome.next = abi::command::completion_status::REFUSED.to_bits();
            }
        }
        for i in 0..4 {
            self.slots[i].clock.next = self.clock.val();
            self.slots[i].reset.next = self.reset.val();
            self.slots[i].open.next = self.open.val() & (self.free_slot.val() == i.to_bits());
            self.slots[i].add.next = self.tags.allocated.val() & (self.slot.q.val() == i.to_bits());
            self.slots[i].remove.next =
                self.removes.val() & (self.remove_slot.val() == i.to_bits());
            self.slots[i].outcome.next = self.outcome.val();
            self.slots[i].issued.next =
                self.fire.val() & self.complete.q.val() & (self.slot.q.val() == i.to_bits());
            self.slots[i].close.next = self.told.q.val()
                & self.finished_ready.val()
                & (self.told_slot.q.val() == i.to_bits());
        }

        if self.tags.allocated.val() {
            self.taken.d.next = self.taken.q.val() + 1;
        }
        if self.removes.val() {
            self.taken.d.next = self.taken.q.val() - 1;
        }

        // Chunks.
        self.chunks.open.next = self.chunk_open.val();
        self.chunks.opened.next = self.chunk.val().buffer;
        self.chunks.add.next = self.tags.allocated.val() & self.slot.q.val().get_bit(4);
        self.chunks.added.next = self.slot.q.val().get_bits::<4>(0);
        self.chunks.last.next = self.complete.q.val();
        self.chunks.remove.next = self.removes.val() & self.remove_slot.val().get_bit(4);
        self.chunks.removed.next = self.remove_slot.val().get_bits::<4>(0);
        self.chunks.fails.next =
            self.outcome.val() != abi::command::completion_status::DONE.to_bits::<2>();
        self.chunks.query.next = self.chunk_query.val();
        self.chunk_ended.next = self.chunks.ended.val();
        self.chunk_failed.next = self.chunks.failed.val();

        // Ends of reads.
        self.tokens.write_enable.next = self.open.val();
        self.tokens.write_address.next = self.free_slot.val();
        self.tokens.write_data.next = self.request.val().token;
        self.tokens.read_address.next = self.told_slot.q.val();
        self.finished_valid.next = self.told.q.val();
        self.finished.next.token = self.tokens.read_data.val();
        self.finished.next.status = bit_cast::<8, 2>(self.told_worst.q.val());

        // Completions.
        self.receive.completion_valid.next = self.completion_valid.val();
        self.receive.completion.next = self.completion.val();
        self.receive.completion_malformed.next = self.completion_malformed.val();
        self.receive.requester_id.next = self.requester_id.val();
        self.tags.lookup_tag.next = self.receive.lookup_tag.val();
        self.receive.lookup.next = self.tags.lookup.val();
        self.tags.update_valid.next = self.receive.update_valid.val();
        self.tags.update_tag.next = self.receive.update_tag.val();
        self.tags.update_entry.next = self.receive.update_entry.val();
        self.tags.ageing_held.next = self.receive.busy.val();
        self.writer.valid.next = self.receive.payload_valid.val();
        self.writer.first.next = self.receive.payload_first.val();
        self.writer.data.next = self.receive.payload_data.val();
        self.writer.lanes.next = self.receive.payload_lanes.val();
        self.writer.base.next = self.receive.payload_base.val();
        self.chunk_valid.next = self.writer.chunk_valid.val();
        self.chunk_address.next = self.writer.chunk_address.val();
        self.inbox_valid.next = self.writer.inbox_valid.val();
        self.inbox_address.next = self.writer.inbox_address.val();
        self.inbox_data.next = self.writer.inbox_data.val();
        self.inbox_enables.next = self.writer.inbox_enables.val();
        self.unexpected.next = self.receive.unexpected.val();
        self.error_completion.next = self.receive.error_completion.val();
        self.timeout.next = self.tags.expired.val();

        // The request in hand.
        self.address.next = self.request.val().address;
        self.bytes.next = self.request.val().bytes;
        self.inbox.next = self.request.val().inbox;
        if self.open.val() {
            self.phase.d.next = ReadPhase::Cut;
            self.slot.d.next = bit_cast::<5, 2>(self.free_slot.val());
            self.page.d.next = self.address.val().get_bits::<52>(12);
            self.offset.d.next = self.address.val().get_bits::<10>(2);
            self.wide.d.next = self.address.val().get_bits::<32>(32).any();
            self.remaining.d.next = self.bytes.val().get_bits::<10>(2) - 1;
            self.position.d.next = bit_cast::<12, 9>(self.inbox.val().get_bits::<9>(2));
        }
        self.chunk_place.next = self.chunk.val().address;
        self.chunk_slot.next = self.to_chunk.val() | bit_cast::<5, 4>(self.chunk.val().buffer);
        self.chunk_position.next = self.chunk_base.val()
            | (bit_cast::<12, 4>(self.chunk.val().buffer) << 7)
            | bit_cast::<12, 2>(self.chunk.val().position);
        if self.chunk_open.val() {
            self.phase.d.next = ReadPhase::Cut;
            self.slot.d.next = self.chunk_slot.val();
            self.page.d.next = self.chunk_place.val().get_bits::<52>(12);
            self.offset.d.next = self.chunk_place.val().get_bits::<10>(2);
            self.wide.d.next = self.chunk_place.val().get_bits::<32>(32).any();
            self.remaining.d.next = bit_cast::<10, 7>(self.chunk.val().words) - 1;
            self.position.d.next = self.chunk_position.val();
        }
        if self.carry.q.val() {
            self.page.d.next = self.page.q.val() + 1;
            self.carry.d.next = false;
            // The page number leaves 2^20 - 1 behind.
            if self.page.q.val().get_bits::<20>(0).all() {
                self.wide.d.next = true;
            }
        }
        if self.phase.q.val() == ReadPhase::Cut {
            self.phase.d.next = ReadPhase::Allocate;
            self.length.d.next = self.cutter.length.val();
            self.single.d.next = self.cutter.single.val();
            self.complete.d.next = self.cutter.complete.val();
            self.page_ends.d.next = self.cutter.page_ends.val();
            self.next_offset.d.next = self.cutter.next_offset.val();
            self.next_remaining.d.next = self.cutter.next_remaining.val();
        }
        if self.tags.allocated.val() {
            self.phase.d.next = ReadPhase::Offer;
        }
        if self.fire.val() {
            self.phase.d.next = ReadPhase::Cut;
            self.offset.d.next = self.next_offset.q.val();
            self.remaining.d.next = self.next_remaining.q.val();
            self.position.d.next = self.position.q.val() + bit_cast::<12, 10>(self.length.q.val());
            self.carry.d.next = self.page_ends.q.val() & !self.complete.q.val();
            if self.complete.q.val() {
                self.phase.d.next = ReadPhase::Idle;
            }
        }
        if self.tells.val() {
            self.told.d.next = true;
            self.told_worst.d.next = self.ended_worst.val();
            self.told_slot.d.next = self.ended_slot.val();
        }
        if self.told.q.val() & self.finished_ready.val() {
            self.told.d.next = false;
        }
        if self.reset.val() {
            self.phase.d.next = ReadPhase::Idle;
            self.carry.d.next = false;
            self.told.d.next = false;
            self.taken.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;
