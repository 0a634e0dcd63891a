//! Behaviour of `EventCollector` against queues kept by hand.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use abi::event::kind;
use std::collections::VecDeque;

fn random_event(random: &mut Random) -> Event {
    Event {
        kind: random.bits(),
        index: random.bits(),
        code: random.bits(),
        data: random.bits(),
    }
}

/// Sets every input at random; each source speaks in `percent` of the cycles.
fn drive(unit: &mut EventCollector, random: &mut Random, percent: u64) {
    unit.admin_valid.next = random.chance(percent);
    unit.admin_index.next = random.bits();
    unit.store_valid.next = random.chance(percent);
    unit.store.next = random_event(random);
    unit.miss_valid.next = random.chance(percent);
    unit.miss.next = random_event(random);
    unit.error_valid.next = random.chance(percent);
    unit.error.next = random_event(random);
    unit.packet_valid.next = random.chance(percent);
    unit.packet.next = random_event(random);
}

#[test]
fn gate() {
    Gate::new("event_collector", EventCollector::default())
        .clock(|unit| &mut unit.clock)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            drive(unit, random, if cycle % 200 < 100 { 5 } else { 30 });
            unit.full.next = random.chance(30);
        });
}

#[test]
fn every_event_comes_out_once_in_order_with_its_kind_or_is_counted_as_lost() {
    let seed = 21;
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let mut unit = EventCollector::default();
    unit.connect_all();
    unit.reset.next = true;
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    // What waits behind each source, by kind.
    let mut waiting: [VecDeque<Event>; 6] = Default::default();
    // Sources 0 to 4 have kinds 1 to 5; the search begins behind the last that had its turn.
    let (mut begin, mut chosen) = (0, None);
    let (mut lost_cycles, mut came_out) = (0, 0);
    for cycle in 0..4000 {
        let percent = if cycle < 2000 { 5 } else { 30 };
        drive(&mut unit, &mut random, percent);
        // Packets never come to a full queue.
        unit.packet_valid.next = random.chance(percent) && waiting[kind::PACKET].len() < 4;
        unit.full.next = random.chance(20);
        settle(&mut unit);

        let sources = [
            (
                kind::NON_RESIDENT_STORE,
                unit.store_valid.val(),
                unit.store.val(),
            ),
            (kind::RECEIVE_MISS, unit.miss_valid.val(), unit.miss.val()),
            (kind::QUEUE_ERROR, unit.error_valid.val(), unit.error.val()),
            (kind::PACKET, unit.packet_valid.val(), unit.packet.val()),
        ];
        let mut set = 0u64;
        let mut lost = false;
        let mut arrivals = vec![];
        for (kind, valid, mut event) in sources {
            if valid {
                set |= 1 << kind;
                event.kind = kind.to_bits();
                let room = if kind == kind::PACKET { 4 } else { 1 };
                if waiting[kind].len() < room {
                    arrivals.push((kind, event));
                } else {
                    lost = true;
                }
            }
        }
        assert_eq!(unit.write.val(), chosen.is_some() && !unit.full.val());
        if unit.write.val() {
            assert_eq!(Some(unit.word.val()), chosen.take(), "cycle {cycle}");
            came_out += 1;
        }
        if chosen.is_none() {
            let turns = (0..5).map(|step| (begin + step) % 5);
            if let Some(source) = turns.into_iter().find(|at| !waiting[at + 1].is_empty()) {
                chosen = waiting[source + 1].pop_front();
                begin = source + 1;
            }
        }
        for (kind, event) in arrivals {
            waiting[kind].push_back(event);
        }
        if unit.admin_valid.val() {
            set |= 1 << kind::ADMIN;
            waiting[kind::ADMIN].clear();
            waiting[kind::ADMIN].push_back(Event {
                kind: kind::ADMIN.to_bits(),
                data: unit.admin_index.val().to_u64().to_bits(),
                ..Event::default()
            });
        }
        assert_eq!(unit.event_set.val().to_u64(), set, "cycle {cycle}");
        assert_eq!(unit.lost.val(), lost, "cycle {cycle}");
        assert_eq!(unit.endpoint_set.val(), unit.store_valid.val());
        assert_eq!(unit.endpoint_set_index.val(), unit.store.val().index);
        assert_eq!(unit.queue_set.val(), unit.error_valid.val());
        let queue = unit.error.val().index.to_u64() & 0xff;
        assert_eq!(unit.queue_set_index.val().to_u64(), queue);
        lost_cycles += u32::from(lost);
        clock_cycle!(unit, clock);
    }
    assert!(lost_cycles > 100 && came_out > 1000);
}
