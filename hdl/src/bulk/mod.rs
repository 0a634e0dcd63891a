//! Remote memory: frames of kind BULK at their target.

pub mod answers;
pub mod chunk_send;
pub mod receive;
pub mod segments;
pub mod transfers;
pub mod unit;
