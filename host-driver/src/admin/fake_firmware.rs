//! Firmware that answers what it is asked and does nothing, on a device that does nothing: for tests of the driver. It serves its
//! rings by the rules of the true one (`firmware/src/rings.rs`).

use crate::transport::fake::FakeTransport;
use crate::transport::{Bar, Transport};
use abi::admin::{Completion, Submission, opcode, status::Status};
use abi::control::registers::{self, AdminEntries, Capabilities, Sizes};
use std::cell::Cell;
use std::rc::Rc;

/// Such firmware.
pub(crate) struct FakeFirmware {
    transport: FakeTransport,
    generation: Cell<u64>,
    consumer: Cell<u16>,
    silent: Cell<bool>,
    fails: Cell<Option<usize>>,
    resets: Cell<usize>,
}

const ABI_VERSION: u64 = ((abi::ABI_VERSION_MAJOR as u64) << 16) | abi::ABI_VERSION_MINOR as u64;

/// 4 queues each way.
const CAPABILITIES: Capabilities = Capabilities {
    transmit_queues: 4,
    receive_queues: 4,
};
/// 32 slots, 256 translations, 64 endpoint pages, of which two may have inline bodies.
const SIZES: Sizes = Sizes {
    transmit_slots_log2: 5,
    translation_log2: 8,
    endpoints_log2: 6,
    receive_queue_ids_log2: 6,
    inline_pages: 2,
    nodes_log2: 3,
    peer_queues_log2: 2,
};

/// A device that does nothing makes no requests.
const QUIET: registers::Status = registers::Status {
    firmware_alive: 1,
    link_seen: 1,
    version_mismatch: 0,
    stopped: 1,
    quiet: 1,
};

impl FakeFirmware {
    /// Has it work whenever the driver waits.
    pub fn attach(transport: &FakeTransport) -> Rc<Self> {
        let firmware = Rc::new(FakeFirmware {
            transport: transport.clone(),
            generation: Cell::new(0),
            consumer: Cell::new(0),
            silent: Cell::new(false),
            fails: Cell::new(None),
            resets: Cell::new(0),
        });
        let version = ABI_VERSION as u32;
        for (offset, value) in [
            (registers::magic::OFFSET, abi::control::MAGIC as u32),
            (registers::abi_version::OFFSET, version),
            (registers::capabilities::OFFSET, CAPABILITIES.pack()),
            (registers::sizes::OFFSET, SIZES.pack()),
            (registers::status::OFFSET, QUIET.pack()),
        ] {
            transport.write32(Bar::Control, offset as u64, value);
        }
        let own = Rc::clone(&firmware);
        transport.while_waiting(move || own.work());
        firmware
    }

    /// Whether it lets requests wait.
    pub fn be_silent(&self, silent: bool) {
        self.silent.set(silent);
    }

    /// Requests of this kind end in `FAILED`.
    pub fn fail(&self, opcode: Option<usize>) {
        self.fails.set(opcode);
    }

    /// How often it was given new rings and forgot all endpoints.
    pub fn resets(&self) -> usize {
        self.resets.get()
    }

    /// Another firmware takes its place, which does not know what was taken before.
    pub fn restart(&self) {
        self.consumer.set(self.doorbell());
    }

    /// Answers all requests that wait.
    pub fn work(&self) {
        if self.silent.get() {
            return;
        }
        let word = AdminEntries::unpack(self.register(registers::admin_entries::OFFSET));
        let entries = 1 << word.log2;
        if entries == 1 {
            return;
        }
        if self.generation.replace(word.generation) != word.generation {
            self.consumer.set(0);
            self.resets.set(self.resets.get() + 1);
        }
        loop {
            let waiting = self.doorbell().wrapping_sub(self.consumer.get());
            if waiting == 0 || waiting > entries {
                return;
            }
            self.answer(entries);
        }
    }

    fn answer(&self, entries: u16) {
        let position = self.consumer.get();
        let (index, lap) = (u64::from(position % entries), position / entries);
        self.consumer.set(position.wrapping_add(1));
        let submissions = self.wide(
            registers::admin_submission_low::OFFSET,
            registers::admin_submission_high::OFFSET,
        );
        let completions = self.wide(
            registers::admin_completion_low::OFFSET,
            registers::admin_completion_high::OFFSET,
        );
        let head = submissions + index * abi::admin::SUBMISSION_BYTES as u64;
        let head = Submission::unpack(self.transport.device_reads(head));
        let asked = head.opcode as usize;
        let result = match asked {
            opcode::IDENTIFY => ABI_VERSION << 32,
            _ => 0,
        };
        let status = match self.fails.get() {
            Some(fails) if fails == asked => Status::Failed,
            _ => Status::Done,
        };
        let word = Completion {
            identifier: head.identifier,
            status: status.code(),
            consumer: self.consumer.get().into(),
            phase: u64::from(lap % 2 == 0),
        };
        let place = completions + index * abi::admin::COMPLETION_BYTES as u64;
        self.transport.device_writes(place + 8, result);
        self.transport.device_writes(place, word.pack());
    }

    fn register(&self, offset: usize) -> u32 {
        self.transport.register(offset)
    }

    fn doorbell(&self) -> u16 {
        self.register(registers::admin_doorbell::OFFSET) as u16
    }

    fn wide(&self, low: usize, high: usize) -> u64 {
        u64::from(self.register(low)) | (u64::from(self.register(high)) << 32)
    }
}
