//! Behaviour of `Peripherals` seen from the bus.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use abi::processor::{
    CONTROL_BASE, INBOX_BASE, OUTBOX_BASE, PERIPHERAL_BASE, peripherals as registers,
};

/// An address that something, or nothing, answers.
fn random_address(random: &mut Random) -> usize {
    let base = [
        PERIPHERAL_BASE,
        INBOX_BASE,
        OUTBOX_BASE,
        CONTROL_BASE,
        0xf000_0000,
    ];
    match random.below(10) {
        0 => random.below(1 << 30) as usize * 4,
        1 => base[random.below(5) as usize] + random.below(1 << 14) as usize * 4,
        2..5 => PERIPHERAL_BASE + random.below(0x28) as usize * 4,
        5 => PERIPHERAL_BASE + random.below(0x100) as usize * 4,
        _ => base[random.below(5) as usize] + random.below(64) as usize * 4,
    }
}

#[test]
fn gate() {
    Gate::new("peripherals", Peripherals::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.core_reset.next = cycle < 4 || random.below(200) == 0;
            unit.stop_time.next = random.chance(5);
            if !unit.bus.strobe.val() || unit.bus.acknowledge.val() || random.below(300) == 0 {
                let strobe = random.chance(80);
                unit.bus.cycle.next = strobe;
                unit.bus.strobe.next = strobe;
                unit.bus.write.next = random.chance(50);
                unit.bus.address.next = (random_address(random) / 4).to_bits();
                unit.bus.write_data.next = random.bits();
                unit.bus.select.next = random.bits();
            }
            unit.completion.next = random.bits();
            unit.completion_empty.next = random.chance(40);
            unit.event_word.next = Event {
                kind: random.bits(),
                index: random.bits(),
                code: random.bits(),
                data: random.bits(),
            };
            unit.event_empty.next = random.chance(40);
            unit.event_pending.next = random.chance(50);
            unit.command_0_full.next = random.chance(30);
            unit.command_1_full.next = random.chance(30);
            unit.clear_full.next = random.chance(30);
            unit.inbox_data.next = random.bits();
            unit.control_request_full.next = random.chance(20);
            unit.control_response.next = random.bits();
            unit.control_response_empty.next = random.chance(70);
        });
}

/// The block with everything empty and roomy.
fn bench() -> Peripherals {
    let mut unit = Peripherals::default();
    unit.connect_all();
    unit.completion_empty.next = true;
    unit.event_empty.next = true;
    unit.captured_empty.next = true;
    unit.missed_empty.next = true;
    unit.control_response_empty.next = true;
    unit.reset.next = true;
    unit.core_reset.next = true;
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    unit.core_reset.next = false;
    clock_cycle!(unit, clock);
    unit
}

fn begin(unit: &mut Peripherals, address: usize, write: Option<u32>) {
    unit.bus.cycle.next = true;
    unit.bus.strobe.next = true;
    unit.bus.address.next = (address / 4).to_bits();
    unit.bus.write.next = write.is_some();
    unit.bus.write_data.next = write.unwrap_or(0).to_bits();
    unit.bus.select.next = Bits::mask();
    settle(unit);
}

fn finish(unit: &mut Peripherals) -> Option<u32> {
    for _ in 0..4 {
        if unit.bus.acknowledge.val() {
            let data = unit.bus.read_data.val().to_u64() as u32;
            clock_cycle!(*unit, clock);
            unit.bus.cycle.next = false;
            unit.bus.strobe.next = false;
            settle(unit);
            return Some(data);
        }
        clock_cycle!(*unit, clock);
    }
    None
}

fn load(unit: &mut Peripherals, address: usize) -> u32 {
    begin(unit, address, None);
    finish(unit).expect("an answer")
}

fn store(unit: &mut Peripherals, address: usize, data: u32) {
    begin(unit, address, Some(data));
    finish(unit).expect("an answer");
}

#[test]
fn addresses_of_nothing_are_acknowledged_and_read_zero() {
    let mut unit = bench();
    for address in [
        0,
        0x3fff_fffc,
        PERIPHERAL_BASE + 0x28,
        PERIPHERAL_BASE + 0x120,
        PERIPHERAL_BASE + 0x400,
        INBOX_BASE + abi::command::INBOX_BYTES,
        OUTBOX_BASE,
        OUTBOX_BASE + abi::command::OUTBOX_BYTES,
        CONTROL_BASE + abi::control::MAP_BYTES,
        0xffff_fffc,
    ] {
        assert_eq!(load(&mut unit, address), 0, "{address:#x}");
        begin(&mut unit, address, Some(!0));
        if address != OUTBOX_BASE {
            assert_eq!(unit.outbox_enables.val().to_u64(), 0, "{address:#x}");
        }
        assert!(!unit.control_request_write.val() && !unit.clear_write.val());
        finish(&mut unit).expect("an answer");
    }
}

#[test]
fn the_timer_counts_and_interrupts_from_its_limit_on() {
    let mut unit = bench();
    let time = load(&mut unit, PERIPHERAL_BASE + registers::time_low::OFFSET);
    assert_eq!(
        load(&mut unit, PERIPHERAL_BASE + registers::compare_high::OFFSET),
        !0
    );
    assert!(!unit.timer_interrupt.val());
    store(
        &mut unit,
        PERIPHERAL_BASE + registers::compare_low::OFFSET,
        time + 40,
    );
    store(
        &mut unit,
        PERIPHERAL_BASE + registers::compare_high::OFFSET,
        0,
    );
    while !unit.timer_interrupt.val() {
        clock_cycle!(unit, clock);
    }
    let now = load(&mut unit, PERIPHERAL_BASE + registers::time_low::OFFSET);
    assert!((time + 40..time + 44).contains(&now), "{time} {now}");
    store(
        &mut unit,
        PERIPHERAL_BASE + registers::compare_low::OFFSET,
        !0,
    );
    clock_cycle!(unit, clock);
    assert!(!unit.timer_interrupt.val());
    unit.stop_time.next = true;
    clock_cycle!(unit, clock);
    let stopped = load(&mut unit, PERIPHERAL_BASE + registers::time_low::OFFSET);
    assert_eq!(
        load(&mut unit, PERIPHERAL_BASE + registers::time_low::OFFSET),
        stopped
    );
}

#[test]
fn completions_and_events_are_taken_once_and_read_zero_when_there_are_none() {
    let mut unit = bench();
    assert_eq!(
        load(&mut unit, PERIPHERAL_BASE + registers::completion::OFFSET),
        0
    );
    assert_eq!(
        load(&mut unit, PERIPHERAL_BASE + registers::event_low::OFFSET),
        0
    );
    unit.completion_empty.next = false;
    unit.completion.next = 0x02_1234u32.to_bits();
    begin(
        &mut unit,
        PERIPHERAL_BASE + registers::completion::OFFSET,
        None,
    );
    assert!(unit.completion_read.val());
    clock_cycle!(unit, clock);
    assert!(!unit.completion_read.val());
    assert_eq!(finish(&mut unit), Some(0x8002_1234));

    unit.event_empty.next = false;
    unit.event_word.next = Event {
        kind: 5u32.to_bits(),
        index: 0xa21u32.to_bits(),
        code: 0x43u32.to_bits(),
        data: 0xcafe_f00du32.to_bits(),
    };
    begin(
        &mut unit,
        PERIPHERAL_BASE + registers::event_low::OFFSET,
        None,
    );
    assert!(!unit.event_read.val());
    assert_eq!(finish(&mut unit), Some(0x843a_2105));
    begin(
        &mut unit,
        PERIPHERAL_BASE + registers::event_high::OFFSET,
        None,
    );
    assert!(unit.event_read.val());
    assert_eq!(finish(&mut unit), Some(0xcafe_f00d));
}

#[test]
fn the_fourth_word_issues_a_command_once_there_is_room() {
    let mut unit = bench();
    for (base, full, other) in [
        (registers::command_0::OFFSET, 0, 1),
        (registers::command_1::OFFSET, 1, 0),
    ] {
        for word in 0..3 {
            begin(
                &mut unit,
                PERIPHERAL_BASE + base + 4 * word,
                Some(0x1111_1111 * (word as u32 + 1)),
            );
            assert!(!unit.command_0_write.val() && !unit.command_1_write.val());
            finish(&mut unit).expect("an answer");
        }
        unit.command_0_full.next = full == 0;
        unit.command_1_full.next = full == 1;
        begin(&mut unit, PERIPHERAL_BASE + base + 12, Some(0x4444_4444));
        assert_eq!(finish(&mut unit), None, "no room");
        unit.command_0_full.next = false;
        unit.command_1_full.next = false;
        settle(&mut unit);
        let writes = [unit.command_0_write.val(), unit.command_1_write.val()];
        assert!(writes[full] && !writes[other]);
        assert_eq!(
            unit.command.val().to_u128(),
            0x4444_4444_3333_3333_2222_2222_1111_1111
        );
        clock_cycle!(unit, clock);
        assert!(!unit.command_0_write.val() && !unit.command_1_write.val());
        finish(&mut unit).expect("an answer");
    }
}

#[test]
fn waiting_tells_what_there_is() {
    let mut unit = bench();
    let read = |unit: &mut Peripherals| load(unit, PERIPHERAL_BASE + registers::waiting::OFFSET);
    assert_eq!(read(&mut unit), 0b0_1100);
    unit.completion_empty.next = false;
    assert_eq!(read(&mut unit), 0b0_1101);
    unit.event_empty.next = false;
    assert_eq!(read(&mut unit), 0b0_1111);
    unit.command_0_full.next = true;
    assert_eq!(read(&mut unit), 0b0_1011);
    unit.command_1_full.next = true;
    unit.event_pending.next = true;
    assert_eq!(read(&mut unit), 0b1_0011);
}

#[test]
fn clears_name_their_word() {
    let mut unit = bench();
    begin(
        &mut unit,
        PERIPHERAL_BASE + registers::event_clear::OFFSET,
        Some(0x12),
    );
    assert!(unit.clear_write.val());
    // The word means nothing here.
    assert_eq!(number(unit.clear.val()) & !(0x7f << 32), 0x12);
    finish(&mut unit).expect("an answer");
    for (offset, words, kind) in [
        (registers::queue_clear::OFFSET, 8, 39),
        (registers::endpoint_clear::OFFSET, 128, 40),
    ] {
        for word in 0..words {
            begin(
                &mut unit,
                PERIPHERAL_BASE + offset + 4 * word,
                Some(0x8000_0001),
            );
            assert!(unit.clear_write.val());
            let expected = 0x8000_0001 | 1 << kind | (word as u64) << 32;
            // Of the word, as many bits count as there are words.
            let counts = 1 << 40 | 1 << 39 | (words as u64 - 1) << 32 | 0xffff_ffff;
            assert_eq!(number(unit.clear.val()) & counts, expected);
            finish(&mut unit).expect("an answer");
        }
    }
    unit.clear_full.next = true;
    begin(
        &mut unit,
        PERIPHERAL_BASE + registers::event_clear::OFFSET,
        Some(1),
    );
    assert_eq!(finish(&mut unit), None);
    assert!(!unit.clear_write.val());
}

fn number(bits: Bits<41>) -> u64 {
    bits.get_bits::<32>(0).to_u64() | bits.get_bits::<9>(32).to_u64() << 32
}

#[test]
fn the_outbox_is_written_byte_by_byte_and_the_inbox_read_word_by_word() {
    let mut unit = bench();
    for lane in 0..4 {
        begin(
            &mut unit,
            OUTBOX_BASE + 0x1230 + 4 * lane,
            Some(0xabcd_ef01),
        );
        unit.bus.select.next = 0b0110u32.to_bits();
        settle(&mut unit);
        assert_eq!(unit.outbox_address.val().to_u64(), 0x123);
        assert_eq!(unit.outbox_enables.val().to_u64(), 0b0110 << (4 * lane));
        assert_eq!(
            (unit.outbox_data.val().to_u128() >> (32 * lane)) as u32,
            0xabcd_ef01
        );
        finish(&mut unit).expect("an answer");

        unit.inbox_data.next = 0x3333_3333_2222_2222_1111_1111_0000_0000u128.to_bits();
        begin(&mut unit, INBOX_BASE + 0x450 + 4 * lane, None);
        assert_eq!(unit.inbox_address.val().to_u64(), 0x45);
        assert_eq!(finish(&mut unit), Some(0x1111_1111 * lane as u32));
    }
}

#[test]
fn control_reads_wait_for_the_answer_and_an_abandoned_one_answers_nobody() {
    let mut unit = bench();
    begin(&mut unit, CONTROL_BASE + 0x21c, None);
    assert!(unit.control_request_write.val());
    assert_eq!(unit.control_request.val().to_u64(), 0x21c);
    assert_eq!(finish(&mut unit), None);
    assert!(!unit.control_request_write.val());
    unit.control_response.next = 77u32.to_bits();
    unit.control_response_empty.next = false;
    settle(&mut unit);
    assert!(unit.control_response_read.val());
    clock_cycle!(unit, clock);
    unit.control_response_empty.next = true;
    settle(&mut unit);
    assert_eq!(finish(&mut unit), Some(77));

    // The soft core is reset in the middle of a read; its first read afterwards must not get the old answer.
    begin(&mut unit, CONTROL_BASE + 0x10, None);
    clock_cycle!(unit, clock);
    unit.core_reset.next = true;
    unit.bus.cycle.next = false;
    unit.bus.strobe.next = false;
    clock_cycle!(unit, clock);
    unit.core_reset.next = false;
    begin(&mut unit, CONTROL_BASE + 0x14, None);
    assert!(!unit.control_request_write.val());
    unit.control_response.next = 88u32.to_bits();
    unit.control_response_empty.next = false;
    settle(&mut unit);
    assert!(unit.control_response_read.val());
    clock_cycle!(unit, clock);
    unit.control_response_empty.next = true;
    settle(&mut unit);
    assert!(!unit.bus.acknowledge.val());
    assert!(unit.control_request_write.val());
    assert_eq!(unit.control_request.val().to_u64(), 0x14);
    clock_cycle!(unit, clock);
    unit.control_response.next = 99u32.to_bits();
    unit.control_response_empty.next = false;
    clock_cycle!(unit, clock);
    unit.control_response_empty.next = true;
    settle(&mut unit);
    assert_eq!(finish(&mut unit), Some(99));
}

#[test]
fn whatever_waits_for_the_firmware_wakes_the_processor() {
    let mut unit = bench();
    settle(&mut unit);
    assert!(!unit.work_waits.val());
    for source in 0..5 {
        unit.completion_empty.next = source != 0;
        unit.event_empty.next = source != 1;
        unit.captured_empty.next = source != 2;
        unit.missed_empty.next = source != 3;
        unit.event_pending.next = source == 4;
        settle(&mut unit);
        assert!(unit.work_waits.val(), "{source}");
    }
    unit.event_pending.next = false;
    // Room for commands wakes nobody: a processor that wants room does not sleep.
    unit.command_0_full.next = true;
    settle(&mut unit);
    assert!(!unit.work_waits.val());
}
