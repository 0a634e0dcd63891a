//! The records against a slow reference, cycle by cycle.

use super::*;
use crate::configuration::RECEIVE_QUEUES_LOG2;
use crate::gate::{Gate, Random, clock_cycle, ecp5_cells, settle};
use crate::queues::test_support::configuration;
use abi::queue_state::{
    RECEIVE_CONTROL, RECEIVE_RING, REGION_RECEIVE_QUEUE, REGION_TRANSMIT_QUEUE, WORDS_LOG2,
    receive_control,
};
use std::collections::VecDeque;

/// A queue as it should be.
#[derive(Clone, Default)]
struct Queue {
    control: ReceiveControl,
    live: bool,
    entries_log2: u64,
    producer: u64,
    consumer: u64,
}

impl Queue {
    fn level(&self) -> u64 {
        self.producer.wrapping_sub(self.consumer) & 0xffff
    }

    fn limit(&self) -> u64 {
        (self.consumer + (1 << self.entries_log2)) & 0xffff
    }
}

/// A consumer store under way.
struct Store {
    cycle: u64,
    queue: usize,
    index: u64,
    /// The producer index that it is compared with.
    producer: u64,
}

fn control_word(random: &mut Random, enabled: bool) -> u64 {
    let mut word = receive_control::enabled::set(0, enabled.into());
    let entries_log2 = [1, 2, 3, 8, 15][random.below(5) as usize];
    word = receive_control::entries_log2::set(word, entries_log2);
    word = receive_control::stride_log2::set(word, 4 + random.below(5));
    word = receive_control::takes_misses::set(word, random.below(2));
    word = receive_control::drops::set(word, random.below(2));
    receive_control::receive_queue_id::set(word, random.below(1 << 12)) as u64
}

fn decoded(word: u64) -> ReceiveControl {
    let word = u128::from(word);
    let entries_log2 = receive_control::entries_log2::get(word);
    ReceiveControl {
        enabled: receive_control::enabled::get(word) == 1,
        receive_queue_id: receive_control::receive_queue_id::get(word).to_bits(),
        index_mask: ((1u64 << entries_log2) - 1).to_bits(),
        stride: (receive_control::stride_log2::get(word) - 4).to_bits(),
        ring: Default::default(),
        takes_misses: receive_control::takes_misses::get(word) == 1,
        drops: receive_control::drops::get(word) == 1,
    }
}

#[allow(clippy::too_many_lines)]
fn follows_the_reference<const QUEUES_LOG2: usize>(seed: u64) {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = ReceiveRecords::<QUEUES_LOG2>::default();
    unit.connect_all();
    unit.reset.next = true;
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    let mut cycles = 0;
    while !unit.ready.val() {
        clock_cycle!(unit, clock);
        cycles += 1;
    }
    assert_eq!(cycles, 1 << QUEUES_LOG2);

    let count = 1usize << QUEUES_LOG2;
    let mut queues = vec![Queue::default(); count];
    // Few, so that they meet in the pipeline.
    let chosen = [0, 1, count / 2, count - 1];
    let mut word: Option<(u64, usize, u64)> = None;
    let mut stores: VecDeque<Store> = VecDeque::new();
    let mut bad_at: VecDeque<u64> = VecDeque::new();
    // The queue read in the cycle before, with the record that must be there.
    let mut expected: Option<(ReceiveControl, u64, u64, bool)> = None;
    let mut commits_since = 2;
    let (mut reads, mut commits, mut taken, mut refused, mut changes) = (0, 0, 0, 0, 0);
    let (mut stored_at, mut configured_at) = (0, 0);
    // A control word takes effect two cycles behind the cycle in which it comes.
    let mut coming: VecDeque<(u64, usize, u64)> = VecDeque::new();
    for cycle in 2..60_000u64 {
        // Phases in which one of the writers is busy.
        let phase = cycle / 500 % 4;
        unit.configuration.next = Default::default();
        if cycle >= configured_at + 2 && random.chance([2, 2, 40, 5][phase as usize]) {
            let queue = chosen[random.below(4) as usize];
            configured_at = cycle;
            let address = random.chance(20);
            let elsewhere = random.chance(10);
            let data = if address {
                random.word() & !31
            } else {
                let enabled = random.chance(80);
                control_word(&mut random, enabled)
            };
            let place = if address {
                RECEIVE_RING
            } else {
                RECEIVE_CONTROL
            };
            let index = ((queue as u64) << WORDS_LOG2) + place as u64;
            let region = if elsewhere {
                REGION_TRANSMIT_QUEUE
            } else {
                REGION_RECEIVE_QUEUE
            };
            unit.configuration.next = configuration(region, index, data);
            if !elsewhere && address {
                word = Some((cycle + 1, queue, data));
            } else if !elsewhere {
                coming.push_back((cycle + 2, queue, data));
            }
        }
        unit.store.next = Default::default();
        if cycle >= stored_at + 2 && random.chance([20, 100, 60, 5][phase as usize]) {
            stored_at = cycle;
            let queue = chosen[random.below(4) as usize];
            let now = &queues[queue];
            let index = match random.below(8) {
                0 => random.below(1 << 16),
                1 => now.producer + 1,
                2 => now.consumer.wrapping_sub(1) & 0xffff,
                _ => now.consumer + random.below(now.level() + 1),
            };
            let index = index & 0xffff;
            unit.store.next = ConsumerStore {
                valid: true,
                queue: (queue as u64).to_bits(),
                index: index.to_bits(),
            };
            stores.push_back(Store {
                cycle,
                queue,
                index,
                producer: 0,
            });
        }
        let read = chosen[random.below(4) as usize];
        unit.read_queue.next = (read as u64).to_bits();
        settle(&mut unit);

        // What takes effect in this cycle.
        let change = coming.front().copied().filter(|(at, _, _)| *at == cycle);
        assert_eq!(unit.change.val().valid, change.is_some());
        let clear = change
            .filter(|(_, _, data)| decoded(*data).enabled)
            .map(|(_, queue, _)| queue);
        if let Some((_, queue, _)) = change {
            assert_eq!(unit.change.val().queue.to_u64(), queue as u64);
            assert_eq!(unit.change.val().enabled, clear.is_some());
            changes += 1;
        }
        let pends = coming.iter().any(|(at, _, _)| *at <= cycle + 1);
        assert_eq!(unit.pending.val(), pends);

        // What was read.
        if let Some((control, producer, limit, live)) = expected
            && unit.settled.val()
        {
            let record = unit.record.val();
            assert_eq!(record.control, control, "cycle {cycle}");
            if live {
                assert_eq!(record.producer.to_u64(), producer, "cycle {cycle}");
                assert_eq!(record.limit.to_u64(), limit, "cycle {cycle}");
                reads += 1;
            }
        }

        // A commit.
        unit.commit.next = false;
        let queue = chosen[random.below(4) as usize];
        let room = queues[queue].level() < 1 << queues[queue].entries_log2;
        let wants = commits_since >= 2 && random.chance([80, 40, 40, 90][phase as usize]);
        let commits_now = wants && room && queues[queue].live && unit.may_commit.val();
        if commits_now {
            unit.commit.next = true;
            unit.commit_queue.next = (queue as u64).to_bits();
            unit.commit_producer.next = queues[queue].producer.to_bits();
            commits += 1;
        }
        assert!(!(change.is_some() || pends) || !commits_now);
        commits_since = if commits_now { 1 } else { commits_since + 1 };
        assert_eq!(
            unit.bad_consumer.val(),
            bad_at.front() == Some(&cycle),
            "cycle {cycle}"
        );
        if bad_at.front() == Some(&cycle) {
            bad_at.pop_front();
        }
        settle(&mut unit);
        clock_cycle!(unit, clock);

        // The reference.
        if commits_now {
            queues[queue].producer = (queues[queue].producer + 1) & 0xffff;
        }
        if let Some((_, queue, data)) = change {
            coming.pop_front();
            let ring = queues[queue].control.ring;
            queues[queue].control = ReceiveControl {
                ring,
                ..decoded(data)
            };
        }
        if let Some(queue) = clear {
            let (_, _, data) = change.expect("it is one");
            queues[queue].live = true;
            queues[queue].entries_log2 = receive_control::entries_log2::get(data.into());
            queues[queue].producer = 0;
            queues[queue].consumer = 0;
            // Stores that were about to be checked are forgotten.
            stores.retain(|store| store.queue != queue || store.cycle + 2 > cycle);
        }
        for store in &mut stores {
            if store.cycle + 1 == cycle {
                store.producer = queues[store.queue].producer;
            }
        }
        // A store waits for a clear.
        if clear.is_none()
            && let Some(store) = stores.pop_front_if(|store| store.cycle + 3 <= cycle)
        {
            let now = &mut queues[store.queue];
            let legal = store.producer.wrapping_sub(store.index) & 0xffff
                <= store.producer.wrapping_sub(now.consumer) & 0xffff;
            if legal {
                now.consumer = store.index;
                taken += usize::from(now.live);
            } else {
                bad_at.push_back(cycle + 1);
                refused += usize::from(now.live);
            }
        }
        let live = queues.iter().filter(|queue| queue.live);
        assert!(
            live.into_iter()
                .all(|queue| queue.level() <= 1 << queue.entries_log2)
        );
        let now = &queues[read];
        expected = Some((now.control, now.producer, now.limit(), now.live));
        // An address that is written while it is read is not known.
        if let Some((_, queue, data)) = word.take_if(|(at, _, _)| *at == cycle) {
            queues[queue].control.ring = (data >> 5).to_bits();
            if queue == read {
                expected = None;
            }
        }
    }
    println!(
        "{reads} reads, {commits} commits, {taken} stores, {refused} refused, {changes} changes"
    );
    assert!(reads > 10_000 && commits > 5_000 && taken > 3_000 && refused > 500 && changes > 1_000);
}

#[test]
fn the_records_follow_the_reference() {
    follows_the_reference::<4>(31);
    follows_the_reference::<RECEIVE_QUEUES_LOG2>(32);
    follows_the_reference::<8>(33);
}

#[test]
fn gate() {
    let (mut configured, mut stored, mut committed) = (0, 0, 0);
    Gate::new("receive_records", ReceiveRecords::<3>::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(move |unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.configuration.next = Default::default();
            if cycle > 20 && cycle >= configured + 2 && random.chance(10) {
                configured = cycle;
                let enabled = random.chance(80);
                let data = control_word(random, enabled);
                let index = random.below(8) << WORDS_LOG2 | random.below(2);
                unit.configuration.next = configuration(REGION_RECEIVE_QUEUE, index, data);
            }
            unit.store.next = Default::default();
            if cycle >= stored + 2 && random.chance(30) {
                stored = cycle;
                unit.store.next = ConsumerStore {
                    valid: true,
                    queue: random.below(8).to_bits(),
                    index: random.below(4).to_bits(),
                };
            }
            unit.read_queue.next = random.below(8).to_bits();
            unit.commit.next = cycle >= committed + 2 && unit.may_commit.val() && random.chance(40);
            if unit.commit.next {
                committed = cycle;
            }
            unit.commit_queue.next = random.below(8).to_bits();
            unit.commit_producer.next = random.below(4).to_bits();
        });
}

/// Of many queues control and ring take three, producer, limit and gap one each, the copies for the check of consumer
/// indices two. Of 32 those of 16 bits, and the gap, stand in LUTs.
#[test]
fn take_eight_block_rams_at_most() {
    for (name, cells, expected) in [
        (
            "32",
            ecp5_cells("receive_records_32", ReceiveRecords::<5>::default()),
            4,
        ),
        (
            "256",
            ecp5_cells("receive_records_256", ReceiveRecords::<8>::default()),
            8,
        ),
    ] {
        let rams = cells.iter().find(|(kind, _)| kind == "DP16KD");
        assert_eq!(
            rams.map(|(_, count)| *count),
            Some(expected),
            "{name} queues"
        );
    }
}
