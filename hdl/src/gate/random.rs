//! Reproducible random numbers for tests.

use crate::library::stream::Beat;
use rust_hdl::prelude::*;

/// SplitMix64. Tests print their seed.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 random bits.
    pub fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ (x >> 31)
    }

    /// 128 random bits.
    pub fn wide(&mut self) -> u128 {
        u128::from(self.word()) << 64 | u128::from(self.word())
    }

    /// A number below `bound`, which is not zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }

    /// Random bits as a signal's value.
    pub fn bits<const N: usize>(&mut self) -> Bits<N> {
        (0..N.div_ceil(32)).fold(Bits::default(), |bits, word| {
            let part: Bits<N> =
                (self.word() & 0xFFFF_FFFF >> (32 - (N - 32 * word).min(32))).to_bits();
            bits | part << (32 * word as u64)
        })
    }

    /// A random beat of a stream.
    pub fn beat(&mut self) -> Beat {
        Beat {
            data: self.bits(),
            last: self.chance(40),
        }
    }

    /// True `percent` times in a hundred.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}
