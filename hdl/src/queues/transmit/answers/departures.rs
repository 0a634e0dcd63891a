//! Messages that are sent again, on their way to the engine, and the queues that open behind them.

use crate::library::fifo::Fifo;
use crate::queues::transmit::signals::Resend;
use rust_hdl::prelude::*;

/// A message to be sent again, a ping, or the end of a queue's burst.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Departure {
    pub resend: Resend,
    /// Nothing is sent: the queue opens now.
    pub burst_ends: Bit,
}

/// Hands messages to the engine in order. The end of a burst waits for `resend_ready`, which says that all before it have left the
/// engine: so no new message of the queue can overtake one of them.
///
/// Only one operation that may open a queue is under way (`reopen_free`), so that `reopen` needs no queue: it is under way from
/// `claims` on, until `decided` without `reopens`, or until the scheduler has taken the queue.
///
/// Contract: `room` says that eight more can be written; up to five operations are under way that do so.
///
/// Latency: one cycle.
#[derive(LogicBlock, Default)]
pub struct Departures {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub write: Signal<In, Bit>,
    pub written: Signal<In, Departure>,
    pub room: Signal<Out, Bit>,
    pub resend_valid: Signal<Out, Bit>,
    pub resend_ready: Signal<In, Bit>,
    pub resend: Signal<Out, Resend>,
    /// The oldest one is the end of a burst, and may be carried out.
    pub open_valid: Signal<Out, Bit>,
    pub open_queue: Signal<Out, Bits<8>>,
    /// Last row of the burst.
    pub open_row: Signal<Out, Bits<4>>,
    pub open_taken: Signal<In, Bit>,
    pub reopen_free: Signal<Out, Bit>,
    /// An operation that may open a queue begins.
    pub claims: Signal<In, Bit>,
    /// It is over; does its queue open?
    pub decided: Signal<In, Bit>,
    pub reopens: Signal<In, Bit>,
    pub decided_queue: Signal<In, Bits<8>>,
    pub reopen_valid: Signal<Out, Bit>,
    pub reopen_ready: Signal<In, Bit>,
    pub reopen_queue: Signal<Out, Bits<8>>,

    departures: Fifo<Departure, 4, 5>,
    claimed: DFF<Bit>,
    told: DFF<Bit>,
    queue: DFF<Bits<8>>,
    head: Signal<Local, Departure>,
    head_resend: Signal<Local, Resend>,
    head_index: Signal<Local, Bits<16>>,
    level: Signal<Local, Bits<5>>,
}

impl Logic for Departures {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, claimed, told, queue);
        clock!(self, clock, departures);
        self.departures.reset.next = self.reset.val();
        self.departures.write.next = self.write.val();
        self.departures.data_in.next = self.written.val();
        self.level.next = self.departures.level.val();
        self.room.next = !self.level.val().get_bit(4) & !self.level.val().get_bit(3);
        self.head.next = self.departures.data_out.val();
        self.head_resend.next = self.head.val().resend;
        self.resend_valid.next = !self.departures.empty.val() & !self.head.val().burst_ends;
        self.resend.next = self.head.val().resend;
        self.open_valid.next = !self.departures.empty.val()
            & self.head.val().burst_ends
            & self.resend_ready.val()
            & !self.claimed.q.val();
        self.open_queue.next = self.head_resend.val().queue;
        self.head_index.next = self.head_resend.val().index;
        self.open_row.next = self.head_index.val().get_bits::<4>(3);
        self.departures.read.next =
            self.open_taken.val() | (self.resend_ready.val() & !self.head.val().burst_ends);

        self.reopen_free.next = !self.claimed.q.val();
        self.reopen_valid.next = self.told.q.val();
        self.reopen_queue.next = self.queue.q.val();
        if self.told.q.val() & self.reopen_ready.val() {
            self.told.d.next = false;
            self.claimed.d.next = false;
        }
        if self.decided.val() {
            self.queue.d.next = self.decided_queue.val();
            self.told.d.next = self.reopens.val();
            self.claimed.d.next = self.reopens.val();
        }
        if self.claims.val() {
            self.claimed.d.next = true;
        }
        if self.reset.val() {
            self.claimed.d.next = false;
            self.told.d.next = false;
        }
    }
}
