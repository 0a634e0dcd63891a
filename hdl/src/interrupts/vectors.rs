//! The MSI-X table, its pending bits, and the messages.

use crate::bundles::{RegisterTarget, write_packet};
use crate::control::writable::ByteMask;
use crate::library::bit_ram::BitRam;
use crate::library::block_ram::BlockRam;
use crate::library::fixed::Fixed;
use crate::library::head_fifo::HeadFifo;
use crate::library::reset_sweep::ResetSweep;
use crate::library::stream::StreamSource;
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// What the table's memory is used for; one thing at a time.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum VectorState {
    /// Nothing: chooses among what there is to do.
    Idle,
    /// The message's address, low half, is there.
    AddressLow,
    /// The high half is there.
    AddressHigh,
    /// The message's data is there.
    Data,
    /// The vector's interval is there: its rest begins.
    Rest,
    /// The rest of the vector that the sweep is at is there.
    Visit,
    /// A vector is looked at again.
    Again,
    /// The word that the host reads or changes is there.
    Access,
    /// The host changes it.
    Write,
    /// Collects pending bits for the host.
    Pending,
    /// The host has its answer.
    Respond,
}

/// MSI-X table and pending bits (PCI Express 6.1.4, 7.7.2), and moderation, of `2^V` = `VECTORS` vectors. `VP1` is
/// `V + 1`, `VP2` one more. Logic and memory exist once for all.
///
/// * A vector that is raised becomes pending and waits in a FIFO, once. When its turn comes and it is neither masked
///   nor at rest, its message is sent and the pending bit falls. Otherwise it leaves the FIFO, stays pending, and
///   enters again when it is unmasked or its rest ends. The bit that it stands in the FIFO falls before anything is
///   looked at, so nothing that happens meanwhile is lost.
/// * While `may_send` is low the FIFO waits, and the pending bits stand.
/// * A vector with an interval rests behind each message. The sweep counts a vector's rest down once in 256 cycles, or
///   less often if so many rest that it takes longer. A rest lasts for the interval at least, and for two units more
///   at most if few vectors rest. The sweep stands still while none rests.
/// * `stops` clears everything that is pending and every rest; the table stays. While it is high nothing becomes
///   pending.
/// * After reset every vector is masked; addresses and data are undefined.
///
/// The table's memory has four words of 32 bits a vector: address low and high, data, and in the place of the vector
/// control, whose only bit stands apart, `interval` (bits 11:0) and what is left of the rest (bits 28:16).
///
/// Registers: table and pending bits at their offsets in BAR0; beyond them nothing is hit. Bytes of a word may be
/// written by themselves. The host's accesses wait while a message is not yet taken at `source`; so an answer never
/// overtakes the message of a vector that the host has masked before, if the one who passes both on keeps their order.
///
/// Contract: `raise` may come in every second cycle on average. `interval` and `interval_vector` stay from
/// `sets_interval` until `interval_taken`; no vector is raised whose interval was never set. In the `2^V` cycles after
/// reset the bits are cleared: nothing may be raised.
///
/// Latency: `raise` in cycle t, descriptor beat offered in t + 4, if nothing else is to do.
#[derive(LogicBlock, Default)]
pub struct InterruptVectors<
    const V: usize,
    const VP1: usize,
    const VP2: usize,
    const VECTORS: usize,
> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// Pulse: an interrupt of the vector is due.
    pub raise: Signal<In, Bit>,
    pub raised_vector: Signal<In, Bits<8>>,
    /// The interval of a vector is to be set.
    pub sets_interval: Signal<In, Bit>,
    pub interval_vector: Signal<In, Bits<8>>,
    pub interval: Signal<In, Bits<12>>,
    pub interval_taken: Signal<Out, Bit>,
    /// MSI-X Enable, not Function Mask, Bus Master Enable.
    pub may_send: Signal<In, Bit>,
    /// The NIU's requests are stopped (`Quiesce`).
    pub stops: Signal<In, Bit>,
    /// The host's accesses; `address` is that in BAR0.
    pub registers: RegisterTarget,
    /// Write packets of one double word.
    pub source: StreamSource,
    /// Pulse: a message was handed over.
    pub sent: Signal<Out, Bit>,

    entries: BlockRam<Bits<32>, VP2>,
    due: HeadFifo<Bits<V>, VP1, VP2>,
    /// Pending: these differ. One is inverted when the vector is raised, the other when its message is sent.
    raised: BitRam<V>,
    done: BitRam<V>,
    /// In the FIFO: these differ.
    entered: BitRam<V>,
    left: BitRam<V>,
    unmasked: BitRam<V>,
    resting: BitRam<V>,
    sweep: ResetSweep<V>,
    /// `sweep` clears the masks too.
    cold: DFF<Bit>,
    /// Everything pending is to be cleared; and whether `stops` was high in the cycle before.
    clears: DFF<Bit>,
    stopped: DFF<Bit>,

    state: DFF<VectorState>,
    vector: DFF<Bits<V>>,
    /// The host's turn comes before the next message.
    host_next: DFF<Bit>,
    message_valid: DFF<Bit>,
    described: DFF<Bit>,
    address_low: DFF<Bits<32>>,
    address_high: DFF<Bits<32>>,
    message: DFF<Bits<32>>,

    /// The host waits; it writes; there is such a register; the word that it reads; the pending bits collected.
    asked: DFF<Bit>,
    writes: DFF<Bit>,
    found: DFF<Bit>,
    held: DFF<Bits<32>>,
    collected: DFF<Bits<5>>,
    /// It has unmasked the vector, which may be pending.
    looks: DFF<Bit>,

    /// The rests' clock: it counts while some vector rests.
    runs: DFF<Bit>,
    ticks: DFF<Bits<8>>,
    round: DFF<Bit>,
    place: DFF<Bits<V>>,
    /// In this round some vector rested.
    seen: DFF<Bit>,

    idle: Signal<Local, Bit>,
    begins: Signal<Local, Bit>,
    head: Signal<Local, Bits<V>>,
    visits: Signal<Local, Bit>,
    takes_interval: Signal<Local, Bit>,
    serves_host: Signal<Local, Bit>,
    may_pop: Signal<Local, Bit>,
    pops: Signal<Local, Bit>,
    goes: Signal<Local, Bit>,
    is_pending: Signal<Local, Bit>,
    raises: Signal<Local, Bit>,
    raise_index: Signal<Local, Bits<8>>,
    pushed: Signal<Local, Bits<V>>,
    pushes: Signal<Local, Bit>,
    passes: Signal<Local, Bit>,
    enters: Signal<Local, Bit>,
    was_pending: Signal<Local, Bit>,
    was_in: Signal<Local, Bit>,
    interval_index: Signal<Local, Bits<8>>,
    word: Signal<Local, Bits<32>>,
    length: Signal<Local, Bits<13>>,
    last_of: Signal<Local, Bits<13>>,
    rest_left: Signal<Local, Bits<13>>,
    rests: Signal<Local, Bit>,
    number: Signal<Local, Bits<V>>,
    place_in_entry: Signal<Local, Bits<2>>,
    asked_address: Signal<Local, Bits<14>>,
    page: Signal<Local, Bits<2>>,
    table_word: Signal<Local, Bits<VP2>>,
    host_vector: Signal<Local, Bits<V>>,
    is_table: Signal<Local, Bit>,
    is_pending_bits: Signal<Local, Bit>,
    is_control: Signal<Local, Bit>,
    entry_number: Signal<Local, Bits<15>>,
    first_bit: Signal<Local, Bits<15>>,
    bit_number: Signal<Local, Bits<15>>,
    is_set: Signal<Local, Bit>,
    host_data: Signal<Local, Bits<32>>,
    is_masked: Signal<Local, Bit>,
    new_mask: Signal<Local, Bit>,
    changes_mask: Signal<Local, Bit>,
    enables: Signal<Local, Bits<4>>,
    byte_mask: ByteMask,
    merged: Signal<Local, Bits<32>>,
    describes: Signal<Local, Bits<128>>,
    table_page: Fixed<2, { abi::interrupt::TABLE_OFFSET >> 12 }>,
    pending_page: Fixed<2, { abi::interrupt::PENDING_OFFSET >> 12 }>,
    vectors: Fixed<15, VECTORS>,
    least_bits: Fixed<15, 64>,
    aligned: Fixed<32, 0xffff_fffc>,
    units_more: Fixed<13, 2>,
    one_unit: Fixed<32, { 1 << 16 }>,
    message_bytes: Fixed<16, 4>,
    interval_place: Fixed<VP2, 3>,
}

impl<const V: usize, const VP1: usize, const VP2: usize, const VECTORS: usize> Logic
    for InterruptVectors<V, VP1, VP2, VECTORS>
{
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            cold,
            clears,
            stopped,
            state,
            vector,
            host_next,
            message_valid,
            described,
            address_low,
            address_high,
            message,
            asked,
            writes,
            held,
            collected,
            found,
            looks,
            runs,
            ticks,
            round,
            place,
            seen
        );
        clock!(
            self, clock, entries, due, raised, done, entered, left, unmasked, resting, sweep
        );

        // Clearing: all of it after reset, all but the masks when the NIU stops.
        self.stopped.d.next = self.stops.val();
        self.idle.next = (self.state.q.val() == VectorState::Idle) & !self.sweep.clears.val();
        self.begins.next = self.clears.q.val() & self.idle.val();
        if self.begins.val() {
            self.clears.d.next = false;
        }
        if self.stops.val() & !self.stopped.q.val() {
            self.clears.d.next = true;
        }
        if !self.sweep.clears.val() {
            self.cold.d.next = false;
        }
        self.sweep.reset.next = self.reset.val() | self.begins.val();
        self.due.reset.next = self.reset.val() | self.begins.val();
        self.raised.clears.next = self.sweep.clears.val();
        self.raised.clear_index.next = self.sweep.index.val();
        self.done.clears.next = self.sweep.clears.val();
        self.done.clear_index.next = self.sweep.index.val();
        self.entered.clears.next = self.sweep.clears.val();
        self.entered.clear_index.next = self.sweep.index.val();
        self.left.clears.next = self.sweep.clears.val();
        self.left.clear_index.next = self.sweep.index.val();
        self.resting.clears.next = self.sweep.clears.val();
        self.resting.clear_index.next = self.sweep.index.val();
        self.unmasked.clears.next = self.sweep.clears.val() & self.cold.q.val();
        self.unmasked.clear_index.next = self.sweep.index.val();

        // What the host asks for.
        self.asked_address.next = self.registers.address.val();
        self.page.next = self.asked_address.val().get_bits::<2>(12);
        self.table_word.next = self.asked_address.val().get_bits::<VP2>(2);
        self.host_vector.next = self.asked_address.val().get_bits::<V>(4);
        self.entry_number.next = bit_cast::<15, 8>(self.asked_address.val().get_bits::<8>(4));
        self.is_table.next = (self.page.val() == self.table_page.val())
            & (self.entry_number.val() < self.vectors.val());
        self.first_bit.next = bit_cast::<15, 10>(self.asked_address.val().get_bits::<10>(2)) << 5;
        self.is_pending_bits.next = (self.page.val() == self.pending_page.val())
            & ((self.first_bit.val() < self.vectors.val())
                | (self.first_bit.val() < self.least_bits.val()));
        self.is_control.next = self.asked_address.val().get_bits::<2>(2) == 3;
        if self.registers.read.val() | self.registers.write.val() {
            self.asked.d.next = true;
            self.writes.d.next = self.registers.write.val();
        }

        // Whose turn it is: rests, which must end in time; intervals; then messages and the host, by turns.
        self.head.next = self.due.data_out.val();
        self.resting.second_index.next = self.place.q.val();
        self.visits.next =
            self.idle.val() & !self.clears.q.val() & self.round.q.val() & self.resting.second.val();
        self.takes_interval.next =
            self.idle.val() & !self.clears.q.val() & !self.visits.val() & self.sets_interval.val();
        self.may_pop.next = self.idle.val()
            & !self.clears.q.val()
            & !self.visits.val()
            & !self.sets_interval.val()
            & !self.due.empty.val()
            & self.may_send.val()
            & !self.stops.val()
            & !self.message_valid.q.val();
        self.serves_host.next = self.idle.val()
            & !self.clears.q.val()
            & !self.visits.val()
            & !self.sets_interval.val()
            & self.asked.q.val()
            & !self.message_valid.q.val()
            & (self.host_next.q.val() | !self.may_pop.val());
        self.pops.next = self.may_pop.val() & !(self.asked.q.val() & self.host_next.q.val());
        self.interval_taken.next = self.takes_interval.val();

        // The head: it leaves the FIFO, and its message is sent or not.
        self.done.index.next = self.head.val();
        self.raised.first_index.next = self.head.val();
        self.unmasked.first_index.next = self.head.val();
        self.resting.first_index.next = self.head.val();
        self.left.index.next = self.head.val();
        self.is_pending.next = self.raised.first.val() ^ self.done.own.val();
        self.goes.next = self.pops.val()
            & self.is_pending.val()
            & self.unmasked.first.val()
            & !self.resting.first.val();
        self.due.read.next = self.pops.val();
        self.left.inverts.next = self.pops.val();
        self.done.inverts.next = self.goes.val();

        // What enters: a vector that is raised, else one that is looked at again.
        self.raises.next =
            self.raise.val() & !self.stops.val() & !self.clears.q.val() & !self.sweep.clears.val();
        self.raise_index.next = self.raised_vector.val();
        self.pushed.next = self.vector.q.val();
        if self.raises.val() {
            self.pushed.next = self.raise_index.val().get_bits::<V>(0);
        }
        self.pushes.next = self.raises.val() | (self.state.q.val() == VectorState::Again);
        self.raised.index.next = self.pushed.val();
        self.done.first_index.next = self.pushed.val();
        self.was_pending.next = self.raised.own.val() ^ self.done.first.val();
        self.passes.next = self.head.val() == self.pushed.val();
        self.raised.inverts.next =
            self.raises.val() & (!self.was_pending.val() | (self.goes.val() & self.passes.val()));
        self.entered.index.next = self.pushed.val();
        self.left.first_index.next = self.pushed.val();
        self.was_in.next = self.entered.own.val() ^ self.left.first.val();
        self.enters.next =
            self.pushes.val() & (!self.was_in.val() | (self.pops.val() & self.passes.val()));
        self.entered.inverts.next = self.enters.val();
        self.due.write.next = self.enters.val();
        self.due.data_in.next = self.pushed.val();

        // Pending bits for the host, one a cycle.
        self.bit_number.next = self.first_bit.val() | bit_cast::<15, 5>(self.collected.q.val());
        self.raised.second_index.next = self.bit_number.val().get_bits::<V>(0);
        self.done.second_index.next = self.bit_number.val().get_bits::<V>(0);
        self.is_set.next = (self.raised.second.val() ^ self.done.second.val())
            & (self.bit_number.val() < self.vectors.val());
        self.entered.first_index.next = self.pushed.val();
        self.entered.second_index.next = self.pushed.val();
        self.left.second_index.next = self.pushed.val();

        // The host's word.
        self.byte_mask.enables.next = self.registers.enables.val();
        self.enables.next = self.registers.enables.val();
        self.merged.next = (self.held.q.val() & !self.byte_mask.mask.val())
            | (self.registers.data.val() & self.byte_mask.mask.val());
        self.host_data.next = self.registers.data.val();
        self.is_masked.next = !self.unmasked.own.val();
        self.new_mask.next = self.host_data.val().get_bit(0);
        self.unmasked.index.next = self.host_vector.val();
        self.unmasked.second_index.next = self.host_vector.val();
        self.changes_mask.next = (self.state.q.val() == VectorState::Write)
            & self.is_control.val()
            & self.enables.val().get_bit(0);
        self.unmasked.inverts.next =
            self.changes_mask.val() & (self.unmasked.own.val() == self.new_mask.val());

        // Rests.
        self.word.next = self.entries.read_data.val();
        self.length.next = bit_cast::<13, 12>(self.word.val().get_bits::<12>(0));
        self.last_of.next = self.word.val().get_bits::<13>(16) - 1;
        self.rest_left.next = self.last_of.val();
        if self.state.q.val() == VectorState::Rest {
            self.rest_left.next = self.length.val() + self.units_more.val();
        }
        self.rests.next = (self.state.q.val() == VectorState::Rest) & self.length.val().any();
        self.resting.index.next = self.vector.q.val();
        self.resting.inverts.next = self.rests.val()
            | ((self.state.q.val() == VectorState::Visit) & !self.last_of.val().any());
        if self.runs.q.val() {
            self.ticks.d.next = self.ticks.q.val() + 1;
            if self.ticks.q.val().all() & !self.round.q.val() {
                self.round.d.next = true;
                self.place.d.next = 0.into();
                self.seen.d.next = false;
            }
        }
        if self.round.q.val()
            & (!self.resting.second.val() | (self.state.q.val() == VectorState::Visit))
        {
            self.place.d.next = self.place.q.val() + 1;
            if self.place.q.val().all() {
                self.round.d.next = false;
                self.runs.d.next = self.seen.q.val();
            }
        }
        if self.rests.val() | (self.state.q.val() == VectorState::Visit) {
            self.seen.d.next = true;
            self.runs.d.next = true;
        }

        // Memory.
        self.number.next = self.vector.q.val();
        if self.idle.val() {
            self.number.next = self.head.val();
            if self.visits.val() {
                self.number.next = self.place.q.val();
            }
        }
        self.place_in_entry.next = 0.into();
        if self.visits.val() | (self.state.q.val() == VectorState::Data) {
            self.place_in_entry.next = 3.into();
        }
        if self.state.q.val() == VectorState::AddressLow {
            self.place_in_entry.next = 1.into();
        }
        if self.state.q.val() == VectorState::AddressHigh {
            self.place_in_entry.next = 2.into();
        }
        self.entries.read_address.next = (bit_cast::<VP2, V>(self.number.val()) << 2)
            | bit_cast::<VP2, 2>(self.place_in_entry.val());
        if self.serves_host.val() {
            self.entries.read_address.next = self.table_word.val();
        }
        self.interval_index.next = self.interval_vector.val();
        self.entries.write_enable.next = false;
        self.entries.write_address.next =
            (bit_cast::<VP2, V>(self.vector.q.val()) << 2) | self.interval_place.val();
        self.entries.write_data.next = bit_cast::<32, 12>(self.word.val().get_bits::<12>(0))
            | (bit_cast::<32, 13>(self.rest_left.val()) << 16);
        if self.rests.val() | (self.state.q.val() == VectorState::Visit) {
            self.entries.write_enable.next = true;
        }
        // The rest under way, if there is one, ends at the next visit.
        if self.takes_interval.val() {
            self.entries.write_enable.next = true;
            self.entries.write_address.next =
                (bit_cast::<VP2, V>(self.interval_index.val().get_bits::<V>(0)) << 2)
                    | self.interval_place.val();
            self.entries.write_data.next =
                bit_cast::<32, 12>(self.interval.val()) | self.one_unit.val();
        }
        if (self.state.q.val() == VectorState::Write) & !self.is_control.val() {
            self.entries.write_enable.next = true;
            self.entries.write_address.next = self.table_word.val();
            self.entries.write_data.next = self.merged.val();
        }

        // The message.
        self.describes.next = bit_cast::<128, 32>(self.address_low.q.val() & self.aligned.val())
            | (bit_cast::<128, 32>(self.address_high.q.val()) << 32)
            | (bit_cast::<128, 16>(self.message_bytes.val())
                << write_packet::LENGTH_SHIFT.to_bits::<7>());
        self.source.valid.next = self.message_valid.q.val();
        self.source.beat.next.last = self.described.q.val();
        self.source.beat.next.data = self.describes.val();
        if self.described.q.val() {
            self.source.beat.next.data = bit_cast::<128, 32>(self.message.q.val());
        }
        self.sent.next =
            self.message_valid.q.val() & self.described.q.val() & self.source.ready.val();
        if self.message_valid.q.val() & self.source.ready.val() {
            self.described.d.next = !self.described.q.val();
            if self.described.q.val() {
                self.message_valid.d.next = false;
            }
        }

        self.registers.done.next = self.state.q.val() == VectorState::Respond;
        self.registers.hit.next = self.found.q.val();
        self.registers.read_data.next = self.held.q.val();
        match self.state.q.val() {
            VectorState::Idle => {
                self.collected.d.next = 0.into();
                self.looks.d.next = false;
                if self.pops.val() {
                    self.host_next.d.next = true;
                }
                if self.goes.val() {
                    self.vector.d.next = self.head.val();
                    self.state.d.next = VectorState::AddressLow;
                }
                if self.visits.val() {
                    self.vector.d.next = self.place.q.val();
                    self.state.d.next = VectorState::Visit;
                }
                if self.serves_host.val() {
                    self.vector.d.next = self.host_vector.val();
                    self.host_next.d.next = false;
                    self.found.d.next =
                        self.is_table.val() | (self.is_pending_bits.val() & !self.writes.q.val());
                    self.state.d.next = VectorState::Respond;
                    if self.is_table.val() {
                        self.state.d.next = VectorState::Access;
                    }
                    if self.is_pending_bits.val() & !self.writes.q.val() {
                        self.state.d.next = VectorState::Pending;
                    }
                }
            }
            VectorState::AddressLow => {
                self.address_low.d.next = self.word.val();
                self.state.d.next = VectorState::AddressHigh;
            }
            VectorState::AddressHigh => {
                self.address_high.d.next = self.word.val();
                self.message_valid.d.next = true;
                self.state.d.next = VectorState::Data;
            }
            VectorState::Data => {
                self.message.d.next = self.word.val();
                self.state.d.next = VectorState::Rest;
            }
            VectorState::Visit => {
                self.state.d.next = VectorState::Idle;
                if !self.last_of.val().any() {
                    self.state.d.next = VectorState::Again;
                }
            }
            VectorState::Again => {
                if !self.raises.val() {
                    self.state.d.next = VectorState::Idle;
                }
            }
            VectorState::Access => {
                self.held.d.next = self.word.val();
                if self.is_control.val() {
                    self.held.d.next = bit_cast::<32, 1>(self.is_masked.val().into());
                }
                self.state.d.next = VectorState::Respond;
                if self.writes.q.val() {
                    self.state.d.next = VectorState::Write;
                }
            }
            VectorState::Write => {
                self.looks.d.next = self.changes_mask.val() & !self.new_mask.val();
                self.state.d.next = VectorState::Respond;
            }
            VectorState::Pending => {
                self.held.d.next =
                    (self.held.q.val() >> 1) | (bit_cast::<32, 1>(self.is_set.val().into()) << 31);
                self.collected.d.next = self.collected.q.val() + 1;
                if self.collected.q.val().all() {
                    self.state.d.next = VectorState::Respond;
                }
            }
            VectorState::Respond => {
                self.asked.d.next = false;
                self.state.d.next = VectorState::Idle;
                if self.looks.q.val() {
                    self.state.d.next = VectorState::Again;
                }
            }
            _ => {
                // Rest.
                self.state.d.next = VectorState::Idle;
            }
        }

        if self.reset.val() {
            self.cold.d.next = true;
            self.clears.d.next = false;
            self.stopped.d.next = false;
            self.state.d.next = VectorState::Idle;
            self.host_next.d.next = false;
            self.message_valid.d.next = false;
            self.described.d.next = false;
            self.asked.d.next = false;
            self.runs.d.next = false;
            self.ticks.d.next = 0.into();
            self.round.d.next = false;
        }
    }
}
