//! A slow, obvious NIU and host around the state machines: what the image and the hardware do, one
//! small step at a time.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod niu;
pub mod requests;
pub mod serving;

use abi::command::completion_status::CompletionStatus;
use niu::Niu;
use std::ops::{Deref, DerefMut};
use wayfarer_firmware::{AdminRegisters, CHAIN, Chosen, Firmware, Input, Limits};

pub const PAGE_BYTES: u64 = 4096;
pub const REVISION: u32 = 0x1234_abcd;
/// Queues a side that the firmware has room for.
pub const QUEUES: usize = 16;
/// Endpoints, and identifiers, that it has room for.
pub const ENDPOINTS: usize = 1024;
pub const LIMITS: Limits = Limits {
    transmit_queues: 16,
    receive_queues: 16,
    endpoints: 256,
    receive_queue_ids: 256,
    inline_pages: 4,
    translation_entries: 1024,
    interrupt_vectors: 16,
};
/// Commands that a command queue of the hardware holds; a store beyond makes the processor wait.
const QUEUE_COMMANDS: usize = 4;

pub type Tested = Firmware<QUEUES, ENDPOINTS, ENDPOINTS>;

/// xorshift64: the same numbers for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

/// The firmware, and what it works on.
pub struct World {
    pub firmware: Box<Tested>,
    pub niu: Niu,
    /// Reads of host memory take long compared to all else.
    pub slow_reads: bool,
    /// Processor cycles.
    now: u32,
}

impl Deref for World {
    type Target = Niu;

    fn deref(&self) -> &Niu {
        &self.niu
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Niu {
        &mut self.niu
    }
}

fn firmware(limits: Limits) -> Box<Tested> {
    let mut firmware = Box::new(Firmware::new([const { Chosen::new() }; 2]));
    firmware.start(REVISION, limits);
    firmware
}

impl World {
    pub fn new() -> Self {
        World::with_limits(LIMITS)
    }

    pub fn with_limits(limits: Limits) -> Self {
        World {
            firmware: firmware(limits),
            niu: Niu::new(limits),
            slow_reads: false,
            now: u32::MAX - 5000,
        }
    }

    /// The processor was reset; the rest of the hardware goes on.
    pub fn restart_firmware(&mut self) {
        self.firmware = firmware(self.niu.limits);
        // Whatever is not answered is reported again.
        self.niu.reported = 0;
        let registers = match self.niu.stopped {
            None => self.niu.registers,
            Some(_) => AdminRegisters::default(),
        };
        self.firmware.resume(registers, self.niu.generations);
    }

    /// What may happen next.
    fn possible(&mut self, random: &mut Random) -> Vec<usize> {
        let has_room = self.niu.commands.len() < QUEUE_COMMANDS;
        let mut possible: Vec<usize> = [
            self.niu.doorbell_pending,
            !self.niu.completions.is_empty(),
            self.firmware.wants_room(&mut self.niu) && has_room,
            self.niu.head_may_go(),
            self.niu.unreported_stores() > 0 && self.firmware.takes_captured() && has_room,
            !self.niu.missed_reports.is_empty() && self.firmware.takes_missed(),
            !self.niu.events.is_empty() && self.firmware.takes_event(),
            !self.niu.unreported.is_empty(),
        ]
        .iter()
        .enumerate()
        .filter_map(|(kind, &possible)| possible.then_some(kind))
        .collect();
        let in_time = !self.slow_reads || possible.is_empty() || random.below(300) == 0;
        if !self.niu.reads.is_empty() && in_time {
            possible.push(8);
        }
        possible
    }

    /// One small step of the kind that `random` chooses; `false` if nothing at all can happen any more, other than
    /// what waits for a pause to end.
    pub fn step(&mut self, random: &mut Random) -> bool {
        self.now = self.now.wrapping_add(random.below(40) as u32);
        self.firmware.tick(self.now);
        let mut possible = self.possible(random);
        if possible.is_empty() {
            // What was lent is taken back after a while.
            for _ in 0..2 {
                self.now = self.now.wrapping_add(20_000);
                self.firmware.tick(self.now);
            }
            possible = self.possible(random);
        }
        if possible.is_empty() {
            return false;
        }
        match possible[random.below(possible.len() as u64) as usize] {
            0 => {
                self.niu.doorbell_pending = false;
                let registers = self.niu.registers;
                self.tell(Input::Doorbell(registers));
            }
            1 => {
                let (token, status) = self.niu.completions.pop_front().expect("there is one");
                let status = CompletionStatus::from_code(status);
                self.tell(Input::Completed { token, status });
            }
            2 => {
                let before = self.niu.issued;
                self.tell(Input::Room(self.now));
                // It polls the time.
                let is_all = possible.len() == 1;
                if is_all && self.niu.issued == before {
                    self.now = self.now.wrapping_add(20_000);
                }
            }
            3 => self.niu.execute_next(random),
            4 => {
                let endpoint = self.niu.report_captured();
                self.tell(Input::Captured(endpoint));
            }
            5 => {
                let identifier = self.niu.missed_reports.pop_front().expect("there is one");
                self.tell(Input::Missed(identifier));
            }
            6 => {
                let (endpoint, lost) = self.niu.events.pop_front().expect("there is one");
                self.tell(Input::NonResidentEvent { endpoint, lost });
            }
            7 => {
                let identifier = self.niu.unreported.pop_front().expect("there is one");
                self.niu.missed_reports.push_back(identifier);
            }
            _ => {
                let read = random.below(self.niu.reads.len() as u64) as usize;
                self.niu.finish_read(read);
            }
        }
        true
    }

    /// Whether nothing is under way, and nothing waits but for a pause to end.
    pub fn is_at_rest(&mut self) -> bool {
        let mut random = Random::new(1);
        self.possible(&mut random).iter().all(|&kind| kind == 2) && self.niu.reads.is_empty()
    }

    /// Steps until nothing can happen any more.
    pub fn settle(&mut self, random: &mut Random) {
        let mut steps = 0;
        while self.step(random) {
            steps += 1;
            assert!(steps < 1_000_000, "the firmware never comes to rest");
        }
    }

    fn tell(&mut self, input: Input) {
        let before = self.niu.issued;
        self.firmware.step(input, &mut self.niu);
        let issued = self.niu.issued - before;
        assert!(issued <= CHAIN, "{issued} commands for {input:?}");
    }
}
