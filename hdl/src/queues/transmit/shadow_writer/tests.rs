//! Lines against the latest that was told of each queue.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use abi::message::{shadow, shadow_losses};
use std::collections::BTreeMap;

const ADDRESS: u64 = 0x1_0000;

/// What is told of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Told {
    consumer: u64,
    errors: u64,
    error: u64,
    failed: bool,
    store_errors: u64,
    store_error: u64,
}

impl Told {
    fn line(&self) -> u64 {
        let mut word = shadow::consumer::set(0, self.consumer);
        word = shadow::message_errors::set(word, self.errors);
        word = shadow::message_error::set(word, self.error);
        word = shadow::store_errors::set(word, self.store_errors);
        word = shadow::store_error::set(word, self.store_error);
        shadow::failed::set(word, self.failed.into()) as u64
    }
}

/// One with `2^N` queues. The last queue has no line.
fn unit<const N: usize, const NP1: usize, const NP2: usize>() -> ShadowWriter<N, NP1, NP2> {
    let mut unit = ShadowWriter::default();
    unit.connect_all();
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    let queues = 1u64 << N;
    for queue in 0..queues {
        unit.configuration.next = QueueWord {
            control: false,
            address: true,
            queue: queue.to_bits(),
            word: (if queue == queues - 1 {
                0
            } else {
                ADDRESS + queue * 64
            })
            .to_bits(),
            ..Default::default()
        };
        clock_cycle!(unit, clock);
    }
    unit.configuration.next = Default::default();
    unit
}

fn progress(queue: u64, told: &Told, tell: bool, report: bool) -> Progress {
    Progress {
        valid: true,
        queue: queue.to_bits(),
        consumer: told.consumer.to_bits(),
        errors: told.errors.to_bits(),
        error: told.error.to_bits(),
        failed: told.failed,
        tell,
        report,
        ..Default::default()
    }
}

#[test]
fn the_descriptor_follows_its_cause_by_four_cycles() {
    let mut unit = unit::<5, 6, 7>();
    unit.source.ready.next = true;
    let told = Told {
        consumer: 7,
        ..Default::default()
    };
    unit.progress.next = progress(1, &told, true, false);
    for cycle in 0..=4 {
        settle(&mut unit);
        assert_eq!(unit.source.valid.val(), cycle == 4 - 1, "cycle {cycle}");
        if cycle == 3 {
            let descriptor = unit.source.beat.val().data.to_u128();
            assert_eq!(descriptor, u128::from(ADDRESS + 64) | 8 << 64);
            return;
        }
        clock_cycle!(unit, clock);
        unit.progress.next = Default::default();
    }
}

/// However often queues change while their turn has not come: in the end each line says the latest, and no line ever
/// says something older than a line before it.
fn lines_follow<const N: usize, const NP1: usize, const NP2: usize>(rounds: u64) {
    let seed = 8;
    println!("{} queues, seed {seed}", 1 << N);
    let mut random = Random::new(seed);
    let mut unit = unit::<N, NP1, NP2>();
    const QUIET_CYCLES_PER_LINE: u64 = 40;
    let queues = 1u64 << N;
    let busy_cycles = 2500;
    let round_cycles = busy_cycles + 300 + QUIET_CYCLES_PER_LINE * queues;
    let mut latest = vec![Told::default(); 1 << N];
    let mut lines: BTreeMap<u64, u64> = BTreeMap::new();
    // The second words: what is known, and what a line of 16 bytes has said last; `None` behind one of 8 bytes.
    let mut losses: Vec<Option<u64>> = vec![None; 1 << N];
    let mut second: BTreeMap<u64, Option<u64>> = BTreeMap::new();
    let (mut address, mut events) = (None, 0);
    let mut reported = vec![false; 1 << N];
    let mut last_report = vec![0u64; 1 << N];
    for cycle in 0..rounds * round_cycles {
        let busy = cycle % round_cycles < busy_cycles;
        unit.progress.next = Default::default();
        unit.stores.next = Default::default();
        let queue = random.below(queues);
        if busy && random.chance(30) {
            let told = &mut latest[queue as usize];
            let report = random.chance(10);
            told.consumer = (told.consumer + random.below(4)) & 0xffff;
            told.errors = (told.errors + u64::from(report)).min(0xfff);
            told.error = if report { random.below(11) } else { told.error };
            unit.progress.next = progress(queue, told, true, report);
            reported[queue as usize] |= report;
            if report {
                last_report[queue as usize] = cycle;
            }
        }
        let stored = random.below(queues);
        if busy && random.chance(20) {
            let told = &mut latest[stored as usize];
            told.store_errors = (told.store_errors + 1).min(0xfff);
            told.store_error = 1 + random.below(2);
            // Of a queue that begins nothing is known until its losses count.
            let (begins, has_losses) = (random.chance(10), random.chance(50));
            let (producer, count) = (random.below(1 << 16), random.below(16));
            let known = &mut losses[stored as usize];
            if has_losses {
                *known = Some(shadow_losses::lost_from::set(
                    shadow_losses::losses::set(0, count),
                    producer,
                ) as u64);
            } else if begins {
                *known = None;
            }
            unit.stores.next = StorePart {
                valid: true,
                queue: stored.to_bits(),
                producer: producer.to_bits(),
                errors: told.store_errors.to_bits(),
                error: told.store_error.to_bits(),
                losses: count.to_bits(),
                has_losses,
                begins,
                tell: true,
            };
        }
        unit.source.ready.next = random.chance(60);
        settle(&mut unit);
        if unit.error_event_valid.val() {
            let queue = unit.error_event.val().index.to_u64() as usize;
            assert!(reported[queue], "queue {queue} has nothing to report");
            // What was told since the queue was taken, a cycle ago, is still due.
            reported[queue] = last_report[queue] + 1 >= cycle;
            events += 1;
        }
        if unit.source.valid.val() && unit.source.ready.val() {
            let beat = unit.source.beat.val();
            match address.take() {
                None => {
                    assert!(!beat.last);
                    let descriptor = beat.data.to_u128();
                    let bytes = (descriptor >> 64) as u64;
                    assert!(bytes == 8 || bytes == 16, "{bytes} bytes");
                    address = Some((descriptor as u64, bytes == 16));
                }
                Some((at, has_second)) => {
                    assert!(beat.last);
                    let word = (beat.data.to_u128() >> 64) as u64;
                    second.insert((at - ADDRESS) / 64, has_second.then_some(word));
                    let (queue, line) = ((at - ADDRESS) / 64, beat.data.to_u128());
                    let before = lines.insert(queue, line as u64).unwrap_or(0);
                    let consumer = |line: u64| shadow::consumer::get(line.into()) as u16;
                    let step = consumer(line as u64).wrapping_sub(consumer(before));
                    assert!(step < 0x8000, "queue {queue} went back");
                }
            }
        }
        clock_cycle!(unit, clock);
        if cycle % round_cycles == round_cycles - 1 {
            for queue in 0..queues - 1 {
                let line = lines.get(&queue).copied().unwrap_or_default();
                assert_eq!(
                    line,
                    latest[queue as usize].line(),
                    "cycle {cycle}, queue {queue}"
                );
                if let Some(&second) = second.get(&queue) {
                    assert_eq!(
                        second, losses[queue as usize],
                        "cycle {cycle}, queue {queue}"
                    );
                }
            }
            assert!(reported.iter().all(|due| !due), "every event came");
        }
    }
    assert!(events > 200, "{events} events");
}

#[test]
fn every_line_ends_at_the_latest_and_never_goes_back() {
    lines_follow::<2, 3, 4>(10);
    lines_follow::<5, 6, 7>(5);
    lines_follow::<8, 9, 10>(4);
}

fn passes_the_gate<const N: usize, const NP1: usize, const NP2: usize>(name: &str) {
    Gate::new(name, ShadowWriter::<N, NP1, NP2>::default())
        .clock(|unit| &mut unit.clock)
        .cycles(3000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            let begun = cycle > 2 + (1 << N);
            unit.configuration.next = QueueWord {
                control: random.chance(5),
                address: random.chance(10),
                queue: random.below(1 << N).to_bits(),
                word: random.word().to_bits(),
                ..Default::default()
            };
            unit.progress.next = Progress {
                valid: begun && random.chance(30),
                queue: random.below(1 << N).to_bits(),
                consumer: random.bits(),
                errors: random.bits(),
                error: random.bits(),
                failed: random.chance(10),
                tell: random.chance(50),
                report: random.chance(20),
                ..Default::default()
            };
            unit.stores.next = StorePart {
                valid: begun && random.chance(30),
                queue: random.below(1 << N).to_bits(),
                producer: random.bits(),
                errors: random.bits(),
                error: random.bits(),
                losses: random.bits(),
                has_losses: random.chance(50),
                begins: random.chance(10),
                tell: random.chance(50),
            };
            unit.save.next.valid = match unit.saved.val().done {
                true => random.chance(70),
                false => unit.save.val().valid || random.chance(5),
            };
            if !unit.save.val().valid {
                unit.save.next.queue = random.below(1 << N).to_bits();
            }
            unit.source.ready.next = random.chance(60);
        });
}

#[test]
fn gate() {
    passes_the_gate::<2, 3, 4>("shadow_writer");
    passes_the_gate::<8, 9, 10>("shadow_writer_256");
}
