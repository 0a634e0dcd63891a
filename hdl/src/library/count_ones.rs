//! How many bits are set.

use rust_hdl::prelude::*;

/// The number of set bits among eight.
///
/// Latency: none: a look-up for each half, then one addition. (A kernel's sum of bits would become a chain of adders.)
#[derive(LogicBlock, Default)]
pub struct CountOnes {
    /// Of which the ones are counted.
    pub bits: Signal<In, Bits<8>>,
    /// How many are set.
    pub count: Signal<Out, Bits<4>>,
}

impl Logic for CountOnes {
    fn update(&mut self) {
        let ones = (0..8).filter(|&index| self.bits.val().get_bit(index));
        self.count.next = ones.count().to_bits();
    }

    fn connect(&mut self) {
        self.count.connect();
    }

    fn hdl(&self) -> Verilog {
        let look_up = |nibble: usize| {
            let cases: String = (0..16u32)
                .map(|value| {
                    format!(
                        "    4'd{value}: half_{nibble} = 3'd{};\n",
                        value.count_ones()
                    )
                })
                .collect();
            format!(
                "reg [2:0] half_{nibble};\nalways @(*)\n  case (bits[{}:{}])\n{cases}  endcase\n",
                4 * nibble + 3,
                4 * nibble
            )
        };
        Verilog::Custom(format!(
            "{}{}always @(*) count = {{1'b0, half_0}} + {{1'b0, half_1}};\n",
            look_up(0),
            look_up(1)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn counts() {
        let mut unit = CountOnes::default();
        unit.connect_all();
        for bits in 0..256u64 {
            unit.bits.next = bits.to_bits();
            settle(&mut unit);
            assert_eq!(unit.count.val().to_u64(), u64::from(bits.count_ones()));
        }
    }

    #[test]
    fn gate() {
        Gate::new("count_ones", CountOnes::default())
            .run(|unit, random, _| unit.bits.next = random.bits());
    }
}
