//! The host's side: rings, requests, and what an obvious reading of `abi::admin` says their answers are.

use super::{PAGE_BYTES, REVISION, Random, World};
use abi::admin::{EndpointResult, EndpointShape, status::Status};
use abi::queue_state::{
    EndpointMap, ReceiveControl, ReceiveInterrupt, ReceiveMap, TransmitControl,
};
use std::collections::{BTreeMap, BTreeSet};
use wayfarer_firmware::{AdminRegisters, Limits};

/// A submission without its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub opcode: u16,
    pub operands: [u64; 3],
}

/// Submits one request and carries it through; its status and result, checked against the reference.
pub fn call(
    world: &mut World,
    host: &mut Host,
    reference: &mut Reference,
    request: Request,
) -> (Status, u64) {
    let mut random = Random::new(1);
    host.submit(world, request);
    world.settle(&mut random);
    let answer = host.collect(world).expect("an answer");
    assert_eq!(world.answers.len(), 0, "one answer");
    reference.check(world, request, answer);
    answer
}

/// Operands of a creation: sizes, then ring and shadow line. On both channels, without inline bodies.
pub fn create(
    entries_log2: u64,
    stride_log2: u64,
    window_log2: u64,
    ring: u64,
    shadow: u64,
) -> Request {
    let shape = EndpointShape {
        entries_log2,
        stride_log2,
        window_log2,
        virtual_channel_1: 1,
        ..EndpointShape::default()
    };
    Request {
        opcode: 2,
        operands: [shape.pack(), ring, shadow],
    }
}

/// A request whose operands are numbers.
pub fn request(opcode: u16, operands: [u64; 3]) -> Request {
    Request { opcode, operands }
}

/// The rings as the driver sees them.
pub struct Host {
    registers: AdminRegisters,
    produced: u16,
    consumed: u16,
}

impl Host {
    /// Sets up rings in mapped memory and tells the NIU.
    pub fn open(world: &mut World, base: u64, entries_log2: u8, generation: u8) -> Self {
        let registers = AdminRegisters {
            submissions: base,
            completions: base + 4 * 4 * PAGE_BYTES,
            entries_log2,
            generation,
            doorbell: 0,
        };
        world.map(registers.submissions, 64 << entries_log2);
        world.map(registers.completions, 16 << entries_log2);
        world.stopped = Some(generation);
        world.registers = registers;
        world.doorbell_pending = true;
        Host {
            registers,
            produced: 0,
            consumed: 0,
        }
    }

    pub fn is_full(&self) -> bool {
        self.produced.wrapping_sub(self.consumed) == 1 << self.registers.entries_log2
    }

    /// Identifier of the request with this number.
    fn identifier(number: u16) -> u16 {
        number.wrapping_mul(7).wrapping_add(3)
    }

    /// Puts a request into the ring; the doorbell rings at once.
    pub fn submit(&mut self, world: &mut World, request: Request) {
        assert!(!self.is_full());
        let mut entry = [0u8; 64];
        let head = u32::from(request.opcode) | (u32::from(Host::identifier(self.produced)) << 16);
        entry[..4].copy_from_slice(&head.to_le_bytes());
        for (place, operand) in entry[16..].chunks_mut(8).zip(request.operands) {
            place.copy_from_slice(&operand.to_le_bytes());
        }
        let index = u64::from(self.produced) % (1 << self.registers.entries_log2);
        world.store(self.registers.submissions + 64 * index, &entry);
        self.produced = self.produced.wrapping_add(1);
        world.registers.doorbell = self.produced;
        world.doorbell_pending = true;
    }

    /// Checks place, phase, identifier and consumer index of the next answer in the world's order
    /// of writes; its status and result.
    pub fn collect(&mut self, world: &mut World) -> Option<(Status, u64)> {
        let (address, [word, result]) = world.answers.pop_front()?;
        assert_ne!(self.produced, self.consumed, "an answer nobody asked for");
        let entries = 1 << self.registers.entries_log2;
        let index = u64::from(self.consumed) % entries;
        assert_eq!(address, self.registers.completions + 16 * index, "place");
        let lap = u64::from(self.consumed) / entries;
        assert_eq!(word >> 63, 1 - lap % 2, "phase");
        let identifier = (word & 0xffff) as u16;
        assert_eq!(identifier, Host::identifier(self.consumed), "identifier");
        self.consumed = self.consumed.wrapping_add(1);
        assert_eq!((word >> 32) as u16, self.consumed, "consumer index");
        let status = Status::from_code((word >> 16) & 0xffff).expect("a known status");
        Some((status, result))
    }
}

/// A live endpoint, as the reference knows it.
#[derive(Clone, Debug)]
struct Live {
    shape: [u64; 3],
    ring: u64,
    shadow: u64,
    window: std::ops::Range<usize>,
    name: Option<u16>,
    transmit_queue: usize,
}

/// Slow, obvious reference of the admin queue's requests.
pub struct Reference {
    limits: Limits,
    live: BTreeMap<u64, Live>,
    evicted: BTreeMap<u64, Live>,
}

impl Reference {
    pub fn new(limits: Limits) -> Self {
        Reference {
            limits,
            live: BTreeMap::new(),
            evicted: BTreeMap::new(),
        }
    }

    fn expected_create(&self, world: &World, request: Request) -> Status {
        let [shape, ring, shadow] = request.operands;
        let (entries, stride, window) = (shape & 0xff, (shape >> 8) & 0xff, (shape >> 16) & 0xff);
        let sizes = (1..=15).contains(&entries) && (4..=8).contains(&stride) && window <= 12;
        let is_inline = |shape: u64| shape >> 26 & 1 == 1;
        if !sizes
            || shape >> 27 & 1 != 0
            || shape >> 32 != 0
            || ring == 0
            || ring % PAGE_BYTES != 0
            || shadow == 0
            || shadow % 64 != 0
            || ring.checked_add(1 << (entries + stride)).is_none()
        {
            return Status::BadOperand;
        }
        let size = 1 << window;
        let all = || self.live.values().chain(self.evicted.values());
        let is_free = |entry: usize| !all().any(|live| live.window.contains(&entry));
        let has_window = (0..self.limits.translation_entries / size)
            .any(|n| (n * size..(n + 1) * size).all(is_free));
        let limits = self.limits;
        let lent = |shape: [u64; 3]| is_inline(shape[0]);
        let pages = all().filter(|live| lent(live.shape)).count();
        let queues = limits.transmit_queues.min(limits.receive_queues);
        if self.live.len() == queues
            || (is_inline(shape) && pages == limits.inline_pages)
            || !has_window
        {
            return Status::NoResources;
        }
        let pages =
            std::iter::once(shadow).chain((ring..ring + (1 << (entries + stride))).step_by(4096));
        for address in pages {
            if world.silent.contains(&address) {
                return Status::Failed;
            }
            if !world.memory.contains_key(&(address / PAGE_BYTES)) {
                return Status::AddressRefused;
            }
        }
        Status::Done
    }

    fn expected(&self, world: &World, request: Request) -> Status {
        let [a, b, c] = request.operands;
        let endpoint = self.live.get(&a);
        match (request.opcode, endpoint) {
            (1, _) => Status::Done,
            (2, _) => self.expected_create(world, request),
            (3, None) if self.evicted.contains_key(&a) => Status::Done,
            (7, None) if self.evicted.contains_key(&a) => {
                let queues = self.limits.transmit_queues.min(self.limits.receive_queues);
                match self.live.len() == queues {
                    true => Status::NoResources,
                    false => Status::Done,
                }
            }
            (3..=6, None) | (7, _) => Status::NoSuchEndpoint,
            (6, Some(_)) if self.evicted.len() == 4 => Status::NoResources,
            (6, Some(_)) => Status::Done,
            (3, Some(_)) => Status::Done,
            (4, Some(endpoint)) => {
                let others = self
                    .live
                    .values()
                    .chain(self.evicted.values())
                    .filter(|it| it.name.map(u64::from) == Some(b));
                match endpoint.name {
                    Some(name) if u64::from(name) == b => Status::Done,
                    _ if b >= self.limits.receive_queue_ids as u64 => Status::BadOperand,
                    Some(_) => Status::BadOperand,
                    None if others.count() > 0 => Status::InUse,
                    None => Status::Done,
                }
            }
            (5, Some(endpoint)) => {
                let channel_1 = (c >> 32) & 1 == 1;
                let legal = (b as usize) < endpoint.window.len()
                    && b < 4096
                    && c & 0xffff < 1024
                    && c >> 16 & 0xffff < 4096
                    && (!channel_1 || endpoint.shape[0] >> 24 & 1 == 1)
                    && c >> 34 == 0;
                if legal {
                    Status::Done
                } else {
                    Status::BadOperand
                }
            }
            _ => Status::UnknownOpcode,
        }
    }

    /// Checks an answer, and the queue state that was written for it.
    pub fn check(&mut self, world: &mut World, request: Request, answer: (Status, u64)) {
        let (status, result) = answer;
        assert_eq!(status, self.expected(world, request), "{request:?}");
        let [number, second, third] = request.operands;
        let writes = std::mem::take(&mut world.state_writes);
        if status != Status::Done || request.opcode == 1 {
            assert!(writes.is_empty(), "{request:?}: {status:?}, but {writes:?}");
            let expected = if request.opcode == 1 && status == Status::Done {
                0x0001_0000_0000_0000 | u64::from(REVISION)
            } else {
                0
            };
            assert_eq!(result, expected);
            return;
        }
        if request.opcode == 3 && self.evicted.remove(&number).is_some() {
            assert!(writes.is_empty(), "it has no queues: {writes:?}");
            return;
        }
        if request.opcode == 7 {
            let mut live = self.evicted.remove(&number).expect("it is evicted");
            live.transmit_queue = EndpointResult::unpack(result).transmit_queue as usize;
            self.live.insert(number, live);
        }
        let concerned = match request.opcode {
            2 => self.created(request, result),
            _ => number,
        };
        let live = self.live.get_mut(&concerned).expect("it lives");
        for write in &writes {
            let n = concerned as usize;
            let is_owned = match write.region {
                0 => write.index == n,
                1 => write.index / 4 == live.transmit_queue,
                // Which receive queue is whose, `check_state` sees.
                2 | 8 => true,
                3 => live.window.contains(&write.index),
                _ => [live.name, Some(second as u16)].contains(&Some(write.index as u16)),
            };
            assert!(is_owned, "{request:?} on endpoint {n} wrote {write:?}");
        }
        match request.opcode {
            2 => {
                let cleared = |entry| world.state_word(3, entry) == 0;
                assert!(live.window.clone().all(cleared), "stale translations");
            }
            3 => {
                self.live.remove(&concerned);
            }
            4 => live.name = Some(second as u16),
            6 => {
                let live = self.live.remove(&concerned).expect("it lives");
                self.evicted.insert(concerned, live);
            }
            7 => {}
            _ => {
                let index = live.window.start + second as usize;
                assert_eq!(world.state_word(3, index), third);
                assert_eq!(writes.len(), 1, "one entry is loaded");
            }
        }
        self.check_state(world);
    }

    /// Takes note of a new endpoint; its number.
    fn created(&mut self, request: Request, result: u64) -> u64 {
        let fields = EndpointResult::unpack(result);
        let number = fields.endpoint;
        assert!((number as usize) < self.limits.endpoints, "number {number}");
        let base = fields.window_base as usize;
        let size = 1usize << ((request.operands[0] >> 16) & 0xff);
        let window = base..base + size;
        assert!(base.is_multiple_of(size) && window.end <= self.limits.translation_entries);
        for (other, live) in self.live.iter().chain(&self.evicted) {
            let apart = live.window.end <= window.start || window.end <= live.window.start;
            assert!(apart, "windows of {number} and {other} overlap");
        }
        let live = Live {
            shape: request.operands,
            ring: request.operands[1],
            shadow: request.operands[2],
            window,
            name: None,
            transmit_queue: fields.transmit_queue as usize,
        };
        assert!(!self.evicted.contains_key(&number), "{number} is evicted");
        assert!(
            self.live.insert(number, live).is_none(),
            "{number} is taken"
        );
        number
    }

    /// Queue state is what the endpoints say, and zero where there are none. No two share anything.
    pub fn check_state(&self, world: &World) {
        let state = |region, index: u64| world.state_word(region, index as usize);
        let mut queues = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        let mut names = BTreeSet::new();
        for (&number, live) in &self.live {
            let map = EndpointMap::unpack(state(0, number));
            assert_eq!((map.transmit_resident, map.receive_resident), (1, 1));
            assert_eq!(map.page_resident, live.shape[0] >> 26 & 1);
            assert_eq!(map.transmit_queue, live.transmit_queue as u64);
            assert!(queues[0].insert(map.transmit_queue), "shared: {map:?}");
            assert!(queues[1].insert(map.receive_queue), "shared: {map:?}");
            assert!(
                map.page_resident == 0 || queues[2].insert(map.page),
                "{map:?}"
            );
            assert!(map.page < self.limits.inline_pages as u64);
            let control = TransmitControl::unpack(state(1, 4 * map.transmit_queue));
            let expected = TransmitControl {
                enabled: 1,
                virtual_channel_limit: live.shape[0] >> 24 & 1,
                priority: live.shape[0] >> 25 & 1,
                give_up: live.shape[0] >> 28 & 15,
                generation: control.generation,
                endpoint: number,
                window_mask: live.window.len() as u64 - 1,
                window_base: live.window.start as u64,
            };
            assert_eq!(control, expected);
            let kept = world.generations[live.transmit_queue];
            assert_eq!(control.generation, u64::from(kept), "kept for later");
            assert_eq!(state(1, 4 * map.transmit_queue + 1), live.shadow);
            assert_eq!(state(2, 4 * map.receive_queue + 1), live.ring);
            // No interrupt was asked for, and a queue goes on where it was.
            let interrupt = ReceiveInterrupt::unpack(state(8, map.receive_queue));
            assert_eq!(
                (interrupt.enabled, interrupt.armed, interrupt.due),
                (0, 0, 0)
            );
            let receive = state(2, 4 * map.receive_queue);
            let Some(name) = live.name else {
                assert_eq!(receive, 0, "no name yet");
                continue;
            };
            let expected = ReceiveControl {
                enabled: 1,
                entries_log2: live.shape[0] & 0xff,
                stride_log2: live.shape[0] >> 8 & 0xff,
                receive_queue_id: name.into(),
            };
            assert_eq!(ReceiveControl::unpack(receive), expected);
            let way = ReceiveMap::unpack(state(5, name.into()));
            assert_eq!((way.resident, way.queue), (1, map.receive_queue));
            names.insert(u64::from(name));
        }
        for (&(region, index), word) in &world.state {
            let index = index as u64;
            let has_owner = match region {
                0 => self.live.contains_key(&index),
                1 => !index.is_multiple_of(4) || queues[0].contains(&(index / 4)),
                2 => !index.is_multiple_of(4) || queues[1].contains(&(index / 4)),
                5 => names.contains(&index),
                _ => true,
            };
            assert!(
                has_owner,
                "nobody's: {word:#x} at {index} of region {region}"
            );
        }
    }
}
