//! Everything that goes to the host, up to one stream of packets.

use super::{
    packet_transmit::PacketTransmit, write_order::WriteOrder, write_requester::WriteRequester,
};
use crate::library::{
    packet_arbiter::PacketArbiter,
    stream::{StreamSink, StreamSource},
    stream_register::StreamRegister,
};
use rust_hdl::prelude::*;

/// Merges the three kinds of write packets, cuts them into requests, and sends these, reads and
/// completions to the host in an order that the host may rely on: what is read from the NIU shows
/// no write whose packet passed the arbiter before as undone.
///
/// Shadow lines and firmware's writes have their place in the order from the cycle after their last beat was taken. A
/// message whose last beat was taken may still wait in its register, and a shadow line may go before it; firmware's
/// writes and interrupts do not. So when firmware tells the host that a queue is no more, nothing of the queue comes
/// behind that, and an interrupt that is offered behind the last beat of an entry reaches the host behind it.
///
/// While the NIU may not write and read (Bus Master Enable is off, or `stopped`), writes and reads
/// are dropped and counted, so that they do not hold up the completions behind them.
/// `discarded_read` and `discarded_tag` report each read that was dropped.
///
/// Latency: descriptor of a write in cycle t; header of its first request at `source` in t + 4.
/// Reads and completions: one cycle.
#[derive(LogicBlock, Default)]
pub struct HostTransmit {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Write packets: messages received.
    pub message_writes: StreamSink,
    /// Write packets: shadow lines.
    pub shadow_writes: StreamSink,
    /// Write packets: firmware's.
    pub processor_writes: StreamSink,
    /// Write packets: interrupts.
    pub interrupt_writes: StreamSink,
    /// Memory read requests.
    pub reads: StreamSink,
    /// Answers to the host's reads.
    pub completions: StreamSink,
    /// Bus, device and function.
    pub requester_id: Signal<In, Bits<16>>,
    /// As in Device Control.
    pub maximum_payload: Signal<In, Bits<3>>,
    /// Bus Master Enable.
    pub master_enable: Signal<In, Bit>,
    /// The host has stopped the NIU's requests (`quiesce`).
    pub stopped: Signal<In, Bit>,
    /// The link has credits for a longest posted request.
    pub posted_allowed: Signal<In, Bit>,
    /// The link has credits for a longest non-posted request.
    pub nonposted_allowed: Signal<In, Bit>,
    /// The link has credits for a longest completion.
    pub completion_allowed: Signal<In, Bit>,
    /// Packets to the host.
    pub source: StreamSource,
    /// Pulse: a message's write packet has passed the arbiter. It comes after the cycle in which the packet's last beat
    /// was taken from `message_writes`, and before the next packet's last beat is taken there.
    pub message_written: Signal<Out, Bit>,
    /// Stage: the header of a marked write leaves.
    pub marked_out: Signal<Out, Bit>,
    /// Pulse: a request was dropped.
    pub discarded: Signal<Out, Bit>,
    /// Pulse, with `discarded`: it was a read.
    pub discarded_read: Signal<Out, Bit>,
    /// With `discarded_read`: its tag.
    pub discarded_tag: Signal<Out, Bits<4>>,
    /// Requests that start are dropped, and none that started before is under way.
    pub silent: Signal<Out, Bit>,
    /// In the cycle before, a write or read, or a part of one, was in here or offered.
    pub holds_request: Signal<Out, Bit>,

    message_register: StreamRegister,
    arbiter: PacketArbiter<3>,
    /// Interrupts, which shall not wait, and firmware's.
    late: PacketArbiter<2>,
    requester: WriteRequester,
    message_order: WriteOrder,
    read_order: WriteOrder,
    completion_order: WriteOrder,
    transmit: PacketTransmit,
    /// `entered` and `finished` of the two orders behind the arbiter, a cycle late: nobody waits
    /// for them on a message's way.
    entered: DFF<Bit>,
    finished: DFF<Bit>,
    holds: DFF<Bit>,
}

impl Logic for HostTransmit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, entered, finished, holds);
        clock!(
            self,
            clock,
            message_register,
            arbiter,
            late,
            requester,
            message_order,
            read_order,
            completion_order,
            transmit
        );
        self.message_register.reset.next = self.reset.val();
        self.arbiter.reset.next = self.reset.val();
        self.late.reset.next = self.reset.val();
        self.requester.reset.next = self.reset.val();
        self.message_order.reset.next = self.reset.val();
        self.read_order.reset.next = self.reset.val();
        self.completion_order.reset.next = self.reset.val();
        self.transmit.reset.next = self.reset.val();

        // Writes.
        self.message_register.sink.valid.next = self.message_writes.valid.val();
        self.message_register.sink.beat.next = self.message_writes.beat.val();
        self.message_writes.ready.next = self.message_register.sink.ready.val();
        self.arbiter.sinks[0].valid.next = self.message_register.source.valid.val();
        self.arbiter.sinks[0].beat.next = self.message_register.source.beat.val();
        self.message_register.source.ready.next = self.arbiter.sinks[0].ready.val();
        self.arbiter.sinks[1].valid.next = self.shadow_writes.valid.val();
        self.arbiter.sinks[1].beat.next = self.shadow_writes.beat.val();
        self.shadow_writes.ready.next = self.arbiter.sinks[1].ready.val();
        self.late.sinks[0].valid.next = self.interrupt_writes.valid.val();
        self.late.sinks[0].beat.next = self.interrupt_writes.beat.val();
        self.interrupt_writes.ready.next = self.late.sinks[0].ready.val();
        self.late.sinks[1].valid.next = self.processor_writes.valid.val();
        self.late.sinks[1].beat.next = self.processor_writes.beat.val();
        self.processor_writes.ready.next = self.late.sinks[1].ready.val();
        StreamSource::join(&mut self.late.source, &mut self.message_order.sink);
        self.message_order.entered.next = self.message_writes.valid.val()
            & self.message_writes.beat.val().last
            & self.message_register.sink.ready.val();
        self.message_order.finished.next = self.message_register.source.valid.val()
            & self.message_register.source.beat.val().last
            & self.arbiter.sinks[0].ready.val();
        self.message_written.next = self.message_register.source.valid.val()
            & self.message_register.source.beat.val().last
            & self.arbiter.sinks[0].ready.val();
        self.arbiter.sinks[2].valid.next = self.message_order.source.valid.val();
        self.arbiter.sinks[2].beat.next = self.message_order.source.beat.val();
        self.message_order.source.ready.next = self.arbiter.sinks[2].ready.val();
        self.requester.sink.valid.next = self.arbiter.source.valid.val();
        self.requester.sink.beat.next = self.arbiter.source.beat.val();
        self.arbiter.source.ready.next = self.requester.sink.ready.val();
        self.requester.requester_id.next = self.requester_id.val();
        self.requester.maximum_payload.next = self.maximum_payload.val();
        StreamSource::join(&mut self.requester.source, &mut self.transmit.posted);

        // What must not pass them.
        self.entered.d.next = self.arbiter.source.valid.val()
            & self.arbiter.source.beat.val().last
            & self.requester.sink.ready.val();
        self.finished.d.next = self.requester.finished.val();
        self.read_order.entered.next = self.entered.q.val();
        self.read_order.finished.next = self.finished.q.val();
        self.completion_order.entered.next = self.entered.q.val();
        self.completion_order.finished.next = self.finished.q.val();
        StreamSink::link(&mut self.reads, &mut self.read_order.sink);
        StreamSink::link(&mut self.completions, &mut self.completion_order.sink);
        StreamSource::join(&mut self.read_order.source, &mut self.transmit.nonposted);
        StreamSource::join(
            &mut self.completion_order.source,
            &mut self.transmit.completion,
        );

        self.transmit.master_enable.next = self.master_enable.val() & !self.stopped.val();
        self.transmit.posted_allowed.next = self.posted_allowed.val();
        self.transmit.nonposted_allowed.next = self.nonposted_allowed.val();
        self.transmit.completion_allowed.next = self.completion_allowed.val();
        StreamSource::link(&mut self.source, &mut self.transmit.source);
        self.marked_out.next = self.transmit.marked_out.val();
        self.discarded.next = self.transmit.discarded.val();
        self.discarded_read.next = self.transmit.discarded_read.val();
        self.discarded_tag.next = self.transmit.discarded_tag.val();
        self.silent.next = self.transmit.silent.val();
        // From one of these places to the next a beat moves within a cycle: it is always in one of them.
        self.holds.d.next = self.message_writes.valid.val()
            | self.message_register.source.valid.val()
            | self.shadow_writes.valid.val()
            | self.processor_writes.valid.val()
            | self.interrupt_writes.valid.val()
            | self.reads.valid.val()
            | self.requester.busy.val()
            | self.transmit.holds_request.val();
        self.holds_request.next = self.holds.q.val();
        if self.reset.val() {
            self.entered.d.next = false;
            self.finished.d.next = false;
            self.holds.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
