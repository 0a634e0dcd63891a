//! Firmware that answers what it is asked and does nothing, on a device that does nothing: for tests of the driver. It serves its
//! rings by the rules of the true one (`firmware/src/rings.rs`).

use crate::transport::fake::FakeTransport;
use crate::transport::{Bar, Transport};
use abi::admin::{completion, opcode, status::Status, submission};
use abi::control::registers;
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

/// 4 queues each way, 8 slots, 256 translations.
const CAPABILITIES: u32 = 0x0808_0404;

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
            (registers::capabilities::OFFSET, CAPABILITIES),
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
        let word = self.register(registers::admin_entries::OFFSET);
        let entries = 1 << registers::admin_entries::log2::get(word.into());
        let generation = registers::admin_entries::generation::get(word.into());
        if entries == 1 {
            return;
        }
        if self.generation.replace(generation) != generation {
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
        let head = u128::from(self.transport.device_reads(head));
        let asked = submission::opcode::get(head) as usize;
        let result = match asked {
            opcode::IDENTIFY => ABI_VERSION << 32,
            _ => 0,
        };
        let status = match self.fails.get() {
            Some(fails) if fails == asked => Status::Failed,
            _ => Status::Done,
        };
        let mut word = completion::identifier::set(0, submission::identifier::get(head));
        word = completion::status::set(word, status.code());
        word = completion::consumer::set(word, self.consumer.get().into());
        word = completion::phase::set(word, u64::from(lap % 2 == 0));
        let place = completions + index * abi::admin::COMPLETION_BYTES as u64;
        self.transport.device_writes(place + 8, result);
        self.transport.device_writes(place, word as u64);
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
