//! What others tell of the rows of `TransferEngine`.

use crate::bundles::{Answer, Arrived, ChunkLeft};
use crate::library::fixed::Fixed;
use crate::library::lut_ram::LutRam;
use crate::library::reset_sweep::ResetSweep;
use rust_hdl::prelude::*;

/// Counts what was answered, left and arrived of each row, and keeps its generation. The counts go on from transfer
/// to transfer, modulo 2^7, 2^5 and 2^15: whoever looks at them keeps the count at which he began.
///
/// An answer or data of another generation, and an answer of another node, is thrown away. More answers than frames
/// are not noticed: the peer ends its own transfer early, or never.
///
/// Contract: nothing starts while `clears` is high. `row` stays for the cycle of `starts`, which gives the row the
/// generation `next_generation`, the node `node`, and takes back its marks. `called` has a bit for each row of which
/// something new is seen in the next cycle.
///
/// Latency: `counted` in cycle t is seen in t + 3; `left` and `arrived` in t + 2.
#[derive(LogicBlock, Default)]
pub struct RowNews {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub clears: Signal<Out, Bit>,

    pub counted_valid: Signal<In, Bit>,
    pub counted: Signal<In, Answer>,
    pub left: Signal<In, ChunkLeft>,
    pub arrived: Signal<In, Arrived>,

    /// A row, and what is known of it in the same cycle.
    pub row: Signal<In, Bits<4>>,
    pub starts: Signal<In, Bit>,
    pub node: Signal<In, Bits<10>>,
    pub generation: Signal<Out, Bits<8>>,
    pub next_generation: Signal<Out, Bits<8>>,
    /// Frames that were answered.
    pub answered: Signal<Out, Bits<7>>,
    /// Jobs that left `ChunkSend`.
    pub left_jobs: Signal<Out, Bits<5>>,
    /// Bytes on their way to the own host.
    pub arrived_bytes: Signal<Out, Bits<15>>,
    /// Code of the last answer that was an error; with `refused`.
    pub code: Signal<Out, Bits<4>>,
    /// Takes a mark of `row` back.
    pub forgets_busy: Signal<In, Bit>,
    pub forgets_heard: Signal<In, Bit>,

    /// Marks of all rows: an answer was an error; was BUSY; there was an answer or data; a chunk could not be read.
    pub refused: Signal<Out, Bits<8>>,
    pub busy: Signal<Out, Bits<8>>,
    pub heard: Signal<Out, Bits<8>>,
    pub broken: Signal<Out, Bits<16>>,
    pub called: Signal<Out, Bits<16>>,

    sweep: ResetSweep<4>,
    generations: LutRam<Bits<8>, 4>,
    generations_answered: LutRam<Bits<8>, 4>,
    generations_arrived: LutRam<Bits<8>, 4>,
    nodes: LutRam<Bits<10>, 4>,
    answers: LutRam<Bits<7>, 4>,
    answers_read: LutRam<Bits<7>, 4>,
    lefts: LutRam<Bits<5>, 4>,
    lefts_read: LutRam<Bits<5>, 4>,
    arrivals: LutRam<Bits<15>, 4>,
    arrivals_read: LutRam<Bits<15>, 4>,
    codes: LutRam<Bits<4>, 4>,

    answer_valid: DFF<Bit>,
    answer: DFF<Answer>,
    /// An answer to frames of a row.
    told: DFF<Bit>,
    told_row: DFF<Bits<4>>,
    told_count: DFF<Bits<7>>,
    told_status: DFF<Bits<4>>,
    leaving: DFF<ChunkLeft>,
    arriving: DFF<Arrived>,
    is_refused: DFF<Bits<8>>,
    is_busy: DFF<Bits<8>>,
    is_heard: DFF<Bits<8>>,
    is_broken: DFF<Bits<16>>,

    slot: Signal<Local, Bits<8>>,
    slot_row: Signal<Local, Bits<4>>,
    generation_now: Signal<Local, Bits<8>>,
    generation_next: Signal<Local, Bits<8>>,
    row_mask: Signal<Local, Bits<16>>,
    start_mask: Signal<Local, Bits<16>>,
    told_mask: Signal<Local, Bits<16>>,
    told_busy: Signal<Local, Bit>,
    left_mask: Signal<Local, Bits<16>>,
    broken_mask: Signal<Local, Bits<16>>,
    arrived_mask: Signal<Local, Bits<16>>,
    arrives: Signal<Local, Bit>,
    heard_mask: Signal<Local, Bits<16>>,
    refused_mask: Signal<Local, Bits<16>>,
    busy_mask: Signal<Local, Bits<16>>,
    forgotten_busy: Signal<Local, Bits<16>>,
    forgotten_heard: Signal<Local, Bits<16>>,
    one: Fixed<16, 1>,
    step: Fixed<8, 1>,
    job: Fixed<5, 1>,
    busy_status: Fixed<4, { super::BUSY }>,
}

impl Logic for RowNews {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self,
            clock,
            answer_valid,
            answer,
            told,
            told_row,
            told_count,
            told_status,
            leaving,
            arriving,
            is_refused,
            is_busy,
            is_heard,
            is_broken
        );
        clock!(
            self,
            clock,
            sweep,
            generations,
            generations_answered,
            generations_arrived,
            nodes,
            answers,
            answers_read,
            lefts,
            lefts_read,
            arrivals,
            arrivals_read,
            codes
        );
        self.sweep.reset.next = self.reset.val();
        self.clears.next = self.sweep.clears.val();
        self.row_mask.next = self.one.val() << self.row.val();
        self.start_mask.next = 0.into();
        if self.starts.val() {
            self.start_mask.next = self.one.val() << self.row.val();
        }

        // Generations and nodes.
        self.generation_now.next = self.generations.read_data.val();
        self.generation_next.next = self.generation_now.val() + self.step.val();
        self.generation.next = self.generation_now.val();
        self.next_generation.next = self.generation_next.val();
        self.generations.read_address.next = self.row.val();
        self.generations.write_enable.next = self.starts.val() | self.sweep.clears.val();
        self.generations.write_address.next = self.row.val();
        self.generations.write_data.next = self.generation_next.val();
        self.nodes.write_enable.next = self.starts.val() | self.sweep.clears.val();
        self.nodes.write_address.next = self.row.val();
        self.nodes.write_data.next = self.node.val();
        if self.sweep.clears.val() {
            self.generations.write_address.next = self.sweep.index.val();
            self.generations.write_data.next = 0.into();
            self.nodes.write_address.next = self.sweep.index.val();
            self.nodes.write_data.next = 0.into();
        }
        self.generations_answered.write_enable.next = self.generations.write_enable.val();
        self.generations_answered.write_address.next = self.generations.write_address.val();
        self.generations_answered.write_data.next = self.generations.write_data.val();
        self.generations_arrived.write_enable.next = self.generations.write_enable.val();
        self.generations_arrived.write_address.next = self.generations.write_address.val();
        self.generations_arrived.write_data.next = self.generations.write_data.val();

        // Answers: of the row's generation and node?
        self.answer_valid.d.next = self.counted_valid.val();
        self.answer.d.next = self.counted.val();
        self.slot.next = self.answer.q.val().slot;
        self.slot_row.next = self.slot.val().get_bits::<4>(0);
        self.nodes.read_address.next = self.slot_row.val();
        self.generations_answered.read_address.next = self.slot_row.val();
        self.told.d.next = self.answer_valid.q.val()
            & !self.slot.val().get_bits::<5>(3).any()
            & (self.answer.q.val().node == self.nodes.read_data.val())
            & (self.answer.q.val().generation == self.generations_answered.read_data.val());
        self.told_row.d.next = self.slot_row.val();
        self.told_count.d.next = self.answer.q.val().base;
        self.told_status.d.next = self.answer.q.val().verdict;

        // They count.
        self.answers.read_address.next = self.told_row.q.val();
        self.answers.write_enable.next = self.told.q.val() | self.sweep.clears.val();
        self.answers.write_address.next = self.told_row.q.val();
        self.answers.write_data.next = self.answers.read_data.val() + self.told_count.q.val();
        if self.sweep.clears.val() {
            self.answers.write_address.next = self.sweep.index.val();
            self.answers.write_data.next = 0.into();
        }
        self.answers_read.write_enable.next = self.answers.write_enable.val();
        self.answers_read.write_address.next = self.answers.write_address.val();
        self.answers_read.write_data.next = self.answers.write_data.val();
        self.answers_read.read_address.next = self.row.val();
        self.answered.next = self.answers_read.read_data.val();
        self.codes.write_enable.next =
            (self.told.q.val() & self.told_status.q.val().get_bit(3)) | self.sweep.clears.val();
        self.codes.write_address.next = self.told_row.q.val();
        self.codes.write_data.next = self.told_status.q.val();
        if self.sweep.clears.val() {
            self.codes.write_address.next = self.sweep.index.val();
            self.codes.write_data.next = 0.into();
        }
        self.codes.read_address.next = self.row.val();
        self.code.next = self.codes.read_data.val();
        self.told_mask.next = 0.into();
        if self.told.q.val() {
            self.told_mask.next = self.one.val() << self.told_row.q.val();
        }
        self.told_busy.next = self.told_status.q.val() == self.busy_status.val();
        self.refused_mask.next = 0.into();
        if self.told_status.q.val().get_bit(3) {
            self.refused_mask.next = self.told_mask.val();
        }
        self.busy_mask.next = 0.into();
        if self.told_busy.val() {
            self.busy_mask.next = self.told_mask.val();
        }

        // Jobs that left.
        self.leaving.d.next = self.left.val();
        self.lefts.read_address.next = self.leaving.q.val().row;
        self.lefts.write_enable.next = self.leaving.q.val().valid | self.sweep.clears.val();
        self.lefts.write_address.next = self.leaving.q.val().row;
        self.lefts.write_data.next = self.lefts.read_data.val() + self.job.val();
        if self.sweep.clears.val() {
            self.lefts.write_address.next = self.sweep.index.val();
            self.lefts.write_data.next = 0.into();
        }
        self.lefts_read.write_enable.next = self.lefts.write_enable.val();
        self.lefts_read.write_address.next = self.lefts.write_address.val();
        self.lefts_read.write_data.next = self.lefts.write_data.val();
        self.lefts_read.read_address.next = self.row.val();
        self.left_jobs.next = self.lefts_read.read_data.val();
        self.left_mask.next = 0.into();
        if self.leaving.q.val().valid {
            self.left_mask.next = self.one.val() << self.leaving.q.val().row;
        }
        self.broken_mask.next = 0.into();
        if self.leaving.q.val().broken {
            self.broken_mask.next = self.left_mask.val();
        }

        // Data that arrived.
        self.arriving.d.next = self.arrived.val();
        self.generations_arrived.read_address.next = self.arriving.q.val().row;
        self.arrives.next = self.arriving.q.val().valid
            & (self.arriving.q.val().generation == self.generations_arrived.read_data.val());
        self.arrivals.read_address.next = self.arriving.q.val().row;
        self.arrivals.write_enable.next = self.arrives.val() | self.sweep.clears.val();
        self.arrivals.write_address.next = self.arriving.q.val().row;
        self.arrivals.write_data.next =
            self.arrivals.read_data.val() + bit_cast::<15, 9>(self.arriving.q.val().bytes);
        if self.sweep.clears.val() {
            self.arrivals.write_address.next = self.sweep.index.val();
            self.arrivals.write_data.next = 0.into();
        }
        self.arrivals_read.write_enable.next = self.arrivals.write_enable.val();
        self.arrivals_read.write_address.next = self.arrivals.write_address.val();
        self.arrivals_read.write_data.next = self.arrivals.write_data.val();
        self.arrivals_read.read_address.next = self.row.val();
        self.arrived_bytes.next = self.arrivals_read.read_data.val();
        self.arrived_mask.next = 0.into();
        if self.arrives.val() {
            self.arrived_mask.next = self.one.val() << self.arriving.q.val().row;
        }

        // Marks.
        self.heard_mask.next = self.told_mask.val() | self.arrived_mask.val();
        self.forgotten_busy.next = self.start_mask.val();
        if self.forgets_busy.val() {
            self.forgotten_busy.next = self.row_mask.val();
        }
        self.forgotten_heard.next = self.start_mask.val();
        if self.forgets_heard.val() {
            self.forgotten_heard.next = self.row_mask.val();
        }
        self.is_refused.d.next = (self.is_refused.q.val()
            & !self.start_mask.val().get_bits::<8>(0))
            | self.refused_mask.val().get_bits::<8>(0);
        self.is_busy.d.next = (self.is_busy.q.val() & !self.forgotten_busy.val().get_bits::<8>(0))
            | self.busy_mask.val().get_bits::<8>(0);
        self.is_heard.d.next = (self.is_heard.q.val()
            & !self.forgotten_heard.val().get_bits::<8>(0))
            | self.heard_mask.val().get_bits::<8>(0);
        self.is_broken.d.next =
            (self.is_broken.q.val() & !self.start_mask.val()) | self.broken_mask.val();
        self.refused.next = self.is_refused.q.val();
        self.busy.next = self.is_busy.q.val();
        self.heard.next = self.is_heard.q.val();
        self.broken.next = self.is_broken.q.val();
        self.called.next = self.left_mask.val() | self.arrived_mask.val();
        if !self.told_busy.val() {
            self.called.next =
                self.told_mask.val() | self.left_mask.val() | self.arrived_mask.val();
        }

        if self.reset.val() {
            self.answer_valid.d.next = false;
            self.told.d.next = false;
            self.leaving.d.next.valid = false;
            self.arriving.d.next.valid = false;
            self.is_refused.d.next = 0.into();
            self.is_busy.d.next = 0.into();
            self.is_heard.d.next = 0.into();
            self.is_broken.d.next = 0.into();
        }
    }
}
