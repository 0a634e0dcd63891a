//! Bad input, driven over PCIe into simulated NIUs while another endpoint pair exchanges traffic that must arrive
//! whole.

#[path = "../support/mod.rs"]
mod support;

mod bystander;
mod firmware_stopped;
mod link_frames;
mod messages;
mod packets;
mod receive_rings;
mod remote_frames;
mod scene;
mod spoilt_reads;
mod stores;
