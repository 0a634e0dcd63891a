//! Parts that know nothing of messages: streams, memories, FIFOs, arbiters, checksums.

pub mod stream;
