//! Frames of transfers, from chunk buffers.

use crate::bundles::{ChunkHeader, ChunkJob, ChunkLeft};
use crate::library::byte_mask::ByteMask;
use crate::library::byte_ram::ByteRam;
use crate::library::fixed::Fixed;
use crate::library::lut_ram::LutRam;
use crate::library::stream::StreamSource;
use crate::library::stream_register::StreamRegister;
use abi::link::{VERSION, header, kind};
use abi::message::{operation, remote, remote_read};
use rust_hdl::prelude::*;

/// What all headers have in common.
const PREFIX: u128 = header::version::set(header::kind::set(0, kind::BULK as u64), VERSION as u64);

/// The first of the hardware's segments: that of row 0.
const OWN_SEGMENTS: u64 = 256;

/// Holds 16 chunk buffers of 17 beats, and turns jobs into `abi::link::kind::BULK` frames, in the order of the jobs.
///
/// A job has a place, which is the number of its chunk buffer. Its frame begins once the read of that buffer has ended
/// and its virtual channel has room. A job of which the read failed, or whose row is `dropped`, leaves without a frame,
/// once its read has ended.
///
/// Contract: `header` for a row comes before its first job and not while a job of the row is inside. The read of a job
/// without `asks` is taken by `ReadRequester` behind the job, `chunk_taken` says when, and before the next job:
/// `job_ready` is low until then. All bytes of the payload that are neither sub-header nor data are zero. `left` speaks
/// of each job once, in order: for a frame, the cycle after its last beat was taken. `holds_older` is high from the
/// cycle behind `changed` until the reads of all jobs have ended that were taken before or with it.
///
/// Latency: a job without data is offered as a frame 6 cycles after `job_valid`, one with data 5 cycles after
/// `chunk_ended`; behind another frame without a pause.
#[derive(LogicBlock, Default)]
pub struct ChunkSend {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// This node.
    pub node: Signal<In, Bits<10>>,

    /// From `TransferEngine`.
    pub header: Signal<In, ChunkHeader>,
    pub job_valid: Signal<In, Bit>,
    pub job: Signal<In, ChunkJob>,
    /// The job is taken in this cycle, if it is valid, and the place that it gets. Registers.
    pub job_ready: Signal<Out, Bit>,
    pub place: Signal<Out, Bits<4>>,
    /// One bit a row.
    pub dropped: Signal<In, Bits<16>>,
    pub left: Signal<Out, ChunkLeft>,
    /// Pulse: what was read of a segment before may be wrong.
    pub changed: Signal<In, Bit>,
    pub holds_older: Signal<Out, Bit>,

    /// From `ReadRequester`. Pulse: the read of the last job is taken. The state of the read of `chunk_query`, in the
    /// same cycle, which counts from the second cycle after it was taken. What it brings.
    pub chunk_taken: Signal<In, Bit>,
    pub chunk_query: Signal<Out, Bits<4>>,
    pub chunk_ended: Signal<In, Bit>,
    pub chunk_failed: Signal<In, Bit>,
    pub chunk_valid: Signal<In, Bit>,
    pub chunk_address: Signal<In, Bits<9>>,
    pub chunk_data: Signal<In, Bits<128>>,
    pub chunk_enables: Signal<In, Bits<16>>,

    /// A frame of the virtual channel that begins now finds credit.
    pub room_0: Signal<In, Bit>,
    pub room_1: Signal<In, Bit>,
    pub frames: StreamSource,

    buffers: ByteRam<9>,
    headers: LutRam<ChunkHeader, 4>,
    jobs: LutRam<ChunkJob, 4>,
    written: DFF<Bits<4>>,
    taken: DFF<Bits<4>>,
    /// The oldest job whose read has not ended, and how many there are; those of them that are older than `changed`.
    seen: DFF<Bits<4>>,
    unseen: DFF<Bits<5>>,
    older: DFF<Bits<5>>,
    /// The read of the last job was not taken; nor a cycle ago.
    unread: DFF<Bit>,
    unread_before: DFF<Bit>,
    /// Jobs whose read has ended, but not at the head yet, and places in use.
    waiting: DFF<Bits<5>>,
    used: DFF<Bits<5>>,
    /// Of each place: it needs no read, and its read failed.
    questions: LutRam<Bit, 4>,
    failures: LutRam<Bit, 4>,

    /// The job at the head, and its place.
    head_valid: DFF<Bit>,
    head: DFF<ChunkJob>,
    head_place: DFF<Bits<4>>,
    head_failed: DFF<Bit>,
    /// Bytes of padding in front and of data.
    extent: DFF<Bits<9>>,
    /// Its frame may begin; it leaves without one; its frame has begun.
    sendable: DFF<Bit>,
    droppable: DFF<Bit>,
    started: DFF<Bit>,

    /// Beats of the frame's buffer are read: which, and the last one.
    reading: DFF<Bit>,
    beat_number: DFF<Bits<5>>,
    last_number: DFF<Bits<5>>,
    place_read: DFF<Bits<4>>,
    delta: DFF<Bits<2>>,
    pad: DFF<Bits<2>>,
    /// Bytes from the beat behind this one's place in the payload to the end of the data.
    rest: DFF<Bits<9>>,
    has_data: DFF<Bit>,
    row: DFF<Bits<4>>,
    last_job: DFF<Bit>,

    /// The beat that was read is there, to be formed with the one before it.
    formed: DFF<Bit>,
    formed_delta: DFF<Bits<2>>,
    formed_last: DFF<Bit>,
    formed_row: DFF<Bits<4>>,
    formed_last_job: DFF<Bit>,
    keep: DFF<Bits<16>>,
    word: DFF<Bits<128>>,
    previous: DFF<Bits<128>>,
    mask: ByteMask,

    /// Beats on their way to the link, and the rows of the frames that end there.
    leaving: StreamRegister,
    rows: LutRam<Bits<5>, 2>,
    rows_written: DFF<Bits<2>>,
    rows_read: DFF<Bits<2>>,
    told: DFF<ChunkLeft>,

    now: Signal<Local, ChunkJob>,
    fixed: Signal<Local, ChunkHeader>,
    comes: Signal<Local, Bit>,
    untaken: Signal<Local, Bit>,
    sees: Signal<Local, Bit>,
    fails: Signal<Local, Bit>,
    older_next: Signal<Local, Bits<5>>,
    some_wait: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    loads: Signal<Local, Bit>,
    starts: Signal<Local, Bit>,
    drops: Signal<Local, Bit>,
    pops: Signal<Local, Bit>,
    frees: Signal<Local, Bit>,
    first: Signal<Local, Bit>,
    second: Signal<Local, Bit>,
    final_read: Signal<Local, Bit>,
    all_left: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    row_left: Signal<Local, Bits<5>>,
    sent_last: Signal<Local, Bit>,
    ended: Signal<Local, Bit>,
    unwanted: Signal<Local, Bit>,
    room: Signal<Local, Bit>,
    offset: Signal<Local, Bits<32>>,
    front: Signal<Local, Bits<9>>,
    bytes: Signal<Local, Bits<9>>,
    length_sum: Signal<Local, Bits<9>>,
    beats_sum: Signal<Local, Bits<9>>,
    trail: Signal<Local, Bits<2>>,
    header_word: Signal<Local, Bits<128>>,
    sub_header: Signal<Local, Bits<64>>,
    question: Signal<Local, Bits<64>>,
    whole: Signal<Local, Bit>,
    through: Signal<Local, Bits<16>>,
    behind: Signal<Local, Bits<16>>,
    coming: Signal<Local, Bits<128>>,
    shifted: Signal<Local, Bits<128>>,
    prefix: Fixed<128, { PREFIX as usize }>,
    ones: Fixed<16, 0xffff>,
    no_bytes: Fixed<16, 0>,
    sub_header_bytes: Fixed<9, 8>,
    no_trail: Fixed<2, 0>,
    one_row: Fixed<16, 1>,
    data_bytes: Fixed<16, 0xff00>,
    writes: Fixed<64, { remote::operation::set(0, operation::WRITE as u64) as usize }>,
    reads: Fixed<64, { remote::operation::set(0, operation::READ as u64) as usize }>,
    own_segments: Fixed<64, { remote_read::reply_segment::set(0, OWN_SEGMENTS) as usize }>,
}

impl Logic for ChunkSend {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            written,
            taken,
            seen,
            unseen,
            older,
            unread,
            unread_before,
            waiting,
            used,
            head_valid,
            head,
            head_place,
            head_failed,
            extent,
            sendable,
            droppable,
            started,
            reading,
            beat_number,
            last_number,
            place_read,
            delta,
            pad,
            rest,
            has_data,
            row,
            last_job,
            formed,
            formed_delta,
            formed_last,
            formed_row,
            formed_last_job,
            keep,
            word,
            previous,
            rows_written,
            rows_read,
            told
        );
        clock!(
            self, clock, headers, jobs, questions, failures, leaving, rows
        );
        self.leaving.reset.next = self.reset.val();
        self.frames.valid.next = self.leaving.source.valid.val();
        self.frames.beat.next = self.leaving.source.beat.val();
        self.leaving.source.ready.next = self.frames.ready.val();
        self.buffers.write_clock.next = self.clock.val();
        self.buffers.read_clock.next = self.clock.val();
        self.buffers.write_address.next = self.chunk_address.val();
        self.buffers.write_data.next = self.chunk_data.val();
        self.buffers.write_enables.next = self.no_bytes.val();
        if self.chunk_valid.val() {
            self.buffers.write_enables.next = self.chunk_enables.val();
        }
        self.headers.write_enable.next = self.header.val().valid;
        self.headers.write_address.next = self.header.val().row;
        self.headers.write_data.next = self.header.val();

        // Jobs come.
        self.job_ready.next = !self.used.q.val().get_bit(4) & !self.unread.q.val();
        self.comes.next = self.job_valid.val() & self.job_ready.val();
        self.place.next = self.written.q.val();
        self.jobs.write_enable.next = self.comes.val();
        self.jobs.write_address.next = self.written.q.val();
        self.jobs.write_data.next = self.job.val();
        self.questions.write_enable.next = self.comes.val();
        self.questions.write_address.next = self.written.q.val();
        self.questions.write_data.next = self.job.val().asks;
        if self.chunk_taken.val() {
            self.unread.d.next = false;
        }
        self.unread_before.d.next = self.unread.q.val();
        if self.comes.val() {
            self.written.d.next = self.written.q.val() + 1;
            self.unread.d.next = !self.job.val().asks;
        }

        // Their reads end, and are seen to in order.
        self.chunk_query.next = self.seen.q.val();
        self.questions.read_address.next = self.seen.q.val();
        self.untaken.next =
            (self.unseen.q.val() == 1) & (self.unread.q.val() | self.unread_before.q.val());
        self.sees.next = (self.unseen.q.val() != 0)
            & (self.questions.read_data.val() | (self.chunk_ended.val() & !self.untaken.val()));
        self.fails.next = self.chunk_failed.val() & !self.questions.read_data.val();
        self.failures.write_enable.next = self.sees.val();
        self.failures.write_address.next = self.seen.q.val();
        self.failures.write_data.next = self.fails.val();
        self.older_next.next = self.older.q.val();
        if self.changed.val() {
            self.older_next.next = self.unseen.q.val();
        }
        if self.sees.val() {
            self.seen.d.next = self.seen.q.val() + 1;
        }
        self.older.d.next = self.older_next.val();
        if self.sees.val() & (self.older_next.val() != 0) {
            self.older.d.next = self.older_next.val() - 1;
        }
        if self.comes.val() & self.changed.val() {
            self.older.d.next = self.unseen.q.val() + 1;
            if self.sees.val() {
                self.older.d.next = self.unseen.q.val();
            }
        }
        self.holds_older.next = self.older.q.val() != 0;
        if self.comes.val() & !self.sees.val() {
            self.unseen.d.next = self.unseen.q.val() + 1;
        }
        if !self.comes.val() & self.sees.val() {
            self.unseen.d.next = self.unseen.q.val() - 1;
        }

        // The job at the head.
        self.now.next = self.head.q.val();
        self.headers.read_address.next = self.head.q.val().row;
        self.fixed.next = self.headers.read_data.val();
        self.jobs.read_address.next = self.taken.q.val();
        self.failures.read_address.next = self.taken.q.val();
        self.offset.next = self.now.val().offset;
        self.front.next = bit_cast::<9, 2>(self.offset.val().get_bits::<2>(0));
        self.bytes.next = bit_cast::<9, 15>(self.now.val().bytes);
        self.extent.d.next = self.front.val() + self.bytes.val();
        if self.now.val().asks {
            self.front.next = 0.into();
            self.extent.d.next = self.sub_header_bytes.val();
        }
        self.length_sum.next = self.extent.q.val() + 11;
        self.beats_sum.next = self.extent.q.val() + 27;
        self.trail.next = self.no_trail.val() - self.extent.q.val().get_bits::<2>(0);

        // One that is begun leaves the head with its second beat, so its header and sub-header can still be formed.
        self.goes.next = self.leaving.sink.ready.val();
        self.first.next = self.reading.q.val() & (self.beat_number.q.val() == 0);
        self.second.next = self.reading.q.val() & (self.beat_number.q.val() == 1);
        self.final_read.next =
            self.reading.q.val() & (self.beat_number.q.val() == self.last_number.q.val());
        self.starts.next = self.sendable.q.val()
            & self.goes.val()
            & (!self.reading.q.val() | self.final_read.val());
        self.all_left.next = self.rows_written.q.val() == self.rows_read.q.val();
        self.drops.next = self.droppable.q.val()
            & !self.reading.q.val()
            & !self.formed.q.val()
            & self.all_left.val();
        self.pops.next = (self.second.val() & self.goes.val()) | self.drops.val();
        self.frees.next = (self.final_read.val() & self.goes.val()) | self.drops.val();
        self.some_wait.next = self.waiting.q.val() != 0;
        self.loads.next =
            (!self.head_valid.q.val() | self.pops.val()) & (self.sees.val() | self.some_wait.val());
        self.ended.next = self.head_valid.q.val() & !self.started.q.val();
        self.unwanted.next = self.head_failed.q.val()
            | (self.dropped.val() & (self.one_row.val() << self.now.val().row)).any();
        self.room.next = self.room_0.val();
        if self.fixed.val().channel {
            self.room.next = self.room_1.val();
        }
        self.sendable.d.next =
            self.ended.val() & !self.unwanted.val() & self.room.val() & !self.starts.val();
        self.droppable.d.next =
            self.ended.val() & self.unwanted.val() & !self.drops.val() & !self.starts.val();
        if self.starts.val() {
            self.started.d.next = true;
        }
        if self.pops.val() {
            self.started.d.next = false;
            self.head_valid.d.next = false;
        }
        if self.loads.val() {
            self.head_valid.d.next = true;
            self.head.d.next = self.jobs.read_data.val();
            self.head_place.d.next = self.taken.q.val();
            self.taken.d.next = self.taken.q.val() + 1;
            self.head_failed.d.next = self.failures.read_data.val();
            if !self.some_wait.val() {
                self.head_failed.d.next = self.fails.val();
            }
        }
        if self.sees.val() & !self.loads.val() {
            self.waiting.d.next = self.waiting.q.val() + 1;
        }
        if !self.sees.val() & self.loads.val() {
            self.waiting.d.next = self.waiting.q.val() - 1;
        }
        if self.comes.val() & !self.frees.val() {
            self.used.d.next = self.used.q.val() + 1;
        }
        if !self.comes.val() & self.frees.val() {
            self.used.d.next = self.used.q.val() - 1;
        }

        // Its header and sub-header, in the cycles in which the first two beats of its buffer are read.
        self.header_word.next = self.prefix.val()
            | (bit_cast::<128, 1>(self.fixed.val().channel.into())
                << abi::link::header::virtual_channel::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 1>(self.fixed.val().counted.into())
                << abi::link::header::restart::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 10>(self.fixed.val().node)
                << abi::link::header::destination_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 10>(self.node.val())
                << abi::link::header::source_node::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.fixed.val().slot)
                << abi::link::header::slot::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.fixed.val().generation)
                << abi::link::header::generation::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 12>(self.fixed.val().endpoint)
                << abi::link::header::source_endpoint::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 12>(self.fixed.val().segment)
                << abi::link::header::receive_queue_id::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 8>(self.fixed.val().segment_generation)
                << abi::link::header::tag::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 7>(self.length_sum.val().get_bits::<7>(2))
                << abi::link::header::length::SHIFT.to_bits::<8>());
        self.sub_header.next = bit_cast::<64, 32>(self.offset.val())
            | self.writes.val()
            | (bit_cast::<64, 2>(self.trail.val())
                << abi::message::remote::trail::SHIFT.to_bits::<8>());
        self.question.next = 0.into();
        if self.now.val().asks {
            self.sub_header.next = bit_cast::<64, 32>(self.offset.val()) | self.reads.val();
            self.question.next = bit_cast::<64, 15>(self.now.val().bytes)
                | (bit_cast::<64, 12>(self.now.val().reply_offset)
                    << abi::message::remote_read::reply_offset::SHIFT.to_bits::<8>())
                | (bit_cast::<64, 4>(self.now.val().row)
                    << abi::message::remote_read::reply_segment::SHIFT.to_bits::<8>())
                | self.own_segments.val();
        }

        // Beats of the buffer.
        self.buffers.read_enable.next = self.reading.q.val() & self.goes.val();
        self.buffers.read_address.next = (bit_cast::<9, 4>(self.place_read.q.val()) << 5)
            | bit_cast::<9, 5>(self.beat_number.q.val());
        self.whole.next = self.rest.q.val().get_bits::<5>(4).any();
        self.through.next = !(self.ones.val() << self.rest.q.val().get_bits::<4>(0));
        if self.whole.val() {
            self.through.next = self.ones.val();
        }
        self.behind.next = self.ones.val();
        if self.second.val() {
            self.behind.next = self.data_bytes.val() << self.pad.q.val();
        }
        if self.goes.val() {
            self.formed.d.next = self.reading.q.val();
            if self.reading.q.val() {
                self.beat_number.d.next = self.beat_number.q.val() + 1;
                self.formed_delta.d.next = self.delta.q.val();
                self.formed_last.d.next = self.final_read.val();
                self.formed_row.d.next = self.row.q.val();
                self.formed_last_job.d.next = self.last_job.q.val();
                self.keep.d.next = self.through.val() & self.behind.val();
                self.rest.d.next = 0.into();
                if self.whole.val() {
                    self.rest.d.next = self.rest.q.val() - 16;
                }
                self.word.d.next = 0.into();
                if self.second.val() {
                    self.word.d.next = bit_cast::<128, 64>(self.sub_header.val())
                        | (bit_cast::<128, 64>(self.question.val()) << 64);
                }
                if self.first.val() {
                    self.word.d.next = self.header_word.val();
                    self.rest.d.next = self.rest.q.val();
                }
                if self.first.val() | !self.has_data.q.val() {
                    self.keep.d.next = 0.into();
                }
            }
            if self.final_read.val() {
                self.reading.d.next = false;
            }
        }
        if self.starts.val() {
            self.reading.d.next = true;
            self.beat_number.d.next = 0.into();
            self.last_number.d.next = self.beats_sum.val().get_bits::<5>(4);
            self.place_read.d.next = self.head_place.q.val();
            self.delta.d.next = self.now.val().delta;
            self.pad.d.next = self.offset.val().get_bits::<2>(0);
            self.rest.d.next = self.extent.q.val() + self.sub_header_bytes.val();
            self.has_data.d.next = !self.now.val().asks;
            self.row.d.next = self.now.val().row;
            self.last_job.d.next = self.now.val().last;
        }

        // A beat of the payload: `delta` bytes down.
        self.coming.next = self.buffers.read_data.val();
        self.shifted.next = self.previous.q.val();
        if self.formed_delta.q.val() == 1 {
            self.shifted.next = (self.previous.q.val() >> 8) | (self.coming.val() << 120);
        }
        if self.formed_delta.q.val() == 2 {
            self.shifted.next = (self.previous.q.val() >> 16) | (self.coming.val() << 112);
        }
        if self.formed_delta.q.val() == 3 {
            self.shifted.next = (self.previous.q.val() >> 24) | (self.coming.val() << 104);
        }
        self.mask.data.next = self.shifted.val();
        self.mask.keep.next = self.keep.q.val();
        self.leaving.sink.valid.next = self.formed.q.val();
        self.leaving.sink.beat.next.data = self.mask.masked.val() | self.word.q.val();
        self.leaving.sink.beat.next.last = self.formed_last.q.val();
        if self.goes.val() & self.formed.q.val() {
            self.previous.d.next = self.coming.val();
        }

        // Frames that end there, two at most.
        self.ends.next = self.goes.val() & self.formed.q.val() & self.formed_last.q.val();
        self.rows.write_enable.next = self.ends.val();
        self.rows.write_address.next = self.rows_written.q.val();
        self.rows.write_data.next = bit_cast::<5, 4>(self.formed_row.q.val())
            | (bit_cast::<5, 1>(self.formed_last_job.q.val().into()) << 4);
        self.rows.read_address.next = self.rows_read.q.val();
        self.row_left.next = self.rows.read_data.val();
        if self.ends.val() {
            self.rows_written.d.next = self.rows_written.q.val() + 1;
        }
        self.sent_last.next = self.frames.ready.val()
            & self.leaving.source.valid.val()
            & self.leaving.source.beat.val().last;
        if self.sent_last.val() {
            self.rows_read.d.next = self.rows_read.q.val() + 1;
        }

        self.left.next = self.told.q.val();
        self.told.d.next.valid = self.sent_last.val() | self.drops.val();
        self.told.d.next.row = self.row_left.val().get_bits::<4>(0);
        self.told.d.next.last = self.row_left.val().get_bit(4);
        self.told.d.next.broken = false;
        if self.all_left.val() {
            self.told.d.next.row = self.now.val().row;
            self.told.d.next.last = self.now.val().last;
            self.told.d.next.broken = self.head_failed.q.val();
        }
        if self.reset.val() {
            self.written.d.next = 0.into();
            self.taken.d.next = 0.into();
            self.seen.d.next = 0.into();
            self.unseen.d.next = 0.into();
            self.older.d.next = 0.into();
            self.unread.d.next = false;
            self.waiting.d.next = 0.into();
            self.used.d.next = 0.into();
            self.head_valid.d.next = false;
            self.sendable.d.next = false;
            self.droppable.d.next = false;
            self.started.d.next = false;
            self.reading.d.next = false;
            self.formed.d.next = false;
            self.rows_written.d.next = 0.into();
            self.rows_read.d.next = 0.into();
            self.told.d.next.valid = false;
        }
    }
}

#[cfg(test)]
mod tests;
