//! The order in which packets leave for the host.

use crate::library::stream::{Beat, StreamSink, StreamSource};
use rust_hdl::prelude::*;

/// Whose packet is under way.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum TransmitClass {
    /// Nobody's: the next packet is chosen among those offered.
    Free,
    /// Posted request.
    Posted,
    /// Completion.
    Completion,
    /// Non-posted request.
    Nonposted,
}

/// Merges posted requests, completions and non-posted requests into one stream (PCI Express 2.4.1).
///
/// * A completion or non-posted request never passes a posted request that was offered before it or in the same cycle.
/// * Posted requests and completions leave in the order in which they were offered; a posted request passes a completion
///   that has no credits. They alternate if both are always there.
/// * Non-posted requests go when neither of the others can. So that they do not starve, a non-posted request that may go and
///   has seen eight other packets start since it was offered goes next.
/// * A class without credits holds up nobody, except that a posted request without credits holds up what must not pass it.
/// * Credits are looked at only when a packet starts. A packet once offered at `source` is not replaced by another.
///
/// No latency: selection is combinational, and beats come straight from the sink chosen, one a cycle without bubbles. There
/// is no register behind it, since credits must be those of the cycle in which a packet starts; `niu` has one before each sink.
#[derive(LogicBlock)]
pub struct PacketTransmit {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Posted requests.
    pub posted: StreamSink,
    /// Non-posted requests.
    pub nonposted: StreamSink,
    /// Completions.
    pub completion: StreamSink,
    /// The link has credits for a longest posted request.
    pub posted_allowed: Signal<In, Bit>,
    /// The link has credits for a longest non-posted request.
    pub nonposted_allowed: Signal<In, Bit>,
    /// The link has credits for a longest completion.
    pub completion_allowed: Signal<In, Bit>,
    /// Packets to the host.
    pub source: StreamSource,

    turn: DFF<TransmitClass>,
    /// A completion waits since before this cycle; and, if so, a posted request offered before it still waits.
    completion_waits: DFF<Bit>,
    completion_behind: DFF<Bit>,
    /// The same for a non-posted request.
    nonposted_waits: DFF<Bit>,
    nonposted_behind: DFF<Bit>,
    /// Packets started since the non-posted request was offered.
    overtaken: DFF<Bits<4>>,

    free: Signal<Local, Bit>,
    posted_heads: Signal<Local, Bit>,
    completion_held: Signal<Local, Bit>,
    nonposted_held: Signal<Local, Bit>,
    posted_may: Signal<Local, Bit>,
    completion_may: Signal<Local, Bit>,
    nonposted_may: Signal<Local, Bit>,
    overdue: Signal<Local, Bit>,
    starts_posted: Signal<Local, Bit>,
    starts_completion: Signal<Local, Bit>,
    starts_nonposted: Signal<Local, Bit>,
    on_posted: Signal<Local, Bit>,
    on_completion: Signal<Local, Bit>,
    on_nonposted: Signal<Local, Bit>,
    offered: Signal<Local, Bit>,
    chosen: Signal<Local, Beat>,
    limit: Constant<Bits<4>>,
}

/// Packets that may start before a non-posted request that could go.
const PATIENCE: u64 = 8;

impl Default for PacketTransmit {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            posted: Default::default(),
            nonposted: Default::default(),
            completion: Default::default(),
            posted_allowed: Default::default(),
            nonposted_allowed: Default::default(),
            completion_allowed: Default::default(),
            source: Default::default(),
            turn: Default::default(),
            completion_waits: Default::default(),
            completion_behind: Default::default(),
            nonposted_waits: Default::default(),
            nonposted_behind: Default::default(),
            overtaken: Default::default(),
            free: Default::default(),
            posted_heads: Default::default(),
            completion_held: Default::default(),
            nonposted_held: Default::default(),
            posted_may: Default::default(),
            completion_may: Default::default(),
            nonposted_may: Default::default(),
            overdue: Default::default(),
            starts_posted: Default::default(),
            starts_completion: Default::default(),
            starts_nonposted: Default::default(),
            on_posted: Default::default(),
            on_completion: Default::default(),
            on_nonposted: Default::default(),
            offered: Default::default(),
            chosen: Default::default(),
            limit: Constant::new(PATIENCE.to_bits()),
        }
    }
}

impl Logic for PacketTransmit {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            turn,
            completion_waits,
            completion_behind,
            nonposted_waits,
            nonposted_behind,
            overtaken
        );
        self.free.next = self.turn.q.val() == TransmitClass::Free;

        // Is a posted request ahead? Remembered since the packet was first offered, else as things stand in this cycle.
        self.posted_heads.next =
            self.posted.valid.val() & (self.turn.q.val() != TransmitClass::Posted);
        self.completion_held.next = self.posted_heads.val();
        if self.completion_waits.q.val() {
            self.completion_held.next = self.completion_behind.q.val();
        }
        self.nonposted_held.next = self.posted_heads.val();
        if self.nonposted_waits.q.val() {
            self.nonposted_held.next = self.nonposted_behind.q.val();
        }

        self.posted_may.next = self.posted.valid.val() & self.posted_allowed.val();
        self.completion_may.next = self.completion.valid.val()
            & self.completion_allowed.val()
            & !self.completion_held.val();
        self.nonposted_may.next =
            self.nonposted.valid.val() & self.nonposted_allowed.val() & !self.nonposted_held.val();
        self.overdue.next = self.nonposted_may.val() & (self.overtaken.q.val() == self.limit.val());

        self.starts_nonposted.next = self.free.val()
            & self.nonposted_may.val()
            & (self.overdue.val() | (!self.posted_may.val() & !self.completion_may.val()));
        self.starts_completion.next =
            self.free.val() & self.completion_may.val() & !self.overdue.val();
        self.starts_posted.next = self.free.val()
            & self.posted_may.val()
            & !self.completion_may.val()
            & !self.overdue.val();

        self.on_posted.next =
            (self.turn.q.val() == TransmitClass::Posted) | self.starts_posted.val();
        self.on_completion.next =
            (self.turn.q.val() == TransmitClass::Completion) | self.starts_completion.val();
        self.on_nonposted.next =
            (self.turn.q.val() == TransmitClass::Nonposted) | self.starts_nonposted.val();

        self.chosen.next = self.posted.beat.val();
        if self.on_completion.val() {
            self.chosen.next = self.completion.beat.val();
        }
        if self.on_nonposted.val() {
            self.chosen.next = self.nonposted.beat.val();
        }
        self.offered.next = (self.on_posted.val() & self.posted.valid.val())
            | (self.on_completion.val() & self.completion.valid.val())
            | (self.on_nonposted.val() & self.nonposted.valid.val());
        self.source.valid.next = self.offered.val();
        self.source.beat.next = self.chosen.val();
        self.posted.ready.next = self.on_posted.val() & self.source.ready.val();
        self.completion.ready.next = self.on_completion.val() & self.source.ready.val();
        self.nonposted.ready.next = self.on_nonposted.val() & self.source.ready.val();

        if self.starts_posted.val() {
            self.turn.d.next = TransmitClass::Posted;
        }
        if self.starts_completion.val() {
            self.turn.d.next = TransmitClass::Completion;
        }
        if self.starts_nonposted.val() {
            self.turn.d.next = TransmitClass::Nonposted;
        }
        if self.offered.val() & self.source.ready.val() & self.chosen.val().last {
            self.turn.d.next = TransmitClass::Free;
        }

        self.completion_waits.d.next = self.completion.valid.val() & !self.on_completion.val();
        self.completion_behind.d.next = self.completion_held.val() & !self.starts_posted.val();
        self.nonposted_waits.d.next = self.nonposted.valid.val() & !self.on_nonposted.val();
        self.nonposted_behind.d.next = self.nonposted_held.val() & !self.starts_posted.val();
        if (self.starts_posted.val() | self.starts_completion.val())
            & (self.overtaken.q.val() != self.limit.val())
        {
            self.overtaken.d.next = self.overtaken.q.val() + 1;
        }
        if self.on_nonposted.val() | !self.nonposted.valid.val() {
            self.overtaken.d.next = 0.into();
        }

        if self.reset.val() {
            self.turn.d.next = TransmitClass::Free;
            self.completion_waits.d.next = false;
            self.nonposted_waits.d.next = false;
            self.overtaken.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;
