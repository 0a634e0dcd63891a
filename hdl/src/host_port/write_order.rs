//! Packets behind the writes that came before them.

use crate::library::{
    predecessors::Predecessors,
    stream::{StreamSink, StreamSource},
};
use rust_hdl::prelude::*;

/// Holds back a packet until the write packets that entered before it have finished: reads and completions until
/// these have become requests (PCI Express 2.4.1: neither passes a posted request), so that a host that reads what
/// was set after a write finds the write done; firmware's writes until messages have had their turn.
///
/// Contract: write packets finish in the order in which they entered, at most seven of them between the two. A packet
/// is judged when it is first offered: those that enter later do not hold it up.
///
/// Latency: none, if no write packet is on its way.
#[derive(LogicBlock, Default)]
pub struct WriteOrder {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: a write packet has entered.
    pub entered: Signal<In, Bit>,
    /// Pulse: the oldest of them is done.
    pub finished: Signal<In, Bit>,
    /// Packets in.
    pub sink: StreamSink,
    /// The same packets.
    pub source: StreamSource,
    writes: Predecessors,
    /// Beats behind a packet's first.
    in_packet: DFF<Bit>,
    passes: Signal<Local, Bit>,
}

impl Logic for WriteOrder {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, in_packet);
        clock!(self, clock, writes);
        self.writes.reset.next = self.reset.val();
        self.writes.entered.next = self.entered.val();
        self.writes.finished.next = self.finished.val();
        self.passes.next = self.in_packet.q.val() | self.writes.clear.val();
        self.writes.waits.next = self.sink.valid.val()
            & !self.in_packet.q.val()
            & !(self.passes.val() & self.source.ready.val());
        if self.sink.valid.val() & self.passes.val() & self.source.ready.val() {
            self.in_packet.d.next = !self.sink.beat.val().last;
        }

        self.source.valid.next = self.sink.valid.val() & self.passes.val();
        self.source.beat.next = self.sink.beat.val();
        self.sink.ready.next = self.source.ready.val() & self.passes.val();

        if self.reset.val() {
            self.in_packet.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
