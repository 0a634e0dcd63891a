//! Stores to endpoints that come and go: capture, losses, installation, eviction, inline pages (rules 16 to 19 and 25
//! to 28).
//!
//! One endpoint or more share slots and the capture buffer. Receivers take every message at once, or refuse it a few
//! times; or one of them takes none.

use heapless::Vec;
use protocol::{Answer, Index, Verdict};

use crate::{
    broken::AllBut,
    experiments::{Experiment, Size},
    explore::World,
    source::{CaptureBuffer, Fault, Form, Launched, Node, Plan, Slot, Source, SourceAction},
};

/// The world.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<const BITS: u32> {
    plan: Plan,
    /// Endpoints.
    sources: u8,
    /// Messages of those behind the first.
    others: u8,
    /// Places of queues.
    slots: u8,
    /// An endpoint may be evicted so often though nobody waits for its slot.
    evictions: u8,
    /// Its page may be taken away so often.
    takes: u8,
    /// Messages may be refused so often.
    refusals: u8,
    /// A captured store may be thrown away so often though a slot is free, or what comes behind it.
    sheds: u8,
    /// Endpoints may be destroyed so often.
    kills: u8,
    /// The messages of endpoint 0 are never taken.
    dead: bool,
}

/// A state of the world.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct State<const BITS: u32> {
    sources: Vec<Source<BITS>, 3>,
    slots: Vec<Slot<BITS>, 2>,
    captured: CaptureBuffer<BITS>,
    /// Messages of each slot on their way.
    sent: [Vec<(u8, Index<BITS>), 4>; 2],
    /// Next message of each endpoint.
    delivered: [u8; 3],
    /// Endpoints that were destroyed.
    destroyed: [bool; 3],
    evictions: u8,
    takes: u8,
    refusals: u8,
    sheds: u8,
    kills: u8,
    fault: Option<Fault>,
}

/// A step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Source { source: u8, action: SourceAction },
    Deliver { slot: u8 },
    Refuse { slot: u8 },
    EndPause { slot: u8 },
    Destroy { source: u8 },
    Create { source: u8 },
    DiscardOfNobody,
}

impl<const BITS: u32> Endpoint<BITS> {
    fn plan(&self, source: usize) -> Plan {
        Plan {
            messages: if source == 0 {
                self.plan.messages
            } else {
                self.others
            },
            ..self.plan
        }
    }

    fn is_dead(&self, state: &State<BITS>, slot: usize) -> bool {
        self.dead && state.slots[slot].owner == Some(0)
    }

    fn answer(&self, state: &mut State<BITS>, at: usize, verdict: Verdict) {
        let (message, index) = state.sent[at].remove(0);
        let slot = &mut state.slots[at];
        let Some(owner) = slot.owner.map(usize::from) else {
            return;
        };
        if verdict == Verdict::Accepted {
            let rejects = self.plan.greedy && message > state.delivered[owner];
            let own_fault = rejects || self.plan.hostile;
            if message != state.delivered[owner] && !own_fault {
                state.fault = Some("order, lost or twice");
            }
            state.delivered[owner] = message + 1;
        }
        let answer = Answer::new(0, slot.sender.generation(), verdict, index);
        let outcome = slot.sender.on_answer(0, &answer, |_| 0);
        state.sources[owner].pass(&self.plan(owner), outcome.passed, slot);
    }

    fn launched(&self, state: &mut State<BITS>, source: usize, launched: &Launched<BITS>) {
        let Launched { slot, launch, .. } = *launched;
        if launched.rejected {
            let slot = &mut state.slots[slot];
            let outcome = slot.sender.on_rejected(launch.index);
            state.sources[source].pass(&self.plan(source), outcome.passed, slot);
            state.delivered[source] += 1;
        } else {
            let sent = (launched.message, launch.index);
            state.sent[slot]
                .push(sent)
                .expect("a window of messages at most");
        }
    }

    fn source_step(&self, state: &mut State<BITS>, source: u8, action: SourceAction) {
        let waits = self.somebody_waits(state, source);
        let vacant = state.slots.iter().any(|slot| slot.owner.is_none());
        match action {
            SourceAction::Unwant if !waits => state.evictions -= 1,
            SourceAction::TakePage => state.takes -= 1,
            SourceAction::TakeReportAndLose => state.sheds -= 1,
            SourceAction::TakeReportWithoutSlot if vacant => state.sheds -= 1,
            _ => {}
        }
        let mut node = Node {
            slots: &mut state.slots,
            captured: &mut state.captured,
        };
        let source = usize::from(source);
        match state.sources[source].step(&self.plan(source), action, &mut node) {
            Ok(None) => {}
            Ok(Some(launched)) => self.launched(state, source, &launched),
            Err(fault) => state.fault = Some(fault),
        }
    }

    /// Whether another endpoint waits for a slot, and there is none.
    fn somebody_waits(&self, state: &State<BITS>, by_others_than: u8) -> bool {
        let oldest = state.captured.first();
        let vacant = state.slots.iter().any(|slot| slot.owner.is_none());
        let mut others = (0..)
            .zip(&state.sources)
            .filter(|&(source, _)| source != by_others_than);
        !vacant && others.any(|(_, source)| source.wants_slot(oldest))
    }
}

impl<const BITS: u32> World for Endpoint<BITS> {
    type State = State<BITS>;
    type Action = Action;

    fn start(&self) -> Self::State {
        State {
            sources: (0..self.sources)
                .map(|number| Source::new(&self.plan, number))
                .collect(),
            slots: (0..self.slots).map(|_| Slot::new(&self.plan)).collect(),
            captured: Vec::new(),
            sent: [const { Vec::new() }; 2],
            delivered: [0; 3],
            destroyed: [false; 3],
            evictions: self.evictions,
            takes: self.takes,
            refusals: self.refusals,
            sheds: self.sheds,
            kills: self.kills,
            fault: None,
        }
    }

    fn actions(&self, state: &Self::State, actions: &mut std::vec::Vec<Action>) {
        let oldest = state.captured.first();
        let free = !state.sources.iter().any(Source::is_busy);
        let vacant = state.slots.iter().any(|slot| slot.owner.is_none());
        for (source, endpoint) in (0..).zip(&state.sources) {
            if state.destroyed[usize::from(source)] {
                actions.push(Action::Create { source });
                if free && oldest.is_some_and(|oldest| oldest.0 == source) {
                    actions.push(Action::DiscardOfNobody);
                }
                continue;
            }
            let waits = self.somebody_waits(state, source);
            endpoint.actions(
                &self.plan(usize::from(source)),
                &state.slots,
                oldest,
                free,
                |action| {
                    let allowed = match action {
                        SourceAction::Unwant => state.evictions > 0 || waits,
                        SourceAction::TakePage => state.takes > 0,
                        SourceAction::TakeReportAndLose => state.sheds > 0,
                        SourceAction::TakeReportWithoutSlot => !vacant || state.sheds > 0,
                        _ => true,
                    };
                    if allowed {
                        actions.push(Action::Source { source, action });
                    }
                },
            );
            if state.kills > 0 && free {
                actions.push(Action::Destroy { source });
            }
        }
        for (slot, resident) in (0..).zip(&state.slots) {
            let at = usize::from(slot);
            let dead = self.is_dead(state, at);
            if !state.sent[at].is_empty() {
                if !dead {
                    actions.push(Action::Deliver { slot });
                }
                if state.refusals > 0 || dead {
                    actions.push(Action::Refuse { slot });
                }
            }
            if resident.sender.is_paused() {
                actions.push(Action::EndPause { slot });
            }
        }
    }

    fn step(&self, state: &mut Self::State, action: &Action) {
        match *action {
            Action::Source { source, action } => self.source_step(state, source, action),
            Action::Deliver { slot } => self.answer(state, usize::from(slot), Verdict::Accepted),
            Action::Refuse { slot } => {
                // The receiver refuses what is behind, too.
                let slot = usize::from(slot);
                if !self.is_dead(state, slot) {
                    state.refusals -= 1;
                }
                while !state.sent[slot].is_empty() {
                    self.answer(state, slot, Verdict::Full);
                }
            }
            Action::EndPause { slot } => {
                state.slots[usize::from(slot)].sender.on_pause_over();
            }
            Action::Destroy { source } => {
                state.kills -= 1;
                state.destroyed[usize::from(source)] = true;
                if let Some(slot) = state.sources[usize::from(source)].slot(&state.slots) {
                    state.slots[slot].clear();
                    state.sent[slot].clear();
                }
            }
            Action::Create { source } => {
                let at = usize::from(source);
                if state.sources[at].renew(&self.plan(at)) {
                    state.destroyed[at] = false;
                    state.delivered[at] = 0;
                }
            }
            Action::DiscardOfNobody => {
                let (source, store, _) = state.captured.remove(0);
                state.sources[usize::from(source)].discard(&store);
            }
        }
    }

    fn fault(&self, state: &Self::State) -> Option<&'static str> {
        state.fault
    }

    fn is_complete(&self, state: &Self::State) -> bool {
        let first = usize::from(self.dead);
        let mut live = state.sources.iter().enumerate().skip(first);
        !state.destroyed.contains(&true)
            && live.all(|(number, source)| source.is_complete(&self.plan(number)))
    }
}

/// The worlds of this model.
pub fn worlds() -> std::vec::Vec<Experiment> {
    use Size::{Large, Small};
    let plan = |rules| Plan {
        rules,
        messages: 3,
        form: Form::Express,
        window: 2,
        share: 2,
        capture: 2,
        hostile: false,
        greedy: false,
    };
    let express = move |rules: AllBut| Endpoint::<2> {
        plan: plan(rules),
        sources: 1,
        others: 1,
        slots: 1,
        evictions: 1,
        takes: 0,
        refusals: 0,
        sheds: 1,
        kills: 0,
        dead: false,
    };
    let inline = move |rules: AllBut| Endpoint::<2> {
        plan: Plan {
            form: Form::Inline,
            capture: 3,
            share: 3,
            ..plan(rules)
        },
        evictions: 0,
        takes: 2,
        refusals: 1,
        sheds: 0,
        ..express(rules)
    };
    let shared = move |rules: AllBut, slots, sources, messages| Endpoint::<2> {
        plan: Plan {
            messages,
            capture: 3,
            ..plan(rules)
        },
        sources,
        slots,
        evictions: 0,
        sheds: 0,
        ..express(rules)
    };
    vec![
        Experiment::new("capture/one", Small, express),
        Experiment::new("capture/refused", Small, move |rules| Endpoint {
            refusals: 1,
            sheds: 0,
            ..express(rules)
        }),
        Experiment::new("capture/narrow", Small, move |rules| Endpoint {
            plan: Plan {
                share: 1,
                ..express(rules).plan
            },
            ..express(rules)
        }),
        Experiment::new("capture/greedy", Small, move |rules| Endpoint {
            plan: Plan {
                greedy: true,
                capture: 4,
                share: 4,
                ..express(rules).plan
            },
            sheds: 0,
            ..express(rules)
        }),
        Experiment::new("capture/reuse", Small, move |rules| Endpoint {
            plan: Plan {
                messages: 2,
                ..express(rules).plan
            },
            kills: 1,
            evictions: 0,
            sheds: 0,
            ..express(rules)
        }),
        Experiment::new("capture/shared", Small, move |rules| shared(rules, 1, 2, 2)),
        Experiment::new("capture/dead", Small, move |rules| Endpoint {
            dead: true,
            ..shared(rules, 1, 2, 1)
        })
        .never_completes(),
        Experiment::new("capture/dead-beside", Small, move |rules| Endpoint::<1> {
            plan: Plan {
                messages: 1,
                window: 1,
                share: 1,
                ..plan(rules)
            },
            sources: 3,
            others: 1,
            slots: 2,
            evictions: 0,
            takes: 0,
            refusals: 0,
            sheds: 0,
            kills: 0,
            dead: true,
        }),
        Experiment::new("inline/page", Small, inline),
        Experiment::new("inline/evicted", Small, move |rules| Endpoint {
            plan: Plan {
                messages: 2,
                ..inline(rules).plan
            },
            evictions: 1,
            takes: 0,
            refusals: 0,
            sheds: 1,
            ..inline(rules)
        }),
        Experiment::new("inline/hostile", Small, move |rules| Endpoint {
            plan: Plan {
                hostile: true,
                messages: 4,
                ..inline(rules).plan
            },
            refusals: 0,
            ..inline(rules)
        }),
        Experiment::new("capture/large", Large, move |rules| Endpoint::<3> {
            plan: Plan {
                messages: 5,
                window: 4,
                share: 3,
                ..express(rules).plan
            },
            sources: 1,
            others: 0,
            slots: 1,
            evictions: 2,
            takes: 0,
            refusals: 1,
            sheds: 2,
            kills: 0,
            dead: false,
        }),
        Experiment::new("capture/large-shared", Large, move |rules| Endpoint {
            others: 2,
            ..shared(rules, 1, 2, 2)
        }),
        Experiment::new("inline/large", Large, move |rules| Endpoint::<2> {
            evictions: 2,
            takes: 1,
            refusals: 1,
            sheds: 1,
            ..inline(rules)
        }),
    ]
}
