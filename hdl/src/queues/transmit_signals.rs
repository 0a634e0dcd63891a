//! What the blocks of the transmit side tell the transmit queues. Stores and outcomes are broadcast: each queue compares the
//! number. Answers are told to one queue.

use rust_hdl::prelude::*;

/// A store to an endpoint page that concerns a transmit queue; at most one of the first three bits is high.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct TransmitStore {
    /// An Express message wants the next slot.
    pub express: Bit,
    /// A new producer index, in `index`.
    pub producer: Bit,
    /// A store that means nothing (`abi::message::error::TORN_STORE`).
    pub torn: Bit,
    /// The queue.
    pub queue: Bits<4>,
    /// The producer index.
    pub index: Bits<16>,
}

/// What the transmit engine did. A queue that was granted hears exactly one of the four outcomes later.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct LaunchOutcome {
    /// The queue won arbitration; its next message is on its way through the checks.
    pub granted: Bit,
    /// Outcome: the message's frame is on its way.
    pub launched: Bit,
    /// Outcome: the message failed a check and is dropped. Only for a queue with no unanswered message.
    pub skipped: Bit,
    /// Outcome: nothing happened, because the queue's unanswered messages must be answered first.
    pub wait_for_drain: Bit,
    /// Outcome: nothing happened, because `channel` has no credits.
    pub wait_for_channel: Bit,
    /// Virtual channel that has no credits.
    pub channel: Bit,
    /// The queue.
    pub queue: Bits<4>,
    /// With `skipped`: `abi::message::error`.
    pub error: Bits<8>,
}

/// A receiver's answer to a message, decoded (`abi::link::status`); at most one of the bits is high.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Answer {
    /// The message's slot.
    pub slot: Bits<4>,
    /// `ACCEPTED`.
    pub accepted: Bit,
    /// `FULL`.
    pub full: Bit,
    /// `NOT_RESIDENT`.
    pub not_resident: Bit,
    /// `ENTRY_TOO_SMALL`.
    pub too_small: Bit,
}
