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
    /// Whose page it was.
    pub endpoint: Bits<12>,
    /// Its producer index before.
    pub producer: Bits<16>,
    pub index: Bits<16>,
    pub enables: Bits<16>,
    pub data: Bits<128>,
}

/// `2^N` captured stores (V16), in the order in which they came, whatever their endpoints; `NP1` is `N + 1`. There is
/// `room` for fewer than `LIMIT`. Each is reported to the firmware, in that order too.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use std::collections::VecDeque;

    fn random_store(random: &mut Random) -> CapturedStore {
        CapturedStore {
            express: random.chance(50),
            body: random.chance(50),
            endpoint: random.bits(),
            producer: random.bits(),
            index: random.bits(),
            enables: random.bits(),
            data: random.bits(),
        }
    }

    /// A writer that looks at `room` three cycles before it writes, and writes in every cycle, loses nothing.
    #[test]
    fn stores_come_out_in_order_and_each_is_reported_once() {
        let seed = 17;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = CaptureBuffer::<4, 5, 12>::default();
        unit.connect_all();
        settle(&mut unit);
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        // Each with the cycle from which on it is seen.
        let mut stores: VecDeque<(CapturedStore, u64)> = VecDeque::new();
        let mut reports: VecDeque<(Bits<12>, u64)> = VecDeque::new();
        let (mut level_before, mut had_room) = (0, [false; 3]);
        let (mut fullest, mut refused) = (0, 0);
        for cycle in 0..6000 {
            let writes = had_room[2] && random.chance(if cycle / 300 % 2 == 0 { 95 } else { 20 });
            let store = random_store(&mut random);
            unit.write.next = writes;
            unit.store.next = store;
            unit.read.next = false;
            unit.report_ready.next = false;
            settle(&mut unit);
            let oldest = stores.front().filter(|(_, from)| *from <= cycle).copied();
            let report = reports.front().filter(|(_, from)| *from <= cycle).copied();
            assert_eq!(unit.empty.val(), oldest.is_none(), "cycle {cycle}");
            assert_eq!(unit.report_valid.val(), report.is_some(), "cycle {cycle}");
            if cycle > 0 {
                assert_eq!(unit.room.val(), level_before < 12, "cycle {cycle}");
            }
            level_before = stores.len();
            fullest = fullest.max(stores.len());
            refused += u64::from(!unit.room.val());
            if let Some((endpoint, _)) = report {
                assert_eq!(unit.report.val(), endpoint);
                if random.chance(40) {
                    unit.report_ready.next = true;
                    reports.pop_front();
                }
            }
            if let Some((store, _)) = oldest {
                assert_eq!(unit.oldest.val(), store);
                // A store is taken once it was reported.
                if stores.len() > reports.len() && random.chance(40) {
                    unit.read.next = true;
                    stores.pop_front();
                }
            }
            if writes {
                stores.push_back((store, cycle + 2));
                reports.push_back((store.endpoint, cycle + 2));
            }
            assert!(stores.len() <= 16);
            had_room = [unit.room.val(), had_room[0], had_room[1]];
            clock_cycle!(unit, clock);
        }
        assert!(
            fullest > 12 && refused > 100,
            "the corners were not reached"
        );
    }

    #[test]
    fn gate() {
        Gate::new("capture_buffer", CaptureBuffer::<4, 5, 12>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                unit.write.next = unit.room.val() && random.chance(60);
                unit.store.next = random_store(random);
                unit.read.next = random.chance(50);
                unit.report_ready.next = random.chance(50);
            });
    }
}
