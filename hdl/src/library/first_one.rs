//! The lowest bit that is set.

use rust_hdl::prelude::*;

/// Index of the lowest set bit of `requests`; `N` is the width of `index`, with `W <= 2^N`.
///
/// Contract: `any` tells whether a bit is set; if none is, `index` is zero.
///
/// Latency: none. A tree of `N` levels of two-way choices, because a priority chain as a kernel would give it has `W`
/// levels and synthesis does not balance it.
#[derive(LogicBlock)]
pub struct FirstOne<const W: usize, const N: usize> {
    /// The bits.
    pub requests: Signal<In, Bits<W>>,
    /// A bit is set.
    pub any: Signal<Out, Bit>,
    /// Which is the lowest.
    pub index: Signal<Out, Bits<N>>,
}

impl<const W: usize, const N: usize> Default for FirstOne<W, N> {
    fn default() -> Self {
        assert!(
            W >= 1 && N >= 1 && W <= 1 << N,
            "FirstOne: {N} bits do not number {W}"
        );
        Self {
            requests: Default::default(),
            any: Default::default(),
            index: Default::default(),
        }
    }
}

impl<const W: usize, const N: usize> Logic for FirstOne<W, N> {
    fn update(&mut self) {
        let first = (0..W).find(|&index| self.requests.val().get_bit(index));
        self.any.next = first.is_some();
        self.index.next = first.unwrap_or(0).to_bits();
    }

    fn connect(&mut self) {
        self.any.connect();
        self.index.connect();
    }

    fn hdl(&self) -> Verilog {
        let leaves = 1usize << N;
        let padded = if leaves == W {
            "requests".to_string()
        } else {
            format!("{{{}'b0, requests}}", leaves - W)
        };
        // Level `k` has a node for each group of 2^k leaves: is one set there (any), and where in
        // the group (at, k bits).
        let mut text = format!("wire [{}:0] any_0 = {padded};\n", leaves - 1);
        for level in 1..=N {
            let (groups, below) = (leaves >> level, level - 1);
            text += &format!(
                "wire [{}:0] any_{level};\nwire [{}:0] at_{level};\n",
                groups - 1,
                groups * level - 1
            );
            for group in 0..groups {
                let (low, high) = (2 * group, 2 * group + 1);
                text += &format!(
                    "assign any_{level}[{group}] = any_{below}[{low}] | any_{below}[{high}];\n"
                );
                let inner = if below == 0 {
                    String::new()
                } else {
                    let part = |side: usize| {
                        format!("at_{below}[{}:{}]", (side + 1) * below - 1, side * below)
                    };
                    format!(", any_{below}[{low}] ? {} : {}", part(low), part(high))
                };
                // Nothing set below: zero.
                text += &format!(
                    "assign at_{level}[{}:{}] = {{~any_{below}[{low}] & any_{below}[{high}]{inner}}};\n",
                    (group + 1) * level - 1,
                    group * level
                );
            }
        }
        text += &format!("always @(*) begin\n  any = any_{N}[0];\n  index = at_{N};\nend\n");
        Verilog::Custom(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn names_the_lowest_bit() {
        let mut unit = FirstOne::<5, 3>::default();
        for requests in 0..32u64 {
            unit.requests.next = requests.to_bits();
            settle(&mut unit);
            assert_eq!(unit.any.val(), requests != 0);
            let expected = if requests == 0 {
                0
            } else {
                requests.trailing_zeros() as u64
            };
            assert_eq!(unit.index.val().to_u64(), expected);
        }
    }

    #[test]
    fn gate() {
        Gate::new("first_one", FirstOne::<11, 4>::default())
            .run(|unit, random, _| unit.requests.next = random.bits() & random.bits());
        Gate::new("first_one_of_one", FirstOne::<1, 1>::default())
            .run(|unit, random, _| unit.requests.next = random.bits());
    }
}
