//! Firmware that answers what it is asked and does nothing, on a device that does nothing: for tests of the driver. It serves its
//! rings by the rules of the true one (`firmware/src/rings.rs`).

use crate::transport::fake::FakeTransport;
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
}

impl FakeFirmware {
    /// Has it work whenever the driver waits.
    pub fn attach(transport: &FakeTransport) -> Rc<Self> {
        let firmware = Rc::new(FakeFirmware {
            transport: transport.clone(),
            generation: Cell::new(0),
            consumer: Cell::new(0),
            silent: Cell::new(false),
        });
        let own = Rc::clone(&firmware);
        transport.while_waiting(move || own.work());
        firmware
    }

    /// Whether it lets requests wait.
    pub fn be_silent(&self, silent: bool) {
        self.silent.set(silent);
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
        let result = match submission::opcode::get(head) as usize {
            opcode::IDENTIFY => u64::from(abi::ABI_VERSION_MAJOR) << 48,
            _ => 0,
        };
        let mut word = completion::identifier::set(0, submission::identifier::get(head));
        word = completion::status::set(word, Status::Done.code());
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
