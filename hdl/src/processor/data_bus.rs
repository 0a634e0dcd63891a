//! Loads and stores find their way: RAM or everything else.

use super::wishbone::{WishboneMaster, WishboneTarget};
use crate::configuration::{RAM_BYTES_LOG2, RAM_REGION_BITS};
use rust_hdl::prelude::*;

/// Sends accesses to the RAM's address range to `memory` and all others to `peripherals`, which answers every address.
///
/// Latency: none; the address stays until the acknowledge, so the answer is chosen by it.
#[derive(LogicBlock)]
pub struct DataBus {
    /// The soft core.
    pub core: WishboneTarget,
    /// The RAM.
    pub memory: WishboneMaster,
    /// Everything else.
    pub peripherals: WishboneMaster,
    for_memory: Signal<Local, Bit>,
    memory_region: Constant<Bits<RAM_REGION_BITS>>,
}

impl Default for DataBus {
    fn default() -> Self {
        // The RAM stands at a multiple of its size: the upper address bits tell.
        const { assert!(abi::processor::RAM_BASE.is_multiple_of(1 << RAM_BYTES_LOG2)) };
        Self {
            core: Default::default(),
            memory: Default::default(),
            peripherals: Default::default(),
            for_memory: Default::default(),
            memory_region: Constant::new((abi::processor::RAM_BASE >> RAM_BYTES_LOG2).to_bits()),
        }
    }
}

impl Logic for DataBus {
    #[hdl_gen]
    fn update(&mut self) {
        self.for_memory.next = self
            .core
            .address
            .val()
            .get_bits::<RAM_REGION_BITS>(crate::configuration::RAM_WORDS_LOG2)
            == self.memory_region.val();
        self.memory.cycle.next = self.core.cycle.val() & self.for_memory.val();
        self.memory.strobe.next = self.core.strobe.val() & self.for_memory.val();
        self.memory.write.next = self.core.write.val();
        self.memory.address.next = self.core.address.val();
        self.memory.write_data.next = self.core.write_data.val();
        self.memory.select.next = self.core.select.val();
        self.memory.continues.next = self.core.continues.val();
        self.peripherals.cycle.next = self.core.cycle.val() & !self.for_memory.val();
        self.peripherals.strobe.next = self.core.strobe.val() & !self.for_memory.val();
        self.peripherals.write.next = self.core.write.val();
        self.peripherals.address.next = self.core.address.val();
        self.peripherals.write_data.next = self.core.write_data.val();
        self.peripherals.select.next = self.core.select.val();
        self.peripherals.continues.next = self.core.continues.val();
        self.core.read_data.next = self.peripherals.read_data.val();
        self.core.acknowledge.next = self.peripherals.acknowledge.val();
        if self.for_memory.val() {
            self.core.read_data.next = self.memory.read_data.val();
            self.core.acknowledge.next = self.memory.acknowledge.val();
        }
    }
}
