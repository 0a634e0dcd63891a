//! One hash over everything that crossed, in order.

use super::record::{Direction, TraceRecord};

/// A running 64-bit hash (multiply and rotate, as in the FNV and xxHash families) of records, order included. It
/// tells runs apart; it is no defence against anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceHash(u64);

impl Default for TraceHash {
    fn default() -> TraceHash {
        TraceHash(0xcbf2_9ce4_8422_2325)
    }
}

impl TraceHash {
    /// Adds one word.
    pub fn add_word(&mut self, word: u64) {
        self.0 = (self.0 ^ word)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(29);
    }

    /// Adds bytes and their number.
    pub fn add_bytes(&mut self, bytes: &[u8]) {
        self.add_word(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.add_word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut padded = [0; 8];
            padded[..rest.len()].copy_from_slice(rest);
            self.add_word(u64::from_le_bytes(padded));
        }
    }

    /// Adds a record.
    pub fn add(&mut self, record: &TraceRecord<'_>) {
        self.add_word(record.first_cycle);
        self.add_word(
            record.last_cycle << 1 | u64::from(record.direction == Direction::FromDevice),
        );
        self.add_bytes(record.bytes);
    }

    /// The hash of everything so far.
    pub fn value(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Records as first and last cycle, direction, bytes.
    fn hash(records: &[(u64, u64, Direction, &[u8])]) -> u64 {
        let mut hash = TraceHash::default();
        for (first_cycle, last_cycle, direction, bytes) in records.iter().copied() {
            let time_ps = last_cycle * 8000;
            hash.add(&TraceRecord {
                first_cycle,
                last_cycle,
                time_ps,
                direction,
                bytes,
            });
        }
        hash.value()
    }

    #[test]
    fn every_part_of_a_record_and_their_order_count() {
        use Direction::{FromDevice, ToDevice};
        let [first, second]: [(u64, u64, Direction, &[u8]); 2] = [
            (5, 6, ToDevice, &[1, 2, 3]),
            (7, 7, FromDevice, &[4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ];
        let reference = hash(&[first, second]);
        assert_eq!(reference, hash(&[first, second]));
        let changes = [
            hash(&[second, first]),
            hash(&[first]),
            hash(&[(4, 6, ToDevice, first.3), second]),
            hash(&[(5, 7, ToDevice, first.3), second]),
            hash(&[(5, 6, FromDevice, first.3), second]),
            hash(&[(5, 6, ToDevice, &[1, 2, 4]), second]),
            hash(&[(5, 6, ToDevice, &[1, 2, 3, 0]), second]),
            hash(&[first, (7, 7, FromDevice, &[4, 5, 6, 7, 8, 9, 10, 11, 13])]),
        ];
        for change in changes {
            assert_ne!(change, reference);
        }
    }
}
