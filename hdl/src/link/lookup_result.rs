//! The result of an RQID's look-up, beside the header that it belongs to.

use crate::bundles::stored_header::GAP_EPOCH_BITS;
use crate::library::fixed::Fixed;
use abi::link::header::{acknowledge, sequence};
use rust_hdl::prelude::*;

/// Puts the result of a look-up and the present epoch into a header (`bundles::stored_header`).
///
/// Latency: none, purely combinational.
#[derive(LogicBlock, Default)]
pub struct LookupResult {
    /// Header as it stands on the wire.
    pub wire_header: Signal<In, Bits<128>>,
    /// A resident receive queue has its RQID.
    pub resident: Signal<In, Bit>,
    /// Resident queue, if there is one.
    pub receive_queue: Signal<In, Bits<8>>,
    /// `GapEpoch::epoch`.
    pub gap_epoch: Signal<In, Bits<GAP_EPOCH_BITS>>,
    /// Header as the receive engine wants it.
    pub stored_header: Signal<Out, Bits<128>>,
    replaced: Fixed<128, { ((1 << REPLACED_BITS) - 1) << sequence::SHIFT }>,
}

/// Bits of a header that have done their service when it is stored: `sequence` and `acknowledge`.
const REPLACED_BITS: usize = sequence::WIDTH + acknowledge::WIDTH;

impl Logic for LookupResult {
    #[hdl_gen]
    fn update(&mut self) {
        self.stored_header.next = (self.wire_header.val() & !self.replaced.val())
            | (bit_cast::<128, 8>(self.receive_queue.val())
                << crate::bundles::stored_header::RECEIVE_QUEUE_SHIFT.to_bits::<7>())
            | (bit_cast::<128, 1>(self.resident.val().into())
                << crate::bundles::stored_header::RESIDENT_BIT.to_bits::<7>())
            | (bit_cast::<128, GAP_EPOCH_BITS>(self.gap_epoch.val())
                << crate::bundles::stored_header::GAP_EPOCH_SHIFT.to_bits::<7>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundles::stored_header::{GAP_EPOCH_SHIFT, RECEIVE_QUEUE_SHIFT, RESIDENT_BIT};
    use crate::gate::{Gate, Random, settle};

    #[test]
    fn result_and_epoch_replace_what_the_link_is_done_with_and_nothing_else() {
        let seed = 4;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = LookupResult::default();
        unit.connect_all();
        for _ in 0..100 {
            let (header, queue, resident) = (random.wide(), random.below(256), random.chance(50));
            unit.wire_header.next = header.to_bits();
            unit.receive_queue.next = queue.to_bits();
            unit.resident.next = resident;
            let epoch = random.below(1 << GAP_EPOCH_BITS);
            unit.gap_epoch.next = epoch.to_bits();
            settle(&mut unit);
            let expected = acknowledge::set(sequence::set(header, 0), 0)
                | u128::from(epoch) << GAP_EPOCH_SHIFT
                | u128::from(queue) << RECEIVE_QUEUE_SHIFT
                | u128::from(resident) << RESIDENT_BIT;
            assert_eq!(unit.stored_header.val(), expected.to_bits());
        }
    }

    #[test]
    fn gate() {
        Gate::new("lookup_result", LookupResult::default())
            .cycles(300)
            .run(|unit, random, _| {
                unit.wire_header.next = random.bits();
                unit.resident.next = random.chance(50);
                unit.receive_queue.next = random.bits();
                unit.gap_epoch.next = random.bits();
            });
    }
}
