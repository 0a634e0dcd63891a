//! Transaction-layer packet headers (PCI Express Base Specification, chapter 2), as numbers over
//! the packet's bytes in wire order: byte 0 in bits 7 to 0. Multi-byte fields are big-endian on the
//! wire and are named by their bytes here.

use crate::schema::{codes, numbers, section, word};

numbers! {
    READ_COMPLETION_BOUNDARY_BYTES = 128 "Completions of an endpoint are cut at multiples of this only (2.3.1.1).",
    MAXIMUM_READ_BYTES = 4096 "Longest memory read request.",
    PAGE_BYTES = 4096 "No request crosses a boundary of this many bytes (2.2.7).",
}

codes! {
    /// Fmt and Type, byte 0 of a header (2.2.1).
    format_type: FormatType {
        MemoryRead32 / MEMORY_READ_32 = 0x00 "MRd, 3 double words of header.",
        MemoryReadLocked32 / MEMORY_READ_LOCKED_32 = 0x01 "MRdLk, refused with CplLk.",
        IoRead / IO_READ = 0x02 "IORd, refused.",
        ConfigurationRead0 / CONFIGURATION_READ_0 = 0x04 "CfgRd0, refused: configuration space is the PCIe block's.",
        ConfigurationRead1 / CONFIGURATION_READ_1 = 0x05 "CfgRd1, refused.",
        Completion / COMPLETION = 0x0a "Cpl.",
        CompletionLocked / COMPLETION_LOCKED = 0x0b "CplLk: refuses a locked read.",
        MemoryRead64 / MEMORY_READ_64 = 0x20 "MRd, 4 double words of header.",
        Message / MESSAGE = 0x30 "Msg, lowest three bits zero, which tell its routing; ignored.",
        MemoryWrite32 / MEMORY_WRITE_32 = 0x40 "MWr, 3 double words of header.",
        IoWrite / IO_WRITE = 0x42 "IOWr, refused.",
        ConfigurationWrite0 / CONFIGURATION_WRITE_0 = 0x44 "CfgWr0, refused.",
        ConfigurationWrite1 / CONFIGURATION_WRITE_1 = 0x45 "CfgWr1, refused.",
        CompletionData / COMPLETION_DATA = 0x4a "CplD.",
        CompletionDataLocked / COMPLETION_DATA_LOCKED = 0x4b "CplDLk, unexpected.",
        FetchAdd32 / FETCH_ADD_32 = 0x4c "FetchAdd, 3 double words of header, refused.",
        Swap32 / SWAP_32 = 0x4d "Swap, refused.",
        CompareSwap32 / COMPARE_SWAP_32 = 0x4e "CAS, refused.",
        DeferrableMemoryWrite32 / DEFERRABLE_MEMORY_WRITE_32 = 0x5b "DMWr, refused.",
        MemoryWrite64 / MEMORY_WRITE_64 = 0x60 "MWr, 4 double words of header.",
        MessageData / MESSAGE_DATA = 0x70 "MsgD, lowest three bits zero; ignored.",
    }
}

codes! {
    /// Completion status (2.2.9).
    completion_status: CompletionStatus {
        Successful / SUCCESSFUL = 0 "SC.",
        UnsupportedRequest / UNSUPPORTED_REQUEST = 1 "UR.",
        ConfigurationRetry / CONFIGURATION_RETRY = 2 "CRS.",
        CompleterAbort / COMPLETER_ABORT = 4 "CA.",
    }
}

word! {
    /// Memory request header, first 8 bytes (2.2.7). Bytes 8 to 11 (or 8 to 15) are the address, big-endian.
    request / Request: 64 {
        format_type [7:0] "Byte 0: Fmt and Type.",
        traffic_class [14:12] "Byte 1: TC.",
        length_high [17:16] "Byte 2: Length[9:8].",
        attributes [21:20] "Byte 2: relaxed ordering and no snoop.",
        poisoned [22:22] "Byte 2: EP.",
        digest [23:23] "Byte 2: TD.",
        length_low [31:24] "Byte 3: Length[7:0].",
        requester_high [39:32] "Byte 4: Requester ID[15:8].",
        requester_low [47:40] "Byte 5: Requester ID[7:0].",
        tag [55:48] "Byte 6: Tag.",
        first_enables [59:56] "Byte 7: first double word's byte enables.",
        last_enables [63:60] "Byte 7: last double word's byte enables.",
    }
}

word! {
    /// Completion header, 12 bytes (2.2.9).
    completion / Completion: 96 {
        format_type [7:0] "Byte 0: Fmt and Type.",
        length_high [17:16] "Byte 2: Length[9:8].",
        poisoned [22:22] "Byte 2: EP.",
        length_low [31:24] "Byte 3: Length[7:0].",
        completer_high [39:32] "Byte 4: Completer ID[15:8].",
        completer_low [47:40] "Byte 5: Completer ID[7:0].",
        byte_count_high [51:48] "Byte 6: Byte Count[11:8].",
        status [55:53] "Byte 6: Completion Status.",
        byte_count_low [63:56] "Byte 7: Byte Count[7:0].",
        requester_high [71:64] "Byte 8: Requester ID[15:8].",
        requester_low [79:72] "Byte 9: Requester ID[7:0].",
        tag [87:80] "Byte 10: Tag.",
        lower_address [94:88] "Byte 11: Lower Address.",
    }
}

section!(
    "pcie",
    "Transaction-layer packets",
    maps: [],
    words: [request, completion],
    codes: [format_type, completion_status]
);
