//! Behaviour of the processor without its core, with Wishbone driven by hand and two clocks.

use super::*;
use crate::gate::Gate;
use abi::processor::{CONTROL_BASE, INBOX_BASE, OUTBOX_BASE, PERIPHERAL_BASE, RAM_BASE};

#[test]
fn gate() {
    Gate::new("processor_environment", ProcessorEnvironment::new(None))
        .clock(|unit| &mut unit.core_clock)
        .slow_clock(2, |unit| &mut unit.processor_clock)
        .cycles(3000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 4;
            unit.hold.next = random.below(400) == 0;
            unit.debugger_resets.next = random.below(1000) == 0;
            if cycle % 2 == 1 && cycle > 100 {
                if !unit.data.strobe.val() || unit.data.acknowledge.val() {
                    let strobe = random.chance(80);
                    unit.data.cycle.next = strobe;
                    unit.data.strobe.next = strobe;
                    unit.data.write.next = random.chance(60);
                    let address = match random.below(8) {
                        0 => RAM_BASE + 4 * random.below(16) as usize,
                        1 => OUTBOX_BASE + 4 * random.below(64) as usize,
                        2 => CONTROL_BASE + 4 * random.below(1024) as usize,
                        3 => INBOX_BASE + 4 * random.below(16) as usize,
                        _ => PERIPHERAL_BASE + 4 * random.below(0x28) as usize,
                    };
                    unit.data.address.next = (address / 4).to_bits();
                    unit.data.write_data.next = if random.chance(50) {
                        (random.below(8) | 0x100).to_bits()
                    } else {
                        random.bits()
                    };
                    unit.data.select.next = Bits::mask();
                }
                if !unit.instruction.strobe.val() || unit.instruction.acknowledge.val() {
                    unit.instruction.cycle.next = true;
                    unit.instruction.strobe.next = random.chance(50);
                    // Not where stores go: meeting one is undefined.
                    let address = RAM_BASE / 4 + 64 + random.below(16) as usize;
                    unit.instruction.address.next = address.to_bits();
                }
            }
            unit.control.done.next = cycle % 16 == 0;
            unit.control.hit.next = random.chance(80);
            unit.control.read_data.next = random.bits();
            unit.clear_ready.next = unit.clear_valid.val() && random.chance(50);
            unit.event_pending.next = random.chance(50);
            unit.admin_valid.next = random.chance(3);
            unit.admin_index.next = random.bits();
            unit.store_valid.next = random.chance(3);
            unit.miss_valid.next = random.chance(3);
            unit.error_valid.next = random.chance(3);
            unit.packet_valid.next = random.chance(1);
            unit.packet_event.next.data = random.bits();
            unit.inbox_valid.next = random.chance(20);
            // Not where the processor reads meanwhile.
            unit.inbox_address.next = (64 + random.below(64)).to_bits();
            unit.inbox_data.next = random.bits();
            unit.inbox_enables.next = random.bits();
            unit.outbox.request.next = random.chance(20);
            unit.outbox.address.next = (0x1100 + random.below(256)).to_bits();
            unit.node.next = 3u32.to_bits();
            unit.slot_ready.next = random.chance(50);
            unit.packet.ready.next = random.chance(50);
            unit.host_write.ready.next = random.chance(50);
            unit.read_ready.next = random.chance(50);
        });
}
