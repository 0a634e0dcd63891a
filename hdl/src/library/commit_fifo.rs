//! FIFO in LUT RAM whose words can be taken back.

use super::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// First-word-fall-through FIFO of `2^N` words in LUT RAM; `NP1` is `N + 1`. Words that were written can be read once
/// they are committed, and are gone if they are discarded instead.
///
/// Contract: `write` stores `data_in` at the clock edge; while `full` it does nothing. `commit`
/// makes every word readable that was written before or is written in this cycle. `discard` drops
/// all of these that were not committed before; it wins over `commit`. While `empty` is low,
/// `data_out` is the oldest committed word, and `read` removes it at the clock edge; while `empty`
/// it does nothing. `stored` counts all words, `readable` those that are committed.
///
/// Latency: one cycle from `commit` to `empty` falling.
#[derive(LogicBlock)]
pub struct CommitFifo<T: Synth, const N: usize, const NP1: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: empties the FIFO.
    pub reset: Signal<In, Bit>,
    /// Stores `data_in`.
    pub write: Signal<In, Bit>,
    /// Word to store.
    pub data_in: Signal<In, T>,
    /// No room.
    pub full: Signal<Out, Bit>,
    /// Words written become readable.
    pub commit: Signal<In, Bit>,
    /// Words written and not committed are dropped.
    pub discard: Signal<In, Bit>,
    /// Removes the oldest committed word.
    pub read: Signal<In, Bit>,
    /// The oldest committed word.
    pub data_out: Signal<Out, T>,
    /// No committed word.
    pub empty: Signal<Out, Bit>,
    /// Number of words, committed or not: 0 to `2^N`.
    pub stored: Signal<Out, Bits<NP1>>,
    /// Number of committed words.
    pub readable: Signal<Out, Bits<NP1>>,

    memory: LutRam<T, N>,
    /// Words written, of these committed, and of these taken since reset, modulo `2^(N + 1)`.
    written: DFF<Bits<NP1>>,
    committed: DFF<Bits<NP1>>,
    taken: DFF<Bits<NP1>>,
    writes: Signal<Local, Bit>,
    reads: Signal<Local, Bit>,
    after: Signal<Local, Bits<NP1>>,
    words: Signal<Local, Bits<NP1>>,
    all: Constant<Bits<NP1>>,
    one: Constant<Bits<NP1>>,
}

impl<T: Synth, const N: usize, const NP1: usize> Default for CommitFifo<T, N, NP1> {
    fn default() -> Self {
        assert_eq!(NP1, N + 1, "CommitFifo: NP1 must be N + 1");
        Self {
            clock: Default::default(),
            reset: Default::default(),
            write: Default::default(),
            data_in: Default::default(),
            full: Default::default(),
            commit: Default::default(),
            discard: Default::default(),
            read: Default::default(),
            data_out: Default::default(),
            empty: Default::default(),
            stored: Default::default(),
            readable: Default::default(),
            memory: Default::default(),
            written: Default::default(),
            committed: Default::default(),
            taken: Default::default(),
            writes: Default::default(),
            reads: Default::default(),
            after: Default::default(),
            words: Default::default(),
            all: Constant::new((1u64 << N).to_bits()),
            one: Constant::new(1u64.to_bits()),
        }
    }
}

impl<T: Synth, const N: usize, const NP1: usize> Logic for CommitFifo<T, N, NP1> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, committed, taken);
        clock!(self, clock, memory);
        self.words.next = self.written.q.val() - self.taken.q.val();
        self.full.next = self.words.val() == self.all.val();
        self.stored.next = self.words.val();
        self.readable.next = self.committed.q.val() - self.taken.q.val();
        self.empty.next = self.committed.q.val() == self.taken.q.val();
        self.writes.next = self.write.val() & (self.words.val() != self.all.val());
        self.reads.next = self.read.val() & (self.committed.q.val() != self.taken.q.val());

        self.memory.write_address.next = self.written.q.val().get_bits::<N>(0);
        self.memory.write_data.next = self.data_in.val();
        self.memory.write_enable.next = self.writes.val();
        self.memory.read_address.next = self.taken.q.val().get_bits::<N>(0);
        self.data_out.next = self.memory.read_data.val();

        self.after.next = self.written.q.val();
        if self.writes.val() {
            self.after.next = self.written.q.val() + self.one.val();
        }
        self.written.d.next = self.after.val();
        if self.commit.val() {
            self.committed.d.next = self.after.val();
        }
        if self.discard.val() {
            self.written.d.next = self.committed.q.val();
            self.committed.d.next = self.committed.q.val();
        }
        if self.reads.val() {
            self.taken.d.next = self.taken.q.val() + self.one.val();
        }
        if self.reset.val() {
            self.written.d.next = 0.into();
            self.committed.d.next = 0.into();
            self.taken.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, prove, settle};
    use std::collections::VecDeque;

    #[test]
    fn behaves_like_two_queues_of_sixteen_together() {
        let seed = 21;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = CommitFifo::<Bits<12>, 4, 5>::default();
        unit.connect_all();
        let (mut committed, mut pending) = (VecDeque::new(), vec![]);
        let (mut was_full, mut was_hidden, mut dropped) = (false, false, 0);
        settle(&mut unit);
        for cycle in 0..6000 {
            let writes = if cycle / 200 % 2 == 0 { 80 } else { 20 };
            let (write, read) = (random.chance(writes), random.chance(50));
            let (commit, discard) = (random.chance(15), random.chance(5));
            let data = random.below(1 << 12);
            let reset = random.chance(1);
            unit.write.next = write;
            unit.read.next = read;
            unit.commit.next = commit;
            unit.discard.next = discard;
            unit.data_in.next = data.to_bits();
            unit.reset.next = reset;
            settle(&mut unit);
            let full = committed.len() + pending.len() == 16;
            assert_eq!(unit.full.val(), full);
            assert_eq!(unit.empty.val(), committed.is_empty());
            let stored = committed.len() + pending.len();
            assert_eq!(unit.stored.val().to_u64(), stored as u64);
            assert_eq!(unit.readable.val().to_u64(), committed.len() as u64);
            if let Some(&word) = committed.front() {
                assert_eq!(unit.data_out.val().to_u64(), word);
            }
            was_full |= full && write && read;
            was_hidden |= committed.is_empty() && !pending.is_empty() && read;
            if read {
                committed.pop_front();
            }
            if write && !full {
                pending.push(data);
            }
            if discard {
                dropped += pending.len();
                pending.clear();
            }
            if commit {
                committed.extend(pending.drain(..));
            }
            if reset {
                committed.clear();
                pending.clear();
            }
            clock_cycle!(unit, clock);
        }
        assert!(
            was_full && was_hidden && dropped > 0,
            "the corners were not reached"
        );
    }

    #[test]
    fn gate() {
        Gate::new("commit_fifo", CommitFifo::<Bits<40>, 4, 5>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle == 0 || random.chance(1);
                unit.write.next = random.chance(if cycle / 200 % 2 == 0 { 80 } else { 20 });
                unit.read.next = random.chance(50);
                unit.commit.next = random.chance(15);
                unit.discard.next = random.chance(5);
                unit.data_in.next = random.bits();
            });
    }

    /// Whatever the inputs, what can be read was committed and not taken, and no more words are
    /// stored than there are places.
    #[test]
    fn pointers_are_proved() {
        prove(
            "commit_fifo_proved",
            CommitFifo::<Bits<1>, 2, 3>::default(),
            3,
            "module properties(input clock, input reset, input write, input commit, input discard, input read, input
            data_in);
               wire full, empty, data_out;
               wire [2:0] stored, readable;
               reg [2:0] pending = 0, committed = 0;
               wire writes = write && pending + committed != 4;
               wire [2:0] after = pending + writes;
               wire reads = read && committed != 0;
               commit_fifo_proved fifo(.clock(clock), .reset(reset), .write(write), .data_in(data_in), .full(full),
                 .commit(commit), .discard(discard), .read(read), .data_out(data_out), .empty(empty), .stored(stored),
                 .readable(readable));
               always @(posedge clock) begin
                 pending <= reset || commit || discard ? 0 : after;
                 committed <= reset ? 0 : committed - reads + (commit && !discard ? after : 0);
               end
               always @(*) begin
                 assert (pending + committed <= 4);
                 assert (full == (pending + committed == 4));
                 assert (empty == (committed == 0));
                 assert (stored == pending + committed);
                 assert (readable == committed);
               end
             endmodule",
        );
    }
}
