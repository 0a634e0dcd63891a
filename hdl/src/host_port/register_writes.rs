//! Host writes to the control registers, one register at a time.

use crate::bundles::{HostWrite, RegisterMaster};
use crate::configuration::REGISTER_WRITES_LOG2;
use crate::library::commit_fifo::CommitFifo;
use rust_hdl::prelude::*;

const _: () = assert!(
    1 << REGISTER_WRITES_LOG2 >= abi::control::REGISTER_WRITE_LINES,
    "drivers rely on so many lines (contract 1, rule 3)"
);

/// One lane-beat of BAR0.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct RegisterBeat {
    /// Which 16 bytes of BAR0.
    pub index: Bits<10>,
    /// The bytes.
    pub data: Bits<128>,
    /// Which of them are written.
    pub enables: Bits<16>,
}

/// Keeps lane-beats of writes to BAR0 (`host.register_write_beats`, at least
/// `abi::control::REGISTER_WRITE_LINES`) and carries each out as up to four writes of one register,
/// in address order. Double words without an enabled byte are passed over.
///
/// A packet is carried out whole or not at all. Its lane-beats wait until `packet_ended`; the last
/// one comes in the cycle after it at the latest, the next packet's first one in the second cycle
/// after it at the earliest. Those of a malformed packet are dropped. So are those of a packet of
/// which one finds no room, with one pulse of `overflow` for the packet.
///
/// Latency from `packet_ended` to the first `master.write`: 2 cycles, and 1 more for each double
/// word passed over before it. Then one register every 1 + n cycles, `done` coming n cycles after
/// `write`. Writes of other spaces are ignored.
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
    /// Pulse: a packet has ended, of whatever kind.
    pub packet_ended: Signal<In, Bit>,
    /// With `packet_ended`: it was malformed.
    pub packet_malformed: Signal<In, Bit>,
    /// To the registers; writes only.
    pub master: RegisterMaster,
    /// Lane-beats wait or are being carried out, or one comes in this very cycle: a read has to wait.
    pub busy: Signal<Out, Bit>,
    /// Pulse: a packet was dropped because there was no room for all of its lane-beats.
    pub overflow: Signal<Out, Bit>,
    /// Pulse: a write met no register, or one that cannot be written.
    pub refused: Signal<Out, Bit>,
    waiting: CommitFifo<RegisterBeat, REGISTER_WRITES_LOG2, { REGISTER_WRITES_LOG2 + 1 }>,
    ended: DFF<Bit>,
    malformed: DFF<Bit>,
    /// A lane-beat of the packet that comes in has found no room.
    lost: DFF<Bit>,
    lane: DFF<Bits<2>>,
    asked: DFF<Bit>,
    mine: Signal<Local, Bit>,
    incomplete: Signal<Local, Bit>,
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
        dff_setup!(self, clock, ended, malformed, lost, lane, asked);
        clock!(self, clock, waiting);
        self.waiting.reset.next = self.reset.val();

        self.mine.next = self.write_valid.val()
            & (self.write.val().space == 0)
            & (self.write.val().enables != 0);
        self.address_in.next = self.write.val().address;
        self.beat_in.next.index = self.address_in.val().get_bits::<10>(4);
        self.beat_in.next.data = self.write.val().data;
        self.beat_in.next.enables = self.write.val().enables;
        self.waiting.data_in.next = self.beat_in.val();
        self.waiting.write.next = self.mine.val() & !self.waiting.full.val();
        self.incomplete.next = self.lost.q.val() | (self.mine.val() & self.waiting.full.val());
        self.lost.d.next = self.incomplete.val() & !self.ended.q.val();
        self.ended.d.next = self.packet_ended.val();
        self.malformed.d.next = self.packet_malformed.val();
        self.waiting.commit.next = self.ended.q.val();
        self.waiting.discard.next =
            self.ended.q.val() & (self.malformed.q.val() | self.incomplete.val());
        self.overflow.next = self.ended.q.val() & !self.malformed.q.val() & self.incomplete.val();
        self.present.next = !self.waiting.empty.val();
        self.busy.next = self.waiting.stored.val().any() | self.mine.val();

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
        self.master.address.next = (bit_cast::<14, 10>(self.waiting.data_out.val().index) << 4)
            | (bit_cast::<14, 2>(self.lane.q.val()) << 2);
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
            self.ended.d.next = false;
            self.lost.d.next = false;
            self.lane.d.next = 0.into();
            self.asked.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
