//! Receive queues that come and go while messages arrive (rules 20 to 24).
//!
//! They share a queue of the NIU and the miss ring. Each has one sender, which repeats what is refused. A message
//! arrives in two steps, look-up and commit. The host of a dead queue takes nothing.

use protocol::miss::Found;

use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
    explore::World,
    sink::{Fault, MissAction, MissRing, Plan, Sink, SinkAction, miss_actions, miss_step},
};

/// Most receive queues.
const QUEUES: usize = 2;

/// The world.
#[derive(Clone, Copy, Debug)]
pub struct Misses {
    plan: Plan,
    /// Messages for each receive queue; 0: there is no such queue.
    messages: [u8; QUEUES],
    /// The host of queue 0 takes nothing.
    dead: bool,
}

/// A state of the world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// The senders' next messages.
    next: [u8; QUEUES],
    /// What the look-up has found for them.
    found: [Option<Found>; QUEUES],
    sinks: [Sink<u8>; QUEUES],
    misses: MissRing<u8>,
    got: [u8; QUEUES],
    fault: Option<Fault>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    LookUp { queue: u8 },
    Commit { queue: u8 },
    Sink { queue: u8, action: SinkAction },
    Misses(MissAction),
}

impl Misses {
    fn is_alone(&self) -> bool {
        self.messages[1] == 0
    }
}

impl World for Misses {
    type State = State;
    type Action = Action;

    fn start(&self) -> State {
        State {
            next: [0; QUEUES],
            found: [None; QUEUES],
            sinks: [
                Sink::new(&self.plan, 0, true),
                Sink::new(&self.plan, 1, false),
            ],
            misses: MissRing::new(),
            got: [0; QUEUES],
            fault: None,
        }
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let free = !state.sinks.iter().any(Sink::is_busy);
        let vacant = !state.sinks.iter().any(Sink::has_slot);
        for queue in 0..QUEUES as u8 {
            let at = usize::from(queue);
            match state.found[at] {
                Some(_) => actions.push(Action::Commit { queue }),
                None if state.next[at] < self.messages[at] => {
                    actions.push(Action::LookUp { queue })
                }
                None => {}
            }
            let wanted = state.sinks[1 - at].wants_slot(&state.misses);
            let add = |action| {
                let dead = self.dead && queue == 0 && action == SinkAction::HostTakes;
                let evicts = action == SinkAction::Unwant && !wanted && !self.is_alone();
                if !dead && !evicts {
                    actions.push(Action::Sink { queue, action });
                }
            };
            state.sinks[at].actions(&self.plan, &state.misses, free, vacant, add);
        }
        let add = |action| actions.push(Action::Misses(action));
        miss_actions(&self.plan, &state.misses, add);
    }

    fn step(&self, state: &mut State, action: &Action) {
        match *action {
            Action::LookUp { queue } => {
                let at = usize::from(queue);
                state.found[at] = Some(state.sinks[at].look_up());
            }
            Action::Commit { queue } => {
                let at = usize::from(queue);
                let found = state.found[at].take().expect("it was looked up");
                let (sink, misses) = (&mut state.sinks[at], &mut state.misses);
                if sink.has_room(&self.plan, misses, found) {
                    let committed = sink.commit(&self.plan, misses, found, state.next[at]);
                    state.fault = committed.err();
                    state.next[at] += 1;
                }
            }
            Action::Sink { queue, action } => {
                let at = usize::from(queue);
                match state.sinks[at].step(&self.plan, &mut state.misses, action) {
                    Ok(Some(message)) => {
                        if message != state.got[at] {
                            state.fault = Some("order, lost or twice");
                        }
                        state.got[at] += 1;
                    }
                    Ok(None) => {}
                    Err(fault) => state.fault = Some(fault),
                }
            }
            Action::Misses(action) => miss_step(&mut state.misses, action),
        }
    }

    fn fault(&self, state: &State) -> Option<&'static str> {
        state.fault
    }

    fn is_complete(&self, state: &State) -> bool {
        let first = usize::from(self.dead);
        state.got[first..] == self.messages[first..]
    }
}

/// The worlds of this model.
pub fn worlds() -> Vec<Experiment> {
    use Size::{Large, Small};
    let world = |entries, misses, messages| {
        move |rules: AllBut| Misses {
            plan: Plan {
                rules,
                entries,
                misses,
            },
            messages,
            dead: false,
        }
    };
    let dead = move |rules| Misses {
        dead: true,
        ..world(1, 1, [2, 3])(rules)
    };
    vec![
        Experiment::new("misses/one", Small, world(1, 2, [4, 0])),
        Experiment::new("misses/two", Small, world(2, 2, [4, 0])),
        Experiment::new("misses/shared", Small, world(1, 2, [2, 2])),
        Experiment::new("misses/dead", Small, dead),
        Experiment::new("misses/large", Large, world(4, 4, [9, 0])),
        Experiment::new("misses/large-shared", Large, world(2, 2, [3, 3])),
    ]
}
