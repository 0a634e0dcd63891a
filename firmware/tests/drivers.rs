//! One driver after another, and one firmware after another.

mod support;

use abi::admin::{opcode, status::Status};
use support::requests::{Host, MISS_RING, Reference, TABLE, call, create, gift, give, request};
use support::{LIMITS, PAGE_BYTES, Random, World};

const MEMORY: u64 = 0x4000_0000;

fn endpoint(place: u64) -> support::requests::Request {
    create(
        4,
        4,
        4,
        MEMORY + 0x2000 * place,
        MEMORY + 0x2000 * place + 0x1000,
    )
}

/// No page or identifier leads anywhere, and no queue is enabled. Addresses and translations may stand.
fn is_silent(world: &World) -> bool {
    world.state.keys().all(|&(region, index)| match region {
        1 | 2 => index % 4 != 0,
        region => region == 3,
    })
}

/// A driver that has made two endpoints and bound a name.
fn busy(world: &mut World, generation: u8) -> (Host, Reference) {
    let mut host = Host::open(world, 0x10_0000, 3, generation);
    world.map(MEMORY, 0x10_0000);
    world.settle(&mut Random::new(1));
    let mut reference = Reference::new(LIMITS);
    give(world, &mut host, &mut reference);
    for place in 0..2 {
        let answer = call(world, &mut host, &mut reference, endpoint(place));
        assert_eq!(answer, (Status::Done, (place << 36) | place << 16 | place));
    }
    let bind = request(opcode::BIND_RECEIVE_QUEUE as u16, [1, 9, 0]);
    call(world, &mut host, &mut reference, bind);
    (host, reference)
}

#[test]
fn a_new_driver_finds_nothing_of_the_old_one() {
    let mut world = World::new();
    busy(&mut world, 1);
    let mut host = Host::open(&mut world, 0x20_0000, 1, 2);
    world.settle(&mut Random::new(2));
    assert!(is_silent(&world), "endpoints of a driver that is gone");
    let mut reference = Reference::new(LIMITS);
    give(&mut world, &mut host, &mut reference);
    let mut last = 0;
    for place in 0..16 {
        let (status, result) = call(&mut world, &mut host, &mut reference, endpoint(place));
        assert_eq!(status, Status::Done);
        let number = result & 0xffff;
        assert!(number > 1, "{number}: a page of the driver that is gone");
        last = number;
    }
    let bind = request(opcode::BIND_RECEIVE_QUEUE as u16, [last, 9, 0]);
    let answer = call(&mut world, &mut host, &mut reference, bind);
    assert_eq!(answer.0, Status::Done, "its names are free");
}

#[test]
fn a_driver_that_dies_at_any_moment_does_not_disturb_the_next() {
    for moment in (0..600).step_by(3) {
        let mut random = Random::new(moment);
        let mut world = World::new();
        world.slow_reads = moment % 2 == 0;
        world.map(MEMORY, 0x10_0000);
        let mut old = Host::open(&mut world, 0x10_0000, 2, 1);
        world.map(TABLE, 0x8000);
        world.map(MISS_RING, 0x4000);
        old.submit(&mut world, gift());
        old.submit(&mut world, endpoint(0));
        old.submit(&mut world, endpoint(1));
        for _ in 0..moment {
            world.step(&mut random);
        }
        world.answers.clear();
        // Its rings are freed as soon as the NIU is quiet: a write to them panics.
        world.memory.retain(|&page, _| page >= MEMORY / PAGE_BYTES);
        let mut host = Host::open(&mut world, 0x20_0000, 1, 2);
        host.submit(&mut world, request(opcode::IDENTIFY as u16, [0; 3]));
        world.settle(&mut random);
        assert_eq!(world.stopped, None, "moment {moment}");
        let answer = host.collect(&mut world).expect("the new driver's answer");
        assert_eq!(answer.0, Status::Done, "moment {moment}");
        assert_eq!(host.collect(&mut world), None, "moment {moment}");
        assert!(is_silent(&world), "moment {moment}");
        let mut reference = Reference::new(LIMITS);
        give(&mut world, &mut host, &mut reference);
        for place in 0..16 {
            let answer = call(&mut world, &mut host, &mut reference, endpoint(place));
            assert_eq!(answer.0, Status::Done, "moment {moment}");
        }
    }
}

#[test]
fn a_stop_for_other_rings_than_the_firmware_has_does_not_end() {
    for moment in 0..300 {
        let mut random = Random::new(moment);
        let mut world = World::new();
        Host::open(&mut world, 0x10_0000, 1, 1);
        for _ in 0..moment {
            world.step(&mut random);
        }
        world.stopped = Some(2);
        world.settle(&mut random);
        assert_eq!(world.stopped, Some(2), "moment {moment}");
    }
}

#[test]
fn a_firmware_that_starts_while_the_niu_is_stopped_serves_the_rings_that_it_finds() {
    let mut world = World::new();
    busy(&mut world, 1);
    let mut host = Host::open(&mut world, 0x20_0000, 1, 2);
    world.restart_firmware();
    host.submit(&mut world, request(opcode::IDENTIFY as u16, [0; 3]));
    world.settle(&mut Random::new(8));
    let answer = host.collect(&mut world).expect("an answer");
    assert_eq!(answer.0, Status::Done);
    assert!(is_silent(&world), "endpoints of a driver that is gone");
    host.submit(&mut world, gift());
    world.settle(&mut Random::new(9));
    let answer = host.collect(&mut world).expect("an answer");
    assert_eq!(answer.0, Status::Done, "it has rings of its own");
}

#[test]
fn turned_off_it_is_silent_and_turned_on_it_starts_afresh() {
    let mut world = World::new();
    let (mut host, _) = busy(&mut world, 7);
    let on = world.registers;
    world.registers.entries_log2 = 0;
    host.submit(&mut world, request(opcode::IDENTIFY as u16, [0; 3]));
    world.settle(&mut Random::new(3));
    assert_eq!(world.answers.len(), 0);
    assert!(!is_silent(&world), "endpoints live on");
    world.registers = on;
    world.registers.doorbell = 0;
    world.doorbell_pending = true;
    world.settle(&mut Random::new(4));
    assert!(is_silent(&world));
}

#[test]
fn after_a_restart_of_the_firmware_endpoints_live_until_the_driver_starts_afresh() {
    let mut world = World::new();
    let (mut host, reference) = busy(&mut world, 1);
    world.restart_firmware();
    world.settle(&mut Random::new(5));
    reference.check_state(&world);
    for (request, expected) in [
        (request(opcode::IDENTIFY as u16, [0; 3]), Status::Done),
        (endpoint(2), Status::Failed),
        (
            request(opcode::DESTROY_ENDPOINT as u16, [0; 3]),
            Status::Failed,
        ),
        (request(99, [0; 3]), Status::UnknownOpcode),
    ] {
        host.submit(&mut world, request);
        world.settle(&mut Random::new(6));
        let answer = host.collect(&mut world).expect("an answer");
        assert_eq!(answer.0, expected, "{request:?}");
    }
    reference.check_state(&world);
    let mut host = Host::open(&mut world, 0x20_0000, 3, 2);
    world.settle(&mut Random::new(7));
    assert!(is_silent(&world));
    let mut reference = Reference::new(LIMITS);
    give(&mut world, &mut host, &mut reference);
    let (status, result) = call(&mut world, &mut host, &mut reference, endpoint(0));
    assert_eq!((status, result), (Status::Done, 2), "queue 0, another page");
}

#[test]
fn a_firmware_killed_at_any_moment_leaves_no_stale_completion_to_the_next() {
    for moment in (0..600).step_by(3) {
        let mut random = Random::new(1000 + moment);
        let mut world = World::new();
        world.slow_reads = moment % 2 == 0;
        world.map(MEMORY, 0x10_0000);
        let mut host = Host::open(&mut world, 0x10_0000, 2, 1);
        world.map(TABLE, 0x8000);
        world.map(MISS_RING, 0x4000);
        host.submit(&mut world, gift());
        host.submit(&mut world, endpoint(0));
        host.submit(&mut world, request(opcode::IDENTIFY as u16, [0; 3]));
        for _ in 0..moment {
            world.step(&mut random);
        }
        world.restart_firmware();
        world.settle(&mut random);
        let mut host = Host::open(&mut world, 0x20_0000, 2, 2);
        world.settle(&mut random);
        world.answers.clear();
        let mut reference = Reference::new(LIMITS);
        give(&mut world, &mut host, &mut reference);
        // A firmware that was killed while the NIU was stopped has made some endpoints, and the next one others.
        let mut first = None;
        for place in 0..4 {
            let (status, result) = call(&mut world, &mut host, &mut reference, endpoint(place));
            assert_eq!(status, Status::Done);
            let queue = result >> 16 & 0xff;
            assert_eq!(result >> 32, place << 4);
            assert_eq!(queue, *first.get_or_insert(queue) + place);
        }
    }
}
