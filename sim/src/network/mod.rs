//! What lies between the NIUs: wires, and for more than two nodes a switch.

mod flit;
mod frame;
mod switch_model;
mod wire;

pub use flit::{Beats, Flit};
pub use frame::{Frame, FrameAssembler, is_answer};
pub use switch_model::SwitchModel;
pub use wire::{Fault, Frames, Tamper, Tampering, Wire};
