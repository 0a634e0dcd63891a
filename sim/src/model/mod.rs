//! The NIU itself: the generated Verilog, Verilated.

mod ffi;

pub use ffi::{Inputs, NiuModel, Outputs};

/// A beat as the model's ports carry it.
pub fn beat_to_words(beat: u128) -> [u32; 4] {
    std::array::from_fn(|word| (beat >> (32 * word)) as u32)
}

/// A beat from the model's ports.
pub fn words_to_beat(words: [u32; 4]) -> u128 {
    words
        .iter()
        .rev()
        .fold(0, |beat, &word| (beat << 32) | u128::from(word))
}
