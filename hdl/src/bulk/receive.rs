//! Frames of remote memory at their target.

use crate::bundles::{
    Arrived, BulkVerdict, ReadJob, SegmentEntry, SegmentQuery, Verdict, write_packet,
};
use crate::library::fixed::Fixed;
use crate::library::stream::{StreamSink, StreamSource};
use crate::queues::receive::entry_payload::EntryPayload;
use abi::message::{error, operation, remote_read};
use abi::queue_state::{segment_extent, segment_place};
use rust_hdl::prelude::*;

/// What the writer does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum BulkState {
    /// Nothing.
    Idle,
    /// Offers the descriptor beat of the write packet.
    Describe,
    /// Passes data on.
    Payload,
    /// Hands over the status of a refused frame.
    Refuse,
}

/// What a frame's answer says beside its status.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct BulkSender {
    pub node: Bits<10>,
    pub slot: Bits<8>,
    pub generation: Bits<8>,
    pub index: Bits<7>,
    pub counted: Bit,
    pub marked: Bit,
    /// The segment is one of the hardware's.
    pub replies: Bit,
}

/// Checks `abi::link::kind::BULK` frames against the segment that they name, and writes their data to host memory: one
/// write packet a frame.
///
/// | cycle | |
/// |---:|---|
/// | t | the header is offered; its segment is looked up and granted |
/// | t + 1 | the segment is there; the first payload beat, with the sub-header, is taken |
/// | t + 2 | the sender, the segment and the sub-header are compared; sums |
/// | t + 3 | the range; the frame is refused, or the writer gets it |
/// | t + 4 | the descriptor beat is offered |
///
/// A frame is refused by the first that holds: `BAD_SEGMENT` (no such segment, or it does not admit the sender),
/// `STALE_SEGMENT`, `SEGMENT_RIGHTS` (an operation other than WRITE, READ and INCREMENT, no right to it, a READ whose
/// answers are not counted, or an INCREMENT whose answers are), `SEGMENT_RANGE` (a byte beyond the segment, no byte at all, or a READ of more than
/// `abi::message::READ_PIECE_BYTES`). Nothing of it is written then.
///
/// A frame that is carried out leaves a `verdict` if its answers are counted, else an ACCEPTED on `accepted`, both
/// with the last beat of its write packet; a refused one leaves a `verdict`.
///
/// An INCREMENT writes nothing: `count_valid` and `accepted_valid` come in one cycle. With data it is `SEGMENT_RANGE`.
///
/// A READ goes to `read_job` without an answer; it is checked a cycle later, and waits until what was written before
/// it has its place in the order of the NIU's writes. Without `read_room` it is answered BUSY.
///
/// A reply to READ, which names a segment of the hardware's, is not answered, and thrown away if it is refused. Once
/// its write packet has its place in the order, `arrived` says so.
///
/// Contract: `bulk_frames` carries whole frames as `FrameCheck` lets them pass, header first
/// (`bundles::stored_header`); bits 127:96 of the last beat are not payload. `busy` is high from the cycle behind the
/// header's until the write packet was taken whole, or the status of a refused frame. `accepted_ready` and
/// `verdict_ready` stay high until they are used. A look-up that was granted before `changed` may be followed by a
/// write for as long as `holds_older` is high, and no longer. `read_job` stays until `read_ready`; `read_room` falls
/// only then. `written` is as for `MissReports`.
///
/// Latency: see above. A frame of 256 bytes every 20 cycles.
#[derive(LogicBlock, Default)]
pub struct BulkReceive {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub bulk_frames: StreamSink,
    pub busy: Signal<Out, Bit>,

    /// `SegmentTable`.
    pub query: Signal<Out, SegmentQuery>,
    pub grant: Signal<In, Bit>,
    pub entry: Signal<In, SegmentEntry>,
    pub changed: Signal<In, Bit>,
    pub holds_older: Signal<Out, Bit>,

    pub write_packets: StreamSource,
    /// Frames of form REMOTE that are carried out.
    pub accepted_valid: Signal<Out, Bit>,
    pub accepted: Signal<Out, Verdict>,
    pub accepted_ready: Signal<In, Bit>,
    /// All other answers.
    pub verdict_valid: Signal<Out, Bit>,
    pub verdict: Signal<Out, BulkVerdict>,
    pub verdict_ready: Signal<In, Bit>,

    /// READ of other nodes, and data of replies to READ.
    pub read_valid: Signal<Out, Bit>,
    pub read_ready: Signal<In, Bit>,
    pub read_job: Signal<Out, ReadJob>,
    pub read_room: Signal<In, Bit>,
    pub arrived: Signal<Out, Arrived>,
    /// Pulse: a write packet has its place in the order.
    pub written: Signal<In, Bit>,

    /// Stages.
    pub checked: Signal<Out, Bit>,
    pub matched: Signal<Out, Bit>,
    pub request_out: Signal<Out, Bit>,
    /// `TriggerUnit`: the segment's counter gets one more. `count_ready` stays high until then.
    pub count_valid: Signal<Out, Bit>,
    pub count_ready: Signal<In, Bit>,
    pub count_segment: Signal<Out, Bits<8>>,
    /// Counters.
    pub frame_written: Signal<Out, Bit>,
    pub frame_refused: Signal<Out, Bit>,

    payload: EntryPayload<5>,
    /// The next beat is not a header.
    in_frame: DFF<Bit>,
    /// t + 1: a header, and in its first cycle the segment comes.
    front_valid: DFF<Bit>,
    front: DFF<Bits<128>>,
    comes: DFF<Bit>,
    /// t + 2: the segment is here.
    fetched: DFF<Bit>,
    segment: DFF<Bits<128>>,
    /// The bytes that a READ asks for, less one, are here.
    prepared: DFF<Bit>,
    asked_less_one: DFF<Bits<15>>,
    /// t + 3: what was compared.
    compared: DFF<Bit>,
    reads: DFF<Bit>,
    increments: DFF<Bit>,
    /// What the writer has is an INCREMENT that is carried out.
    counting: DFF<Bit>,
    count_of: DFF<Bits<8>>,
    /// A READ is offered.
    asks: DFF<Bit>,
    bad: DFF<Bit>,
    stale: DFF<Bit>,
    forbidden: DFF<Bit>,
    empty: DFF<Bit>,
    last_byte: DFF<Bits<33>>,
    low_address: DFF<Bits<33>>,
    skip_first: DFF<Bits<4>>,
    skip_last: DFF<Bits<4>>,
    /// The look-up was granted before `changed`.
    front_older: DFF<Bit>,
    /// t + 4: what is written, or answered.
    state: DFF<BulkState>,
    older: DFF<Bit>,
    sender: DFF<BulkSender>,
    status: DFF<Bits<4>>,
    address: DFF<Bits<64>>,
    words: DFF<Bits<7>>,
    skips: DFF<Bits<8>>,
    /// The last packet has no place in the order yet; and it is of a reply.
    unwritten: DFF<Bit>,
    arrives: DFF<Bit>,
    bytes_written: DFF<Bits<9>>,
    reply_row: DFF<Bits<4>>,
    reply_generation: DFF<Bits<8>>,
    arriving: DFF<Arrived>,

    beat: Signal<Local, Bits<128>>,
    takes_header: Signal<Local, Bit>,
    header: Signal<Local, Bits<128>>,
    entry_words: Signal<Local, Bits<128>>,
    place: Signal<Local, Bits<64>>,
    extent: Signal<Local, Bits<64>>,
    remote: Signal<Local, Bits<64>>,
    offset: Signal<Local, Bits<32>>,
    pad: Signal<Local, Bits<2>>,
    trail: Signal<Local, Bits<2>>,
    operation: Signal<Local, Bits<4>>,
    length: Signal<Local, Bits<8>>,
    length_7: Signal<Local, Bits<7>>,
    data_words: Signal<Local, Bits<7>>,
    words_less_one: Signal<Local, Bits<7>>,
    last_offset: Signal<Local, Bits<33>>,
    is_read: Signal<Local, Bit>,
    is_write: Signal<Local, Bit>,
    is_increment: Signal<Local, Bit>,
    counts_up: Signal<Local, Bit>,
    refuses_or_counts: Signal<Local, Bit>,
    asked: Signal<Local, Bits<64>>,
    asked_bytes: Signal<Local, Bits<15>>,
    first_of: Signal<Local, Bits<33>>,
    rest_of: Signal<Local, Bits<33>>,
    counts: Signal<Local, Bit>,
    is_reply: Signal<Local, Bit>,
    fits: Signal<Local, Bit>,
    waits: Signal<Local, Bit>,
    is_busy: Signal<Local, Bit>,
    answers_not: Signal<Local, Bit>,
    byte_count: Signal<Local, Bits<9>>,
    replied: Signal<Local, Bit>,
    told: Signal<Local, Bit>,
    node: Signal<Local, Bits<10>>,
    endpoint: Signal<Local, Bits<12>>,
    generation: Signal<Local, Bits<8>>,
    segment_number: Signal<Local, Bits<16>>,
    excess: Signal<Local, Bits<4>>,
    single: Signal<Local, Bit>,
    first_mask: Signal<Local, Bits<4>>,
    last_mask: Signal<Local, Bits<4>>,
    compares: Signal<Local, Bit>,
    outside: Signal<Local, Bit>,
    refused: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    upper: Signal<Local, Bits<25>>,
    carry: Signal<Local, Bits<25>>,
    upper_sum: Signal<Local, Bits<25>>,
    page: Signal<Local, Bits<45>>,
    beats_sum: Signal<Local, Bits<8>>,
    now: Signal<Local, BulkSender>,
    describing: Signal<Local, Bit>,
    paying: Signal<Local, Bit>,
    refusing: Signal<Local, Bit>,
    may_end: Signal<Local, Bit>,
    pays: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    finishes: Signal<Local, Bit>,
    refuses: Signal<Local, Bit>,
    bytes: Signal<Local, Bits<16>>,
    no_beats: Fixed<5, 0>,
    two: Fixed<7, 2>,
    one: Fixed<7, 1>,
    bad_segment: Fixed<4, { error::BAD_SEGMENT }>,
    stale_segment: Fixed<4, { error::STALE_SEGMENT }>,
    segment_rights: Fixed<4, { error::SEGMENT_RIGHTS }>,
    segment_range: Fixed<4, { error::SEGMENT_RANGE }>,
    done: Fixed<4, 0>,
    one_byte: Fixed<8, 1>,
    first_byte: Fixed<15, 1>,
    busy_status: Fixed<4, { crate::bulk::transfers::BUSY }>,
}

impl Logic for BulkReceive {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            in_frame,
            front_valid,
            front,
            comes,
            fetched,
            segment,
            prepared,
            asked_less_one,
            compared,
            reads,
            increments,
            counting,
            count_of,
            asks,
            bad,
            stale,
            forbidden,
            empty,
            last_byte,
            low_address,
            skip_first,
            skip_last,
            front_older,
            state,
            older,
            sender,
            status,
            address,
            words,
            skips,
            unwritten,
            arrives,
            bytes_written,
            reply_row,
            reply_generation,
            arriving
        );
        clock!(self, clock, payload);
        self.payload.reset.next = self.reset.val();

        // t: the header, while there is none.
        self.beat.next = self.bulk_frames.beat.val().data;
        self.query.next.segment = self
            .beat
            .val()
            .get_bits::<9>(abi::link::header::receive_queue_id::SHIFT);
        self.takes_header.next =
            self.grant.val() & !self.front_valid.q.val() & self.bulk_frames.valid.val();
        self.payload.sink.valid.next = self.bulk_frames.valid.val() & self.in_frame.q.val();
        self.payload.sink.beat.next = self.bulk_frames.beat.val();
        self.bulk_frames.ready.next = self.grant.val() & !self.front_valid.q.val();
        if self.in_frame.q.val() {
            self.takes_header.next = false;
            self.bulk_frames.ready.next = self.payload.sink.ready.val();
        }
        self.query.next.valid = self.takes_header.val();
        if self.bulk_frames.valid.val() & self.bulk_frames.ready.val() {
            self.in_frame.d.next = !self.in_frame.q.val() | !self.bulk_frames.beat.val().last;
        }
        // The opened frame brings no more if a header behind it was taken.
        self.payload.ended.next = !self.in_frame.q.val() | self.front_valid.q.val();

        // t + 1: the segment.
        self.comes.d.next = self.takes_header.val();
        if !self.front_valid.q.val() {
            self.front.d.next = self.beat.val();
        }
        if self.takes_header.val() {
            self.front_valid.d.next = true;
            self.front_older.d.next = false;
        }
        self.header.next = self.front.q.val();
        self.entry_words.next = self.entry.val().words;
        if self.comes.q.val() {
            self.segment.d.next = self.entry_words.val();
            self.fetched.d.next = true;
        }
        if self.changed.val() & self.front_valid.q.val() {
            self.front_older.d.next = true;
        }
        self.checked.next =
            self.comes.q.val() & self.header.val().get_bit(abi::link::header::marked::SHIFT);

        // t + 2: the sender, the segment and the sub-header.
        self.place.next = self.segment.q.val().get_bits::<64>(0);
        self.extent.next = self.segment.q.val().get_bits::<64>(64);
        self.remote.next = self.payload.coming.val();
        self.offset.next = self
            .remote
            .val()
            .get_bits::<32>(abi::message::remote::offset::SHIFT);
        self.operation.next = self
            .remote
            .val()
            .get_bits::<4>(abi::message::remote::operation::SHIFT);
        self.trail.next = self
            .remote
            .val()
            .get_bits::<2>(abi::message::remote::trail::SHIFT);
        self.pad.next = self.offset.val().get_bits::<2>(0);
        self.node.next = self
            .header
            .val()
            .get_bits::<10>(abi::link::header::source_node::SHIFT);
        self.endpoint.next = self
            .header
            .val()
            .get_bits::<12>(abi::link::header::source_endpoint::SHIFT);
        self.generation.next = self
            .header
            .val()
            .get_bits::<8>(abi::link::header::tag::SHIFT);
        self.segment_number.next = self
            .header
            .val()
            .get_bits::<16>(abi::link::header::receive_queue_id::SHIFT);
        self.length.next = self
            .header
            .val()
            .get_bits::<8>(abi::link::header::length::SHIFT);
        self.length_7.next = self.length.val().get_bits::<7>(0);
        self.data_words.next = self.length_7.val() - self.two.val();
        self.words_less_one.next = self.data_words.val() - self.one.val();
        self.single.next = self.data_words.val() == self.one.val();
        self.is_read.next = self.operation.val() == operation::READ.to_bits();
        self.is_write.next = self.operation.val() == operation::WRITE.to_bits();
        self.is_increment.next = self.operation.val() == operation::INCREMENT.to_bits();
        self.counts.next = self.header.val().get_bit(abi::link::header::restart::SHIFT);
        self.is_reply.next = self.segment_number.val().get_bit(8);
        self.asked.next = self.payload.coming_above.val();
        self.asked_bytes.next = self.asked.val().get_bits::<15>(remote_read::bytes::SHIFT);
        self.asked_less_one.d.next = self.asked_bytes.val() - self.first_byte.val();
        // 4 * words - 1 - trail: no borrow, since 3 - trail is its complement.
        self.first_of.next = bit_cast::<33, 30>(self.offset.val().get_bits::<30>(2)) << 2;
        self.rest_of.next = (bit_cast::<33, 7>(self.words_less_one.val()) << 2)
            | bit_cast::<33, 2>(self.trail.val() ^ 3);
        if self.is_read.val() {
            self.first_of.next = bit_cast::<33, 32>(self.offset.val());
            self.rest_of.next = bit_cast::<33, 15>(self.asked_less_one.q.val());
        }
        if self.is_increment.val() {
            self.first_of.next = bit_cast::<33, 32>(self.offset.val());
            self.rest_of.next = 0.into();
        }
        self.last_offset.next = self.first_of.val() + self.rest_of.val();
        self.excess.next = bit_cast::<4, 2>(self.pad.val()) + bit_cast::<4, 2>(self.trail.val());
        self.first_mask.next = 0.into();
        if self.pad.val() == 1 {
            self.first_mask.next = 1.into();
        }
        if self.pad.val() == 2 {
            self.first_mask.next = 3.into();
        }
        if self.pad.val() == 3 {
            self.first_mask.next = 7.into();
        }
        self.last_mask.next = 0.into();
        if self.trail.val() == 1 {
            self.last_mask.next = 8.into();
        }
        if self.trail.val() == 2 {
            self.last_mask.next = 12.into();
        }
        if self.trail.val() == 3 {
            self.last_mask.next = 14.into();
        }
        self.page.next = self.place.val().get_bits::<45>(segment_place::page::SHIFT);
        self.prepared.d.next = self.fetched.q.val() & self.payload.present.val();
        self.compares.next = self.fetched.q.val()
            & self.payload.present.val()
            & (self.prepared.q.val() | !self.is_read.val());
        if self.compares.val() & !self.compared.q.val() {
            self.compared.d.next = true;
            self.bad.d.next = !self.place.val().get_bit(segment_place::valid::SHIFT)
                | self.segment_number.val().get_bits::<7>(9).any()
                | (!self.place.val().get_bit(segment_place::any_node::SHIFT)
                    & (self.node.val()
                        != self
                            .extent
                            .val()
                            .get_bits::<10>(segment_extent::node::SHIFT)))
                | (!self.place.val().get_bit(segment_place::any_endpoint::SHIFT)
                    & (self.endpoint.val()
                        != self
                            .place
                            .val()
                            .get_bits::<12>(segment_place::endpoint::SHIFT)));
            self.stale.d.next = self.generation.val()
                != self
                    .extent
                    .val()
                    .get_bits::<8>(segment_extent::generation::SHIFT);
            self.forbidden.d.next = (!self.is_write.val()
                | !self.place.val().get_bit(segment_place::remote_write::SHIFT))
                & (!self.is_read.val()
                    | !self.counts.val()
                    | !self.place.val().get_bit(segment_place::remote_read::SHIFT))
                & (!self.is_increment.val()
                    | self.counts.val()
                    | !self.place.val().get_bit(segment_place::remote_atomic::SHIFT));
            self.empty.d.next =
                (self.data_words.val() == 0) | (self.single.val() & self.excess.val().get_bit(2));
            if self.is_read.val() {
                // Nothing, or more than a piece.
                self.empty.d.next = self.asked_less_one.q.val().get_bit(14);
            }
            if self.is_increment.val() {
                self.empty.d.next = self.data_words.val() != 0;
            }
            self.increments.d.next = self.is_increment.val();
            self.reads.d.next = self.is_read.val();
            self.last_byte.d.next = self.last_offset.val();
            self.low_address.d.next = (bit_cast::<33, 20>(self.page.val().get_bits::<20>(0)) << 12)
                + (bit_cast::<33, 30>(self.offset.val().get_bits::<30>(2)) << 2);
            self.skip_first.d.next = self.first_mask.val();
            self.skip_last.d.next = self.last_mask.val();
            if self.single.val() {
                self.skip_first.d.next = self.first_mask.val() | self.last_mask.val();
                self.skip_last.d.next = 0.into();
            }
        }

        // t + 3: the range, and who gets the frame.
        self.outside.next = self.empty.q.val()
            | (self.last_byte.q.val()
                > bit_cast::<33, 32>(
                    self.extent
                        .val()
                        .get_bits::<32>(segment_extent::last::SHIFT),
                ));
        self.refused.next =
            self.bad.q.val() | self.stale.q.val() | self.forbidden.q.val() | self.outside.val();
        self.waits.next = self.compared.q.val() & (self.state.q.val() == BulkState::Idle);
        self.fits.next = self.reads.q.val() & !self.refused.val();
        self.counts_up.next = self.increments.q.val() & !self.refused.val();
        self.is_busy.next = self.fits.val() & !self.read_room.val() & !self.asks.q.val();
        self.goes.next = (self.waits.val() & (!self.fits.val() | self.is_busy.val()))
            | (self.asks.q.val() & self.read_ready.val());
        self.asks.d.next = self.waits.val()
            & self.fits.val()
            & (self.asks.q.val() | (self.read_room.val() & !self.unwritten.q.val()))
            & !self.read_ready.val();
        self.answers_not.next = self.is_reply.val() & !self.reads.q.val();
        self.payload.open.next = self.goes.val();
        self.beats_sum.next = self.length.val() + self.one_byte.val();
        self.payload.beats.next = self.no_beats.val();
        if !self.refused.val() & !self.reads.q.val() & !self.increments.q.val() {
            self.payload.beats.next = self.beats_sum.val().get_bits::<5>(2);
        }
        self.upper.next = self.page.val().get_bits::<25>(20);
        self.carry.next = bit_cast::<25, 1>(self.low_address.q.val().get_bit(32).into());
        self.upper_sum.next = self.upper.val() + self.carry.val();
        self.now.next.node = self.node.val();
        self.now.next.slot = self
            .header
            .val()
            .get_bits::<8>(abi::link::header::slot::SHIFT);
        self.now.next.generation = self
            .header
            .val()
            .get_bits::<8>(abi::link::header::generation::SHIFT);
        self.now.next.index = self
            .header
            .val()
            .get_bits::<7>(abi::link::header::index::SHIFT);
        self.now.next.counted = self.header.val().get_bit(abi::link::header::restart::SHIFT);
        self.now.next.marked = self.header.val().get_bit(abi::link::header::marked::SHIFT);
        self.now.next.replies = self.answers_not.val();
        self.byte_count.next =
            (bit_cast::<9, 7>(self.data_words.val()) << 2) - bit_cast::<9, 4>(self.excess.val());
        self.matched.next = self.goes.val()
            & !self.refused.val()
            & self.header.val().get_bit(abi::link::header::marked::SHIFT);

        // t + 4: the writer.
        self.describing.next = self.state.q.val() == BulkState::Describe;
        self.paying.next = self.state.q.val() == BulkState::Payload;
        self.refusing.next = self.state.q.val() == BulkState::Refuse;
        self.may_end.next = self.accepted_ready.val();
        if self.sender.q.val().counted {
            self.may_end.next = self.verdict_ready.val();
        }
        self.replied.next = self.sender.q.val().replies;
        if self.replied.val() {
            self.may_end.next = true;
        }
        self.pays.next = self.paying.val()
            & self.payload.valid.val()
            & (self.may_end.val() | !self.payload.last.val());
        self.takes.next = self.pays.val() & self.write_packets.ready.val();
        self.payload.take.next = self.takes.val();
        self.finishes.next = self.takes.val() & self.payload.last.val();
        self.refuses.next = self.refusing.val() & !self.counting.q.val() & self.verdict_ready.val();
        // An INCREMENT is carried out and accepted in the same cycle.
        self.count_valid.next =
            self.refusing.val() & self.counting.q.val() & self.accepted_ready.val();
        self.count_segment.next = self.count_of.q.val();
        self.refuses_or_counts.next =
            self.refuses.val() | (self.count_valid.val() & self.count_ready.val());
        match self.state.q.val() {
            BulkState::Describe => {
                if self.write_packets.ready.val() {
                    self.state.d.next = BulkState::Payload;
                }
            }
            BulkState::Payload => {
                if self.finishes.val() {
                    self.state.d.next = BulkState::Idle;
                }
            }
            BulkState::Refuse => {
                if self.refuses_or_counts.val() {
                    self.state.d.next = BulkState::Idle;
                }
            }
            _ => {
                if self.goes.val() {
                    self.state.d.next = BulkState::Describe;
                    if self.refused.val() | self.is_busy.val() | self.increments.q.val() {
                        self.state.d.next = BulkState::Refuse;
                    }
                    if self.asks.q.val() | (self.refused.val() & self.answers_not.val()) {
                        self.state.d.next = BulkState::Idle;
                    }
                }
            }
        }
        self.older.d.next = self.older.q.val() & (self.state.q.val() != BulkState::Idle);
        if self.changed.val() & (self.state.q.val() != BulkState::Idle) {
            self.older.d.next = true;
        }
        if self.finishes.val() | self.refuses_or_counts.val() {
            self.older.d.next = false;
        }
        if self.goes.val() {
            self.front_valid.d.next = false;
            self.fetched.d.next = false;
            self.compared.d.next = false;
            self.prepared.d.next = false;
            self.front_older.d.next = false;
            self.older.d.next = self.front_older.q.val() | self.changed.val();
            self.sender.d.next = self.now.val();
            self.counting.d.next = self.counts_up.val();
            self.count_of.d.next = self.segment_number.val().get_bits::<8>(0);
            self.words.d.next = self.data_words.val();
            self.bytes_written.d.next = self.byte_count.val();
            self.reply_row.d.next = self.segment_number.val().get_bits::<4>(0);
            self.reply_generation.d.next = self.generation.val();
            self.skips.d.next = bit_cast::<8, 4>(self.skip_first.q.val())
                | (bit_cast::<8, 4>(self.skip_last.q.val()) << 4);
            self.address.d.next = bit_cast::<64, 32>(self.low_address.q.val().get_bits::<32>(0))
                | (bit_cast::<64, 25>(self.upper_sum.val()) << 32);
            self.status.d.next = self.done.val();
            if self.is_busy.val() {
                self.status.d.next = self.busy_status.val();
            }
            if self.outside.val() {
                self.status.d.next = self.segment_range.val();
            }
            if self.forbidden.q.val() {
                self.status.d.next = self.segment_rights.val();
            }
            if self.stale.q.val() {
                self.status.d.next = self.stale_segment.val();
            }
            if self.bad.q.val() {
                self.status.d.next = self.bad_segment.val();
            }
        }
        self.holds_older.next = self.front_older.q.val() | self.older.q.val();
        self.busy.next = self.front_valid.q.val() | (self.state.q.val() != BulkState::Idle);

        self.bytes.next = bit_cast::<16, 7>(self.words.q.val()) << 2;
        self.write_packets.valid.next = self.describing.val() | self.pays.val();
        self.write_packets.beat.next.last = self.paying.val() & self.payload.last.val();
        self.write_packets.beat.next.data = bit_cast::<128, 64>(self.address.q.val())
            | (bit_cast::<128, 16>(self.bytes.val()) << write_packet::LENGTH_SHIFT.to_bits::<7>())
            | (bit_cast::<128, 1>(self.sender.q.val().marked.into())
                << write_packet::MARKED_BIT.to_bits::<7>())
            | (bit_cast::<128, 8>(self.skips.q.val())
                << write_packet::SKIP_FIRST_SHIFT.to_bits::<7>());
        if self.paying.val() {
            self.write_packets.beat.next.data = self.payload.data.val();
        }
        self.request_out.next =
            self.describing.val() & self.sender.q.val().marked & self.write_packets.ready.val();

        // Answers.
        self.told.next = self.finishes.val() & !self.replied.val();
        self.accepted_valid.next = (self.told.val() & !self.sender.q.val().counted)
            | (self.count_valid.val() & self.count_ready.val());
        self.accepted.next.node = self.sender.q.val().node;
        self.accepted.next.slot = self.sender.q.val().slot;
        self.accepted.next.generation = self.sender.q.val().generation;
        self.accepted.next.index = self.sender.q.val().index;
        self.accepted.next.verdict = self.done.val();
        self.verdict_valid.next =
            self.refuses.val() | (self.told.val() & self.sender.q.val().counted);
        self.verdict.next.node = self.sender.q.val().node;
        self.verdict.next.slot = self.sender.q.val().slot;
        self.verdict.next.generation = self.sender.q.val().generation;
        self.verdict.next.index = self.sender.q.val().index;
        self.verdict.next.counted = self.sender.q.val().counted;
        self.verdict.next.status = self.status.q.val();
        self.frame_written.next = self.finishes.val();
        self.frame_refused.next = self.refuses.val();

        // READ, and data of a reply that have their place in the order.
        self.read_valid.next = self.asks.q.val();
        self.read_job.next.node = self.node.val();
        self.read_job.next.row = self
            .header
            .val()
            .get_bits::<8>(abi::link::header::slot::SHIFT);
        self.read_job.next.generation = self
            .header
            .val()
            .get_bits::<8>(abi::link::header::generation::SHIFT);
        self.read_job.next.segment = self.segment_number.val().get_bits::<9>(0);
        self.read_job.next.segment_generation = self.generation.val();
        self.read_job.next.channel = self
            .header
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.read_job.next.offset = self.offset.val();
        self.read_job.next.bytes = self.asked_bytes.val();
        self.read_job.next.reply_segment = self
            .asked
            .val()
            .get_bits::<12>(remote_read::reply_segment::SHIFT);
        self.read_job.next.reply_offset = self
            .asked
            .val()
            .get_bits::<12>(remote_read::reply_offset::SHIFT);
        if self.written.val() {
            self.unwritten.d.next = false;
            self.arrives.d.next = false;
        }
        if self.finishes.val() {
            self.unwritten.d.next = true;
            self.arrives.d.next = self.replied.val();
            self.arriving.d.next.row = self.reply_row.q.val();
            self.arriving.d.next.generation = self.reply_generation.q.val();
            self.arriving.d.next.bytes = self.bytes_written.q.val();
        }
        self.arrived.next = self.arriving.q.val();
        self.arrived.next.valid = self.arrives.q.val() & self.written.val();

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.front_valid.d.next = false;
            self.front_older.d.next = false;
            self.comes.d.next = false;
            self.fetched.d.next = false;
            self.compared.d.next = false;
            self.prepared.d.next = false;
            self.asks.d.next = false;
            self.unwritten.d.next = false;
            self.arrives.d.next = false;
            self.state.d.next = BulkState::Idle;
            self.older.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
