//! Words to beats, and from beats to words and back.

use super::super::narrow::Narrow;
use super::super::stream::StreamSink;
use super::super::word_stream::{WordSource, reference};
use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use std::collections::VecDeque;

fn unit() -> Widen {
    let mut unit = Widen::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.sink.valid.connect();
    unit.sink.word.connect();
    unit.source.ready.connect();
    unit.connect_all();
    settle(&mut unit);
    unit
}

/// Sends packets with pauses of both sides, and compares beat by beat; returns the cycles it took and the words.
fn run(packets: u64, sent_percent: u64, taken_percent: u64) -> (usize, usize) {
    let seed = 22;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut words = VecDeque::new();
    let mut beats = VecDeque::new();
    for _ in 0..packets {
        let packet = reference::random_packet(&mut random);
        words.extend(reference::words(&packet));
        beats.extend(reference::beats(&packet));
    }
    let count = words.len();
    let mut unit = unit();
    let mut cycles = 0;
    while !beats.is_empty() {
        unit.sink.valid.next |= !words.is_empty() && random.chance(sent_percent);
        if let Some(word) = words.front() {
            unit.sink.word.next = *word;
        }
        unit.source.ready.next = random.chance(taken_percent);
        settle(&mut unit);
        if unit.source.valid.val() {
            let beat = (unit.source.beat.val(), unit.final_word.val().to_u64());
            assert_eq!(Some(&beat), beats.front());
        }
        if unit.source.valid.val() && unit.source.ready.val() {
            beats.pop_front();
        }
        let taken = unit.sink.valid.val() && unit.sink.ready.val();
        clock_cycle!(unit, clock);
        if taken {
            words.pop_front();
            unit.sink.valid.next = false;
        }
        cycles += 1;
        assert!(cycles < 100 * count, "it stands still");
    }
    assert!(words.is_empty());
    (cycles, count)
}

#[test]
fn the_beats_are_made_of_the_words() {
    run(200, 60, 60);
    run(200, 20, 100);
    run(200, 100, 20);
}

#[test]
fn a_word_a_cycle_without_a_bubble_between_packets() {
    let (cycles, words) = run(100, 100, 100);
    assert_eq!(cycles, words);
}

#[test]
fn gate() {
    Gate::new("widen", Widen::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, _| {
            unit.reset.next = random.chance(1);
            unit.sink.valid.next = random.chance(80);
            unit.sink.word.next.data = random.bits();
            unit.sink.word.next.last = random.chance(30);
            unit.source.ready.next = random.chance(70);
        });
}

/// Beats to words and back.
#[derive(LogicBlock, Default)]
struct RoundTrip {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub sink: StreamSink,
    pub sink_final_word: Signal<In, Bits<2>>,
    pub source: StreamSource,
    pub source_final_word: Signal<Out, Bits<2>>,
    narrow: Narrow,
    widen: Widen,
}

impl Logic for RoundTrip {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, narrow, widen);
        self.narrow.reset.next = self.reset.val();
        self.widen.reset.next = self.reset.val();
        StreamSink::link(&mut self.sink, &mut self.narrow.sink);
        WordSource::join(&mut self.narrow.source, &mut self.widen.sink);
        StreamSource::link(&mut self.source, &mut self.widen.source);
        self.narrow.final_word.next = self.sink_final_word.val();
        self.source_final_word.next = self.widen.final_word.val();
    }
}

#[test]
fn a_round_trip_changes_nothing() {
    let seed = 23;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = RoundTrip::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.sink.valid.connect();
    unit.sink.beat.connect();
    unit.sink_final_word.connect();
    unit.source.ready.connect();
    unit.connect_all();
    settle(&mut unit);
    let mut beats: VecDeque<reference::PlacedBeat> = VecDeque::new();
    let mut passed = 0;
    for _ in 0..4000 {
        if beats.is_empty() {
            beats = reference::beats(&reference::random_packet(&mut random)).into();
        }
        let (beat, final_word) = beats[0];
        unit.sink.valid.next |= random.chance(90);
        unit.sink.beat.next = beat;
        unit.sink_final_word.next = final_word.to_bits();
        unit.source.ready.next = random.chance(80);
        settle(&mut unit);
        // A beat comes out in the cycle in which it is taken.
        let taken = unit.sink.valid.val() && unit.sink.ready.val();
        assert_eq!(unit.source.valid.val() && unit.source.ready.val(), taken);
        if taken {
            assert_eq!(unit.source.beat.val(), beat);
            assert_eq!(unit.source_final_word.val().to_u64(), final_word);
            passed += 1;
        }
        clock_cycle!(unit, clock);
        if taken {
            beats.pop_front();
            unit.sink.valid.next = false;
        }
    }
    assert!(passed > 700, "{passed} beats passed");
}

#[test]
fn gate_of_the_round_trip() {
    Gate::new("narrow_and_widen", RoundTrip::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, _| {
            unit.reset.next = random.chance(1);
            unit.sink.valid.next = random.chance(90);
            unit.sink.beat.next = random.beat();
            unit.sink_final_word.next = random.bits();
            unit.source.ready.next = random.chance(80);
        });
}
