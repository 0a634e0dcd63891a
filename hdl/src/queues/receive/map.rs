//! Which resident receive queue an RQID names.

use crate::bundles::ConfigurationWrite;
use crate::library::fixed::Fixed;
use crate::library::forward_ram::ForwardRam;
use abi::queue_state::receive_map;
use rust_hdl::prelude::*;

/// Direct table by receive queue identifier (V14), written by firmware (region 5 of `abi::queue_state`).
///
/// Contract: after reset the table clears itself, a word a cycle; before `ready` no RQID is
/// resident, and nothing may be written. An RQID of 2^`IDS_LOG2` or more is never resident. The
/// wire's look-up happens in each cycle with `lookup_valid`, the loopback's in every other one
/// (`lookup2_ready`). A look-up in the cycle of a write to the same RQID gives the new row. What it gives may be out of
/// date when the message is judged: the receive engine compares the RQID with the queue's record.
///
/// Latency: `lookup_id` in cycle t, `resident` and `receive_queue` in t + 1.
#[derive(LogicBlock, Default)]
pub struct ReceiveMap<const IDS_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub reset: Signal<In, Bit>,
    /// The table is clear.
    pub ready: Signal<Out, Bit>,
    pub configuration: Signal<In, ConfigurationWrite>,
    pub lookup_valid: Signal<In, Bit>,
    /// RQID of a frame from the wire.
    pub lookup_id: Signal<In, Bits<12>>,
    /// RQID of a frame for the own node.
    pub lookup2_id: Signal<In, Bits<12>>,
    pub lookup2_ready: Signal<Out, Bit>,
    /// A resident receive queue has the RQID of the cycle before.
    pub resident: Signal<Out, Bit>,
    /// Resident queue, if there is one.
    pub receive_queue: Signal<Out, Bits<8>>,

    rows: ForwardRam<Bits<9>, IDS_LOG2>,
    clearing: DFF<Bit>,
    clear_address: DFF<Bits<IDS_LOG2>>,
    /// The RQID of the cycle before lies beyond the table.
    beyond: DFF<Bit>,
    id: Signal<Local, Bits<12>>,
    upper: Signal<Local, Bits<12>>,
    index: Signal<Local, Bits<16>>,
    written_id: Signal<Local, Bits<12>>,
    written_upper: Signal<Local, Bits<12>>,
    word: Signal<Local, Bits<64>>,
    ids_log2: Fixed<4, IDS_LOG2>,
    queue_width: Fixed<4, { receive_map::queue::WIDTH }>,
}

impl<const IDS_LOG2: usize> Logic for ReceiveMap<IDS_LOG2> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, clearing, clear_address, beyond);
        clock!(self, clock, rows);

        self.lookup2_ready.next = !self.lookup_valid.val();
        self.id.next = self.lookup2_id.val();
        if self.lookup_valid.val() {
            self.id.next = self.lookup_id.val();
        }
        self.upper.next = self.id.val() >> self.ids_log2.val();
        self.beyond.d.next = self.upper.val().any();
        self.rows.read_address.next = self.id.val().get_bits::<IDS_LOG2>(0);
        self.receive_queue.next = self.rows.read_data.val().get_bits::<8>(0);
        self.resident.next =
            self.rows.read_data.val().get_bit(8) & !self.beyond.q.val() & !self.clearing.q.val();

        // A row: the queue, above it whether there is one.
        self.index.next = self.configuration.val().index;
        self.word.next = self.configuration.val().data;
        self.written_id.next = self.index.val().get_bits::<12>(0);
        self.written_upper.next = self.written_id.val() >> self.ids_log2.val();
        self.rows.write_address.next = self.written_id.val().get_bits::<IDS_LOG2>(0);
        self.rows.write_data.next = bit_cast::<9, 8>(
            self.word
                .val()
                .get_bits::<8>(abi::queue_state::receive_map::queue::SHIFT),
        ) | (bit_cast::<9, 1>(
            self.word
                .val()
                .get_bit(abi::queue_state::receive_map::resident::SHIFT)
                .into(),
        ) << self.queue_width.val());
        self.rows.write_enable.next = self.configuration.val().valid
            & (self
                .index
                .val()
                .get_bits::<4>(abi::queue_state::REGION_SHIFT)
                == abi::queue_state::REGION_RECEIVE_MAP.to_bits())
            & !self.written_upper.val().any();
        if self.clearing.q.val() {
            self.rows.write_address.next = self.clear_address.q.val();
            self.rows.write_data.next = 0.into();
            self.rows.write_enable.next = true;
            self.clear_address.d.next = self.clear_address.q.val() + 1;
            self.clearing.d.next = !self.clear_address.q.val().all();
        }
        self.ready.next = !self.clearing.q.val();

        if self.reset.val() {
            self.clearing.d.next = true;
            self.clear_address.d.next = 0.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::RECEIVE_QUEUE_IDS_LOG2;
    use crate::gate::{Gate, Random, clock_cycle, ecp5_cells, settle};
    use crate::queues::test_support::configuration;
    use abi::queue_state::{REGION_RECEIVE_MAP, REGION_TRANSLATION};

    fn row(queue: u64, resident: u64) -> u64 {
        receive_map::resident::set(receive_map::queue::set(0, queue), resident) as u64
    }

    fn reset<const IDS_LOG2: usize>(unit: &mut ReceiveMap<IDS_LOG2>) -> usize {
        unit.reset.next = true;
        clock_cycle!(*unit, clock);
        unit.reset.next = false;
        let mut cycles = 0;
        settle(unit);
        while !unit.ready.val() {
            clock_cycle!(*unit, clock);
            assert!(!unit.resident.val(), "resident while the table is cleared");
            cycles += 1;
        }
        cycles
    }

    /// Looks an id up for the wire, while the loopback asks for another.
    fn look<const IDS_LOG2: usize>(unit: &mut ReceiveMap<IDS_LOG2>, id: u64) -> Option<u64> {
        unit.lookup_valid.next = true;
        unit.lookup_id.next = id.to_bits();
        unit.lookup2_id.next = (!id & 0xfff).to_bits();
        settle(unit);
        assert!(!unit.lookup2_ready.val());
        clock_cycle!(*unit, clock);
        let wire = unit
            .resident
            .val()
            .then(|| unit.receive_queue.val().to_u64());
        unit.lookup_valid.next = false;
        unit.lookup2_id.next = id.to_bits();
        settle(unit);
        assert!(unit.lookup2_ready.val());
        clock_cycle!(*unit, clock);
        let loopback = unit
            .resident
            .val()
            .then(|| unit.receive_queue.val().to_u64());
        assert_eq!(wire, loopback);
        wire
    }

    fn follows_firmware<const IDS_LOG2: usize>() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ReceiveMap::<IDS_LOG2>::default();
        unit.connect_all();
        let size = 1 << IDS_LOG2;
        let mut table = vec![None; size];
        assert_eq!(reset(&mut unit), size);
        for _ in 0..600 {
            // Ids beyond the table too.
            let bound = if random.chance(50) { size as u64 } else { 4096 };
            let id = random.below(bound);
            let (queue, resident) = (random.below(256), random.below(2));
            let elsewhere = random.chance(20);
            let region = [REGION_RECEIVE_MAP, REGION_TRANSLATION][usize::from(elsewhere)];
            unit.configuration.next = configuration(region, id, row(queue, resident));
            clock_cycle!(unit, clock);
            unit.configuration.next = Default::default();
            if !elsewhere && (id as usize) < size {
                table[id as usize] = (resident == 1).then_some(queue);
            }
            for id in [id, id % size as u64, random.below(4096)] {
                let expected = table.get(id as usize).copied().flatten();
                assert_eq!(look(&mut unit, id), expected, "id {id:#x}");
            }
        }
        assert!(table.iter().any(Option::is_some));
        reset(&mut unit);
        assert!((0..size as u64).all(|id| look(&mut unit, id).is_none()));
    }

    #[test]
    fn look_ups_find_what_firmware_wrote() {
        follows_firmware::<4>();
        follows_firmware::<12>();
    }

    #[test]
    fn gate() {
        Gate::new("receive_map", ReceiveMap::<6>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || random.below(300) == 0;
                unit.lookup_valid.next = random.chance(50);
                unit.lookup_id.next = random.below(80).to_bits();
                unit.lookup2_id.next = random.below(80).to_bits();
                unit.configuration.next = Default::default();
                if random.chance(30) {
                    let region = [REGION_RECEIVE_MAP, REGION_TRANSLATION][random.below(2) as usize];
                    unit.configuration.next =
                        configuration(region, random.below(80), random.word());
                }
                // A look-up beside a write of the same row is undefined.
                let written = unit.configuration.next.index.to_u64() & 0xfff;
                for id in [&mut unit.lookup_id, &mut unit.lookup2_id] {
                    if id.next.to_u64() % 64 == written % 64 {
                        id.next = ((written + 1) % 64).to_bits();
                    }
                }
            });
    }

    #[test]
    fn takes_two_block_rams() {
        let cells = ecp5_cells(
            "receive_map_cells",
            ReceiveMap::<RECEIVE_QUEUE_IDS_LOG2>::default(),
        );
        let rams = cells.iter().find(|(kind, _)| kind == "DP16KD");
        assert_eq!(
            rams.map(|(_, count)| *count),
            Some((9usize << RECEIVE_QUEUE_IDS_LOG2).div_ceil(9 << 11))
        );
    }
}
