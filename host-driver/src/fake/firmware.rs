//! The firmware of a fake device. It serves its rings by the rules of the true one (`firmware/src/rings.rs`).

use super::hardware::Endpoint;
use super::state::{PAGE_BYTES, State};
use abi::admin::opcode::Opcode;
use abi::admin::residency_counter::ResidencyCounter;
use abi::admin::residency_policy::ResidencyPolicy;
use abi::admin::{Completion, EndpointResult, EndpointShape, Submission, status::Status};
use abi::control::registers::{self, AdminEntries, Capabilities, Sizes};
use abi::queue_state::Translation;

/// Base-2 logarithm of the endpoint pages.
const ENDPOINTS_LOG2: u32 = 6;
/// Endpoint pages.
pub(super) const ENDPOINTS: usize = 1 << ENDPOINTS_LOG2;
/// Queues each way; endpoints that have none are away.
const QUEUES: u16 = 4;
/// Base-2 logarithm of the slots of a transmit queue.
pub(super) const TRANSMIT_SLOTS_LOG2: u32 = 5;
/// Stands for no queue in a result.
const AWAY: u16 = 0xffff;
/// Endpoints that may have inline bodies.
const INLINE_PAGES: usize = 2;
/// RQIDs.
const RECEIVE_QUEUE_IDS_LOG2: u32 = 6;

const ABI_VERSION: u64 = ((abi::ABI_VERSION_MAJOR as u64) << 16) | abi::ABI_VERSION_MINOR as u64;

/// What the registers of a device hold that nobody has.
pub(super) fn registers_at_start() -> [(usize, u32); 6] {
    let capabilities = Capabilities {
        interrupt_vectors_log2: 2,
        transmit_queues: QUEUES.into(),
        receive_queues: QUEUES.into(),
    };
    let sizes = Sizes {
        transmit_slots_log2: TRANSMIT_SLOTS_LOG2.into(),
        translation_log2: 8,
        endpoints_log2: ENDPOINTS_LOG2 as _,
        receive_queue_ids_log2: RECEIVE_QUEUE_IDS_LOG2 as _,
        inline_pages: INLINE_PAGES as _,
        nodes_log2: 3,
        peer_queues_log2: 2,
    };
    // A device that makes no requests is quiet at any time.
    let status = registers::Status {
        firmware_alive: 1,
        link_seen: 1,
        version_mismatch: 0,
        stopped: 1,
        quiet: 1,
    };
    [
        (registers::magic::OFFSET, abi::control::MAGIC as u32),
        (registers::abi_version::OFFSET, ABI_VERSION as u32),
        (registers::clock_hertz::OFFSET, 125_000_000),
        (registers::capabilities::OFFSET, capabilities.pack()),
        (registers::sizes::OFFSET, sizes.pack()),
        (registers::status::OFFSET, status.pack()),
    ]
}

#[derive(Default)]
pub(super) struct Firmware {
    generation: u64,
    /// Submissions answered.
    pub consumer: u16,
    pub silent: bool,
    pub fails: Option<Opcode>,
    pub resets: usize,
    /// It took the place of another and was given no rings since.
    pub knows_nothing: bool,
    /// It was given memory for what is not resident.
    has_memory: bool,
}

impl State {
    /// Answers all requests that wait.
    pub fn serve_requests(&mut self) {
        let held = self.register(registers::processor_control::OFFSET) & 1 == 1;
        let word = AdminEntries::unpack(self.register(registers::admin_entries::OFFSET));
        if self.firmware.silent || held || word.log2 == 0 {
            return;
        }
        if self.firmware.generation != word.generation {
            self.firmware.generation = word.generation;
            self.firmware.consumer = 0;
            self.firmware.resets += 1;
            self.firmware.knows_nothing = false;
            self.firmware.has_memory = false;
            self.endpoints.clear();
            self.segments.clear();
        }
        let entries = 1 << word.log2;
        loop {
            let doorbell = self.register(registers::admin_doorbell::OFFSET) as u16;
            let waiting = doorbell.wrapping_sub(self.firmware.consumer);
            if waiting == 0 || waiting > entries {
                return;
            }
            self.answer(entries);
        }
    }

    fn answer(&mut self, entries: u16) {
        let position = self.firmware.consumer;
        let (index, lap) = (u64::from(position % entries), position / entries);
        self.firmware.consumer = position.wrapping_add(1);
        let submissions = self.wide(
            registers::admin_submission_low::OFFSET,
            registers::admin_submission_high::OFFSET,
        );
        let completions = self.wide(
            registers::admin_completion_low::OFFSET,
            registers::admin_completion_high::OFFSET,
        );
        let submission = submissions + index * abi::admin::SUBMISSION_BYTES as u64;
        let head = Submission::unpack(self.device_reads(submission));
        let operands = [16, 24, 32].map(|offset| self.device_reads(submission + offset));
        let (status, result) = match Opcode::from_code(head.opcode) {
            Some(asked) if self.fails(asked) => (Status::Failed, 0),
            Some(asked) => match self.carry_out(asked, operands) {
                Ok(result) => (Status::Done, result),
                Err(status) => (status, 0),
            },
            None => (Status::UnknownOpcode, 0),
        };
        let word = Completion {
            identifier: head.identifier,
            status: status.code(),
            consumer: self.firmware.consumer.into(),
            phase: u64::from(lap % 2 == 0),
        };
        let place = completions + index * abi::admin::COMPLETION_BYTES as u64;
        self.device_writes(place + 8, &result.to_le_bytes());
        self.device_writes(place, &word.pack().to_le_bytes());
    }

    fn fails(&self, asked: Opcode) -> bool {
        let lost = self.firmware.knows_nothing && asked != Opcode::Identify;
        lost || self.firmware.fails == Some(asked)
    }

    fn carry_out(
        &mut self,
        asked: Opcode,
        [first, second, third]: [u64; 3],
    ) -> Result<u64, Status> {
        let number = first as u16;
        match asked {
            Opcode::Identify => return Ok(ABI_VERSION << 32),
            Opcode::CreateEndpoint => {
                let number = self.create(EndpointShape::unpack(first), second, third)?;
                return self.install(number);
            }
            Opcode::DestroyEndpoint => {
                self.segments.end_of(number);
                let endpoint = self.endpoints.remove(&number);
                return endpoint.map(|_| 0).ok_or(Status::NoSuchEndpoint);
            }
            Opcode::GiveMemory if ResidencyPolicy::from_code(third).is_none() => {
                return Err(Status::BadOperand);
            }
            Opcode::GiveMemory => return self.take_memory(first, second),
            // No queue ever leaves by itself.
            Opcode::ResidencyStatistic => {
                let counter = ResidencyCounter::from_code(first);
                return counter.map(|_| 0).ok_or(Status::BadOperand);
            }
            Opcode::Export => return self.export(first, second, third),
            _ => {}
        }
        let bound = |endpoint: &Endpoint| endpoint.receive_queue_id == Some(second as u16);
        let is_bound = self.endpoints.values().any(bound);
        let endpoint = self.endpoints.get_mut(&number);
        let endpoint = endpoint.ok_or(Status::NoSuchEndpoint)?;
        match asked {
            Opcode::BindReceiveQueue if second >> RECEIVE_QUEUE_IDS_LOG2 != 0 => {
                return Err(Status::BadOperand);
            }
            Opcode::BindReceiveQueue if is_bound => return Err(Status::InUse),
            Opcode::BindReceiveQueue => endpoint.receive_queue_id = Some(second as u16),
            Opcode::LoadTranslation if second >> endpoint.window_log2 != 0 => {
                return Err(Status::BadOperand);
            }
            Opcode::LoadTranslation => {
                let entry = Translation::unpack(third);
                endpoint.translations.insert(second as u16, entry);
            }
            Opcode::EvictEndpoint => {
                endpoint.queue.take().ok_or(Status::NoSuchEndpoint)?;
            }
            Opcode::InstallEndpoint if endpoint.queue.is_some() => {
                return Err(Status::NoSuchEndpoint);
            }
            Opcode::InstallEndpoint => return self.install(number),
            Opcode::Unexport => return self.unexport(number, second),
            _ => {}
        }
        Ok(0)
    }

    fn create(&mut self, shape: EndpointShape, ring: u64, shadow: u64) -> Result<u16, Status> {
        let legal = (1..=15).contains(&shape.entries_log2)
            && (4..=8).contains(&shape.stride_log2)
            && shape.window_log2 <= 12;
        if !legal {
            return Err(Status::BadOperand);
        }
        let with_bodies = self.endpoints.values().filter(|other| other.inline).count();
        let no_page = shape.inline == 1 && with_bodies >= INLINE_PAGES;
        if no_page || !self.firmware.has_memory {
            return Err(Status::NoResources);
        }
        let free = (0..ENDPOINTS as u16).find(|number| !self.endpoints.contains_key(number));
        let number = free.ok_or(Status::NoResources)?;
        self.endpoints
            .insert(number, Endpoint::new(shape, ring, shadow));
        Ok(number)
    }

    /// Gives an endpoint a queue, if one is free.
    fn install(&mut self, number: u16) -> Result<u64, Status> {
        let has = |queue: &u16| {
            self.endpoints
                .values()
                .any(|other| other.queue == Some(*queue))
        };
        let free = (0..QUEUES).find(|queue| !has(queue));
        let endpoint = self.endpoints.get_mut(&number);
        let endpoint = endpoint.ok_or(Status::NoSuchEndpoint)?;
        endpoint.queue = endpoint.queue.or(free);
        let result = EndpointResult {
            endpoint: number.into(),
            transmit_queue: endpoint.queue.unwrap_or(AWAY).into(),
            window_base: 0,
        };
        Ok(result.pack())
    }

    /// Memory for a table of endpoints and a miss ring. Nothing is kept there: each endpoint has all it needs.
    fn take_memory(&mut self, table: u64, miss_ring: u64) -> Result<u64, Status> {
        if self.firmware.has_memory {
            return Err(Status::BadOperand);
        }
        for (address, bytes) in [
            (table, ENDPOINTS * abi::admin::TABLE_ENTRY_BYTES),
            (miss_ring, abi::admin::MISS_RING_BYTES),
        ] {
            if address == 0 || address % PAGE_BYTES as u64 != 0 {
                return Err(Status::BadOperand);
            }
            let mut pages = (0..bytes).step_by(PAGE_BYTES);
            if !pages.all(|page| self.bytes(address + page as u64, PAGE_BYTES).is_some()) {
                return Err(Status::AddressRefused);
            }
        }
        self.firmware.has_memory = true;
        Ok(0)
    }

    fn wide(&self, low: usize, high: usize) -> u64 {
        u64::from(self.register(low)) | (u64::from(self.register(high)) << 32)
    }
}
