//! Wayfarer's protocol as pure step functions.
//!
//! Each type is the state of one party; each method takes one event and returns what the party does. There is no clock,
//! no memory of another party and no heap. `docs/protocol.md` states the rules in words, by number.
//!
//! Three users share this code: the model checker (`protocol/model`) with tiny bounds, the hardware's tests as their
//! reference, and the firmware.
//!
//! | module | party | rules |
//! |---|---|---|
//! | [`sender`] | a resident transmit queue | 1 to 8 |
//! | [`receiver`] | the receiving side of a node | 9 to 12 |
//! | [`link_peer`] | one end of the reliable link | 13 to 15, 29 to 35 |
//! | [`capture`] | the page decoder: stores of messages, captured or direct | 16 to 18 |
//! | [`inline_pages`] | the page decoder: bodies in BAR4 | 25 to 28 |
//! | [`miss`] | a receive queue, resident or away | 20 to 23 |
//! | [`interrupt`] | the interrupt of a receive queue, and its vector | 36 to 44 |
//! | [`residency`] | the firmware that installs and evicts | 6, 18 to 20, 22 to 24 |
#![no_std]
#![forbid(unsafe_code)]

pub mod answer;
pub mod capture;
pub mod index;
pub mod inline_pages;
pub mod interrupt;
pub mod link_peer;
pub mod miss;
pub mod receiver;
pub mod residency;
pub mod ring;
pub mod rules;
pub mod sender;

pub use answer::{Answer, Verdict};
pub use capture::{CapturedStore, EndpointPage, LossReport, Replay, StoreKind, Stored};
pub use index::Index;
pub use inline_pages::InlineBodies;
pub use interrupt::{Alarm, Vector};
pub use link_peer::{Buffer, LinkPeer};
pub use miss::{Put, ReceiveQueue, Row};
pub use receiver::{Origin, Placement, Receiver, WaitingSender};
pub use residency::{ReceiveResidency, TransmitResidency};
pub use ring::Ring;
pub use rules::{AllRules, Rule, Rules};
pub use sender::{Launch, Limits, Outcome, Sender};
