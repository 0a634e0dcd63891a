//! Which receive queues are armed, and what they raise.

use crate::bundles::ConfigurationWrite;
use crate::library::bit_ram::BitRam;
use crate::library::forward_ram::ForwardRam;
use crate::library::reset_sweep::ResetSweep;
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// A store to `receive_consumer`.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct ArmStore {
    /// There is one.
    pub valid: Bit,
    /// Resident receive queue.
    pub queue: Bits<8>,
    /// Entries taken.
    pub index: Bits<16>,
    /// An interrupt is wanted.
    pub armed: Bit,
    /// The store came before its queue was resident.
    pub late: Bit,
}

/// Raises the vector of a receive queue that is armed and holds an entry that its host has not taken.
///
/// * An entry of an armed queue raises its vector and disarms it.
/// * A store with `armed` raises the vector at once if `index` is not the number of entries delivered; then the queue
///   is not armed. Otherwise it is. A store without `armed` disarms the queue.
/// * So arm, test and sleep has no race: an entry comes before the store, which then raises, or behind it, and then it
///   finds the queue armed. If both come in the same cycle, the store is carried out behind the entry.
/// * A queue without `enabled` raises nothing.
///
/// The number of entries delivered is counted here, as they are handed to the host's writes; the producer index of
/// `ReceiveRecords` is ahead of it. A queue's row is read by an entry and by a store in the same cycle, so there are
/// two copies. The bit *armed* is the exclusive or of two, one of which stores invert, the other one entries.
///
/// Contract: `delivered` twice, and `arm` twice, are at least two cycles apart. One that is `late` may come in any
/// cycle between two others; the next one of its kind comes at least eight cycles later, while `settling` is low. After
/// a word of `REGION_INTERRUPT` none follows while `settling` is high, and no entry of its queue is delivered. In the
/// `2^N` cycles after reset the bits are cleared: nothing may be delivered or armed. `raise` always sinks.
///
/// Latency: `delivered` or `arm` in cycle t, `raise` in t + 2; an `arm` may be a cycle later, and a `late` one waits
/// for a cycle in which nothing else is raised.
#[derive(LogicBlock, Default)]
pub struct InterruptQueues<const N: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// Region 8 of `abi::queue_state`.
    pub configuration: Signal<In, ConfigurationWrite>,
    /// It has not taken effect yet; from the cycle behind the word on.
    pub settling: Signal<Out, Bit>,
    /// Pulse: the entry writer has handed over the last beat of an entry.
    pub delivered: Signal<In, Bit>,
    /// For this queue; may come earlier in the cycle.
    pub delivered_queue: Signal<In, Bits<8>>,
    pub arm: Signal<In, ArmStore>,
    /// Pulse: an interrupt of the vector is due.
    pub raise: Signal<Out, Bit>,
    pub raised_vector: Signal<Out, Bits<8>>,
    /// The interval of the vector is to be set; both stay until it was taken.
    pub sets_interval: Signal<Out, Bit>,
    pub interval_vector: Signal<Out, Bits<8>>,
    pub interval: Signal<Out, Bits<12>>,
    pub interval_taken: Signal<In, Bit>,
    /// Whether the queue is armed; combinational.
    pub saved_queue: Signal<In, Bits<8>>,
    pub saved_armed: Signal<Out, Bit>,

    /// Entries delivered 16, vector 8, enabled 1: as an entry reads it, and as a store does.
    of_entries: ForwardRam<Bits<25>, N>,
    of_stores: ForwardRam<Bits<25>, N>,
    by_stores: BitRam<N>,
    by_entries: BitRam<N>,
    sweep: ResetSweep<N>,
    // t + 1.
    arrived: DFF<Bit>,
    arrived_queue: DFF<Bits<N>>,
    stored: DFF<ArmStore>,
    /// One less than its index.
    stored_before: DFF<Bits<16>>,
    // t + 2.
    raises: DFF<Bit>,
    vector: DFF<Bits<8>>,
    /// What a store raised in the cycle in which an entry did, too.
    waits: DFF<Bit>,
    waiting_vector: DFF<Bits<8>>,
    /// What a late store raised.
    raises_late: DFF<Bit>,
    late_vector: DFF<Bits<8>>,
    // A word of queue state, and what is left to be done.
    word: DFF<Bits<64>>,
    word_queue: DFF<Bits<N>>,
    writes_row: DFF<Bit>,
    writes_armed: DFF<Bit>,
    raises_word: DFF<Bit>,
    writes_interval: DFF<Bit>,

    index: Signal<Local, Bits<16>>,
    queue_in: Signal<Local, Bits<8>>,
    arm_queue: Signal<Local, Bits<8>>,
    save_queue: Signal<Local, Bits<8>>,
    stored_queue: Signal<Local, Bits<8>>,
    data: Signal<Local, Bits<64>>,
    word_in: Signal<Local, Bits<64>>,
    entry_row: Signal<Local, Bits<25>>,
    store_row: Signal<Local, Bits<25>>,
    counted: Signal<Local, Bits<16>>,
    seen: Signal<Local, Bits<16>>,
    same: Signal<Local, Bit>,
    store_index: Signal<Local, Bits<N>>,
    entry_armed: Signal<Local, Bit>,
    store_armed: Signal<Local, Bit>,
    becomes_armed: Signal<Local, Bit>,
    covered: Signal<Local, Bit>,
    wants: Signal<Local, Bit>,
    entry_raises: Signal<Local, Bit>,
    store_raises: Signal<Local, Bit>,
    finds_entries: Signal<Local, Bit>,
    row: Signal<Local, Bits<25>>,
    row_queue: Signal<Local, Bits<N>>,
    row_written: Signal<Local, Bit>,
}

impl<const N: usize> Logic for InterruptQueues<N> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            arrived,
            arrived_queue,
            stored,
            stored_before,
            raises,
            vector,
            waits,
            waiting_vector,
            raises_late,
            late_vector,
            word,
            word_queue,
            writes_row,
            writes_armed,
            raises_word,
            writes_interval
        );
        clock!(
            self, clock, of_entries, of_stores, by_stores, by_entries, sweep
        );
        self.sweep.reset.next = self.reset.val();
        self.by_stores.clears.next = self.sweep.clears.val();
        self.by_stores.clear_index.next = self.sweep.index.val();
        self.by_entries.clears.next = self.sweep.clears.val();
        self.by_entries.clear_index.next = self.sweep.index.val();

        // t: the rows are read.
        self.queue_in.next = self.delivered_queue.val();
        self.of_entries.read_address.next = self.queue_in.val().get_bits::<N>(0);
        self.arrived.d.next = self.delivered.val();
        self.arrived_queue.d.next = self.queue_in.val().get_bits::<N>(0);
        self.arm_queue.next = self.arm.val().queue;
        self.of_stores.read_address.next = self.arm_queue.val().get_bits::<N>(0);
        self.stored.d.next = self.arm.val();
        self.stored_before.d.next = self.arm.val().index - 1;

        // t + 1: the entry first, the store behind it.
        self.entry_row.next = self.of_entries.read_data.val();
        self.store_row.next = self.of_stores.read_data.val();
        self.stored_queue.next = self.stored.q.val().queue;
        self.store_index.next = self.word_queue.q.val();
        if self.stored.q.val().valid {
            self.store_index.next = self.stored_queue.val().get_bits::<N>(0);
        }
        self.by_entries.index.next = self.arrived_queue.q.val();
        self.by_entries.first_index.next = self.store_index.val();
        self.by_stores.index.next = self.store_index.val();
        self.by_stores.first_index.next = self.arrived_queue.q.val();
        self.same.next =
            self.arrived.q.val() & (self.arrived_queue.q.val() == self.store_index.val());
        self.counted.next = self.entry_row.val().get_bits::<16>(0) + 1;
        self.entry_armed.next = self.by_entries.own.val() ^ self.by_stores.first.val();
        self.entry_raises.next = self.arrived.q.val() & self.entry_armed.val();
        self.by_entries.inverts.next = self.entry_raises.val();
        // What the entry of this cycle disarms is not armed any more.
        self.store_armed.next =
            (self.by_stores.own.val() ^ self.by_entries.first.val()) & !self.same.val();
        // The entry of this cycle counts for the store.
        self.seen.next = self.store_row.val().get_bits::<16>(0);
        self.covered.next = self.stored.q.val().index == self.seen.val();
        if self.same.val() {
            self.covered.next = self.stored_before.q.val() == self.seen.val();
        }
        self.wants.next = self.stored.q.val().armed & self.store_row.val().get_bit(24);
        self.finds_entries.next =
            self.stored.q.val().valid & self.wants.val() & !self.covered.val();
        self.store_raises.next = self.finds_entries.val() & !self.stored.q.val().late;
        self.data.next = self.word.q.val();
        self.becomes_armed.next = self
            .data
            .val()
            .get_bit(abi::queue_state::receive_interrupt::armed::SHIFT);
        if self.stored.q.val().valid {
            self.becomes_armed.next = self.wants.val() & self.covered.val();
        }
        self.by_stores.inverts.next = (self.stored.q.val().valid | self.writes_armed.q.val())
            & (self.store_armed.val() != self.becomes_armed.val());
        if !self.stored.q.val().valid {
            self.writes_armed.d.next = false;
        }

        // The row: an entry more, or what firmware says.
        self.row_written.next = self.arrived.q.val() | self.writes_row.q.val();
        self.row_queue.next = self.word_queue.q.val();
        self.row.next = bit_cast::<25, 16>(
            self.data
                .val()
                .get_bits::<16>(abi::queue_state::receive_interrupt::delivered::SHIFT),
        ) | (bit_cast::<25, 8>(
            self.data
                .val()
                .get_bits::<8>(abi::queue_state::receive_interrupt::vector::SHIFT),
        ) << 16)
            | (bit_cast::<25, 1>(
                self.data
                    .val()
                    .get_bits::<1>(abi::queue_state::receive_interrupt::enabled::SHIFT),
            ) << 24);
        if self.arrived.q.val() {
            self.row_queue.next = self.arrived_queue.q.val();
            self.row.next = bit_cast::<25, 16>(self.counted.val())
                | (bit_cast::<25, 9>(self.entry_row.val().get_bits::<9>(16)) << 16);
        } else {
            self.writes_row.d.next = false;
        }
        self.of_entries.write_enable.next = self.row_written.val();
        self.of_entries.write_address.next = self.row_queue.val();
        self.of_entries.write_data.next = self.row.val();
        self.of_stores.write_enable.next = self.row_written.val();
        self.of_stores.write_address.next = self.row_queue.val();
        self.of_stores.write_data.next = self.row.val();

        // What is raised: one vector a cycle.
        self.raises.d.next = false;
        if self.raises_word.q.val() {
            self.raises.d.next = true;
            self.vector.d.next = self
                .data
                .val()
                .get_bits::<8>(abi::queue_state::receive_interrupt::vector::SHIFT);
            self.raises_word.d.next = false;
        } else if self.raises_late.q.val() {
            self.raises.d.next = true;
            self.vector.d.next = self.late_vector.q.val();
            self.raises_late.d.next = false;
        }
        if self.store_raises.val() {
            self.raises.d.next = true;
            self.vector.d.next = self.store_row.val().get_bits::<8>(16);
            self.raises_word.d.next = self.raises_word.q.val();
            self.raises_late.d.next = self.raises_late.q.val();
        }
        if self.waits.q.val() {
            self.raises.d.next = true;
            self.vector.d.next = self.waiting_vector.q.val();
            self.waits.d.next = false;
            self.raises_word.d.next = self.raises_word.q.val();
            self.raises_late.d.next = self.raises_late.q.val();
        }
        if self.entry_raises.val() {
            self.raises.d.next = true;
            self.vector.d.next = self.entry_row.val().get_bits::<8>(16);
            self.waits.d.next = self.store_raises.val();
            self.waiting_vector.d.next = self.store_row.val().get_bits::<8>(16);
            self.raises_word.d.next = self.raises_word.q.val();
            self.raises_late.d.next = self.raises_late.q.val();
        }
        if self.finds_entries.val() & self.stored.q.val().late {
            self.raises_late.d.next = true;
            self.late_vector.d.next = self.store_row.val().get_bits::<8>(16);
        }
        self.raise.next = self.raises.q.val();
        self.raised_vector.next = self.vector.q.val();

        // Queue state.
        self.sets_interval.next = self.writes_interval.q.val();
        self.interval_vector.next = self
            .data
            .val()
            .get_bits::<8>(abi::queue_state::receive_interrupt::vector::SHIFT);
        self.interval.next = self
            .data
            .val()
            .get_bits::<12>(abi::queue_state::receive_interrupt::interval::SHIFT);
        if self.interval_taken.val() {
            self.writes_interval.d.next = false;
        }
        self.settling.next = self.writes_row.q.val()
            | self.writes_armed.q.val()
            | self.raises_word.q.val()
            | self.raises_late.q.val()
            | self.writes_interval.q.val();
        self.index.next = self.configuration.val().index;
        self.word_in.next = self.configuration.val().data;
        if self.configuration.val().valid
            & (self
                .index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_INTERRUPT.to_bits())
        {
            self.word.d.next = self.configuration.val().data;
            self.word_queue.d.next = self.index.val().get_bits::<N>(0);
            self.writes_row.d.next = true;
            self.writes_armed.d.next = true;
            self.raises_word.d.next = self
                .word_in
                .val()
                .get_bit(abi::queue_state::receive_interrupt::due::SHIFT);
            self.writes_interval.d.next = self
                .word_in
                .val()
                .get_bit(abi::queue_state::receive_interrupt::enabled::SHIFT);
        }
        self.save_queue.next = self.saved_queue.val();
        self.by_stores.second_index.next = self.save_queue.val().get_bits::<N>(0);
        self.by_entries.second_index.next = self.save_queue.val().get_bits::<N>(0);
        self.saved_armed.next = self.by_stores.second.val() ^ self.by_entries.second.val();

        if self.reset.val() {
            self.arrived.d.next = false;
            self.stored.d.next.valid = false;
            self.raises.d.next = false;
            self.waits.d.next = false;
            self.writes_row.d.next = false;
            self.writes_armed.d.next = false;
            self.raises_word.d.next = false;
            self.raises_late.d.next = false;
            self.writes_interval.d.next = false;
        }
    }
}
