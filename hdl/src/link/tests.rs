//! The link against itself, with a wire that hurts frames, and against frames made by software.

mod credit;
mod end;
mod frames;
mod traffic;

use super::frame::{beat, credit_frame};
use super::link_unit::LinkUnit;
use crate::clock_cycle;
use crate::gate::settle;
use rust_hdl::prelude::*;

type Words = Vec<u128>;

fn new_unit(node: u64) -> LinkUnit {
    let mut unit = LinkUnit::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.node.connect();
    unit.frame.valid.connect();
    unit.frame.beat.connect();
    unit.packet.valid.connect();
    unit.packet.beat.connect();
    unit.acknowledge_valid.connect();
    unit.acknowledge.connect();
    unit.link.ready.connect();
    unit.receive_valid.connect();
    unit.receive_beat.connect();
    unit.channel_0.ready.connect();
    unit.channel_1.ready.connect();
    unit.connect_all();
    unit.node.next = node.to_bits();
    unit.reset.next = true;
    settle(&mut unit);
    clock_cycle!(unit, clock);
    clock_cycle!(unit, clock);
    unit.reset.next = false;
    settle(&mut unit);
    unit
}

/// Waits, without traffic, until the unit has credit.
fn with_credit() -> LinkUnit {
    let mut unit = new_unit(1);
    unit.link.ready.next = true;
    send(&mut unit, &credit_frame([480, 480], [0, 0]));
    for _ in 0..4 {
        settle(&mut unit);
        clock_cycle!(unit, clock);
    }
    unit
}

/// Puts beats on the receive wire; after it the last beat's cycle is over.
fn send(unit: &mut LinkUnit, words: &[u128]) {
    for (position, word) in words.iter().enumerate() {
        unit.receive_valid.next = true;
        unit.receive_beat.next = beat(*word, position + 1 == words.len());
        settle(unit);
        clock_cycle!(*unit, clock);
    }
    unit.receive_valid.next = false;
    settle(unit);
}
