//! The memory in which messages are composed.

use crate::bundles::MemoryReadTarget;
use crate::configuration::{TRANSMIT_PAGES_LOG2, TRANSMIT_SLOTS};
use crate::library::byte_ram::ByteRam;
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// Transmit slots: beat address = queue * 256 + slot * 16 + beat (V1), whatever the configuration. With fewer queues or slots than 16
/// the upper bits of their numbers do not count: `TRANSMIT_SLOTS` slots repeat in the page of their queue, so that four bits of a
/// queue's index name a slot, and the pages of `TRANSMIT_QUEUES` queues (rounded up to a power of two) repeat behind the last one.
///
/// One write port: the host's stores always go first, the command executor's wait for a free cycle. One read port, data the
/// cycle after: the transmit engine always goes first, the completer waits for a free cycle.
///
/// A beat that is read in the cycle in which it is written is undefined. That cannot matter: the engine reads slots behind
/// the producer index only, which the host stores after the slot; if a program writes a slot that it has launched, or reads
/// what it is writing, any bytes are as right as any others, and they are only its own.
#[derive(LogicBlock)]
pub struct SlotMemory {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The host writes.
    pub host_valid: Signal<In, Bit>,
    /// Beat.
    pub host_address: Signal<In, Bits<12>>,
    /// The bytes.
    pub host_data: Signal<In, Bits<128>>,
    /// Which bytes are written.
    pub host_enables: Signal<In, Bits<16>>,
    /// The command executor wants to write.
    pub command_valid: Signal<In, Bit>,
    /// Its write happens in this cycle.
    pub command_ready: Signal<Out, Bit>,
    /// Beat.
    pub command_address: Signal<In, Bits<12>>,
    /// The bytes.
    pub command_data: Signal<In, Bits<128>>,
    /// Which bytes are written.
    pub command_enables: Signal<In, Bits<16>>,
    /// The engine reads.
    pub engine_request: Signal<In, Bit>,
    /// Beat.
    pub engine_address: Signal<In, Bits<12>>,
    /// What was read, by whom ever, the cycle after.
    pub engine_data: Signal<Out, Bits<128>>,
    /// The completer reads; bit 12 of its address is zero for this memory.
    pub completer: MemoryReadTarget,
    memory: ByteRam<12>,
}

impl Default for SlotMemory {
    fn default() -> Self {
        let pages = (1 << TRANSMIT_PAGES_LOG2) - 1;
        Self {
            clock: Default::default(),
            host_valid: Default::default(),
            host_address: Default::default(),
            host_data: Default::default(),
            host_enables: Default::default(),
            command_valid: Default::default(),
            command_ready: Default::default(),
            command_address: Default::default(),
            command_data: Default::default(),
            command_enables: Default::default(),
            engine_request: Default::default(),
            engine_address: Default::default(),
            engine_data: Default::default(),
            completer: Default::default(),
            memory: ByteRam::folded(pages << 8 | (TRANSMIT_SLOTS - 1) << 4 | 15),
        }
    }
}

impl Logic for SlotMemory {
    #[hdl_gen]
    fn update(&mut self) {
        self.memory.write_clock.next = self.clock.val();
        self.memory.read_clock.next = self.clock.val();
        self.memory.write_address.next = self.command_address.val();
        self.memory.write_data.next = self.command_data.val();
        self.memory.write_enables.next = 0.into();
        self.command_ready.next = self.command_valid.val() & !self.host_valid.val();
        if self.command_valid.val() {
            self.memory.write_enables.next = self.command_enables.val();
        }
        if self.host_valid.val() {
            self.memory.write_address.next = self.host_address.val();
            self.memory.write_data.next = self.host_data.val();
            self.memory.write_enables.next = self.host_enables.val();
        }

        self.memory.read_address.next = self.completer.address.val().get_bits::<12>(0);
        if self.engine_request.val() {
            self.memory.read_address.next = self.engine_address.val();
        }
        self.completer.grant.next = self.completer.request.val() & !self.engine_request.val();
        self.engine_data.next = self.memory.read_data.val();
        self.completer.data.next = self.memory.read_data.val();
    }
}
