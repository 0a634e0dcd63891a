//! Generations of the transmit queues. They outlive the processor's reset, as answers to messages of former owners
//! do: the firmware that comes next goes on from them.

use crate::QUEUES;
use core::sync::atomic::{AtomicU8, Ordering};

/// In memory that the start code leaves alone; the reset leaves all of the RAM alone.
// SAFETY: the section is the start code's own for this purpose, and any eight bits are a generation.
#[unsafe(link_section = ".uninit.generations")]
static GENERATIONS: [AtomicU8; QUEUES] = [const { AtomicU8::new(0) }; QUEUES];

/// No queue had an owner yet.
pub fn forget() {
    for generation in &GENERATIONS {
        // Ordering: there is one thread.
        generation.store(0, Ordering::Relaxed);
    }
}

/// Keeps the generation of a queue's new owner.
pub fn keep(transmit_queue: u8, generation: u8) {
    if let Some(place) = GENERATIONS.get(usize::from(transmit_queue)) {
        // Ordering: as in `forget`.
        place.store(generation, Ordering::Relaxed);
    }
}

/// What was kept.
pub fn kept() -> [u8; QUEUES] {
    // Ordering: as in `forget`.
    core::array::from_fn(|queue| GENERATIONS[queue].load(Ordering::Relaxed))
}
