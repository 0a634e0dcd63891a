//! Exploration of a world: every state that can be reached, by stateright.
//!
//! stateright looks for a state with a fault. On the way each transition is recorded; so the whole graph is known
//! afterwards, and with it whether a completed state can be reached from each state. The latter excludes deadlock, and
//! resources that wait for each other.

use std::{
    collections::HashMap,
    fmt::{self, Debug},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash},
    sync::{Arc, Mutex},
};

use stateright::{Checker, Model, Property};

/// A closed system: parties, what lies between them, and the record of what must hold.
pub trait World: Clone + Send + Sync + 'static {
    /// All of it.
    type State: Clone + Hash + PartialEq + Debug + Send + Sync;
    /// One step.
    type Action: Clone + Debug + PartialEq + Send + Sync;

    /// Where it begins.
    fn start(&self) -> Self::State;
    /// What may happen next, into an empty list.
    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>);
    /// It happens.
    fn step(&self, state: &mut Self::State, action: &Self::Action);
    /// What was violated.
    fn fault(&self, state: &Self::State) -> Option<&'static str>;
    /// Everything that can be done is done.
    fn is_complete(&self, state: &Self::State) -> bool;
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No fault, and a completed state can be reached from each state.
    Holds,
    /// The exploration was cut off before it had seen all states; no fault so far.
    CutOff,
    /// A fault, and the shortest way to it.
    Violated {
        /// Which.
        fault: &'static str,
        /// The steps that lead to it.
        trace: Vec<String>,
    },
    /// States from which no completed state can be reached, and the shortest way to one.
    NeverCompletes {
        /// How many.
        states: usize,
        /// The steps that lead to one of them.
        trace: Vec<String>,
    },
}

impl Finding {
    /// In a few words.
    pub fn summary(&self) -> &str {
        match self {
            Self::Holds => "holds",
            Self::CutOff => "cut off, no fault so far",
            Self::Violated { fault, .. } => fault,
            Self::NeverCompletes { .. } => "never completes",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let mut steps = |what: &str, trace: &[String]| {
            writeln!(formatter, "{what}, after")?;
            trace
                .iter()
                .try_for_each(|step| writeln!(formatter, "    {step}"))
        };
        match self {
            Self::Holds | Self::CutOff => formatter.write_str(self.summary()),
            Self::Violated { trace, .. } => steps(self.summary(), trace),
            Self::NeverCompletes { states, trace } => {
                steps(&format!("never completes ({states} states)"), trace)
            }
        }
    }
}

/// A finding and what it took.
#[derive(Clone, Debug)]
pub struct Report {
    /// States seen.
    pub states: usize,
    /// What was found.
    pub finding: Finding,
}

/// Explores `world`, `limit` transitions of it at most.
pub fn explore<W: World>(world: W, limit: usize) -> Report {
    let graph = Arc::new(Mutex::new(Graph::default()));
    let recorded = Recorded {
        world: world.clone(),
        graph: Arc::clone(&graph),
    };
    let checker = recorded
        .checker()
        .threads(1)
        .target_state_count(limit)
        .spawn_bfs()
        .join();
    let states = checker.unique_state_count();
    if let Some(path) = checker.discovery(FAULTLESS) {
        let fault = world.fault(path.last_state());
        let steps = path.into_actions();
        let finding = Finding::Violated {
            fault: fault.expect("stateright found a fault"),
            trace: steps.iter().map(|step| format!("{step:?}")).collect(),
        };
        return Report { states, finding };
    }
    drop(checker);
    let graph = graph.lock().expect("the checker has ended");
    let finding = if graph.entered < graph.parents.len() {
        Finding::CutOff
    } else {
        graph.completion(&world)
    };
    Report { states, finding }
}

/// Name of the property that stateright checks.
const FAULTLESS: &str = "faultless";

/// A world whose transitions are recorded while stateright explores it, by one thread.
struct Recorded<W> {
    world: W,
    graph: Arc<Mutex<Graph>>,
}

impl<W: World> Model for Recorded<W> {
    type State = W::State;
    type Action = W::Action;

    fn init_states(&self) -> Vec<Self::State> {
        vec![self.world.start()]
    }

    fn actions(&self, state: &Self::State, actions: &mut Vec<Self::Action>) {
        if self.world.fault(state).is_none() {
            self.world.actions(state, actions);
        }
        let mut graph = self.graph.lock().expect("one thread");
        graph.enter(fingerprint(state), self.world.is_complete(state));
    }

    fn next_state(&self, last: &Self::State, action: Self::Action) -> Option<Self::State> {
        let mut next = last.clone();
        self.world.step(&mut next, &action);
        let mut graph = self.graph.lock().expect("one thread");
        graph.reach(fingerprint(&next));
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let faultless = |model: &Self, state: &W::State| model.world.fault(state).is_none();
        vec![Property::always(FAULTLESS, faultless)]
    }
}

fn fingerprint(state: &impl Hash) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(state)
}

/// States by number in the order of their discovery; the first is the start.
#[derive(Default)]
struct Graph {
    numbers: HashMap<u64, u32>,
    /// By which state each was discovered.
    parents: Vec<u32>,
    complete: Vec<u32>,
    /// To, from.
    edges: Vec<(u32, u32)>,
    current: u32,
    /// States whose transitions were recorded.
    entered: usize,
}

impl Graph {
    fn number(&mut self, state: u64) -> u32 {
        let parent = self.current;
        let parents = &mut self.parents;
        *self.numbers.entry(state).or_insert_with(|| {
            parents.push(parent);
            parents.len() as u32 - 1
        })
    }

    /// The transitions recorded next begin in this state.
    fn enter(&mut self, state: u64, complete: bool) {
        self.current = self.number(state);
        self.entered += 1;
        if complete {
            self.complete.push(self.current);
        }
    }

    fn reach(&mut self, state: u64) {
        let to = self.number(state);
        self.edges.push((to, self.current));
    }

    /// Whether a completed state can be reached from each state.
    fn completion<W: World>(&self, world: &W) -> Finding {
        let states = self.parents.len();
        // Predecessors, one state's behind the other's.
        let mut begin = vec![0_u32; states + 1];
        for &(to, _) in &self.edges {
            begin[to as usize + 1] += 1;
        }
        for state in 0..states {
            begin[state + 1] += begin[state];
        }
        let mut fill = begin.clone();
        let mut predecessors = vec![0; self.edges.len()];
        for &(to, from) in &self.edges {
            predecessors[fill[to as usize] as usize] = from;
            fill[to as usize] += 1;
        }
        let mut completes = vec![false; states];
        let mut work = self.complete.clone();
        while let Some(state) = work.pop() {
            let state = state as usize;
            if !std::mem::replace(&mut completes[state], true) {
                let range = begin[state] as usize..begin[state + 1] as usize;
                work.extend(&predecessors[range]);
            }
        }
        match completes.iter().position(|completes| !completes) {
            None => Finding::Holds,
            Some(stuck) => Finding::NeverCompletes {
                states: completes.iter().filter(|completes| !**completes).count(),
                trace: self.trace(world, stuck as u32),
            },
        }
    }

    /// The steps from the start to a state.
    fn trace<W: World>(&self, world: &W, mut state: u32) -> Vec<String> {
        let mut way = Vec::new();
        while state != 0 {
            way.push(state);
            state = self.parents[state as usize];
        }
        let mut at = world.start();
        let mut actions = Vec::new();
        let follow = |next: u32| {
            actions.clear();
            world.actions(&at, &mut actions);
            let step = actions.iter().find_map(|action| {
                let mut after = at.clone();
                world.step(&mut after, action);
                (self.numbers.get(&fingerprint(&after)) == Some(&next)).then_some((action, after))
            });
            let (action, after) = step.expect("this transition was recorded");
            at = after;
            format!("{action:?}")
        };
        way.into_iter().rev().map(follow).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counts up to `end`, by one or by two; from `trap` nothing leads on.
    #[derive(Clone)]
    struct Counter {
        end: u8,
        trap: u8,
        fault: u8,
    }

    impl World for Counter {
        type State = u8;
        type Action = u8;

        fn start(&self) -> u8 {
            0
        }

        fn actions(&self, state: &u8, actions: &mut Vec<u8>) {
            if *state != self.trap && *state < self.end {
                actions.extend([1, 2]);
            }
        }

        fn step(&self, state: &mut u8, action: &u8) {
            *state += action;
        }

        fn fault(&self, state: &u8) -> Option<&'static str> {
            (*state == self.fault).then_some("this number is not wanted")
        }

        fn is_complete(&self, state: &u8) -> bool {
            *state >= self.end
        }
    }

    const NONE: u8 = u8::MAX;

    #[test]
    fn a_fault_is_found_with_the_shortest_way_to_it() {
        let world = Counter {
            end: 10,
            trap: NONE,
            fault: 4,
        };
        let fault = "this number is not wanted";
        let trace = vec!["2".to_owned(), "2".to_owned()];
        assert_eq!(
            explore(world, 1000).finding,
            Finding::Violated { fault, trace }
        );
    }

    #[test]
    fn a_state_without_a_way_to_completion_is_found() {
        let world = Counter {
            end: 10,
            trap: 3,
            fault: NONE,
        };
        let Finding::NeverCompletes { states: 1, trace } = explore(world, 1000).finding else {
            panic!("state 3 is a trap");
        };
        assert_eq!(trace.len(), 2);
    }

    #[test]
    fn what_holds_is_explored_whole_unless_it_is_cut_off() {
        let world = Counter {
            end: 10,
            trap: NONE,
            fault: NONE,
        };
        let report = explore(world, 1000);
        assert_eq!((report.finding, report.states), (Finding::Holds, 12));
    }

    /// States without end.
    #[derive(Clone)]
    struct Endless;

    impl World for Endless {
        type State = u64;
        type Action = u64;

        fn start(&self) -> u64 {
            0
        }

        fn actions(&self, _: &u64, actions: &mut Vec<u64>) {
            actions.push(1);
        }

        fn step(&self, state: &mut u64, action: &u64) {
            *state += action;
        }

        fn fault(&self, _: &u64) -> Option<&'static str> {
            None
        }

        fn is_complete(&self, _: &u64) -> bool {
            true
        }
    }

    #[test]
    fn what_is_cut_off_is_said_to_be() {
        assert_eq!(explore(Endless, 10_000).finding, Finding::CutOff);
    }
}
