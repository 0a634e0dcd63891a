//! Consumer indices of receive queues, whether they are resident or not.

use crate::library::forward_ram::ForwardRam;
use rust_hdl::prelude::*;

/// A consumer index for the receive side.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct GivenBack {
    /// The other fields count.
    pub valid: Bit,
    /// Resident receive queue.
    pub queue: Bits<8>,
    /// Entries taken since the queue was enabled, modulo 2^16.
    pub index: Bits<16>,
}

/// Keeps the consumer index that the host has stored last for each of 2^`ENDPOINTS_LOG2` endpoints (rule 22), and hands
/// indices to the receive side: that of a store to a resident queue in the same cycle, any other in a cycle without one.
///
/// When a receive queue comes back (`returns`: its word of the map is written in this cycle), the index that was kept is
/// handed over: four cycles later, since until then stores may come that have read the old word. An index is dropped
/// for which a store to the same queue comes first: that one is newer.
///
/// Contract: `extra` only with `extra_ready`. Stores are at least two cycles apart, and so are an index handed over and
/// a later store to the same queue. Two queues that return are at least eight cycles apart.
///
/// Latency: none from `store` to `given`; one cycle at least from `extra`.
#[derive(LogicBlock, Default)]
pub struct KeptConsumers<const ENDPOINTS_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `index` is kept for this endpoint.
    pub keeps: Signal<In, Bit>,
    pub keeps_endpoint: Signal<In, Bits<12>>,
    pub keeps_index: Signal<In, Bits<16>>,
    /// It is for a resident queue.
    pub store: Signal<In, GivenBack>,
    pub extra: Signal<In, GivenBack>,
    pub extra_ready: Signal<Out, Bit>,
    pub given: Signal<Out, GivenBack>,
    pub returns: Signal<In, Bit>,
    pub returning_endpoint: Signal<In, Bits<12>>,
    pub returning_queue: Signal<In, Bits<8>>,
    indices: ForwardRam<Bits<16>, ENDPOINTS_LOG2>,
    waiting: DFF<GivenBack>,
    /// Cycles since a queue returned: five, then it waits for its place.
    age: DFF<Bits<3>>,
    returning: DFF<Bit>,
    endpoint: DFF<Bits<12>>,
    queue: DFF<Bits<8>>,
    returned: Signal<Local, Bit>,
    store_queue: Signal<Local, Bits<8>>,
    address: Signal<Local, Bits<12>>,
    written: Signal<Local, Bits<12>>,
}

impl<const ENDPOINTS_LOG2: usize> Logic for KeptConsumers<ENDPOINTS_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waiting, age, returning, endpoint, queue);
        clock!(self, clock, indices);
        self.written.next = self.keeps_endpoint.val();
        self.indices.write_enable.next = self.keeps.val();
        self.indices.write_address.next = self.written.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.indices.write_data.next = self.keeps_index.val();
        self.address.next = self.endpoint.q.val();
        self.indices.read_address.next = self.address.val().get_bits::<ENDPOINTS_LOG2>(0);

        // The index of a queue that returns is read all the time, and taken when it is time.
        if self.age.q.val() != 5 {
            self.age.d.next = self.age.q.val() + 1;
        }
        if self.returns.val() {
            self.returning.d.next = true;
            self.endpoint.d.next = self.returning_endpoint.val();
            self.queue.d.next = self.returning_queue.val();
            self.age.d.next = 0.into();
        }
        self.returned.next = self.returning.q.val()
            & (self.age.q.val() == 5)
            & !self.waiting.q.val().valid
            & !self.returns.val();
        self.extra_ready.next = !self.waiting.q.val().valid & !self.returning.q.val();

        self.given.next = self.store.val();
        self.store_queue.next = self.store.val().queue;
        if !self.store.val().valid {
            self.given.next = self.waiting.q.val();
            self.waiting.d.next.valid = false;
        } else if self.store_queue.val() == self.waiting.q.val().queue {
            self.waiting.d.next.valid = false;
        }
        if self.returned.val() {
            self.returning.d.next = false;
            self.waiting.d.next.valid =
                !(self.store.val().valid & (self.store_queue.val() == self.queue.q.val()));
            self.waiting.d.next.queue = self.queue.q.val();
            self.waiting.d.next.index = self.indices.read_data.val();
        }
        if self.extra.val().valid {
            self.waiting.d.next = self.extra.val();
        }
        if self.reset.val() {
            self.waiting.d.next.valid = false;
            self.returning.d.next = false;
        }
    }
}
