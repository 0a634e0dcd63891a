//! Events that the hardware tells the firmware. Behind each kind stands a bit of `control::registers::event_pending`,
//! so that none can be lost when the event queue is full.

use crate::schema::{codes, numbers, section, word};

numbers! {
    QUEUE_DEPTH = 32 "Entries of the event queue.",
}

word! {
    /// An entry of the event queue.
    event / Event: 64 {
        kind [7:0] "`kind`.",
        index [19:8] "Queue or endpoint concerned.",
        code [27:20] "Error code, where the kind has one.",
        valid [31:31] "1: this is an event; 0: the queue is empty.",
        data [63:32] "Depends on the kind.",
    }
}

codes! {
    /// What happened.
    kind: Kind {
        Admin / ADMIN = 1 "The host rang the admin doorbell. data: its value.",
        NonResidentStore / NON_RESIDENT_STORE = 2
            "A store to a page without an endpoint, or one of a consumer index to an endpoint whose receive queue is \
             not resident (it is kept), or one that was lost for want of room in the capture buffer. index: endpoint; \
             data: low half of the store.",
        ReceiveMiss / RECEIVE_MISS = 3
            "A message for an identifier that no receive queue has. index: source endpoint; data: source node << 16 | \
             RQID.",
        QueueError / QUEUE_ERROR = 4
            "A message of a transmit queue was rejected. index: queue; code: `message::error`.",
        Packet / PACKET = 5 "A firmware packet stands in the inbox. data: source node << 16 | length << 8 | tag.",
    }
}

section!("event", "Events", maps: [], words: [event], codes: [kind]);
