//! The answer path with an engine and a scheduler that take everything at once.

use super::*;
use crate::gate::{clock_cycle, settle};
use abi::link::kind;

/// What the unit gave in one cycle.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub cycle: u64,
    pub progress: Progress,
    pub resend: Option<Resend>,
    pub reopened: Option<u64>,
    pub timed_out: bool,
    pub pinged: bool,
    pub probed: bool,
    pub unexpected: bool,
    pub overflow: bool,
    pub answered: bool,
}

pub struct Bench<const Q: usize, const S: usize, const W: usize, const R: usize> {
    pub unit: TransmitAnswers<Q, S, W, R>,
    pub cycle: u64,
    pub log: Vec<Seen>,
}

/// Cycles of a round: each of 16 queues is visited every 8 cycles.
pub const ROUND: u64 = 128;

/// Rounds until a ping.
pub const TIMEOUT: u64 = 8;

impl Bench<4, 6, 10, 7> {
    pub fn sixteen() -> Self {
        Self::new()
    }
}

impl<const Q: usize, const S: usize, const W: usize, const R: usize> Bench<Q, S, W, R> {
    pub fn new() -> Self {
        let mut unit = TransmitAnswers::new(3, RoundRules::new(2, TIMEOUT.ilog2() as usize));
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit.resend_ready.next = true;
        unit.reopen_ready.next = true;
        settle(&mut unit);
        let mut bench = Self {
            unit,
            cycle: 0,
            log: Vec::new(),
        };
        while !bench.unit.ready.val() {
            bench.step();
        }
        bench
    }

    /// A cycle; inputs that were set count in it alone.
    pub fn step(&mut self) -> Seen {
        let unit = &mut self.unit;
        settle(unit);
        let seen = Seen {
            cycle: self.cycle,
            progress: unit.progress.val(),
            resend: (unit.resend_valid.val() && unit.resend_ready.val()).then(|| unit.resend.val()),
            reopened: (unit.reopen_valid.val() && unit.reopen_ready.val())
                .then(|| unit.reopen_queue.val().to_u64()),
            timed_out: unit.timed_out.val(),
            pinged: unit.pinged.val(),
            probed: unit.probed.val(),
            unexpected: unit.unexpected.val(),
            overflow: unit.answer_overflow.val(),
            answered: unit.answered.val(),
        };
        clock_cycle!(*unit, clock);
        unit.launch.next = Launch::default();
        unit.skip_valid.next = false;
        unit.answer_valid.next = false;
        unit.local_answer_valid.next = false;
        unit.configuration.next = QueueWord::default();
        self.cycle += 1;
        self.log.push(seen);
        seen
    }

    pub fn steps(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.step();
        }
    }

    /// Steps until `found`, for at most `limit` cycles.
    pub fn until(&mut self, limit: u64, what: &str, found: impl Fn(&Seen) -> bool) -> Seen {
        for _ in 0..limit {
            let seen = self.step();
            if found(&seen) {
                return seen;
            }
        }
        panic!("no {what} in {limit} cycles");
    }

    /// Generation 5, nothing is given up.
    pub fn enable(&mut self, queue: u64) {
        self.unit.configuration.next = control(queue, 1 | 5 << 8);
        self.until(100, "reopening", |seen| seen.reopened == Some(queue));
    }

    /// In the next cycle.
    pub fn launch(&mut self, queue: u64, index: u64, node: u64) {
        self.unit.launch.next = Launch {
            valid: true,
            queue: queue.to_bits(),
            index: (index & 0xFFFF).to_bits(),
            again: false,
            node: node.to_bits(),
            marked: false,
        };
    }

    /// Messages from `first` on to node 1, a cycle each.
    pub fn launch_all(&mut self, queue: u64, first: u64, count: u64) {
        for index in first..first + count {
            self.launch(queue, index, 1);
            self.step();
        }
    }

    /// In the next cycle, from node 1.
    pub fn answer(&mut self, queue: u64, verdict: usize, base: u64, bitmap: u64) {
        self.unit.answer_valid.next = true;
        self.unit.answer.next = answer(queue, verdict, base, bitmap);
    }

    /// The latest that was told of the queue.
    pub fn told(&self, queue: u64) -> Progress {
        let mut all = self.log.iter().rev();
        let found = all.find(|seen| seen.progress.valid && seen.progress.queue.to_u64() == queue);
        found.expect("something was told").progress
    }

    /// Since the entry `from` of the log.
    pub fn pings(&self, from: usize) -> Vec<u64> {
        let resends = self.log[from..].iter().filter_map(|seen| seen.resend);
        resends
            .filter(|resend| resend.ping)
            .map(|resend| resend.index.to_u64())
            .collect()
    }
}

pub fn answer(queue: u64, verdict: usize, base: u64, bitmap: u64) -> Answer {
    Answer {
        node: 1.into(),
        slot: queue.to_bits(),
        generation: 5.into(),
        base: (base & 127).to_bits(),
        bitmap: bitmap.to_bits(),
        verdict: (verdict - kind::ACCEPTED).to_bits(),
    }
}
