//! The link: frames out to the peer and in from it, with a CRC, two virtual channels and cumulative credits (V20, V28).

pub mod channel_buffer;
pub mod credit_account;
pub mod credit_gate;
#[cfg(test)]
pub(crate) mod frame;
pub mod frame_check;
pub mod gap_epoch;
pub mod link_receive;
pub mod link_transmit;
pub mod link_unit;
pub mod lookup_result;
pub mod loopback_path;
#[cfg(test)]
mod tests;
