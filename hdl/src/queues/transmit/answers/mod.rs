//! The answer part of the transmit queues' records.

use crate::bundles::Answer;
use crate::configuration::{SLOT_MEMORY_LOG2, TRANSMIT_QUEUES_LOG2, TRANSMIT_SLOTS_LOG2};
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::{Launch, Progress, Resend, Skip};
use rust_hdl::prelude::*;

/// Ports only, until the block is written.
#[derive(LogicBlock, Default)]
pub struct TransmitAnswers<
    const QUEUES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const WAYS_LOG2: usize,
    const WORDS_LOG2: usize,
> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `abi::queue_state::transmit_control`. Words come at most every 64 cycles on average, 16 of them at once.
    pub configuration: Signal<In, QueueWord>,
    /// The records are clear: queues may be enabled.
    pub ready: Signal<Out, Bit>,
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
    const WORDS_LOG2: usize,
> Logic for TransmitAnswers<QUEUES_LOG2, SLOTS_LOG2, WAYS_LOG2, WORDS_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        self.ready.next = false;
    }
}
