//! The link against itself, with a wire that hurts frames, and against frames made by software.

mod credit;
mod end;
mod frames;
mod loopback;
mod traffic;

use super::frame::{beat, credit_frame, look_up};
use super::link_unit::LinkUnit;
use crate::bundles::stored_header::{GAP_EPOCH_BITS, GAP_EPOCH_SHIFT};
use crate::clock_cycle;
use crate::configuration::{CHANNEL_BEATS_LOG2, CHANNEL_SLACK_BEATS};
use crate::gate::settle;
use rust_hdl::prelude::*;

type Words = Vec<u128>;

/// Beats of a virtual channel's buffer that credits cover.
const COVERED: usize = (1 << CHANNEL_BEATS_LOG2) - CHANNEL_SLACK_BEATS;

/// Beats of the longest message's frame.
const MESSAGE_BEATS: usize = 17;

/// Such frames that credits cover.
const COVERED_FRAMES: usize = COVERED / MESSAGE_BEATS;

fn new_unit(node: u64) -> LinkUnit {
    let mut unit = LinkUnit::default();
    unit.clock.connect();
    unit.reset.connect();
    unit.node.connect();
    unit.frame.valid.connect();
    unit.frame.beat.connect();
    unit.frame_single.connect();
    unit.frame_channel.connect();
    unit.packet.valid.connect();
    unit.packet.beat.connect();
    unit.loopback.valid.connect();
    unit.loopback.beat.connect();
    unit.answer_valid.connect();
    unit.answer.connect();
    unit.lookup_resident.connect();
    unit.lookup_queue.connect();
    unit.lookup2_ready.connect();
    unit.lookup2_resident.connect();
    unit.lookup2_queue.connect();
    unit.stalled_recently.connect();
    unit.gap_recorded.connect();
    unit.link.ready.connect();
    unit.receive_valid.connect();
    unit.receive_beat.connect();
    unit.channel_0.ready.connect();
    unit.channel_1.ready.connect();
    unit.loopback_source.ready.connect();
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

/// The transmit engine offers a beat.
fn offer(unit: &mut LinkUnit, word: u128, last: bool) {
    unit.frame.beat.next = beat(word, last);
    unit.frame_single.next = last;
    unit.frame_channel.next = word >> abi::link::header::virtual_channel::SHIFT & 1 == 1;
}

/// A frame as it was stored, but for when it came.
fn without_epoch(mut words: Words) -> Words {
    let epochs = ((1 << GAP_EPOCH_BITS) - 1) << GAP_EPOCH_SHIFT;
    words[0] &= !epochs;
    words
}

/// When the frame with this stored header came.
fn epoch_of(word: u128) -> u64 {
    (word >> GAP_EPOCH_SHIFT) as u64 & ((1 << GAP_EPOCH_BITS) - 1)
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

/// Puts beats on the receive wire; after it the last beat's cycle is over. What is looked up has
/// the result of `look_up`.
fn send(unit: &mut LinkUnit, words: &[u128]) {
    for (position, word) in words.iter().enumerate() {
        unit.receive_valid.next = true;
        unit.receive_beat.next = beat(*word, position + 1 == words.len());
        settle(unit);
        let looks_up = unit.lookup_valid.val();
        assert_eq!(looks_up, position == 0 && words.len() > 1);
        let (resident, queue) = look_up(unit.lookup_id.val().to_u64());
        clock_cycle!(*unit, clock);
        unit.lookup_resident.next = looks_up && resident;
        unit.lookup_queue.next = (if looks_up { queue } else { 0 }).to_bits();
    }
    unit.receive_valid.next = false;
    settle(unit);
}
