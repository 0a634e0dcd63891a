//! The rules by name, and the seam at which the model takes one away.

/// Which rules are kept. All code outside the model uses [`AllRules`], which is a constant: no switch is left in it.
pub trait Rules: Copy {
    /// Whether `rule` is kept.
    fn holds(self, rule: Rule) -> bool;
}

/// Every rule is kept.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct AllRules;

impl Rules for AllRules {
    #[inline(always)]
    fn holds(self, _: Rule) -> bool {
        true
    }
}

macro_rules! rules {
    ($($(#[$meaning:meta])* $number:literal $name:ident,)*) => {
        /// What the protocol demands, each demand by itself. The model takes each one away and must find what breaks.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Rule { $($(#[$meaning])* $name,)* }

        impl Rule {
            /// All of them, in the order of `docs/protocol.md`.
            pub const ALL: &'static [Rule] = &[$(Rule::$name,)*];

            /// Number in `docs/protocol.md`. Several demands may share one.
            pub const fn number(self) -> u8 {
                match self { $(Rule::$name => $number,)* }
            }
        }
    };
}

rules! {
    /// Messages are first sent in index order, and refused messages before new ones.
    1 IndexOrder,
    /// `restart` stands in each frame made while the queue has nothing unanswered.
    2 RestartWhenIdle,
    /// `restart` stands in no other frame.
    2 RestartOnlyWhenIdle,
    /// After a refusal nothing is sent until every unanswered message is answered.
    3 RefusalStopsSending,
    /// Then the first refused message is sent alone.
    4 ProbeAlone,
    /// A message is given up only on an answer, never while its probe is unanswered.
    5 GiveUpOnAnswer,
    /// A queue is evicted only with nothing unanswered.
    6 EvictAnswered,
    /// The accepted bitmap is saved and loaded.
    6 SaveAccepted,
    /// The generation advances when a slot is freed with messages unanswered.
    7 AdvanceGeneration,
    /// An answer counts only with the slot's generation.
    8 CheckGeneration,
    /// An answer counts only from the node that the message went to.
    8 CheckNode,
    /// An answer counts only for a message that is unanswered.
    8 CheckUnanswered,
    /// With the bit set, a frame without `restart` is refused with BEHIND.
    9 BitRefuses,
    /// Each channel has a bit of its own.
    9 BitPerChannel,
    /// A frame that finds no room sets the bit.
    9 RefusalSetsBit,
    /// So does a frame with `restart`.
    9 RefusedRestartSetsBit,
    /// A frame that is accepted clears the bit.
    9 AcceptanceClearsBit,
    /// Nothing is said of messages below the base.
    11 OnlySetBitsSpeak,
}
