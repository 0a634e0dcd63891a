//! Memory of this node that others may reach.

use crate::bundles::{ConfigurationWrite, OwnSegment, SegmentEntry, SegmentQuery};
use crate::library::block_ram::BlockRam;
use crate::library::fixed::Fixed;
use crate::library::reset_sweep::ResetSweep;
use rust_hdl::prelude::*;

/// Base-2 logarithm of the entries: those that firmware writes, and as many for the hardware's.
const LOG2: usize = 9;

/// The segments (region 9 of `abi::queue_state`), each in two words. Firmware writes one of the first
/// `abi::queue_state::SEGMENTS`; a word for any other is ignored. After a reset no segment is valid.
///
/// Contract: a `query` that is valid in a cycle with `grant` is looked up. `grant` is low in a cycle in which a word is
/// written or `engine_query` is valid, and after a reset until all entries are cleared. `engine_query` is looked up
/// unless firmware writes in its cycle: `found` says so in the next one. `own` is written in a cycle with `own_ready`;
/// it may not come with `engine_query`. `changed` is high in the first cycle in which a look-up finds a new entry;
/// `pending` is high from the cycle of the write to that of `changed`. `revised` is `changed` for firmware's words.
///
/// Latency: `grant` or `engine_query` in cycle t, `entry` in t + 1, for one cycle. `configuration` or `own` in cycle t,
/// `changed` in t + 1.
#[derive(LogicBlock, Default)]
pub struct SegmentTable {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    pub configuration: Signal<In, ConfigurationWrite>,
    pub query: Signal<In, SegmentQuery>,
    pub grant: Signal<Out, Bit>,
    pub entry: Signal<Out, SegmentEntry>,
    /// `TransferEngine`.
    pub engine_query: Signal<In, SegmentQuery>,
    pub found: Signal<Out, Bit>,
    pub own: Signal<In, OwnSegment>,
    pub own_ready: Signal<Out, Bit>,
    pub revised: Signal<Out, Bit>,
    /// Pulse: what is looked up from now on is new.
    pub changed: Signal<Out, Bit>,
    pub pending: Signal<Out, Bit>,

    sweep: ResetSweep<LOG2>,
    places: BlockRam<Bits<64>, LOG2>,
    extents: BlockRam<Bits<64>, LOG2>,
    written: DFF<Bit>,
    is_revised: DFF<Bit>,
    is_found: DFF<Bit>,

    index: Signal<Local, Bits<16>>,
    place_written: Signal<Local, Bit>,
    arrives: Signal<Local, Bit>,
    owns: Signal<Local, Bit>,
    own_words: Signal<Local, Bits<128>>,
    own_entry: Signal<Local, SegmentEntry>,
    own_place: Signal<Local, Bits<LOG2>>,
    first_own: Fixed<LOG2, { abi::queue_state::SEGMENTS }>,
}

impl Logic for SegmentTable {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, written, is_revised, is_found);
        clock!(self, clock, sweep, places, extents);
        self.sweep.reset.next = self.reset.val();
        self.index.next = self.configuration.val().index;
        self.arrives.next = self.configuration.val().valid
            & (self
                .index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_SEGMENT.to_bits())
            & (self.index.val().get_bits::<3>(9) == 0);
        // `SEGMENT_PLACE` is even, `SEGMENT_EXTENT` is odd.
        self.place_written.next = !self.index.val().get_bit(0);
        self.own_ready.next = !self.arrives.val() & !self.sweep.clears.val();
        self.owns.next = self.own.val().valid & !self.arrives.val() & !self.sweep.clears.val();
        self.own_entry.next = self.own.val().entry;
        self.own_words.next = self.own_entry.val().words;
        self.own_place.next = bit_cast::<LOG2, 4>(self.own.val().row) | self.first_own.val();
        self.written.d.next = self.arrives.val() | self.owns.val();
        self.changed.next = self.written.q.val();
        self.is_revised.d.next = self.arrives.val();
        self.revised.next = self.is_revised.q.val();
        self.pending.next = self.arrives.val() | self.owns.val() | self.written.q.val();
        self.grant.next = !self.arrives.val()
            & !self.sweep.clears.val()
            & !self.own.val().valid
            & !self.engine_query.val().valid;
        self.is_found.d.next =
            self.engine_query.val().valid & !self.arrives.val() & !self.sweep.clears.val();
        self.found.next = self.is_found.q.val();

        self.places.write_enable.next = self.sweep.clears.val()
            | (self.arrives.val() & self.place_written.val())
            | self.owns.val();
        self.places.write_address.next = self.own_place.val();
        self.places.write_data.next = self.own_words.val().get_bits::<64>(0);
        self.extents.write_enable.next =
            (self.arrives.val() & !self.place_written.val()) | self.owns.val();
        self.extents.write_address.next = self.own_place.val();
        self.extents.write_data.next = self.own_words.val().get_bits::<64>(64);
        if self.arrives.val() {
            self.places.write_address.next = bit_cast::<LOG2, 8>(self.index.val().get_bits::<8>(1));
            self.places.write_data.next = self.configuration.val().data;
            self.extents.write_address.next =
                bit_cast::<LOG2, 8>(self.index.val().get_bits::<8>(1));
            self.extents.write_data.next = self.configuration.val().data;
        }
        if self.sweep.clears.val() {
            self.places.write_address.next = self.sweep.index.val();
            self.places.write_data.next = 0.into();
        }
        self.places.read_address.next = self.query.val().segment;
        self.extents.read_address.next = self.query.val().segment;
        if self.engine_query.val().valid {
            self.places.read_address.next = self.engine_query.val().segment;
            self.extents.read_address.next = self.engine_query.val().segment;
        }
        self.entry.next.words = bit_cast::<128, 64>(self.places.read_data.val())
            | (bit_cast::<128, 64>(self.extents.read_data.val()) << 64);

        if self.reset.val() {
            self.written.d.next = false;
            self.is_revised.d.next = false;
            self.is_found.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};
    use crate::queues::test_support::configuration;
    use abi::queue_state::{REGION_RECEIVE_MAP, REGION_SEGMENT};

    fn new_table() -> SegmentTable {
        let mut unit = SegmentTable::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        unit
    }

    fn words(entry: SegmentEntry) -> [u64; 2] {
        [0, 64].map(|at| entry.words.get_bits::<64>(at).to_u64())
    }

    /// Writes and look-ups of few segments against an array.
    #[test]
    fn a_lookup_finds_the_words_written_last_and_never_half_of_one() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = new_table();
        unit.query.next.valid = true;
        for segment in 0..512u64 {
            unit.query.next.segment = segment.to_bits();
            settle(&mut unit);
            assert!(!unit.grant.val(), "the table is not clear yet");
            clock_cycle!(unit, clock);
        }
        let mut model = [[0u64; 2]; 512];
        // No word was written to these; their extent means nothing.
        for segment in 0..512u64 {
            unit.query.next.segment = segment.to_bits();
            settle(&mut unit);
            assert!(unit.grant.val());
            clock_cycle!(unit, clock);
            settle(&mut unit);
            model[segment as usize] = words(unit.entry.val());
            assert_eq!(model[segment as usize][0], 0);
        }
        let (mut expected, mut changes, mut revises, mut found) = (None, false, false, 0);
        let (mut is_engine, mut owned) = (false, 0);
        for _ in 0..20_000 {
            let mut write = ConfigurationWrite::default();
            if random.chance(20) {
                let region = if random.chance(80) {
                    REGION_SEGMENT
                } else {
                    REGION_RECEIVE_MAP
                };
                let range = if random.chance(80) { 8 } else { 4096 };
                let (index, data) = (random.below(range), random.word());
                write = configuration(region, index, data);
            }
            let is_near = random.chance(80);
            let segment = random.below(if is_near { 4 } else { 512 });
            unit.configuration.next = write;
            unit.query.next.valid = random.chance(70);
            unit.query.next.segment = segment.to_bits();
            let (asks, owns) = (random.chance(20), random.chance(10));
            unit.engine_query.next.valid = asks;
            unit.engine_query.next.segment = (random.below(2) * 256 + random.below(4)).to_bits();
            let (own_row, own_words) = (random.below(4), random.bits::<128>());
            unit.own.next.valid = owns && !asks;
            unit.own.next.row = own_row.to_bits();
            unit.own.next.entry.words = own_words;
            settle(&mut unit);
            assert_eq!(unit.changed.val(), changes);
            assert_eq!(unit.revised.val(), revises);
            assert_eq!(unit.found.val(), expected.is_some() && is_engine);
            if let Some(words_then) = expected.take() {
                assert_eq!(words(unit.entry.val()), words_then);
                found += 1;
            }
            let index = write.index.to_u64();
            let writes = write.valid && index >> 12 == REGION_SEGMENT as u64 && index & 0xfff < 512;
            let is_written = unit.own.val().valid && !writes;
            assert_eq!(unit.own_ready.val(), !writes);
            assert_eq!(unit.grant.val(), !writes && !asks && !unit.own.val().valid);
            assert_eq!(unit.pending.val(), writes || is_written || changes);
            is_engine = asks && !writes;
            if is_engine {
                expected = Some(model[unit.engine_query.val().segment.to_u64() as usize]);
            } else if unit.grant.val() && unit.query.val().valid {
                expected = Some(model[segment as usize]);
            }
            if is_written {
                let entry = SegmentEntry { words: own_words };
                model[256 + own_row as usize] = words(entry);
                owned += 1;
            }
            if writes {
                model[(index & 0xfff) as usize / 2][index as usize % 2] = write.data.to_u64();
            }
            changes = writes || is_written;
            revises = writes;
            clock_cycle!(unit, clock);
        }
        assert!(found > 5000 && owned > 500, "{found} {owned}");
    }

    #[test]
    fn gate() {
        Gate::new("segment_table", SegmentTable::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2;
                // First every word that is looked up: what a memory holds at first has no meaning.
                let word = if cycle < 540 {
                    cycle % 16
                } else {
                    random.below(16)
                };
                unit.configuration.next = Default::default();
                if cycle >= 520 && (cycle < 540 || random.chance(20)) {
                    let data = random.word();
                    unit.configuration.next = configuration(REGION_SEGMENT, word, data);
                }
                unit.query.next.valid = cycle >= 540 && random.chance(60);
                unit.query.next.segment = random.below(8).to_bits();
                unit.engine_query.next.valid = cycle >= 540 && random.chance(10);
                unit.engine_query.next.segment = random.below(8).to_bits();
                unit.own.next.valid = cycle >= 540 && random.chance(10);
                unit.own.next.row = random.bits();
                unit.own.next.entry.words = random.bits();
            });
    }
}
