//! Receiver's side of one virtual channel's credits.

use crate::configuration::BUFFER_COUNT_BITS;
use rust_hdl::prelude::*;

/// Up to which count of beats this side accepts a virtual channel (`abi::link`, V20).
///
/// As in InfiniBand the limit is the count of beats received plus the space that is free. Only accepted frames are
/// counted as they come; the peer's credit frames tell how many beats it has sent, which brings the count right again
/// after frames that were lost or dropped. So these cost no credit for longer than to the peer's next credit frame.
///
/// `accept` follows from a CRC, and `consumed` from `accept`: both count a cycle later, to keep the
/// sums out of that cycle.
///
/// Latency: `free` knows an accepted frame in the next cycle and a consumed beat one later; `limit`
/// is a cycle behind the counts.
#[derive(LogicBlock)]
pub struct CreditAccount {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Pulse: a beat left the buffer.
    pub consumed: Signal<In, Bit>,
    /// Pulse: a frame was accepted, with one beat more than `payload_beats`.
    pub accept: Signal<In, Bit>,
    /// Beats of the accepted frame behind its header, 1 to 16.
    pub payload_beats: Signal<In, Bits<5>>,
    /// Pulse: a credit frame came; not in the cycle after `accept`.
    pub peer_sent_valid: Signal<In, Bit>,
    /// How many beats the peer has sent, modulo 2^16.
    pub peer_sent: Signal<In, Bits<16>>,
    /// Up to which count this side accepts, modulo 2^16.
    pub limit: Signal<Out, Bits<16>>,
    /// Space that credits cover, in beats.
    pub free: Signal<Out, Bits<BUFFER_COUNT_BITS>>,
    received: DFF<Bits<16>>,
    free_beats: DFF<Bits<BUFFER_COUNT_BITS>>,
    limit_register: DFF<Bits<16>>,
    /// Beats of the frame accepted, and beats consumed, in the cycle before.
    arrived: DFF<Bits<5>>,
    left: DFF<Bit>,
    /// `free_beats` with them.
    arrived_wide: Signal<Local, Bits<BUFFER_COUNT_BITS>>,
    /// Beats of the buffer that credits cover.
    covered: Constant<Bits<BUFFER_COUNT_BITS>>,
}

impl Default for CreditAccount {
    fn default() -> Self {
        use crate::configuration::{CHANNEL_BEATS_LOG2, CHANNEL_SLACK_BEATS};
        Self {
            clock: Default::default(),
            reset: Default::default(),
            consumed: Default::default(),
            accept: Default::default(),
            payload_beats: Default::default(),
            peer_sent_valid: Default::default(),
            peer_sent: Default::default(),
            limit: Default::default(),
            free: Default::default(),
            received: Default::default(),
            free_beats: Default::default(),
            limit_register: Default::default(),
            arrived: Default::default(),
            left: Default::default(),
            arrived_wide: Default::default(),
            covered: Constant::new(((1 << CHANNEL_BEATS_LOG2) - CHANNEL_SLACK_BEATS).to_bits()),
        }
    }
}

impl Logic for CreditAccount {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            received,
            free_beats,
            limit_register,
            arrived,
            left
        );

        self.arrived.d.next = 0.into();
        if self.accept.val() {
            self.arrived.d.next = self.payload_beats.val() + 1;
        }
        self.left.d.next = self.consumed.val();
        self.arrived_wide.next = bit_cast::<BUFFER_COUNT_BITS, 5>(self.arrived.q.val());
        self.received.d.next = self.received.q.val() + bit_cast::<16, 5>(self.arrived.q.val());
        if self.peer_sent_valid.val() {
            self.received.d.next = self.peer_sent.val();
        }
        self.free_beats.d.next = self.free_beats.q.val()
            + bit_cast::<BUFFER_COUNT_BITS, 1>(self.left.q.val().into())
            - self.arrived_wide.val();
        self.limit_register.d.next =
            self.received.q.val() + bit_cast::<16, BUFFER_COUNT_BITS>(self.free_beats.q.val());

        self.limit.next = self.limit_register.q.val();
        self.free.next = self.free_beats.q.val() - self.arrived_wide.val();

        if self.reset.val() {
            self.received.d.next = 0.into();
            self.free_beats.d.next = self.covered.val();
            self.limit_register.d.next = bit_cast::<16, BUFFER_COUNT_BITS>(self.covered.val());
            self.arrived.d.next = 0.into();
            self.left.d.next = false;
        }
    }
}
