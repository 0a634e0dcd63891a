//! The NIU itself: the generated Verilog, Verilated.

mod ffi;

pub use ffi::{HostOutputs, Inputs, LinkBeat, NiuModel};

/// Non-posted requests that the NIU takes without giving a buffer back: `host.nonposted_credits` of its configuration.
pub const NONPOSTED_CREDITS: u32 = number(env!("WAYFARER_NONPOSTED_CREDITS"));

/// Size of the service processor's RAM: `processor.ram_bytes`.
pub const RAM_BYTES: usize = number(env!("WAYFARER_RAM_BYTES")) as usize;

/// Endpoint pages: `queues.endpoints`.
pub const ENDPOINTS: usize = number(env!("WAYFARER_ENDPOINTS")) as usize;

/// Interrupt vectors: `host.interrupt_vectors`.
pub const INTERRUPT_VECTORS: u16 = number(env!("WAYFARER_INTERRUPT_VECTORS")) as u16;

/// Nodes that the NIU takes messages from: `link.nodes`.
pub const NODES: u16 = number(env!("WAYFARER_NODES")) as u16;

/// Translations of all endpoints together: `queues.translation_entries`.
pub const TRANSLATION_ENTRIES: usize = number(env!("WAYFARER_TRANSLATION_ENTRIES")) as usize;

/// Receive queue identifiers: `queues.receive_queue_ids`.
pub const RECEIVE_QUEUE_IDS: u16 = number(env!("WAYFARER_RECEIVE_QUEUE_IDS")) as u16;

/// Endpoints that may have inline bodies at the same time: `queues.inline_pages`.
pub const INLINE_PAGES: u16 = number(env!("WAYFARER_INLINE_PAGES")) as u16;

/// The core clock: `clock_hertz`. All of a cluster's NIUs run at it.
pub const CLOCK_HERTZ: u64 = number(env!("WAYFARER_CLOCK_HERTZ")) as u64;

/// Period of the core clock in picoseconds, rounded.
pub const CLOCK_PERIOD_PS: u64 = (1_000_000_000_000 + CLOCK_HERTZ / 2) / CLOCK_HERTZ;

/// A number as the build script hands it on.
const fn number(text: &str) -> u32 {
    match u32::from_str_radix(text, 10) {
        Ok(number) => number,
        Err(_) => panic!("the build script writes numbers"),
    }
}

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
