//! A message's payload between its frame and its entry.

use crate::library::fixed::Fixed;
use crate::library::stream::Beat;
use rust_hdl::prelude::*;

/// Takes payload from frames and offers it in the two pieces in which it is written: the first 8 bytes, and the rest shifted down by them.
///
/// A beat goes to `ahead` first. `open` passes a message's first beat on from there: its lower half is `head` then, its upper half waits for the
/// lower half of the beat that follows. So the next message's first beat is taken while the current message is still written.
///
/// Contract: `beat` is offered with `first` if it is the first payload of its frame. `present` tells that such a beat is there; `open` may come only
/// then, once for each message, and never while `data` of the message before is still to be taken. With `open`, `beats` is the number of times
/// that `data` is to be taken, zero for a message of at most 8 bytes, or for one that is not written. While `drop` is high the beats of the frame
/// under way are thrown away. `ended` is high if no further beat of the opened message will come.
///
/// Latency: first beat taken in cycle t, `present` in t + 1. `open` in cycle t: `head` from t + 1 on, `data` from t + 2 on, every cycle.
#[derive(LogicBlock, Default)]
pub struct EntryPayload {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub beat_valid: Signal<In, Bit>,
    pub beat: Signal<In, Beat>,
    /// `beat` is taken in this cycle.
    pub beat_ready: Signal<Out, Bit>,
    /// `beat` is the first payload of its frame.
    pub first: Signal<In, Bit>,
    pub drop: Signal<In, Bit>,
    pub ended: Signal<In, Bit>,
    pub present: Signal<Out, Bit>,
    pub open: Signal<In, Bit>,
    pub beats: Signal<In, Bits<4>>,
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

    ahead: DFF<Bits<128>>,
    ahead_valid: DFF<Bit>,
    first_bytes: DFF<Bits<64>>,
    /// The 8 bytes that come next.
    held: DFF<Bits<64>>,
    has_body: DFF<Bit>,
    beats_left: DFF<Bits<4>>,

    above: Signal<Local, Bits<64>>,
    ready: Signal<Local, Bit>,
    ends: Signal<Local, Bit>,
    one: Fixed<4, 1>,
}

impl Logic for EntryPayload {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            ahead,
            ahead_valid,
            first_bytes,
            held,
            has_body,
            beats_left
        );
        self.present.next = self.ahead_valid.q.val();
        self.head.next = self.first_bytes.q.val();
        self.body.next = self.has_body.q.val();
        self.valid.next = self.has_body.q.val() & (self.ahead_valid.q.val() | self.ended.val());
        self.ends.next = self.beats_left.q.val() == self.one.val();
        self.last.next = self.ends.val();
        self.above.next = 0.into();
        if self.ahead_valid.q.val() {
            self.above.next = self.ahead.q.val().get_bits::<64>(0);
        }
        self.data.next =
            bit_cast::<128, 64>(self.held.q.val()) | (bit_cast::<128, 64>(self.above.val()) << 64);

        if self.open.val() {
            self.first_bytes.d.next = self.ahead.q.val().get_bits::<64>(0);
            self.beats_left.d.next = self.beats.val();
            self.has_body.d.next = self.beats.val().any();
        }
        if self.take.val() {
            self.beats_left.d.next = self.beats_left.q.val() - self.one.val();
            self.has_body.d.next = !self.ends.val();
        }
        if self.open.val() | self.take.val() {
            self.held.d.next = self.ahead.q.val().get_bits::<64>(64);
            self.ahead_valid.d.next = false;
        }

        // The next message's first beat waits until nothing can be taken for its predecessor.
        self.ready.next = (!self.ahead_valid.q.val() & !(self.first.val() & self.has_body.q.val()))
            | (self.take.val() & !self.first.val());
        self.beat_ready.next = self.ready.val() | self.drop.val();
        if self.ready.val() {
            self.ahead.d.next = self.beat.val().data;
        }
        if self.ready.val() & self.beat_valid.val() & !self.drop.val() {
            self.ahead_valid.d.next = true;
        }

        if self.reset.val() {
            self.ahead_valid.d.next = false;
            self.has_body.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
