//! Frames on the wire: a 128-bit stream, header beat first, CRC-32 in the last four bytes of the last beat.
//!
//! Each beat carries 16 bytes, byte 0 in bits 7 to 0. A message frame is a header of 16 bytes, the payload, zeros up to the
//! last four bytes of a beat, and the CRC. Acknowledge and credit frames are one beat: 12 bytes and the CRC. The CRC is
//! CRC-32 (IEEE 802.3: reflected polynomial 0xEDB88320, start and final complement) over all bytes before it.
//!
//! Credits are counted in beats and cumulative, as InfiniBand's are (FCTBS and FCCL): a credit frame tells how many beats
//! its sender has sent on each virtual channel, and up to which count it will accept; so a lost frame loses no credit.

use crate::schema::{codes, numbers, section, word};

numbers! {
    VERSION = 1 "Version of the wire format, in every header; a frame of another version is counted and dropped.",
    HEADER_BYTES = 16 "Bytes before the payload of a message frame.",
    CRC_BYTES = 4 "Bytes of the CRC, last in the frame.",
    CRC_SHIFT = 96 "Lowest bit of the CRC in the last beat.",
    MAXIMUM_FRAME_BEATS = 17 "Longest frame: header, 248 bytes of payload and the CRC.",
    VIRTUAL_CHANNELS = 2 "0 carries requests; 1 carries replies and acknowledgements, and always drains.",
}

codes! {
    /// What a frame is.
    kind: Kind {
        Message / MESSAGE = 1 "A message of a transmit queue.",
        Acknowledge / ACKNOWLEDGE = 2 "The receiver's answer to a message.",
        Credit / CREDIT = 3 "Credits of both virtual channels; takes none itself.",
        Packet / PACKET = 4 "From firmware to firmware.",
    }
}

word! {
    /// First beat of a message frame or packet frame.
    header: 128 {
        kind [3:0] "What the frame is (`kind`); 0 is never sent.",
        virtual_channel [4:4] "0 or 1.",
        restart [5:5] "First frame of its transmit queue after a refusal for want of space: the receiver listens again.",
        marked [6:6] "Stages record the cycle at which they see this frame.",
        version [15:8] "`VERSION`.",
        destination_node [31:16] "Node the frame goes to.",
        source_node [47:32] "Node the frame comes from.",
        sequence [63:48] "Link sequence number; zero until the reliable link.",
        acknowledge [79:64] "Link acknowledgement; zero until the reliable link.",
        receive_queue_id [95:80] "The receive queue's logical name (RQID, V14).",
        source_queue [103:96] "Transmit queue that sent it.",
        tag [111:104] "The message's tag.",
        length [119:112] "Payload bytes, 0 to 248.",
        slot [127:120] "Low bits of the transmit queue's index of this message; its acknowledgement repeats them.",
    }
}

word! {
    /// The one beat of an acknowledge frame.
    acknowledgement: 128 {
        kind [3:0] "`kind::ACKNOWLEDGE`.",
        virtual_channel [4:4] "1.",
        version [15:8] "`VERSION`.",
        destination_node [31:16] "Node that sent the message.",
        source_node [47:32] "Node that answers.",
        sequence [63:48] "Link sequence number; zero until the reliable link.",
        acknowledge [79:64] "Link acknowledgement; zero until the reliable link.",
        queue [87:80] "`source_queue` of the message.",
        slot_status [95:88] "Low four bits: `slot` of the message modulo 16; high four bits: `status`.",
        crc [127:96] "CRC-32.",
    }
}

word! {
    /// The one beat of a credit frame.
    credit: 128 {
        kind [3:0] "`kind::CREDIT`.",
        version [15:8] "`VERSION`.",
        limit_0 [31:16] "Accepts virtual channel 0 up to this count of beats, modulo 2^16.",
        limit_1 [47:32] "Accepts virtual channel 1 up to this count of beats, modulo 2^16.",
        sent_0 [63:48] "Has sent this many beats on virtual channel 0, modulo 2^16.",
        sent_1 [79:64] "Has sent this many beats on virtual channel 1, modulo 2^16.",
        source_node [95:80] "Node the frame comes from.",
        crc [127:96] "CRC-32.",
    }
}

codes! {
    /// What became of a message at its receiver.
    status: Status {
        Accepted / ACCEPTED = 0 "Written to the receive ring.",
        Full / FULL = 1 "The ring is full; the sender tries again from this message on.",
        NotResident / NOT_RESIDENT = 2 "No resident receive queue has that identifier; the message is dropped.",
        EntryTooSmall / ENTRY_TOO_SMALL = 3 "Longer than the ring's entries; the message is dropped.",
    }
}

section!("link", "Frames on the wire", maps: [], words: [header, acknowledgement, credit], codes: [kind, status]);
