//! Frames against a copy byte by byte.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use abi::link::Header;
use abi::message::{Remote, RemoteRead};
use std::collections::VecDeque;

/// What stands at a host address.
fn memory(address: u64) -> u8 {
    Random::new(address).word() as u8
}

/// A job, where its data stand, and what becomes of it.
#[derive(Clone, Debug)]
struct Work {
    row: u64,
    asks: bool,
    last: bool,
    offset: u64,
    bytes: u64,
    reply_offset: u64,
    /// Host address of the first byte.
    source: u64,
    fails: bool,
}

impl Work {
    fn random(random: &mut Random) -> Self {
        let most = [8, 256][random.below(2) as usize];
        Self {
            row: random.below(16),
            asks: random.chance(10),
            last: random.chance(30),
            offset: random.word() & 0xffff_ffff,
            bytes: 1 + random.below(most),
            reply_offset: random.below(4096),
            source: random.word() & 0xffff,
            fails: false,
        }
    }

    /// The first double word's place in the buffer, and the bytes by which the payload lies lower.
    fn placement(&self) -> (u64, u64) {
        let (source, target) = (self.source % 4, self.offset % 4);
        let place = if source >= target { 2 } else { 3 };
        (place, 4 * (place - 2) + source - target)
    }

    fn job(&self) -> ChunkJob {
        ChunkJob {
            row: self.row.to_bits(),
            asks: self.asks,
            last: self.last,
            offset: self.offset.to_bits(),
            bytes: self.bytes.to_bits(),
            delta: self.placement().1.to_bits(),
            reply_offset: self.reply_offset.to_bits(),
        }
    }

    /// The chunk buffer once the read has ended: whole double words, among other bytes.
    fn buffer(&self, random: &mut Random) -> Vec<u8> {
        let mut buffer: Vec<u8> = (0..512).map(|_| random.word() as u8).collect();
        let first = self.source / 4 * 4;
        let behind = (self.source + self.bytes).next_multiple_of(4);
        for address in first..behind {
            let place = 4 * self.placement().0 + address - first;
            buffer[place as usize] = memory(address);
        }
        buffer
    }

    /// The frame's beats, with zeros in the place of the CRC.
    fn frame(&self, fixed: &ChunkHeader, node: u64) -> VecDeque<(u128, bool)> {
        let pad = self.offset % 4;
        let mut remote = Remote {
            offset: self.offset,
            operation: operation::READ as u64,
            trail: 0,
        };
        let mut data = vec![];
        if self.asks {
            let question = RemoteRead {
                bytes: self.bytes,
                reply_offset: self.reply_offset,
                reply_segment: 256 + self.row,
            };
            data.extend(question.pack().to_le_bytes());
        } else {
            data.extend(vec![0; pad as usize]);
            data.extend((0..self.bytes).map(|i| memory(self.source + i)));
            remote.operation = operation::WRITE as u64;
            remote.trail = (4 - data.len() as u64 % 4) % 4;
            data.resize(data.len().next_multiple_of(4), 0);
        }
        let header = Header {
            kind: kind::BULK as u64,
            version: VERSION as u64,
            virtual_channel: fixed.channel.into(),
            restart: fixed.counted.into(),
            destination_node: fixed.node.to_u64(),
            source_node: node,
            slot: fixed.slot.to_u64(),
            generation: fixed.generation.to_u64(),
            source_endpoint: fixed.endpoint.to_u64(),
            receive_queue_id: fixed.segment.to_u64(),
            tag: fixed.segment_generation.to_u64(),
            length: 2 + data.len() as u64 / 4,
            ..Default::default()
        };
        let mut bytes = header.pack().to_le_bytes().to_vec();
        bytes.extend(remote.pack().to_le_bytes());
        bytes.extend(data);
        bytes.resize((bytes.len() + abi::link::CRC_BYTES).next_multiple_of(16), 0);
        let chunks = bytes.chunks(16);
        let mut beats: VecDeque<(u128, bool)> = chunks
            .map(|chunk| (u128::from_le_bytes(chunk.try_into().expect("whole")), false))
            .collect();
        beats.back_mut().expect("a frame has beats").1 = true;
        beats
    }
}

fn random_header(row: u64, random: &mut Random) -> ChunkHeader {
    ChunkHeader {
        valid: true,
        row: row.to_bits(),
        node: random.bits(),
        channel: random.chance(50),
        slot: random.bits(),
        generation: random.bits(),
        counted: random.chance(50),
        endpoint: random.bits(),
        segment: random.bits(),
        segment_generation: random.bits(),
    }
}

/// The unit, with buffers that fill one beat a cycle.
struct Bench {
    unit: ChunkSend,
    random: Random,
    node: u64,
    cycle: u64,
    headers: Vec<ChunkHeader>,
    dropped: u64,
    /// A read that is offered, but not taken: its place, and the job.
    reads: Option<(u64, Work)>,
    /// Beats on their way to the buffers: place and address, data.
    filling: VecDeque<(u64, u64, u128)>,
    /// Of each buffer: the cycle in which its read was taken, and whether it has ended and failed.
    states: [(u64, bool, bool); 16],
    /// Of places in which the data stand, but not yet known to: cycle of the end.
    ending: Vec<(u64, u64)>,
    failing: Vec<(u64, u64)>,
    gap: u64,
    beats: VecDeque<(u128, bool)>,
    left: VecDeque<(u64, bool, bool)>,
    offered: Vec<u64>,
}

impl Bench {
    fn new(seed: u64) -> Self {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ChunkSend::default();
        unit.connect_all();
        let node = random.below(1024);
        unit.node.next = node.to_bits();
        settle(&mut unit);
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit.room_0.next = true;
        unit.room_1.next = true;
        let headers: Vec<ChunkHeader> =
            (0..16).map(|row| random_header(row, &mut random)).collect();
        for header in &headers {
            unit.header.next = *header;
            clock_cycle!(unit, clock);
        }
        unit.header.next = ChunkHeader::default();
        Self {
            unit,
            random,
            node,
            cycle: 10,
            headers,
            dropped: 0,
            reads: None,
            filling: VecDeque::new(),
            states: [(0, true, false); 16],
            ending: vec![],
            failing: vec![],
            gap: 0,
            beats: VecDeque::new(),
            left: VecDeque::new(),
            offered: vec![],
        }
    }

    /// A cycle; true if the job was taken.
    fn step(&mut self, work: Option<&Work>, ready: bool) -> bool {
        settle(&mut self.unit);
        let takes = work.is_some() && self.unit.job_ready.val();
        self.unit.job_valid.next = work.is_some();
        self.unit.job.next = work.map(Work::job).unwrap_or_default();
        self.unit.dropped.next = self.dropped.to_bits();
        self.unit.frames.ready.next = ready;
        let fill = if self.random.chance(self.gap) {
            None
        } else {
            self.filling.pop_front()
        };
        self.unit.chunk_valid.next = fill.is_some();
        let (place, beat, data) = fill.unwrap_or((0, 0, 1 << 77));
        self.unit.chunk_address.next = (place * 32 + beat).to_bits();
        self.unit.chunk_data.next = data.to_bits();
        self.unit.chunk_enables.next = 0xffffu64.to_bits();
        if fill.is_some() && !self.filling.iter().any(|other| other.0 == place) {
            let late = if self.gap == 0 {
                0
            } else {
                self.random.below(40)
            };
            self.ending.push((place, self.cycle + 2 + late));
        }
        for (place, _) in self.failing.iter().filter(|(_, at)| *at <= self.cycle) {
            self.states[*place as usize].1 = true;
            self.states[*place as usize].2 = true;
        }
        self.failing.retain(|(_, at)| *at > self.cycle);
        for (place, _) in self.ending.iter().filter(|(_, at)| *at <= self.cycle) {
            self.states[*place as usize].1 = true;
        }
        self.ending.retain(|(_, at)| *at > self.cycle);
        let read = match self.random.chance(100 - self.gap) {
            true => self.reads.take(),
            false => None,
        };
        self.unit.chunk_taken.next = read.is_some();
        settle(&mut self.unit);
        let query = self.unit.chunk_query.val().index();
        let (_, ended, failed) = self.states[query];
        self.unit.chunk_ended.next = ended;
        self.unit.chunk_failed.next = failed;
        settle(&mut self.unit);
        // For two cycles what is said is of the read before: it had ended.
        for state in &mut self.states {
            if state.0 + 1 == self.cycle {
                *state = (state.0, false, false);
            }
        }
        if let Some((place, work)) = read {
            self.states[place as usize].0 = self.cycle;
            if work.fails {
                self.failing
                    .push((place, self.cycle + 2 + self.random.below(20)));
            } else {
                let buffer = work.buffer(&mut self.random);
                for (beat, data) in buffer.chunks(16).take(17).enumerate() {
                    let data = u128::from_le_bytes(data.try_into().expect("whole"));
                    self.filling.push_back((place, beat as u64, data));
                }
            }
        }
        if let Some(work) = work.filter(|work| takes && !work.asks) {
            self.reads = Some((self.unit.place.val().to_u64(), work.clone()));
        }
        if self.unit.frames.valid.val() {
            self.offered.push(self.cycle);
            if ready {
                let beat = self.unit.frames.beat.val();
                self.beats.push_back((beat.data.to_u128(), beat.last));
            }
        }
        let left = self.unit.left.val();
        if left.valid {
            self.left
                .push_back((left.row.to_u64(), left.last, left.broken));
        }
        clock_cycle!(self.unit, clock);
        self.cycle += 1;
        takes
    }

    /// Passes `works` through, and compares what comes.
    fn pass(&mut self, works: &[Work], ready: u64, rooms: u64) {
        let (mut given, mut seen) = (0, 0);
        let start = self.cycle;
        while seen < works.len() {
            if self.random.chance(5) {
                self.unit.room_0.next = self.random.chance(rooms);
                self.unit.room_1.next = self.random.chance(rooms);
            }
            let take = self.random.chance(ready);
            given += usize::from(self.step(works.get(given), take));
            while let Some((row, last, broken)) = self.left.pop_front() {
                let work = &works[seen];
                assert_eq!((row, last), (work.row, work.last), "{work:?}");
                assert_eq!(broken, work.fails && !work.asks, "{work:?}");
                if !broken && self.dropped >> row & 1 == 0 {
                    let expected = work.frame(&self.headers[row as usize], self.node);
                    let frame: VecDeque<_> = self.beats.drain(..expected.len()).collect();
                    assert_eq!(frame, expected, "{work:?}");
                }
                seen += 1;
            }
            assert!(
                self.cycle - start < 400 * works.len() as u64 + 1000,
                "stuck"
            );
        }
        assert!(self.beats.is_empty());
    }
}

#[test]
fn every_length_at_every_alignment_is_copied_and_nothing_else() {
    let mut bench = Bench::new(31);
    let mut works = vec![];
    for bytes in 1..=256 {
        for source in 0..4 {
            for offset in 0..4 {
                works.push(Work {
                    asks: false,
                    bytes,
                    source: 64 * bytes + source,
                    offset: 0xffff_fe00 + offset,
                    ..Work::random(&mut bench.random)
                });
            }
        }
    }
    bench.pass(&works, 100, 100);
}

#[test]
fn jobs_of_all_kinds_leave_in_order_whatever_holds_them_up() {
    for seed in 40..48 {
        let mut bench = Bench::new(seed);
        bench.gap = [0, 20, 60][seed as usize % 3];
        bench.dropped = [0, 0x8421][seed as usize % 2];
        let ready = [100, 60, 20][bench.random.below(3) as usize];
        for _ in 0..4 {
            let works: Vec<Work> = (0..60)
                .map(|_| Work {
                    fails: bench.random.chance(10),
                    ..Work::random(&mut bench.random)
                })
                .collect();
            bench.pass(&works, ready, 50);
            // The next transfers of some rows.
            for row in 0..16 {
                if bench.random.chance(50) {
                    let header = random_header(row, &mut bench.random);
                    bench.headers[row as usize] = header;
                    bench.unit.header.next = header;
                    bench.step(None, true);
                    bench.unit.header.next = ChunkHeader::default();
                }
            }
        }
    }
}

#[test]
fn whole_blocks_follow_each_other_without_a_pause_and_six_cycles_behind_their_job() {
    let mut bench = Bench::new(50);
    let works: Vec<Work> = (0..16)
        .map(|_| Work {
            asks: false,
            bytes: 256,
            offset: 0,
            ..Work::random(&mut bench.random)
        })
        .collect();
    bench.pass(&works, 100, 100);
    let question = Work {
        asks: true,
        ..Work::random(&mut bench.random)
    };
    bench.offered.clear();
    let taken = bench.cycle;
    bench.pass(&[question], 100, 100);
    assert_eq!(bench.offered[0] - taken, 6);

    bench.offered.clear();
    // Nothing is sent until all data are there.
    bench.unit.room_0.next = false;
    bench.unit.room_1.next = false;
    for work in &works {
        while !bench.step(Some(work), true) {}
    }
    assert!(!bench.unit.job_ready.val());
    // A revocation waits for their reads, and not for credits.
    bench.unit.changed.next = true;
    bench.step(None, true);
    bench.unit.changed.next = false;
    for _ in 0..16 * 17 + 10 {
        let all_ended = bench.states.iter().all(|state| state.1);
        assert_eq!(bench.unit.holds_older.val(), !all_ended);
        bench.step(None, true);
    }
    assert!(bench.offered.is_empty() && !bench.unit.holds_older.val());
    bench.unit.room_0.next = true;
    bench.unit.room_1.next = true;
    for _ in 0..16 * 18 + 10 {
        bench.step(None, true);
    }
    assert_eq!(bench.offered.len(), 16 * 18);
    assert_eq!(bench.offered[16 * 18 - 1] - bench.offered[0], 16 * 18 - 1);
}

#[test]
fn a_frame_waits_for_room_on_its_own_channel_only() {
    for channel in [false, true] {
        let mut bench = Bench::new(60);
        bench.headers[3].channel = channel;
        bench.unit.header.next = bench.headers[3];
        bench.step(None, true);
        bench.unit.header.next = ChunkHeader::default();
        let work = Work {
            row: 3,
            ..Work::random(&mut bench.random)
        };
        bench.unit.room_0.next = channel;
        bench.unit.room_1.next = !channel;
        while !bench.step(Some(&work), true) {}
        for _ in 0..60 {
            bench.step(None, true);
        }
        assert!(bench.offered.is_empty());
        bench.unit.room_0.next = !channel;
        bench.unit.room_1.next = channel;
        for _ in 0..60 {
            bench.step(None, true);
        }
        assert!(!bench.offered.is_empty());
    }
}

#[test]
fn gate() {
    let mut used = 0u64;
    let mut unread = false;
    Gate::new("chunk_send", ChunkSend::default())
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.node.next = random.bits();
            // All headers and buffers are written first: RAM is undefined until then.
            let first = cycle < 520;
            unit.header.next = random_header(random.below(16), random);
            unit.header.next.valid = false;
            if cycle < 20 {
                unit.header.next = random_header(cycle % 16, random);
            }
            unit.chunk_valid.next = first || random.chance(50);
            unit.chunk_address.next = if first {
                (cycle % 512).to_bits()
            } else {
                // Behind the 17 beats that are read: a word that is read and written at once is undefined.
                (random.below(16) * 32 + 18 + random.below(14)).to_bits()
            };
            unit.chunk_data.next = random.bits();
            unit.chunk_enables.next = if first {
                0xffffu64.to_bits()
            } else {
                random.bits()
            };
            let work = Work::random(random);
            unit.job.next = work.job();
            unit.job_valid.next = false;
            unit.changed.next = random.chance(5);
            let taken = unread && random.chance(60);
            unit.chunk_taken.next = taken;
            unread &= !taken;
            unit.dropped.next = if random.chance(20) {
                random.bits()
            } else {
                0u64.to_bits()
            };
            unit.chunk_ended.next = random.chance(60);
            unit.chunk_failed.next = random.chance(10);
            unit.room_0.next = random.chance(80);
            unit.room_1.next = random.chance(80);
            unit.frames.ready.next = random.chance(if cycle / 500 % 2 == 0 { 90 } else { 40 });
            settle(unit);
            let comes = !first && random.chance(30);
            unit.job_valid.next = comes;
            unread |= comes && unit.job_ready.val() && !work.asks;
            used += u64::from(unit.left.val().valid);
        });
    assert!(used > 100, "{used} jobs left");
}
