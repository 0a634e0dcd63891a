//! The beginning of the inbox once more, for records that are loaded from there.

use crate::library::lut_ram::LutRam;
use rust_hdl::prelude::*;

/// The first 16 beats of the inbox (`abi::command::RECORD_INBOX_BYTES`), as they were written, in double words: so much
/// at least is written at once.
///
/// Contract: `word` follows `beat` and `high` in the same cycle; what is written is seen from the next cycle on.
/// Latency: none for reads, one cycle for writes.
#[derive(LogicBlock, Default)]
pub struct RecordMirror {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Beat of the inbox that is written.
    pub write_address: Signal<In, Bits<6>>,
    /// The bytes.
    pub write_data: Signal<In, Bits<128>>,
    /// Which bytes are written.
    pub write_enables: Signal<In, Bits<16>>,
    /// Beat that is read.
    pub beat: Signal<In, Bits<4>>,
    /// Its upper half, in place of the lower one.
    pub high: Signal<In, Bit>,
    /// What stands there.
    pub word: Signal<Out, Bits<64>>,
    lane_0: LutRam<Bits<32>, 4>,
    lane_1: LutRam<Bits<32>, 4>,
    lane_2: LutRam<Bits<32>, 4>,
    lane_3: LutRam<Bits<32>, 4>,
    is_mirrored: Signal<Local, Bit>,
    place: Signal<Local, Bits<4>>,
    low_word: Signal<Local, Bits<64>>,
    high_word: Signal<Local, Bits<64>>,
}

impl Logic for RecordMirror {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, lane_0, lane_1, lane_2, lane_3);
        self.is_mirrored.next = !self.write_address.val().get_bits::<2>(4).any();
        self.place.next = self.write_address.val().get_bits::<4>(0);
        self.lane_0.write_address.next = self.place.val();
        self.lane_1.write_address.next = self.place.val();
        self.lane_2.write_address.next = self.place.val();
        self.lane_3.write_address.next = self.place.val();
        self.lane_0.write_data.next = self.write_data.val().get_bits::<32>(0);
        self.lane_1.write_data.next = self.write_data.val().get_bits::<32>(32);
        self.lane_2.write_data.next = self.write_data.val().get_bits::<32>(64);
        self.lane_3.write_data.next = self.write_data.val().get_bits::<32>(96);
        self.lane_0.write_enable.next =
            self.is_mirrored.val() & self.write_enables.val().get_bit(0);
        self.lane_1.write_enable.next =
            self.is_mirrored.val() & self.write_enables.val().get_bit(4);
        self.lane_2.write_enable.next =
            self.is_mirrored.val() & self.write_enables.val().get_bit(8);
        self.lane_3.write_enable.next =
            self.is_mirrored.val() & self.write_enables.val().get_bit(12);
        self.lane_0.read_address.next = self.beat.val();
        self.lane_1.read_address.next = self.beat.val();
        self.lane_2.read_address.next = self.beat.val();
        self.lane_3.read_address.next = self.beat.val();
        self.low_word.next = bit_cast::<64, 32>(self.lane_0.read_data.val())
            | (bit_cast::<64, 32>(self.lane_1.read_data.val()) << 32);
        self.high_word.next = bit_cast::<64, 32>(self.lane_2.read_data.val())
            | (bit_cast::<64, 32>(self.lane_3.read_data.val()) << 32);
        self.word.next = self.low_word.val();
        if self.high.val() {
            self.word.next = self.high_word.val();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, clock_cycle, settle};

    /// Enables of whole double words.
    fn enables(random: &mut Random) -> u64 {
        let lanes = random.below(16);
        (0..4)
            .filter(|lane| lanes >> lane & 1 == 1)
            .map(|lane| 0xf << (4 * lane))
            .sum()
    }

    #[test]
    fn gate() {
        Gate::new("record_mirror", RecordMirror::default())
            .clock(|unit| &mut unit.clock)
            .run(|unit, random, cycle| {
                // Words are undefined until they are written.
                let filling = cycle < 32;
                let address = if filling { cycle / 2 } else { random.below(24) };
                unit.write_address.next = address.to_bits();
                unit.write_data.next = random.bits();
                let written = if filling { 0xffff } else { enables(random) };
                unit.write_enables.next = written.to_bits();
                unit.beat.next = if filling {
                    0u32.to_bits()
                } else {
                    random.bits()
                };
                unit.high.next = random.chance(50);
            });
    }

    #[test]
    fn what_was_written_last_is_read_and_other_beats_are_none_of_it() {
        let seed = 31;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = RecordMirror::default();
        unit.connect_all();
        let mut expected = vec![0_u128; 64];
        for _ in 0..2000 {
            let address = random.below(64);
            let written = enables(&mut random);
            let data = random.wide();
            unit.write_address.next = address.to_bits();
            unit.write_data.next = data.to_bits();
            unit.write_enables.next = written.to_bits();
            let mask = (0..16)
                .filter(|byte| written >> byte & 1 == 1)
                .map(|byte| 0xff_u128 << (8 * byte))
                .sum::<u128>();
            let place = &mut expected[address as usize];
            *place = *place & !mask | data & mask;
            clock_cycle!(unit, clock);
            let beat = random.below(16);
            for high in [false, true] {
                unit.beat.next = beat.to_bits();
                unit.high.next = high;
                settle(&mut unit);
                let word = expected[beat as usize] >> if high { 64 } else { 0 };
                assert_eq!(unit.word.val().to_u64(), word as u64);
            }
        }
    }
}
