//! CRC-32 of frames: a software reference, and a block that takes a beat a cycle.

use rust_hdl::prelude::*;

/// The generator polynomial of IEEE 802.3, bits reversed.
const POLYNOMIAL: u32 = 0xEDB8_8320;

/// State before the first byte.
pub const START: u32 = 0xFFFF_FFFF;

/// State after a whole frame whose last four bytes are the CRC of all before them, whatever the frame.
pub const RESIDUE: u32 = 0xDEBB_20E3;

/// State after `bytes`, without the final complement.
pub fn advance(state: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(state, |state, byte| {
        (0..8).fold(state ^ u32::from(*byte), |state, _| {
            state >> 1 ^ if state & 1 == 1 { POLYNOMIAL } else { 0 }
        })
    })
}

/// CRC-32 of `bytes` as `abi::link` wants it: from all ones, complemented at the end.
pub fn crc32(bytes: &[u8]) -> u32 {
    !advance(START, bytes)
}

/// One step of the CRC over a beat, or over the first 12 bytes of one.
///
/// Contract: purely combinational. `state` begins as `START`; the CRC of a frame is the complement of the last state.
/// Byte 0 of the beat stands in bits 7 to 0.
///
/// Latency: none. Each state bit is the parity of about half of 160 (or 128) bits, four LUT levels: register `data`
/// and `partial` before and the state behind it, and put nothing else in that path. A beat of 12 bytes goes through
/// the same parities as a whole one, moved by a word; the parities of both would take 400 LUTs more.
#[derive(LogicBlock, Default)]
pub struct CrcStep {
    /// State before the beat.
    pub state: Signal<In, Bits<32>>,
    /// The beat.
    pub data: Signal<In, Bits<128>>,
    /// Only the first 12 bytes count, as in a last beat, whose bits 127 to 96 hold the CRC.
    pub partial: Signal<In, Bit>,
    /// State behind the bytes that count.
    pub next_state: Signal<Out, Bits<32>>,
}

impl Logic for CrcStep {
    fn update(&mut self) {
        let data = self.data.val().to_u128().to_le_bytes();
        let bytes = if self.partial.val() { 12 } else { 16 };
        let state = self.state.val().to_u32();
        self.next_state.next = advance(state, &data[..bytes]).to_bits();
    }

    fn connect(&mut self) {
        self.next_state.connect();
    }

    fn hdl(&self) -> Verilog {
        Verilog::Custom(format!(
            "reg [31:0] start;
reg [31:0] word_0;
reg [31:0] word_1;
reg [31:0] word_2;
reg [31:0] word_3;
always @(*) begin
  start = state ^ data[31:0];
  word_0 = partial ? 32'd0 : start;
  word_1 = partial ? start : data[63:32];
  word_2 = partial ? data[63:32] : data[95:64];
  word_3 = partial ? data[95:64] : data[127:96];
{}end
",
            equations()
        ))
    }
}

/// Verilog that computes the state after four words of 32 bits. The step is linear over GF(2), and the state counts
/// as if it were added to the first word; so what the step makes of each single input bit tells which inputs an
/// output bit sums up. Words are masked and added before their bits are: a simulator does 32 bits in one operation.
fn equations() -> String {
    let of_input = |bit: usize| advance(0, &(1u128 << bit).to_le_bytes());
    let mut text = String::new();
    for row in 0..32 {
        let masked: Vec<String> = (0..4)
            .map(|word| {
                let mask = (0..32).fold(0u32, |mask, bit| {
                    mask | (of_input(32 * word + bit) >> row & 1) << bit
                });
                format!("(word_{word} & 32'h{mask:08x})")
            })
            .collect();
        text += &format!("  next_state[{row}] = ^({});\n", masked.join(" ^ "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, Random, settle};

    #[test]
    fn agrees_with_the_published_check_value() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn the_crc_behind_its_bytes_leaves_the_residue_and_no_other_word_does() {
        let bytes = b"123456789";
        let with = |crc: u32| advance(advance(START, bytes), &crc.to_le_bytes());
        assert_eq!(with(crc32(bytes)), RESIDUE);
        for bit in 0..32 {
            assert_ne!(with(crc32(bytes) ^ 1 << bit), RESIDUE);
        }
    }

    #[test]
    fn beats_give_the_crc_of_a_frame() {
        let seed = 9;
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let mut unit = CrcStep::default();
        for beats in 1..17 {
            let bytes: Vec<u8> = (0..beats * 16).map(|_| random.below(256) as u8).collect();
            let mut state = START;
            for (index, beat) in bytes.chunks_exact(16).enumerate() {
                unit.state.next = state.to_bits();
                unit.data.next = u128::from_le_bytes(beat.try_into().unwrap()).to_bits();
                unit.partial.next = index + 1 == beats;
                settle(&mut unit);
                state = unit.next_state.val().to_u32();
            }
            assert_eq!(!state, crc32(&bytes[..bytes.len() - 4]));
        }
    }

    #[test]
    fn gate() {
        Gate::new("crc_step", CrcStep::default())
            .cycles(500)
            .run(|unit, random, _| {
                unit.state.next = random.bits();
                unit.data.next = random.bits();
                unit.partial.next = random.chance(50);
            });
    }
}
