//! Who reads which NIU memory.

use crate::bundles::{MemoryReadMaster, MemoryReadTarget};
use rust_hdl::prelude::*;

/// Splits the completer's reads of BAR4 between slot memory (beats 0 to 4095) and outbox (beats 4096 to 4607); what lies behind the
/// outbox reads as zeros. Latency: none.
#[derive(LogicBlock, Default)]
pub struct MemorySelect {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The completer.
    pub completer: MemoryReadTarget,
    /// Slot memory.
    pub slots: MemoryReadMaster,
    /// The outbox.
    pub outbox: MemoryReadMaster,
    read_outbox: DFF<Bit>,
    read_nothing: DFF<Bit>,
    in_outbox: Signal<Local, Bit>,
    in_nothing: Signal<Local, Bit>,
}

impl Logic for MemorySelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, read_outbox, read_nothing);
        self.in_outbox.next = self.completer.address.val().get_bit(12);
        self.in_nothing.next = self.completer.address.val().get_bit(12)
            & self.completer.address.val().get_bits::<3>(9).any();
        self.slots.address.next = self.completer.address.val();
        self.outbox.address.next = self.completer.address.val();
        self.slots.request.next = self.completer.request.val() & !self.in_outbox.val();
        self.outbox.request.next =
            self.completer.request.val() & self.in_outbox.val() & !self.in_nothing.val();
        self.completer.grant.next = self.slots.grant.val();
        if self.in_nothing.val() {
            self.completer.grant.next = self.completer.request.val();
        } else if self.in_outbox.val() {
            self.completer.grant.next = self.outbox.grant.val();
        }
        self.read_outbox.d.next = self.in_outbox.val();
        self.read_nothing.d.next = self.in_nothing.val();
        self.completer.data.next = self.slots.data.val();
        if self.read_nothing.q.val() {
            self.completer.data.next = 0.into();
        } else if self.read_outbox.q.val() {
            self.completer.data.next = self.outbox.data.val();
        }
    }
}

/// Two readers of the outbox's one read port, in turn when both ask. Latency: none.
#[derive(LogicBlock, Default)]
pub struct OutboxArbiter {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// The command executor.
    pub executor: MemoryReadTarget,
    /// The completer.
    pub completer: MemoryReadTarget,
    /// Beat to read.
    pub address: Signal<Out, Bits<9>>,
    /// The cycle after: what was read.
    pub data: Signal<In, Bits<128>>,
    completer_last: DFF<Bit>,
    grant_completer: Signal<Local, Bit>,
}

impl Logic for OutboxArbiter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, completer_last);
        self.grant_completer.next = self.completer.request.val()
            & !(self.executor.request.val() & self.completer_last.q.val());
        self.completer.grant.next = self.grant_completer.val();
        self.executor.grant.next = self.executor.request.val() & !self.grant_completer.val();
        self.completer_last.d.next = self.grant_completer.val();
        self.address.next = self.executor.address.val().get_bits::<9>(0);
        if self.grant_completer.val() {
            self.address.next = self.completer.address.val().get_bits::<9>(0);
        }
        self.completer.data.next = self.data.val();
        self.executor.data.next = self.data.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    #[test]
    fn gate() {
        Gate::new("memory_select", MemorySelect::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.completer.request.next = random.chance(70);
                unit.completer.address.next = random.bits();
                unit.slots.grant.next = random.chance(50);
                unit.slots.data.next = random.bits();
                unit.outbox.grant.next = random.chance(50);
                unit.outbox.data.next = random.bits();
            });
        Gate::new("outbox_arbiter", OutboxArbiter::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                for reader in [&mut unit.executor, &mut unit.completer] {
                    reader.request.next = random.chance(70);
                    reader.address.next = random.bits();
                }
                unit.data.next = random.bits();
            });
    }

    #[test]
    fn two_readers_take_turns_and_one_alone_has_every_cycle() {
        use crate::gate::{clock_cycle, settle};
        let mut unit = OutboxArbiter::default();
        unit.connect_all();
        unit.executor.request.next = true;
        unit.completer.request.next = true;
        let mut grants = vec![];
        for _ in 0..6 {
            settle(&mut unit);
            assert_ne!(unit.executor.grant.val(), unit.completer.grant.val());
            grants.push(unit.completer.grant.val());
            clock_cycle!(unit, clock);
        }
        assert!(grants.windows(2).all(|pair| pair[0] != pair[1]));
        unit.completer.request.next = false;
        for _ in 0..3 {
            settle(&mut unit);
            assert!(unit.executor.grant.val());
            clock_cycle!(unit, clock);
        }
    }

    #[test]
    fn addresses_choose_the_memory_and_nothing_lies_behind_the_outbox() {
        use crate::gate::{clock_cycle, settle};
        let mut unit = MemorySelect::default();
        unit.connect_all();
        unit.completer.request.next = true;
        unit.slots.grant.next = true;
        unit.outbox.grant.next = true;
        unit.slots.data.next = 0x51u32.to_bits();
        unit.outbox.data.next = 0x0bu32.to_bits();
        for (address, slots, outbox, data) in [
            (0x0000u32, true, false, 0x51),
            (0x0fff, true, false, 0x51),
            (0x1000, false, true, 0x0b),
            (0x11ff, false, true, 0x0b),
            (0x1200, false, false, 0),
            (0x1fff, false, false, 0),
        ] {
            unit.completer.address.next = address.to_bits();
            settle(&mut unit);
            assert_eq!(
                (unit.slots.request.val(), unit.outbox.request.val()),
                (slots, outbox),
                "{address:#x}"
            );
            assert!(unit.completer.grant.val());
            clock_cycle!(unit, clock);
            assert_eq!(
                unit.completer.data.val().to_u128(),
                data,
                "data of {address:#x}"
            );
        }
    }
}
