//! BAR0: identity first, then status, the admin queue's registers, time stamps and counters.
//!
//! All registers are 32 bits wide; wider values are two registers, low half first. Reads of 1 to 1024 double words and
//! writes with any byte enables are legal; a read of an offset without a register ends in Unsupported Request.

use crate::schema::{codes, numbers, register_map, section};

numbers! {
    MAP_BYTES = 4096 "Size of the register map: the first page of BAR0. Interrupts have the others (`interrupt`).",
    MAGIC = 0x5741_5946 "`WAYF` read as a big-endian number: the first word of a Wayfarer NIU.",
    STAGES = 16 "Time stamp registers.",
    COUNTERS = 64 "Counter registers.",
    REGISTER_WRITE_LINES = 16 "Lines of 16 bytes that may wait to be written to registers, at least.",
}

register_map! {
    /// Control registers.
    registers {
        /// Identity.
        magic @ 0x000: 32 ReadOnly = 0x5741_5946 {}
        /// Version of the host ABI; the driver refuses another major version.
        abi_version / AbiVersion @ 0x004: 32 ReadOnly = 0x0001_0000 {
            minor [15:0] "Compatible additions.",
            major [31:16] "Incompatible changes.",
        }
        /// Source revision of the hardware: the first 8 hexadecimal digits of the commit.
        hardware_revision @ 0x008: 32 ReadOnly = 0 {}
        /// Core clock in hertz.
        clock_hertz @ 0x00c: 32 ReadOnly = 125_000_000 {}
        /// Sizes of this configuration.
        capabilities / Capabilities @ 0x010: 32 ReadOnly = 0 {
            transmit_queues [8:0] "Resident transmit queues.",
            interrupt_vectors_log2 [15:12] "Base-2 logarithm of the interrupt vectors.",
            receive_queues [24:16] "Resident receive queues.",
        }
        /// Mechanisms of this configuration.
        features / Features @ 0x014: 32 ReadOnly = 0x3 {
            express [0:0] "Express messages (V3).",
            basic [1:1] "Basic messages (V1).",
        }
        /// A place to test reads and writes; a driver that opens the device writes its token here.
        scratch @ 0x018: 32 ReadWrite = 0 {}
        /// This node's number, written by the driver before any endpoint exists.
        node / Node @ 0x01c: 32 ReadWrite = 0 {
            number [9:0] "0 to 1023.",
        }
        /// Reset and watchdog.
        processor_control / ProcessorControl @ 0x020: 32 ReadWrite = 0 {
            hold [0:0] "1 holds the service processor in reset. Resident queues keep working.",
        }
        /// How the NIU is.
        status / Status @ 0x024: 32 ReadOnly = 0 {
            firmware_alive [0:0] "The firmware's heartbeat came within the watchdog limit.",
            link_seen [1:1] "A credit frame of the peer has arrived.",
            version_mismatch [2:2] "A frame of another wire format version has arrived.",
            stopped [3:3]
                "The NIU makes no requests to the host: since a write to `quiesce`, until firmware has cleared \
                 everything for new rings.",
            quiet [4:4]
                "Since it stopped, every write has left and every read has ended: it touches no memory any more.",
        }
        /// Cycles without a heartbeat after which `firmware_alive` falls.
        watchdog_limit @ 0x028: 32 ReadWrite = 1_250_000 {}
        /// Number of heartbeats of the firmware.
        heartbeat @ 0x02c: 32 ReadOnly = 0 {}
        /// Core cycles since reset; reading this half latches the other.
        cycle_low @ 0x030: 32 ReadOnly = 0 {}
        /// High half as latched by the read of `cycle_low`.
        cycle_high @ 0x034: 32 ReadOnly = 0 {}
        /// Host address of the admin submission ring, low half.
        admin_submission_low @ 0x040: 32 ReadWrite = 0 {}
        /// High half.
        admin_submission_high @ 0x044: 32 ReadWrite = 0 {}
        /// Host address of the admin completion ring, low half.
        admin_completion_low @ 0x048: 32 ReadWrite = 0 {}
        /// High half.
        admin_completion_high @ 0x04c: 32 ReadWrite = 0 {}
        /// Entries of both rings.
        admin_entries / AdminEntries @ 0x050: 32 ReadWrite = 0 {
            log2 [3:0] "Base-2 logarithm, 1 to 8; 0 turns the admin queue off.",
            generation [15:8] "A changed number tells the firmware to start both rings afresh.",
        }
        /// Submissions made since the rings were set up, modulo 2^16. Writing it tells the firmware.
        admin_doorbell / AdminDoorbell @ 0x054: 32 ReadWrite = 0 {
            index [15:0] "Producer index.",
        }
        /// Events that wait for the firmware, one bit a kind (`event::kind`): level-triggered behind the event queue.
        event_pending / EventPending @ 0x060: 32 WriteOneToClear = 0 {
            kinds [15:0] "One bit a kind of event (`event::kind`).",
        }
        /// Sizes of this configuration, as base-2 logarithms where it says so.
        sizes / Sizes @ 0x068: 32 ReadOnly = 0 {
            transmit_slots_log2 [3:0] "Slots of a transmit queue.",
            translation_log2 [7:4] "Entries of the translation table.",
            endpoints_log2 [11:8]
                "Endpoint pages: in BAR2, and in the lower half of BAR4. The outbox is at the start of the upper \
                 half.",
            receive_queue_ids_log2 [15:12] "Receive queue identifiers.",
            inline_pages [23:16] "Pages of the NIU memory pool, for inline bodies; no logarithm.",
            nodes_log2 [27:24] "Nodes that may send to this one.",
            peer_queues_log2 [31:28] "Resident transmit queues that such a node may have.",
        }
        /// A write stops all requests to the host, without firmware. `status` says when the last one is over.
        quiesce / Quiesce @ 0x06c: 32 ReadWrite = 0 {
            generation [7:0]
                "Generation of the admin rings that come next (`admin_entries`): setting them up ends the stop.",
        }
        /// Resident transmit queues of which a message was rejected, or that failed:
        /// level-triggered, one bit a queue.
        queue_pending @ 0x080 * 8: 32 WriteOneToClear = 0 {}
        /// Core cycle (low 32 bits) at which a stage saw the last marked message (`stage`).
        stage_time @ 0x100 * 16: 32 ReadOnly = 0 {}
        /// Statistics (`counter`): 32 bits, wrapping.
        counters @ 0x200 * 64: 32 ReadOnly = 0 {}
        /// Endpoint pages of which a `NON_RESIDENT_STORE` was told: level-triggered, one bit an endpoint.
        endpoint_pending @ 0x400 * 128: 32 WriteOneToClear = 0 {}
    }
}

codes! {
    /// Stages of a marked message's way; 0 to 5 at the sender, 8 to 12 at the receiver.
    stage: Stage {
        HostReceive / HOST_RECEIVE = 0 "Last beat of the store's packet came in.",
        Composed / COMPOSED = 1 "The message stands in its transmit slot.",
        Granted / GRANTED = 2 "The transmit queue won arbitration.",
        Translated / TRANSLATED = 3 "The translation entry was read.",
        FrameOut / FRAME_OUT = 4 "First beat of the frame left on the link.",
        Answered / ANSWERED = 5 "The answer came in.",
        FrameIn / FRAME_IN = 8 "Last beat of the frame came in from the link.",
        Checked / CHECKED = 9 "The CRC was right and the frame left the receive buffer.",
        Matched / MATCHED = 10 "The receive queue was found.",
        RequestOut / REQUEST_OUT = 11 "The first write request went to the requester.",
        PacketOut / PACKET_OUT = 12 "First beat of the message's first write left to the host.",
    }
}

codes! {
    /// What is counted; each number is an index into `counters`.
    counter: Counter {
        HostPackets / HOST_PACKETS = 0 "Transaction-layer packets received.",
        HostMalformed / HOST_MALFORMED = 1
            "Malformed packets, with more or less beats than their header says among them, poisoned writes, and \
             reads beyond the credits: dropped. Of a write to BAR4 bytes may have been written; nothing else of them \
             has an effect.",
        HostUnsupported / HOST_UNSUPPORTED = 2
            "Requests to nothing: Unsupported Request if a completion is owed, else dropped.",
        CompletionUnexpected / COMPLETION_UNEXPECTED = 3 "Completions that no request waits for, dropped.",
        CompletionError / COMPLETION_ERROR = 4
            "Error completions and poisoned ones of own reads, which they end as refused.",
        CompletionTimeout / COMPLETION_TIMEOUT = 5 "Own reads that timed out.",
        RegisterOverflow / REGISTER_OVERFLOW = 6
            "Writes to BAR0 that found no room to wait for their turn: each dropped whole.",
        TornStore / TORN_STORE = 7 "Torn or misaligned stores to an endpoint page, dropped.",
        NonResidentStore / NON_RESIDENT_STORE = 8 "Stores to a page without an endpoint, dropped.",
        TransmitOverflow / TRANSMIT_OVERFLOW = 9 "Express stores and producer indices beyond the free slots.",
        TooLong / TOO_LONG = 10 "Basic messages longer than 248 bytes, dropped.",
        OutsideWindow / OUTSIDE_WINDOW = 11 "Destinations outside the window, dropped.",
        InvalidTranslation / INVALID_TRANSLATION = 12 "Destinations without a valid translation, dropped.",
        MessagesSent / MESSAGES_SENT = 13 "Message frames sent, repetitions included.",
        MessagesAccepted / MESSAGES_ACCEPTED = 14 "Messages that their receivers accepted.",
        MessagesRefused / MESSAGES_REFUSED = 15
            "Messages rejected: by their receiver, or by a check of the own NIU.",
        Probes / PROBES = 16 "Messages sent again alone, to see whether the receiver has room by now.",
        AnswerTimeout / ANSWER_TIMEOUT = 17 "Transmit queues that failed for want of an answer.",
        FramesReceived / FRAMES_RECEIVED = 18 "Frames that came in whole.",
        FrameCorrupt / FRAME_CORRUPT = 19 "Frames with a wrong CRC or length, dropped.",
        FrameVersion / FRAME_VERSION = 20 "Frames of another wire format version, dropped.",
        FrameMisrouted / FRAME_MISROUTED = 21 "Frames for another node or from an impossible one, dropped.",
        MessagesReceived / MESSAGES_RECEIVED = 22 "Messages written to receive rings.",
        ReceiveMiss / RECEIVE_MISS = 23 "Messages for an identifier that no receive queue has.",
        ReceiveFull / RECEIVE_FULL = 24 "Messages refused because their ring was full.",
        ReceiveBehind / RECEIVE_BEHIND = 25 "Messages refused because they follow a refused one of their queue.",
        EntryTooSmall / ENTRY_TOO_SMALL = 26 "Messages longer than the ring's entries, dropped.",
        ShadowWrites / SHADOW_WRITES = 27 "Shadow lines written to host memory.",
        PacketsReceived / PACKETS_RECEIVED = 28 "Firmware packets received.",
        CommandInvalid / COMMAND_INVALID = 29 "Commands with an unknown opcode or an illegal operand.",
        BadConsumer / BAD_CONSUMER = 30 "Consumer indices that give back more than was delivered, ignored.",
        ReadOnlyWrite / READ_ONLY_WRITE = 31 "Writes to read-only or absent registers, ignored.",
        FrameOverrun / FRAME_OVERRUN = 32 "Frames that came without credit, dropped.",
        EventLost / EVENT_LOST = 33 "Events that found the event queue full; their level-triggered bits stand.",
        PacketsDropped / PACKETS_DROPPED = 34 "Firmware packets that found no place in the inbox, dropped.",
        HostDiscarded / HOST_DISCARDED = 35
            "Requests to the host that were dropped, Bus Master Enable being off or the NIU stopped (`quiesce`).",
        AnswerUnexpected / ANSWER_UNEXPECTED = 36
            "Verdicts that no unanswered message waits for from their node, dropped.",
        PingsSent / PINGS_SENT = 37 "Pings sent for messages that stay unanswered.",
        AnswerOverflow / ANSWER_OVERFLOW = 38 "Answers that found the answer buffer full, dropped.",
        InlineLost / INLINE_LOST = 39 "Stores to the inline bodies of an endpoint without a page, dropped.",
        CapturedStore / CAPTURED_STORE = 40 "Stores to an endpoint whose transmit queue is away, captured.",
        LostStore / LOST_STORE = 41
            "Losses of an endpoint's stores for want of room in the capture buffer: the driver stores them again.",
        MissedMessage / MISSED_MESSAGE = 42 "Messages written to the miss ring.",
        Interrupts / INTERRUPTS = 43 "Interrupts sent (V29).",
        BulkFramesWritten / BULK_FRAMES_WRITTEN = 44 "Frames of remote memory of which the data were written.",
        BulkFramesRefused / BULK_FRAMES_REFUSED = 45
            "Frames of remote memory that were refused: their data are thrown away.",
        TransfersStarted / TRANSFERS_STARTED = 46 "Transfers of own transmit queues that began.",
        TransfersFailed / TRANSFERS_FAILED = 47 "Transfers of own transmit queues that ended with an error.",
    }
}

section!("control", "BAR0: control registers", maps: [registers], words: [], codes: [stage, counter]);
