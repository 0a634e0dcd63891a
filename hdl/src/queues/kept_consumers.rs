//! Consumer indices of receive queues, whether they are resident or not.

use crate::library::forward_ram::ForwardRam;
use rust_hdl::prelude::*;

/// A consumer index for the receive side.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct GivenBack {
    /// The other fields count.
    pub valid: Bit,
    /// Resident receive queue.
    pub queue: Bits<8>,
    /// Entries taken since the queue was enabled, modulo 2^16.
    pub index: Bits<16>,
    /// `armed` is for the interrupts; otherwise they leave the queue as it is.
    pub asks: Bit,
    /// An interrupt is wanted.
    pub armed: Bit,
    /// It was kept. A store to another queue may follow in the next cycle.
    pub late: Bit,
}

/// What is kept of an endpoint.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct KeptConsumer {
    /// Consumer index.
    pub index: Bits<16>,
    /// It was stored while the queue was away, and no interrupt knows of `armed` yet.
    pub asks: Bit,
    pub armed: Bit,
}

/// Keeps the consumer index that the host has stored last for each of 2^`ENDPOINTS_LOG2` endpoints (rule 22), and hands
/// indices to the receive side: that of a store to a resident queue in the same cycle, any other in a cycle without
/// one.
///
/// With an index goes the wish for an interrupt: that of each store is handed over once (rule 42), behind an index that
/// was kept if the queue was away.
///
/// When a receive queue comes back (`returns`: its word of the map is written in this cycle), the index that was kept
/// is handed over: six cycles later at the earliest, since until then stores may come that have read the old word. An
/// index is dropped for which a store to the same queue comes first: that one is newer.
///
/// Contract: `extra` only with `extra_ready`. Stores are at least two cycles apart, and so are an index handed over and
/// a later store to the same queue. Two queues that return are at least eight cycles apart.
///
/// Latency: none from `store` to `given`; one cycle at least from `extra`.
#[derive(LogicBlock, Default)]
pub struct KeptConsumers<const ENDPOINTS_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// `index` is kept for this endpoint.
    pub keeps: Signal<In, Bit>,
    pub keeps_endpoint: Signal<In, Bits<12>>,
    pub keeps_index: Signal<In, Bits<16>>,
    /// The store's queue is away.
    pub keeps_away: Signal<In, Bit>,
    pub keeps_armed: Signal<In, Bit>,
    /// It is for a resident queue.
    pub store: Signal<In, GivenBack>,
    pub extra: Signal<In, GivenBack>,
    pub extra_ready: Signal<Out, Bit>,
    pub given: Signal<Out, GivenBack>,
    pub returns: Signal<In, Bit>,
    pub returning_endpoint: Signal<In, Bits<12>>,
    pub returning_queue: Signal<In, Bits<8>>,
    kept: ForwardRam<KeptConsumer, ENDPOINTS_LOG2>,
    waiting: DFF<GivenBack>,
    /// Cycles since a queue returned: five, then it waits for its place.
    age: DFF<Bits<3>>,
    returning: DFF<Bit>,
    endpoint: DFF<Bits<12>>,
    queue: DFF<Bits<8>>,
    returned: Signal<Local, Bit>,
    store_queue: Signal<Local, Bits<8>>,
    address: Signal<Local, Bits<12>>,
    written: Signal<Local, Bits<12>>,
}

impl<const ENDPOINTS_LOG2: usize> Logic for KeptConsumers<ENDPOINTS_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, waiting, age, returning, endpoint, queue);
        clock!(self, clock, kept);
        self.written.next = self.keeps_endpoint.val();
        self.address.next = self.endpoint.q.val();
        self.kept.read_address.next = self.address.val().get_bits::<ENDPOINTS_LOG2>(0);

        // The index of a queue that returns is read all the time, and taken when it is time.
        if self.age.q.val() != 5 {
            self.age.d.next = self.age.q.val() + 1;
        }
        if self.returns.val() {
            self.returning.d.next = true;
            self.endpoint.d.next = self.returning_endpoint.val();
            self.queue.d.next = self.returning_queue.val();
            self.age.d.next = 0.into();
        }
        self.returned.next = self.returning.q.val()
            & (self.age.q.val() == 5)
            & !self.waiting.q.val().valid
            & !self.keeps.val()
            & !self.returns.val();
        // A wish that is handed over is none any more.
        self.kept.write_enable.next = self.keeps.val() | self.returned.val();
        self.kept.write_address.next = self.written.val().get_bits::<ENDPOINTS_LOG2>(0);
        self.kept.write_data.next.index = self.keeps_index.val();
        self.kept.write_data.next.asks = self.keeps_away.val();
        self.kept.write_data.next.armed = self.keeps_armed.val();
        if self.returned.val() {
            self.kept.write_address.next = self.address.val().get_bits::<ENDPOINTS_LOG2>(0);
            self.kept.write_data.next.index = self.kept.read_data.val().index;
            self.kept.write_data.next.asks = false;
        }
        self.extra_ready.next = !self.waiting.q.val().valid & !self.returning.q.val();

        self.given.next = self.store.val();
        self.store_queue.next = self.store.val().queue;
        if !self.store.val().valid {
            self.given.next = self.waiting.q.val();
            self.waiting.d.next.valid = false;
        } else if self.store_queue.val() == self.waiting.q.val().queue {
            self.waiting.d.next.valid = false;
        }
        if self.returned.val() {
            self.returning.d.next = false;
            self.waiting.d.next.valid =
                !(self.store.val().valid & (self.store_queue.val() == self.queue.q.val()));
            self.waiting.d.next.queue = self.queue.q.val();
            self.waiting.d.next.index = self.kept.read_data.val().index;
            self.waiting.d.next.asks = self.kept.read_data.val().asks;
            self.waiting.d.next.armed = self.kept.read_data.val().armed;
            self.waiting.d.next.late = true;
        }
        if self.extra.val().valid {
            self.waiting.d.next = self.extra.val();
        }
        if self.reset.val() {
            self.waiting.d.next.valid = false;
            self.returning.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    /// Whose receive queue is resident: endpoint `e`'s is queue `e + 4`, so that indices can be told apart.
    const ENDPOINTS: u64 = 4;

    fn given(queue: u64, index: u64) -> GivenBack {
        GivenBack {
            valid: true,
            queue: queue.to_bits(),
            index: index.to_bits(),
            ..GivenBack::default()
        }
    }

    /// A store to a resident queue.
    fn stored(queue: u64, index: u64, armed: bool) -> GivenBack {
        GivenBack {
            asks: true,
            armed,
            ..given(queue, index)
        }
    }

    /// Indices only grow here. The receive side sees each store to a resident queue in its cycle, never an older index
    /// behind a newer one, and the index that was kept once a queue is back. The interrupts see the wish of a store
    /// once, and that of the last one in any case.
    #[test]
    fn the_receive_side_has_the_last_index_of_every_queue_that_is_back() {
        let seed = 3;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = KeptConsumers::<2>::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut resident = [false; ENDPOINTS as usize];
        let mut kept = [None; ENDPOINTS as usize];
        let mut seen = [None; ENDPOINTS as usize];
        // Wish of the last store, and whether the interrupts know it.
        let mut wishes = [(false, true); ENDPOINTS as usize];
        let mut late_wishes = 0;
        // Cycle in which each endpoint's index must be there; index of `extra`, and the one that came out.
        let mut due = [None; ENDPOINTS as usize];
        let (mut extra, mut extra_seen) = (0, 0);
        let (mut last_store, mut last_return) = (0, 0);
        // Stores that have read the old word of the map: up to two cycles behind the write.
        let mut pipeline = [None; 3];
        let (mut counter, mut handed, mut dropped) = (0, 0, 0);
        for cycle in 0..30_000u64 {
            let busy = cycle / 500 % 3 != 0;
            unit.keeps.next = false;
            unit.store.next = Default::default();
            unit.extra.next = Default::default();
            unit.returns.next = false;
            // A store goes through three stages, behind the map.
            let fresh =
                (cycle > last_store + 1 && random.chance(if busy { 60 } else { 5 })).then(|| {
                    last_store = cycle;
                    random.below(ENDPOINTS)
                });
            let arrived: Option<(u64, bool)> = pipeline[2];
            pipeline = [None, pipeline[0], pipeline[1]];
            if cycle > last_return + 8 && random.chance(10) {
                let endpoint = random.below(ENDPOINTS);
                if resident[endpoint as usize] && random.chance(60) {
                    resident[endpoint as usize] = false;
                    due[endpoint as usize] = None;
                } else {
                    resident[endpoint as usize] = true;
                    last_return = cycle;
                    due[endpoint as usize] = Some(cycle + 40);
                    unit.returns.next = true;
                    unit.returning_endpoint.next = endpoint.to_bits();
                    unit.returning_queue.next = (endpoint + 4).to_bits();
                }
            }
            pipeline[0] = fresh.map(|endpoint| (endpoint, resident[endpoint as usize]));
            let mut direct = None;
            if let Some((endpoint, is_resident)) = arrived {
                counter += 1;
                kept[endpoint as usize] = Some(counter);
                unit.keeps.next = true;
                unit.keeps_endpoint.next = endpoint.to_bits();
                unit.keeps_index.next = counter.to_bits();
                let armed = random.chance(50);
                unit.keeps_away.next = !is_resident;
                unit.keeps_armed.next = armed;
                wishes[endpoint as usize] = (armed, false);
                if is_resident {
                    direct = Some((endpoint, counter));
                    unit.store.next = stored(endpoint + 4, counter, armed);
                }
            }
            settle(&mut unit);
            if unit.extra_ready.val() && random.chance(5) {
                assert_eq!(extra, extra_seen, "the last one came out");
                extra += 1;
                unit.extra.next = given(1, extra);
                settle(&mut unit);
            }
            let out = unit.given.val();
            if let Some((endpoint, index)) = direct {
                let armed = wishes[endpoint as usize].0;
                assert_eq!(out, stored(endpoint + 4, index, armed), "cycle {cycle}");
            }
            if out.valid {
                let (queue, index) = (out.queue.to_u64(), out.index.to_u64());
                if queue == 1 {
                    extra_seen += 1;
                    assert_eq!(index, extra_seen, "cycle {cycle}");
                } else {
                    let endpoint = (queue - 4) as usize;
                    assert!(
                        seen[endpoint] <= Some(index),
                        "cycle {cycle}: an older index"
                    );
                    seen[endpoint] = Some(index);
                    if out.asks {
                        let (armed, known) = wishes[endpoint];
                        assert!(!known, "cycle {cycle}: a wish comes twice");
                        assert_eq!((out.armed, out.late), (armed, direct.is_none()));
                        wishes[endpoint].1 = true;
                        late_wishes += u64::from(out.late);
                    }
                    handed += u64::from(direct.is_none());
                }
            }
            for endpoint in 0..ENDPOINTS as usize {
                if due[endpoint].is_some_and(|due| due <= cycle) {
                    due[endpoint] = None;
                    dropped += 1;
                    if kept[endpoint].is_some() {
                        assert_eq!(seen[endpoint], kept[endpoint], "cycle {cycle}");
                        assert!(wishes[endpoint].1, "cycle {cycle}: a wish is forgotten");
                    }
                }
            }
            clock_cycle!(unit, clock);
        }
        assert!(
            handed > 500 && dropped > 500 && extra_seen > 100 && late_wishes > 100,
            "{handed} {dropped} {extra_seen} {late_wishes}"
        );
    }

    #[test]
    fn gate() {
        let mut last = 0;
        Gate::new("kept_consumers", KeptConsumers::<2>::default())
            .clock(|unit| &mut unit.clock)
            .cycles(2000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                // All indices are written before one is read.
                unit.keeps.next = cycle < 8 || random.chance(40);
                unit.keeps_endpoint.next = if cycle < 8 {
                    cycle.to_bits()
                } else {
                    random.bits()
                };
                unit.keeps_index.next = random.bits();
                unit.keeps_away.next = random.chance(50);
                unit.keeps_armed.next = random.chance(50);
                unit.store.next = Default::default();
                unit.extra.next = Default::default();
                unit.returns.next = false;
                if cycle < 8 {
                    return;
                }
                if random.chance(30) {
                    let (queue, index) = (random.below(4), random.below(1 << 16));
                    unit.store.next = stored(queue, index, random.chance(50));
                }
                if unit.extra_ready.val() && random.chance(20) {
                    unit.extra.next = given(random.below(4), random.below(1 << 16));
                }
                if cycle > last + 8 && random.chance(20) {
                    last = cycle;
                    unit.returns.next = true;
                    unit.returning_endpoint.next = random.bits();
                    unit.returning_queue.next = random.below(4).to_bits();
                }
            });
    }
}
