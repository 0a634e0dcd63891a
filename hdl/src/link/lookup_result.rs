//! The result of an RQID's look-up, beside the header that it belongs to.

use crate::library::fixed::Fixed;
use abi::link::header::sequence;
use rust_hdl::prelude::*;

/// Puts the result of a look-up into a header (`bundles::stored_header`).
///
/// Latency: none, purely combinational.
#[derive(LogicBlock, Default)]
pub struct LookupResult {
    /// Header as it stands on the wire.
    pub wire_header: Signal<In, Bits<128>>,
    /// A resident receive queue has its RQID.
    pub resident: Signal<In, Bit>,
    /// That queue.
    pub receive_queue: Signal<In, Bits<8>>,
    /// Header as the receive engine wants it.
    pub stored_header: Signal<Out, Bits<128>>,
    replaced: Fixed<128, { ((1 << sequence::WIDTH) - 1) << sequence::SHIFT }>,
}

impl Logic for LookupResult {
    #[hdl_gen]
    fn update(&mut self) {
        self.stored_header.next = (self.wire_header.val() & !self.replaced.val())
            | (bit_cast::<128, 8>(self.receive_queue.val())
                << crate::bundles::stored_header::RECEIVE_QUEUE_SHIFT.to_bits::<7>())
            | (bit_cast::<128, 1>(self.resident.val().into())
                << crate::bundles::stored_header::RESIDENT_BIT.to_bits::<7>());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundles::stored_header::{RECEIVE_QUEUE_SHIFT, RESIDENT_BIT};
    use crate::gate::{Gate, Random, settle};

    #[test]
    fn the_result_replaces_the_sequence_number_and_nothing_else() {
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
            settle(&mut unit);
            let expected = sequence::set(header, 0)
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
            });
    }
}
