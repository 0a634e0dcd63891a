//! The NIU memory pool: pages with the inline bodies of Basic messages.

use crate::bundles::MemoryReadTarget;
use crate::configuration::INLINE_BEATS_LOG2;
use crate::library::byte_ram::ByteRam;
use rust_hdl::prelude::*;

/// Pages of 4 KiB with 16 bodies of 256 bytes (V1): beat address = page * 256 + body * 16 + beat.
///
/// One write port: the host's stores always go first, the command executor's wait for a free cycle. One read port,
/// data the cycle after: the transmit engine always goes first, the completer waits for a free cycle.
///
/// A beat that is read in the cycle in which it is written is undefined. That cannot matter: the engine reads bodies
/// behind the producer index only, which the host stores after the body. A program that writes a body that it has
/// launched, or reads what it is writing, finds any mixture of its own bytes.
#[derive(LogicBlock, Default)]
pub struct InlinePool {
    pub clock: Signal<In, Clock>,
    /// The host writes.
    pub host_valid: Signal<In, Bit>,
    pub host_address: Signal<In, Bits<14>>,
    pub host_data: Signal<In, Bits<128>>,
    pub host_enables: Signal<In, Bits<16>>,
    /// The command executor wants to write.
    pub command_valid: Signal<In, Bit>,
    /// Its write happens in this cycle.
    pub command_ready: Signal<Out, Bit>,
    pub command_address: Signal<In, Bits<14>>,
    pub command_data: Signal<In, Bits<128>>,
    pub command_enables: Signal<In, Bits<16>>,
    /// The engine reads.
    pub engine_request: Signal<In, Bit>,
    pub engine_address: Signal<In, Bits<14>>,
    /// What was read, by whom ever, the cycle after.
    pub engine_data: Signal<Out, Bits<128>>,
    /// The completer reads; its address is one of the pool's beats.
    pub completer: MemoryReadTarget,
    memory: ByteRam<INLINE_BEATS_LOG2>,
}

impl Logic for InlinePool {
    #[hdl_gen]
    fn update(&mut self) {
        self.memory.write_clock.next = self.clock.val();
        self.memory.read_clock.next = self.clock.val();
        self.memory.write_address.next =
            self.command_address.val().get_bits::<INLINE_BEATS_LOG2>(0);
        self.memory.write_data.next = self.command_data.val();
        self.memory.write_enables.next = 0.into();
        self.command_ready.next = self.command_valid.val() & !self.host_valid.val();
        if self.command_valid.val() {
            self.memory.write_enables.next = self.command_enables.val();
        }
        if self.host_valid.val() {
            self.memory.write_address.next =
                self.host_address.val().get_bits::<INLINE_BEATS_LOG2>(0);
            self.memory.write_data.next = self.host_data.val();
            self.memory.write_enables.next = self.host_enables.val();
        }

        self.memory.read_enable.next = true;
        self.memory.read_address.next = self
            .completer
            .address
            .val()
            .get_bits::<INLINE_BEATS_LOG2>(0);
        if self.engine_request.val() {
            self.memory.read_address.next =
                self.engine_address.val().get_bits::<INLINE_BEATS_LOG2>(0);
        }
        self.completer.grant.next = self.completer.request.val() & !self.engine_request.val();
        self.engine_data.next = self.memory.read_data.val();
        self.completer.data.next = self.memory.read_data.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, clock_cycle, settle};

    #[test]
    fn the_host_and_the_engine_go_first() {
        let mut unit = InlinePool::default();
        unit.connect_all();
        unit.host_valid.next = true;
        unit.host_address.next = 0x123u64.to_bits();
        unit.host_data.next = 7u64.to_bits();
        unit.host_enables.next = 0xffffu64.to_bits();
        unit.command_valid.next = true;
        unit.command_address.next = 0x124u64.to_bits();
        unit.command_data.next = 9u64.to_bits();
        unit.command_enables.next = 0xffffu64.to_bits();
        settle(&mut unit);
        assert!(!unit.command_ready.val());
        clock_cycle!(unit, clock);
        unit.host_valid.next = false;
        settle(&mut unit);
        assert!(unit.command_ready.val());
        clock_cycle!(unit, clock);
        unit.engine_request.next = true;
        unit.engine_address.next = 0x123u64.to_bits();
        unit.completer.request.next = true;
        unit.completer.address.next = 0x124u64.to_bits();
        settle(&mut unit);
        assert!(!unit.completer.grant.val());
        clock_cycle!(unit, clock);
        assert_eq!(unit.engine_data.val().to_u128(), 7);
        unit.engine_request.next = false;
        settle(&mut unit);
        assert!(unit.completer.grant.val());
        clock_cycle!(unit, clock);
        assert_eq!(unit.completer.data.val().to_u128(), 9);
    }

    #[test]
    fn gate() {
        Gate::new("inline_pool", InlinePool::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                // Beats 0 to 15 are written first; then reads and writes never meet.
                let writes_low = cycle / 32 % 2 == 0;
                let (low, high) = (random.below(8), 8 + random.below(8));
                let (write, read) = if writes_low { (low, high) } else { (high, low) };
                unit.host_valid.next = cycle < 16 || random.chance(40);
                unit.host_address.next = if cycle < 16 {
                    cycle.to_bits()
                } else {
                    write.to_bits()
                };
                unit.host_data.next = random.bits();
                unit.host_enables.next = if cycle < 16 {
                    0xffffu64.to_bits()
                } else {
                    random.bits()
                };
                unit.command_valid.next = cycle >= 16 && random.chance(40);
                unit.command_address.next = write.to_bits();
                unit.command_data.next = random.bits();
                unit.command_enables.next = random.bits();
                unit.engine_request.next = cycle > 16 && random.chance(40);
                unit.engine_address.next = if cycle < 17 {
                    0u64.to_bits()
                } else {
                    read.to_bits()
                };
                unit.completer.request.next = cycle > 16 && random.chance(50);
                unit.completer.address.next = if cycle < 17 {
                    0u64.to_bits()
                } else {
                    read.to_bits()
                };
            });
    }
}
