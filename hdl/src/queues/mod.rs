//! Virtual queues: endpoint pages, slot memory, transmit queues and their engine, shadow lines, receive queues and theirs
//! (V1, V3, V13 to V15, V18 to V21).

pub mod endpoint_page;
#[cfg(test)]
pub(crate) mod test_support;
pub mod transmit_queue;
pub mod transmit_signals;
