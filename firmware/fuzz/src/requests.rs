//! Admin requests of a hostile driver: any bytes, served as `firmware/tests/random.rs` serves requests that it draws.
//!
//! `cargo test` runs what is kept in `__fuzz__` and then bytes of its own; `cargo bolero test` goes on from the
//! corpus with the coverage of the code in view ([how](../../../docs/testing.md#fuzzing)).

use crate::support::requests::{Host, Request, gift};
use crate::support::serving::{LIMITS, MEMORY, MEMORY_PAGES, serve};
use crate::support::{PAGE_BYTES, Random, World};

/// Bytes of a request: opcode, then for each operand how it is drawn and its parameter.
const REQUEST_BYTES: usize = 1 + 4 * 9;
/// Most requests of a run.
const MOST_REQUESTS: usize = 40;

/// An operand, near to what counts as often as not.
fn operand(bytes: &[u8]) -> u64 {
    let parameter = u64::from_le_bytes(std::array::from_fn(|at| bytes[1 + at]));
    let small = parameter & 0xf;
    match bytes[0] % 8 {
        0 | 1 => small,
        2 => MEMORY + (parameter % MEMORY_PAGES) * PAGE_BYTES,
        3 => MEMORY + parameter % (MEMORY_PAGES * PAGE_BYTES),
        // Sizes of an endpoint: entries, stride, window.
        4 => (1 + small % 8) | (4 + (parameter >> 8) % 5) << 8 | ((parameter >> 16) % 8) << 16,
        // A translation.
        5 => small | (parameter >> 8 & 0xff) << 16 | (parameter >> 16 & 0xff) << 32,
        6 => 1 << (parameter % 64),
        _ => parameter,
    }
}

fn request(bytes: &[u8]) -> Request {
    Request {
        // Opcodes that there are, and a few that there are not.
        opcode: u16::from(bytes[0] % 16),
        operands: std::array::from_fn(|at| operand(&bytes[1 + 9 * at..])),
    }
}

#[test]
fn whatever_is_asked_is_answered_once_in_order_as_the_reference_says() {
    bolero::check!().for_each(|bytes: &[u8]| {
        let (seed, bytes) = bytes.split_first().unwrap_or((&0, &[]));
        let mut random = Random::new((*seed).into());
        let asked = bytes.chunks_exact(REQUEST_BYTES).take(MOST_REQUESTS);
        let requests: Vec<_> = std::iter::once(gift()).chain(asked.map(request)).collect();
        let mut world = World::with_limits(LIMITS);
        world.slow_reads = seed & 1 == 1;
        world.map(MEMORY, MEMORY_PAGES * PAGE_BYTES);
        let mut host = Host::open(&mut world, 0x10_0000, 3, 1);
        world.settle(&mut random);
        serve(&mut world, &mut host, &mut random, &requests, None);
        world.settle(&mut random);
        assert_eq!(world.answers.len(), 0, "an answer too many");
    });
}
