//! A register that is read back as it was written.

use abi::schema::{Register, mask};
use rust_hdl::prelude::*;

/// One read-write register with byte enables; bits of no field stay zero.
///
/// `value` shows a write in the cycle after `write`.
#[derive(LogicBlock)]
pub struct WritableRegister {
    pub clock: Signal<In, Clock>,
    /// Synchronous reset: the register takes its reset value.
    pub reset: Signal<In, Bit>,
    /// `data` is written where `enables` says.
    pub write: Signal<In, Bit>,
    /// What to write.
    pub data: Signal<In, Bits<32>>,
    /// Which bytes to write.
    pub enables: Signal<In, Bits<4>>,
    /// The register.
    pub value: Signal<Out, Bits<32>>,
    byte_0: DFF<Bits<8>>,
    byte_1: DFF<Bits<8>>,
    byte_2: DFF<Bits<8>>,
    byte_3: DFF<Bits<8>>,
    stored: Signal<Local, Bits<32>>,
    reset_value: Constant<Bits<32>>,
    writable: Constant<Bits<32>>,
}

impl WritableRegister {
    /// The register as `abi` describes it: its reset value, and its fields (without fields: all bits) writable.
    pub fn new(register: &Register) -> Self {
        let fields = register.word.fields;
        let writable = if fields.is_empty() {
            mask(32) as u32
        } else {
            fields.iter().fold(0, |bits, field| {
                bits | (mask(field.width) << field.shift) as u32
            })
        };
        Self {
            clock: Default::default(),
            reset: Default::default(),
            write: Default::default(),
            data: Default::default(),
            enables: Default::default(),
            value: Default::default(),
            byte_0: Default::default(),
            byte_1: Default::default(),
            byte_2: Default::default(),
            byte_3: Default::default(),
            stored: Default::default(),
            reset_value: Constant::new(register.reset.to_bits()),
            writable: Constant::new(writable.to_bits()),
        }
    }
}

impl Logic for WritableRegister {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, byte_0, byte_1, byte_2, byte_3);
        if self.write.val() & self.enables.val().get_bit(0) {
            self.byte_0.d.next = self.data.val().get_bits::<8>(0);
        }
        if self.write.val() & self.enables.val().get_bit(1) {
            self.byte_1.d.next = self.data.val().get_bits::<8>(8);
        }
        if self.write.val() & self.enables.val().get_bit(2) {
            self.byte_2.d.next = self.data.val().get_bits::<8>(16);
        }
        if self.write.val() & self.enables.val().get_bit(3) {
            self.byte_3.d.next = self.data.val().get_bits::<8>(24);
        }
        self.stored.next = bit_cast::<32, 8>(self.byte_0.q.val())
            | (bit_cast::<32, 8>(self.byte_1.q.val()) << 8)
            | (bit_cast::<32, 8>(self.byte_2.q.val()) << 16)
            | (bit_cast::<32, 8>(self.byte_3.q.val()) << 24);
        self.value.next = self.stored.val() & self.writable.val();
        if self.reset.val() {
            self.byte_0.d.next = self.reset_value.val().get_bits::<8>(0);
            self.byte_1.d.next = self.reset_value.val().get_bits::<8>(8);
            self.byte_2.d.next = self.reset_value.val().get_bits::<8>(16);
            self.byte_3.d.next = self.reset_value.val().get_bits::<8>(24);
        }
    }
}

/// Byte enables as a mask of bits; combinational.
#[derive(LogicBlock, Default)]
pub struct ByteMask {
    /// One bit a byte.
    pub enables: Signal<In, Bits<4>>,
    /// Eight ones for each enabled byte.
    pub mask: Signal<Out, Bits<32>>,
    part_0: Signal<Local, Bits<32>>,
    part_1: Signal<Local, Bits<32>>,
    part_2: Signal<Local, Bits<32>>,
    part_3: Signal<Local, Bits<32>>,
}

impl Logic for ByteMask {
    #[hdl_gen]
    fn update(&mut self) {
        self.part_0.next = 0.into();
        self.part_1.next = 0.into();
        self.part_2.next = 0.into();
        self.part_3.next = 0.into();
        if self.enables.val().get_bit(0) {
            self.part_0.next = 0xffu32.to_bits();
        }
        if self.enables.val().get_bit(1) {
            self.part_1.next = 0xff00u32.to_bits();
        }
        if self.enables.val().get_bit(2) {
            self.part_2.next = 0xff0000u32.to_bits();
        }
        if self.enables.val().get_bit(3) {
            self.part_3.next = 0xff000000u32.to_bits();
        }
        self.mask.next =
            self.part_0.val() | self.part_1.val() | self.part_2.val() | self.part_3.val();
    }
}
