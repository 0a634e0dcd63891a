//! Sizes of this NIU: the constants that the build script made from `hdl/configurations/default.toml`, or from the file
//! that `WAYFARER_CONFIGURATION` names. Formats, which all configurations share, stand in `abi`.

use abi::schema::Code;
use wayfarer_configuration::{Configuration, Form, KEYS};

#[cfg(test)]
mod tests;

/// Declares a size once, as a constant for Rust and as data for the generator.
macro_rules! sizes {
    ($( $name:ident = $value:literal $meaning:literal ),* $(,)?) => {
        $( #[doc = $meaning] pub const $name: usize = $value; )*
        /// The sizes as data.
        pub const NUMBERS: &[Code] = &[$( Code { name: stringify!($name), value: $value, meaning: $meaning } ),*];
    };
}

include!(concat!(env!("OUT_DIR"), "/configuration.rs"));

/// Base-2 logarithm of [`NONPOSTED_CREDITS`].
pub const NONPOSTED_CREDITS_LOG2: usize = NONPOSTED_CREDITS.ilog2() as usize;

/// One more than [`TRANSMIT_QUEUES_LOG2`]: bits of a count of transmit queues.
pub const TRANSMIT_QUEUES_LOG2_P1: usize = TRANSMIT_QUEUES_LOG2 + 1;

/// Two more than [`TRANSMIT_QUEUES_LOG2`]: bits of a count of up to twice as many.
pub const TRANSMIT_QUEUES_LOG2_P2: usize = TRANSMIT_QUEUES_LOG2 + 2;

/// One more than [`INTERRUPT_VECTORS_LOG2`]: bits of a count of vectors.
pub const INTERRUPT_VECTORS_LOG2_P1: usize = INTERRUPT_VECTORS_LOG2 + 1;

/// Two more than [`INTERRUPT_VECTORS_LOG2`]: bits of the number of a word of the MSI-X table.
pub const INTERRUPT_VECTORS_LOG2_P2: usize = INTERRUPT_VECTORS_LOG2 + 2;

/// Base-2 logarithm of the slots of all transmit queues together.
pub const SLOT_MEMORY_LOG2: usize = TRANSMIT_QUEUES_LOG2 + TRANSMIT_SLOTS_LOG2;

/// Base-2 logarithm of the 16-byte beats in the pool of inline pages.
pub const INLINE_BEATS_LOG2: usize = INLINE_PAGES_LOG2 + 8;

/// Base-2 logarithm of the words of queue state that firmware has written for the queues of both sides: two a queue.
pub const WRITTEN_WORDS_LOG2: usize = 2 + if TRANSMIT_QUEUES_LOG2 > RECEIVE_QUEUES_LOG2 {
    TRANSMIT_QUEUES_LOG2
} else {
    RECEIVE_QUEUES_LOG2
};

/// Bits of the number of a flow: a resident transmit queue of a node, on a virtual channel.
pub const FLOWS_LOG2: usize = NODES_LOG2 + PEER_QUEUES_LOG2 + 1;

/// Size of the service processor's RAM.
pub const RAM_BYTES: usize = 1 << RAM_BYTES_LOG2;

/// Upper bits of an address of the service processor that are the same everywhere in its RAM.
pub const RAM_REGION_BITS: usize = 32 - RAM_BYTES_LOG2;

/// Bits of a count of beats in a virtual channel's receive buffer.
pub const BUFFER_COUNT_BITS: usize = CHANNEL_BEATS_LOG2 + 1;

/// The configuration that this crate was built for.
///
/// # Errors
/// As [`Configuration::parse`]; never, if the build script did its work.
pub fn compiled_in() -> Result<Configuration, String> {
    let value = |constant: &str| NUMBERS.iter().find(|number| number.name == constant);
    let mut text = String::new();
    for key in KEYS {
        let number = value(key.constant).map_or(0, |number| number.value);
        let number = if key.form == Form::Log2 {
            1 << number
        } else {
            number
        };
        text.push_str(&format!("{} = {number}\n", key.name));
    }
    Configuration::parse(&text)
}
