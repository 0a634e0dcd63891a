//! Two askers, one register bus.

use crate::bundles::{RegisterMaster, RegisterTarget};
use rust_hdl::prelude::*;

/// Where the arbiter stands.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ArbiterState {
    /// Nothing is under way.
    Idle,
    /// The access stands at `merged`; `read` or `write` is high.
    Issue,
    /// Waits for `done`.
    Wait,
}

/// Merges two register buses into one; `first` goes first when both ask.
///
/// Each asker pulses `read` or `write` for one cycle and asks again only after its `done`. At `merged`, `address`,
/// `data`, `enables` and `second_served` stay from the pulse until `done`. Latency: 2 cycles from an asker's pulse to
/// the pulse at `merged`, none from `done` back.
#[derive(LogicBlock, Default)]
pub struct RegisterArbiter {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Goes first (host: register writes).
    pub first: RegisterTarget,
    /// Goes second (host: the completer's reads).
    pub second: RegisterTarget,
    /// The merged bus.
    pub merged: RegisterMaster,
    /// The access at `merged` is one of `second`.
    pub second_served: Signal<Out, Bit>,
    state: DFF<ArbiterState>,
    serving_second: DFF<Bit>,
    write: DFF<Bit>,
    address: DFF<Bits<14>>,
    data: DFF<Bits<32>>,
    enables: DFF<Bits<4>>,
    first_read: DFF<Bit>,
    first_write: DFF<Bit>,
    first_address: DFF<Bits<14>>,
    first_data: DFF<Bits<32>>,
    first_enables: DFF<Bits<4>>,
    second_read: DFF<Bit>,
    second_write: DFF<Bit>,
    second_address: DFF<Bits<14>>,
    second_data: DFF<Bits<32>>,
    second_enables: DFF<Bits<4>>,
}

impl Logic for RegisterArbiter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            serving_second,
            write,
            address,
            data,
            enables
        );
        dff_setup!(
            self,
            clock,
            first_read,
            first_write,
            first_address,
            first_data,
            first_enables
        );
        dff_setup!(
            self,
            clock,
            second_read,
            second_write,
            second_address,
            second_data,
            second_enables
        );

        self.merged.read.next = false;
        self.merged.write.next = false;
        self.merged.address.next = self.address.q.val();
        self.merged.data.next = self.data.q.val();
        self.merged.enables.next = self.enables.q.val();
        self.second_served.next = self.serving_second.q.val();
        self.first.done.next = false;
        self.first.hit.next = self.merged.hit.val();
        self.first.read_data.next = self.merged.read_data.val();
        self.second.done.next = false;
        self.second.hit.next = self.merged.hit.val();
        self.second.read_data.next = self.merged.read_data.val();

        match self.state.q.val() {
            ArbiterState::Idle => {
                if self.first_read.q.val() | self.first_write.q.val() {
                    self.first_read.d.next = false;
                    self.first_write.d.next = false;
                    self.serving_second.d.next = false;
                    self.write.d.next = self.first_write.q.val();
                    self.address.d.next = self.first_address.q.val();
                    self.data.d.next = self.first_data.q.val();
                    self.enables.d.next = self.first_enables.q.val();
                    self.state.d.next = ArbiterState::Issue;
                } else if self.second_read.q.val() | self.second_write.q.val() {
                    self.second_read.d.next = false;
                    self.second_write.d.next = false;
                    self.serving_second.d.next = true;
                    self.write.d.next = self.second_write.q.val();
                    self.address.d.next = self.second_address.q.val();
                    self.data.d.next = self.second_data.q.val();
                    self.enables.d.next = self.second_enables.q.val();
                    self.state.d.next = ArbiterState::Issue;
                }
            }
            ArbiterState::Issue => {
                self.merged.read.next = !self.write.q.val();
                self.merged.write.next = self.write.q.val();
                self.state.d.next = ArbiterState::Wait;
            }
            ArbiterState::Wait => {
                if self.merged.done.val() {
                    self.first.done.next = !self.serving_second.q.val();
                    self.second.done.next = self.serving_second.q.val();
                    self.state.d.next = ArbiterState::Idle;
                }
            }
            _ => {
                self.state.d.next = ArbiterState::Idle;
            }
        }

        if self.first.read.val() | self.first.write.val() {
            self.first_read.d.next = self.first.read.val();
            self.first_write.d.next = self.first.write.val();
            self.first_address.d.next = self.first.address.val();
            self.first_data.d.next = self.first.data.val();
            self.first_enables.d.next = self.first.enables.val();
        }
        if self.second.read.val() | self.second.write.val() {
            self.second_read.d.next = self.second.read.val();
            self.second_write.d.next = self.second.write.val();
            self.second_address.d.next = self.second.address.val();
            self.second_data.d.next = self.second.data.val();
            self.second_enables.d.next = self.second.enables.val();
        }

        if self.reset.val() {
            self.state.d.next = ArbiterState::Idle;
            self.first_read.d.next = false;
            self.first_write.d.next = false;
            self.second_read.d.next = false;
            self.second_write.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    #[test]
    fn gate() {
        Gate::new("register_arbiter", RegisterArbiter::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                for bus in [&mut unit.first, &mut unit.second] {
                    bus.read.next = random.chance(10);
                    bus.write.next = random.chance(10);
                    bus.address.next = random.bits();
                    bus.data.next = random.bits();
                    bus.enables.next = random.bits();
                }
                unit.merged.done.next = random.chance(30);
                unit.merged.hit.next = random.chance(50);
                unit.merged.read_data.next = random.bits();
            });
    }
}
