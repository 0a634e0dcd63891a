//! Refusals, answers, slots that change owner, give-up, loss (rules 1 to 15).
//!
//! Queues on one or two sending nodes share resident slots; three receive queues stand on two receiving nodes. A link
//! keeps the order of each (node, node, channel). It keeps everything, as the reliable link does, or loses frames, as
//! today's does.

mod network;
mod per_way;
mod queue;
mod worlds;

use heapless::Vec;
use protocol::{
    Answer, Index, Limits, Origin, Outcome, Placement, Receiver, Rule, Rules, Verdict,
    WaitingSender,
};

use crate::{broken::AllBut, explore::World};
pub use network::{Frame, Network};
pub use per_way::PerWay;
pub use queue::TransmitQueue;
pub use worlds::worlds;

/// Receive queues; those from [`ABSENT`] on do not exist.
const RECEIVE_QUEUES: usize = 3;
/// A receive queue identifier that nobody has bound, on node 0.
pub const ABSENT: u8 = 3;
/// A destination that the sender's own node rejects: no frame is made.
pub const INVALID: u8 = 4;

/// The node of a receive queue.
fn node_of(receive_queue: u8) -> u8 {
    u8::from(receive_queue == 2)
}

/// A transmit queue's part of the world.
#[derive(Clone, Debug)]
pub struct QueuePlan {
    /// Its node: 0 or 1.
    pub node: u8,
    /// Receive queue and channel of each of its messages.
    pub messages: std::vec::Vec<(u8, u8)>,
    /// [`Limits::give_up`].
    pub give_up: u8,
}

/// The world. `Q` is the transmit queue that is checked, `BITS` are those of an index.
#[derive(Clone, Debug)]
pub struct Sending<const BITS: u32, Q> {
    /// All, but for one that is taken away.
    pub rules: AllBut,
    /// Transmit queues.
    pub queues: std::vec::Vec<QueuePlan>,
    /// The node of each resident slot.
    pub slots: std::vec::Vec<u8>,
    /// Entries of each ring.
    pub entries: u8,
    /// Queues may be evicted.
    pub evicts: bool,
    /// A receive queue whose host never empties it.
    pub dead: Option<u8>,
    /// Completed is what leads elsewhere than to the node of the dead receive queue.
    pub live_ways: bool,
    /// Receivers hint that there is room.
    pub hints: bool,
    /// Answers overtake each other.
    pub overtake: bool,
    /// Queues that may be destroyed with messages unanswered.
    pub kills: u8,
    /// Frames that may be lost.
    pub losses: u8,
    /// Answers that a node may send which it should not.
    pub forgeries: u8,
    /// Answers that the link hands over twice, if it may.
    pub repeats: u8,
    /// The kind of transmit queue.
    pub kind: std::marker::PhantomData<Q>,
}

/// What became of a message, as its sender knows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Fate {
    Open,
    Accepted,
    /// Reported as not delivered.
    Failed,
    /// Reported as unknown.
    Unknown,
}

/// A message, with what the checks must remember of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Message {
    fate: Fate,
    sent: bool,
    /// A refusal was received since it was last sent.
    refused: bool,
    /// Its receiver's last verdict was FULL.
    full: bool,
    delivered: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Queue<const BITS: u32> {
    messages: Vec<Message, 8>,
    saved: Index<BITS>,
    slot: Option<u8>,
    /// Messages before the consumer index.
    passed: u8,
    /// No message was accepted since the last refusal.
    hopeless: bool,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
struct Slot<Q> {
    owner: Option<u8>,
    sender: Q,
}

/// A state of the world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State<const BITS: u32, Q> {
    queues: Vec<Queue<BITS>, 3>,
    slots: Vec<Slot<Q>, 3>,
    network: Network<BITS>,
    receivers: [Receiver<1, AllBut>; 2],
    levels: [u8; RECEIVE_QUEUES],
    waiting: [WaitingSender; RECEIVE_QUEUES],
    hints: Vec<u8, 4>,
    /// Messages that their own node has not rejected yet.
    invalid: Vec<(u8, Index<BITS>), 4>,
    kills: u8,
    losses: u8,
    forgeries: u8,
    repeats: u8,
    fault: Option<&'static str>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Install {
        queue: u8,
        slot: u8,
    },
    Evict {
        slot: u8,
    },
    Send {
        slot: u8,
        message: u8,
        restart: bool,
    },
    Arrive {
        from: u8,
        to: u8,
        channel: u8,
        at: u8,
    },
    LoseFrame {
        from: u8,
        to: u8,
        channel: u8,
    },
    Reject {
        slot: u8,
    },
    TakeAnswer {
        from: u8,
        to: u8,
        at: u8,
    },
    RepeatAnswer {
        from: u8,
        to: u8,
    },
    LoseAnswer {
        from: u8,
        to: u8,
    },
    Forge {
        from: u8,
        slot: u8,
        message: u8,
        accepted: bool,
    },
    Empty {
        receive_queue: u8,
    },
    EndPause {
        slot: u8,
    },
    TakeHint {
        slot: u8,
    },
    LoseHint {
        slot: u8,
    },
    Kill {
        slot: u8,
    },
    Fail {
        slot: u8,
    },
}

impl<const BITS: u32, Q: TransmitQueue<BITS>> Sending<BITS, Q> {
    fn limits(&self, queue: u8) -> Limits {
        Limits {
            window: Index::<BITS>::WINDOW,
            give_up: self.queues[usize::from(queue)].give_up,
            doublings: 0,
            patience: 1,
        }
    }

    /// First index that the queue has not stored: it stores as much as the window allows.
    fn producer(&self, state: &State<BITS, Q>, queue: u8) -> Index<BITS> {
        let messages = self.queues[usize::from(queue)].messages.len() as u8;
        let window = state.queues[usize::from(queue)].passed + Index::<BITS>::WINDOW;
        self.index(state, queue, messages.min(window))
    }

    fn index(&self, state: &State<BITS, Q>, queue: u8, message: u8) -> Index<BITS> {
        let queue = &state.queues[usize::from(queue)];
        let consumer = match queue.slot {
            Some(slot) => state.slots[usize::from(slot)].sender.consumer(),
            None => queue.saved,
        };
        consumer.plus(message.wrapping_sub(queue.passed))
    }

    /// The message that the index names now, if the queue has one.
    fn message(&self, state: &State<BITS, Q>, queue: u8, index: Index<BITS>) -> Option<u8> {
        let passed = state.queues[usize::from(queue)].passed;
        let message = passed + index.since(self.index(state, queue, passed));
        (usize::from(message) < self.queues[usize::from(queue)].messages.len()).then_some(message)
    }

    /// Node of the receive queue and channel: what the link keeps in order.
    fn way(&self, queue: u8, message: u8) -> (u8, u8) {
        let (receive_queue, channel) =
            self.queues[usize::from(queue)].messages[usize::from(message)];
        (node_of(receive_queue), channel)
    }

    fn launches(&self, state: &State<BITS, Q>, slot: u8) -> Vec<protocol::Launch<BITS>, 4> {
        let Some(queue) = state.slots[usize::from(slot)].owner else {
            return Vec::new();
        };
        let producer = self.producer(state, queue);
        state.slots[usize::from(slot)]
            .sender
            .launches(producer, |index| {
                let message = self.message(state, queue, index)?;
                Some(self.way(queue, message))
            })
    }

    fn send(&self, state: &mut State<BITS, Q>, slot: u8, message: u8, restart: bool) {
        let launches = self.launches(state, slot);
        let queue = state.slots[usize::from(slot)].owner.expect("it sends");
        let index = self.index(state, queue, message);
        let launch = launches.iter().find(|launch| launch.index == index);
        let launch = launch.expect("this may be sent");
        let (producer, way) = (self.producer(state, queue), self.way(queue, message));
        let sender = &mut state.slots[usize::from(slot)].sender;
        let alone = sender.outstanding(way) == 0;
        sender.launch(launch, producer, way);
        let generation = sender.generation();
        let record = &mut state.queues[usize::from(queue)];
        let sent = &mut record.messages[usize::from(message)];
        if sent.sent && !sent.refused {
            state.fault = Some("sent again without a refusal");
        }
        // Without rule 3 this is no fault of its own; what it leads to is.
        let collects = self.rules.holds(Rule::RefusalStopsSending);
        if record.hopeless && !alone && Q::PROBES_ALONE && collects {
            state.fault = Some("sent beside others after a refusal");
        }
        (sent.sent, sent.refused) = (true, false);
        let (receive_queue, channel) =
            self.queues[usize::from(queue)].messages[usize::from(message)];
        let frame = Frame {
            slot,
            generation,
            index,
            restart,
            receive_queue,
            queue,
            message,
        };
        if receive_queue == INVALID {
            state.invalid.push((slot, index)).expect("a window at most");
            return;
        }
        let from = self.slots[usize::from(slot)];
        state.network.send(from, way.0, channel, frame);
    }

    fn arrive(&self, state: &mut State<BITS, Q>, from: u8, to: u8, channel: u8, at: u8) {
        let frame = state.network.arrive(from, to, channel, at);
        let receive_queue = usize::from(frame.receive_queue);
        let placement = match state.levels.get(receive_queue) {
            None => Placement::NotResident,
            Some(level) if *level < self.entries => Placement::Room,
            Some(_) => Placement::NoRoom,
        };
        let origin = Origin {
            node: from.into(),
            slot: frame.slot,
            channel,
        };
        let verdict = state.receivers[usize::from(to)].on_message(origin, frame.restart, placement);
        match verdict {
            Verdict::Accepted => {
                state.levels[receive_queue] += 1;
                self.deliver(state, &frame);
            }
            Verdict::Full if self.hints => state.waiting[receive_queue].on_full(origin),
            Verdict::Behind if !self.evicts => self.check_behind(state, &frame, (to, channel)),
            _ => {}
        }
        let messages = &mut state.queues[usize::from(frame.queue)].messages;
        messages[usize::from(frame.message)].full = verdict == Verdict::Full;
        if verdict != Verdict::Behind || self.rules.holds(Rule::RefusalIsAnswered) {
            let answer = Answer::new(frame.slot, frame.generation, verdict, frame.index);
            state.network.answer(to, from, answer);
        }
    }

    fn deliver(&self, state: &mut State<BITS, Q>, frame: &Frame<BITS>) {
        let plan = &self.queues[usize::from(frame.queue)].messages;
        let messages = &mut state.queues[usize::from(frame.queue)].messages;
        let own = usize::from(frame.message);
        let later = (own + 1..messages.len())
            .any(|other| plan[other] == plan[own] && messages[other].delivered);
        if later {
            state.fault = Some("order");
        }
        if messages[own].delivered {
            state.fault = Some("delivered twice");
        }
        if messages[own].fate == Fate::Failed {
            state.fault = Some("delivered after it was reported as not delivered");
        }
        messages[own].delivered = true;
    }

    /// BEHIND is said only while a message of the same way is owed that was refused for want of room.
    fn check_behind(&self, state: &mut State<BITS, Q>, frame: &Frame<BITS>, way: (u8, u8)) {
        let messages = &state.queues[usize::from(frame.queue)].messages;
        let owed = (0..=frame.message)
            .any(|other| self.way(frame.queue, other) == way && messages[usize::from(other)].full);
        if !owed {
            state.fault = Some("BEHIND without a cause");
        }
    }

    fn take(&self, state: &mut State<BITS, Q>, from: u8, answer: &Answer<BITS>) {
        let slot = usize::from(answer.slot);
        let Some(queue) = state.slots[slot].owner else {
            return;
        };
        let named: Vec<u8, 8> = answer
            .indices()
            .filter_map(|index| self.message(state, queue, index))
            .collect();
        let before = state.clone();
        let way = |index| {
            let message = self.message(&before, queue, index);
            message.map(|message| self.way(queue, message))
        };
        let sender = &mut state.slots[slot].sender;
        if sender.generation() == answer.generation {
            let record = &mut state.queues[usize::from(queue)];
            for message in named {
                let refused = answer.verdict.is_refusal() && self.way(queue, message).0 == from;
                record.messages[usize::from(message)].refused |= refused;
            }
            record.hopeless = answer.verdict.is_refusal();
        }
        let outcome = sender.on_answer(from.into(), answer, way);
        self.settle(state, queue, answer.verdict, outcome);
    }

    /// Enters what the sender has learnt.
    fn settle(&self, state: &mut State<BITS, Q>, queue: u8, verdict: Verdict, outcome: Outcome) {
        let record = &mut state.queues[usize::from(queue)];
        record.passed += outcome.passed;
        let slot = record.slot.expect("it is resident");
        let sender = state.slots[usize::from(slot)].sender;
        let passed = record.passed;
        for message in 0..record.messages.len() as u8 {
            let index = sender.consumer().plus(message.wrapping_sub(passed));
            let ahead = message.wrapping_sub(passed) < Index::<BITS>::WINDOW;
            let done = message < passed || ahead && sender.is_done(index);
            let record = &mut record.messages[usize::from(message)];
            if !done || record.fate != Fate::Open {
                continue;
            }
            record.fate = if verdict == Verdict::Accepted {
                Fate::Accepted
            } else {
                Fate::Failed
            };
            if record.delivered != (record.fate == Fate::Accepted) {
                state.fault = Some(match record.fate {
                    Fate::Accepted => "counted as delivered and was not",
                    _ => "reported as not delivered and was",
                });
            }
        }
    }

    /// The slot is taken from its queue, which ends.
    fn end(&self, state: &mut State<BITS, Q>, slot: u8) {
        let resident = &mut state.slots[usize::from(slot)];
        let queue = resident.owner.take().expect("it is resident");
        resident.sender.free();
        state.invalid.retain(|invalid| invalid.0 != slot);
        let record = &mut state.queues[usize::from(queue)];
        for message in record
            .messages
            .iter_mut()
            .filter(|message| message.fate == Fate::Open)
        {
            message.fate = if message.sent {
                Fate::Unknown
            } else {
                Fate::Failed
            };
        }
        record.slot = None;
        record.hopeless = false;
        record.saved = Index::new(0);
        record.passed = 0;
    }

    /// Whether neither frame nor answer of an unanswered message is on its way.
    fn is_starved(&self, state: &State<BITS, Q>, slot: u8) -> bool {
        let sender = &state.slots[usize::from(slot)].sender;
        let on_the_way = state.network.count(slot, sender.generation());
        on_the_way < sender.outstanding_of_all()
    }

    /// Whether the counts of unanswered messages are those of the frames and answers on their way.
    fn counts_right(&self, state: &State<BITS, Q>) -> bool {
        (0..state.slots.len()).all(|slot| {
            let sender = &state.slots[slot].sender;
            let on_the_way = state.network.count(slot as u8, sender.generation());
            let invalid = state
                .invalid
                .iter()
                .filter(|invalid| usize::from(invalid.0) == slot);
            sender.outstanding_of_all() == on_the_way + invalid.count() as u8
        })
    }

    fn queue_actions(
        &self,
        state: &State<BITS, Q>,
        queue: u8,
        actions: &mut std::vec::Vec<Action>,
    ) {
        let record = &state.queues[usize::from(queue)];
        let open = record
            .messages
            .iter()
            .any(|message| message.fate == Fate::Open);
        let node = self.queues[usize::from(queue)].node;
        if record.slot.is_none() && open {
            let fits =
                |slot: &usize| state.slots[*slot].owner.is_none() && self.slots[*slot] == node;
            let free = (0..state.slots.len()).filter(fits).map(|slot| slot as u8);
            actions.extend(free.map(|slot| Action::Install { queue, slot }));
        }
    }

    fn slot_actions(&self, state: &State<BITS, Q>, slot: u8, actions: &mut std::vec::Vec<Action>) {
        let resident = &state.slots[usize::from(slot)];
        let Some(queue) = resident.owner else {
            return;
        };
        for launch in self.launches(state, slot) {
            let message = self.message(state, queue, launch.index);
            actions.push(Action::Send {
                slot,
                message: message.expect("only what exists is sent"),
                restart: launch.restart,
            });
        }
        let out = resident.sender.outstanding_of_all() > 0;
        if self.evicts && resident.sender.save().is_some() {
            actions.push(Action::Evict { slot });
        }
        if out && state.kills > 0 {
            actions.push(Action::Kill { slot });
        }
        if out && self.losses > 0 && self.is_starved(state, slot) {
            actions.push(Action::Fail { slot });
        }
        let by_time = resident.sender.is_paused() && self.rules.holds(Rule::PauseEndsByTime);
        if by_time || !self.rules.holds(Rule::GiveUpOnAnswer) {
            actions.push(Action::EndPause { slot });
        }
        if state.forgeries > 0 {
            self.forgeries(state, slot, actions);
        }
    }

    /// Answers that must not count: from another node than the message went to, or for a message that is not
    /// unanswered. While the queue collects, it does not know which messages are refused, and a node that answers one
    /// message twice deceives it.
    fn forgeries(&self, state: &State<BITS, Q>, slot: u8, actions: &mut std::vec::Vec<Action>) {
        let queue = state.slots[usize::from(slot)]
            .owner
            .expect("a resident queue");
        let record = &state.queues[usize::from(queue)];
        let last = (record.passed + Index::<BITS>::WINDOW).min(record.messages.len() as u8);
        for message in record.passed..last {
            let Message {
                sent,
                refused,
                fate,
                ..
            } = record.messages[usize::from(message)];
            let unanswered = sent && !refused && fate == Fate::Open;
            for from in [0, 1] {
                let right_node = self.way(queue, message).0 == from;
                if right_node && (unanswered || refused) {
                    continue;
                }
                for accepted in [false, true] {
                    actions.push(Action::Forge {
                        from,
                        slot,
                        message,
                        accepted,
                    });
                }
            }
        }
    }
}

impl<const BITS: u32, Q: TransmitQueue<BITS>> World for Sending<BITS, Q> {
    type State = State<BITS, Q>;
    type Action = Action;

    fn start(&self) -> Self::State {
        let message = Message {
            fate: Fate::Open,
            sent: false,
            refused: false,
            full: false,
            delivered: false,
        };
        let queue = |plan: &QueuePlan| Queue {
            messages: plan.messages.iter().map(|_| message).collect(),
            saved: Index::new(0),
            slot: None,
            passed: 0,
            hopeless: false,
        };
        let slot = |_: &u8| Slot {
            owner: None,
            sender: Q::new(self.rules, self.limits(0), 0),
        };
        let slots = self.slots.len() as u16;
        State {
            queues: self.queues.iter().map(queue).collect(),
            slots: self.slots.iter().map(slot).collect(),
            network: Network::default(),
            receivers: [Receiver::new(self.rules, 2, slots); 2],
            levels: [0; RECEIVE_QUEUES],
            waiting: [WaitingSender::default(); RECEIVE_QUEUES],
            hints: Vec::new(),
            invalid: Vec::new(),
            kills: self.kills,
            losses: self.losses,
            forgeries: self.forgeries,
            repeats: self.repeats,
            fault: None,
        }
    }

    fn actions(&self, state: &Self::State, actions: &mut std::vec::Vec<Action>) {
        for queue in 0..state.queues.len() as u8 {
            self.queue_actions(state, queue, actions);
        }
        for slot in 0..state.slots.len() as u8 {
            self.slot_actions(state, slot, actions);
        }
        state.network.frames(|from, to, channel, waiting| {
            let any = !self.rules.holds(Rule::LinkKeepsOrder);
            let first = if any { waiting } else { 1 };
            actions.extend((0..first).map(|at| Action::Arrive {
                from,
                to,
                channel,
                at,
            }));
            if state.losses > 0 {
                actions.push(Action::LoseFrame { from, to, channel });
            }
        });
        state.network.answers(|from, to, waiting| {
            let first = if self.overtake { waiting } else { 1 };
            actions.extend((0..first).map(|at| Action::TakeAnswer { from, to, at }));
            if state.losses > 0 {
                actions.push(Action::LoseAnswer { from, to });
            }
            if state.repeats > 0 && !self.rules.holds(Rule::AnswerOnce) {
                actions.push(Action::RepeatAnswer { from, to });
            }
        });
        for receive_queue in 0..RECEIVE_QUEUES as u8 {
            if state.levels[usize::from(receive_queue)] > 0 && self.dead != Some(receive_queue) {
                actions.push(Action::Empty { receive_queue });
            }
        }
        if let Some(&(slot, _)) = state.invalid.first() {
            actions.push(Action::Reject { slot });
        }
        for &slot in &state.hints {
            actions.extend([Action::TakeHint { slot }, Action::LoseHint { slot }]);
        }
    }

    fn step(&self, state: &mut Self::State, action: &Action) {
        match *action {
            Action::Install { queue, slot } => {
                let limits = self.limits(queue);
                let record = &mut state.queues[usize::from(queue)];
                record.slot = Some(slot);
                let resident = &mut state.slots[usize::from(slot)];
                resident.owner = Some(queue);
                resident.sender.load(limits, record.saved);
            }
            Action::Evict { slot } => {
                let resident = &mut state.slots[usize::from(slot)];
                let queue = resident.owner.take().expect("it is resident");
                let record = &mut state.queues[usize::from(queue)];
                record.saved = resident.sender.save().expect("it may be evicted");
                record.slot = None;
                record.hopeless = false;
                resident.sender.free();
            }
            Action::Send {
                slot,
                message,
                restart,
            } => self.send(state, slot, message, restart),
            Action::Arrive {
                from,
                to,
                channel,
                at,
            } => self.arrive(state, from, to, channel, at),
            Action::LoseFrame { from, to, channel } => {
                state.losses -= 1;
                state.network.arrive(from, to, channel, 0);
            }
            Action::Reject { slot } => {
                let (_, index) = state.invalid.remove(0);
                let resident = &mut state.slots[usize::from(slot)];
                let outcome = resident.sender.on_rejected(index);
                let queue = resident.owner.expect("a resident queue");
                self.settle(state, queue, Verdict::NotResident, outcome);
            }
            Action::TakeAnswer { from, to, at } => {
                let answer = state.network.take_answer(from, to, at);
                self.take(state, from, &answer);
            }
            Action::RepeatAnswer { from, to } => {
                state.repeats -= 1;
                let answer = state.network.first_answer(from, to);
                self.take(state, from, &answer);
            }
            Action::LoseAnswer { from, to } => {
                state.losses -= 1;
                state.network.take_answer(from, to, 0);
            }
            Action::Forge {
                from,
                slot,
                message,
                accepted,
            } => {
                state.forgeries -= 1;
                let queue = state.slots[usize::from(slot)]
                    .owner
                    .expect("a resident queue");
                let index = self.index(state, queue, message);
                let generation = state.slots[usize::from(slot)].sender.generation();
                let verdict = if accepted {
                    Verdict::Accepted
                } else {
                    Verdict::Full
                };
                let answer = Answer::new(slot, generation, verdict, index);
                let (refused, hopeless) = {
                    let record = &state.queues[usize::from(queue)];
                    (record.messages.clone(), record.hopeless)
                };
                self.take(state, from, &answer);
                // What is forged must not count for the checks either.
                let record = &mut state.queues[usize::from(queue)];
                record.hopeless = hopeless;
                for (message, before) in record.messages.iter_mut().zip(&refused) {
                    message.refused = before.refused;
                }
            }
            Action::Empty { receive_queue } => {
                state.levels[usize::from(receive_queue)] -= 1;
                if let Some((_, slot)) = state.waiting[usize::from(receive_queue)].on_room()
                    && !state.hints.contains(&slot)
                {
                    state.hints.push(slot).expect("one hint a slot");
                }
            }
            Action::EndPause { slot } => self.end_pause(state, slot),
            Action::TakeHint { slot } => {
                state.hints.retain(|&other| other != slot);
                if state.slots[usize::from(slot)].owner.is_some() {
                    self.end_pause(state, slot);
                }
            }
            Action::LoseHint { slot } => state.hints.retain(|&other| other != slot),
            Action::Kill { slot } => {
                state.kills -= 1;
                self.end(state, slot);
            }
            Action::Fail { slot } => self.end(state, slot),
        }
        let exact = self.rules.0.is_none() && self.losses == 0 && self.forgeries == 0;
        if exact && state.fault.is_none() && !self.counts_right(state) {
            state.fault = Some("unanswered messages are miscounted");
        }
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.fault
    }

    /// Every message has its fate; not so those of a queue that never gives up and has one for the dead receive queue.
    fn is_complete(&self, state: &Self::State) -> bool {
        let dead_node = self.dead.map(node_of);
        (0..self.queues.len()).all(|queue| {
            let plan = &self.queues[queue];
            let stuck = plan.give_up == 0
                && !self.live_ways
                && plan
                    .messages
                    .iter()
                    .any(|message| Some(message.0) == self.dead);
            let messages = plan.messages.iter().zip(&state.queues[queue].messages);
            stuck
                || messages.into_iter().all(|(plan, message)| {
                    let exempt = self.live_ways && Some(node_of(plan.0)) == dead_node;
                    exempt || message.fate != Fate::Open
                })
        })
    }
}

impl<const BITS: u32, Q: TransmitQueue<BITS>> Sending<BITS, Q> {
    fn end_pause(&self, state: &mut State<BITS, Q>, slot: u8) {
        let resident = &mut state.slots[usize::from(slot)];
        let queue = resident.owner.expect("a resident queue");
        let outcome = resident.sender.on_pause_over();
        self.settle(state, queue, Verdict::Full, outcome);
    }
}
