//! Hundreds of endpoints over a few queues: every message reaches its queue or its ring once and in order.

mod support;

use abi::admin::{EndpointResult, opcode, status::Status};
use abi::message::ReceiveDescriptor;
use std::collections::{BTreeMap, VecDeque};
use support::niu::Verdict;
use support::requests::{Host, MISS_RING, Reference, TABLE, call, create, gift, request};
use support::{PAGE_BYTES, Random, World};
use wayfarer_firmware::Limits;

const RINGS: u64 = 0x10_0000;
const MEMORY: u64 = 0x4000_0000;
/// Host memory of each program: its ring, then its shadow line.
const PROGRAM_BYTES: u64 = 0x3000;

/// A program with an endpoint: it sends numbers, and somebody sends numbers to it.
struct Program {
    endpoint: u16,
    identifier: u16,
    ring: u64,
    entries_log2: u32,
    stride_log2: u32,
    /// Messages stored, and those that it wants to store.
    stored: u32,
    wants: u32,
    /// Messages that others want to send to it, those that were accepted, and those that it took.
    coming: u32,
    accepted: u32,
    under_way: bool,
    taken: u32,
    /// Entries given back.
    told: u32,
    /// It waits for interrupts of this vector.
    vector: Option<u8>,
    /// It has asked for an interrupt, and looks once more before it sleeps.
    is_armed: bool,
    is_asleep: bool,
    /// Its stores on their way to the NIU: index, and whether an interrupt is wanted.
    stores: VecDeque<(u16, bool)>,
}

fn length(number: u32, stride_log2: u32) -> usize {
    let most = (1 << stride_log2) - 8;
    (number as usize * 37) % (most + 1)
}

impl Program {
    /// Stores a message, or starts again behind a loss.
    fn store(&mut self, world: &mut World) -> bool {
        let niu = &mut world.niu;
        if let Some(lost_from) = niu.resume(self.endpoint) {
            let back = (self.stored as u16).wrapping_sub(lost_from);
            self.stored -= u32::from(back);
        }
        if self.stored == self.wants {
            return false;
        }
        let unanswered = self.stored as u16;
        let page = &niu.pages[&self.endpoint];
        if unanswered.wrapping_sub(page.consumer) >= support::niu::WINDOW {
            return false;
        }
        niu.store_message(self.endpoint, self.stored);
        self.stored += 1;
        true
    }

    /// Somebody sends a message to it.
    fn send_to(&mut self, world: &mut World) -> bool {
        if self.under_way || self.accepted == self.coming {
            return false;
        }
        self.under_way = true;
        let length = length(self.accepted, self.stride_log2);
        world.niu.arrive(self.identifier, self.accepted, length);
        true
    }

    /// Takes a message from its ring.
    fn take(&mut self, world: &mut World) -> bool {
        let index = u64::from(self.taken) & ((1 << self.entries_log2) - 1);
        let address = self.ring + (index << self.stride_log2);
        let descriptor = ReceiveDescriptor::unpack(world.load64(address));
        let lap = self.taken >> self.entries_log2;
        if descriptor.phase != u64::from(1 - lap % 2) {
            return false;
        }
        assert!(
            self.taken < self.accepted,
            "{}: a message too many",
            self.endpoint
        );
        let length = length(self.taken, self.stride_log2);
        let expected = support::niu::entry(self.identifier, self.taken, length, descriptor.phase);
        let found: Vec<u8> = (0..expected.len() as u64)
            .map(|n| world.load64((address + n) & !7).to_le_bytes()[(n % 8) as usize])
            .collect();
        assert_eq!(found, expected, "{}: message {}", self.endpoint, self.taken);
        self.taken += 1;
        true
    }

    /// Takes a message, or prepares to sleep, and sleeps.
    fn look(&mut self, world: &mut World) -> bool {
        if let Some(vector) = self.vector
            && self.is_asleep
        {
            self.is_asleep = !world.niu.raised.remove(&vector);
            return !self.is_asleep;
        }
        if self.take(world) {
            self.is_armed = false;
            return true;
        }
        if self.vector.is_none() {
            return false;
        }
        if self.is_armed {
            (self.is_armed, self.is_asleep) = (false, true);
        } else {
            self.is_armed = true;
            self.told = self.taken;
            self.stores.push_back((self.told as u16, true));
        }
        true
    }

    fn give_back(&mut self, world: &mut World) -> bool {
        if let Some((taken, armed)) = self.stores.pop_front() {
            world.niu.store_consumer(self.endpoint, taken, armed);
            return true;
        }
        let is_new = self.told != self.taken && !self.is_armed && !self.is_asleep;
        if is_new {
            self.told = self.taken;
            self.stores.push_back((self.told as u16, false));
        }
        is_new
    }

    /// Whether everything that was to be sent was sent and received.
    fn is_done(&self, world: &World) -> bool {
        let sent = world.niu.sent.get(&self.endpoint).map_or(0, Vec::len);
        sent as u32 == self.wants && self.taken == self.coming
    }

    fn check(&self, world: &World) {
        let none = Vec::new();
        let sent = world.niu.sent.get(&self.endpoint).unwrap_or(&none);
        let expected: Vec<u32> = (0..sent.len() as u32).collect();
        assert_eq!(*sent, expected, "messages of {}", self.endpoint);
    }
}

struct Cluster {
    world: World,
    host: Host,
    reference: Reference,
    programs: Vec<Program>,
    random: Random,
    /// Endpoints that are emulated.
    emulated_percent: u64,
    /// Whoever sends to an identifier learns the verdict.
    of_identifier: BTreeMap<u16, usize>,
}

impl Cluster {
    fn new(seed: u64, limits: Limits) -> Self {
        println!("seed {seed}");
        let mut world = World::with_limits(limits);
        let mut host = Host::open(&mut world, RINGS, 3, 1);
        world.map(TABLE, 128 * limits.endpoints as u64);
        world.map(MISS_RING, abi::admin::MISS_RING_BYTES as u64);
        world.settle(&mut Random::new(seed));
        // Programs store again what is thrown away while every queue is in use.
        world.may_discard = true;
        let mut reference = Reference::new(limits);
        let answer = call(&mut world, &mut host, &mut reference, gift());
        assert_eq!(answer.0, Status::Done);
        Cluster {
            world,
            host,
            reference,
            programs: Vec::new(),
            random: Random::new(seed),
            emulated_percent: 30,
            of_identifier: BTreeMap::new(),
        }
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

    fn add(&mut self, place: u64, identifier: u16, messages: u32) {
        let entries_log2 = 1 + self.random.below(5) as u32;
        let stride_log2 = 4 + self.random.below(5) as u32;
        let ring = MEMORY + place * PROGRAM_BYTES;
        self.world.map(ring, PROGRAM_BYTES);
        let shadow = ring + PROGRAM_BYTES - PAGE_BYTES;
        let mut create = create(entries_log2.into(), stride_log2.into(), 0, ring, shadow);
        let vector = place.is_multiple_of(2).then_some(place as u8);
        create.operands[3] = vector.map_or(0, |vector| 1 << 8 | u64::from(vector));
        let is_emulated = self.random.below(100) < self.emulated_percent;
        create.operands[0] |= u64::from(is_emulated) << 27;
        let (status, result) = call(&mut self.world, &mut self.host, &mut self.reference, create);
        assert_eq!(status, Status::Done);
        let endpoint = EndpointResult::unpack(result).endpoint as u16;
        let bind = [endpoint.into(), identifier.into(), 0];
        assert_eq!(self.ask(opcode::BIND_RECEIVE_QUEUE, bind).0, Status::Done);
        self.of_identifier.insert(identifier, self.programs.len());
        self.programs.push(Program {
            endpoint,
            identifier,
            ring,
            entries_log2,
            stride_log2,
            stored: 0,
            wants: messages,
            coming: messages,
            accepted: 0,
            under_way: false,
            taken: 0,
            told: 0,
            vector,
            is_armed: false,
            is_asleep: false,
            stores: VecDeque::new(),
        });
    }

    /// One small step of the programs, the network or the NIU; whether anything was done.
    fn step(&mut self) -> bool {
        let count = self.programs.len() as u64;
        let kind = self.random.below(12);
        if count > 0 {
            let number = self.random.below(count) as usize;
            let world = &mut self.world;
            let program = &mut self.programs[number];
            match kind {
                0 | 1 => return program.store(world),
                2 => return program.send_to(world),
                3 | 4 => return program.look(world),
                5 => return program.give_back(world),
                _ => {}
            }
        }
        match kind {
            6 => {
                let queues = self.world.limits.transmit_queues as u64;
                let queue = self.random.below(queues) as u8;
                self.world.niu.answer(queue)
            }
            7 => self.commit(),
            _ => self.world.step(&mut self.random),
        }
    }

    fn commit(&mut self) -> bool {
        let Some((arrival, verdict)) = self.world.niu.commit() else {
            return false;
        };
        let Some(&number) = self.of_identifier.get(&arrival.identifier) else {
            return true;
        };
        let program = &mut self.programs[number];
        program.under_way = false;
        match verdict {
            Verdict::Accepted => program.accepted += 1,
            Verdict::Full => {}
            other => panic!("{other:?} for {arrival:?}"),
        }
        true
    }

    fn check(&self) {
        for program in &self.programs {
            program.check(&self.world);
        }
    }

    /// Goes on until everybody is done; nobody starves.
    fn run(&mut self) {
        let mut steps = 0_u64;
        while !self
            .programs
            .iter()
            .all(|program| program.is_done(&self.world))
        {
            self.step();
            steps += 1;
            if steps.is_multiple_of(1 << 20) {
                self.check();
            }
            if steps > 6_000_000 {
                let waiting = self.programs.iter().filter(|p| !p.is_done(&self.world));
                let waiting: Vec<String> = Vec::from_iter(waiting.take(3).map(|p| {
                    format!(
                        "{} {}/{} {}/{}/{}",
                        p.endpoint, p.stored, p.wants, p.taken, p.accepted, p.coming
                    )
                }));
                panic!(
                    "never done: {waiting:?} {:?}",
                    self.world.firmware.statistics()
                );
            }
        }
        self.check();
        println!("{steps} steps, {:?}", self.world.firmware.statistics());
    }
}

fn limits(queues: usize, endpoints: usize) -> Limits {
    Limits {
        transmit_queues: queues,
        receive_queues: queues,
        endpoints,
        receive_queue_ids: endpoints,
        inline_pages: 2,
        translation_entries: 1024,
        interrupt_vectors: 256,
    }
}

#[test]
fn every_message_arrives_once_and_in_order() {
    for seed in 0..6 {
        let (queues, endpoints) = [(4, 96), (8, 64), (16, 192)][seed as usize % 3];
        let mut cluster = Cluster::new(seed, limits(queues, endpoints));
        cluster.world.slow_reads = seed % 2 == 1;
        cluster.world.capture_room = [3, 64][seed as usize % 2];
        for place in 0..endpoints as u64 / 2 {
            cluster.add(place, place as u16, 40);
        }
        cluster.run();
        let done = cluster.world.firmware.statistics();
        assert!(done.transmit_installs > 0 && done.copied > 0, "{done:?}");
        assert_eq!(
            (
                done.discarded,
                done.lost_misses,
                done.given_up,
                done.invalid
            ),
            (0, 0, 0, 0)
        );
    }
}

/// Endpoints come and go, and are sent away and brought back by request, while all send and receive.
#[test]
fn requests_at_any_time_disturb_nobody_else() {
    for seed in 10..40 {
        let mut cluster = Cluster::new(seed, limits(4, 64));
        cluster.world.busy_one_in = 7;
        for place in 0..24 {
            cluster.add(place, place as u16, 60);
        }
        for round in 0..60_u64 {
            for _ in 0..2000 {
                cluster.step();
            }
            let count = cluster.programs.len() as u64;
            let number = cluster.random.below(count) as usize;
            let endpoint = cluster.programs[number].endpoint;
            let operands = [endpoint.into(), 0, 0];
            let opcode = [
                opcode::EVICT_ENDPOINT,
                opcode::INSTALL_ENDPOINT,
                opcode::LOAD_TRANSLATION,
                opcode::DESTROY_ENDPOINT,
            ][cluster.random.below(4) as usize];
            if opcode != opcode::DESTROY_ENDPOINT {
                let status = cluster.carry(opcode, operands);
                assert!(opcode != opcode::LOAD_TRANSLATION || status == Status::Done);
                continue;
            }
            // Whoever still sends to it is answered that it is not there.
            let gone = cluster.programs.swap_remove(number);
            cluster.of_identifier.remove(&gone.identifier);
            if let Some(moved) = cluster.programs.get(number) {
                cluster.of_identifier.insert(moved.identifier, number);
            }
            assert_eq!(cluster.carry(opcode, operands), Status::Done);
            // What is still on its way to the old one, the new one would get.
            while cluster.commit() {}
            cluster.add_running(100 + round, gone.identifier, 60);
        }
        cluster.run();
        let done = cluster.world.firmware.statistics();
        assert_eq!((done.given_up, done.invalid), (0, 0));
    }
}

/// A program that sleeps is woken by the next message, whatever way its queue has gone meanwhile.
#[test]
fn a_sleeper_that_is_sent_away_and_brought_back_is_woken() {
    for seed in 50..54 {
        let mut cluster = Cluster::new(seed, limits(8, 64));
        cluster.world.busy_one_in = [0, 3][seed as usize % 2];
        for place in 0..4 {
            cluster.add(2 * place, place as u16, 0);
        }
        for round in 0..200_u64 {
            while !cluster.programs.iter().all(|program| program.is_asleep) {
                cluster.step();
            }
            let number = cluster.random.below(4) as usize;
            let endpoint = [cluster.programs[number].endpoint.into(), 0, 0];
            let times = cluster.random.below(4);
            for opcode in [opcode::EVICT_ENDPOINT, opcode::INSTALL_ENDPOINT]
                .iter()
                .cycle()
                .take(times as usize)
            {
                cluster.carry(*opcode, endpoint);
            }
            cluster.programs[number].coming += 1 + (round % 3) as u32;
            cluster.run();
        }
    }
}

impl Cluster {
    /// A request while everything goes on.
    fn carry(&mut self, opcode: usize, operands: [u64; 3]) -> Status {
        self.carry_out(request(opcode as u16, operands)).0
    }

    fn carry_out(&mut self, request: support::requests::Request) -> (Status, u64) {
        self.host.submit(&mut self.world, request);
        for _ in 0..4_000_000 {
            if let Some(answer) = self.host.collect(&mut self.world) {
                return answer;
            }
            self.step();
        }
        panic!("{request:?} has no answer");
    }

    fn add_running(&mut self, place: u64, identifier: u16, messages: u32) {
        let (entries_log2, stride_log2) = (3, 6);
        let ring = MEMORY + place * PROGRAM_BYTES;
        self.world.map(ring, PROGRAM_BYTES);
        let shadow = ring + PROGRAM_BYTES - PAGE_BYTES;
        let mut create = create(entries_log2, stride_log2, 0, ring, shadow);
        let vector = place.is_multiple_of(2).then_some(place as u8);
        create.operands[3] = vector.map_or(0, |vector| 1 << 8 | u64::from(vector));
        let (status, result) = self.carry_out(create);
        assert_eq!(status, Status::Done);
        let endpoint = EndpointResult::unpack(result).endpoint as u16;
        let bind = [endpoint.into(), identifier.into(), 0];
        assert_eq!(self.carry(opcode::BIND_RECEIVE_QUEUE, bind), Status::Done);
        self.of_identifier.insert(identifier, self.programs.len());
        self.programs.push(Program {
            endpoint,
            identifier,
            ring,
            entries_log2: entries_log2 as u32,
            stride_log2: stride_log2 as u32,
            stored: 0,
            wants: messages,
            coming: messages,
            accepted: 0,
            under_way: false,
            taken: 0,
            told: 0,
            vector,
            is_armed: false,
            is_asleep: false,
            stores: VecDeque::new(),
        });
    }
}

/// More endpoints than queues send to receivers that take nothing. Those who use a queue now and then keep it, and the
/// capture buffer is in nobody's way. When the receivers take something again, every message is sent once and in order.
#[test]
fn endpoints_whose_messages_are_refused_for_ever_block_nobody_else() {
    for seed in 40..46 {
        let mut cluster = Cluster::new(seed, limits(8, 64));
        // Whoever is emulated waits until a queue can be lent.
        cluster.emulated_percent = 0;
        cluster.world.capture_room = 8;
        for place in 0..32 {
            cluster.add(place, place as u16, 0);
        }
        // Of eight queues one stays with whoever uses it.
        let (live, dead) = (0, 1..24);
        cluster.programs[live].wants = u32::MAX;
        for _ in 0..20_000 {
            cluster.step();
        }
        for number in dead {
            let program = &mut cluster.programs[number];
            program.wants = 100;
            cluster.world.niu.unanswered.insert(program.endpoint);
        }
        let sent = |cluster: &Cluster| {
            let endpoint = cluster.programs[live].endpoint;
            cluster.world.niu.sent.get(&endpoint).map_or(0, Vec::len)
        };
        for round in 0..20 {
            let before = sent(&cluster);
            for _ in 0..10_000 {
                cluster.step();
                cluster.programs[live].store(&mut cluster.world);
                for queue in 0..8 {
                    cluster.world.niu.answer(queue);
                }
            }
            let done = cluster.world.firmware.statistics();
            assert!(sent(&cluster) > before, "round {round}: {done:?}");
        }
        let done = *cluster.world.firmware.statistics();
        assert!(done.shed > 0 && done.put_off > 0, "{done:?}");
        let stored = cluster.programs[live].stored;
        cluster.programs[live].wants = stored;
        cluster.world.niu.unanswered.clear();
        cluster.run();
    }
}

/// A program that stores as fast as its stores are carried out comes to its queue all the same.
#[test]
fn a_program_that_never_stops_comes_to_its_queue() {
    let mut cluster = Cluster::new(60, limits(4, 64));
    cluster.emulated_percent = 0;
    for place in 0..8 {
        cluster.add(place, place as u16, 0);
    }
    cluster.world.capture_room = 64;
    let endpoint = cluster.programs[7].endpoint;
    cluster.programs[7].wants = 20_000;
    let mut direct = 0;
    while !cluster.programs[7].is_done(&cluster.world) {
        // It stores until its window is full, as soon as anything was carried out.
        cluster.programs[7].store(&mut cluster.world);
        let mut captured = cluster.world.captured.iter();
        direct += usize::from(!captured.any(|it| it.endpoint == endpoint));
        for queue in 0..4 {
            cluster.world.niu.answer(queue);
        }
        cluster.step();
    }
    cluster.check();
    assert!(
        cluster.world.stopped_programs > 0,
        "it was never in the way"
    );
    assert!(direct > 10_000, "{direct}");
}

/// Queues that have failed are lent to others, and their endpoints stay as they are.
#[test]
fn queues_that_have_failed_are_lent_again() {
    let mut cluster = Cluster::new(50, limits(4, 64));
    for place in 0..4 {
        cluster.add(place, place as u16, 40);
    }
    let failed: Vec<u16> = cluster.programs.iter().map(|it| it.endpoint).collect();
    let is_stuck = |cluster: &Cluster, queue| {
        let in_flight = cluster.world.niu.in_flight.get(&queue);
        in_flight.is_some_and(|messages| !messages.is_empty())
    };
    while !(0..4).all(|queue| is_stuck(&cluster, queue)) {
        cluster.step();
    }
    (0..4).for_each(|queue| cluster.world.niu.fail(queue));
    cluster.programs.clear();
    cluster.of_identifier.clear();
    for place in 4..20 {
        cluster.add_running(place, place as u16, 40);
    }
    cluster.run();
    for endpoint in failed {
        assert!(cluster.world.niu.pages[&endpoint].failed);
    }
}

/// The table cannot be read for a while: everybody waits, and nothing is lost.
#[test]
fn a_table_that_is_withdrawn_for_a_while_costs_time_only() {
    let mut cluster = Cluster::new(20, limits(4, 64));
    for place in 0..24 {
        cluster.add(place, place as u16, 40);
    }
    // Fewer failures in a row than an endpoint is given up for.
    let mut forgiven = 0;
    for round in 0..100 {
        cluster
            .world
            .withdrawn
            .insert(TABLE / PAGE_BYTES + round % 2);
        for _ in 0..3000 {
            cluster.step();
            let failed = cluster.world.firmware.statistics().failed_reads;
            if failed >= forgiven + 5 {
                forgiven = failed;
                cluster.world.withdrawn.clear();
            }
        }
        cluster.world.withdrawn.clear();
        for _ in 0..300 {
            cluster.step();
        }
    }
    cluster.run();
    let done = *cluster.world.firmware.statistics();
    assert!(done.failed_reads > 0 && done.given_up == 0, "{done:?}");
}

/// A part of the table cannot be read any more: only its endpoints lose anything.
#[test]
fn endpoints_whose_entries_cannot_be_read_are_given_up() {
    let mut cluster = Cluster::new(21, limits(4, 64));
    for place in 0..48 {
        cluster.add(place, place as u16, 30);
    }
    cluster.world.withdrawn.insert(TABLE / PAGE_BYTES + 1);
    let (lost, others): (Vec<Program>, Vec<Program>) = cluster
        .programs
        .drain(..)
        .partition(|program| program.endpoint >= 32);
    assert_eq!((lost.len(), others.len()), (16, 32));
    cluster.programs = others;
    let mut lost = lost;
    for program in &mut lost {
        program.store(&mut cluster.world);
        cluster.of_identifier.remove(&program.identifier);
        cluster.world.niu.arrive(program.identifier, 0, 8);
    }
    cluster.run();
    let done = *cluster.world.firmware.statistics();
    assert!(done.given_up > 0 && done.discarded > 0, "{done:?}");
    let wrong = |&(endpoint, _): &(u16, u32)| endpoint < 32;
    let of_others = cluster.world.niu.discarded.iter().filter(|&it| wrong(it));
    assert!(of_others.count() <= done.shed as usize, "{done:?}");
}

/// After a restart of the firmware, or a new driver, captured stores and misses of before are nobody's: they are thrown
/// away once the rings are new, and the endpoints that come then get nothing of them.
#[test]
fn new_rings_get_nothing_of_what_was_captured_or_missed_before() {
    for seed in 30..46 {
        let mut cluster = Cluster::new(seed, limits(4, 64));
        cluster.world.busy_one_in = 5;
        for place in 0..24 {
            cluster.add(place, place as u16, 40);
        }
        for _ in 0..1500 + 700 * seed {
            cluster.step();
        }
        let restarts = seed % 2 == 0;
        if restarts {
            cluster.world.restart_firmware();
            for _ in 0..500 {
                cluster.step();
            }
            let waiting = cluster.world.unreported_stores();
            cluster.world.settle(&mut Random::new(seed));
            assert_eq!(cluster.world.unreported_stores(), waiting, "left alone");
        }
        cluster.programs.clear();
        cluster.of_identifier.clear();
        cluster.world.answers.clear();
        cluster.host = Host::open(&mut cluster.world, 0x20_0000, 3, 2);
        cluster.world.settle(&mut Random::new(seed));
        while cluster.commit() {}
        assert_eq!(cluster.world.captured.len(), 0, "all are answered");
        assert!(cluster.world.unreported.is_empty() && cluster.world.missed_reports.is_empty());
        cluster.reference = Reference::new(limits(4, 64));
        assert_eq!(
            cluster.ask(opcode::GIVE_MEMORY, [TABLE, MISS_RING, 0]).0,
            Status::Done
        );
        for place in 0..24 {
            cluster.add(place, place as u16, 20);
        }
        cluster.run();
    }
}

/// Endpoints that are emulated have queues for their messages only, and take none from others while they find a free
/// one.
#[test]
fn endpoints_that_are_emulated_take_no_queue_from_others() {
    for seed in 70..74 {
        let mut cluster = Cluster::new(seed, limits(8, 64));
        cluster.emulated_percent = 0;
        for place in 0..4 {
            cluster.add(place, place as u16, 200);
        }
        cluster.emulated_percent = 100;
        for place in 4..24 {
            cluster.add(place, place as u16, 30);
        }
        let resident: Vec<u16> = cluster.programs[..4].iter().map(|it| it.endpoint).collect();
        while !cluster.programs.iter().all(|it| it.is_done(&cluster.world)) {
            cluster.step();
            for queue in 0..8 {
                cluster.world.niu.answer(queue);
            }
            for &endpoint in &resident {
                let map = cluster.world.map_of(endpoint);
                let is_whole = map.transmit_resident & map.receive_resident == 1;
                assert!(is_whole, "{endpoint} was sent away");
            }
        }
        cluster.check();
        cluster.world.settle(&mut Random::new(seed));
        for program in &cluster.programs[4..] {
            let map = cluster.world.map_of(program.endpoint);
            assert_eq!((map.transmit_resident, map.receive_resident), (0, 0));
        }
        let done = cluster.world.firmware.statistics();
        assert!(done.transmit_installs > 0 && done.receive_installs > 0);
        assert_eq!(done.transmit_installs, done.transmit_evictions);
        assert_eq!(done.receive_installs, done.receive_evictions);
        println!("{done:?}");
    }
}
