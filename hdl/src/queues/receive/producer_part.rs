//! The producer part of the receive queues' records.

use crate::library::block_ram::BlockRam;
use rust_hdl::prelude::*;

/// A producer index as it was written last.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Produced {
    /// The index is written to the memories in this cycle.
    pub write: Bit,
    /// Resident receive queue.
    pub queue: Bits<8>,
    /// Entries written to its ring since it was enabled, modulo 2^16.
    pub producer: Bits<16>,
}

/// Producer indices of 2^`QUEUES_LOG2` receive queues. The receive engine is their only writer; a
/// control word clears one.
///
/// `last` remembers the index written last. It stands in for the memory, which lags behind it by a cycle and must not
/// be read in the cycle of the write.
///
/// Contract: `commit` and `clear` never come together, nor in consecutive cycles.
///
/// Latency: `read_queue` in cycle t, `producer` in t + 1. A commit or clear in t counts for what is read in t.
#[derive(LogicBlock, Default)]
pub struct ProducerPart<const QUEUES_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub read_queue: Signal<In, Bits<8>>,
    /// Producer index of the queue read in the cycle before.
    pub producer: Signal<Out, Bits<16>>,
    /// Pulse: an entry of `commit_queue` was given away, the one with index `commit_producer`.
    pub commit: Signal<In, Bit>,
    pub commit_queue: Signal<In, Bits<8>>,
    pub commit_producer: Signal<In, Bits<16>>,
    /// Pulse: the ring of `clear_queue` begins anew.
    pub clear: Signal<In, Bit>,
    pub clear_queue: Signal<In, Bits<8>>,
    /// With this producer index.
    pub clear_producer: Signal<In, Bits<16>>,
    /// What is written in this cycle, and stays what was written last.
    pub last: Signal<Out, Produced>,

    memory: BlockRam<Bits<16>, QUEUES_LOG2>,
    held: DFF<Produced>,
    /// The queue that `memory` was read for.
    read: DFF<Bits<QUEUES_LOG2>>,
    held_queue: Signal<Local, Bits<8>>,
    next: Signal<Local, Bits<16>>,
}

impl<const QUEUES_LOG2: usize> Logic for ProducerPart<QUEUES_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, held, read);
        clock!(self, clock, memory);
        self.next.next = self.commit_producer.val() + 1;
        self.held.d.next.write = self.commit.val() | self.clear.val();
        if self.commit.val() {
            self.held.d.next.queue = self.commit_queue.val();
            self.held.d.next.producer = self.next.val();
        }
        if self.clear.val() {
            self.held.d.next.queue = self.clear_queue.val();
            self.held.d.next.producer = self.clear_producer.val();
        }
        self.last.next = self.held.q.val();

        self.held_queue.next = self.held.q.val().queue;
        self.memory.write_address.next = self.held_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.memory.write_data.next = self.held.q.val().producer;
        self.memory.write_enable.next = self.held.q.val().write;
        self.memory.read_address.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.read.d.next = self.read_queue.val().get_bits::<QUEUES_LOG2>(0);
        self.producer.next = self.memory.read_data.val();
        if self.read.q.val() == self.held_queue.val().get_bits::<QUEUES_LOG2>(0) {
            self.producer.next = self.held.q.val().producer;
        }

        if self.reset.val() {
            self.held.d.next.write = false;
        }
    }
}
