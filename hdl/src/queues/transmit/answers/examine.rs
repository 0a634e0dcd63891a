//! What an operation finds in a record and its row.

use super::operation::Operation;
use super::record::{AnswerRecord, MessageRow, Mode};
use super::round_rules::RoundRules;
use super::sent_window::SentWindow;
use crate::library::count_ones::CountOnes;
use crate::library::first_one::FirstOne;
use rust_hdl::prelude::*;

/// What is to be done to the record.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Findings {
    /// The queue is enabled and has not failed.
    pub live: Bit,
    /// Nothing is unanswered.
    pub idle: Bit,
    /// The consumer index stands in the row.
    pub at_head: Bit,
    /// Messages that were unanswered and are answered now.
    pub count: Bits<4>,
    /// Messages that a verdict does not count for.
    pub unexpected: Bits<4>,
    /// The messages of `count` are done.
    pub settles: Bit,
    /// They are refused.
    pub refuses: Bit,
    /// The refusal is FULL.
    pub full: Bit,
    /// They are done because they are given up.
    pub given_up: Bit,
    /// They are done with `error`.
    pub is_error: Bit,
    pub error: Bits<4>,
    /// The queue fails.
    pub fails: Bit,
    /// The message at `place` is sent again.
    pub resends: Bit,
    /// A ping is sent for it.
    pub pings: Bit,
    pub place: Bits<3>,
    /// The row has no unanswered message; the next one may.
    pub pings_next: Bit,
    /// The row has no more refused messages; the next one may.
    pub bursts_next: Bit,
    /// Nor has any other: the queue opens when all that was sent again has left.
    pub burst_ends: Bit,
    /// It has left: the queue opens.
    pub opens: Bit,
    /// The pause is over.
    pub begins_probe: Bit,
    /// Nothing is refused any more.
    pub begins_burst: Bit,
    /// The sweep sees a queue that waits to send messages again.
    pub wants_send: Bit,
    /// The sweep sees that a ping is due.
    pub wants_ping: Bit,
    /// The sweep sees a queue with a message that is not done, or with a pause: time matters to it.
    pub waits: Bit,
    /// The timer starts again, or counts.
    pub timer_clears: Bit,
    pub timer_counts: Bit,
}

/// The first half of an operation: which messages it concerns, and what follows for the record.
///
/// A verdict counts for a message if queue and generation are right and the message is *unanswered*: among the last 64
/// launched, not done, not refused (rule 8). All others are `unexpected`.
///
/// Contract: `record`, `row` and `launched` are those of the operation that entered in the cycle before. The outputs
/// belong to the operation that entered two cycles before.
///
/// Latency: two cycles.
#[derive(LogicBlock)]
pub struct Examine {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub enters: Signal<In, Bit>,
    pub entering: Signal<In, Operation>,
    pub record: Signal<In, AnswerRecord>,
    pub row: Signal<In, MessageRow>,
    /// Low bits of the launched index.
    pub launched: Signal<In, Bits<8>>,
    /// `QueueWord::second`: what an operation that `resets` begins with.
    pub start: Signal<In, Bits<34>>,
    /// Time-outs of unanswered messages stand still.
    pub hold_timeouts: Signal<In, Bit>,
    pub valid: Signal<Out, Bit>,
    pub operation: Signal<Out, Operation>,
    /// As it was.
    pub old_record: Signal<Out, AnswerRecord>,
    /// As it will be.
    pub new_row: Signal<Out, MessageRow>,
    /// Of the row, after the operation.
    pub done: Signal<Out, Bits<8>>,
    pub findings: Signal<Out, Findings>,

    // Step 1: the record is there.
    valid_1: DFF<Bit>,
    operation_1: DFF<Operation>,
    // Step 2.
    valid_2: DFF<Bit>,
    operation_2: DFF<Operation>,
    record_2: DFF<AnswerRecord>,
    row_2: DFF<MessageRow>,
    launched_place_2: DFF<Bits<3>>,
    same_row_2: DFF<Bit>,
    below_2: DFF<Bit>,
    other_lap_2: DFF<Bit>,
    idle_2: DFF<Bit>,
    all_passed_2: DFF<Bit>,
    is_own_2: DFF<Bit>,
    at_head_2: DFF<Bit>,
    at_step_2: DFF<Bit>,
    last_try_2: DFF<Bit>,

    window: SentWindow,
    rules: RoundRules,
    first: FirstOne<8, 3>,
    answered: CountOnes,
    unanswered: CountOnes,

    // Step 1.
    in_record: Signal<Local, AnswerRecord>,
    consumer: Signal<Local, Bits<16>>,
    balance: Signal<Local, Bits<8>>,
    tries: Signal<Local, Bits<4>>,
    give_up: Signal<Local, Bits<4>>,
    tries_before: Signal<Local, Bits<4>>,
    // Step 2.
    mode: Signal<Local, Mode>,
    live: Signal<Local, Bit>,
    code: Signal<Local, Bits<4>>,
    kind: Signal<Local, Bits<4>>,
    row_of_2: Signal<Local, Bits<4>>,
    lap: Signal<Local, Bits<8>>,
    settled: Signal<Local, Bits<8>>,
    refused: Signal<Local, Bits<8>>,
    open: Signal<Local, Bits<8>>,
    counting: Signal<Local, Bits<8>>,
    any: Signal<Local, Bit>,
    names_error: Signal<Local, Bit>,
    final_verdict: Signal<Local, Bit>,
    refusal: Signal<Local, Bit>,
    is_full: Signal<Local, Bit>,
    gives_up: Signal<Local, Bit>,
    done_bits: Signal<Local, Bits<8>>,
    may_probe: Signal<Local, Bit>,
    may_burst: Signal<Local, Bit>,
    resends: Signal<Local, Bit>,
    chosen: Signal<Local, Bits<8>>,
    error: Signal<Local, Bits<4>>,
    ticks: Signal<Local, Bit>,
    counts_time: Signal<Local, Bit>,
    late_ping: Signal<Local, Bit>,
    row_ends: Signal<Local, Bit>,
}

impl Examine {
    /// With other rules of time than the configuration's.
    pub fn new(rules: RoundRules) -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            enters: Default::default(),
            entering: Default::default(),
            record: Default::default(),
            row: Default::default(),
            launched: Default::default(),
            start: Default::default(),
            hold_timeouts: Default::default(),
            valid: Default::default(),
            operation: Default::default(),
            old_record: Default::default(),
            new_row: Default::default(),
            done: Default::default(),
            findings: Default::default(),
            valid_1: Default::default(),
            operation_1: Default::default(),
            valid_2: Default::default(),
            operation_2: Default::default(),
            record_2: Default::default(),
            row_2: Default::default(),
            launched_place_2: Default::default(),
            same_row_2: Default::default(),
            below_2: Default::default(),
            other_lap_2: Default::default(),
            idle_2: Default::default(),
            all_passed_2: Default::default(),
            is_own_2: Default::default(),
            at_head_2: Default::default(),
            at_step_2: Default::default(),
            last_try_2: Default::default(),
            window: Default::default(),
            rules,
            first: Default::default(),
            answered: Default::default(),
            unanswered: Default::default(),
            in_record: Default::default(),
            consumer: Default::default(),
            balance: Default::default(),
            tries: Default::default(),
            give_up: Default::default(),
            tries_before: Default::default(),
            mode: Default::default(),
            live: Default::default(),
            code: Default::default(),
            kind: Default::default(),
            row_of_2: Default::default(),
            lap: Default::default(),
            settled: Default::default(),
            refused: Default::default(),
            open: Default::default(),
            counting: Default::default(),
            any: Default::default(),
            names_error: Default::default(),
            final_verdict: Default::default(),
            refusal: Default::default(),
            is_full: Default::default(),
            gives_up: Default::default(),
            done_bits: Default::default(),
            may_probe: Default::default(),
            may_burst: Default::default(),
            resends: Default::default(),
            chosen: Default::default(),
            error: Default::default(),
            ticks: Default::default(),
            counts_time: Default::default(),
            late_ping: Default::default(),
            row_ends: Default::default(),
        }
    }
}

impl Default for Examine {
    fn default() -> Self {
        Self::new(RoundRules::default())
    }
}

impl Logic for Examine {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            valid_1,
            operation_1,
            valid_2,
            operation_2,
            record_2,
            row_2,
            launched_place_2,
            same_row_2,
            below_2,
            other_lap_2,
            idle_2,
            all_passed_2,
            is_own_2,
            at_head_2,
            at_step_2,
            last_try_2
        );
        self.valid_1.d.next = self.enters.val();
        self.operation_1.d.next = self.entering.val();

        // Step 1: comparisons of the record with the operation.
        self.valid_2.d.next = self.valid_1.q.val();
        self.operation_2.d.next = self.operation_1.q.val();
        self.in_record.next = self.record.val();
        self.consumer.next = self.in_record.val().consumer;
        self.balance.next = self.in_record.val().balance;
        self.tries.next = self.in_record.val().step;
        self.give_up.next = self.in_record.val().give_up;
        self.tries_before.next = self.give_up.val() - 1;
        self.window.launched.next = self.launched.val().get_bits::<7>(0);
        self.window.row.next = self.operation_1.q.val().row;
        self.launched_place_2.d.next = self.launched.val().get_bits::<3>(0);
        self.same_row_2.d.next = self.window.row_same.val();
        self.below_2.d.next = self.window.row_below.val();
        self.other_lap_2.d.next = self.window.row_other_lap.val();
        self.idle_2.d.next = self.launched.val() == self.balance.val();
        self.all_passed_2.d.next = self.balance.val() == self.consumer.val().get_bits::<8>(0);
        self.is_own_2.d.next = self.operation_1.q.val().own
            | (self.operation_1.q.val().generation == self.in_record.val().generation);
        self.at_head_2.d.next =
            self.consumer.val().get_bits::<4>(3) == self.operation_1.q.val().row;
        self.at_step_2.d.next = self.tries.val() == self.operation_1.q.val().row;
        self.last_try_2.d.next =
            self.give_up.val().any() & (self.tries.val() >= self.tries_before.val());
        self.record_2.d.next = self.in_record.val();
        self.row_2.d.next = self.row.val();
        if self.operation_1.q.val().resets {
            self.record_2.d.next.consumer = self.start.val().get_bits::<16>(0);
            self.record_2.d.next.balance = self.start.val().get_bits::<8>(0);
            self.record_2.d.next.mode = Mode::Open;
            self.record_2.d.next.step = 0.into();
            self.record_2.d.next.timer = 0.into();
            self.record_2.d.next.errors = self.start.val().get_bits::<12>(16);
            self.record_2.d.next.error = self.start.val().get_bits::<4>(28);
            self.record_2.d.next.failed = self.start.val().get_bit(32);
            self.record_2.d.next.enabled = self.operation_1.q.val().enables;
            self.record_2.d.next.generation = self.operation_1.q.val().generation;
            self.record_2.d.next.give_up = self.operation_1.q.val().code;
            self.record_2.d.next.narrow = false;
            self.record_2.d.next.patience = 0.into();
            self.row_2.d.next.done = self.operation_1.q.val().messages;
            self.operation_2.d.next.messages = 0.into();
            self.row_2.d.next.refused = 0.into();
        }

        // Step 2: the messages of the row.
        self.mode.next = self.record_2.q.val().mode;
        self.live.next = self.record_2.q.val().enabled & !self.record_2.q.val().failed;
        self.window.same.next = self.same_row_2.q.val();
        self.window.below.next = self.below_2.q.val();
        self.window.other_lap.next = self.other_lap_2.q.val();
        self.window.place.next = self.launched_place_2.q.val();
        self.lap.next = 0x00.into();
        self.row_of_2.next = self.operation_2.q.val().row;
        if self.row_of_2.val().get_bit(3) {
            self.lap.next = 0xFF.into();
        }
        self.settled.next = self.row_2.q.val().done ^ self.lap.val();
        self.refused.next = self.row_2.q.val().refused;
        self.open.next = self.window.sent.val() & !self.settled.val() & !self.refused.val();

        // A verdict.
        self.kind.next = self.operation_2.q.val().code | 8;
        self.code.next = self.operation_2.q.val().code;
        self.names_error.next = self.operation_2.q.val().own | self.code.val().get_bit(3);
        self.final_verdict.next = self.names_error.val()
            | (self.kind.val() == abi::link::kind::ACCEPTED.to_bits())
            | (self.kind.val() == abi::link::kind::NOT_RESIDENT.to_bits())
            | (self.kind.val() == abi::link::kind::ENTRY_TOO_SMALL.to_bits());
        self.is_full.next =
            !self.names_error.val() & (self.kind.val() == abi::link::kind::FULL.to_bits());
        self.gives_up.next =
            self.is_full.val() & self.last_try_2.q.val() & (self.mode.val() == Mode::Probe);
        self.refusal.next = (self.is_full.val() & !self.gives_up.val())
            | (!self.names_error.val() & (self.kind.val() == abi::link::kind::BEHIND.to_bits()));
        self.counting.next = 0x00.into();
        if self.operation_2.q.val().verdict & self.live.val() & self.is_own_2.q.val() {
            self.counting.next = self.operation_2.q.val().messages & self.open.val();
        }
        self.any.next = self.counting.val().any();
        self.answered.bits.next = self.counting.val();
        self.unanswered.bits.next = self.operation_2.q.val().messages & !self.counting.val();
        self.error.next = 0.into();
        if self.kind.val() == abi::link::kind::NOT_RESIDENT.to_bits() {
            self.error.next = abi::message::error::NOT_RESIDENT.to_bits();
        }
        if self.kind.val() == abi::link::kind::ENTRY_TOO_SMALL.to_bits() {
            self.error.next = abi::message::error::ENTRY_TOO_SMALL.to_bits();
        }
        if self.gives_up.val() {
            self.error.next = abi::message::error::RECEIVER_FULL.to_bits();
        }
        if self.names_error.val() {
            self.error.next = self.code.val();
        }
        self.done_bits.next = self.row_2.q.val().done;
        if self.final_verdict.val() | self.gives_up.val() {
            self.done_bits.next = self.row_2.q.val().done ^ self.counting.val();
        }

        // The first message of the row to be sent again, or to ping for.
        self.first.requests.next = self.window.sent.val() & self.refused.val();
        if self.operation_2.q.val().pings {
            self.first.requests.next = self.open.val();
        }
        self.may_probe.next =
            (self.mode.val() == Mode::Probe) & self.idle_2.q.val() & self.at_head_2.q.val();
        self.may_burst.next = (self.mode.val() == Mode::Burst) & self.at_step_2.q.val();
        self.resends.next = self.operation_2.q.val().sends
            & self.live.val()
            & (self.may_probe.val() | self.may_burst.val())
            & self.first.any.val();
        self.chosen.next = bit_cast::<8, 1>(1.into()) << bit_cast::<8, 3>(self.first.index.val());
        self.row_ends.next = self.operation_2.q.val().sends
            & self.live.val()
            & self.may_burst.val()
            & !self.first.any.val();
        self.late_ping.next = self.operation_2.q.val().pings
            & self.live.val()
            & !self.idle_2.q.val()
            & self.rules.late.val();

        // Time.
        self.rules.timer.next = self.record_2.q.val().timer;
        self.rules.refusals.next = self.record_2.q.val().step;
        self.ticks.next = self.operation_2.q.val().ticks & self.live.val();
        self.counts_time.next = self.ticks.val() & !self.idle_2.q.val() & !self.hold_timeouts.val();

        // All that follows.
        self.valid.next = self.valid_2.q.val();
        self.operation.next = self.operation_2.q.val();
        self.old_record.next = self.record_2.q.val();
        self.new_row.next.done = self.done_bits.val();
        self.new_row.next.refused = self.refused.val();
        if self.refusal.val() {
            self.new_row.next.refused = self.refused.val() | self.counting.val();
        }
        if self.resends.val() {
            self.new_row.next.refused = self.refused.val() & !self.chosen.val();
        }
        self.done.next = self.done_bits.val() ^ self.lap.val();
        self.findings.next.live = self.live.val();
        self.findings.next.idle = self.idle_2.q.val();
        self.findings.next.at_head = self.at_head_2.q.val();
        self.findings.next.count = 0.into();
        self.findings.next.settles =
            self.any.val() & (self.final_verdict.val() | self.gives_up.val());
        self.findings.next.refuses = self.any.val() & self.refusal.val();
        if self.final_verdict.val() | self.gives_up.val() | self.refusal.val() {
            self.findings.next.count = self.answered.count.val();
        }
        self.findings.next.unexpected = self.unanswered.count.val();
        self.findings.next.full = self.is_full.val();
        self.findings.next.given_up = self.any.val() & self.gives_up.val();
        self.findings.next.is_error = self.error.val().any();
        self.findings.next.error = self.error.val();
        self.findings.next.fails = (self.counts_time.val() & self.rules.expires.val())
            | (self.any.val()
                & !self.names_error.val()
                & (self.kind.val() == abi::link::kind::LOST.to_bits())
                & self.rules.late.val());
        self.findings.next.resends = self.resends.val();
        self.findings.next.place = self.first.index.val();
        self.findings.next.pings = self.late_ping.val() & self.first.any.val();
        self.findings.next.pings_next =
            self.late_ping.val() & !self.first.any.val() & !self.window.is_last.val();
        self.findings.next.bursts_next = self.row_ends.val() & !self.window.is_last.val();
        self.findings.next.burst_ends =
            self.row_ends.val() & self.window.is_last.val() & !self.operation_2.q.val().opens;
        self.findings.next.opens =
            self.row_ends.val() & self.window.is_last.val() & self.operation_2.q.val().opens;
        self.findings.next.begins_probe = self.ticks.val()
            & self.idle_2.q.val()
            & (self.mode.val() == Mode::Drain)
            & !self.all_passed_2.q.val()
            & self.rules.pause_over.val();
        self.findings.next.begins_burst = self.ticks.val()
            & self.idle_2.q.val()
            & ((self.mode.val() == Mode::Drain) | (self.mode.val() == Mode::Probe))
            & self.all_passed_2.q.val();
        self.findings.next.wants_send = self.ticks.val()
            & ((self.mode.val() == Mode::Burst)
                | ((self.mode.val() == Mode::Probe) & self.idle_2.q.val()));
        self.findings.next.waits = self.ticks.val()
            & !(self.idle_2.q.val() & self.all_passed_2.q.val() & (self.mode.val() == Mode::Open));
        self.findings.next.wants_ping =
            self.counts_time.val() & self.rules.ping_due.val() & !self.rules.expires.val();
        self.findings.next.timer_clears = (self.any.val()
            & (self.final_verdict.val()
                | self.gives_up.val()
                | self.refusal.val()
                | (self.kind.val() == abi::link::kind::WAITING.to_bits())))
            | (self.resends.val() & self.may_probe.val())
            | (self.ticks.val()
                & self.idle_2.q.val()
                & ((self.mode.val() != Mode::Drain) | self.rules.pause_over.val()));
        self.findings.next.timer_counts = self.counts_time.val()
            | (self.ticks.val() & self.idle_2.q.val() & (self.mode.val() == Mode::Drain));

        if self.reset.val() {
            self.valid_1.d.next = false;
            self.valid_2.d.next = false;
        }
    }
}
