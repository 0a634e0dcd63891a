//! The memory in which messages are composed.

use crate::bundles::MemoryReadTarget;
use crate::library::byte_ram::ByteRam;
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// Transmit slots: 16 queues of 16 slots of 16 beats; beat address = queue * 256 + slot * 16 + beat (V1).
///
/// One write port: the host's stores always go first, the command executor's wait for a free cycle. One read port, data the
/// cycle after: the transmit engine always goes first, the completer waits for a free cycle.
///
/// A beat that is read in the cycle in which it is written is undefined. That cannot matter: the engine reads slots behind
/// the producer index only, which the host stores after the slot; if a program writes a slot that it has launched, or reads
/// what it is writing, any bytes are as right as any others, and they are only its own.
#[derive(LogicBlock, Default)]
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
