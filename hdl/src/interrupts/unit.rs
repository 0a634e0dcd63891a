//! Interrupts as one block.

use super::queues::{ArmStore, InterruptQueues};
use super::vectors::InterruptVectors;
use crate::bundles::{ConfigurationWrite, RegisterTarget};
use crate::configuration::{
    INTERRUPT_VECTORS, INTERRUPT_VECTORS_LOG2, INTERRUPT_VECTORS_LOG2_P1,
    INTERRUPT_VECTORS_LOG2_P2, RECEIVE_QUEUES_LOG2,
};
use crate::library::stream::StreamSource;
use rust_hdl::prelude::*;

/// Interrupts of the NIU's receive queues: `InterruptQueues` and `InterruptVectors`, whose contracts are this one's.
///
/// Latency: `delivered` in cycle t, descriptor beat of the message in t + 6.
#[derive(LogicBlock, Default)]
pub struct InterruptUnit {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub configuration: Signal<In, ConfigurationWrite>,
    pub settling: Signal<Out, Bit>,
    pub delivered: Signal<In, Bit>,
    pub delivered_queue: Signal<In, Bits<8>>,
    pub arm: Signal<In, ArmStore>,
    pub saved_queue: Signal<In, Bits<8>>,
    pub saved_armed: Signal<Out, Bit>,
    /// As in Message Control.
    pub enable: Signal<In, Bit>,
    pub function_mask: Signal<In, Bit>,
    /// As in the Command register.
    pub master_enable: Signal<In, Bit>,
    pub stops: Signal<In, Bit>,
    pub registers: RegisterTarget,
    pub source: StreamSource,
    pub sent: Signal<Out, Bit>,
    queues: InterruptQueues<RECEIVE_QUEUES_LOG2>,
    vectors: InterruptVectors<
        INTERRUPT_VECTORS_LOG2,
        INTERRUPT_VECTORS_LOG2_P1,
        INTERRUPT_VECTORS_LOG2_P2,
        INTERRUPT_VECTORS,
    >,
}

impl Logic for InterruptUnit {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, queues, vectors);
        self.queues.reset.next = self.reset.val();
        self.vectors.reset.next = self.reset.val();
        self.queues.configuration.next = self.configuration.val();
        self.settling.next = self.queues.settling.val();
        self.queues.delivered.next = self.delivered.val();
        self.queues.delivered_queue.next = self.delivered_queue.val();
        self.queues.arm.next = self.arm.val();
        self.queues.saved_queue.next = self.saved_queue.val();
        self.saved_armed.next = self.queues.saved_armed.val();
        self.vectors.raise.next = self.queues.raise.val();
        self.vectors.raised_vector.next = self.queues.raised_vector.val();
        self.vectors.sets_interval.next = self.queues.sets_interval.val();
        self.vectors.interval_vector.next = self.queues.interval_vector.val();
        self.vectors.interval.next = self.queues.interval.val();
        self.queues.interval_taken.next = self.vectors.interval_taken.val();
        self.vectors.may_send.next =
            self.enable.val() & !self.function_mask.val() & self.master_enable.val();
        self.vectors.stops.next = self.stops.val();
        RegisterTarget::link(&mut self.registers, &mut self.vectors.registers);
        StreamSource::link(&mut self.source, &mut self.vectors.source);
        self.sent.next = self.vectors.sent.val();
    }
}
