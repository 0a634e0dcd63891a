//! The NIU itself: the generated Verilog, Verilated.

mod ffi;

pub use ffi::{Inputs, NiuModel, Outputs};

/// Non-posted requests that the NIU takes without giving a buffer back: `host.nonposted_credits` of its configuration.
pub const NONPOSTED_CREDITS: u32 = match u32::from_str_radix(env!("WAYFARER_NONPOSTED_CREDITS"), 10)
{
    Ok(credits) => credits,
    Err(_) => panic!("no number of credits"),
};

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
