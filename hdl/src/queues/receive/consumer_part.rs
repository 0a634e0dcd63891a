//! The consumer part of the receive queues' records.

use super::producer_part::Produced;
use crate::library::block_ram::BlockRam;
use rust_hdl::prelude::*;

/// A consumer index as it was written last.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Consumed {
    /// Resident receive queue.
    pub queue: Bits<8>,
    /// Entries that the host gave back since the queue was enabled, modulo 2^16.
    pub consumer: Bits<16>,
    /// Base-2 logarithm of the ring's entries.
    pub entries_log2: Bits<4>,
    /// The producer index at which the ring is full: `consumer` and the number of entries.
    pub limit: Bits<16>,
}

/// A consumer index as it is stored, beside what it is compared with.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ConsumerStore {
    /// There is one.
    pub valid: Bit,
    /// Resident receive queue.
    pub queue: Bits<8>,
    /// Consumer index stored.
    pub index: Bits<16>,
}

/// Consumer indices of 2^`QUEUES_LOG2` receive queues, and the limits that follow from them. Stores are their only
/// writer, the host's and, for the miss ring and for indices that were kept, the NIU's own; a control word clears one.
///
/// A store is legal if it gives back no more than was delivered: `consumer <= index <= producer`, counted from
/// `consumer`. The producer index is read from a copy. `bad_consumer` tells of one that is not; it is ignored.
///
/// Contract: two stores are at least two cycles apart, and so are two clears; `ProducerPart` gets
/// each `clear` in the same cycle. A store that came two or three cycles before a `clear` of its
/// queue is ignored; a later one is checked against the new ring.
///
/// Latency: `read_queue` in cycle t, `limit` in t + 1. A store in cycle t counts for what is read from t + 3 on, a
/// `clear` in t for what is read from t on.
#[derive(LogicBlock, Default)]
pub struct ConsumerPart<const QUEUES_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// A consumer index is stored.
    pub store: Signal<In, ConsumerStore>,
    /// Pulse: the ring of `clear_queue` begins anew, with so many entries.
    pub clear: Signal<In, Bit>,
    pub clear_queue: Signal<In, Bits<8>>,
    pub clear_entries_log2: Signal<In, Bits<4>>,
    /// With this consumer index, no more than its entries before the producer index.
    pub clear_consumer: Signal<In, Bits<16>>,
    /// `ProducerPart::last`.
    pub produced: Signal<In, Produced>,
    pub read_queue: Signal<In, Bits<8>>,
    /// The producer index at which the ring of the queue read in the cycle before is full.
    pub limit: Signal<Out, Bits<16>>,
    /// Pulse: a consumer index that gives back more than was delivered was ignored.
    pub bad_consumer: Signal<Out, Bit>,

    /// For the check: base-2 logarithm of the entries above the consumer index.
    consumers: BlockRam<Bits<20>, QUEUES_LOG2>,
    producers: BlockRam<Bits<16>, QUEUES_LOG2>,
    /// For the receive engine.
    limits: BlockRam<Bits<16>, QUEUES_LOG2>,
    /// What was written last: a memory must not be read in the cycle of a write.
    last: DFF<Consumed>,
    /// The queue that `limits` was read for.
    read: DFF<Bits<QUEUES_LOG2>>,
    /// The store whose row is read, the one whose row is there, and the one that is checked.
    reading: DFF<ConsumerStore>,
    found: DFF<ConsumerStore>,
    checking: DFF<ConsumerStore>,
    /// Of the store that is checked.
    producer: DFF<Bits<16>>,
    consumer: DFF<Bits<16>>,
    entries_log2: DFF<Bits<4>>,
    /// What the check said in the cycle before: it counts for a store that has waited for a clear.
    was_legal: DFF<Bit>,
    bad: DFF<Bit>,

    reading_queue: Signal<Local, Bits<8>>,
    found_queue: Signal<Local, Bits<8>>,
    checking_queue: Signal<Local, Bits<8>>,
    last_queue: Signal<Local, Bits<8>>,
    produced_queue: Signal<Local, Bits<8>>,
    row: Signal<Local, Bits<20>>,
    taken: Signal<Local, Bits<16>>,
    delivered: Signal<Local, Bits<16>>,
    acts: Signal<Local, Bit>,
    legal: Signal<Local, Bit>,
    write: Signal<Local, Bit>,
    new_queue: Signal<Local, Bits<8>>,
    new_consumer: Signal<Local, Bits<16>>,
    new_entries_log2: Signal<Local, Bits<4>>,
    entries: Signal<Local, Bits<16>>,
    new_limit: Signal<Local, Bits<16>>,
    one: crate::library::fixed::Fixed<16, 1>,
}

impl<const QUEUES_LOG2: usize> Logic for ConsumerPart<QUEUES_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            last,
            read,
            reading,
            found,
            checking,
            producer,
            consumer,
            entries_log2,
            was_legal,
            bad
        );
        clock!(self, clock, consumers, producers, limits);

        // The row is read.
        self.reading.d.next = self.store.val();
        self.reading_queue.next = self.reading.q.val().queue;
        self.consumers.read_address.next = self.reading_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.producers.read_address.next = self.reading_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.found.d.next = self.reading.q.val();

        // It is there, unless it was written while it was read.
        self.found_queue.next = self.found.q.val().queue;
        self.last_queue.next = self.last.q.val().queue;
        self.produced_queue.next = self.produced.val().queue;
        self.checking_queue.next = self.checking.q.val().queue;
        self.row.next = self.consumers.read_data.val();
        self.checking.d.next.valid = self.found.q.val().valid;
        if self.found.q.val().valid {
            self.checking.d.next.queue = self.found.q.val().queue;
            self.checking.d.next.index = self.found.q.val().index;
            self.consumer.d.next = self.row.val().get_bits::<16>(0);
            self.entries_log2.d.next = self.row.val().get_bits::<4>(16);
            if self.found_queue.val().get_bits::<QUEUES_LOG2>(0)
                == self.last_queue.val().get_bits::<QUEUES_LOG2>(0)
            {
                self.consumer.d.next = self.last.q.val().consumer;
                self.entries_log2.d.next = self.last.q.val().entries_log2;
            }
            // Two stores at once: a clear came between, and the older one is written in this cycle.
            if self.checking.q.val().valid
                & self.was_legal.q.val()
                & (self.found_queue.val().get_bits::<QUEUES_LOG2>(0)
                    == self.checking_queue.val().get_bits::<QUEUES_LOG2>(0))
            {
                self.consumer.d.next = self.checking.q.val().index;
                self.entries_log2.d.next = self.entries_log2.q.val();
            }
            self.producer.d.next = self.producers.read_data.val();
            if self.found_queue.val().get_bits::<QUEUES_LOG2>(0)
                == self.produced_queue.val().get_bits::<QUEUES_LOG2>(0)
            {
                self.producer.d.next = self.produced.val().producer;
            }
        }
        // A clear has the memories for itself: the store that is checked waits. What was read of
        // its queue before it counts no more.
        if self.clear.val() {
            self.checking.d.next.valid = (self.found.q.val().valid
                & (self.found_queue.val().get_bits::<QUEUES_LOG2>(0)
                    != self.clear_queue.val().get_bits::<QUEUES_LOG2>(0)))
                | (self.checking.q.val().valid
                    & (self.checking_queue.val().get_bits::<QUEUES_LOG2>(0)
                        != self.clear_queue.val().get_bits::<QUEUES_LOG2>(0)));
        }

        // The check.
        self.taken.next = self.producer.q.val() - self.checking.q.val().index;
        self.delivered.next = self.producer.q.val() - self.consumer.q.val();
        self.legal.next = self.taken.val() <= self.delivered.val();
        self.was_legal.d.next = self.legal.val();
        self.acts.next = self.checking.q.val().valid & !self.clear.val();
        self.bad.d.next = self.acts.val() & !self.legal.val();
        self.bad_consumer.next = self.bad.q.val();

        self.write.next = self.clear.val() | (self.acts.val() & self.legal.val());
        self.new_queue.next = self.checking.q.val().queue;
        self.new_consumer.next = self.checking.q.val().index;
        self.new_entries_log2.next = self.entries_log2.q.val();
        if self.clear.val() {
            self.new_queue.next = self.clear_queue.val();
            self.new_consumer.next = self.clear_consumer.val();
            self.new_entries_log2.next = self.clear_entries_log2.val();
        }
        self.entries.next = self.one.val() << self.new_entries_log2.val();
        self.new_limit.next = self.new_consumer.val() + self.entries.val();
        if self.write.val() {
            self.last.d.next.queue = self.new_queue.val();
            self.last.d.next.consumer = self.new_consumer.val();
            self.last.d.next.entries_log2 = self.new_entries_log2.val();
            self.last.d.next.limit = self.new_limit.val();
        }
        self.consumers.write_address.next = self.new_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.consumers.write_data.next = bit_cast::<20, 16>(self.new_consumer.val())
            | (bit_cast::<20, 4>(self.new_entries_log2.val()) << 16);
        self.consumers.write_enable.next = self.write.val();
        self.limits.write_address.next = self.new_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.limits.write_data.next = self.new_limit.val();
        self.limits.write_enable.next = self.write.val();
        self.producers.write_address.next = self.produced_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.producers.write_data.next = self.produced.val().producer;
        self.producers.write_enable.next = self.produced.val().write;

        // For the receive engine.
        self.limits.read_address.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.read.d.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.limit.next = self.limits.read_data.val();
        if self.read.q.val() == self.last_queue.val().get_bits::<QUEUES_LOG2>(0) {
            self.limit.next = self.last.q.val().limit;
        }

        if self.reset.val() {
            self.reading.d.next.valid = false;
            self.found.d.next.valid = false;
            self.checking.d.next.valid = false;
            self.bad.d.next = false;
        }
    }
}
