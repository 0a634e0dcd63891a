//! One read of host memory in flight, of any number of tags.

use rust_hdl::prelude::*;

/// Counts the tags of one read that are outstanding and keeps the worst of their outcomes
/// (`abi::command::completion_status`: the larger code is the worse).
#[derive(LogicBlock, Default)]
pub struct ReadSlot {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A read begins. Only while `free`.
    pub open: Signal<In, Bit>,
    /// A tag of the read becomes outstanding. Never together with `remove`.
    pub add: Signal<In, Bit>,
    /// A tag of the read has ended.
    pub remove: Signal<In, Bit>,
    /// With `remove`: how.
    pub outcome: Signal<In, Bits<2>>,
    /// The read's last request has left.
    pub issued: Signal<In, Bit>,
    /// The read's end was told: the slot is free again. Only while `ended`.
    pub close: Signal<In, Bit>,
    /// No read.
    pub free: Signal<Out, Bit>,
    /// All requests have left and all tags have ended.
    pub ended: Signal<Out, Bit>,
    /// With `ended`: the worst outcome.
    pub worst: Signal<Out, Bits<2>>,
    busy: DFF<Bit>,
    issuing: DFF<Bit>,
    tags: DFF<Bits<5>>,
    outcome_so_far: DFF<Bits<2>>,
}

impl Logic for ReadSlot {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, busy, issuing, tags, outcome_so_far);
        self.free.next = !self.busy.q.val();
        self.ended.next = self.busy.q.val() & !self.issuing.q.val() & (self.tags.q.val() == 0);
        self.worst.next = self.outcome_so_far.q.val();
        if self.add.val() {
            self.tags.d.next = self.tags.q.val() + 1;
        }
        if self.remove.val() {
            self.tags.d.next = self.tags.q.val() - 1;
            if self.outcome.val() > self.outcome_so_far.q.val() {
                self.outcome_so_far.d.next = self.outcome.val();
            }
        }
        if self.issued.val() {
            self.issuing.d.next = false;
        }
        if self.open.val() {
            self.busy.d.next = true;
            self.issuing.d.next = true;
            self.outcome_so_far.d.next = abi::command::completion_status::DONE.to_bits();
        }
        if self.close.val() {
            self.busy.d.next = false;
        }
        if self.reset.val() {
            self.busy.d.next = false;
            self.tags.d.next = 0.into();
        }
    }
}
