//! Level-triggered bits, one for each of many endpoints or queues.

use crate::library::fixed::Fixed;
use crate::library::forward_ram::ForwardRam;
use rust_hdl::prelude::*;

/// 2^`INDEX` bits in a RAM, in 2^`WORD` words of 32; set one at a time, looked at or cleared a word at a time.
///
/// Contract: a set never waits; one may come in every cycle. `look`, `word`, `clear` and `mask`
/// must not change from `look` on until `done`; with `done`, `value` is the word, and if `clear` is
/// high the bits of `mask` in it become zero. A look waits for a cycle without a set. In the first
/// 2^`WORD` cycles after reset the RAM is cleared: sets are lost, looks wait.
///
/// Latency: a bit is set in the cycle after `set`; a look takes one cycle.
#[derive(LogicBlock)]
pub struct PendingBits<const INDEX: usize, const WORD: usize> {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: all bits go to zero.
    pub reset: Signal<In, Bit>,
    /// The bit `set_index` becomes one.
    pub set: Signal<In, Bit>,
    pub set_index: Signal<In, Bits<INDEX>>,
    /// The word `word` is wanted.
    pub look: Signal<In, Bit>,
    pub word: Signal<In, Bits<WORD>>,
    /// With `done`: the bits of `mask` become zero.
    pub clear: Signal<In, Bit>,
    pub mask: Signal<In, Bits<32>>,
    /// The look is over.
    pub done: Signal<Out, Bit>,
    /// With `done`: the word before clearing.
    pub value: Signal<Out, Bits<32>>,

    words: ForwardRam<Bits<32>, WORD>,
    clearing: DFF<Bit>,
    clear_word: DFF<Bits<WORD>>,
    /// What the word that is read in this cycle is read for, and which it is.
    setting: DFF<Bit>,
    looking: DFF<Bit>,
    row: DFF<Bits<WORD>>,
    bit_index: DFF<Bits<5>>,

    address: Signal<Local, Bits<WORD>>,
    changed: Signal<Local, Bits<32>>,
    one: Fixed<32, 1>,
}

impl<const INDEX: usize, const WORD: usize> Default for PendingBits<INDEX, WORD> {
    fn default() -> Self {
        assert_eq!(INDEX, WORD + 5, "a word has 32 bits");
        Self {
            clock: Default::default(),
            reset: Default::default(),
            set: Default::default(),
            set_index: Default::default(),
            look: Default::default(),
            word: Default::default(),
            clear: Default::default(),
            mask: Default::default(),
            done: Default::default(),
            value: Default::default(),
            words: Default::default(),
            clearing: Default::default(),
            clear_word: Default::default(),
            setting: Default::default(),
            looking: Default::default(),
            row: Default::default(),
            bit_index: Default::default(),
            address: Default::default(),
            changed: Default::default(),
            one: Default::default(),
        }
    }
}

impl<const INDEX: usize, const WORD: usize> Logic for PendingBits<INDEX, WORD> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(
            self, clock, clearing, clear_word, setting, looking, row, bit_index
        );
        clock!(self, clock, words);

        // One cycle reads a word.
        self.address.next = self.word.val();
        if self.set.val() {
            self.address.next = self.set_index.val().get_bits::<WORD>(5);
        }
        self.words.read_address.next = self.address.val();
        self.row.d.next = self.address.val();
        self.bit_index.d.next = self.set_index.val().get_bits::<5>(0);
        self.setting.d.next = self.set.val() & !self.clearing.q.val();
        self.looking.d.next =
            self.look.val() & !self.set.val() & !self.looking.q.val() & !self.clearing.q.val();

        // The next one writes it.
        self.changed.next = self.words.read_data.val() & !self.mask.val();
        if self.setting.q.val() {
            self.changed.next =
                self.words.read_data.val() | (self.one.val() << self.bit_index.q.val());
        }
        self.words.write_address.next = self.row.q.val();
        self.words.write_data.next = self.changed.val();
        self.words.write_enable.next =
            self.setting.q.val() | (self.looking.q.val() & self.clear.val());
        self.done.next = self.looking.q.val();
        self.value.next = self.words.read_data.val();

        if self.clearing.q.val() {
            self.words.write_address.next = self.clear_word.q.val();
            self.words.write_data.next = 0.into();
            self.words.write_enable.next = true;
            self.clear_word.d.next = self.clear_word.q.val() + 1;
            self.clearing.d.next = !self.clear_word.q.val().all();
        }
        if self.reset.val() {
            self.clearing.d.next = true;
            self.clear_word.d.next = 0.into();
            self.setting.d.next = false;
            self.looking.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, ecp5_cells, settle};

    /// Few words, so that sets and looks meet.
    type Few = PendingBits<7, 2>;

    fn unit() -> Few {
        let mut unit = Few::default();
        unit.connect_all();
        unit.reset.next = true;
        settle(&mut unit);
        clock_cycle!(unit, clock);
        unit.reset.next = false;
        // No look is over before all words are cleared.
        unit.look.next = true;
        for _ in 0..4 {
            settle(&mut unit);
            assert!(!unit.done.val());
            clock_cycle!(unit, clock);
        }
        unit.look.next = false;
        clock_cycle!(unit, clock);
        unit
    }

    #[test]
    fn bits_follow_a_model_with_a_set_in_almost_every_cycle() {
        let seed = 21;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = unit();
        let mut model = [0u32; 4];
        let (mut looks, mut cleared) = (0, 0);
        let mut is_free = true;
        for cycle in 0..6000 {
            let set = random.chance(if cycle / 100 % 2 == 0 { 90 } else { 30 });
            let index = random.below(128) as usize;
            unit.set.next = set;
            unit.set_index.next = index.to_bits();
            if is_free {
                unit.look.next = random.chance(50);
                unit.word.next = random.bits();
                unit.clear.next = random.chance(60);
                unit.mask.next = random.bits();
            }
            settle(&mut unit);
            is_free = unit.done.val() || !unit.look.val();
            if unit.done.val() {
                let word = &mut model[unit.word.val().index()];
                assert_eq!(unit.value.val().to_u64(), u64::from(*word), "{cycle}");
                looks += 1;
                if unit.clear.val() {
                    let mask = unit.mask.val().to_u64() as u32;
                    cleared += (*word & mask).count_ones();
                    *word &= !mask;
                }
            }
            if set {
                model[index / 32] |= 1 << (index % 32);
            }
            clock_cycle!(unit, clock);
        }
        assert!(looks > 500 && cleared > 1000, "{looks} {cleared}");
    }

    #[test]
    fn gate() {
        Gate::new("pending_bits", Few::default())
            .clock(|unit| &mut unit.clock)
            .cycles(3000)
            .run(|unit, random, cycle| {
                unit.reset.next = cycle < 2 || cycle == 1000;
                unit.set.next = random.chance(50);
                unit.set_index.next = random.bits();
                if unit.done.val() || !unit.look.val() {
                    unit.look.next = random.chance(50);
                    unit.word.next = random.bits();
                    unit.clear.next = random.chance(50);
                    unit.mask.next = random.bits();
                }
            });
    }

    #[test]
    fn many_bits_take_one_block_ram_and_few_none() {
        let block_rams = |cells: Vec<(String, usize)>| {
            let mut kinds = cells.into_iter();
            kinds
                .find(|(kind, _)| kind == "DP16KD")
                .map_or(0, |(_, count)| count)
        };
        let many = ecp5_cells("pending_many", PendingBits::<12, 7>::default());
        assert_eq!(block_rams(many), 1);
        let few = ecp5_cells("pending_few", PendingBits::<8, 3>::default());
        assert_eq!(block_rams(few), 0);
    }
}
