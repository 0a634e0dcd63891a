//! Many requests, one after the other, each checked.

use super::requests::{Host, MISS_RING, Reference, Request, TABLE};
use super::{PAGE_BYTES, Random, World};
use wayfarer_firmware::Limits;

pub const MEMORY: u64 = 0x4000_0000;
pub const MEMORY_PAGES: u64 = 64;
/// Few, so that they run out and are used again.
pub const LIMITS: Limits = Limits {
    transmit_queues: 8,
    receive_queues: 5,
    endpoints: 32,
    receive_queue_ids: 16,
    inline_pages: 2,
    translation_entries: 512,
    interrupt_vectors: 16,
};

/// Serves all requests, each checked in turn; `abandon`: after so many answers the driver dies with requests open.
pub fn serve(
    world: &mut World,
    host: &mut Host,
    random: &mut Random,
    requests: &[Request],
    abandon: Option<usize>,
) {
    let mut reference = Reference::new(LIMITS);
    world.map(TABLE, PAGE_BYTES);
    world.map(MISS_RING, 0x4000);
    let (mut submitted, mut answered, mut steps) = (0, 0, 0);
    while answered < abandon.unwrap_or(requests.len()) {
        if submitted < requests.len() && !host.is_full() && random.below(4) == 0 {
            host.submit(world, requests[submitted]);
            submitted += 1;
        }
        let went_on = world.step(random);
        steps += 1;
        assert!(steps < 1_000_000, "request {answered} has no answer");
        assert!(
            went_on || submitted < requests.len(),
            "request {answered} has no answer"
        );
        if let Some(answer) = host.collect(world) {
            reference.check(world, requests[answered], answer);
            answered += 1;
        }
    }
}
