//! The header of a memory request.

use rust_hdl::prelude::*;

/// Header of a memory read or write (PCI Express 2.2.7) in wire order, byte 0 in bits 7:0. Combinational.
///
/// Traffic class, attributes, poison and digest are zero.
#[derive(LogicBlock, Default)]
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
    /// Byte enables of the first double word, and of the last one: zero if there is only one.
    pub first_enables: Signal<In, Bits<4>>,
    pub last_enables: Signal<In, Bits<4>>,
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
    words: Signal<Local, Bits<64>>,
    front: Signal<Local, Bits<128>>,
    low_word: Signal<Local, Bits<128>>,
    high_word: Signal<Local, Bits<128>>,
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
        // Length, requester and tag stand at the fields of `abi::pcie::request`, high bytes first.
        self.words.next = self.format.val()
            | (bit_cast::<64, 4>(self.first_enables.val())
                << abi::pcie::request::first_enables::SHIFT.to_bits::<6>())
            | (bit_cast::<64, 4>(self.last_enables.val())
                << abi::pcie::request::last_enables::SHIFT.to_bits::<6>())
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
