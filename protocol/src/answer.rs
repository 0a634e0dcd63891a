//! What a receiver says of messages (rule 11).

use crate::index::Index;

/// What became of a message at its receiver.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Verdict {
    /// Delivered.
    Accepted,
    /// The receive queue has no room. The sender repeats the message.
    Full,
    /// An earlier message of the same transmit queue and channel was refused, and this one must not overtake it. The
    /// sender repeats the message.
    Behind,
    /// No receive queue has that identifier. Final: dropped.
    NotResident,
    /// The message is longer than the ring's entries. Final: dropped.
    EntryTooSmall,
}

impl Verdict {
    /// Whether the sender must repeat the message.
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::Full | Self::Behind)
    }

    /// Whether the message was dropped for good.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::NotResident | Self::EntryTooSmall)
    }
}

/// One answer: one verdict on any number of messages of one transmit queue. Bit `k` of the bitmap stands for index
/// `base + k`. Only set bits speak; nothing is said of any other message (rule 11).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Answer<const BITS: u32 = 7> {
    /// The transmit queue, as its frames named it.
    pub slot: u8,
    /// The generation, as the frames had it. The receiver never interprets it (rule 8).
    pub generation: u8,
    /// What became of the messages.
    pub verdict: Verdict,
    /// The first message.
    pub base: Index<BITS>,
    /// The messages.
    pub bitmap: u64,
}

impl<const BITS: u32> Answer<BITS> {
    /// The answer to one message.
    pub const fn new(slot: u8, generation: u8, verdict: Verdict, index: Index<BITS>) -> Self {
        Self {
            slot,
            generation,
            verdict,
            base: index,
            bitmap: 1,
        }
    }

    /// Adds the answer to one more message, if both fit into one bitmap of `span` bits. Returns whether they did; the
    /// caller sends two answers if not.
    pub fn join(&mut self, other: &Self, span: u8) -> bool {
        let distance = other.base.since(self.base);
        let same = (self.slot, self.generation, self.verdict)
            == (other.slot, other.generation, other.verdict);
        let fits = same && other.bitmap == 1 && distance < span && distance < Index::<BITS>::WINDOW;
        if fits {
            self.bitmap |= 1 << distance;
        }
        fits
    }

    /// The messages it speaks of, in index order.
    pub fn indices(&self) -> impl Iterator<Item = Index<BITS>> + use<BITS> {
        let (base, bitmap) = (self.base, self.bitmap);
        (0..u64::BITS as u8)
            .filter(move |bit| bitmap >> bit & 1 == 1)
            .map(move |bit| base.plus(bit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_join_only_within_the_span_and_with_one_verdict() {
        let one = |verdict, index| Answer::<7>::new(3, 9, verdict, Index::new(index));
        let mut joined = one(Verdict::Accepted, 126);
        assert!(joined.join(&one(Verdict::Accepted, 1), 32));
        assert!(!joined.join(&one(Verdict::Full, 2), 32));
        assert!(!joined.join(&one(Verdict::Accepted, 30), 32), "span");
        assert!(!joined.join(&one(Verdict::Accepted, 125), 32), "below");
        let spoken: std::vec::Vec<u8> = joined.indices().map(Index::value).collect();
        assert_eq!(spoken, [126, 1]);
    }

    extern crate std;
}
