//! Transfers between memory of this node and remote memory.

pub mod queue_aborts;
pub mod row_news;
pub mod row_queue;
pub mod source_check;

use self::queue_aborts::QueueAborts;
use self::row_news::RowNews;
use self::source_check::SourceCheck;
use crate::bundles::{
    Answer, Arrived, BulkVerdict, ChunkHeader, ChunkJob, ChunkLeft, ChunkRead, OwnSegment, ReadJob,
    SegmentEntry, SegmentQuery, TransferCommit, TransferDone, Unpark,
};
use crate::library::first_one::FirstOne;
use crate::library::fixed::Fixed;
use crate::library::lut_ram::LutRam;
use crate::library::round_robin::RoundRobin;
use crate::library::stream::StreamSink;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::Progress;
use abi::message::{error, operation, remote, transfer_length, transfer_local};
use abi::queue_state::{segment_extent, segment_place};
use rust_hdl::prelude::*;

/// `abi::link::bulk_status::status`: later again.
pub const BUSY: usize = 1;

/// Base-2 logarithm of the cycles after which a frame that met `BUSY` is sent again, and of those after which a queue
/// is told that its transfer goes on.
const AGAIN_LOG2: usize = 10;
const TELL_LOG2: usize = crate::configuration::ANSWER_TIMEOUT_LOG2 - 3;

/// What the sequencer does.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum TransferState {
    /// Chooses: a descriptor, a `ReadJob`, or a row that was called.
    Idle,
    /// The beats of a descriptor.
    Header,
    Places,
    Length,
    /// A `ReadJob`.
    Accept,
    /// What is known of the row.
    Look,
    /// What follows from it.
    Decide,
    /// A frame: its segment is looked up, comes, is checked.
    Query,
    Find,
    Check,
    Range,
    /// A READ: the segment that takes its data is written.
    Ready,
    Open,
    /// The frame is handed to `ChunkSend`.
    Go,
    /// The segment that took the data of a READ is cleared.
    Close,
    /// Data of a READ are there.
    Advance,
    /// The row is free again.
    End,
}

/// What stands of a row from its first beat on.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RowMessage {
    pub node: Bits<10>,
    /// Transmit queue and its generation; row and generation of the asking node.
    pub slot: Bits<8>,
    pub generation: Bits<8>,
    pub index: Bits<7>,
    pub endpoint: Bits<12>,
}

/// The memory of this node.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RowSource {
    pub segment: Bits<9>,
    /// Of a reply: as asked for.
    pub generation: Bits<8>,
    /// Operation READ.
    pub asks: Bit,
}

/// How far a row is: what comes next. A carry says that the offset is beyond all segments.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RowPlaces {
    pub remote: Bits<33>,
    pub local: Bits<33>,
}

/// Jobs handed to `ChunkSend`, and the counts of `RowNews` that are waited for.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RowCounts {
    pub jobs: Bits<5>,
    pub frames: Bits<7>,
    pub bytes: Bits<15>,
}

/// What the sequencer has noted of a row.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RowNotes {
    /// A piece was asked for.
    pub waits: Bit,
    /// The queue waits for its last frame.
    pub parked: Bit,
    /// It was given up, and why.
    pub given_up: Bit,
    pub reason: Bits<4>,
}

/// Carries out transfers (form TRANSFER), and the replies to READ of other nodes. Each has one of 16 rows: 0 to 7
/// transfers of this node, 8 to 15 replies.
///
/// One sequencer does one step of one row at a time. A row is looked at if something of it is new, or if there is more
/// to send (`calls`); a frame takes 10 cycles of the sequencer. Each frame's segment is looked up anew, and again if
/// firmware writes a segment meanwhile. Frames end at multiples of `abi::message::BLOCK_BYTES` of the remote offset;
/// a row has at most 64 frames unanswered.
///
/// READ: the segment 256 + row takes the data. Firmware's writes to segments make it be written anew. Pieces of
/// `abi::message::READ_PIECE_BYTES` follow each other. A piece that meets BUSY is asked for again after at most 1024
/// cycles.
///
/// A transfer ends with `done`, a reply that fails with `verdict`. A control word of a queue, or its failure, ends its
/// rows without either; they send what `ChunkSend` is about to send at most. A transfer to the own node ends with
/// `BAD_SEGMENT`.
///
/// While a transfer goes on, or waits for this node alone, its queue is told WAITING: so the queue asks the receiver
/// only about transfers that the receiver holds up.
///
/// Contract: `room` is high if a transfer may be committed; it falls in the cycle behind `commit`. A descriptor comes
/// on `transfer` for each commit. `unpark` comes once for each commit that is not ended by its queue, when the last
/// frame was sent, and stays until `unpark_ready`, or until a control word of the queue. `done`, `chunk` and `verdict`
/// stay until their ready. `read_ready` comes within 64 cycles, if `read_room` was high. After `holds_older` is low
/// nothing is read or written for a queue whose control word came before, or for a segment as it was before `revised`,
/// but for what `SegmentTable`, `BulkReceive` and `ChunkSend` still hold.
///
/// Latency: last beat of the descriptor to the first `job_valid` 9 cycles, to `chunk` 10; READ 11.
#[derive(LogicBlock, Default)]
pub struct TransferEngine {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub node: Signal<In, Bits<10>>,

    /// From and to the transmit side.
    pub queue_configuration: Signal<In, QueueWord>,
    pub progress: Signal<In, Progress>,
    pub transfer: StreamSink,
    pub commit: Signal<In, TransferCommit>,
    pub room: Signal<Out, Bit>,
    pub unpark: Signal<Out, Unpark>,
    pub unpark_ready: Signal<In, Bit>,
    pub done: Signal<Out, TransferDone>,
    pub done_ready: Signal<In, Bit>,

    /// Counted answers.
    pub counted_valid: Signal<In, Bit>,
    pub counted: Signal<In, Answer>,

    /// READ of other nodes, replies, and data that arrived.
    pub read_valid: Signal<In, Bit>,
    pub read_ready: Signal<Out, Bit>,
    pub read_job: Signal<In, ReadJob>,
    pub read_room: Signal<Out, Bit>,
    pub verdict_valid: Signal<Out, Bit>,
    pub verdict: Signal<Out, BulkVerdict>,
    pub verdict_ready: Signal<In, Bit>,
    pub arrived: Signal<In, Arrived>,

    /// `SegmentTable`.
    pub query: Signal<Out, SegmentQuery>,
    pub found: Signal<In, Bit>,
    pub entry: Signal<In, SegmentEntry>,
    pub own: Signal<Out, OwnSegment>,
    pub own_ready: Signal<In, Bit>,
    pub revised: Signal<In, Bit>,
    pub holds_older: Signal<Out, Bit>,
    /// Pulse: rows of a queue were ended.
    pub aborts: Signal<Out, Bit>,

    /// `ChunkSend` and `ReadRequester`.
    pub header: Signal<Out, ChunkHeader>,
    pub job_valid: Signal<Out, Bit>,
    pub job_ready: Signal<In, Bit>,
    pub job: Signal<Out, ChunkJob>,
    pub place: Signal<In, Bits<4>>,
    pub left: Signal<In, ChunkLeft>,
    pub dropped: Signal<Out, Bits<16>>,
    pub chunk: Signal<Out, ChunkRead>,
    pub chunk_ready: Signal<In, Bit>,

    /// Counters.
    pub started: Signal<Out, Bit>,
    pub failed: Signal<Out, Bit>,

    news: RowNews,
    queue_aborts: QueueAborts,
    check: SourceCheck,
    choice: RoundRobin<16, 4>,
    first_own: FirstOne<8, 3>,
    first_reply: FirstOne<8, 3>,
    messages: LutRam<RowMessage, 4>,
    sources: LutRam<RowSource, 4>,
    places: LutRam<RowPlaces, 4>,
    remains: LutRam<Bits<31>, 4>,
    counts: LutRam<RowCounts, 4>,
    notes: LutRam<RowNotes, 4>,

    state: DFF<TransferState>,
    /// The row that is looked at next.
    picked: DFF<Bit>,
    picked_row: DFF<Bits<4>>,
    /// The row, and its bit.
    row: DFF<Bits<4>>,
    mask: DFF<Bits<16>>,

    // All rows.
    used: DFF<Bits<16>>,
    calls: DFF<Bits<16>>,
    aborted: DFF<Bits<8>>,
    /// The own segment is valid; it must be written anew.
    open: DFF<Bits<8>>,
    recheck: DFF<Bits<8>>,
    /// The queue is to be told that its transfer goes on.
    tell: DFF<Bits<8>>,
    timer: DFF<Bits<TELL_LOG2>>,

    // Rows that are free.
    free_row: DFF<Bits<3>>,
    has_room: DFF<Bit>,
    reply_row: DFF<Bits<3>>,
    has_read_room: DFF<Bit>,
    /// The row whose descriptor has not come, and its bit.
    pending_row: DFF<Bits<3>>,
    pending: DFF<Bits<8>>,
    /// Something is wrong with the descriptor.
    fault: DFF<Bit>,
    fault_code: DFF<Bits<4>>,

    // The row as it is looked at.
    is_aborted: DFF<Bit>,
    is_over: DFF<Bit>,
    is_refused: DFF<Bit>,
    is_busy: DFF<Bit>,
    is_open: DFF<Bit>,
    is_recheck: DFF<Bit>,
    is_told: DFF<Bit>,
    is_parked: DFF<Bit>,
    is_waiting: DFF<Bit>,
    is_asking: DFF<Bit>,
    is_heard: DFF<Bit>,
    unsent: DFF<Bit>,
    all_answered: DFF<Bit>,
    in_window: DFF<Bit>,
    all_arrived: DFF<Bit>,
    nothing_left: DFF<Bit>,
    last_piece: DFF<Bit>,
    /// The frame.
    only_opens: DFF<Bit>,
    bytes: DFF<Bits<15>>,

    // What waits to be taken.
    unparks: DFF<Unpark>,
    ends: DFF<TransferDone>,
    verdicts_valid: DFF<Bit>,
    verdicts: DFF<BulkVerdict>,
    chunks: DFF<ChunkRead>,

    beat: Signal<Local, Bits<128>>,
    job_now: Signal<Local, ReadJob>,
    takes_header: Signal<Local, Bit>,
    takes_places: Signal<Local, Bit>,
    takes_length: Signal<Local, Bit>,
    accepts: Signal<Local, Bit>,
    chosen: Signal<Local, Bits<4>>,
    own_mask: Signal<Local, Bits<8>>,
    is_reply: Signal<Local, Bit>,
    is_own_node: Signal<Local, Bit>,
    is_read: Signal<Local, Bit>,
    is_operation: Signal<Local, Bit>,
    beat_node: Signal<Local, Bits<10>>,
    beat_operation: Signal<Local, Bits<4>>,
    beat_upper: Signal<Local, Bits<64>>,
    beat_local: Signal<Local, Bits<32>>,
    beat_segment: Signal<Local, Bits<12>>,
    beat_bytes: Signal<Local, Bits<32>>,
    too_long: Signal<Local, Bit>,
    descriptor_fault: Signal<Local, Bit>,
    descriptor_code: Signal<Local, Bits<4>>,
    message: Signal<Local, RowMessage>,
    message_node: Signal<Local, Bits<10>>,
    source: Signal<Local, RowSource>,
    remote_now: Signal<Local, Bits<33>>,
    local_now: Signal<Local, Bits<33>>,
    local_low: Signal<Local, Bits<32>>,
    remain: Signal<Local, Bits<31>>,
    count: Signal<Local, RowCounts>,
    note: Signal<Local, RowNotes>,
    unanswered: Signal<Local, Bits<7>>,
    moves: Signal<Local, Bit>,
    bytes_33: Signal<Local, Bits<33>>,
    bytes_31: Signal<Local, Bits<31>>,
    block_offset: Signal<Local, Bits<9>>,
    block_room: Signal<Local, Bits<9>>,
    bytes_less_one: Signal<Local, Bits<15>>,

    decides: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    opens: Signal<Local, Bit>,
    closes: Signal<Local, Bit>,
    advances: Signal<Local, Bit>,
    finishes: Signal<Local, Bit>,
    asks: Signal<Local, Bit>,
    has_sent: Signal<Local, Bit>,
    may_end: Signal<Local, Bit>,
    wants: Signal<Local, Bit>,
    tells: Signal<Local, Bit>,
    goes_on: Signal<Local, Bit>,
    must_close: Signal<Local, Bit>,
    must_reopen: Signal<Local, Bit>,
    must_unpark: Signal<Local, Bit>,
    can_end: Signal<Local, Bit>,
    can_send: Signal<Local, Bit>,
    comes: Signal<Local, Bit>,
    picks: Signal<Local, Bit>,
    is_lively: Signal<Local, Bit>,
    told_now: Signal<Local, Bit>,
    unparked_now: Signal<Local, Bit>,
    recalls: Signal<Local, Bit>,
    gives_up: Signal<Local, Bit>,
    aborted_now: Signal<Local, Bit>,
    hands: Signal<Local, Bit>,
    address: Signal<Local, Bits<64>>,
    target_two: Signal<Local, Bits<2>>,
    source_two: Signal<Local, Bits<2>>,
    words_sum: Signal<Local, Bits<10>>,
    own_last: Signal<Local, Bits<16>>,
    own_entry: Signal<Local, SegmentEntry>,
    own_place: Signal<Local, Bits<64>>,
    own_extent: Signal<Local, Bits<64>>,
    next_jobs: Signal<Local, Bits<5>>,
    next_frames: Signal<Local, Bits<7>>,
    next_bytes: Signal<Local, Bits<15>>,
    end_code: Signal<Local, Bits<4>>,
    has_failed: Signal<Local, Bit>,
    commit_mask: Signal<Local, Bits<8>>,
    loaded: Signal<Local, Bits<8>>,
    again_now: Signal<Local, Bit>,
    tell_now: Signal<Local, Bit>,
    timed: Signal<Local, Bits<8>>,
    renewed: Signal<Local, Bits<8>>,
    opened: Signal<Local, Bits<8>>,
    written: Signal<Local, Bits<8>>,
    told_mask: Signal<Local, Bits<8>>,
    events: Signal<Local, Bits<8>>,
    drops: Signal<Local, Bits<8>>,
    called: Signal<Local, Bits<16>>,
    looked: Signal<Local, Bits<16>>,
    ended: Signal<Local, Bits<16>>,
    accepted: Signal<Local, Bits<16>>,
    one: Fixed<16, 1>,
    one_8: Fixed<8, 1>,
    set_bit: Fixed<64, 1>,
    block: Fixed<9, 256>,
    three: Fixed<10, 3>,
    first_byte: Fixed<15, 1>,
    job_step: Fixed<5, 1>,
    frame_step: Fixed<7, 1>,
    piece: Fixed<31, { abi::message::READ_PIECE_BYTES }>,
    most_bytes: Fixed<32, { abi::message::MAXIMUM_TRANSFER_BYTES }>,
    waiting: Fixed<4, 5>,
    accepted_code: Fixed<4, 0>,
    bad_segment: Fixed<4, { error::BAD_SEGMENT }>,
    segment_rights: Fixed<4, { error::SEGMENT_RIGHTS }>,
    segment_range: Fixed<4, { error::SEGMENT_RANGE }>,
    transfer_failed: Fixed<4, { error::TRANSFER_FAILED }>,
}

impl Logic for TransferEngine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            picked,
            picked_row,
            row,
            mask,
            used,
            calls,
            aborted,
            open,
            recheck,
            tell,
            timer,
            free_row,
            has_room,
            reply_row,
            has_read_room,
            pending_row,
            pending,
            fault,
            fault_code,
            is_aborted,
            is_over,
            is_refused,
            is_busy,
            is_open,
            is_recheck,
            is_told,
            is_parked,
            is_waiting,
            is_asking,
            is_heard,
            unsent,
            all_answered,
            in_window,
            all_arrived,
            nothing_left,
            last_piece,
            only_opens,
            bytes,
            unparks,
            ends,
            verdicts_valid,
            verdicts,
            chunks
        );
        clock!(
            self,
            clock,
            news,
            queue_aborts,
            check,
            choice,
            messages,
            sources,
            places,
            remains,
            counts,
            notes
        );
        self.news.reset.next = self.reset.val();
        self.queue_aborts.reset.next = self.reset.val();
        self.choice.reset.next = self.reset.val();

        // The row.
        self.messages.read_address.next = self.row.q.val();
        self.messages.write_address.next = self.row.q.val();
        self.sources.read_address.next = self.row.q.val();
        self.sources.write_address.next = self.row.q.val();
        self.places.read_address.next = self.row.q.val();
        self.places.write_address.next = self.row.q.val();
        self.remains.read_address.next = self.row.q.val();
        self.remains.write_address.next = self.row.q.val();
        self.counts.read_address.next = self.row.q.val();
        self.counts.write_address.next = self.row.q.val();
        self.notes.read_address.next = self.row.q.val();
        self.notes.write_address.next = self.row.q.val();
        self.news.row.next = self.row.q.val();
        self.message.next = self.messages.read_data.val();
        self.message_node.next = self.message.val().node;
        self.source.next = self.sources.read_data.val();
        self.remote_now.next = self.places.read_data.val().remote;
        self.local_now.next = self.places.read_data.val().local;
        self.local_low.next = self.local_now.val().get_bits::<32>(0);
        self.remain.next = self.remains.read_data.val();
        self.count.next = self.counts.read_data.val();
        self.note.next = self.notes.read_data.val();
        self.own_mask.next = self.mask.q.val().get_bits::<8>(0);
        self.is_reply.next = self.row.q.val().get_bit(3);
        self.asks.next = self.source.val().asks & !self.is_reply.val();

        self.decides.next = self.state.q.val() == TransferState::Decide;
        self.goes.next = self.state.q.val() == TransferState::Go;
        self.aborted_now.next = (self.aborted.q.val() & self.own_mask.val()).any();
        self.opens.next = self.state.q.val() == TransferState::Open;
        self.closes.next = self.state.q.val() == TransferState::Close;
        self.advances.next = self.state.q.val() == TransferState::Advance;
        self.finishes.next = self.state.q.val() == TransferState::End;

        // What comes from elsewhere.
        self.news.counted_valid.next = self.counted_valid.val();
        self.news.counted.next = self.counted.val();
        self.news.left.next = self.left.val();
        self.news.arrived.next = self.arrived.val();
        self.queue_aborts.queue_configuration.next = self.queue_configuration.val();
        self.queue_aborts.progress.next = self.progress.val();
        self.queue_aborts.queue.next = self.commit.val().queue;
        self.queue_aborts.unpark.next = self.unparks.q.val();
        self.aborts.next = self.queue_aborts.aborts.val();

        // Rows that are free.
        self.first_own.requests.next = !self.used.q.val().get_bits::<8>(0);
        self.first_reply.requests.next = !self.used.q.val().get_bits::<8>(8);
        self.free_row.d.next = self.first_own.index.val();
        self.has_room.d.next = self.first_own.any.val()
            & !self.pending.q.val().any()
            & !self.commit.val().valid
            & !self.news.clears.val();
        self.reply_row.d.next = self.first_reply.index.val();
        self.accepts.next = self.state.q.val() == TransferState::Accept;
        self.has_read_room.d.next =
            self.first_reply.any.val() & !self.accepts.val() & !self.news.clears.val();
        self.room.next = self.has_room.q.val();
        self.read_room.next = self.has_read_room.q.val();
        self.read_ready.next = self.accepts.val();
        self.commit_mask.next = 0.into();
        if self.commit.val().valid {
            self.commit_mask.next = self.one_8.val() << self.free_row.q.val();
            self.pending.d.next = self.commit_mask.val();
            self.pending_row.d.next = self.free_row.q.val();
        }
        self.queue_aborts.takes.next = self.commit_mask.val();

        // A descriptor or a `ReadJob` becomes a row.
        self.beat.next = self.transfer.beat.val().data;
        self.job_now.next = self.read_job.val();
        self.takes_header.next =
            (self.state.q.val() == TransferState::Header) & self.transfer.valid.val();
        self.takes_places.next =
            (self.state.q.val() == TransferState::Places) & self.transfer.valid.val();
        self.takes_length.next =
            (self.state.q.val() == TransferState::Length) & self.transfer.valid.val();
        self.transfer.ready.next = (self.state.q.val() == TransferState::Header)
            | (self.state.q.val() == TransferState::Places)
            | (self.state.q.val() == TransferState::Length);
        self.beat_node.next = self
            .beat
            .val()
            .get_bits::<10>(abi::link::header::destination_node::SHIFT);
        self.is_own_node.next = self.beat_node.val() == self.node.val();
        self.beat_operation.next = self.beat.val().get_bits::<4>(remote::operation::SHIFT);
        self.is_read.next = self.beat_operation.val() == operation::READ.to_bits();
        self.is_operation.next =
            self.is_read.val() | (self.beat_operation.val() == operation::WRITE.to_bits());
        self.beat_upper.next = self.beat.val().get_bits::<64>(64);
        self.beat_local.next = self
            .beat_upper
            .val()
            .get_bits::<32>(transfer_local::offset::SHIFT);
        self.beat_segment.next = self
            .beat_upper
            .val()
            .get_bits::<12>(transfer_local::segment::SHIFT);
        self.beat_bytes.next = self
            .beat
            .val()
            .get_bits::<32>(transfer_length::bytes::SHIFT);
        self.too_long.next = self.beat_bytes.val() > self.most_bytes.val();

        self.messages.write_enable.next = self.takes_header.val() | self.accepts.val();
        self.messages.write_data.next.node = self.beat_node.val();
        self.messages.write_data.next.slot = self
            .beat
            .val()
            .get_bits::<8>(abi::link::header::slot::SHIFT);
        self.messages.write_data.next.generation = self
            .beat
            .val()
            .get_bits::<8>(abi::link::header::generation::SHIFT);
        self.messages.write_data.next.index = self
            .beat
            .val()
            .get_bits::<7>(abi::link::header::index::SHIFT);
        self.messages.write_data.next.endpoint = self
            .beat
            .val()
            .get_bits::<12>(abi::link::header::source_endpoint::SHIFT);
        self.news.starts.next = self.takes_header.val() | self.accepts.val();
        self.news.node.next = self.beat_node.val();
        self.header.next.valid = self.takes_header.val() | self.accepts.val();
        self.header.next.row = self.row.q.val();
        self.header.next.node = self.beat_node.val();
        self.header.next.channel = self
            .beat
            .val()
            .get_bit(abi::link::header::virtual_channel::SHIFT);
        self.header.next.slot = bit_cast::<8, 4>(self.row.q.val());
        self.header.next.generation = self.news.next_generation.val();
        self.header.next.counted = true;
        self.header.next.endpoint = self
            .beat
            .val()
            .get_bits::<12>(abi::link::header::source_endpoint::SHIFT);
        self.header.next.segment = self
            .beat
            .val()
            .get_bits::<12>(abi::link::header::receive_queue_id::SHIFT);
        self.header.next.segment_generation =
            self.beat.val().get_bits::<8>(abi::link::header::tag::SHIFT);
        if self.accepts.val() {
            self.messages.write_data.next.node = self.job_now.val().node;
            self.messages.write_data.next.slot = self.job_now.val().row;
            self.messages.write_data.next.generation = self.job_now.val().generation;
            self.messages.write_data.next.endpoint = 0.into();
            self.news.node.next = self.job_now.val().node;
            self.header.next.node = self.job_now.val().node;
            self.header.next.channel = true;
            self.header.next.slot = self.job_now.val().row;
            self.header.next.generation = self.job_now.val().generation;
            self.header.next.counted = false;
            self.header.next.endpoint = 0.into();
            self.header.next.segment = self.job_now.val().reply_segment;
            self.header.next.segment_generation = self.job_now.val().generation;
        }

        self.sources.write_enable.next = self.takes_places.val() | self.accepts.val();
        self.sources.write_data.next.segment = self.beat_segment.val().get_bits::<9>(0);
        self.sources.write_data.next.generation = self.job_now.val().segment_generation;
        self.sources.write_data.next.asks = self.is_read.val();
        if self.accepts.val() {
            self.sources.write_data.next.segment = self.job_now.val().segment;
            self.sources.write_data.next.asks = false;
        }

        // The first thing that is wrong with a descriptor.
        self.descriptor_fault.next = self.fault.q.val();
        self.descriptor_code.next = self.fault_code.q.val();
        if self.takes_header.val() {
            self.descriptor_fault.next = self.is_own_node.val();
            self.descriptor_code.next = self.bad_segment.val();
        }
        if self.takes_places.val() & !self.fault.q.val() {
            self.descriptor_fault.next =
                !self.is_operation.val() | self.beat_segment.val().get_bits::<4>(8).any();
            self.descriptor_code.next = self.bad_segment.val();
            if !self.is_operation.val() {
                self.descriptor_code.next = self.segment_rights.val();
            }
        }
        if self.takes_length.val() & !self.fault.q.val() {
            self.descriptor_fault.next = self.too_long.val();
            self.descriptor_code.next = self.segment_range.val();
        }
        if self.accepts.val() {
            self.descriptor_fault.next = false;
        }
        self.fault.d.next = self.descriptor_fault.val();
        self.fault_code.d.next = self.descriptor_code.val();
        if self.takes_length.val() {
            self.pending.d.next = 0.into();
        }
        self.started.next = self.takes_length.val();

        // What is known of the row.
        self.is_aborted.d.next = (self.aborted.q.val() & self.own_mask.val()).any();
        self.is_refused.d.next = (self.news.refused.val() & self.own_mask.val()).any();
        self.is_over.d.next = (self.aborted.q.val() & self.own_mask.val()).any()
            | (self.news.refused.val() & self.own_mask.val()).any()
            | (self.news.broken.val() & self.mask.q.val()).any()
            | self.note.val().given_up;
        self.is_busy.d.next = (self.news.busy.val() & self.own_mask.val()).any();
        self.is_heard.d.next = (self.news.heard.val() & self.own_mask.val()).any();
        self.is_open.d.next = (self.open.q.val() & self.own_mask.val()).any();
        self.is_recheck.d.next = (self.recheck.q.val() & self.own_mask.val()).any();
        self.is_told.d.next = (self.tell.q.val() & self.own_mask.val()).any();
        self.is_parked.d.next = self.note.val().parked;
        self.is_waiting.d.next = self.note.val().waits;
        self.is_asking.d.next = self.asks.val();
        self.unsent.d.next = self.count.val().jobs != self.news.left_jobs.val();
        self.unanswered.next = self.count.val().frames - self.news.answered.val();
        self.all_answered.d.next = self.count.val().frames == self.news.answered.val();
        self.in_window.d.next = !self.unanswered.val().get_bit(6);
        self.all_arrived.d.next = self.count.val().bytes == self.news.arrived_bytes.val();
        self.nothing_left.d.next = !self.remain.val().any();
        self.last_piece.d.next = self.remain.val() <= self.piece.val();

        // The next frame: up to the next block of the target, or a piece.
        self.block_offset.next = bit_cast::<9, 8>(self.remote_now.val().get_bits::<8>(0));
        self.block_room.next = self.block.val() - self.block_offset.val();
        if self.decides.val() {
            self.bytes.d.next = bit_cast::<15, 9>(self.block_room.val());
            if !self.remain.val().get_bits::<22>(9).any()
                & (self.remain.val().get_bits::<9>(0) < self.block_room.val())
            {
                self.bytes.d.next = self.remain.val().get_bits::<15>(0);
            }
            if self.is_asking.q.val() {
                self.bytes.d.next = self.piece.val().get_bits::<15>(0);
                if self.last_piece.q.val() {
                    self.bytes.d.next = self.remain.val().get_bits::<15>(0);
                }
            }
        }

        // What follows.
        self.has_sent.next = !self.unsent.q.val()
            & (self.nothing_left.q.val()
                | (self.is_asking.q.val() & self.is_waiting.q.val() & self.last_piece.q.val()));
        self.may_end.next = !self.unsent.q.val()
            & !self.is_open.q.val()
            & (self.is_over.q.val()
                | (self.nothing_left.q.val()
                    & (self.all_answered.q.val() | self.is_reply.val() | self.is_asking.q.val())));
        self.wants.next = !self.is_over.q.val() & !self.nothing_left.q.val();
        self.goes_on.next = self.wants.val() & (self.in_window.q.val() | self.is_reply.val());
        if self.is_asking.q.val() {
            self.goes_on.next =
                self.wants.val() & (!self.is_waiting.q.val() | self.is_busy.q.val());
        }
        self.is_lively.next = self.is_heard.q.val() | self.unsent.q.val() | self.goes_on.val();
        self.tells.next = self.is_told.q.val() & !self.is_aborted.q.val();
        self.must_close.next =
            self.is_open.q.val() & (self.is_over.q.val() | self.nothing_left.q.val());
        self.must_reopen.next = self.is_open.q.val() & self.is_recheck.q.val();
        self.must_unpark.next = !self.is_reply.val()
            & !self.is_aborted.q.val()
            & self.is_parked.q.val()
            & (self.has_sent.val() | self.may_end.val());
        self.has_failed.next = self.is_over.q.val() & !self.is_aborted.q.val();
        self.can_end.next = self.is_aborted.q.val() | !self.ends.q.val().valid;
        if self.is_reply.val() {
            self.can_end.next = !self.verdicts_valid.q.val();
        }
        self.can_send.next = self.job_ready.val() & !self.chunks.q.val().valid;
        self.comes.next = self.pending.q.val().any() & self.transfer.valid.val();
        self.picks.next = (self.state.q.val() == TransferState::Idle)
            & !self.comes.val()
            & !self.read_valid.val()
            & self.picked.q.val();
        self.told_now.next = false;
        self.unparked_now.next = false;
        self.recalls.next = false;

        match self.state.q.val() {
            TransferState::Header => {
                if self.transfer.valid.val() {
                    self.state.d.next = TransferState::Places;
                }
            }
            TransferState::Places => {
                if self.transfer.valid.val() {
                    self.state.d.next = TransferState::Length;
                }
            }
            TransferState::Length => {
                if self.transfer.valid.val() {
                    self.state.d.next = TransferState::Idle;
                    self.recalls.next = true;
                }
            }
            TransferState::Accept => {
                self.state.d.next = TransferState::Idle;
                self.recalls.next = true;
            }
            TransferState::Look => {
                self.state.d.next = TransferState::Decide;
            }
            TransferState::Decide => {
                self.state.d.next = TransferState::Idle;
                if self.tells.val() {
                    self.recalls.next = true;
                    self.told_now.next = !self.ends.q.val().valid;
                } else if self.must_close.val() {
                    self.state.d.next = TransferState::Close;
                } else if self.must_reopen.val() {
                    self.state.d.next = TransferState::Query;
                } else if self.must_unpark.val() {
                    self.recalls.next = true;
                    // Not if its queue is configured now.
                    self.unparked_now.next = !self.unparks.q.val().valid
                        & !self.queue_aborts.aborts.val()
                        & !self.aborted_now.val();
                } else if self.may_end.val() {
                    if self.can_end.val() {
                        self.state.d.next = TransferState::End;
                    } else {
                        self.recalls.next = true;
                    }
                } else if self.is_asking.q.val()
                    & self.wants.val()
                    & self.is_waiting.q.val()
                    & self.all_arrived.q.val()
                {
                    self.state.d.next = TransferState::Advance;
                } else if self.goes_on.val() {
                    if self.can_send.val() {
                        self.state.d.next = TransferState::Query;
                    } else {
                        self.recalls.next = true;
                    }
                }
            }
            TransferState::Query => {
                self.state.d.next = TransferState::Find;
            }
            TransferState::Find => {
                self.state.d.next = TransferState::Query;
                if self.found.val() {
                    self.state.d.next = TransferState::Check;
                }
                if self.revised.val() {
                    self.state.d.next = TransferState::Query;
                }
            }
            TransferState::Check => {
                self.state.d.next = TransferState::Range;
                if self.revised.val() {
                    self.state.d.next = TransferState::Query;
                }
            }
            TransferState::Range => {
                self.state.d.next = TransferState::Go;
                if self.asks.val() {
                    self.state.d.next = TransferState::Ready;
                }
                if self.revised.val() {
                    self.state.d.next = TransferState::Query;
                }
            }
            TransferState::Ready => {
                self.state.d.next = TransferState::Open;
                if self.check.error.val() | self.aborted_now.val() {
                    self.state.d.next = TransferState::Go;
                }
                if self.revised.val() {
                    self.state.d.next = TransferState::Query;
                }
            }
            TransferState::Open => {
                if self.own_ready.val() {
                    self.state.d.next = TransferState::Go;
                } else if self.revised.val() {
                    self.state.d.next = TransferState::Query;
                }
            }
            TransferState::Go => {
                self.state.d.next = TransferState::Idle;
                self.recalls.next = true;
            }
            TransferState::Close => {
                if self.own_ready.val() {
                    self.state.d.next = TransferState::Idle;
                    self.recalls.next = true;
                }
            }
            TransferState::Advance => {
                self.state.d.next = TransferState::Idle;
                self.recalls.next = true;
            }
            TransferState::End => {
                self.state.d.next = TransferState::Idle;
            }
            _ => {
                if self.comes.val() {
                    self.state.d.next = TransferState::Header;
                } else if self.read_valid.val() {
                    self.state.d.next = TransferState::Accept;
                } else if self.picked.q.val() {
                    self.state.d.next = TransferState::Look;
                }
            }
        }
        // Which row.
        self.choice.requests.next =
            self.calls.q.val() & self.used.q.val() & !bit_cast::<16, 8>(self.pending.q.val());
        self.choice.advance.next = !self.picked.q.val();
        if !self.picked.q.val() {
            self.picked.d.next = self.choice.any.val();
            self.picked_row.d.next = self.choice.index.val();
        }
        // The row that ends may be the one that was picked.
        if self.picks.val() | self.finishes.val() {
            self.picked.d.next = false;
        }
        self.chosen.next = self.picked_row.q.val();
        if self.read_valid.val() {
            self.chosen.next = bit_cast::<4, 3>(self.reply_row.q.val()) | 8;
        }
        if self.comes.val() {
            self.chosen.next = bit_cast::<4, 3>(self.pending_row.q.val());
        }
        if self.state.q.val() == TransferState::Idle {
            self.row.d.next = self.chosen.val();
            self.mask.d.next = self.one.val() << self.chosen.val();
        }
        if self.decides.val() {
            self.only_opens.d.next = self.must_reopen.val();
        }

        // The frame.
        self.query.next.valid = self.state.q.val() == TransferState::Query;
        self.query.next.segment = self.source.val().segment;
        self.bytes_less_one.next = self.bytes.q.val() - self.first_byte.val();
        self.check.found.next = self.found.val();
        self.check.entry.next = self.entry.val();
        self.check.is_reply.next = self.is_reply.val();
        self.check.endpoint.next = self.message.val().endpoint;
        self.check.generation.next = self.source.val().generation;
        self.check.wide_offset.next = self.local_now.val();
        self.check.remote_carry.next = self.remote_now.val().get_bit(32);
        self.check.rest.next = self.bytes_less_one.val();
        self.gives_up.next = self.goes.val() & self.check.error.val();
        self.hands.next = self.goes.val()
            & !self.check.error.val()
            & !self.aborted_now.val()
            & !self.only_opens.q.val();
        self.job_valid.next = self.hands.val();
        self.job.next.row = self.row.q.val();
        self.job.next.asks = self.asks.val();
        self.job.next.last = false;
        self.job.next.offset = self.remote_now.val().get_bits::<32>(0);
        self.job.next.bytes = self.bytes.q.val();
        self.job.next.reply_offset = self.local_now.val().get_bits::<12>(0);
        self.target_two.next = self.remote_now.val().get_bits::<2>(0);
        self.source_two.next = self.local_now.val().get_bits::<2>(0);
        self.job.next.delta = self.source_two.val() - self.target_two.val();

        self.address.next = self.check.address.val();
        self.words_sum.next = bit_cast::<10, 2>(self.source_two.val())
            + bit_cast::<10, 9>(self.bytes.q.val().get_bits::<9>(0))
            + self.three.val();
        if self.hands.val() {
            self.chunks.d.next.valid = !self.asks.val();
            self.chunks.d.next.address = (self.address.val() >> 2) << 2;
            self.chunks.d.next.words = self.words_sum.val().get_bits::<7>(2);
            self.chunks.d.next.buffer = self.place.val();
            self.chunks.d.next.position = 2.into();
            if self.source_two.val() < self.target_two.val() {
                self.chunks.d.next.position = 3.into();
            }
        }
        if self.chunks.q.val().valid & self.chunk_ready.val() {
            self.chunks.d.next.valid = false;
        }
        self.chunk.next = self.chunks.q.val();

        // The segment that takes the data of a READ.
        self.own_place.next = ((self.address.val() >> 12)
            << segment_place::page::SHIFT.to_bits::<6>())
            | (self.set_bit.val() << segment_place::valid::SHIFT.to_bits::<6>())
            | (self.set_bit.val() << segment_place::remote_write::SHIFT.to_bits::<6>())
            | (self.set_bit.val() << segment_place::any_endpoint::SHIFT.to_bits::<6>());
        self.own_last.next = bit_cast::<16, 12>(self.local_now.val().get_bits::<12>(0))
            + bit_cast::<16, 15>(self.bytes_less_one.val());
        self.own_extent.next = bit_cast::<64, 16>(self.own_last.val())
            | (bit_cast::<64, 8>(self.news.generation.val())
                << segment_extent::generation::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 10>(self.message_node.val())
                << segment_extent::node::SHIFT.to_bits::<6>());
        if self.closes.val() {
            self.own_place.next = 0.into();
        }
        self.own_entry.next.words = bit_cast::<128, 64>(self.own_place.val())
            | (bit_cast::<128, 64>(self.own_extent.val()) << 64);
        self.own.next.entry = self.own_entry.val();
        self.own.next.valid = self.opens.val() | self.closes.val();
        self.own.next.row = self.row.q.val();

        // Places and counts.
        self.moves.next = (self.hands.val() & !self.asks.val()) | self.advances.val();
        self.bytes_33.next = bit_cast::<33, 15>(self.bytes.q.val());
        self.bytes_31.next = bit_cast::<31, 15>(self.bytes.q.val());
        self.places.write_enable.next =
            self.takes_places.val() | self.accepts.val() | self.moves.val();
        self.places.write_data.next.remote = self.remote_now.val() + self.bytes_33.val();
        self.places.write_data.next.local = self.local_now.val() + self.bytes_33.val();
        if self.takes_places.val() {
            self.places.write_data.next.remote =
                bit_cast::<33, 32>(self.beat.val().get_bits::<32>(remote::offset::SHIFT));
            self.places.write_data.next.local = bit_cast::<33, 32>(self.beat_local.val());
        }
        if self.accepts.val() {
            self.places.write_data.next.remote =
                bit_cast::<33, 12>(self.job_now.val().reply_offset);
            self.places.write_data.next.local = bit_cast::<33, 32>(self.job_now.val().offset);
        }
        self.remains.write_enable.next =
            self.takes_length.val() | self.accepts.val() | self.moves.val();
        self.remains.write_data.next = self.remain.val() - self.bytes_31.val();
        if self.takes_length.val() {
            self.remains.write_data.next = self.beat_bytes.val().get_bits::<31>(0);
        }
        if self.accepts.val() {
            self.remains.write_data.next = bit_cast::<31, 15>(self.job_now.val().bytes);
        }
        self.next_jobs.next = self.count.val().jobs + self.job_step.val();
        self.next_frames.next = self.count.val().frames + self.frame_step.val();
        self.next_bytes.next = self.news.arrived_bytes.val() + self.bytes.q.val();
        self.counts.write_enable.next =
            self.takes_length.val() | self.accepts.val() | self.hands.val();
        self.counts.write_data.next.jobs = self.next_jobs.val();
        self.counts.write_data.next.frames = self.next_frames.val();
        self.counts.write_data.next.bytes = self.next_bytes.val();
        if self.takes_length.val() | self.accepts.val() {
            self.counts.write_data.next.jobs = self.news.left_jobs.val();
            self.counts.write_data.next.frames = self.news.answered.val();
        }
        self.news.forgets_busy.next = self.hands.val();
        self.news.forgets_heard.next = self.told_now.val();

        // Notes.
        self.notes.write_enable.next = self.takes_length.val()
            | self.accepts.val()
            | self.unparked_now.val()
            | self.gives_up.val()
            | self.hands.val()
            | self.advances.val();
        self.notes.write_data.next = self.note.val();
        if self.unparked_now.val() {
            self.notes.write_data.next.parked = false;
        }
        if self.gives_up.val() {
            self.notes.write_data.next.given_up = true;
            self.notes.write_data.next.reason = self.check.code.val();
        }
        if self.hands.val() {
            self.notes.write_data.next.waits = self.asks.val();
        }
        if self.advances.val() {
            self.notes.write_data.next.waits = false;
        }
        if self.takes_length.val() | self.accepts.val() {
            self.notes.write_data.next.waits = false;
            self.notes.write_data.next.parked = self.takes_length.val();
            self.notes.write_data.next.given_up = self.descriptor_fault.val();
            self.notes.write_data.next.reason = self.descriptor_code.val();
        }

        // Ends.
        self.end_code.next = self.accepted_code.val();
        if self.is_over.q.val() {
            self.end_code.next = self.transfer_failed.val();
        }
        if self.is_refused.q.val() {
            self.end_code.next = self.news.code.val();
        }
        if self.note.val().given_up {
            self.end_code.next = self.note.val().reason;
        }
        if self.done_ready.val() {
            self.ends.d.next.valid = false;
        }
        if self.unpark_ready.val() | self.queue_aborts.withdraws.val() {
            self.unparks.d.next.valid = false;
        }
        if self.verdict_ready.val() {
            self.verdicts_valid.d.next = false;
        }
        if (self.finishes.val() & !self.is_reply.val() & !self.is_aborted.q.val())
            | self.told_now.val()
        {
            self.ends.d.next.node = self.message.val().node;
            self.ends.d.next.queue = self.message.val().slot;
            self.ends.d.next.generation = self.message.val().generation;
            self.ends.d.next.index = self.message.val().index;
            self.ends.d.next.code = self.waiting.val();
            if self.finishes.val() {
                self.ends.d.next.code = self.end_code.val();
            }
        }
        if (self.finishes.val() & !self.is_reply.val() & !self.is_aborted.q.val())
            | (self.told_now.val() & self.is_lively.val())
        {
            self.ends.d.next.valid = true;
        }
        if self.unparked_now.val() {
            self.unparks.d.next.valid = true;
            self.unparks.d.next.queue = self.message.val().slot;
        }
        if self.finishes.val() & self.is_reply.val() {
            self.verdicts.d.next.node = self.message.val().node;
            self.verdicts.d.next.slot = self.message.val().slot;
            self.verdicts.d.next.generation = self.message.val().generation;
            self.verdicts.d.next.index = 0.into();
            self.verdicts.d.next.counted = true;
            self.verdicts.d.next.status = self.end_code.val();
        }
        if self.finishes.val() & self.is_reply.val() & self.is_over.q.val() {
            self.verdicts_valid.d.next = true;
        }
        self.failed.next = self.finishes.val() & self.is_over.q.val() & !self.is_reply.val();
        self.done.next = self.ends.q.val();
        self.unpark.next = self.unparks.q.val();
        self.verdict_valid.next = self.verdicts_valid.q.val();
        self.verdict.next = self.verdicts.q.val();

        // All rows.
        self.loaded.next = self.used.q.val().get_bits::<8>(0) & !self.pending.q.val();
        self.again_now.next = self.timer.q.val().get_bits::<AGAIN_LOG2>(0).all();
        self.tell_now.next = self.timer.q.val().all();
        self.timer.d.next = 0.into();
        if self.loaded.val().any() {
            self.timer.d.next = self.timer.q.val() + 1;
        }
        self.timed.next = 0.into();
        if self.again_now.val() {
            self.timed.next = self.news.busy.val();
        }
        if self.tell_now.val() {
            self.timed.next = self.loaded.val();
        }
        self.renewed.next = 0.into();
        if self.revised.val() {
            self.renewed.next = self.open.q.val();
        }
        self.opened.next = 0.into();
        if self.opens.val() & self.own_ready.val() {
            self.opened.next = self.own_mask.val();
        }
        self.written.next = 0.into();
        if (self.opens.val() | self.closes.val()) & self.own_ready.val() {
            self.written.next = self.own_mask.val();
        }
        self.looked.next = 0.into();
        if self.picks.val() {
            self.looked.next = self.one.val() << self.picked_row.q.val();
        }
        self.called.next = 0.into();
        if self.recalls.val() {
            self.called.next = self.mask.q.val();
        }
        self.ended.next = 0.into();
        if self.finishes.val() {
            self.ended.next = self.mask.q.val();
        }
        self.accepted.next = 0.into();
        if self.accepts.val() {
            self.accepted.next = self.mask.q.val();
        }
        self.told_mask.next = self.ended.val().get_bits::<8>(0);
        if self.told_now.val() {
            self.told_mask.next = self.own_mask.val();
        }
        self.events.next = self.timed.val()
            | self.renewed.val()
            | (self.queue_aborts.rows.val() & self.loaded.val());
        self.calls.d.next = (self.calls.q.val() & !self.looked.val())
            | self.called.val()
            | self.news.called.val()
            | bit_cast::<16, 8>(self.events.val());
        self.used.d.next = (self.used.q.val() & !self.ended.val())
            | self.accepted.val()
            | bit_cast::<16, 8>(self.commit_mask.val());
        self.aborted.d.next = (self.aborted.q.val()
            | (self.queue_aborts.rows.val() & self.used.q.val().get_bits::<8>(0)))
            & !self.ended.val().get_bits::<8>(0);
        self.open.d.next = (self.open.q.val() & !self.written.val()) | self.opened.val();
        self.recheck.d.next = (self.recheck.q.val() | self.renewed.val()) & !self.written.val();
        if self.revised.val() {
            self.recheck.d.next = ((self.recheck.q.val() | self.renewed.val())
                & !self.written.val())
                | self.opened.val();
        }
        self.tell.d.next = self.tell.q.val() & !self.told_mask.val();
        if self.tell_now.val() {
            self.tell.d.next = self.loaded.val() & !self.ended.val().get_bits::<8>(0);
        }
        self.holds_older.next = self.queue_aborts.pending.val()
            | self.opens.val()
            | self.recheck.q.val().any()
            | (self.aborted.q.val() & self.open.q.val()).any();
        self.drops.next = self.aborted.q.val() | self.news.refused.val();
        self.dropped.next = bit_cast::<16, 8>(self.drops.val());

        if self.reset.val() {
            self.state.d.next = TransferState::Idle;
            self.picked.d.next = false;
            self.used.d.next = 0.into();
            self.calls.d.next = 0.into();
            self.aborted.d.next = 0.into();
            self.open.d.next = 0.into();
            self.recheck.d.next = 0.into();
            self.tell.d.next = 0.into();
            self.timer.d.next = 0.into();
            self.pending.d.next = 0.into();
            self.has_room.d.next = false;
            self.has_read_room.d.next = false;
            self.unparks.d.next.valid = false;
            self.ends.d.next.valid = false;
            self.verdicts_valid.d.next = false;
            self.chunks.d.next.valid = false;
        }
    }
}

#[cfg(test)]
mod tests;
