//! Behaviour of `SlotMemory` against an array of bytes, with both ports contended.

use super::*;
use crate::gate::{Random, clock_cycle, settle};

#[test]
fn host_and_engine_go_first_and_nothing_is_lost() {
    let seed = 21;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = SlotMemory::default();
    unit.connect_all();
    settle(&mut unit);
    let mut memory = vec![0u128; 64];
    let mut due: Option<u128> = None;
    let (mut commands, mut completions) = (0, 0);
    let write = |memory: &mut Vec<u128>, address: u64, data: u128, enables: u64| {
        for byte in (0..16).filter(|byte| enables >> byte & 1 == 1) {
            let mask = 0xff << (8 * byte);
            memory[address as usize] = memory[address as usize] & !mask | data & mask;
        }
    };
    for _ in 0..3000 {
        let (host, command) = (random.chance(40), random.chance(40));
        let (engine, completer) = (random.chance(40), random.chance(40));
        // A beat is not read while it is written.
        let (host_address, command_address) = (random.below(32), random.below(32));
        let (engine_address, completer_address) = (32 + random.below(32), 32 + random.below(32));
        let swap = if random.chance(50) { 32 } else { 0 };
        let (host_data, command_data) = (random.wide(), random.wide());
        let (host_enables, command_enables) = (random.below(1 << 16), random.below(1 << 16));
        unit.host_valid.next = host;
        unit.host_address.next = (host_address ^ swap).to_bits();
        unit.host_data.next = host_data.to_bits();
        unit.host_enables.next = host_enables.to_bits();
        unit.command_valid.next = command;
        unit.command_address.next = (command_address ^ swap).to_bits();
        unit.command_data.next = command_data.to_bits();
        unit.command_enables.next = command_enables.to_bits();
        unit.engine_request.next = engine;
        unit.engine_address.next = (engine_address ^ swap).to_bits();
        unit.completer.request.next = completer;
        unit.completer.address.next = (completer_address ^ swap).to_bits();
        settle(&mut unit);
        if let Some(due) = due {
            assert_eq!(unit.engine_data.val().to_u128(), due);
            assert_eq!(unit.completer.data.val().to_u128(), due);
        }
        assert_eq!(unit.command_ready.val(), command && !host);
        assert_eq!(unit.completer.grant.val(), completer && !engine);
        due = match (engine, completer) {
            (true, _) => Some(memory[(engine_address ^ swap) as usize]),
            (false, true) => Some(memory[(completer_address ^ swap) as usize]),
            _ => None,
        };
        if host {
            write(&mut memory, host_address ^ swap, host_data, host_enables);
        } else if command {
            write(
                &mut memory,
                command_address ^ swap,
                command_data,
                command_enables,
            );
        }
        commands += u32::from(command && !host);
        completions += u32::from(completer && !engine);
        clock_cycle!(unit, clock);
    }
    assert!(commands > 300 && completions > 300);
}

/// Every beat of every slot of every queue keeps its own; under the four bits of an index slots repeat.
#[test]
fn queues_and_slots_are_apart_and_a_slot_is_found_by_four_bits_of_an_index() {
    use crate::configuration::TRANSMIT_QUEUES;
    let mut unit = SlotMemory::default();
    unit.connect_all();
    settle(&mut unit);
    let places = || {
        let queues = (0..TRANSMIT_QUEUES).flat_map(|queue| (0..16).map(move |slot| (queue, slot)));
        queues.flat_map(|(queue, slot)| [0, 15].map(|beat| (queue, slot, beat)))
    };
    let address = |queue: usize, slot: usize, beat: usize| queue << 8 | slot << 4 | beat;
    for (queue, slot, beat) in places().filter(|&(_, slot, _)| slot < TRANSMIT_SLOTS) {
        unit.host_valid.next = true;
        unit.host_address.next = address(queue, slot, beat).to_bits();
        unit.host_data.next = address(queue, slot, beat).to_bits();
        unit.host_enables.next = 0xffff.into();
        clock_cycle!(unit, clock);
    }
    unit.host_valid.next = false;
    for (queue, slot, beat) in places() {
        unit.engine_request.next = true;
        unit.engine_address.next = address(queue, slot, beat).to_bits();
        clock_cycle!(unit, clock);
        let expected = address(queue, slot % TRANSMIT_SLOTS, beat);
        assert_eq!(unit.engine_data.val().to_u128(), expected as u128);
    }
}
