//! Host writes to the control registers, one register at a time.

use crate::bundles::{HostWrite, RegisterMaster};
use crate::configuration::REGISTER_WRITES_LOG2;
use crate::library::fifo::Fifo;
use rust_hdl::prelude::*;

/// One lane-beat of BAR0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RegisterBeat {
    /// Which 16 bytes of BAR0.
    pub index: Bits<8>,
    /// The bytes.
    pub data: Bits<128>,
    /// Which of them are written.
    pub enables: Bits<16>,
}

/// Keeps up to 16 lane-beats of writes to BAR0 and carries each out as up to four writes of one register, in address order.
/// Double words without an enabled byte are passed over.
///
/// Latency from `write_valid` to the first `master.write`: 1 cycle, and 1 more for each double word passed over before it. Then
/// one register every 1 + n cycles, `done` coming n cycles after `write`. Writes of other spaces are none of its concern.
#[derive(LogicBlock, Default)]
pub struct RegisterWrites {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: what waits is forgotten.
    pub reset: Signal<In, Bit>,
    /// `write` counts in this cycle.
    pub write_valid: Signal<In, Bit>,
    /// Lanes of a write to any BAR.
    pub write: Signal<In, HostWrite>,
    /// To the registers; writes only.
    pub master: RegisterMaster,
    /// Writes wait or are being carried out, or one comes in this very cycle: a read has to wait.
    pub busy: Signal<Out, Bit>,
    /// Pulse: a lane-beat was lost because as many as may were waiting.
    pub overflow: Signal<Out, Bit>,
    /// Pulse: a write met no register, or one that cannot be written.
    pub refused: Signal<Out, Bit>,
    waiting: Fifo<RegisterBeat, REGISTER_WRITES_LOG2, { REGISTER_WRITES_LOG2 + 1 }>,
    lane: DFF<Bits<2>>,
    asked: DFF<Bit>,
    mine: Signal<Local, Bit>,
    beat_in: Signal<Local, RegisterBeat>,
    address_in: Signal<Local, Bits<25>>,
    data: Signal<Local, Bits<128>>,
    enables: Signal<Local, Bits<16>>,
    lane_data: Signal<Local, Bits<32>>,
    lane_enables: Signal<Local, Bits<4>>,
    present: Signal<Local, Bit>,
    wanted: Signal<Local, Bit>,
    passed: Signal<Local, Bit>,
}

impl Logic for RegisterWrites {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, lane, asked);
        clock!(self, clock, waiting);
        self.waiting.reset.next = self.reset.val();

        self.mine.next = self.write_valid.val()
            & (self.write.val().space == 0)
            & (self.write.val().enables != 0);
        self.address_in.next = self.write.val().address;
        self.beat_in.next.index = self.address_in.val().get_bits::<8>(4);
        self.beat_in.next.data = self.write.val().data;
        self.beat_in.next.enables = self.write.val().enables;
        self.waiting.data_in.next = self.beat_in.val();
        self.waiting.write.next = self.mine.val() & !self.waiting.full.val();
        self.overflow.next = self.mine.val() & self.waiting.full.val();
        self.present.next = !self.waiting.empty.val();
        self.busy.next = self.present.val() | self.mine.val();

        self.data.next = self.waiting.data_out.val().data;
        self.enables.next = self.waiting.data_out.val().enables;
        self.lane_data.next = self.data.val().get_bits::<32>(0);
        self.lane_enables.next = self.enables.val().get_bits::<4>(0);
        if self.lane.q.val() == 1 {
            self.lane_data.next = self.data.val().get_bits::<32>(32);
            self.lane_enables.next = self.enables.val().get_bits::<4>(4);
        }
        if self.lane.q.val() == 2 {
            self.lane_data.next = self.data.val().get_bits::<32>(64);
            self.lane_enables.next = self.enables.val().get_bits::<4>(8);
        }
        if self.lane.q.val() == 3 {
            self.lane_data.next = self.data.val().get_bits::<32>(96);
            self.lane_enables.next = self.enables.val().get_bits::<4>(12);
        }
        self.wanted.next = self.lane_enables.val().any();

        self.master.read.next = false;
        self.master.write.next = self.present.val() & self.wanted.val() & !self.asked.q.val();
        self.master.address.next = (bit_cast::<12, 8>(self.waiting.data_out.val().index) << 4)
            | (bit_cast::<12, 2>(self.lane.q.val()) << 2);
        self.master.data.next = self.lane_data.val();
        self.master.enables.next = self.lane_enables.val();
        if self.present.val() & self.wanted.val() {
            self.asked.d.next = true;
        }
        // On to the next double word when this one is done or not wanted.
        self.passed.next = self.present.val()
            & (!self.wanted.val() | (self.asked.q.val() & self.master.done.val()));
        self.refused.next = self.asked.q.val() & self.master.done.val() & !self.master.hit.val();
        self.waiting.read.next = self.passed.val() & (self.lane.q.val() == 3);
        if self.passed.val() {
            self.lane.d.next = self.lane.q.val() + 1;
            self.asked.d.next = false;
        }
        if self.reset.val() {
            self.lane.d.next = 0.into();
            self.asked.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
