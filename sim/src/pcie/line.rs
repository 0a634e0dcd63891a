//! One direction of the link as time: how long bytes occupy it.

use crate::profile::LinkProfile;

/// Bytes that cross a port in a cycle.
const BEAT_BYTES: u64 = 16;

/// A serial line. Times are picoseconds of simulated time.
#[derive(Clone, Debug)]
pub struct Line {
    /// Femtoseconds of line time per byte; integers, so that every machine agrees.
    byte_fs: u64,
    /// Picoseconds of a beat, on a line that carries beats and not bytes: the rest of a packet's last beat stays empty.
    beat_ps: Option<u64>,
    overhead_ps: u64,
    latency_ps: u64,
    cut_through: bool,
    /// The line is occupied up to this time.
    free_at_ps: u64,
}

impl Line {
    /// An idle line, between ports whose cycles take `period_ps`.
    pub fn new(profile: &LinkProfile, period_ps: u64) -> Line {
        let beat_ps = (profile.raw_bytes_per_ns == 0.0).then_some(period_ps);
        let byte_fs = match beat_ps {
            Some(beat_ps) => beat_ps * 1000 / BEAT_BYTES,
            None => (1e6 / profile.raw_bytes_per_ns).round() as u64,
        };
        Line {
            byte_fs,
            beat_ps,
            overhead_ps: u64::from(profile.framing_overhead_bytes) * byte_fs / 1000,
            latency_ps: profile.latency_ns * 1000,
            cut_through: profile.cut_through,
            free_at_ps: 0,
        }
    }

    /// How long `bytes` bytes take.
    pub fn duration_ps(&self, bytes: u64) -> u64 {
        match self.beat_ps {
            Some(beat_ps) => bytes.div_ceil(BEAT_BYTES) * beat_ps,
            None => bytes * self.byte_fs / 1000,
        }
    }

    /// Until when the line is occupied.
    pub fn free_at_ps(&self) -> u64 {
        self.free_at_ps
    }

    /// A packet begins that was ready at `ready_ps`: its framing goes onto the line as soon as the line is free.
    pub fn begin(&mut self, ready_ps: u64) {
        self.free_at_ps = self.free_at_ps.max(ready_ps) + self.overhead_ps;
    }

    /// Bytes of the packet follow, handed over no earlier than `ready_ps`.
    pub fn extend(&mut self, ready_ps: u64, bytes: u64) {
        self.free_at_ps = self.free_at_ps.max(ready_ps) + self.duration_ps(bytes);
    }

    /// When what has just gone onto the line is whole at the other end.
    pub fn arrival_ps(&self) -> u64 {
        self.free_at_ps + self.latency_ps
    }

    /// Puts a whole packet onto the line and returns when the receiver may begin to hand it on.
    pub fn send(&mut self, ready_ps: u64, bytes: u64) -> u64 {
        let start = self.free_at_ps.max(ready_ps);
        self.begin(ready_ps);
        self.extend(ready_ps, bytes);
        if self.cut_through {
            start + self.latency_ps
        } else {
            self.arrival_ps()
        }
    }

    /// The one-way latency.
    pub fn latency_ps(&self) -> u64 {
        self.latency_ps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[test]
    fn packets_follow_each_other_at_the_rate_of_gen1_x1() {
        let mut line = Line::new(&Profile::named("pcie-gen1-x1").unwrap().link, 8_000);
        // 24 bytes and 8 of framing at 4 ns each, then 350 ns.
        assert_eq!(line.send(1_000, 24), 1_000 + 32 * 4_000 + 350_000);
        assert_eq!(line.send(1_000, 24), 1_000 + 64 * 4_000 + 350_000);
        assert_eq!(line.send(10_000_000, 24), 10_000_000 + 32 * 4_000 + 350_000);
    }

    #[test]
    fn the_bare_line_hands_on_at_once_and_takes_a_beat_a_cycle() {
        for period_ps in [8_000, 2_500] {
            let mut line = Line::new(&Profile::named("bare").unwrap().link, period_ps);
            assert_eq!(line.send(8_000, 32), 8_000);
            assert_eq!(line.free_at_ps(), 8_000 + 2 * period_ps);
            // A store of 8 bytes: its second beat is half empty, and takes a cycle all the same.
            line.send(8_000, 24);
            assert_eq!(line.free_at_ps(), 8_000 + 4 * period_ps);
        }
    }

    #[test]
    fn gen3_x8_carries_its_raw_rate() {
        let mut line = Line::new(&Profile::named("pcie-gen3-x8").unwrap().link, 8_000);
        let mut arrival = 0;
        for _ in 0..1000 {
            arrival = line.send(0, 272);
        }
        let bytes_per_ns = 280.0 * 1000.0 / ((arrival - 200_000) as f64 / 1000.0);
        assert!((bytes_per_ns - 7.877).abs() < 0.01, "{bytes_per_ns}");
    }
}
