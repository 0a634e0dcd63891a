//! Frames on the wire: a 128-bit stream, header beat first, CRC-32 in the last four bytes of the last beat.
//!
//! Each beat carries 16 bytes, byte 0 in bits 7 to 0. A message frame is a header of 16 bytes, the
//! payload, zeros up to the last four bytes of a beat, and the CRC. Answer, ping and credit frames
//! are one beat: 12 bytes and the CRC. A frame of remote memory (`kind::BULK`) looks like a message frame; its payload
//! is the sub-header `message::remote`, then data, and its length counts double words. The CRC is CRC-32 (IEEE 802.3:
//! reflected polynomial 0xEDB88320, start and final complement) over all bytes before it.
//!
//! Single-beat frames use the low 96 bits of the same layout, so that every frame has its kind, version, nodes, link
//! sequence, slot, generation and index in the same place.
//!
//! Credits are counted in beats and cumulative, as InfiniBand's are (FCTBS and FCCL): a credit
//! frame says how many beats its sender has sent on each virtual channel, and up to which count it
//! will accept; so a lost frame loses no credit.

use crate::schema::{codes, numbers, section, word};

numbers! {
    VERSION = 1 "Version of the wire format, in every header; a frame of another version is counted and dropped.",
    HEADER_BYTES = 16 "Bytes before the payload of a message frame.",
    CRC_BYTES = 4 "Bytes of the CRC, last in the frame.",
    CRC_SHIFT = 96 "Lowest bit of the CRC in the last beat.",
    MAXIMUM_FRAME_BEATS = 18 "Longest frame: header, sub-header, 256 bytes of data and the CRC.",
    VIRTUAL_CHANNELS = 2 "0 carries requests; 1 carries replies, and always drains.",
    ANSWER_SHIFT = 3 "Bit of `kind` that is set in answers; the bits below it are the verdict.",
    ANSWER_MESSAGES = 12 "Messages that one answer can speak of: its base and the 11 indices behind it.",
}

codes! {
    /// What a frame is. Kinds with bit 3 set are answers (`answer`), and say what became of messages at their receiver.
    kind: Kind {
        Message / MESSAGE = 1 "A message of a transmit queue.",
        Ping / PING = 2 "Asks whether an unanswered message still waits at its receiver. One beat; takes no credits.",
        Credit / CREDIT = 3 "Credits of both virtual channels; takes none itself.",
        Packet / PACKET = 4 "From firmware to firmware.",
        Packed / PACKED = 5 "Reserved: several small messages to one node, with 8-byte sub-headers.",
        Nack / NACK = 6 "Reserved for the reliable link: asks for frames from a sequence number on.",
        Bulk / BULK = 7 "Remote memory: its payload is `message::remote`, then data.",
        Accepted / ACCEPTED = 8 "Answer: written to the receive ring.",
        Full / FULL = 9 "Answer: the ring is full; the sender tries again later.",
        Behind / BEHIND = 10
            "Answer: refused because it follows a refused message of its queue; the sender tries again later.",
        NotResident / NOT_RESIDENT = 11 "Answer: no receive queue has that identifier; the message is dropped.",
        EntryTooSmall / ENTRY_TOO_SMALL = 12 "Answer: longer than the ring's entries; the message is dropped.",
        Waiting / WAITING = 13 "Answer to a ping: messages wait here for a slow host; keep waiting.",
        Lost / LOST = 14
            "Answer to a ping: nothing has waited here for long; a message that is still unanswered was lost.",
        BulkAnswer / BULK_ANSWER = 15
            "Answer to frames of remote memory: their status. A `BULK` frame of form `REMOTE` that is carried out is \
             answered `ACCEPTED` instead.",
    }
}

word! {
    /// First beat of a message frame or packet frame.
    header / Header: 128 {
        kind [3:0] "What the frame is (`kind`); 0 is never sent.",
        version [7:4] "`VERSION`.",
        virtual_channel [8:8] "0 or 1.",
        restart [9:9]
            "Its transmit queue had nothing unanswered when the frame was made: the receiver listens again. `BULK`: \
             its answers are counted (`bulk_status`).",
        marked [10:10] "Stages record the cycle at which they see this frame.",
        destination_node [20:11] "Node the frame goes to.",
        source_node [30:21] "Node the frame comes from.",
        sequence [42:31] "Link sequence number of the peer; zero until the reliable link.",
        acknowledge [54:43] "Link acknowledgement to the peer; zero until the reliable link.",
        epoch [60:55] "Link epoch of the peer; zero until the reliable link.",
        slot [68:61] "Resident transmit queue that sent the message; its answer repeats it.",
        generation [76:69] "Generation of that queue; its answer repeats it.",
        index [83:77] "Low bits of the queue's index of this message; its answer names them.",
        source_endpoint [95:84] "Endpoint that sent the message.",
        receive_queue_id [111:96]
            "The receive queue's identifier (RQID, V14); 12 bits are significant. `BULK`: the segment.",
        tag [119:112] "The message's tag. `BULK`: the segment's generation, from the sender's translation.",
        length [127:120] "Payload bytes, 0 to 248. `BULK`: double words of payload, 2 to 66.",
    }
}

word! {
    /// The one beat of an answer: one verdict on up to `ANSWER_MESSAGES` messages of one transmit queue.
    answer / Answer: 128 {
        kind [3:0] "The verdict: a `kind` with bit 3 set.",
        version [7:4] "`VERSION`.",
        virtual_channel [8:8] "1.",
        destination_node [20:11] "Node that sent the messages.",
        source_node [30:21] "Node that answers.",
        sequence [42:31] "Link sequence number of the peer; zero until the reliable link.",
        acknowledge [54:43] "Link acknowledgement to the peer; zero until the reliable link.",
        epoch [60:55] "Link epoch of the peer; zero until the reliable link.",
        slot [68:61] "`slot` of the messages.",
        generation [76:69] "`generation` of the messages.",
        base [83:77] "Index of the message that bit 0 of the bitmap speaks of.",
        bitmap [95:84]
            "Bit k: the verdict holds for the message with index `base` + k. Only set bits speak. `BULK_ANSWER`: \
             `bulk_status`.",
        crc [127:96] "CRC-32.",
    }
}

word! {
    /// `answer::bitmap` of a `BULK_ANSWER`.
    bulk_status / BulkStatus: 32 {
        status [3:0] "0: carried out; 1: busy, later again; 11 to 15: `message::error`.",
        counted [4:4]
            "`answer::base` is the number of frames that are answered, 1 to 127. 0: it is the index of the one \
             message.",
    }
}

word! {
    /// The one beat of a ping. Its answer is `WAITING` or `LOST`, with the ping's slot, generation
    /// and index, and bitmap 1.
    ping / Ping: 128 {
        kind [3:0] "`kind::PING`.",
        version [7:4] "`VERSION`.",
        virtual_channel [8:8] "Virtual channel of the message.",
        destination_node [20:11] "Node the message went to.",
        source_node [30:21] "Node that asks.",
        sequence [42:31] "Link sequence number of the peer; zero until the reliable link.",
        acknowledge [54:43] "Link acknowledgement to the peer; zero until the reliable link.",
        epoch [60:55] "Link epoch of the peer; zero until the reliable link.",
        slot [68:61] "`slot` of the message.",
        generation [76:69] "`generation` of the message.",
        index [83:77] "`index` of the message.",
        crc [127:96] "CRC-32.",
    }
}

word! {
    /// The one beat of a credit frame.
    credit / Credit: 128 {
        kind [3:0] "`kind::CREDIT`.",
        version [7:4] "`VERSION`.",
        virtual_channel [8:8] "0.",
        limit_0 [24:9] "Accepts virtual channel 0 up to this count of beats, modulo 2^16.",
        limit_1 [40:25] "Accepts virtual channel 1 up to this count of beats, modulo 2^16.",
        sent_0 [56:41] "Has sent this many beats on virtual channel 0, modulo 2^16.",
        sent_1 [72:57] "Has sent this many beats on virtual channel 1, modulo 2^16.",
        source_node [82:73] "Node the frame comes from.",
        crc [127:96] "CRC-32.",
    }
}

section!("link", "Frames on the wire", maps: [], words: [header, answer, bulk_status, ping, credit], codes: [kind]);
