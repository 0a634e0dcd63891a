//! Bad input, driven over PCIe into simulated NIUs while another endpoint pair exchanges traffic that must arrive whole.

#[path = "../support/mod.rs"]
mod support;

mod bystander;
mod scene;
mod stores;
