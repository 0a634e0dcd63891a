//! The admin queue: how the host driver asks the firmware to create endpoints and load translations.
//!
//! Submissions are 64 bytes in a ring in host memory, which the firmware reads after the doorbell; completions are 16
//! bytes in another, with a phase bit.

use crate::schema::{codes, numbers, section, word};

numbers! {
    SUBMISSION_BYTES = 64 "Size of a submission: `submission`, then `operands` at byte 16 and on.",
    COMPLETION_BYTES = 16 "Size of a completion: `completion`, then the result, 8 bytes.",
    TABLE_ENTRY_BYTES = 128 "Size of an endpoint's entry in the table of `GIVE_MEMORY`; only the firmware reads it.",
    MISS_RING_ENTRIES_LOG2 = 6 "Base-2 logarithm of the miss ring's entries, of `1 << MAXIMUM_STRIDE_LOG2` bytes each.",
    MISS_RING_BYTES = 16384 "Size of the miss ring.",
    LOG_OFFSET = 0x1000 "Start of the log ring in the outbox: a 32-bit count of bytes written, then the ring.",
    LOG_BYTES = 2048 "Bytes of the log ring.",
}

codes! {
    /// What a submission asks for.
    opcode: Opcode {
        Identify / IDENTIFY = 1 "Result: ABI version << 32 | firmware's source revision.",
        CreateEndpoint / CREATE_ENDPOINT = 2
            "Operands: `endpoint_shape`, ring address, shadow address, `endpoint_interrupt`. Result: \
             `endpoint_result`.",
        DestroyEndpoint / DESTROY_ENDPOINT = 3 "Operands: endpoint number.",
        BindReceiveQueue / BIND_RECEIVE_QUEUE = 4
            "Operands: endpoint number, RQID. From here on messages for it arrive.",
        LoadTranslation / LOAD_TRANSLATION = 5
            "Operands: endpoint number, virtual destination, `queue_state::translation`.",
        EvictEndpoint / EVICT_ENDPOINT = 6
            "Operands: endpoint number. The firmware keeps the records of its queues, which are free for others.",
        InstallEndpoint / INSTALL_ENDPOINT = 7
            "Operands: endpoint number. The endpoint goes on with resident queues. Result: `endpoint_result`.",
        GiveMemory / GIVE_MEMORY = 8
            "Operands: address of the endpoint table (`TABLE_ENTRY_BYTES` for each endpoint page), address of the miss \
             ring (`MISS_RING_BYTES`), both multiples of 4096. The firmware keeps there what is not resident. Once for \
             each setting-up of the rings, before the first endpoint is created. Third operand: `residency_policy`.",
        ResidencyStatistic / RESIDENCY_STATISTIC = 9
            "Operands: `residency_counter`. Result: its count since the rings were set up, 32 bits, wrapping.",
        Export / EXPORT = 10
            "Operands: `segment_shape`, address (a multiple of `queue_state::SEGMENT_PAGE_BYTES` below 2^57), bytes (1 \
             to 2^32). The endpoint's memory becomes a segment. Result: `segment_result`.",
        Unexport / UNEXPORT = 11
            "Operands: endpoint number, `segment_result`. When it is done, nobody writes to the memory any more or \
             reads it.",
        ArmCounter / ARM_COUNTER = 12
            "Operands: `segment_result` with the endpoint in its upper half (`counter_name`), `queue_state::counter` \
             without `owner`, the bytes of action 0, those of action 1. The counter of the endpoint's segment begins \
             at 0, or ends if it is not `armed`.",
    }
}

codes! {
    /// Whose resident queues are lent to endpoints that are away and need some.
    residency_policy: ResidencyPolicy {
        RoundRobin / ROUND_ROBIN = 0 "One queue after the other.",
        Random / RANDOM = 1 "Any queue.",
        Pinned / PINNED = 2
            "The first half of the queues stay with those who have them; the others are lent one after the other.",
        SecondChance / SECOND_CHANCE = 3
            "One queue after the other, and one that was used since it was last looked at stays once more.",
        LeastRecentlyUsed / LEAST_RECENTLY_USED = 4
            "The queue whose last use was noticed longest ago. Uses are noticed when a queue comes back, and when it \
             is looked at: one that was used since then stays.",
    }
}

codes! {
    /// What the firmware counts.
    residency_counter: ResidencyCounter {
        TransmitInstalls / TRANSMIT_INSTALLS = 0 "Transmit queues that came back.",
        TransmitEvictions / TRANSMIT_EVICTIONS = 1 "Transmit queues that were sent away.",
        FailedEvictions / FAILED_EVICTIONS = 2 "Transmit queues that were to be sent away, and were in use.",
        Spared / SPARED = 3
            "Queues that were to be sent away, and stayed because they had been used since they were last looked at.",
        ReceiveInstalls / RECEIVE_INSTALLS = 4 "Receive queues that came back.",
        ReceiveEvictions / RECEIVE_EVICTIONS = 5 "Receive queues that were sent away.",
        Captured / CAPTURED = 6 "Captured stores that were reported.",
        Missed / MISSED = 7 "Messages in the miss ring that were reported.",
        Copied / COPIED = 8 "Messages brought from the miss ring to their own.",
        Discarded / DISCARDED = 9 "Captured stores of endpoints that do not exist or were given up, thrown away.",
        Shed / SHED = 10
            "Captured stores thrown away because no transmit queue could be had: their programs store them again.",
        LostMisses / LOST_MISSES = 11 "Messages of the miss ring whose endpoint was destroyed or given up, dropped.",
        PutOff / PUT_OFF = 12 "Attempts to get a queue that failed.",
        FailedReads / FAILED_READS = 13 "Reads of the table or the miss ring that failed.",
        GivenUp / GIVEN_UP = 14 "Endpoints whose entry in the table could not be read.",
        Invalid / INVALID = 15 "Commands that the hardware called invalid.",
    }
}

codes! {
    /// How a submission ended.
    status: Status {
        Done / DONE = 0 "Carried out.",
        UnknownOpcode / UNKNOWN_OPCODE = 1 "No such opcode.",
        NoSuchEndpoint / NO_SUCH_ENDPOINT = 2 "The endpoint does not exist, or is evicted, or is not evicted.",
        NoResources / NO_RESOURCES = 3
            "No resident queue, endpoint page, page for inline bodies or translation window is free.",
        BadOperand / BAD_OPERAND = 4 "A size, alignment or number is out of range.",
        AddressRefused / ADDRESS_REFUSED = 5 "The host refuses reads at the ring's or shadow line's address.",
        InUse / IN_USE = 6
            "The RQID is bound to another endpoint; or messages of an endpoint that is to be evicted are in flight.",
        Failed / FAILED = 7
            "A command to the hardware went wrong; or an earlier firmware was stopped, and this one does nothing but \
             `IDENTIFY` before it is given new rings.",
    }
}

word! {
    /// First 8 bytes of a submission.
    submission / Submission: 64 {
        opcode [15:0] "`opcode`.",
        identifier [31:16] "Comes back in the completion.",
    }
}

word! {
    /// First 8 bytes of a completion.
    completion / Completion: 64 {
        identifier [15:0] "The submission's.",
        status [31:16] "`status`.",
        consumer [47:32] "Submissions taken, modulo 2^16.",
        phase [63:63] "1 on the first lap of the ring, 0 on the second, and so on.",
    }
}

word! {
    /// First operand of `CREATE_ENDPOINT`.
    endpoint_shape / EndpointShape: 64 {
        entries_log2 [7:0] "Base-2 logarithm of the receive ring's entries, 1 to 15.",
        stride_log2 [15:8] "Base-2 logarithm of an entry's bytes, 4 to 8.",
        window_log2 [23:16] "Base-2 logarithm of the translation window's entries, 0 to 12.",
        virtual_channel_1 [24:24] "The endpoint may send on virtual channel 1.",
        priority [25:25] "The endpoint's transmit queue has priority (V20).",
        inline [26:26] "The endpoint gets a page for inline bodies; without one it can send Express messages only.",
        emulated [27:27]
            "The endpoint has no resident queues (V16): it is lent one for each message that the firmware serves.",
        give_up [31:28]
            "A message is given up (`RECEIVER_FULL`) when its receiver has answered `FULL` so often; 0: never.",
        drops [32:32]
            "A message that finds the endpoint's receive ring full is dropped; 0: it is refused, and sent again (V18).",
    }
}

word! {
    /// Fourth operand of `CREATE_ENDPOINT`: the interrupt of the receive queue (V29). 0: none.
    endpoint_interrupt / EndpointInterrupt: 64 {
        vector [7:0] "Vector, less than `control::registers::capabilities` says.",
        enabled [8:8] "The endpoint's receive queue raises interrupts when it is armed.",
        interval [27:16]
            "The vector's next interrupt comes no less than so many times `interrupt::INTERVAL_UNIT_CYCLES` behind \
             the last; at most `interrupt::MAXIMUM_INTERVAL`.",
    }
}

word! {
    /// Result of `CREATE_ENDPOINT`.
    endpoint_result / EndpointResult: 64 {
        endpoint [15:0] "Endpoint number: its page in BAR2, and in the lower half of BAR4.",
        transmit_queue [31:16]
            "Resident transmit queue that it has now, `slot` in its frames; 0xffff: none, the endpoint is away.",
        window_base [47:32] "First entry of the translation window.",
    }
}

word! {
    /// First operand of `EXPORT`; the rights are those of `queue_state::segment_place`.
    segment_shape / SegmentShape: 64 {
        endpoint [15:0] "Endpoint that the segment belongs to.",
        remote_write [16:16] "Other endpoints may write.",
        remote_read [17:17] "Other endpoints may read.",
        remote_atomic [18:18] "Other endpoints may use atomic operations.",
        local [19:19] "The endpoint's transfers may use it.",
        any_node [20:20] "Every node is admitted.",
        any_endpoint [21:21] "Every endpoint of an admitted node is.",
        node [41:32] "Without `any_node`: the only node that is admitted.",
        importer [55:44] "Without `any_endpoint`: the only endpoint that is admitted.",
    }
}

word! {
    /// Result of `EXPORT`.
    segment_result / SegmentResult: 64 {
        segment [15:0] "Segment of this node.",
        generation [23:16] "Its generation.",
    }
}

word! {
    /// First operand of `ARM_COUNTER`.
    counter_name / CounterName: 64 {
        segment [15:0] "Segment whose counter it is.",
        generation [23:16] "Its generation.",
        endpoint [47:32] "Endpoint that the segment belongs to.",
    }
}

section!(
    "admin",
    "The admin queue",
    maps: [],
    words: [
        submission, completion, endpoint_shape, endpoint_interrupt, endpoint_result, segment_shape, segment_result,
        counter_name,
    ],
    codes: [opcode, residency_policy, residency_counter, status]
);
