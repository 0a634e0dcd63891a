//! A receive queue's ring in host memory, as counted by the NIU.

/// Producer and consumer of a ring of `capacity` entries. Both count modulo 2^16.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Ring {
    /// Entries written.
    pub producer: u16,
    /// Entries the host has given back.
    pub consumer: u16,
    /// Entries of the ring: a power of two, at most 2^15.
    pub capacity: u16,
}

impl Ring {
    /// An empty ring.
    pub const fn new(capacity: u16) -> Self {
        Self {
            producer: 0,
            consumer: 0,
            capacity,
        }
    }

    /// Entries in use.
    pub const fn level(&self) -> u16 {
        self.producer.wrapping_sub(self.consumer)
    }

    /// Entries free.
    pub const fn room(&self) -> u16 {
        self.capacity.saturating_sub(self.level())
    }

    /// Takes the next entry and returns its index, or `None` if the ring is full.
    pub fn push(&mut self) -> Option<u16> {
        (self.room() > 0).then(|| {
            let index = self.producer;
            self.producer = self.producer.wrapping_add(1);
            index
        })
    }

    /// The host stores its consumer index. An index beyond the producer, or behind the consumer, is rejected. Returns
    /// whether it was taken.
    pub fn consume(&mut self, consumer: u16) -> bool {
        let valid = consumer.wrapping_sub(self.consumer) <= self.level();
        if valid {
            self.consumer = consumer;
        }
        valid
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_fills_and_rejects_indices_that_were_never_delivered() {
        let mut ring = Ring {
            producer: u16::MAX,
            consumer: u16::MAX,
            capacity: 2,
        };
        assert_eq!((ring.push(), ring.push()), (Some(u16::MAX), Some(0)));
        assert_eq!(ring.push(), None);
        assert!(!ring.consume(2));
        assert!(!ring.consume(u16::MAX - 1));
        assert!(ring.consume(0));
        assert_eq!(ring.room(), 1);
    }
}
