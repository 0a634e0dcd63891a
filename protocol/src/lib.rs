//! Wayfarer's protocol as pure step functions.
//!
//! Each type is the state of one party; each method takes one event and returns what the party does. There is no clock, no
//! memory of another party and no heap. `docs/protocol.md` states the rules in words, by number.
//!
//! Three users share this code: the model checker (`protocol/model`) with tiny bounds, the hardware's tests as their reference,
//! and the firmware.
//!
//! | module | party | rules |
//! |---|---|---|
//! | [`sender`] | a resident transmit queue | 1 to 8 |
//! | [`receiver`] | the receiving side of a node | 9 to 12 |
#![no_std]
#![forbid(unsafe_code)]

pub mod answer;
pub mod index;
pub mod receiver;
pub mod ring;
pub mod rules;
pub mod sender;

pub use answer::{Answer, Verdict};
pub use index::Index;
pub use receiver::{Origin, Placement, Receiver, WaitingSender};
pub use ring::Ring;
pub use rules::{AllRules, Rule, Rules};
pub use sender::{Launch, Limits, Outcome, SavedSender, Sender};
