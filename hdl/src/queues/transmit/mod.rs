//! The transmit side: from stores to frames, and back from answers to shadow lines.

pub mod answers;
pub mod engine;
pub mod frame_payload;
pub mod inline_pool;
pub mod parked_queues;
pub mod ready_queues;
pub mod shadow_writer;
pub mod signals;
pub mod translation;
pub mod unit;
