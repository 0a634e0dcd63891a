//! Indices of a transmit queue's messages.

/// A message's index in its transmit queue, modulo 2^`BITS`. The window is half of that at most, so that the distance
/// of two indices of one queue is unambiguous. The wire carries 7 bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Index<const BITS: u32 = 7>(u8);

impl<const BITS: u32> Index<BITS> {
    const MASK: u8 = {
        assert!(BITS >= 1 && BITS <= 7, "an index has 1 to 7 bits");
        (1 << BITS) - 1
    };

    /// Most messages in flight: half the numbers.
    pub const WINDOW: u8 = 1 << (BITS - 1);

    /// The index with these low bits.
    pub const fn new(value: u8) -> Self {
        Self(value & Self::MASK)
    }

    /// Its bits.
    pub const fn value(self) -> u8 {
        self.0
    }

    /// The index `count` messages later.
    pub const fn plus(self, count: u8) -> Self {
        Self::new(self.0.wrapping_add(count))
    }

    /// How many messages this index is after `earlier`.
    pub const fn since(self, earlier: Self) -> u8 {
        self.0.wrapping_sub(earlier.0) & Self::MASK
    }

    /// The slot of the message, and its bit in the queue's bitmap: the index modulo [`WINDOW`](Self::WINDOW).
    pub const fn position(self) -> u8 {
        self.0 & (Self::WINDOW - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_survive_the_wrap() {
        let last = Index::<7>::new(127);
        assert_eq!(last.plus(1), Index::new(0));
        assert_eq!(last.plus(3).since(last), 3);
        assert_eq!(Index::<7>::WINDOW, 64);
        assert_eq!(Index::<7>::new(65).position(), 1);
        assert_eq!(Index::<3>::new(9).value(), 1);
    }
}
