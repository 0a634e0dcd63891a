//! All parts at once: endpoints that come and go share a slot, send on two channels to receive queues that come and go
//! on two nodes, find rings full, and are destroyed with messages unanswered.
//!
//! Small bounds only: the other models go deeper into each part. This one is about how the parts meet. A store's
//! verdict follows its look-up, commands of an endpoint's firmware are carried out and shadow lines written at once
//! here, and it is evicted only for the other endpoint's sake.

use protocol::{Answer, Index, Origin, Placement, Receiver, Verdict};

use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
    explore::World,
    sending::{Frame, Network},
    sink::{self, MissAction, MissRing, Sink, SinkAction, miss_actions, miss_step},
    source::{self, CaptureBuffer, Form, Launched, Node, Slot, Source, SourceAction},
};

/// Endpoints that send.
const SOURCES: usize = 2;
/// Receive queue `n` stands on node `n`, and is sent to on channel `n`.
const SINKS: usize = 2;

/// The world.
#[derive(Clone, Debug)]
pub struct Whole<const BITS: u32> {
    source: source::Plan,
    sink: sink::Plan,
    /// The receive queue of each message of each endpoint.
    messages: [std::vec::Vec<u8>; SOURCES],
    /// Evictions of receive queues.
    evictions: u8,
    /// Endpoints that may be destroyed.
    kills: u8,
    /// Pages that may be taken away.
    takes: u8,
}

/// A state of the world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State<const BITS: u32> {
    /// `None`: destroyed.
    sources: [Option<Source<BITS>>; SOURCES],
    slots: [Slot<BITS>; 1],
    captured: CaptureBuffer<BITS>,
    network: Network<BITS>,
    receivers: [Receiver<1, AllBut>; SINKS],
    sinks: [Sink<(u8, u8)>; SINKS],
    misses: [MissRing<(u8, u8)>; SINKS],
    /// Messages of each endpoint that were accepted, and that a host has taken, one bit each.
    accepted: [u8; SOURCES],
    taken: [u8; SOURCES],
    evictions: u8,
    kills: u8,
    takes: u8,
    fault: Option<&'static str>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Source { source: u8, action: SourceAction },
    Arrive { to: u8, channel: u8 },
    TakeAnswer { from: u8 },
    EndPause,
    Sink { sink: u8, action: SinkAction },
    Misses { sink: u8, action: MissAction },
    Kill { source: u8 },
}

impl<const BITS: u32> Whole<BITS> {
    fn plan(&self, source: u8) -> source::Plan {
        source::Plan {
            messages: self.messages[usize::from(source)].len() as u8,
            ..self.source
        }
    }

    fn source_step(&self, state: &mut State<BITS>, source: u8, action: SourceAction) {
        state.takes -= u8::from(action == SourceAction::TakePage);
        self.one_step(state, source, action);
        if state.sources[usize::from(source)]
            .as_ref()
            .is_some_and(Source::has_incoming)
        {
            self.one_step(state, source, SourceAction::Verdict);
        }
        self.command(state, source);
    }

    fn one_step(&self, state: &mut State<BITS>, source: u8, action: SourceAction) {
        let mut node = Node {
            slots: &mut state.slots,
            captured: &mut state.captured,
        };
        let endpoint = state.sources[usize::from(source)]
            .as_mut()
            .expect("it lives");
        match endpoint.step(&self.plan(source), action, &mut node) {
            Ok(None) => {}
            Ok(Some(launched)) => self.send(state, source, &launched),
            Err(fault) => state.fault = Some(fault),
        }
    }

    fn send(&self, state: &mut State<BITS>, source: u8, launched: &Launched<BITS>) {
        let way = self.messages[usize::from(source)][usize::from(launched.message)];
        let frame = Frame {
            slot: 0,
            generation: state.slots[0].sender.generation(),
            index: launched.launch.index,
            restart: launched.launch.restart,
            receive_queue: way,
            queue: source,
            message: launched.message,
        };
        state.network.send(0, way, way, frame);
    }

    /// Carries out what the endpoint's firmware has decided.
    fn command(&self, state: &mut State<BITS>, source: u8) {
        let plan = self.plan(source);
        loop {
            let Some(endpoint) = &state.sources[usize::from(source)] else {
                return;
            };
            let Some(action) = endpoint.command(&plan, &state.slots) else {
                return;
            };
            self.one_step(state, source, action);
        }
    }

    fn arrive(&self, state: &mut State<BITS>, to: u8, channel: u8) {
        let frame = state.network.arrive(0, to, channel, 0);
        let place = usize::from(to);
        let found = state.sinks[place].look_up();
        let room = state.sinks[place].has_room(&self.sink, &state.misses[place], found);
        let placement = if room {
            Placement::Room
        } else {
            Placement::NoRoom
        };
        let origin = Origin {
            node: 0,
            slot: frame.slot,
            channel,
        };
        let verdict = state.receivers[place].on_message(origin, frame.restart, placement);
        if verdict == Verdict::Accepted {
            let message = (frame.queue, frame.message);
            if let Err(fault) =
                state.sinks[place].commit(&self.sink, &mut state.misses[place], found, message)
            {
                state.fault = Some(fault);
            }
            state.accepted[usize::from(frame.queue)] |= 1 << frame.message;
        }
        let answer = Answer::new(frame.slot, frame.generation, verdict, frame.index);
        state.network.answer(to, 0, answer);
    }

    fn take_answer(&self, state: &mut State<BITS>, from: u8) {
        let answer = state.network.take_answer(from, 0, 0);
        let owner = state.slots[0].owner.map(usize::from);
        let Some(owner) = owner.filter(|&owner| state.sources[owner].is_some()) else {
            return;
        };
        let source = state.sources[owner].as_mut().expect("it lives");
        let passed = source.passed;
        let messages = &self.messages[owner];
        let sent_to = |index: Index<BITS>| {
            let message = passed + index.since(Index::new(passed));
            messages
                .get(usize::from(message))
                .map_or(u16::MAX, |&way| way.into())
        };
        let outcome = state.slots[0]
            .sender
            .on_answer(from.into(), &answer, sent_to);
        source.pass(&self.plan(owner as u8), outcome.passed, &mut state.slots[0]);
        let done = (1_u16 << source.passed) - 1;
        if u16::from(state.accepted[owner]) & done != done {
            state.fault = Some("counted as delivered and was not");
        }
        self.command(state, owner as u8);
    }

    /// Whether another endpoint waits for the slot.
    fn is_wanted(&self, state: &State<BITS>, by_others_than: u8) -> bool {
        let other = &state.sources[usize::from(1 - by_others_than)];
        let oldest = state.captured.first();
        other
            .as_ref()
            .is_some_and(|endpoint| endpoint.wants_slot(oldest))
    }

    fn sink_step(&self, state: &mut State<BITS>, sink: u8, action: SinkAction) {
        if action == SinkAction::Unwant {
            state.evictions -= 1;
        }
        let at = usize::from(sink);
        match state.sinks[at].step(&self.sink, &mut state.misses[at], action) {
            Ok(None) => {}
            Ok(Some((source, message))) => {
                let plan = &self.messages[usize::from(source)];
                let taken = &mut state.taken[usize::from(source)];
                let later = (usize::from(message)..plan.len())
                    .any(|other| plan[other] == sink && *taken >> other & 1 == 1);
                if later {
                    state.fault = Some("order or twice");
                }
                *taken |= 1 << message;
            }
            Err(fault) => state.fault = Some(fault),
        }
    }
}

impl<const BITS: u32> World for Whole<BITS> {
    type State = State<BITS>;
    type Action = Action;

    fn start(&self) -> Self::State {
        let rules = self.source.rules;
        State {
            sources: [0, 1].map(|source| Some(Source::new(&self.plan(source), source))),
            slots: [Slot::new(&self.source)],
            captured: CaptureBuffer::new(),
            network: Network::default(),
            receivers: [Receiver::new(rules, 1, 1); SINKS],
            sinks: [0, 1].map(|_| Sink::new(&self.sink, 0, true)),
            misses: [MissRing::new(), MissRing::new()],
            accepted: [0; SOURCES],
            taken: [0; SOURCES],
            evictions: self.evictions,
            kills: self.kills,
            takes: self.takes,
            fault: None,
        }
    }

    fn actions(&self, state: &Self::State, actions: &mut std::vec::Vec<Action>) {
        let oldest = state.captured.first();
        let vacant = state.slots[0].owner.is_none();
        for (source, endpoint) in (0..).zip(&state.sources) {
            let Some(endpoint) = endpoint else { continue };
            let plan = self.plan(source);
            endpoint.actions(&plan, &state.slots, oldest, true, |action| {
                let allowed = match action {
                    SourceAction::Unwant => self.is_wanted(state, source),
                    SourceAction::TakePage => state.takes > 0,
                    SourceAction::TakeReportAndLose => false,
                    SourceAction::TakeReportWithoutSlot => !vacant,
                    _ => true,
                };
                if allowed {
                    actions.push(Action::Source { source, action });
                }
            });
            let unanswered = state.slots[0].sender.outstanding() > 0;
            let owns = endpoint.slot(&state.slots).is_some();
            if state.kills > 0 && owns && unanswered {
                actions.push(Action::Kill { source });
            }
        }
        state
            .network
            .frames(|_, to, channel, _| actions.push(Action::Arrive { to, channel }));
        state
            .network
            .answers(|from, _, _| actions.push(Action::TakeAnswer { from }));
        if state.slots[0].sender.is_paused() {
            actions.push(Action::EndPause);
        }
        for (sink, queue) in (0..).zip(&state.sinks) {
            let misses = &state.misses[usize::from(sink)];
            let (free, vacant) = (!queue.is_busy(), !queue.has_slot());
            queue.actions(&self.sink, misses, free, vacant, |action| {
                if action != SinkAction::Unwant || state.evictions > 0 {
                    actions.push(Action::Sink { sink, action });
                }
            });
            miss_actions(&self.sink, misses, |action| {
                actions.push(Action::Misses { sink, action });
            });
        }
    }

    fn step(&self, state: &mut Self::State, action: &Action) {
        match *action {
            Action::Source { source, action } => self.source_step(state, source, action),
            Action::Arrive { to, channel } => self.arrive(state, to, channel),
            Action::TakeAnswer { from } => self.take_answer(state, from),
            Action::EndPause => {
                state.slots[0].sender.on_pause_over();
            }
            Action::Sink { sink, action } => self.sink_step(state, sink, action),
            Action::Misses { sink, action } => {
                miss_step(&mut state.misses[usize::from(sink)], action);
            }
            Action::Kill { source } => {
                state.kills -= 1;
                state.sources[usize::from(source)] = None;
                state.captured.retain(|captured| captured.0 != source);
                state.slots[0].clear();
            }
        }
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.fault
    }

    fn is_complete(&self, state: &Self::State) -> bool {
        (0..SOURCES).all(|source| {
            let all = (1_u16 << self.messages[source].len()) - 1;
            let done = u16::from(state.taken[source]) == all;
            let told = |endpoint: &Source<BITS>| u16::from(endpoint.told);
            match &state.sources[source] {
                Some(endpoint) => done && told(endpoint) == self.messages[source].len() as u16,
                None => true,
            }
        })
    }
}

/// The worlds of this model.
pub fn worlds() -> std::vec::Vec<Experiment> {
    use Size::{Large, Small};
    let world = |rules, messages: [&[u8]; SOURCES]| Whole::<2> {
        source: source::Plan {
            rules,
            messages: 0,
            form: Form::Express,
            window: 2,
            share: 1,
            capture: 1,
            hostile: false,
            greedy: false,
        },
        sink: sink::Plan {
            rules,
            entries: 1,
            misses: 1,
        },
        messages: messages.map(<[u8]>::to_vec),
        evictions: 0,
        kills: 0,
        takes: 0,
    };
    let inline = move |rules, messages: [&[u8]; SOURCES]| {
        let express = world(rules, messages);
        Whole {
            source: source::Plan {
                form: Form::Inline,
                ..express.source
            },
            ..express
        }
    };
    vec![
        Experiment::new("whole/misses", Small, move |rules| Whole {
            evictions: 1,
            ..world(rules, [&[0, 0], &[]])
        }),
        Experiment::new("whole/shared", Small, move |rules| {
            world(rules, [&[0, 1], &[0]])
        }),
        Experiment::new("whole/kill", Small, move |rules| Whole {
            kills: 1,
            ..world(rules, [&[0], &[1]])
        }),
        Experiment::new("whole/inline", Small, move |rules| Whole {
            takes: 1,
            ..inline(rules, [&[0, 0], &[]])
        }),
        Experiment::new("whole/large", Large, move |rules| Whole {
            evictions: 1,
            kills: 1,
            ..world(rules, [&[0, 1], &[0]])
        }),
        Experiment::new("whole/large-kill", Large, move |rules| Whole {
            kills: 1,
            ..world(rules, [&[0], &[0, 1]])
        }),
        Experiment::new("whole/large-shared", Large, move |rules| {
            world(rules, [&[0, 1], &[0, 0]])
        }),
        Experiment::new("whole/large-inline", Large, move |rules| Whole {
            takes: 1,
            evictions: 1,
            ..inline(rules, [&[0, 0], &[0]])
        }),
    ]
}
