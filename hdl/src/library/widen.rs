//! Words of 32 bits to beats of 128 bits.

use super::stream::StreamSource;
use super::word_stream::WordSink;
use rust_hdl::prelude::*;

/// Gathers up to four words into a beat, the first lowest.
///
/// Contract: the words of `sink`, in order, each once: a beat has four of them, or fewer if the
/// packet ends; the places of those that are missing are zero. The end of a packet costs no cycle:
/// a word a cycle, whatever the packets' lengths.
///
/// Latency: none. A beat is on offer in the cycle in which its last word is, and both are taken together, so
/// `sink.ready` depends on `source.ready`: a `StreamRegister` behind it cuts the path.
#[derive(LogicBlock, Default)]
pub struct Widen {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: forgets the words of the unfinished beat.
    pub reset: Signal<In, Bit>,
    /// Words in.
    pub sink: WordSink,
    /// Beats out.
    pub source: StreamSource,
    /// Belongs to `source.beat`: which of its words, 0 to 3, is its last.
    pub final_word: Signal<Out, Bits<2>>,

    /// The words before the one on offer, zero above them.
    held: DFF<Bits<96>>,
    /// How many they are.
    position: DFF<Bits<2>>,
    word: Signal<Local, Bits<32>>,
    last: Signal<Local, Bit>,
    wide: Signal<Local, Bits<128>>,
    /// The word on offer, in its place.
    placed: Signal<Local, Bits<128>>,
    together: Signal<Local, Bits<128>>,
    /// The word on offer ends its beat.
    ends_beat: Signal<Local, Bit>,
    ready: Signal<Local, Bit>,
}

impl Logic for Widen {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, position);
        self.word.next = self.sink.word.val().data;
        self.last.next = self.sink.word.val().last;
        self.wide.next = bit_cast::<128, 32>(self.word.val());
        self.placed.next = self.wide.val();
        if self.position.q.val() == 1 {
            self.placed.next = self.wide.val() << 32;
        }
        if self.position.q.val() == 2 {
            self.placed.next = self.wide.val() << 64;
        }
        if self.position.q.val() == 3 {
            self.placed.next = self.wide.val() << 96;
        }
        self.together.next = bit_cast::<128, 96>(self.held.q.val()) | self.placed.val();
        self.ends_beat.next = self.last.val() | self.position.q.val().all();

        self.source.valid.next = self.sink.valid.val() & self.ends_beat.val();
        self.source.beat.next.data = self.together.val();
        self.source.beat.next.last = self.last.val();
        self.final_word.next = self.position.q.val();
        self.ready.next = self.source.ready.val() | !self.ends_beat.val();
        self.sink.ready.next = self.ready.val();

        if self.sink.valid.val() & self.ready.val() {
            self.position.d.next = self.position.q.val() + 1;
            self.held.d.next = self.together.val().get_bits::<96>(0);
            if self.ends_beat.val() {
                self.position.d.next = 0.into();
                self.held.d.next = 0.into();
            }
        }
        if self.reset.val() {
            self.position.d.next = 0.into();
            self.held.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;
