//! Many senders, small rings, a host that gives entries back when it likes, firmware that moves queues: every verdict
//! and every write is the one that a slow reference expects, and nothing is lost, doubled or reordered.

use super::bench::{Bench, Said, Write, allowance};
use crate::bundles::ConfigurationWrite;
use crate::configuration::{
    FLOWS_LOG2, NODES_LOG2, PEER_QUEUES_LOG2, RECEIVE_QUEUE_IDS_LOG2, RECEIVE_QUEUES_LOG2,
};
use crate::gate::Random;
use crate::queues::receive::test_frames::{Frame, random_bytes};
use crate::queues::test_support::configuration;
use abi::link::kind;
use abi::message::receive_descriptor as descriptor;
use abi::queue_state::{
    RECEIVE_CONTROL, RECEIVE_RING, REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE, WORDS_LOG2,
    receive_control,
};
use rust_hdl::prelude::*;
use std::collections::{HashMap, VecDeque};

/// Cycles after which what firmware or host wrote must have taken effect.
const SETTLED: usize = 8;

/// The miss ring among the rings; and the RQIDs that lead to it, each with the base-2 logarithm of the bytes of an
/// entry of the ring that is away.
const MISS_RING: usize = 5;
const AWAY: [(u64, u64); 2] = [(20, 6), (21, 8)];

/// How many messages are accepted for an RQID whose queue is away.
#[derive(Default)]
struct Allowed {
    count: u64,
    /// The last cycle in which it was none.
    none: usize,
}

/// A frame on its way: as the loop that sends it has it.
type Coming = (usize, usize, bool, Option<u64>);

/// A receive queue as the reference knows it.
struct Ring {
    queue: u64,
    id: u64,
    address: u64,
    entries_log2: u64,
    stride_log2: u64,
    misses: bool,
    enabled: bool,
    /// The cycle in which firmware wrote of it last.
    changed: usize,
    producer: u64,
    /// When its last message came.
    epoch: u64,
    /// Consumer indices stored, with their cycles; the last ones.
    consumers: VecDeque<(usize, u64)>,
}

impl Ring {
    /// The longest message for an RQID, if the RQID leads to the ring.
    fn longest(&self, id: u64) -> Option<usize> {
        let away = AWAY.iter().find(|(away, _)| *away == id && self.misses);
        let own = (id == self.id && !self.misses).then_some(self.stride_log2);
        away.map(|(_, stride_log2)| *stride_log2)
            .or(own)
            .map(|stride_log2| (1 << stride_log2) - 8)
    }

    /// The consumer index that must have taken effect by a cycle.
    fn consumer_at(&self, cycle: usize) -> u64 {
        let settled = self
            .consumers
            .iter()
            .rev()
            .find(|(at, _)| at + SETTLED <= cycle);
        settled.map_or(0, |(_, consumer)| *consumer)
    }

    fn consumer(&self) -> u64 {
        self.consumers.back().map_or(0, |(_, consumer)| *consumer)
    }
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum State {
    Unsent,
    Unanswered,
    Refused,
    Done,
}

struct Message {
    ring: usize,
    id: u64,
    tag: u64,
    payload: Vec<u8>,
    state: State,
    /// When it was sent last.
    epoch: u64,
}

#[derive(PartialEq)]
enum Mode {
    Open,
    Drain,
    Probe,
    Burst,
}

/// A transmit queue of some node, as slow and simple as can be (rules 1 to 4 of the protocol).
struct Sender {
    frame: Frame,
    stream: usize,
    messages: Vec<Message>,
    mode: Mode,
    pause_until: usize,
    probes: usize,
}

impl Sender {
    fn unanswered(&self) -> usize {
        self.messages
            .iter()
            .filter(|message| message.state == State::Unanswered)
            .count()
    }

    fn first(&self, state: State) -> Option<usize> {
        self.messages
            .iter()
            .position(|message| message.state == state)
    }

    /// The message to send now, if any.
    fn next(&mut self, cycle: usize) -> Option<usize> {
        let unanswered = self.unanswered();
        let refused = self.first(State::Refused);
        match self.mode {
            Mode::Drain if unanswered == 0 && cycle >= self.pause_until => {
                self.mode = Mode::Probe;
                self.probes += 1;
                refused
            }
            Mode::Burst if refused.is_some() => refused,
            Mode::Open | Mode::Burst => {
                self.mode = Mode::Open;
                let oldest = self.first(State::Unanswered);
                self.first(State::Unsent)
                    .filter(|next| next - oldest.unwrap_or(*next) < 64)
            }
            _ => None,
        }
    }

    fn answer(&mut self, said: Said, cycle: usize) -> usize {
        let message = self
            .messages
            .iter()
            .enumerate()
            .position(|(index, message)| {
                index as u64 % 128 == said.index && message.state == State::Unanswered
            });
        let index = message.unwrap_or_else(|| panic!("an answer to nothing: {said:?}"));
        let refused = [kind::FULL, kind::BEHIND].contains(&said.verdict);
        self.messages[index].state = if refused { State::Refused } else { State::Done };
        if refused {
            self.mode = Mode::Drain;
            self.pause_until = cycle + 60;
        } else if self.mode == Mode::Probe {
            self.mode = Mode::Burst;
        }
        index
    }
}

/// A message whose header was taken.
struct Taken {
    sender: usize,
    index: usize,
    restart: bool,
    named: Option<u64>,
    cycle: usize,
    verdict: Option<usize>,
    /// What its ring's record was then.
    ring_changed: usize,
    enabled: bool,
    consumer: u64,
}

/// How far firmware is with taking a queue away from its ring and making it resident again elsewhere.
#[derive(Clone, Copy, PartialEq)]
enum Move {
    Idle,
    Disabled(usize),
    /// The NIU holds the old ring no more.
    LetGo(usize),
    /// The new address is written.
    Addressed(usize),
}

fn entry(frame: Frame, message: &Message, phase: u64, gap: bool) -> Vec<u8> {
    let mut word = descriptor::phase::set(0, phase);
    word = descriptor::gap::set(word, gap.into());
    word = descriptor::tag::set(word, message.tag);
    word = descriptor::length::set(word, message.payload.len() as u64);
    word = descriptor::source_endpoint::set(word, frame.endpoint);
    word = descriptor::source_node::set(word, frame.node);
    word = descriptor::receive_queue_id::set(word, message.id);
    let mut bytes = word.to_le_bytes()[..8].to_vec();
    bytes.extend(&message.payload[..message.payload.len().min(8)]);
    bytes.resize(16, 0);
    bytes
}

#[allow(clippy::too_many_lines)]
fn follows_the_reference<
    const QUEUES_LOG2: usize,
    const IDS_LOG2: usize,
    const NODES_LOG2: usize,
    const SLOTS_LOG2: usize,
    const FLOWS_LOG2: usize,
>(
    seed: u64,
) {
    let mut bench = Bench::<QUEUES_LOG2, IDS_LOG2, NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>::new(seed);
    let mut random = Random::new(seed ^ 0x5eed);
    let queues = 1u64 << QUEUES_LOG2;
    let ids = 1u64 << IDS_LOG2;
    // The outermost queues, neighbours, and some between. Entries are few, so that rings fill.
    let mut rings: Vec<Ring> = [0, 1, queues / 2, queues - 2, queues - 1, 2]
        .into_iter()
        .enumerate()
        .map(|(at, queue)| Ring {
            queue,
            id: [ids - 1, 0, ids / 2, 7, 8, 7][at],
            address: (0x1_0000_0000 << (4 * at)) + 0xff_ffe0 * at as u64,
            entries_log2: [1, 2, 3, 5, 2, 3][at],
            stride_log2: [8, 6, 4, 7, 5, 8][at],
            misses: at == MISS_RING,
            enabled: true,
            changed: 0,
            producer: 0,
            epoch: 0,
            consumers: VecDeque::new(),
        })
        .collect();
    for ring in &rings {
        if ring.misses {
            bench.enable_misses(ring.queue, ring.address, ring.entries_log2, ring.id);
            continue;
        }
        bench.enable(
            ring.queue,
            ring.id,
            ring.address,
            ring.entries_log2,
            ring.stride_log2,
        );
    }
    bench.run();
    bench.offers = 90;
    let mut senders: Vec<Sender> = (0..7)
        .map(|number| {
            let (last_node, last_slot) = ((1 << NODES_LOG2) - 1, (1 << SLOTS_LOG2) - 1);
            let (node, slot, channel) = [
                (0, 0, 0),
                (0, last_slot, 1),
                (last_node, 0, 0),
                (last_node, last_slot, 1),
                (last_node, last_slot - 1, 1),
                (2, 3, 0),
                (2, 3, 1),
            ][number];
            let frame = Frame {
                channel,
                node,
                slot,
                generation: 37 * number as u64,
                endpoint: random.below(4096),
                ..Frame::default()
            };
            let messages = (0..90)
                .map(|_| {
                    // Mostly to the sender's own ring.
                    let ring = if random.chance(30) {
                        random.below(6) as usize
                    } else {
                        number % 6
                    };
                    let id = if ring == MISS_RING {
                        AWAY[random.below(2) as usize].0
                    } else {
                        rings[ring].id
                    };
                    let longest = rings[ring].longest(id).expect("it is its RQID") as u64;
                    let length = match random.below(20) {
                        0 => random.below(249),
                        1..=8 => random.below(longest + 1).min(8),
                        _ => random.below(longest + 1),
                    };
                    let wrong = random.chance(4);
                    Message {
                        ring,
                        id: if wrong { id ^ 2 } else { id },
                        tag: random.below(256),
                        payload: random_bytes(&mut random, length as usize),
                        state: State::Unsent,
                        epoch: 0,
                    }
                })
                .collect();
            // The two of node 2, which is this one, come back on the loopback.
            let stream = if number >= 5 { 2 } else { channel as usize };
            Sender {
                frame,
                stream,
                messages,
                mode: Mode::Open,
                pause_until: 0,
                probes: 0,
            }
        })
        .collect();

    // Frames on their way to the unit, in order; whether the next beat of a stream is a header;
    // messages whose header was taken.
    let mut coming: [VecDeque<Coming>; 3] = Default::default();
    let mut at_header = [true; 3];
    let mut taken: VecDeque<Taken> = VecDeque::new();
    let mut bits: HashMap<(u64, u64, u64), bool> = HashMap::new();
    let mut written: VecDeque<Write> = VecDeque::new();
    let mut last_accepted: HashMap<(usize, usize), usize> = HashMap::new();
    let mut counts: HashMap<usize, usize> = HashMap::new();
    let (mut bad_stores, mut bad_pulses) = (0, 0);
    let (mut moving, mut moves) = (Move::Idle, 0);
    let mut pings = [0; 2];
    // Allowances; the word that comes. Accepted misses, each with the writes up to its entry; their reports; messages
    // whose allowance was lowered. The last cycle in which no report had room.
    let mut allowed: HashMap<u64, Allowed> = AWAY
        .iter()
        .map(|(id, _)| (*id, Allowed::default()))
        .collect();
    let mut allows: Option<(u64, u64)> = None;
    let mut missed: Vec<(u64, usize)> = Vec::new();
    let mut reported: Vec<(u64, usize)> = Vec::new();
    let (mut lowered, mut matched_writes, mut no_room) = (0, 0, None);
    let ordered_before = bench.ordered;
    // Frames that were lost before now; messages without and with a mark.
    let (mut epoch, mut gaps) = (0u64, [0; 2]);

    while !senders.iter().all(|sender| {
        sender
            .messages
            .iter()
            .all(|message| message.state == State::Done)
    }) || moving != Move::Idle
    {
        let cycle = bench.cycle;
        assert!(cycle < 150_000, "no progress");
        // Some phases are slow for one side or the other.
        let phase = cycle / 700 % 5;
        bench.writes_taken = [100, 80, 30, 100, 90][phase];
        bench.answers_taken = [100, 60, 100, 20, 90][phase];
        bench.reports_taken = [100, 10, 90, 1, 50][phase];
        bench.link_idle = random.chance([90, 20, 50, 0, 60][phase]);

        // Senders.
        let number = random.below(7) as usize;
        let sender = &mut senders[number];
        if bench.streams[sender.stream].len() < 40
            && let Some(index) = sender.next(cycle)
        {
            let restart = sender.unanswered() == 0;
            let message = &mut sender.messages[index];
            message.state = State::Unanswered;
            message.epoch = epoch;
            let ring = &rings[message.ring];
            // The map's answer, sometimes one of another time.
            let known = ring.longest(message.id).is_some() && ring.enabled;
            let named = if known || random.chance(10) {
                let at = if random.chance(4) {
                    random.below(6) as usize
                } else {
                    message.ring
                };
                Some(rings[at].queue)
            } else {
                None
            };
            let frame = Frame {
                restart,
                index: index as u64,
                id: message.id,
                tag: message.tag,
                epoch,
                queue: named,
                ..sender.frame
            };
            coming[sender.stream].push_back((number, index, restart, named));
            bench.send(sender.stream, frame, &message.payload);
        }

        // The host: gives back, or tries to give back what it never got.
        let at = random.below(6) as usize;
        let ring = &mut rings[at];
        let stores = cycle.is_multiple_of(2) && ring.enabled && cycle > ring.changed + SETTLED;
        let index = if stores && random.chance(2) {
            bad_stores += 1;
            let beyond = ring.producer + 100 + random.below(30_000);
            let below = ring.consumer().wrapping_sub(1 + random.below(100));
            Some(if random.chance(50) { beyond } else { below })
        } else if stores && ring.consumer() < ring.producer && random.chance(12) {
            let consumer = ring.consumer() + 1 + random.below(ring.producer - ring.consumer());
            ring.consumers.push_back((cycle, consumer));
            Some(consumer)
        } else {
            None
        };
        if let Some(index) = index {
            bench.unit.consumer_valid.next = true;
            bench.unit.consumer_queue.next = ring.queue.to_bits();
            bench.unit.consumer_index.next = (index & 0xffff).to_bits();
        }

        // Firmware takes a queue away, waits until its ring is let go and nothing for it is under
        // way, and makes it resident elsewhere.
        let writes = cycle % 2 == 1;
        let under_way = |at| {
            let mut all = taken
                .iter()
                .map(|taken| &senders[taken.sender].messages[taken.index]);
            all.any(|message| message.ring == at)
        };
        match moving {
            Move::Idle if writes && random.below(150) == 0 => {
                ring.enabled = false;
                ring.changed = cycle;
                bench.unit.configuration.next = control(ring);
                moving = Move::Disabled(at);
            }
            Move::Disabled(at)
                if cycle >= rings[at].changed + 4 && !bench.unit.holds_ring.val() =>
            {
                moving = Move::LetGo(at);
            }
            Move::LetGo(at) if writes && cycle > rings[at].changed + 100 && !under_way(at) => {
                let ring = &mut rings[at];
                ring.address ^= 0x4000_0000;
                let index = (ring.queue << WORDS_LOG2) + RECEIVE_RING as u64;
                bench.unit.configuration.next =
                    configuration(REGION_RECEIVE_QUEUE, index, ring.address);
                moving = Move::Addressed(at);
            }
            Move::Addressed(at) if writes => {
                let ring = &mut rings[at];
                ring.producer = 0;
                ring.consumers.clear();
                ring.enabled = true;
                ring.changed = cycle;
                ring.epoch = epoch;
                bench.unit.configuration.next = control(ring);
                moving = Move::Idle;
                moves += 1;
            }
            _ if writes && random.chance(4) => {
                let (id, stride_log2) = AWAY[random.below(2) as usize];
                let count = [0, 1, 2, 7, 127][random.below(5) as usize];
                let word = allowance(rings[MISS_RING].queue, count, stride_log2);
                bench.unit.configuration.next = configuration(REGION_RECEIVE_MAP, id, word);
                allows = Some((id, count));
            }
            _ => {}
        }
        let settled = rings.iter().all(|ring| cycle > ring.changed + SETTLED);
        if settled && random.chance(2) {
            epoch += 1;
        }
        bench.unit.gap_epoch.next = epoch.to_bits();
        if random.chance(1) {
            pings[0] += 1;
            bench.unit.ping_valid.next = true;
            bench.unit.ping.next.node = 1u64.to_bits();
            bench.unit.ping.next.slot = 1u64.to_bits();
            bench.unit.ping.next.bitmap = 1u64.to_bits();
            bench.unit.ping.next.verdict = (kind::WAITING as u64 & 7).to_bits();
        }

        let heads: Vec<(usize, bool)> = bench
            .streams
            .iter()
            .map(|stream| (stream.len(), stream.front().is_some_and(|(_, last)| *last)))
            .collect();
        bench.step();
        let seen = std::mem::take(&mut bench.seen);
        bad_pulses += seen.cycles_of("bad").len();

        // Allowances: what comes with this cycle counts behind it.
        for id in seen.lowered {
            let row = allowed.get_mut(&id).expect("it leads to the miss ring");
            assert!(row.count > 0, "cycle {cycle}: more than allowed for {id}");
            row.count -= 1;
            lowered += 1;
        }
        if let Some((id, count)) = allows.take() {
            allowed.get_mut(&id).expect("it is one of them").count = count;
        }
        for row in allowed.values_mut().filter(|row| row.count == 0) {
            row.none = cycle;
        }
        reported.extend(seen.missed);
        if lowered - reported.len() >= 32 {
            no_room = Some(cycle);
        }

        // Headers that were taken, at most one.
        for stream in 0..3 {
            let (length, last) = heads[stream];
            if bench.streams[stream].len() == length {
                continue;
            }
            let (sender, index, restart, named) = coming[stream][0];
            if at_header[stream] {
                let ring = &rings[senders[sender].messages[index].ring];
                taken.push_back(Taken {
                    sender,
                    index,
                    restart,
                    named,
                    cycle,
                    verdict: None,
                    ring_changed: ring.changed,
                    enabled: ring.enabled,
                    consumer: ring.consumer_at(cycle),
                });
            }
            at_header[stream] = last;
            if last {
                coming[stream].pop_front();
            }
        }
        for write in seen.writes {
            if let Move::LetGo(at) | Move::Addressed(at) = moving {
                let ring = &rings[at];
                let bytes = 1 << (ring.entries_log2 + ring.stride_log2);
                let old = [ring.address, ring.address ^ 0x4000_0000];
                let meets = old
                    .iter()
                    .any(|old| (*old..old + bytes).contains(&write.address));
                assert!(!meets, "cycle {cycle}: written to a ring that was let go");
            }
            written.push_back(write);
        }

        // What was said.
        for said in seen.said {
            if said.verdict == kind::WAITING {
                pings[1] += 1;
                continue;
            }
            let owner = senders.iter().position(|sender| {
                (
                    sender.frame.node,
                    sender.frame.slot,
                    sender.frame.generation,
                ) == (said.node, said.slot, said.generation)
            });
            let owner = owner.unwrap_or_else(|| panic!("an answer to nobody: {said:?}"));
            let index = senders[owner].answer(said, cycle);
            let message = taken
                .iter_mut()
                .find(|taken| (taken.sender, taken.index, taken.verdict) == (owner, index, None));
            message
                .expect("only messages that were taken are answered")
                .verdict = Some(said.verdict);
        }

        // The reference says what each had to be, in the order in which the headers were taken.
        while let Some(verdict) = taken.front().and_then(|taken| taken.verdict) {
            let now = taken.pop_front().expect("there is one");
            let sender = &senders[now.sender];
            let message = &sender.messages[now.index];
            let ring = &mut rings[message.ring];
            let frame = sender.frame;
            let bit = bits
                .entry((frame.node, frame.slot, frame.channel))
                .or_default();
            *counts.entry(verdict).or_default() += 1;
            let context = format!(
                "cycle {cycle}, taken in {}: message {} of sender {} to queue {}",
                now.cycle, now.index, now.sender, ring.queue
            );
            if *bit && !now.restart {
                assert_eq!(verdict, kind::BEHIND, "{context}");
                continue;
            }
            *bit = verdict == kind::FULL;
            if now.named.is_none() {
                assert_eq!(verdict, kind::NOT_RESIDENT, "{context}");
                continue;
            }
            let longest = ring
                .longest(message.id)
                .filter(|_| now.named == Some(ring.queue));
            let Some(longest) = longest else {
                assert_eq!(verdict, kind::FULL, "{context}: an old look-up");
                continue;
            };
            let changes =
                now.cycle < now.ring_changed + SETTLED || ring.changed != now.ring_changed;
            let refuses = ring.misses
                && (allowed[&message.id].none >= now.cycle
                    || no_room.is_some_and(|at| at >= now.cycle));
            if verdict == kind::FULL && (refuses || !now.enabled || changes) {
                continue;
            }
            assert!(now.enabled || changes, "{context}");
            if message.payload.len() > longest {
                assert_eq!(verdict, kind::ENTRY_TOO_SMALL, "{context}");
                continue;
            }
            let entries = 1 << ring.entries_log2;
            if verdict == kind::FULL {
                assert!(
                    ring.producer - now.consumer >= entries,
                    "{context}: there is room"
                );
                continue;
            }
            assert_eq!(verdict, kind::ACCEPTED, "{context}");
            matched_writes += 1 + usize::from(message.payload.len() > 8);
            if ring.misses {
                missed.push((message.id, ordered_before + matched_writes));
            }
            assert!(
                ring.producer - ring.consumer() < entries,
                "{context}: the ring is full"
            );
            let before = last_accepted.insert((now.sender, message.ring), now.index);
            assert!(
                before.is_none_or(|before| before < now.index),
                "{context}: out of order"
            );
            let place = ring.address + ((ring.producer % entries) << ring.stride_log2);
            let lap = 1 - (ring.producer >> ring.entries_log2) % 2;
            ring.producer += 1;
            if message.payload.len() > 8 {
                let mut data = message.payload[8..].to_vec();
                data.resize(data.len().next_multiple_of(4), 0);
                let address = place + 16;
                assert_eq!(
                    written.pop_front(),
                    Some(Write { address, data }),
                    "{context}"
                );
            }
            let gap =
                std::mem::replace(&mut ring.epoch, message.epoch) != message.epoch || ring.misses;
            gaps[usize::from(gap)] += 1;
            let data = entry(frame, message, lap, gap);
            let address = place;
            assert_eq!(
                written.pop_front(),
                Some(Write { address, data }),
                "{context}"
            );
        }
    }
    assert!(written.is_empty() && taken.is_empty());
    assert!(gaps[0] > 50 && gaps[1] > 50, "{gaps:?}");
    let probes: usize = senders.iter().map(|sender| sender.probes).sum();
    println!(
        "{} cycles, {counts:?}, {probes} probes, {bad_stores} bad stores, {moves} moves, {pings:?} pings",
        bench.cycle
    );
    bench.link_idle = true;
    bench.answers_taken = 100;
    bench.reports_taken = 100;
    let rest = bench.run();
    reported.extend(&rest.missed);
    assert!(missed.len() > 40 && missed.len() == lowered, "{lowered}");
    assert_eq!(missed.len(), reported.len());
    for (at, (needs, had)) in missed.iter().zip(&reported).enumerate() {
        assert!(
            needs.0 == had.0 && had.1 >= needs.1,
            "report {at}: {had:?}, not {needs:?}"
        );
    }
    pings[1] += rest.said.len();
    bad_pulses += rest.cycles_of("bad").len();
    assert!(counts.len() == 5 && counts.values().all(|&count| count > 3));
    assert!(probes > 10 && moves > 5 && bad_stores > 20);
    assert_eq!(bad_pulses, bad_stores);
    // Answers to pings are dropped only where too many wait.
    assert!(
        pings[1] <= pings[0] && pings[1] * 10 >= pings[0] * 9,
        "{pings:?}"
    );
}

/// The control word of a ring's queue.
fn control(ring: &Ring) -> ConfigurationWrite {
    let mut word = receive_control::enabled::set(0, ring.enabled.into());
    word = receive_control::entries_log2::set(word, ring.entries_log2);
    word = receive_control::stride_log2::set(word, ring.stride_log2);
    word = receive_control::receive_queue_id::set(word, ring.id);
    word = receive_control::takes_misses::set(word, ring.misses.into());
    let index = (ring.queue << WORDS_LOG2) + RECEIVE_CONTROL as u64;
    configuration(REGION_RECEIVE_QUEUE, index, word as u64)
}

#[test]
fn sixteen_queues_follow_the_reference() {
    for seed in 0x700..0x704 {
        follows_the_reference::<4, 6, 4, 3, 8>(seed);
    }
}

#[test]
fn sixty_four_queues_follow_the_reference() {
    follows_the_reference::<6, 8, 6, 4, 11>(0x710);
}

#[test]
fn two_hundred_and_fifty_six_queues_follow_the_reference() {
    follows_the_reference::<8, 12, 10, 8, 19>(0x720);
}

#[test]
fn the_configured_queues_follow_the_reference() {
    follows_the_reference::<
        RECEIVE_QUEUES_LOG2,
        RECEIVE_QUEUE_IDS_LOG2,
        NODES_LOG2,
        PEER_QUEUES_LOG2,
        FLOWS_LOG2,
    >(0x730);
}
