//! The time stamp of a marked message's answer.

use crate::bundles::Acknowledgement;
use rust_hdl::prelude::*;

/// Remembers the last marked message that was sent, and says when its answer came (`abi::control::stage::ACKNOWLEDGED`).
/// The pulse comes in the cycle of the acknowledgement.
#[derive(LogicBlock, Default)]
pub struct AnswerWatch {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: a marked message is sent.
    pub launched: Signal<In, Bit>,
    /// Its queue.
    pub queue: Signal<In, Bits<4>>,
    /// Its slot.
    pub slot: Signal<In, Bits<4>>,
    /// The node that it goes to.
    pub node: Signal<In, Bits<16>>,
    /// `acknowledgement` counts in this cycle.
    pub acknowledge_valid: Signal<In, Bit>,
    /// A receiver's answer.
    pub acknowledgement: Signal<In, Acknowledgement>,
    /// Pulse: the marked message was answered.
    pub acknowledged: Signal<Out, Bit>,
    awaited: DFF<Bit>,
    awaited_queue: DFF<Bits<4>>,
    awaited_slot: DFF<Bits<4>>,
    awaited_node: DFF<Bits<16>>,
    answered: Signal<Local, Bit>,
}

impl Logic for AnswerWatch {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            awaited,
            awaited_queue,
            awaited_slot,
            awaited_node
        );
        self.answered.next = self.awaited.q.val()
            & self.acknowledge_valid.val()
            & (self.acknowledgement.val().queue == bit_cast::<8, 4>(self.awaited_queue.q.val()))
            & (self.acknowledgement.val().slot == self.awaited_slot.q.val())
            & (self.acknowledgement.val().node == self.awaited_node.q.val());
        self.acknowledged.next = self.answered.val();
        if self.answered.val() {
            self.awaited.d.next = false;
        }
        if self.launched.val() {
            self.awaited.d.next = true;
            self.awaited_queue.d.next = self.queue.val();
            self.awaited_slot.d.next = self.slot.val();
            self.awaited_node.d.next = self.node.val();
        }
        if self.reset.val() {
            self.awaited.d.next = false;
        }
    }
}
