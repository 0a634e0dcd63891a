//! Random transfers against a slow reference of each.

use super::*;
use crate::gate::{Gate, Random, clock_cycle, settle};
use crate::library::stream::Beat;
use crate::queues::test_support::control;
use abi::link::Header;
use abi::message::{BLOCK_BYTES, READ_PIECE_BYTES, Remote, TransferLength, TransferLocal};
use abi::queue_state::{SegmentExtent, SegmentPlace};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const NODE: u64 = 5;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Role {
    Write,
    Read,
    Reply,
}

/// A segment of this node.
#[derive(Clone, Copy, Debug, Default)]
struct Segment {
    place: SegmentPlace,
    extent: SegmentExtent,
}

/// A transfer, and how far it is.
#[derive(Clone, Debug)]
struct Transfer {
    role: Role,
    node: u64,
    /// Queue, or row of the asking node.
    slot: u64,
    generation: u64,
    index: u64,
    endpoint: u64,
    channel: bool,
    remote_segment: u64,
    remote_generation: u64,
    remote: u64,
    source: u64,
    source_generation: u64,
    local: u64,
    bytes: u64,
    operation: u64,
    row: u64,
    row_generation: u64,
    begun: usize,
    /// Bytes handed over; of a READ: that arrived.
    next: u64,
    handed: u64,
    left: u64,
    unanswered: u64,
    /// Where the last piece of a READ began, of which the block may not know yet that it is there.
    piece: u64,
    /// A READ waits for the bytes up to here.
    asked: Option<u64>,
    arrived: u64,
    causes: BTreeSet<u64>,
    aborted: Option<usize>,
    unparked: bool,
    told: bool,
}

impl Transfer {
    /// Error of its next frame with this segment, or its host address.
    fn check(&self, segment: &Segment) -> Result<u64, u64> {
        let (place, extent) = (segment.place, segment.extent);
        if self.role == Role::Reply {
            if place.valid == 0 {
                return Err(error::BAD_SEGMENT as u64);
            }
            if extent.generation != self.source_generation {
                return Err(error::STALE_SEGMENT as u64);
            }
            if place.remote_read == 0 {
                return Err(error::SEGMENT_RIGHTS as u64);
            }
        } else if place.valid == 0 || place.local == 0 || extent.owner != self.endpoint {
            return Err(error::BAD_SEGMENT as u64);
        }
        let local = self.local + self.next;
        if local + self.size() > extent.last + 1 || self.remote + self.next > u64::from(u32::MAX) {
            return Err(error::SEGMENT_RANGE as u64);
        }
        Ok((place.page << 12) + local)
    }

    /// Bytes of its next frame.
    fn size(&self) -> u64 {
        let block = BLOCK_BYTES as u64;
        let most = if self.role == Role::Read {
            READ_PIECE_BYTES as u64
        } else {
            block - (self.remote + self.next) % block
        };
        most.min(self.bytes - self.next)
    }
}

/// A job in `ChunkSend`.
#[derive(Clone, Copy, Debug)]
struct Job {
    transfer: usize,
    asks: bool,
    bytes: u64,
    read: bool,
    broken: bool,
}

/// Something that comes later.
#[derive(Clone, Copy, Debug)]
enum News {
    Answer(Answer, Option<usize>),
    Data(Arrived, usize),
}

struct World {
    random: Random,
    unit: TransferEngine,
    cycle: usize,
    roles: &'static [Role],
    transfers: Vec<Transfer>,
    rows: [Option<usize>; 16],
    segments: BTreeMap<u64, Segment>,
    /// Each segment as it was, from which cycle on.
    history: BTreeMap<u64, Vec<(usize, Segment)>>,
    own: [Option<Segment>; 8],
    revises: bool,
    found: Option<Segment>,
    descriptor: VecDeque<Beat>,
    descriptor_of: Option<usize>,
    read_job: Option<usize>,
    jobs: VecDeque<Job>,
    place: u64,
    chunk: Option<(u64, u64, u64, u64)>,
    answers: Vec<(usize, News)>,
    waiting: usize,
    ends: BTreeMap<u64, usize>,
    silent: usize,
    /// Last control word or failure.
    ended_at: usize,
}

impl World {
    fn new(seed: u64, roles: &'static [Role]) -> Self {
        println!("seed {seed}");
        let mut unit = TransferEngine::default();
        unit.connect_all();
        unit.node.next = NODE.to_bits();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        for _ in 0..20 {
            clock_cycle!(unit, clock);
        }
        let mut world = Self {
            random: Random::new(seed),
            unit,
            cycle: 0,
            roles,
            transfers: Vec::new(),
            rows: [None; 16],
            segments: BTreeMap::new(),
            history: BTreeMap::new(),
            own: [None; 8],
            revises: false,
            found: None,
            descriptor: VecDeque::new(),
            descriptor_of: None,
            read_job: None,
            jobs: VecDeque::new(),
            place: 0,
            chunk: None,
            answers: Vec::new(),
            waiting: 0,
            ends: BTreeMap::new(),
            silent: 0,
            ended_at: 0,
        };
        for number in 0..8 {
            world.write_segment(number);
        }
        world
    }

    /// Mostly a good one.
    fn write_segment(&mut self, number: u64) {
        let random = &mut self.random;
        let good = |random: &mut Random| u64::from(random.chance(95));
        let segment = Segment {
            place: SegmentPlace {
                valid: good(random),
                local: good(random),
                remote_read: good(random),
                page: random.word() >> 19,
                ..Default::default()
            },
            extent: SegmentExtent {
                last: if random.chance(80) {
                    u64::from(u32::MAX)
                } else {
                    random.below(40_000)
                },
                owner: number % 2,
                generation: random.below(2),
                ..Default::default()
            },
        };
        self.segments.insert(number, segment);
        let history = self.history.entry(number).or_default();
        history.push((self.cycle, segment));
    }

    /// What the transfer's next frame may meet, of the versions of its segment from a cycle on.
    fn outcomes(&self, transfer: &Transfer, from: usize) -> Vec<Result<u64, u64>> {
        let Some(history) = self.history.get(&transfer.source) else {
            return vec![Err(error::BAD_SEGMENT as u64)];
        };
        let first = history.partition_point(|(cycle, _)| *cycle <= from);
        let versions = &history[first.saturating_sub(1)..];
        versions.iter().map(|(_, s)| transfer.check(s)).collect()
    }

    fn new_transfer(&mut self, role: Role) -> Transfer {
        let random = &mut self.random;
        let is_far = random.chance(3);
        let bytes = match random.below(20) {
            0 => 0,
            1 => 1 + random.below(60_000),
            2..8 => 1 + random.below(16),
            _ => 1 + random.below(3000),
        };
        let mut transfer = Transfer {
            role,
            node: NODE + 1 + random.below(2),
            slot: random.below(6),
            // No two are the same.
            generation: self.transfers.len() as u64 / 128,
            index: self.transfers.len() as u64 % 128,
            endpoint: random.below(2),
            channel: random.chance(50),
            remote_segment: random.below(256),
            remote_generation: random.below(256),
            remote: if is_far {
                u64::from(u32::MAX) - random.below(500)
            } else {
                random.below(5000)
            },
            source: 0,
            source_generation: random.below(2),
            local: random.below(20_000),
            bytes,
            operation: if role == Role::Read {
                operation::READ as u64
            } else {
                operation::WRITE as u64
            },
            row: 0,
            row_generation: 0,
            begun: self.cycle,
            next: 0,
            handed: 0,
            left: 0,
            unanswered: 0,
            piece: 0,
            asked: None,
            arrived: 0,
            causes: BTreeSet::new(),
            aborted: None,
            unparked: role == Role::Reply,
            told: false,
        };
        // A segment of the endpoint, as a rule.
        transfer.source = random.below(4) * 2 + transfer.endpoint;
        if role == Role::Reply {
            transfer.endpoint = 0;
            transfer.channel = true;
            transfer.remote = random.below(4096);
            transfer.remote_segment = 256 + random.below(8);
            transfer.generation = self.transfers.len() as u64 % 256;
            transfer.remote_generation = transfer.generation;
            transfer.bytes = transfer.bytes.clamp(1, READ_PIECE_BYTES as u64);
            return transfer;
        }
        match random.below(60) {
            0 => {
                transfer.node = NODE;
                transfer.causes.insert(error::BAD_SEGMENT as u64);
            }
            1 => {
                transfer.operation = 3 + random.below(13);
                transfer.causes.insert(error::SEGMENT_RIGHTS as u64);
            }
            2 => {
                transfer.source += 256 << random.below(4);
                transfer.causes.insert(error::BAD_SEGMENT as u64);
            }
            3 => {
                transfer.bytes = (1 << 30) + 1 + random.below(1000);
                transfer.causes.insert(error::SEGMENT_RANGE as u64);
            }
            4 => transfer.source ^= 1,
            _ => {}
        }
        transfer
    }

    fn beats(transfer: &Transfer) -> VecDeque<Beat> {
        let header = Header {
            kind: abi::link::kind::BULK as u64,
            virtual_channel: transfer.channel.into(),
            destination_node: transfer.node,
            source_node: NODE,
            slot: transfer.slot,
            generation: transfer.generation,
            index: transfer.index,
            source_endpoint: transfer.endpoint,
            receive_queue_id: transfer.remote_segment,
            tag: transfer.remote_generation,
            ..Default::default()
        };
        let remote = Remote {
            offset: transfer.remote,
            operation: transfer.operation,
            trail: 0,
        };
        let local = TransferLocal {
            offset: transfer.local,
            segment: transfer.source,
        };
        let length = TransferLength {
            bytes: transfer.bytes,
        };
        let places = u128::from(remote.pack()) | (u128::from(local.pack()) << 64);
        let words = [header.pack(), places, u128::from(length.pack())];
        let beats = words.iter().enumerate();
        beats
            .map(|(at, word)| Beat {
                data: word.to_bits(),
                last: at == 2,
            })
            .collect()
    }

    /// One cycle: inputs, checks of the outputs, edge.
    fn step(&mut self, begins: bool) {
        self.unit.commit.next.valid = false;
        self.unit.queue_configuration.next = Default::default();
        self.unit.progress.next = Default::default();
        self.unit.left.next = Default::default();
        self.unit.arrived.next = Default::default();
        self.unit.counted_valid.next = false;
        self.unit.unpark_ready.next = self.random.chance(40);
        self.unit.done_ready.next = self.random.chance(40);
        self.unit.verdict_ready.next = self.random.chance(40);
        let place = self.place;
        self.unit.place.next = place.to_bits();
        self.unit.job_ready.next = self.jobs.len() < 16 && self.chunk.is_none();
        self.unit.chunk_ready.next = self.random.chance(50);

        // Segments: what was looked up, and what firmware writes.
        self.unit.revised.next = std::mem::take(&mut self.revises);
        let found = self.found.take();
        self.unit.found.next = found.is_some();
        let words = found.map_or(0, |s| {
            u128::from(s.place.pack()) | (u128::from(s.extent.pack()) << 64)
        });
        self.unit.entry.next.words = words.to_bits();
        let writes = begins && self.random.below(1000) < 4;
        self.unit.own_ready.next = !writes;

        // A control word or a failure.
        if self.random.below(1000) < 2 {
            let queue = self.random.below(8);
            self.ended_at = self.cycle;
            if self.random.chance(50) {
                self.unit.queue_configuration.next = control(queue, 0);
            } else {
                self.unit.progress.next.valid = true;
                self.unit.progress.next.queue = queue.to_bits();
                self.unit.progress.next.failed = true;
            }
            for transfer in self.rows.iter().take(8).flatten() {
                let transfer = &mut self.transfers[*transfer];
                if transfer.slot == queue && transfer.aborted.is_none() {
                    transfer.aborted = Some(self.cycle);
                }
            }
            if let Some(transfer) = self
                .descriptor_of
                .filter(|t| self.transfers[*t].slot == queue)
            {
                self.transfers[transfer].aborted.get_or_insert(self.cycle);
            }
        }

        // The transmit engine: a commit, the descriptor.
        settle(&mut self.unit);
        let own_roles: Vec<Role> = self
            .roles
            .iter()
            .copied()
            .filter(|r| *r != Role::Reply)
            .collect();
        // A queue that has just failed commits nothing, or ends it.
        let is_quiet = self.cycle > self.ended_at + 3;
        if begins
            && is_quiet
            && self.unit.room.val()
            && !own_roles.is_empty()
            && self.random.chance(20)
        {
            let role = own_roles[self.random.below(own_roles.len() as u64) as usize];
            let mut transfer = self.new_transfer(role);
            // A queue that is parked commits nothing.
            let parks = |slot: u64| {
                let live = self.rows[..8].iter().flatten();
                live.map(|of| &self.transfers[*of])
                    .any(|t| t.slot == slot && !t.unparked && t.aborted.is_none())
            };
            while parks(transfer.slot) {
                transfer.slot += 1;
            }
            assert!(
                self.descriptor_of.is_none(),
                "a row before the last descriptor came"
            );
            self.unit.commit.next.valid = true;
            self.unit.commit.next.queue = transfer.slot.to_bits();
            self.descriptor = Self::beats(&transfer);
            self.descriptor_of = Some(self.transfers.len());
            self.transfers.push(transfer);
        }
        let is_offered = !self.descriptor.is_empty() && self.random.chance(50);
        self.unit.transfer.valid.next = is_offered;
        self.unit.transfer.beat.next = self.descriptor.front().copied().unwrap_or_default();
        if self.read_job.is_none()
            && begins
            && self.unit.read_room.val()
            && self.roles.contains(&Role::Reply)
            && self.random.chance(10)
        {
            let transfer = self.new_transfer(Role::Reply);
            self.unit.read_job.next = ReadJob {
                node: transfer.node.to_bits(),
                row: transfer.slot.to_bits(),
                generation: transfer.generation.to_bits(),
                segment: transfer.source.to_bits(),
                segment_generation: transfer.source_generation.to_bits(),
                channel: false,
                offset: transfer.local.to_bits(),
                bytes: transfer.bytes.to_bits(),
                reply_segment: transfer.remote_segment.to_bits(),
                reply_offset: transfer.remote.to_bits(),
            };
            self.read_job = Some(self.transfers.len());
            self.transfers.push(transfer);
        }
        self.unit.read_valid.next = self.read_job.is_some();

        // `ChunkSend`: reads end, the head leaves.
        settle(&mut self.unit);
        let dropped = self.unit.dropped.val();
        for job in &mut self.jobs {
            job.read |= self.chunk.is_none() && self.random.chance(10);
        }
        if let Some(job) = self.jobs.front().copied()
            && (job.read || job.asks)
            && self.random.chance(10)
        {
            self.jobs.pop_front();
            let row = self.transfers[job.transfer].row;
            self.unit.left.next = ChunkLeft {
                valid: true,
                row: row.to_bits(),
                last: false,
                broken: job.broken,
            };
            self.transfers[job.transfer].left += 1;
            if job.broken {
                let causes = &mut self.transfers[job.transfer].causes;
                causes.insert(error::TRANSFER_FAILED as u64);
            } else if !dropped.get_bit(row as usize) {
                self.frame_left(job);
            }
        }
        self.news();

        settle(&mut self.unit);
        self.look();
        let engine_query = self.unit.query.val();
        if engine_query.valid && !writes {
            let number = engine_query.segment.to_u64();
            self.found = Some(self.segments.get(&number).copied().unwrap_or_default());
        }
        if writes {
            let number = self.random.below(8);
            self.write_segment(number);
            self.revises = true;
        }
        clock_cycle!(self.unit, clock);
        self.cycle += 1;
        self.rows_end();
    }

    /// A frame is at the peer: it answers at some time.
    fn frame_left(&mut self, job: Job) {
        let transfer = &mut self.transfers[job.transfer];
        let random = &mut self.random;
        let when = self.cycle + 5 + random.below(300) as usize;
        if transfer.role == Role::Reply {
            return;
        }
        let mut answer = Answer {
            node: transfer.node.to_bits(),
            slot: transfer.row.to_bits(),
            generation: transfer.row_generation.to_bits(),
            base: 1u64.to_bits(),
            bitmap: random.bits(),
            verdict: 0u64.to_bits(),
        };
        if random.below(300) == 0 {
            answer.verdict = (11 + random.below(5)).to_bits();
        } else if job.asks && random.chance(20) {
            answer.verdict = (BUSY as u64).to_bits();
        } else if job.asks {
            let mut rest = job.bytes;
            let mut at = when;
            while rest > 0 {
                let bytes = rest.min(1 + random.below(256));
                let data = Arrived {
                    valid: true,
                    row: transfer.row.to_bits(),
                    generation: transfer.row_generation.to_bits(),
                    bytes: bytes.to_bits(),
                };
                self.answers.push((at, News::Data(data, job.transfer)));
                rest -= bytes;
                at += 1 + random.below(30) as usize;
            }
            return;
        }
        self.answers
            .push((when, News::Answer(answer, Some(job.transfer))));
        if random.chance(10) {
            // Nobody's.
            match random.below(3) {
                0 => answer.node = (transfer.node ^ 1).to_bits(),
                1 => answer.generation = (transfer.row_generation ^ 0x80).to_bits(),
                _ => answer.slot = (transfer.row + 8).to_bits(),
            }
            answer.verdict = random.bits();
            self.answers.push((when, News::Answer(answer, None)));
        }
    }

    /// At most one answer and one piece of data that is due.
    fn news(&mut self) {
        let due = |news: &(usize, News), data: bool| {
            news.0 <= self.cycle && matches!(news.1, News::Data(..)) == data
        };
        let data = self.answers.iter().position(|news| due(news, true));
        let answer = self.answers.iter().position(|news| due(news, false));
        let mut taken: Vec<usize> = [data, answer].into_iter().flatten().collect();
        taken.sort_unstable();
        for at in taken.into_iter().rev() {
            match self.answers.remove(at).1 {
                News::Answer(answer, of) => {
                    self.unit.counted_valid.next = true;
                    self.unit.counted.next = answer;
                    let verdict = answer.verdict.to_u64();
                    let Some(of) = of else { continue };
                    let transfer = &mut self.transfers[of];
                    if verdict >= 8 {
                        transfer.causes.insert(verdict);
                    }
                    transfer.unanswered = transfer.unanswered.saturating_sub(1);
                }
                News::Data(data, of) => {
                    let row = data.row.to_u64() as usize;
                    let is_open = self.own[row].is_some_and(|segment| {
                        segment.extent.generation == data.generation.to_u64()
                    });
                    if is_open {
                        self.unit.arrived.next = data;
                        self.transfers[of].arrived += data.bytes.to_u64();
                    }
                }
            }
        }
    }

    /// What the block says in this cycle.
    fn look(&mut self) {
        let cycle = self.cycle;
        if self.unit.transfer.valid.val() && self.unit.transfer.ready.val() {
            self.descriptor.pop_front();
        }
        let header = self.unit.header.val();
        if header.valid {
            let is_reply = header.row.get_bit(3);
            let of = if is_reply {
                self.read_job
            } else {
                self.descriptor_of
            };
            let of = of.expect("a row without cause");
            let row = header.row.to_u64();
            assert_eq!(self.rows[row as usize], None);
            self.rows[row as usize] = Some(of);
            let transfer = &mut self.transfers[of];
            transfer.row = row;
            transfer.begun = cycle;
            transfer.row_generation = header.generation.to_u64();
            assert_eq!(header.node.to_u64(), transfer.node);
            assert_eq!(header.channel, transfer.channel);
            assert_eq!(header.endpoint.to_u64(), transfer.endpoint);
            assert_eq!(header.segment.to_u64(), transfer.remote_segment);
            let generation = header.segment_generation.to_u64();
            assert_eq!(generation, transfer.remote_generation);
            assert_eq!(header.counted, !is_reply);
            let slot = if is_reply { transfer.slot } else { row };
            assert_eq!(header.slot.to_u64(), slot);
            if is_reply {
                assert_eq!(header.generation.to_u64(), transfer.generation);
            }
        }
        if self.unit.read_ready.val() {
            assert!(self.read_job.take().is_some());
        }
        if self.descriptor.is_empty() && self.unit.started.val() {
            self.descriptor_of = None;
        }

        // The read of the last job.
        if let Some((address, words, buffer, position)) = self.chunk {
            let chunk = self.unit.chunk.val();
            assert!(chunk.valid);
            assert_eq!(chunk.address.to_u64(), address);
            assert_eq!(chunk.words.to_u64(), words);
            assert_eq!(chunk.buffer.to_u64(), buffer);
            assert_eq!(chunk.position.to_u64(), position);
            if self.unit.chunk_ready.val() {
                self.chunk = None;
            }
        } else {
            assert!(!self.unit.chunk.val().valid);
        }
        if self.unit.job_valid.val() {
            self.job();
        }
        if self.unit.own.val().valid && self.unit.own_ready.val() {
            self.own_segment();
        }

        if self.unit.unpark.val().valid && self.unit.unpark_ready.val() {
            let queue = self.unit.unpark.val().queue.to_u64();
            let of = self
                .rows
                .iter()
                .flatten()
                .chain(self.ends.values())
                .copied()
                .find(|of| {
                    let t = &self.transfers[*of];
                    t.slot == queue
                        && !t.unparked
                        && t.aborted.is_none_or(|at| at + 3 > cycle)
                        && t.left == t.handed
                        && (t.next == t.bytes
                            || t.asked == Some(t.bytes)
                            || !t.causes.is_empty()
                            || self.outcomes(t, t.begun).iter().any(Result::is_err))
                });
            let of = of.unwrap_or_else(|| panic!("unpark of {queue} in {cycle}"));
            self.transfers[of].unparked = true;
        }
        if self.unit.done.val().valid && self.unit.done_ready.val() {
            self.done();
        }
        if self.unit.verdict_valid.val() && self.unit.verdict_ready.val() {
            let verdict = self.unit.verdict.val();
            let of = self.transfers.iter_mut().find(|t| {
                t.role == Role::Reply
                    && !t.told
                    && t.slot == verdict.slot.to_u64()
                    && t.generation == verdict.generation.to_u64()
                    && t.node == verdict.node.to_u64()
            });
            let transfer = of.expect("a reply");
            assert!(verdict.counted);
            transfer.told = true;
            let transfer = transfer.clone();
            self.assert_cause(&transfer, verdict.status.to_u64());
        }
        // Nothing is held: what takes data of a READ is what the segments say now.
        let is_written = self.unit.own.val().valid
            || self.unit.revised.val()
            || self
                .history
                .values()
                .flatten()
                .any(|(at, _)| at + 3 > cycle);
        if !self.unit.holds_older.val() && !is_written {
            for (row, open) in self.own.iter().enumerate() {
                let (Some(open), Some(of)) = (open, self.rows[row]) else {
                    continue;
                };
                let transfer = &self.transfers[of];
                let start = self
                    .segments
                    .get(&transfer.source)
                    .map(|s| s.place.page << 12);
                let offset = (transfer.local + transfer.piece) & !4095;
                let next = (transfer.local + transfer.next) & !4095;
                let page = open.place.page << 12;
                let is_now = [offset, next]
                    .iter()
                    .any(|at| start.map(|s| s + at) == Some(page));
                assert!(is_now, "{page:x} is no longer the memory of {transfer:?}");
            }
        }
        // Until firmware writes again.
        self.silent = if self.unit.holds_older.val() {
            self.silent + 1
        } else {
            0
        };
        assert!(self.silent < 3000, "holds_older for ever");
    }

    fn assert_cause(&self, transfer: &Transfer, code: u64) {
        let is_local = self.outcomes(transfer, transfer.begun).contains(&Err(code));
        assert!(
            transfer.causes.contains(&code) || is_local,
            "{code} without a cause: {transfer:?}"
        );
    }

    fn job(&mut self) {
        let job = self.unit.job.val();
        assert!(self.unit.job_ready.val());
        let of = self.rows[job.row.index()].expect("a live row");
        let transfer = self.transfers[of].clone();
        // A control word is seen two cycles later.
        assert!(
            transfer.aborted.is_none_or(|at| self.cycle <= at + 3),
            "a job of an ended row: {transfer:?}"
        );
        let bytes = transfer.size();
        assert_eq!(job.offset.to_u64(), transfer.remote + transfer.next);
        assert_eq!(job.bytes.to_u64(), bytes);
        assert_eq!(job.asks, transfer.role == Role::Read);
        assert!(transfer.causes.iter().all(|c| *c >= 11));
        // The segment as it is, or was before `revised`; a question may leave just before the own segment is written
        // anew.
        let asks = job.asks;
        let old = if asks { 4 } else { 2 };
        let addresses: Vec<u64> = self
            .outcomes(&transfer, self.cycle.saturating_sub(old))
            .into_iter()
            .flatten()
            .collect();
        if asks {
            assert!(transfer.asked.is_none() || transfer.arrived == 0 || transfer.arrived < bytes);
            let open = self.own[job.row.index()].expect("the own segment is open");
            let start = (open.place.page << 12) + job.reply_offset.to_u64();
            assert!(addresses.contains(&start), "{transfer:?}");
            assert_eq!(open.extent.last, job.reply_offset.to_u64() + bytes - 1);
        } else {
            let (source, target) = (
                transfer.local + transfer.next,
                transfer.remote + transfer.next,
            );
            let position = if source % 4 >= target % 4 { 2 } else { 3 };
            let delta = (4 * (position - 2) + source % 4) - target % 4;
            assert_eq!(job.delta.to_u64(), delta);
            let words = (source % 4 + bytes).div_ceil(4);
            let now = addresses.first().copied();
            let now = now.unwrap_or_else(|| panic!("no such memory: {transfer:?}"));
            // Which of the versions shows in the next cycle.
            self.chunk = Some((now & !3, words, self.place, position));
            let address = self.unit.address.val().to_u64();
            assert!(addresses.contains(&address), "{address:x} {transfer:?}");
            self.chunk = Some((address & !3, words, self.place, position));
        }
        self.place = (self.place + 1) % 16;
        let broken = !asks && self.random.below(400) == 0;
        self.jobs.push_back(Job {
            transfer: of,
            asks,
            bytes,
            read: false,
            broken,
        });
        let transfer = &mut self.transfers[of];
        transfer.handed += 1;
        if asks {
            transfer.asked = Some(transfer.next + bytes);
            transfer.piece = transfer.next;
            transfer.arrived = 0;
        } else {
            transfer.next += bytes;
            transfer.unanswered += u64::from(transfer.role == Role::Write);
            assert!(transfer.unanswered <= 64);
        }
    }

    fn own_segment(&mut self) {
        let own = self.unit.own.val();
        let row = own.row.index();
        let place = SegmentPlace::unpack(own.entry.words.get_bits::<64>(0).to_u64());
        let extent = SegmentExtent::unpack(own.entry.words.get_bits::<64>(64).to_u64());
        if place.valid == 0 {
            assert_eq!(place, SegmentPlace::default());
            self.own[row] = None;
            return;
        }
        let of = self.rows[row].expect("a live row");
        let transfer = &self.transfers[of];
        assert_eq!(transfer.role, Role::Read);
        assert_eq!(extent.node, transfer.node);
        assert_eq!(extent.generation, transfer.row_generation);
        assert_eq!((place.remote_write, place.any_endpoint), (1, 1));
        assert_eq!((place.any_node, place.local, place.remote_read), (0, 0, 0));
        let is_one_of = [transfer.next, transfer.piece].iter().any(|next| {
            let piece = Transfer {
                next: *next,
                ..transfer.clone()
            };
            let offset = (piece.local + piece.next) % 4096;
            let outcomes = self.outcomes(&piece, self.cycle.saturating_sub(2));
            outcomes.contains(&Ok((place.page << 12) + offset))
                && extent.last == offset + piece.size() - 1
        });
        assert!(is_one_of, "{transfer:?}");
        self.own[row] = Some(Segment { place, extent });
    }

    fn done(&mut self) {
        let done = self.unit.done.val();
        let code = done.code.to_u64();
        let of = self.rows[..8]
            .iter()
            .flatten()
            .chain(self.ends.values())
            .copied()
            .find(|of| {
                let t = &self.transfers[*of];
                !t.told
                    && t.node == done.node.to_u64()
                    && t.slot == done.queue.to_u64()
                    && t.generation == done.generation.to_u64()
                    && t.index == done.index.to_u64()
            });
        let of = of.unwrap_or_else(|| panic!("{done:?} of nothing"));
        if code == 5 {
            self.waiting += 1;
            return;
        }
        let transfer = self.transfers[of].clone();
        self.transfers[of].told = true;
        if code == 0 {
            assert!(transfer.next == transfer.bytes, "not all: {transfer:?}");
            assert_eq!(transfer.unanswered, 0);
            assert_eq!(transfer.handed, transfer.left);
        } else {
            self.assert_cause(&transfer, code);
        }
    }

    /// Rows that are free again.
    fn rows_end(&mut self) {
        let used = self.unit.used.q.val();
        for row in 0..16 {
            let Some(of) = self.rows[row] else { continue };
            let transfer = &mut self.transfers[of];
            if transfer.role == Role::Read
                && let Some(asked) = transfer.asked
                && transfer.arrived == asked - transfer.next
            {
                transfer.next = asked;
                transfer.asked = None;
                transfer.arrived = 0;
            }
            if used.get_bit(row) {
                continue;
            }
            self.rows[row] = None;
            assert_eq!(transfer.handed, transfer.left, "{transfer:?}");
            if row < 8 {
                assert!(self.own[row].is_none(), "the own segment stays");
            } else if transfer.next == transfer.bytes && !transfer.causes.contains(&15) {
                transfer.told = true;
            }
            self.ends.insert(of as u64, of);
        }
        let live = self.rows.iter().flatten().count();
        let pending = usize::from(
            self.descriptor_of
                .is_some_and(|of| !self.rows.contains(&Some(of))),
        );
        assert_eq!(used.count_ones_here(), live + pending);
    }
}

/// Bits that are set.
trait CountOnes {
    fn count_ones_here(&self) -> usize;
}

impl<const N: usize> CountOnes for Bits<N> {
    fn count_ones_here(&self) -> usize {
        (0..N).filter(|at| self.get_bit(*at)).count()
    }
}

fn run(seed: u64, roles: &'static [Role], cycles: usize) {
    let mut world = World::new(seed, roles);
    for _ in 0..cycles {
        world.step(true);
    }
    for _ in 0..40_000 {
        world.step(false);
        if world.rows.iter().all(Option::is_none)
            && world.jobs.is_empty()
            && world.descriptor_of.is_none()
        {
            break;
        }
    }
    for _ in 0..50 {
        world.step(false);
    }
    assert!(
        world.rows.iter().all(Option::is_none),
        "rows stay: {:?}",
        world.rows
    );
    assert_eq!(world.silent, 0);
    let (mut good, mut bad, mut aborted) = (0, 0, 0);
    for transfer in &world.transfers {
        if transfer.aborted.is_some() {
            aborted += 1;
            continue;
        }
        assert!(transfer.told && transfer.unparked, "{transfer:?}");
        if transfer.next == transfer.bytes {
            good += 1
        } else {
            bad += 1
        }
    }
    println!(
        "{good} good, {bad} bad, {aborted} aborted, {} waiting",
        world.waiting
    );
    assert!(good > cycles / 1000 && bad > 5 && (aborted > 5 || roles == [Role::Reply]));
}

#[test]
fn each_write_sends_its_range_and_ends_once() {
    run(21, &[Role::Write], 40_000);
}

#[test]
fn each_read_fills_its_range_and_ends_once() {
    run(22, &[Role::Read], 40_000);
}

#[test]
fn replies_and_transfers_go_side_by_side() {
    run(23, &[Role::Write, Role::Read, Role::Reply], 40_000);
}

/// The link takes 18 cycles for a frame; each frame is answered by itself.
#[test]
fn the_first_frame_comes_nine_cycles_behind_the_descriptor_and_the_next_within_eighteen() {
    let mut world = World::new(3, &[Role::Write]);
    let mut transfer = world.new_transfer(Role::Write);
    transfer.bytes = 20_000;
    transfer.source = 0;
    transfer.operation = operation::WRITE as u64;
    let mut unit = world.unit;
    unit.commit.next.valid = true;
    let mut beats = World::beats(&transfer);
    let place = SegmentPlace {
        valid: 1,
        local: 1,
        ..Default::default()
    };
    let extent = SegmentExtent {
        last: u32::MAX.into(),
        owner: transfer.endpoint,
        ..Default::default()
    };
    let words = u128::from(place.pack()) | (u128::from(extent.pack()) << 64);
    unit.entry.next.words = words.to_bits();
    unit.own_ready.next = true;
    unit.job_ready.next = true;
    unit.chunk_ready.next = true;
    let mut jobs = Vec::new();
    let mut last_beat = 0;
    let mut answer = Answer {
        node: transfer.node.to_bits(),
        base: 1u64.to_bits(),
        ..Default::default()
    };
    for cycle in 0..1500 {
        unit.left.next.valid = jobs.contains(&(cycle - 20));
        unit.counted_valid.next = jobs.contains(&(cycle - 60));
        unit.transfer.valid.next = !beats.is_empty();
        unit.transfer.beat.next = beats.front().copied().unwrap_or_default();
        unit.counted.next = answer;
        settle(&mut unit);
        let asks = unit.query.val().valid;
        if unit.header.val().valid {
            answer.generation = unit.header.val().generation;
        }
        if !beats.is_empty() && unit.transfer.ready.val() {
            beats.pop_front();
            last_beat = cycle;
        }
        if unit.job_valid.val() {
            jobs.push(cycle);
        }
        clock_cycle!(unit, clock);
        unit.commit.next.valid = false;
        unit.found.next = asks;
    }
    assert_eq!(
        jobs.len(),
        (transfer.remote % 256 + 20_000).div_ceil(256) as usize
    );
    assert_eq!(jobs[0], last_beat + 9);
    let most = jobs.windows(2).map(|pair| pair[1] - pair[0]).max();
    println!("a frame every {most:?} cycles at most");
    assert!(most <= Some(18), "{jobs:?}");
}

#[test]
fn gate() {
    Gate::new("transfer_engine", TransferEngine::default())
        .clock(|unit| &mut unit.clock)
        .cycles(3000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.node.next = NODE.to_bits();
            unit.commit.next.valid = unit.room.val() && random.chance(30);
            unit.commit.next.queue = random.below(4).to_bits();
            unit.transfer.valid.next = random.chance(60);
            unit.transfer.beat.next.data = random.bits();
            unit.read_valid.next = unit.read_room.val() && random.chance(10);
            unit.read_job.next.bytes = random.below(2000).to_bits();
            unit.read_job.next.offset = random.bits();
            unit.job_ready.next = true;
            unit.place.next = random.bits();
            unit.chunk_ready.next = random.chance(60);
            unit.found.next = random.chance(60);
            unit.entry.next.words = random.bits();
            unit.own_ready.next = random.chance(80);
            unit.revised.next = random.chance(2);
            unit.left.next.valid = random.chance(20);
            unit.left.next.row = random.bits();
            unit.counted_valid.next = random.chance(20);
            unit.counted.next.slot = random.below(16).to_bits();
            unit.counted.next.node = random.bits();
            unit.counted.next.base = random.below(4).to_bits();
            unit.counted.next.generation = random.below(4).to_bits();
            unit.done_ready.next = random.chance(50);
            unit.unpark_ready.next = random.chance(50);
            unit.verdict_ready.next = random.chance(50);
            let configured = random.chance(2);
            unit.queue_configuration.next.control = configured;
            unit.queue_configuration.next.queue = random.below(4).to_bits();
        });
}
