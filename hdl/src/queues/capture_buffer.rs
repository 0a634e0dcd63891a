//! Stores to endpoints whose transmit queues are away.

use crate::library::block_fifo::BlockFifo;
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// A store of a message, as it waits for its endpoint's queue.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct CapturedStore {
    /// It is an Express store: `data` is the slot of message `index`.
    pub express: Bit,
    /// It is the first beat of an inline body, or a part of it (`enables`), for the slot of `index`. Neither: the
    /// producer index became `index`.
    pub body: Bit,
    /// Endpoint.
    pub endpoint: Bits<12>,
    /// Its producer index before.
    pub producer: Bits<16>,
    pub index: Bits<16>,
    pub enables: Bits<16>,
    pub data: Bits<128>,
}

/// `2^N` captured stores (V16), in the order in which they came, whatever their endpoints; `NP1` is `N + 1`. There is `room`
/// for fewer than `LIMIT`. Each is
/// reported to the firmware, in that order too.
///
/// Contract: `LIMIT` lies at least 4 below `2^N`, and a store may be written only in the three cycles behind one with
/// `room`. `oldest` counts while not `empty`.
///
/// Latency: two cycles from `write` to `report_valid` and `oldest`.
#[derive(LogicBlock, Default)]
pub struct CaptureBuffer<const N: usize, const NP1: usize, const LIMIT: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub write: Signal<In, Bit>,
    pub store: Signal<In, CapturedStore>,
    pub room: Signal<Out, Bit>,
    pub oldest: Signal<Out, CapturedStore>,
    pub empty: Signal<Out, Bit>,
    /// Removes the oldest store.
    pub read: Signal<In, Bit>,
    /// The endpoint of a store that was not reported yet.
    pub report_valid: Signal<Out, Bit>,
    pub report: Signal<Out, Bits<12>>,
    pub report_ready: Signal<In, Bit>,
    stores: BlockFifo<CapturedStore, N, NP1>,
    reports: BlockFifo<Bits<12>, N, NP1>,
    has_room: DFF<Bit>,
    limit: Fixed<NP1, LIMIT>,
}

/// The capture buffer of the NIU.
pub type DefaultCaptureBuffer = CaptureBuffer<9, 10, 500>;

impl<const N: usize, const NP1: usize, const LIMIT: usize> Logic for CaptureBuffer<N, NP1, LIMIT> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, has_room);
        clock!(self, clock, stores, reports);
        self.stores.reset.next = self.reset.val();
        self.reports.reset.next = self.reset.val();
        self.stores.write.next = self.write.val();
        self.stores.data_in.next = self.store.val();
        self.stores.read.next = self.read.val();
        self.oldest.next = self.stores.data_out.val();
        self.empty.next = self.stores.empty.val();
        // As many reports wait as stores at most.
        self.reports.write.next = self.write.val();
        self.reports.data_in.next = self.store.val().endpoint;
        self.report_valid.next = !self.reports.empty.val();
        self.report.next = self.reports.data_out.val();
        self.reports.read.next = self.report_ready.val();
        self.has_room.d.next = self.stores.level.val() < self.limit.val();
        self.room.next = self.has_room.q.val();
    }
}
