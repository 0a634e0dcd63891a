//! What the service processor sees: its memory, its peripherals and its windows into NIU memory.

use crate::schema::{numbers, register_map, section};

numbers! {
    RAM_BASE = 0x4000_0000 "Start of the processor's RAM (cached: below bit 31, so that atomic instructions work).",
    MAXIMUM_RAM_BYTES = 0x1_0000
        "Largest RAM. How large it is, the configuration of the NIU says, to hardware and image alike.",
    PERIPHERAL_BASE = 0x8000_0000 "Start of the peripherals (uncached).",
    INBOX_BASE = 0x9000_0000 "Window to the inbox, read-only.",
    OUTBOX_BASE = 0x9001_0000 "Window to the outbox, write-only for the processor.",
    CONTROL_BASE = 0xa000_0000 "Window to `control::registers`: reads only.",
}

register_map! {
    /// Registers of the processor's own, at `PERIPHERAL_BASE`.
    peripherals {
        /// Processor cycles, low half.
        time_low @ 0x00: 32 ReadOnly = 0 {}
        /// High half.
        time_high @ 0x04: 32 ReadOnly = 0 {}
        /// The timer interrupt is pending while the time is at or past this, low half.
        compare_low @ 0x08: 32 ReadWrite = 0xffff_ffff {}
        /// High half.
        compare_high @ 0x0c: 32 ReadWrite = 0xffff_ffff {}
        /// Takes the next completion.
        completion @ 0x10: 32 ReadOnly = 0 {}
        /// Looks at the next event's low half; 0 if there is none.
        event_low @ 0x14: 32 ReadOnly = 0 {}
        /// Takes the next event: its high half.
        event_high @ 0x18: 32 ReadOnly = 0 {}
        /// Any write is a heartbeat.
        heartbeat @ 0x1c: 32 WriteOnly = 0 {}
        /// Writing a one clears that bit of `control::registers::event_pending`.
        event_clear @ 0x20: 32 WriteOnly = 0 {}
        /// What waits.
        waiting / Waiting @ 0x24: 32 ReadOnly = 0 {
            completion [0:0] "The completion queue is not empty.",
            event [1:1] "The event queue is not empty.",
            command_0_space [2:2] "Command queue 0 has room.",
            command_1_space [3:3] "Command queue 1 has room.",
            event_pending [4:4] "A bit of `event_pending` is set.",
            captured [5:5] "A captured store was not reported yet.",
            missed [6:6] "A message in the miss ring was not reported yet.",
        }
        /// Takes the next report of a captured store; they come in the order of the stores, one for each.
        captured / Captured @ 0x28: 32 ReadOnly = 0 {
            endpoint [11:0] "The endpoint.",
            valid [31:31] "1: this is a report; 0: there is none.",
        }
        /// Takes the next report of a message in the miss ring; they come in the ring's order, one for each.
        missed / Missed @ 0x2c: 32 ReadOnly = 0 {
            receive_queue_id [11:0] "Identifier that the message was sent to.",
            valid [31:31] "1: this is a report; 0: there is none.",
        }
        /// Command queue 0: four words; writing the last one issues the command.
        command_0 @ 0x80 * 4: 32 WriteOnly = 0 {}
        /// Command queue 1.
        command_1 @ 0x90 * 4: 32 WriteOnly = 0 {}
        /// Writing a one clears that bit of `control::registers::queue_pending`.
        queue_clear @ 0x100 * 8: 32 WriteOnly = 0 {}
        /// Writing a one clears that bit of `control::registers::endpoint_pending`.
        endpoint_clear @ 0x200 * 128: 32 WriteOnly = 0 {}
    }
}

section!("processor", "The service processor", maps: [peripherals], words: [], codes: []);
