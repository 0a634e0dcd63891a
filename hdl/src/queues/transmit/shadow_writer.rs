//! Pushes the transmit queues' progress to host memory.

use crate::bundles::{Event, RecordRequest, SavedWords};
use crate::configuration::{
    TRANSMIT_QUEUES_LOG2, TRANSMIT_QUEUES_LOG2_P1, TRANSMIT_QUEUES_LOG2_P2,
};
use crate::library::bit_ram::BitRam;
use crate::library::bit_table::BitTable;
use crate::library::forward_ram::ForwardRam;
use crate::library::head_fifo::HeadFifo;
use crate::library::reset_sweep::ResetSweep;
use crate::library::stream::StreamSource;
use crate::queues::queue_select::QueueWord;
use crate::queues::transmit::signals::{Progress, StorePart};
use rust_hdl::prelude::*;

#[cfg(test)]
mod tests;

/// What the shadow writer does; one queue at a time.
#[derive(Copy, Clone, PartialEq, Debug, LogicState)]
pub enum ShadowState {
    /// Waits for a queue whose line is out of date.
    Select,
    /// Reads what the line says.
    Read,
    /// Offers the descriptor beat.
    Descriptor,
    /// Offers the data beat.
    Data,
    /// Leaves the host's link to messages for a while.
    Rest,
    /// Reads a record that is saved.
    Save,
    /// Gives it to the command executor.
    Saved,
}

/// Writes the shadow line of each of `2^N` transmit queues that changed (V21). `NP1` is `N + 1`, `NP2` one more.
///
/// A queue whose line is out of date waits in a FIFO, once; however often it changes while its turn
/// has not come, one write tells all of it. A queue with shadow address 0 has no line. Firmware's
/// error event of a queue goes out when its turn comes. Of a queue that comes back, the line's second word is left out
/// until its losses are known. Behind a line the writer rests for 16
/// cycles, so that shadow lines never take much of the host's link.
///
/// What it keeps for the lines are the words 2 and 3 of the queues' records, so it gives them to
/// `SAVE_RECORD`: when no line waits, or after 63 lines. So what a queue had to say before is written before its record
/// is saved and its address may change.
///
/// Contract: `progress` and `stores` come in any cycles and never wait. In the `2^N` cycles after reset the bits are
/// cleared: none may have something to tell. (Firmware needs longer to start, and without it there is no queue.)
///
/// Latency: from `progress` to the descriptor beat: 4 cycles.
#[derive(LogicBlock, Default)]
pub struct ShadowWriter<const N: usize, const NP1: usize, const NP2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// Shadow line addresses, multiples of 8.
    pub configuration: Signal<In, QueueWord>,
    /// The answer part of the records.
    pub progress: Signal<In, Progress>,
    /// The store part of the records.
    pub stores: Signal<In, StorePart>,
    /// Write packets.
    pub source: StreamSource,
    /// Pulse: `error_event` counts.
    pub error_event_valid: Signal<Out, Bit>,
    /// `abi::event::kind::QUEUE_ERROR`.
    pub error_event: Signal<Out, Event>,
    /// A record is to be saved.
    pub save: Signal<In, RecordRequest>,
    /// That record.
    pub saved: Signal<Out, SavedWords>,
    /// A line may still be written whose address was read earlier.
    pub holds_address: Signal<Out, Bit>,
    /// Pulse: a shadow line was written.
    pub written: Signal<Out, Bit>,

    /// Queues that wait because of an answer, and because of a store. There is room for one that enters as it is taken.
    by_answer: HeadFifo<Bits<N>, NP1, NP2>,
    by_store: HeadFifo<Bits<N>, NP1, NP2>,
    waits: BitTable<N>,
    /// An error event of a queue is due if its bits differ: one is inverted when it becomes due,
    /// the other when it goes out.
    reports: BitRam<N>,
    reported: BitRam<N>,
    sweep: ResetSweep<N>,
    /// Address 64, whether there is one 1.
    addresses: ForwardRam<Bits<65>, N>,
    /// consumer 16, errors 12, error 4, failed 1.
    answers: ForwardRam<Bits<33>, N>,
    /// producer 16, errors 12, error 4.
    store_parts: ForwardRam<Bits<32>, N>,
    /// lost_from 16, losses 4, whether they are known 1.
    all_losses: ForwardRam<Bits<21>, N>,
    state: DFF<ShadowState>,
    selected: DFF<Bits<N>>,
    is_reported: DFF<Bit>,
    address: DFF<Bits<64>>,
    data: DFF<Bits<128>>,
    /// The line's second word counts.
    has_losses: DFF<Bit>,
    rest: DFF<Bits<4>>,
    /// Lines written since a record is to be saved.
    lines: DFF<Bits<6>>,
    saves: Signal<Local, Bit>,
    told_queue: Signal<Local, Bits<8>>,
    new_address: Signal<Local, Bits<64>>,
    told: Signal<Local, Bits<N>>,
    stored_queue: Signal<Local, Bits<8>>,
    stored: Signal<Local, Bits<N>>,
    addressed_queue: Signal<Local, Bits<8>>,
    enters_by_answer: Signal<Local, Bit>,
    enters_by_store: Signal<Local, Bit>,
    takes_answer: Signal<Local, Bit>,
    any: Signal<Local, Bit>,
    takes: Signal<Local, Bit>,
    head: Signal<Local, Bits<N>>,
    head_is_due: Signal<Local, Bit>,
    told_is_due: Signal<Local, Bit>,
    answer_word: Signal<Local, Bits<33>>,
    store_part: Signal<Local, Bits<32>>,
    save_queue: Signal<Local, Bits<8>>,
    losses: Signal<Local, Bits<64>>,
    line: Signal<Local, Bits<128>>,
    offered: Signal<Local, Bits<128>>,
}

/// The shadow writer of the NIU.
pub type DefaultShadowWriter = ShadowWriter<
    { TRANSMIT_QUEUES_LOG2 },
    { TRANSMIT_QUEUES_LOG2_P1 },
    { TRANSMIT_QUEUES_LOG2_P2 },
>;

impl<const N: usize, const NP1: usize, const NP2: usize> Logic for ShadowWriter<N, NP1, NP2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            state,
            selected,
            is_reported,
            address,
            data,
            has_losses,
            rest,
            lines
        );
        clock!(
            self,
            clock,
            by_answer,
            by_store,
            waits,
            reports,
            reported,
            sweep,
            addresses,
            answers,
            store_parts,
            all_losses
        );
        self.by_answer.reset.next = self.reset.val();
        self.by_store.reset.next = self.reset.val();
        self.sweep.reset.next = self.reset.val();
        self.waits.sweeps.next = self.sweep.clears.val();
        self.waits.sweep_index.next = self.sweep.index.val();
        self.reports.clears.next = self.sweep.clears.val();
        self.reports.clear_index.next = self.sweep.index.val();
        self.reported.clears.next = self.sweep.clears.val();
        self.reported.clear_index.next = self.sweep.index.val();

        // What the lines say.
        self.told_queue.next = self.progress.val().queue;
        self.told.next = self.told_queue.val().get_bits::<N>(0);
        self.answers.write_enable.next = self.progress.val().valid;
        self.answers.write_address.next = self.told.val();
        self.answers.write_data.next = bit_cast::<33, 16>(self.progress.val().consumer)
            | (bit_cast::<33, 12>(self.progress.val().errors) << 16)
            | (bit_cast::<33, 4>(self.progress.val().error) << 28)
            | (bit_cast::<33, 1>(self.progress.val().failed.into()) << 32);
        self.stored_queue.next = self.stores.val().queue;
        self.stored.next = self.stored_queue.val().get_bits::<N>(0);
        self.store_parts.write_enable.next = self.stores.val().valid;
        self.store_parts.write_address.next = self.stored.val();
        self.store_parts.write_data.next = bit_cast::<32, 16>(self.stores.val().producer)
            | (bit_cast::<32, 12>(self.stores.val().errors) << 16)
            | (bit_cast::<32, 4>(self.stores.val().error) << 28);
        self.all_losses.write_enable.next =
            self.stores.val().valid & (self.stores.val().has_losses | self.stores.val().begins);
        self.all_losses.write_address.next = self.stored.val();
        self.all_losses.write_data.next = bit_cast::<21, 16>(self.stores.val().producer)
            | (bit_cast::<21, 4>(self.stores.val().losses) << 16)
            | (bit_cast::<21, 1>(self.stores.val().has_losses.into()) << 20);
        self.addressed_queue.next = self.configuration.val().queue;
        self.addresses.write_enable.next = self.configuration.val().address;
        self.addresses.write_address.next = self.addressed_queue.val().get_bits::<N>(0);
        self.new_address.next = self.configuration.val().word;
        self.addresses.write_data.next = bit_cast::<65, 64>(self.new_address.val())
            | (bit_cast::<65, 1>(self.new_address.val().any().into()) << 64);

        // Whose turn it is: those that wait because of an answer first, as stores can be refused in every second cycle.
        self.takes_answer.next = !self.by_answer.empty.val();
        self.any.next = !self.by_answer.empty.val() | !self.by_store.empty.val();
        self.saves.next = self.save.val().valid & (!self.any.val() | self.lines.q.val().all());
        self.takes.next =
            self.any.val() & !self.saves.val() & (self.state.q.val() == ShadowState::Select);
        if self.takes.val() & !self.lines.q.val().all() {
            self.lines.d.next = self.lines.q.val() + 1;
        }
        if !self.save.val().valid {
            self.lines.d.next = 0.into();
        }
        self.head.next = self.by_store.data_out.val();
        if self.takes_answer.val() {
            self.head.next = self.by_answer.data_out.val();
        }
        self.by_answer.read.next = self.takes.val() & self.takes_answer.val();
        self.by_store.read.next = self.takes.val() & !self.takes_answer.val();
        self.waits.clear.next = self.takes.val();
        self.waits.clear_index.next = self.head.val();

        // Who enters. The bit falls as a queue is taken, and what the line says is read behind that.
        self.waits.first_index.next = self.told.val();
        self.waits.second_index.next = self.stored.val();
        self.enters_by_answer.next = self.progress.val().valid
            & self.progress.val().tell
            & (!self.waits.first.val() | (self.takes.val() & (self.head.val() == self.told.val())));
        self.enters_by_store.next = self.stores.val().valid
            & self.stores.val().tell
            & (!self.waits.second.val()
                | (self.takes.val() & (self.head.val() == self.stored.val())))
            & !(self.enters_by_answer.val() & (self.told.val() == self.stored.val()));
        self.by_answer.write.next = self.enters_by_answer.val();
        self.by_answer.data_in.next = self.told.val();
        self.by_store.write.next = self.enters_by_store.val();
        self.by_store.data_in.next = self.stored.val();
        self.waits.set_first.next = self.enters_by_answer.val();
        self.waits.set_second.next = self.enters_by_store.val();

        // Of whom an event is due: it stays due if it becomes so again as the queue is taken.
        self.reports.index.next = self.told.val();
        self.reports.first_index.next = self.head.val();
        self.reports.second_index.next = self.head.val();
        self.reported.index.next = self.head.val();
        self.reported.first_index.next = self.told.val();
        self.reported.second_index.next = self.told.val();
        self.head_is_due.next = self.reports.first.val() ^ self.reported.own.val();
        self.told_is_due.next = self.reports.own.val() ^ self.reported.first.val();
        self.reported.inverts.next = self.takes.val() & self.head_is_due.val();
        self.reports.inverts.next = self.progress.val().valid
            & self.progress.val().report
            & (!self.told_is_due.val() | (self.takes.val() & (self.head.val() == self.told.val())));

        self.addresses.read_address.next = self.selected.q.val();
        self.answers.read_address.next = self.selected.q.val();
        self.store_parts.read_address.next = self.selected.q.val();
        self.all_losses.read_address.next = self.selected.q.val();
        if self.takes.val() {
            self.addresses.read_address.next = self.head.val();
            self.answers.read_address.next = self.head.val();
            self.store_parts.read_address.next = self.head.val();
            self.all_losses.read_address.next = self.head.val();
        }
        self.answer_word.next = self.answers.read_data.val();
        self.store_part.next = self.store_parts.read_data.val();
        self.saved.next.done = self.state.q.val() == ShadowState::Saved;
        self.saved.next.second = self.answer_word.val();
        self.saved.next.third = bit_cast::<33, 16>(self.store_part.val().get_bits::<16>(0));
        self.save_queue.next = self.save.val().queue;
        self.losses.next = (bit_cast::<64, 4>(self.all_losses.read_data.val().get_bits::<4>(16))
            << abi::message::shadow_losses::losses::SHIFT.to_bits::<8>())
            | (bit_cast::<64, 16>(self.all_losses.read_data.val().get_bits::<16>(0))
                << abi::message::shadow_losses::lost_from::SHIFT.to_bits::<8>());
        self.line.next = bit_cast::<128, 32>(self.answer_word.val().get_bits::<32>(0))
            | (bit_cast::<128, 16>(self.store_part.val().get_bits::<16>(16))
                << abi::message::shadow::store_errors::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 1>(self.answer_word.val().get_bits::<1>(32))
                << abi::message::shadow::failed::SHIFT.to_bits::<8>())
            | (bit_cast::<128, 64>(self.losses.val()) << 64);

        self.written.next = false;
        self.error_event_valid.next =
            self.is_reported.q.val() & (self.state.q.val() == ShadowState::Read);
        self.error_event.next.kind = abi::event::kind::QUEUE_ERROR.to_bits();
        self.error_event.next.index = bit_cast::<12, N>(self.selected.q.val());
        self.error_event.next.code = bit_cast::<8, 4>(self.answer_word.val().get_bits::<4>(28));
        self.error_event.next.data = 0.into();

        self.holds_address.next = (self.state.q.val() == ShadowState::Read)
            | (self.state.q.val() == ShadowState::Descriptor)
            | (self.state.q.val() == ShadowState::Data);
        self.source.valid.next = false;
        self.offered.next = self.data.q.val();
        if self.state.q.val() == ShadowState::Descriptor {
            self.offered.next = bit_cast::<128, 64>(self.address.q.val())
                | (abi::message::SHADOW_LOSSES_OFFSET.to_bits::<128>() << 64);
            if self.has_losses.q.val() {
                self.offered.next = bit_cast::<128, 64>(self.address.q.val())
                    | (abi::message::SHADOW_BYTES.to_bits::<128>() << 64);
            }
        }
        self.source.beat.next.data = self.offered.val();
        self.source.beat.next.last = self.state.q.val() == ShadowState::Data;
        match self.state.q.val() {
            ShadowState::Select => {
                self.selected.d.next = self.head.val();
                self.is_reported.d.next = self.head_is_due.val();
                if self.any.val() {
                    self.state.d.next = ShadowState::Read;
                }
                if self.saves.val() {
                    self.selected.d.next = self.save_queue.val().get_bits::<N>(0);
                    self.state.d.next = ShadowState::Save;
                }
            }
            ShadowState::Read => {
                self.address.d.next = self.addresses.read_data.val().get_bits::<64>(0);
                self.data.d.next = self.line.val();
                self.has_losses.d.next = self.all_losses.read_data.val().get_bit(20);
                self.state.d.next = ShadowState::Descriptor;
                if !self.addresses.read_data.val().get_bit(64) {
                    self.state.d.next = ShadowState::Select;
                }
            }
            ShadowState::Descriptor => {
                self.source.valid.next = true;
                if self.source.ready.val() {
                    self.state.d.next = ShadowState::Data;
                }
            }
            ShadowState::Data => {
                self.source.valid.next = true;
                self.rest.d.next = 0.into();
                if self.source.ready.val() {
                    self.written.next = true;
                    self.state.d.next = ShadowState::Rest;
                }
            }
            ShadowState::Save => {
                self.state.d.next = ShadowState::Saved;
            }
            ShadowState::Saved => {
                if !self.save.val().valid {
                    self.state.d.next = ShadowState::Select;
                }
            }
            _ => {
                // Rest.
                self.rest.d.next = self.rest.q.val() + 1;
                if self.rest.q.val().all() {
                    self.state.d.next = ShadowState::Select;
                }
            }
        }
        if self.reset.val() {
            self.state.d.next = ShadowState::Select;
            self.is_reported.d.next = false;
        }
    }
}
