//! A receive queue that comes and goes while messages arrive (rules 20 to 24).
//!
//! One sender repeats what is refused. A message arrives in two steps, look-up and commit.

use protocol::miss::Found;

use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
    explore::World,
    sink::{Fault, Plan, Sink, SinkAction},
};

/// The world.
#[derive(Clone, Copy, Debug)]
pub struct Misses {
    plan: Plan,
    messages: u8,
}

/// A state of the world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    /// The sender's next message.
    next: u8,
    /// What the look-up has found for it.
    found: Option<Found>,
    sink: Sink<u8>,
    got: u8,
    fault: Option<Fault>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    LookUp,
    Commit,
    Sink(SinkAction),
}

impl World for Misses {
    type State = State;
    type Action = Action;

    fn start(&self) -> State {
        State {
            next: 0,
            found: None,
            sink: Sink::new(&self.plan),
            got: 0,
            fault: None,
        }
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        match state.found {
            Some(_) => actions.push(Action::Commit),
            None if state.next < self.messages => actions.push(Action::LookUp),
            None => {}
        }
        let add = |action| actions.push(Action::Sink(action));
        state.sink.actions(&self.plan, add);
    }

    fn step(&self, state: &mut State, action: &Action) {
        match *action {
            Action::LookUp => state.found = Some(state.sink.look_up()),
            Action::Commit => {
                let found = state.found.take().expect("it was looked up");
                if state.sink.has_room(&self.plan, found) {
                    state.fault = state.sink.commit(&self.plan, found, state.next).err();
                    state.next += 1;
                }
            }
            Action::Sink(action) => match state.sink.step(&self.plan, action) {
                Ok(Some(message)) => {
                    if message != state.got {
                        state.fault = Some("order, lost or twice");
                    }
                    state.got += 1;
                }
                Ok(None) => {}
                Err(fault) => state.fault = Some(fault),
            },
        }
    }

    fn fault(&self, state: &State) -> Option<&'static str> {
        state.fault
    }

    fn is_complete(&self, state: &State) -> bool {
        state.got == self.messages
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
        }
    };
    vec![
        Experiment::new("misses/two", Small, world(2, 2, 4)),
        Experiment::new("misses/four", Small, world(4, 2, 6)),
        Experiment::new("misses/large", Large, world(4, 4, 12)),
    ]
}
