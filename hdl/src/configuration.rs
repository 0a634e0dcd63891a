//! Sizes of this NIU. Those that firmware and driver must know stand in `abi`; these concern the hardware alone.

use abi::schema::Code;

/// Declares a size once, as a constant for Rust and as data for the generator.
macro_rules! sizes {
    ($( $name:ident = $value:literal $meaning:literal ),* $(,)?) => {
        $( #[doc = $meaning] pub const $name: usize = $value; )*
        /// The sizes as data.
        pub const NUMBERS: &[Code] = &[$( Code { name: stringify!($name), value: $value, meaning: $meaning } ),*];
    };
}

sizes! {
    NONPOSTED_CREDITS = 8 "Non-posted requests the host may have outstanding.",
    REGISTER_WRITES_LOG2 = 4 "Base-2 logarithm of the beats of register writes that may wait.",
    READ_TAGS_LOG2 = 4 "Base-2 logarithm of the NIU's own outstanding read requests.",
    COMPLETION_TIMEOUT_CYCLES = 0x10_0000 "Cycles after which an own read is given up: 8.4 ms at 125 MHz.",
    CHANNEL_BEATS_LOG2 = 9 "Base-2 logarithm of the beats a virtual channel's receive buffer holds.",
    CHANNEL_SLACK_BEATS = 32 "Beats of that buffer that no credit covers: where a frame without credit stands until it is dropped.",
    RESTART_CYCLES = 256 "Cycles a transmit queue waits before it tries a full receive ring again.",
    ACKNOWLEDGE_TICK_LOG2 = 17 "Base-2 logarithm of the cycles between two looks for overdue acknowledgements.",
    CREDIT_INTERVAL_CYCLES = 1024 "A credit frame is sent at least this often.",
    CREDIT_STEP_BEATS = 64 "A credit frame is sent as soon as this many beats were freed since the last.",
}
