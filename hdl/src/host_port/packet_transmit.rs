//! The order in which packets leave for the host.

use crate::library::{
    predecessors::Predecessors,
    stream::{Beat, StreamSink, StreamSource},
    stream_register::StreamRegister,
};
use rust_hdl::prelude::*;

/// Whose packet is under way.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum TransmitClass {
    /// Nobody's: the next packet is chosen among those offered.
    Free,
    /// Posted request.
    Posted,
    /// An answer to a read of the host.
    Completion,
    /// Non-posted request.
    Nonposted,
}

/// Merges posted requests, completions and non-posted requests into one stream (PCI Express 2.4.1).
///
/// * A completion or non-posted request never passes a posted request whose first beat was taken
///   before it came to the front.
/// * Posted requests and completions leave in the order in which they came; a posted request passes a completion that
///   has no credits. They alternate if both are always there.
/// * Non-posted requests go when neither of the others can. So that they do not starve, a non-posted request that may
///   go and has seen eight other packets start since it was offered goes next.
/// * A class without credits holds up nobody, except that a posted request without credits holds up
///   what must not pass it.
/// * While Bus Master Enable is off, requests that start are dropped: as if sent, but no beat is offered.
/// * Credits are looked at only when a packet starts. A packet once offered at `source` is not replaced by another.
///
/// Latency: one cycle, in a register behind each sink; one beat a cycle without bubbles. There is no register behind
/// the selection, since credits must be those of the cycle in which a packet starts.
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
    /// Answers to the host's reads.
    pub completion: StreamSink,
    /// Bus Master Enable.
    pub master_enable: Signal<In, Bit>,
    /// The link has credits for a longest posted request.
    pub posted_allowed: Signal<In, Bit>,
    /// The link has credits for a longest non-posted request.
    pub nonposted_allowed: Signal<In, Bit>,
    /// The link has credits for a longest completion.
    pub completion_allowed: Signal<In, Bit>,
    /// Packets to the host.
    pub source: StreamSource,
    /// Pulse: the first beat of a posted request with a tag leaves (`write_packet::MARKED_BIT`).
    pub marked_out: Signal<Out, Bit>,
    /// Pulse: a request was dropped.
    pub discarded: Signal<Out, Bit>,
    /// Pulse, with `discarded`: it was a read.
    pub discarded_read: Signal<Out, Bit>,
    /// With `discarded_read`: its tag.
    pub discarded_tag: Signal<Out, Bits<4>>,
    /// Requests that start are dropped, and none that started before is under way.
    pub silent: Signal<Out, Bit>,
    /// A request, or a part of one, is in here.
    pub holds_request: Signal<Out, Bit>,

    posted_register: StreamRegister,
    nonposted_register: StreamRegister,
    completion_register: StreamRegister,
    /// The next posted beat that is taken begins a request; and the next that leaves.
    posted_begins: DFF<Bit>,
    posted_heads: DFF<Bit>,
    turn: DFF<TransmitClass>,
    /// Bus Master Enable was off in the cycle before; and the packet under way is dropped.
    disabled: DFF<Bit>,
    dropping: DFF<Bit>,
    /// Posted requests of which a beat was taken, until they start.
    before_completion: Predecessors,
    before_nonposted: Predecessors,
    /// Packets started since the non-posted request was offered, or since the one before, if that
    /// was under way a cycle ago.
    overtaken: DFF<Bits<4>>,
    nonposted_went: DFF<Bit>,
    counted: Signal<Local, Bits<4>>,

    posted_taken: Signal<Local, Bit>,
    posted_leaves: Signal<Local, Bit>,
    free: Signal<Local, Bit>,
    /// The request of this cycle is dropped.
    drops: Signal<Local, Bit>,
    /// A request's beat is sent or dropped in this cycle.
    taken: Signal<Local, Bit>,
    posted_comes: Signal<Local, Bit>,
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
    posted_beat: Signal<Local, Beat>,
    nonposted_beat: Signal<Local, Beat>,
    completion_beat: Signal<Local, Beat>,
    posted_data: Signal<Local, Bits<128>>,
    nonposted_data: Signal<Local, Bits<128>>,
    ends: Signal<Local, Bit>,
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
            master_enable: Default::default(),
            posted_allowed: Default::default(),
            discarded: Default::default(),
            discarded_read: Default::default(),
            discarded_tag: Default::default(),
            silent: Default::default(),
            holds_request: Default::default(),
            disabled: Default::default(),
            dropping: Default::default(),
            drops: Default::default(),
            taken: Default::default(),
            nonposted_allowed: Default::default(),
            completion_allowed: Default::default(),
            source: Default::default(),
            turn: Default::default(),
            before_completion: Default::default(),
            before_nonposted: Default::default(),
            overtaken: Default::default(),
            nonposted_went: Default::default(),
            counted: Default::default(),
            marked_out: Default::default(),
            posted_register: Default::default(),
            nonposted_register: Default::default(),
            completion_register: Default::default(),
            posted_begins: Default::default(),
            posted_heads: Default::default(),
            posted_taken: Default::default(),
            posted_leaves: Default::default(),
            free: Default::default(),
            posted_comes: Default::default(),
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
            posted_beat: Default::default(),
            nonposted_beat: Default::default(),
            completion_beat: Default::default(),
            posted_data: Default::default(),
            nonposted_data: Default::default(),
            ends: Default::default(),
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
            posted_begins,
            posted_heads,
            turn,
            disabled,
            dropping,
            overtaken,
            nonposted_went
        );
        clock!(
            self,
            clock,
            posted_register,
            nonposted_register,
            completion_register,
            before_completion,
            before_nonposted
        );
        self.before_completion.reset.next = self.reset.val();
        self.before_nonposted.reset.next = self.reset.val();
        self.posted_register.reset.next = self.reset.val();
        self.nonposted_register.reset.next = self.reset.val();
        self.completion_register.reset.next = self.reset.val();
        self.posted_register.sink.valid.next = self.posted.valid.val();
        self.posted_register.sink.beat.next = self.posted.beat.val();
        self.posted.ready.next = self.posted_register.sink.ready.val();
        StreamSink::link(&mut self.nonposted, &mut self.nonposted_register.sink);
        StreamSink::link(&mut self.completion, &mut self.completion_register.sink);
        self.posted_beat.next = self.posted_register.source.beat.val();
        self.nonposted_beat.next = self.nonposted_register.source.beat.val();
        self.completion_beat.next = self.completion_register.source.beat.val();
        self.free.next = self.turn.q.val() == TransmitClass::Free;

        self.disabled.d.next = !self.master_enable.val();
        self.drops.next = self.dropping.q.val();
        if self.free.val() {
            self.drops.next = self.disabled.q.val();
        }
        self.dropping.d.next = self.drops.val();
        self.taken.next = self.source.ready.val() | self.drops.val();

        self.posted_may.next = self.posted_register.source.valid.val()
            & (self.posted_allowed.val() | self.disabled.q.val());
        self.completion_may.next = self.completion_register.source.valid.val()
            & self.completion_allowed.val()
            & self.before_completion.clear.val();
        self.nonposted_may.next = self.nonposted_register.source.valid.val()
            & (self.nonposted_allowed.val() | self.disabled.q.val())
            & self.before_nonposted.clear.val();
        self.counted.next = self.overtaken.q.val();
        if self.nonposted_went.q.val() {
            self.counted.next = 0.into();
        }
        self.overdue.next = self.nonposted_may.val() & (self.counted.val() == self.limit.val());

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

        self.chosen.next = self.posted_beat.val();
        if self.on_completion.val() {
            self.chosen.next = self.completion_beat.val();
        }
        if self.on_nonposted.val() {
            self.chosen.next = self.nonposted_beat.val();
        }
        self.source.valid.next =
            (self.on_posted.val() & self.posted_register.source.valid.val() & !self.drops.val())
                | (self.on_completion.val() & self.completion_register.source.valid.val())
                | (self.on_nonposted.val()
                    & self.nonposted_register.source.valid.val()
                    & !self.drops.val());
        self.source.beat.next = self.chosen.val();
        self.posted_register.source.ready.next = self.on_posted.val() & self.taken.val();
        self.completion_register.source.ready.next =
            self.on_completion.val() & self.source.ready.val();
        self.nonposted_register.source.ready.next = self.on_nonposted.val() & self.taken.val();
        self.ends.next = (self.on_posted.val()
            & self.taken.val()
            & self.posted_register.source.valid.val()
            & self.posted_beat.val().last)
            | (self.on_completion.val()
                & self.source.ready.val()
                & self.completion_register.source.valid.val()
                & self.completion_beat.val().last)
            | (self.on_nonposted.val()
                & self.taken.val()
                & self.nonposted_register.source.valid.val()
                & self.nonposted_beat.val().last);
        self.discarded.next =
            (self.starts_posted.val() | self.starts_nonposted.val()) & self.drops.val();

        self.nonposted_data.next = self.nonposted_beat.val().data;
        self.discarded_read.next = self.starts_nonposted.val() & self.drops.val();
        self.discarded_tag.next = self
            .nonposted_data
            .val()
            .get_bits::<4>(abi::pcie::request::tag::SHIFT);
        self.silent.next = self.disabled.q.val()
            & (self.free.val()
                | (self.turn.q.val() == TransmitClass::Completion)
                | self.dropping.q.val());
        self.holds_request.next = self.posted_register.source.valid.val()
            | self.nonposted_register.source.valid.val()
            | (self.turn.q.val() == TransmitClass::Posted)
            | (self.turn.q.val() == TransmitClass::Nonposted);

        if self.starts_posted.val() {
            self.turn.d.next = TransmitClass::Posted;
        }
        if self.starts_completion.val() {
            self.turn.d.next = TransmitClass::Completion;
        }
        if self.starts_nonposted.val() {
            self.turn.d.next = TransmitClass::Nonposted;
        }
        if self.ends.val() {
            self.turn.d.next = TransmitClass::Free;
        }

        // What must not pass the posted requests that came before it.
        self.posted_taken.next = self.posted.valid.val() & self.posted_register.sink.ready.val();
        if self.posted_taken.val() {
            self.posted_begins.d.next = self.posted.beat.val().last;
        }
        self.posted_comes.next = self.posted_taken.val() & self.posted_begins.q.val();
        self.before_completion.entered.next = self.posted_comes.val();
        self.before_completion.finished.next = self.starts_posted.val();
        self.before_completion.waits.next =
            self.completion_register.source.valid.val() & !self.on_completion.val();
        self.before_nonposted.entered.next = self.posted_comes.val();
        self.before_nonposted.finished.next = self.starts_posted.val();
        self.before_nonposted.waits.next =
            self.nonposted_register.source.valid.val() & !self.on_nonposted.val();

        // The stage of a marked message.
        self.posted_data.next = self.posted_beat.val().data;
        self.posted_leaves.next =
            self.on_posted.val() & self.posted_register.source.valid.val() & self.taken.val();
        self.marked_out.next = self.posted_leaves.val()
            & !self.drops.val()
            & self.posted_heads.q.val()
            & self
                .posted_data
                .val()
                .get_bit(abi::pcie::request::tag::SHIFT);
        if self.posted_leaves.val() {
            self.posted_heads.d.next = self.posted_beat.val().last;
        }

        // What starts is known late: a count that begins anew does so a cycle later.
        self.nonposted_went.d.next = self.on_nonposted.val();
        self.overtaken.d.next = self.counted.val();
        if (self.starts_posted.val() | self.starts_completion.val())
            & (self.counted.val() != self.limit.val())
        {
            self.overtaken.d.next = self.counted.val() + 1;
        }
        if !self.nonposted_register.source.valid.val() {
            self.overtaken.d.next = 0.into();
        }

        if self.reset.val() {
            self.posted_begins.d.next = true;
            self.posted_heads.d.next = true;
            self.turn.d.next = TransmitClass::Free;
            self.disabled.d.next = false;
            self.overtaken.d.next = 0.into();
            self.nonposted_went.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
