//! What a soak is about.

use super::mix::Mix;

/// What a soak is about. Each message is checked in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Any messages among all nodes.
    Random,
    /// Each endpoint's messages go to other nodes in turn.
    Alternating,
    /// Each endpoint's messages go on both channels in turn.
    Channels,
    /// Two nodes send messages of every length to each other.
    Sizes,
    /// As `Random`, with as many nodes as there can be.
    EightNodes,
    /// Beside the rest, an endpoint of each node takes nothing in before the rest is done.
    DeadRings,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 6] = [
        Scenario::Random,
        Scenario::Alternating,
        Scenario::Channels,
        Scenario::Sizes,
        Scenario::EightNodes,
        Scenario::DeadRings,
    ];

    /// Its name for users.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::Random => "random",
            Scenario::Alternating => "alternating",
            Scenario::Channels => "channels",
            Scenario::Sizes => "sizes",
            Scenario::EightNodes => "eight-nodes",
            Scenario::DeadRings => "dead-rings",
        }
    }

    /// How many nodes take part, unless the user wants it otherwise.
    pub fn nodes(self) -> u16 {
        match self {
            Scenario::Random | Scenario::DeadRings => 4,
            Scenario::Alternating | Scenario::Channels => 3,
            Scenario::Sizes => 2,
            Scenario::EightNodes => 8,
        }
    }

    /// Delay of each wire in core cycles, unless the user wants it otherwise. With a long wire more messages are under way.
    pub fn wire_delay_cycles(self) -> u64 {
        match self {
            Scenario::Alternating | Scenario::Channels => 50,
            _ => 0,
        }
    }

    /// What its messages are like.
    pub fn mix(self) -> Option<Mix> {
        Some(match self {
            Scenario::Random | Scenario::EightNodes => Mix::RANDOM,
            Scenario::Alternating => Mix::ALTERNATING,
            Scenario::Channels => Mix::CHANNELS,
            Scenario::Sizes => Mix::SIZES,
            Scenario::DeadRings => Mix::DEAD_RINGS,
        })
    }
}
