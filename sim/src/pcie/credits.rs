//! Flow-control credits that the root complex gives the device, one class at a time (2.6.1).

use crate::profile::{CREDIT_MARGIN_PACKETS, CREDIT_UNIT_BYTES, Credits};

/// Credits of one class, as its sender sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct CreditCount {
    headers: Option<u32>,
    data_units: Option<u32>,
}

/// Units of payload of `bytes` bytes.
pub(super) fn units(bytes: usize) -> u32 {
    (bytes as u32).div_ceil(CREDIT_UNIT_BYTES)
}

impl CreditCount {
    pub fn new(credits: Credits) -> CreditCount {
        let finite = |count: u32| (count != 0).then_some(count);
        CreditCount {
            headers: finite(credits.headers),
            data_units: finite(credits.data_units),
        }
    }

    /// Room for packets of `payload_units` each, as many as may be started before the gate is seen to close.
    pub fn allows(&self, payload_units: u32) -> bool {
        let enough = |have: Option<u32>, each: u32| {
            have.is_none_or(|have| have >= each * CREDIT_MARGIN_PACKETS)
        };
        enough(self.headers, 1) && enough(self.data_units, payload_units)
    }

    /// Takes one packet's credits; `false` when there are not enough, which then go to zero.
    pub fn take(&mut self, payload_units: u32) -> bool {
        let mut enough = true;
        for (have, need) in [
            (&mut self.headers, 1),
            (&mut self.data_units, payload_units),
        ] {
            if let Some(have) = have {
                enough &= *have >= need;
                *have = have.saturating_sub(need);
            }
        }
        enough
    }

    /// Gives one packet's credits back.
    pub fn give(&mut self, payload_units: u32) {
        for (have, back) in [
            (&mut self.headers, 1),
            (&mut self.data_units, payload_units),
        ] {
            if let Some(have) = have {
                *have += back;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gate_closes_while_there_is_still_room_for_packets_already_started() {
        let mut count = CreditCount::new(Credits {
            headers: 10,
            data_units: 80,
        });
        let mut sent = 0;
        while count.allows(16) {
            assert!(count.take(16));
            sent += 1;
        }
        assert_eq!(sent, 3);
        for _ in 0..CREDIT_MARGIN_PACKETS - 1 {
            assert!(count.take(16));
        }
        assert!(!count.take(16));
        for _ in 0..5 {
            count.give(16);
        }
        assert!(count.allows(16));
    }

    #[test]
    fn zero_is_infinite() {
        let mut count = CreditCount::new(Credits {
            headers: 0,
            data_units: 0,
        });
        for _ in 0..1000 {
            assert!(count.take(256));
        }
        assert!(count.allows(256));
    }
}
