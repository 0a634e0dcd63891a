//! A sending node, a receiving node that plays several, and what lies between them.

mod wire;

use std::collections::VecDeque;

use wayfarer_protocol::{
    Answer, Index, Limits, Origin, Outcome, Placement, Receiver, Ring, Rule, Rules, Sender, Verdict,
};

pub use wire::Wire;
use wire::{FIRST_GENERATION, Frame, Link};

/// A run.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    pub queues: usize,
    /// Messages of each queue.
    pub messages: u16,
    /// Entries of each receive queue's ring.
    pub entries: Vec<u16>,
    /// How often the hosts take entries.
    pub host_speed: u32,
    pub give_up: u8,
    pub wire: Wire,
    /// Owners that each slot has, one after the other, when queues fail.
    pub owners: usize,
    pub rules: AllBut,
}

/// The rules that are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AllBut(pub Option<Rule>);

impl Rules for AllBut {
    fn holds(self, rule: Rule) -> bool {
        self.0 != Some(rule)
    }
}

/// Small random numbers (SplitMix64).
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % end as u64) as usize
    }

    pub fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}

/// What became of a message, as its sender knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Accepted,
    Failed,
    Unknown,
}

/// An owner of a slot.
#[derive(Debug)]
struct Queue {
    /// Receive queue and channel of each message.
    ways: Vec<(usize, u8)>,
    fates: Vec<Fate>,
    delivered: Vec<bool>,
    /// Messages before the consumer index.
    passed: usize,
}

/// A slot, with all of its owners so far; the last one has it.
#[derive(Debug)]
struct Slot {
    sender: Sender<7, AllBut>,
    owners: Vec<Queue>,
    /// The last owner has failed.
    is_over: bool,
}

impl Queue {
    fn new(plan: &Plan, random: &mut Random) -> Self {
        let messages = usize::from(plan.messages);
        let mut way = |_| (random.below(plan.entries.len()), random.below(2) as u8);
        Self {
            ways: (0..messages).map(&mut way).collect(),
            fates: vec![Fate::Open; messages],
            delivered: vec![false; messages],
            passed: 0,
        }
    }

    /// Enters what the sender has learnt.
    fn settle(&mut self, sender: &Sender<7, AllBut>, verdict: Verdict, outcome: Outcome) {
        let consumer = sender.consumer();
        self.passed += usize::from(outcome.passed);
        let first = self.passed - usize::from(outcome.passed);
        for message in first..(self.passed + 64).min(self.ways.len()) {
            let ahead = message.checked_sub(self.passed);
            let done = ahead.is_none_or(|ahead| {
                let index = consumer.plus(ahead as u8);
                ahead < usize::from(sender.launched().since(consumer)) && sender.is_done(index)
            });
            if done && self.fates[message] == Fate::Open {
                let accepted = verdict == Verdict::Accepted;
                assert_eq!(
                    self.delivered[message], accepted,
                    "message {message}: {verdict:?}"
                );
                self.fates[message] = if accepted {
                    Fate::Accepted
                } else {
                    Fate::Failed
                };
            }
        }
    }

    /// The slot is taken away from it.
    fn end(&mut self) {
        for fate in self.fates.iter_mut().filter(|fate| **fate == Fate::Open) {
            *fate = Fate::Unknown;
        }
    }
}

impl Slot {
    fn owner(&mut self) -> &mut Queue {
        self.owners.last_mut().expect("a slot has an owner")
    }

    fn is_done(&self) -> bool {
        let owner = self.owners.last().expect("a slot has an owner");
        self.is_over || owner.passed == owner.ways.len()
    }
}

/// Both nodes.
#[derive(Debug)]
pub struct Cluster {
    plan: Plan,
    random: Random,
    slots: Vec<Slot>,
    receiver: Receiver<8, AllBut>,
    rings: Vec<Ring>,
    link: Link,
}

/// The node of a receive queue, as the sender numbers it.
fn node_of(receive_queue: usize) -> u16 {
    receive_queue as u16 % 2
}

impl Cluster {
    /// Runs until nothing is left to do, and checks each step.
    pub fn run(plan: &Plan) -> Self {
        let mut cluster = Self::new(plan);
        let steps = 2000 * (usize::from(plan.messages) + 100) * plan.queues * plan.owners;
        for _ in 0..steps {
            if cluster.slots.iter().all(Slot::is_done) {
                return cluster;
            }
            cluster.step();
        }
        panic!("this never ends: {plan:?}");
    }

    fn new(plan: &Plan) -> Self {
        let mut random = Random(plan.seed);
        let limits = Limits {
            window: 64,
            give_up: plan.give_up,
            doublings: 10,
            patience: 3,
        };
        let mut slot = |_| Slot {
            sender: Sender::new(plan.rules, limits, FIRST_GENERATION),
            owners: vec![Queue::new(plan, &mut random)],
            is_over: false,
        };
        Self {
            slots: (0..plan.queues).map(&mut slot).collect(),
            receiver: Receiver::new(plan.rules, 2, 4),
            rings: plan
                .entries
                .iter()
                .map(|&entries| Ring::new(entries))
                .collect(),
            link: Link::new(plan.wire, plan.rules),
            plan: plan.clone(),
            random,
        }
    }

    fn owners(&self) -> impl Iterator<Item = &Queue> {
        self.slots.iter().flat_map(|slot| &slot.owners)
    }

    /// Messages stored.
    pub fn sent(&self) -> usize {
        self.owners().map(|queue| queue.ways.len()).sum()
    }

    /// Messages delivered.
    pub fn delivered(&self) -> usize {
        let delivered = self.owners().flat_map(|queue| &queue.delivered);
        delivered.filter(|delivered| **delivered).count()
    }

    /// Messages reported as not delivered.
    pub fn failed(&self) -> usize {
        let fates = self.owners().flat_map(|queue| &queue.fates);
        fates.filter(|fate| **fate == Fate::Failed).count()
    }

    fn step(&mut self) {
        match self.random.below(6) {
            0 | 1 => self.send(),
            2 => {
                for frame in self.link.messages(&mut self.random) {
                    self.arrive(frame);
                }
            }
            3 => {
                for (node, answer) in self.link.answers(&mut self.random) {
                    self.answered(node, &answer);
                }
            }
            4 => self.take_entries(),
            _ => self.pass_time(),
        }
    }

    fn send(&mut self) {
        let number = self.random.below(self.slots.len());
        let slot = &mut self.slots[number];
        if slot.is_over || !self.link.has_room() {
            return;
        }
        let owner = slot.owners.len() - 1;
        let queue = &slot.owners[owner];
        let stored = (queue.passed + 64).min(queue.ways.len());
        let consumer = slot.sender.consumer();
        let producer = consumer.plus((stored - queue.passed) as u8);
        // In bursts: windows are to fill.
        for _ in 0..=self.random.below(64) {
            let Some(launch) = slot.sender.launch(producer) else {
                return;
            };
            let message = queue.passed + usize::from(launch.index.since(consumer));
            let (receive_queue, channel) = queue.ways[message];
            let frame = Frame {
                slot: number as u8,
                generation: slot.sender.generation(),
                index: launch.index,
                restart: launch.restart,
                receive_queue,
                channel,
                owner,
                message,
            };
            self.link.send(node_of(receive_queue), frame);
        }
    }

    fn arrive(&mut self, frame: Frame) {
        let ring = &mut self.rings[frame.receive_queue];
        let placement = if ring.room() > 0 {
            Placement::Room
        } else {
            Placement::NoRoom
        };
        let node = node_of(frame.receive_queue);
        // One receiver plays all receiving nodes: what it calls the sending node is the receiving one.
        let origin = Origin {
            node,
            slot: frame.slot,
            channel: frame.channel,
        };
        let verdict = self.receiver.on_message(origin, frame.restart, placement);
        if verdict == Verdict::Accepted {
            ring.push().expect("there is room");
            let queue = &mut self.slots[usize::from(frame.slot)].owners[frame.owner];
            let (way, own) = (queue.ways[frame.message], frame.message);
            assert!(!queue.delivered[own], "delivered twice: {frame:?}");
            assert_ne!(
                queue.fates[own],
                Fate::Failed,
                "delivered after it failed: {frame:?}"
            );
            let overtaken = |&later: &usize| queue.ways[later] == way && queue.delivered[later];
            let later = (own + 1..queue.ways.len()).find(overtaken);
            assert_eq!(later, None, "overtaken: {frame:?}");
            queue.delivered[own] = true;
        }
        let answer = Answer::new(frame.slot, frame.generation, verdict, frame.index);
        self.link.answer(node, answer);
    }

    fn answered(&mut self, node: u16, answer: &Answer) {
        let slot = &mut self.slots[usize::from(answer.slot)];
        if slot.is_over {
            return;
        }
        let consumer = slot.sender.consumer();
        let queue = slot.owners.last_mut().expect("a slot has an owner");
        let message = |index: Index| queue.passed + usize::from(index.since(consumer));
        let sent_to = |index| {
            queue
                .ways
                .get(message(index))
                .map_or(node, |way| node_of(way.0))
        };
        let stale = answer.generation != slot.sender.generation();
        let outcome = slot.sender.on_answer(node, answer, sent_to);
        assert!(stale || outcome.unexpected == 0, "{answer:?}");
        queue.settle(&slot.sender, answer.verdict, outcome);
    }

    fn take_entries(&mut self) {
        if self.random.below(8) as u32 >= self.plan.host_speed {
            return;
        }
        let receive_queue = self.random.below(self.rings.len());
        let ring = &mut self.rings[receive_queue];
        let taken = self.random.below(usize::from(ring.level()) + 1) as u16;
        assert!(ring.consume(ring.consumer.wrapping_add(taken)));
    }

    /// Pauses end; queues fail whose frames or answers are lost, and their slots get other owners.
    fn pass_time(&mut self) {
        self.link.pass_time(&mut self.random);
        for (number, slot) in (0..).zip(&mut self.slots) {
            if slot.sender.is_paused() && self.random.one_in(4) {
                let outcome = slot.sender.on_pause_over();
                let sender = slot.sender;
                slot.owner().settle(&sender, Verdict::Full, outcome);
            }
            let unanswered = slot.sender.outstanding() > 0;
            if unanswered && self.link.has_lost(number, slot.owners.len() - 1) {
                slot.sender.free();
                slot.owner().end();
                if slot.owners.len() < self.plan.owners {
                    slot.owners.push(Queue::new(&self.plan, &mut self.random));
                } else {
                    slot.is_over = true;
                }
            }
        }
    }
}

/// The first of some, taken out.
fn take_first<T>(from: &mut VecDeque<T>, most: usize) -> Vec<T> {
    let most = most.min(from.len());
    from.drain(..most).collect()
}
