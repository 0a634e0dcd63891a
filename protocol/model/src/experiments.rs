//! The worlds that are explored, by name; and in which of them the lack of each rule shows.

use protocol::Rule;

use crate::{
    broken::AllBut,
    endpoint,
    explore::{Report, World, explore},
    link, misses, sending,
};

/// How large a world is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Size {
    /// Explored whole in every test run.
    Small,
    /// Explored by a command, with time.
    Large,
}

/// What is expected of a world in which all rules are kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// [`crate::explore::Finding::Holds`].
    Holds,
    /// [`crate::explore::Finding::NeverCompletes`]: the world shows a price of the protocol.
    NeverCompletes,
}

/// A world with a name.
pub struct Experiment {
    /// `MODEL/WORLD`.
    pub name: String,
    /// How large it is.
    pub size: Size,
    /// What is expected with all rules.
    pub expected: Expected,
    explore: Box<dyn Fn(AllBut, usize) -> Report>,
}

/// Most transitions of one exploration.
pub const TRANSITIONS: usize = 60_000_000;

impl Experiment {
    /// A world that can be made with any set of rules.
    pub fn new<W: World>(name: &str, size: Size, world: impl Fn(AllBut) -> W + 'static) -> Self {
        Self {
            name: name.to_owned(),
            size,
            expected: Expected::Holds,
            explore: Box::new(move |rules, limit| explore(world(rules), limit)),
        }
    }

    /// The world shows a price of the protocol.
    pub fn never_completes(self) -> Self {
        Self {
            expected: Expected::NeverCompletes,
            ..self
        }
    }

    /// Explores it, without `rule` if one is named.
    pub fn explore(&self, rule: Option<Rule>, limit: usize) -> Report {
        (self.explore)(AllBut(rule), limit)
    }
}

/// All worlds.
pub fn all() -> Vec<Experiment> {
    [
        sending::worlds(),
        endpoint::worlds(),
        misses::worlds(),
        link::worlds(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The world in which it shows that `rule` is missing.
pub fn shows_lack_of(rule: Rule) -> &'static str {
    match rule {
        Rule::IndexOrder => "sending/shared",
        _ => "",
    }
}
