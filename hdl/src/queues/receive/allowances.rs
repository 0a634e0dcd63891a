//! How many messages the queue that takes misses accepts for each RQID.

use crate::bundles::ConfigurationWrite;
use crate::library::block_ram::BlockRam;
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// What is accepted for one RQID.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Allowance {
    /// Messages.
    pub count: Bits<7>,
    /// The others are dropped.
    pub drops: Bit,
    /// Bits of a message's number of payload beats (from byte 8 on) that are zero if it fits an entry of the ring that
    /// is away.
    pub too_long: Bits<4>,
}

/// A row with its RQID.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct AllowanceRow {
    /// It is written in this cycle.
    pub write: Bit,
    pub receive_queue_id: Bits<12>,
    pub allowance: Allowance,
}

/// Allowances of 2^`IDS_LOG2` receive queue identifiers, written by firmware (region 5 of `abi::queue_state`) and
/// lowered by the receive engine.
///
/// `held` remembers the row written last. It stands in for the memory, which lags behind it by a cycle and must not be
/// read in the cycle of the write.
///
/// Contract: a row is undefined until firmware writes it. Rows of 2^`IDS_LOG2` or more do not exist, and words for them
/// are ignored. Two words of region 5 are at least two cycles apart. `commit` may come in a cycle with `may_commit`,
/// with the row as it is in that cycle, and never in two consecutive cycles. What was read in the cycle before `change`
/// is old: `settled` is low. Whoever holds a row when `change` comes for its RQID must replace it.
///
/// Latency: `read_id` in cycle t, `allowance` in t + 1. `configuration` in cycle t: `change` in t + 2, and it counts
/// for what is read in t + 2. A commit in t counts for what is read in t.
#[derive(LogicBlock, Default)]
pub struct Allowances<const IDS_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub configuration: Signal<In, ConfigurationWrite>,
    /// Bits of an RQID.
    pub read_id: Signal<In, Bits<12>>,
    /// Of the RQID of the cycle before.
    pub allowance: Signal<Out, Allowance>,
    /// `allowance` counts.
    pub settled: Signal<Out, Bit>,
    /// Firmware's word takes effect in this cycle.
    pub change: Signal<Out, AllowanceRow>,
    pub may_commit: Signal<Out, Bit>,
    /// Pulse: a message of `commit_id` was accepted, whose row is `commit_allowance` until then.
    pub commit: Signal<In, Bit>,
    pub commit_id: Signal<In, Bits<12>>,
    pub commit_allowance: Signal<In, Allowance>,

    rows: BlockRam<Bits<12>, IDS_LOG2>,
    /// Firmware's word, one cycle and two cycles after it came.
    selected: DFF<Bit>,
    word: DFF<Bits<64>>,
    written_id: DFF<Bits<12>>,
    changes: DFF<AllowanceRow>,
    /// Its way to `rows` must not be crossed by that of a commit: `selected`, `changes`, or `changes` a cycle ago.
    busy: DFF<Bit>,
    held: DFF<AllowanceRow>,
    /// The row that `rows` was read for.
    read: DFF<Bits<IDS_LOG2>>,

    index: Signal<Local, Bits<16>>,
    id: Signal<Local, Bits<12>>,
    upper: Signal<Local, Bits<12>>,
    arrives: Signal<Local, Bit>,
    stride_log2: Signal<Local, Bits<4>>,
    stride: Signal<Local, Bits<3>>,
    given: Signal<Local, Allowance>,
    undiminished: Signal<Local, Allowance>,
    lowered: Signal<Local, Allowance>,
    held_id: Signal<Local, Bits<12>>,
    held_allowance: Signal<Local, Allowance>,
    row: Signal<Local, Bits<12>>,
    found: Signal<Local, Allowance>,
    ids_log2: Fixed<4, IDS_LOG2>,
    all_beats: Fixed<4, 15>,
}

impl<const IDS_LOG2: usize> Logic for Allowances<IDS_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, selected, word, written_id, changes, busy, held, read
        );
        clock!(self, clock, rows);

        // Firmware's word.
        self.index.next = self.configuration.val().index;
        self.id.next = self.index.val().get_bits::<12>(0);
        self.upper.next = self.id.val() >> self.ids_log2.val();
        self.arrives.next = self.configuration.val().valid
            & (self
                .index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_RECEIVE_MAP.to_bits())
            & !self.upper.val().any();
        self.selected.d.next = self.arrives.val();
        self.word.d.next = self.configuration.val().data;
        self.written_id.d.next = self.id.val();

        // Strides from 16 to 256 bytes: 4 to 8 become 0 to 4. Entries hold 1, 2, 4, 8 or 16 beats.
        self.stride_log2.next = self
            .word
            .q
            .val()
            .get_bits::<4>(abi::queue_state::receive_map::stride_log2::SHIFT);
        self.stride.next = bit_cast::<3, 2>(self.stride_log2.val().get_bits::<2>(0))
            | (bit_cast::<3, 1>(self.stride_log2.val().get_bit(3).into()) << 2);
        self.given.next.count = self
            .word
            .q
            .val()
            .get_bits::<7>(abi::queue_state::receive_map::allowance::SHIFT);
        self.given.next.drops = self
            .word
            .q
            .val()
            .get_bit(abi::queue_state::receive_map::drops::SHIFT);
        self.given.next.too_long = self.all_beats.val() << self.stride.val();
        self.changes.d.next.write = self.selected.q.val();
        self.changes.d.next.receive_queue_id = self.written_id.q.val();
        self.changes.d.next.allowance = self.given.val();
        self.change.next = self.changes.q.val();
        self.settled.next = !self.changes.q.val().write;
        self.busy.d.next = self.arrives.val() | self.selected.q.val() | self.changes.q.val().write;
        self.may_commit.next = !self.busy.q.val();

        // What is written.
        self.undiminished.next = self.commit_allowance.val();
        self.lowered.next.count = self.undiminished.val().count - 1;
        self.lowered.next.drops = self.undiminished.val().drops;
        self.lowered.next.too_long = self.undiminished.val().too_long;
        self.held.d.next.write = self.commit.val() | self.changes.q.val().write;
        if self.commit.val() {
            self.held.d.next.receive_queue_id = self.commit_id.val();
            self.held.d.next.allowance = self.lowered.val();
        }
        if self.changes.q.val().write {
            self.held.d.next.receive_queue_id = self.changes.q.val().receive_queue_id;
            self.held.d.next.allowance = self.changes.q.val().allowance;
        }
        self.held_id.next = self.held.q.val().receive_queue_id;
        self.held_allowance.next = self.held.q.val().allowance;
        self.rows.write_address.next = self.held_id.val().get_bits::<IDS_LOG2>(0);
        self.rows.write_data.next = bit_cast::<12, 7>(self.held_allowance.val().count)
            | (bit_cast::<12, 1>(self.held_allowance.val().drops.into()) << 7)
            | (bit_cast::<12, 4>(self.held_allowance.val().too_long) << 8);
        self.rows.write_enable.next = self.held.q.val().write;

        // What is read.
        self.rows.read_address.next = self.read_id.val().get_bits::<IDS_LOG2>(0);
        self.read.d.next = self.read_id.val().get_bits::<IDS_LOG2>(0);
        self.row.next = self.rows.read_data.val();
        self.found.next.count = self.row.val().get_bits::<7>(0);
        self.found.next.drops = self.row.val().get_bit(7);
        self.found.next.too_long = self.row.val().get_bits::<4>(8);
        self.allowance.next = self.found.val();
        if self.read.q.val() == self.held_id.val().get_bits::<IDS_LOG2>(0) {
            self.allowance.next = self.held_allowance.val();
        }

        if self.reset.val() {
            self.selected.d.next = false;
            self.changes.d.next.write = false;
            self.busy.d.next = false;
            self.held.d.next.write = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::RECEIVE_QUEUE_IDS_LOG2;
    use crate::gate::{Gate, Random, clock_cycle, ecp5_cells, settle};
    use crate::queues::test_support::configuration;
    use abi::queue_state::{REGION_RECEIVE_MAP, REGION_TRANSLATION, receive_map};
    use std::collections::{HashMap, VecDeque};

    /// Messages, whether those beyond are dropped, base-2 logarithm of an entry's bytes.
    type Given = (u64, bool, u64);

    fn word((count, drops, stride_log2): Given) -> u64 {
        let word = receive_map::allowance::set(0, count);
        let word = receive_map::drops::set(word, drops.into());
        receive_map::stride_log2::set(word, stride_log2) as u64
    }

    /// The row that a word gives: messages, whether those beyond are dropped, and which numbers of beats behind byte 8
    /// fit.
    fn row(unit: Allowance) -> (u64, bool, Vec<bool>) {
        let fits = |beats: u64| (unit.too_long & beats).to_u64() == 0;
        (unit.count.to_u64(), unit.drops, (0..16).map(fits).collect())
    }

    fn expected((count, drops, stride_log2): Given) -> (u64, bool, Vec<bool>) {
        let fits = |beats: u64| beats < 1 << (stride_log2 - 4);
        (count, drops, (0..16).map(fits).collect())
    }

    fn follows_the_reference<const IDS_LOG2: usize>(seed: u64) {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = Allowances::<IDS_LOG2>::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let last = (1u64 << IDS_LOG2) - 1;
        // Few, so that they meet.
        let ids = [0, 1, last / 2, last];
        let mut rows: HashMap<u64, Given> = HashMap::new();
        // Words under way, with the cycle in which they take effect; the row read in the cycle before, as it is then.
        let mut coming: VecDeque<(u64, u64, Given)> = VecDeque::new();
        let mut read: Option<Given> = None;
        let (mut configured, mut committed) = (0, 0);
        let (mut reads, mut commits, mut unsettled) = (0, 0, 0);
        for cycle in 2..30_000u64 {
            let phase = cycle / 400 % 3;
            unit.configuration.next = Default::default();
            if cycle >= configured + 2 && random.chance([3, 100, 30][phase as usize]) {
                configured = cycle;
                let id = ids[random.below(4) as usize];
                let count = random.below(2) * random.below(128);
                let given = (count, random.chance(50), 4 + random.below(5));
                let data = word(given) | receive_map::queue::set(0, 0xff) as u64;
                let (region, beyond) = (random.chance(10), random.chance(10) && last < 0xfff);
                unit.configuration.next = configuration(
                    if region {
                        REGION_TRANSLATION
                    } else {
                        REGION_RECEIVE_MAP
                    },
                    if beyond { id + last + 1 } else { id },
                    data,
                );
                if !region && !beyond {
                    coming.push_back((cycle + 2, id, given));
                }
            }
            let id = ids[random.below(4) as usize];
            unit.read_id.next = id.to_bits();
            unit.commit.next = false;
            settle(&mut unit);

            let change = coming.pop_front_if(|(at, _, _)| *at == cycle);
            assert_eq!(unit.change.val().write, change.is_some(), "cycle {cycle}");
            assert_eq!(unit.settled.val(), change.is_none());
            if let Some((_, id, given)) = change {
                assert_eq!(unit.change.val().receive_queue_id.to_u64(), id);
                let changed = row(unit.change.val().allowance);
                assert_eq!(changed, expected(given));
                unsettled += 1;
            }
            if let Some(given) = read
                && unit.settled.val()
            {
                let found = row(unit.allowance.val());
                assert_eq!(found, expected(given), "cycle {cycle}");
                reads += 1;
            }
            let lowers = ids[random.below(4) as usize];
            if unit.may_commit.val()
                && cycle >= committed + 2
                && random.chance(60)
                && let Some((count, drops, stride_log2)) = rows.get_mut(&lowers)
                && *count > 0
            {
                unit.commit.next = true;
                unit.commit_id.next = lowers.to_bits();
                unit.commit_allowance.next = Allowance {
                    count: count.to_bits(),
                    drops: *drops,
                    too_long: (15u64 << (*stride_log2 - 4) & 15).to_bits(),
                };
                *count -= 1;
                committed = cycle;
                commits += 1;
            }
            settle(&mut unit);
            clock_cycle!(unit, clock);
            if let Some((_, id, given)) = change {
                assert!(!unit.commit.val());
                rows.insert(id, given);
            }
            read = rows.get(&id).copied();
        }
        println!("{reads} reads, {commits} commits, {unsettled} changes");
        assert!(reads > 10_000 && commits > 3_000 && unsettled > 3_000);
    }

    #[test]
    fn the_rows_follow_firmware_and_the_engine() {
        follows_the_reference::<4>(41);
        follows_the_reference::<RECEIVE_QUEUE_IDS_LOG2>(42);
        follows_the_reference::<12>(43);
    }

    #[test]
    fn gate() {
        let (mut configured, mut committed) = (0, 0);
        Gate::new("allowances", Allowances::<5>::default())
            .clock(|unit| &mut unit.clock)
            .run(move |unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.below(300) == 0;
                unit.read_id.next = random.below(40).to_bits();
                unit.configuration.next = Default::default();
                if cycle >= configured + 2 && random.chance(30) {
                    configured = cycle;
                    let region = [REGION_RECEIVE_MAP, REGION_TRANSLATION][random.below(2) as usize];
                    let data = word((random.below(128), random.chance(50), 4 + random.below(5)));
                    unit.configuration.next = configuration(region, random.below(40), data);
                }
                unit.commit.next = cycle >= committed + 2
                    && !unit.reset.next
                    && unit.may_commit.val()
                    && random.chance(40);
                if unit.commit.next {
                    committed = cycle;
                }
                unit.commit_id.next = random.below(32).to_bits();
                unit.commit_allowance.next.count = random.bits();
                unit.commit_allowance.next.drops = random.chance(50);
                unit.commit_allowance.next.too_long = random.bits();
            });
    }

    #[test]
    fn take_block_rams_of_four_bits() {
        for (name, cells, log2) in [
            (
                "configured",
                ecp5_cells(
                    "allowances_cells",
                    Allowances::<RECEIVE_QUEUE_IDS_LOG2>::default(),
                ),
                RECEIVE_QUEUE_IDS_LOG2,
            ),
            (
                "largest",
                ecp5_cells("allowances_4096", Allowances::<12>::default()),
                12,
            ),
        ] {
            let rams = cells.iter().find(|(kind, _)| kind == "DP16KD");
            let expected = (12usize << log2).div_ceil(1 << 14);
            assert_eq!(rams.map(|(_, count)| *count), Some(expected), "{name}");
        }
    }
}
