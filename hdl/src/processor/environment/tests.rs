//! Behaviour of the processor without its core, with Wishbone driven by hand and two clocks.

use super::*;
use crate::gate::{Gate, clock_cycle, settle};
use abi::processor::{
    CONTROL_BASE, INBOX_BASE, OUTBOX_BASE, PERIPHERAL_BASE, RAM_BASE, peripherals as registers,
};

#[test]
fn gate() {
    Gate::new("processor_environment", ProcessorEnvironment::new(None))
        .clock(|unit| &mut unit.core_clock)
        .slow_clock(2, |unit| &mut unit.processor_clock)
        .cycles(3000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 4;
            unit.hold.next = random.below(400) == 0;
            unit.debugger_resets.next = random.below(1000) == 0;
            if cycle % 2 == 1 && cycle > 100 {
                if !unit.data.strobe.val() || unit.data.acknowledge.val() {
                    let strobe = random.chance(80);
                    unit.data.cycle.next = strobe;
                    unit.data.strobe.next = strobe;
                    unit.data.write.next = random.chance(60);
                    let address = match random.below(8) {
                        0 => RAM_BASE + 4 * random.below(16) as usize,
                        1 => OUTBOX_BASE + 4 * random.below(64) as usize,
                        2 => CONTROL_BASE + 4 * random.below(1024) as usize,
                        3 => {
                            INBOX_BASE
                                + 0x400 * random.below(2) as usize
                                + 4 * random.below(16) as usize
                        }
                        _ => PERIPHERAL_BASE + 4 * random.below(0x28) as usize,
                    };
                    unit.data.address.next = (address / 4).to_bits();
                    unit.data.write_data.next = if random.chance(50) {
                        (random.below(8) | 0x100).to_bits()
                    } else {
                        random.bits()
                    };
                    unit.data.select.next = Bits::mask();
                }
                unit.instruction.fetch.next = random.chance(50);
                // Not where stores go: meeting one is undefined.
                let address = RAM_BASE / 4 + 64 + random.below(16) as usize;
                unit.instruction.address.next = address.to_bits();
            }
            unit.control.done.next = cycle % 16 == 0;
            unit.control.hit.next = random.chance(80);
            unit.control.read_data.next = random.bits();
            unit.clear_ready.next = unit.clear_valid.val() && random.chance(50);
            unit.event_pending.next = random.chance(50);
            unit.admin_valid.next = random.chance(3);
            unit.admin_index.next = random.bits();
            unit.store_valid.next = random.chance(3);
            unit.miss_valid.next = random.chance(3);
            unit.error_valid.next = random.chance(3);
            unit.packet_valid.next = random.chance(1);
            unit.packet_event.next.data = random.bits();
            unit.inbox_valid.next = random.chance(20);
            // Not where the processor reads meanwhile.
            unit.inbox_address.next = (16 + random.below(112)).to_bits();
            unit.inbox_data.next = random.bits();
            unit.inbox_enables.next = random.bits();
            unit.packet_inbox_valid.next = random.chance(20);
            unit.packet_inbox_address.next =
                [random.below(64), 80 + random.below(48)][random.below(2) as usize].to_bits();
            unit.packet_inbox_data.next = random.bits();
            unit.packet_inbox_enables.next = random.bits();
            unit.outbox.request.next = random.chance(20);
            unit.outbox.address.next = (0x100 + random.below(256)).to_bits();
            unit.node.next = 3u32.to_bits();
            unit.room_0.next = random.chance(80);
            unit.room_1.next = random.chance(80);
            unit.slot_ready.next = random.chance(50);
            unit.packet.ready.next = random.chance(50);
            unit.host_write.ready.next = random.chance(50);
            unit.read_ready.next = random.chance(50);
        });
}

/// The environment with the soft core's data bus in our hands, and a control register file that
/// answers with its offset.
struct Bench {
    unit: ProcessorEnvironment,
    cycle: u64,
    control_countdown: u32,
    configurations: Vec<(u64, u128)>,
    packet: Vec<(u128, bool)>,
    host_write: Vec<(u128, bool)>,
    heartbeats: u32,
    /// Of an endpoint's word, of a queue's; word, mask.
    clears: Vec<(bool, bool, u64, u64)>,
}

impl Bench {
    fn new() -> Self {
        let mut unit = ProcessorEnvironment::new(None);
        unit.connect_all();
        unit.packet.ready.next = true;
        unit.host_write.ready.next = true;
        unit.slot_ready.next = true;
        unit.clear_ready.next = true;
        unit.node.next = 9u32.to_bits();
        unit.room_1.next = true;
        let mut bench = Self {
            unit,
            cycle: 0,
            control_countdown: 0,
            configurations: vec![],
            packet: vec![],
            host_write: vec![],
            heartbeats: 0,
            clears: vec![],
        };
        settle(&mut bench.unit);
        bench.unit.reset.next = true;
        bench.step();
        bench.unit.reset.next = false;
        while bench.cycle < 50 || bench.unit.core_reset.val() {
            bench.step();
        }
        bench.heartbeats = 0;
        bench
    }

    /// One core cycle, and every second time a processor cycle.
    fn step(&mut self) {
        let unit = &mut self.unit;
        if unit.control.read.val() {
            self.control_countdown = 4;
            unit.control.read_data.next = (0x1000 + unit.control.address.val().to_u64()).to_bits();
        }
        self.control_countdown = self.control_countdown.saturating_sub(1);
        unit.control.done.next = self.control_countdown == 1;
        unit.control.hit.next = true;
        settle(unit);
        let configuration = unit.configuration.val();
        if configuration.valid {
            self.configurations
                .push((configuration.index.to_u64(), configuration.data.to_u128()));
        }
        for (stream, beats) in [
            (&unit.packet, &mut self.packet),
            (&unit.host_write, &mut self.host_write),
        ] {
            if stream.valid.val() {
                let beat = stream.beat.val();
                beats.push((beat.data.to_u128(), beat.last));
            }
        }
        self.heartbeats += u32::from(unit.heartbeat.val());
        if unit.clear_valid.val() {
            self.clears.push((
                unit.clear_endpoint.val(),
                unit.clear_queue.val(),
                unit.clear_word.val().to_u64(),
                unit.clear_mask.val().to_u64(),
            ));
        }
        clock_cycle!(*unit, core_clock);
        if self.cycle % 2 == 1 {
            clock_cycle!(*unit, processor_clock);
        }
        self.cycle += 1;
    }

    fn access(&mut self, address: usize, write: Option<u32>) -> u32 {
        // The bus changes with the processor clock.
        if self.cycle % 2 == 1 {
            self.step();
        }
        self.unit.data.cycle.next = true;
        self.unit.data.strobe.next = true;
        self.unit.data.write.next = write.is_some();
        self.unit.data.address.next = (address / 4).to_bits();
        self.unit.data.write_data.next = write.unwrap_or(0).to_bits();
        self.unit.data.select.next = Bits::mask();
        for _ in 0..200 {
            self.step();
            self.step();
            if self.unit.data.acknowledge.val() {
                let data = self.unit.data.read_data.val().to_u64() as u32;
                self.step();
                self.step();
                self.unit.data.cycle.next = false;
                self.unit.data.strobe.next = false;
                return data;
            }
        }
        panic!("{address:#x} is never acknowledged");
    }

    fn load(&mut self, address: usize) -> u32 {
        self.access(address, None)
    }

    fn store(&mut self, address: usize, data: u32) {
        self.access(address, Some(data));
    }

    fn command(&mut self, queue: usize, words: [u32; 4]) {
        let base = [registers::command_0::OFFSET, registers::command_1::OFFSET][queue];
        for (index, word) in words.into_iter().enumerate() {
            self.store(PERIPHERAL_BASE + base + 4 * index, word);
        }
    }

    fn completion(&mut self) -> u32 {
        for _ in 0..50 {
            let completion = self.load(PERIPHERAL_BASE + registers::completion::OFFSET);
            if completion != 0 {
                return completion;
            }
        }
        panic!("no completion");
    }
}

#[test]
fn commands_reach_the_core_and_completions_come_back() {
    let mut bench = Bench::new();
    bench.command(0, [0x1234_0101, 0x3005, 0x0123_4567, 0x89ab]);
    assert_eq!(bench.completion(), 0x8000_1234);
    assert_eq!(bench.configurations, [(0x3005, 0x89ab_0123_4567)]);
    bench.command(1, [0x0077_01ff, 0, 0, 0]);
    assert_eq!(bench.completion(), 0x8001_0077);
}

#[test]
fn packets_and_host_writes_take_their_payload_from_the_outbox() {
    let mut bench = Bench::new();
    for word in 0..8 {
        bench.store(OUTBOX_BASE + 4 * word, 0x1111_1111 * (word as u32 + 1));
    }
    bench.command(0, [0x0001_0103, 20 << 16, 0x0002_0003, 0x1aa]);
    assert_eq!(bench.completion(), 0x8000_0001);
    let header = 0x14aa_0002_0000_0000_0000_0000_0120_1914;
    let first = 0x4444_4444_3333_3333_2222_2222_1111_1111;
    assert_eq!(
        bench.packet,
        [(header, false), (first, false), (0x5555_5555, true)]
    );
    bench.command(1, [0x0002_0104, 16 << 16, 0x8000_0010, 0x1]);
    assert_eq!(bench.completion(), 0x8000_0002);
    assert_eq!(
        bench.host_write,
        [(16 << 64 | 0x1_8000_0010, false), (first, true)]
    );
    // The host sees the same outbox.
    bench.unit.outbox.request.next = true;
    bench.unit.outbox.address.next = 0u32.to_bits();
    bench.step();
    assert_eq!(bench.unit.outbox.data.val().to_u128(), first);
}

#[test]
fn events_arrive_in_order_and_what_is_lost_stands_as_a_bit() {
    let mut bench = Bench::new();
    let mut lost = 0;
    for index in 0..40u32 {
        bench.unit.miss_valid.next = true;
        bench.unit.miss.next = Event {
            index: index.to_bits(),
            data: (1000 + index).to_bits(),
            ..Event::default()
        };
        settle(&mut bench.unit);
        lost += u32::from(bench.unit.event_lost.val());
        assert_eq!(
            bench.unit.event_set.val().to_u64(),
            1 << abi::event::kind::RECEIVE_MISS
        );
        bench.step();
        bench.unit.miss_valid.next = false;
        bench.step();
    }
    // 32 stand in the queue, one before it, one behind its source.
    assert_eq!(lost, 6);
    for index in 0..34 {
        let low = bench.load(PERIPHERAL_BASE + registers::event_low::OFFSET);
        assert_eq!(low, 0x8000_0003 | index << 8, "event {index}");
        let high = bench.load(PERIPHERAL_BASE + registers::event_high::OFFSET);
        assert_eq!(high, 1000 + index);
    }
    assert_eq!(
        bench.load(PERIPHERAL_BASE + registers::event_low::OFFSET),
        0
    );
}

#[test]
fn memory_windows_heartbeat_and_clears_reach_their_places() {
    let mut bench = Bench::new();
    bench.store(RAM_BASE + 0x100, 0xfeed_beef);
    assert_eq!(bench.load(RAM_BASE + 0x100), 0xfeed_beef);
    for offset in [0, 0x21c, 0xffc] {
        assert_eq!(bench.load(CONTROL_BASE + offset), 0x1000 + offset as u32);
    }
    bench.unit.inbox_valid.next = true;
    bench.unit.inbox_address.next = 5u32.to_bits();
    bench.unit.inbox_data.next = 0x4444_4444_3333_3333_2222_2222_1111_1111u128.to_bits();
    bench.unit.inbox_enables.next = Bits::mask();
    bench.step();
    bench.unit.inbox_valid.next = false;
    for word in 0..4 {
        assert_eq!(
            bench.load(INBOX_BASE + 0x50 + 4 * word),
            0x1111_1111 * (word as u32 + 1)
        );
    }
    // Host memory and a packet may arrive in the same cycle, at the same place of their halves.
    bench.unit.inbox_valid.next = true;
    bench.unit.inbox_address.next = 6u32.to_bits();
    bench.unit.inbox_data.next = 0x6666_6666u128.to_bits();
    bench.unit.packet_inbox_valid.next = true;
    bench.unit.packet_inbox_address.next = 70u32.to_bits();
    bench.unit.packet_inbox_data.next = 0x7777_7777u128.to_bits();
    bench.unit.packet_inbox_enables.next = Bits::mask();
    bench.step();
    bench.unit.inbox_valid.next = false;
    bench.unit.packet_inbox_valid.next = false;
    assert_eq!(bench.load(INBOX_BASE + 16 * 6), 0x6666_6666);
    assert_eq!(bench.load(INBOX_BASE + 16 * 70), 0x7777_7777);
    for _ in 0..3 {
        bench.store(PERIPHERAL_BASE + registers::heartbeat::OFFSET, 0);
    }
    bench.store(PERIPHERAL_BASE + registers::event_clear::OFFSET, 0x24);
    bench.store(
        PERIPHERAL_BASE + registers::endpoint_clear::OFFSET + 8,
        0x80,
    );
    bench.store(PERIPHERAL_BASE + registers::queue_clear::OFFSET + 4, 0x40);
    for _ in 0..20 {
        bench.step();
    }
    assert_eq!(bench.heartbeats, 3);
    assert_eq!(bench.clears.len(), 3);
    let (endpoint, queue, _, mask) = bench.clears[0];
    assert_eq!((endpoint, queue, mask), (false, false, 0x24));
    assert_eq!(
        bench.clears[1..],
        [(true, false, 2, 0x80), (false, true, 64 + 1, 0x40)]
    );
}

#[test]
fn holding_the_core_loses_nothing_that_is_under_way() {
    let mut bench = Bench::new();
    bench.command(0, [0x0005_0100, 0, 0, 0]);
    bench.unit.hold.next = true;
    for _ in 0..40 {
        bench.step();
    }
    assert!(bench.unit.core_reset.val() && !bench.unit.debug_reset.val());
    bench.unit.hold.next = false;
    for _ in 0..20 {
        bench.step();
    }
    assert!(!bench.unit.core_reset.val());
    assert_eq!(bench.completion(), 0x8000_0005);
}
