//! The receiving side of a node: accept, or refuse without losing the order (rules 9 to 12).

use crate::{
    answer::Verdict,
    rules::{AllRules, Rule, Rules},
};

/// Where a message comes from: all frames of one origin reach the receiver in the order they were sent (rule 13).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Origin {
    /// Sending node.
    pub node: u16,
    /// Transmit queue there.
    pub slot: u8,
    /// 0 or 1.
    pub channel: u8,
}

/// What the receive queue says to a message.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Placement {
    /// There is room.
    Room,
    /// There is none now.
    NoRoom,
    /// No receive queue has that identifier, here or in the miss ring.
    NotResident,
    /// The message does not fit into an entry.
    EntryTooSmall,
}

/// What is said to a message, from the bit of its origin; and the bit afterwards.
///
/// | bit | `restart` | placement | verdict | bit afterwards |
/// |---|---|---|---|---|
/// | 1 | 0 | any | BEHIND | 1 |
/// | 0, or `restart` = 1 | | room | ACCEPTED | 0 |
/// | 0, or `restart` = 1 | | no room | FULL | 1 |
/// | 0, or `restart` = 1 | | never | a final verdict | 0 |
pub fn verdict(
    rules: impl Rules,
    bit: bool,
    restart: bool,
    placement: Placement,
) -> (Verdict, bool) {
    if bit && !restart && rules.holds(Rule::BitRefuses) {
        return (Verdict::Behind, true);
    }
    let kept = bit && !rules.holds(Rule::AcceptanceClearsBit);
    match placement {
        Placement::Room => (Verdict::Accepted, kept),
        Placement::NotResident => (Verdict::NotResident, kept),
        Placement::EntryTooSmall => (Verdict::EntryTooSmall, kept),
        Placement::NoRoom => {
            let sets = rules.holds(Rule::RefusalSetsBit)
                && (!restart || rules.holds(Rule::RefusedRestartSetsBit));
            (Verdict::Full, sets)
        }
    }
}

/// One bit for each (node, slot, channel), in `WORDS` words. The bit says that a message of that origin was refused and
/// that none was accepted since. It holds no generation: a bit that an earlier owner of the slot has left costs one
/// BEHIND (rule 10).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Receiver<const WORDS: usize, R: Rules = AllRules> {
    rules: R,
    slots: u16,
    bits: [u64; WORDS],
}

impl<const WORDS: usize, R: Rules> Receiver<WORDS, R> {
    /// For so many nodes with so many slots each.
    ///
    /// # Panics
    /// When `WORDS` does not hold their bits.
    pub fn new(rules: R, nodes: u16, slots: u16) -> Self {
        let bits = usize::from(nodes) * usize::from(slots) * 2;
        assert!(
            bits <= WORDS * 64,
            "{bits} bits need more than {WORDS} words"
        );
        Self {
            rules,
            slots,
            bits: [0; WORDS],
        }
    }

    /// A message came, and its receive queue says `placement`. The caller carries out the verdict: it delivers the
    /// message if and only if that is [`Verdict::Accepted`], and answers in every case.
    pub fn on_message(&mut self, origin: Origin, restart: bool, placement: Placement) -> Verdict {
        let (word, bit) = self.place(origin);
        let (verdict, after) = verdict(self.rules, self.bits[word] & bit != 0, restart, placement);
        if after {
            self.bits[word] |= bit;
        } else {
            self.bits[word] &= !bit;
        }
        verdict
    }

    /// Whether a message of that origin was refused and none accepted since.
    pub fn bit(&self, origin: Origin) -> bool {
        let (word, bit) = self.place(origin);
        self.bits[word] & bit != 0
    }

    fn place(&self, origin: Origin) -> (usize, u64) {
        let channel = if self.rules.holds(Rule::BitPerChannel) {
            usize::from(origin.channel)
        } else {
            0
        };
        let queue = usize::from(origin.node) * usize::from(self.slots) + usize::from(origin.slot);
        let place = queue * 2 + channel;
        (place / 64, 1 << (place % 64))
    }
}

/// The one waiting sender that a receive queue remembers (rule 12). The longest waiting one is kept; others come in by
/// the end of their pauses. What is told is a hint: it may be lost, late, or reach another owner of the slot.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct WaitingSender(Option<(u16, u8)>);

impl WaitingSender {
    /// A message of `origin` found no room.
    pub fn on_full(&mut self, origin: Origin) {
        self.0 = self.0.or(Some((origin.node, origin.slot)));
    }

    /// There is room: the node and slot to tell, if any.
    pub fn on_room(&mut self) -> Option<(u16, u8)> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_verdicts() {
        use Placement::{EntryTooSmall, NoRoom, NotResident, Room};
        for placement in [Room, NoRoom, NotResident, EntryTooSmall] {
            let behind = verdict(AllRules, true, false, placement);
            assert_eq!(behind, (Verdict::Behind, true));
        }
        for (bit, restart) in [(false, false), (false, true), (true, true)] {
            let says = |placement| verdict(AllRules, bit, restart, placement);
            assert_eq!(says(Room), (Verdict::Accepted, false));
            assert_eq!(says(NoRoom), (Verdict::Full, true));
            assert_eq!(says(NotResident), (Verdict::NotResident, false));
            assert_eq!(says(EntryTooSmall), (Verdict::EntryTooSmall, false));
        }
    }

    #[test]
    fn each_origin_has_a_bit_of_its_own() {
        let (nodes, slots) = (3, 5);
        let mut receiver = Receiver::<1>::new(AllRules, nodes, slots);
        let all = || {
            let pairs = (0..nodes).flat_map(|node| (0..slots as u8).map(move |slot| (node, slot)));
            pairs.flat_map(|(node, slot)| {
                [0, 1].map(|channel| Origin {
                    node,
                    slot,
                    channel,
                })
            })
        };
        for origin in all() {
            assert!(!receiver.bit(origin), "{origin:?} shares its bit");
            assert_eq!(
                receiver.on_message(origin, false, Placement::NoRoom),
                Verdict::Full
            );
            assert!(receiver.bit(origin));
        }
        for origin in all() {
            assert_eq!(
                receiver.on_message(origin, true, Placement::Room),
                Verdict::Accepted
            );
            assert!(!receiver.bit(origin));
        }
    }

    #[test]
    fn the_longest_waiting_sender_is_told_once() {
        let origin = |node| Origin {
            node,
            slot: 7,
            channel: 0,
        };
        let mut waiting = WaitingSender::default();
        assert_eq!(waiting.on_room(), None);
        waiting.on_full(origin(2));
        waiting.on_full(origin(4));
        assert_eq!(waiting.on_room(), Some((2, 7)));
        assert_eq!(waiting.on_room(), None);
    }
}
