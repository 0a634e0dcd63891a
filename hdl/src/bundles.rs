//! What blocks hand to each other beside streams. The contracts stand in `docs/microarchitecture.md`.

use rust_hdl::prelude::*;

/// Sixteen byte lanes of a host write to a BAR. One a cycle, without back-pressure; accompanied by a `valid` bit.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct HostWrite {
    /// 0, 1, 2 for BAR0, BAR2, BAR4.
    pub space: Bits<2>,
    /// Byte offset of the lanes in the BAR; the low four bits are zero.
    pub address: Bits<25>,
    /// The bytes, each in the lane of its address.
    pub data: Bits<128>,
    /// Which lanes are written.
    pub enables: Bits<16>,
    /// The packet is one aligned 8-byte store with all bytes enabled.
    pub single: Bit,
    /// Last beat of its packet.
    pub last: Bit,
}

/// A memory read of the host that waits for its completion.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReadRequest {
    /// 0, 1, 2 for BAR0, BAR2, BAR4.
    pub space: Bits<2>,
    /// Byte offset of the first double word in the BAR.
    pub address: Bits<25>,
    /// Double words, 1 to 1024.
    pub length: Bits<11>,
    /// Byte enables of the first double word.
    pub first_enables: Bits<4>,
    /// Byte enables of the last double word; zero if there is only one.
    pub last_enables: Bits<4>,
    /// Requester ID, to be repeated in the completion.
    pub requester: Bits<16>,
    /// Tag, to be repeated in the completion.
    pub tag: Bits<8>,
    /// Traffic class, to be repeated in the completion.
    pub traffic_class: Bits<3>,
    /// Attributes, to be repeated in the completion.
    pub attributes: Bits<2>,
    /// Nothing answers at this address: Unsupported Request.
    pub unsupported: Bit,
    /// A locked read (MRdLk): `unsupported`, and its completion says CplLk.
    pub locked: Bit,
}

/// Queue state written by firmware (`abi::queue_state`): broadcast for one cycle, without back-pressure.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ConfigurationWrite {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Region and index.
    pub index: Bits<16>,
    /// The word.
    pub data: Bits<64>,
}

/// The command executor wants the words 2 and 3 of a queue's record (`abi::queue_state`). Both fields stay until
/// `SavedWords::done` was high.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RecordRequest {
    /// The queue counts in this cycle.
    pub valid: Bit,
    /// Resident queue of the side that is asked.
    pub queue: Bits<8>,
}

/// Those words, as their owners keep them.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct SavedWords {
    /// The others count, and stay until the request falls. `done` falls behind that.
    pub done: Bit,
    /// Word 2.
    pub second: Bits<33>,
    /// Word 3.
    pub third: Bits<33>,
}

/// The command executor asks the page decoder for `abi::command::opcode::REPLAY_STORE`, or for a consumer index to be
/// given to the receive side (`gives_back`). All fields stay until `Replayed::done` was high.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReplayRequest {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// The oldest captured store is carried out, or thrown away (`discards`).
    pub has_store: Bit,
    pub discards: Bit,
    /// The endpoint's stores behind those that are captured are lost.
    pub loses: Bit,
    /// Only: the receive queue `queue` gets the consumer index `consumer`.
    pub gives_back: Bit,
    pub consumer: Bits<16>,
    /// The endpoint; with `has_store`, but not `discards`, that of the store.
    pub endpoint: Bits<12>,
    /// Transmit queue on which the store is carried out.
    pub queue: Bits<8>,
    /// `abi::queue_state::endpoint_map`, as it will be.
    pub word: Bits<64>,
}

/// What became of it.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Replayed {
    /// It is done; stays until the request falls.
    pub done: Bit,
    /// With `done`: more stores of the endpoint are captured, or the store is of another endpoint.
    pub busy: Bit,
    /// With `done`: the map is to be written.
    pub maps: Bit,
}

/// Asking end of the register bus: one access at a time; `done` comes one or more cycles after `read` or `write`.
#[derive(LogicInterface, Default)]
#[join = "RegisterTarget"]
pub struct RegisterMaster {
    /// Reads; high for one cycle.
    pub read: Signal<Out, Bit>,
    /// Writes; high for one cycle.
    pub write: Signal<Out, Bit>,
    /// Byte offset in BAR0, multiple of 4.
    pub address: Signal<Out, Bits<14>>,
    /// Data to write.
    pub data: Signal<Out, Bits<32>>,
    /// Bytes to write.
    pub enables: Signal<Out, Bits<4>>,
    /// The access is over.
    pub done: Signal<In, Bit>,
    /// With `done`: a register stands at that address and may be accessed so.
    pub hit: Signal<In, Bit>,
    /// With `done`: what was read.
    pub read_data: Signal<In, Bits<32>>,
}

/// Answering end of the register bus.
#[derive(LogicInterface, Default)]
#[join = "RegisterMaster"]
pub struct RegisterTarget {
    /// Reads; high for one cycle.
    pub read: Signal<In, Bit>,
    /// Writes; high for one cycle.
    pub write: Signal<In, Bit>,
    /// Byte offset in BAR0, multiple of 4.
    pub address: Signal<In, Bits<14>>,
    /// Data to write.
    pub data: Signal<In, Bits<32>>,
    /// Bytes to write.
    pub enables: Signal<In, Bits<4>>,
    /// The access is over.
    pub done: Signal<Out, Bit>,
    /// With `done`: a register stands at that address and may be accessed so.
    pub hit: Signal<Out, Bit>,
    /// With `done`: what was read.
    pub read_data: Signal<Out, Bits<32>>,
}

/// Asking end of a read port of NIU memory: data the cycle after `grant`.
#[derive(LogicInterface, Default)]
#[join = "MemoryReadTarget"]
pub struct MemoryReadMaster {
    /// A read is wanted.
    pub request: Signal<Out, Bit>,
    /// Beat (16 bytes) to read.
    pub address: Signal<Out, Bits<21>>,
    /// The read happens in this cycle.
    pub grant: Signal<In, Bit>,
    /// The cycle after `grant`: what was read.
    pub data: Signal<In, Bits<128>>,
}

/// Answering end of a read port of NIU memory.
#[derive(LogicInterface, Default)]
#[join = "MemoryReadMaster"]
pub struct MemoryReadTarget {
    /// A read is wanted.
    pub request: Signal<In, Bit>,
    /// Beat (16 bytes) to read.
    pub address: Signal<In, Bits<21>>,
    /// The read happens in this cycle.
    pub grant: Signal<Out, Bit>,
    /// The cycle after `grant`: what was read.
    pub data: Signal<Out, Bits<128>>,
}

/// An event for the firmware (`abi::event::event`, without its `valid` bit).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Event {
    /// `abi::event::kind`.
    pub kind: Bits<8>,
    /// Queue or endpoint.
    pub index: Bits<12>,
    /// Error code.
    pub code: Bits<8>,
    /// Depends on the kind.
    pub data: Bits<32>,
}

/// A receiver's verdict on messages of one transmit queue (`abi::link::answer`), as it leaves the
/// receiver and as it reaches the sender.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Answer {
    /// The other node: of the receiver at the sender, of the sender at the receiver.
    pub node: Bits<10>,
    /// Resident transmit queue that sent the messages.
    pub slot: Bits<8>,
    /// Generation of that queue in the messages' frames.
    pub generation: Bits<8>,
    /// Index of the message that bit 0 of the bitmap speaks of, modulo 128.
    pub base: Bits<7>,
    /// Bit k: the verdict holds for the message with index `base` + k.
    pub bitmap: Bits<12>,
    /// Below 8: low three bits of the answer's `abi::link::kind`; the receiver's verdict of 7 (`BULK_ANSWER`) leaves
    /// with `abi::link::bulk_status` as bitmap. From 11 on, at the sender only: a `BULK_ANSWER` with this
    /// `abi::message::error`.
    pub verdict: Bits<4>,
}

/// One message's verdict (`Answer` with one bit of its bitmap set).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Verdict {
    /// Node that sent the message.
    pub node: Bits<10>,
    /// Its resident transmit queue.
    pub slot: Bits<8>,
    /// Generation of that queue.
    pub generation: Bits<8>,
    /// The message's index, modulo 128.
    pub index: Bits<7>,
    /// As in `Answer`.
    pub verdict: Bits<4>,
}

/// What became of a frame of remote memory, to be answered.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct BulkVerdict {
    /// Node that sent the frame.
    pub node: Bits<10>,
    /// `slot` of the frame.
    pub slot: Bits<8>,
    /// `generation` of the frame.
    pub generation: Bits<8>,
    /// `index` of the frame.
    pub index: Bits<7>,
    /// The frame's answers are counted.
    pub counted: Bit,
    /// `abi::link::bulk_status::status`.
    pub status: Bits<4>,
}

/// A segment is looked up, if the table grants it in this cycle; the entry is there in the next one.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct SegmentQuery {
    /// The segment counts in this cycle.
    pub valid: Bit,
    /// Segment, the hardware's among them.
    pub segment: Bits<9>,
}

/// A segment: `abi::queue_state::segment_place` in the lower half, `segment_extent` in the upper one.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct SegmentEntry {
    /// Both words.
    pub words: Bits<128>,
}

/// A peer reads a segment of this node.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ReadJob {
    /// Node that asks.
    pub node: Bits<10>,
    /// Row of its transfer.
    pub row: Bits<8>,
    /// Generation of that row.
    pub generation: Bits<8>,
    /// Segment that is read.
    pub segment: Bits<9>,
    /// Its generation in the frame.
    pub segment_generation: Bits<8>,
    /// Virtual channel of the frame.
    pub channel: Bit,
    /// First byte of the segment.
    pub offset: Bits<32>,
    /// Bytes, 1 to `abi::message::READ_PIECE_BYTES`.
    pub bytes: Bits<15>,
    /// Segment of the asking node that takes the data.
    pub reply_segment: Bits<12>,
    /// Offset there.
    pub reply_offset: Bits<12>,
}

/// A read of host memory into a chunk buffer.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ChunkRead {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Host address, a multiple of 4.
    pub address: Bits<64>,
    /// Double words, 1 to 66.
    pub words: Bits<7>,
    /// Chunk buffer.
    pub buffer: Bits<4>,
    /// Double word of the buffer that takes the first one.
    pub position: Bits<2>,
}

/// A transfer ended, or goes on.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct TransferDone {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Node that the transfer goes to.
    pub node: Bits<10>,
    /// Transmit queue of its message.
    pub queue: Bits<8>,
    /// Generation of the queue then.
    pub generation: Bits<8>,
    /// Index of the message, modulo 128.
    pub index: Bits<7>,
    /// 0 accepted, 5 waiting, 11 to 15 `abi::message::error`.
    pub code: Bits<4>,
}

/// A transmit queue that waits for its transfer may go on.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Unpark {
    /// The queue counts in this cycle.
    pub valid: Bit,
    /// Transmit queue.
    pub queue: Bits<8>,
}

/// A transfer is committed: the transmit engine sends its descriptor on `transfer` as soon as what it sent before is
/// taken.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct TransferCommit {
    /// The queue counts in this cycle.
    pub valid: Bit,
    /// Transmit queue, which is parked from now on.
    pub queue: Bits<8>,
}

/// What all frames of a row of `TransferEngine` have in common. `ChunkSend` keeps it until the row is written again.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ChunkHeader {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Row: 0 to 7 transfers of this node, 8 to 15 replies to READ.
    pub row: Bits<4>,
    /// The other node.
    pub node: Bits<10>,
    /// Virtual channel.
    pub channel: Bit,
    /// `slot` of the frames: the row, or with a reply the asking node's.
    pub slot: Bits<8>,
    /// `generation` of the frames: that of the row, or with a reply the asking node's.
    pub generation: Bits<8>,
    /// The frames' answers are counted: not with a reply.
    pub counted: Bit,
    /// `source_endpoint` of the frames.
    pub endpoint: Bits<12>,
    /// `receive_queue_id` of the frames: the segment of the other node.
    pub segment: Bits<12>,
    /// `tag` of the frames: its generation.
    pub segment_generation: Bits<8>,
}

/// A frame of a row of `TransferEngine`: data from a chunk buffer (operation WRITE), or a question (READ).
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ChunkJob {
    /// Whose row of the engine it is.
    pub row: Bits<4>,
    /// Operation READ: no chunk buffer is read.
    pub asks: Bit,
    /// The last frame of the transfer; `ChunkLeft` repeats it.
    pub last: Bit,
    /// Offset in the other node's segment: `abi::message::remote`.
    pub offset: Bits<32>,
    /// Bytes of data, 1 to 256; with `asks` the bytes that are asked for.
    pub bytes: Bits<15>,
    /// Byte 8 + i of the payload is byte 8 + i + `delta` of the chunk buffer.
    pub delta: Bits<2>,
    /// With `asks`: `abi::message::remote_read::reply_offset`. `reply_segment` is 256 + `row`.
    pub reply_offset: Bits<12>,
}

/// A job is no longer in `ChunkSend`.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ChunkLeft {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Row of the engine that the job is of.
    pub row: Bits<4>,
    /// As in the job.
    pub last: Bit,
    /// No frame was sent, because the host's memory could not be read.
    pub broken: Bit,
}

/// Data of a reply to READ are on their way to this node's host.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Arrived {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Row of the transfer.
    pub row: Bits<4>,
    /// Its generation in the frame.
    pub generation: Bits<8>,
    /// Bytes, 1 to 256.
    pub bytes: Bits<9>,
}

/// `TransferEngine` writes one of the hardware's segments.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct OwnSegment {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Segment less 256.
    pub row: Bits<4>,
    /// Both words.
    pub entry: SegmentEntry,
}

/// Write packets, a stream: a descriptor beat (host address in bits 63:0), then the data, dense.
pub mod write_packet {
    /// Descriptor: length in bytes, 16 bits, a multiple of 4 from 4 to 4096.
    pub const LENGTH_SHIFT: usize = 64;
    /// Descriptor: the first request of the packet is a stage of a marked message
    /// (`abi::control::stage::PACKET_OUT`). Its tag says so on its way to the host; a posted request's tag means
    /// nothing there (PCI Express 2.2.6.2).
    pub const MARKED_BIT: usize = 80;

    /// Descriptor: four bits, one a byte of the first double word: set, this byte is not written. With more than one
    /// double word the first and the last bytes of a packet may be left out, so the others are contiguous (PCI Express
    /// 2.2.5).
    pub const SKIP_FIRST_SHIFT: usize = 81;
    /// Descriptor: the same of the last double word. Zero if it is the first one.
    pub const SKIP_LAST_SHIFT: usize = 85;

    /// All of them, for the kernels' names.
    pub const NUMBERS: [(&str, usize); 4] = [
        ("LENGTH_SHIFT", LENGTH_SHIFT),
        ("MARKED_BIT", MARKED_BIT),
        ("SKIP_FIRST_SHIFT", SKIP_FIRST_SHIFT),
        ("SKIP_LAST_SHIFT", SKIP_LAST_SHIFT),
    ];
}

/// A transmit slot: the header of `abi::message::transmit_header`, then 8 bytes of payload.
pub mod slot {
    /// Lowest of the twelve bits of the endpoint that composed the message, in the header: the page decoder writes
    /// them.
    pub const OWNER_SHIFT: usize = 48;

    /// For the kernels' names.
    pub const NUMBERS: [(&str, usize); 1] = [("OWNER_SHIFT", OWNER_SHIFT)];
}

/// Header of a message as it stands in the channel buffers and on the loopback stream: that of `abi::link::header`,
/// but with the result of the look-up of its RQID in the place of `sequence`.
pub mod stored_header {
    /// Lowest of the eight bits of the resident receive queue.
    pub const RECEIVE_QUEUE_SHIFT: usize = 31;
    /// The receive queue is resident.
    pub const RESIDENT_BIT: usize = 39;
    /// Lowest bit of the epoch in which the frame came (`link::gap_epoch`).
    pub const GAP_EPOCH_SHIFT: usize = 40;
    /// Width of the number that goes on when a frame is dropped.
    pub const GAP_EPOCH_BITS: usize = 14;
    /// Uppermost bit of an epoch.
    pub const GAP_EPOCH_HALF_BIT: usize = GAP_EPOCH_BITS - 1;

    /// All of them, for the kernels' names.
    pub const NUMBERS: [(&str, usize); 5] = [
        ("RECEIVE_QUEUE_SHIFT", RECEIVE_QUEUE_SHIFT),
        ("GAP_EPOCH_SHIFT", GAP_EPOCH_SHIFT),
        ("GAP_EPOCH_BITS", GAP_EPOCH_BITS),
        ("GAP_EPOCH_HALF_BIT", GAP_EPOCH_HALF_BIT),
        ("RESIDENT_BIT", RESIDENT_BIT),
    ];
}
