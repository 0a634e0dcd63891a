use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::queues::test_support::configuration;
use abi::queue_state::{COUNTER_ACTION, COUNTER_CONTROL, Counter, REGION_COUNTER};
use std::collections::BTreeMap;

/// Host stores that were seen: page, offset and bytes, and how often.
type Stores = BTreeMap<(u64, u64, u64), u64>;

/// What a counter of the reference is.
#[derive(Clone, Default)]
struct Model {
    word: Counter,
    data: [u64; 2],
    value: u64,
}

/// Slow and obvious: one increment, and all that follows from it.
fn count(models: &mut [Model], stores: &mut Stores, target: usize, by: Option<u64>) {
    let it = models[target].clone();
    if it.word.armed == 0 || by.is_some_and(|owner| owner != it.word.owner) {
        return;
    }
    models[target].value += 1;
    if models[target].value < it.word.threshold {
        return;
    }
    models[target].value = 0;
    let owner = it.word.owner;
    let actions = [
        (it.word.action_0, it.word.place_0),
        (it.word.action_1, it.word.place_1),
    ];
    for ((action, place), data) in actions.into_iter().zip(it.data) {
        match action as usize {
            counter_action::STORE => *stores.entry((owner, place * 8, data)).or_default() += 1,
            counter_action::COUNT => count(models, stores, place as usize & 0xff, Some(owner)),
            _ => {}
        }
    }
}

struct Bench {
    unit: TriggerUnit,
    stores: Stores,
    fired: u64,
}

impl Bench {
    fn new() -> Self {
        let mut unit = TriggerUnit::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut bench = Bench {
            unit,
            stores: Stores::new(),
            fired: 0,
        };
        for _ in 0..256 {
            settle(&mut bench.unit);
            assert!(!bench.unit.count_ready.val(), "counters are not clear yet");
            bench.cycle(false);
        }
        bench
    }

    fn cycle(&mut self, ready: bool) {
        self.unit.store_ready.next = ready;
        settle(&mut self.unit);
        self.fired += u64::from(self.unit.fired.val());
        if self.unit.store_valid.val() && ready {
            let store = self.unit.store.val();
            assert_eq!(store.space.to_u64(), 1);
            assert!(store.single && store.last);
            let upper = store.enables.to_u64() == 0xff00;
            assert!(upper || store.enables.to_u64() == 0xff);
            let at = if upper { 64 } else { 0 };
            let data = store.data.get_bits::<64>(at).to_u64();
            let address = store.address.to_u64() + at as u64 / 8;
            *self
                .stores
                .entry((address >> 12, address & 0xfff, data))
                .or_default() += 1;
        }
        clock_cycle!(self.unit, clock);
    }

    fn write(&mut self, counter: usize, word: usize, data: u64) {
        let index = (counter * 4 + word) as u64;
        self.unit.configuration.next = configuration(REGION_COUNTER, index, data);
        settle(&mut self.unit);
        assert!(self.unit.holds.val());
        self.cycle(true);
        self.unit.configuration.next = Default::default();
        let mut cycles = 0;
        loop {
            settle(&mut self.unit);
            if !self.unit.holds.val() {
                return;
            }
            self.cycle(true);
            cycles += 1;
            assert!(cycles < 300, "the counters do not settle");
        }
    }

    fn arm(&mut self, counter: usize, model: &Model) {
        for (action, data) in model.data.into_iter().enumerate() {
            self.write(counter, COUNTER_ACTION + action, data);
        }
        self.write(counter, COUNTER_CONTROL, model.word.pack());
    }

    /// Cycles that the increment waits.
    fn count(&mut self, counter: usize, ready: impl Fn(&mut Random) -> bool, random: &mut Random) {
        self.unit.count_valid.next = true;
        self.unit.count_segment.next = (counter as u64).to_bits();
        loop {
            settle(&mut self.unit);
            let taken = self.unit.count_ready.val();
            let ready = ready(random);
            self.cycle(ready);
            if taken {
                break;
            }
        }
        self.unit.count_valid.next = false;
    }
}

/// Counters whose actions count only higher ones: in whatever order it happens, the same comes of it.
#[test]
fn every_increment_counts_once_and_every_threshold_carries_out_its_actions_once() {
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut bench = Bench::new();
    let mut expected = Stores::new();
    let mut models = vec![Model::default(); 256];
    for round in 0..30 {
        for counter in 0..12usize {
            // A counter begins at 0 whenever it is armed.
            let mut place = |action: u64| match action as usize {
                counter_action::COUNT => counter as u64 + 1 + random.below(4),
                _ => random.below(512),
            };
            let kinds = [(round + counter as u64) % 3, (round / 3 + counter as u64) % 3];
            let (place_0, place_1) = (place(kinds[0]), place(kinds[1]));
            models[counter] = Model {
                word: Counter {
                    armed: random.chance(90).into(),
                    threshold: 1 + random.below(4),
                    owner: random.below(2),
                    action_0: kinds[0],
                    place_0,
                    action_1: kinds[1],
                    place_1,
                },
                data: [random.word(), random.word()],
                value: 0,
            };
            bench.arm(counter, &models[counter]);
        }
        for _ in 0..200 {
            let counter = random.below(13) as usize;
            count(&mut models, &mut expected, counter, None);
            bench.count(counter, |random| random.chance(40), &mut random);
            if random.chance(30) {
                bench.cycle(random.chance(50));
            }
        }
        for _ in 0..1500 {
            bench.cycle(true);
        }
        assert_eq!(bench.stores, expected, "round {round}");
    }
    assert!(bench.fired > 1000, "{} fired", bench.fired);
}

/// Two counters count each other and themselves for ever; another one is served all the same, and firmware too.
#[test]
fn counters_that_count_each_other_for_ever_hold_up_nobody() {
    let mut random = Random::new(3);
    let mut bench = Bench::new();
    let forever = |other: u64| Model {
        word: Counter {
            armed: 1,
            threshold: 1,
            owner: 1,
            action_0: counter_action::COUNT as u64,
            place_0: other,
            action_1: counter_action::COUNT as u64,
            place_1: 3 - other,
        },
        ..Model::default()
    };
    let bystander = Model {
        word: Counter {
            armed: 1,
            threshold: 2,
            owner: 0,
            action_0: counter_action::STORE as u64,
            place_0: 129,
            ..Counter::default()
        },
        data: [77, 0],
        value: 0,
    };
    bench.arm(1, &forever(2));
    bench.arm(2, &forever(1));
    bench.arm(3, &bystander);
    bench.count(1, |_| true, &mut random);
    for _ in 0..70_000 {
        bench.cycle(true);
    }
    for round in 1..=50 {
        for _ in 0..2 {
            bench.count(3, |_| true, &mut random);
        }
        for _ in 0..100 {
            bench.cycle(true);
        }
        assert_eq!(bench.stores.get(&(0, 129 * 8, 77)), Some(&round));
    }
    // Another owner's counter is not counted, and an end is one.
    bench.write(1, COUNTER_CONTROL, 0);
    bench.write(2, COUNTER_CONTROL, 0);
    for _ in 0..100 {
        bench.cycle(true);
    }
    let fired = bench.fired;
    for _ in 0..100 {
        bench.cycle(true);
    }
    assert_eq!(bench.fired, fired);
}

/// From the increment to the store.
#[test]
fn the_store_comes_eight_cycles_behind_the_increment() {
    let mut bench = Bench::new();
    let model = Model {
        word: Counter {
            armed: 1,
            threshold: 1,
            action_0: counter_action::STORE as u64,
            ..Counter::default()
        },
        ..Model::default()
    };
    bench.arm(9, &model);
    bench.unit.count_valid.next = true;
    bench.unit.count_segment.next = 9u64.to_bits();
    let mut cycles = 0;
    loop {
        settle(&mut bench.unit);
        if bench.unit.store_valid.val() {
            break;
        }
        bench.cycle(true);
        bench.unit.count_valid.next = false;
        cycles += 1;
        assert!(cycles < 30);
    }
    println!("{cycles} cycles");
    assert!(cycles <= 12, "{cycles}");
}

#[test]
fn gate() {
    Gate::new("trigger_unit", TriggerUnit::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.configuration.next = Default::default();
            // First every word that is read: what a memory holds at first has no meaning.
            if (300..332).contains(&cycle) {
                let word = cycle - 300;
                unit.configuration.next = configuration(REGION_COUNTER, word, random.word() | 3);
            } else if cycle > 400 && random.chance(2) {
                let word = random.below(32);
                unit.configuration.next = configuration(REGION_COUNTER, word, random.word());
            }
            unit.count_valid.next = cycle > 340 && random.chance(40);
            unit.count_segment.next = random.below(8).to_bits();
            unit.store_ready.next = random.chance(60);
        });
}
