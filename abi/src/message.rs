//! A message in memory: the inline body that the host composes it in, the receive entry that it arrives in, and the
//! shadow line that tells the sender how far the NIU has come (V1, V3, V21).
//!
//! An Express message (V3) is composed by the one store that sends it; a Basic message (V1) stands in an inline body.
//! Both forms share the transmit queue, its order, its translation and its flow control.

use crate::schema::{codes, numbers, section, word};

numbers! {
    TRANSMIT_SLOT_BYTES = 16 "Size of a transmit slot: the message's header and the first 8 bytes of its payload.",
    MAXIMUM_TRANSMIT_SLOTS = 64 "Most slots of a transmit queue. How many there are: `control::registers::sizes`.",
    INLINE_BODY_BYTES = 256 "Size of an inline body: a header of 8 bytes, then the payload.",
    INLINE_BODIES = 16
        "Inline bodies of an endpoint, one page of BAR4: message `index` stands in body `index` modulo 16.",
    HEADER_BYTES = 8 "Size of an inline body's header, and of a receive entry's descriptor.",
    MAXIMUM_PAYLOAD_BYTES = 248 "Longest payload of a Basic message.",
    EXPRESS_PAYLOAD_BYTES = 8 "Payload of an Express message.",
    MINIMUM_STRIDE_LOG2 = 4 "Smallest receive entry: 16 bytes, for Express messages only.",
    MAXIMUM_STRIDE_LOG2 = 8 "Largest receive entry: 256 bytes, for the longest Basic message.",
    MAXIMUM_ENTRIES_LOG2 = 15 "Longest receive ring: indices are 16 bits and must tell full from empty.",
    SHADOW_BYTES = 16 "Size of a shadow line: `shadow`, then `shadow_losses`. It is aligned to 64 bytes.",
    SHADOW_LOSSES_OFFSET = 8 "Where `shadow_losses` stands in the line.",
    REMOTE_BYTES_IN_ONE_STORE = 48 "Data of a remote write whose inline body takes 64 bytes.",
    MAXIMUM_REMOTE_BYTES = 240 "Most data of a message of form `REMOTE`: the payload without its sub-header.",
    BLOCK_BYTES = 256 "Most data of a frame of remote memory; frames of a transfer end at multiples of it.",
    TRANSFER_BYTES = 32 "Length of the payload of a message of form `TRANSFER`.",
    MAXIMUM_TRANSFER_BYTES = 0x4000_0000 "Most bytes of a transfer.",
    READ_PIECE_BYTES = 16384 "Most bytes that one frame asks for with `READ`.",
}

word! {
    /// First 8 bytes of an inline body, little-endian; the payload follows.
    transmit_header / TransmitHeader: 64 {
        destination [15:0]
            "Virtual destination; the transmit queue's window and the translation table turn it into a node and a \
             receive queue.",
        length [31:16] "Payload bytes, 0 to 248; longer is an error that drops the message.",
        tag [39:32] "Handed to the receiver unchanged.",
        marked [40:40] "Stages record the cycle at which they see this message.",
        form [42:41] "What the payload is (`form`). An Express message has form `MESSAGE`, an Express operation \
             (`endpoint::OPERATION_OFFSET`) form `REMOTE`.",
    }
}

word! {
    /// First 8 bytes of the payload of a message of form `REMOTE` or `TRANSFER`, and of the payload of a
    /// `link::kind::BULK` frame: its sub-header. Data follow as dense double words in the alignment of the target:
    /// `offset` modulo 4 bytes of padding, the data, `trail` bytes of padding. Padding is never written.
    remote / Remote: 64 {
        offset [31:0] "Bytes from the segment's start to the first byte of data.",
        operation [35:32] "`operation`.",
        trail [37:36] "Bytes of padding behind the data.",
    }
}

word! {
    /// Bytes 8 to 15 of the payload of a message of form `TRANSFER`: memory of this node. Bytes 24 to 31 are zero.
    transfer_local / TransferLocal: 64 {
        offset [31:0] "Bytes from the segment's start.",
        segment [43:32] "Segment of this node; the sender owns it.",
    }
}

word! {
    /// Bytes 16 to 23 of the payload of a message of form `TRANSFER`.
    transfer_length / TransferLength: 64 {
        bytes [31:0] "Bytes, 0 to `MAXIMUM_TRANSFER_BYTES`.",
    }
}

word! {
    /// Bytes 8 to 15 of the payload of a `link::kind::BULK` frame with operation `READ`.
    remote_read / RemoteRead: 64 {
        bytes [14:0] "Bytes that are asked for, 1 to `READ_PIECE_BYTES`.",
        reply_offset [27:16] "Offset in `reply_segment` of the first of them.",
        reply_segment [43:32] "Segment of the asking node that takes them.",
    }
}

word! {
    /// First 8 bytes of a receive entry, little-endian; the payload follows. Written last, in one 16-byte write
    /// together with the first 8 bytes of payload.
    receive_descriptor / ReceiveDescriptor: 64 {
        phase [0:0] "1 on the first lap of the ring, 0 on the second, and so on: a changed bit means a new message.",
        marked [1:1] "The sender marked the message for time stamps.",
        gap [2:2]
            "First message of the ring behind a frame that was lost on the link: of any sender, for any ring. May be \
             set without need.",
        tag [15:8] "The sender's tag; for Express the two tag bits of the address.",
        length [23:16] "Payload bytes.",
        source_endpoint [35:24] "Endpoint of that node that sent the message.",
        source_node [45:36] "Node that sent the message.",
        receive_queue_id [63:48] "Receive queue that the message was sent to (RQID).",
    }
}

word! {
    /// What the NIU writes to host memory for each transmit queue (V21): how many slots it is done with.
    shadow / Shadow: 64 {
        consumer [15:0] "Messages answered since the queue was enabled, modulo 2^16: their slots are free.",
        message_errors [27:16] "Messages that were rejected; saturates.",
        message_error [31:28] "Why the last of them was (`error`).",
        store_errors [43:32] "Stores to the endpoint's page that were rejected; saturates.",
        store_error [47:44] "Why the last of them was (`error`).",
        failed [48:48] "The queue has stopped for good; only destroying the endpoint clears it.",
    }
}

word! {
    /// Second word of the shadow line. Stores to an endpoint without resident queues are captured. One that finds no
    /// room is lost, and so are all behind it, until the driver starts again: it acts once each time that `losses`
    /// changes, stores `lost_from` to `endpoint::page::resume`, then all messages from there on again.
    shadow_losses / ShadowLosses: 64 {
        losses [3:0] "Losses so far, modulo 16.",
        lost_from [31:16] "First message that was lost.",
    }
}

codes! {
    /// What a message is.
    form: Form {
        Message / MESSAGE = 0 "A message to a receive queue.",
        Remote / REMOTE = 1 "An operation on remote memory that carries its data; its translation names a segment.",
        Transfer / TRANSFER = 2
            "A descriptor of 32 bytes, of a transfer between memory of this node and remote memory; its translation \
             names a segment.",
    }
}

codes! {
    /// Operations on remote memory.
    operation: Operation {
        Write / WRITE = 1 "Writes the data.",
        Read / READ = 2 "Reads.",
        CompareSwap / COMPARE_SWAP = 3 "Reserved.",
        FetchAdd / FETCH_ADD = 4 "Reserved.",
        Increment / INCREMENT = 5
            "Adds one to the segment's counter (`queue_state::counter`). No data follow; the offset lies in the segment. \
             The right is that to atomic operations.",
    }
}

codes! {
    /// Why a message or a store was rejected, or a queue failed.
    error: Error {
        None / NONE = 0 "No error yet.",
        TornStore / TORN_STORE = 1 "A store to an endpoint page that is not one aligned 8-byte store.",
        Overflow / OVERFLOW = 2 "An Express store or a producer index beyond the free slots.",
        TooLong / TOO_LONG = 3 "A Basic message longer than 248 bytes.",
        OutsideWindow / OUTSIDE_WINDOW = 4 "A destination outside the transmit queue's translation window.",
        InvalidTranslation / INVALID_TRANSLATION = 5 "A destination whose translation entry is not valid.",
        NotResident / NOT_RESIDENT = 6 "The receiver has no resident receive queue with that identifier.",
        EntryTooSmall / ENTRY_TOO_SMALL = 7 "The message is longer than the entries of the receiver's ring.",
        AnswerTimeout / ANSWER_TIMEOUT = 8 "The receiver's node is gone, or lost a message; the queue has failed.",
        ReceiverFull / RECEIVER_FULL = 9
            "The receiver's ring stayed full; the endpoint chose to give up such messages.",
        InlineLost / INLINE_LOST = 10
            "A producer index that covers inline bodies which were stored while the endpoint had no page.",
        BadSegment / BAD_SEGMENT = 11 "There is no such segment, or it does not admit the sender.",
        StaleSegment / STALE_SEGMENT = 12 "The segment's number was given to another segment since.",
        SegmentRights / SEGMENT_RIGHTS = 13 "The segment does not allow the operation, or nobody does.",
        SegmentRange / SEGMENT_RANGE = 14 "Bytes outside the segment, or none at all.",
        TransferFailed / TRANSFER_FAILED = 15 "A host refused a read of the transfer, or did not answer it.",
    }
}

section!(
    "message",
    "Messages in memory",
    maps: [],
    words: [
        transmit_header, remote, transfer_local, transfer_length, remote_read, receive_descriptor, shadow,
        shadow_losses,
    ],
    codes: [form, operation, error]
);
