//! How far the consumer index advances in its row.

use crate::library::first_one::FirstOne;
use rust_hdl::prelude::*;

/// Finds the first message of the row, from `place` on, that is not done.
///
/// Latency: none.
#[derive(LogicBlock, Default)]
pub struct HeadWalk {
    /// Place of the consumer index in its row.
    pub place: Signal<In, Bits<3>>,
    /// Messages that are done.
    pub done: Signal<In, Bits<8>>,
    /// Where the consumer index stands afterwards; zero at the row's end.
    pub new_place: Signal<Out, Bits<3>>,
    /// It leaves the row.
    pub leaves: Signal<Out, Bit>,
    /// It advances.
    pub advances: Signal<Out, Bit>,
    first: FirstOne<8, 3>,
    at_place: Signal<Local, Bits<8>>,
    passed: Signal<Local, Bits<8>>,
}

impl Logic for HeadWalk {
    #[hdl_gen]
    fn update(&mut self) {
        self.at_place.next = bit_cast::<8, 1>(1.into()) << bit_cast::<8, 3>(self.place.val());
        self.passed.next = self.at_place.val() - 1;
        self.first.requests.next = !(self.done.val() | self.passed.val());
        self.new_place.next = self.first.index.val();
        self.leaves.next = !self.first.any.val();
        self.advances.next = !self.first.any.val() | (self.first.index.val() != self.place.val());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn stops_at_the_first_message_that_is_not_done() {
        let mut unit = HeadWalk::default();
        unit.connect_all();
        for place in 0..8u64 {
            for done in 0..256u64 {
                unit.place.next = place.to_bits();
                unit.done.next = done.to_bits();
                settle(&mut unit);
                let end = (place..8).find(|k| done >> k & 1 == 0);
                assert_eq!(unit.new_place.val().to_u64(), end.unwrap_or(0));
                assert_eq!(unit.leaves.val(), end.is_none());
                assert_eq!(unit.advances.val(), end != Some(place));
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("head_walk", HeadWalk::default()).run(|unit, random, _| {
            unit.place.next = random.bits();
            unit.done.next = random.bits::<8>() | random.bits::<8>();
        });
    }
}
