//! Which senders were refused, and must restart.

use crate::library::block_ram::BlockRam;
use crate::library::fixed::Fixed;
use rust_hdl::prelude::*;

/// One bit for each resident transmit queue of each node, on each virtual channel: a message of it
/// was refused for want of room, and those that follow it are refused until one carries `restart`
/// (V18, rules 9 and 10 of the protocol).
///
/// Contract: node and slot are less than 2^`NODES_LOG2` and 2^`SLOTS_LOG2` (`FrameCheck` drops
/// others); `FLOWS_LOG2` is their sum and one. A bit must not be read in the cycle in which it is
/// written. A reset leaves the bits as they are, and what they are at first does not matter: a
/// stale bit costs its sender one refusal at most, and none if it has nothing unanswered.
///
/// Latency: `read_*` in cycle t, `refused` in t + 1.
#[derive(LogicBlock, Default)]
pub struct Flows<const NODES_LOG2: usize, const SLOTS_LOG2: usize, const FLOWS_LOG2: usize> {
    pub clock: Signal<In, Clock>,
    pub read_node: Signal<In, Bits<10>>,
    pub read_slot: Signal<In, Bits<8>>,
    pub read_channel: Signal<In, Bit>,
    /// A message of the queue read in the cycle before was refused, and none was taken since.
    pub refused: Signal<Out, Bit>,
    /// Writes `write_refused` in this cycle.
    pub write: Signal<In, Bit>,
    pub write_node: Signal<In, Bits<10>>,
    pub write_slot: Signal<In, Bits<8>>,
    pub write_channel: Signal<In, Bit>,
    pub write_refused: Signal<In, Bit>,
    rows: BlockRam<Bits<1>, FLOWS_LOG2>,
    node: Signal<Local, Bits<NODES_LOG2>>,
    slot: Signal<Local, Bits<SLOTS_LOG2>>,
    written_node: Signal<Local, Bits<NODES_LOG2>>,
    written_slot: Signal<Local, Bits<SLOTS_LOG2>>,
    slots_log2: Fixed<5, SLOTS_LOG2>,
}

impl<const NODES_LOG2: usize, const SLOTS_LOG2: usize, const FLOWS_LOG2: usize> Logic
    for Flows<NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>
{
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, rows);
        self.node.next = self.read_node.val().get_bits::<NODES_LOG2>(0);
        self.slot.next = self.read_slot.val().get_bits::<SLOTS_LOG2>(0);
        self.rows.read_address.next = (((bit_cast::<FLOWS_LOG2, NODES_LOG2>(self.node.val())
            << self.slots_log2.val())
            | bit_cast::<FLOWS_LOG2, SLOTS_LOG2>(self.slot.val()))
            << 1)
            | bit_cast::<FLOWS_LOG2, 1>(self.read_channel.val().into());
        self.refused.next = self.rows.read_data.val().any();

        self.written_node.next = self.write_node.val().get_bits::<NODES_LOG2>(0);
        self.written_slot.next = self.write_slot.val().get_bits::<SLOTS_LOG2>(0);
        self.rows.write_address.next =
            (((bit_cast::<FLOWS_LOG2, NODES_LOG2>(self.written_node.val())
                << self.slots_log2.val())
                | bit_cast::<FLOWS_LOG2, SLOTS_LOG2>(self.written_slot.val()))
                << 1)
                | bit_cast::<FLOWS_LOG2, 1>(self.write_channel.val().into());
        self.rows.write_data.next = self.write_refused.val().into();
        self.rows.write_enable.next = self.write.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{FLOWS_LOG2, NODES_LOG2, PEER_QUEUES_LOG2};
    use crate::gate::{Gate, Random, clock_cycle, ecp5_cells, settle};
    use std::collections::HashSet;

    fn remembers<const NODES_LOG2: usize, const SLOTS_LOG2: usize, const FLOWS_LOG2: usize>() {
        let seed = 9;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = Flows::<NODES_LOG2, SLOTS_LOG2, FLOWS_LOG2>::default();
        unit.connect_all();
        settle(&mut unit);
        let mut refused = HashSet::new();
        // Few of each, the highest among them, so that they are met again.
        let pick = |random: &mut Random, log2: usize| {
            [0, 1, (1 << log2) - 2, (1 << log2) - 1][random.below(4) as usize]
        };
        let flow = |random: &mut Random| {
            let (node, slot) = (pick(random, NODES_LOG2), pick(random, SLOTS_LOG2));
            (node, slot, random.chance(50))
        };
        let mut found = [0; 2];
        for _ in 0..4000 {
            let (read, written) = (flow(&mut random), flow(&mut random));
            let (writes, value) = (random.chance(50) && read != written, random.chance(50));
            unit.read_node.next = (read.0 as u64).to_bits();
            unit.read_slot.next = (read.1 as u64).to_bits();
            unit.read_channel.next = read.2;
            unit.write.next = writes;
            unit.write_node.next = (written.0 as u64).to_bits();
            unit.write_slot.next = (written.1 as u64).to_bits();
            unit.write_channel.next = written.2;
            unit.write_refused.next = value;
            let expected = refused.contains(&read);
            if writes && value {
                refused.insert(written);
            } else if writes {
                refused.remove(&written);
            }
            clock_cycle!(unit, clock);
            assert_eq!(unit.refused.val(), expected, "{read:?}");
            found[usize::from(expected)] += 1;
        }
        assert!(found.iter().all(|&count| count > 500), "{found:?}");
    }

    #[test]
    fn each_flow_has_a_bit_of_its_own() {
        remembers::<2, 2, 5>();
        remembers::<8, 5, 14>();
        remembers::<10, 8, 19>();
    }

    #[test]
    fn gate() {
        Gate::new("flows", Flows::<3, 2, 6>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, _| {
                unit.read_node.next = random.below(8).to_bits();
                unit.read_slot.next = random.below(2).to_bits();
                unit.read_channel.next = random.chance(50);
                unit.write.next = random.chance(40);
                unit.write_node.next = random.below(8).to_bits();
                // Never the bit that is read.
                unit.write_slot.next = (2 + random.below(2)).to_bits();
                if random.chance(50) {
                    std::mem::swap(&mut unit.read_slot.next, &mut unit.write_slot.next);
                }
                unit.write_channel.next = random.chance(50);
                unit.write_refused.next = random.chance(50);
            });
    }

    #[test]
    fn takes_one_block_ram_for_16384_flows() {
        let cells = ecp5_cells(
            "flows_cells",
            Flows::<NODES_LOG2, PEER_QUEUES_LOG2, FLOWS_LOG2>::default(),
        );
        let expected = (1usize << FLOWS_LOG2).div_ceil(1 << 14);
        let rams = cells.iter().find(|(kind, _)| kind == "DP16KD");
        assert_eq!(rams.map(|(_, count)| *count), Some(expected));
    }
}
