//! Where a long memory access is cut into requests.

use rust_hdl::prelude::*;

/// Cuts the next request from the front of a memory access, so that it neither exceeds the maximum payload (or
/// maximum read request) nor crosses a 4 KiB boundary (2.2.7): every cut lies at an address that is a multiple of the
/// maximum, which is a power of two of at most 4096.
///
/// Combinational from `offset` and `remaining`; only `maximum` passes through registers (two cycles; it is as good as
/// constant). Lengths are counted in double words less one, so that 1 to 1024 fit in ten bits and
/// no adder stands behind the comparison.
#[derive(LogicBlock)]
pub struct RequestCutter {
    /// Clock of the registers behind `maximum`.
    pub clock: Signal<In, Clock>,
    /// Maximum payload or read request as in Device Control: 128 << n bytes; above 5 is taken as 5.
    pub maximum: Signal<In, Bits<3>>,
    /// Address bits 11:2 of the first double word.
    pub offset: Signal<In, Bits<10>>,
    /// Double words to transfer, less one.
    pub remaining: Signal<In, Bits<10>>,
    /// The request carries the access to its end.
    pub complete: Signal<Out, Bit>,
    /// Double words of the request; 0 stands for 1024, as in the header.
    pub length: Signal<Out, Bits<10>>,
    /// Double words of the request, less one.
    pub length_less_one: Signal<Out, Bits<10>>,
    /// The request is one double word long.
    pub single: Signal<Out, Bit>,
    /// If not `complete`: address bits 11:2 after the request.
    pub next_offset: Signal<Out, Bits<10>>,
    /// If not `complete`: the request ends with its 4 KiB page.
    pub page_ends: Signal<Out, Bit>,
    /// If not `complete`: double words that remain after the request, less one.
    pub next_remaining: Signal<Out, Bits<10>>,
    limit: DFF<Bits<11>>,
    mask: DFF<Bits<10>>,
    beyond: DFF<Bits<11>>,
    limit_less_one: Signal<Local, Bits<11>>,
    position: Signal<Local, Bits<10>>,
    reach: Signal<Local, Bits<11>>,
    excess: Signal<Local, Bits<11>>,
    room: Signal<Local, Bits<10>>,
    boundary: Signal<Local, Bits<11>>,
    smallest: Constant<Bits<11>>,
}

impl Default for RequestCutter {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            maximum: Default::default(),
            offset: Default::default(),
            remaining: Default::default(),
            complete: Default::default(),
            length: Default::default(),
            length_less_one: Default::default(),
            single: Default::default(),
            next_offset: Default::default(),
            page_ends: Default::default(),
            next_remaining: Default::default(),
            limit: Default::default(),
            mask: Default::default(),
            beyond: Default::default(),
            limit_less_one: Default::default(),
            position: Default::default(),
            reach: Default::default(),
            excess: Default::default(),
            room: Default::default(),
            boundary: Default::default(),
            // 128 bytes in double words.
            smallest: Constant::new(32u64.to_bits()),
        }
    }
}

impl Logic for RequestCutter {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, limit, mask, beyond);
        self.limit.d.next = self.smallest.val() << self.maximum.val();
        if (self.maximum.val() == 6) | (self.maximum.val() == 7) {
            self.limit.d.next = 1024.into();
        }
        self.limit_less_one.next = self.limit.q.val() - 1;
        self.mask.d.next = self.limit_less_one.val().get_bits::<10>(0);
        self.beyond.d.next = !self.limit_less_one.val();

        // Place in the block of the maximum's size, and of the last double word counted from the block's start.
        self.position.next = self.offset.val() & self.mask.q.val();
        self.reach.next =
            bit_cast::<11, 10>(self.position.val()) + bit_cast::<11, 10>(self.remaining.val());
        self.excess.next = self.reach.val() - self.limit.q.val();
        self.room.next = self.mask.q.val() ^ self.position.val();
        self.boundary.next = bit_cast::<11, 10>(self.offset.val() | self.mask.q.val()) + 1;

        self.complete.next = (self.reach.val() & self.beyond.q.val()) == 0;
        self.length_less_one.next = self.room.val();
        self.length.next = self.room.val() + 1;
        self.single.next = self.room.val() == 0;
        if (self.reach.val() & self.beyond.q.val()) == 0 {
            self.length_less_one.next = self.remaining.val();
            self.length.next = self.remaining.val() + 1;
            self.single.next = self.remaining.val() == 0;
        }
        self.next_offset.next = self.boundary.val().get_bits::<10>(0);
        self.page_ends.next = self.boundary.val().get_bit(10);
        self.next_remaining.next = self.excess.val().get_bits::<10>(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Random, clock_cycle, settle};

    #[test]
    fn cuts_lie_at_multiples_of_the_maximum() {
        let seed = 3;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = RequestCutter::default();
        unit.connect_all();
        settle(&mut unit);
        for maximum in 0..8u64 {
            unit.maximum.next = maximum.to_bits();
            for _ in 0..3 {
                clock_cycle!(unit, clock);
            }
            let limit = 32u64 << maximum.min(5);
            for _ in 0..500 {
                let offset = random.below(1024);
                let longest = [4, 64, 1024][random.below(3) as usize];
                let words = 1 + random.below(longest);
                unit.offset.next = offset.to_bits();
                unit.remaining.next = (words - 1).to_bits();
                settle(&mut unit);
                // Word by word until the end or the next multiple.
                let mut length = 1;
                while length < words && !(offset + length).is_multiple_of(limit) {
                    length += 1;
                }
                assert_eq!(unit.length.val().to_u64(), length % 1024);
                assert_eq!(unit.length_less_one.val().to_u64(), length - 1);
                assert_eq!(unit.single.val(), length == 1);
                assert_eq!(unit.complete.val(), length == words);
                if length < words {
                    assert_eq!(unit.next_offset.val().to_u64(), (offset + length) % 1024);
                    assert_eq!(unit.page_ends.val(), offset + length == 1024);
                    assert_eq!(unit.next_remaining.val().to_u64(), words - length - 1);
                }
            }
        }
    }
}
