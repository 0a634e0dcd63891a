//! Reads of host memory into chunk buffers: which have ended.

use crate::library::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// How far the read of a chunk buffer has come.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ChunkState {
    /// Tags that are outstanding, 0 to 4.
    pub tags: Bits<3>,
    /// Requests are still to be made.
    pub issuing: Bit,
    /// A part was refused or timed out.
    pub failed: Bit,
}

/// Counts, for each of 16 chunk buffers, the outstanding tags of its read, in LUT RAM.
///
/// Contract: at most one of `open`, `add` and `remove` is high in a cycle.
///
/// Latency: an event counts in `ended` from the second cycle after it.
#[derive(LogicBlock, Default)]
pub struct ChunkReads {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// A read begins.
    pub open: Signal<In, Bit>,
    /// A tag of it becomes outstanding; with `last`, the last one.
    pub add: Signal<In, Bit>,
    pub last: Signal<In, Bit>,
    /// A tag of it has ended; with `fails`, without its data.
    pub remove: Signal<In, Bit>,
    pub fails: Signal<In, Bit>,
    /// With each of the three: the buffer.
    pub opened: Signal<In, Bits<4>>,
    pub added: Signal<In, Bits<4>>,
    pub removed: Signal<In, Bits<4>>,
    /// A buffer; in the same cycle: its read has ended, and whether its data are there.
    pub query: Signal<In, Bits<4>>,
    pub ended: Signal<Out, Bit>,
    pub failed: Signal<Out, Bit>,

    opens: DFF<Bit>,
    adds: DFF<Bit>,
    removes: DFF<Bit>,
    /// `last` or `fails`.
    mark: DFF<Bit>,
    buffer: DFF<Bits<4>>,
    /// One table in two copies: for the next state, and for `query`.
    states: LutRam<ChunkState, 4>,
    copy: LutRam<ChunkState, 4>,

    now: Signal<Local, ChunkState>,
    next: Signal<Local, ChunkState>,
    asked: Signal<Local, ChunkState>,
}

impl Logic for ChunkReads {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, opens, adds, removes, mark, buffer);
        clock!(self, clock, states, copy);
        self.opens.d.next = self.open.val();
        self.adds.d.next = self.add.val();
        self.removes.d.next = self.remove.val();
        self.mark.d.next = self.last.val();
        self.buffer.d.next = self.opened.val();
        if self.add.val() {
            self.buffer.d.next = self.added.val();
        }
        if self.remove.val() {
            self.buffer.d.next = self.removed.val();
            self.mark.d.next = self.fails.val();
        }

        self.states.read_address.next = self.buffer.q.val();
        self.now.next = self.states.read_data.val();
        self.next.next = self.now.val();
        if self.adds.q.val() {
            self.next.next.tags = self.now.val().tags + 1;
            self.next.next.issuing = !self.mark.q.val();
        }
        if self.removes.q.val() {
            self.next.next.tags = self.now.val().tags - 1;
            self.next.next.failed = self.now.val().failed | self.mark.q.val();
        }
        if self.opens.q.val() {
            self.next.next.tags = 0.into();
            self.next.next.issuing = true;
            self.next.next.failed = false;
        }
        self.states.write_enable.next =
            self.opens.q.val() | self.adds.q.val() | self.removes.q.val();
        self.states.write_address.next = self.buffer.q.val();
        self.states.write_data.next = self.next.val();
        self.copy.write_enable.next = self.opens.q.val() | self.adds.q.val() | self.removes.q.val();
        self.copy.write_address.next = self.buffer.q.val();
        self.copy.write_data.next = self.next.val();

        self.copy.read_address.next = self.query.val();
        self.asked.next = self.copy.read_data.val();
        self.ended.next = !self.asked.val().issuing & (self.asked.val().tags == 0);
        self.failed.next = self.asked.val().failed;
        if self.reset.val() {
            self.opens.d.next = false;
            self.adds.d.next = false;
            self.removes.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    #[test]
    fn a_read_ends_with_its_last_tag_and_fails_with_any() {
        let seed = 7;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ChunkReads::default();
        unit.connect_all();
        settle(&mut unit);
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        // Tags, whether requests are still to come, whether one failed; none: never opened.
        let mut reference: [Option<(u64, bool, bool)>; 16] = [None; 16];
        let mut before = reference;
        let mut seen = (0, 0);
        for _ in 0..4000 {
            unit.open.next = false;
            unit.add.next = false;
            unit.remove.next = false;
            let buffer = random.below(16);
            unit.opened.next = random.bits();
            unit.added.next = random.bits();
            unit.removed.next = random.bits();
            unit.last.next = random.chance(50);
            unit.fails.next = random.chance(50);
            let state = &mut reference[buffer as usize];
            let next = match *state {
                None | Some((0, false, _)) => {
                    unit.open.next = true;
                    unit.opened.next = buffer.to_bits();
                    (0, true, false)
                }
                Some((tags, true, failed)) if random.chance(50) && tags < 4 => {
                    let last = random.chance(50) || tags == 3;
                    unit.add.next = true;
                    unit.added.next = buffer.to_bits();
                    unit.last.next = last;
                    (tags + 1, !last, failed)
                }
                Some((tags, issuing, failed)) if tags > 0 => {
                    let fails = random.chance(20);
                    unit.remove.next = true;
                    unit.removed.next = buffer.to_bits();
                    unit.fails.next = fails;
                    (tags - 1, issuing, failed | fails)
                }
                Some(same) => same,
            };
            *state = Some(next);
            clock_cycle!(unit, clock);
            // What was told in the cycle before counts now.
            let query = random.below(16);
            unit.query.next = query.to_bits();
            settle(&mut unit);
            if let Some((tags, issuing, failed)) = before[query as usize] {
                let ended = tags == 0 && !issuing;
                assert_eq!(unit.ended.val(), ended);
                assert_eq!(unit.failed.val(), failed);
                seen.0 += usize::from(ended && failed);
                seen.1 += usize::from(ended && !failed);
            }
            before = reference;
        }
        assert!(seen.0 > 50 && seen.1 > 50, "{seen:?}");
    }

    #[test]
    fn gate() {
        Gate::new("chunk_reads", ChunkReads::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                // All buffers are opened first: LUT RAM is undefined until written.
                let first = cycle < 18;
                let kind = random.below(4);
                unit.open.next = first || kind == 0;
                unit.add.next = !first && kind == 1;
                unit.remove.next = !first && kind == 2;
                unit.last.next = random.chance(50);
                unit.fails.next = random.chance(50);
                unit.opened.next = if first {
                    (cycle % 16).to_bits()
                } else {
                    random.bits()
                };
                unit.added.next = random.bits();
                unit.removed.next = random.bits();
                unit.query.next = random.bits();
            });
    }
}
