//! Parts that know nothing of messages: streams, memories, FIFOs, arbiters, checksums.

pub mod bit_ram;
pub mod bit_table;
pub mod block_fifo;
pub mod block_ram;
pub mod byte_mask;
pub mod byte_ram;
pub mod clock_crossing_fifo;
pub mod commit_fifo;
pub mod count_ones;
pub mod crc32;
pub mod fifo;
pub mod first_one;
pub mod fixed;
pub mod forward_ram;
pub mod gather;
#[cfg(test)]
mod handshake_picture;
pub mod head_fifo;
pub mod late_select;
pub mod lut_ram;
pub mod merge;
pub mod narrow;
pub mod packet_arbiter;
pub mod predecessors;
pub mod pulse_merge;
pub mod reset_sweep;
pub mod round_robin;
pub mod shift_fifo;
pub mod stream;
pub mod stream_register;
pub mod synchronizer;
pub mod widen;
pub mod word_stream;
