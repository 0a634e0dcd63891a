//! A bit for each of many things, set and cleared one at a time.

use rust_hdl::prelude::*;

/// `2^N` flip-flops with two ways to set, one to clear and two to look.
///
/// Contract: `set` and `clear` take effect at the clock edge; if both name the same bit, it is set. `first` and `second` follow
/// `first_index` and `second_index` in the same cycle. Reset clears all bits.
///
/// Latency: none for looks, one cycle for changes.
#[derive(LogicBlock)]
pub struct BitTable<const N: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous: all bits become zero.
    pub reset: Signal<In, Bit>,
    /// The bit `set_index` becomes one.
    pub set: Signal<In, Bit>,
    pub set_index: Signal<In, Bits<N>>,
    /// The bit `also_set_index` becomes one.
    pub also_set: Signal<In, Bit>,
    pub also_set_index: Signal<In, Bits<N>>,
    /// The bit `clear_index` becomes zero.
    pub clear: Signal<In, Bit>,
    pub clear_index: Signal<In, Bits<N>>,
    pub first_index: Signal<In, Bits<N>>,
    /// The bit `first_index`.
    pub first: Signal<Out, Bit>,
    pub second_index: Signal<In, Bits<N>>,
    /// The bit `second_index`.
    pub second: Signal<Out, Bit>,
    _bits: Vec<bool>,
}

impl<const N: usize> Default for BitTable<N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            reset: Default::default(),
            set: Default::default(),
            set_index: Default::default(),
            also_set: Default::default(),
            also_set_index: Default::default(),
            clear: Default::default(),
            clear_index: Default::default(),
            first_index: Default::default(),
            first: Default::default(),
            second_index: Default::default(),
            second: Default::default(),
            _bits: vec![false; 1 << N],
        }
    }
}

impl<const N: usize> Logic for BitTable<N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            if self.clear.val() {
                self._bits[self.clear_index.val().index()] = false;
            }
            if self.set.val() {
                self._bits[self.set_index.val().index()] = true;
            }
            if self.also_set.val() {
                self._bits[self.also_set_index.val().index()] = true;
            }
            if self.reset.val() {
                self._bits.fill(false);
            }
        }
        self.first.next = self._bits[self.first_index.val().index()];
        self.second.next = self._bits[self.second_index.val().index()];
    }

    fn connect(&mut self) {
        self.first.connect();
        self.second.connect();
    }

    fn hdl(&self) -> Verilog {
        // Written out bit by bit: of an indexed assignment Yosys makes shifters.
        let changes: String = (0..1usize << N)
            .map(|bit| {
                format!(
                    "  if (clear && clear_index == {bit}) bits[{bit}] <= 1'b0;
  if ((set && set_index == {bit}) || (also_set && also_set_index == {bit})) bits[{bit}] <= 1'b1;
"
                )
            })
            .collect();
        Verilog::Custom(format!(
            "reg [{last}:0] bits;
always @(posedge clock) begin
{changes}  if (reset) bits <= 0;
end
always @(*) first = bits[first_index];
always @(*) second = bits[second_index];
",
            last = (1usize << N) - 1
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    #[test]
    fn set_wins_over_clear_and_looks_follow_at_once() {
        let seed = 4;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = BitTable::<4>::default();
        unit.connect_all();
        unit.reset.next = true;
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        let mut reference = [false; 16];
        for _ in 0..3000 {
            let (set, clear) = (random.below(16), random.below(16));
            let (sets, clears) = (random.chance(30), random.chance(40));
            let (also, also_sets) = (random.below(16), random.chance(20));
            unit.also_set.next = also_sets;
            unit.also_set_index.next = also.to_bits();
            let (first, second) = (random.below(16), random.below(16));
            unit.set.next = sets;
            unit.set_index.next = set.to_bits();
            unit.clear.next = clears;
            unit.clear_index.next = clear.to_bits();
            unit.first_index.next = first.to_bits();
            unit.second_index.next = second.to_bits();
            settle(&mut unit);
            assert_eq!(unit.first.val(), reference[first as usize]);
            assert_eq!(unit.second.val(), reference[second as usize]);
            clock_cycle!(unit, clock);
            if clears {
                reference[clear as usize] = false;
            }
            if sets {
                reference[set as usize] = true;
            }
            if also_sets {
                reference[also as usize] = true;
            }
        }
    }

    #[test]
    fn gate() {
        Gate::new("bit_table", BitTable::<4>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 1 || random.chance(1);
                unit.set.next = random.chance(40);
                unit.set_index.next = random.bits();
                unit.also_set.next = random.chance(20);
                unit.also_set_index.next = random.bits();
                unit.clear.next = random.chance(40);
                unit.clear_index.next = random.bits();
                unit.first_index.next = random.bits();
                unit.second_index.next = random.bits();
            });
    }
}
