//! Behaviour of `ShadowWriter`: who is written, where, and that nothing is forgotten.

use super::*;
use crate::gate::{Random, clock_cycle, settle};
use crate::queues::test_support::control;

/// The writer together with sixteen words that change.
struct Bench {
    unit: ShadowWriter,
    dirty: [bool; 16],
    report: [bool; 16],
    words: [u64; 16],
    events: Vec<(u64, u64)>,
    written: u64,
}

impl Bench {
    fn new(addresses: &[u64; 16]) -> Bench {
        let mut unit = ShadowWriter::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        for (queue, address) in addresses.iter().enumerate() {
            unit.configuration.next = QueueWord {
                control: false,
                address: true,
                ..control(queue as u64, *address)
            };
            clock_cycle!(unit, clock);
            // The control word next to it is not an address.
            unit.configuration.next = control(queue as u64, !0);
            clock_cycle!(unit, clock);
        }
        unit.configuration.next = QueueWord::default();
        Bench {
            unit,
            dirty: [false; 16],
            report: [false; 16],
            words: [0; 16],
            events: vec![],
            written: 0,
        }
    }

    /// One cycle; the beat that was taken.
    fn cycle(&mut self, ready: bool) -> Option<(u128, bool)> {
        let unit = &mut self.unit;
        let bits = (0..16).fold(0u64, |bits, i| bits | u64::from(self.dirty[i]) << i);
        unit.dirty.next = bits.to_bits();
        unit.source.ready.next = ready;
        let queue = unit.queue.val().index();
        unit.word.next = self.words[queue].to_bits();
        unit.report.next = self.report[queue];
        settle(unit);
        if unit.taken.val() {
            self.dirty[queue] = false;
            self.report[queue] = false;
        }
        if unit.error_event_valid.val() {
            let event = unit.error_event.val();
            assert_eq!(event.kind, abi::event::kind::QUEUE_ERROR as u64);
            self.events
                .push((event.index.to_u64(), event.code.to_u64()));
        }
        self.written += u64::from(unit.written.val());
        let beat = unit.source.beat.val();
        let taken = (unit.source.valid.val() && ready).then(|| (beat.data.to_u128(), beat.last));
        clock_cycle!(*unit, clock);
        taken
    }
}

#[test]
fn a_changed_queue_is_written_after_two_cycles() {
    let mut addresses = [0; 16];
    addresses[9] = 0x1234_5678_9abc_de40;
    let mut bench = Bench::new(&addresses);
    bench.dirty[9] = true;
    bench.report[9] = true;
    bench.words[9] = 0x0006_0001_0007;
    assert_eq!(bench.cycle(true), None);
    assert_eq!(bench.cycle(true), None);
    assert_eq!(
        bench.cycle(true),
        Some((8 << 64 | 0x1234_5678_9abc_de40, false))
    );
    assert_eq!(bench.cycle(true), Some((0x0006_0001_0007, true)));
    assert_eq!(bench.events, [(9, 6)]);
    assert_eq!(bench.written, 1);
    assert!((0..10).all(|_| bench.cycle(true).is_none()));
}

#[test]
fn a_queue_without_a_line_still_tells_its_error() {
    let mut bench = Bench::new(&[0; 16]);
    bench.dirty[3] = true;
    bench.report[3] = true;
    bench.words[3] = 5 << 32;
    assert!((0..10).all(|_| bench.cycle(true).is_none()));
    assert_eq!(bench.events, [(3, 5)]);
    assert_eq!(bench.written, 0);
}

#[test]
fn the_last_word_of_every_queue_arrives_and_none_starves() {
    let seed = 5;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let addresses = std::array::from_fn(|queue| 0x1000 + 64 * queue as u64);
    let mut bench = Bench::new(&addresses);
    let mut memory = [0u64; 16];
    let mut waiting = [0u64; 16];
    let mut address = None;
    for cycle in 0..4000 {
        let quiet = cycle >= 3800;
        let queue = random.below(16) as usize;
        if !quiet && random.chance(60) {
            bench.words[queue] = random.word() >> 16;
            bench.dirty[queue] = true;
        }
        match (bench.cycle(quiet || random.chance(70)), address) {
            (None, _) => {}
            (Some((data, last)), None) => {
                assert!(!last);
                assert_eq!(data >> 64, 8);
                address = Some(data as u64);
            }
            (Some((data, last)), Some(at)) => {
                assert!(last);
                memory[((at - 0x1000) / 64) as usize] = data as u64;
                address = None;
            }
        }
        for (waited, dirty) in waiting.iter_mut().zip(bench.dirty) {
            *waited = if dirty { *waited + 1 } else { 0 };
            assert!(*waited < 16 * 12, "a queue starves");
        }
    }
    assert_eq!(memory, bench.words);
    assert!(bench.written > 500);
}
