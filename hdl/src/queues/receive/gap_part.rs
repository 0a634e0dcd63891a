//! The gap part of the receive queues' records.

use crate::bundles::stored_header::{self, GAP_EPOCH_BITS};
use crate::library::block_ram::BlockRam;
use rust_hdl::prelude::*;

/// The epoch of a receive queue's last message (`GapEpoch`).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct GapRecord {
    /// It is known. If not, a frame may have been lost since.
    pub known: Bit,
    /// The epoch of the last message, or of the beginning of the ring.
    pub epoch: Bits<GAP_EPOCH_BITS>,
}

/// Epochs of the last messages of 2^`QUEUES_LOG2` receive queues. The receive engine is their only writer; a control
/// word with `enabled` sets one to the present epoch.
///
/// Epochs wrap. So each time `epoch` enters another half of its range, all records become unknown, a word a cycle in
/// which nothing else is written: what stood there half a lap ago is never taken for new. A message may wait while
/// the epoch goes on, for less than a quarter of its range: `GapEpoch` counts no faster than messages come, and
/// channels overtake each other by a bounded number of frames only (`FrameSelect`).
///
/// Contract: `commit` and `clear` never come together.
///
/// Latency: `read_queue` in cycle t, `record` in t + 1. A commit or clear in t counts for what is read in t.
#[derive(LogicBlock, Default)]
pub struct GapPart<const QUEUES_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// The present epoch.
    pub epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    pub read_queue: Signal<In, Bits<8>>,
    /// Of the queue read in the cycle before.
    pub record: Signal<Out, GapRecord>,
    /// Pulse: `commit_queue` was given a message of `commit_epoch`.
    pub commit: Signal<In, Bit>,
    pub commit_queue: Signal<In, Bits<8>>,
    pub commit_epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    /// With `commit`: a message was dropped in place of it, so the next one comes behind a gap.
    pub commit_drops: Signal<In, Bit>,
    /// Pulse: the ring of `clear_queue` begins anew.
    pub clear: Signal<In, Bit>,
    pub clear_queue: Signal<In, Bits<8>>,
    /// No message was for it until now; else it goes on from elsewhere, and a frame may have been lost meanwhile.
    pub clear_begins: Signal<In, Bit>,

    memory: BlockRam<GapRecord, QUEUES_LOG2>,
    /// What is written in this cycle; the memory lags behind it by a cycle.
    writes: DFF<Bit>,
    written_queue: DFF<Bits<QUEUES_LOG2>>,
    written: DFF<GapRecord>,
    /// What was written in the cycle before: the memory must not be read in the cycle of a write.
    wrote: DFF<Bit>,
    last_queue: DFF<Bits<QUEUES_LOG2>>,
    last: DFF<GapRecord>,
    /// The queue that `memory` was read for.
    read: DFF<Bits<QUEUES_LOG2>>,
    half: DFF<Bit>,
    sweeping: DFF<Bit>,
    swept: DFF<Bits<QUEUES_LOG2>>,
    /// The record of `swept` was written in the cycle before.
    has_swept: DFF<Bit>,
    sweeps: Signal<Local, Bit>,
    upper_half: Signal<Local, Bit>,
}

impl<const QUEUES_LOG2: usize> Logic for GapPart<QUEUES_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            writes,
            written_queue,
            written,
            wrote,
            last_queue,
            last,
            read,
            half,
            sweeping,
            swept,
            has_swept
        );
        clock!(self, clock, memory);
        // A sweep goes on in every second cycle: what it meets is known late.
        self.sweeps.next = self.sweeping.q.val() & !self.has_swept.q.val();
        self.writes.d.next = self.sweeps.val() | self.commit.val() | self.clear.val();
        self.written_queue.d.next = self.swept.q.val();
        self.written.d.next.known = false;
        self.has_swept.d.next = self.sweeps.val() & !self.commit.val() & !self.clear.val();
        if self.has_swept.q.val() {
            self.swept.d.next = self.swept.q.val() + 1;
            self.sweeping.d.next = !self.swept.q.val().all();
        }
        if self.commit.val() {
            self.written_queue.d.next = self.commit_queue.val().get_bits::<QUEUES_LOG2>(0);
            self.written.d.next.known = !self.commit_drops.val();
            self.written.d.next.epoch = self.commit_epoch.val();
        }
        if self.clear.val() {
            self.written_queue.d.next = self.clear_queue.val().get_bits::<QUEUES_LOG2>(0);
            self.written.d.next.known = self.clear_begins.val();
            self.written.d.next.epoch = self.epoch.val();
        }
        self.upper_half.next = self.epoch.val().get_bit(stored_header::GAP_EPOCH_HALF_BIT);
        self.half.d.next = self.upper_half.val();
        if self.upper_half.val() != self.half.q.val() {
            self.sweeping.d.next = true;
            self.swept.d.next = 0.into();
            self.has_swept.d.next = false;
        }

        self.memory.write_address.next = self.written_queue.q.val();
        self.memory.write_data.next = self.written.q.val();
        self.memory.write_enable.next = self.writes.q.val();
        self.memory.read_address.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.read.d.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.wrote.d.next = self.writes.q.val();
        self.last_queue.d.next = self.written_queue.q.val();
        self.last.d.next = self.written.q.val();
        self.record.next = self.memory.read_data.val();
        if self.wrote.q.val() & (self.read.q.val() == self.last_queue.q.val()) {
            self.record.next = self.last.q.val();
        }
        if self.writes.q.val() & (self.read.q.val() == self.written_queue.q.val()) {
            self.record.next = self.written.q.val();
        }

        if self.reset.val() {
            self.writes.d.next = false;
            self.half.d.next = false;
            self.sweeping.d.next = false;
            self.swept.d.next = 0.into();
            self.has_swept.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    const QUEUES: u64 = 8;

    fn unit() -> GapPart<3> {
        let mut unit = GapPart::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit
    }

    /// Epochs that go on by large steps: a record is the last one written, or unknown; and it is unknown when the
    /// epoch that stands there comes up again.
    #[test]
    fn a_record_is_the_last_one_or_unknown_and_never_of_an_earlier_lap() {
        const HALF: u64 = 1 << stored_header::GAP_EPOCH_HALF_BIT;
        let seed = 9;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        // Of each queue: epoch without wrapping. All queues are enabled first.
        let mut reference = [0u64; QUEUES as usize];
        let mut begun = [true; QUEUES as usize];
        let (mut epoch, mut unknown, mut entered) = (0u64, 0, 0u64);
        for cycle in 0..60_000u64 {
            let set_up = cycle < QUEUES;
            if !set_up && random.chance(10) && cycle > entered + 40 {
                // Seldom further than a quarter of a half.
                let before = epoch;
                let longest = if random.chance(80) { 2 } else { HALF / 4 };
                epoch += 1 + random.below(longest);
                if before / HALF != epoch / HALF {
                    entered = cycle;
                }
            }
            unit.epoch.next = (epoch % (2 * HALF)).to_bits();
            let commit = !set_up && random.chance(20);
            let clear = set_up || !commit && random.chance(1);
            let begins = set_up || random.chance(50);
            let queue = if set_up { cycle } else { random.below(QUEUES) };
            let drops = commit && random.chance(20);
            unit.commit.next = commit;
            unit.commit_drops.next = drops;
            unit.commit_queue.next = queue.to_bits();
            unit.commit_epoch.next = (epoch % (2 * HALF)).to_bits();
            unit.clear.next = clear;
            unit.clear_begins.next = begins;
            unit.clear_queue.next = queue.to_bits();
            let read = random.below(QUEUES);
            unit.read_queue.next = read.to_bits();
            if commit || clear {
                reference[queue as usize] = epoch;
            }
            settle(&mut unit);
            clock_cycle!(unit, clock);
            if set_up {
                continue;
            }
            if clear {
                begun[queue as usize] = begins;
            }
            if commit {
                begun[queue as usize] = !drops;
            }
            let record = unit.record.val();
            assert!(begun[read as usize] || !record.known, "cycle {cycle}");
            let expected = reference[read as usize];
            if record.known {
                assert_eq!(
                    record.epoch.to_u64(),
                    expected % (2 * HALF),
                    "cycle {cycle}"
                );
                assert!(expected + 2 * HALF > epoch, "of an earlier lap");
            } else {
                unknown += 1;
                assert!(expected / HALF <= epoch / HALF);
            }
        }
        assert!(unknown > 100 && epoch > 20 * HALF, "{unknown} {epoch}");
    }

    #[test]
    fn gate() {
        Gate::new("gap_part", GapPart::<3>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(4000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.epoch.next = if random.chance(5) {
                    random.bits()
                } else {
                    unit.epoch.val()
                };
                let set_up = (2..10).contains(&cycle);
                // All that is read was written before.
                unit.read_queue.next = if cycle < 12 {
                    0u8.to_bits()
                } else {
                    random.bits()
                };
                unit.clear.next = set_up || random.chance(5);
                unit.clear_begins.next = random.chance(50);
                unit.clear_queue.next = if set_up {
                    (cycle - 2).to_bits()
                } else {
                    random.bits()
                };
                unit.commit.next = !unit.clear.next && !set_up && random.chance(40);
                unit.commit_queue.next = random.bits();
                unit.commit_epoch.next = random.bits();
                unit.commit_drops.next = random.chance(20);
            });
    }
}
