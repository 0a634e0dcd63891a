//! A message that is sent again, on its way to the engine, and a queue that opens, on its way to the scheduler.

use crate::queues::transmit::signals::Resend;
use rust_hdl::prelude::*;

/// Holds one message or ping until the engine takes it, and one queue until the scheduler takes it.
///
/// A place is claimed when the operation that may need it begins, and is free again when the operation is over and did
/// not need it, or when what it holds was taken.
///
/// Contract: an operation that may send begins only with `send_free`, one that may open a queue only with
/// `reopen_free`. Behind a burst it begins only with `all_left`: then each message that was sent again has left the
/// engine, and no new message can overtake one of them.
///
/// Latency: one cycle.
#[derive(LogicBlock, Default)]
pub struct Departures {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub send_free: Signal<Out, Bit>,
    pub all_left: Signal<Out, Bit>,
    /// An operation that may send begins.
    pub send_claims: Signal<In, Bit>,
    /// It is over; does it send?
    pub send_decided: Signal<In, Bit>,
    pub sends: Signal<In, Bit>,
    pub departing: Signal<In, Resend>,
    pub resend_valid: Signal<Out, Bit>,
    pub resend_ready: Signal<In, Bit>,
    pub resend: Signal<Out, Resend>,
    pub reopen_free: Signal<Out, Bit>,
    /// An operation that may open a queue begins.
    pub reopen_claims: Signal<In, Bit>,
    /// It is over; does its queue open?
    pub reopen_decided: Signal<In, Bit>,
    pub reopens: Signal<In, Bit>,
    pub reopening: Signal<In, Bits<8>>,
    pub reopen_valid: Signal<Out, Bit>,
    pub reopen_ready: Signal<In, Bit>,
    pub reopen_queue: Signal<Out, Bits<8>>,

    send_claimed: DFF<Bit>,
    /// All had left a cycle ago.
    left: DFF<Bit>,
    held_valid: DFF<Bit>,
    held: DFF<Resend>,
    reopen_claimed: DFF<Bit>,
    queue_valid: DFF<Bit>,
    queue: DFF<Bits<8>>,
}

impl Logic for Departures {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            send_claimed,
            left,
            held_valid,
            held,
            reopen_claimed,
            queue_valid,
            queue
        );
        self.send_free.next = !self.send_claimed.q.val();
        self.left.d.next = !self.send_claimed.q.val() & self.resend_ready.val();
        self.all_left.next = self.left.q.val() & !self.send_claimed.q.val();
        self.resend_valid.next = self.held_valid.q.val();
        self.resend.next = self.held.q.val();
        if self.held_valid.q.val() & self.resend_ready.val() {
            self.held_valid.d.next = false;
            self.send_claimed.d.next = false;
        }
        if self.send_decided.val() {
            self.held.d.next = self.departing.val();
            self.held_valid.d.next = self.sends.val();
            self.send_claimed.d.next = self.sends.val();
        }
        if self.send_claims.val() {
            self.send_claimed.d.next = true;
        }

        self.reopen_free.next = !self.reopen_claimed.q.val();
        self.reopen_valid.next = self.queue_valid.q.val();
        self.reopen_queue.next = self.queue.q.val();
        if self.queue_valid.q.val() & self.reopen_ready.val() {
            self.queue_valid.d.next = false;
            self.reopen_claimed.d.next = false;
        }
        if self.reopen_decided.val() {
            self.queue.d.next = self.reopening.val();
            self.queue_valid.d.next = self.reopens.val();
            self.reopen_claimed.d.next = self.reopens.val();
        }
        if self.reopen_claims.val() {
            self.reopen_claimed.d.next = true;
        }
        if self.reset.val() {
            self.send_claimed.d.next = false;
            self.left.d.next = false;
            self.held_valid.d.next = false;
            self.reopen_claimed.d.next = false;
            self.queue_valid.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    #[test]
    fn gate() {
        let (mut sending, mut reopening) = (0u64, 0u64);
        Gate::new("departures", Departures::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                // One operation of each kind at a time, five cycles long.
                sending = sending.saturating_sub(1);
                reopening = reopening.saturating_sub(1);
                unit.send_decided.next = sending == 1;
                unit.reopen_decided.next = reopening == 1;
                let sends = sending == 0 && unit.send_free.val() && random.chance(50);
                let reopens = reopening == 0 && unit.reopen_free.val() && random.chance(50);
                unit.send_claims.next = sends;
                unit.reopen_claims.next = reopens;
                if sends {
                    sending = 5;
                }
                if reopens {
                    reopening = 5;
                }
                unit.sends.next = random.chance(60);
                unit.departing.next.index = random.bits();
                unit.departing.next.queue = random.bits();
                unit.reopens.next = random.chance(60);
                unit.reopening.next = random.bits();
                unit.resend_ready.next = random.chance(30);
                unit.reopen_ready.next = random.chance(30);
            });
    }
}
