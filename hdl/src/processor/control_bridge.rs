//! The firmware's reads of control registers, in the core clock.

use crate::bundles::RegisterMaster;
use rust_hdl::prelude::*;

/// Where a read stands.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum BridgeState {
    /// Waits for a request.
    Idle,
    /// Waits for the register.
    Wait,
}

/// Takes offsets from one crossing, reads the registers, and answers through the other: zero where
/// there is no register.
///
/// One read at a time; the response crossing has room, as only one answer is ever under way.
#[derive(LogicBlock, Default)]
pub struct ControlBridge {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Offset of the register wanted.
    pub request: Signal<In, Bits<12>>,
    /// None is wanted.
    pub request_empty: Signal<In, Bit>,
    /// Takes the request.
    pub request_read: Signal<Out, Bit>,
    /// What was read.
    pub response: Signal<Out, Bits<32>>,
    /// Hands it over.
    pub response_write: Signal<Out, Bit>,
    /// The control registers.
    pub registers: RegisterMaster,
    state: DFF<BridgeState>,
}

impl Logic for ControlBridge {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, state);
        self.registers.read.next = false;
        self.registers.write.next = false;
        self.registers.address.next = bit_cast::<14, 12>(self.request.val());
        self.registers.data.next = 0.into();
        self.registers.enables.next = 0.into();
        self.request_read.next = false;
        self.response_write.next = false;
        self.response.next = 0.into();
        if self.registers.hit.val() {
            self.response.next = self.registers.read_data.val();
        }
        match self.state.q.val() {
            BridgeState::Idle => {
                if !self.request_empty.val() {
                    self.registers.read.next = true;
                    self.request_read.next = true;
                    self.state.d.next = BridgeState::Wait;
                }
            }
            BridgeState::Wait => {
                if self.registers.done.val() {
                    self.response_write.next = true;
                    self.state.d.next = BridgeState::Idle;
                }
            }
            _ => {
                self.state.d.next = BridgeState::Idle;
            }
        }
        if self.reset.val() {
            self.state.d.next = BridgeState::Idle;
        }
    }
}
