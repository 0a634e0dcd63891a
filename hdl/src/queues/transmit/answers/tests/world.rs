//! A small world around the answer path: an engine that sends, wires that delay, receivers that refuse, and hosts that
//! empty their rings. It sees to it that each message is delivered once, in order, or reported.

use super::*;
use crate::gate::{clock_cycle, settle};
use abi::link::kind;
use abi::message::error;
use std::collections::{HashMap, VecDeque};

/// What happens in a world.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub seed: u64,
    /// Queues that send.
    pub queues: u64,
    pub nodes: u64,
    /// Entries of each receive ring, and how many percent of all cycles its host takes one.
    pub ring: u64,
    pub drain: u64,
    /// Percent of the messages whose destination is refused by the own engine.
    pub bad: u64,
    /// Percent of the messages whose receive queue is not there.
    pub absent: u64,
    /// FULL answers to a probe until a message is given up.
    pub give_up: u64,
    /// Answers per thousand cycles that are made up, by nodes that were not asked.
    pub lies: u64,
    /// This node gives any answer, any number of times.
    pub liar: Option<u64>,
    /// Per ten thousand cycles: a queue gets a new owner.
    pub owners: u64,
    /// Cycles that a frame takes.
    pub wire: u64,
    /// Most messages that one answer speaks of.
    pub joined: u64,
}

pub const QUIET: Rules = Rules {
    seed: 1,
    queues: 4,
    nodes: 4,
    ring: 64,
    drain: 100,
    bad: 0,
    absent: 0,
    give_up: 0,
    lies: 0,
    liar: None,
    owners: 0,
    wire: 10,
    joined: 12,
};

#[derive(Clone, Copy, Debug)]
struct Message {
    node: u64,
    channel: u64,
    ring: u64,
    bad: bool,
    delivered: bool,
    /// An answer that settles it was given.
    settled: bool,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    owner: u64,
    slot: u64,
    generation: u64,
    index: u64,
    restart: bool,
    ping: bool,
}

/// One owner's use of a queue.
#[derive(Default)]
struct Owner {
    messages: Vec<Message>,
    /// Last message delivered to (node, channel, ring).
    last: HashMap<(u64, u64, u64), u64>,
    errors: u64,
}

#[derive(Default, Clone)]
struct Queue {
    owner: u64,
    generation: u64,
    enabled: bool,
    /// Cycle at which a disabled queue gets its next owner.
    next_owner: Option<u64>,
    producer: u64,
    launched: u64,
    /// Chosen, but not launched yet.
    chosen: u64,
    /// The new owner's record is told.
    started: bool,
    closed: bool,
    balance: u64,
    consumer: u64,
    errors: u64,
    failed: bool,
}

enum Step {
    New { queue: u64, restart: bool },
    Again { resend: Resend },
}

/// Counts of what happened, so that tests can see that they saw it.
#[derive(Default, Debug)]
pub struct Seen {
    pub delivered: u64,
    pub accepted: u64,
    pub refused: u64,
    pub unexpected: u64,
    pub probes: u64,
    pub resent: u64,
    pub behind: u64,
    pub full: u64,
    pub skipped: u64,
    pub given_up: u64,
    pub owners: u64,
    pub failures: u64,
    pub overflows: u64,
    pub pings: u64,
    pub stale_resends: u64,
    pub cycles: u64,
}

pub struct World<const Q: usize, const S: usize, const W: usize, const R: usize> {
    pub unit: TransmitAnswers<Q, S, W, R>,
    rules: Rules,
    random: Random,
    cycle: u64,
    queues: Vec<Queue>,
    owners: Vec<Owner>,
    steps: VecDeque<(u64, Step)>,
    again_busy: bool,
    /// A message to be sent again that waits for credits, and until when.
    starving: Option<(u64, Resend)>,
    wires: HashMap<(u64, u64), VecDeque<(u64, Frame)>>,
    flows: HashMap<(u64, u64, u64), bool>,
    rings: HashMap<(u64, u64), u64>,
    open_answers: Vec<(u64, Answer)>,
    answers: VecDeque<(u64, Answer)>,
    local_answers: VecDeque<(u64, Answer)>,
    pub seen: Seen,
    stopping: bool,
}

const RINGS: u64 = 3;

impl<const Q: usize, const S: usize, const W: usize, const R: usize> World<Q, S, W, R> {
    pub fn new(rules: Rules) -> Self {
        println!("{rules:?}");
        let mut unit = TransmitAnswers::new(3, RoundRules::new(2, 6));
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        settle(&mut unit);
        for _ in 0..(1 << Q) + 20 {
            clock_cycle!(unit, clock);
        }
        assert!(unit.ready.val());
        let mut world = Self {
            unit,
            random: Random::new(rules.seed),
            cycle: 0,
            queues: vec![Queue::default(); 1 << Q],
            owners: Vec::new(),
            steps: VecDeque::new(),
            again_busy: false,
            starving: None,
            wires: HashMap::new(),
            flows: HashMap::new(),
            rings: HashMap::new(),
            open_answers: Vec::new(),
            answers: VecDeque::new(),
            local_answers: VecDeque::new(),
            seen: Seen::default(),
            stopping: false,
            rules,
        };
        for queue in 0..rules.queues {
            let slot = world.slot(queue);
            world.queues[slot as usize].next_owner = Some(queue * 40);
        }
        world
    }

    /// The queues that are used lie far apart.
    fn slot(&self, number: u64) -> u64 {
        number * ((1 << Q) / self.rules.queues)
    }

    /// Runs for so many cycles, then until all is delivered.
    pub fn run(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step();
        }
        self.stopping = true;
        let limit = self.cycle + 400_000;
        while !self.is_over() {
            assert!(
                self.cycle < limit,
                "stuck: {:?}\n{}",
                self.seen,
                self.state()
            );
            self.step();
        }
        for _ in 0..200 {
            self.step();
        }
        self.check_end();
        self.seen.cycles = self.cycle;
        println!("{:?}", self.seen);
    }

    fn state(&self) -> String {
        let mut text = String::new();
        for (slot, queue) in self.queues.iter().enumerate() {
            if queue.enabled {
                text += &format!(
                    "{slot}: producer {} launched {} consumer {} outstanding {} closed {}\n",
                    queue.producer,
                    queue.launched,
                    queue.consumer,
                    queue.launched.wrapping_sub(queue.balance) & 255,
                    queue.closed
                );
            }
        }
        text
    }

    fn is_over(&self) -> bool {
        self.queues.iter().all(|queue| {
            queue.next_owner.is_none()
                && (!queue.enabled || queue.failed || queue.consumer == queue.producer & 0xFFFF)
        }) && self.steps.is_empty()
    }

    fn check_end(&mut self) {
        for queue in self.queues.iter().filter(|queue| queue.enabled) {
            let owner = &self.owners[queue.owner as usize];
            if queue.failed {
                continue;
            }
            assert_eq!(queue.launched & 255, queue.balance, "all is answered");
            assert!(!queue.closed, "open again");
            assert!(self.rules.liar.is_some() || queue.errors == owner.errors.min(0xFFF));
            for (index, message) in owner.messages.iter().enumerate() {
                if Some(message.node) != self.rules.liar {
                    assert!(message.settled, "{index}: {message:?}");
                }
            }
        }
    }

    fn step(&mut self) {
        self.hosts();
        self.firmware();
        self.engine();
        self.receivers();
        self.port_answers();
        self.unit.resend_ready.next = !self.again_busy;
        self.unit.reopen_ready.next = self.random.chance(50);
        settle(&mut self.unit);
        self.watch();
        clock_cycle!(self.unit, clock);
        self.cycle += 1;
    }

    /// Programs compose messages; hosts empty their rings.
    fn hosts(&mut self) {
        let number = self.random.below(self.rules.queues);
        let slot = self.slot(number) as usize;
        let window = 1 << S;
        let queue = &mut self.queues[slot];
        let filled = (queue.producer.wrapping_sub(queue.consumer)) & 0xFFFF;
        if queue.enabled && !queue.failed && !self.stopping && filled < window {
            for _ in 0..1 + self.random.below(window - filled) {
                let absent = self.random.chance(self.rules.absent);
                self.owners[queue.owner as usize].messages.push(Message {
                    node: self.random.below(self.rules.nodes),
                    channel: self.random.below(2),
                    ring: if absent {
                        RINGS
                    } else {
                        self.random.below(RINGS)
                    },
                    bad: self.random.chance(self.rules.bad),
                    delivered: false,
                    settled: false,
                });
                queue.producer += 1;
            }
        }
        for node in 0..self.rules.nodes {
            for ring in 0..RINGS {
                if self.random.chance(self.rules.drain) {
                    let used = self.rings.entry((node, ring)).or_default();
                    *used = used.saturating_sub(1);
                }
            }
        }
    }

    /// Queues change owners.
    fn firmware(&mut self) {
        self.unit.configuration.next = QueueWord::default();
        let number = self.random.below(self.rules.queues);
        let slot = self.slot(number);
        let cycle = self.cycle;
        let busy = self
            .queues
            .iter()
            .any(|queue| queue.next_owner == Some(cycle));
        let queue = &mut self.queues[slot as usize];
        if !busy && !self.stopping && queue.enabled && self.random.below(10_000) < self.rules.owners
        {
            // Killed, with messages unanswered: the generation advances (rule 7).
            queue.enabled = false;
            queue.generation += u64::from(queue.launched & 255 != queue.balance);
            queue.next_owner = Some(cycle + 100 + self.random.below(200));
            self.unit.configuration.next = control(slot, 0);
            self.seen.owners += 1;
            return;
        }
        for (slot, queue) in self.queues.iter_mut().enumerate() {
            if queue.next_owner == Some(cycle) {
                *queue = Queue {
                    owner: self.owners.len() as u64,
                    generation: queue.generation,
                    enabled: true,
                    closed: true,
                    ..Queue::default()
                };
                self.owners.push(Owner::default());
                let word = 1 | self.rules.give_up << 4 | (queue.generation & 255) << 8;
                self.unit.configuration.next = control(slot as u64, word);
            }
        }
        for queue in &mut self.queues {
            // One control word a cycle.
            if queue.next_owner.is_some_and(|due| due <= cycle) {
                queue.next_owner = Some(cycle + 1 + self.random.below(50));
            }
        }
    }

    /// Chooses, and a few cycles later launches.
    fn engine(&mut self) {
        let cycle = self.cycle;
        let behind = self.steps.back().map_or(0, |(due, _)| *due);
        if let Some((until, resend)) = self.starving {
            if until <= cycle {
                self.starving = None;
                let due = (cycle + 3).max(behind);
                self.steps.push_back((due, Step::Again { resend }));
            }
        } else if cycle.is_multiple_of(2) && self.steps.len() < 4 {
            let number = self.random.below(self.rules.queues);
            let slot = self.slot(number);
            let pause = if self.random.below(200) == 0 { 20 } else { 3 };
            let queue = &mut self.queues[slot as usize];
            let next = queue.launched + queue.chosen;
            if queue.enabled && !queue.closed && next < queue.producer {
                let restart = next & 255 == queue.balance;
                queue.chosen += 1;
                let due = (cycle + pause).max(behind);
                self.steps.push_back((
                    due,
                    Step::New {
                        queue: slot,
                        restart,
                    },
                ));
            }
        }
        self.unit.launch.next = Launch::default();
        self.unit.skip_valid.next = false;
        settle(&mut self.unit);
        if self.steps.front().is_none_or(|(due, _)| *due > cycle) || !self.unit.skip_ready.val() {
            return;
        }
        match self.steps.pop_front().map(|(_, step)| step) {
            Some(Step::New {
                queue: slot,
                restart,
            }) => {
                let queue = &mut self.queues[slot as usize];
                queue.chosen -= 1;
                if !queue.enabled {
                    return;
                }
                let index = queue.launched;
                queue.launched += 1;
                self.send(slot, index, restart, false);
            }
            Some(Step::Again { resend }) => {
                if self.random.below(20) == 0 {
                    // It leaves the engine's order and enters it again; new messages of other queues pass it.
                    self.starving = Some((cycle + self.random.below(200), resend));
                    return;
                }
                self.again_busy = false;
                let slot = resend.queue.to_u64();
                let queue = &self.queues[slot as usize];
                if !queue.enabled || queue.generation & 255 != resend.generation.to_u64() {
                    self.seen.stale_resends += 1;
                    return;
                }
                let index = queue.launched - ((queue.launched - resend.index.to_u64()) & 0xFFFF);
                assert!(index < queue.launched);
                if resend.ping {
                    self.seen.pings += 1;
                    self.frame(slot, index, false, true);
                } else {
                    self.seen.resent += 1;
                    self.send(slot, index, resend.restart, true);
                }
            }
            None => {}
        }
    }

    fn send(&mut self, slot: u64, index: u64, restart: bool, again: bool) {
        let owner = self.queues[slot as usize].owner;
        let message = self.owners[owner as usize].messages[index as usize];
        self.unit.launch.next = Launch {
            valid: true,
            queue: slot.to_bits(),
            index: (index & 0xFFFF).to_bits(),
            again,
            node: message.node.to_bits(),
            marked: false,
        };
        if message.bad {
            self.unit.skip_valid.next = true;
            self.unit.skip.next = Skip {
                queue: slot.to_bits(),
                index: (index & 0xFFFF).to_bits(),
                again,
                error: error::OUTSIDE_WINDOW.to_bits(),
            };
            self.seen.skipped += 1;
            let owner = &mut self.owners[owner as usize];
            owner.errors += 1;
            owner.messages[index as usize].settled = true;
        } else {
            self.frame(slot, index, restart, false);
        }
    }

    fn frame(&mut self, slot: u64, index: u64, restart: bool, ping: bool) {
        let queue = &self.queues[slot as usize];
        let message = self.owners[queue.owner as usize].messages[index as usize];
        let frame = Frame {
            owner: queue.owner,
            slot,
            generation: queue.generation & 255,
            index,
            restart,
            ping,
        };
        let wire = self
            .wires
            .entry((message.node, message.channel))
            .or_default();
        let behind = wire.back().map_or(0, |(due, _)| *due);
        let due = self.cycle + self.rules.wire * (1 + message.node) + self.random.below(8);
        wire.push_back((due.max(behind), frame));
    }

    /// One frame a node and cycle (rules 9 to 11).
    fn receivers(&mut self) {
        for node in 0..self.rules.nodes {
            for channel in [1, 0] {
                let cycle = self.cycle;
                let wire = self.wires.entry((node, channel)).or_default();
                if wire.front().is_some_and(|(due, _)| *due <= cycle) && self.random.chance(60) {
                    let frame = wire.pop_front().map(|(_, frame)| frame);
                    self.receive(node, channel, frame.expect("it is there"));
                }
            }
        }
        // Answers wait for others to join.
        let cycle = self.cycle;
        let mut index = 0;
        while index < self.open_answers.len() {
            if self.open_answers[index].0 <= cycle || self.random.chance(5) {
                let (_, answer) = self.open_answers.swap_remove(index);
                self.depart(answer);
            } else {
                index += 1;
            }
        }
    }

    fn depart(&mut self, answer: Answer) {
        let local = answer.node.to_u64() == 0;
        let way = self.rules.wire * (1 + answer.node.to_u64()) + self.random.below(20);
        let line = if local {
            &mut self.local_answers
        } else {
            &mut self.answers
        };
        // Answers need no order.
        line.push_back((self.cycle + way, answer));
    }

    fn receive(&mut self, node: u64, channel: u64, frame: Frame) {
        if frame.ping {
            // These worlds lose nothing.
            self.answer(node, &frame, kind::WAITING);
            return;
        }
        let owner = &mut self.owners[frame.owner as usize];
        let message = &mut owner.messages[frame.index as usize];
        let flow = self.flows.entry((node, frame.slot, channel)).or_default();
        let used = self.rings.entry((node, message.ring)).or_default();
        let verdict = if *flow && !frame.restart {
            self.seen.behind += 1;
            kind::BEHIND
        } else if message.ring == RINGS {
            *flow = false;
            owner.errors += 1;
            message.settled = true;
            // A remote operation's failure is told with its error.
            match self.random.below(3) {
                0 => kind::NOT_RESIDENT,
                1 => kind::ACCEPTED + error::BAD_SEGMENT,
                _ => kind::ACCEPTED + error::SEGMENT_RANGE,
            }
        } else if *used >= self.rules.ring {
            *flow = true;
            self.seen.full += 1;
            kind::FULL
        } else {
            *flow = false;
            *used += 1;
            if Some(node) != self.rules.liar {
                assert!(!message.delivered, "delivered twice: {frame:?}");
                let last = owner
                    .last
                    .insert((node, channel, message.ring), frame.index);
                assert!(
                    last < Some(frame.index),
                    "out of order: {frame:?} behind {last:?}"
                );
            }
            message.delivered = true;
            message.settled = true;
            self.seen.delivered += 1;
            kind::ACCEPTED
        };
        if Some(node) == self.rules.liar {
            for _ in 0..self.random.below(4) {
                let verdict = kind::ACCEPTED as u64 + self.random.below(6);
                self.answer(node, &frame, verdict as usize);
            }
        }
        self.answer(node, &frame, verdict);
    }

    /// Joins an answer that waits, or waits itself.
    fn answer(&mut self, node: u64, frame: &Frame, verdict: usize) {
        let joins = self.open_answers.iter_mut().find(|(_, open)| {
            let distance = frame.index.wrapping_sub(open.base.to_u64()) & 127;
            open.node.to_u64() == node
                && open.slot.to_u64() == frame.slot
                && open.generation.to_u64() == frame.generation
                && open.verdict.index() == verdict - 8
                && distance < self.rules.joined
        });
        if let Some((_, open)) = joins {
            let distance = frame.index.wrapping_sub(open.base.to_u64()) & 127;
            open.bitmap = open.bitmap | (1u64 << distance).to_bits::<12>();
            return;
        }
        let answer = Answer {
            node: node.to_bits(),
            slot: frame.slot.to_bits(),
            generation: frame.generation.to_bits(),
            base: (frame.index & 127).to_bits(),
            bitmap: 1.into(),
            verdict: (verdict - 8).to_bits(),
        };
        self.open_answers
            .push((self.cycle + self.random.below(20), answer));
    }

    /// Answers reach the unit: one a cycle, and lies among them.
    fn port_answers(&mut self) {
        let cycle = self.cycle;
        let due = self.answers.iter().position(|(due, _)| *due <= cycle);
        let mut answer = due.and_then(|index| self.answers.remove(index));
        if answer.is_none() && self.random.below(1000) < self.rules.lies {
            let slot = self.random.below(1 << Q);
            let queue = &self.queues[slot as usize];
            let mut lie = Answer {
                node: (self.rules.nodes + self.random.below(3)).to_bits(),
                slot: slot.to_bits(),
                generation: (queue.generation & 255).to_bits(),
                base: self.random.bits(),
                bitmap: self.random.bits(),
                verdict: self.random.below(16).to_bits(),
            };
            if self.random.chance(30) {
                // The right node, an old generation.
                lie.node = self.random.below(self.rules.nodes).to_bits();
                lie.generation = ((queue.generation + 128) & 255).to_bits();
            }
            if self.random.chance(30) && Q < 8 {
                // The right node and generation, of a queue that there is not.
                lie.node = self.random.below(self.rules.nodes).to_bits();
                lie.slot = (slot + (1 << Q)).to_bits();
            }
            answer = Some((0, lie));
        }
        self.unit.answer_valid.next = answer.is_some();
        self.unit.answer.next = answer.map_or_else(Answer::default, |(_, answer)| answer);
        let due = self.local_answers.iter().position(|(due, _)| *due <= cycle);
        let local = due.and_then(|index| self.local_answers.remove(index));
        self.unit.local_answer_valid.next = local.is_some();
        self.unit.local_answer.next = local.map_or_else(Answer::default, |(_, answer)| answer);
    }

    /// What the unit tells.
    fn watch(&mut self) {
        let progress = self.unit.progress.val();
        if progress.valid {
            let slot = progress.queue.to_u64();
            let liar = self.rules.liar;
            let queue = &mut self.queues[slot as usize];
            let consumer = progress.consumer.to_u64();
            if queue.enabled {
                let passed = consumer.wrapping_sub(queue.consumer) & 0xFFFF;
                // Until the new owner's record is cleared, the old one's is told.
                queue.started |= !progress.closed;
                if queue.started {
                    assert!(passed <= 64, "{passed}");
                    let position =
                        queue.launched - (queue.launched.wrapping_sub(consumer) & 0xFFFF);
                    assert!(position <= queue.launched, "beyond launched");
                    let owner = &mut self.owners[queue.owner as usize];
                    let given_up = progress.error.index() == error::RECEIVER_FULL;
                    if given_up && progress.report {
                        // The message at the head, and nothing else.
                        assert!(passed > 0 && self.rules.give_up > 0);
                        let message = &mut owner.messages[position as usize - passed as usize];
                        assert!(!message.settled, "given up, but delivered: {message:?}");
                        message.settled = true;
                        owner.errors += 1;
                        self.seen.given_up += 1;
                    }
                    let messages = &owner.messages;
                    for message in &messages[position as usize - passed as usize..position as usize]
                    {
                        assert!(
                            message.settled || Some(message.node) == liar,
                            "passed unanswered: {message:?}"
                        );
                    }
                    if passed > 0 || progress.errors.to_u64() != queue.errors {
                        assert!(progress.tell, "the shadow line is out of date");
                    }
                    assert_eq!(progress.report, progress.errors.to_u64() != queue.errors);
                    queue.consumer = consumer;
                    queue.balance = progress.balance.to_u64();
                    queue.closed = progress.closed;
                    queue.errors = progress.errors.to_u64();
                    let outstanding = queue.launched.wrapping_sub(queue.balance) & 255;
                    assert!(outstanding <= 64, "{outstanding} unanswered");
                    if progress.failed && !queue.failed {
                        queue.failed = true;
                        self.seen.failures += 1;
                    }
                }
            }
        }
        if self.unit.resend_valid.val() && !self.again_busy {
            self.again_busy = true;
            self.starving = Some((self.cycle + 1, self.unit.resend.val()));
        }
        self.seen.accepted += u64::from(self.unit.accepted.val());
        self.seen.refused += u64::from(self.unit.refused.val());
        self.seen.unexpected += u64::from(self.unit.unexpected.val());
        self.seen.probes += u64::from(self.unit.probed.val());
        self.seen.overflows += u64::from(self.unit.answer_overflow.val());
    }
}
