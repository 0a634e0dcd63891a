//! Which BAR an address falls into.

use rust_hdl::prelude::*;

/// Compares an address with the three base addresses. Combinational.
///
/// Sizes: BAR0 4 KiB, BAR2 1 MiB, BAR4 128 KiB. Only the bits above a BAR's size count, so the type bits that a base address
/// register carries in its low bits do no harm. Nothing is hit while memory space is disabled (Command register, 7.5.1.1).
#[derive(LogicBlock, Default)]
pub struct BarDecoder {
    /// Byte address of a request.
    pub address: Signal<In, Bits<64>>,
    /// Base address of the control registers.
    pub bar0: Signal<In, Bits<64>>,
    /// Base address of the endpoint pages.
    pub bar2: Signal<In, Bits<64>>,
    /// Base address of the slot memory and the outbox.
    pub bar4: Signal<In, Bits<64>>,
    /// Memory Space Enable.
    pub memory_enable: Signal<In, Bit>,
    /// The address lies in a BAR.
    pub hit: Signal<Out, Bit>,
    /// With `hit`: 0, 1, 2 for BAR0, BAR2, BAR4.
    pub space: Signal<Out, Bits<2>>,
    /// With `hit`: byte offset in the BAR.
    pub offset: Signal<Out, Bits<20>>,
    page_0: Signal<Local, Bits<52>>,
    base_0: Signal<Local, Bits<52>>,
    page_2: Signal<Local, Bits<44>>,
    base_2: Signal<Local, Bits<44>>,
    page_4: Signal<Local, Bits<47>>,
    base_4: Signal<Local, Bits<47>>,
    hit_0: Signal<Local, Bit>,
    hit_2: Signal<Local, Bit>,
    hit_4: Signal<Local, Bit>,
    low: Signal<Local, Bits<20>>,
}

impl Logic for BarDecoder {
    #[hdl_gen]
    fn update(&mut self) {
        self.page_0.next = self.address.val().get_bits::<52>(12);
        self.base_0.next = self.bar0.val().get_bits::<52>(12);
        self.page_2.next = self.address.val().get_bits::<44>(20);
        self.base_2.next = self.bar2.val().get_bits::<44>(20);
        self.page_4.next = self.address.val().get_bits::<47>(17);
        self.base_4.next = self.bar4.val().get_bits::<47>(17);
        self.hit_0.next = self.page_0.val() == self.base_0.val();
        self.hit_2.next = self.page_2.val() == self.base_2.val();
        self.hit_4.next = self.page_4.val() == self.base_4.val();
        self.low.next = self.address.val().get_bits::<20>(0);

        self.hit.next =
            self.memory_enable.val() & (self.hit_0.val() | self.hit_2.val() | self.hit_4.val());
        self.space.next = 0.into();
        self.offset.next = self.low.val() & 0x00fff;
        if self.hit_2.val() {
            self.space.next = 1.into();
            self.offset.next = self.low.val();
        }
        if self.hit_4.val() {
            self.space.next = 2.into();
            self.offset.next = self.low.val() & 0x1ffff;
        }
    }
}
