//! Where things stand in the inbox and the outbox, and in an endpoint's entry of the host's table.

use abi::command::EntryPlace;

/// Where a submission is read to.
pub const SUBMISSION_INBOX: usize = 0;
/// Inbox: probes of host memory; nobody reads them.
pub const PROBE_INBOX: usize = 64;
/// Inbox: an entry of the table, from which a transmit queue's record is loaded, and messages are delivered.
pub const ENTRY_INBOX: usize = 80;
/// Inbox: a record that was saved.
pub const RECORD_INBOX: usize = 192;
/// Inbox: the record of the queue that takes misses.
pub const MISS_RECORD_INBOX: usize = 224;
/// Inbox: entries of the miss ring.
pub const MISSES_INBOX: usize = 256;

/// Outbox: completions, sixteen in turn.
pub const COMPLETION_OUTBOX: usize = 0;
/// Outbox: a receive queue's record.
pub const RECEIVE_OUTBOX: usize = 0x220;
/// Outbox: what a transmit queue's eviction writes to the table.
pub const PROGRESS_OUTBOX: usize = 0x240;
/// Outbox: what a receive queue's eviction writes to the table, words 2 and 3.
pub const INDICES_OUTBOX: usize = 0x250;
/// Outbox: an entry of the table.
pub const ENTRY_OUTBOX: usize = 0x280;
/// Entries on their way at once.
pub const MISSES: usize = 3;
/// Bytes of each.
pub const MISS_BYTES: usize = 1 << abi::message::MAXIMUM_STRIDE_LOG2;

const _: () = assert!(PLACE == INDICES + 8 && INDICES_OUTBOX + 16 <= ENTRY_OUTBOX);
const _: () = assert!(EntryPlace::unpack(ARMED as u64).pack() == 0);
const _: () = assert!(PROBE_INBOX + 4 <= ENTRY_INBOX && ENTRY_INBOX + ENTRY_BYTES <= RECORD_INBOX);
const _: () =
    assert!(RECEIVE_INBOX + abi::command::RECORD_BYTES <= abi::command::RECORD_INBOX_BYTES);
const _: () = assert!(MISSES_INBOX + MISSES * MISS_BYTES <= abi::command::READ_INBOX_BYTES);
const _: () = assert!(ENTRY_OUTBOX + ENTRY_BYTES <= abi::admin::LOG_OFFSET);

/// Entry of the table: `transmit_progress`.
pub const PROGRESS: usize = 8;
/// A record that was saved: `transmit_stores`.
pub const STORES: usize = 16;
/// Entry of the table: `transmit_control`, without a generation.
pub const TRANSMIT_CONTROL: usize = 24;
/// Entry of the table: what is read for a receive queue.
pub const RECEIVE: usize = 64;
/// Bytes of it.
pub const RECEIVE_BYTES: usize = ENTRY_BYTES - RECEIVE;
/// Where it stands in the inbox.
pub const RECEIVE_INBOX: usize = ENTRY_INBOX + RECEIVE;
/// Entry of the table: the ring's address.
pub const RING: usize = RECEIVE;
/// Entry of the table: `receive_indices`; in the upper half, the messages that were delivered since the queue left,
/// and whether it raises interrupts.
pub const INDICES: usize = RECEIVE + 8;
/// Entry of the table: `entry_place` of the next message, and `ARMED`.
pub const PLACE: usize = RECEIVE + 16;
/// With `entry_place`: the queue that is away is armed.
pub const ARMED: u32 = 1 << 1;
/// Entry of the table: `receive_control`; enabled once the queue has an identifier.
pub const RECEIVE_CONTROL: usize = RECEIVE + 24;
/// Entry of the table: `endpoint_interrupt`.
pub const INTERRUPT: usize = RECEIVE + 32;
/// Bytes of an entry that hold something.
pub const ENTRY_BYTES: usize = RECEIVE + 40;
