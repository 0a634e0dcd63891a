//! Commands of the firmware to the hardware, and their completions (V22, V24, V25).
//!
//! A command is 16 bytes: an opcode word, an operand of 32 bits, one of 64. Commands of one queue are issued in
//! order; with the fence flag a command waits until every command before it in its queue is complete.

use crate::schema::{codes, numbers, section, word};

numbers! {
    COMMAND_BYTES = 16 "Size of a command.",
    QUEUES = 2 "Local command queues.",
    INBOX_BYTES = 2048 "NIU memory that hardware writes and firmware reads.",
    READ_INBOX_BYTES = 1024 "First part of the inbox, for reads of host memory; behind it stand firmware packets.",
    RECORD_INBOX_BYTES = 256 "First part of the inbox, from which records can be loaded.",
    RECORD_BYTES = 32
        "Size of a queue's record in inbox and outbox: its words 1, 2, 3 and 0 of `queue_state`, in this order.",
    OUTBOX_BYTES = 8192 "NIU memory that firmware writes and hardware (and the host, read-only) reads.",
}

codes! {
    /// What a command does.
    opcode: Opcode {
        Nothing / NOTHING = 0 "Only completes: a marker.",
        WriteQueueState / WRITE_QUEUE_STATE = 1 "operand: `state_operand`; data: the word.",
        WriteNiuMemory / WRITE_NIU_MEMORY = 2
            "operand: byte offset in the pool of inline pages, multiple of 8; data: 8 bytes.",
        SendPacket / SEND_PACKET = 3
            "operand: `packet_operand`; data: `packet_target`. The payload comes from the outbox.",
        WriteHostMemory / WRITE_HOST_MEMORY = 4
            "operand: `transfer_operand` (outbox); data: host address, multiple of 4.",
        ReadHostMemory / READ_HOST_MEMORY = 5
            "operand: `transfer_operand` (inbox, ending within `READ_INBOX_BYTES`); data: host address, multiple of \
             4.",
        LoadRecord / LOAD_RECORD = 6
            "operand: `record_operand` (outbox or inbox). All words of a queue's record are written, the control word \
             last. From the inbox, data: `loaded_control`.",
        SaveRecord / SAVE_RECORD = 7
            "operand: `record_operand` (inbox, ending within `READ_INBOX_BYTES`). All words of a queue's record are \
             read.",
        ReplayStore / REPLAY_STORE = 8
            "operand: `replay_operand`; data: `queue_state::endpoint_map`. Carries out the oldest captured store, then \
             writes the endpoint's word of the map. `BUSY`: more stores of the endpoint are captured. A store of \
             another endpoint than the operand's is not carried out, and nothing is written: `BUSY` too.",
        GiveBackEntries / GIVE_BACK_ENTRIES = 9
            "operand: `give_back_operand`. Stores the consumer index of a receive queue, as the host does through an \
             endpoint's page: for the miss ring.",
        DeliverMessage / DELIVER_MESSAGE = 10
            "operand: `deliver_operand`; data: `entry_place`, or `delivered_control`. Writes a message from the inbox \
             to its entry in host memory, the bytes behind the first 16 first.",
    }
}

word! {
    /// First word of a command.
    header / Header: 32 {
        opcode [7:0] "What to do (`opcode`).",
        complete [8:8] "Answer in the completion queue.",
        fence [9:9] "Wait until all commands before this one, of this queue, are complete.",
        chain [11:10] "Its place in a chain (`chain`, V25).",
        token [31:16] "Comes back in the completion.",
    }
}

codes! {
    /// Whether a command belongs to a chain. Each queue has one chain at a time. It is broken by a read of it that
    /// fails, or by a command of it that is `INVALID`.
    chain: Chain {
        None / NONE = 0 "It belongs to none.",
        First / FIRST = 1 "It begins a chain, and ends the one before. It needs `fence` if that may be under way.",
        Next / NEXT = 2
            "It is carried out only if the chain is not broken; otherwise it does nothing, and completes with the \
             status of what broke it. What needs what was read has `fence` too.",
    }
}

word! {
    /// Operand of `WRITE_QUEUE_STATE`: one word, or many with the same contents. All of them stand in one region.
    state_operand / StateOperand: 32 {
        index [15:0] "Index of `queue_state`; the first, if there are more.",
        more [28:16] "Number of words to write after the first.",
        every_fourth [29:29] "1: write every fourth word, so that one word of each queue is written.",
    }
}

word! {
    /// Operand of host memory transfers.
    transfer_operand / TransferOperand: 32 {
        offset [15:0]
            "Byte offset in the inbox or outbox, multiple of 16; the transfer ends within the outbox, or the inbox's \
             `READ_INBOX_BYTES`.",
        bytes [31:16] "Length, multiple of 4, 4 to 2048.",
    }
}

word! {
    /// Operand of `LOAD_RECORD` and `SAVE_RECORD`.
    record_operand / RecordOperand: 32 {
        offset [15:0] "Byte offset in the inbox or outbox, multiple of 16.",
        queue [23:16] "The queue.",
        receive [24:24] "1: a receive queue; 0: a transmit queue.",
        from_inbox [25:25]
            "`LOAD_RECORD`: the record stands in the inbox, ending within `RECORD_INBOX_BYTES`, where a read of host \
             memory before it in a chain puts it. 0: in the outbox.",
    }
}

word! {
    /// Data of `LOAD_RECORD` from the inbox, where nobody has seen the record: what firmware knows of the transmit
    /// queue's control word. Of a receive queue it is ignored.
    loaded_control / LoadedControl: 64 {
        generation [15:8] "In place of the record's.",
        endpoint [27:16] "The record must be enabled and of this endpoint; otherwise the command is `INVALID`.",
    }
}

word! {
    /// Operand of `DELIVER_MESSAGE`.
    deliver_operand / DeliverOperand: 32 {
        offset [15:0]
            "Byte offset of the message in the inbox, multiple of 16: an entry of the miss ring. 256 bytes from there \
             on end within `READ_INBOX_BYTES`.",
        record [23:16]
            "With `from_record`: byte offset in the inbox of the receive queue's record, multiple of 16; it ends \
             within `RECORD_INBOX_BYTES`.",
        from_record [25:25]
            "The place is word 3 of a receive queue's record in the inbox, where a read of host memory before it in a \
             chain puts it: `entry_place`.",
    }
}

word! {
    /// Where a message is delivered: data of `DELIVER_MESSAGE`.
    entry_place / EntryPlace: 64 {
        phase [0:0] "Phase bit of the entry.",
        address [63:4] "Bits 63 to 4 of the entry's host address.",
    }
}

word! {
    /// Data of `DELIVER_MESSAGE` with `from_record`, where nobody has seen the record.
    delivered_control / DeliveredControl: 64 {
        receive_queue_id [31:16]
            "The record must be enabled and of this RQID, of which 12 bits are compared; otherwise the command is \
             `INVALID`.",
    }
}

word! {
    /// Operand of `REPLAY_STORE`.
    replay_operand / ReplayOperand: 32 {
        endpoint [11:0] "The endpoint.",
        store [12:12] "1: the oldest captured store is carried out; 0: only the map is written.",
        discard [13:13]
            "1: the store is thrown away, whatever its endpoint, and nothing is written; if the endpoint exists, its \
             messages are lost from there on.",
        lose [14:14] "1: what the endpoint stores from now on is lost.",
        queue [23:16] "Transmit queue on which the store is carried out. Its record is loaded.",
    }
}

word! {
    /// Operand of `GIVE_BACK_ENTRIES`.
    give_back_operand / GiveBackOperand: 32 {
        queue [7:0] "Resident receive queue.",
        consumer [31:16] "Entries taken since the queue was enabled, modulo 2^16.",
    }
}

word! {
    /// Operand of `SEND_PACKET`.
    packet_operand / PacketOperand: 32 {
        offset [15:0] "Byte offset of the payload in the outbox, multiple of 16.",
        bytes [31:16] "Length, 0 to 240.",
    }
}

word! {
    /// Data of `SEND_PACKET`.
    packet_target / PacketTarget: 64 {
        node [9:0] "Destination node.",
        receive_queue_id [31:16] "Free for the firmwares' own use.",
        tag [39:32] "Free for the firmwares' own use.",
        virtual_channel [40:40] "Virtual channel.",
    }
}

word! {
    /// An entry of the completion queue.
    completion / Completion: 32 {
        token [15:0] "The command's token.",
        status [23:16] "`completion_status`.",
        valid [31:31] "1: this is a completion; 0: the queue is empty.",
    }
}

codes! {
    /// How a command ended.
    completion_status: CompletionStatus {
        Done / DONE = 0 "Carried out. A host memory write is on its way, in order.",
        Invalid / INVALID = 1 "Unknown opcode or illegal operand; nothing was done.",
        Refused / REFUSED = 2
            "The host refused the read (Unsupported Request or Completer Abort), or poisoned its data.",
        Timeout / TIMEOUT = 3 "The host did not answer the read.",
        Busy / BUSY = 4
            "The link has no credits for the firmware packet; nothing was sent, and firmware may try again. Or more \
             stores of the endpoint are captured.",
    }
}

section!(
    "command",
    "Commands and completions",
    maps: [],
    words: [header, state_operand, transfer_operand, record_operand, loaded_control, replay_operand,
        give_back_operand, deliver_operand, entry_place, delivered_control, packet_operand, packet_target, completion],
    codes: [opcode, chain, completion_status]
);
