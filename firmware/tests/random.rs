//! Random requests, legal and not, with random interleavings of doorbells, room, completions and late reads.

mod support;

use proptest::prelude::*;
use support::requests::{Host, Reference, Request, gift, request};
use support::serving::{LIMITS, MEMORY, MEMORY_PAGES, serve};
use support::{PAGE_BYTES, Random, World};

/// An address that is mostly legal and mostly mapped.
fn address() -> impl Strategy<Value = u64> {
    prop_oneof![
        8 => (0..MEMORY_PAGES / 2).prop_map(|page| MEMORY + page * PAGE_BYTES),
        1 => (MEMORY_PAGES - 2..MEMORY_PAGES + 2).prop_map(|page| MEMORY + page * PAGE_BYTES),
        1 => (0..MEMORY_PAGES * PAGE_BYTES).prop_map(|offset| MEMORY + offset),
        1 => any::<u64>(),
        1 => Just(u64::MAX - 4095),
    ]
}

fn creation() -> impl Strategy<Value = Request> {
    let sizes = prop_oneof![
        9 => (1..7_u64, 4..9_u64, 0..9_u64),
        1 => (0..18_u64, 0..11_u64, 0..15_u64),
    ];
    let high = prop_oneof![
        4 => (0..16_u64, 0..16_u64).prop_map(|(flags, give_up)| flags | give_up << 4),
        4 => Just(0),
        1 => any::<u32>().prop_map(u64::from),
    ];
    let interrupt = prop_oneof![
        8 => Just(0),
        8 => (0..17_u64, 0..4096_u64).prop_map(|(vector, interval)| vector | 1 << 8 | interval << 16),
        1 => any::<u64>(),
    ];
    (sizes, high, address(), address(), interrupt).prop_map(
        |((entries, stride, window), high, ring, shadow, interrupt)| {
            let shape = entries | (stride << 8) | (window << 16) | (high << 24);
            Request {
                opcode: 2,
                operands: [shape, ring, shadow, interrupt],
            }
        },
    )
}

/// A number of an endpoint that mostly may exist.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![12 => 0..10_u64, 3 => 0..40_u64, 1 => any::<u64>()]
}

fn any_request() -> impl Strategy<Value = Request> {
    let name = prop_oneof![9 => 0..6_u64, 1 => 10..20_u64, 1 => any::<u64>()];
    let destination = prop_oneof![9 => 0..20_u64, 1 => any::<u64>()];
    let entry =
        (0..1100_u64, 0..4200_u64, 0..8_u64, 0..20_u64).prop_map(|(node, name, flags, bad)| {
            let name = if flags > 3 { name / 16 } else { name };
            node | (name << 16) | (flags << 32) | (u64::from(bad == 0) << 40)
        });
    let bytes = prop_oneof![8 => 1..3 * PAGE_BYTES, 1 => Just(0), 1 => any::<u64>()];
    let rights = prop_oneof![9 => 0..64_u64, 1 => any::<u16>().prop_map(u64::from)];
    prop_oneof![
        1 => any::<[u64; 4]>().prop_map(|operands| Request { opcode: 1, operands }),
        6 => (number(), rights, address(), bytes)
            .prop_map(move |(n, rights, at, bytes)| request(10, [n | rights << 16, at, bytes])),
        // Generations count from that of the rings, mirrored: 0x80 with the first ones.
        4 => (number(), 0..6_u64, 0..4_u64)
            .prop_map(move |(n, segment, uses)| request(11, [n, segment | (0x80 + uses) << 16, 0])),
        1 => Just(gift()),
        1 => (address(), address()).prop_map(move |(table, ring)| request(8, [table, ring, 0])),
        6 => creation(),
        4 => number().prop_map(move |n| request(3, [n, 0, 0])),
        3 => number().prop_map(move |n| request(6, [n, 0, 0])),
        3 => number().prop_map(move |n| request(7, [n, 0, 0])),
        4 => (number(), name).prop_map(move |(n, name)| request(4, [n, name, 0])),
        6 => (number(), destination, entry).prop_map(move |(n, to, entry)| request(5, [n, to, entry])),
        1 => (any::<u16>(), any::<[u64; 4]>()).prop_map(|(opcode, operands)| Request { opcode, operands }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_request_is_answered_once_in_order_as_the_reference_says(
        mut requests in prop::collection::vec(any_request(), 1..60),
        begins_with_gift in 0..8_u8,
        entries_log2 in 1..4_u8,
        silent in prop::collection::btree_set(0..MEMORY_PAGES, 0..3),
        slow_reads in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        if begins_with_gift > 0 {
            requests.insert(0, gift());
        }
        let mut world = World::with_limits(LIMITS);
        world.slow_reads = slow_reads;
        world.map(MEMORY, MEMORY_PAGES * PAGE_BYTES);
        world.silent = silent.iter().map(|page| MEMORY + page * PAGE_BYTES).collect();
        let mut host = Host::open(&mut world, 0x10_0000, entries_log2, 1);
        world.settle(&mut random);
        serve(&mut world, &mut host, &mut random, &requests, None);
        world.settle(&mut random);
        prop_assert_eq!(world.answers.len(), 0, "an answer too many");
    }

    #[test]
    fn a_second_driver_is_served_as_if_it_were_the_first(
        mut requests in prop::collection::vec(any_request(), 4..40),
        abandon in 0..4_usize,
        further_steps in 0..200_usize,
        slow_reads in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let mut random = Random::new(seed);
        requests.insert(0, gift());
        let mut world = World::with_limits(LIMITS);
        world.slow_reads = slow_reads;
        world.map(MEMORY, MEMORY_PAGES * PAGE_BYTES);
        let mut old = Host::open(&mut world, 0x10_0000, 3, 255);
        world.settle(&mut random);
        serve(&mut world, &mut old, &mut random, &requests, Some(abandon));
        for _ in 0..further_steps {
            world.step(&mut random);
        }
        let mut host = Host::open(&mut world, 0x20_0000, 2, 0);
        world.settle(&mut random);
        world.answers.clear();
        Reference::new(LIMITS).check_state(&world);
        serve(&mut world, &mut host, &mut random, &requests, None);
        world.settle(&mut random);
        prop_assert_eq!(world.answers.len(), 0, "an answer too many");
    }
}
