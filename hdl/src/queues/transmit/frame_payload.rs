//! The payload beats of a message frame.

use crate::library::byte_mask::ByteMask;
use crate::library::fifo::Fifo;
use crate::library::stream::{Beat, StreamSource};
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// Bytes of a beat.
const BEAT: usize = 16;
/// Bytes of the slot's header, which stand before the payload in its first beat.
const SLOT_HEADER: usize = 8;
/// Bytes of payload in a frame's last beat, under the CRC.
const LAST_BEAT: usize = BEAT - abi::link::CRC_BYTES;

/// Turns the beats of a slot and an inline body into frame beats: shifts by the eight bytes of the header, puts zeros
/// behind the payload, and leaves the last beat's top 32 bits for the CRC (`abi::link`).
///
/// `start` brings the slot's payload and the body's second beat; the others are read from the inline pool, one a
/// cycle, without a pause. The FIFO holds the longest payload, so that reading never depends on `ready`. `start` is
/// allowed for a message of one payload beat while `takes_short`, for a longer one while `takes_long`.
///
/// Latency: the first payload beat is offered two cycles after `start`, which is when the header
/// can have left; then one beat a cycle.
#[derive(LogicBlock)]
pub struct FramePayload {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: a frame begins; the next four inputs count.
    pub start: Signal<In, Bit>,
    /// A frame with a body may begin in this cycle: its third beat is read. Comes early.
    pub will_start: Signal<In, Bit>,
    /// Payload bytes 0 to 7.
    pub first: Signal<In, Bits<64>>,
    /// The slot's second beat.
    pub second: Signal<In, Bits<128>>,
    /// Payload bytes, 0 to 248.
    pub length: Signal<In, Bits<8>>,
    /// Page and body.
    pub body: Signal<In, Bits<10>>,
    /// A beat of the inline pool is read.
    pub read_request: Signal<Out, Bit>,
    /// That beat.
    pub read_address: Signal<Out, Bits<14>>,
    /// The cycle after `read_request`: the beat.
    pub read_data: Signal<In, Bits<128>>,
    /// Beats of the frame that was begun last are still to be read, or being formed.
    pub reading: Signal<Out, Bit>,
    /// There is room for a message of one payload beat.
    pub takes_short: Signal<Out, Bit>,
    /// There is room for the longest message.
    pub takes_long: Signal<Out, Bit>,
    /// The payload beats.
    pub source: StreamSource,

    beats: Fifo<Beat, 4, 5>,
    active: DFF<Bit>,
    /// The same but for reset, for the choices between data: their load is many times that of the others.
    streams: DFF<Bit>,
    /// No payload is being formed; known a cycle ahead, for some messages too late.
    free: DFF<Bit>,
    /// And the FIFO had few beats a cycle ago; not more than two can have come since.
    free_for_short: DFF<Bit>,
    /// The beat on its way to the FIFO.
    entering_valid: DFF<Bit>,
    entering: DFF<Beat>,
    remaining: DFF<Bits<8>>,
    previous: DFF<Bits<64>>,
    next_read: DFF<Bits<14>>,
    /// A slot beat is read in this cycle.
    reads: DFF<Bit>,
    /// Which bytes of the beat behind this one are payload, and whether it is the last.
    next_mask: DFF<Bits<16>>,
    next_ends: DFF<Bit>,
    /// The same of the first beat.
    first_mask: Signal<Local, Bits<16>>,
    first_ends: Signal<Local, Bit>,
    behind: Signal<Local, Bits<8>>,
    left: Signal<Local, Bits<8>>,
    low: Signal<Local, Bits<64>>,
    current: Signal<Local, Bits<128>>,
    payload_bytes: ByteMask,
    ends: Signal<Local, Bit>,
    goes_on: Signal<Local, Bit>,
    formed: Signal<Local, Beat>,
    ones: Constant<Bits<16>>,
    beat: Constant<Bits<8>>,
    /// Most payload in one frame beat, and in two.
    one_beat: Constant<Bits<8>>,
    two_beats: Constant<Bits<8>>,
    /// Most payload in three slot beats.
    three_slot_beats: Constant<Bits<8>>,
}

impl Default for FramePayload {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            start: Default::default(),
            will_start: Default::default(),
            first: Default::default(),
            second: Default::default(),
            length: Default::default(),
            body: Default::default(),
            read_request: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            reading: Default::default(),
            takes_short: Default::default(),
            takes_long: Default::default(),
            source: Default::default(),
            beats: Default::default(),
            active: Default::default(),
            streams: Default::default(),
            free: Default::default(),
            free_for_short: Default::default(),
            goes_on: Default::default(),
            entering_valid: Default::default(),
            entering: Default::default(),
            remaining: Default::default(),
            previous: Default::default(),
            next_read: Default::default(),
            reads: Default::default(),
            first_mask: Default::default(),
            first_ends: Default::default(),
            behind: Default::default(),
            next_mask: Default::default(),
            next_ends: Default::default(),
            left: Default::default(),
            low: Default::default(),
            current: Default::default(),
            payload_bytes: Default::default(),
            ends: Default::default(),
            formed: Default::default(),
            ones: Constant::new(0xffffu64.to_bits()),
            beat: Constant::new(BEAT.to_bits()),
            one_beat: Constant::new(LAST_BEAT.to_bits()),
            two_beats: Constant::new((BEAT + LAST_BEAT).to_bits()),
            three_slot_beats: Constant::new((3 * BEAT - SLOT_HEADER).to_bits()),
        }
    }
}

impl Logic for FramePayload {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            active,
            streams,
            free,
            free_for_short,
            entering_valid,
            entering,
            remaining,
            previous,
            next_read,
            reads,
            next_mask,
            next_ends
        );
        clock!(self, clock, beats);
        self.beats.reset.next = self.reset.val();

        // Where payload ends: in the first beat by the length, behind it by what is left for the beats after this one.
        self.first_mask.next = !(self.ones.val() << self.length.val().get_bits::<4>(0));
        if self.length.val().get_bits::<4>(4).any() {
            self.first_mask.next = self.ones.val();
        }
        self.first_ends.next = self.length.val() <= self.one_beat.val();
        self.behind.next = self.length.val();
        if self.active.q.val() {
            self.behind.next = self.remaining.q.val();
        }
        self.next_mask.d.next = !(self.ones.val() << self.behind.val().get_bits::<4>(0));
        if self.behind.val().get_bits::<3>(5).any() {
            self.next_mask.d.next = self.ones.val();
        }
        if !self.behind.val().get_bits::<4>(4).any() {
            self.next_mask.d.next = 0.into();
        }
        self.next_ends.d.next = self.behind.val() <= self.two_beats.val();

        // The slot beat at hand, the half beat before it, and the payload bytes left; `start`
        // itself comes too late to choose.
        self.left.next = self.length.val();
        self.low.next = self.first.val();
        self.current.next = self.second.val();
        self.payload_bytes.keep.next = self.first_mask.val();
        self.ends.next = self.first_ends.val();
        self.read_address.next = (bit_cast::<14, 10>(self.body.val()) << 4) | 2;
        if self.streams.q.val() {
            self.left.next = self.remaining.q.val();
            self.low.next = self.previous.q.val();
            self.current.next = self.read_data.val();
            self.payload_bytes.keep.next = self.next_mask.q.val();
            self.ends.next = self.next_ends.q.val();
            self.read_address.next = self.next_read.q.val();
        }
        self.payload_bytes.data.next =
            bit_cast::<128, 64>(self.low.val()) | (self.current.val() << 64);
        self.formed.next.data = self.payload_bytes.masked.val();
        self.formed.next.last = self.ends.val();
        self.entering.d.next = self.formed.val();
        self.entering_valid.d.next = self.start.val() | self.active.q.val();
        self.beats.data_in.next = self.entering.q.val();
        self.beats.write.next = self.entering_valid.q.val();
        self.active.d.next = (self.start.val() | self.active.q.val()) & !self.ends.val();
        self.streams.d.next = (self.start.val() | self.active.q.val()) & !self.ends.val();
        self.previous.d.next = self.current.val().get_bits::<64>(64);
        self.remaining.d.next = 0.into();
        if self.left.val() > self.beat.val() {
            self.remaining.d.next = self.left.val() - self.beat.val();
        }

        // A frame beat needs a new slot beat only for its upper half; the one behind `start` is read in any case.
        self.read_request.next = self.will_start.val() | self.reads.q.val();
        self.reads.d.next = (self.start.val() | self.active.q.val())
            & (self.left.val() > self.three_slot_beats.val());
        self.next_read.d.next = self.next_read.q.val() + 1;
        if !self.active.q.val() {
            self.next_read.d.next = (bit_cast::<14, 10>(self.body.val()) << 4) | 3;
        }
        self.goes_on.next = self.will_start.val() | (self.active.q.val() & !self.next_ends.q.val());
        self.free.d.next = !self.goes_on.val();
        self.free_for_short.d.next = !self.goes_on.val() & (self.beats.level.val() < 9);
        self.takes_short.next = self.free_for_short.q.val();
        self.reading.next = self.active.q.val();
        self.takes_long.next =
            self.free.q.val() & !self.entering_valid.q.val() & self.beats.empty.val();

        self.source.valid.next = !self.beats.empty.val();
        self.source.beat.next = self.beats.data_out.val();
        self.beats.read.next = self.source.ready.val() & !self.beats.empty.val();
        if self.reset.val() {
            self.active.d.next = false;
            self.streams.d.next = true;
            self.free.d.next = false;
            self.free_for_short.d.next = false;
            self.entering_valid.d.next = false;
            self.reads.d.next = false;
        }
    }
}
