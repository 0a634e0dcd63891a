//! From the outbox to a stream.

use crate::bundles::MemoryReadMaster;
use crate::library::fifo::Fifo;
use crate::library::stream::{Beat, StreamSource};
use crate::library::stream_register::StreamRegister;
use rust_hdl::prelude::*;

/// Sends a first beat and then `beats` beats of the outbox as one packet, with zeros behind the first `bytes` bytes.
///
/// `start` is high for one cycle while `busy` is low, with the other inputs; `busy` falls when the
/// last beat has been taken. Sends one beat a cycle if the outbox grants one a cycle: the second
/// beat stands 2 cycles behind the first. `source` is a register.
#[derive(LogicBlock)]
pub struct OutboxStream {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// Begins a packet.
    pub start: Signal<In, Bit>,
    /// Its first beat.
    pub first: Signal<In, Bits<128>>,
    /// First beat in the outbox.
    pub offset: Signal<In, Bits<9>>,
    /// Beats from the outbox, at least 1.
    pub beats: Signal<In, Bits<8>>,
    /// Bytes of them that count.
    pub bytes: Signal<In, Bits<12>>,
    /// A packet is under way.
    pub busy: Signal<Out, Bit>,
    /// Read port of the data.
    pub outbox: MemoryReadMaster,
    /// The packet.
    pub source: StreamSource,
    queue: Fifo<Beat, 2, 3>,
    output_register: StreamRegister,
    /// Beats in `queue` and on their way to it, at most four.
    claimed: DFF<Bits<3>>,
    address: DFF<Bits<9>>,
    remaining: DFF<Bits<8>>,
    bytes_left: DFF<Bits<12>>,
    reading: DFF<Bit>,
    reading_last: DFF<Bit>,
    reading_bytes: DFF<Bits<5>>,
    may_read: Signal<Local, Bit>,
    queued: Signal<Local, Bit>,
    comes: Signal<Local, Bit>,
    leaves: Signal<Local, Bit>,
    shift: Signal<Local, Bits<8>>,
    blank: Signal<Local, Bits<128>>,
    ones: Constant<Bits<128>>,
    whole: Constant<Bits<5>>,
    beat_bytes: Constant<Bits<12>>,
}

impl Default for OutboxStream {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            start: Default::default(),
            first: Default::default(),
            offset: Default::default(),
            beats: Default::default(),
            bytes: Default::default(),
            busy: Default::default(),
            outbox: Default::default(),
            source: Default::default(),
            queue: Default::default(),
            address: Default::default(),
            remaining: Default::default(),
            bytes_left: Default::default(),
            reading: Default::default(),
            reading_last: Default::default(),
            reading_bytes: Default::default(),
            output_register: Default::default(),
            claimed: Default::default(),
            may_read: Default::default(),
            queued: Default::default(),
            comes: Default::default(),
            leaves: Default::default(),
            shift: Default::default(),
            blank: Default::default(),
            ones: Constant::new(u128::MAX.to_bits()),
            whole: Constant::new(16u32.to_bits()),
            beat_bytes: Constant::new(16u32.to_bits()),
        }
    }
}

impl Logic for OutboxStream {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            claimed,
            address,
            remaining,
            bytes_left,
            reading,
            reading_last,
            reading_bytes
        );
        clock!(self, clock, queue, output_register);
        self.queue.reset.next = self.reset.val();
        self.output_register.reset.next = self.reset.val();

        // A read may begin when its beat has a place: those in the queue and those on their way count.
        self.may_read.next = self.remaining.q.val().any() & !self.claimed.q.val().get_bit(2);
        self.outbox.request.next = self.may_read.val();
        self.outbox.address.next = bit_cast::<21, 9>(self.address.q.val());
        self.reading.d.next = self.outbox.grant.val();
        if self.outbox.grant.val() {
            self.address.d.next = self.address.q.val() + 1;
            self.remaining.d.next = self.remaining.q.val() - 1;
            self.reading_last.d.next = self.remaining.q.val() == 1;
            if self.bytes_left.q.val() < self.beat_bytes.val() {
                self.reading_bytes.d.next = self.bytes_left.q.val().get_bits::<5>(0);
                self.bytes_left.d.next = 0.into();
            } else {
                self.reading_bytes.d.next = self.whole.val();
                self.bytes_left.d.next = self.bytes_left.q.val() - self.beat_bytes.val();
            }
        }

        self.shift.next = bit_cast::<8, 5>(self.reading_bytes.q.val()) << 3;
        self.blank.next = self.ones.val() << self.shift.val();
        if self.reading_bytes.q.val() == self.whole.val() {
            self.blank.next = 0.into();
        }
        self.queue.write.next = self.reading.q.val() | self.start.val();
        // `start` comes late: what it begins with is loaded ahead, whenever there is nothing to read.
        self.queue.data_in.next.data = self.first.val();
        self.queue.data_in.next.last = false;
        if self.reading.q.val() {
            self.queue.data_in.next.data = self.outbox.data.val() & !self.blank.val();
            self.queue.data_in.next.last = self.reading_last.q.val();
        }
        if !self.remaining.q.val().any() {
            self.address.d.next = self.offset.val();
            self.bytes_left.d.next = self.bytes.val();
        }
        if self.start.val() {
            self.remaining.d.next = self.beats.val();
        }

        self.queued.next = !self.queue.empty.val();
        self.output_register.sink.valid.next = self.queued.val();
        self.output_register.sink.beat.next = self.queue.data_out.val();
        self.leaves.next = self.queued.val() & self.output_register.sink.ready.val();
        self.queue.read.next = self.leaves.val();
        self.comes.next = self.outbox.grant.val() | self.start.val();
        if self.comes.val() & !self.leaves.val() {
            self.claimed.d.next = self.claimed.q.val() + 1;
        }
        if !self.comes.val() & self.leaves.val() {
            self.claimed.d.next = self.claimed.q.val() - 1;
        }
        self.source.valid.next = self.output_register.source.valid.val();
        self.source.beat.next = self.output_register.source.beat.val();
        self.output_register.source.ready.next = self.source.ready.val();
        self.busy.next = self.remaining.q.val().any()
            | self.reading.q.val()
            | self.queued.val()
            | self.output_register.source.valid.val();

        if self.reset.val() {
            self.remaining.d.next = 0.into();
            self.reading.d.next = false;
            self.claimed.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests;
