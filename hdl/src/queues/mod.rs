//! Virtual queues: the page decoder above both sides, the transmit side and the receive side (V1,
//! V3, V13 to V15, V18 to V21).

pub mod capture_buffer;
pub mod kept_consumers;
pub mod page_decoder;
pub mod page_progress;
pub mod queue_select;
pub mod receive;
#[cfg(test)]
pub(crate) mod test_support;
pub mod transmit;
