//! Interrupts of the receive queues through MSI-X (V29).
//!
//! `InterruptQueues` knows which queue is armed and which vector it raises; `InterruptVectors` has the table, the
//! pending bits and moderation, and sends the messages. `docs/protocol.md` has the rules by number.

pub mod queues;
pub mod unit;
pub mod vectors;
