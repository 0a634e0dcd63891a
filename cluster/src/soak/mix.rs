//! What the messages of a scenario are like.

use sim::pcie::random::Random;

/// How the destinations and channels of an endpoint's messages follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Any after any.
    Any,
    /// No two neighbours go to the same node, unless there is but one; endpoint and channel are any.
    NodesInTurn,
    /// Neighbours go on different channels, many of them to one endpoint before the next.
    ChannelsInTurn,
}

/// Numbers from one to another, both included, all equally likely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub least: u8,
    /// The last.
    pub most: u8,
}

impl Range {
    /// One of them.
    pub(super) fn draw(self, random: &mut Random) -> u8 {
        self.least + random.below(u64::from(self.most - self.least) + 1) as u8
    }
}

/// What messages and endpoints are like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    /// Where messages go.
    pub targets: Targets,
    /// Express messages, of 8; the others are Basic, of any length that fits.
    pub express_of_8: u64,
    /// Messages before which their sender sleeps and takes nothing in, of 64.
    pub pauses_of_64: u64,
    /// Base-2 logarithm of a receive ring's entries. Small rings are full again and again.
    pub ring_entries_log2: Range,
    /// Base-2 logarithm of an entry's bytes.
    pub entry_bytes_log2: Range,
    /// Endpoints of each node that take nothing in before all others are done, and send to their like.
    pub dead_endpoints: u16,
}

impl Mix {
    /// All of everything.
    pub const RANDOM: Mix = Mix {
        targets: Targets::Any,
        express_of_8: 4,
        pauses_of_64: 4,
        ring_entries_log2: Range { least: 1, most: 6 },
        entry_bytes_log2: Range { least: 4, most: 8 },
        dead_endpoints: 0,
    };
    /// Messages for different nodes behind each other.
    pub const ALTERNATING: Mix = Mix {
        targets: Targets::NodesInTurn,
        express_of_8: 7,
        ring_entries_log2: Range { least: 1, most: 3 },
        ..Mix::RANDOM
    };
    /// Messages on both channels close behind each other.
    pub const CHANNELS: Mix = Mix {
        targets: Targets::ChannelsInTurn,
        pauses_of_64: 1,
        ring_entries_log2: Range { least: 1, most: 5 },
        ..Mix::RANDOM
    };
    /// Messages of every length, through long rings.
    pub const SIZES: Mix = Mix {
        express_of_8: 1,
        pauses_of_64: 0,
        ring_entries_log2: Range { least: 4, most: 8 },
        entry_bytes_log2: Range { least: 6, most: 8 },
        ..Mix::RANDOM
    };
    /// Two or three live endpoints a node, and a dead one.
    pub const DEAD_RINGS: Mix = Mix {
        dead_endpoints: 1,
        ..Mix::RANDOM
    };
}
