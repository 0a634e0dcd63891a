//! The data of a completion, collected before its header is sent.

use crate::library::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// Takes up to 32 double words, one at a time, and gives them back as they stand in a packet: the first behind the 3
/// double words of the header, four in each beat that follows. Lanes behind the last double word hold anything.
///
/// A word that is pushed in one cycle can be read in the next.
#[derive(LogicBlock, Default)]
pub struct CompletionData {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Forgets what was collected; not together with `push`.
    pub clear: Signal<In, Bit>,
    /// Takes `word`.
    pub push: Signal<In, Bit>,
    /// The next double word.
    pub word: Signal<In, Bits<32>>,
    /// Double words that will be collected, 1 to 32.
    pub length: Signal<In, Bits<6>>,
    /// Pushing one more makes `length` double words.
    pub one_missing: Signal<Out, Bit>,
    /// The first double word; zero after `clear`.
    pub first_word: Signal<Out, Bits<32>>,
    /// `length` is 1: no beat follows the first.
    pub short: Signal<Out, Bit>,
    /// Which beat behind the first to read.
    pub index: Signal<In, Bits<3>>,
    /// That beat.
    pub data: Signal<Out, Bits<128>>,
    /// It is the last one.
    pub last: Signal<Out, Bit>,
    ram: LutRam<Bits<128>, 3>,
    count: DFF<Bits<6>>,
    first: DFF<Bits<32>>,
    partial: DFF<Bits<96>>,
    count_next: Signal<Local, Bits<6>>,
    count_before: Signal<Local, Bits<6>>,
    lane: Signal<Local, Bits<2>>,
    wide: Signal<Local, Bits<128>>,
    placed: Signal<Local, Bits<128>>,
    kept: Signal<Local, Bits<96>>,
    merged: Signal<Local, Bits<128>>,
    behind_second: Signal<Local, Bits<6>>,
    last_index: Signal<Local, Bits<3>>,
}

impl Logic for CompletionData {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, count, first, partial);
        clock!(self, clock, ram);
        self.count_next.next = self.count.q.val() + 1;
        self.one_missing.next = self.count_next.val() == self.length.val();
        self.short.next = self.length.val() == 1;
        self.behind_second.next = self.length.val() - 2;
        self.last_index.next = self.behind_second.val().get_bits::<3>(2);

        // Double word n > 0 goes to lane n - 1 mod 4 of beat (n - 1) / 4, which is written again
        // with each of its words.
        self.count_before.next = self.count.q.val() - 1;
        self.lane.next = self.count_before.val().get_bits::<2>(0);
        self.wide.next = bit_cast::<128, 32>(self.word.val());
        self.placed.next = self.wide.val();
        self.kept.next = self.partial.q.val();
        if self.lane.val() == 0 {
            self.kept.next = 0.into();
        }
        if self.lane.val() == 1 {
            self.placed.next = self.wide.val() << 32;
        }
        if self.lane.val() == 2 {
            self.placed.next = self.wide.val() << 64;
        }
        if self.lane.val() == 3 {
            self.placed.next = self.wide.val() << 96;
        }
        self.merged.next = self.placed.val() | bit_cast::<128, 96>(self.kept.val());
        self.ram.write_address.next = self.count_before.val().get_bits::<3>(2);
        self.ram.write_data.next = self.merged.val();
        self.ram.write_enable.next = self.push.val() & (self.count.q.val() != 0);
        self.ram.read_address.next = self.index.val();
        self.data.next = self.ram.read_data.val();
        self.last.next = self.index.val() == self.last_index.val();
        self.first_word.next = self.first.q.val();

        if self.push.val() {
            self.partial.d.next = bit_cast::<96, 128>(self.merged.val());
            self.count.d.next = self.count_next.val();
            if self.count.q.val() == 0 {
                self.first.d.next = self.word.val();
            }
        }
        // Every packet begins with it: no reset is needed.
        if self.clear.val() {
            self.count.d.next = 0.into();
            self.first.d.next = 0.into();
        }
    }
}
