//! A slow, obvious NIU and host around the state machines: what the image and the hardware do, one small step at a time.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod requests;

use abi::command::{
    completion_status::CompletionStatus, header, opcode, state_operand, transfer_operand,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wayfarer_firmware::{Action, AdminRegisters, Command, Firmware, Input, Limits};

pub const PAGE_BYTES: u64 = 4096;
pub const REVISION: u32 = 0x1234_abcd;
pub const LIMITS: Limits = Limits {
    endpoints: 16,
    translation_entries: 1024,
};
/// Commands that a command queue of the hardware holds.
const QUEUE_COMMANDS: usize = 4;

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

/// One write of queue state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StateWrite {
    pub region: usize,
    pub index: usize,
    pub data: u64,
}

/// Host memory, the NIU's memory, its queue state, its command queue.
pub struct World {
    pub firmware: Firmware,
    /// Registers as the host last wrote them.
    pub registers: AdminRegisters,
    /// Level-triggered: the doorbell rang.
    pub doorbell_pending: bool,
    /// Pages of host memory that may be reached.
    pub memory: BTreeMap<u64, Vec<u8>>,
    /// Addresses whose reads get no answer.
    pub silent: BTreeSet<u64>,
    /// Queue state by region and index; absent words are zero.
    pub state: BTreeMap<(usize, usize), u64>,
    /// Writes of queue state since somebody last took them.
    pub state_writes: Vec<StateWrite>,
    /// Answers in the order in which they were written: host address and words.
    pub answers: VecDeque<(u64, [u64; 2])>,
    /// Reads of host memory take long compared to all else.
    pub slow_reads: bool,
    /// Processor cycles.
    pub now: u32,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    commands: VecDeque<[u32; 4]>,
    /// Reads under way: token, address, bytes, inbox offset.
    reads: Vec<(u16, u64, usize, usize)>,
    completions: VecDeque<(u16, u64)>,
    disabled_at: BTreeMap<usize, u32>,
}

impl World {
    pub fn new() -> Self {
        World::with_limits(LIMITS)
    }

    pub fn with_limits(limits: Limits) -> Self {
        World {
            firmware: Firmware::new(REVISION, limits),
            registers: AdminRegisters::default(),
            doorbell_pending: false,
            memory: BTreeMap::new(),
            silent: BTreeSet::new(),
            state: BTreeMap::new(),
            state_writes: Vec::new(),
            answers: VecDeque::new(),
            slow_reads: false,
            now: 0xffff_0000,
            inbox: vec![0; abi::command::INBOX_BYTES],
            outbox: vec![0; abi::command::OUTBOX_BYTES],
            commands: VecDeque::new(),
            reads: Vec::new(),
            completions: VecDeque::new(),
            disabled_at: BTreeMap::new(),
        }
    }

    /// The processor was reset; the rest of the hardware goes on.
    pub fn restart_firmware(&mut self) {
        self.firmware = Firmware::resumed(REVISION, LIMITS, self.registers);
    }

    pub fn map(&mut self, address: u64, bytes: u64) {
        for page in address / PAGE_BYTES..(address + bytes).div_ceil(PAGE_BYTES) {
            self.memory.insert(page, vec![0; PAGE_BYTES as usize]);
        }
    }

    fn byte(&self, address: u64) -> Option<u8> {
        let page = self.memory.get(&(address / PAGE_BYTES))?;
        Some(page[(address % PAGE_BYTES) as usize])
    }

    pub fn store(&mut self, address: u64, bytes: &[u8]) {
        for (place, byte) in (address..).zip(bytes) {
            let page = self.memory.get_mut(&(place / PAGE_BYTES));
            let page = page.unwrap_or_else(|| panic!("write to {place:#x}, which is not mapped"));
            page[(place % PAGE_BYTES) as usize] = *byte;
        }
    }

    pub fn load64(&self, address: u64) -> u64 {
        let bytes = std::array::from_fn(|n| self.byte(address + n as u64).expect("mapped"));
        u64::from_le_bytes(bytes)
    }

    pub fn state_word(&self, region: usize, index: usize) -> u64 {
        self.state.get(&(region, index)).copied().unwrap_or(0)
    }

    /// One small step of the kind that `random` chooses; `false` if nothing at all can happen any more.
    pub fn step(&mut self, random: &mut Random) -> bool {
        self.now = self.now.wrapping_add(random.below(200) as u32);
        let mut possible: Vec<usize> = [
            self.doorbell_pending,
            !self.completions.is_empty(),
            self.firmware.wants_room() && self.commands.len() < QUEUE_COMMANDS,
            self.head_may_go(),
        ]
        .iter()
        .enumerate()
        .filter_map(|(kind, &possible)| possible.then_some(kind))
        .collect();
        let in_time = !self.slow_reads || possible.is_empty() || random.below(300) == 0;
        if !self.reads.is_empty() && in_time {
            possible.push(4);
        }
        if possible.is_empty() {
            return false;
        }
        match possible[random.below(possible.len() as u64) as usize] {
            0 => {
                self.doorbell_pending = false;
                self.tell(Input::Doorbell(self.registers));
            }
            1 => {
                let (token, status) = self.completions.pop_front().expect("there is one");
                let status = CompletionStatus::from_code(status);
                self.tell(Input::Completed { token, status });
            }
            2 => self.tell(Input::Room { now: self.now }),
            3 => {
                let words = self.commands.pop_front().expect("there is one");
                self.execute(words);
            }
            _ => {
                let read = random.below(self.reads.len() as u64) as usize;
                self.finish_read(read);
            }
        }
        true
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
        match self.firmware.step(input) {
            None => {}
            Some(Action::Issue(command)) => self.issue(input, command),
            Some(Action::Answer {
                offset,
                words,
                command,
            }) => {
                assert!(offset + 16 <= abi::admin::LOG_OFFSET, "in the log");
                for (place, word) in self.outbox[offset..].chunks_mut(8).zip(words) {
                    place.copy_from_slice(&word.to_le_bytes());
                }
                self.issue(input, command);
            }
            Some(Action::ReadInbox { offset }) => {
                let entry = std::array::from_fn(|n| {
                    let bytes = &self.inbox[offset + 8 * n..offset + 8 * n + 8];
                    u64::from_le_bytes(bytes.try_into().expect("eight"))
                });
                self.tell(Input::Inbox(entry));
            }
        }
    }

    fn issue(&mut self, input: Input, command: Command) {
        assert!(
            matches!(input, Input::Room { .. }),
            "a command without room: {command:?}"
        );
        let words = command.words();
        if words[0] & 0xff == opcode::WRITE_QUEUE_STATE as u32 {
            for (region, index) in state_places(words[1]) {
                if region == abi::queue_state::REGION_TRANSMIT_QUEUE && index % 2 == 0 {
                    self.check_rest(index / 2, words[2] & 1 == 1);
                }
            }
        }
        self.commands.push_back(words);
    }

    /// A queue that was in use stays disabled until no answer to its old messages can be under way.
    fn check_rest(&mut self, queue: usize, enabled: bool) {
        let was_enabled = self.disabled_at.get(&queue) == Some(&0);
        if enabled {
            if let Some(at) = self.disabled_at.get(&queue) {
                assert!(!was_enabled, "queue {queue} is enabled while it is in use");
                assert!(
                    self.now.wrapping_sub(*at) >= 1 << 17,
                    "queue {queue} is used again too early"
                );
            }
            self.disabled_at.insert(queue, 0);
        } else if was_enabled {
            self.disabled_at.insert(queue, self.now.max(1));
        }
    }

    fn head_may_go(&self) -> bool {
        let fence = |words: &[u32; 4]| header::fence::get(words[0].into()) == 1;
        let head = self.commands.front();
        head.is_some_and(|words| !fence(words) || self.reads.is_empty())
    }

    fn execute(&mut self, words: [u32; 4]) {
        let token = (header::complete::get(words[0].into()) == 1)
            .then_some(header::token::get(words[0].into()) as u16);
        let operand = u128::from(words[1]);
        let data = u64::from(words[2]) | (u64::from(words[3]) << 32);
        let offset = transfer_operand::offset::get(operand) as usize;
        let bytes = transfer_operand::bytes::get(operand) as usize;
        match header::opcode::get(words[0].into()) as usize {
            opcode::NOTHING => {}
            opcode::WRITE_QUEUE_STATE => {
                for (region, index) in state_places(words[1]) {
                    let limit = [256, 32, 32, 1024][region];
                    assert!(index < limit, "region {region} has no index {index}");
                    self.state.insert((region, index), data);
                    self.state_writes.push(StateWrite {
                        region,
                        index,
                        data,
                    });
                }
            }
            opcode::READ_HOST_MEMORY => {
                assert!(offset + bytes <= abi::command::INBOX_BYTES && data % 4 == 0);
                assert!(data % PAGE_BYTES + bytes as u64 <= PAGE_BYTES);
                let token = token.expect("a read without a completion is of no use");
                return self.reads.push((token, data, bytes, offset));
            }
            opcode::WRITE_HOST_MEMORY => {
                assert_eq!(bytes, 16, "answers are all that is written");
                let bytes = self.outbox[offset..offset + 16].to_vec();
                self.store(data, &bytes);
                let words = [self.load64(data), self.load64(data + 8)];
                self.answers.push_back((data, words));
            }
            other => panic!("opcode {other}"),
        }
        if let Some(token) = token {
            self.completions.push_back((token, 0));
        }
    }

    fn finish_read(&mut self, which: usize) {
        let (token, address, bytes, offset) = self.reads.swap_remove(which);
        let data: Option<Vec<u8>> = (0..bytes as u64).map(|n| self.byte(address + n)).collect();
        let status = match data {
            _ if self.silent.contains(&address) => CompletionStatus::Timeout,
            None => CompletionStatus::Refused,
            Some(data) => {
                self.inbox[offset..offset + bytes].copy_from_slice(&data);
                CompletionStatus::Done
            }
        };
        self.completions.push_back((token, status.code()));
    }
}

/// Region and index of each word that a write of queue state with this operand writes.
fn state_places(operand: u32) -> impl Iterator<Item = (usize, usize)> {
    let operand = u128::from(operand);
    let first = state_operand::index::get(operand) as usize;
    let stride = 1 + state_operand::every_second::get(operand) as usize;
    (0..=state_operand::more::get(operand) as usize).map(move |number| {
        let place = first + number * stride;
        (place >> 12, place & 0xfff)
    })
}
