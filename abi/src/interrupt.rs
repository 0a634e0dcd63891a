//! Interrupts (V29): the MSI-X table and its pending bits in BAR0 (PCI Express 7.7.2), and moderation.
//!
//! MSI-X Enable, Function Mask and the table's size stand in the capability, which is the PCIe block's.

use crate::schema::{numbers, section, word};

numbers! {
    BAR_BYTES = 16384 "Size of BAR0: a page of registers (`control`), one with the table, one with the pending bits.",
    TABLE_OFFSET = 0x1000 "The MSI-X table in BAR0.",
    PENDING_OFFSET = 0x2000 "The pending bits in BAR0: bit n of the array is that of vector n. Read-only.",
    ENTRY_BYTES = 16 "Size of a table entry: `message_address`, `message_data`, `vector_control`.",
    DATA_OFFSET = 8 "Of `message_data` in an entry.",
    CONTROL_OFFSET = 12 "Of `vector_control` in an entry.",
    MAXIMUM_VECTORS = 256 "Most vectors. How many there are: `control::registers::capabilities`.",
    INTERVAL_UNIT_CYCLES = 256 "Core cycles in a unit of moderation.",
    MAXIMUM_INTERVAL = 4095 "Longest interval of moderation, in units.",
}

word! {
    /// Bytes 0 to 7 of a table entry, two registers: where the message is written. Not reset.
    message_address / MessageAddress: 64 {
        address [63:2] "Address of a double word; bits 1 and 0 are zero.",
    }
}

word! {
    /// Bytes 8 to 11: what is written. Not reset.
    message_data / MessageData: 32 {
        data [31:0] "The double word.",
    }
}

word! {
    /// Bytes 12 to 15.
    vector_control / VectorControl: 32 {
        masked [0:0] "1, also after reset: an interrupt of the vector waits, and its pending bit is set.",
    }
}

section!(
    "interrupt",
    "BAR0: interrupts",
    maps: [],
    words: [message_address, message_data, vector_control],
    codes: []
);
