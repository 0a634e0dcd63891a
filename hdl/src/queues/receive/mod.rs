//! The receive side: from frames to entries of receive rings.

pub mod entry_payload;
pub mod flows;
pub mod frame_select;
pub mod inbox;
pub mod receive_unit;
