//! FIFO between two clocks.

use super::{lut_ram::LutRam, synchronizer::GraySynchronizer};
use rust_hdl::prelude::*;

/// First-word-fall-through FIFO of `2^N` words in LUT RAM, written with one clock and read with
/// another; `NP1` is `N + 1`, `N` at least 2.
///
/// Contract, each side in its own clock: while `empty` is low, `data_out` is the oldest word, and
/// `read` removes it at the edge of `read_clock`. `write` stores `data_in` at the edge of
/// `write_clock`. `write` while `full` and `read` while `empty` do nothing. Both resets are held
/// together for at least four cycles of the slower clock, with `write` low.
///
/// Latency: from the write, one cycle of `write_clock` and two to three of `read_clock` until
/// `empty` falls; room made by a read is seen by the writer after as long. At equal clocks 8 words
/// or more carry a word a cycle without a pause.
///
/// The only signals that cross are `written_gray` and `taken_gray`, Gray-coded and straight from registers, and the
/// words, which stand still from before their pointer crosses until it comes back. Nothing here constrains the wires
/// of the pointers; `cargo xtask synth` fails if one takes longer than a period of the faster clock. The words have
/// the two stages of their pointer's synchronizer for their way, and no tool times it: nextpnr knows no path from the
/// write of a LUT RAM to its output.
#[derive(LogicBlock)]
pub struct ClockCrossingFifo<T: Synth, const N: usize, const NP1: usize> {
    /// Clock of the writer.
    pub write_clock: Signal<In, Clock>,
    /// Synchronous reset of the writer's side.
    pub write_reset: Signal<In, Bit>,
    /// Stores `data_in`.
    pub write: Signal<In, Bit>,
    /// Word to store.
    pub data_in: Signal<In, T>,
    /// No room.
    pub full: Signal<Out, Bit>,
    /// Clock of the reader.
    pub read_clock: Signal<In, Clock>,
    /// Synchronous reset of the reader's side.
    pub read_reset: Signal<In, Bit>,
    /// Removes the oldest word.
    pub read: Signal<In, Bit>,
    /// The oldest word.
    pub data_out: Signal<Out, T>,
    /// No word.
    pub empty: Signal<Out, Bit>,

    memory: LutRam<T, N>,
    /// Words written, modulo `2^(N + 1)`, and the same in Gray code.
    written: DFF<Bits<NP1>>,
    written_gray: DFF<Bits<NP1>>,
    written_next: Signal<Local, Bits<NP1>>,
    /// Words read, in the same way.
    taken: DFF<Bits<NP1>>,
    taken_gray: DFF<Bits<NP1>>,
    taken_next: Signal<Local, Bits<NP1>>,
    to_reader: GraySynchronizer<NP1>,
    to_writer: GraySynchronizer<NP1>,
    is_full: Signal<Local, Bit>,
    is_empty: Signal<Local, Bit>,
    one: Constant<Bits<NP1>>,
    top_two: Constant<Bits<NP1>>,
}

impl<T: Synth, const N: usize, const NP1: usize> Default for ClockCrossingFifo<T, N, NP1> {
    fn default() -> Self {
        assert_eq!(NP1, N + 1, "ClockCrossingFifo: NP1 must be N + 1");
        assert!(N >= 2, "ClockCrossingFifo: N must be at least 2");
        Self {
            write_clock: Default::default(),
            write_reset: Default::default(),
            write: Default::default(),
            data_in: Default::default(),
            full: Default::default(),
            read_clock: Default::default(),
            read_reset: Default::default(),
            read: Default::default(),
            data_out: Default::default(),
            empty: Default::default(),
            memory: Default::default(),
            written: Default::default(),
            written_gray: Default::default(),
            written_next: Default::default(),
            taken: Default::default(),
            taken_gray: Default::default(),
            taken_next: Default::default(),
            to_reader: Default::default(),
            to_writer: Default::default(),
            is_full: Default::default(),
            is_empty: Default::default(),
            one: Constant::new(1u64.to_bits()),
            top_two: Constant::new((3u64 << (N - 1)).to_bits()),
        }
    }
}

impl<T: Synth, const N: usize, const NP1: usize> Logic for ClockCrossingFifo<T, N, NP1> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, write_clock, written, written_gray);
        dff_setup!(self, read_clock, taken, taken_gray);
        self.memory.clock.next = self.write_clock.val();
        self.to_reader.clock.next = self.read_clock.val();
        self.to_writer.clock.next = self.write_clock.val();
        self.to_reader.data_in.next = self.written_gray.q.val();
        self.to_writer.data_in.next = self.taken_gray.q.val();

        // Numbers that differ by 2^N differ in the top two bits of their Gray codes.
        self.is_full.next =
            (self.to_writer.data_out.val() ^ self.top_two.val()) == self.written_gray.q.val();
        self.is_empty.next = self.to_reader.data_out.val() == self.taken_gray.q.val();
        self.full.next = self.is_full.val();
        self.empty.next = self.is_empty.val();

        self.memory.write_address.next = self.written.q.val().get_bits::<N>(0);
        self.memory.write_data.next = self.data_in.val();
        self.memory.write_enable.next = self.write.val() & !self.is_full.val();
        self.memory.read_address.next = self.taken.q.val().get_bits::<N>(0);
        self.data_out.next = self.memory.read_data.val();

        self.written_next.next = self.written.q.val() + self.one.val();
        self.taken_next.next = self.taken.q.val() + self.one.val();
        if self.write.val() & !self.is_full.val() {
            self.written.d.next = self.written_next.val();
            self.written_gray.d.next = self.written_next.val() ^ (self.written_next.val() >> 1);
        }
        if self.read.val() & !self.is_empty.val() {
            self.taken.d.next = self.taken_next.val();
            self.taken_gray.d.next = self.taken_next.val() ^ (self.taken_next.val() >> 1);
        }
        if self.write_reset.val() {
            self.written.d.next = 0.into();
            self.written_gray.d.next = 0.into();
        }
        if self.read_reset.val() {
            self.taken.d.next = 0.into();
            self.taken_gray.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;
