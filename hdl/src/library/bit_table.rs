//! A bit for each of many things, set and cleared one at a time.

use super::bit_ram::BitRam;
use rust_hdl::prelude::*;

/// `2^N` bits in LUT RAM with two ways to set and one to clear.
///
/// A LUT RAM has one writer. So each way has a RAM of its own and inverts a bit there; the bit of
/// the table is the exclusive or of the three.
///
/// Contract: `first` and `second` follow their index in the same cycle. `set_first`, `set_second` and `clear` take
/// effect at the clock edge. A bit that is set must be zero, or be cleared in the same cycle; then it remains one.
/// `set_first` and `set_second` must not name the same bit. A bit that is cleared must be one. All bits are zero when
/// a `ResetSweep` has cleared them; before that, nothing may be set or cleared, and what is read is undefined.
///
/// Latency: none for looks, one cycle for changes.
#[derive(LogicBlock, Default)]
pub struct BitTable<const N: usize> {
    pub clock: Signal<In, Clock>,
    /// From a `ResetSweep`.
    pub sweeps: Signal<In, Bit>,
    pub sweep_index: Signal<In, Bits<N>>,
    pub first_index: Signal<In, Bits<N>>,
    /// The bit `first_index`.
    pub first: Signal<Out, Bit>,
    /// It becomes one.
    pub set_first: Signal<In, Bit>,
    pub second_index: Signal<In, Bits<N>>,
    /// The bit `second_index`.
    pub second: Signal<Out, Bit>,
    /// It becomes one.
    pub set_second: Signal<In, Bit>,
    pub clear_index: Signal<In, Bits<N>>,
    /// The bit `clear_index` becomes zero.
    pub clear: Signal<In, Bit>,
    of_first: BitRam<N>,
    of_second: BitRam<N>,
    of_clear: BitRam<N>,
}

impl<const N: usize> Logic for BitTable<N> {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, of_first, of_second, of_clear);
        self.of_first.clears.next = self.sweeps.val();
        self.of_first.clear_index.next = self.sweep_index.val();
        self.of_first.index.next = self.first_index.val();
        self.of_first.inverts.next = self.set_first.val();
        self.of_first.first_index.next = self.second_index.val();
        self.of_first.second_index.next = self.second_index.val();

        self.of_second.clears.next = self.sweeps.val();
        self.of_second.clear_index.next = self.sweep_index.val();
        self.of_second.index.next = self.second_index.val();
        self.of_second.inverts.next = self.set_second.val();
        self.of_second.first_index.next = self.first_index.val();
        self.of_second.second_index.next = self.first_index.val();

        self.of_clear.clears.next = self.sweeps.val();
        self.of_clear.clear_index.next = self.sweep_index.val();
        self.of_clear.index.next = self.clear_index.val();
        self.of_clear.inverts.next = self.clear.val();
        self.of_clear.first_index.next = self.first_index.val();
        self.of_clear.second_index.next = self.second_index.val();

        self.first.next =
            self.of_first.own.val() ^ self.of_second.first.val() ^ self.of_clear.first.val();
        self.second.next =
            self.of_first.first.val() ^ self.of_second.own.val() ^ self.of_clear.second.val();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, ecp5_size, settle};

    /// Changes at random as far as the contract allows them.
    fn follows_the_reference<const N: usize>() {
        let seed = 4;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = BitTable::<N>::default();
        unit.connect_all();
        let mut reference = vec![false; 1 << N];
        let (mut changes, mut remained) = (0, 0);
        for cycle in 0..6000u64 {
            // Twice, the second time with bits that are set.
            let sweeps = cycle % 3000 < 1 << N;
            unit.sweeps.next = sweeps;
            unit.sweep_index.next = (cycle % 3000 % (1 << N)).to_bits();
            if sweeps {
                reference.fill(false);
            }
            // Few bits, so that all meet.
            let below = if cycle / 100 % 2 == 0 { 1 << N } else { 3 };
            let [first, second, cleared] = [0; 3].map(|_| random.below(below));
            let clear = !sweeps && random.chance(40) && reference[cleared as usize];
            let may_be_set =
                |index: u64| !sweeps && (!reference[index as usize] || clear && index == cleared);
            let set_first = random.chance(50) && may_be_set(first);
            let set_second =
                random.chance(50) && may_be_set(second) && !(set_first && first == second);
            unit.first_index.next = first.to_bits();
            unit.second_index.next = second.to_bits();
            unit.clear_index.next = cleared.to_bits();
            unit.set_first.next = set_first;
            unit.set_second.next = set_second;
            unit.clear.next = clear;
            settle(&mut unit);
            if !sweeps {
                assert_eq!(unit.first.val(), reference[first as usize]);
                assert_eq!(unit.second.val(), reference[second as usize]);
            }
            clock_cycle!(unit, clock);
            reference[cleared as usize] &= !clear;
            reference[first as usize] |= set_first;
            reference[second as usize] |= set_second;
            changes += usize::from(set_first) + usize::from(set_second) + usize::from(clear);
            let again = set_first && first == cleared || set_second && second == cleared;
            remained += usize::from(clear && again);
        }
        assert!(
            changes > 1000 && remained > 100,
            "{changes} changes, {remained} bits that were set and cleared at once"
        );
    }

    #[test]
    fn bits_are_set_and_cleared_and_looks_follow_at_once() {
        follows_the_reference::<2>();
        follows_the_reference::<4>();
        follows_the_reference::<5>();
        follows_the_reference::<8>();
    }

    fn passes_the_gate<const N: usize>(name: &str) {
        Gate::new(name, BitTable::<N>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.sweeps.next = cycle < 1 << N;
                unit.sweep_index.next = (cycle % (1 << N)).to_bits();
                // Reads what is cleared already.
                let known = (cycle + 1).min(1 << N);
                unit.first_index.next = (random.below(1 << N) % known).to_bits();
                unit.second_index.next = (random.below(1 << N) % known).to_bits();
                unit.clear_index.next = (random.below(1 << N) % known).to_bits();
                unit.set_first.next = random.chance(40);
                unit.set_second.next = random.chance(20);
                unit.clear.next = random.chance(40);
            });
    }

    #[test]
    fn gate() {
        passes_the_gate::<4>("bit_table");
        passes_the_gate::<8>("bit_table_256");
    }

    /// 256 bits in flip-flops take 256 of these and 900 LUT4 and more.
    #[test]
    fn takes_lut_ram() {
        let (few, _) = ecp5_size("bit_table_32", BitTable::<5>::default());
        assert!(few <= 80, "{few} LUT4 with 32 bits");
        let (many, _) = ecp5_size("bit_table_256", BitTable::<8>::default());
        assert!(many <= 340, "{many} LUT4 with 256 bits");
    }
}
