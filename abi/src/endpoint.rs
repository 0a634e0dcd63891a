//! BAR2: one page of 4 KiB for each endpoint. A process maps its own page and nothing else: that is
//! the protection (V19).

use crate::schema::{numbers, register_map, section};

numbers! {
    PAGE_BYTES = 4096 "Size of an endpoint's page.",
    PAGES = 4096
        "Endpoint pages in BAR2, and in the lower half of BAR4. How many there are: `control::registers::sizes`.",
    EXPRESS_OFFSET = 2048
        "Start of the Express region: a store to offset 2048 + destination * 32 + tag * 8 sends its 8 bytes (V3).",
    OPERATION_OFFSET = 1024
        "Start of the Express operations: a store to offset 1024 + destination * 32 sends its 8 bytes, a sub-header \
         (`message::remote`), to remote memory without data. Destinations 0 to 31.",
    EXPRESS_TAG_SHIFT = 3 "Lowest address bit of the Express tag.",
    EXPRESS_OFFSET_LOG2 = 11 "Address bit that is 1 in Express messages and 0 in Express operations.",
    EXPRESS_TAG_BITS = 2 "Bits of the Express tag.",
    EXPRESS_DESTINATION_SHIFT = 5 "Lowest address bit of the Express destination.",
    EXPRESS_DESTINATION_BITS = 6 "Bits of the Express destination.",
}

register_map! {
    /// An endpoint's page. Every store is one aligned 8-byte store; there is nothing to read.
    page {
        /// Launches the composed messages up to this index (V1).
        transmit_producer / TransmitProducer @ 0x000: 64 WriteOnly = 0 {
            index [15:0] "Slots composed since the queue was enabled, Express messages included, modulo 2^16.",
        }
        /// Gives receive entries back to the NIU.
        receive_consumer / ReceiveConsumer @ 0x008: 64 WriteOnly = 0 {
            index [15:0] "Entries taken since the queue was enabled, modulo 2^16.",
            armed [16:16]
                "1: an interrupt is raised once, at once if the ring holds an entry from `index` on, else with the \
                 next one. 0: none is raised (V29).",
        }
        /// Marks the next Express message for time stamps.
        mark / Mark @ 0x010: 64 WriteOnly = 0 {
            marked [0:0] "1: mark it.",
        }
        /// Starts again behind lost stores (`message::shadow_losses`).
        resume / Resume @ 0x018: 64 WriteOnly = 0 {
            lost_from [15:0] "As in `message::shadow_losses`. Ignored if nothing is lost from there.",
        }
    }
}

section!("endpoint", "BAR2: endpoint pages", maps: [page], words: [], codes: []);
