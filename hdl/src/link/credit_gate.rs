//! Sender's side of one virtual channel's credits.

use rust_hdl::prelude::*;

/// Counts the beats sent on a virtual channel against the peer's limit (`abi::link`, V20).
///
/// Contract: a frame begins only while `may_start`. `room` is the promise to those who choose frames: besides what is
/// accepted there is credit for the rest of the frame under way, a frame in the register before the link, a firmware
/// packet that slips in between, and a longest frame. Before the peer's first credit frame there is none.
///
/// Latency: `may_start` and `room` are registers, one cycle behind the counts, and a beat counts a cycle after it was
/// accepted; the thresholds allow for the two beats they miss. `sent` misses none.
#[derive(LogicBlock)]
pub struct CreditGate {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: a beat of this virtual channel was accepted.
    pub accepted: Signal<In, Bit>,
    /// Pulse: a credit frame came.
    pub limit_valid: Signal<In, Bit>,
    /// Up to which count the peer accepts, modulo 2^16.
    pub limit: Signal<In, Bits<16>>,
    /// There is credit for a longest frame.
    pub may_start: Signal<Out, Bit>,
    /// See above.
    pub room: Signal<Out, Bit>,
    /// Beats accepted since reset, modulo 2^16.
    pub sent: Signal<Out, Bits<16>>,
    sent_beats: DFF<Bits<16>>,
    /// A beat was accepted in the cycle before: who may go is known too late for a count behind it.
    accepted_before: DFF<Bit>,
    limit_beats: DFF<Bits<16>>,
    may_start_register: DFF<Bit>,
    room_register: DFF<Bit>,
    counted: Signal<Local, Bits<16>>,
    available: Signal<Local, Bits<16>>,
    positive: Signal<Local, Bit>,
    start_beats: Constant<Bits<16>>,
    room_beats: Constant<Bits<16>>,
}

impl Default for CreditGate {
    fn default() -> Self {
        let frame = abi::link::MAXIMUM_FRAME_BEATS;
        Self {
            clock: Default::default(),
            reset: Default::default(),
            accepted: Default::default(),
            limit_valid: Default::default(),
            limit: Default::default(),
            may_start: Default::default(),
            room: Default::default(),
            sent: Default::default(),
            sent_beats: Default::default(),
            accepted_before: Default::default(),
            limit_beats: Default::default(),
            may_start_register: Default::default(),
            room_register: Default::default(),
            counted: Default::default(),
            available: Default::default(),
            positive: Default::default(),
            start_beats: Constant::new((frame + 2).to_bits()),
            room_beats: Constant::new((4 * frame + 2).to_bits()),
        }
    }
}

impl Logic for CreditGate {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            sent_beats,
            accepted_before,
            limit_beats,
            may_start_register,
            room_register
        );

        self.accepted_before.d.next = self.accepted.val();
        self.counted.next =
            self.sent_beats.q.val() + bit_cast::<16, 1>(self.accepted_before.q.val().into());
        self.sent_beats.d.next = self.counted.val();
        if self.limit_valid.val() {
            self.limit_beats.d.next = self.limit.val();
        }
        // The counts wrap: a difference beyond half the range is a limit that lies behind.
        self.available.next = self.limit_beats.q.val() - self.sent_beats.q.val();
        self.positive.next = !self.available.val().get_bit(15);
        self.may_start_register.d.next =
            self.positive.val() & (self.available.val() >= self.start_beats.val());
        self.room_register.d.next =
            self.positive.val() & (self.available.val() >= self.room_beats.val());

        self.may_start.next = self.may_start_register.q.val();
        self.room.next = self.room_register.q.val();
        self.sent.next = self.counted.val();

        if self.reset.val() {
            self.sent_beats.d.next = 0.into();
            self.accepted_before.d.next = false;
            self.limit_beats.d.next = 0.into();
            self.may_start_register.d.next = false;
            self.room_register.d.next = false;
        }
    }
}
