//! The receive side: from frames to entries of receive rings, and to answers.

pub mod allowances;
pub mod answer_collector;
pub mod consumer_part;
pub mod control_part;
pub mod entry_payload;
pub mod entry_writer;
pub mod flows;
pub mod frame_select;
pub mod gap_part;
pub mod inbox;
pub mod map;
pub mod miss_reports;
pub mod producer_part;
pub mod receive_engine;
pub mod receive_unit;
pub mod records;
pub mod stall_monitor;
#[cfg(test)]
pub(crate) mod test_frames;
