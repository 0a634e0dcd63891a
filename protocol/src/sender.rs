//! A resident transmit queue: what it sends next, and what an answer does to it (rules 1 to 8).
//!
//! The whole state is a few indices, one bitmap and a phase. Three facts keep it that small:
//!
//! * The consumer index passes every message that is done. So the message at the consumer index *is* the first refused
//!   one once nothing is unanswered, and needs no register of its own.
//! * Between `consumer` and `next` each message that is not done is unanswered, unless the queue is collecting. Between
//!   `next` and `launched` each message that is not done is refused. So neither needs a bitmap.
//! * While the queue is collecting, the number of unanswered messages says all that is needed. Which of them are
//!   refused is known again when it is zero. This relies on rule 14: an answer is handed over once at most.
//!
//! Whether a message was refused with FULL or BEHIND is not remembered.
//!
//! In hardware the record has two writers, and each writes a part of its own:
//!
//! * The engine that launches writes `launched`, `next` and a count of frames sent.
//! * The answer path writes `consumer`, `done`, the phase, `probes` and a count of answers. A launch never changes the
//!   phase.
//!
//! `outstanding` is the difference of the two counts, modulo 128. The answer path changes `next` only when it enters or
//! leaves `Phase::Probing`, to `consumer`; it can do so by a bit that the engine compares with its own copy.

use crate::{
    answer::{Answer, Verdict},
    index::Index,
    rules::{AllRules, Rule, Rules},
};

/// What is fixed when an endpoint is created.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Limits {
    /// Most messages between consumer and producer: the slots of the queue. At most [`Index::WINDOW`].
    pub window: u8,
    /// The message at the head is given up on its n-th FULL as a probe; 0: never (rule 5).
    pub give_up: u8,
    /// The pause doubles so many times (rule 4).
    pub doublings: u8,
    /// Answers in a row without a refusal that make a narrow queue wide again; 0: no queue becomes narrow (rule 4).
    pub patience: u8,
}

/// What the queue does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
enum Phase {
    /// It sends: first the rest of the messages that were refused, then new ones (rules 1 and 4).
    #[default]
    Sending,
    /// A message was refused: it waits until every message is answered (rule 3).
    Collecting,
    /// It sends the probe, or waits for the answer to it (rule 4).
    Probing,
    /// The probe found no room: it waits for the end of the pause.
    Paused,
}

/// A resident transmit queue. `BITS` are those of an index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Sender<const BITS: u32 = 7, R: Rules = AllRules> {
    rules: R,
    limits: Limits,
    /// First message that is not done. The driver may reuse all slots before it.
    consumer: Index<BITS>,
    /// First message that was never sent.
    launched: Index<BITS>,
    /// Message to send next in [`Phase::Sending`]: `launched`, or before it a refused one.
    next: Index<BITS>,
    /// Messages that are done, by [`Index::position`]; bits outside `consumer..launched` are zero.
    done: u64,
    /// Messages that are unanswered.
    outstanding: u8,
    phase: Phase,
    /// FULL answers to the probe of the message at `consumer`.
    probes: u8,
    generation: u8,
    /// One message is sent at a time (rule 4).
    narrow: bool,
    /// Answers without a refusal until the queue is wide, or until a refusal does not make it narrow.
    patience: u8,
}

/// A message to send.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Launch<const BITS: u32 = 7> {
    /// Which.
    pub index: Index<BITS>,
    /// For the frame (rule 2).
    pub restart: bool,
    /// It is sent alone, to see whether there is room again (rule 4).
    pub probe: bool,
    /// It was refused before.
    pub repeated: bool,
}

/// What an answer did.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Outcome {
    /// Messages that the consumer index passed.
    pub passed: u8,
    /// Messages that are done and were not delivered: a final verdict, or given up.
    pub errors: u8,
    /// Messages given up; contained in `errors`.
    pub given_up: u8,
    /// Bits of the answer that did not count (rule 8).
    pub unexpected: u8,
    /// The probe found no room: the queue sends nothing before [`Sender::on_pause_over`], due after the base pause
    /// doubled so many times.
    pub pause: Option<u8>,
}

impl<const BITS: u32, R: Rules> Sender<BITS, R> {
    /// An empty slot, with the generation its frames carry.
    ///
    /// # Panics
    /// When the window is wider than the indices allow.
    pub fn new(rules: R, limits: Limits, generation: u8) -> Self {
        assert!(
            (1..=Index::<BITS>::WINDOW).contains(&limits.window),
            "the window has 1 to {} messages",
            Index::<BITS>::WINDOW
        );
        Self {
            rules,
            limits,
            consumer: Index::new(0),
            launched: Index::new(0),
            next: Index::new(0),
            done: 0,
            outstanding: 0,
            phase: Phase::Sending,
            probes: 0,
            generation,
            narrow: false,
            patience: 0,
        }
    }

    /// First message that is not done.
    pub fn consumer(&self) -> Index<BITS> {
        self.consumer
    }

    /// First message that was never sent.
    pub fn launched(&self) -> Index<BITS> {
        self.launched
    }

    /// Messages that are unanswered.
    pub fn outstanding(&self) -> u8 {
        self.outstanding
    }

    /// For the frames of the queue.
    pub fn generation(&self) -> u8 {
        self.generation
    }

    /// Whether a message was refused and not yet accepted, given up or sent again behind an accepted probe.
    pub fn is_refused(&self) -> bool {
        self.phase != Phase::Sending || self.next != self.launched
    }

    /// Whether the queue sends one message at a time (rule 4).
    pub fn is_narrow(&self) -> bool {
        self.narrow
    }

    /// Whether the queue waits for the end of its pause.
    pub fn is_paused(&self) -> bool {
        self.phase == Phase::Paused
    }

    /// Whether the message at the index is done; messages outside `consumer..launched` are not.
    pub fn is_done(&self, index: Index<BITS>) -> bool {
        self.done >> index.position() & 1 == 1
    }

    /// The message that may be sent now. `limit` is the first message that the queue was not given to launch.
    pub fn ready(&self, limit: Index<BITS>) -> Option<Launch<BITS>> {
        let idle = self.outstanding == 0;
        let (index, probe) = match self.phase {
            Phase::Sending => (self.next, false),
            Phase::Probing if idle => (self.consumer, true),
            Phase::Probing | Phase::Collecting | Phase::Paused => return None,
        };
        let repeated = index != self.launched;
        let window_open = self.launched.since(self.consumer) < self.limits.window;
        let held = self.narrow && !idle;
        if held || !repeated && (limit == self.launched || !window_open) {
            return None;
        }
        let restart = idle && self.rules.holds(Rule::RestartWhenIdle)
            || !self.rules.holds(Rule::RestartOnlyWhenIdle);
        Some(Launch {
            index,
            restart,
            probe,
            repeated,
        })
    }

    /// Sends the message that [`ready`](Self::ready) names: it counts as unanswered from now on.
    pub fn launch(&mut self, limit: Index<BITS>) -> Option<Launch<BITS>> {
        let launch = self.ready(limit)?;
        self.outstanding += 1;
        self.next = launch.index.plus(1);
        if !launch.repeated {
            self.launched = self.next;
        }
        self.skip_done();
        Some(launch)
    }

    /// An answer came from node `from`. `sent_to` is the node that a message of the queue went to (rule 8); it is asked
    /// for unanswered messages only.
    pub fn on_answer(
        &mut self,
        from: u16,
        answer: &Answer<BITS>,
        sent_to: impl Fn(Index<BITS>) -> u16,
    ) -> Outcome {
        let mut outcome = Outcome::default();
        let current =
            answer.generation == self.generation || !self.rules.holds(Rule::CheckGeneration);
        if !self.rules.holds(Rule::OnlySetBitsSpeak) && answer.verdict == Verdict::Accepted {
            let mut below = self.consumer;
            while below.since(self.consumer) < answer.base.since(self.consumer) {
                if self.is_unanswered(below) {
                    self.settle(below, &mut outcome);
                }
                below = below.plus(1);
            }
        }
        for index in answer.indices() {
            let counts = current && self.is_unanswered(index);
            if !counts || (sent_to(index) != from && self.rules.holds(Rule::CheckNode)) {
                outcome.unexpected += 1;
            } else if answer.verdict.is_refusal() {
                self.refuse(index, answer.verdict, &mut outcome);
            } else {
                outcome.errors += u8::from(answer.verdict.is_error());
                self.settle(index, &mut outcome);
            }
        }
        outcome
    }

    /// A message that was launched never became a frame, as its destination is not valid. It is done, as by a final
    /// verdict.
    pub fn on_rejected(&mut self, index: Index<BITS>) -> Outcome {
        let mut outcome = Outcome::default();
        if self.is_unanswered(index) {
            outcome.errors = 1;
            self.settle(index, &mut outcome);
        } else {
            outcome.unexpected = 1;
        }
        outcome
    }

    /// The pause is over, or the receiver hints that there is room (rule 12). Ignored unless the queue is paused; so
    /// the hint may be lost, late, or meant for an earlier owner of the slot.
    pub fn on_pause_over(&mut self) -> Outcome {
        let mut outcome = Outcome::default();
        match self.phase {
            Phase::Paused => self.phase = Phase::Probing,
            Phase::Probing if !self.rules.holds(Rule::GiveUpOnAnswer) => {
                self.refuse(self.consumer, Verdict::Full, &mut outcome);
            }
            _ => {}
        }
        outcome
    }

    /// The consumer index, if the queue may be evicted now: with every message that was launched done (rule 6). That is
    /// all that must be kept of it. The slot keeps its generation.
    pub fn save(&self) -> Option<Index<BITS>> {
        let done = self.consumer == self.launched || !self.rules.holds(Rule::EvictIdle);
        done.then_some(self.consumer)
    }

    /// The slot takes over a queue that goes on at this consumer index, with nothing to launch.
    pub fn load(&mut self, limits: Limits, consumer: Index<BITS>) {
        *self = Self {
            consumer,
            launched: consumer,
            next: consumer,
            ..Self::new(self.rules, limits, self.generation)
        };
    }

    /// The slot is freed, whatever its state: its queue was evicted or destroyed, or has failed. If messages are
    /// unanswered, their answers must not reach the next owner: the generation advances (rule 7). Returns how many
    /// there were. Whether these were delivered is unknown, and their owner is told so.
    pub fn free(&mut self) -> u8 {
        let unknown = self.outstanding;
        let advance = unknown > 0 && self.rules.holds(Rule::AdvanceGeneration);
        let generation = self.generation.wrapping_add(u8::from(advance));
        *self = Self::new(self.rules, self.limits, generation);
        unknown
    }

    /// Whether a message was sent and not answered. While the queue collects, this is also said of refused messages.
    pub fn is_unanswered(&self, index: Index<BITS>) -> bool {
        let sent = index.since(self.consumer) < self.next.since(self.consumer);
        let unanswered = self.outstanding > 0 && sent && !self.is_done(index);
        unanswered || !self.rules.holds(Rule::CheckUnanswered)
    }

    fn refuse(&mut self, index: Index<BITS>, verdict: Verdict, outcome: &mut Outcome) {
        if self.patience > 0 {
            self.patience = self.limits.patience;
            // What was sent behind an accepted probe found no room.
            self.narrow |= self.phase == Phase::Sending;
        }
        match self.phase {
            Phase::Probing => self.refuse_probe(index, verdict, outcome),
            Phase::Sending | Phase::Collecting | Phase::Paused => {
                self.outstanding = self.outstanding.saturating_sub(1);
                self.phase = Phase::Collecting;
                self.probe_if_answered();
            }
        }
    }

    fn refuse_probe(&mut self, index: Index<BITS>, verdict: Verdict, outcome: &mut Outcome) {
        if verdict == Verdict::Full {
            let most = self.limits.give_up.max(self.limits.doublings + 1);
            self.probes = self.probes.saturating_add(1).min(most);
            if self.limits.give_up > 0 && self.probes >= self.limits.give_up {
                outcome.errors += 1;
                outcome.given_up += 1;
                self.finish(index, outcome);
                // Those behind it have found no room either: the next of them is a probe, too.
                self.phase = Phase::Collecting;
                self.probe_if_answered();
                return;
            }
        }
        self.outstanding = self.outstanding.saturating_sub(1);
        self.phase = Phase::Paused;
        outcome.pause = Some(self.probes.saturating_sub(1).min(self.limits.doublings));
    }

    /// The message is done by its answer.
    fn settle(&mut self, index: Index<BITS>, outcome: &mut Outcome) {
        let burst_begins = self.phase == Phase::Probing && !self.narrow;
        self.finish(index, outcome);
        self.patience = if burst_begins {
            self.limits.patience
        } else {
            self.patience.saturating_sub(1)
        };
        self.narrow &= self.patience > 0;
    }

    /// The message is done.
    fn finish(&mut self, index: Index<BITS>, outcome: &mut Outcome) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.done |= 1 << index.position();
        while self.consumer != self.launched && self.is_done(self.consumer) {
            self.done &= !(1 << self.consumer.position());
            self.consumer = self.consumer.plus(1);
            self.probes = 0;
            outcome.passed += 1;
        }
        match self.phase {
            // The next one alone.
            Phase::Probing if self.narrow => self.probe_if_answered(),
            // Now there is room: the others follow without waiting (rule 4).
            Phase::Probing => self.send_from(self.consumer),
            Phase::Collecting => self.probe_if_answered(),
            Phase::Sending | Phase::Paused => {}
        }
    }

    /// Ends [`Phase::Collecting`] when nothing is unanswered.
    fn probe_if_answered(&mut self) {
        if self.consumer == self.launched {
            self.send_from(self.launched);
        } else if !self.rules.holds(Rule::RefusalStopsSending) {
            self.send_from(self.consumer);
        } else if self.outstanding == 0 {
            self.next = self.consumer;
            self.phase = Phase::Probing;
            if !self.rules.holds(Rule::ProbeAlone) {
                self.send_from(self.consumer);
            }
        }
    }

    fn send_from(&mut self, index: Index<BITS>) {
        self.phase = Phase::Sending;
        self.next = index;
        if !self.rules.holds(Rule::IndexOrder) {
            self.next = self.launched;
        }
        self.skip_done();
    }

    fn skip_done(&mut self) {
        while self.next != self.launched && self.is_done(self.next) {
            self.next = self.next.plus(1);
        }
    }
}
