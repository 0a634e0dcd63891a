//! One register bus, two register files.

use crate::bundles::{RegisterMaster, RegisterTarget};
use rust_hdl::prelude::*;

/// Leads an access of the host to the control registers (first page of BAR0) or to those of interrupts (the others).
///
/// Contract: `address`, `data` and `enables` stay from the pulse at `host` until `done`. Only the side that was asked
/// answers.
///
/// Latency: none.
#[derive(LogicBlock, Default)]
pub struct RegisterSplit {
    /// The host's accesses.
    pub host: RegisterTarget,
    /// First page.
    pub control: RegisterMaster,
    /// Other pages.
    pub interrupts: RegisterMaster,
    address: Signal<Local, Bits<14>>,
    is_control: Signal<Local, Bit>,
}

impl Logic for RegisterSplit {
    #[hdl_gen]
    fn update(&mut self) {
        self.address.next = self.host.address.val();
        self.is_control.next = !self.address.val().get_bits::<2>(12).any();
        self.control.read.next = self.host.read.val() & self.is_control.val();
        self.control.write.next = self.host.write.val() & self.is_control.val();
        self.control.address.next = self.host.address.val();
        self.control.data.next = self.host.data.val();
        self.control.enables.next = self.host.enables.val();
        self.interrupts.read.next = self.host.read.val() & !self.is_control.val();
        self.interrupts.write.next = self.host.write.val() & !self.is_control.val();
        self.interrupts.address.next = self.host.address.val();
        self.interrupts.data.next = self.host.data.val();
        self.interrupts.enables.next = self.host.enables.val();
        self.host.done.next = self.control.done.val() | self.interrupts.done.val();
        self.host.hit.next = self.interrupts.hit.val();
        self.host.read_data.next = self.interrupts.read_data.val();
        if self.is_control.val() {
            self.host.hit.next = self.control.hit.val();
            self.host.read_data.next = self.control.read_data.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn each_page_of_bar0_has_its_registers() {
        let mut unit = RegisterSplit::default();
        unit.connect_all();
        unit.control.done.next = true;
        unit.control.read_data.next = 1.into();
        unit.interrupts.read_data.next = 2.into();
        unit.host.read.next = true;
        for address in (0..0x4000u64).step_by(4) {
            unit.host.address.next = address.to_bits();
            settle(&mut unit);
            let is_control = address < 0x1000;
            assert_eq!(unit.control.read.val(), is_control, "{address:#x}");
            assert_eq!(unit.interrupts.read.val(), !is_control, "{address:#x}");
            let read = unit.host.read_data.val();
            assert_eq!(read.to_u64(), if is_control { 1 } else { 2 });
        }
    }

    #[test]
    fn gate() {
        Gate::new("register_split", RegisterSplit::default()).run(|unit, random, _| {
            unit.host.read.next = random.chance(50);
            unit.host.write.next = random.chance(50);
            unit.host.address.next = random.bits();
            unit.host.data.next = random.bits();
            unit.host.enables.next = random.bits();
            for bus in [&mut unit.control, &mut unit.interrupts] {
                bus.done.next = random.chance(50);
                bus.hit.next = random.chance(50);
                bus.read_data.next = random.bits();
            }
        });
    }
}
