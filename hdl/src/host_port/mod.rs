//! The PCI Express side: transaction-layer packets in and out.

pub mod bar_decoder;
pub mod chunk_reads;
pub mod completer;
pub mod completion_data;
pub mod completion_header;
pub mod completion_receive;
pub mod header;
pub mod host_transmit;
pub mod inbox_writer;
pub mod lane_plan;
#[cfg(test)]
mod packet_encoder;
pub mod packet_receive;
pub mod packet_transmit;
pub mod quiesce;
pub mod read_requester;
pub mod read_slot;
pub mod read_tags;
#[cfg(test)]
mod receive_path_tests;
pub mod register_writes;
pub mod request_cutter;
pub mod request_header;
#[cfg(test)]
mod test_support;
pub mod write_order;
pub mod write_requester;
