//! Which BAR an address falls into.

use crate::configuration::ENDPOINT_SPACE_LOG2;
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// Bytes of BAR0.
const REGISTERS: usize = abi::interrupt::BAR_BYTES;
/// Bytes of BAR2.
const PAGES: usize = 1 << ENDPOINT_SPACE_LOG2;
/// Bytes of BAR4.
const MEMORY: usize = 2 * PAGES;

/// Compares an address with the three base addresses. Combinational.
///
/// Sizes: BAR0 16 KiB, BAR2 a page of 4 KiB for each endpoint, BAR4 twice as much. Only the bits above a BAR's size
/// count, so the type bits that a base address register carries in its low bits do no harm. Nothing is hit while
/// memory space is disabled (Command register, 7.5.1.1).
#[derive(LogicBlock, Default)]
pub struct BarDecoder {
    /// Byte address of a request.
    pub address: Signal<In, Bits<64>>,
    /// Base address of the control registers.
    pub bar0: Signal<In, Bits<64>>,
    /// Base address of the endpoint pages.
    pub bar2: Signal<In, Bits<64>>,
    /// Base address of the inline bodies and the outbox.
    pub bar4: Signal<In, Bits<64>>,
    /// Memory Space Enable.
    pub memory_enable: Signal<In, Bit>,
    /// The address lies in a BAR.
    pub hit: Signal<Out, Bit>,
    /// With `hit`: 0, 1, 2 for BAR0, BAR2, BAR4.
    pub space: Signal<Out, Bits<2>>,
    /// With `hit`: byte offset in the BAR.
    pub offset: Signal<Out, Bits<25>>,
    difference_0: Signal<Local, Bits<64>>,
    difference_2: Signal<Local, Bits<64>>,
    difference_4: Signal<Local, Bits<64>>,
    hit_0: Signal<Local, Bit>,
    hit_2: Signal<Local, Bit>,
    hit_4: Signal<Local, Bit>,
    low: Signal<Local, Bits<25>>,
    base_bits_0: Fixed<64, { !(REGISTERS - 1) }>,
    base_bits_2: Fixed<64, { !(PAGES - 1) }>,
    base_bits_4: Fixed<64, { !(MEMORY - 1) }>,
    offset_bits_0: Fixed<25, { REGISTERS - 1 }>,
    offset_bits_2: Fixed<25, { PAGES - 1 }>,
    offset_bits_4: Fixed<25, { MEMORY - 1 }>,
}

impl Logic for BarDecoder {
    #[hdl_gen]
    fn update(&mut self) {
        self.difference_0.next = (self.address.val() ^ self.bar0.val()) & self.base_bits_0.val();
        self.difference_2.next = (self.address.val() ^ self.bar2.val()) & self.base_bits_2.val();
        self.difference_4.next = (self.address.val() ^ self.bar4.val()) & self.base_bits_4.val();
        self.hit_0.next = !self.difference_0.val().any();
        self.hit_2.next = !self.difference_2.val().any();
        self.hit_4.next = !self.difference_4.val().any();
        self.low.next = self.address.val().get_bits::<25>(0);

        self.hit.next =
            self.memory_enable.val() & (self.hit_0.val() | self.hit_2.val() | self.hit_4.val());
        self.space.next = 0.into();
        self.offset.next = self.low.val() & self.offset_bits_0.val();
        if self.hit_2.val() {
            self.space.next = 1.into();
            self.offset.next = self.low.val() & self.offset_bits_2.val();
        }
        if self.hit_4.val() {
            self.space.next = 2.into();
            self.offset.next = self.low.val() & self.offset_bits_4.val();
        }
    }
}
