//! What crosses the host port: records for those who listen, and one hash over everything.

/// Which way a packet went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Host to device.
    ToDevice,
    /// Device to host.
    FromDevice,
}

/// One packet at the host port.
#[derive(Clone, Copy, Debug)]
pub struct TraceRecord<'a> {
    /// Core cycle: of the first beat to the device, or of the last beat from the device.
    pub cycle: u64,
    /// The same in picoseconds of simulated time.
    pub time_ps: u64,
    /// Which way.
    pub direction: Direction,
    /// The packet in wire order.
    pub bytes: &'a [u8],
}

/// Called with every packet that crosses.
pub type TraceListener = Box<dyn FnMut(&TraceRecord<'_>) + Send>;

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
        self.add_word(record.cycle << 1 | u64::from(record.direction == Direction::FromDevice));
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

    fn hash(records: &[(u64, Direction, &[u8])]) -> u64 {
        let mut hash = TraceHash::default();
        for (cycle, direction, bytes) in records {
            let time_ps = cycle * 8000;
            hash.add(&TraceRecord {
                cycle: *cycle,
                time_ps,
                direction: *direction,
                bytes,
            });
        }
        hash.value()
    }

    #[test]
    fn every_part_of_a_record_and_their_order_count() {
        use Direction::{FromDevice, ToDevice};
        let base: [(u64, Direction, &[u8]); 2] = [
            (5, ToDevice, &[1, 2, 3]),
            (6, FromDevice, &[4, 5, 6, 7, 8, 9, 10, 11, 12]),
        ];
        let reference = hash(&base);
        assert_eq!(reference, hash(&base));
        let mut swapped = base;
        swapped.swap(0, 1);
        let mut changes = vec![hash(&swapped), hash(&base[..1])];
        changes.push(hash(&[(4, ToDevice, base[0].2), base[1]]));
        changes.push(hash(&[(5, FromDevice, base[0].2), base[1]]));
        changes.push(hash(&[(5, ToDevice, &[1, 2, 4]), base[1]]));
        changes.push(hash(&[(5, ToDevice, &[1, 2, 3, 0]), base[1]]));
        for change in changes {
            assert_ne!(change, reference);
        }
    }
}
