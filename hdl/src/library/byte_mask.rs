//! Bytes that are kept, and bytes that become zero.

use rust_hdl::prelude::*;

/// Sixteen bytes, of which those count whose bit stands in `keep`.
///
/// Latency: none.
#[derive(LogicBlock, Default)]
pub struct ByteMask {
    pub data: Signal<In, Bits<128>>,
    /// Bit k: byte k, bits 8 k and up, is kept.
    pub keep: Signal<In, Bits<16>>,
    /// The bytes kept; zeros in place of the others.
    pub masked: Signal<Out, Bits<128>>,
}

impl Logic for ByteMask {
    fn update(&mut self) {
        let mut masked = self.data.val();
        for byte in 0..16 {
            if !self.keep.val().get_bit(byte) {
                masked.set_bits::<8>(8 * byte, 0.into());
            }
        }
        self.masked.next = masked;
    }

    fn connect(&mut self) {
        self.masked.connect();
    }

    fn hdl(&self) -> Verilog {
        let bytes: Vec<String> = (0..16)
            .rev()
            .map(|byte| {
                format!(
                    "data[{}:{}] & {{8{{keep[{byte}]}}}}",
                    8 * byte + 7,
                    8 * byte
                )
            })
            .collect();
        Verilog::Custom(format!("always @(*) masked = {{{}}};\n", bytes.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, settle};

    #[test]
    fn only_the_bytes_named_are_kept() {
        let mut unit = ByteMask::default();
        unit.connect_all();
        unit.data.next = Bits::<128>::mask();
        for byte in 0..16 {
            unit.keep.next = (1u64 << byte).to_bits();
            settle(&mut unit);
            assert_eq!(unit.masked.val().to_u128(), 0xff << (8 * byte));
        }
    }

    #[test]
    fn gate() {
        Gate::new("byte_mask", ByteMask::default()).run(|unit, random, _| {
            unit.data.next = random.bits();
            unit.keep.next = random.bits();
        });
    }
}
