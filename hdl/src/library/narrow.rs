//! Beats of 128 bits to words of 32 bits.

use super::stream::StreamSink;
use super::word_stream::WordSource;
use rust_hdl::prelude::*;

/// Gives each beat as up to four words, the low one first.
///
/// Contract: the words of the beats of `sink`, in order, each once: four of a beat that is not the
/// last of its packet, and those up to `final_word` of one that is. The end of a packet costs no
/// cycle: a word a cycle, whatever the packets' lengths.
///
/// Latency: none. A beat is taken in the cycle in which its last word is, and `sink.ready` depends on `source.ready`: a
/// `StreamRegister` before it cuts the path.
#[derive(LogicBlock, Default)]
pub struct Narrow {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: the beat on offer, if any, is begun anew.
    pub reset: Signal<In, Bit>,
    /// Beats in.
    pub sink: StreamSink,
    /// Belongs to `sink.beat`, and stands as long: if that is its packet's last, which of its words, 0 to 3, is.
    pub final_word: Signal<In, Bits<2>>,
    /// Words out.
    pub source: WordSource,

    /// Index of the word on offer.
    position: DFF<Bits<2>>,
    data: Signal<Local, Bits<128>>,
    last: Signal<Local, Bit>,
    /// The last word of the beat is on offer.
    ends_beat: Signal<Local, Bit>,
    ends_packet: Signal<Local, Bit>,
}

impl Logic for Narrow {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, position);
        self.data.next = self.sink.beat.val().data;
        self.last.next = self.sink.beat.val().last;
        self.ends_packet.next = self.last.val() & (self.position.q.val() == self.final_word.val());
        self.ends_beat.next = self.ends_packet.val() | self.position.q.val().all();

        self.source.valid.next = self.sink.valid.val();
        self.source.word.next.data = self.data.val().get_bits::<32>(0);
        self.source.word.next.last = self.ends_packet.val();
        if self.position.q.val() == 1 {
            self.source.word.next.data = self.data.val().get_bits::<32>(32);
        }
        if self.position.q.val() == 2 {
            self.source.word.next.data = self.data.val().get_bits::<32>(64);
        }
        if self.position.q.val() == 3 {
            self.source.word.next.data = self.data.val().get_bits::<32>(96);
        }
        self.sink.ready.next = self.source.ready.val() & self.ends_beat.val();

        if self.sink.valid.val() & self.source.ready.val() {
            self.position.d.next = self.position.q.val() + 1;
            if self.ends_beat.val() {
                self.position.d.next = 0.into();
            }
        }
        if self.reset.val() {
            self.position.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::word_stream::{Word, reference};
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    fn unit() -> Narrow {
        let mut unit = Narrow::default();
        unit.clock.connect();
        unit.reset.connect();
        unit.sink.valid.connect();
        unit.sink.beat.connect();
        unit.final_word.connect();
        unit.source.ready.connect();
        unit.connect_all();
        settle(&mut unit);
        unit
    }

    /// Sends packets with pauses of both sides, and compares word by word; returns the cycles it took and the words.
    fn run(packets: u64, sent_percent: u64, taken_percent: u64) -> (usize, usize) {
        let seed = 21;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut beats = VecDeque::new();
        let mut words: VecDeque<Word> = VecDeque::new();
        for _ in 0..packets {
            let packet = reference::random_packet(&mut random);
            beats.extend(reference::beats(&packet));
            words.extend(reference::words(&packet));
        }
        let count = words.len();
        let mut unit = unit();
        let mut cycles = 0;
        while !words.is_empty() {
            // On offer, a beat stays; its `final_word` is of no account unless it is the last.
            unit.sink.valid.next |= !beats.is_empty() && random.chance(sent_percent);
            if let Some((beat, final_word)) = beats.front() {
                unit.sink.beat.next = *beat;
                unit.final_word.next = if beat.last {
                    final_word.to_bits()
                } else {
                    random.bits()
                };
            }
            unit.source.ready.next = random.chance(taken_percent);
            settle(&mut unit);
            assert_eq!(unit.source.valid.val(), unit.sink.valid.val());
            if unit.source.valid.val() {
                assert_eq!(Some(&unit.source.word.val()), words.front());
            }
            if unit.source.valid.val() && unit.source.ready.val() {
                words.pop_front();
            }
            let taken = unit.sink.valid.val() && unit.sink.ready.val();
            clock_cycle!(unit, clock);
            if taken {
                beats.pop_front();
                unit.sink.valid.next = false;
            }
            cycles += 1;
            assert!(cycles < 100 * count, "it stands still");
        }
        assert!(beats.is_empty());
        (cycles, count)
    }

    #[test]
    fn the_words_are_those_of_the_beats() {
        run(200, 60, 60);
        run(200, 20, 100);
        run(200, 100, 20);
    }

    #[test]
    fn a_word_a_cycle_from_the_first_without_a_bubble_between_packets() {
        let (cycles, words) = run(100, 100, 100);
        assert_eq!(cycles, words);
    }

    #[test]
    fn gate() {
        Gate::new("narrow", Narrow::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.reset.next = random.chance(1);
                unit.sink.valid.next = random.chance(80);
                unit.sink.beat.next = random.beat();
                unit.final_word.next = random.bits();
                unit.source.ready.next = random.chance(70);
            });
    }
}
