//! Queue state as firmware writes it: 64-bit words at 16-bit indices, through the command `WRITE_QUEUE_STATE` (V13 to V15, V22).

use crate::schema::{numbers, section, word};

numbers! {
    REGION_SHIFT = 12 "Lowest bit of the region in an index.",
    REGION_ENDPOINT_MAP = 0 "One word an endpoint page: `endpoint_map`.",
    REGION_TRANSMIT_QUEUE = 1 "Two words a queue: index = queue * 2 + 0 `transmit_control`, + 1 shadow line address.",
    REGION_RECEIVE_QUEUE = 2 "Two words a queue: index = queue * 2 + 0 `receive_control`, + 1 ring address.",
    REGION_TRANSLATION = 3 "One word an entry: `translation`.",
    REGION_PACKET_RELEASE = 4 "Any index: firmware is done with the oldest packet in the inbox; its place is free again.",
    MAXIMUM_TRANSLATION_ENTRIES = 1024 "Most entries of the translation table. How many there are: `control::registers::capabilities`.",
    TRANSMIT_QUEUES = 16 "Resident transmit queues of the default configuration.",
    RECEIVE_QUEUES = 16 "Resident receive queues of the default configuration.",
    MAXIMUM_NODES = 64 "Nodes 0 to 63 may send to a receiver that tracks their queues' refusals.",
}

word! {
    /// Which resident queues stand behind an endpoint page.
    endpoint_map: 64 {
        transmit_queue [3:0] "Resident transmit queue.",
        transmit_resident [7:7] "The endpoint's transmit queue is resident.",
        receive_queue [11:8] "Resident receive queue.",
        receive_resident [15:15] "The endpoint's receive queue is resident.",
    }
}

word! {
    /// Control of a resident transmit queue. Writing it clears the queue's indices, errors and failure.
    transmit_control: 64 {
        enabled [0:0] "The queue launches messages.",
        virtual_channel_limit [1:1] "1: may use virtual channel 1.",
        priority [2:2] "1: sends before the queues with 0, of which one still has its turn behind eight messages (V20).",
        window_mask [25:16] "Legal destinations are those with no bit outside this mask (V13).",
        window_base [41:32] "Or-ed to the destination: index of the translation entry (V13).",
    }
}

word! {
    /// Control of a resident receive queue. Writing it clears the queue's indices.
    receive_control: 64 {
        enabled [0:0] "The queue takes messages.",
        entries_log2 [7:4] "Base-2 logarithm of the ring's entries, 1 to 15.",
        stride_log2 [11:8] "Base-2 logarithm of an entry's bytes, 4 to 8.",
        receive_queue_id [31:16] "Logical name (RQID, V14).",
    }
}

word! {
    /// Where a virtual destination leads.
    translation: 64 {
        node [15:0] "Node.",
        receive_queue_id [31:16] "Receive queue there (RQID).",
        virtual_channel [32:32] "Virtual channel (V20).",
        valid [33:33] "The entry may be used.",
    }
}

section!("queue_state", "Queue state", maps: [], words: [endpoint_map, transmit_control, receive_control, translation], codes: []);
