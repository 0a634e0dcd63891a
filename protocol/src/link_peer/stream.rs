//! One direction of one stream: numbered frames that arrive once and in order (rules 29 to 31). Go back to the first
//! missing frame.

use crate::rules::{AllRules, Rule, Rules};

/// A sequence number, modulo 2^`BITS`. The wire carries 12 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Sequence<const BITS: u32 = 12>(u16);

impl<const BITS: u32> Sequence<BITS> {
    const MASK: u16 = {
        assert!(
            BITS >= 1 && BITS <= 15,
            "a sequence number has 1 to 15 bits"
        );
        (1 << BITS) - 1
    };

    /// The number with these low bits.
    pub const fn new(value: u16) -> Self {
        Self(value & Self::MASK)
    }

    /// Its bits.
    pub const fn value(self) -> u16 {
        self.0
    }

    /// The next number.
    pub const fn next(self) -> Self {
        Self::new(self.0.wrapping_add(1))
    }

    /// How many frames this number is after `earlier`.
    pub const fn since(self, earlier: Self) -> u16 {
        self.0.wrapping_sub(earlier.0) & Self::MASK
    }
}

/// The sending end. The frames from `acknowledged` up to `next` stand in the retransmission buffer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct SendStream<const BITS: u32 = 12> {
    /// First frame that is not acknowledged.
    acknowledged: Sequence<BITS>,
    /// Frame to put on the wire next: `next`, or before it one to send again.
    cursor: Sequence<BITS>,
    /// Number of the next new frame.
    next: Sequence<BITS>,
}

impl<const BITS: u32> SendStream<BITS> {
    /// Frames in the retransmission buffer.
    pub fn unacknowledged(&self) -> u16 {
        self.next.since(self.acknowledged)
    }

    /// Takes a new frame into the retransmission buffer, which may hold `window` frames of this stream. Returns its
    /// number.
    pub fn push(&mut self, window: u16) -> Option<Sequence<BITS>> {
        (self.unacknowledged() < window).then(|| {
            let sequence = self.next;
            self.next = sequence.next();
            sequence
        })
    }

    /// The frame to put on the wire now.
    pub fn ready(&self) -> Option<Sequence<BITS>> {
        (self.cursor != self.next).then_some(self.cursor)
    }

    /// Puts it on the wire.
    pub fn launch(&mut self) -> Option<Sequence<BITS>> {
        let sequence = self.ready()?;
        self.cursor = sequence.next();
        Some(sequence)
    }

    /// The peer expects frame `expected`. Returns how many frames leave the retransmission buffer; a number that is not
    /// in it is an old one and changes nothing.
    pub fn on_acknowledge(&mut self, expected: Sequence<BITS>) -> u16 {
        let released = expected.since(self.acknowledged);
        if released > self.unacknowledged() {
            return 0;
        }
        if self.cursor.since(self.acknowledged) < released {
            self.cursor = expected;
        }
        self.acknowledged = expected;
        released
    }

    /// What is not acknowledged is sent again, from its first frame on.
    pub fn go_back(&mut self) {
        self.cursor = self.acknowledged;
    }
}

/// What a frame is to the receiving end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Arrival {
    /// The expected one.
    Expected,
    /// It was taken before: acknowledge again and drop it.
    Repeated,
    /// Frames before it are missing: ask for them and drop it.
    Gap,
}

/// The receiving end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ReceiveStream<const BITS: u32 = 12, R: Rules = AllRules> {
    rules: R,
    /// The frame to be taken next.
    expected: Sequence<BITS>,
    /// It was asked for.
    asked: bool,
}

impl<const BITS: u32, R: Rules> ReceiveStream<BITS, R> {
    /// At the start of an epoch.
    pub fn new(rules: R) -> Self {
        Self {
            rules,
            expected: Sequence::new(0),
            asked: false,
        }
    }

    /// The number to acknowledge: all frames before it were taken.
    pub fn expected(&self) -> Sequence<BITS> {
        self.expected
    }

    /// What frame `sequence` is; `window` as in [`SendStream::push`].
    pub fn check(&self, sequence: Sequence<BITS>, window: u16) -> Arrival {
        let ahead = sequence.since(self.expected);
        if ahead == 0 || !self.rules.holds(Rule::ExpectedOnly) {
            Arrival::Expected
        } else if ahead < window {
            Arrival::Gap
        } else {
            Arrival::Repeated
        }
    }

    /// Takes frame `sequence`, which [`check`](Self::check) called expected.
    pub fn take(&mut self, sequence: Sequence<BITS>) {
        self.expected = sequence.next();
        self.asked = false;
    }

    /// The expected frame is missing. Returns whether to ask for it: once until it comes, as the sender has a timer
    /// besides.
    pub fn ask(&mut self) -> bool {
        !core::mem::replace(&mut self.asked, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Number = Sequence<3>;

    #[test]
    fn an_old_acknowledgement_releases_nothing_and_a_new_one_moves_the_cursor() {
        let mut stream = SendStream::<3>::default();
        for count in 0..3 {
            assert_eq!(stream.push(3), Some(Number::new(count)));
        }
        assert_eq!(stream.push(3), None);
        assert_eq!(
            (stream.launch(), stream.launch()),
            (Some(Number::new(0)), Some(Number::new(1)))
        );
        assert_eq!(stream.on_acknowledge(Number::new(1)), 1);
        stream.go_back();
        assert_eq!(stream.on_acknowledge(Number::new(0)), 0);
        assert_eq!(stream.on_acknowledge(Number::new(2)), 1);
        assert_eq!(stream.ready(), Some(Number::new(2)));
        assert_eq!(stream.on_acknowledge(Number::new(3)), 1);
        assert_eq!(stream.ready(), None);
    }

    #[test]
    fn a_gap_is_asked_for_once_until_it_is_filled() {
        let mut stream = ReceiveStream::<3>::new(AllRules);
        assert_eq!(stream.check(Number::new(1), 4), Arrival::Gap);
        assert!(stream.ask());
        assert!(!stream.ask());
        assert_eq!(stream.check(Number::new(0), 4), Arrival::Expected);
        stream.take(Number::new(0));
        assert_eq!(stream.check(Number::new(0), 4), Arrival::Repeated);
        assert!(stream.ask());
    }
}
