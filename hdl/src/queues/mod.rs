//! Virtual queues: the page decoder above both sides, the transmit side and the receive side (V1,
//! V3, V13 to V15, V18 to V21).

pub mod page_decoder;
pub mod queue_select;
pub mod receive;
#[cfg(test)]
pub(crate) mod test_support;
pub mod transmit;
