//! A slow, obvious NIU and host around the state machines: what the image and the hardware do, one
//! small step at a time.
#![allow(dead_code, reason = "each test program uses its part")]

pub mod requests;

use abi::command::completion_status::CompletionStatus;
use abi::command::{Header, RecordOperand, StateOperand, TransferOperand, opcode};
use abi::queue_state::{
    REGION_ENDPOINT_MAP, REGION_INTERRUPT, REGION_RECEIVE_MAP, REGION_RECEIVE_QUEUE, REGION_RESUME,
    REGION_TRANSLATION, REGION_TRANSMIT_QUEUE, TransmitControl,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use wayfarer_firmware::{Action, AdminRegisters, Command, Firmware, Input, Limits};

pub const PAGE_BYTES: u64 = 4096;
pub const REVISION: u32 = 0x1234_abcd;
/// Queues a side that the firmware has room for.
pub const QUEUES: usize = 16;
pub const LIMITS: Limits = Limits {
    transmit_queues: 16,
    receive_queues: 16,
    endpoints: 256,
    receive_queue_ids: 256,
    inline_pages: 4,
    translation_entries: 1024,
    interrupt_vectors: 16,
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
    pub firmware: Firmware<QUEUES>,
    /// What there is of everything.
    pub limits: Limits,
    /// What outlives the firmware.
    pub generations: [u8; QUEUES],
    /// Registers as the host last wrote them.
    pub registers: AdminRegisters,
    /// The host stopped the NIU's requests, for rings of this generation.
    pub stopped: Option<u8>,
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
    inbox: Vec<u8>,
    outbox: Vec<u8>,
    commands: VecDeque<[u32; 4]>,
    /// Reads under way: token, address, bytes, inbox offset.
    reads: Vec<(u16, u64, usize, usize)>,
    completions: VecDeque<(u16, u64)>,
    /// Of the last owner of each transmit queue, as its control word said.
    owners: BTreeMap<usize, u64>,
}

impl World {
    pub fn new() -> Self {
        World::with_limits(LIMITS)
    }

    pub fn with_limits(limits: Limits) -> Self {
        World {
            firmware: Firmware::new(REVISION, limits),
            limits,
            generations: [0; QUEUES],
            registers: AdminRegisters::default(),
            stopped: None,
            doorbell_pending: false,
            memory: BTreeMap::new(),
            silent: BTreeSet::new(),
            state: BTreeMap::new(),
            state_writes: Vec::new(),
            answers: VecDeque::new(),
            slow_reads: false,
            inbox: vec![0; abi::command::INBOX_BYTES],
            outbox: vec![0; abi::command::OUTBOX_BYTES],
            commands: VecDeque::new(),
            reads: Vec::new(),
            completions: VecDeque::new(),
            owners: BTreeMap::new(),
        }
    }

    /// The processor was reset; the rest of the hardware goes on.
    pub fn restart_firmware(&mut self) {
        self.firmware = Firmware::new(REVISION, self.limits);
        let registers = match self.stopped {
            None => self.registers,
            Some(_) => AdminRegisters::default(),
        };
        self.firmware.resume(registers, self.generations);
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
            2 => self.tell(Input::Room),
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
            Some(Action::Load {
                offset,
                words,
                command,
            }) => {
                assert!(offset + 32 <= abi::admin::LOG_OFFSET, "in the log");
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
            Some(Action::Keep {
                transmit_queue,
                generation,
            }) => self.generations[usize::from(transmit_queue)] = generation,
        }
    }

    fn issue(&mut self, input: Input, command: Command) {
        assert!(
            matches!(input, Input::Room),
            "a command without room: {command:?}"
        );
        self.commands.push_back(command.words());
    }

    /// Writes a word of queue state. Whatever order the words come in, none makes a half-made endpoint reachable.
    fn write_state(&mut self, region: usize, index: usize, data: u64) {
        if region == REGION_RESUME {
            assert!(self.reads.is_empty(), "reads of before are under way");
            self.stopped = self.stopped.filter(|&stopped| u64::from(stopped) != data);
            return;
        }
        let limits = self.limits;
        let limit = match region {
            REGION_ENDPOINT_MAP => limits.endpoints,
            REGION_TRANSMIT_QUEUE => 4 * limits.transmit_queues,
            REGION_RECEIVE_QUEUE => 4 * limits.receive_queues,
            REGION_TRANSLATION => limits.translation_entries,
            REGION_RECEIVE_MAP => limits.receive_queue_ids,
            REGION_INTERRUPT => limits.receive_queues,
            other => panic!("region {other}"),
        };
        assert!(index < limit, "region {region} has no index {index}");
        if region == REGION_TRANSMIT_QUEUE && index.is_multiple_of(4) {
            self.check_owner(index / 4, TransmitControl::unpack(data));
        }
        match data {
            0 => self.state.remove(&(region, index)),
            _ => self.state.insert((region, index), data),
        };
        self.state_writes.push(StateWrite {
            region,
            index,
            data,
        });
        for (&(region, index), &word) in &self.state {
            self.check_reachable(region, index, word);
        }
    }

    /// A transmit queue is disabled between two owners, and each has another generation than the one before.
    fn check_owner(&mut self, queue: usize, control: TransmitControl) {
        if control.enabled == 0 {
            return;
        }
        let before = TransmitControl::unpack(self.state_word(REGION_TRANSMIT_QUEUE, 4 * queue));
        assert_eq!(before.enabled, 0, "queue {queue} is enabled while in use");
        let last = self.owners.insert(queue, control.generation);
        assert_ne!(
            last,
            Some(control.generation),
            "generation of queue {queue}"
        );
    }

    /// What a page or an identifier leads to is whole.
    fn check_reachable(&self, region: usize, index: usize, word: u64) {
        use abi::queue_state::{EndpointMap, ReceiveControl, ReceiveMap};
        let queue_word =
            |region, queue: u64, word| self.state_word(region, 4 * queue as usize + word);
        match region {
            REGION_ENDPOINT_MAP => {
                let map = EndpointMap::unpack(word);
                let control = queue_word(REGION_TRANSMIT_QUEUE, map.transmit_queue, 0);
                let control = TransmitControl::unpack(control);
                assert_eq!(control.enabled, 1, "page {index} leads to no queue");
                assert_eq!(control.endpoint, index as u64, "of another endpoint");
                let shadow = queue_word(REGION_TRANSMIT_QUEUE, map.transmit_queue, 1);
                assert_ne!(shadow, 0, "without a shadow line");
            }
            REGION_RECEIVE_MAP => {
                let map = ReceiveMap::unpack(word);
                let control = queue_word(REGION_RECEIVE_QUEUE, map.queue, 0);
                let control = ReceiveControl::unpack(control);
                assert_eq!(control.enabled, 1, "identifier {index} leads to no queue");
                assert_eq!(control.receive_queue_id, index as u64, "of another name");
                let ring = queue_word(REGION_RECEIVE_QUEUE, map.queue, 1);
                assert_ne!(ring, 0, "without a ring");
            }
            _ => {}
        }
    }

    fn head_may_go(&self) -> bool {
        let fence = |words: &[u32; 4]| Header::unpack(words[0]).fence == 1;
        let head = self.commands.front();
        head.is_some_and(|words| !fence(words) || self.reads.is_empty())
    }

    fn execute(&mut self, words: [u32; 4]) {
        let header = Header::unpack(words[0]);
        let token = (header.complete == 1).then_some(header.token as u16);
        let transfer = TransferOperand::unpack(words[1]);
        let data = u64::from(words[2]) | (u64::from(words[3]) << 32);
        let offset = transfer.offset as usize;
        let bytes = transfer.bytes as usize;
        match header.opcode as usize {
            opcode::NOTHING => {}
            opcode::WRITE_QUEUE_STATE => {
                for (region, index) in state_places(words[1]) {
                    self.write_state(region, index, data);
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
                if self.stopped.is_some() {
                    return;
                }
                let bytes = self.outbox[offset..offset + 16].to_vec();
                self.store(data, &bytes);
                let words = [self.load64(data), self.load64(data + 8)];
                self.answers.push_back((data, words));
            }
            opcode::SAVE_RECORD | opcode::LOAD_RECORD => {
                let record = RecordOperand::unpack(words[1]);
                let region = [REGION_TRANSMIT_QUEUE, REGION_RECEIVE_QUEUE][record.receive as usize];
                let place = 4 * record.queue as usize;
                for number in 0..4 {
                    let index = place + (number + 1) % 4;
                    let bytes = record.offset as usize + 8 * number
                        ..record.offset as usize + 8 * number + 8;
                    if header.opcode as usize == opcode::LOAD_RECORD {
                        let word = self.outbox[bytes].try_into().expect("eight");
                        self.write_state(region, index, u64::from_le_bytes(word));
                    } else {
                        let word = self.state_word(region, index);
                        self.inbox[bytes].copy_from_slice(&word.to_le_bytes());
                    }
                }
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
            _ if self.silent.contains(&address) || self.stopped.is_some() => {
                CompletionStatus::Timeout
            }
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
    let operand = StateOperand::unpack(operand);
    let first = operand.index as usize;
    let stride = 1 + 3 * operand.every_fourth as usize;
    (0..=operand.more as usize).map(move |number| {
        let place = first + number * stride;
        (place >> 12, place & 0xfff)
    })
}
