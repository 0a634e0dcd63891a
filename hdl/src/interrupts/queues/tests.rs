use super::*;
use crate::gate::{Gate, Random, clock_cycle, ecp5_size, settle};
use crate::queues::test_support::configuration;
use abi::queue_state::{REGION_INTERRUPT, ReceiveInterrupt};
use std::collections::VecDeque;

/// A queue as a program would describe it.
#[derive(Clone, Copy, Default)]
struct Queue {
    enabled: bool,
    vector: u64,
    delivered: u16,
    armed: bool,
}

/// What happens in a cycle.
#[derive(Clone, Copy, Default)]
struct Step {
    delivered: Option<u64>,
    arm: Option<(u64, u16, bool)>,
    late: bool,
}

/// The rules, one event at a time: vectors raised, in order.
fn carry_out(queues: &mut [Queue], step: Step) -> Vec<u64> {
    let mut raised = Vec::new();
    if let Some(number) = step.delivered {
        let queue = &mut queues[number as usize];
        queue.delivered = queue.delivered.wrapping_add(1);
        if std::mem::take(&mut queue.armed) {
            raised.push(queue.vector);
        }
    }
    if let Some((number, index, armed)) = step.arm {
        let queue = &mut queues[number as usize];
        let wants = armed && queue.enabled;
        queue.armed = wants && index == queue.delivered;
        if wants && index != queue.delivered {
            raised.push(queue.vector);
        }
    }
    raised
}

/// Entries and stores at random, more than half of them of few queues, so that they meet in a cycle; now and then a
/// word of queue state for a queue that nobody uses meanwhile.
fn follows_the_rules<const N: usize>(seed: u64) {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = InterruptQueues::<N>::default();
    unit.connect_all();
    let mut queues = vec![Queue::default(); 1 << N];
    let mut expected: VecDeque<(u64, u64)> = VecDeque::new();
    let (mut entry_at, mut arm_at, mut busy_until) = (0, 0, 0u64);
    // Earliest cycle of the next store that was kept.
    let (mut late_at, mut late_raised) = (0, 0);
    let mut idle: Option<(u64, u64)> = None;
    let (mut raised, mut met, mut both) = (0, 0, 0);
    let start = 1 + (1 << N);
    unit.interval_taken.next = false;
    for cycle in 0..12_000u64 {
        unit.reset.next = cycle == 0;
        let mut step = Step::default();
        let below = if cycle / 500 % 2 == 0 { 3 } else { 1 << N };
        // A queue that gets a word of queue state is left alone.
        let word = cycle > start && idle.is_none() && cycle > busy_until && random.chance(2);
        if word {
            idle = Some((random.below(below), cycle));
        }
        let free = |number: &u64| idle.is_none_or(|(resting, _)| resting != *number);
        let late = start + 20;
        if cycle > late && cycle >= entry_at && random.chance(60) {
            step.delivered = Some(random.below(below)).filter(free);
            entry_at = cycle + 2;
        }
        if cycle > late && cycle >= arm_at && random.chance(60) {
            let number = random.below(below);
            let known = queues[number as usize].delivered;
            let index = known.wrapping_add(random.below(3) as u16).wrapping_sub(1);
            step.arm = Some((number, index, random.chance(80))).filter(|(number, ..)| free(number));
            arm_at = cycle + 2;
        } else if cycle > late.max(late_at) && random.chance(40) {
            // Between two stores, if they come.
            let number = random.below(below);
            let known = queues[number as usize].delivered;
            let index = known.wrapping_add(random.below(3) as u16).wrapping_sub(1);
            if free(&number) && !unit.settling.val() {
                step.arm = Some((number, index, random.chance(80)));
                step.late = true;
                late_at = cycle + 8;
            }
        }
        unit.configuration.next = ConfigurationWrite::default();
        if let Some((number, since)) = idle
            && cycle == since + 4
        {
            let enabled = random.chance(90);
            let word = ReceiveInterrupt {
                vector: random.below(256),
                enabled: enabled.into(),
                armed: u64::from(enabled && random.chance(30)),
                due: random.chance(30).into(),
                interval: random.below(1 << 12),
                delivered: random.below(1 << 16),
            };
            let index = number as usize;
            unit.configuration.next = configuration(REGION_INTERRUPT, number, word.pack());
            queues[index] = Queue {
                enabled,
                vector: word.vector,
                delivered: word.delivered as u16,
                armed: word.armed == 1,
            };
            if word.due == 1 {
                expected.push_back((cycle, word.vector));
            }
        }
        unit.delivered.next = step.delivered.is_some();
        unit.delivered_queue.next = step.delivered.unwrap_or_default().to_bits();
        let (queue, index, armed) = step.arm.unwrap_or_default();
        unit.arm.next = ArmStore {
            valid: step.arm.is_some(),
            queue: queue.to_bits(),
            index: u64::from(index).to_bits(),
            armed,
            late: step.late,
        };
        unit.interval_taken.next = random.chance(30);
        let looked_at = random.below(1 << N);
        unit.saved_queue.next = looked_at.to_bits();
        settle(&mut unit);
        if unit.sets_interval.val() && unit.interval_taken.val() {
            busy_until = cycle + 1;
        }
        if let Some((number, since)) = idle
            && cycle > since + 5
            && !unit.settling.val()
        {
            assert_eq!(queues[number as usize].armed, {
                unit.saved_queue.next = number.to_bits();
                settle(&mut unit);
                unit.saved_armed.val()
            });
            idle = None;
        }
        if unit.raise.val() {
            let vector = unit.raised_vector.val().to_u64();
            // What firmware raises waits for its turn; all else comes in order.
            let place = expected.iter().position(|(_, raised)| *raised == vector);
            let place = place.unwrap_or_else(|| panic!("cycle {cycle}: {vector} for no reason"));
            let (due, _) = expected.remove(place).expect("it was found");
            assert!(cycle <= due + 12, "cycle {cycle}: due since {due}");
            raised += 1;
        }
        if let Some((due, vector)) = expected.front() {
            assert!(cycle <= due + 12, "cycle {cycle}: {vector} is not raised");
        }
        met += u32::from(step.delivered.is_some() && step.delivered == step.arm.map(|arm| arm.0));
        let entry_raises = step
            .delivered
            .is_some_and(|number| queues[number as usize].armed);
        let vectors = carry_out(&mut queues, step);
        both += u32::from(vectors.len() == 2);
        late_raised += u32::from(step.late && vectors.len() == 1 + usize::from(entry_raises));
        expected.extend(vectors.into_iter().map(|vector| (cycle, vector)));
        clock_cycle!(unit, clock);
    }
    assert!(expected.len() < 4);
    assert!(
        raised > 500 && met > 30 && both > 30 && late_raised > 50,
        "{raised} raised, {met} entries and stores of a queue at once, {both} raised at once, {late_raised} late"
    );
}

#[test]
fn entries_and_stores_raise_what_the_rules_say() {
    for seed in 1..=3 {
        follows_the_rules::<2>(seed);
        follows_the_rules::<5>(seed);
    }
    follows_the_rules::<8>(4);
}

/// The race of arm, test and sleep: whatever cycle the entry comes in, the vector is raised once.
#[test]
fn an_entry_in_any_cycle_around_the_store_raises_once() {
    for entry_at in 10..30u64 {
        for other_at in [0, entry_at - 2, entry_at + 2] {
            let mut unit = InterruptQueues::<2>::default();
            unit.connect_all();
            let mut raised = Vec::new();
            for cycle in 0..60u64 {
                unit.reset.next = cycle == 0;
                let word = ReceiveInterrupt {
                    vector: 77,
                    enabled: 1,
                    ..ReceiveInterrupt::default()
                };
                unit.configuration.next = match cycle {
                    6 => configuration(REGION_INTERRUPT, 1, word.pack()),
                    _ => ConfigurationWrite::default(),
                };
                unit.interval_taken.next = true;
                // Another queue's entry is under way, too.
                let delivers = cycle == entry_at + 10 || cycle == other_at + 10;
                unit.delivered.next = delivers && cycle > 10;
                unit.delivered_queue.next = u64::from(cycle == entry_at + 10).to_bits();
                unit.arm.next = ArmStore {
                    valid: cycle == 30,
                    queue: 1.into(),
                    index: 0.into(),
                    armed: true,
                    late: false,
                };
                settle(&mut unit);
                if unit.raise.val() {
                    raised.push((cycle, unit.raised_vector.val().to_u64()));
                }
                clock_cycle!(unit, clock);
            }
            let vectors: Vec<u64> = raised.iter().map(|(_, vector)| *vector).collect();
            assert_eq!(vectors, [77], "entry in cycle {}", entry_at + 10);
            // Behind both of them: two cycles, and one more for the store's turn.
            let behind = raised[0].0 - (entry_at + 10).max(30);
            assert!((2..=3).contains(&behind), "{behind} cycles");
        }
    }
}

#[test]
fn gate() {
    Gate::new("interrupt_queues", InterruptQueues::<5>::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            let is_clear = cycle > 40;
            // Rows are read once they are written.
            let words = cycle > 34 && (cycle < 200 || random.chance(5));
            let queue = if cycle < 200 {
                cycle / 4
            } else {
                random.below(32)
            };
            unit.configuration.next = ConfigurationWrite {
                valid: words && is_clear,
                ..configuration(REGION_INTERRUPT, queue % 32, random.word())
            };
            unit.delivered.next = cycle > 200 && random.chance(40);
            unit.delivered_queue.next = if cycle > 200 { random.below(32) } else { 12 }.to_bits();
            unit.arm.next = ArmStore {
                valid: cycle > 200 && random.chance(40),
                queue: if cycle > 200 { random.below(32) } else { 12 }.to_bits(),
                index: random.below(4).to_bits(),
                armed: random.chance(80),
                late: random.chance(20),
            };
            unit.interval_taken.next = random.chance(20);
            let known = cycle.clamp(1, 32);
            unit.saved_queue.next = random.below(known).to_bits();
        });
}

/// Logic once for all queues.
#[test]
fn many_queues_take_little_more() {
    let (few, _) = ecp5_size("interrupt_queues_32", InterruptQueues::<5>::default());
    let (many, _) = ecp5_size("interrupt_queues_256", InterruptQueues::<8>::default());
    println!("{few} LUT4 with 32 queues, {many} with 256");
    assert!(few <= 420 && many <= few + 320, "{few}, {many}");
}
