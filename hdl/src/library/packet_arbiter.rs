//! Several packet streams into one.

use super::{
    gather::Gather,
    round_robin::RoundRobin,
    stream::{Beat, StreamSink, StreamSource},
};
use rust_hdl::prelude::*;

/// Merges `C` streams, packet by packet, round robin; `C` is at most 16.
///
/// Contract: once a packet's first beat is offered at `source`, that packet's beats alone are offered up to and including the
/// one marked `last`. A sink's `ready` is high only while its packet is the one offered. After reset the search begins at sink
/// 0; a sink with a packet waits for at most one packet of each other sink.
///
/// Latency: none; a packet may follow another without a bubble.
#[derive(LogicBlock)]
pub struct PacketArbiter<const C: usize> {
    /// Clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Packets in.
    pub sinks: [StreamSink; C],
    /// Packets out.
    pub source: StreamSource,

    gather: Gather<C>,
    round_robin: RoundRobin<C, 4>,
    /// A packet was offered and has not ended; whose.
    held: DFF<Bit>,
    owner: DFF<Bits<4>>,
    selected: Signal<Local, Bits<4>>,
    valid: Signal<Local, Bit>,
    beat: Signal<Local, Beat>,
    last: Signal<Local, Bit>,
}

impl<const C: usize> Default for PacketArbiter<C> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            sinks: std::array::from_fn(|_| Default::default()),
            source: Default::default(),
            gather: Default::default(),
            round_robin: Default::default(),
            held: Default::default(),
            owner: Default::default(),
            selected: Default::default(),
            valid: Default::default(),
            beat: Default::default(),
            last: Default::default(),
        }
    }
}

impl<const C: usize> Logic for PacketArbiter<C> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, owner);
        clock!(self, clock, round_robin);
        self.round_robin.reset.next = self.reset.val();
        for i in 0..C {
            self.gather.inputs[i].next = self.sinks[i].valid.val();
        }
        self.round_robin.requests.next = self.gather.bits.val();
        self.selected.next = self.round_robin.index.val();
        if self.held.q.val() {
            self.selected.next = self.owner.q.val();
        }

        self.valid.next = false;
        self.beat.next = self.sinks[0].beat.val();
        for i in 0..C {
            self.sinks[i].ready.next = false;
            if self.selected.val() == i.to_bits() {
                self.valid.next = self.sinks[i].valid.val();
                self.beat.next = self.sinks[i].beat.val();
                self.sinks[i].ready.next = self.source.ready.val() & self.sinks[i].valid.val();
            }
        }
        self.last.next = self.beat.val().last;
        self.source.valid.next = self.valid.val();
        self.source.beat.next = self.beat.val();

        // From its first offer on the packet is held, even if that beat is not taken: what is offered must not change.
        self.round_robin.advance.next = self.valid.val() & !self.held.q.val();
        if self.valid.val() {
            self.owner.d.next = self.selected.val();
            self.held.d.next = !(self.source.ready.val() & self.last.val());
        }
        if self.reset.val() {
            self.held.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
