//! The header of a memory request.

use rust_hdl::prelude::*;

/// Header of a memory read or write (PCI Express 2.2.7) in wire order, byte 0 in bits 7:0. Combinational.
///
/// All bytes of all double words are enabled; traffic class, attributes, poison and digest are zero.
#[derive(LogicBlock)]
pub struct RequestHeader {
    /// Memory write; else memory read.
    pub write: Signal<In, Bit>,
    /// Four double words of header; else three, and bits 127:96 are zero.
    pub wide: Signal<In, Bit>,
    /// Address bits 63:12.
    pub page: Signal<In, Bits<52>>,
    /// Address bits 11:2.
    pub offset: Signal<In, Bits<10>>,
    /// Double words; 0 stands for 1024.
    pub length: Signal<In, Bits<10>>,
    /// The length is one double word.
    pub single: Signal<In, Bit>,
    /// Requester ID: bus, device, function.
    pub requester_id: Signal<In, Bits<16>>,
    /// Comes back in the completions; of a write it means nothing.
    pub tag: Signal<In, Bits<8>>,
    /// 3 or 4 double words, byte 0 in bits 7 to 0.
    pub header: Signal<Out, Bits<128>>,
    low_address: Signal<Local, Bits<32>>,
    low_bytes: Signal<Local, Bits<32>>,
    high_address: Signal<Local, Bits<32>>,
    high_bytes: Signal<Local, Bits<32>>,
    format: Signal<Local, Bits<64>>,
    fields: Signal<Local, Bits<64>>,
    words: Signal<Local, Bits<64>>,
    front: Signal<Local, Bits<128>>,
    low_word: Signal<Local, Bits<128>>,
    high_word: Signal<Local, Bits<128>>,
    several: Constant<Bits<64>>,
    one: Constant<Bits<64>>,
}

impl Default for RequestHeader {
    fn default() -> Self {
        use abi::pcie::request::{first_enables, last_enables};
        let one = 0xf << first_enables::SHIFT;
        Self {
            write: Default::default(),
            wide: Default::default(),
            page: Default::default(),
            offset: Default::default(),
            length: Default::default(),
            single: Default::default(),
            requester_id: Default::default(),
            tag: Default::default(),
            header: Default::default(),
            low_address: Default::default(),
            low_bytes: Default::default(),
            high_address: Default::default(),
            high_bytes: Default::default(),
            format: Default::default(),
            fields: Default::default(),
            words: Default::default(),
            front: Default::default(),
            low_word: Default::default(),
            high_word: Default::default(),
            several: Constant::new((one | 0xf_u64 << last_enables::SHIFT).to_bits()),
            one: Constant::new(one.to_bits()),
        }
    }
}

impl Logic for RequestHeader {
    #[hdl_gen]
    fn update(&mut self) {
        self.low_address.next = (bit_cast::<32, 20>(self.page.val().get_bits::<20>(0)) << 12)
            | (bit_cast::<32, 10>(self.offset.val()) << 2);
        self.high_address.next = self.page.val().get_bits::<32>(20);
        self.low_bytes.next = (bit_cast::<32, 8>(self.low_address.val().get_bits::<8>(0)) << 24)
            | (bit_cast::<32, 8>(self.low_address.val().get_bits::<8>(8)) << 16)
            | (bit_cast::<32, 8>(self.low_address.val().get_bits::<8>(16)) << 8)
            | bit_cast::<32, 8>(self.low_address.val().get_bits::<8>(24));
        self.high_bytes.next = (bit_cast::<32, 8>(self.high_address.val().get_bits::<8>(0)) << 24)
            | (bit_cast::<32, 8>(self.high_address.val().get_bits::<8>(8)) << 16)
            | (bit_cast::<32, 8>(self.high_address.val().get_bits::<8>(16)) << 8)
            | bit_cast::<32, 8>(self.high_address.val().get_bits::<8>(24));

        self.format.next = abi::pcie::format_type::MEMORY_READ_32.to_bits();
        if self.write.val() & self.wide.val() {
            self.format.next = abi::pcie::format_type::MEMORY_WRITE_64.to_bits();
        } else if self.write.val() {
            self.format.next = abi::pcie::format_type::MEMORY_WRITE_32.to_bits();
        } else if self.wide.val() {
            self.format.next = abi::pcie::format_type::MEMORY_READ_64.to_bits();
        }
        self.fields.next = self.several.val();
        if self.single.val() {
            self.fields.next = self.one.val();
        }
        // Length, requester and tag stand at the fields of `abi::pcie::request`, high bytes first.
        self.words.next = self.format.val()
            | self.fields.val()
            | (bit_cast::<64, 2>(self.length.val().get_bits::<2>(8))
                << abi::pcie::request::length_high::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 8>(self.length.val().get_bits::<8>(0))
                << abi::pcie::request::length_low::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 8>(self.requester_id.val().get_bits::<8>(8))
                << abi::pcie::request::requester_high::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 8>(self.requester_id.val().get_bits::<8>(0))
                << abi::pcie::request::requester_low::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 8>(self.tag.val()) << abi::pcie::request::tag::SHIFT.to_bits::<6>());
        self.front.next = bit_cast::<128, 64>(self.words.val());
        self.low_word.next = bit_cast::<128, 32>(self.low_bytes.val());
        self.high_word.next = bit_cast::<128, 32>(self.high_bytes.val());
        self.header.next = self.front.val() | (self.low_word.val() << 64);
        if self.wide.val() {
            self.header.next =
                self.front.val() | (self.high_word.val() << 64) | (self.low_word.val() << 96);
        }
    }
}
