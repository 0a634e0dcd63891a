//! Every opcode and every status, one request at a time.

mod support;

use abi::admin::status::Status;
use abi::admin::{Completion, EndpointShape, opcode};
use abi::command::completion_status::CompletionStatus;
use support::requests::{Host, Reference, call, create, give, request};
use support::{LIMITS, Random, World};
use wayfarer_firmware::{Input, Limits};

const RINGS: u64 = 0x10_0000;
const MEMORY: u64 = 0x4000_0000;
const MEMORY_BYTES: u64 = 1 << 20;

struct Bench {
    world: World,
    host: Host,
    reference: Reference,
}

impl Bench {
    fn with_limits(limits: Limits) -> Self {
        let mut world = World::with_limits(limits);
        let host = Host::open(&mut world, RINGS, 2, 1);
        world.map(MEMORY, MEMORY_BYTES);
        world.settle(&mut Random::new(1));
        let mut bench = Bench {
            world,
            host,
            reference: Reference::new(limits),
        };
        give(&mut bench.world, &mut bench.host, &mut bench.reference);
        bench
    }

    fn new() -> Self {
        Bench::with_limits(LIMITS)
    }

    fn ask(&mut self, opcode: usize, operands: [u64; 3]) -> (Status, u64) {
        let request = request(opcode as u16, operands);
        call(
            &mut self.world,
            &mut self.host,
            &mut self.reference,
            request,
        )
    }

    fn create(&mut self, window_log2: u64) -> (Status, u64) {
        let request = create(4, 8, window_log2, MEMORY, MEMORY + 0x8040);
        call(
            &mut self.world,
            &mut self.host,
            &mut self.reference,
            request,
        )
    }
}

#[test]
fn identity_is_told() {
    let mut bench = Bench::new();
    let (status, result) = bench.ask(opcode::IDENTIFY, [0; 3]);
    assert_eq!((status, result), (Status::Done, 0x0001_0000_1234_abcd));
}

#[test]
fn unknown_opcodes_are_refused() {
    let mut bench = Bench::new();
    for opcode in [0, 12, 0x102, 0xffff] {
        assert_eq!(bench.ask(opcode, [0; 3]).0, Status::UnknownOpcode);
    }
}

#[test]
fn what_was_counted_is_told_and_policies_are_known() {
    let mut bench = Bench::new();
    for counter in 0..17 {
        let expected = match counter {
            16 => Status::BadOperand,
            _ => Status::Done,
        };
        let answer = bench.ask(opcode::RESIDENCY_STATISTIC, [counter, 0, 0]);
        assert_eq!(answer, (expected, 0));
    }
    let (status, result) = bench.create(3);
    assert_eq!(status, Status::Done);
    assert_eq!(
        bench.ask(opcode::EVICT_ENDPOINT, [result & 0xffff, 0, 0]).0,
        Status::Done
    );
    for counter in [1, 5] {
        let answer = bench.ask(opcode::RESIDENCY_STATISTIC, [counter, 0, 0]);
        assert_eq!(answer, (Status::Done, 1), "evictions");
    }
}

#[test]
fn an_endpoint_lives_and_dies() {
    let mut bench = Bench::new();
    let (status, result) = bench.create(3);
    assert_eq!((status, result), (Status::Done, 0), "the first of all");
    let (status, result) = bench.create(3);
    assert_eq!((status, result), (Status::Done, 0x0008_0001_0001));
    assert_eq!(
        bench.ask(opcode::BIND_RECEIVE_QUEUE, [1, 77, 0]).0,
        Status::Done
    );
    let entry = 5 | (9 << 16) | (1 << 32) | (1 << 33);
    assert_eq!(
        bench.ask(opcode::LOAD_TRANSLATION, [1, 7, entry]).0,
        Status::Done
    );
    assert_eq!(bench.world.state_word(3, 15), entry);
    assert_eq!(
        bench.ask(opcode::DESTROY_ENDPOINT, [1, 0, 0]).0,
        Status::Done
    );
    for (opcode, operands) in [
        (opcode::DESTROY_ENDPOINT, [1, 0, 0]),
        (opcode::BIND_RECEIVE_QUEUE, [1, 77, 0]),
        (opcode::LOAD_TRANSLATION, [1, 7, entry]),
        (opcode::DESTROY_ENDPOINT, [u64::MAX, 0, 0]),
        (opcode::DESTROY_ENDPOINT, [1 << 32, 0, 0]),
    ] {
        assert_eq!(bench.ask(opcode, operands).0, Status::NoSuchEndpoint);
    }
    let (status, result) = bench.create(3);
    assert_eq!(status, Status::Done);
    let base = (result >> 32) as usize;
    assert_eq!(base, 8, "the window is used again");
    let inherited = bench.world.state_word(3, base + 7);
    assert_eq!(inherited, 0, "no translation is inherited");
}

#[test]
fn windows_and_numbers_run_out_and_queues_do_not() {
    let mut bench = Bench::with_limits(Limits {
        transmit_queues: 4,
        endpoints: 32,
        translation_entries: 256,
        interrupt_vectors: 16,
        ..LIMITS
    });
    assert_eq!(
        bench.create(9).0,
        Status::NoResources,
        "wider than the table"
    );
    assert_eq!(bench.create(7).0, Status::Done);
    assert_eq!(bench.create(6).0, Status::Done);
    assert_eq!(bench.create(7).0, Status::NoResources, "no window");
    let mut away = 0;
    for _ in 2..32 {
        let (status, result) = bench.create(0);
        assert_eq!(status, Status::Done);
        away += u64::from(result >> 16 & 0xffff == 0xffff);
    }
    assert_eq!(away, 28, "beyond the queues");
    assert_eq!(bench.create(0).0, Status::NoResources, "no number");
    bench.ask(opcode::DESTROY_ENDPOINT, [1, 0, 0]);
    let (status, result) = bench.create(7);
    assert_eq!(status, Status::Done, "what it had is free");
    assert_eq!(result & 0xffff, 1);
}

#[test]
fn without_memory_there_are_no_endpoints() {
    let mut world = World::new();
    let mut host = Host::open(&mut world, RINGS, 2, 1);
    world.map(MEMORY, MEMORY_BYTES);
    let mut reference = Reference::new(LIMITS);
    let create = create(4, 8, 0, MEMORY, MEMORY + 0x8040);
    let answer = call(&mut world, &mut host, &mut reference, create);
    assert_eq!(answer.0, Status::NoResources);
    for (operands, expected) in [
        ([0, MEMORY, 0], Status::BadOperand),
        ([MEMORY, 0, 0], Status::BadOperand),
        ([MEMORY + 64, MEMORY, 0], Status::BadOperand),
        ([MEMORY, MEMORY + 2048, 0], Status::BadOperand),
        ([u64::MAX - 4095, MEMORY, 0], Status::BadOperand),
        ([MEMORY, MEMORY + MEMORY_BYTES, 0], Status::AddressRefused),
        // 256 entries of 128 bytes, the last page of which is missing.
        (
            [MEMORY + MEMORY_BYTES - 0x7000, MEMORY, 0],
            Status::AddressRefused,
        ),
    ] {
        let give = request(opcode::GIVE_MEMORY as u16, operands);
        let answer = call(&mut world, &mut host, &mut reference, give);
        assert_eq!(answer.0, expected, "{operands:x?}");
    }
    give(&mut world, &mut host, &mut reference);
    let again = support::requests::gift();
    let answer = call(&mut world, &mut host, &mut reference, again);
    assert_eq!(answer.0, Status::BadOperand, "once");
    let answer = call(&mut world, &mut host, &mut reference, create);
    assert_eq!(answer.0, Status::Done);
}

#[test]
fn pages_for_inline_bodies_run_out() {
    let mut bench = Bench::new();
    let shape = EndpointShape::unpack(create(4, 8, 0, 0, 0).operands[0]);
    let inline = EndpointShape { inline: 1, ..shape };
    let mut ask = |shape: EndpointShape| {
        let operands = [shape.pack(), MEMORY, MEMORY + 0x8040];
        bench.ask(opcode::CREATE_ENDPOINT, operands)
    };
    for _ in 0..LIMITS.inline_pages {
        assert_eq!(ask(inline).0, Status::Done);
    }
    assert_eq!(ask(inline).0, Status::NoResources);
    assert_eq!(ask(shape).0, Status::Done, "without one");
    bench.ask(opcode::DESTROY_ENDPOINT, [2, 0, 0]);
    let operands = [inline.pack(), MEMORY, MEMORY + 0x8040];
    let (status, _) = bench.ask(opcode::CREATE_ENDPOINT, operands);
    assert_eq!(status, Status::Done, "that of the one that is gone");
}

#[test]
fn operands_out_of_range_are_refused() {
    let mut bench = Bench::new();
    bench.create(2);
    let other = create(4, 8, 0, MEMORY, MEMORY + 0x8000).operands[0] & !(1 << 24);
    bench.ask(opcode::CREATE_ENDPOINT, [other, MEMORY, MEMORY]);
    for (opcode, operands) in [
        (opcode::CREATE_ENDPOINT, [0, MEMORY, MEMORY]),
        (opcode::CREATE_ENDPOINT, [0x03_08_10, MEMORY, MEMORY]),
        (opcode::CREATE_ENDPOINT, [0x03_08_04, MEMORY + 64, MEMORY]),
        (opcode::CREATE_ENDPOINT, [0x03_08_04, MEMORY, MEMORY + 32]),
        (opcode::CREATE_ENDPOINT, [0x0d_08_04, MEMORY, MEMORY]),
        (opcode::CREATE_ENDPOINT, [0x2_0003_0804, MEMORY, MEMORY]),
        (opcode::BIND_RECEIVE_QUEUE, [0, 256, 0]),
        (opcode::BIND_RECEIVE_QUEUE, [0, 0x1_0000, 0]),
        (opcode::LOAD_TRANSLATION, [0, 4, 0]),
        (opcode::LOAD_TRANSLATION, [0, u64::MAX, 0]),
        (opcode::LOAD_TRANSLATION, [0, 0, 1024]),
        (opcode::LOAD_TRANSLATION, [0, 0, 4096 << 16]),
        (opcode::LOAD_TRANSLATION, [0, 0, 1 << 35]),
        (opcode::LOAD_TRANSLATION, [0, 0, 1 << 40]),
        (opcode::LOAD_TRANSLATION, [0, 0, 256 << 16 | 1 << 34]),
        (opcode::LOAD_TRANSLATION, [0, 0, 1 << 34 | 1 << 38]),
        (opcode::LOAD_TRANSLATION, [0, 0, 1 << 34 | 1 << 48]),
        (opcode::EXPORT, [0, MEMORY + 2048, 4096]),
        (opcode::EXPORT, [0, 0, 4096]),
        (opcode::EXPORT, [0, MEMORY, 0]),
        (opcode::EXPORT, [0, MEMORY, (1 << 32) + 1]),
        (opcode::EXPORT, [1 << 22, MEMORY, 4096]),
        (opcode::EXPORT, [1 << 56, MEMORY, 4096]),
        (opcode::EXPORT, [0, (1 << 57) - 4096, 4097]),
        (opcode::EXPORT, [0, u64::MAX - 4095, 4096]),
        (opcode::UNEXPORT, [0, 0, 0]),
        (opcode::UNEXPORT, [0, 256, 0]),
        (opcode::UNEXPORT, [0, u64::MAX, 0]),
        (opcode::LOAD_TRANSLATION, [1, 0, 1 << 32]),
    ] {
        let (status, _) = bench.ask(opcode, operands);
        assert_eq!(status, Status::BadOperand, "{opcode} {operands:x?}");
    }
    // A vector that there is not, and reserved bits.
    for interrupt in [16, 0xff, 0x200, 0x8000, 1 << 28, 1 << 31, 1 << 32] {
        let mut create = create(4, 8, 0, MEMORY, MEMORY + 0x8000);
        create.operands[3] = interrupt;
        let answer = call(
            &mut bench.world,
            &mut bench.host,
            &mut bench.reference,
            create,
        );
        assert_eq!(answer.0, Status::BadOperand, "{interrupt:#x}");
    }
}

#[test]
fn segments_end_by_themselves_or_with_their_endpoint() {
    let mut bench = Bench::new();
    bench.create(0);
    bench.create(0);
    let export = |bench: &mut Bench, endpoint: u64| {
        let shape = endpoint | 1 << 16 | 1 << 20 | 7 << 32 | 9 << 44;
        let (status, result) = bench.ask(opcode::EXPORT, [shape, MEMORY, 4097]);
        assert_eq!(status, Status::Done);
        result
    };
    let (first, others, last) = (
        export(&mut bench, 0),
        [export(&mut bench, 1), export(&mut bench, 1)],
        export(&mut bench, 0),
    );
    // What belongs to another, and what is gone.
    assert_eq!(
        bench.ask(opcode::UNEXPORT, [1, first, 0]).0,
        Status::BadOperand
    );
    assert_eq!(
        bench.ask(opcode::UNEXPORT, [2, first, 0]).0,
        Status::NoSuchEndpoint
    );
    let stale = first ^ 1 << 16;
    assert_eq!(
        bench.ask(opcode::UNEXPORT, [0, stale, 0]).0,
        Status::BadOperand
    );
    assert_eq!(
        bench.ask(opcode::UNEXPORT, [0, first, 0]),
        (Status::Done, 0)
    );
    assert_eq!(
        bench.ask(opcode::UNEXPORT, [0, first, 0]).0,
        Status::BadOperand
    );
    assert_eq!(
        bench.ask(opcode::DESTROY_ENDPOINT, [1, 0, 0]).0,
        Status::Done
    );
    for segment in others {
        let valid = bench.world.state_word(9, 2 * (segment & 0xff) as usize) & 1;
        assert_eq!(valid, 0, "it went with its endpoint");
    }
    let valid = bench.world.state_word(9, 2 * (last & 0xff) as usize) & 1;
    assert_eq!(valid, 1, "the other endpoint's stays");
    // All numbers come before one is used again, with another generation.
    let mut reused = None;
    for number in 4..256 + 1 {
        let result = export(&mut bench, 0);
        assert_eq!(result & 0xff, number & 0xff);
        reused = Some(result);
    }
    assert_eq!(reused, Some(first + (1 << 16)));
    for _ in 0..2 {
        export(&mut bench, 0);
    }
    let (status, _) = bench.ask(opcode::EXPORT, [0, MEMORY, 1]);
    assert_eq!(status, Status::NoResources);
    let outside = MEMORY + MEMORY_BYTES;
    bench.ask(opcode::UNEXPORT, [0, last, 0]);
    for (address, bytes) in [(outside, 1), (outside - 4096, 4097)] {
        let (status, _) = bench.ask(opcode::EXPORT, [0, address, bytes]);
        assert_eq!(status, Status::AddressRefused);
    }
    let (status, _) = bench.ask(opcode::EXPORT, [0, outside - 4096, 4096]);
    assert_eq!(status, Status::Done, "what was refused left no trace");
    bench.ask(opcode::DESTROY_ENDPOINT, [0, 0, 0]);
}

#[test]
fn a_name_is_given_once() {
    let mut bench = Bench::new();
    bench.create(0);
    bench.create(0);
    assert_eq!(
        bench.ask(opcode::BIND_RECEIVE_QUEUE, [0, 5, 0]).0,
        Status::Done
    );
    assert_eq!(
        bench.ask(opcode::BIND_RECEIVE_QUEUE, [1, 5, 0]).0,
        Status::InUse
    );
    assert_eq!(
        bench.ask(opcode::BIND_RECEIVE_QUEUE, [0, 6, 0]).0,
        Status::BadOperand
    );
    assert_eq!(
        bench.ask(opcode::BIND_RECEIVE_QUEUE, [0, 5, 0]).0,
        Status::Done
    );
}

#[test]
fn addresses_that_the_host_refuses_leave_no_trace() {
    let mut bench = Bench::new();
    let outside = MEMORY + MEMORY_BYTES;
    for (entries_log2, ring, shadow) in [
        (4, outside, MEMORY),
        (4, MEMORY, outside),
        // 64 KiB of ring, the last page of which is missing.
        (8, outside - 0xf000, MEMORY),
    ] {
        let request = create(entries_log2, 8, 10, ring, shadow);
        let answer = call(
            &mut bench.world,
            &mut bench.host,
            &mut bench.reference,
            request,
        );
        assert_eq!(answer.0, Status::AddressRefused);
    }
    bench.world.silent.insert(MEMORY + 0x8040);
    assert_eq!(bench.create(10).0, Status::Failed, "no answer to a probe");
    bench.world.silent.clear();
    let (status, result) = bench.create(10);
    assert_eq!(
        (status, result >> 32),
        (Status::Done, 0),
        "the whole table is free"
    );
}

#[test]
fn a_submission_that_cannot_be_read_is_answered_without_a_name() {
    let mut bench = Bench::new();
    let page = bench.world.memory.remove(&(RINGS >> 12)).expect("mapped");
    for (silent, expected) in [(false, Status::AddressRefused), (true, Status::Failed)] {
        if silent {
            bench.world.silent.insert(RINGS + 128);
        }
        bench.world.registers.doorbell += 1;
        bench.world.doorbell_pending = true;
        bench.world.settle(&mut Random::new(1));
        let (_, [word, _]) = bench.world.answers.pop_front().expect("an answer");
        let completion = Completion::unpack(word);
        assert_eq!(completion.status, expected.code());
        assert_eq!(completion.identifier, 0);
        let taken = bench.world.registers.doorbell;
        assert_eq!(completion.consumer, u64::from(taken));
    }
    bench.world.memory.insert(RINGS >> 12, page);
}

#[test]
fn a_doorbell_beyond_the_ring_is_not_believed() {
    let mut bench = Bench::new();
    bench.world.registers.doorbell = 6;
    bench.world.doorbell_pending = true;
    bench.world.settle(&mut Random::new(1));
    assert_eq!(bench.world.answers.len(), 0);
    bench.world.registers.doorbell = 1;
    assert_eq!(bench.ask(opcode::IDENTIFY, [0; 3]).0, Status::Done);
}

#[test]
fn indices_go_round_past_sixteen_bits() {
    let mut bench = Bench::new();
    for _ in 0..0x1_0010 {
        assert_eq!(bench.ask(opcode::IDENTIFY, [0; 3]).0, Status::Done);
    }
}

#[test]
fn completions_nobody_waits_for_change_nothing() {
    let mut world = World::new();
    for token in (0..0x200).chain(0x1000..0x1010).chain(0x3ff8..0x4008) {
        for status in 0..6 {
            let status = CompletionStatus::from_code(status);
            let input = Input::Completed { token, status };
            world.firmware.step(input, &mut world.niu);
        }
    }
    world.firmware.step(Input::Room(0), &mut world.niu);
    assert_eq!(world.issued, 0);
}

/// An evicted endpoint's queues serve others; it goes on with other queues where it was, once nothing is in flight.
#[test]
fn an_evicted_endpoint_goes_on_with_other_queues() {
    let mut bench = Bench::new();
    let (_, result) = bench.create(4);
    let number = result as u16;
    let ask = |bench: &mut Bench, opcode| bench.ask(opcode, [number.into(), 9, 0]).0;
    assert_eq!(ask(&mut bench, opcode::BIND_RECEIVE_QUEUE), Status::Done);
    let before = bench.world.map_of(number);
    for message in 0..7 {
        bench.world.store_message(number, message);
        if message < 4 {
            bench.world.answer(before.transmit_queue as u8);
            bench.world.arrive(9, message, 30);
            bench.world.commit();
        }
    }
    bench.world.store_consumer(number, 1, false);
    let evict = request(opcode::EVICT_ENDPOINT as u16, [number.into(), 0, 0]);
    bench.host.submit(&mut bench.world, evict);
    bench.world.settle(&mut Random::new(1));
    let answer = bench.host.collect(&mut bench.world);
    assert_eq!(answer, Some((Status::InUse, 0)), "messages are in flight");
    assert_eq!(bench.world.map_of(number), before);
    while bench.world.answer(before.transmit_queue as u8) {}
    assert_eq!(ask(&mut bench, opcode::EVICT_ENDPOINT), Status::Done);
    assert_eq!(
        ask(&mut bench, opcode::EVICT_ENDPOINT),
        Status::NoSuchEndpoint
    );
    assert_eq!(
        ask(&mut bench, opcode::LOAD_TRANSLATION),
        Status::Done,
        "it is only away"
    );
    bench.create(3);
    bench.create(3);
    assert_eq!(ask(&mut bench, opcode::INSTALL_ENDPOINT), Status::Done);
    let after = bench.world.map_of(number);
    assert_ne!(after.transmit_queue, before.transmit_queue);
    assert_ne!(after.receive_queue, before.receive_queue);
    let indices = bench.world.indices(after.receive_queue as u8);
    assert_eq!((indices.producer, indices.consumer), (4, 1));
    bench.world.store_message(number, 7);
    assert!(bench.world.answer(after.transmit_queue as u8));
    assert_eq!(bench.world.sent[&number], [0, 1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(
        ask(&mut bench, opcode::INSTALL_ENDPOINT),
        Status::NoSuchEndpoint
    );
    assert_eq!(ask(&mut bench, opcode::DESTROY_ENDPOINT), Status::Done);
}
