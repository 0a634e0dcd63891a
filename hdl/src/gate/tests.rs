//! The gate finds what it is there to find.

use super::*;
use crate::library::fifo::Fifo;

#[test]
fn a_good_block_passes() {
    Gate::new("gate_fifo", Fifo::<Bits<12>, 4, 5>::default())
        .clock(|unit| &mut unit.clock)
        .cycles(1000)
        .run(|unit, random, cycle| {
            unit.reset.next = cycle < 2;
            unit.write.next = random.chance(60);
            unit.read.next = random.chance(40);
            unit.data_in.next = random.bits();
        });
}
