//! A wire: beats come out as they went in, later, and damaged if a test wants them so.

use std::collections::VecDeque;

/// One beat on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flit {
    /// The sixteen bytes, byte 0 lowest.
    pub data: u128,
    /// Last beat of its frame.
    pub last: bool,
}

/// Damage to do to one beat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which beat, counted from the start of the run.
    pub beat: u64,
    /// Bits to flip.
    pub flip: u128,
    /// Whether to flip `last`, so that frames run together or fall apart.
    pub flip_last: bool,
}

/// One direction of a link.
#[derive(Debug)]
pub struct Wire {
    delay_cycles: u64,
    cycles_per_beat: u64,
    free_at: u64,
    carried: u64,
    faults: VecDeque<Fault>,
    in_flight: VecDeque<(u64, Flit)>,
}

impl Wire {
    /// A wire of this delay that takes one beat every `cycles_per_beat` core cycles (1: the stream's raw rate).
    pub fn new(delay_cycles: u64, cycles_per_beat: u64) -> Self {
        Wire {
            delay_cycles,
            cycles_per_beat: cycles_per_beat.max(1),
            free_at: 0,
            carried: 0,
            faults: VecDeque::new(),
            in_flight: VecDeque::new(),
        }
    }

    /// Damage to do, in ascending order of beats.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        assert!(
            faults.is_sorted_by_key(|fault| fault.beat),
            "faults come in order of their beats"
        );
        self.faults = faults.into();
    }

    /// Whether the wire takes a beat in this cycle.
    pub fn ready(&self, cycle: u64) -> bool {
        cycle >= self.free_at
    }

    /// Takes a beat in this cycle.
    pub fn send(&mut self, cycle: u64, mut flit: Flit) {
        while let Some(fault) = self
            .faults
            .front()
            .filter(|fault| fault.beat <= self.carried)
        {
            if fault.beat == self.carried {
                flit.data ^= fault.flip;
                flit.last ^= fault.flip_last;
            }
            self.faults.pop_front();
        }
        self.carried += 1;
        self.free_at = cycle + self.cycles_per_beat;
        self.in_flight.push_back((cycle + self.delay_cycles, flit));
    }

    /// Takes out every beat under way, each with the cycle in which it arrives.
    pub fn take(&mut self) -> impl Iterator<Item = (u64, Flit)> + '_ {
        self.in_flight.drain(..)
    }

    /// Beats carried so far.
    pub fn carried(&self) -> u64 {
        self.carried
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beat_comes_out_after_the_delay_and_damaged_as_asked() {
        let mut wire = Wire::new(3, 2);
        wire.set_faults(vec![Fault {
            beat: 1,
            flip: 0b100,
            flip_last: true,
        }]);
        for (cycle, data) in [(0, 7), (2, 7)] {
            assert!(wire.ready(cycle));
            wire.send(cycle, Flit { data, last: false });
            assert!(!wire.ready(cycle + 1), "half rate");
        }
        let arrived: Vec<_> = wire.take().collect();
        assert_eq!(
            arrived,
            [
                (
                    3,
                    Flit {
                        data: 7,
                        last: false
                    }
                ),
                (
                    5,
                    Flit {
                        data: 3,
                        last: true
                    }
                )
            ]
        );
        assert_eq!(wire.carried(), 2);
    }
}
