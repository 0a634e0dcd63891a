//! The next frame of three streams.

use crate::library::stream::{Beat, StreamSink};
use rust_hdl::prelude::*;

/// Passes whole frames of three streams on, one after the other, without a bubble. Those of channel
/// 1 go first (V20), but not while a frame of another stream has seen eight of them begin. Channel
/// 0 and the loopback take turns where both have a frame.
///
/// Which stream is next is known without `valid`, which comes late: `channel_1_likely` tells for channel 1,
/// `loopback.valid` comes from a register, and channel 0 is next if none of them is.
///
/// Contract: a frame has two beats or more. While `choosing`, `beat` is the next frame's header;
/// then come its other beats. `channel_1_likely` is high in each cycle in which `channel_1.valid`
/// is; where it is high in vain, the cycle is lost.
///
/// Latency: none, beats pass through. `ready` of the streams depends on `beat_ready`, and on registers.
#[derive(LogicBlock, Default)]
pub struct FrameSelect {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub channel_0: StreamSink,
    pub channel_1: StreamSink,
    /// A frame of channel 1 may be offered in this cycle.
    pub channel_1_likely: Signal<In, Bit>,
    pub loopback: StreamSink,
    /// No frame is under way.
    pub choosing: Signal<Out, Bit>,
    pub beat_valid: Signal<Out, Bit>,
    pub beat: Signal<Out, Beat>,
    /// While `choosing`, what `beat` carries, earlier in the cycle: for memories that are read with it.
    pub header: Signal<Out, Bits<128>>,
    /// `beat` is taken in this cycle.
    pub beat_ready: Signal<In, Bit>,

    in_frame: DFF<Bit>,
    /// Where the frame under way comes from.
    from_1: DFF<Bit>,
    from_loopback: DFF<Bit>,
    /// Frames of channel 1 that began since another one waits, eight at most.
    overtaken: DFF<Bits<4>>,
    /// A frame waited in the cycle before.
    waits_0: DFF<Bit>,
    waits: DFF<Bit>,
    /// The loopback goes before channel 0.
    loopback_turn: DFF<Bit>,

    prefers_1: Signal<Local, Bit>,
    use_1: Signal<Local, Bit>,
    use_loopback: Signal<Local, Bit>,
    valid: Signal<Local, Bit>,
    chosen: Signal<Local, Beat>,
    take: Signal<Local, Bit>,
    begins: Signal<Local, Bit>,
}

impl Logic for FrameSelect {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            in_frame,
            from_1,
            from_loopback,
            overtaken,
            waits_0,
            waits,
            loopback_turn
        );
        self.prefers_1.next = self.channel_1_likely.val() & !self.overtaken.q.val().get_bit(3);
        self.use_1.next = self.prefers_1.val();
        self.use_loopback.next =
            !self.prefers_1.val() & self.loopback.valid.val() & self.loopback_turn.q.val();
        if self.in_frame.q.val() {
            self.use_1.next = self.from_1.q.val();
            self.use_loopback.next = self.from_loopback.q.val();
        }
        self.valid.next = self.channel_0.valid.val();
        self.chosen.next = self.channel_0.beat.val();
        if self.use_1.val() {
            self.valid.next = self.channel_1.valid.val();
            self.chosen.next = self.channel_1.beat.val();
        }
        if self.use_loopback.val() {
            self.valid.next = self.loopback.valid.val();
            self.chosen.next = self.loopback.beat.val();
        }
        self.header.next = self.channel_0.beat.val().data;
        if self.prefers_1.val() {
            self.header.next = self.channel_1.beat.val().data;
        } else if self.loopback.valid.val() & self.loopback_turn.q.val() {
            self.header.next = self.loopback.beat.val().data;
        }
        self.beat_valid.next = self.valid.val();
        self.beat.next = self.chosen.val();
        self.channel_0.ready.next =
            self.beat_ready.val() & !self.use_1.val() & !self.use_loopback.val();
        self.channel_1.ready.next = self.beat_ready.val() & self.use_1.val();
        self.loopback.ready.next = self.beat_ready.val() & self.use_loopback.val();

        self.choosing.next = !self.in_frame.q.val();
        self.take.next = self.valid.val() & self.beat_ready.val();
        self.begins.next = self.take.val() & !self.in_frame.q.val();
        if self.take.val() {
            self.in_frame.d.next = !self.in_frame.q.val() | !self.chosen.val().last;
        }
        if !self.in_frame.q.val() {
            self.from_1.d.next = self.use_1.val();
            self.from_loopback.d.next = self.use_loopback.val();
        }

        // Turns.
        self.waits_0.d.next = self.channel_0.valid.val();
        self.waits.d.next = self.channel_0.valid.val() | self.loopback.valid.val();
        if !self.in_frame.q.val() & self.loopback.valid.val() {
            self.loopback_turn.d.next = true;
        }
        if self.begins.val() {
            if self.use_1.val() {
                if self.waits.q.val() & !self.overtaken.q.val().get_bit(3) {
                    self.overtaken.d.next = self.overtaken.q.val() + 1;
                }
            } else {
                if !self.use_loopback.val() | !self.waits_0.q.val() {
                    self.overtaken.d.next = 0.into();
                }
            }
            if self.use_loopback.val() {
                self.loopback_turn.d.next = !self.waits_0.q.val();
            }
        }

        if self.reset.val() {
            self.in_frame.d.next = false;
            self.overtaken.d.next = 0.into();
            self.loopback_turn.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
