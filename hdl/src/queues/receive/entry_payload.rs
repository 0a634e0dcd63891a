//! A message's payload between its frame and its entry.

use crate::library::fixed::Fixed;
use crate::library::stream::StreamSink;
use crate::library::stream_register::StreamRegister;
use rust_hdl::prelude::*;

/// Takes payload from frames and offers it in the two pieces in which it is written: the first 8 bytes, and the rest
/// shifted down by them.
///
/// Beats go through a register with room for two. `open` passes a message's first beat on from there: its lower half is
/// `head` then, its upper half waits for the lower half of the beat that follows. So the next message's first beats are
/// taken while the current message is still written. Beats that belong to no message under way are thrown away: those
/// of a message that is not written, and those behind the last `data`.
///
/// Contract: the beats of `sink` are the payload of whole frames. `present` tells that a message's first beat is there;
/// `open` may come only then, once for each message, and never while `data` of the message before is still to be taken.
/// With `open`, `beats`, of `COUNT` bits, is the number of times that `data` is to be taken, zero for a message of at
/// most 8 bytes, or for one that is not written. `ended` is high if `sink` will bring no further beat of the opened
/// message.
///
/// Latency: first beat taken in cycle t, `present` in t + 1. `open` in cycle t: `head` from t + 1 on, `data` from t + 2
/// on, every cycle. `sink.ready` comes from a register.
#[derive(LogicBlock, Default)]
pub struct EntryPayload<const COUNT: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub sink: StreamSink,
    pub ended: Signal<In, Bit>,
    pub present: Signal<Out, Bit>,
    /// With `present`: bytes 0 to 7 of that beat.
    pub coming: Signal<Out, Bits<64>>,
    /// With `present`: bytes 8 to 15 of that beat.
    pub coming_above: Signal<Out, Bits<64>>,
    pub open: Signal<In, Bit>,
    pub beats: Signal<In, Bits<COUNT>>,
    /// Bytes 0 to 7 of the opened message.
    pub head: Signal<Out, Bits<64>>,
    /// `data` is to be taken, sooner or later.
    pub body: Signal<Out, Bit>,
    /// `data` can be taken.
    pub valid: Signal<Out, Bit>,
    /// The next 16 bytes from byte 8 on; zeros behind the frame's end.
    pub data: Signal<Out, Bits<128>>,
    /// They are the last.
    pub last: Signal<Out, Bit>,
    /// Pulse: `data` is taken in this cycle; only with `valid`.
    pub take: Signal<In, Bit>,

    arrived: StreamRegister,
    /// The first beat of `arrived` was opened in the cycle before; now it leaves.
    opened: DFF<Bit>,
    /// The next beat of `arrived` is not its frame's first.
    in_frame: DFF<Bit>,
    first_bytes: DFF<Bits<64>>,
    /// The 8 bytes that come next.
    held: DFF<Bits<64>>,
    has_body: DFF<Bit>,
    beats_left: DFF<Bits<COUNT>>,

    ahead: Signal<Local, Bits<128>>,
    continues: Signal<Local, Bit>,
    passes: Signal<Local, Bit>,
    above: Signal<Local, Bits<64>>,
    ends: Signal<Local, Bit>,
    one: Fixed<COUNT, 1>,
}

impl<const COUNT: usize> Logic for EntryPayload<COUNT> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            opened,
            in_frame,
            first_bytes,
            held,
            has_body,
            beats_left
        );
        clock!(self, clock, arrived);
        self.arrived.reset.next = self.reset.val();
        StreamSink::link(&mut self.sink, &mut self.arrived.sink);

        self.ahead.next = self.arrived.source.beat.val().data;
        self.continues.next = self.arrived.source.valid.val() & self.in_frame.q.val();
        self.present.next =
            self.arrived.source.valid.val() & !self.in_frame.q.val() & !self.opened.q.val();
        self.coming.next = self.ahead.val().get_bits::<64>(0);
        self.coming_above.next = self.ahead.val().get_bits::<64>(64);
        self.head.next = self.first_bytes.q.val();
        self.body.next = self.has_body.q.val();
        self.valid.next = self.has_body.q.val()
            & !self.opened.q.val()
            & (self.arrived.source.valid.val() | self.ended.val());
        self.ends.next = self.beats_left.q.val() == self.one.val();
        self.last.next = self.ends.val();
        self.above.next = 0.into();
        if self.continues.val() {
            self.above.next = self.ahead.val().get_bits::<64>(0);
        }
        self.data.next =
            bit_cast::<128, 64>(self.held.q.val()) | (bit_cast::<128, 64>(self.above.val()) << 64);

        if self.open.val() {
            self.first_bytes.d.next = self.ahead.val().get_bits::<64>(0);
            self.beats_left.d.next = self.beats.val();
            self.has_body.d.next = self.beats.val().any();
        }
        if self.take.val() {
            self.beats_left.d.next = self.beats_left.q.val() - self.one.val();
            self.has_body.d.next = !self.ends.val();
        }
        if self.open.val() | self.take.val() {
            self.held.d.next = self.ahead.val().get_bits::<64>(64);
        }

        self.opened.d.next = self.open.val();
        self.passes.next = self.opened.q.val()
            | (self.continues.val() & (self.take.val() | !self.has_body.q.val()));
        self.arrived.source.ready.next = self.passes.val();
        if self.passes.val() {
            self.in_frame.d.next = !self.arrived.source.beat.val().last;
        }

        if self.reset.val() {
            self.opened.d.next = false;
            self.in_frame.d.next = false;
            self.has_body.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
