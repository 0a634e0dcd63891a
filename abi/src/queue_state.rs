//! Queue state as firmware writes it: 64-bit words at 16-bit indices, through the commands `WRITE_QUEUE_STATE` and
//! `LOAD_RECORD`, and as `SAVE_RECORD` reads it (V13 to V15, V22).

use crate::schema::{codes, numbers, section, word};

numbers! {
    REGION_SHIFT = 12 "Lowest bit of the region in an index.",
    REGION_ENDPOINT_MAP = 0 "One word an endpoint: `endpoint_map`.",
    REGION_TRANSMIT_QUEUE = 1
        "Words of the transmit queues: index = queue * 4 + `TRANSMIT_CONTROL` or `TRANSMIT_SHADOW`; `LOAD_RECORD` \
         writes `TRANSMIT_PROGRESS` too.",
    REGION_RECEIVE_QUEUE = 2
        "Words of the receive queues: index = queue * 4 + `RECEIVE_CONTROL` or `RECEIVE_RING`; `LOAD_RECORD` writes \
         `RECEIVE_INDICES` too.",
    REGION_TRANSLATION = 3 "One word an entry: `translation`.",
    REGION_PACKET_RELEASE = 4
        "Any index: firmware is done with the oldest packet in the inbox; its place is free again.",
    REGION_RECEIVE_MAP = 5 "One word a receive queue identifier: `receive_map`.",
    REGION_RESUME = 6
        "Any index: the NIU may make requests to the host again, if the word is the generation that the host wrote \
         to `quiesce` last.",
    REGION_INTERRUPT = 8
        "One word a resident receive queue: `receive_interrupt`. A command writes one of them.",
    REGION_SEGMENT = 9
        "Words of the segments: index = segment * 2 + `SEGMENT_PLACE` or `SEGMENT_EXTENT`. Segments from `SEGMENTS` on \
         are the hardware's: a write to one of them is ignored.",
    SEGMENTS = 256 "Segments that firmware gives away.",
    TRANSFER_SEGMENTS = 16 "Segments behind them, of the hardware's transfers.",
    SEGMENT_WORDS_LOG2 = 1 "Base-2 logarithm of the words of a segment.",
    SEGMENT_PLACE = 0 "Word of a segment: `segment_place`. Written last, and cleared first.",
    SEGMENT_EXTENT = 1 "Word of a segment: `segment_extent`.",
    SEGMENT_PAGE_BYTES = 4096 "A segment begins at a multiple of it.",
    REGION_COUNTER = 10
        "Words of the segments' counters: index = segment * 4 + `COUNTER_CONTROL` or `COUNTER_ACTION` + action.",
    COUNTER_WORDS_LOG2 = 2 "Base-2 logarithm of the words of a counter.",
    COUNTER_CONTROL = 0 "Word of a counter: `counter`. Written last; with `armed` it sets the counter's value to 0.",
    COUNTER_ACTION = 2 "Word of a counter: the 8 bytes of action 0; action 1 is the next word.",
    COUNTER_ACTIONS = 2 "Actions of a counter.",
    WORDS_LOG2 = 2 "Base-2 logarithm of the words of a queue.",
    TRANSMIT_CONTROL = 0 "Word of a transmit queue: `transmit_control`.",
    TRANSMIT_SHADOW = 1 "Word of a transmit queue: host address of its shadow line.",
    TRANSMIT_PROGRESS = 2 "Word of a transmit queue's record: `transmit_progress`.",
    TRANSMIT_STORES = 3
        "Word of a transmit queue's record: `transmit_stores`; read only, since a record that is loaded has nothing to \
         launch.",
    RECEIVE_CONTROL = 0 "Word of a receive queue: `receive_control`.",
    RECEIVE_RING = 1 "Word of a receive queue: host address of its ring.",
    RECEIVE_INDICES = 2 "Word of a receive queue's record: `receive_indices`.",
    RECEIVE_ARMED = 3 "Word of a receive queue's record: `receive_armed`. `SAVE_RECORD` reads it; nothing writes it.",
    MAXIMUM_TRANSLATION_ENTRIES = 4096
        "Most entries of the translation table. How many there are: `control::registers::sizes`.",
    MAXIMUM_QUEUES = 256 "Most resident queues of a side. How many there are: `control::registers::capabilities`.",
    MAXIMUM_NODES = 1024 "Most nodes: ten bits name one.",
    MAXIMUM_RECEIVE_QUEUE_IDS = 4096 "Most receive queue identifiers of a node: twelve bits are significant.",
}

word! {
    /// What stands behind an endpoint's pages. While `transmit_resident` is 0, or some stores of messages are captured
    /// already, stores of messages are captured.
    endpoint_map / EndpointMap: 64 {
        transmit_queue [7:0] "Resident transmit queue.",
        transmit_resident [8:8] "The endpoint's transmit queue is resident.",
        exists [9:9] "There is such an endpoint. Without it the page takes nothing.",
        receive_queue [23:16] "Resident receive queue.",
        receive_resident [24:24] "The endpoint's receive queue is resident.",
        page [39:32] "Page of the NIU memory pool that holds its inline bodies.",
        page_resident [40:40] "The endpoint has such a page.",
        fresh [41:41]
            "With this write the endpoint is a new one: its indices, errors and losses begin at zero. Only with \
             `REPLAY_STORE` without a store, and nothing is written (`BUSY`) if stores to a former endpoint of this \
             number are captured.",
    }
}

word! {
    /// Control of a resident transmit queue. A word with `enabled` clears the queue's indices,
    /// errors and failure; in `LOAD_RECORD` it sets them.
    transmit_control / TransmitControl: 64 {
        enabled [0:0] "The queue takes stores and launches messages.",
        virtual_channel_limit [1:1] "1: may use virtual channel 1.",
        priority [2:2]
            "1: sends before the queues with 0, of which one still has its turn behind eight messages (V20).",
        give_up [7:4] "A message is given up (`RECEIVER_FULL`) at its n-th `FULL`; 0: never.",
        generation [15:8] "Stands in the queue's frames; an answer with another one is ignored.",
        endpoint [27:16] "The endpoint that the queue belongs to; stands in its frames.",
        window_mask [43:32] "Legal destinations are those with no bit outside this mask (V13).",
        window_base [59:48] "Or-ed to the destination: index of the translation entry (V13).",
    }
}

word! {
    /// What was answered to a transmit queue. A queue with `consumer` = `transmit_stores::producer` is idle.
    transmit_progress / TransmitProgress: 64 {
        consumer [15:0] "First message that is not done.",
        message_errors [27:16] "As in `message::shadow`.",
        message_error [31:28] "As in `message::shadow`.",
        failed [32:32] "As in `message::shadow`.",
    }
}

word! {
    /// What a transmit queue was given to launch.
    transmit_stores / TransmitStores: 64 {
        producer [15:0] "First message that it was not given. Equal to the consumer index: the queue is idle.",
    }
}

word! {
    /// Control of a resident receive queue. A word with `enabled` clears the queue's indices; in
    /// `LOAD_RECORD` it sets them.
    receive_control / ReceiveControl: 64 {
        enabled [0:0] "The queue takes messages.",
        entries_log2 [7:4] "Base-2 logarithm of the ring's entries, 1 to 15.",
        stride_log2 [11:8] "Base-2 logarithm of an entry's bytes, 4 to 8.",
        drops [12:12]
            "1: a message that finds the ring full is dropped, though its sender is told that it was accepted; 0: it \
             is refused, and sent again (V18).",
        receive_queue_id [27:16] "Identifier (RQID, V14); compared again when a message is committed.",
        takes_misses [32:32]
            "The queue's ring is the miss ring: it takes messages with any identifier whose `receive_map` names it \
             and has an allowance left.",
    }
}

word! {
    /// Indices of a receive queue.
    receive_indices / ReceiveIndices: 64 {
        producer [15:0] "Entries written.",
        consumer [31:16] "Entries given back by the host.",
    }
}

word! {
    /// Whether a receive queue is armed (`endpoint::page::receive_consumer`).
    receive_armed / ReceiveArmed: 64 {
        armed [0:0] "The next entry raises an interrupt.",
    }
}

word! {
    /// Interrupt of a resident receive queue (V29). No message may be on its way to the queue when it is written.
    receive_interrupt / ReceiveInterrupt: 64 {
        vector [7:0] "Vector that is raised.",
        enabled [8:8] "The queue raises interrupts; 0: `receive_consumer::armed` has no effect.",
        armed [9:9] "The next entry raises an interrupt. Only with `enabled`.",
        due [10:10] "An interrupt is raised at once.",
        interval [27:16]
            "The vector's next interrupt comes no less than so many times `interrupt::INTERVAL_UNIT_CYCLES` behind \
             the last. Queues that share a vector share what was written last.",
        delivered [47:32] "Entries delivered since the queue was enabled: its producer index.",
    }
}

word! {
    /// Which resident receive queue an identifier names. The receive queue of an endpoint that is away is the one that
    /// takes misses.
    receive_map / ReceiveMap: 64 {
        queue [7:0] "Resident receive queue.",
        resident [8:8] "There is one.",
        allowance [22:16]
            "Messages that the queue that takes misses accepts for this identifier, until this word is written again; \
             the others are treated as if the ring were full.",
        drops [23:23] "As `receive_control::drops`, of the ring that is away.",
        stride_log2 [27:24]
            "With an allowance: base-2 logarithm of the bytes of an entry of the ring that is away, 4 to 8.",
    }
}

word! {
    /// Where a virtual destination leads.
    translation / Translation: 64 {
        node [9:0] "Node.",
        receive_queue_id [31:16] "Receive queue there (RQID); 12 bits are significant.",
        virtual_channel [32:32] "Virtual channel (V20).",
        valid [33:33] "The entry may be used.",
        segment [34:34]
            "The destination is remote memory: `receive_queue_id` names a segment of the node, of which 8 bits are \
             significant. It takes messages of form `REMOTE` and `TRANSFER` only; other entries take form `MESSAGE` \
             only.",
        rights [37:35]
            "Rights on the segment as in `segment_place`: write, read, atomic. The NIU does not look at them.",
        generation [47:40] "With `segment`: generation of the segment.",
    }
}

word! {
    /// Word `SEGMENT_PLACE` of a segment: where it stands, and for whom.
    segment_place / SegmentPlace: 64 {
        valid [0:0] "There is such a segment.",
        remote_write [1:1] "Other endpoints may write.",
        remote_read [2:2] "Other endpoints may read.",
        remote_atomic [3:3] "Other endpoints may use atomic operations: `INCREMENT`.",
        local [4:4] "The owner's transfers may use it.",
        any_node [5:5] "Every node is admitted.",
        any_endpoint [6:6] "Every endpoint of an admitted node is.",
        endpoint [18:7] "Without `any_endpoint`: the only endpoint that is admitted.",
        page [63:19] "Bits 56 to 12 of the host address; the address is a multiple of `SEGMENT_PAGE_BYTES`.",
    }
}

word! {
    /// Word `SEGMENT_EXTENT` of a segment.
    segment_extent / SegmentExtent: 64 {
        last [31:0] "Offset of the last byte.",
        generation [39:32] "A frame with another one is refused (`STALE_SEGMENT`).",
        owner [51:40] "Endpoint that the segment belongs to.",
        node [61:52] "Without `any_node`: the only node that is admitted.",
        paged [62:62] "Zero. Reserved: pages are looked up.",
        inhibit [63:63] "Zero. Reserved: accesses are held up.",
    }
}

word! {
    /// Word `COUNTER_CONTROL` of a segment's counter. When the value reaches the threshold, the threshold is taken off
    /// it and the actions are carried out, 0 first. A value stays at its maximum (16 bits).
    counter / Counter: 64 {
        armed [0:0] "The counter counts. Without it increments do nothing.",
        threshold [16:1] "1 to 65535.",
        owner [28:17] "Endpoint to whose page the actions store.",
        action_0 [30:29] "Action 0: `counter_action`.",
        place_0 [39:31]
            "With `STORE`: offset in the page in units of 8 bytes. With `COUNT`: a segment; its counter gets one more \
             if it has the same owner.",
        action_1 [41:40] "Action 1.",
        place_1 [50:42] "As `place_0`.",
    }
}

codes! {
    /// What a counter does when its value reaches the threshold.
    counter_action: CounterAction {
        Nothing / NOTHING = 0 "Nothing.",
        Store / STORE = 1 "Stores the action's 8 bytes to the owner's page, as the owner could.",
        Count / COUNT = 2 "Adds one to another counter of the owner.",
    }
}

section!(
    "queue_state",
    "Queue state",
    maps: [],
    words: [
        endpoint_map, transmit_control, transmit_progress, transmit_stores, receive_control,
        receive_indices, receive_armed, receive_interrupt, receive_map, translation, segment_place, segment_extent,
        counter,
    ],
    codes: [counter_action]
);
