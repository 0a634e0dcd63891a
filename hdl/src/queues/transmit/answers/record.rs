//! The answer part of a queue's record, as it stands in block RAM.
//!
//! One word a queue, and eight rows of eight messages. A message has the position `index mod 64`; the row is bits 5:3
//! of the index, and bit 6 is its *lap*. A message is *done* when its bit in the row equals the complement of its lap.
//! So the bits of one lap need no clearing for the next: a message that was not sent yet has the bit of the message 64
//! before it, which is done and belongs to the other lap.

use rust_hdl::prelude::*;

/// Operations that settle messages in a row, without a refusal, by which a queue becomes wide again (rule 4).
pub const PATIENCE: u64 = 15;

/// What a queue may send.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum Mode {
    /// New messages.
    Open,
    /// Nothing: a message was refused; every unanswered message must be answered first, and the pause be over (rule 3).
    Drain,
    /// The first refused message alone (rule 4).
    Probe,
    /// The other refused messages (rule 4).
    Burst,
}

/// One word a queue.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct AnswerRecord {
    /// First message that is not done.
    pub consumer: Bits<16>,
    /// Messages answered less messages sent again.
    pub balance: Bits<8>,
    /// What may be sent.
    pub mode: Mode,
    /// `Burst`: the row whose refused messages are sent now. Else: FULL answers to the probe in a row; saturates.
    pub step: Bits<4>,
    /// Rounds of the sweep since the last answer.
    pub timer: Bits<11>,
    /// Messages rejected, and the failure of the queue; saturates.
    pub errors: Bits<12>,
    /// `abi::message::error` of the last of them.
    pub error: Bits<4>,
    /// The queue has failed.
    pub failed: Bit,
    /// The queue is enabled.
    pub enabled: Bit,
    /// From the control word.
    pub generation: Bits<8>,
    /// From the control word: FULL answers to a probe after which the message is given up; 0: never.
    pub give_up: Bits<4>,
    /// One message is sent at a time: an accepted probe releases the next refused or new one alone (rule 4).
    pub narrow: Bit,
    /// After an accepted probe, and while `narrow`: operations that must settle messages before a refusal is an
    /// ordinary one, or the queue wide again.
    pub patience: Bits<4>,
}

/// Eight messages of a queue.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct MessageRow {
    /// Done, or still of the lap before: see the module.
    pub done: Bits<8>,
    /// Refused, and not sent again since.
    pub refused: Bits<8>,
}
