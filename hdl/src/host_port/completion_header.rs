//! Headers of completions, and the numbers they carry.

use crate::bundles::ReadRequest;
use rust_hdl::prelude::*;

/// How many bytes a read asks for, and where in its first double word they begin (2.2.9). Combinational.
///
/// Bytes count from the first enabled one to the last, those between included; a zero-length read counts as one byte.
#[derive(LogicBlock, Default)]
pub struct ReadSpan {
    /// Double words, 1 to 1024.
    pub length: Signal<In, Bits<11>>,
    /// Byte enables of the first double word.
    pub first_enables: Signal<In, Bits<4>>,
    /// Byte enables of the last double word; not looked at if there is only one.
    pub last_enables: Signal<In, Bits<4>>,
    /// Bytes, 1 to 4096.
    pub byte_count: Signal<Out, Bits<13>>,
    /// Bytes of the first double word below the first enabled one.
    pub lead: Signal<Out, Bits<2>>,
    end_enables: Signal<Local, Bits<4>>,
    trail: Signal<Local, Bits<2>>,
    lead_bytes: Signal<Local, Bits<2>>,
}

impl Logic for ReadSpan {
    #[hdl_gen]
    fn update(&mut self) {
        self.end_enables.next = self.last_enables.val();
        if self.length.val() == 1 {
            self.end_enables.next = self.first_enables.val();
        }
        self.lead_bytes.next = 0.into();
        if self.first_enables.val() == 0x8 {
            self.lead_bytes.next = 3.into();
        }
        if self.first_enables.val().get_bit(2) {
            self.lead_bytes.next = 2.into();
        }
        if self.first_enables.val().get_bit(1) {
            self.lead_bytes.next = 1.into();
        }
        if self.first_enables.val().get_bit(0) {
            self.lead_bytes.next = 0.into();
        }
        self.trail.next = 3.into();
        if self.end_enables.val().get_bit(1) {
            self.trail.next = 2.into();
        }
        if self.end_enables.val().get_bit(2) {
            self.trail.next = 1.into();
        }
        if self.end_enables.val().get_bit(3) {
            self.trail.next = 0.into();
        }
        self.lead.next = self.lead_bytes.val();
        self.byte_count.next = (bit_cast::<13, 11>(self.length.val()) << 2)
            - bit_cast::<13, 2>(self.lead_bytes.val())
            - bit_cast::<13, 2>(self.trail.val());
    }
}

/// The 12 bytes of a completion's header (2.2.9). Combinational.
#[derive(LogicBlock, Default)]
pub struct CompletionHeader {
    /// The request to answer.
    pub request: Signal<In, ReadRequest>,
    /// Unsupported Request without data, with the type that locked reads ask for (2.2.9), otherwise
    /// Successful Completion with data.
    pub refuse: Signal<In, Bit>,
    /// Bus, device and function of this end.
    pub completer_id: Signal<In, Bits<16>>,
    /// Double words of data in this completion, 1 to 32.
    pub length: Signal<In, Bits<6>>,
    /// Bytes still to come, those of this completion included: 1 to 4096.
    pub byte_count: Signal<In, Bits<13>>,
    /// Low address bits of the first byte of this completion.
    pub lower_address: Signal<In, Bits<7>>,
    /// 3 double words, byte 0 in bits 7 to 0.
    pub header: Signal<Out, Bits<96>>,
    format_type: Signal<Local, Bits<8>>,
    status: Signal<Local, Bits<3>>,
    length_low: Signal<Local, Bits<8>>,
    requester: Signal<Local, Bits<16>>,
    requester_high: Signal<Local, Bits<8>>,
    requester_low: Signal<Local, Bits<8>>,
    completer_high: Signal<Local, Bits<8>>,
    completer_low: Signal<Local, Bits<8>>,
    byte_count_high: Signal<Local, Bits<4>>,
    byte_count_low: Signal<Local, Bits<8>>,
}

impl Logic for CompletionHeader {
    #[hdl_gen]
    fn update(&mut self) {
        self.format_type.next = abi::pcie::format_type::COMPLETION_DATA.to_bits();
        self.status.next = abi::pcie::completion_status::SUCCESSFUL.to_bits();
        self.length_low.next = bit_cast::<8, 6>(self.length.val());
        if self.refuse.val() {
            self.format_type.next = abi::pcie::format_type::COMPLETION.to_bits();
            self.status.next = abi::pcie::completion_status::UNSUPPORTED_REQUEST.to_bits();
            self.length_low.next = 0.into();
            if self.request.val().locked {
                self.format_type.next = abi::pcie::format_type::COMPLETION_LOCKED.to_bits();
            }
        }
        self.requester.next = self.request.val().requester;
        self.requester_high.next = self.requester.val().get_bits::<8>(8);
        self.requester_low.next = self.requester.val().get_bits::<8>(0);
        self.completer_high.next = self.completer_id.val().get_bits::<8>(8);
        self.completer_low.next = self.completer_id.val().get_bits::<8>(0);
        self.byte_count_high.next = self.byte_count.val().get_bits::<4>(8);
        self.byte_count_low.next = self.byte_count.val().get_bits::<8>(0);

        // Each field at its place in `abi::pcie::completion`; traffic class and attributes where requests have them.
        self.header.next = bit_cast::<96, 8>(self.format_type.val())
            | (bit_cast::<96, 3>(self.request.val().traffic_class) << 12)
            | (bit_cast::<96, 2>(self.request.val().attributes) << 20)
            | (bit_cast::<96, 8>(self.length_low.val()) << 24)
            | (bit_cast::<96, 8>(self.completer_high.val()) << 32)
            | (bit_cast::<96, 8>(self.completer_low.val()) << 40)
            | (bit_cast::<96, 4>(self.byte_count_high.val()) << 48)
            | (bit_cast::<96, 3>(self.status.val()) << 53)
            | (bit_cast::<96, 8>(self.byte_count_low.val()) << 56)
            | (bit_cast::<96, 8>(self.requester_high.val()) << 64)
            | (bit_cast::<96, 8>(self.requester_low.val()) << 72)
            | (bit_cast::<96, 8>(self.request.val().tag) << 80)
            | (bit_cast::<96, 7>(self.lower_address.val()) << 88);
    }
}
