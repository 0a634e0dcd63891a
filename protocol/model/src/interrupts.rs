//! Arm, look, block: a program that waits for messages, the NIU's interrupts, a host that masks them in any step, and
//! firmware that sends the queue away and brings it back.

use std::collections::VecDeque;

use protocol::{Alarm, Rule, Rules, Vector};

use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
    explore::World,
};

/// A write on its way to the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Write {
    /// An entry of the ring.
    Entry,
    /// An interrupt, raised when so many entries were delivered.
    Interrupt(u16),
}

/// Where the program is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Program {
    /// Looks at the ring.
    Looks,
    /// Has armed the queue, and looks once more.
    Armed,
    /// Has found nothing, and is about to block.
    Blocks,
    /// Is blocked.
    Blocked,
}

/// One ring, one vector, one program.
#[derive(Clone, Debug)]
pub struct Interrupts {
    rules: AllBut,
    messages: u16,
    masks: u8,
    evictions: u8,
    moderated: bool,
}

/// All of it.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State {
    alarm: Alarm<AllBut>,
    vector: Vector<AllBut>,
    /// Messages committed, whose entries are not all handed over.
    committed: u16,
    handed: u16,
    to_host: VecDeque<Write>,
    /// Consumer stores on their way to the NIU.
    to_niu: VecDeque<u16>,
    landed: u16,
    taken: u16,
    program: Program,
    /// An interrupt that came while the program was not blocked.
    remembered: bool,
    masks_left: u8,
    evictions_left: u8,
    /// Messages in the miss ring.
    misses: u16,
    fault: Option<&'static str>,
}

/// One step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// The receive engine commits the next message.
    Commit,
    /// Its entry is handed to the host's writes.
    HandOver,
    /// The oldest write lands.
    Land,
    /// The oldest consumer store reaches the NIU.
    Store,
    /// The vector is taken from the FIFO.
    Turn,
    /// It is looked at.
    Look,
    /// It may send again.
    RestEnds,
    /// The host masks or unmasks it.
    Mask(bool),
    /// The program goes on.
    Run,
    /// The queue goes away.
    Evict,
    /// It comes back, with its misses.
    Install,
}

impl World for Interrupts {
    type State = State;
    type Action = Action;

    fn start(&self) -> State {
        State {
            alarm: Alarm::new(self.rules),
            vector: Vector::new(self.rules, self.moderated),
            committed: 0,
            handed: 0,
            to_host: VecDeque::new(),
            to_niu: VecDeque::new(),
            landed: 0,
            taken: 0,
            program: Program::Looks,
            remembered: false,
            masks_left: self.masks,
            evictions_left: self.evictions,
            misses: 0,
            fault: None,
        }
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let mut may = |condition: bool, action: Action| {
            if condition {
                actions.push(action);
            }
        };
        // One message is between commit and hand-over, as in the entry writer.
        let writes = state.committed != state.handed;
        may(!writes && state.committed < self.messages, Action::Commit);
        may(writes, Action::HandOver);
        may(!state.to_host.is_empty(), Action::Land);
        may(!state.to_niu.is_empty(), Action::Store);
        may(state.vector.is_waiting(), Action::Turn);
        may(state.vector.is_looked_at(), Action::Look);
        may(state.vector.is_resting(), Action::RestEnds);
        may(state.vector.is_masked(), Action::Mask(false));
        let masks = !state.vector.is_masked() && state.masks_left > 0;
        may(masks, Action::Mask(true));
        may(state.program != Program::Blocked, Action::Run);
        let resident = state.alarm.is_resident();
        let leaves = resident && !writes && state.evictions_left > 0;
        may(leaves, Action::Evict);
        let returns = !resident && (state.misses > 0 || state.alarm.must_come_back());
        may(returns, Action::Install);
    }

    fn step(&self, state: &mut State, action: &Action) {
        match action {
            Action::Commit if !state.alarm.is_resident() => {
                (state.committed, state.handed) = (state.committed + 1, state.handed + 1);
                state.misses += 1;
            }
            Action::Commit => {
                state.committed += 1;
                if !self.rules.holds(Rule::RaiseBehindEntry) {
                    self.delivered(state);
                }
            }
            Action::HandOver => {
                state.handed += 1;
                state.to_host.push_back(Write::Entry);
                if self.rules.holds(Rule::RaiseBehindEntry) {
                    self.delivered(state);
                }
            }
            Action::Land => match state.to_host.pop_front() {
                Some(Write::Interrupt(announced)) => {
                    if state.landed < announced {
                        state.fault = Some("an interrupt came before its entry");
                    }
                    if state.program == Program::Blocked {
                        state.program = Program::Looks;
                    } else {
                        state.remembered = self.rules.holds(Rule::RaiseRemembered);
                    }
                }
                _ => state.landed += 1,
            },
            Action::Store => {
                let index = state.to_niu.pop_front().unwrap_or_default();
                if state.alarm.on_store(index, true) {
                    state.vector.on_raise();
                }
            }
            Action::Turn => state.vector.on_turn(),
            Action::Look => {
                if state.vector.on_look() {
                    let announced = state.alarm.delivered();
                    state.to_host.push_back(Write::Interrupt(announced));
                }
            }
            Action::RestEnds => state.vector.on_rest_end(),
            Action::Mask(masked) => {
                state.vector.on_mask(*masked);
                state.masks_left -= u8::from(*masked);
            }
            Action::Run => self.run(state),
            Action::Evict => {
                state.evictions_left -= 1;
                state.alarm.on_eviction();
            }
            Action::Install => {
                let copied = std::mem::take(&mut state.misses);
                state.to_host.extend((0..copied).map(|_| Write::Entry));
                if state.alarm.on_installation(copied) {
                    state.vector.on_raise();
                }
            }
        }
    }

    fn fault(&self, state: &State) -> Option<&'static str> {
        state.fault
    }

    fn is_complete(&self, state: &State) -> bool {
        state.taken == self.messages
    }
}

impl Interrupts {
    fn delivered(&self, state: &mut State) {
        if state.alarm.on_delivered() {
            state.vector.on_raise();
        }
    }

    fn run(&self, state: &mut State) {
        let found = state.landed != state.taken;
        state.program = match state.program {
            Program::Looks | Program::Armed if found => {
                state.taken += 1;
                Program::Looks
            }
            Program::Looks => {
                state.to_niu.push_back(state.taken);
                Program::Armed
            }
            Program::Armed => Program::Blocks,
            Program::Blocks if std::mem::take(&mut state.remembered) => Program::Looks,
            Program::Blocks | Program::Blocked => Program::Blocked,
        };
    }
}

/// With and without masks, moderation and evictions.
pub fn worlds() -> Vec<Experiment> {
    let world = |name: &str, size, messages, masks, evictions, moderated| {
        Experiment::new(name, size, move |rules| Interrupts {
            rules,
            messages,
            masks,
            evictions,
            moderated,
        })
    };
    vec![
        world("interrupts/one", Size::Small, 2, 1, 0, false),
        world("interrupts/moderated", Size::Small, 3, 1, 0, true),
        world("interrupts/away", Size::Small, 3, 0, 2, false),
        world("interrupts/many", Size::Large, 5, 3, 0, true),
        world("interrupts/many-away", Size::Large, 4, 2, 3, true),
    ]
}
