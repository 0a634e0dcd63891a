//! What is done to a queue's record in one pass of the pipeline.

use rust_hdl::prelude::*;

/// One pass of the pipeline for one queue. It sees the record and one row of eight messages. Exactly one of the kinds
/// is set; without any, the operation only advances the consumer index.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Operation {
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// Bits 6:3 of the index of the row's messages.
    pub row: Bits<4>,
    /// `verdict`: the messages of the row that it concerns. `resets`: `done` of the row.
    pub messages: Bits<8>,
    /// `verdict`: generation of the messages. `resets`: the queue's generation.
    pub generation: Bits<8>,
    /// `verdict` of a receiver: low three bits of the answer's kind, or a code of `abi::message::error` from 8 on. Of
    /// the own engine: `abi::message::error`. `resets`: `give_up`.
    pub code: Bits<4>,
    /// The own engine says so; it knows the generation.
    pub own: Bit,
    /// One of `messages` bears the mark for time stamps.
    pub marked: Bit,
    /// Kind: a verdict on messages.
    pub verdict: Bit,
    /// Kind: the sweep visits the queue.
    pub ticks: Bit,
    /// Kind: sends the next refused message of the row again.
    pub sends: Bit,
    /// With `sends`: all messages that were sent again before have left the engine, so that the queue may open.
    pub opens: Bit,
    /// Kind: sends a ping for the first unanswered message of the row.
    pub pings: Bit,
    /// Kind: clears the record and the row.
    pub resets: Bit,
    /// With `resets`: the queue is enabled.
    pub enables: Bit,
    /// Kind: the queue is disabled; all else stays.
    pub disables: Bit,
}

/// Something more to do for a queue, found by an operation; lost if there is no room for it.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct FollowUp {
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// The row to look at.
    pub row: Bits<4>,
    /// A ping is to be sent, not a message.
    pub ping: Bit,
    /// The burst has come to its end: waits until the messages have left the engine.
    pub opens: Bit,
}
