//! What a soak is about.

use super::guests::Habits;
use super::mix::Mix;
use sim::model::NODES;

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
    /// As `Random`, with eight nodes, or as many as the NIU takes messages from.
    EightNodes,
    /// Beside the rest, an endpoint of each node takes nothing in before the rest is done.
    DeadRings,
    /// Endpoints are destroyed and created again under traffic, so that their queues change owners.
    Owners,
    /// Frames are damaged on the wires: a damaged frame may fail its queue, and disturbs nothing else.
    Damage,
    /// A node's NIU is reset while others send to it: queues to it may fail, and nothing else is disturbed.
    Reboot,
}

/// What the nodes of a scenario do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// Endpoints that stay exchange messages of this mix.
    Mix(Mix),
    /// Endpoints come and go, with these habits.
    Guests(Habits),
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 9] = [
        Scenario::Random,
        Scenario::Alternating,
        Scenario::Channels,
        Scenario::Sizes,
        Scenario::EightNodes,
        Scenario::DeadRings,
        Scenario::Owners,
        Scenario::Damage,
        Scenario::Reboot,
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
            Scenario::Owners => "owners",
            Scenario::Damage => "damage",
            Scenario::Reboot => "reboot",
        }
    }

    /// How many nodes take part, unless the user wants it otherwise.
    pub fn nodes(self) -> u16 {
        match self {
            Scenario::Random | Scenario::DeadRings => 4,
            Scenario::Alternating | Scenario::Channels | Scenario::Owners | Scenario::Reboot => 3,
            // A switch would drop what is damaged; on a wire it comes to the other NIU.
            Scenario::Sizes | Scenario::Damage => 2,
            Scenario::EightNodes => 8.min(NODES),
        }
    }

    /// Delay of each wire in core cycles, unless the user wants it otherwise. With a long wire more messages are under
    /// way.
    pub fn wire_delay_cycles(self) -> u64 {
        match self {
            Scenario::Alternating | Scenario::Channels => 50,
            _ => 0,
        }
    }

    /// What its nodes do.
    pub fn traffic(self) -> Traffic {
        match self {
            Scenario::Random | Scenario::EightNodes => Traffic::Mix(Mix::RANDOM),
            Scenario::Alternating => Traffic::Mix(Mix::ALTERNATING),
            Scenario::Channels => Traffic::Mix(Mix::CHANNELS),
            Scenario::Sizes => Traffic::Mix(Mix::SIZES),
            Scenario::DeadRings => Traffic::Mix(Mix::DEAD_RINGS),
            Scenario::Owners => Traffic::Guests(Habits::OWNERS),
            Scenario::Damage => Traffic::Guests(Habits::DAMAGE),
            Scenario::Reboot => Traffic::Guests(Habits::REBOOT),
        }
    }
}
