//! What lies between the NIUs: wires, and for more than two nodes a switch.

mod frame;
mod switch_model;
mod wire;

pub use frame::{Frame, FrameAssembler};
pub use switch_model::SwitchModel;
pub use wire::{Beats, Fault, Flit, Frames, Tamper, Tampering, Wire};
