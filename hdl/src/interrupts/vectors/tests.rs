use super::*;
use crate::gate::{Gate, Random, clock_cycle, ecp5_size, settle};
use abi::interrupt::{
    CONTROL_OFFSET, DATA_OFFSET, ENTRY_BYTES, INTERVAL_UNIT_CYCLES, PENDING_OFFSET, TABLE_OFFSET,
};

type Unit<const V: usize, const VP1: usize, const VP2: usize, const VECTORS: usize> =
    InterruptVectors<V, VP1, VP2, VECTORS>;

/// Where the message of a vector goes, and what it says.
fn target(vector: u64) -> (u64, u64) {
    (
        0x12_fee0_0000 | vector << 12 | (vector & 3) << 40,
        0xab00 | vector,
    )
}

/// What is known of a vector.
#[derive(Clone, Copy, Default)]
struct Vector {
    masked: bool,
    interval: u64,
    /// A raise that no message has answered: since when; and the last raise.
    due: Option<u64>,
    last_raise: Option<u64>,
    /// The last message.
    sent: Option<u64>,
    raises: u64,
    messages: u64,
}

/// An access of the host.
#[derive(Clone, Copy, Debug)]
struct Access {
    write: bool,
    address: u64,
    data: u64,
    enables: u64,
    since: u64,
}

struct Bench<const V: usize, const VP1: usize, const VP2: usize, const VECTORS: usize> {
    unit: Unit<V, VP1, VP2, VECTORS>,
    cycle: u64,
    vectors: Vec<Vector>,
    access: Option<Access>,
    /// The descriptor of the message that is offered.
    offered: Option<(u64, u64)>,
    is_new: bool,
    ready_percent: u64,
    random: Random,
    interval: Option<(u64, u64)>,
    may_send: bool,
    may_send_since: u64,
    stopped: bool,
}

impl<const V: usize, const VP1: usize, const VP2: usize, const VECTORS: usize>
    Bench<V, VP1, VP2, VECTORS>
{
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        let mut unit = Unit::default();
        unit.connect_all();
        let masked = Vector {
            masked: true,
            ..Vector::default()
        };
        let mut bench = Bench {
            unit,
            cycle: 0,
            vectors: vec![masked; VECTORS],
            access: None,
            offered: None,
            is_new: true,
            ready_percent: 100,
            random: Random::new(seed),
            interval: None,
            may_send: true,
            may_send_since: 0,
            stopped: false,
        };
        bench.unit.reset.next = true;
        bench.step(None);
        bench.unit.reset.next = false;
        for _ in 0..VECTORS + 2 {
            bench.step(None);
        }
        bench
    }

    /// One cycle: the answer to the access, if there is one.
    fn step(&mut self, raise: Option<u64>) -> Option<(Access, bool, u64)> {
        let unit = &mut self.unit;
        unit.raise.next = raise.is_some();
        unit.raised_vector.next = raise.unwrap_or_default().to_bits();
        unit.sets_interval.next = self.interval.is_some();
        let (vector, interval) = self.interval.unwrap_or_default();
        unit.interval_vector.next = vector.to_bits();
        unit.interval.next = interval.to_bits();
        unit.may_send.next = self.may_send;
        unit.stops.next = self.stopped;
        unit.source.ready.next = self.random.chance(self.ready_percent);
        let access = self.access;
        let begins = access.is_some_and(|access| access.since == self.cycle);
        unit.registers.read.next = begins && !access.is_some_and(|access| access.write);
        unit.registers.write.next = begins && access.is_some_and(|access| access.write);
        if let Some(access) = access {
            unit.registers.address.next = access.address.to_bits();
            unit.registers.data.next = access.data.to_bits();
            unit.registers.enables.next = access.enables.to_bits();
        }
        settle(unit);
        if unit.interval_taken.val() {
            self.vectors[vector as usize].interval = interval;
            self.interval = None;
        }
        let mut ends = None;
        if unit.source.valid.val() {
            let beat = unit.source.beat.val();
            let word = |shift: usize| beat.data.get_bits::<64>(shift).to_u64();
            match self.offered {
                None => {
                    assert!(!beat.last && word(64) == 4, "four bytes");
                    if self.is_new {
                        ends = Some(word(0));
                    }
                    self.is_new = false;
                    if unit.source.ready.val() {
                        self.offered = Some((word(0), self.cycle));
                    }
                }
                Some((address, _)) => {
                    assert!(beat.last, "one beat of data");
                    let vector = word(0) & 0xff;
                    assert_eq!((address, word(0)), target(vector));
                    if unit.source.ready.val() {
                        self.offered = None;
                        self.is_new = true;
                    }
                }
            }
        }
        assert_eq!(unit.sent.val(), self.is_new && unit.source.valid.val());
        let answer = unit.registers.done.val().then(|| {
            let access = self.access.take().expect("it was asked");
            let read = unit.registers.read_data.val().to_u64();
            (access, unit.registers.hit.val(), read)
        });
        if let Some(vector) = raise {
            let vector = &mut self.vectors[vector as usize];
            if !self.stopped {
                vector.due.get_or_insert(self.cycle);
                vector.last_raise = Some(self.cycle);
                vector.raises += 1;
            }
        }
        if let Some(address) = ends {
            self.message((address >> 12 & 0xff) as usize);
        }
        clock_cycle!(self.unit, clock);
        self.cycle += 1;
        answer
    }

    /// A message is offered for the first time: it was chosen three cycles ago.
    fn message(&mut self, number: usize) {
        let chosen = self.cycle - 3;
        let vector = &mut self.vectors[number];
        assert!(!vector.masked, "vector {number} is masked");
        let due = vector.due.expect("nobody raised it");
        assert!(due < chosen, "vector {number}: {due}");
        assert!(self.may_send || self.may_send_since + 3 >= self.cycle);
        if let Some(sent) = vector.sent {
            let apart = self.cycle - sent;
            let least = vector.interval * INTERVAL_UNIT_CYCLES as u64;
            assert!(apart >= least, "vector {number}: {apart} of {least} cycles");
        }
        vector.sent = Some(self.cycle);
        vector.messages += 1;
        // What was raised from the cycle of the choice on is due again.
        vector.due = vector.last_raise.filter(|&last| last >= chosen);
    }

    /// Carries out an access.
    fn access(&mut self, write: bool, address: u64, data: u64, enables: u64) -> (bool, u64) {
        self.access = Some(Access {
            write,
            address,
            data,
            enables,
            since: self.cycle,
        });
        for _ in 0..2000 {
            if let Some((_, hit, read)) = self.step(None) {
                return (hit, read);
            }
        }
        panic!("no answer at {address:#x}");
    }

    fn entry(vector: u64) -> u64 {
        (TABLE_OFFSET + vector as usize * ENTRY_BYTES) as u64
    }

    fn program(&mut self, vector: u64) {
        let (address, data) = target(vector);
        let entry = Self::entry(vector);
        // Bits 1 and 0 of the address are zero, whatever is written.
        self.access(true, entry, address & 0xffff_ffff | vector & 3, 15);
        self.access(true, entry + 4, address >> 32, 15);
        self.access(true, entry + DATA_OFFSET as u64, data, 15);
    }

    fn mask(&mut self, vector: u64, masked: bool) {
        // Upper bits of the word do nothing.
        let address = Self::entry(vector) + CONTROL_OFFSET as u64;
        if !masked {
            self.vectors[vector as usize].masked = false;
        }
        let (hit, _) = self.access(true, address, u64::from(masked) | 0xffff_fff0, 15);
        assert!(hit);
        self.vectors[vector as usize].masked = masked;
    }

    fn set_interval(&mut self, vector: u64, interval: u64) {
        self.interval = Some((vector, interval));
        while self.interval.is_some() {
            self.step(None);
        }
    }

    fn ready(seed: u64, intervals: &[u64]) -> Self {
        let mut bench = Self::new(seed);
        for vector in 0..VECTORS as u64 {
            bench.program(vector);
            let interval = intervals[vector as usize % intervals.len()];
            bench.set_interval(vector, interval);
            bench.mask(vector, false);
        }
        bench
    }
}

type Few = Bench<2, 3, 4, 4>;
type Many = Bench<5, 6, 7, 32>;
type Most = Bench<8, 9, 10, 256>;

#[test]
fn a_raised_vector_sends_its_message_after_four_cycles() {
    let mut bench = Many::ready(1, &[0]);
    for vector in [0, 31, 7] {
        // The vector that was unmasked is looked at.
        for _ in 0..4 {
            bench.step(None);
        }
        let raised = bench.cycle;
        bench.step(Some(vector));
        for _ in 0..12 {
            bench.step(None);
        }
        assert_eq!(bench.vectors[vector as usize].sent, Some(raised + 4));
    }
    for _ in 0..400 {
        bench.step(None);
    }
    let messages: u64 = bench.vectors.iter().map(|vector| vector.messages).sum();
    assert_eq!(messages, 3);
}

#[test]
fn the_table_is_read_as_it_was_written_byte_by_byte() {
    let mut bench = Few::new(2);
    for vector in 0..4 {
        for word in 0..3 {
            let address = Few::entry(vector) + 4 * word;
            bench.access(true, address, 0x0102_0304 * (vector + 1), 15);
            bench.access(true, address, 0xeeee_eeee, 0b0101);
            let expected = ((0x0102_0304 * (vector + 1)) & 0xff00_ff00) | 0x00ee_00ee;
            assert_eq!(bench.access(false, address, 0, 0), (true, expected));
        }
        let control = Few::entry(vector) + CONTROL_OFFSET as u64;
        assert_eq!(bench.access(false, control, 0, 0), (true, 1), "after reset");
        bench.access(true, control, 0xffff_fffe, 0b1110);
        assert_eq!(bench.access(false, control, 0, 0), (true, 1));
        bench.access(true, control, 0xffff_fffe, 0b0001);
        assert_eq!(bench.access(false, control, 0, 0), (true, 0));
    }
    // Four vectors: behind them is nothing, and the array of pending bits is 64 bits long and read-only.
    let pending = PENDING_OFFSET as u64;
    for (address, reads, writes) in [
        (Few::entry(4), false, false),
        (Few::entry(255), false, false),
        (pending, true, false),
        (pending + 4, true, false),
        (pending + 8, false, false),
        (0x3000, false, false),
    ] {
        assert_eq!(bench.access(false, address, 0, 0).0, reads, "{address:#x}");
        assert_eq!(bench.access(true, address, 0, 15).0, writes, "{address:#x}");
    }
}

#[test]
fn a_masked_vector_is_pending_until_it_is_unmasked() {
    let mut bench = Most::ready(3, &[0]);
    for vector in [0, 31, 32, 255] {
        bench.mask(vector, true);
        bench.step(Some(vector));
        bench.step(None);
        bench.step(Some(vector));
        for _ in 0..50 {
            bench.step(None);
        }
        let word = PENDING_OFFSET as u64 + vector / 32 * 4;
        assert_eq!(bench.access(false, word, 0, 0), (true, 1 << (vector % 32)));
        assert_eq!(bench.vectors[vector as usize].messages, 0);
        bench.mask(vector, false);
        for _ in 0..12 {
            bench.step(None);
        }
        assert_eq!(bench.vectors[vector as usize].messages, 1);
        assert_eq!(bench.access(false, word, 0, 0), (true, 0));
    }
}

#[test]
fn nothing_is_sent_while_the_function_may_not_and_nothing_is_lost() {
    let mut bench = Many::ready(4, &[0]);
    bench.may_send = false;
    bench.may_send_since = bench.cycle;
    for vector in (0..32).chain(0..32) {
        bench.step(Some(vector));
        bench.step(None);
    }
    for _ in 0..50 {
        bench.step(None);
    }
    assert_eq!(
        bench.access(false, PENDING_OFFSET as u64, 0, 0),
        (true, 0xffff_ffff)
    );
    bench.may_send = true;
    for _ in 0..400 {
        bench.step(None);
    }
    assert!(bench.vectors.iter().all(|vector| vector.messages == 1));
}

#[test]
fn a_stop_clears_what_is_pending_and_leaves_the_table() {
    let mut bench = Many::ready(5, &[0, 3]);
    bench.mask(4, true);
    for vector in [4, 5, 7] {
        bench.step(Some(vector));
        for _ in 0..20 {
            bench.step(None);
        }
    }
    // Vector 5 rests, and is due again.
    bench.step(Some(5));
    for cycle in 0..100 {
        bench.stopped = true;
        bench.step((cycle % 2 == 0).then_some(9));
    }
    bench.stopped = false;
    for vector in &mut bench.vectors {
        vector.due = None;
        vector.last_raise = None;
        vector.sent = None;
    }
    bench.mask(4, false);
    for _ in 0..3000 {
        bench.step(None);
    }
    assert_eq!(bench.access(false, PENDING_OFFSET as u64, 0, 0), (true, 0));
    // No rest is left over, either.
    let raised = bench.cycle;
    bench.step(Some(5));
    for _ in 0..12 {
        bench.step(None);
    }
    assert_eq!(bench.vectors[5].sent, Some(raised + 4));
    let (address, _) = target(5);
    let low = bench.access(false, Many::entry(5), 0, 0).1;
    assert_eq!(low & !3, address & 0xffff_ffff);
}

#[test]
fn a_vector_rests_for_its_interval_and_not_much_longer() {
    let mut bench = Many::ready(6, &[0, 1, 4, 20]);
    let mut last = [0; 4];
    for cycle in 0..40_000u64 {
        bench.step((cycle % 2 == 0).then_some(cycle / 2 % 4));
        for (vector, last) in last.iter_mut().enumerate() {
            let seen = bench.vectors[vector];
            let longest = (seen.interval + 2) * INTERVAL_UNIT_CYCLES as u64 + 100;
            if let Some(sent) = seen.sent {
                assert!(bench.cycle - sent < longest, "vector {vector} is not sent");
                *last = seen.messages;
            }
        }
    }
    // 40,000 cycles: about 100 and 26 rests, and 7 of 20 to 22 units.
    assert!(last[0] > 2000 && last[1] > 50 && last[2] > 20, "{last:?}");
    assert!((6..=8).contains(&last[3]), "{last:?}");
    // The clock of the rests stands still when nobody rests.
    for _ in 0..14_000 {
        bench.step(None);
    }
    assert!(!bench.unit.runs.q.val());
}

/// Raises, masks, intervals, a slow taker, `may_send`, all at random and at any cycle: no message too many, none in a
/// masked vector, none within a rest, and in the end every raise is answered.
fn nothing_is_lost<const V: usize, const VP1: usize, const VP2: usize, const VECTORS: usize>(
    seed: u64,
) {
    let mut bench = Bench::<V, VP1, VP2, VECTORS>::ready(seed, &[0, 0, 1, 0, 3]);
    let mut random = Random::new(seed + 100);
    let (mut answers, mut pending_seen, mut masks) = (0, 0, 0);
    let mut raise_at = 0;
    let below = |random: &mut Random, few: bool| random.below(if few { 3 } else { VECTORS as u64 });
    for cycle in 0..30_000u64 {
        let few = cycle / 700 % 2 == 0;
        if cycle % 300 == 0 {
            bench.ready_percent = [100, 30, 3][random.below(3) as usize];
        }
        if random.chance(1) && random.chance(30) {
            bench.may_send = !bench.may_send;
            bench.may_send_since = bench.cycle;
        }
        if bench.access.is_none() && random.chance(10) {
            let vector = below(&mut random, few);
            let (write, address, data) = match random.below(4) {
                0 => (false, PENDING_OFFSET as u64 + vector / 32 * 4, 0),
                1 => (
                    false,
                    Bench::<V, VP1, VP2, VECTORS>::entry(vector) + DATA_OFFSET as u64,
                    0,
                ),
                _ => {
                    let masked = random.chance(50);
                    if !masked {
                        bench.vectors[vector as usize].masked = false;
                    }
                    masks += 1;
                    let entry = Bench::<V, VP1, VP2, VECTORS>::entry(vector);
                    (true, entry + CONTROL_OFFSET as u64, u64::from(masked))
                }
            };
            bench.access = Some(Access {
                write,
                address,
                data,
                enables: 15,
                since: bench.cycle,
            });
        }
        if bench.interval.is_none() && random.chance(1) && random.chance(10) {
            bench.interval = Some((below(&mut random, few), random.below(4)));
            // What it becomes may come in the middle of a rest: nothing is known of this one.
            let (vector, _) = bench.interval.unwrap_or_default();
            bench.vectors[vector as usize].sent = None;
        }
        let raise = (cycle >= raise_at && random.chance(15)).then(|| below(&mut random, few));
        if raise.is_some() {
            raise_at = cycle + 2;
        }
        let before: Vec<Vector> = bench.vectors.clone();
        if let Some((access, hit, read)) = bench.step(raise) {
            assert!(hit);
            answers += 1;
            let vector = (access.address & 0xfff) as usize / ENTRY_BYTES;
            if access.write {
                bench.vectors[vector].masked = access.data == 1;
            } else if access.address >= PENDING_OFFSET as u64 {
                let first = (access.address as usize - PENDING_OFFSET) * 8;
                for (number, vector) in before.iter().enumerate().skip(first).take(32) {
                    // Of a vector that is masked all is known: it was due before the access, or not at all.
                    if vector.masked && vector.due.is_none_or(|due| due < access.since) {
                        let bit = read >> (number - first) & 1 == 1;
                        assert_eq!(bit, vector.due.is_some(), "cycle {cycle}, vector {number}");
                        pending_seen += u32::from(bit);
                    }
                }
            } else {
                assert_eq!(read, target(vector as u64).1);
            }
        }
    }
    bench.may_send = true;
    bench.ready_percent = 100;
    while bench.access.is_some() {
        bench.step(None);
    }
    for vector in 0..VECTORS as u64 {
        bench.mask(vector, false);
    }
    for _ in 0..8 * INTERVAL_UNIT_CYCLES {
        bench.step(None);
    }
    let left = bench.vectors.iter().filter(|vector| vector.due.is_some());
    assert_eq!(left.count(), 0, "raises without a message");
    let raises: u64 = bench.vectors.iter().map(|vector| vector.raises).sum();
    let messages: u64 = bench.vectors.iter().map(|vector| vector.messages).sum();
    println!(
        "{raises} raises, {messages} messages, {answers} accesses, {masks} masks, {pending_seen} pending bits"
    );
    assert!(messages <= raises && messages > 150 && answers > 500 && pending_seen > 50);
}

#[test]
fn nothing_is_lost_whatever_happens_in_whatever_cycle() {
    for seed in 1..=3 {
        nothing_is_lost::<2, 3, 4, 4>(seed);
        nothing_is_lost::<5, 6, 7, 32>(seed);
    }
    nothing_is_lost::<8, 9, 10, 256>(4);
}

/// A host that asks without a pause and vectors that are raised without one leave each other their turns.
#[test]
fn host_and_messages_take_turns() {
    let mut bench = Many::ready(7, &[0]);
    let mut answers = 0;
    for cycle in 0..4000u64 {
        if bench.access.is_none() {
            bench.access = Some(Access {
                write: false,
                address: Many::entry(3),
                data: 0,
                enables: 0,
                since: bench.cycle,
            });
        }
        let answer = bench.step((cycle % 2 == 0).then_some(cycle / 2 % 32));
        answers += u32::from(answer.is_some());
    }
    let messages: u64 = bench.vectors.iter().map(|vector| vector.messages).sum();
    assert!(answers > 300 && messages > 300, "{answers}, {messages}");
}

fn passes_the_gate<const V: usize, const VP1: usize, const VP2: usize, const VECTORS: usize>(
    name: &str,
) {
    let start = 4 * VECTORS as u64 + VECTORS as u64 + 10;
    // Masks, rests and pending bits first, words of the table (which are read once they are written) one by one.
    Gate::new(name, Unit::<V, VP1, VP2, VECTORS>::default())
        .clock(|unit| &mut unit.clock)
        .cycles(start * 8 + 3000)
        .run(move |unit, random, cycle| {
            unit.reset.next = cycle < 2;
            let clear = VECTORS as u64 + 4;
            let programs = cycle >= clear && cycle < clear + 8 * 4 * VECTORS as u64;
            let runs = cycle >= clear + 8 * 4 * VECTORS as u64 + 16;
            let word = cycle.saturating_sub(clear) / 8;
            unit.registers.read.next = runs && cycle % 64 == 0 && random.chance(50);
            unit.registers.write.next = (programs && (cycle - clear).is_multiple_of(8))
                || (runs && cycle % 64 == 32 && random.chance(70));
            if programs || cycle < clear {
                unit.registers.address.next =
                    (TABLE_OFFSET as u64 + 4 * (word % (4 * VECTORS as u64))).to_bits();
                unit.registers.data.next = random.bits();
                unit.registers.enables.next = 15.into();
            } else if runs && cycle % 32 == 0 {
                let pending = random.chance(20);
                let offset = if pending {
                    PENDING_OFFSET
                } else {
                    TABLE_OFFSET
                } as u64;
                let below = if pending { 4 } else { 4 * VECTORS as u64 };
                unit.registers.address.next = (offset + 4 * random.below(below)).to_bits();
                unit.registers.data.next = random.below(2).to_bits();
                unit.registers.enables.next = random.bits();
            }
            // Words of intervals are written before a vector is raised.
            let setting = cycle < clear + 8 * 4 * VECTORS as u64 && programs && word % 4 == 3;
            unit.sets_interval.next =
                setting && (cycle - clear) % 8 == 6 || runs && random.chance(3);
            let vector = if runs {
                random.below(VECTORS as u64)
            } else {
                word / 4
            };
            unit.interval_vector.next = vector.to_bits();
            unit.interval.next = random.below(3).to_bits();
            unit.raise.next = runs && random.chance(20);
            unit.raised_vector.next = random.below(VECTORS as u64).to_bits();
            unit.may_send.next = random.chance(95);
            unit.stops.next = runs && cycle % 1000 > 980;
            unit.source.ready.next = random.chance(60);
        });
}

#[test]
fn gate() {
    passes_the_gate::<2, 3, 4, 4>("interrupt_vectors_4");
    passes_the_gate::<5, 6, 7, 32>("interrupt_vectors_32");
}

/// Logic once for all vectors.
#[test]
fn many_vectors_take_little_more() {
    let (few, _) = ecp5_size("interrupt_vectors_32", Unit::<5, 6, 7, 32>::default());
    let (many, _) = ecp5_size("interrupt_vectors_256", Unit::<8, 9, 10, 256>::default());
    println!("{few} LUT4 with 32 vectors, {many} with 256");
    assert!(few <= 900 && many <= few + 900, "{few}, {many}");
}
