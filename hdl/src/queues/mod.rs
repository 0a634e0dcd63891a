//! Virtual queues: endpoint pages, slot memory, transmit queues and their engine, shadow lines, receive queues and theirs
//! (V1, V3, V13 to V15, V18 to V21).

pub mod answer_watch;
pub mod destination_window;
pub mod endpoint_page;
pub mod entry_payload;
pub mod frame_payload;
pub mod frame_select;
pub mod queue_select;
pub mod receive_engine;
pub mod receive_flows;
pub mod receive_inbox;
pub mod receive_queue;
pub mod receive_queues;
pub mod receive_unit;
pub mod shadow_writer;
pub mod slot_memory;
#[cfg(test)]
pub(crate) mod test_support;
pub mod translation;
pub mod transmit_engine;
pub mod transmit_queue;
pub mod transmit_queues;
pub mod transmit_signals;
pub mod transmit_turn;
pub mod transmit_unit;
