//! What the tests of the queues share: random numbers, stepping, conversions.

use rust_hdl::core::block::Block;
use rust_hdl::prelude::*;

/// SplitMix64; every test prints its seed.
pub struct Random(pub u64);

impl Random {
    /// Sixty-four random bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// A random 128-bit number.
    pub fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

/// Lets all combinational logic come to rest.
///
/// # Panics
/// If it does not within 100 rounds.
pub fn settle<B: Block>(unit: &mut B) {
    for _ in 0..100 {
        unit.update_all();
        if !unit.has_changed() {
            return;
        }
    }
    panic!("combinational loop");
}

/// One rising and one falling edge of `clock`, on a settled unit; the inputs are set between two calls.
macro_rules! clock_edge {
    ($unit:expr) => {{
        $unit.clock.next = true.into();
        $crate::queues::test_support::settle(&mut *$unit);
        $unit.clock.next = false.into();
        $crate::queues::test_support::settle(&mut *$unit);
    }};
}
pub(crate) use clock_edge;

/// A write of a word of queue state.
pub fn configuration(region: usize, index: u64, data: u64) -> crate::bundles::ConfigurationWrite {
    crate::bundles::ConfigurationWrite {
        valid: true,
        index: ((region as u64) << abi::queue_state::REGION_SHIFT | index).to_bits(),
        data: data.to_bits(),
    }
}
