//! Flow-control credits that the root complex gives the device, one class at a time (2.6.1).

use crate::profile::{CREDIT_MARGIN_PACKETS, CREDIT_UNIT_BYTES, Credits};

/// Credits of one class, as its sender sees them.
#[derive(Clone, Copy, Debug)]
pub(super) struct CreditCount {
    headers: Option<u32>,
    data_units: Option<u32>,
    /// Credits put aside while they are withheld.
    aside: Option<Aside>,
}

/// Credits that the sender gets when they are no longer withheld; without a number it gets any number.
#[derive(Clone, Copy, Debug)]
struct Aside {
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
            aside: None,
        }
    }

    /// Room for packets of `payload_units` each, as many as may be started before the gate is seen to close.
    pub fn allows(&self, payload_units: u32) -> bool {
        let enough = |have: Option<u32>, each: u32| {
            have.is_none_or(|have| have >= each * CREDIT_MARGIN_PACKETS)
        };
        self.aside.is_none() && enough(self.headers, 1) && enough(self.data_units, payload_units)
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
        let (headers, data_units) = match &mut self.aside {
            Some(aside) => (&mut aside.headers, &mut aside.data_units),
            None => (&mut self.headers, &mut self.data_units),
        };
        for (have, back) in [(headers, 1), (data_units, payload_units)] {
            if let Some(have) = have {
                *have += back;
            }
        }
    }

    /// Closes the gate, whatever credits there are, or opens it again. Packets of `payload_units`
    /// that were started before the device saw it close keep their credits; all others are put
    /// aside, with those that come back meanwhile.
    pub fn withhold(&mut self, withheld: bool, payload_units: u32) {
        match self.aside {
            None if withheld => {
                let put_aside = |have: &mut Option<u32>, each: u32| {
                    let left = each * CREDIT_MARGIN_PACKETS;
                    let aside = have.map(|have| have.saturating_sub(left));
                    *have = Some(have.map_or(left, |have| have.min(left)));
                    aside
                };
                self.aside = Some(Aside {
                    headers: put_aside(&mut self.headers, 1),
                    data_units: put_aside(&mut self.data_units, payload_units),
                });
            }
            Some(aside) if !withheld => {
                let together = |have: Option<u32>, aside: Option<u32>| Some(have? + aside?);
                self.headers = together(self.headers, aside.headers);
                self.data_units = together(self.data_units, aside.data_units);
                self.aside = None;
            }
            _ => {}
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
    fn withheld_credits_close_the_gate_and_are_all_there_afterwards() {
        let mut count = CreditCount::new(Credits {
            headers: 10,
            data_units: 160,
        });
        assert!(count.take(16));
        count.withhold(true, 16);
        assert!(!count.allows(16) && !count.allows(0));
        count.give(16);
        count.withhold(true, 16);
        for _ in 0..CREDIT_MARGIN_PACKETS {
            assert!(count.take(16), "started before the gate was seen to close");
        }
        assert!(!count.take(16), "what comes back does not count yet");
        for _ in 0..CREDIT_MARGIN_PACKETS {
            count.give(16);
        }
        assert!(!count.allows(16));
        count.withhold(false, 16);
        for _ in 0..10 {
            assert!(count.take(16));
        }
        assert!(!count.take(0), "none was won");
    }

    #[test]
    fn infinite_credits_can_be_withheld_and_are_infinite_again_afterwards() {
        let mut count = CreditCount::new(Credits {
            headers: 0,
            data_units: 0,
        });
        count.withhold(true, 16);
        assert!(!count.allows(16));
        for _ in 0..CREDIT_MARGIN_PACKETS {
            assert!(count.take(16));
        }
        assert!(!count.take(16));
        count.give(16);
        count.withhold(false, 16);
        for _ in 0..1000 {
            assert!(count.take(256));
        }
        assert!(count.allows(256));
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
