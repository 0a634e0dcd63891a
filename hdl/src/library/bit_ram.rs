//! Bits in LUT RAM that one writer inverts.

use rust_hdl::prelude::*;

/// `2^N` bits in LUT RAM with one writer and two readers.
///
/// Up to four bits stand in a word, since a LUT RAM is that wide. The writer reads the word that it changes.
///
/// Contract: `own`, `first` and `second` follow their index in the same cycle. With `inverts` the bit `index` is
/// inverted at the clock edge. With `clears` the bit `clear_index` becomes zero instead, and with it others of its
/// word: clear all bits. Bits are undefined until cleared.
///
/// Latency: none for reads, one cycle for changes.
#[derive(LogicBlock)]
pub struct BitRam<const N: usize> {
    pub clock: Signal<In, Clock>,
    /// From a `ResetSweep`.
    pub clears: Signal<In, Bit>,
    pub clear_index: Signal<In, Bits<N>>,
    /// The writer's bit.
    pub index: Signal<In, Bits<N>>,
    pub own: Signal<Out, Bit>,
    pub inverts: Signal<In, Bit>,
    pub first_index: Signal<In, Bits<N>>,
    pub first: Signal<Out, Bit>,
    pub second_index: Signal<In, Bits<N>>,
    pub second: Signal<Out, Bit>,
    _bits: Vec<bool>,
}

impl<const N: usize> BitRam<N> {
    /// Logarithm of the bits in a word: one, if the words are no more than a LUT RAM has.
    const WIDTH_LOG2: usize = match N {
        0..=4 => 0,
        5 => 1,
        _ => 2,
    };
}

impl<const N: usize> Default for BitRam<N> {
    fn default() -> Self {
        Self {
            clock: Default::default(),
            clears: Default::default(),
            clear_index: Default::default(),
            index: Default::default(),
            own: Default::default(),
            inverts: Default::default(),
            first_index: Default::default(),
            first: Default::default(),
            second_index: Default::default(),
            second: Default::default(),
            _bits: vec![false; 1 << N],
        }
    }
}

impl<const N: usize> Logic for BitRam<N> {
    fn update(&mut self) {
        if self.clock.pos_edge() {
            if self.clears.val() {
                let word = self.clear_index.val().index() >> Self::WIDTH_LOG2;
                let first = word << Self::WIDTH_LOG2;
                self._bits[first..first + (1 << Self::WIDTH_LOG2)].fill(false);
            } else if self.inverts.val() {
                self._bits[self.index.val().index()] ^= true;
            }
        }
        self.own.next = self._bits[self.index.val().index()];
        self.first.next = self._bits[self.first_index.val().index()];
        self.second.next = self._bits[self.second_index.val().index()];
    }

    fn connect(&mut self) {
        self.own.connect();
        self.first.connect();
        self.second.connect();
    }

    fn hdl(&self) -> Verilog {
        let width = 1usize << Self::WIDTH_LOG2;
        let word = |index: &str| match Self::WIDTH_LOG2 {
            0 => index.to_string(),
            low => format!("{index}[{}:{low}]", N - 1),
        };
        let place = |index: &str| match Self::WIDTH_LOG2 {
            0 => "1'd0".to_string(),
            low => format!("{index}[{}:0]", low - 1),
        };
        let bit = |index: &str| format!("words[{}][{}]", word(index), place(index));
        Verilog::Custom(format!(
            "(* ram_style = \"distributed\" *)
reg [{high}:0] words [0:{last}];
wire [{high}:0] inverted = words[{own_word}] ^ ({width}'d1 << {own_place});
always @(posedge clock) begin
  if (clears || inverts)
    words[clears ? {clear_word} : {own_word}] <= clears ? {width}'d0 : inverted;
end
always @(*) own = {own};
always @(*) first = {first};
always @(*) second = {second};
",
            high = width - 1,
            last = (1usize << (N - Self::WIDTH_LOG2)) - 1,
            own_word = word("index"),
            own_place = place("index"),
            clear_word = word("clear_index"),
            own = bit("index"),
            first = bit("first_index"),
            second = bit("second_index"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    /// Cleared, then inverted at random.
    fn follows_the_reference<const N: usize>() {
        let seed = 5;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = BitRam::<N>::default();
        unit.connect_all();
        let mut reference = vec![true; 1 << N];
        unit._bits.fill(true);
        for cycle in 0..4000u64 {
            let clears = cycle < 1 << N || (2000..2000 + (1 << N)).contains(&cycle);
            let [index, first, second] = [0; 3].map(|_| random.below(1 << N));
            let inverts = random.chance(60);
            unit.clears.next = clears;
            unit.clear_index.next = (cycle % 2000 % (1 << N)).to_bits();
            unit.index.next = index.to_bits();
            unit.inverts.next = inverts;
            unit.first_index.next = first.to_bits();
            unit.second_index.next = second.to_bits();
            settle(&mut unit);
            if !clears {
                assert_eq!(unit.own.val(), reference[index as usize]);
                assert_eq!(unit.first.val(), reference[first as usize]);
                assert_eq!(unit.second.val(), reference[second as usize]);
            }
            clock_cycle!(unit, clock);
            if clears {
                reference.fill(false);
            } else if inverts {
                reference[index as usize] ^= true;
            }
        }
    }

    #[test]
    fn bits_are_cleared_and_inverted() {
        follows_the_reference::<2>();
        follows_the_reference::<4>();
        follows_the_reference::<5>();
        follows_the_reference::<8>();
    }

    fn passes_the_gate<const N: usize>(name: &str) {
        Gate::new(name, BitRam::<N>::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                unit.clears.next = cycle < 1 << N || random.chance(2);
                unit.clear_index.next = if cycle < 1 << N {
                    cycle.to_bits()
                } else {
                    random.bits()
                };
                // Reads what is cleared already.
                let known = (cycle + 1).min(1 << N);
                unit.index.next = (random.below(1 << N) % known).to_bits();
                unit.inverts.next = random.chance(50);
                unit.first_index.next = (random.below(1 << N) % known).to_bits();
                unit.second_index.next = (random.below(1 << N) % known).to_bits();
            });
    }

    #[test]
    fn gate() {
        passes_the_gate::<2>("bit_ram_4");
        passes_the_gate::<5>("bit_ram_32");
        passes_the_gate::<8>("bit_ram_256");
    }
}
