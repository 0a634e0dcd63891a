//! The PCI Express side: transaction-layer packets in and out.

pub mod packet_transmit;
pub mod request_cutter;
pub mod request_header;
#[cfg(test)]
mod test_support;
pub mod write_requester;
