//! The firmware's reads of host memory that are under way.

use crate::library::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// Four places, each with the token of the command that reads, its queue, whether it wants an answer, and whether it
/// belongs to a chain.
///
/// `place` is the one the next read gets; it counts round, and while that one is taken the table is `full`, though
/// others may be free. `end_answers`, `end_chained` and `end_token` follow `end_place` in the same cycle.
#[derive(LogicBlock)]
pub struct ReadTable {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset.
    pub reset: Signal<In, Bit>,
    /// A read begins at `place`.
    pub start: Signal<In, Bit>,
    /// Of the command that reads.
    pub begin_queue: Signal<In, Bit>,
    /// It wants an answer.
    pub begin_answers: Signal<In, Bit>,
    /// It belongs to a chain.
    pub begin_chained: Signal<In, Bit>,
    /// Of the command that reads.
    pub begin_token: Signal<In, Bits<16>>,
    /// Where the next read goes.
    pub place: Signal<Out, Bits<2>>,
    /// No read may begin.
    pub full: Signal<Out, Bit>,
    /// A read ends.
    pub finish: Signal<In, Bit>,
    /// At which place.
    pub end_place: Signal<In, Bits<2>>,
    /// It wants an answer.
    pub end_answers: Signal<Out, Bit>,
    /// It belongs to a chain.
    pub end_chained: Signal<Out, Bit>,
    /// Of the command whose read has ended.
    pub end_token: Signal<Out, Bits<16>>,
    /// It is one of queue 1.
    pub end_queue: Signal<Out, Bit>,
    /// Queue 0 has reads under way.
    pub outstanding_0: Signal<Out, Bit>,
    /// Queue 1 has reads under way.
    pub outstanding_1: Signal<Out, Bit>,
    entries: LutRam<Bits<18>, 2>,
    next_place: DFF<Bits<2>>,
    taken_0: DFF<Bits<4>>,
    taken_1: DFF<Bits<4>>,
    begin_mask: Signal<Local, Bits<4>>,
    end_mask: Signal<Local, Bits<4>>,
    next_mask: Signal<Local, Bits<4>>,
    one: Constant<Bits<4>>,
}

impl Default for ReadTable {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            start: Default::default(),
            begin_queue: Default::default(),
            begin_answers: Default::default(),
            begin_chained: Default::default(),
            begin_token: Default::default(),
            place: Default::default(),
            full: Default::default(),
            finish: Default::default(),
            end_place: Default::default(),
            end_answers: Default::default(),
            end_chained: Default::default(),
            end_token: Default::default(),
            end_queue: Default::default(),
            outstanding_0: Default::default(),
            outstanding_1: Default::default(),
            entries: Default::default(),
            next_place: Default::default(),
            taken_0: Default::default(),
            taken_1: Default::default(),
            begin_mask: Default::default(),
            end_mask: Default::default(),
            next_mask: Default::default(),
            one: Constant::new(1u32.to_bits()),
        }
    }
}

impl Logic for ReadTable {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, next_place, taken_0, taken_1);
        clock!(self, clock, entries);
        self.entries.write_address.next = self.next_place.q.val();
        self.entries.write_data.next = bit_cast::<18, 16>(self.begin_token.val())
            | (bit_cast::<18, 1>(self.begin_answers.val().into()) << 16)
            | (bit_cast::<18, 1>(self.begin_chained.val().into()) << 17);
        self.entries.write_enable.next = self.start.val();
        self.entries.read_address.next = self.end_place.val();
        self.end_token.next = self.entries.read_data.val().get_bits::<16>(0);
        self.end_answers.next = self.entries.read_data.val().get_bit(16);
        self.end_chained.next = self.entries.read_data.val().get_bit(17);

        self.next_mask.next = self.one.val() << self.next_place.q.val();
        self.begin_mask.next = 0.into();
        self.end_mask.next = 0.into();
        if self.start.val() {
            self.begin_mask.next = self.one.val() << self.next_place.q.val();
            self.next_place.d.next = self.next_place.q.val() + 1;
        }
        if self.finish.val() {
            self.end_mask.next = self.one.val() << self.end_place.val();
        }
        self.end_queue.next = (self.taken_1.q.val() & self.end_mask.val()).any();
        self.taken_0.d.next = self.taken_0.q.val() & !self.end_mask.val();
        self.taken_1.d.next = self.taken_1.q.val() & !self.end_mask.val();
        if self.begin_queue.val() {
            self.taken_1.d.next =
                (self.taken_1.q.val() & !self.end_mask.val()) | self.begin_mask.val();
        } else {
            self.taken_0.d.next =
                (self.taken_0.q.val() & !self.end_mask.val()) | self.begin_mask.val();
        }
        self.place.next = self.next_place.q.val();
        self.full.next =
            ((self.taken_0.q.val() | self.taken_1.q.val()) & self.next_mask.val()).any();
        self.outstanding_0.next = self.taken_0.q.val().any();
        self.outstanding_1.next = self.taken_1.q.val().any();
        if self.reset.val() {
            self.next_place.d.next = 0.into();
            self.taken_0.d.next = 0.into();
            self.taken_1.d.next = 0.into();
        }
    }
}
