//! Behaviour of `ControlRegisters` over its two buses, against the schema and against counters kept by hand.

use super::*;
use crate::gate::{Gate, Random, settle};
use abi::control::{counter, registers as map};
use abi::schema::Access;

/// The register file with a clock that can be stepped, and every input at rest.
struct Bench {
    unit: ControlRegisters,
    cycle: u64,
}

/// What an access came to.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
struct Answer {
    hit: bool,
    data: u32,
    cycles: u64,
}

impl Bench {
    fn new() -> Self {
        let mut unit = ControlRegisters::new(Identity {
            hardware_revision: 0x1234_abcd,
            ..Identity::default()
        });
        unit.clock.connect();
        unit.reset.connect();
        for bus in [&mut unit.host, &mut unit.processor] {
            bus.read.connect();
            bus.write.connect();
            bus.address.connect();
            bus.data.connect();
            bus.enables.connect();
        }
        unit.counter_pulses.connect();
        unit.stage_pulses.connect();
        unit.event_set.connect();
        unit.endpoint_set.connect();
        unit.endpoint_set_index.connect();
        unit.queue_set.connect();
        unit.queue_set_index.connect();
        unit.clear_valid.connect();
        unit.clear_endpoint.connect();
        unit.clear_queue.connect();
        unit.clear_word.connect();
        unit.clear_mask.connect();
        unit.heartbeat.connect();
        unit.link_seen.connect();
        unit.version_mismatch.connect();
        unit.stopped.connect();
        unit.quiet.connect();
        unit.connect_all();
        let mut bench = Self { unit, cycle: 0 };
        bench.unit.reset.next = true;
        bench.step();
        bench.unit.reset.next = false;
        bench.step();
        bench
    }

    fn step(&mut self) {
        settle(&mut self.unit);
        self.unit.clock.next = Clock { clk: true };
        settle(&mut self.unit);
        self.unit.clock.next = Clock { clk: false };
        settle(&mut self.unit);
        self.cycle += 1;
    }

    /// One access; `processor` chooses the bus.
    fn access(&mut self, processor: bool, write: Option<(u32, u32)>, address: usize) -> Answer {
        let start = self.cycle;
        {
            let bus = self.bus(processor);
            bus.read.next = write.is_none();
            bus.write.next = write.is_some();
            bus.address.next = address.to_bits();
            bus.data.next = write.map_or(0, |(data, _)| data).to_bits();
            bus.enables.next = write.map_or(0, |(_, enables)| enables).to_bits();
        }
        self.step();
        {
            let bus = self.bus(processor);
            bus.read.next = false;
            bus.write.next = false;
            bus.address.next = 0xabcu32.to_bits();
            bus.data.next = 0u32.to_bits();
            bus.enables.next = 0u32.to_bits();
        }
        settle(&mut self.unit);
        while !self.bus(processor).done.val() {
            self.step();
            assert!(self.cycle - start < 500, "no answer at {address:#x}");
        }
        let cycles = self.cycle - start;
        let bus = self.bus(processor);
        let answer = Answer {
            hit: bus.hit.val(),
            data: bus.read_data.val().to_u64() as u32,
            cycles,
        };
        self.step();
        answer
    }

    fn bus(&mut self, processor: bool) -> &mut RegisterTarget {
        if processor {
            &mut self.unit.processor
        } else {
            &mut self.unit.host
        }
    }

    fn read(&mut self, address: usize) -> u32 {
        let answer = self.access(false, None, address);
        assert!(answer.hit, "{address:#x}");
        answer.data
    }

    fn write(&mut self, address: usize, data: u32) -> bool {
        self.access(false, Some((data, 0xf)), address).hit
    }
}

/// Every register of the map by its byte offset.
fn registers() -> impl Iterator<Item = (usize, &'static abi::schema::Register)> {
    map::MAP.registers.iter().flat_map(|register| {
        (0..register.count).map(move |index| (register.offset + 4 * index, register))
    })
}

#[test]
fn every_register_of_the_schema_and_no_other_is_there_with_its_reset_value() {
    let mut bench = Bench::new();
    let identity = Identity::default();
    for address in (0..0x1000).step_by(4) {
        let register = registers().find(|(offset, _)| *offset == address);
        for processor in [false, true] {
            let answer = bench.access(processor, None, address);
            assert_eq!(answer.hit, register.is_some(), "{address:#x}");
            let expected = match register {
                None => 0,
                Some((map::hardware_revision::OFFSET, _)) => 0x1234_abcd,
                Some((map::capabilities::OFFSET, _)) => identity.capabilities(),
                Some((map::sizes::OFFSET, _)) => identity.sizes(),
                Some((map::clock_hertz::OFFSET, _)) => identity.clock_hertz,
                Some((map::cycle_low::OFFSET, _)) => continue,
                Some((_, register)) => register.reset as u32,
            };
            assert_eq!(answer.data, expected, "{address:#x}");
        }
    }
}

#[test]
fn the_host_writes_what_the_schema_allows_and_the_firmware_nothing() {
    let mut bench = Bench::new();
    for address in (0..0x1000).step_by(4) {
        let register = registers().find(|(offset, _)| *offset == address);
        let writable = register.is_some_and(|(_, register)| register.access != Access::ReadOnly);
        assert_eq!(
            bench.write(address, 0xffff_ffff),
            writable,
            "host at {address:#x}"
        );
        assert!(
            !bench.access(true, Some((0, 0xf)), address).hit,
            "firmware at {address:#x}"
        );
        let Some((_, register)) = register else {
            continue;
        };
        if register.access == Access::ReadWrite {
            let fields = register.word.fields;
            let expected = fields.iter().fold(0, |bits, field| {
                bits | (abi::schema::mask(field.width) << field.shift) as u32
            });
            let expected = if fields.is_empty() { !0 } else { expected };
            assert_eq!(bench.read(address), expected, "{address:#x}");
        }
    }
}

#[test]
fn byte_enables_choose_the_bytes() {
    let mut bench = Bench::new();
    let mut expected = 0u32;
    for enables in 0..16 {
        let data = 0x0101_0101 * (enables + 1);
        bench.access(false, Some((data, enables)), map::scratch::OFFSET);
        for byte in 0..4 {
            if enables >> byte & 1 == 1 {
                expected = expected & !(0xff << (8 * byte)) | data & 0xff << (8 * byte);
            }
        }
        assert_eq!(
            bench.read(map::scratch::OFFSET),
            expected,
            "enables {enables:#x}"
        );
    }
}

#[test]
fn counters_lose_nothing_at_one_pulse_a_cycle_each() {
    let seed = 7;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut bench = Bench::new();
    let mut counts = [0u32; 64];
    for round in 0..1500 {
        // All at once for a while, so that the small counts run as full as they can.
        let pulses = if round < 700 { u64::MAX } else { random.word() };
        bench.unit.counter_pulses.next = pulses.to_bits();
        for (index, count) in counts.iter_mut().enumerate().take(USED_COUNTERS) {
            *count += (pulses >> index & 1) as u32;
        }
        bench.step();
    }
    bench.unit.counter_pulses.next = 0u32.to_bits();
    for (index, &count) in counts.iter().enumerate() {
        assert_eq!(
            bench.read(map::counters::OFFSET + 4 * index),
            count,
            "counter {index}"
        );
    }
}

#[test]
fn a_counter_read_is_exact_as_of_two_cycles_before_its_answer() {
    let mut bench = Bench::new();
    for _ in 0..200 {
        bench.step();
    }
    let start = bench.cycle;
    bench.unit.counter_pulses.next = (1u64 << counter::MESSAGES_SENT).to_bits();
    for _ in 0..60 {
        let answer = bench.access(
            false,
            None,
            map::counters::OFFSET + 4 * counter::MESSAGES_SENT,
        );
        // `access` steps once more after the answer; the answer itself leaves one cycle after the counter's `done`.
        let at_answer = bench.cycle - 1 - start;
        assert!(
            (at_answer - 3..=at_answer).contains(&u64::from(answer.data)),
            "{answer:?} at {at_answer}"
        );
        assert!((8..=15).contains(&answer.cycles), "{answer:?}");
    }
}

#[test]
fn plain_accesses_take_four_cycles() {
    let mut bench = Bench::new();
    assert_eq!(bench.access(false, None, map::magic::OFFSET).cycles, 4);
    assert_eq!(
        bench
            .access(false, Some((1, 0xf)), map::scratch::OFFSET)
            .cycles,
        4
    );
    assert_eq!(bench.access(true, None, map::magic::OFFSET).cycles, 4);
    for _ in 0..128 {
        bench.step();
    }
    for array in [map::endpoint_pending::OFFSET, map::queue_pending::OFFSET] {
        assert_eq!(bench.access(false, None, array).cycles, 6);
    }
}

#[test]
fn both_sides_at_once_are_answered_host_first() {
    let mut bench = Bench::new();
    bench.write(map::scratch::OFFSET, 0x55);
    bench.unit.host.read.next = true;
    bench.unit.host.address.next = map::scratch::OFFSET.to_bits();
    bench.unit.processor.read.next = true;
    bench.unit.processor.address.next = map::magic::OFFSET.to_bits();
    bench.step();
    bench.unit.host.read.next = false;
    bench.unit.processor.read.next = false;
    let mut answers = vec![];
    for _ in 0..20 {
        settle(&mut bench.unit);
        for (name, bus) in [
            ("host", &bench.unit.host),
            ("processor", &bench.unit.processor),
        ] {
            if bus.done.val() {
                answers.push((name, bus.read_data.val().to_u64()));
            }
        }
        bench.step();
    }
    assert_eq!(answers, [("host", 0x55), ("processor", 0x5741_5946)]);
}

#[test]
fn cycle_high_is_latched_by_each_side_for_itself() {
    let mut bench = Bench::new();
    let mut last = 0;
    for _ in 0..5 {
        let cycle = bench.access(false, None, map::cycle_low::OFFSET);
        let now = bench.cycle;
        // Reset ends one step before counting begins here; the register is looked at two cycles before the answer.
        assert!(cycle.data > last && u64::from(cycle.data).abs_diff(now) <= 4);
        last = cycle.data;
        assert_eq!(bench.read(map::cycle_high::OFFSET), 0);
    }
}

#[test]
fn stages_record_the_cycle() {
    let mut bench = Bench::new();
    let mut expected = [0u64; 16];
    for (stage, expected) in expected.iter_mut().enumerate() {
        bench.unit.stage_pulses.next = (1u32 << stage).to_bits();
        let before = u64::from(
            bench
                .access(true, None, map::stage_time::OFFSET + 4 * stage)
                .data,
        );
        bench.unit.stage_pulses.next = 0u32.to_bits();
        bench.step();
        assert!(before > 0);
        *expected = u64::from(bench.read(map::stage_time::OFFSET + 4 * stage));
    }
    for (stage, pair) in expected.windows(2).enumerate() {
        assert!(pair[0] < pair[1], "stage {stage}: {expected:?}");
    }
    for (stage, &expected) in expected.iter().enumerate() {
        assert_eq!(
            u64::from(bench.read(map::stage_time::OFFSET + 4 * stage)),
            expected
        );
    }
}

#[test]
fn pending_events_are_cleared_by_both_sides_and_a_set_wins() {
    let mut bench = Bench::new();
    bench.unit.event_set.next = 0x2eu32.to_bits();
    bench.step();
    bench.unit.event_set.next = 0u32.to_bits();
    settle(&mut bench.unit);
    bench.step();
    assert!(bench.unit.event_pending.val());
    assert_eq!(bench.read(map::event_pending::OFFSET), 0x2e);
    bench.access(false, Some((0xffff_ff02, 0x1)), map::event_pending::OFFSET);
    assert_eq!(bench.read(map::event_pending::OFFSET), 0x2c);
    clear(&mut bench, None, 0x0c);
    assert_eq!(bench.read(map::event_pending::OFFSET), 0x20);
    bench.unit.event_set.next = 0x20u32.to_bits();
    clear(&mut bench, None, 0x20);
    bench.unit.event_set.next = 0u32.to_bits();
    assert_eq!(bench.read(map::event_pending::OFFSET), 0x20);
    clear(&mut bench, None, 0x20);
    assert_eq!(bench.read(map::event_pending::OFFSET), 0);
    assert!(!bench.unit.event_pending.val());
}

/// A clear of the firmware: of a word of one of the `ARRAYS`, or of `event_pending`.
fn clear(bench: &mut Bench, of_array: Option<(usize, usize)>, mask: u32) {
    let (array, word) = of_array.unwrap_or((ARRAYS.len(), 0));
    bench.unit.clear_valid.next = true;
    bench.unit.clear_endpoint.next = array == 0;
    bench.unit.clear_queue.next = array == 1;
    bench.unit.clear_word.next = word.to_bits();
    bench.unit.clear_mask.next = mask.to_bits();
    settle(&mut bench.unit);
    for waited in 0.. {
        assert!(waited < 100, "the clear is never taken");
        let taken = bench.unit.clear_ready.val();
        bench.step();
        if taken {
            break;
        }
    }
    bench.unit.clear_valid.next = false;
}

/// Arrays of pending bits: where, and how many words.
const ARRAYS: [(usize, u64); 2] = [
    (map::endpoint_pending::OFFSET, 128),
    (map::queue_pending::OFFSET, 8),
];

#[test]
fn pending_bits_follow_a_model_under_random_traffic() {
    let seed = 11;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut bench = Bench::new();
    for _ in 0..128 {
        bench.step();
    }
    let mut model = [[0u32; 128]; 2];
    for round in 0..800 {
        let array = random.below(2) as usize;
        let (offset, words) = ARRAYS[array];
        let word = random.below(words) as usize;
        let mask = random.word() as u32;
        match random.below(4) {
            0 => {
                clear(&mut bench, Some((array, word)), mask);
                model[array][word] &= !mask;
            }
            1 => {
                assert!(bench.write(offset + 4 * word, mask));
                model[array][word] &= !mask;
            }
            2 => assert_eq!(
                bench.read(offset + 4 * word),
                model[array][word],
                "round {round}, array {array}"
            ),
            _ => {
                // Bits of both in the same cycle.
                for _ in 0..random.below(200) {
                    let (endpoint, queue) = (random.below(4096), random.below(256));
                    bench.unit.endpoint_set.next = true;
                    bench.unit.endpoint_set_index.next = endpoint.to_bits();
                    bench.unit.queue_set.next = true;
                    bench.unit.queue_set_index.next = queue.to_bits();
                    for (array, index) in [endpoint, queue].into_iter().enumerate() {
                        model[array][index as usize / 32] |= 1 << (index % 32);
                    }
                    bench.step();
                }
                bench.unit.endpoint_set.next = false;
                bench.unit.queue_set.next = false;
            }
        }
    }
    for (array, (offset, words)) in ARRAYS.into_iter().enumerate() {
        for (word, &expected) in model[array].iter().take(words as usize).enumerate() {
            assert_eq!(bench.read(offset + 4 * word), expected);
        }
    }
}

#[test]
fn the_watchdog_falls_without_a_heartbeat_and_rises_with_one() {
    let mut bench = Bench::new();
    let alive = |bench: &mut Bench| bench.read(map::status::OFFSET) & 1 == 1;
    assert!(!alive(&mut bench));
    bench.write(map::watchdog_limit::OFFSET, 100);
    bench.unit.heartbeat.next = true;
    bench.step();
    bench.unit.heartbeat.next = false;
    for _ in 0..80 {
        bench.step();
    }
    assert!(alive(&mut bench));
    for _ in 0..20 {
        bench.step();
    }
    assert!(!alive(&mut bench));
    bench.unit.heartbeat.next = true;
    bench.step();
    bench.unit.heartbeat.next = false;
    assert!(alive(&mut bench));
    assert_eq!(bench.read(map::heartbeat::OFFSET), 2);
}

#[test]
fn status_remembers_link_and_mismatch() {
    let mut bench = Bench::new();
    bench.unit.link_seen.next = true;
    bench.step();
    bench.unit.link_seen.next = false;
    assert_eq!(bench.read(map::status::OFFSET), 2);
    bench.unit.version_mismatch.next = true;
    bench.step();
    bench.unit.version_mismatch.next = false;
    assert_eq!(bench.read(map::status::OFFSET), 6);
    for (stopped, quiet) in [(true, false), (true, true), (false, false)] {
        bench.unit.stopped.next = stopped;
        bench.unit.quiet.next = quiet;
        let expected = 6 | u32::from(stopped) << 3 | u32::from(quiet) << 4;
        assert_eq!(bench.read(map::status::OFFSET), expected);
    }
}

#[test]
fn outputs_follow_their_registers() {
    let mut bench = Bench::new();
    bench.write(map::node::OFFSET, 0x2_0015);
    bench.write(map::processor_control::OFFSET, 1);
    assert_eq!(bench.unit.node.val().to_u64(), 0x15);
    assert!(bench.unit.processor_hold.val());
    let mut rings = 0;
    bench.unit.host.write.next = true;
    bench.unit.host.address.next = map::admin_doorbell::OFFSET.to_bits();
    bench.unit.host.data.next = 0x77u32.to_bits();
    bench.unit.host.enables.next = 0xfu32.to_bits();
    bench.step();
    bench.unit.host.write.next = false;
    for _ in 0..10 {
        settle(&mut bench.unit);
        if bench.unit.admin_doorbell.val() {
            rings += 1;
            assert_eq!(bench.unit.admin_doorbell_index.val().to_u64(), 0x77);
        }
        bench.step();
    }
    assert_eq!(rings, 1);
    let mut stops = 0;
    bench.unit.host.write.next = true;
    bench.unit.host.address.next = map::quiesce::OFFSET.to_bits();
    bench.step();
    bench.unit.host.write.next = false;
    for _ in 0..10 {
        settle(&mut bench.unit);
        if bench.unit.quiesce.val() {
            stops += 1;
            assert_eq!(bench.unit.quiesce_generation.val().to_u64(), 0x77);
        }
        bench.step();
    }
    assert_eq!(stops, 1);
}

#[test]
fn gate() {
    let addresses: Vec<usize> = registers().map(|(offset, _)| offset).collect();
    Gate::new(
        "control_registers",
        ControlRegisters::new(Identity::default()),
    )
    .clock(|unit| &mut unit.clock)
    .cycles(3000)
    .run(|unit, random, cycle| {
        unit.reset.next = cycle < 2 || cycle == 1500;
        // One access of each side every 16 cycles: none overlaps its predecessor.
        for (bus, phase) in [(&mut unit.host, 0), (&mut unit.processor, 5)] {
            let turn = cycle > 200 && cycle % 32 == phase;
            let write = random.chance(50);
            bus.read.next = turn && !write;
            bus.write.next = turn && write;
            let address = if random.chance(80) {
                addresses[random.below(addresses.len() as u64) as usize]
            } else {
                random.below(1024) as usize * 4
            };
            bus.address.next = address.to_bits();
            bus.data.next = random.bits();
            bus.enables.next = random.bits();
        }
        unit.counter_pulses.next = random.bits();
        unit.stage_pulses.next = random.bits();
        unit.event_set.next = if random.chance(5) {
            random.bits()
        } else {
            Bits::default()
        };
        unit.endpoint_set.next = cycle > 20 && random.chance(30);
        unit.queue_set.next = random.chance(30);
        unit.queue_set_index.next = random.bits();
        unit.endpoint_set_index.next = random.bits();
        if !unit.clear_valid.val() || unit.clear_ready.val() {
            unit.clear_valid.next = random.chance(20);
            unit.clear_endpoint.next = random.chance(30);
            unit.clear_queue.next = !unit.clear_endpoint.next && random.chance(50);
            unit.clear_word.next = random.bits();
            unit.clear_mask.next = random.bits();
        }
        unit.heartbeat.next = random.chance(10);
        unit.link_seen.next = random.chance(1);
        unit.version_mismatch.next = random.chance(1);
        unit.stopped.next = random.chance(50);
        unit.quiet.next = random.chance(50);
    });
}
