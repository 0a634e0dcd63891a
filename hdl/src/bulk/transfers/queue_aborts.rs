//! Rows whose transmit queue ends them.

use super::row_queue::RowQueue;
use crate::bundles::Unpark;
use crate::library::gather::Gather;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::Progress;
use rust_hdl::prelude::*;

/// Finds the rows of a queue that is configured or has failed. A failure that comes with a control word waits a cycle;
/// control words do not follow each other.
///
/// Latency: `queue_configuration` or `progress` in cycle t, `aborts` and `rows` in t + 1 or later; `pending` until
/// then.
#[derive(LogicBlock, Default)]
pub struct QueueAborts {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub queue_configuration: Signal<In, QueueWord>,
    pub progress: Signal<In, Progress>,
    /// The rows of these bits get the queue.
    pub takes: Signal<In, Bits<8>>,
    pub queue: Signal<In, Bits<8>>,
    /// A queue that is to be let go on.
    pub unpark: Signal<In, Unpark>,
    pub aborts: Signal<Out, Bit>,
    /// With `aborts`: rows that have the queue; and so has `unpark`.
    pub rows: Signal<Out, Bits<8>>,
    pub withdraws: Signal<Out, Bit>,
    pub pending: Signal<Out, Bit>,
    queues: [RowQueue; 8],
    asked_rows: Gather<8>,
    valid: DFF<Bit>,
    asked: DFF<Bits<8>>,
    failed: DFF<Bit>,
    failed_queue: DFF<Bits<8>>,
    control: Signal<Local, Bit>,
}

impl Logic for QueueAborts {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, valid, asked, failed, failed_queue);
        for i in 0..8 {
            self.queues[i].clock.next = self.clock.val();
            self.queues[i].takes.next = self.takes.val().get_bit(i);
            self.queues[i].queue.next = self.queue.val();
            self.queues[i].asked.next = self.asked.q.val();
            self.asked_rows.inputs[i].next = self.queues[i].is_asked.val();
        }
        self.control.next = self.queue_configuration.val().control;
        self.valid.d.next = self.control.val() | self.failed.q.val();
        self.asked.d.next = self.failed_queue.q.val();
        if self.control.val() {
            self.asked.d.next = self.queue_configuration.val().queue;
        } else {
            self.failed.d.next = false;
        }
        if self.progress.val().valid & self.progress.val().failed {
            self.failed.d.next = true;
            self.failed_queue.d.next = self.progress.val().queue;
        }
        self.aborts.next = self.valid.q.val();
        self.rows.next = 0.into();
        if self.valid.q.val() {
            self.rows.next = self.asked_rows.bits.val();
        }
        self.withdraws.next = self.valid.q.val() & (self.unpark.val().queue == self.asked.q.val());
        self.pending.next = self.control.val() | self.failed.q.val() | self.valid.q.val();
        if self.reset.val() {
            self.valid.d.next = false;
            self.failed.d.next = false;
        }
    }
}
