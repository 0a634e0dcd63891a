//! Everything of remote memory that stands beside the queues.

use super::answers::BulkAnswers;
use super::chunk_send::ChunkSend;
use super::receive::BulkReceive;
use super::segments::SegmentTable;
use super::transfers::TransferEngine;
use crate::bundles::{
    Answer, ChunkRead, ConfigurationWrite, TransferCommit, TransferDone, Unpark, Verdict,
};
use crate::library::stream::{StreamSink, StreamSource};
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::Progress;
use rust_hdl::prelude::*;

/// `SegmentTable`, `BulkReceive`, `BulkAnswers`, `TransferEngine` and `ChunkSend`, which say what the ports promise.
///
/// Contract: `holds_segment` is high from the cycle of a word of region 9 until nothing is read or written any more for
/// what was looked up before it; and from the cycle of a queue's control word until nothing is read or written any more
/// for its transfers.
#[derive(LogicBlock, Default)]
pub struct BulkUnit {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub node: Signal<In, Bits<10>>,
    pub configuration: Signal<In, ConfigurationWrite>,
    pub holds_segment: Signal<Out, Bit>,

    /// From and to the receive engine.
    pub bulk_frames: StreamSink,
    pub busy: Signal<Out, Bit>,
    pub write_packets: StreamSource,
    pub accepted_valid: Signal<Out, Bit>,
    pub accepted: Signal<Out, Verdict>,
    pub accepted_ready: Signal<In, Bit>,
    /// `HostTransmit::message_written`.
    pub written: Signal<In, Bit>,

    /// From `AnswerCollector`, and on to the link and the own queues.
    pub collected_valid: Signal<In, Bit>,
    pub collected_ready: Signal<Out, Bit>,
    pub collected: Signal<In, Answer>,
    pub answer_valid: Signal<Out, Bit>,
    pub answer_ready: Signal<In, Bit>,
    pub answer: Signal<Out, Answer>,
    pub local_collected_valid: Signal<In, Bit>,
    pub local_collected: Signal<In, Answer>,
    pub local_answer_valid: Signal<Out, Bit>,
    pub local_answer: Signal<Out, Answer>,

    /// From and to the transmit side.
    pub queue_configuration: Signal<In, QueueWord>,
    pub progress: Signal<In, Progress>,
    pub transfer: StreamSink,
    pub transfer_commit: Signal<In, TransferCommit>,
    pub transfer_room: Signal<Out, Bit>,
    pub unpark: Signal<Out, Unpark>,
    pub unpark_ready: Signal<In, Bit>,
    pub done: Signal<Out, TransferDone>,
    pub done_ready: Signal<In, Bit>,

    /// From and to the link.
    pub link_idle: Signal<In, Bit>,
    pub counted_valid: Signal<In, Bit>,
    pub counted: Signal<In, Answer>,
    pub room_0: Signal<In, Bit>,
    pub room_1: Signal<In, Bit>,
    pub frames: StreamSource,

    /// `ReadRequester`.
    pub chunk: Signal<Out, ChunkRead>,
    pub chunk_ready: Signal<In, Bit>,
    pub chunk_query: Signal<Out, Bits<4>>,
    pub chunk_ended: Signal<In, Bit>,
    pub chunk_failed: Signal<In, Bit>,
    pub chunk_valid: Signal<In, Bit>,
    pub chunk_address: Signal<In, Bits<9>>,
    pub chunk_data: Signal<In, Bits<128>>,
    pub chunk_enables: Signal<In, Bits<16>>,

    /// `TriggerUnit`.
    pub count_valid: Signal<Out, Bit>,
    pub count_ready: Signal<In, Bit>,
    pub count_segment: Signal<Out, Bits<8>>,

    /// Stages.
    pub checked: Signal<Out, Bit>,
    pub matched: Signal<Out, Bit>,
    pub request_out: Signal<Out, Bit>,
    /// Counters.
    pub frame_written: Signal<Out, Bit>,
    pub frame_refused: Signal<Out, Bit>,
    pub transfer_started: Signal<Out, Bit>,
    pub transfer_failed: Signal<Out, Bit>,

    segments: SegmentTable,
    receive: BulkReceive,
    answers: BulkAnswers,
    transfers: TransferEngine,
    send: ChunkSend,
}

impl Logic for BulkUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, segments, receive, answers, transfers, send);
        self.segments.reset.next = self.reset.val();
        self.receive.reset.next = self.reset.val();
        self.answers.reset.next = self.reset.val();
        self.transfers.reset.next = self.reset.val();
        self.send.reset.next = self.reset.val();

        self.segments.configuration.next = self.configuration.val();
        self.segments.query.next = self.receive.query.val();
        self.receive.grant.next = self.segments.grant.val();
        self.receive.entry.next = self.segments.entry.val();
        self.receive.changed.next = self.segments.changed.val();
        self.segments.engine_query.next = self.transfers.query.val();
        self.transfers.found.next = self.segments.found.val();
        self.transfers.entry.next = self.segments.entry.val();
        self.segments.own.next = self.transfers.own.val();
        self.transfers.own_ready.next = self.segments.own_ready.val();
        self.transfers.revised.next = self.segments.revised.val();
        self.send.changed.next = self.segments.revised.val() | self.transfers.aborts.val();
        self.holds_segment.next = self.segments.pending.val()
            | self.receive.holds_older.val()
            | self.transfers.holds_older.val()
            | self.send.holds_older.val();

        StreamSink::link(&mut self.bulk_frames, &mut self.receive.bulk_frames);
        StreamSource::link(&mut self.write_packets, &mut self.receive.write_packets);
        self.busy.next = self.receive.busy.val();
        self.accepted_valid.next = self.receive.accepted_valid.val();
        self.accepted.next = self.receive.accepted.val();
        self.receive.accepted_ready.next = self.accepted_ready.val();
        self.receive.written.next = self.written.val();
        self.count_valid.next = self.receive.count_valid.val();
        self.receive.count_ready.next = self.count_ready.val();
        self.count_segment.next = self.receive.count_segment.val();
        self.receive.read_room.next = self.transfers.read_room.val();
        self.receive.read_ready.next = self.transfers.read_ready.val();
        self.transfers.read_valid.next = self.receive.read_valid.val();
        self.transfers.read_job.next = self.receive.read_job.val();
        self.transfers.arrived.next = self.receive.arrived.val();

        self.answers.node.next = self.node.val();
        self.answers.verdict_valid.next = self.receive.verdict_valid.val();
        self.answers.verdict.next = self.receive.verdict.val();
        self.receive.verdict_ready.next = self.answers.verdict_ready.val();
        self.answers.engine_valid.next = self.transfers.verdict_valid.val();
        self.answers.engine_verdict.next = self.transfers.verdict.val();
        self.transfers.verdict_ready.next = self.answers.engine_ready.val();
        self.answers.link_idle.next = self.link_idle.val();
        self.answers.collected_valid.next = self.collected_valid.val();
        self.answers.collected.next = self.collected.val();
        self.collected_ready.next = self.answers.collected_ready.val();
        self.answer_valid.next = self.answers.answer_valid.val();
        self.answer.next = self.answers.answer.val();
        self.answers.answer_ready.next = self.answer_ready.val();
        self.answers.local_collected_valid.next = self.local_collected_valid.val();
        self.answers.local_collected.next = self.local_collected.val();
        self.local_answer_valid.next = self.answers.local_answer_valid.val();
        self.local_answer.next = self.answers.local_answer.val();

        self.transfers.node.next = self.node.val();
        self.transfers.queue_configuration.next = self.queue_configuration.val();
        self.transfers.progress.next = self.progress.val();
        StreamSink::link(&mut self.transfer, &mut self.transfers.transfer);
        self.transfers.commit.next = self.transfer_commit.val();
        self.transfer_room.next = self.transfers.room.val();
        self.unpark.next = self.transfers.unpark.val();
        self.transfers.unpark_ready.next = self.unpark_ready.val();
        self.done.next = self.transfers.done.val();
        self.transfers.done_ready.next = self.done_ready.val();
        self.transfers.counted_valid.next = self.counted_valid.val();
        self.transfers.counted.next = self.counted.val();

        self.send.node.next = self.node.val();
        self.send.header.next = self.transfers.header.val();
        self.send.job_valid.next = self.transfers.job_valid.val();
        self.send.job.next = self.transfers.job.val();
        self.transfers.job_ready.next = self.send.job_ready.val();
        self.transfers.place.next = self.send.place.val();
        self.send.dropped.next = self.transfers.dropped.val();
        self.transfers.left.next = self.send.left.val();
        self.send.room_0.next = self.room_0.val();
        self.send.room_1.next = self.room_1.val();
        StreamSource::link(&mut self.frames, &mut self.send.frames);
        self.chunk.next = self.transfers.chunk.val();
        self.transfers.chunk_ready.next = self.chunk_ready.val();
        self.send.chunk_taken.next = self.transfers.chunk.val().valid & self.chunk_ready.val();
        self.chunk_query.next = self.send.chunk_query.val();
        self.send.chunk_ended.next = self.chunk_ended.val();
        self.send.chunk_failed.next = self.chunk_failed.val();
        self.send.chunk_valid.next = self.chunk_valid.val();
        self.send.chunk_address.next = self.chunk_address.val();
        self.send.chunk_data.next = self.chunk_data.val();
        self.send.chunk_enables.next = self.chunk_enables.val();

        self.checked.next = self.receive.checked.val();
        self.matched.next = self.receive.matched.val();
        self.request_out.next = self.receive.request_out.val();
        self.frame_written.next = self.receive.frame_written.val();
        self.frame_refused.next = self.receive.frame_refused.val();
        self.transfer_started.next = self.transfers.started.val();
        self.transfer_failed.next = self.transfers.failed.val();
    }
}
