//! Several packet streams into one.

use super::{
    first_one::FirstOne,
    gather::Gather,
    stream::{Beat, StreamSink, StreamSource},
};
use rust_hdl::prelude::*;

/// Merges `C` streams, packet by packet, in turn; `C` is at most 16.
///
/// Whose turn it is stands in a register, so that nothing but the stream itself lies between a sink and `source`.
/// While nobody has a packet it is sink 0's, which for this has no wait at all: the others have one cycle more, at an
/// idle arbiter or behind a packet of their own.
///
/// Contract: once a packet's first beat is offered at `source`, that packet's beats alone are offered up to and
/// including the one marked `last`. A sink's `ready` is high only in its turn. A sink with a packet waits for at most
/// one packet of each other sink.
///
/// Latency: none for sink 0, one cycle for others; a packet may follow another sink's without a bubble.
#[derive(LogicBlock)]
pub struct PacketArbiter<const C: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Packets in.
    pub sinks: [StreamSink; C],
    /// Packets out.
    pub source: StreamSource,

    /// Sinks with a packet, the one in its turn aside; and those of them behind it.
    others: Gather<C>,
    behind: Signal<Local, Bits<C>>,
    first: FirstOne<C, 4>,
    first_behind: FirstOne<C, 4>,
    /// Whose turn it is.
    owner: DFF<Bits<4>>,
    /// A packet was offered and has not ended.
    held: DFF<Bit>,
    passes: Signal<Local, Bit>,
    valid: Signal<Local, Bit>,
    beat: Signal<Local, Beat>,
    last: Signal<Local, Bit>,
    all_but_lowest: Constant<Bits<C>>,
}

impl<const C: usize> Default for PacketArbiter<C> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            sinks: std::array::from_fn(|_| Default::default()),
            source: Default::default(),
            others: Default::default(),
            behind: Default::default(),
            first: Default::default(),
            first_behind: Default::default(),
            owner: Default::default(),
            held: Default::default(),
            passes: Default::default(),
            valid: Default::default(),
            beat: Default::default(),
            last: Default::default(),
            all_but_lowest: Constant::new(Bits::<C>::mask().replace_bit(0, false)),
        }
    }
}

impl<const C: usize> Logic for PacketArbiter<C> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, owner);
        self.valid.next = false;
        self.beat.next = self.sinks[0].beat.val();
        for i in 0..C {
            self.others.inputs[i].next =
                self.sinks[i].valid.val() & (self.owner.q.val() != i.to_bits());
            self.sinks[i].ready.next =
                self.source.ready.val() & (self.owner.q.val() == i.to_bits());
            if self.owner.q.val() == i.to_bits() {
                self.valid.next = self.sinks[i].valid.val();
                self.beat.next = self.sinks[i].beat.val();
            }
        }
        self.last.next = self.beat.val().last;
        self.source.valid.next = self.valid.val();
        self.source.beat.next = self.beat.val();

        // From its first offer on a packet keeps the turn, even if that beat is not taken: what is
        // offered must not change.
        if self.valid.val() {
            self.held.d.next = !(self.source.ready.val() & self.last.val());
        }
        self.passes.next = (self.valid.val() & self.source.ready.val() & self.last.val())
            | (!self.valid.val() & !self.held.q.val());
        self.behind.next =
            self.others.bits.val() & (self.all_but_lowest.val() << self.owner.q.val());
        self.first_behind.requests.next = self.behind.val();
        self.first.requests.next = self.others.bits.val();
        if self.passes.val() {
            // Sink 0 if nobody else asks.
            self.owner.d.next = self.first.index.val();
            if self.first_behind.any.val() {
                self.owner.d.next = self.first_behind.index.val();
            }
        }
        if self.reset.val() {
            self.held.d.next = false;
            self.owner.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;
