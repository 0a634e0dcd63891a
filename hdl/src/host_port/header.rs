//! What a packet's first beat says: PCI Express Base Specification, 2.2.

use super::bar_decoder::BarDecoder;
use super::lane_plan::LanePlan;
use rust_hdl::prelude::*;

/// A decoded header.
#[derive(Copy, Clone, PartialEq, Debug, Default, LogicStruct)]
pub struct Header {
    /// Memory write.
    pub write: Bit,
    /// Memory read, locked or not.
    pub read: Bit,
    /// Another request that is owed a completion: I/O, configuration, atomic, deferrable write. Hits nothing.
    pub foreign: Bit,
    /// Completion, with data or without, of a locked read or not.
    pub completion: Bit,
    /// Malformed as far as the header tells, or poisoned: to be dropped and counted.
    pub illegal: Bit,
    /// The request falls into a BAR and may be carried out.
    pub hit: Bit,
    /// With `hit`: 0, 1, 2 for BAR0, BAR2, BAR4.
    pub space: Bits<2>,
    /// With `hit`: byte offset of the first double word in the BAR; the low two bits are zero.
    pub offset: Bits<25>,
    /// One aligned 8-byte store with all bytes enabled.
    pub single: Bit,
    /// A write of no byte at all (2.2.5).
    pub nothing: Bit,
    /// Double words of payload or of what is to be read, 1 to 1024.
    pub length: Bits<11>,
    /// Byte enables of the first double word.
    pub first_enables: Bits<4>,
    /// Byte enables of the last double word.
    pub last_enables: Bits<4>,
    /// Requester ID.
    pub requester: Bits<16>,
    /// The requester's, for its completion.
    pub tag: Bits<8>,
    /// Copied to the completion.
    pub traffic_class: Bits<3>,
    /// Copied to the completion.
    pub attributes: Bits<2>,
    /// Packet beats that must follow the first.
    pub beats_after: Bits<9>,
    /// `LanePlan::shift`.
    pub shift: Bits<3>,
    /// `LanePlan::first_mask`.
    pub first_mask: Bits<16>,
    /// `LanePlan::final_mask`.
    pub final_mask: Bits<16>,
    /// `LanePlan::final_left`.
    pub final_left: Bits<2>,
    /// Locked memory read: `read`, and hits nothing.
    pub locked: Bit,
}

/// Decodes and checks a header. Combinational: the user registers the result.
///
/// A header is illegal if
/// * Fmt and Type are those of no request, message or completion (2.2.1),
/// * a memory request breaks the byte-enable rules (2.2.5): the last enables zero for one double
///   word, first and last non-zero for more, and no gap between written bytes unless the request is
///   one double word or two in one aligned quad word,
/// * a memory request crosses 4 KiB (2.2.7),
/// * it has more data than the maximum payload allows (2.2.2),
/// * it is a poisoned write (2.7.2).
///
/// Reserved bits, the traffic class and the attributes are taken as they come. A locked read hits
/// nothing: Unsupported Request. So does every other non-posted request, whatever else it says. A
/// message (2.2.8) is none of these: it has no effect.
#[derive(LogicBlock, Default)]
pub struct HeaderDecoder {
    /// First beat of a packet.
    pub data: Signal<In, Bits<128>>,
    /// Base address of the control registers.
    pub bar0: Signal<In, Bits<64>>,
    /// Base address of the endpoint pages.
    pub bar2: Signal<In, Bits<64>>,
    /// Base address of the slot memory and the outbox.
    pub bar4: Signal<In, Bits<64>>,
    /// Memory Space Enable.
    pub memory_enable: Signal<In, Bit>,
    /// Bits that the double words of a payload, less one, may not have.
    pub beyond_payload: Signal<In, Bits<10>>,
    /// What it says.
    pub header: Signal<Out, Header>,
    /// Address bits 11 to 4: which lane-beat of its page a request begins in.
    pub lane_address: Signal<Out, Bits<8>>,
    bars: BarDecoder,
    plan: LanePlan,
    format_type: Signal<Local, Bits<8>>,
    format_type_any_width: Signal<Local, Bits<8>>,
    long: Signal<Local, Bit>,
    with_data: Signal<Local, Bit>,
    write: Signal<Local, Bit>,
    locked: Signal<Local, Bit>,
    read: Signal<Local, Bit>,
    foreign: Signal<Local, Bit>,
    message: Signal<Local, Bit>,
    completion: Signal<Local, Bit>,
    digest: Signal<Local, Bit>,
    poisoned: Signal<Local, Bit>,
    length_field: Signal<Local, Bits<10>>,
    length: Signal<Local, Bits<11>>,
    first_enables: Signal<Local, Bits<4>>,
    last_enables: Signal<Local, Bits<4>>,
    one: Signal<Local, Bit>,
    two_aligned: Signal<Local, Bit>,
    enables_contiguous: Signal<Local, Bit>,
    enables_legal: Signal<Local, Bit>,
    page_end: Signal<Local, Bits<11>>,
    payload: Signal<Local, Bits<11>>,
    length_less_one: Signal<Local, Bits<10>>,
    excess: Signal<Local, Bits<10>>,
    payload_beats: Signal<Local, Bits<9>>,
    address_first: Signal<Local, Bits<32>>,
    address_second: Signal<Local, Bits<32>>,
    address_low: Signal<Local, Bits<32>>,
    address_high: Signal<Local, Bits<32>>,
    address: Signal<Local, Bits<64>>,
}

impl Logic for HeaderDecoder {
    #[hdl_gen]
    fn update(&mut self) {
        self.bars.bar0.next = self.bar0.val();
        self.bars.bar2.next = self.bar2.val();
        self.bars.bar4.next = self.bar4.val();
        self.bars.memory_enable.next = self.memory_enable.val();

        // Kind. Bit 5 of Fmt and Type tells the header's length, bit 6 whether there is a payload.
        self.format_type.next = self
            .data
            .val()
            .get_bits::<8>(abi::pcie::request::format_type::SHIFT);
        self.format_type_any_width.next = self.format_type.val() & 0xdf;
        self.long.next = self.format_type.val().get_bit(5);
        self.with_data.next = self.format_type.val().get_bit(6);
        self.write.next =
            self.format_type_any_width.val() == abi::pcie::format_type::MEMORY_WRITE_32.to_bits();
        self.locked.next = self.format_type_any_width.val()
            == abi::pcie::format_type::MEMORY_READ_LOCKED_32.to_bits();
        self.read.next = (self.format_type_any_width.val()
            == abi::pcie::format_type::MEMORY_READ_32.to_bits())
            | self.locked.val();
        self.foreign.next = (self.format_type.val() == abi::pcie::format_type::IO_READ.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::IO_WRITE.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::CONFIGURATION_READ_0.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::CONFIGURATION_READ_1.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::CONFIGURATION_WRITE_0.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::CONFIGURATION_WRITE_1.to_bits())
            | (self.format_type_any_width.val() == abi::pcie::format_type::FETCH_ADD_32.to_bits())
            | (self.format_type_any_width.val() == abi::pcie::format_type::SWAP_32.to_bits())
            | (self.format_type_any_width.val()
                == abi::pcie::format_type::COMPARE_SWAP_32.to_bits())
            | (self.format_type_any_width.val()
                == abi::pcie::format_type::DEFERRABLE_MEMORY_WRITE_32.to_bits());
        self.message.next = ((self.format_type.val() & 0xf8)
            == abi::pcie::format_type::MESSAGE.to_bits())
            | ((self.format_type.val() & 0xf8) == abi::pcie::format_type::MESSAGE_DATA.to_bits());
        self.completion.next = (self.format_type.val()
            == abi::pcie::format_type::COMPLETION.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::COMPLETION_DATA.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::COMPLETION_LOCKED.to_bits())
            | (self.format_type.val() == abi::pcie::format_type::COMPLETION_DATA_LOCKED.to_bits());
        self.poisoned.next = self.data.val().get_bit(abi::pcie::request::poisoned::SHIFT);
        self.digest.next = self.data.val().get_bit(abi::pcie::request::digest::SHIFT);

        // Length: 0 stands for 1024.
        self.length_field.next = bit_cast::<10, 8>(
            self.data
                .val()
                .get_bits::<8>(abi::pcie::request::length_low::SHIFT),
        ) | (bit_cast::<10, 2>(
            self.data
                .val()
                .get_bits::<2>(abi::pcie::request::length_high::SHIFT),
        ) << 8);
        self.length.next = bit_cast::<11, 10>(self.length_field.val());
        if !self.length_field.val().any() {
            self.length.next = 1024.into();
        }
        self.payload.next = 0.into();
        if self.with_data.val() {
            self.payload.next = self.length.val();
        }
        self.payload_beats.next = self.payload.val().get_bits::<9>(2);
        // Wraps from 0 to 1023 as it should.
        self.length_less_one.next = self.length_field.val() - 1;
        self.excess.next = self.length_less_one.val() & self.beyond_payload.val();

        // Address: big-endian, in bytes 8 to 11 of a short header, 8 to 15 of a long one.
        self.address_first.next = (bit_cast::<32, 8>(self.data.val().get_bits::<8>(64)) << 24)
            | (bit_cast::<32, 8>(self.data.val().get_bits::<8>(72)) << 16)
            | (bit_cast::<32, 8>(self.data.val().get_bits::<8>(80)) << 8)
            | bit_cast::<32, 8>(self.data.val().get_bits::<8>(88) & 0xfc);
        self.address_second.next = (bit_cast::<32, 8>(self.data.val().get_bits::<8>(96)) << 24)
            | (bit_cast::<32, 8>(self.data.val().get_bits::<8>(104)) << 16)
            | (bit_cast::<32, 8>(self.data.val().get_bits::<8>(112)) << 8)
            | bit_cast::<32, 8>(self.data.val().get_bits::<8>(120) & 0xfc);
        self.address_low.next = self.address_first.val();
        self.address_high.next = 0.into();
        if self.long.val() {
            self.address_low.next = self.address_second.val();
            self.address_high.next = self.address_first.val();
        }
        self.address.next = (bit_cast::<64, 32>(self.address_high.val()) << 32)
            | bit_cast::<64, 32>(self.address_low.val());
        self.bars.address.next = self.address.val();
        self.lane_address.next = self.address_low.val().get_bits::<8>(4);

        // Byte enables.
        self.first_enables.next = self
            .data
            .val()
            .get_bits::<4>(abi::pcie::request::first_enables::SHIFT);
        self.last_enables.next = self
            .data
            .val()
            .get_bits::<4>(abi::pcie::request::last_enables::SHIFT);
        self.one.next = self.length.val() == 1;
        self.two_aligned.next = (self.length.val() == 2) & !self.address_low.val().get_bit(2);
        // Once a byte is enabled in the first double word, all above it are; the reverse in the last.
        self.enables_contiguous.next = self.first_enables.val().get_bit(3)
            & (self.first_enables.val().get_bit(2) | !self.first_enables.val().get_bit(1))
            & (self.first_enables.val().get_bit(1) | !self.first_enables.val().get_bit(0))
            & (self.first_enables.val().get_bit(2) | !self.first_enables.val().get_bit(0))
            & self.last_enables.val().get_bit(0)
            & (self.last_enables.val().get_bit(1) | !self.last_enables.val().get_bit(2))
            & (self.last_enables.val().get_bit(2) | !self.last_enables.val().get_bit(3))
            & (self.last_enables.val().get_bit(1) | !self.last_enables.val().get_bit(3));
        self.enables_legal.next = self.enables_contiguous.val();
        if self.two_aligned.val() {
            self.enables_legal.next =
                self.first_enables.val().any() & self.last_enables.val().any();
        }
        if self.one.val() {
            self.enables_legal.next = !self.last_enables.val().any();
        }

        // One past the last double word, from the start of the 4 KiB page.
        self.page_end.next =
            bit_cast::<11, 10>(self.address_low.val().get_bits::<10>(2)) + self.length.val();

        self.plan.first_lane.next = self.address_low.val().get_bits::<2>(2);
        self.plan.length.next = self.payload.val().get_bits::<2>(0);
        self.plan.one.next = self.one.val();
        self.plan.long.next = self.long.val();
        self.plan.digest.next = self.digest.val();
        self.plan.first_enables.next = self.first_enables.val();
        self.plan.last_enables.next = self.last_enables.val();

        self.header.next.write = self.write.val();
        self.header.next.read = self.read.val();
        self.header.next.locked = self.locked.val();
        self.header.next.completion = self.completion.val();
        self.header.next.foreign = self.foreign.val();
        self.header.next.illegal = !(self.write.val()
            | self.read.val()
            | self.foreign.val()
            | self.message.val()
            | self.completion.val())
            | ((self.write.val() | self.read.val())
                & (!self.enables_legal.val() | (self.page_end.val() > 1024)))
            | (self.with_data.val() & self.excess.val().any())
            | (self.write.val() & self.poisoned.val());
        self.header.next.hit = self.bars.hit.val() & !self.locked.val() & !self.foreign.val();
        self.header.next.space = self.bars.space.val();
        self.header.next.offset = self.bars.offset.val();
        self.header.next.single =
            self.two_aligned.val() & self.first_enables.val().all() & self.last_enables.val().all();
        self.header.next.nothing = self.one.val() & !self.first_enables.val().any();
        self.header.next.length = self.length.val();
        self.header.next.first_enables = self.first_enables.val();
        self.header.next.last_enables = self.last_enables.val();
        self.header.next.requester = (bit_cast::<16, 8>(
            self.data
                .val()
                .get_bits::<8>(abi::pcie::request::requester_high::SHIFT),
        ) << 8)
            | bit_cast::<16, 8>(
                self.data
                    .val()
                    .get_bits::<8>(abi::pcie::request::requester_low::SHIFT),
            );
        self.header.next.tag = self
            .data
            .val()
            .get_bits::<8>(abi::pcie::request::tag::SHIFT);
        self.header.next.traffic_class = self
            .data
            .val()
            .get_bits::<3>(abi::pcie::request::traffic_class::SHIFT);
        self.header.next.attributes = self
            .data
            .val()
            .get_bits::<2>(abi::pcie::request::attributes::SHIFT);
        self.header.next.beats_after =
            self.payload_beats.val() + bit_cast::<9, 1>(self.plan.spills.val().into());
        self.header.next.shift = self.plan.shift.val();
        self.header.next.first_mask = self.plan.first_mask.val();
        self.header.next.final_mask = self.plan.final_mask.val();
        self.header.next.final_left = self.plan.final_left.val();
    }
}
