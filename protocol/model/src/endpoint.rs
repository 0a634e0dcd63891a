//! Stores to an endpoint that comes and goes: capture, losses, installation, eviction, inline pages (rules 16 to 19 and
//! 25 to 28).
//!
//! One endpoint, one slot. Receivers take every message at once, or refuse it a few times.

use heapless::Vec;
use protocol::{Answer, Index, Verdict};

use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
    explore::World,
    source::{Captured, Fault, Form, Node, Plan, Slot, Source, SourceAction},
};

/// The world.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<const BITS: u32> {
    plan: Plan,
    /// The endpoint may be evicted so often.
    evictions: u8,
    /// Its page may be taken away so often.
    takes: u8,
    /// Messages may be refused so often.
    refusals: u8,
}

/// A state of the world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State<const BITS: u32> {
    source: Source<BITS>,
    slot: Slot<BITS>,
    captured: Vec<Captured<BITS>, 4>,
    /// Messages on their way.
    sent: Vec<(u8, Index<BITS>), 4>,
    delivered: u8,
    evictions: u8,
    takes: u8,
    refusals: u8,
    fault: Option<Fault>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Source(SourceAction),
    Deliver,
    Refuse,
    EndPause,
}

impl<const BITS: u32> Endpoint<BITS> {
    fn answer(&self, state: &mut State<BITS>, verdict: Verdict) {
        let (message, index) = state.sent.remove(0);
        if verdict == Verdict::Accepted {
            if message != state.delivered {
                state.fault = Some("order, lost or twice");
            }
            state.delivered = message + 1;
        }
        let answer = Answer::new(0, state.slot.sender.generation(), verdict, index);
        let outcome = state.slot.sender.on_answer(0, &answer, |_| 0);
        state.source.pass(&self.plan, outcome.passed);
    }
}

impl<const BITS: u32> World for Endpoint<BITS> {
    type State = State<BITS>;
    type Action = Action;

    fn start(&self) -> Self::State {
        State {
            source: Source::new(&self.plan),
            slot: Slot::new(&self.plan),
            captured: Vec::new(),
            sent: Vec::new(),
            delivered: 0,
            evictions: self.evictions,
            takes: self.takes,
            refusals: self.refusals,
            fault: None,
        }
    }

    fn actions(&self, state: &Self::State, actions: &mut std::vec::Vec<Action>) {
        let captured = state.captured.first();
        state
            .source
            .actions(&self.plan, 0, &state.slot, captured, |action| {
                let allowed = match action {
                    SourceAction::Unwant => state.evictions > 0,
                    SourceAction::TakePage => state.takes > 0,
                    _ => true,
                };
                if allowed {
                    actions.push(Action::Source(action));
                }
            });
        if !state.sent.is_empty() {
            actions.push(Action::Deliver);
            if state.refusals > 0 {
                actions.push(Action::Refuse);
            }
        }
        if state.slot.sender.is_paused() {
            actions.push(Action::EndPause);
        }
    }

    fn step(&self, state: &mut Self::State, action: &Action) {
        match *action {
            Action::Source(action) => {
                match action {
                    SourceAction::Unwant => state.evictions -= 1,
                    SourceAction::TakePage => state.takes -= 1,
                    _ => {}
                }
                let mut node = Node {
                    number: 0,
                    slot: &mut state.slot,
                    captured: &mut state.captured,
                };
                match state.source.step(&self.plan, action, &mut node) {
                    Ok(None) => {}
                    Ok(Some(launched)) => {
                        let sent = (launched.message, launched.launch.index);
                        state.sent.push(sent).expect("a window of messages at most");
                    }
                    Err(fault) => state.fault = Some(fault),
                }
            }
            Action::Deliver => self.answer(state, Verdict::Accepted),
            Action::Refuse => {
                // The receiver refuses what is behind, too.
                state.refusals -= 1;
                while !state.sent.is_empty() {
                    self.answer(state, Verdict::Full);
                }
            }
            Action::EndPause => {
                state.slot.sender.on_pause_over();
            }
        }
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.fault
    }

    fn is_complete(&self, state: &Self::State) -> bool {
        state.source.passed == self.plan.messages
    }
}

/// The worlds of this model.
pub fn worlds() -> std::vec::Vec<Experiment> {
    use Size::{Large, Small};
    let plan = |rules| Plan {
        rules,
        messages: 4,
        form: Form::Express,
        window: 2,
        quota: 1,
        capture: 2,
        hostile: false,
        greedy: false,
    };
    let express = move |rules: AllBut| Endpoint::<2> {
        plan: plan(rules),
        evictions: 2,
        takes: 0,
        refusals: 0,
    };
    let inline = move |rules: AllBut| Endpoint::<2> {
        plan: Plan {
            form: Form::Inline,
            messages: 3,
            quota: 2,
            ..plan(rules)
        },
        evictions: 0,
        takes: 2,
        refusals: 1,
    };
    let four = move |rules: AllBut, messages, quota| Endpoint::<3> {
        plan: Plan {
            messages,
            window: 4,
            quota,
            ..plan(rules)
        },
        evictions: 2,
        takes: 0,
        refusals: 0,
    };
    vec![
        Experiment::new("capture/two", Small, express),
        Experiment::new("capture/refused", Small, move |rules| Endpoint {
            refusals: 1,
            evictions: 1,
            ..express(rules)
        }),
        Experiment::new("capture/greedy", Small, move |rules| Endpoint {
            plan: Plan {
                greedy: true,
                ..express(rules).plan
            },
            evictions: 1,
            ..express(rules)
        }),
        Experiment::new("capture/four", Small, move |rules| four(rules, 4, 3)),
        Experiment::new("inline/page", Small, inline),
        Experiment::new("inline/evicted", Small, move |rules| Endpoint {
            evictions: 1,
            takes: 1,
            refusals: 0,
            ..inline(rules)
        }),
        Experiment::new("inline/hostile", Small, move |rules| Endpoint {
            plan: Plan {
                hostile: true,
                ..inline(rules).plan
            },
            ..inline(rules)
        }),
        Experiment::new("capture/large-four", Large, move |rules| four(rules, 6, 2)),
        Experiment::new("capture/large-evictions", Large, move |rules| Endpoint {
            evictions: 3,
            refusals: 2,
            ..four(rules, 5, 1)
        }),
        Experiment::new("inline/large", Large, move |rules| Endpoint::<2> {
            plan: Plan {
                messages: 5,
                ..inline(rules).plan
            },
            evictions: 2,
            takes: 3,
            refusals: 2,
        }),
    ]
}
