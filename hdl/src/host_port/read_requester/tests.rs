//! `ReadRequester` between a host that answers in every legal way and an inbox.

mod host;

use super::*;
use crate::gate::Gate;
use crate::host_port::test_support::*;
use host::{ABORT, Completion, Pending, Told, junk, legal_piece, memory};

const REQUESTER: u16 = 0x0305;
const DONE: u64 = abi::command::completion_status::DONE as u64;
const REFUSED: u64 = abi::command::completion_status::REFUSED as u64;
const TIMEOUT: u64 = abi::command::completion_status::TIMEOUT as u64;

/// Where the chunk buffers begin in `Bench::inbox`.
const CHUNKS: usize = 2048;
const CHUNK_BYTES: usize = 512;

/// The unit, the host's side of its ports, and what has happened.
struct Bench {
    unit: ReadRequester,
    cycle: u64,
    maximum: u64,
    /// Beats on their way to the unit, one a cycle (or a gap).
    completions: Vec<Option<Told>>,
    /// Requests not yet answered in full.
    pending: Vec<Pending>,
    /// All requests, as they left.
    requests: Vec<Pending>,
    /// The inbox, and behind it (`CHUNKS`) the chunk buffers.
    inbox: Vec<u8>,
    /// A read into a chunk buffer that is offered, until it is taken.
    chunk: Option<ChunkRead>,
    /// Ranges of `inbox` that may be written.
    open: Vec<std::ops::Range<usize>>,
    finished: Vec<(u64, u64, u64)>,
    unexpected: usize,
    errors: usize,
    timeouts: Vec<u64>,
    last_completion: u64,
}

impl Bench {
    fn new(timeout: u64, maximum: u64) -> Self {
        let mut unit = ReadRequester::new(timeout);
        unit.connect_all();
        unit.requester_id.next = REQUESTER.to_bits();
        unit.maximum_read_request.next = maximum.to_bits();
        let mut bench = Self {
            unit,
            cycle: 0,
            maximum,
            completions: vec![],
            pending: vec![],
            requests: vec![],
            inbox: vec![0; CHUNKS + 16 * CHUNK_BYTES],
            chunk: None,
            open: vec![],
            finished: vec![],
            unexpected: 0,
            errors: 0,
            timeouts: vec![],
            last_completion: 0,
        };
        settle(&mut bench.unit);
        bench.unit.reset.next = true;
        for _ in 0..4 {
            clock_cycle!(bench.unit, clock);
        }
        bench.unit.reset.next = false;
        bench
    }

    /// One cycle; true if the command offered was taken.
    fn step(&mut self, command: Option<ReadCommand>, take_request: bool, take_end: bool) -> bool {
        self.unit.request_valid.next = command.is_some();
        self.unit.request.next = command.unwrap_or_default();
        self.unit.source.ready.next = take_request;
        self.unit.finished_ready.next = take_end;
        self.unit.chunk.next = self.chunk.unwrap_or_default();
        let next = if self.completions.is_empty() {
            None
        } else {
            self.completions.remove(0)
        };
        self.unit.completion_valid.next = next.is_some();
        // Between packets the bus carries rubbish.
        let rubbish = (u128::MAX / 5 * u128::from(self.cycle % 5), true, true);
        let (data, last, malformed) = next.unwrap_or(rubbish);
        self.unit.completion.next = beat(data, last);
        self.unit.completion_malformed.next = malformed;
        if next.is_some() {
            self.last_completion = self.cycle;
        }
        settle(&mut self.unit);
        let taken = command.is_some() && self.unit.request_ready.val();
        if self.unit.source.valid.val() && take_request {
            let packet = self.unit.source.beat.val();
            assert!(packet.last);
            let request = read_request(&[number(packet.data)], 128 << self.maximum.min(5));
            assert!(!request.write);
            assert!(request.tag < 16);
            assert_eq!(request.requester, REQUESTER);
            assert!(
                self.pending.iter().all(|other| other.tag != request.tag),
                "tag {} is outstanding",
                request.tag
            );
            let pending = Pending {
                tag: request.tag,
                address: request.address,
                bytes: request.double_words * 4,
                sent_at: self.cycle,
            };
            self.pending.push(pending.clone());
            self.requests.push(pending);
        }
        if self.chunk.is_some() && self.unit.chunk_ready.val() {
            self.chunk = None;
        }
        assert!(!(self.unit.inbox_valid.val() && self.unit.chunk_valid.val()));
        if self.unit.inbox_valid.val() || self.unit.chunk_valid.val() {
            let word = match self.unit.inbox_valid.val() {
                true => self.unit.inbox_address.val().to_u64() as usize * 16,
                false => CHUNKS + self.unit.chunk_address.val().to_u64() as usize * 16,
            };
            let data = number(self.unit.inbox_data.val()).to_le_bytes();
            let enables = self.unit.inbox_enables.val().to_u64();
            for lane in (0..16).filter(|lane| enables >> lane & 1 == 1) {
                let place = word + lane;
                assert!(
                    self.open.iter().any(|range| range.contains(&place)),
                    "cycle {}: write to {place} outside of all reads",
                    self.cycle
                );
                self.inbox[place] = data[lane];
            }
        }
        if self.unit.finished_valid.val() && take_end {
            let outcome = self.unit.finished.val();
            self.finished
                .push((self.cycle, outcome.token.to_u64(), outcome.status.to_u64()));
        }
        self.unexpected += usize::from(self.unit.unexpected.val());
        self.errors += usize::from(self.unit.error_completion.val());
        if self.unit.timeout.val() {
            self.timeouts.push(self.cycle);
        }
        clock_cycle!(self.unit, clock);
        self.cycle += 1;
        taken
    }

    fn read(&mut self, read: &Read) {
        self.open.push(read.inbox..read.inbox + read.bytes);
        while !self.step(Some(read.command()), true, true) {}
    }

    /// Whether the read into a buffer has ended, and whether it failed.
    fn chunk_state(&mut self, buffer: usize) -> (bool, bool) {
        self.unit.chunk_query.next = buffer.to_bits();
        settle(&mut self.unit);
        (self.unit.chunk_ended.val(), self.unit.chunk_failed.val())
    }

    fn idle(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step(None, true, true);
        }
    }

    fn send(&mut self, completion: &Completion) {
        self.completions
            .extend(completion.told().into_iter().map(Some));
    }

    fn check_data(&self, read: &Read) {
        let expected: Vec<u8> = (0..read.bytes as u64)
            .map(|i| memory(read.address + i))
            .collect();
        assert_eq!(
            &self.inbox[read.inbox..read.inbox + read.bytes],
            expected,
            "{read:?}"
        );
    }
}

#[derive(Clone, Debug)]
struct Read {
    address: u64,
    bytes: usize,
    inbox: usize,
    token: u64,
    /// Worst status the host has given it.
    status: u64,
}

impl Read {
    fn command(&self) -> ReadCommand {
        ReadCommand {
            address: self.address.to_bits(),
            bytes: self.bytes.to_bits(),
            inbox: self.inbox.to_bits(),
            token: self.token.to_bits(),
        }
    }
}

fn read(address: u64, bytes: usize, inbox: usize) -> Read {
    Read {
        address,
        bytes,
        inbox,
        token: 0x1234,
        status: DONE,
    }
}

/// Random reads, host and completions; `junk` and `refuse` in percent.
fn random_traffic(seed: u64, reads: usize, junk_percent: u64, refuse_percent: u64) {
    println!("seed {seed}");
    let mut random = Random::new(seed);
    let region = [512, 2048, 256][random.below(3) as usize];
    let boundary = [64, 128][random.below(2) as usize];
    let mut bench = Bench::new(1 << 20, seed % 8);
    let take_request = [100, 50, 10][random.below(3) as usize];
    let gap = [0, 0, 50][random.below(3) as usize];
    let patience = [10, 40, 90][random.below(3) as usize];
    let mut flying: Vec<Read> = vec![];
    let mut waiting: Option<Read> = None;
    let (mut begun, mut junks, mut refusals) = (0, 0, 0);
    for _ in 0..60_000 {
        if waiting.is_none() && begun < reads {
            let free: Vec<usize> = (0..2048)
                .step_by(region)
                .filter(|start| {
                    flying
                        .iter()
                        .all(|read| read.inbox / region != start / region)
                })
                .collect();
            if !free.is_empty() && random.chance(50) {
                let start = free[random.below(free.len() as u64) as usize];
                let inbox = start + 16 * random.below(4) as usize;
                let room = (start + region - inbox) as u64;
                let read = Read {
                    address: (random.word() >> (12 * random.below(4))) & !3 & (u64::MAX >> 1),
                    bytes: 4 * (1 + random.below(room / 4)) as usize,
                    inbox,
                    token: begun as u64 + 7,
                    status: DONE,
                };
                bench.open.push(read.inbox..read.inbox + read.bytes);
                waiting = Some(read);
                begun += 1;
            }
        }
        if bench.completions.is_empty() {
            if random.chance(junk_percent) {
                let junk = junk(&bench.pending, REQUESTER, &mut random);
                junks += usize::from(!junk.is_malformed());
                bench.send(&junk);
            } else if !bench.pending.is_empty() && random.chance(patience) {
                let which = random.below(bench.pending.len() as u64) as usize;
                let pending = bench.pending[which].clone();
                if random.chance(refuse_percent) {
                    let status = [1, 2, ABORT][random.below(3) as usize];
                    bench.send(&Completion::refusal(&pending, status, REQUESTER));
                    let owner = flying.iter_mut().find(|read| owns(read, &pending)).unwrap();
                    owner.status = REFUSED;
                    refusals += 1;
                    bench.pending.remove(which);
                } else {
                    let piece = legal_piece(&pending, boundary, &mut random);
                    let mut data = Completion::data(&pending, piece, REQUESTER);
                    data.digest = random.chance(20);
                    if random.chance(refuse_percent) {
                        data.poisoned = true;
                        let owner = flying.iter_mut().find(|read| owns(read, &pending)).unwrap();
                        owner.status = REFUSED;
                        refusals += 1;
                    }
                    bench.send(&data);
                    bench.pending[which].address += piece as u64;
                    bench.pending[which].bytes -= piece;
                    if bench.pending[which].bytes == 0 {
                        bench.pending.remove(which);
                    }
                }
            }
        } else if random.chance(gap) {
            bench.completions.insert(0, None);
        }
        let command = waiting.as_ref().map(Read::command);
        let ended = bench.finished.len();
        if bench.step(command, random.chance(take_request), random.chance(50)) {
            flying.push(waiting.take().unwrap());
        }
        if bench.finished.len() > ended {
            let (_, token, status) = bench.finished[ended];
            let place = flying.iter().position(|read| read.token == token);
            let read = flying.remove(place.expect("ended twice"));
            assert_eq!(status, read.status, "{read:?}");
            if status == DONE {
                bench.check_data(&read);
            }
            bench.open.retain(|range| range.start != read.inbox);
        }
        if bench.finished.len() == reads && bench.completions.is_empty() {
            break;
        }
    }
    bench.idle(10);
    assert_eq!(bench.finished.len(), reads, "reads remain: {flying:?}");
    assert_eq!(bench.unexpected, junks);
    assert_eq!(bench.errors, refusals);
    assert!(bench.timeouts.is_empty());
}

/// A random read into chunk buffer `buffer`, as a `Read` of `Bench::inbox`.
fn random_chunk(buffer: usize, random: &mut Random) -> (Read, ChunkRead) {
    let position = random.below(4) as usize;
    let words = 1 + random.below(66) as usize;
    let read = Read {
        address: (random.word() >> (12 * random.below(4))) & !3 & (u64::MAX >> 1),
        bytes: 4 * words,
        inbox: CHUNKS + CHUNK_BYTES * buffer + 4 * position,
        token: u64::MAX,
        status: DONE,
    };
    let chunk = ChunkRead {
        valid: true,
        address: read.address.to_bits(),
        words: words.to_bits(),
        buffer: buffer.to_bits(),
        position: position.to_bits(),
    };
    (read, chunk)
}

/// Chunks into random buffers beside reads of the executor, with refusals and dropped requests.
#[test]
fn chunks_and_reads_of_the_executor_arrive_beside_each_other() {
    for seed in 300..306 {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut bench = Bench::new(1 << 20, seed % 4);
        let boundary = [64, 128][random.below(2) as usize];
        let patience = [10, 40, 90][random.below(3) as usize];
        let fail_percent = [0, 5][random.below(2) as usize];
        // In each buffer the read, and the cycle in which it was taken, once it was.
        let mut chunks: [Option<(Read, Option<u64>)>; 16] = Default::default();
        let mut offered = None;
        let mut flying: Option<Read> = None;
        let mut waiting: Option<Read> = None;
        let (mut done, mut failed, mut reads) = (0, 0, 0);
        let (mut most, mut waited) = (0, 0);
        for cycle in 0..12_000u64 {
            if bench.chunk.is_none() {
                if let Some(buffer) = offered.take() {
                    let chunk: &mut Option<(Read, Option<u64>)> = &mut chunks[buffer];
                    chunk.as_mut().unwrap().1 = Some(cycle);
                }
                let buffer = random.below(16) as usize;
                if chunks[buffer].is_none() && cycle < 11_000 && random.chance(60) {
                    let (read, chunk) = random_chunk(buffer, &mut random);
                    bench.open.push(read.inbox..read.inbox + read.bytes);
                    bench.chunk = Some(chunk);
                    chunks[buffer] = Some((read, None));
                    offered = Some(buffer);
                }
            }
            if flying.is_none() && waiting.is_none() && cycle < 11_000 && random.chance(3) {
                let bytes = 4 * (1 + random.below(32)) as usize;
                let read = read(
                    random.word() & 0xffff_fffc,
                    bytes,
                    16 * random.below(64) as usize,
                );
                bench.open.push(read.inbox..read.inbox + read.bytes);
                waiting = Some(read);
                waited = cycle;
            }
            let mut fail = |address: u64, flying: &mut Option<Read>| {
                let spoils = |read: &mut Read| {
                    let range = read.address..read.address + read.bytes as u64;
                    if range.contains(&address) {
                        read.status = REFUSED;
                    }
                };
                chunks
                    .iter_mut()
                    .flatten()
                    .for_each(|chunk| spoils(&mut chunk.0));
                flying.iter_mut().for_each(spoils);
            };
            bench.unit.dropped.next = false;
            if bench.completions.is_empty() && !bench.pending.is_empty() && random.chance(patience)
            {
                let which = random.below(bench.pending.len() as u64) as usize;
                let pending = bench.pending[which].clone();
                if random.chance(fail_percent) {
                    fail(pending.address, &mut flying);
                    bench.pending.remove(which);
                    if random.chance(50) {
                        bench.send(&Completion::refusal(&pending, ABORT, REQUESTER));
                    } else {
                        bench.unit.dropped.next = true;
                        bench.unit.dropped_tag.next = pending.tag.to_bits();
                    }
                } else {
                    let piece = legal_piece(&pending, boundary, &mut random);
                    bench.send(&Completion::data(&pending, piece, REQUESTER));
                    bench.pending[which].address += piece as u64;
                    bench.pending[which].bytes -= piece;
                    if bench.pending[which].bytes == 0 {
                        bench.pending.remove(which);
                    }
                }
            }
            let command = waiting.as_ref().map(Read::command);
            let ended = bench.finished.len();
            if bench.step(command, random.chance(80), random.chance(50)) {
                flying = waiting.take();
                assert!(cycle - waited < 150, "seed {seed}: the executor waited");
            }
            if bench.finished.len() > ended {
                let read = flying.take().unwrap();
                assert_eq!(
                    bench.finished[ended].2 == DONE,
                    read.status == DONE,
                    "{read:?}"
                );
                if read.status == DONE {
                    bench.check_data(&read);
                }
                bench.open.retain(|range| range.start != read.inbox);
                reads += 1;
            }
            most = most.max(bench.pending.len());
            // One buffer a cycle is looked at, some cycles after it has ended.
            let buffer = random.below(16) as usize;
            let taken = chunks[buffer].as_ref().and_then(|chunk| chunk.1);
            if taken.is_some_and(|taken| taken < cycle) {
                let (ended, chunk_failed) = bench.chunk_state(buffer);
                if ended {
                    let (read, _) = chunks[buffer].take().unwrap();
                    assert_eq!(chunk_failed, read.status != DONE, "seed {seed}: {read:?}");
                    if chunk_failed {
                        failed += 1;
                    } else {
                        done += 1;
                        bench.check_data(&read);
                    }
                    bench.open.retain(|range| range.start != read.inbox);
                }
            }
        }
        assert!(bench.chunk.is_none() && flying.is_none() && chunks.iter().all(Option::is_none));
        assert!(!bench.unit.outstanding.val());
        assert!(most <= 16 && bench.unexpected == 0);
        println!("{done} chunks, {failed} failed, {reads} reads of the executor, {most} tags");
        assert!(done > 50 && reads > 20 && (fail_percent == 0 || failed > 5));
    }
}

#[test]
fn chunks_leave_tags_to_the_executor() {
    for maximum in [0, 2, 5] {
        let mut random = Random::new(1);
        let mut bench = Bench::new(1 << 20, maximum);
        for buffer in 0..16 {
            let (read, chunk) = random_chunk(buffer, &mut random);
            bench.open.push(read.inbox..read.inbox + read.bytes);
            bench.chunk = Some(chunk);
            bench.idle(40);
        }
        assert!(bench.chunk.is_some());
        let held = bench.pending.len();
        assert!((11..=14).contains(&held), "{held}");
        let wanted = read(0x40_0000, 128, 0);
        bench.read(&wanted);
        bench.idle(20);
        assert_eq!(bench.pending.len(), held + 1);
        let pending = bench.pending.pop().unwrap();
        bench.send(&Completion::data(&pending, 128, REQUESTER));
        bench.idle(20);
        assert_eq!(bench.finished[0].2, DONE);
    }
}

#[test]
fn latencies_of_a_chunk() {
    let mut bench = Bench::new(1 << 20, 2);
    let chunk = ChunkRead {
        valid: true,
        address: 0x12_3456_7004u64.to_bits(),
        words: 16u64.to_bits(),
        buffer: 9u64.to_bits(),
        position: 2u64.to_bits(),
    };
    let start = CHUNKS + 9 * CHUNK_BYTES + 8;
    bench.open.push(start..start + 64);
    bench.idle(20);
    bench.chunk = Some(chunk);
    bench.idle(1);
    assert!(bench.chunk.is_none());
    let taken = bench.cycle - 1;
    bench.idle(10);
    assert_eq!(bench.requests[0].sent_at - taken, 3, "chunk to request");
    let pending = bench.pending[0].clone();
    bench.send(&Completion::data(&pending, 64, REQUESTER));
    while !bench.chunk_state(9).0 {
        bench.idle(1);
    }
    assert_eq!(bench.cycle - bench.last_completion, 4, "last beat to end");
    bench.check_data(&read(0x12_3456_7004, 64, start));
}

/// The request is (what is left of) a part of the read.
fn owns(read: &Read, pending: &Pending) -> bool {
    (read.address..read.address + read.bytes as u64).contains(&pending.address)
}

#[test]
fn every_legal_split_and_interleaving_arrives() {
    for seed in 0..9 {
        random_traffic(seed, 12, 0, 0);
    }
}

#[test]
fn junk_is_counted_and_disturbs_nothing() {
    for seed in 100..109 {
        random_traffic(seed, 8, 25, 0);
    }
}

#[test]
fn refusals_end_their_reads_and_no_others() {
    for seed in 200..206 {
        random_traffic(seed, 12, 10, 20);
    }
}

#[test]
fn a_poisoned_part_spoils_its_read_which_ends_with_its_last_part() {
    let spoiled = read(0x1000, 256, 0);
    let mut bench = Bench::new(1 << 20, 5);
    bench.read(&spoiled);
    bench.idle(20);
    let mut pending = bench.pending.remove(0);
    for poisoned in [false, true, false] {
        assert!(bench.finished.is_empty(), "its tag is still in use");
        bench.send(&Completion {
            poisoned,
            ..Completion::data(&pending, 64, REQUESTER)
        });
        pending.address += 64;
        pending.bytes -= 64;
        bench.idle(20);
    }
    bench.send(&Completion::data(&pending, 64, REQUESTER));
    bench.idle(20);
    assert_eq!(bench.finished[0].2, REFUSED);
    assert_eq!((bench.errors, bench.unexpected), (1, 0));
    // The tag forgets: whoever has it next is not spoilt.
    for turn in 0..16 {
        let next = Read {
            token: turn,
            ..read(0xa000, 64, 1024)
        };
        bench.read(&next);
        bench.idle(10);
        let pending = bench.pending.remove(0);
        bench.send(&Completion::data(&pending, 64, REQUESTER));
        bench.idle(12);
        assert_eq!(bench.finished.last().unwrap().2, DONE, "turn {turn}");
    }
}

/// One beat too many or too few, of completions with one beat and with several, poisoned or not.
#[test]
fn a_malformed_completion_changes_nothing_and_the_true_one_behind_it_is_taken() {
    for bytes in [4, 8, 64, 256] {
        for (longer, poisoned) in [(true, false), (true, true), (false, false), (false, true)] {
            let read = read(0x1_0000_1000, bytes, 64);
            let mut bench = Bench::new(1 << 20, 5);
            bench.read(&read);
            bench.idle(20);
            let pending = bench.pending.remove(0);
            let mut malformed = Completion::data(&pending, bytes, REQUESTER);
            malformed.poisoned = poisoned;
            malformed.payload.fill(0xbd);
            match malformed.payload.len() {
                _ if longer => malformed.payload.resize(bytes + 16, 0xbd),
                // Behind the only beat there is none to be left out.
                4 => continue,
                length => malformed.payload.truncate(length.saturating_sub(16)),
            }
            assert!(malformed.is_malformed());
            bench.send(&malformed);
            bench.idle(40);
            assert!(bench.finished.is_empty(), "{malformed:?}");
            bench.send(&Completion::data(&pending, bytes, REQUESTER));
            bench.idle(40);
            assert_eq!(bench.finished[0].2, DONE);
            bench.check_data(&read);
            assert_eq!((bench.unexpected, bench.errors), (0, 0), "{malformed:?}");
        }
    }
}

#[test]
fn a_read_across_pages_and_above_4_gib_is_cut_at_both() {
    let read = read((1 << 32) - 256, 1024, 64);
    let mut bench = Bench::new(1 << 20, 5);
    bench.read(&read);
    bench.idle(20);
    let parts: Vec<(u64, usize)> = bench
        .requests
        .iter()
        .map(|r| (r.address, r.bytes))
        .collect();
    assert_eq!(parts, [((1 << 32) - 256, 256), (1 << 32, 768)]);
    for pending in bench.pending.clone().iter().rev() {
        bench.send(&Completion::data(pending, pending.bytes, REQUESTER));
    }
    bench.idle(100);
    assert_eq!(bench.finished[0].2, DONE);
    bench.check_data(&read);
}

#[test]
fn latencies() {
    let read = read(0x12_3456_7004, 64, 0);
    let mut bench = Bench::new(1 << 20, 2);
    bench.idle(20);
    bench.read(&read);
    let taken = bench.cycle - 1;
    bench.idle(10);
    assert_eq!(bench.requests[0].sent_at - taken, 3, "command to request");
    let pending = bench.pending[0].clone();
    bench.send(&Completion::data(&pending, 64, REQUESTER));
    bench.idle(20);
    assert_eq!(
        bench.finished[0].0 - bench.last_completion,
        4,
        "last beat to end"
    );
    bench.check_data(&read);
}

#[test]
fn single_double_words_of_one_tag_arrive_back_to_back() {
    // Two completions of one beat each, in consecutive cycles: the second must see what the first did.
    let read = read(0x103c, 8, 32);
    let mut bench = Bench::new(1 << 20, 2);
    bench.read(&read);
    bench.idle(20);
    let mut pending = bench.pending[0].clone();
    bench.send(&Completion::data(&pending, 4, REQUESTER));
    pending.address += 4;
    pending.bytes -= 4;
    bench.send(&Completion::data(&pending, 4, REQUESTER));
    bench.idle(20);
    assert_eq!(bench.unexpected, 0);
    bench.check_data(&read);
}

#[test]
fn sixteen_requests_are_outstanding_at_once_and_a_seventeenth_waits() {
    let read = read(0x8000_0000, 2048, 0);
    let mut bench = Bench::new(1 << 20, 0);
    bench.read(&read);
    bench.idle(100);
    assert_eq!(bench.pending.len(), 16);
    let first = bench.requests[0].sent_at;
    assert_eq!(
        bench.requests[15].sent_at,
        first + 45,
        "one every three cycles"
    );
    bench.open.push(0..2048);
    while bench.step(
        Some(
            Read {
                token: 9,
                ..read.clone()
            }
            .command(),
        ),
        true,
        true,
    ) {}
    bench.idle(100);
    assert_eq!(bench.pending.len(), 16);
    let pending = bench.pending.remove(5);
    bench.send(&Completion::data(&pending, 128, REQUESTER));
    bench.idle(40);
    assert_eq!(bench.pending.len(), 16);
    assert_eq!(bench.requests[16].tag, pending.tag);
}

#[test]
fn a_lost_request_times_out_and_its_tag_rests() {
    const PERIOD: u64 = 300;
    for start in [20, 111, 222, 290] {
        let lost = read(0x5000, 64, 0);
        let mut bench = Bench::new(PERIOD, 2);
        bench.idle(start);
        bench.read(&lost);
        bench.idle(2 * PERIOD + 40);
        assert_eq!(bench.finished.len(), 1);
        assert_eq!(bench.finished[0].2, TIMEOUT);
        let waited = bench.timeouts[0] - bench.requests[0].sent_at;
        assert!((PERIOD..=2 * PERIOD + 20).contains(&waited), "{waited}");
    }
}

#[test]
fn a_dropped_request_ends_its_read_at_once_and_no_other() {
    const PERIOD: u64 = 200;
    for wait in (0..PERIOD).step_by(3) {
        let mut bench = Bench::new(PERIOD, 2);
        bench.idle(20);
        bench.read(&Read {
            token: 100,
            ..read(0x5000, 64, 0)
        });
        bench.idle(wait);
        // More than there are tags: each comes up again.
        for turn in 0..20 {
            bench.read(&Read {
                token: turn,
                ..read(0x9000 + 64 * turn, 64, 512)
            });
            while bench.pending.len() < 2 {
                bench.idle(1);
            }
            let dropped = bench.pending.pop().unwrap();
            if dropped.address == 0x5000 {
                bench.pending.push(dropped);
                break;
            }
            bench.unit.dropped.next = true;
            bench.unit.dropped_tag.next = dropped.tag.to_bits();
            bench.idle(1);
            bench.unit.dropped.next = false;
            bench.idle(45);
            let ended: Vec<u64> = bench.finished.iter().map(|ended| ended.1).collect();
            if bench.timeouts.is_empty() {
                assert_eq!(ended, (0..=turn).collect::<Vec<u64>>(), "wait {wait}");
                assert!(bench.unit.outstanding.val(), "the other one");
            } else {
                break;
            }
        }
        bench.idle(2 * PERIOD);
        assert!(!bench.unit.outstanding.val());
        assert_eq!(bench.timeouts.len(), 1, "the other one");
        assert!(bench.finished.iter().all(|ended| ended.2 == TIMEOUT));
        let waited = bench.timeouts[0] - bench.requests[0].sent_at;
        assert!((PERIOD..=2 * PERIOD + 60).contains(&waited), "{waited}");
    }
}

#[test]
fn a_late_completion_is_dropped_and_finds_no_new_request_under_its_tag() {
    const PERIOD: u64 = 400;
    let mut bench = Bench::new(PERIOD, 2);
    bench.idle(20);
    bench.read(&read(0x5000, 64, 0));
    while bench.timeouts.is_empty() {
        bench.idle(1);
    }
    let lost = bench.pending.remove(0);
    let lost_at = bench.cycle;
    // Nineteen reads within the rest: each tag but the lost one comes up again.
    for turn in 0..19 {
        let read = Read {
            token: turn,
            ..read(0x9000 + 64 * turn, 64, 512)
        };
        bench.read(&read);
        while bench.pending.is_empty() {
            bench.idle(1);
        }
        let pending = bench.pending.remove(0);
        assert_ne!(pending.tag, lost.tag);
        if turn == 10 {
            bench.send(&Completion::data(&lost, 64, REQUESTER));
        }
        bench.send(&Completion::data(&pending, 64, REQUESTER));
        bench.idle(12);
        assert_eq!(bench.finished.last().unwrap().2, DONE);
        bench.check_data(&read);
    }
    assert!(
        bench.cycle - lost_at < PERIOD,
        "the test must stay within the rest"
    );
    assert_eq!(bench.unexpected, 1);
    // After the rest the tag is used again.
    bench.idle(PERIOD);
    for turn in 0..16 {
        bench.read(&Read {
            token: turn,
            ..read(0xa000 + 64 * turn, 64, 1024)
        });
        while bench.pending.is_empty() {
            bench.idle(1);
        }
        let pending = bench.pending.remove(0);
        bench.send(&Completion::data(&pending, 64, REQUESTER));
        bench.idle(12);
    }
    assert!(
        bench.requests[20..]
            .iter()
            .any(|request| request.tag == lost.tag)
    );
}

#[test]
fn a_request_that_waits_for_credits_does_not_age() {
    const PERIOD: u64 = 100;
    let mut bench = Bench::new(PERIOD, 2);
    let read = read(0x7000, 32, 0);
    bench.open.push(0..32);
    while !bench.step(Some(read.command()), false, true) {}
    for _ in 0..5 * PERIOD {
        bench.step(None, false, true);
    }
    bench.idle(2);
    assert!(bench.timeouts.is_empty());
    let pending = bench.pending.remove(0);
    bench.send(&Completion::data(&pending, 32, REQUESTER));
    bench.idle(20);
    assert_eq!(bench.finished[0].2, DONE);
    bench.check_data(&read);
}

#[test]
fn gate() {
    // A host that answers out of order, among completions that are nothing; and beats of all kinds.
    let mut pending: Vec<Pending> = vec![];
    let mut beats: Vec<Told> = vec![];
    let mut chunked = 0u64;
    Gate::new("read_requester", ReadRequester::new(300))
        .clock(|unit| &mut unit.clock)
        .cycles(4000)
        .run(|unit, random, cycle| {
            // What was offered in the cycle before has been seen at its end.
            unit.reset.next = cycle < 2;
            unit.requester_id.next = REQUESTER.to_bits();
            unit.maximum_read_request.next = (cycle / 1000).to_bits();
            unit.request_valid.next = random.chance(30);
            unit.request.next = ReadCommand {
                address: (random.word() >> (12 * random.below(5)) & !3).to_bits(),
                bytes: (4 * (1 + random.below(100))).to_bits(),
                inbox: (16 * random.below(128)).to_bits(),
                token: random.bits(),
            };
            // All chunk buffers are read first: LUT RAM is undefined until written. Behind that each is read again
            // only once its read has ended.
            let buffer = match chunked {
                16.. => random.below(16),
                first => first,
            };
            unit.chunk.next = random_chunk(buffer as usize, random).1;
            unit.chunk_query.next = buffer.to_bits();
            settle(unit);
            unit.chunk.next.valid = chunked < 16 || unit.chunk_ended.val();
            unit.source.ready.next = random.chance(60);
            unit.finished_ready.next = random.chance(60);
            unit.dropped.next = random.chance(5);
            unit.dropped_tag.next = random.bits();
            settle(unit);
            if unit.chunk.val().valid && unit.chunk_ready.val() && cycle >= 2 {
                chunked += 1;
            }
            if unit.source.valid.val() && unit.source.ready.val() {
                let request = read_request(&[number(unit.source.beat.val().data)], 4096);
                pending.push(Pending {
                    tag: request.tag,
                    address: request.address,
                    bytes: request.double_words * 4,
                    sent_at: cycle,
                });
            }
            if beats.is_empty() && random.chance(60) {
                if pending.is_empty() || random.chance(20) {
                    beats = junk(&pending, REQUESTER, random).told();
                } else {
                    let which = random.below(pending.len() as u64) as usize;
                    let of = pending[which].clone();
                    let piece = legal_piece(&of, 64, random);
                    let mut data = Completion::data(&of, piece, REQUESTER);
                    data.poisoned = random.chance(5);
                    data.digest = random.chance(20);
                    beats = data.told();
                    pending[which].address += piece as u64;
                    pending[which].bytes -= piece;
                    if random.chance(5) {
                        beats = Completion::refusal(&of, ABORT, REQUESTER).told();
                    }
                    if pending[which].bytes == 0 || beats.len() == 1 {
                        pending.remove(which);
                    }
                }
            }
            unit.completion_valid.next = !beats.is_empty();
            unit.completion.next = random.beat();
            unit.completion_malformed.next = random.chance(50);
            if !beats.is_empty() {
                let (data, last, malformed) = beats.remove(0);
                unit.completion.next = beat(data, last);
                unit.completion_malformed.next = malformed;
            }
        });
}
