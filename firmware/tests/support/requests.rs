//! The host's side: rings, requests, and what an obvious reading of `abi::admin` says their answers are.

use super::{PAGE_BYTES, REVISION, Random, World};
use abi::admin::{EndpointResult, EndpointShape, status::Status};
use abi::queue_state::{
    EndpointMap, ReceiveControl, ReceiveInterrupt, ReceiveMap, SegmentExtent, SegmentPlace,
    TransmitControl,
};
use std::collections::{BTreeMap, BTreeSet};
use wayfarer_firmware::{AdminRegisters, Limits};

/// A submission without its identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub opcode: u16,
    pub operands: [u64; 4],
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
        operands: [shape.pack(), ring, shadow, 0],
    }
}

/// Where tests have the endpoint table and the miss ring.
pub const TABLE: u64 = 0x6000_0000;
pub const MISS_RING: u64 = 0x6100_0000;

/// Gives the firmware its memory.
pub fn give(world: &mut World, host: &mut Host, reference: &mut Reference) {
    let bytes = 128 * world.limits.endpoints as u64;
    world.map(TABLE, bytes);
    world.map(MISS_RING, abi::admin::MISS_RING_BYTES as u64);
    let answer = call(world, host, reference, gift());
    assert_eq!(answer, (Status::Done, 0));
}

/// The request for it.
pub fn gift() -> Request {
    request(
        abi::admin::opcode::GIVE_MEMORY as u16,
        [TABLE, MISS_RING, 0],
    )
}

/// A request whose operands are numbers.
pub fn request(opcode: u16, operands: [u64; 3]) -> Request {
    let [a, b, c] = operands;
    let operands = [a, b, c, 0];
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
    shape: [u64; 4],
    ring: u64,
    shadow: u64,
    window: std::ops::Range<usize>,
    name: Option<u16>,
}

/// A segment, as the reference knows it.
#[derive(Clone, Debug)]
struct Segment {
    owner: u64,
    generation: u64,
    words: [u64; 2],
}

/// Slow, obvious reference of the admin queue's requests.
pub struct Reference {
    limits: Limits,
    /// Addresses of the endpoint table and the miss ring.
    given: Option<[u64; 2]>,
    live: BTreeMap<u64, Live>,
    segments: BTreeMap<u64, Segment>,
}

impl Reference {
    pub fn new(limits: Limits) -> Self {
        Reference {
            limits,
            given: None,
            live: BTreeMap::new(),
            segments: BTreeMap::new(),
        }
    }

    /// How probes of these addresses end.
    fn probed(world: &World, addresses: impl Iterator<Item = u64>) -> Status {
        for address in addresses {
            if world.silent.contains(&address) {
                return Status::Failed;
            }
            if !world.memory.contains_key(&(address / PAGE_BYTES)) {
                return Status::AddressRefused;
            }
        }
        Status::Done
    }

    fn pages(start: u64, bytes: u64) -> impl Iterator<Item = u64> {
        (0..bytes.div_ceil(PAGE_BYTES)).map(move |page| start + page * PAGE_BYTES)
    }

    fn expected_gift(&self, world: &World, request: Request) -> Status {
        let [table, ring, policy, ..] = request.operands;
        let bytes = [128 * self.limits.endpoints as u64, 16384];
        let is_bad = |(address, bytes): (u64, u64)| {
            address == 0 || address % PAGE_BYTES != 0 || address.checked_add(bytes).is_none()
        };
        if self.given.is_some()
            || policy > 4
            || [(table, bytes[0]), (ring, bytes[1])]
                .into_iter()
                .any(is_bad)
        {
            return Status::BadOperand;
        }
        let table = Reference::pages(table, bytes[0]);
        Reference::probed(world, Reference::pages(ring, bytes[1]).chain(table))
    }

    fn expected_create(&self, world: &World, request: Request) -> Status {
        let [shape, ring, shadow, interrupt] = request.operands;
        let (entries, stride, window) = (shape & 0xff, (shape >> 8) & 0xff, (shape >> 16) & 0xff);
        let sizes = (1..=15).contains(&entries) && (4..=8).contains(&stride) && window <= 12;
        let is_inline = |shape: u64| shape >> 26 & 1 == 1;
        if !sizes
            || shape >> 33 != 0
            || interrupt & !0x0fff_01ff != 0
            || interrupt & 0xff >= self.limits.interrupt_vectors as u64
            || ring == 0
            || ring % PAGE_BYTES != 0
            || shadow == 0
            || shadow % 64 != 0
            || ring.checked_add(1 << (entries + stride)).is_none()
        {
            return Status::BadOperand;
        }
        let size = 1 << window;
        let is_free = |entry: usize| !self.live.values().any(|live| live.window.contains(&entry));
        let has_window = (0..self.limits.translation_entries / size)
            .any(|n| (n * size..(n + 1) * size).all(is_free));
        let limits = self.limits;
        let with_pages = self.live.values().filter(|live| is_inline(live.shape[0]));
        if self.given.is_none()
            || self.live.len() == limits.endpoints
            || (is_inline(shape) && with_pages.count() == limits.inline_pages)
            || !has_window
        {
            return Status::NoResources;
        }
        let ring = Reference::pages(ring, 1 << (entries + stride));
        Reference::probed(world, std::iter::once(shadow).chain(ring))
    }

    fn expected_export(&self, world: &World, request: Request) -> Status {
        let [shape, address, bytes, _] = request.operands;
        let known = 0x3f_ffff | 0x3ff << 32 | 0xfff << 44;
        if !self.live.contains_key(&(shape & 0xffff)) {
            Status::NoSuchEndpoint
        } else if shape & !known != 0
            || address == 0
            || address % PAGE_BYTES != 0
            || bytes == 0
            || bytes > 1 << 32
            || address.checked_add(bytes).is_none_or(|end| end > 1 << 57)
        {
            Status::BadOperand
        } else if self.segments.len() == 256 {
            Status::NoResources
        } else {
            let last = address + bytes - 1;
            Reference::probed(world, [address, last - last % 4].into_iter())
        }
    }

    /// What the answer may be. Where queues are, is the firmware's affair: whether an endpoint has one just now, the
    /// reference does not know.
    fn expected(&self, world: &World, request: Request) -> Vec<Status> {
        let [a, b, c, _] = request.operands;
        let endpoint = self.live.get(&a);
        let status = match (request.opcode, endpoint) {
            (1, _) => Status::Done,
            (2, _) => self.expected_create(world, request),
            (8, _) => self.expected_gift(world, request),
            (9, _) if a < 16 => Status::Done,
            (9, _) => Status::BadOperand,
            (10, _) => self.expected_export(world, request),
            (3..=7 | 11, None) => Status::NoSuchEndpoint,
            (11, Some(_)) => match self.segments.get(&(b & 0xffff)) {
                Some(segment) if segment.owner == a && b >> 16 == segment.generation => {
                    Status::Done
                }
                _ => Status::BadOperand,
            },
            (6 | 7, Some(_)) => return vec![Status::Done, Status::NoSuchEndpoint],
            (3, Some(_)) => Status::Done,
            (4, Some(endpoint)) => {
                let mut others = self.live.values();
                match endpoint.name {
                    Some(name) if u64::from(name) == b => Status::Done,
                    _ if b >= self.limits.receive_queue_ids as u64 => Status::BadOperand,
                    Some(_) => Status::BadOperand,
                    None if others.any(|it| it.name.map(u64::from) == Some(b)) => Status::InUse,
                    None => Status::Done,
                }
            }
            (5, Some(endpoint)) => {
                let channel_1 = (c >> 32) & 1 == 1;
                let legal = b < endpoint.window.len() as u64
                    && c & 0xffff < 1024
                    && (!channel_1 || endpoint.shape[0] >> 24 & 1 == 1)
                    && match c >> 34 & 1 {
                        0 => c >> 16 & 0xffff < 4096 && c >> 34 == 0,
                        _ => c >> 16 & 0xffff < 256 && c >> 48 == 0 && c >> 38 & 3 == 0,
                    };
                if legal {
                    Status::Done
                } else {
                    Status::BadOperand
                }
            }
            _ => Status::UnknownOpcode,
        };
        vec![status]
    }

    /// Checks an answer, and the queue state that stands after it.
    pub fn check(&mut self, world: &mut World, request: Request, answer: (Status, u64)) {
        let (status, result) = answer;
        let expected = self.expected(world, request);
        assert!(
            expected.contains(&status),
            "{request:x?}: {status:?}, not {expected:?}"
        );
        let [number, second, third, _] = request.operands;
        if status != Status::Done || request.opcode == 1 {
            let expected = if request.opcode == 1 && status == Status::Done {
                0x0001_0000_0000_0000 | u64::from(REVISION)
            } else {
                0
            };
            assert_eq!(result, expected);
            return self.check_state(world);
        }
        match request.opcode {
            2 => {
                let live = self.created(request, result);
                let cleared = |entry| world.state_word(3, entry) == 0;
                assert!(live.window.clone().all(cleared), "stale translations");
            }
            3 => {
                self.live.remove(&number);
                self.segments.retain(|_, segment| segment.owner != number);
            }
            10 => self.exported(request, result),
            11 => {
                self.segments.remove(&(second & 0xffff));
            }
            4 => self.live.get_mut(&number).expect("it lives").name = Some(second as u16),
            5 => {
                let index = self.live[&number].window.start + second as usize;
                assert_eq!(world.state_word(3, index), third);
            }
            6 => {
                let map = world.map_of(number as u16);
                assert_eq!((map.transmit_resident, map.receive_resident), (0, 0));
            }
            7 => {
                let fields = EndpointResult::unpack(result);
                let live = &self.live[&number];
                assert_eq!(fields.endpoint, number);
                assert_eq!(fields.window_base, live.window.start as u64);
            }
            8 => self.given = Some([number, second]),
            _ => {}
        }
        self.check_state(world);
    }

    /// Takes note of a new segment.
    fn exported(&mut self, request: Request, result: u64) {
        let [shape, address, bytes, _] = request.operands;
        let (number, generation) = (result & 0xffff, result >> 16);
        assert!(number < 256 && generation < 256, "{result:#x}");
        let bit = |place: u32| shape >> place & 1;
        let place = SegmentPlace {
            valid: 1,
            remote_write: bit(16),
            remote_read: bit(17),
            remote_atomic: bit(18),
            local: bit(19),
            any_node: bit(20),
            any_endpoint: bit(21),
            endpoint: shape >> 44,
            page: address >> 12,
        };
        let extent = SegmentExtent {
            last: bytes - 1,
            generation,
            owner: shape & 0xffff,
            node: shape >> 32 & 0x3ff,
            ..SegmentExtent::default()
        };
        let segment = Segment {
            owner: shape & 0xffff,
            generation,
            words: [place.pack(), extent.pack()],
        };
        let before = self.segments.insert(number, segment);
        assert!(before.is_none(), "segment {number} is taken");
    }

    /// Takes note of a new endpoint.
    fn created(&mut self, request: Request, result: u64) -> &Live {
        let fields = EndpointResult::unpack(result);
        let number = fields.endpoint;
        assert!((number as usize) < self.limits.endpoints, "number {number}");
        let base = fields.window_base as usize;
        let size = 1usize << ((request.operands[0] >> 16) & 0xff);
        let window = base..base + size;
        assert!(base.is_multiple_of(size) && window.end <= self.limits.translation_entries);
        for (other, live) in &self.live {
            let apart = live.window.end <= window.start || window.end <= live.window.start;
            assert!(apart, "windows of {number} and {other} overlap");
        }
        let live = Live {
            shape: request.operands,
            ring: request.operands[1],
            shadow: request.operands[2],
            window,
            name: None,
        };
        assert!(
            self.live.insert(number, live).is_none(),
            "{number} is taken"
        );
        &self.live[&number]
    }

    /// Queue state and table are what the endpoints say, and zero where there are none. No two share anything.
    pub fn check_state(&self, world: &World) {
        let state = |region, index: u64| world.state_word(region, index as usize);
        let mut queues = [BTreeSet::new(), BTreeSet::new(), BTreeSet::new()];
        let mut names = BTreeSet::new();
        let misses = self.limits.receive_queues as u64 - 1;
        let [table, miss_ring] = self.given.unwrap_or_default();
        if self.given.is_some() {
            queues[1].insert(misses);
            assert_eq!(state(2, 4 * misses + 1), miss_ring);
        }
        for (&number, live) in &self.live {
            let map = EndpointMap::unpack(state(0, number));
            assert_eq!((map.exists, map.fresh), (1, 0));
            assert_eq!(map.page_resident, live.shape[0] >> 26 & 1);
            assert!(
                map.page_resident == 0 || queues[2].insert(map.page),
                "{map:?}"
            );
            assert!(map.page < self.limits.inline_pages as u64);
            let entry = table + 128 * number;
            let expected = TransmitControl {
                enabled: 1,
                virtual_channel_limit: live.shape[0] >> 24 & 1,
                priority: live.shape[0] >> 25 & 1,
                give_up: live.shape[0] >> 28 & 15,
                generation: 0,
                endpoint: number,
                window_mask: live.window.len() as u64 - 1,
                window_base: live.window.start as u64,
            };
            let control = TransmitControl::unpack(world.load64(entry + 24));
            assert_eq!((control, world.load64(entry)), (expected, live.shadow));
            if map.transmit_resident == 1 {
                assert!(queues[0].insert(map.transmit_queue), "shared: {map:?}");
                let control = TransmitControl::unpack(state(1, 4 * map.transmit_queue));
                let kept = world.generations[map.transmit_queue as usize];
                let generation = u64::from(kept);
                assert_eq!(
                    control,
                    TransmitControl {
                        generation,
                        ..expected
                    }
                );
                assert_eq!(state(1, 4 * map.transmit_queue + 1), live.shadow);
            }
            let expected = ReceiveControl {
                enabled: live.name.is_some().into(),
                entries_log2: live.shape[0] & 0xff,
                stride_log2: live.shape[0] >> 8 & 0xff,
                receive_queue_id: live.name.unwrap_or_default().into(),
                takes_misses: 0,
                drops: live.shape[0] >> 32 & 1,
            };
            let control = ReceiveControl::unpack(world.load64(entry + 88));
            assert_eq!((control, world.load64(entry + 64)), (expected, live.ring));
            let asked = live.shape[3];
            assert_eq!(world.load64(entry + 96), asked);
            // Where the next message goes, and whether the queue is armed.
            let producer = world.load64(entry + 72) & 0xffff;
            let number = producer & ((1 << expected.entries_log2) - 1);
            let lap = producer >> expected.entries_log2;
            let place = (live.ring + (number << expected.stride_log2)) | (1 - lap % 2);
            let kept = world.load64(entry + 80);
            assert!(
                kept == place || asked & 0x100 != 0 && kept == place | 2,
                "{kept:#x}"
            );
            if map.receive_resident == 1 {
                assert!(queues[1].insert(map.receive_queue), "shared: {map:?}");
                let control = ReceiveControl::unpack(state(2, 4 * map.receive_queue));
                let is_silent = live.name.is_none() && control.enabled == 0;
                assert!(is_silent || control == expected, "{control:?}");
                assert_eq!(state(2, 4 * map.receive_queue + 1), live.ring);
                let interrupt = ReceiveInterrupt::unpack(state(8, map.receive_queue));
                let place = interrupt.vector | interrupt.enabled << 8 | interrupt.interval << 16;
                assert_eq!(place, asked, "interrupt of {number}");
            }
            let Some(name) = live.name else {
                continue;
            };
            let way = ReceiveMap::unpack(state(5, name.into()));
            let queue = match map.receive_resident {
                1 => map.receive_queue,
                _ => misses,
            };
            assert_eq!((way.resident, way.queue), (1, queue));
            names.insert(u64::from(name));
        }
        for (&number, segment) in &self.segments {
            assert!(self.live.contains_key(&segment.owner), "{segment:?}");
            let words = [state(9, 2 * number), state(9, 2 * number + 1)];
            assert_eq!(words, segment.words, "segment {number}");
        }
        for (&(region, index), word) in &world.state {
            let index = index as u64;
            let has_owner = match region {
                0 => self.live.contains_key(&index),
                1 => !index.is_multiple_of(4) || queues[0].contains(&(index / 4)),
                2 => !index.is_multiple_of(4) || queues[1].contains(&(index / 4)),
                5 => names.contains(&index),
                9 => index % 2 == 1 || self.segments.contains_key(&(index / 2)),
                _ => true,
            };
            assert!(
                has_owner || *word & 1 == 0 && region == 2,
                "nobody's: {word:#x} at {index} of region {region}"
            );
        }
    }
}
