//! The answer part of the transmit queues' records: which messages are done, what is sent again, and when.

pub mod advance;
pub mod choice;
pub mod departures;
pub mod examine;
pub mod follow_ups;
pub mod gather;
pub mod head_walk;
pub mod intake;
pub mod operation;
pub mod pulses;
pub mod record;
pub mod resets;
pub mod round_rules;
pub mod sent_window;
pub mod sweep;

use crate::bundles::Answer;
use crate::configuration::{SLOT_MEMORY_LOG2, TRANSMIT_QUEUES_LOG2, TRANSMIT_SLOTS_LOG2};
use crate::library::block_ram::BlockRam;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::{Launch, Progress, Resend, Skip};
use advance::Advance;
use choice::Choice;
use departures::Departures;
use examine::{Examine, Findings};
use follow_ups::FollowUps;
use gather::Gather;
use intake::AnswerIntake;
use operation::{FollowUp, Operation};
use pulses::CountedPulses;
use record::{AnswerRecord, MessageRow};
use resets::Resets;
use round_rules::RoundRules;
use rust_hdl::prelude::*;
use sweep::Sweep;

/// One pipeline for the answer parts of `2^QUEUES_LOG2` transmit queues of `2^SLOTS_LOG2` slots (rules 1 to 8 of the
/// protocol).
///
/// # Operations
/// A verdict, a visit of the sweep, a control word or something left to do becomes an *operation* on a queue's record
/// (`operation`). It passes five steps: it is chosen (`choice`); the record is read and compared; the messages of one
/// row are examined (`examine`); the new record is computed and written (`advance`); it is told. Operations of one
/// queue keep a distance of four cycles, so none reads a record that another is changing, and nothing is forwarded.
/// Verdicts that wait for their turn join (`gather`), so one queue has a verdict a cycle all the same.
///
/// Messages stand in rows of eight, and whether one is done is told from a bit and the parity of its lap (`record`). So
/// neither setting a bit nor advancing the consumer index shifts a bitmap of 64 messages. An operation sees one row;
/// what concerns the next row is left to a further operation (`follow_ups`).
///
/// # Refusals
/// FULL and BEHIND close the queue (`Mode::Drain`). When all messages are answered and the pause is over, the first
/// refused one is sent again alone with `restart` (`Mode::Probe`). If it is accepted, the others follow
/// (`Mode::Burst`), and the queue opens when the last of them has left the engine.
///
/// * A refusal behind an accepted probe makes the queue *narrow* (`AnswerRecord::narrow`): an accepted probe is followed
///   by the next probe, and the engine sends a new message only while nothing is unanswered. `PATIENCE` operations that
///   settle messages, without a refusal in between, make it wide again.
/// * Only FULL answers to a probe count for the pause and for `give_up`: other messages may have gone to other rings.
/// * Behind a message that was given up the next one is a probe, not a burst: the ring that had no room for the one
///   hardly has room for the others.
/// * A pause takes at least one whole round of the sweep. By then the engine has launched what it chose before it heard
///   that the queue is closed, so the probe is alone. (Should one come later, it is only refused or counted a FULL too
///   many: order does not depend on it.)
///
/// # Time-outs
/// A queue with unanswered messages and no answer for `ANSWER_TIMEOUT_ROUNDS` has a ping sent for its first unanswered
/// message, and then every quarter of that time. WAITING starts the time again; LOST fails the queue, but only in its
/// time: a LOST for a message that was sent after the ping says nothing. After twice the time the queue fails.
/// `hold_timeouts` stops that time: it must be high while the own link has no credits and the peer is alive, since then
/// the ping waits behind the messages.
///
/// # Contract of the transmit engine
/// * Each message is told by `launch` before it can be answered, at the latest with its `skip`.
/// * The engine keeps its order: what it chose before `progress` told that the queue is closed leaves before any
///   message that is sent again later.
/// * It drops a `resend` of another generation than the queue has, or of a queue that is not enabled: the queue has a
///   new owner. It drops a ping whose destination is not valid.
/// * A queue that is enabled was disabled for as long as a message takes through the engine, and has another generation
///   than its last owner if that one left messages unanswered (rule 7).
///
/// # Rates and latencies
/// From `answer` to `progress`: 11 cycles; from `local_answer`: 10; from `skip`: 8. Verdicts on one message each are
/// worked off every 1.2 to 1.6 cycles, whatever queues they concern; twelve in one answer every 12. A message is sent
/// again every 8 cycles.
#[derive(LogicBlock)]
pub struct TransmitAnswers<
    const QUEUES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const WAYS_LOG2: usize,
    const ROWS_LOG2: usize,
> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `abi::queue_state::transmit_control`: up to 16 words may wait; one that enables takes 10 cycles, another one 2.
    pub configuration: Signal<In, QueueWord>,
    /// The records are clear: queues may be enabled.
    pub ready: Signal<Out, Bit>,
    /// A control word has not taken effect yet.
    pub settling: Signal<Out, Bit>,
    /// Each message that the engine sends or skips; no later than its `skip`.
    pub launch: Signal<In, Launch>,
    pub skip_valid: Signal<In, Bit>,
    pub skip_ready: Signal<Out, Bit>,
    pub skip: Signal<In, Skip>,
    /// From the wire; cannot wait.
    pub answer_valid: Signal<In, Bit>,
    pub answer: Signal<In, Answer>,
    /// From the own node; cannot wait.
    pub local_answer_valid: Signal<In, Bit>,
    pub local_answer: Signal<In, Answer>,
    /// `AnswerIntake::local_room`.
    pub local_room: Signal<Out, Bit>,
    /// Time-outs of unanswered messages stand still.
    pub hold_timeouts: Signal<In, Bit>,
    pub resend_valid: Signal<Out, Bit>,
    /// High only when everything taken before has left the engine, for the link or by being dropped.
    pub resend_ready: Signal<In, Bit>,
    pub resend: Signal<Out, Resend>,
    pub reopen_valid: Signal<Out, Bit>,
    pub reopen_ready: Signal<In, Bit>,
    /// May send new messages (again): after a burst, and when it was enabled.
    pub reopen_queue: Signal<Out, Bits<8>>,
    pub progress: Signal<Out, Progress>,
    /// Pulse: `MESSAGES_ACCEPTED`.
    pub accepted: Signal<Out, Bit>,
    /// Pulse: `MESSAGES_REFUSED`.
    pub refused: Signal<Out, Bit>,
    /// Pulse: `PROBES`.
    pub probed: Signal<Out, Bit>,
    /// Pulse: `ANSWER_TIMEOUT`.
    pub timed_out: Signal<Out, Bit>,
    /// Pulse: `ANSWER_UNEXPECTED`.
    pub unexpected: Signal<Out, Bit>,
    /// Pulse: `PINGS_SENT`.
    pub pinged: Signal<Out, Bit>,
    /// Pulse: `ANSWER_OVERFLOW`.
    pub answer_overflow: Signal<Out, Bit>,
    /// Pulse: the marked message that was sent last is accepted (`abi::control::stage::ANSWERED`).
    pub answered: Signal<Out, Bit>,

    resets: Resets<QUEUES_LOG2>,
    sweep: Sweep<QUEUES_LOG2>,
    intake: AnswerIntake<QUEUES_LOG2, SLOTS_LOG2, WAYS_LOG2>,
    gather: Gather,
    choice: Choice,
    examine: Examine,
    advance: Advance,
    departures: Departures,
    follow_ups: FollowUps,
    accepted_pulses: CountedPulses,
    refused_pulses: CountedPulses,
    unexpected_pulses: CountedPulses,

    records: BlockRam<AnswerRecord, QUEUES_LOG2>,
    rows: BlockRam<MessageRow, ROWS_LOG2>,
    /// Low bits of the launched indices.
    launched: BlockRam<Bits<8>, QUEUES_LOG2>,

    /// The latest launch.
    launch_1: DFF<Launch>,
    /// A launched index that is written in the cycle in which it is read: then what is read is not defined.
    collided: DFF<Bit>,
    written: DFF<Bits<8>>,

    start: Signal<Local, Bits<34>>,
    launch_queue: Signal<Local, Bits<8>>,
    launch_index: Signal<Local, Bits<16>>,
    launched_write: Signal<Local, Bit>,
    launched_queue: Signal<Local, Bits<8>>,
    launched_data: Signal<Local, Bits<8>>,
    entering_queue: Signal<Local, Bits<8>>,
    entering_row: Signal<Local, Bits<4>>,
    written_queue: Signal<Local, Bits<8>>,
    send: Signal<Local, FollowUp>,
    send_taken: Signal<Local, Bit>,
    examined: Signal<Local, Findings>,
    entered: Signal<Local, Operation>,
}

/// That of the NIU.
pub type DefaultTransmitAnswers = TransmitAnswers<
    { TRANSMIT_QUEUES_LOG2 },
    { TRANSMIT_SLOTS_LOG2 },
    { SLOT_MEMORY_LOG2 },
    { TRANSMIT_QUEUES_LOG2 + 3 },
>;

impl<
    const QUEUES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const WAYS_LOG2: usize,
    const ROWS_LOG2: usize,
> TransmitAnswers<QUEUES_LOG2, SLOTS_LOG2, WAYS_LOG2, ROWS_LOG2>
{
    /// With other times than the configuration's: a queue is visited every `2^sweep_log2` cycles.
    ///
    /// # Panics
    /// If the sizes do not fit together.
    pub fn new(sweep_log2: usize, rules: RoundRules) -> Self {
        assert_eq!(
            ROWS_LOG2,
            QUEUES_LOG2 + 3,
            "TransmitAnswers: ROWS_LOG2 must be QUEUES_LOG2 + 3"
        );
        Self {
            clock: Default::default(),
            reset: Default::default(),
            configuration: Default::default(),
            ready: Default::default(),
            settling: Default::default(),
            launch: Default::default(),
            skip_valid: Default::default(),
            skip_ready: Default::default(),
            skip: Default::default(),
            answer_valid: Default::default(),
            answer: Default::default(),
            local_answer_valid: Default::default(),
            local_answer: Default::default(),
            local_room: Default::default(),
            hold_timeouts: Default::default(),
            resend_valid: Default::default(),
            resend_ready: Default::default(),
            resend: Default::default(),
            reopen_valid: Default::default(),
            reopen_ready: Default::default(),
            reopen_queue: Default::default(),
            progress: Default::default(),
            accepted: Default::default(),
            refused: Default::default(),
            probed: Default::default(),
            timed_out: Default::default(),
            unexpected: Default::default(),
            pinged: Default::default(),
            answer_overflow: Default::default(),
            answered: Default::default(),
            resets: Default::default(),
            sweep: Sweep::new(sweep_log2),
            intake: Default::default(),
            gather: Default::default(),
            choice: Default::default(),
            examine: Examine::new(rules),
            advance: Default::default(),
            departures: Default::default(),
            follow_ups: Default::default(),
            accepted_pulses: Default::default(),
            refused_pulses: Default::default(),
            unexpected_pulses: Default::default(),
            records: Default::default(),
            rows: Default::default(),
            launched: Default::default(),
            launch_1: Default::default(),
            collided: Default::default(),
            written: Default::default(),
            start: Default::default(),
            launch_queue: Default::default(),
            launch_index: Default::default(),
            launched_write: Default::default(),
            launched_queue: Default::default(),
            launched_data: Default::default(),
            entering_queue: Default::default(),
            entering_row: Default::default(),
            written_queue: Default::default(),
            send: Default::default(),
            send_taken: Default::default(),
            examined: Default::default(),
            entered: Default::default(),
        }
    }
}

impl<
    const QUEUES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const WAYS_LOG2: usize,
    const ROWS_LOG2: usize,
> Default for TransmitAnswers<QUEUES_LOG2, SLOTS_LOG2, WAYS_LOG2, ROWS_LOG2>
{
    fn default() -> Self {
        Self::new(crate::configuration::SWEEP_LOG2, RoundRules::default())
    }
}

impl<
    const QUEUES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const WAYS_LOG2: usize,
    const ROWS_LOG2: usize,
> Logic for TransmitAnswers<QUEUES_LOG2, SLOTS_LOG2, WAYS_LOG2, ROWS_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, launch_1, collided, written);
        clock!(
            self,
            clock,
            resets,
            sweep,
            intake,
            gather,
            choice,
            examine,
            advance,
            departures,
            follow_ups,
            accepted_pulses,
            refused_pulses,
            unexpected_pulses,
            records,
            rows,
            launched
        );
        self.resets.reset.next = self.reset.val();
        self.sweep.reset.next = self.reset.val();
        self.intake.reset.next = self.reset.val();
        self.gather.reset.next = self.reset.val();
        self.choice.reset.next = self.reset.val();
        self.examine.reset.next = self.reset.val();
        self.advance.reset.next = self.reset.val();
        self.departures.reset.next = self.reset.val();
        self.follow_ups.reset.next = self.reset.val();
        self.accepted_pulses.reset.next = self.reset.val();
        self.refused_pulses.reset.next = self.reset.val();
        self.unexpected_pulses.reset.next = self.reset.val();

        // Control words and the sweep.
        self.resets.configuration.next = self.configuration.val();
        self.resets.launching.next = self.launch_1.q.val().valid;
        self.resets.reopen_free.next = self.departures.reopen_free.val();
        self.resets.taken.next = self.choice.reset_taken.val();
        self.choice.reset_valid.next = self.resets.valid.val();
        self.choice.reset_step.next = self.resets.step.val();
        self.ready.next = self.resets.ready.val();
        self.settling.next = self.resets.settling.val();
        self.start.next = self.configuration.val().second;
        self.examine.start.next = self.start.val();
        self.advance.loaded.next = self.start.val().get_bit(33);
        self.sweep.ready.next = self.resets.ready.val();
        self.sweep.taken.next = self.choice.tick_taken.val();
        // Time begins to matter with a launch, and may with any operation but the sweep's own.
        self.examined.next = self.examine.findings.val();
        self.entered.next = self.choice.entering.val();
        self.sweep.disturbed.next = self.launch_1.q.val().valid
            | (self.choice.enters.val() & !self.entered.val().ticks)
            | (self.examine.valid.val() & self.examined.val().waits);
        self.choice.tick_valid.next = self.sweep.valid.val();
        self.choice.tick_queue.next = self.sweep.visited.val();

        // Verdicts.
        self.launch_1.d.next = self.launch.val();
        self.intake.launch.next = self.launch_1.q.val();
        self.intake.answer_valid.next = self.answer_valid.val();
        self.intake.answer.next = self.answer.val();
        self.intake.local_answer_valid.next = self.local_answer_valid.val();
        self.intake.local_answer.next = self.local_answer.val();
        self.local_room.next = self.intake.local_room.val();
        self.answer_overflow.next = self.intake.overflow.val();
        self.gather.skip_valid.next = self.skip_valid.val();
        self.gather.skip.next = self.skip.val();
        self.skip_ready.next = self.gather.skip_ready.val();
        self.gather.verdict_valid.next = self.intake.valid.val();
        self.gather.verdict.next = self.intake.verdict.val();
        self.gather.verdict_fits.next = self.intake.fits.val();
        self.intake.taken.next = self.gather.verdict_taken.val();
        self.gather.taken.next = self.choice.verdict_taken.val();
        self.choice.verdict_valid.next = self.gather.valid.val();
        self.choice.verdict.next = self.gather.operation.val();
        self.choice.following_valid.next = self.gather.following_valid.val();
        self.choice.following.next = self.gather.following.val();
        self.gather.joined.next = self.choice.joined.val();

        // What operations leave to be done.
        self.send.next = self.follow_ups.send.val();
        self.choice.send_valid.next = self.follow_ups.send_valid.val()
            & self.departures.send_free.val()
            & (!self.send.val().opens
                | (self.departures.all_left.val() & self.departures.reopen_free.val()));
        self.choice.send.next = self.send.val();
        self.send_taken.next = self.choice.send_taken.val();
        self.follow_ups.send_taken.next = self.send_taken.val();
        self.follow_ups.new_send_valid.next = self.advance.send_valid.val();
        self.follow_ups.new_send.next = self.advance.send.val();
        self.choice.walk_valid.next = self.follow_ups.walk_valid.val();
        self.choice.walk.next = self.follow_ups.walk.val();
        self.follow_ups.walk_taken.next = self.choice.walk_taken.val();
        self.follow_ups.new_walk_valid.next = self.advance.walk_valid.val();
        self.follow_ups.new_walk.next = self.advance.walk.val();
        self.entering_queue.next = self.choice.entering.val().queue;
        self.entering_row.next = self.choice.entering.val().row;

        // The launched indices.
        self.launch_queue.next = self.launch_1.q.val().queue;
        self.launch_index.next = self.launch_1.q.val().index;
        self.launched_write.next = self.launch_1.q.val().valid & !self.launch_1.q.val().again;
        self.launched_queue.next = self.launch_queue.val();
        self.launched_data.next = self.launch_index.val().get_bits::<8>(0) + 1;
        if self.resets.clears_launched.val() {
            self.launched_write.next = true;
            self.launched_queue.next = self.resets.step.val().queue;
            self.launched_data.next = self.start.val().get_bits::<8>(0);
        }
        self.launched.write_enable.next = self.launched_write.val();
        self.launched.write_address.next = self.launched_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.launched.write_data.next = self.launched_data.val();
        self.written.d.next = self.launched_data.val();
        self.collided.d.next =
            self.launched_write.val() & (self.launched_queue.val() == self.entering_queue.val());
        self.examine.launched.next = self.launched.read_data.val();
        if self.collided.q.val() {
            self.examine.launched.next = self.written.q.val();
        }

        // The pipeline.
        self.launched.read_address.next = self.entering_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.records.read_address.next = self.entering_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.rows.read_address.next = (bit_cast::<ROWS_LOG2, QUEUES_LOG2>(
            self.entering_queue.val().get_bits::<QUEUES_LOG2>(0),
        ) << 3)
            | bit_cast::<ROWS_LOG2, 3>(self.entering_row.val().get_bits::<3>(0));
        self.examine.enters.next = self.choice.enters.val();
        self.examine.entering.next = self.choice.entering.val();
        self.examine.record.next = self.records.read_data.val();
        self.examine.row.next = self.rows.read_data.val();
        self.examine.hold_timeouts.next = self.hold_timeouts.val();
        self.advance.valid.next = self.examine.valid.val();
        self.advance.operation.next = self.examine.operation.val();
        self.advance.old_record.next = self.examine.old_record.val();
        self.advance.new_row.next = self.examine.new_row.val();
        self.advance.done.next = self.examine.done.val();
        self.advance.findings.next = self.examine.findings.val();
        self.written_queue.next = self.advance.write_queue.val();
        self.records.write_enable.next = self.advance.writes.val();
        self.records.write_address.next = self.written_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.records.write_data.next = self.advance.record.val();
        self.rows.write_enable.next = self.advance.writes.val();
        self.rows.write_address.next = (bit_cast::<ROWS_LOG2, QUEUES_LOG2>(
            self.written_queue.val().get_bits::<QUEUES_LOG2>(0),
        ) << 3)
            | bit_cast::<ROWS_LOG2, 3>(self.advance.write_row.val());
        self.rows.write_data.next = self.advance.row.val();

        // What leaves.
        self.progress.next = self.advance.progress.val();
        self.departures.send_claims.next = self.send_taken.val();
        self.departures.send_decided.next = self.advance.send_decided.val();
        self.departures.sends.next = self.advance.resend_valid.val();
        self.departures.departing.next = self.advance.resend.val();
        self.resend_valid.next = self.departures.resend_valid.val();
        self.departures.resend_ready.next = self.resend_ready.val();
        self.resend.next = self.departures.resend.val();
        self.departures.reopen_claims.next = (self.send_taken.val() & self.send.val().opens)
            | (self.choice.reset_taken.val() & self.resets.step.val().enables);
        self.departures.reopen_decided.next = self.advance.reopen_decided.val();
        self.departures.reopens.next = self.advance.reopens.val();
        self.departures.reopening.next = self.advance.progress.val().queue;
        self.reopen_valid.next = self.departures.reopen_valid.val();
        self.departures.reopen_ready.next = self.reopen_ready.val();
        self.reopen_queue.next = self.departures.reopen_queue.val();

        // Counters and stages.
        self.accepted_pulses.count.next = self.advance.accepted.val();
        self.accepted_pulses.one.next = false;
        self.accepted.next = self.accepted_pulses.pulse.val();
        self.refused_pulses.count.next = self.advance.refused.val();
        self.refused_pulses.one.next = false;
        self.refused.next = self.refused_pulses.pulse.val();
        self.unexpected_pulses.count.next = self.advance.unexpected.val();
        self.unexpected_pulses.one.next = self.gather.unfit.val();
        self.unexpected.next = self.unexpected_pulses.pulse.val();
        self.probed.next = self.advance.probed.val();
        self.pinged.next = self.advance.pinged.val();
        self.timed_out.next = self.advance.timed_out.val();
        self.answered.next = self.advance.answered.val();

        if self.reset.val() {
            self.launch_1.d.next.valid = false;
        }
    }
}

#[cfg(test)]
mod tests;
