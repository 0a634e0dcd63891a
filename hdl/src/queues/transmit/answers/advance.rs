//! The new record, and what is told of it.

use super::examine::Findings;
use super::head_walk::HeadWalk;
use super::operation::{FollowUp, Operation};
use super::record::{AnswerRecord, MessageRow, Mode};
use crate::queues::transmit::signals::{Progress, Resend};
use rust_hdl::prelude::*;

/// The second half of an operation: computes the record, writes it, and a cycle later tells what became of it.
///
/// Every operation also moves the consumer index past the done messages of its row, if it stands there.
///
/// Contract: the inputs are outputs of `Examine`. The record and the row are written in the cycle after; everything
/// from `progress` on is told in the cycle after that.
///
/// Latency: from the inputs to the writing one cycle, to `progress` two.
#[derive(LogicBlock, Default)]
pub struct Advance {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub valid: Signal<In, Bit>,
    pub operation: Signal<In, Operation>,
    pub old_record: Signal<In, AnswerRecord>,
    pub new_row: Signal<In, MessageRow>,
    pub done: Signal<In, Bits<8>>,
    pub findings: Signal<In, Findings>,

    pub writes: Signal<Out, Bit>,
    pub write_queue: Signal<Out, Bits<8>>,
    pub write_row: Signal<Out, Bits<3>>,
    pub record: Signal<Out, AnswerRecord>,
    pub row: Signal<Out, MessageRow>,

    /// The queue that is enabled goes on with a record that was saved; its shadow line may be out of date.
    pub loaded: Signal<In, Bit>,
    pub progress: Signal<Out, Progress>,
    /// Pulse: an operation that might have sent something is over.
    pub send_decided: Signal<Out, Bit>,
    /// With it: a message or a ping is to be sent.
    pub resend_valid: Signal<Out, Bit>,
    pub resend: Signal<Out, Resend>,
    /// There is more to send again.
    pub send_valid: Signal<Out, Bit>,
    pub send: Signal<Out, FollowUp>,
    /// The consumer index has more to pass.
    pub walk_valid: Signal<Out, Bit>,
    pub walk: Signal<Out, FollowUp>,
    /// Pulse: an operation that might have opened the queue is over.
    pub reopen_decided: Signal<Out, Bit>,
    /// With it: the queue of `progress` opens.
    pub reopens: Signal<Out, Bit>,
    /// Messages accepted.
    pub accepted: Signal<Out, Bits<4>>,
    /// Messages rejected.
    pub refused: Signal<Out, Bits<4>>,
    /// Verdicts that do not count.
    pub unexpected: Signal<Out, Bits<4>>,
    /// Pulse: a probe is sent.
    pub probed: Signal<Out, Bit>,
    /// Pulse: a ping is sent.
    pub pinged: Signal<Out, Bit>,
    /// Pulse: the queue has failed.
    pub timed_out: Signal<Out, Bit>,
    /// Pulse: the marked message is accepted.
    pub answered: Signal<Out, Bit>,

    // Step 3: the new record.
    valid_3: DFF<Bit>,
    operation_3: DFF<Operation>,
    record_3: DFF<AnswerRecord>,
    row_3: DFF<MessageRow>,
    done_3: DFF<Bits<8>>,
    findings_3: DFF<Findings>,
    /// The consumer index at the next row.
    next_head_3: DFF<Bits<13>>,
    // Step 4: it is written.
    valid_4: DFF<Bit>,
    operation_4: DFF<Operation>,
    record_4: DFF<AnswerRecord>,
    findings_4: DFF<Findings>,
    moved_4: DFF<Bit>,
    left_row_4: DFF<Bit>,
    was_probe_4: DFF<Bit>,

    head: HeadWalk,

    // Step 2.
    in_consumer: Signal<Local, Bits<16>>,
    // Step 3.
    old: Signal<Local, AnswerRecord>,
    found: Signal<Local, Findings>,
    mode: Signal<Local, Mode>,
    new_mode: Signal<Local, Mode>,
    consumer: Signal<Local, Bits<16>>,
    new_consumer: Signal<Local, Bits<16>>,
    walks: Signal<Local, Bit>,
    change: Signal<Local, Bits<8>>,
    new_errors: Signal<Local, Bits<4>>,
    sum: Signal<Local, Bits<13>>,
    new_step: Signal<Local, Bits<4>>,
    new_timer: Signal<Local, Bits<11>>,
    new_patience: Signal<Local, Bits<4>>,
    new_narrow: Signal<Local, Bit>,
    row_of_3: Signal<Local, Bits<4>>,
    next_row: Signal<Local, Bits<4>>,
    result: Signal<Local, AnswerRecord>,
    // Step 4.
    mode_4: Signal<Local, Mode>,
    told: Signal<Local, AnswerRecord>,
    told_findings: Signal<Local, Findings>,
    told_consumer: Signal<Local, Bits<16>>,
    head_row: Signal<Local, Bits<4>>,
    row_4: Signal<Local, Bits<4>>,
    index: Signal<Local, Bits<7>>,
    upper: Signal<Local, Bits<9>>,
    all_passed: Signal<Local, Bit>,
    new_error: Signal<Local, Bit>,
}

impl Logic for Advance {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            valid_3,
            operation_3,
            record_3,
            row_3,
            done_3,
            findings_3,
            next_head_3,
            valid_4,
            operation_4,
            record_4,
            findings_4,
            moved_4,
            left_row_4,
            was_probe_4
        );
        self.valid_3.d.next = self.valid.val();
        self.operation_3.d.next = self.operation.val();
        self.record_3.d.next = self.old_record.val();
        self.row_3.d.next = self.new_row.val();
        self.done_3.d.next = self.done.val();
        self.findings_3.d.next = self.findings.val();
        self.in_consumer.next = self.old_record.val().consumer;
        self.next_head_3.d.next = self.in_consumer.val().get_bits::<13>(3) + 1;

        // Step 3: the consumer index.
        self.old.next = self.record_3.q.val();
        self.found.next = self.findings_3.q.val();
        self.mode.next = self.old.val().mode;
        self.consumer.next = self.old.val().consumer;
        self.head.place.next = self.consumer.val().get_bits::<3>(0);
        self.head.done.next = self.done_3.q.val();
        self.walks.next = self.found.val().live & self.found.val().at_head;
        self.new_consumer.next = self.consumer.val();
        if self.walks.val() {
            self.new_consumer.next = (bit_cast::<16, 13>(self.consumer.val().get_bits::<13>(3))
                << 3)
                | bit_cast::<16, 3>(self.head.new_place.val());
            if self.head.leaves.val() {
                self.new_consumer.next = bit_cast::<16, 13>(self.next_head_3.q.val()) << 3;
            }
        }

        // Counts.
        self.change.next = bit_cast::<8, 4>(self.found.val().count);
        if self.found.val().resends {
            self.change.next = 0xFF.into();
        }
        self.new_errors.next = 0.into();
        if self.found.val().settles & self.found.val().is_error {
            self.new_errors.next = self.found.val().count;
        }
        if self.found.val().fails {
            self.new_errors.next = 1.into();
        }
        self.sum.next =
            bit_cast::<13, 12>(self.old.val().errors) + bit_cast::<13, 4>(self.new_errors.val());
        self.new_timer.next = self.old.val().timer;
        if self.found.val().timer_counts {
            self.new_timer.next = self.old.val().timer + 1;
        }
        if self.found.val().timer_clears {
            self.new_timer.next = 0.into();
        }

        // The mode, and what belongs to it.
        self.row_of_3.next = self.operation_3.q.val().row;
        self.next_row.next = self.row_of_3.val() + 1;
        self.new_mode.next = self.mode.val();
        self.new_step.next = self.old.val().step;
        if self.found.val().settles & (self.mode.val() == Mode::Probe) {
            self.new_mode.next = Mode::Burst;
            self.new_step.next = self.operation_3.q.val().row;
            if self.old.val().narrow {
                self.new_mode.next = Mode::Probe;
                self.new_step.next = 0.into();
            }
            if self.found.val().given_up {
                self.new_mode.next = Mode::Drain;
                self.new_step.next = 0.into();
            }
        }
        // The one message of a narrow queue is answered: the sweep opens the queue for the next.
        if self.found.val().settles & self.old.val().narrow & (self.mode.val() == Mode::Open) {
            self.new_mode.next = Mode::Probe;
        }
        if self.found.val().refuses {
            self.new_mode.next = Mode::Drain;
            if (self.mode.val() == Mode::Open) | (self.mode.val() == Mode::Burst) {
                self.new_step.next = 0.into();
            }
            if self.found.val().full
                & (self.mode.val() == Mode::Probe)
                & (self.old.val().step != 0xF)
            {
                self.new_step.next = self.old.val().step + 1;
            }
        }
        if self.found.val().begins_probe {
            self.new_mode.next = Mode::Probe;
        }
        if self.found.val().begins_burst {
            self.new_mode.next = Mode::Burst;
            self.new_step.next = self.consumer.val().get_bits::<4>(3);
        }
        if self.found.val().bursts_next {
            self.new_step.next = self.next_row.val();
        }
        if self.found.val().opens {
            self.new_mode.next = Mode::Open;
            self.new_step.next = 0.into();
        }

        // Whether the queue is narrow.
        self.new_narrow.next = self.old.val().narrow;
        self.new_patience.next = self.old.val().patience;
        if self.found.val().settles & !self.found.val().given_up {
            if self.old.val().patience.any() {
                self.new_patience.next = self.old.val().patience - 1;
            }
            if self.old.val().patience == 1 {
                self.new_narrow.next = false;
            }
            if (self.mode.val() == Mode::Probe) & !self.old.val().narrow {
                self.new_patience.next =
                    crate::queues::transmit::answers::record::PATIENCE.to_bits();
            }
        }
        if self.found.val().refuses & self.old.val().patience.any() {
            self.new_patience.next = crate::queues::transmit::answers::record::PATIENCE.to_bits();
            if (self.mode.val() == Mode::Open) | (self.mode.val() == Mode::Burst) {
                self.new_narrow.next = true;
            }
        }

        // The record.
        self.result.next = self.old.val();
        self.result.next.narrow = self.new_narrow.val();
        self.result.next.patience = self.new_patience.val();
        self.result.next.consumer = self.new_consumer.val();
        self.result.next.balance = self.old.val().balance + self.change.val();
        self.result.next.mode = self.new_mode.val();
        self.result.next.step = self.new_step.val();
        self.result.next.timer = self.new_timer.val();
        self.result.next.errors = self.sum.val().get_bits::<12>(0);
        if self.sum.val().get_bit(12) {
            self.result.next.errors = 0xFFF.into();
        }
        if self.found.val().settles & self.found.val().is_error {
            self.result.next.error = self.found.val().error;
        }
        if self.found.val().fails {
            self.result.next.error = abi::message::error::ANSWER_TIMEOUT.to_bits();
            self.result.next.failed = true;
        }
        if self.operation_3.q.val().disables {
            self.result.next.enabled = false;
        }
        self.writes.next = self.valid_3.q.val();
        self.write_queue.next = self.operation_3.q.val().queue;
        self.write_row.next = self.row_of_3.val().get_bits::<3>(0);
        self.record.next = self.result.val();
        self.row.next = self.row_3.q.val();
        self.valid_4.d.next = self.valid_3.q.val();
        self.operation_4.d.next = self.operation_3.q.val();
        self.record_4.d.next = self.result.val();
        self.findings_4.d.next = self.found.val();
        self.moved_4.d.next = self.walks.val() & self.head.advances.val();
        self.left_row_4.d.next = self.walks.val() & self.head.leaves.val();
        self.was_probe_4.d.next = self.mode.val() == Mode::Probe;

        // Step 4: the record as the others see it.
        self.told.next = self.record_4.q.val();
        self.told_findings.next = self.findings_4.q.val();
        self.told_consumer.next = self.told.val().consumer;
        self.mode_4.next = self.told.val().mode;
        self.new_error.next = (self.told_findings.val().settles
            & self.told_findings.val().is_error)
            | self.told_findings.val().fails;
        self.progress.next.valid = self.valid_4.q.val();
        self.progress.next.queue = self.operation_4.q.val().queue;
        self.progress.next.consumer = self.told.val().consumer;
        self.progress.next.balance = self.told.val().balance;
        self.progress.next.closed =
            (self.mode_4.val() != Mode::Open) | self.told.val().failed | !self.told.val().enabled;
        self.progress.next.narrow = self.told.val().narrow;
        self.progress.next.errors = self.told.val().errors;
        self.progress.next.error = self.told.val().error;
        self.progress.next.failed = self.told.val().failed;
        self.progress.next.tell = self.moved_4.q.val()
            | self.new_error.val()
            | (self.operation_4.q.val().enables & self.loaded.val());
        self.progress.next.report = self.new_error.val();
        self.reopen_decided.next = self.valid_4.q.val()
            & (self.operation_4.q.val().opens | self.operation_4.q.val().enables);
        self.reopens.next = self.told_findings.val().opens | self.operation_4.q.val().enables;

        // What is to be sent. The message lies at most 63 behind the consumer index.
        self.row_4.next = self.operation_4.q.val().row;
        self.index.next = (bit_cast::<7, 4>(self.row_4.val()) << 3)
            | bit_cast::<7, 3>(self.told_findings.val().place);
        self.upper.next = self.told_consumer.val().get_bits::<9>(7);
        if self.index.val() < self.told_consumer.val().get_bits::<7>(0) {
            self.upper.next = self.told_consumer.val().get_bits::<9>(7) + 1;
        }
        self.resend_valid.next = self.valid_4.q.val()
            & (self.told_findings.val().resends | self.told_findings.val().pings);
        self.send_decided.next = self.valid_4.q.val()
            & (self.operation_4.q.val().sends | self.operation_4.q.val().pings);
        self.resend.next.queue = self.operation_4.q.val().queue;
        self.resend.next.index =
            (bit_cast::<16, 9>(self.upper.val()) << 7) | bit_cast::<16, 7>(self.index.val());
        self.resend.next.restart = self.told_findings.val().idle;
        self.resend.next.ping = self.told_findings.val().pings;
        self.resend.next.generation = self.told.val().generation;

        // What is to be done next.
        self.head_row.next = self.told_consumer.val().get_bits::<4>(3);
        self.send_valid.next = self.valid_4.q.val()
            & ((self.told_findings.val().resends & !self.was_probe_4.q.val())
                | (self.told_findings.val().settles
                    & self.was_probe_4.q.val()
                    & !self.told_findings.val().given_up)
                | self.told_findings.val().bursts_next
                | self.told_findings.val().burst_ends
                | self.told_findings.val().begins_probe
                | self.told_findings.val().begins_burst
                | self.told_findings.val().wants_send
                | self.told_findings.val().wants_ping
                | self.told_findings.val().pings_next);
        self.send.next.queue = self.operation_4.q.val().queue;
        self.send.next.ping =
            self.told_findings.val().wants_ping | self.told_findings.val().pings_next;
        self.send.next.opens = self.told_findings.val().burst_ends;
        self.send.next.row = self.head_row.val();
        if (self.mode_4.val() == Mode::Burst) & !self.told_findings.val().wants_ping {
            self.send.next.row = self.told.val().step;
        }
        if self.told_findings.val().pings_next {
            self.send.next.row = self.row_4.val() + 1;
        }
        self.all_passed.next = self.told.val().balance == self.told_consumer.val().get_bits::<8>(0);
        self.walk_valid.next = self.valid_4.q.val()
            & self.told_findings.val().live
            & (self.left_row_4.q.val() | self.operation_4.q.val().ticks)
            & !self.all_passed.val();
        self.walk.next.queue = self.operation_4.q.val().queue;
        self.walk.next.row = self.head_row.val();
        self.walk.next.ping = false;
        self.walk.next.opens = false;

        // Counters and stages.
        self.accepted.next = 0.into();
        self.refused.next = 0.into();
        self.unexpected.next = 0.into();
        if self.valid_4.q.val() & self.told_findings.val().settles {
            if self.told_findings.val().is_error {
                self.refused.next = self.told_findings.val().count;
            } else {
                self.accepted.next = self.told_findings.val().count;
            }
        }
        if self.valid_4.q.val() {
            self.unexpected.next = self.told_findings.val().unexpected;
        }
        self.probed.next =
            self.valid_4.q.val() & self.told_findings.val().resends & self.was_probe_4.q.val();
        self.pinged.next = self.valid_4.q.val() & self.told_findings.val().pings;
        self.timed_out.next = self.valid_4.q.val() & self.told_findings.val().fails;
        self.answered.next = self.valid_4.q.val()
            & self.operation_4.q.val().marked
            & self.told_findings.val().settles
            & !self.told_findings.val().is_error;

        if self.reset.val() {
            self.valid_3.d.next = false;
            self.valid_4.d.next = false;
        }
    }
}
