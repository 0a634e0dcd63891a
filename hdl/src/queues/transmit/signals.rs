//! What the blocks of the transmit side tell each other. Each part of a queue's record has one writer; what another
//! must know of it is told by one of these, and kept by the listener in a RAM of its own.

use rust_hdl::prelude::*;

/// Written by the transmit engine with each new message that it sends: the launch part of a record,
/// and the way of the message.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Launch {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// Index of the message. The queue's launched index is one more, unless the message is sent again.
    pub index: Bits<16>,
    /// It is sent again; `launched` stays.
    pub again: Bit,
    /// Node that it goes to.
    pub node: Bits<10>,
    /// A mark for time stamps stands in it.
    pub marked: Bit,
}

/// A message that the transmit engine refuses: its index is passed over with an error.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Skip {
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// Index of the message.
    pub index: Bits<16>,
    /// It was to be sent again; `launched` stays.
    pub again: Bit,
    /// `abi::message::error`.
    pub error: Bits<4>,
}

/// The answer path asks the transmit engine to send a message again, or to send a ping for it.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Resend {
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// Index of the message.
    pub index: Bits<16>,
    /// The frame carries `restart`.
    pub restart: Bit,
    /// A ping instead of the message.
    pub ping: Bit,
    /// Generation of the queue when this was asked for. The engine drops what has another one than the queue has now:
    /// it belongs to an earlier owner of the queue.
    pub generation: Bits<8>,
}

/// The answer part of a queue's record, as the other blocks need it; told whenever it changes.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Progress {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// `abi::message::shadow::consumer`.
    pub consumer: Bits<16>,
    /// Messages answered less messages sent again, modulo 2^8: `launched` less this is the number
    /// of unanswered messages.
    pub balance: Bits<8>,
    /// No new message may be sent: the queue waits behind a refusal, or has failed.
    pub closed: Bit,
    /// No new message may be sent while one is unanswered.
    pub narrow: Bit,
    /// `abi::message::shadow::message_errors`.
    pub errors: Bits<12>,
    /// `abi::message::shadow::message_error`.
    pub error: Bits<4>,
    /// `abi::message::shadow::failed`.
    pub failed: Bit,
    /// The shadow line is out of date.
    pub tell: Bit,
    /// With `tell`: an error event is due.
    pub report: Bit,
}

/// An Express or producer store that may become a message at once, in the cycle in which its queue is known. Its
/// `StoreOutcome` follows two cycles later.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct StoreOffer {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// It is an Express store; else a producer store.
    pub express: Bit,
    /// Resident transmit queue.
    pub queue: Bits<8>,
}

/// What became of a store to a transmit queue.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct StoreOutcome {
    /// It was accepted and brings a message. The other fields count in this cycle.
    pub accepted: Bit,
    /// It is an Express store.
    pub express: Bit,
    /// It brings more than one message.
    pub more: Bit,
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// The slot that an Express store composed: header, then 8 bytes of payload.
    pub slot: Bits<128>,
}

/// A transmit queue was enabled: it has nothing to launch.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct QueueStart {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// Its first message.
    pub consumer: Bits<16>,
}

/// The store part of a queue's record: what its endpoint has stored, and it was given to launch; told whenever it
/// changes.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct StorePart {
    /// The other fields count in this cycle.
    pub valid: Bit,
    /// Resident transmit queue.
    pub queue: Bits<8>,
    /// First message that the queue was not given to launch, modulo 2^16.
    pub producer: Bits<16>,
    /// `abi::message::shadow::store_errors`.
    pub errors: Bits<12>,
    /// `abi::message::shadow::store_error`.
    pub error: Bits<4>,
    /// `abi::message::shadow_losses::losses`; `lost_from` is `producer`.
    pub losses: Bits<4>,
    /// The losses count: no store of the endpoint is captured.
    pub has_losses: Bit,
    /// The queue begins: what was told of it before was another endpoint's.
    pub begins: Bit,
    /// The shadow line is out of date.
    pub tell: Bit,
}
