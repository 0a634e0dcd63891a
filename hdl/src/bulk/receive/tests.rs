//! Frames against segments and a byte-exact memory.

use super::*;
use crate::bulk::segments::SegmentTable;
use crate::bulk::transfers::BUSY;
use crate::bundles::OwnSegment;
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::queues::receive::test_frames::{beat, random_bytes, word_of};
use crate::queues::test_support::configuration;
use abi::link::{Header, kind};
use abi::message::{READ_PIECE_BYTES, Remote, RemoteRead, operation};
use abi::queue_state::{REGION_SEGMENT, SegmentExtent, SegmentPlace};
use std::collections::{BTreeMap, VecDeque};

/// A segment as firmware writes it.
#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    place: SegmentPlace,
    extent: SegmentExtent,
}

/// A frame of remote memory.
#[derive(Clone, Debug)]
struct BulkFrame {
    header: Header,
    remote: Remote,
    data: Vec<u8>,
}

impl BulkFrame {
    /// Of a READ.
    fn question(&self) -> RemoteRead {
        let mut bytes = self.data.clone();
        bytes.resize(8, 0xcc);
        RemoteRead::unpack(u64::from_le_bytes(bytes.try_into().expect("8 bytes")))
    }

    fn beats(&self) -> VecDeque<(u128, bool)> {
        let mut bytes = self.remote.pack().to_le_bytes().to_vec();
        bytes.extend(&self.data);
        bytes.resize((bytes.len() + 4).next_multiple_of(16), 0xcc);
        let mut beats = VecDeque::from([(self.header.pack(), false)]);
        let chunks = bytes.chunks(16);
        beats.extend(
            chunks.map(|chunk| (u128::from_le_bytes(chunk.try_into().expect("whole")), false)),
        );
        beats.back_mut().expect("a frame has beats").1 = true;
        beats
    }
}

/// What becomes of a frame.
#[derive(Clone, Debug, PartialEq)]
enum Outcome {
    /// It is answered.
    Status(usize),
    /// READ: the frame's node, slot and generation, segment and generation, and what is asked for where.
    Asks([u64; 6], Remote, RemoteRead),
    /// Data of a reply: row, generation, bytes.
    Arrives([u64; 3]),
    /// Nothing.
    Dropped,
}

/// The slow reference: what the frame does to memory, and what else becomes of it.
fn outcome(
    frame: &BulkFrame,
    segments: &BTreeMap<u64, Segment>,
    memory: &mut BTreeMap<u64, u8>,
    room: bool,
) -> Outcome {
    let header = frame.header;
    let status = carry_out(frame, segments, memory);
    let is_read = frame.remote.operation == operation::READ as u64;
    if is_read && status == 0 {
        if !room {
            return Outcome::Status(BUSY);
        }
        let names = [
            header.source_node,
            header.slot,
            header.generation,
            header.receive_queue_id,
            header.tag,
            header.virtual_channel,
        ];
        let remote = Remote {
            trail: 0,
            ..frame.remote
        };
        return Outcome::Asks(names, remote, frame.question());
    }
    if header.receive_queue_id & 0x1ff >= 256 && !is_read {
        if status != 0 {
            return Outcome::Dropped;
        }
        let pad = frame.remote.offset % 4 + frame.remote.trail;
        let bytes = frame.data.len() as u64 - pad;
        return Outcome::Arrives([header.receive_queue_id % 16, header.tag, bytes]);
    }
    Outcome::Status(status)
}

/// Status of a frame; what it writes.
fn carry_out(
    frame: &BulkFrame,
    segments: &BTreeMap<u64, Segment>,
    memory: &mut BTreeMap<u64, u8>,
) -> usize {
    let header = frame.header;
    let Some(segment) = segments.get(&header.receive_queue_id) else {
        return error::BAD_SEGMENT;
    };
    let (place, extent) = (segment.place, segment.extent);
    let admits_node = place.any_node == 1 || extent.node == header.source_node;
    let admits_endpoint = place.any_endpoint == 1 || place.endpoint == header.source_endpoint;
    if place.valid == 0 || !admits_node || !admits_endpoint {
        return error::BAD_SEGMENT;
    }
    if extent.generation != header.tag {
        return error::STALE_SEGMENT;
    }
    if frame.remote.operation == operation::READ as u64 {
        if place.remote_read == 0 || header.restart == 0 {
            return error::SEGMENT_RIGHTS;
        }
        let bytes = frame.question().bytes;
        let is_piece = (1..=READ_PIECE_BYTES as u64).contains(&bytes);
        if !is_piece || frame.remote.offset + bytes - 1 > extent.last {
            return error::SEGMENT_RANGE;
        }
        return 0;
    }
    if frame.remote.operation == operation::INCREMENT as u64 {
        if place.remote_atomic == 0 || header.restart == 1 {
            return error::SEGMENT_RIGHTS;
        }
        if !frame.data.is_empty() || frame.remote.offset > extent.last {
            return error::SEGMENT_RANGE;
        }
        return 0;
    }
    if frame.remote.operation != operation::WRITE as u64 || place.remote_write == 0 {
        return error::SEGMENT_RIGHTS;
    }
    let (pad, trail) = (
        frame.remote.offset as usize % 4,
        frame.remote.trail as usize,
    );
    let written = pad..frame.data.len().saturating_sub(trail);
    if written.is_empty() || frame.remote.offset + written.len() as u64 - 1 > extent.last {
        return error::SEGMENT_RANGE;
    }
    for (at, byte) in written.enumerate() {
        let address = (place.page << 12) + frame.remote.offset + at as u64;
        memory.insert(address, frame.data[byte]);
    }
    0
}

/// Applies a write packet to memory, byte by byte.
fn write(beats: &[u128], memory: &mut BTreeMap<u64, u8>) {
    let descriptor = beats[0];
    let length = usize::from((descriptor >> write_packet::LENGTH_SHIFT) as u16);
    let skips = [
        write_packet::SKIP_FIRST_SHIFT,
        write_packet::SKIP_LAST_SHIFT,
    ]
    .map(|shift| descriptor >> shift & 15);
    let bytes: Vec<u8> = beats[1..]
        .iter()
        .flat_map(|beat| beat.to_le_bytes())
        .collect();
    assert_eq!(beats.len() - 1, length.div_ceil(16));
    assert_eq!(descriptor as u64 % 4, 0);
    assert!(length > 4 || skips[1] == 0);
    for (at, byte) in bytes.iter().enumerate().take(length) {
        let is_skipped = (at < 4 && skips[0] >> at & 1 == 1)
            || (at + 4 >= length && skips[1] >> (at + 4 - length) & 1 == 1);
        if !is_skipped {
            memory.insert(descriptor as u64 + at as u64, *byte);
        }
    }
}

fn random_segment(random: &mut Random) -> Segment {
    let last = match random.below(4) {
        0 => random.below(600),
        1 => u32::MAX.into(),
        2 => 4095,
        _ => random.below(1 << 20),
    };
    let page = match random.below(3) {
        0 => (1 << 20) - 1,
        1 => random.below(1 << 20),
        _ => random.word() >> 20 & ((1 << 44) - 1),
    };
    Segment {
        place: SegmentPlace {
            valid: random.chance(90).into(),
            remote_write: random.chance(85).into(),
            remote_read: random.below(2),
            any_node: random.below(2),
            any_endpoint: random.below(2),
            endpoint: random.below(2),
            page,
            ..SegmentPlace::default()
        },
        extent: SegmentExtent {
            last,
            generation: random.below(2),
            owner: random.below(4096),
            node: random.below(2),
            ..SegmentExtent::default()
        },
    }
}

fn random_frame(random: &mut Random, segments: &BTreeMap<u64, Segment>) -> BulkFrame {
    let number = match random.below(20) {
        0 => random.below(1 << 16),
        1 => 512 + random.below(8),
        2..6 => 256 + random.below(8),
        _ => random.below(8),
    };
    let last = segments
        .get(&number)
        .map_or(0, |segment| segment.extent.last);
    let offset = match random.below(4) {
        0 => last.saturating_sub(random.below(300)),
        1 => random.below(5),
        2 => random.word() & u64::from(u32::MAX),
        _ => random.below(last + 1),
    };
    let words = match random.below(4) {
        0 => random.below(3),
        1 => 64,
        _ => random.below(65),
    } as usize;
    let is_read = random.chance(20);
    let words = if is_read { 2 } else { words };
    let question = RemoteRead {
        bytes: match random.below(4) {
            0 => random.below(1 << 15),
            1 => (last + 1).saturating_sub(offset) & 0x7fff,
            2 => READ_PIECE_BYTES as u64 + random.below(2),
            _ => random.below(300),
        },
        reply_offset: random.below(4096),
        reply_segment: random.below(4096),
    };
    BulkFrame {
        header: Header {
            kind: kind::BULK as u64,
            restart: random.chance(if is_read { 80 } else { 20 }).into(),
            marked: random.chance(20).into(),
            source_node: random.below(2),
            virtual_channel: random.below(2),
            slot: random.below(256),
            generation: random.below(256),
            index: random.below(128),
            source_endpoint: random.below(2),
            receive_queue_id: number,
            tag: random.below(2),
            length: 2 + words as u64,
            ..Header::default()
        },
        remote: Remote {
            offset,
            operation: if is_read {
                operation::READ as u64
            } else if random.chance(95) {
                1
            } else {
                random.below(16)
            },
            trail: random.below(4),
        },
        data: if is_read {
            question.pack().to_le_bytes().to_vec()
        } else {
            random_bytes(random, 4 * words)
        },
    }
}

/// The table and the receiver, as they stand in `BulkUnit`, among a link and a host that tests play.
struct Bench {
    unit: BulkReceive,
    table: SegmentTable,
    beats: VecDeque<(u128, bool)>,
    /// How often a beat is offered, and taken, in percent.
    offers: u64,
    takes: u64,
    answers: u64,
    offered: bool,
    packet: Vec<u128>,
    memory: BTreeMap<u64, u8>,
    /// Slot, index and status of each answer, and whether it is counted.
    said: Vec<(u64, u64, usize, bool)>,
    descriptors: Vec<(usize, u128)>,
    pulses: BTreeMap<&'static str, usize>,
    cycle: usize,
    ready: bool,
    room: bool,
    /// A packet that has no place in the order yet.
    unwritten: bool,
    asked: Vec<Outcome>,
    arrived: Vec<Outcome>,
}

impl Bench {
    fn new() -> Self {
        let (mut unit, mut table) = (BulkReceive::default(), SegmentTable::default());
        unit.bulk_frames.valid.connect();
        unit.bulk_frames.beat.connect();
        unit.write_packets.ready.connect();
        for signal in [&mut unit.accepted_ready, &mut unit.verdict_ready] {
            signal.connect();
        }
        unit.clock.connect();
        unit.reset.connect();
        unit.grant.connect();
        unit.entry.connect();
        unit.changed.connect();
        unit.connect_all();
        table.connect_all();
        unit.reset.next = true;
        table.reset.next = true;
        clock_cycle!(unit, clock);
        clock_cycle!(table, clock);
        unit.reset.next = false;
        table.reset.next = false;
        for _ in 0..513 {
            clock_cycle!(table, clock);
        }
        Self {
            unit,
            table,
            beats: VecDeque::new(),
            offers: 100,
            takes: 100,
            answers: 100,
            offered: false,
            packet: Vec::new(),
            memory: BTreeMap::new(),
            said: Vec::new(),
            descriptors: Vec::new(),
            pulses: BTreeMap::new(),
            cycle: 0,
            ready: true,
            room: true,
            unwritten: false,
            asked: Vec::new(),
            arrived: Vec::new(),
        }
    }

    fn step(&mut self, random: &mut Random) {
        let (unit, table) = (&mut self.unit, &mut self.table);
        self.offered |= !self.beats.is_empty() && random.chance(self.offers);
        unit.bulk_frames.valid.next = self.offered;
        let (word, last) = match self.beats.front() {
            Some(front) if self.offered => *front,
            _ => (random.wide(), random.chance(50)),
        };
        unit.bulk_frames.beat.next = beat(word, last);
        unit.write_packets.ready.next = random.chance(self.takes);
        // It stays high until it is used.
        self.ready |= random.chance(self.answers);
        unit.accepted_ready.next = self.ready;
        unit.verdict_ready.next = self.ready;
        unit.read_room.next = self.room;
        unit.count_ready.next = true;
        unit.read_ready.next = false;
        settle(table);
        unit.grant.next = table.grant.val();
        unit.entry.next = table.entry.val();
        unit.changed.next = table.changed.val();
        settle(unit);
        table.query.next = unit.query.val();
        settle(table);
        if self.offered && unit.bulk_frames.ready.val() {
            self.beats.pop_front();
            self.offered = false;
        }
        // The packet before is written no later than this one is taken whole.
        let ends = unit.write_packets.valid.val()
            && unit.write_packets.ready.val()
            && unit.write_packets.beat.val().last;
        let is_written = self.unwritten && (ends || random.chance(20));
        unit.written.next = is_written;
        unit.read_ready.next = unit.read_valid.val() && random.chance(30);
        settle(unit);
        if is_written {
            self.unwritten = false;
        }
        self.unwritten |= ends;
        let arrived = unit.arrived.val();
        if arrived.valid {
            assert!(is_written);
            self.arrived.push(Outcome::Arrives([
                arrived.row.to_u64(),
                arrived.generation.to_u64(),
                arrived.bytes.to_u64(),
            ]));
        }
        if unit.read_valid.val() {
            assert!(!self.unwritten && self.room);
        }
        if unit.read_ready.val() {
            let job = unit.read_job.val();
            let names = [
                job.node.to_u64(),
                job.row.to_u64(),
                job.generation.to_u64(),
                job.segment.to_u64(),
                job.segment_generation.to_u64(),
                job.channel.into(),
            ];
            let remote = Remote {
                offset: job.offset.to_u64(),
                operation: operation::READ as u64,
                trail: 0,
            };
            let question = RemoteRead {
                bytes: job.bytes.to_u64(),
                reply_offset: job.reply_offset.to_u64(),
                reply_segment: job.reply_segment.to_u64(),
            };
            self.asked.push(Outcome::Asks(names, remote, question));
        }
        if unit.write_packets.valid.val() && unit.write_packets.ready.val() {
            let beat = unit.write_packets.beat.val();
            if self.packet.is_empty() {
                self.descriptors.push((self.cycle, word_of(beat.data)));
            }
            self.packet.push(word_of(beat.data));
            if beat.last {
                write(&std::mem::take(&mut self.packet), &mut self.memory);
            }
        }
        assert!(!(unit.accepted_valid.val() && unit.verdict_valid.val()));
        if unit.accepted_valid.val() {
            let said = unit.accepted.val();
            assert!(self.ready && said.verdict.to_u64() == 0);
            self.said
                .push((said.slot.to_u64(), said.index.to_u64(), 0, false));
            self.ready = false;
        }
        if unit.verdict_valid.val() {
            let said = unit.verdict.val();
            assert!(self.ready);
            let status = said.status.to_u64() as usize;
            self.said.push((
                said.slot.to_u64(),
                said.index.to_u64(),
                status,
                said.counted,
            ));
            self.ready = false;
        }
        for (name, pulse) in [
            ("checked", unit.checked.val()),
            ("matched", unit.matched.val()),
            ("request_out", unit.request_out.val()),
            ("written", unit.frame_written.val()),
            ("refused", unit.frame_refused.val()),
        ] {
            *self.pulses.entry(name).or_default() += usize::from(pulse);
        }
        clock_cycle!(self.unit, clock);
        clock_cycle!(self.table, clock);
        self.table.configuration.next = Default::default();
        self.table.own.next = Default::default();
        self.cycle += 1;
    }

    fn run(&mut self, random: &mut Random) {
        let mut quiet = 0;
        while quiet < 20 {
            self.step(random);
            let idle = self.beats.is_empty() && !self.unit.busy.val() && !self.unwritten;
            quiet = if idle { quiet + 1 } else { 0 };
            assert!(self.cycle < 1_000_000, "no end");
        }
    }

    fn configure(&mut self, random: &mut Random, number: u64, segment: Segment) {
        if number >= 256 {
            let words = u128::from(segment.place.pack()) | u128::from(segment.extent.pack()) << 64;
            self.table.own.next = OwnSegment {
                valid: true,
                row: (number - 256).to_bits(),
                entry: SegmentEntry {
                    words: words.to_bits(),
                },
            };
            self.step(random);
            return;
        }
        for (word, data) in [(1, segment.extent.pack()), (0, segment.place.pack())] {
            self.table.configuration.next = configuration(REGION_SEGMENT, 2 * number + word, data);
            self.step(random);
        }
    }
}

#[test]
fn frames_write_what_the_slow_reference_does_and_nothing_else() {
    let mut errors = BTreeMap::<usize, usize>::new();
    for seed in 0..12 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut bench = Bench::new();
        let percent = [100, 70, 30];
        bench.offers = percent[random.below(3) as usize];
        bench.takes = percent[random.below(3) as usize];
        bench.answers = percent[random.below(3) as usize];
        let (mut segments, mut memory, mut said) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        let (mut asked, mut arrived) = (Vec::new(), Vec::new());
        let mut pulses = BTreeMap::<&str, usize>::new();
        for _ in 0..20 {
            bench.room = random.chance(70);
            for number in (0..8).chain(256..264) {
                let segment = random_segment(&mut random);
                segments.insert(number, segment);
                bench.configure(&mut random, number, segment);
            }
            for _ in 0..20 {
                let frame = random_frame(&mut random, &segments);
                let outcome = outcome(&frame, &segments, &mut memory, bench.room);
                let header = frame.header;
                let mut is_refused = 0;
                match outcome {
                    Outcome::Status(status) => {
                        *errors.entry(status).or_default() += 1;
                        let counted = header.restart == 1;
                        said.push((header.slot, header.index, status, counted));
                        is_refused = usize::from(status != 0);
                    }
                    Outcome::Arrives(_) => arrived.push(outcome.clone()),
                    Outcome::Asks(..) => asked.push(outcome.clone()),
                    Outcome::Dropped => {}
                }
                let marked = header.marked as usize;
                let is_written =
                    usize::from(matches!(outcome, Outcome::Status(0) | Outcome::Arrives(_)));
                *pulses.entry("checked").or_default() += marked;
                let is_fit =
                    is_written == 1 || matches!(outcome, Outcome::Status(BUSY) | Outcome::Asks(..));
                *pulses.entry("matched").or_default() += marked * usize::from(is_fit);
                *pulses.entry("request_out").or_default() += marked * is_written;
                *pulses.entry("written").or_default() += is_written;
                *pulses.entry("refused").or_default() += is_refused;
                bench.beats.extend(frame.beats());
            }
            bench.run(&mut random);
            assert_eq!(bench.said, said);
            assert!(bench.memory == memory, "memory differs");
            assert_eq!(bench.asked, asked);
            assert_eq!(bench.arrived, arrived);
            assert_eq!(bench.pulses, pulses);
        }
    }
    println!("{errors:?}");
    for status in [0, 1, 11, 12, 13, 14] {
        assert!(errors[&status] > 5, "{status}: {errors:?}");
    }
}

fn whole_segment(page: u64) -> Segment {
    Segment {
        place: SegmentPlace {
            valid: 1,
            remote_write: 1,
            any_node: 1,
            any_endpoint: 1,
            page,
            ..SegmentPlace::default()
        },
        extent: SegmentExtent {
            last: 0xffff,
            ..SegmentExtent::default()
        },
    }
}

fn block(index: u64) -> BulkFrame {
    BulkFrame {
        header: Header {
            kind: kind::BULK as u64,
            index,
            length: 66,
            ..Header::default()
        },
        remote: Remote {
            offset: 256 * index,
            operation: 1,
            trail: 0,
        },
        data: vec![index as u8; 256],
    }
}

#[test]
fn the_descriptor_is_there_four_cycles_behind_the_header_and_a_block_takes_twenty() {
    let mut random = Random::new(1);
    let mut bench = Bench::new();
    bench.configure(&mut random, 0, whole_segment(77));
    for index in 0..20 {
        bench.beats.extend(block(index).beats());
    }
    let begins = bench.cycle;
    bench.run(&mut random);
    let cycles: Vec<usize> = bench.descriptors.iter().map(|(cycle, _)| *cycle).collect();
    assert_eq!(cycles[0], begins + 4);
    assert!(
        cycles
            .windows(2)
            .skip(1)
            .all(|pair| pair[1] - pair[0] == 20),
        "{cycles:?}"
    );
}

/// As the command executor relies on it: when nothing is pending or older, nothing more is written.
#[test]
fn nothing_is_written_to_a_cleared_segment_once_nothing_older_is_held() {
    let mut late = 0;
    for delay in 0..60 {
        let mut random = Random::new(delay);
        let mut bench = Bench::new();
        bench.takes = 40;
        bench.configure(&mut random, 0, whole_segment(3));
        for index in 0..6 {
            bench.beats.extend(block(index).beats());
        }
        for _ in 0..2 * delay {
            bench.step(&mut random);
        }
        bench.table.configuration.next = configuration(REGION_SEGMENT, 0, 0);
        let mut before = None;
        for _ in 0..400 {
            bench.step(&mut random);
            settle(&mut bench.unit);
            settle(&mut bench.table);
            let holds = bench.table.pending.val() || bench.unit.holds_older.val();
            if !holds && before.is_none() {
                before = Some((bench.memory.len(), bench.cycle));
            }
        }
        bench.takes = 100;
        bench.run(&mut random);
        let (bytes, cycle) = before.expect("nothing is held for ever");
        assert_eq!(bench.memory.len(), bytes, "written later, delay {delay}");
        late += usize::from(cycle > 2 * delay as usize + 6);
        assert_eq!(bench.said.len(), 6);
        let refused = bench
            .said
            .iter()
            .filter(|said| said.2 == error::BAD_SEGMENT)
            .count();
        assert_eq!(256 * (6 - refused), bytes, "whole frames only");
    }
    assert!(late > 20, "{late}: nothing was under way");
}

#[test]
fn gate() {
    let mut beats: VecDeque<(u128, bool)> = VecDeque::new();
    let mut offered = false;
    let mut segments = BTreeMap::new();
    Gate::new("bulk_receive", BulkReceive::default())
        .clock(|unit| &mut unit.clock)
        .cycles(6000)
        .run(move |unit, random, cycle| {
            if offered && unit.bulk_frames.ready.val() {
                beats.pop_front();
                offered = false;
            }
            if beats.is_empty() {
                segments.insert(random.below(8), random_segment(random));
                beats = random_frame(random, &segments).beats();
            }
            unit.reset.next = cycle < 2;
            offered = offered || random.chance(80);
            unit.bulk_frames.valid.next = offered;
            unit.bulk_frames.beat.next = beat(beats[0].0, beats[0].1);
            unit.grant.next = random.chance(80);
            let segment = random_segment(random);
            let words = u128::from(segment.place.pack()) | u128::from(segment.extent.pack()) << 64;
            unit.entry.next.words = words.to_bits();
            unit.changed.next = random.chance(5);
            unit.write_packets.ready.next = random.chance(70);
            unit.accepted_ready.next = random.chance(70);
            unit.verdict_ready.next = random.chance(70);
            unit.read_room.next = random.chance(70);
            unit.read_ready.next = unit.read_valid.val() && random.chance(50);
            unit.written.next = random.chance(10);
        });
}
