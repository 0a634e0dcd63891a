//! Block RAM of 16-byte words with byte enables and two clocks.

use rust_hdl::prelude::*;

/// `2^N` words of 16 bytes in block RAM: one write port with byte enables, one read port, each with its own clock.
///
/// Contract: `read_data` after an edge of `read_clock` with `read_enable` is the word that stood at
/// `read_address` before it. Reading an address in the cycle in which it is written gives an
/// undefined word in hardware (the model gives the old bytes); so does reading it from the other
/// clock while a write is under way. Bytes are undefined until written.
///
/// A *folded* RAM has fewer words: only some bits of an address count, and addresses that differ in
/// no other are one word.
///
/// Latency: one cycle of `read_clock`. Size on ECP5: four DP16KD for up to 512 words.
#[derive(LogicBlock)]
pub struct ByteRam<const N: usize> {
    /// Clock of the write port.
    pub write_clock: Signal<In, Clock>,
    /// Clock of the read port; may be the same.
    pub read_clock: Signal<In, Clock>,
    /// A word is read in this cycle; else `read_data` stays.
    pub read_enable: Signal<In, Bit>,
    /// Word to read.
    pub read_address: Signal<In, Bits<N>>,
    /// The word at the `read_address` of the last cycle before with `read_enable`.
    pub read_data: Signal<Out, Bits<128>>,
    /// Word to write.
    pub write_address: Signal<In, Bits<N>>,
    /// Bytes to write, byte 0 in bits 7 to 0.
    pub write_data: Signal<In, Bits<128>>,
    /// Bytes that are written in this cycle, bit 0 for byte 0.
    pub write_enables: Signal<In, Bits<16>>,
    _memory: Vec<Bits<128>>,
    /// The bits of an address that count.
    _mask: usize,
}

impl<const N: usize> Default for ByteRam<N> {
    fn default() -> Self {
        Self::folded((1 << N) - 1)
    }
}

impl<const N: usize> ByteRam<N> {
    /// A RAM for which only the bits of `mask` count in an address.
    pub fn folded(mask: usize) -> Self {
        Self {
            write_clock: Default::default(),
            read_clock: Default::default(),
            read_enable: Default::default(),
            read_address: Default::default(),
            read_data: Default::default(),
            write_address: Default::default(),
            write_data: Default::default(),
            write_enables: Default::default(),
            _memory: vec![Bits::default(); 1 << N],
            _mask: mask,
        }
    }

    /// Verilog of the bits that count of the address called `name`.
    fn place(&self, name: &str) -> String {
        let counts = |bit: usize| self._mask >> bit & 1 == 1;
        let bits = (0..N).rev().filter(|&bit| counts(bit));
        if bits.clone().count() == N {
            return name.into();
        }
        let bits: Vec<String> = bits.map(|bit| format!("{name}[{bit}]")).collect();
        format!("{{{}}}", bits.join(", "))
    }
}

impl<const N: usize> Logic for ByteRam<N> {
    fn update(&mut self) {
        // The read first: with both clocks in step it sees the word before the write.
        if self.read_clock.pos_edge() && self.read_enable.val() {
            self.read_data.next = self._memory[self.read_address.val().index() & self._mask];
        }
        if self.write_clock.pos_edge() {
            let enables = self.write_enables.val().to_u16();
            let word = &mut self._memory[self.write_address.val().index() & self._mask];
            for byte in (0..16).filter(|byte| enables >> byte & 1 == 1) {
                word.set_bits::<8>(8 * byte, self.write_data.val().get_bits::<8>(8 * byte));
            }
        }
    }

    fn connect(&mut self) {
        self.read_data.connect();
    }

    fn hdl(&self) -> Verilog {
        let (written, read) = (self.place("write_address"), self.place("read_address"));
        let mut writes = String::new();
        for byte in 0..16 {
            let (high, low) = (8 * byte + 7, 8 * byte);
            writes += &format!(
                "  if (write_enables[{byte}]) memory[{written}][{high}:{low}] <= write_data[{high}:{low}];\n"
            );
        }
        Verilog::Custom(format!(
            "(* ram_style = \"block\", no_rw_check *)
reg [127:0] memory [0:{last}];
always @(posedge write_clock) begin
{writes}end
always @(posedge read_clock) begin
  if (read_enable) read_data <= memory[{read}];
end
",
            last = (1usize << self._mask.count_ones()) - 1
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, ecp5_cells, settle};

    #[test]
    fn only_enabled_bytes_change() {
        let seed = 3;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = ByteRam::<3>::default();
        let mut reference = [[0u8; 16]; 8];
        let mut expected = None;
        settle(&mut unit);
        for _ in 0..500 {
            let reads = random.chance(70);
            let (read, write) = (random.below(8), random.below(8));
            let data = random.wide();
            let enables = if read == write {
                0
            } else {
                random.below(1 << 16)
            };
            unit.read_enable.next = reads;
            unit.read_address.next = read.to_bits();
            unit.write_address.next = write.to_bits();
            unit.write_data.next = data.to_bits();
            unit.write_enables.next = enables.to_bits();
            if reads {
                expected = Some(u128::from_le_bytes(reference[read as usize]));
            }
            let word = &mut reference[write as usize];
            for (byte, (old, new)) in word.iter_mut().zip(data.to_le_bytes()).enumerate() {
                if enables >> byte & 1 == 1 {
                    *old = new;
                }
            }
            settle(&mut unit);
            for level in [true, false] {
                unit.write_clock.next.clk = level;
                unit.read_clock.next.clk = level;
                settle(&mut unit);
            }
            if let Some(word) = expected {
                assert_eq!(unit.read_data.val().to_u128(), word);
            }
        }
    }

    #[test]
    fn addresses_of_a_folded_ram_that_differ_where_nothing_counts_are_one_word() {
        const MASK: usize = 0b10_1101;
        let mut unit = ByteRam::<6>::folded(MASK);
        settle(&mut unit);
        let mut edge = |read: usize, write: usize, enables: u32| {
            unit.read_enable.next = true;
            unit.read_address.next = read.to_bits();
            unit.write_address.next = write.to_bits();
            unit.write_data.next = (write as u128 + 1).to_bits();
            unit.write_enables.next = enables.to_bits();
            settle(&mut unit);
            for level in [true, false] {
                unit.write_clock.next.clk = level;
                unit.read_clock.next.clk = level;
                settle(&mut unit);
            }
            unit.read_data.val().to_u128()
        };
        // Every address is written, the last of those that are one word stays.
        for address in 0..64 {
            edge(0, address, 0xffff);
        }
        for address in 0..64 {
            let last = address | !MASK & 63;
            assert_eq!(edge(address, 0, 0), last as u128 + 1, "{address:#b}");
        }
    }

    #[test]
    fn gate() {
        pass_gate("byte_ram", ByteRam::<4>::default());
        pass_gate("byte_ram_folded", ByteRam::<6>::folded(0b10_1101));
    }

    fn pass_gate<const N: usize>(name: &str, unit: ByteRam<N>) {
        Gate::new(name, unit)
            .clock(|unit| &mut unit.read_clock)
            .slow_clock(2, |unit| &mut unit.write_clock)
            .run(|unit, random, _| {
                unit.read_enable.next = random.chance(70);
                unit.read_address.next = random.bits();
                unit.write_address.next = random.bits();
                unit.write_data.next = random.bits();
                unit.write_enables.next = random.bits();
            });
    }

    #[test]
    fn becomes_block_ram_with_byte_enables() {
        let cells = ecp5_cells("byte_ram_cells", ByteRam::<9>::default());
        assert_eq!(cells, [("DP16KD".to_string(), 4)]);
        let folded = ByteRam::<12>::folded(0b0011_1100_1111);
        let cells = ecp5_cells("byte_ram_folded_cells", folded);
        assert_eq!(cells, [("DP16KD".to_string(), 4)]);
    }
}
