//! Everything of remote memory that stands beside the queues.

use super::answers::BulkAnswers;
use super::receive::BulkReceive;
use super::segments::SegmentTable;
use crate::bundles::{Answer, ConfigurationWrite, Verdict};
use crate::library::stream::{StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// `SegmentTable`, `BulkReceive` and `BulkAnswers`, which say what the ports promise.
///
/// Contract: `holds_segment` is high from the cycle of a word of region 9 until nothing is written any more for what
/// was looked up before it.
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

    /// An answer could be sent without holding up a frame.
    pub link_idle: Signal<In, Bit>,
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

    /// Stages.
    pub checked: Signal<Out, Bit>,
    pub matched: Signal<Out, Bit>,
    pub request_out: Signal<Out, Bit>,
    /// Counters.
    pub frame_written: Signal<Out, Bit>,
    pub frame_refused: Signal<Out, Bit>,

    segments: SegmentTable,
    receive: BulkReceive,
    answers: BulkAnswers,
}

impl Logic for BulkUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, segments, receive, answers);
        self.segments.reset.next = self.reset.val();
        self.receive.reset.next = self.reset.val();
        self.answers.reset.next = self.reset.val();

        self.segments.configuration.next = self.configuration.val();
        self.segments.query.next = self.receive.query.val();
        self.receive.grant.next = self.segments.grant.val();
        self.receive.entry.next = self.segments.entry.val();
        self.receive.changed.next = self.segments.changed.val();
        self.holds_segment.next = self.segments.pending.val() | self.receive.holds_older.val();

        StreamSink::link(&mut self.bulk_frames, &mut self.receive.bulk_frames);
        StreamSource::link(&mut self.write_packets, &mut self.receive.write_packets);
        self.busy.next = self.receive.busy.val();
        self.accepted_valid.next = self.receive.accepted_valid.val();
        self.accepted.next = self.receive.accepted.val();
        self.receive.accepted_ready.next = self.accepted_ready.val();

        self.answers.node.next = self.node.val();
        self.answers.verdict_valid.next = self.receive.verdict_valid.val();
        self.answers.verdict.next = self.receive.verdict.val();
        self.receive.verdict_ready.next = self.answers.verdict_ready.val();
        self.answers.link_idle.next = self.link_idle.val();
        // No transfer engine yet.
        self.answers.engine_valid.next = false;
        self.answers.engine_verdict.next.node = 0.into();
        self.answers.engine_verdict.next.slot = 0.into();
        self.answers.engine_verdict.next.generation = 0.into();
        self.answers.engine_verdict.next.index = 0.into();
        self.answers.engine_verdict.next.counted = false;
        self.answers.engine_verdict.next.status = 0.into();
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

        self.checked.next = self.receive.checked.val();
        self.matched.next = self.receive.matched.val();
        self.request_out.next = self.receive.request_out.val();
        self.frame_written.next = self.receive.frame_written.val();
        self.frame_refused.next = self.receive.frame_refused.val();
    }
}
